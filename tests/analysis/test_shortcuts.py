import json
import math
import warnings

import numpy as np
import pytest

from nliexplorer.analysis import shortcuts
from nliexplorer.analysis.leakage import Overlap, known_overlap, overlap
from nliexplorer.analysis.shortcuts import (
    artefact_share,
    hypothesis_only,
    hypothesis_only_transfer,
    label_words,
)
from nliexplorer.data.sources import load_split
from nliexplorer.errors import NliError
from nliexplorer.records import NON_ENTAILMENT, Word
from nliexplorer.run_summary import overlap_key
from tests.realdata import real_data


def biased(n: int = 300, seed: int = 0) -> tuple[list[str], list[int]]:
    """Hypotheses of which two in three give their label away."""
    rng = np.random.default_rng(seed)
    messages = ["outdoors", "tall", "nobody"]
    gold = rng.integers(0, 3, n).tolist()
    fillers = rng.choice(["dog", "cat", "man", "boat"], (n, 2))
    hints = [messages[g] if rng.random() < 2 / 3 else "here" for g in gold]
    return [f"A {a} {hint} {b}" for (a, b), hint in zip(fillers, hints, strict=True)], gold


def test_hypothesis_only_finds_what_is_told_and_no_more() -> None:
    texts, gold = biased()
    result = hypothesis_only(texts, gold)
    assert result.accuracy == pytest.approx(2 / 3 + 1 / 9, abs=0.08)
    assert result.accuracy > result.majority
    assert result.probabilities.sum(axis=1) == pytest.approx(np.ones(300))
    assert (hypothesis_only(texts, gold).predicted == result.predicted).all()


def test_predictions_are_out_of_fold() -> None:
    """Labels without any rule: a model that saw its own test pairs would get them right."""
    rng = np.random.default_rng(1)
    texts = [f"word{i} word{i + 1}" for i in range(300)]
    result = hypothesis_only(texts, rng.integers(0, 3, 300))
    assert result.accuracy < 0.5


def test_too_few_pairs() -> None:
    for texts, gold in ([["a"], [0]], [["a b", "c d"], [0, 1]], [[], []]):
        with pytest.raises(NliError, match="too few pairs"):
            hypothesis_only(texts, gold)
    with pytest.raises(NliError, match="can be fitted"):
        hypothesis_only(["...", "!", "?", "-"], [0, 1, 0, 1])


def test_sets_of_two_labels_have_two_classes() -> None:
    texts, gold = biased()
    two = [0 if label == 0 else NON_ENTAILMENT for label in gold]
    result = hypothesis_only(texts, two)
    assert result.probabilities.shape == (300, 2)
    assert set(result.predicted.tolist()) == {0, NON_ENTAILMENT}
    assert result.accuracy > result.majority == max(two.count(0), two.count(3)) / 300
    rows = label_words(texts, two, top=1)
    assert [row.label for row in rows] == ["entailment", "non-entailment"]
    assert rows[0].word == "outdoors"


@pytest.mark.parametrize("two", ["training", "test"])
def test_three_labels_transfer_to_two_as_entailment_or_not(two: str) -> None:
    texts, gold = biased()
    folded = [0 if label == 0 else NON_ENTAILMENT for label in gold]
    train, test = (folded, gold) if two == "training" else (gold, folded)
    result = hypothesis_only_transfer(texts, train, texts, test)
    right = [(p == 0) == (g == 0) for p, g in zip(result.predicted, gold, strict=True)]
    assert result.correct.tolist() == right
    with pytest.raises(NliError, match="no gold label"):
        hypothesis_only(texts, [-1, *gold[1:]])


def test_pmi_by_hand() -> None:
    texts = ["sleeping dog", "dog sleeping", "dog", "cat"]
    rows = label_words(texts, [2, 2, 0, 1], smoothing=1.0, minimum=1, top=1)
    best = {row.label: row for row in rows}
    assert best["contradiction"].word == "sleeping"
    # counts + 1: cat 1 2 1, dog 2 1 3, sleeping 1 1 3; in all 15
    assert best["contradiction"].pmi == pytest.approx(math.log((3 / 15) / ((5 / 15) * (7 / 15))))
    assert (best["contradiction"].share, best["contradiction"].n) == (1.0, 2)
    assert best["neutral"].word == "cat"
    assert label_words(["x"], [0]) == ()


def test_share_on_artefacts() -> None:
    one = [
        Word("[CLS]", "special", 9.0),
        Word("Nobody", "premise", 1.0),
        Word("Nobody", "hypothesis", -2.0),
        Word("sits", "hypothesis", 1.0),
    ]
    other = [Word("sits", "hypothesis", 1.0)]
    assert artefact_share([one, other], {"nobody"}) == (0.5, 1)
    assert artefact_share([other], {"nobody"}) == (None, 0)


def test_overlap_by_hand() -> None:
    long = "a man in a red hat is walking his small dog along the beach today"
    train = [("A dog runs.", "An animal moves."), (long, "a man walks"), ("x y", "z")]
    test = [
        ("a dog runs", "An animal moves!"),  # exact but for case and punctuation
        (long + " again", "a man walks"),  # one word more
        ("A dog runs.", "Nothing at all happens here."),  # the premise alone
        ("entirely", "other"),
    ]
    result = overlap(train, test)
    assert (result.exact, result.near, result.premise, result.hypothesis) == (1, 2, 2, 2)
    assert result.near_index == (0, 1)
    assert "occur in the training data word for word, 2 nearly" in result.sentence
    assert "none of the 1 test pairs" in overlap(train, test[3:]).sentence
    assert overlap([], []).n == 0


def test_near_overlap_is_that_of_all_comparisons() -> None:
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(12)])

    def pairs(n: int) -> list[tuple[str, str]]:
        return [(" ".join(rng.choice(words, 5)), " ".join(rng.choice(words, 3))) for _ in range(n)]

    def sets(pair: tuple[str, str]) -> set[str]:
        return {"p" + w for w in pair[0].split()} | {"h" + w for w in pair[1].split()}

    train, test = pairs(300), pairs(200)
    expected = [
        i
        for i, pair in enumerate(test)
        if any(len(sets(pair) & sets(o)) >= 0.7 * len(sets(pair) | sets(o)) for o in train)
    ]
    assert 5 < len(expected) < 195
    assert list(overlap(train, test, threshold=0.7).near_index) == expected


@pytest.mark.slow
def test_snli_hypotheses_give_much_away() -> None:
    def read(name: str) -> tuple[list[str], list[int]]:
        with real_data("snli", name).open(encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        return [r["hypothesis"] for r in rows], [r["label"] for r in rows]

    train, dev = read("train.jsonl"), read("dev.jsonl")
    result = hypothesis_only_transfer(*train, *dev)
    assert 0.60 < result.accuracy < 0.70  # fastText in Gururangan et al. 2018: 0.67
    contradiction = [r.word for r in label_words(*train) if r.label == "contradiction"]
    assert {"sleeping", "nobody"} <= set(contradiction)  # their table 4


def test_who_is_hard_does_not_depend_on_the_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = list(load_split("planted", "train", samples=3_000))
    hypotheses, gold = [row.hypothesis for row in rows], [row.gold for row in rows]
    result = hypothesis_only(hypotheses, gold)
    exact = {"solver": "lbfgs", "tol": 1e-9, "max_iter": 20_000}
    monkeypatch.setattr(shortcuts, "_SOLVER", exact)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        other = hypothesis_only(hypotheses, gold)
    np.testing.assert_array_equal(result.correct, other.correct)
    np.testing.assert_allclose(result.probabilities, other.probabilities, atol=1e-5)
    assert 0 < (~result.correct).sum() < len(rows) / 2


def test_ties_go_to_the_first_label_whatever_the_rounding() -> None:
    """Balanced labels and a hypothesis of unknown words: all three are equally probable."""
    train = ["red"] * 4 + ["green"] * 4 + ["blue"] * 4
    gold = [0] * 4 + [1] * 4 + [2] * 4
    result = hypothesis_only_transfer(train, gold, ["never seen"] * 3, [0, 1, 2])
    assert result.probabilities == pytest.approx(np.full((3, 3), 1 / 3), abs=1e-6)
    assert result.predicted.tolist() == [0, 0, 0]


def test_a_stored_overlap_is_worded_as_today() -> None:
    """Runs of earlier versions keep a sentence of theirs beside the numbers."""
    result = Overlap(n=10, exact=1, near=2, premise=3, hypothesis=4, threshold=0.9)
    old = result.as_dict() | {"sentence": "of 10 test pairs 1 stand in training word for word"}
    assert known_overlap({overlap_key("dev"): old}, "dev") == result.sentence
    assert known_overlap({overlap_key("dev"): {"sentence": "only words"}}, "dev") == "only words"
    assert known_overlap({}, "dev") == ""
