"""Imported predictions: what numbers mean, however scores are laid out, and what is told of it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nliexplorer.analysis.label_order import better_order
from nliexplorer.records import LABELS
from nliexplorer.store.reader import StoreReader
from tests.cases import case
from tests.cli.conftest import Call

Row = dict[str, Any]
N = 60


def rows(
    gold: Callable[[int], Any] = LABELS.__getitem__, model: tuple[int, int, int] = (0, 1, 2)
) -> list[Row]:
    """Pairs of which four of five are right. `gold` writes a label; `model[k]` is the class of the
    model's number k.
    """
    made = []
    for n in range(N):
        label = n % 3
        predicted = (label + 1) % 3 if n % 5 == 0 else label
        scores = [-1.0, -1.0, -1.0]
        scores[model.index(predicted)] = 2.0 + n / N
        made.append(
            {
                "premise": f"Premise {n}.",
                "hypothesis": f"Hypothesis {n}.",
                "label": gold(label),
                "predicted_label": model.index(predicted),
                "predicted_scores": scores,
            }
        )
    return made


def write(name: str, made: list[Row]) -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in made), "utf-8")
    return name


def accuracy(call: Call, *arguments: str) -> float:
    outcome = call("import", *arguments, "--json")
    assert outcome.code == 0, outcome.err
    run = call("runs", "show", outcome.json["runs"][0], "--json").json
    return float(run["metrics"]["dev"]["accuracy"])


def told(text: str) -> str:
    return " ".join(text.split())


SBERT = (2, 0, 1)  # contradiction, entailment, neutral


def test_words_beside_the_numbers_prove_the_order_of_both_columns(call: Call) -> None:
    made = rows(SBERT.index, SBERT)
    for n, row in enumerate(made):
        row["label_text"] = LABELS[n % 3]
    assert accuracy(call, write("x.jsonl", made)) == 0.8
    shown = call("examples", "latest", "--json").json[1]
    assert shown["gold"] == shown["predicted"] == "neutral"
    assert shown["probabilities"]["neutral"] > 0.8


def test_two_numbers_are_refused_until_they_are_stated(call: Call, tmp_path: Path) -> None:
    write("x.jsonl", rows(lambda label: min(label, 1)))
    outcome = call("import", "x.jsonl")
    assert (outcome.code, len(outcome.err.splitlines())) == (1, 2)
    assert "nothing says what label 0, 1 means" in outcome.err
    assert "--labels entailment,non-entailment" in outcome.err
    assert not (tmp_path / "runs.db").exists()
    assert accuracy(call, "x.jsonl", "--labels", "entailment,non-entailment") == pytest.approx(
        52 / 60
    )


def test_a_model_in_another_order_is_reported_with_the_command_that_mends_it(call: Call) -> None:
    write("x.jsonl", rows(lambda label: label, SBERT))
    outcome = call("import", "x.jsonl")
    messages = told(outcome.err)
    assert "labels 0, 1, 2 are read as entailment, neutral, contradiction by convention" in messages
    assert "accuracy is 0.0% as they are read, 80.0% in another order (60 pairs)" in messages
    command = "nliexplorer import x.jsonl --predicted-labels contradiction,entailment,neutral"
    assert command in messages
    assert accuracy(call, *command.split()[2:]) == 0.8
    assert command in told(call("compare", "x", "x-2").err)
    assert command in told(call("doctor").out)
    summary = call("runs", "show", "x", "--json").json["summary"]
    assert summary["labels_dev"]["gold"] == "convention"
    assert any("by convention" in note for note in summary["notes"])


def test_the_command_for_a_model_counts_from_the_order_it_is_read_in(call: Call) -> None:
    """Gold stated in SBERT's order, the model numbered as usual."""
    write("x.jsonl", rows(SBERT.index))
    outcome = call("import", "x.jsonl", "--labels", "contradiction,entailment,neutral")
    command = told(outcome.err).split("classes so: ", 1)[1]
    assert command.endswith("--predicted-labels entailment,neutral,contradiction")
    assert accuracy(call, *command.split()[2:]) == 0.8


def test_gold_in_another_order_is_reported_too(call: Call) -> None:
    made = rows(SBERT.index)
    for row in made:
        row["predicted_label"] = LABELS[row["predicted_label"]]
        row["predicted_scores"] = dict(zip(LABELS, row["predicted_scores"], strict=True))
    messages = told(call("import", write("x.jsonl", made)).err)
    assert "--labels contradiction,entailment,neutral" in messages
    assert "if the model numbers" not in messages
    assert accuracy(call, "x.jsonl", "--labels", "contradiction,entailment,neutral") == 0.8


def test_a_bad_model_in_the_right_order_is_not_suspected(call: Call) -> None:
    generator = random.Random(0)
    made = rows(lambda label: label)
    for row in made:
        generator.shuffle(row["predicted_scores"])
        del row["predicted_label"]
    assert "likely wrong" not in call("import", write("x.jsonl", made)).err


def test_predicted_labels_prove_the_order_of_the_scores(call: Call) -> None:
    made = rows(model=SBERT)
    for row in made:
        row["predicted_label"] = LABELS[SBERT[row["predicted_label"]]]
    outcome = call("import", write("x.jsonl", made))
    assert "the scores are in the order contradiction, entailment, neutral" in told(outcome.err)
    assert call("runs", "show", "latest", "--json").json["metrics"]["dev"]["accuracy"] == 0.8
    made[7]["predicted_scores"] = made[8]["predicted_scores"]
    outcome = call("import", write("y.jsonl", made))
    assert outcome.code == 1
    assert "the largest of predicted_scores" in outcome.err


def test_a_permutation_found_is_the_one_that_was_applied() -> None:
    generator = np.random.default_rng(1)
    truth = generator.integers(0, 3, 300)
    predicted = np.where(generator.random(300) < 0.8, truth, generator.integers(0, 3, 300))
    assert better_order(truth, predicted) is None
    for order in ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        gold = np.array([order.index(label) for label in truth])
        result = better_order(gold, predicted)
        assert result is not None
        assert result.meaning == order
        assert result.other_accuracy == pytest.approx((truth == predicted).mean())
    assert better_order([], []) is None
    assert better_order([0, 1], [1, 0]) is None  # two pairs prove nothing
    assert better_order([3] * 50, [1] * 50) is None


def as_csv(made: list[Row], delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(made[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(made)
    return text.getvalue()


def moved(made: list[Row], change: Callable[[Row], Row]) -> list[Row]:
    return [
        {key: row[key] for key in ("premise", "hypothesis", "label")} | change(row) for row in made
    ]


LAYOUTS: dict[str, Callable[[Row], Row]] = {
    "logits": lambda row: {"logits": row["predicted_scores"]},
    "probs": lambda row: {"probs": [round(x, 2) for x in softmax(row)]},
    "scores": lambda row: {"scores": row["predicted_scores"]},
    "printed by numpy": lambda row: {"scores": str(np.array(row["predicted_scores"]))},
    "by name": lambda row: {"scores": dict(zip(LABELS, row["predicted_scores"], strict=True))},
    "pipeline": lambda row: {
        "scores": [
            {"label": name.upper(), "score": score}
            for name, score in sorted(zip(LABELS, softmax(row), strict=True), reverse=True)
        ]
    },
    "numbered names": lambda row: {
        "scores": {f"LABEL_{k}": score for k, score in enumerate(row["predicted_scores"])}
    },
    "a batch of one": lambda row: {"logits": [row["predicted_scores"]]},
    "columns by name": lambda row: {
        f"prob_{name}": score for name, score in zip(LABELS, softmax(row), strict=True)
    },
    "bare columns": lambda row: {
        name.title(): score for name, score in zip(LABELS, softmax(row), strict=True)
    },
    "columns by number": lambda row: {
        f"logit_{k}": score for k, score in enumerate(row["predicted_scores"])
    },
    "prediction": lambda row: {"prediction": float(row["predicted_label"])},
    "pred LABEL_n": lambda row: {"pred_label": f"LABEL_{row['predicted_label']}"},
    "pred words": lambda row: {"pred": LABELS[row["predicted_label"]].upper()},
}


def softmax(row: Row) -> list[float]:
    exponentials = np.exp(row["predicted_scores"])
    return [float(x) for x in exponentials / exponentials.sum()]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("form", ["jsonl", "csv", "array.gz"])
def test_scores_and_predictions_however_they_are_laid_out(
    call: Call, layout: str, form: str
) -> None:
    made = moved(rows(), LAYOUTS[layout])
    if form == "csv":
        Path("x.csv").write_text(as_csv(made, ";"), "utf-8")
    elif form == "jsonl":
        write("x.jsonl", made)
    else:
        Path("x.json.gz").write_bytes(gzip.compress(json.dumps(made).encode()))
    file = {"csv": "x.csv", "jsonl": "x.jsonl", "array.gz": "x.json.gz"}[form]
    assert accuracy(call, file) == 0.8
    run = call("runs", "show", "latest", "--json").json
    assert run["name"] == "x"
    assert (run["summary"]["scores"] == "labels alone") == layout.startswith("pred")
    if not layout.startswith("pred"):
        first = call("examples", "latest", "--json", "--limit", "1").json[0]["probabilities"]
        expected = softmax(rows()[0])
        assert list(first.values()) == pytest.approx(expected, abs=0.01)


def test_probabilities_that_are_none_are_named(call: Call) -> None:
    made = moved(rows(), lambda row: {"probs": row["predicted_scores"]})
    outcome = call("import", write("x.jsonl", made))
    assert outcome.code == 1
    assert "line 1: probs is not a distribution" in outcome.err


def test_any_column_is_named_in_the_source(call: Call) -> None:
    made = [
        {"P 1": r["premise"], "H": r["hypothesis"], "G": r["label"], "Ans": r["predicted_label"]}
        for r in rows()
    ]
    outcome = call("import", write("x.jsonl", made))
    assert outcome.code == 1
    assert "x.jsonl?premise=P%201&" in outcome.err
    assert accuracy(call, "x.jsonl?premise=P%201&hypothesis=H&label=G&predicted=Ans") == 0.8


def test_columns_left_unread_are_told(call: Call) -> None:
    made = [{**row, "llm_verdict": "yes", "genre": "fiction"} for row in rows()]
    messages = told(call("import", write("x.jsonl", made)).err)
    assert "columns not read: llm_verdict" in messages
    assert "genre" not in messages


def test_none_is_asked_about_in_predictions_too(call: Call) -> None:
    made = rows(lambda label: ("ENTAILMENT", "NONE", "NONE")[label])
    for row in made:
        row["predicted_label"] = LABELS[row["predicted_label"]]
    outcome = call("import", write("x.jsonl", made))
    assert (outcome.code, "'none' occurs in 40 of 60 rows" in outcome.err) == (1, True)
    assert accuracy(call, "x.jsonl", "--labels", "none:non-entailment") == pytest.approx(52 / 60)


def test_hypothesis_only_predictions_meet_the_full_models_pairs(call: Call, tmp_path: Path) -> None:
    write("full.jsonl", rows())
    blank = [{**row, "premise": ""} for row in rows()]
    messages = told(call("import", write("early.jsonl", blank)).err)
    assert "no stored pair has their hypotheses" in messages
    call("import", "full.jsonl")
    messages = told(call("import", write("hyp.jsonl", blank[::-1])).err)
    assert "60 of 60 rows without a premise are paired" in messages
    document = call("compare", "full", "hyp", "--json").json
    assert (document["n"], document["both_right"], document["fixed"]) == (60, 48, 0)
    with StoreReader(tmp_path / "runs.db") as reader:
        summary = reader.runs.get("hyp").summary
    assert any("paired" in note for note in summary["notes"])


def test_the_same_hypothesis_is_told_apart_by_source_id_or_order(call: Call) -> None:
    made = [{**row, "hypothesis": "Same.", "source_id": f"s{n}"} for n, row in enumerate(rows())]
    call("import", write("full.jsonl", made))
    by_id = [{**row, "premise": " "} for row in made[::-1]]
    call("import", write("by_id.jsonl", by_id))
    assert call("compare", "full", "by_id", "--json").json["both_right"] == 48
    in_order = [{k: v for k, v in row.items() if k != "source_id"} for row in by_id[::-1]]
    call("import", write("in_order.jsonl", in_order))
    assert call("compare", "full", "in_order", "--json").json["both_right"] == 48


FOREIGN = {  # accuracy of the forty invented predictions
    "03_sbert/preds.jsonl": 1.0,
    "16_good/eval_predictions.jsonl": 0.75,
    "16_good/preds.json": 0.75,
    "16_good/preds_one_line.json": 0.75,
    "16_good/preds.jsonl.gz": 0.75,
    "17_floats/preds.csv": 30 / 39,
    "19_names/Upper.csv": 0.75,
    "19_names/dict.jsonl": 0.75,
    "19_names/logits.jsonl": 0.75,
    "19_names/silent.jsonl": 0.75,
    "20_blank/hyp_only.jsonl": 32 / 43,
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_predictions_have_their_accuracy(call: Call, name: str) -> None:
    path = str(case(name))
    assert accuracy(call, path) == pytest.approx(FOREIGN[name])
    scored = call("runs", "show", "latest", "--json").json["summary"]["scores"]
    assert scored == ("labels alone" if name.endswith(".csv") else "logits")


def test_foreign_predictions_of_two_labels(call: Call) -> None:
    path = str(case("02_hans/eval_predictions.jsonl"))
    assert call("import", path).code == 1
    assert accuracy(call, path, "--labels", "entailment,non-entailment") > 0.9


def test_foreign_predictions_in_chinese_are_reported_as_permuted(call: Call) -> None:
    path = str(case("27_zh/preds.jsonl"))
    messages = told(call("import", path).err)
    assert "accuracy is 0.0% as they are read, 100.0% in another order" in messages
    assert accuracy(call, path, "--predicted-labels", "contradiction,entailment,neutral") == 1.0
