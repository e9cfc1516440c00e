from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from nliexplorer.analysis.intervals import newcombe_paired, wilson
from nliexplorer.analysis.slices import find_slices, slice_differences, slice_errors
from nliexplorer.analysis.slicing import (
    SliceTable,
    available_keys,
    group_by,
    length_bins,
    slice_keys,
)
from nliexplorer.annotators import label_distribution
from nliexplorer.errors import NliError
from nliexplorer.wording import has_negation, lexical_overlap


def table(n: int = 600, seed: int = 0) -> SliceTable:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 3, n)
    predicted = np.where(rng.random(n) < 0.8, gold, (gold + 1) % 3)
    words = np.array(["dog", "man", "not", "red", "sits"])
    premises = [" ".join(rng.choice(words, 4)) for _ in range(n)]
    hypotheses = [" ".join(rng.choice(words, 2)) for _ in range(n)]
    return SliceTable(
        gold=gold,
        predicted=predicted,
        correct=predicted == gold,
        length=rng.integers(5, 60, n),
        premises=premises,
        hypotheses=hypotheses,
        confidence=rng.uniform(1 / 3, 1, n),
        annotators=[label_distribution([int(g)] * 4 + [0]) for g in gold],
        hypothesis_only=rng.random(n) < 0.6,
        attribution={"variance": np.where(rng.random(n) < 0.1, np.nan, rng.random(n))},
        extra={"heuristic": rng.choice(["subsequence", "constituent"], n).tolist()},
    )


def bare() -> SliceTable:
    one = np.array([0, 1])
    return SliceTable(one, one, np.array([True, True]), np.array([5, 5]))


def test_every_key_cuts_without_counting_a_pair_twice() -> None:
    data = table()
    for key in available_keys(data):
        rows = slice_errors(data, key)
        grouping = group_by(data, key)
        assert sum(row.n for row in rows) == (grouping.index >= 0).sum(), key
        for number, row in enumerate(rows):
            wrong = ~data.correct[grouping.index == number]
            if row.n:
                assert row.error_rate == pytest.approx(wrong.mean()), (key, row.slice)
                low, high = wilson(wrong.sum(), row.n)
                assert (row.ci_low, row.ci_high) == (float(low), float(high))
    assert "heuristic" in available_keys(data)
    assert "attribution-variance" in available_keys(data)
    assert "attribution-gini" not in available_keys(data)


def test_bare_table_says_what_it_can_be_cut_by() -> None:
    assert available_keys(bare()) == ("gold", "predicted", "length", "length-quantile")
    with pytest.raises(NliError, match="nothing to slice by 'agreement'") as error:
        slice_errors(bare(), "agreement")
    assert "gold, predicted, length" in error.value.hint
    with pytest.raises(NliError, match="unknown slice") as error:
        slice_errors(bare(), "nonsense")
    assert "agreement" in error.value.hint
    assert all(key.about for key in slice_keys())


def test_document_has_the_interface_names_first() -> None:
    row = slice_errors(bare(), "gold")[0].as_dict()
    assert list(row)[:5] == ["slice", "n", "error_rate", "ci_low", "ci_high"]


def test_length_bins_cover_whole_numbers_once() -> None:
    length = np.array([4, 5, 23, 24, 43, 80])
    grouping = length_bins(length, 4)
    assert grouping.names == ("4–23", "24–43", "44–63", "64–83")
    assert grouping.index.tolist() == [0, 0, 0, 1, 1, 3]
    assert length_bins(np.array([7, 7])).names == ("7",)
    assert length_bins(np.array([7, 9])).names == ("7", "8", "9")


def test_empty_length_bin_has_no_rate() -> None:
    data = SliceTable(
        np.array([0, 0]), np.array([0, 1]), np.array([True, False]), np.array([1, 100])
    )
    rows = slice_errors(data, "length")
    assert len(rows) == 10
    assert (rows[0].error_rate, rows[4].n, rows[4].error_rate, rows[9].error_rate) == (
        0,
        0,
        None,
        1,
    )


def test_slices_by_annotators_of_any_number() -> None:
    data = SliceTable(
        np.array([0, 1, 2, 3, 0]),
        np.array([0, 1, 1, 1, 0]),
        np.array([True, True, False, True, True]),
        np.array([3, 3, 3, 3, 3]),
        annotators=[
            label_distribution([0] * 7),
            label_distribution([1, 1, 1, 0, 2]),
            label_distribution([2]),  # one label alone is no agreement
            label_distribution([3, 3, 0]),
            label_distribution([0] * 50 + [2] * 50),
        ],
    )

    def slices(key: str) -> list[tuple[str, int]]:
        return [(row.slice, row.n) for row in slice_errors(data, key)]

    assert slices("agreement") == [("40–59 %", 1), ("60–79 %", 2), ("100 %", 1)]
    assert slices("majority") == [
        ("entailment", 1),
        ("neutral", 1),
        ("non-entailment", 1),
        ("tie", 1),
    ]
    assert [n for _, n in slices("annotator-entropy")] == [1, 1, 1, 1]
    assert group_by(data, "annotator-entropy").index.tolist() == [0, 3, -1, 1, 2]


def test_overlap_and_negation() -> None:
    assert lexical_overlap("A man sits.", "The man SITS") == pytest.approx(2 / 3)
    assert lexical_overlap("", "") == 0.0
    assert has_negation("He isn't here")
    assert has_negation("Nobody sits.")
    assert not has_negation("A notable man")


def test_newcombe_paired_published_example() -> None:
    # Newcombe 1998b, 36/12/2/0: difference 0.2, method 10 gives 0.0569 to 0.3404
    low, high = newcombe_paired(both=36, only_a=2, only_b=12, neither=0)
    assert (low, high) == pytest.approx((0.0569, 0.3404), abs=1e-4)


def test_paired_interval_covers() -> None:
    rng = np.random.default_rng(0)
    cells = [0.08, 0.06, 0.04, 0.82]  # both wrong, a only, b only, both right: truth is -0.02
    covered = 0
    for draw in rng.multinomial(200, cells, size=1000):
        low, high = newcombe_paired(*(int(c) for c in draw))
        covered += low <= -0.02 <= high
    assert 0.93 <= covered / 1000 <= 0.98


def test_differences_and_their_adjustment() -> None:
    data = table()
    rng = np.random.default_rng(1)
    better = data.correct | (rng.random(data.n) < 0.5) & (data.gold == 1)
    rows = slice_differences(data, better, ["gold", "negation"])
    neutral = next(r for r in rows if r.slice == "neutral")
    mask = data.gold == 1
    assert neutral.delta == pytest.approx(data.correct[mask].mean() - better[mask].mean())
    assert neutral.error_b - neutral.error_a == pytest.approx(neutral.delta)
    assert neutral.ci_low < neutral.delta < neutral.ci_high < 0
    assert (neutral.fixed, neutral.broken) == ((~data.correct & better)[mask].sum(), 0)
    assert [r.q for r in rows] == pytest.approx(false_discovery_control([r.p for r in rows]))


def test_finder_finds_the_planted_slice() -> None:
    data = table(3000)
    planted = (data.gold == 2) & np.array([has_negation(h) for h in data.hypotheses])
    other = np.where(planted, False, data.correct)
    result = find_slices(data, other, keys=["gold", "negation", "confidence"])
    assert result[0].slice == "contradiction & negation"
    assert result[0].error_b == 1.0
    assert result[0].q < 1e-6
    assert len(result) <= 20


def test_finder_tries_no_small_slices_and_refuses_other_pairs() -> None:
    data = table(100)
    assert find_slices(data, data.correct, minimum=101) == ()
    assert all(row.n >= 30 for row in find_slices(data, ~data.correct))
    with pytest.raises(NliError, match="100 pairs of one run and 99"):
        find_slices(data, data.correct[:99])


def test_columns_of_the_data_are_slices_by_value_or_in_bins() -> None:
    n = 120
    base = table(n)
    columns = {
        "meta.genre": ["fiction", "travel", None] * 40,
        "meta.round": [2, 10, 1] * 40,
        "meta.year": [1900 + i // 2 for i in range(n)],
        "meta.uid": [f"u{i}" for i in range(n)],
        "meta.number": list(range(n)),
    }
    cut = replace(base, extra=columns)
    assert group_by(cut, "meta.genre").names == ("fiction", "travel", "–")
    assert group_by(cut, "genre").names == ("fiction", "travel", "–")
    rounds = group_by(cut, "meta.round")
    assert (rounds.names, rounds.index[:3].tolist()) == (("1", "2", "10"), [1, 2, 0])
    years = group_by(cut, "meta.year")
    assert (len(years.names), years.names[0]) == (10, "1900–1905")
    assert np.bincount(years.index).tolist() == [12] * 10
    with pytest.raises(NliError, match="120 different values"):
        group_by(cut, "meta.uid")
    offered = set(available_keys(cut)) - set(available_keys(base))
    assert offered == {"meta.genre", "meta.round", "meta.year"}
