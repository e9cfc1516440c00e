"""Predictions in and out: what comes back, what is refused, and that refusing changes nothing."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nliexplorer.errors import NliError
from nliexplorer.records import ExampleRow, Prediction, Window
from nliexplorer.store.filters import parse_filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.workflow.export import guarded
from nliexplorer.workflow.predictions_file import ReadOptions, read_predictions
from tests.cli.conftest import Call
from tests.databases import metrics, pairs
from tests.realdata import real_data

SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
GOOD: dict[str, Any] = {
    "premise": "A man sleeps.",
    "hypothesis": "He is awake.",
    "label": "contradiction",
    "predicted_scores": [-1.5, 0.25, 3.0],
}


def _write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_logits_become_a_run(call: Call, tmp_path: Path) -> None:
    _write(tmp_path / "theirs.jsonl", GOOD, {**GOOD, "label": "neutral"})
    [run_id] = call("import", "theirs.jsonl", "--json").json["runs"]
    run = call("runs", "show", run_id, "--json").json
    assert (run["name"], run["objective"], run["status"]) == ("theirs", "imported", "done")
    assert run["summary"]["scores"] == "logits"
    assert run["metrics"]["dev"]["accuracy"] == 0.5
    row = call("examples", run_id, "--json").json[0]
    expected = np.exp(GOOD["predicted_scores"]) / np.exp(GOOD["predicted_scores"]).sum()
    np.testing.assert_allclose(list(row["probabilities"].values()), expected, rtol=1e-12)


def test_probabilities_where_every_row_is_one(call: Call, tmp_path: Path) -> None:
    p = {**GOOD, "predicted_scores": [0.2, 0.2, 0.6004]}
    _write(tmp_path / "p.jsonl", p, p)
    assert "scores read as probabilities" in call("import", "p.jsonl").out
    _write(tmp_path / "q.jsonl", p, GOOD)
    assert "scores read as logits" in call("import", "q.jsonl").out
    _write(tmp_path / "r.jsonl", p, {**p, "predicted_scores": [0.2, 0.2, 0.61]})
    assert "scores read as logits" in call("import", "r.jsonl").out


def test_labels_alone(call: Call, tmp_path: Path) -> None:
    row = {key: GOOD[key] for key in ("premise", "hypothesis", "label")}
    _write(tmp_path / "l.jsonl", {**row, "predicted_label": "Contradiction"})
    assert "labels alone" in call("import", "l.jsonl").out
    shown = call("examples", "latest", "--json").json[0]
    assert (shown["predicted"], shown["confidence"], shown["probabilities"]) == (
        "contradiction",
        None,
        None,
    )
    assert call("calibration", "latest").code == 1
    assert call("compare", "latest", "latest", "--json").json["metrics"][1]["a"] is None


def test_unlabelled_rows_are_counted(call: Call, tmp_path: Path) -> None:
    _write(tmp_path / "x.jsonl", GOOD, {**GOOD, "label": "-"}, {**GOOD, "label": -1}, GOOD)
    outcome = call("import", "x.jsonl")
    assert "left out: 2 rows with no gold label (line 2, 3)" in outcome.out
    assert len(call("examples", "latest", "--json").json) == 2


def test_names(call: Call, tmp_path: Path) -> None:
    _write(tmp_path / "x.jsonl", GOOD)
    for _ in range(3):
        assert call("import", "x.jsonl").code == 0
    assert [r["name"] for r in call("runs", "list", "--json").json] == ["x-3", "x-2", "x"]
    outcome = call("import", "x.jsonl", "--name", "x")
    assert (outcome.code, "x-4" in outcome.err) == (1, True)
    assert call("import", "x.jsonl", "--name", "mine", "--split", "test").code == 0
    assert list(call("runs", "show", "mine", "--json").json["metrics"]) == ["test"]


BAD: dict[str, Any] = {
    "nan": ({**GOOD, "predicted_scores": [float("nan"), 0, 1]}, "NaN"),
    "infinite": ({**GOOD, "predicted_scores": [float("inf"), 0, 1]}, "NaN or infinity"),
    "huge": ({**GOOD, "predicted_scores": [10**400, 0, 1]}, "not three numbers"),
    "two": ({**GOOD, "predicted_scores": [1, 2]}, "not three numbers"),
    "hundred": ({**GOOD, "predicted_scores": [0] * 100}, "not three numbers"),
    "words": ({**GOOD, "predicted_scores": ["a", "b", "c"]}, "not three numbers"),
    "truths": ({**GOOD, "predicted_scores": [True, False, False]}, "not three numbers"),
    "object": ({**GOOD, "predicted_scores": {"a": 1, "b": 2, "c": 3}}, "not three numbers"),
    "nothing": ({k: GOOD[k] for k in ("premise", "hypothesis", "label")}, "neither"),
    "no premise": ({k: v for k, v in GOOD.items() if k != "premise"}, "no field premise"),
    "number": ({**GOOD, "premise": 3}, "not text"),
    "null": ({**GOOD, "hypothesis": None}, "not text"),
    "label": ({**GOOD, "label": "maybe"}, "unknown label 'maybe'"),
    "label 7": ({**GOOD, "label": 7}, "nothing says what label 7 means (first on line 2)"),
    "label true": ({**GOOD, "label": True}, "is not known"),
    "predicted": ({**GOOD, "predicted_label": "entailment"}, "largest of predicted_scores"),
    "order": ({**GOOD, "predicted_label": 0}, "the largest of predicted_scores"),
    "surrogate": ({**GOOD, "premise": "\ud800"}, "surrogate"),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_a_bad_row_is_named_and_nothing_is_written(call: Call, tmp_path: Path, case: str) -> None:
    row, message = BAD[case]
    _write(tmp_path / "x.jsonl", GOOD, row)
    outcome = call("import", "x.jsonl")
    assert outcome.code == 1
    assert "line 2" in outcome.err
    assert message in outcome.err
    assert len(outcome.err.splitlines()) == 2
    assert not (tmp_path / "runs.db").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"{}\n", "no column for premise"),
        (b"[1, 2]\n", "not a JSON object"),
        (b'{"premise": "a', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"premise": "\xff"}\n', "no column for hypothesis"),
        (b'{"premise": "\xc3\xa9\xff\xc3\xa9"}\n', "not UTF-8"),
        (b"\x00" * 100, "not JSON"),
    ],
)
def test_a_bad_file_is_refused(call: Call, tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.jsonl").write_bytes(content)
    outcome = call("import", "x.jsonl")
    assert (outcome.code, message in outcome.err) == (1, True), outcome.err
    assert not (tmp_path / "runs.db").exists()


def test_rows_with_and_without_scores(call: Call, tmp_path: Path) -> None:
    alone = {k: GOOD[k] for k in ("premise", "hypothesis", "label")} | {"predicted_label": 1}
    _write(tmp_path / "x.jsonl", GOOD, alone)
    outcome = call("import", "x.jsonl")
    assert (outcome.code, "line 2 has none" in outcome.err) == (1, True)


def test_missing_and_unknown_files(call: Call, tmp_path: Path) -> None:
    assert "no such file" in call("import", "nosuch.jsonl").err
    (tmp_path / "x.doc").write_text("")
    assert "--format" in call("import", "x.doc").err
    (tmp_path / "x.doc").write_text(json.dumps(GOOD))
    assert call("import", "x.doc", "--format", "jsonl").code == 0
    (tmp_path / "folder.jsonl").mkdir()
    assert call("import", "folder.jsonl").code == 1
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nonsense")
    assert "not a sound Parquet" in call("import", "x.parquet").err


def test_bom_and_crlf_and_nul_and_original_names(call: Call, tmp_path: Path) -> None:
    row = {"sentence1": "a\u0000b\u2028c", "sentence2": "", "gold_label": "entailment"}
    text = "\ufeff" + json.dumps({**row, "predicted_label": "e"}, ensure_ascii=False) + "\r\n\r\n"
    (tmp_path / "x.jsonl").write_bytes(text.encode())
    assert call("import", "x.jsonl").code == 0
    shown = call("examples", "latest", "--json").json[0]
    assert (shown["premise"], shown["hypothesis"]) == ("a\u0000b\u2028c", "")


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_what_goes_out_comes_back(call: Call, database: Path, suffix: str) -> None:
    assert call("export", "first", "--out", f"x.{suffix}").code == 0
    assert call("import", f"x.{suffix}", "--name", "back").code == 0
    with StoreReader(database) as reader:
        one, two = reader.runs.get("first").id, reader.runs.get("back").id
        assert [_known(row) for row in reader.predictions.rows(reader.runs.evaluation(two))] == [
            _known(row) for row in reader.predictions.rows(reader.runs.evaluation(one))
        ]
        assert reader.runs.get("back").summary["scores"] == "logits"
        a, b, only_a, only_b = reader.predictions.paired(
            reader.runs.evaluation(one), reader.runs.evaluation(two)
        )
    assert (only_a, only_b, len(a)) == (0, 0, 200)
    assert a.logits is not None
    assert a.probabilities is not None
    assert b.logits is not None
    assert b.probabilities is not None
    np.testing.assert_array_equal(a.logits, b.logits)
    np.testing.assert_allclose(a.probabilities, b.probabilities, rtol=1e-14)


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_formulas_and_apostrophes_come_back(call: Call, tmp_path: Path, suffix: str) -> None:
    texts = ["=1+1", "'=1+1", "''x", "-a", "\n=1", 'a "b", c']
    rows = [{**GOOD, "premise": text, "hypothesis": text[::-1]} for text in texts]
    _write(tmp_path / "x.jsonl", *rows, rows[0])
    assert call("import", "x.jsonl", "--name", "one").code == 0
    call("export", "one", "--out", f"x.{suffix}", "--force")
    assert call("import", f"x.{suffix}", "--name", "two").code == 0
    first, second = (call("examples", name, "--json").json for name in ("one", "two"))
    assert [row["premise"] for row in second] == [*texts, texts[0]]
    assert [row["example_id"] for row in second] == [row["example_id"] for row in first]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_windows_and_cuts_come_back(call: Call, database: Path, suffix: str) -> None:
    examples = pairs(4)
    windows = (Window(2, 3), Window(1, 2), None, None)
    truncated = (False, False, True, None)
    with StoreWriter(database) as writer:
        run = writer.create_run(name="long", objective="external", data="d", model="m")
        answers = [
            Prediction(0, (2.0, 1.0, 0.0), truncated=cut, window=window)
            for cut, window in zip(truncated, windows, strict=True)
        ]
        writer.store_evaluation(run.id, "dev", examples, answers, metrics(examples, answers))
    assert call("export", "long", "--out", f"x.{suffix}").code == 0
    assert call("import", f"x.{suffix}", "--name", "back").code == 0
    with StoreReader(database) as reader:
        evaluation = reader.runs.evaluation("back")
        rows = reader.predictions.rows(evaluation)
        assert [row.window for row in rows] == list(windows)
        assert [row.truncated for row in rows] == list(truncated)
        for text, positions in (
            ("window:2", [0]),
            ("window:1", [1]),
            ("windows:>1", [0, 1]),
            ("windows:3", [0]),
            ("-windows:3", [1, 2, 3]),
            ("-window:<=1", [0, 2, 3]),
            ("window:>2", []),
            ("windows:>1 sort:-window", [0, 1]),
        ):
            passing = reader.predictions.rows(evaluation, parse_filter(text))
            assert [row.position for row in passing] == positions, text


def _known(row: ExampleRow) -> ExampleRow:
    """Without the softmax, which is computed again."""
    return replace(row, probabilities=None, confidence=None)


def test_export_filters_and_refuses(call: Call, database: Path, tmp_path: Path) -> None:
    assert call("export", "first", "--wrong", "--out", "x.jsonl").code == 0
    wrong = len(call("errors", "first", "--json").json)
    assert len((tmp_path / "x.jsonl").read_text().splitlines()) == wrong
    outcome = call("export", "first", "--out", "x.jsonl")
    assert (outcome.code, "exists" in outcome.err) == (1, True)
    assert call("export", "first", "--out", "x.jsonl", "--force").code == 0
    assert call("export", "first", "--out", "x.xml").code == 1
    assert call("export", "first", "--out", "nowhere/x.csv").code == 1
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(call: Call, tmp_path: Path, text: str) -> None:
    _write(tmp_path / "x.jsonl", {**GOOD, "premise": text})
    call("import", "x.jsonl")
    call("export", "latest", "--out", "x.csv")
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as stream:
        [row] = csv.DictReader(stream)
    assert row["premise"] == guarded(text) == f"'{text}"


@given(st.binary(max_size=300), st.sampled_from(["jsonl", "csv", "tsv", "parquet"]))
@settings(max_examples=150, suppress_health_check=SLOW)
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes, kind: str) -> None:
    (tmp_path / "fuzz").write_bytes(data)
    with pytest.raises(NliError):
        read_predictions(tmp_path / "fuzz", ReadOptions(kind))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "predicted_label", "scores", "source_id"]), _json))
@settings(max_examples=200, suppress_health_check=SLOW)
def test_any_fields_are_read_or_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    _write(tmp_path / "fuzz.jsonl", {**GOOD, **changed})
    try:
        read = read_predictions(tmp_path / "fuzz.jsonl")
    except NliError:
        return
    assert len(read.examples) == len(read.scores) == len(read.predicted) == 1


EXPECTED = {  # from the data's own page
    "electra_small_a": (0.9001, 0.3004, 0.1575, 0.0286, 0.9751, 0.9613, 983),
    "hypothesis_only": (0.6978, 0.7174, 0.4123, 0.0542, 0.8655, 0.8586, 2974),
}


def test_real_predictions_have_their_published_figures(call: Call) -> None:
    for name, expected in EXPECTED.items():
        path = real_data("reference_predictions", f"{name}.jsonl")
        assert call("import", path).code == 0
        run = call("runs", "show", name, "--json").json
        m = run["metrics"]["dev"]
        actual = [m["accuracy"], m["nll"], m["brier"], m["ece"], m["roc_auc_macro"]]
        np.testing.assert_allclose([*actual, m["roc_auc_neutral"]], expected[:6], atol=1e-4)
        assert m["n"] == 9842
        assert len(call("errors", name, "--json").json) == expected[6]
        calibration = call("calibration", name, "--json").json
        figures = [calibration["nll"], calibration["brier"], calibration["ece"]]
        np.testing.assert_allclose(figures, expected[1:4], atol=1e-4)
        assert calibration["n"] == 9842
    result = call("compare", "electra_small_a", "hypothesis_only", "--json").json
    assert result["n"] == 9842
    assert result["fixed"] + result["both_wrong"] == 983
    assert result["broken"] + result["both_wrong"] == 2974
    deltas = {metric["name"]: metric["delta"] for metric in result["metrics"]}
    assert abs(deltas["accuracy"] - (0.6978 - 0.9001)) < 2e-4
