"""The read commands: JSON as the interface has it, and tables."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from scipy.stats import false_discovery_control

from nliexplorer.records import LABELS, Example
from nliexplorer.store.filters import Filter, parse_filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.cli.conftest import Call
from tests.databases import add_run, pairs

HOSTILE = "[red]x[/red] \x1b]0;owned\x07 \x1b[2J \u202egnp.exe =cmd()|'calc'"


def test_examples_json(call: Call, database: Path) -> None:
    rows = call("examples", "first", "--json").json
    assert len(rows) == 200
    assert list(rows[0]) == [
        "example_id", "premise", "hypothesis", "gold", "predicted", "confidence",
        "probabilities", "length",
    ]  # fmt: skip
    assert set(rows[0]["probabilities"]) == set(LABELS)
    with StoreReader(database) as reader:
        assert rows == [
            row.as_dict() for row in reader.predictions.rows(reader.runs.evaluation("first"))
        ]


def test_errors_are_examples_wrong(call: Call, database: Path) -> None:
    errors = call("errors", "first", "--json").json
    assert errors == call("examples", "first", "--wrong", "--json").json
    assert errors
    assert all(row["gold"] != row["predicted"] for row in errors)
    right = call("examples", "first", "--right", "--json").json
    assert len(errors) + len(right) == 200


@pytest.mark.parametrize(
    "text",
    [
        "gold:neutral pred:contradiction",
        "wrong len:>=20 conf:>=0.5 sort:-conf",
        "right len:10-20 limit:5",
        "fixed-by:second",
        "broken-by:second sort:length",
        '"is sleeping" dog',
        "text:wrong",
        "id:a",
        "tag:odd",
    ],
)
def test_the_bar_and_the_flags_say_the_same(call: Call, database: Path, text: str) -> None:
    required = parse_filter(text)
    words = shlex.split(required.to_command("first"))
    assert words[0] == "nliexplorer"
    result = [row["example_id"] for row in call(*words[1:], "--json").json]
    with StoreReader(database) as reader:
        expected = reader.predictions.rows(reader.runs.evaluation("first"), required)
    assert result == [row.example_id for row in expected]


def test_flags_with_a_space(call: Call, database: Path) -> None:
    for flags in (["--sort", "-confidence"], ["--gold", "neutral"], ["--where", "gini:<0.5 wrong"]):
        assert call("examples", "first", *flags, "--json").code == 0


def test_attributions(call: Call, database: Path) -> None:
    rows = call("errors", "first", "--attributions", "--json").json
    assert all(set(row["attributions"][0]) == {"token", "segment", "score"} for row in rows)
    assert all(row["completeness_delta"] == 0.01 for row in rows)
    right = call("examples", "first", "--right", "--attributions", "--json").json
    assert all(row["attributions"] == [] and row["completeness_delta"] is None for row in right)
    table = call("errors", "first", "--attributions", "--limit", "3")
    assert "++" in table.out  # in a pipe, signs stand for colours
    assert "3 of" in table.out


def test_a_table_says_how_many(call: Call, database: Path) -> None:
    shown = call("examples", "first").out
    assert "20 of 200 pairs; more with --limit 200" in shown
    assert "no pair passes the filter" in call("examples", "first", "--contains", "zebra").out
    assert call("examples", "first", "--contains", "zebra", "--json").json == []


def test_runs_json(call: Call, database: Path) -> None:
    runs = call("runs", "list", "--json").json
    assert [run["name"] for run in runs] == ["second", "first"]
    assert list(runs[0]) == [
        "id", "name", "objective", "status", "data", "model", "seed", "created_at",
        "train_seconds", "metrics",
    ]  # fmt: skip
    assert list(runs[0]["metrics"]["dev"]) == [
        "n", "accuracy", "roc_auc_macro", "roc_auc_neutral", "nll", "brier", "ece", "eval_seconds",
        "unanswered", "unlabelled",
    ]  # fmt: skip
    shown = call("runs", "show", "latest", "--json").json
    assert {**runs[0], "config": {}, "command": "train"}.items() <= shown.items()
    assert "second" in call("runs", "list").out
    assert call("runs").out == call("runs", "list").out
    assert "repeat it with" in call("runs", "show", "first").out


def test_runs_rename_and_rm(call: Call, database: Path) -> None:
    assert call("runs", "rename", "first", "second").code == 1
    assert call("runs", "rename", "first", "better").code == 0
    assert call("runs", "rm", "better", "nosuch").code == 1
    assert {run["name"] for run in call("runs", "list", "--json").json} == {"better", "second"}
    assert call("runs", "rm", "better").code == 0
    assert [run["name"] for run in call("runs", "list", "--json").json] == ["second"]
    assert call("runs", "rm", "second", "--yes").code == 0
    assert "no runs yet" in call("runs", "list").out


def test_runs_merge(call: Call, database: Path, tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "other.db") as writer:
        run, _ = add_run(writer, "first", [Example("p", "h", 0)], 1)
    outcome = call("runs", "merge", "other.db")
    assert "'first' is named 'first-2' here" in outcome.out
    assert call("runs", "merge", "other.db", "--json").json["present"] == [run.id]
    assert len(call("runs", "list", "--json").json) == 3
    assert call("runs", "merge", "nosuch.db").code == 1


def test_compare(call: Call, database: Path) -> None:
    result = call("compare", "first", "second", "--json").json
    assert result["n"] == 200
    fixed = call("examples", "first", "--fixed-by", "second", "--json").json
    broken = call("examples", "first", "--broken-by", "second", "--json").json
    assert (result["fixed"], result["broken"]) == (len(fixed), len(broken))
    names = [metric["name"] for metric in result["metrics"]]
    assert names[:6] == ["accuracy", "roc_auc_macro", "roc_auc_neutral", "nll", "brier", "ece"]
    assert "McNemar" in call("compare", "first", "second").out
    some = call("compare", "first", "second", "--gold", "neutral", "--json").json
    assert 0 < some["n"] < 200


def test_compare_says_what_was_left_out(call: Call, database: Path) -> None:
    with StoreReader(database) as reader:
        ids = reader.predictions.arrays(reader.runs.evaluation("first")).example_ids
        examples = reader.examples.by_id(ids)[:150]
    with StoreWriter(database) as writer:
        add_run(writer, "partial", examples, 5, split="mine")
        add_run(writer, "elsewhere", [Example("p", "h", 0)], 5)
    result = call("compare", "first", "partial", "--json").json
    assert (result["n"], result["left_out_a"], result["left_out_b"]) == (150, 50, 0)
    assert "150 pairs compared" in " ".join(call("compare", "first", "partial").out.split())
    outcome = call("compare", "first", "elsewhere")
    assert (outcome.code, "no pair in common" in outcome.err) == (1, True)


def test_calibration(call: Call, database: Path) -> None:
    result = call("calibration", "first", "--json").json
    assert result["n"] == 200
    assert [round(b["low"], 1) for b in result["bins"]] == [i / 10 for i in range(10)]
    assert sum(b["n"] for b in result["bins"]) == 200
    assert {
        "ece", "mce", "nll", "brier", "r2", "temperature", "ece_after_temperature",
        "nll_after_temperature",
    } <= set(result)  # fmt: skip
    shown = call("calibration", "first").out
    assert shown.startswith("first · dev · 200 pairs")
    assert "temperature" in shown


def test_slices(call: Call, database: Path) -> None:
    rows = call("slices", "first", "--json").json
    assert sum(row["n"] for row in rows) == 200
    assert {"slice", "n", "error_rate", "ci_low", "ci_high"} <= set(rows[0])
    gold = {row["slice"]: row for row in call("slices", "first", "--by", "gold", "--json").json}
    neutral = call("examples", "first", "--gold", "neutral", "--json").json
    assert gold["neutral"]["n"] == len(neutral)
    both = call("slices", "first", "second", "--by", "gold", "--by", "negation", "--json").json
    assert {row["run"] for row in both} == {"first", "second"}
    assert "difference" in both[0]
    assert "neutral" in call("slices", "first", "second", "--by", "gold").out
    outcome = call("slices", "first", "--by", "colour")
    assert (outcome.code, "length" in outcome.err) == (1, True)


def test_hostile_text_is_shown_not_obeyed(call: Call, tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "runs.db") as writer:
        add_run(writer, "[bold]name[/bold] :smile:", [Example(HOSTILE, HOSTILE, 0)] * 3, 1)
        with StoreReader(writer.path) as reader:
            key = reader.predictions.rows(reader.runs.evaluation(reader.runs.all()[0].id))[
                0
            ].example_id
        writer.tag(key, "[link=http://x]t[/link]")
    for command in (
        ["examples", "latest"],
        ["examples", "latest", "--attributions"],
        ["runs", "list"],
        ["runs", "show", "latest"],
        ["compare", "latest", "latest"],
        ["slices", "latest", "latest"],
        ["errors", "[/red]\x1b[2J"],
        ["examples", "latest", "--json"],
    ):
        outcome = call(*command)
        text = outcome.out + outcome.err
        assert not set(text) & {"\x07", "\u202e"}, command
        assert "\x1b[2J" not in text
        assert "\x1b]" not in text
        assert "Traceback" not in text
    assert "[red]x[/red]" in call("examples", "latest").out
    assert "[link=http://x]t[/link]" in call("examples", "latest").out
    assert ":smile:" in call("runs", "list").out


def test_json_holds_nothing_else(call: Call, database: Path) -> None:
    for command in (["errors", "first"], ["runs", "list"], ["calibration", "first"]):
        outcome = call(*command, "--json")
        json.loads(outcome.out)
        assert outcome.err == ""
    assert Filter().to_command("first") == "nliexplorer examples first"


def test_fig_9_beside_table_1(call: Call, database: Path) -> None:
    result = call("compare", "first", "second", "--confusion", "--json").json
    for side in "ab":
        counts = result["confusion"][side]["counts"]
        right = sum(counts[i][i] for i in range(3))
        assert sum(map(sum, counts)) == 200
        assert right / 200 == pytest.approx(result["metrics"][0][side])
    table = call("compare", "first", "second", "--confusion").out
    assert "A · first" in table
    assert "B − A" in table
    assert "confusion" not in call("compare", "first", "second", "--json").json
    assert call("compare", "first", "second", "--group", "--confusion").code == 2


def test_fig_10_as_published_warns(call: Call, database: Path) -> None:
    result = call("calibration", "first", "--paper", "--json").json
    assert result["n"] == 200
    assert result["n_used"] == sum(each["n"] for each in result["bins"]) < 200
    table = call("calibration", "first", "--paper").out
    assert "raw logits are not probabilities" in table
    assert f"{result['n_used']} of 200" in table


def test_fig_10_as_published_needs_logits(call: Call, tmp_path: Path) -> None:
    row = {"premise": "p", "hypothesis": "h", "label": "neutral", "predicted_scores": [0.1, 0.9, 0]}
    (tmp_path / "p.jsonl").write_text(json.dumps(row) + "\n")
    assert call("import", "p.jsonl", "--name", "p").code == 0
    refused = call("calibration", "p", "--paper")
    assert refused.code == 1
    assert "no logits" in refused.err


def test_the_hard_subset_is_a_slice(call: Call, database: Path) -> None:
    rows = call("slices", "first", "--by", "hypothesis-only", "--json").json
    assert {row["slice"] for row in rows} == {"hard", "solvable"}
    assert sum(row["n"] for row in rows) == 200
    every = call("slices", "first", "second", "--by", "all", "--json").json
    assert {"gold", "length", "overlap", "hypothesis-only"} <= {row["key"] for row in every}
    q = [row["difference"]["q"] for row in every if row["run"] == "first"]
    p = [row["difference"]["p"] for row in every if row["run"] == "first"]
    assert q == pytest.approx(false_discovery_control(p).tolist())


def test_the_slice_finder(call: Call, database: Path) -> None:
    rows = call("slices", "first", "second", "--find", 5, "--json").json
    assert len(rows) == 5
    assert not any(
        part in ("predicted", "confidence") or part.startswith("attribution-")
        for row in rows
        for part in row["key"].split(" & ")
    )
    table = call("slices", "first", "second", "--find", 2)
    assert table.code == 0
    assert "Benjamini–Hochberg" in table.out
    assert call("slices", "first", "--find", 5).code == 2


def test_the_slice_finder_tries_the_keys_it_is_given(call: Call, database: Path) -> None:
    keys = ("--by", "gold", "--by", "negation", "--json")
    rows = call("slices", "first", "second", "--find", 50, *keys).json
    assert {part for row in rows for part in row["key"].split(" & ")} == {"gold", "negation"}
    assert {row["family"] for row in rows} == {len(rows)}
    every = call("slices", "first", "second", "--find", 500, "--json").json
    assert {row["slice"] for row in rows} < {row["slice"] for row in every}
    assert call("slices", "first", "second", "--find", 500, "--by", "all", "--json").json == every


def test_slices_of_three_runs_compare_each_with_the_first(call: Call, database: Path) -> None:
    with StoreWriter(database) as writer:
        add_run(writer, "third", pairs(200), 3)
    keys = ("--by", "gold", "--by", "negation", "--json")
    rows = call("slices", "first", "second", "third", *keys).json
    assert list(dict.fromkeys(row["run"] for row in rows)) == ["first", "second", "third"]
    assert not any("difference" in row for row in rows if row["run"] == "first")
    for name in ("second", "third"):
        two = call("slices", "first", name, *keys).json
        assert [r for r in rows if r["run"] == name] == [r for r in two if r["run"] == name]
    shown = call("slices", "first", "second", "third", "--by", "gold")
    assert shown.err == ""
    neutral = shown.out.split("neutral ")[1].split("contradiction")[0]
    for row in rows:
        if row["slice"] == "neutral":
            assert f"{row['error_rate'] * 100:.1f}" in neutral
    assert [word for word in neutral.split() if word in "ABC"] == ["A", "B", "C"]


def test_the_slice_finder_with_three_runs_says_whose_each_slice_is(
    call: Call, database: Path
) -> None:
    with StoreWriter(database) as writer:
        add_run(writer, "third", pairs(200), 3)
    rows = call("slices", "first", "second", "third", "--find", 3, "--json").json
    assert [row.pop("run") for row in rows] == ["second"] * 3 + ["third"] * 3
    assert rows[3:] == call("slices", "first", "third", "--find", 3, "--json").json
    shown = call("slices", "first", "second", "third", "--find", 2).out
    assert "B − A" in shown
    assert "C − A" in shown


def test_slices_of_more_runs_than_fit_side_by_side_are_refused(call: Call, database: Path) -> None:
    assert call("slices", *["first", "second"] * 4).code == 0
    assert call("slices", *["first", "second"] * 4, "first").code == 2


def test_unreliable_attributions_are_marked(call: Call, database: Path) -> None:
    assert "unreliable" not in call("errors", "first", "--attributions").out
    with StoreWriter(database) as writer:
        writer._connection.execute(
            "update attributions set completeness_delta = 1e6 where id in "
            "(select min(id) from attributions)"
        )
    shown = call("errors", "first", "--attributions", "--limit", 200).out
    assert shown.count("⚠ unreliable") == 1
    outcome = call("artefacts", "first", "--top", 50).out
    assert "⚠ first: 1 of" in outcome


def test_slices_by_fields_of_the_filter_language(call: Call, database: Path) -> None:
    rows = call("slices", "first", "--by", "is", "--by", "margin", "--json").json
    by_key = {key: [row for row in rows if row["key"] == key] for key in ("is", "margin")}
    assert {row["slice"]: row["error_rate"] for row in by_key["is"]} == {"right": 0.0, "wrong": 1.0}
    assert sum(row["n"] for row in by_key["margin"]) == 200
    assert len(by_key["margin"]) > 2
    assert {row["cut_by"] for row in rows} == {"first"}
    rates = [row["error_rate"] for row in by_key["margin"]]
    assert rates[0] > rates[-1]  # the smaller the margin, the more errors
    wrong = call("slices", "first", "--by", "text")
    assert (wrong.code, wrong.err.count("\n")) == (1, 2)
    assert "no one value for each pair" in wrong.err
    assert call("slices", "first", "--by", "colour").code == 1
