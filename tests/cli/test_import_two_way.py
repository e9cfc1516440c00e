"""`import` of two-way models' predictions: entailment and not_entailment, in any spelling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nliexplorer.records import NON_ENTAILMENT, EvaluationRef
from nliexplorer.store.reader import StoreReader
from tests.cli.conftest import Call

ANSWERS = (0.9, 0.2, 0.6, 0.3)  # P(entailment) of four pairs
THREE_WAY = ("entailment", "neutral", "contradiction", "contradiction")
TWO_LABELS = ("entailment", "not_entailment", "not_entailment", "not_entailment")


def write(gold: tuple[str, ...], fields: Any) -> str:
    rows = [
        {"premise": f"p{i}", "hypothesis": f"h{i}", "label": label, **fields(p)}
        for i, (p, label) in enumerate(zip(ANSWERS, gold, strict=True))
    ]
    Path("f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return "f.jsonl"


def reversed_scores(p: float) -> dict[str, Any]:
    return {"predicted_scores": [1 - p, p]}


def word(p: float) -> str:
    return "Entailment" if p > 0.5 else "not_entailment"


@pytest.mark.parametrize("gold", [THREE_WAY, TWO_LABELS])
@pytest.mark.parametrize(
    ("fields", "options"),
    [
        (reversed_scores, ("--predicted-labels", "not_entailment,entailment")),
        (lambda p: {**reversed_scores(p), "predicted_label": word(p)}, ()),
        (lambda p: {"predicted_scores": {"NOT-ENTAILMENT": 1 - p, "entailment": p}}, ()),
        (lambda p: {"p_not_entailment": 1 - p, "p_entailment": p}, ()),
    ],
    ids=["stated", "proved by words", "by name in a cell", "by name in columns"],
)
def test_two_scores_are_stored_as_two_way(
    call: Call, gold: tuple[str, ...], fields: Any, options: tuple[str, ...]
) -> None:
    done = call("import", write(gold, fields), "--name", "two", *options, "--json")
    assert done.code == 0, done.err
    with StoreReader("runs.db") as reader:
        run = reader.runs.get("two")
        arrays = reader.predictions.arrays(EvaluationRef(run.id, "dev"))
    assert arrays.predicted.tolist() == [0, NON_ENTAILMENT, 0, NON_ENTAILMENT]
    assert arrays.probabilities is not None
    assert arrays.probabilities[:, 0].tolist() == pytest.approx(ANSWERS)
    assert run.metrics["dev"].accuracy == 0.75  # the third pair alone is wrong


def test_an_order_of_two_scores_that_nothing_shows_is_refused(call: Call) -> None:
    done = call("import", write(THREE_WAY, reversed_scores))
    assert (done.code, len(done.err.strip().splitlines())) == (1, 2)
    assert "nothing says which is that of entailment" in done.err
    assert "--predicted-labels entailment,non-entailment" in done.err
    assert not Path("runs.db").exists()


def test_an_export_of_a_two_way_run_is_read_back(call: Call) -> None:
    stated = ("--predicted-labels", "not_entailment,entailment")
    assert call("import", write(THREE_WAY, reversed_scores), "--name", "a", *stated).code == 0
    for number, suffix in enumerate(("csv", "jsonl")):
        assert call("export", "a", "--out", f"x.{suffix}").code == 0
        done = call("import", f"x.{suffix}", "--name", f"b{number}")
        assert done.code == 0, done.err
        with StoreReader("runs.db") as reader:
            a, b = (
                reader.predictions.arrays(EvaluationRef(reader.runs.get(name).id, "dev"))
                for name in ("a", f"b{number}")
            )
        assert b.predicted.tolist() == a.predicted.tolist()
        assert a.probabilities is not None
        assert b.probabilities is not None
        assert b.probabilities.ravel().tolist() == pytest.approx(a.probabilities.ravel().tolist())


def test_artefacts_of_two_labels_are_those_of_two_classes(call: Call) -> None:
    rows = [
        {
            "premise": f"p{i}",
            "hypothesis": ("nobody" if i % 3 else "somebody") + f" sleeps {i % 4}",
            "label": "not_entailment" if i % 3 else "entailment",
            "predicted_label": "entailment",
        }
        for i in range(30)
    ]
    Path("f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert call("import", "f.jsonl", "--name", "two").code == 0
    shown = call("artefacts", "two")
    assert shown.code == 0, shown.err
    assert "majority 66.7%" in shown.out
    words = call("artefacts", "two", "--top", 1, "--json").json["words"]
    assert {w["label"]: w["word"] for w in words} == {
        "entailment": "somebody",
        "non-entailment": "nobody",
    }
