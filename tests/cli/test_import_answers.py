"""A chat model's answers and predictions without gold labels, through `import` and out again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cases import case
from tests.cli.conftest import Call

TEXTS = {
    "Entailment.": "entailment",
    "Neutral": "neutral",
    "**Contradiction**": "contradiction",
    "The answer is: neutral": "neutral",
    "entailment\n\nBecause": "entailment",
    "I cannot decide": None,
    "neither entailment nor contradiction": None,
    "": None,
}


def write(path: Path, answers: list[Any], column: str = "predicted_label", **more: Any) -> None:
    rows = [
        {
            "premise": f"Man {number} sleeps.",
            "hypothesis": "A man sleeps.",
            "label": "neutral",
            column: answer,
            **more,
        }
        for number, answer in enumerate(answers)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def test_answers_are_read_or_kept_apart_from_wrong_ones(call: Call, tmp_path: Path) -> None:
    write(tmp_path / "chat.jsonl", list(TEXTS), rationale="As the premise says.")
    outcome = call("import", "chat.jsonl")
    assert outcome.code == 0, outcome.err
    assert "3 of 8 pairs without an answer" in outcome.out
    assert "'I cannot decide' (1)" in outcome.err
    rows = call("examples", "chat", "--json").json
    assert [row["predicted"] for row in rows] == list(TEXTS.values())
    assert [row.get("answer", "") for row in rows] == ["" if t == "Neutral" else t for t in TEXTS]
    assert {row["explanation"] for row in rows} == {"As the premise says."}
    dev = call("runs", "show", "chat", "--json").json["metrics"]["dev"]
    assert (dev["n"], dev["unanswered"], dev["accuracy"]) == (8, 3, 2 / 5)
    unanswered = call("examples", "chat", "--where", "answered:no", "--json").json
    assert [row["predicted"] for row in unanswered] == [None] * 3
    assert len(call("errors", "chat", "--json").json) == 3
    for command in ("examples chat", "errors chat"):
        shown = call(*command.split()).out
        assert "explanation: As the premise says." in shown
        assert "answer: Entailment." in shown
    assert "unanswered" in call("runs", "list").out
    screen = call("explore", "chat", "--once", "examples").out
    assert "answer: Entailment." in screen
    assert "explanation: As the premise says." in screen


def test_every_document_with_metrics_counts_them(call: Call, tmp_path: Path) -> None:
    write(tmp_path / "chat.jsonl", list(TEXTS))
    write(tmp_path / "sure.jsonl", ["neutral"] * len(TEXTS))
    for name in ("chat", "sure"):
        assert call("import", f"{name}.jsonl").code == 0
    compared = call("compare", "sure", "chat", "--json").json
    assert (compared["n"], compared["unanswered"]) == (5, {"a": 0, "b": 3})
    assert "chat: no answer to 3 of 8 pairs" in call("compare", "sure", "chat").out
    (suite,) = call("suites", "chat", "--json").json
    assert (suite["n"], suite["unanswered"]) == (8, 3)
    assert "unanswered" in call("suites", "chat").out


def test_more_than_half_unread_asks_for_their_meaning(call: Call, tmp_path: Path) -> None:
    write(tmp_path / "yes.jsonl", ["Yes.", "No.", "maybe", "no", "entailment"])
    outcome = call("import", "yes.jsonl")
    assert (outcome.code, "--answers" in outcome.err) == (1, True)
    assert "4 of 5 answers" in outcome.err
    assert "'Yes.'" in outcome.err
    assert not (tmp_path / "runs.db").exists() or not call("runs", "list", "--json").json
    stated = "yes=entailment,no=contradiction,maybe=neutral"
    assert call("import", "yes.jsonl", "--answers", stated).code == 0
    rows = call("examples", "yes", "--json").json
    assert [row["predicted"][0] for row in rows] == ["e", "c", "n", "c", "e"]
    assert call("runs", "show", "yes", "--json").json["command"].endswith(f"--answers {stated}")


def test_the_answer_column_is_stated_or_known(call: Call, tmp_path: Path) -> None:
    write(tmp_path / "own.jsonl", ["Neutral.", "It follows: entailment"], column="said")
    assert call("import", "own.jsonl").code == 1
    assert call("import", "own.jsonl", "--answer-column", "said").code == 0
    assert [r["predicted"] for r in call("examples", "own", "--json").json] == [
        "neutral",
        "entailment",
    ]
    write(tmp_path / "known.jsonl", [["Neutral."], ["entailment"]], column="response")
    assert call("import", "known.jsonl").code == 0
    assert call("examples", "known", "--json").json[0]["answer"] == "Neutral."


def test_a_label_beside_the_answer_is_not_read_again(call: Call, tmp_path: Path) -> None:
    write(tmp_path / "x.jsonl", ["Surely entailment."], column="response", predicted_label="c")
    assert call("import", "x.jsonl").code == 0
    (row,) = call("examples", "x", "--json").json
    assert (row["predicted"], row["answer"]) == ("contradiction", "Surely entailment.")


def test_not_entailment_is_an_answer_only_where_two_are_asked_for(
    call: Call, tmp_path: Path
) -> None:
    write(tmp_path / "two.jsonl", ["entailment", "Not entailment."])
    assert call("import", "two.jsonl").code == 0
    rows = call("examples", "two", "--json").json
    assert [row["predicted"] for row in rows] == ["entailment", "non-entailment"]
    write(tmp_path / "three.jsonl", ["neutral", "Not entailment."])
    assert "1 answers say that it is not entailment" in call("import", "three.jsonl").err
    assert [r["predicted"] for r in call("examples", "three", "--json").json] == ["neutral", None]


def test_odd_cells_among_words_are_no_answer(call: Call, tmp_path: Path) -> None:
    write(tmp_path / "x.jsonl", ["neutral"] * 6 + [7, True, 0.5, ["a", {}], "\ud800"])
    outcome = call("import", "x.jsonl")
    assert outcome.code == 0, outcome.err
    assert [r["predicted"] for r in call("examples", "x", "--json").json][5:] == ["neutral"] + [
        None
    ] * 5


def test_unlabelled_rows_are_kept_on_demand(call: Call, tmp_path: Path) -> None:
    write(tmp_path / "x.jsonl", ["neutral", "entailment"])
    write(tmp_path / "y.jsonl", ["neutral", "entailment"], label=None)
    assert call("import", "x.jsonl").code == 0
    refused = call("import", "y.jsonl")
    assert (refused.code, "--unlabelled" in refused.err) == (1, True)
    assert call("import", "y.jsonl", "--unlabelled").code == 0
    rows = call("examples", "y", "--json").json
    assert [(row["gold"], row["predicted"]) for row in rows] == [
        (None, "neutral"),
        (None, "entailment"),
    ]
    dev = call("runs", "show", "y", "--json").json["metrics"]["dev"]
    assert (dev["n"], dev["unlabelled"], dev["accuracy"]) == (2, 2, None)
    assert call("suites", "y").code == 0
    text = (tmp_path / "y.jsonl").read_text().replace('"label": null, ', "")
    (tmp_path / "z.jsonl").write_text(text)
    assert call("import", "z.jsonl", "--unlabelled").code == 0


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_an_export_comes_back(call: Call, tmp_path: Path, suffix: str) -> None:
    texts = ["=neutral", "I cannot decide", "Entailment."]
    write(
        tmp_path / "x.jsonl",
        texts,
        explanation="-1 for it",
        genre="=fiction",
        year=1999,
        annotator_labels=["n", "e", "n"],
    )
    assert call("import", "x.jsonl").code == 0
    assert call("export", "x", "--out", f"y.{suffix}").code == 0
    outcome = call("import", f"y.{suffix}")
    assert outcome.code == 0, outcome.err
    assert call("examples", "y", "--json").json == call("examples", "x", "--json").json


@pytest.mark.parametrize(
    ("name", "unanswered", "accuracy"),
    [("mixed", 10, 0.3), ("null", 1, 29 / 39), ("one_point", 0, 0.75)],
)
def test_the_cases(call: Call, name: str, unanswered: int, accuracy: float) -> None:
    assert call("import", case("18_llm", f"{name}.jsonl")).code == 0
    dev = call("runs", "show", name, "--json").json["metrics"]["dev"]
    assert (dev["n"], dev["unanswered"]) == (40, unanswered)
    assert dev["accuracy"] == pytest.approx(accuracy)


TWO_WAY: dict[str, tuple[list[dict[str, Any]], tuple[str, ...]]] = {
    "by name": ([{"predicted_scores": {"not_entailment": 0.8, "entailment": 0.2}}] * 3, ()),
    "a column each": ([{"p_entailment": 0.2, "p_not_entailment": 0.8}] * 3, ()),
    "stated": (
        [{"predicted_scores": [0.8, 0.2]}] * 3,
        ("--predicted-labels", "non-entailment,entailment"),
    ),
    "shown by the labels": (
        [
            {"predicted_scores": [0.8, 0.2], "predicted_label": "not_entailment"},
            {"predicted_scores": [0.8, 0.2]},
            {"predicted_scores": [0.8, 0.2]},
        ],
        (),
    ),
}


def write_two_way(path: Path, rows: list[dict[str, Any]]) -> None:
    gold = ["neutral", "contradiction", "entailment"]
    pairs = [
        {"premise": f"Man {i} sleeps.", "hypothesis": "A man sleeps.", "label": gold[i], **row}
        for i, row in enumerate(rows)
    ]
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs), "utf-8")


@pytest.mark.parametrize("form", TWO_WAY)
def test_two_scores_a_row(call: Call, tmp_path: Path, form: str) -> None:
    rows, options = TWO_WAY[form]
    write_two_way(tmp_path / "two.jsonl", rows)
    outcome = call("import", "two.jsonl", *options)
    assert outcome.code == 0, outcome.err
    shown = call("examples", "two", "--json").json
    assert {row["predicted"] for row in shown} == {"non-entailment"}
    assert shown[0]["probabilities"] == {"entailment": 0.2, "non-entailment": 0.8}
    dev = call("runs", "show", "two", "--json").json["metrics"]["dev"]
    assert dev["accuracy"] == pytest.approx(2 / 3)  # neutral and contradiction are both right
    for suffix in ("csv", "jsonl", "parquet"):
        assert call("export", "two", "--out", f"again.{suffix}").code == 0
        back = call("import", f"again.{suffix}", "--name", suffix)
        assert back.code == 0, back.err
        assert call("examples", suffix, "--json").json == shown


def test_two_scores_in_an_unknown_order_are_refused(call: Call, tmp_path: Path) -> None:
    write_two_way(tmp_path / "two.jsonl", [{"predicted_scores": [0.8, 0.2]}] * 3)
    outcome = call("import", "two.jsonl")
    assert outcome.code == 1
    assert "--predicted-labels entailment,non-entailment" in outcome.err
    mixed = [{"predicted_scores": [0.8, 0.2]}, {"predicted_scores": [0.8, 0.1, 0.1]}]
    write_two_way(tmp_path / "mixed.jsonl", mixed)
    assert call("import", "mixed.jsonl").code == 1


@pytest.mark.parametrize("first", ["entailment", "non-entailment"])
def test_two_way_numbers_are_those_of_the_label_column(
    call: Call, tmp_path: Path, first: str
) -> None:
    rows = [{"label": i % 2, "predicted_label": i % 2 if i else 1} for i in range(4)]
    write(tmp_path / "x.jsonl", [0] * 4)
    text = "".join(
        json.dumps({"premise": f"Man {i} sleeps.", "hypothesis": "He rests.", **row}) + "\n"
        for i, row in enumerate(rows)
    )
    (tmp_path / "x.jsonl").write_text(text)
    other = "non-entailment" if first == "entailment" else "entailment"
    outcome = call("import", "x.jsonl", "--labels", f"{first},{other}")
    assert outcome.code == 0, outcome.err
    assert "as in the label column" in outcome.err
    shown = [row["predicted"] for row in call("examples", "x", "--json").json]
    assert shown == [other, other, first, other]
