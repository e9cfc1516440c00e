"""Premises beyond the limit, read by overlapping windows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nliexplorer.analysis.outputs import softmax
from nliexplorer.attribution.methods import attribute as attribute_pairs
from nliexplorer.comparison.pairs import pair_runs
from nliexplorer.inference import predict, predict_pairs
from nliexplorer.modeling.load import Classifier, load_classifier, save_classifier
from nliexplorer.modeling.windows import deciding_window, premise_windows
from nliexplorer.records import CONTRADICTION, Attribution, Example, Window
from nliexplorer.report.changed import changed_pairs
from nliexplorer.store.reader import StoreReader
from nliexplorer.view.pair import RunView
from tests.cli.conftest import Call, call  # noqa: F401
from tests.tinymodels import tiny_classifier

SENTENCE = "the old man reads and a dog runs near the small cat"
LONG = " ".join([SENTENCE] * 6)


@pytest.mark.parametrize(
    ("probabilities", "window"),
    [
        ([[0.4, 0.3, 0.3], [0.1, 0.0, 0.9], [0.6, 0.2, 0.2]], 2),  # entailment wins
        ([[0.3, 0.6, 0.1], [0.1, 0.3, 0.6], [0.2, 0.1, 0.7]], 2),  # else contradiction
        ([[0.2, 0.5, 0.3], [0.3, 0.5, 0.2]], 0),  # all neutral: the closest to contradiction
        ([[0.2, 0.8], [0.4, 0.6]], 1),  # of two classes: entailment
    ],
)
def test_the_deciding_window(probabilities: list[list[float]], window: int) -> None:
    assert deciding_window(np.array(probabilities)) == window


def test_windows_fit_overlap_and_cover_the_premise() -> None:
    classifier = replace(tiny_classifier(), max_length=16)
    hypothesis = "a cat runs"
    texts = windows_of(classifier, LONG, hypothesis)
    encoded = classifier.encode([(text, hypothesis) for text in texts])
    assert not encoded.truncated.any()
    assert LONG.startswith(texts[0])
    assert LONG.endswith(texts[-1])
    words, room = LONG.split(), 16 - 3 - 3
    assert {len(text.split()) for text in texts} == {room}
    seen = [words[start : start + room] for start in range(0, len(words) - room, room // 2)]
    assert [text.split() for text in texts] == [*seen, words[-room:]]
    assert premise_windows(classifier, "a dog", hypothesis) == [(0, 5)]


def windows_of(classifier: Classifier, premise: str, hypothesis: str) -> list[str]:
    return [premise[a:b] for a, b in premise_windows(classifier, premise, hypothesis)]


OPTIONS = ("--device", "cpu", "--max-length", 16)
TYPED = ("--premise", LONG, "--hypothesis", "a cat runs", "--steps", 40)


@pytest.fixture
def data(call: Call) -> str:  # noqa: F811
    """A model, and a short and a long pair."""
    save_classifier(tiny_classifier(), Path("model"))
    rows = [("a dog runs", "entailment"), (LONG, "contradiction")]
    lines = [
        json.dumps({"premise": premise, "hypothesis": "a cat runs", "label": label})
        for premise, label in rows
    ]
    Path("long.jsonl").write_text("\n".join(lines))
    return "long.jsonl"


def test_evaluate_keeps_which_window_decided(
    call: Call,  # noqa: F811
    data: str,
) -> None:
    options = ("--data", data, *OPTIONS)
    assert call("evaluate", "./model", *options, "--name", "cut").code == 0
    done = call("evaluate", "./model", *options, "--windows", "--name", "read")
    assert done.code == 0, done.err
    assert "premises read by overlapping windows: 1" in done.err
    classifier = load_classifier("./model", device="cpu", max_length=16)
    texts = windows_of(classifier, LONG, "a cat runs")
    p = softmax(predict(classifier, [(text, "a cat runs") for text in texts]))
    short, long = call("examples", "read", "--json").json
    assert "window" not in short
    number = deciding_window(p) + 1
    assert (long["window"], long["windows"]) == (number, len(texts))
    assert list(long["probabilities"].values()) == pytest.approx(p[number - 1], abs=1e-5)
    assert len(call("examples", "cut", "--where", "truncated:yes", "--json").json) == 1
    assert call("examples", "read", "--where", "truncated:yes", "--json").json == []
    decided = f"decided by: window {number} of {len(texts)} of the premise"
    screen = call("explore", "read", "--once", "examples", "--filter", "gold:contradiction")
    assert decided in screen.out
    assert decided in " ".join(call("examples", "read").out.split())


def test_the_window_that_decided_is_the_one_attributed(
    call: Call,  # noqa: F811
    data: str,
) -> None:
    options = ("--data", data, *OPTIONS)
    assert call("evaluate", "./model", *options, "--name", "read").code == 0
    attribute = ("attribute", "read", "--all", "--device", "cpu", "--steps", 40)
    assert call(*attribute, "--target", "predicted").code == 0
    assert call("evaluate", "read", "--data", data, "--device", "cpu", "--windows").code == 0
    stale = call("explore", "read", "--once", "examples", "--filter", "gold:contradiction").out
    assert "the attribution is of the pair without windows" in " ".join(stale.split())
    again = call(*attribute, "--target", "predicted")
    assert "1 of 2 pairs attributed, 1 before" in " ".join(again.out.split()), again.out
    with StoreReader("runs.db") as reader:
        evaluation = reader.runs.evaluation("read")
        _, long = reader.predictions.rows(evaluation)
        stored = reader.attributions.get(evaluation.run_id, long.example_id)
    assert stored is not None
    assert long.window is not None
    assert stored.window == long.window
    assert not stored.truncated
    classifier = load_classifier("./model", device="cpu", max_length=16)
    first, last = premise_windows(classifier, LONG, "a cat runs")[long.window.number - 1]
    example = Example(LONG[first:last], "a cat runs", None)
    ((_, alone),) = attribute_pairs(classifier, [example], target="predicted", steps=40)
    assert stored.scores == pytest.approx(alone.scores, abs=1e-5)
    assert stored.target == alone.target == long.predicted
    words = [w.text for w in stored.words(LONG, "a cat runs") if w.segment == "premise"]
    assert words == LONG[first:last].split()
    starts = [begin for begin, _ in stored.spans][1 : 1 + len(words)]
    assert starts == [i for i in range(first, last) if i == 0 or LONG[i - 1] == " "]
    for typed in (TYPED, ("--pair", long.example_id[:8], "--steps", 40)):
        (explained,) = call("explain", "read", *typed, "--windows", "--json").json
        assert [t["score"] for t in explained["tokens"]] == pytest.approx(stored.scores, abs=1e-5)
        window = {"window": explained["window"], "windows": explained["windows"]}
        assert window == long.window.as_dict()
    ignored = call("explain", "read", *TYPED, "--max-length", 12)
    assert (ignored.code, "is a run" in ignored.err) == (1, True)
    assert call("faithfulness", "read", "--device", "cpu", "--samples", 2, "--json").code == 0


def test_explain_reads_long_premises_and_says_what_was_cut(
    call: Call,  # noqa: F811
    data: str,
) -> None:
    cut = call("explain", "./model", *TYPED, *OPTIONS)
    assert "cut to the model's limit; --windows reads all of it" in " ".join(cut.err.split())
    assert "the pair was truncated" in cut.out
    read = call("explain", "./model", *TYPED, *OPTIONS, "--windows")
    assert read.code == 0, read.err
    assert "decided by: window" in read.out
    assert "truncated" not in read.out
    short = ("--premise", "a dog", "--hypothesis", "a cat", "--windows", "--json")
    (plain,) = call("explain", "./model", *short).json
    assert "window" not in plain
    both = call("explain", "./model", *TYPED, "--pair", "0000")
    assert (both.code, len(both.err.strip().splitlines())) == (1, 2)
    assert not Path("runs.db").exists()


def test_the_report_explains_the_window_that_decided(
    call: Call,  # noqa: F811
    data: str,
) -> None:
    answers = {}
    for seed in range(9):  # models that differ on the long pair, one of them right
        short = replace(tiny_classifier(seed=seed), max_length=16)
        read = predict_pairs(short, [(LONG, "a cat runs")], windows=True)
        answers.setdefault(int(read.logits[0].argmax()), seed)
    right, wrong = answers.pop(CONTRADICTION), answers.popitem()[1]
    for name, seed in (("wrong", wrong), ("right", right)):
        save_classifier(tiny_classifier(seed=seed), Path(name))
        done = call("evaluate", f"./{name}", "--data", data, *OPTIONS, "--windows")
        assert done.code == 0, done.err
    with StoreReader("runs.db") as reader:
        pairs = changed_pairs(reader, pair_runs(reader, ["wrong", "right"]), fixed=True)
    (long,) = (pair for pair in pairs if pair.gold == "contradiction")
    for line, row in zip(long.lines, long.heat.rows, strict=True):
        assert line.window is not None
        assert row.attributed
        assert "the pair was truncated" not in row.remarks
        scored = [word.text for word in row.premise if word.score is not None]
        assert len(scored) == 10


def test_an_attribution_of_another_window_is_pointed_out() -> None:
    attribution = Attribution(("a",), ("premise",), (0,), ((0, 1),), (1.0,), 0)
    for window, words in ((Window(2, 3), "of the pair without windows"), (None, "")):
        view = RunView("run", 0, None, attribution, window=window)
        assert words in view.remark
        assert bool(view.remark) == bool(words)
    view = RunView("run", 0, None, replace(attribution, window=Window(1, 3)), window=Window(2, 3))
    assert "of window 1 of 3 of the premise" in view.remark
