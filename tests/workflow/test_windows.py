"""Premises beyond the limit, read by overlapping windows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nliexplorer.analysis.outputs import softmax
from nliexplorer.inference import predict
from nliexplorer.modeling.load import load_classifier, save_classifier
from nliexplorer.modeling.windows import deciding_window, premise_windows
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
    texts = premise_windows(classifier, LONG, hypothesis)
    encoded = classifier.encode([(text, hypothesis) for text in texts])
    assert not encoded.truncated.any()
    assert LONG.startswith(texts[0])
    assert LONG.endswith(texts[-1])
    words, room = LONG.split(), 16 - 3 - 3
    assert {len(text.split()) for text in texts} == {room}
    seen = [words[start : start + room] for start in range(0, len(words) - room, room // 2)]
    assert [text.split() for text in texts] == [*seen, words[-room:]]
    assert premise_windows(classifier, "a dog", hypothesis) == ["a dog"]


def test_evaluate_keeps_which_window_decided(
    call: Call,  # noqa: F811
) -> None:
    save_classifier(tiny_classifier(), Path("model"))
    rows = [("a dog runs", "entailment"), (LONG, "neutral")]
    lines = [
        json.dumps({"premise": premise, "hypothesis": "a cat runs", "label": label})
        for premise, label in rows
    ]
    Path("long.jsonl").write_text("\n".join(lines))
    options = ("--data", "long.jsonl", "--device", "cpu", "--max-length", 16)
    assert call("evaluate", "./model", *options, "--name", "cut").code == 0
    done = call("evaluate", "./model", *options, "--windows", "--name", "read")
    assert done.code == 0, done.err
    assert "premises read by overlapping windows: 1" in done.err
    classifier = load_classifier("./model", device="cpu", max_length=16)
    texts = premise_windows(classifier, LONG, "a cat runs")
    p = softmax(predict(classifier, [(text, "a cat runs") for text in texts]))
    short, long = call("examples", "read", "--json").json
    assert "window" not in short
    assert long["window"] == deciding_window(p)
    assert list(long["probabilities"].values()) == pytest.approx(p[long["window"]], abs=1e-5)
    assert len(call("examples", "cut", "--where", "truncated:yes", "--json").json) == 1
    assert call("examples", "read", "--where", "truncated:yes", "--json").json == []
    screen = call("explore", "read", "--once", "examples", "--filter", "gold:neutral")
    assert f"window {long['window'] + 1} of the premise" in screen.out
