"""Test sets made on the spot: their labels, their words, and that they never change."""

from __future__ import annotations

from collections import Counter

import pytest

from nliexplorer.analysis.overlap import FEATURES, overlap_features
from nliexplorer.data.probes.hans_templates import PAIRS, TEMPLATES
from nliexplorer.data.sources import available_splits, default_split, load_split
from nliexplorer.errors import NliError
from nliexplorer.records import ENTAILMENT, NON_ENTAILMENT, Example
from nliexplorer.wording import words


def features(example: Example) -> dict[str, float]:
    return dict(zip(FEATURES, overlap_features(example.premise, example.hypothesis), strict=True))


def test_every_template_of_hans_is_there_and_half_of_them_hold() -> None:
    rows = load_split("hans-templates", default_split("hans-templates")).examples()
    counts = Counter((r.extra["heuristic"], r.extra["template"], r.label) for r in rows)
    assert counts == dict.fromkeys(TEMPLATES, PAIRS)
    assert len(TEMPLATES) == 30
    per_half = Counter((heuristic, label) for heuristic, _, label in TEMPLATES)
    assert set(per_half.values()) == {5}
    assert len({(r.premise, r.hypothesis) for r in rows}) == len(rows)


def test_hypotheses_of_hans_are_what_the_heuristics_take_for_entailed() -> None:
    for row in load_split("hans-templates", "test").examples():
        assert features(row)["all of them"] == 1.0, row
        if row.extra["heuristic"] != "lexical_overlap":
            assert features(row)["hypothesis is a part of the premise, word by word"] == 1.0, row


def test_only_the_order_of_words_tells_word_order_pairs_apart() -> None:
    rows = load_split("word-order", "test").examples()
    assert Counter(row.label for row in rows) == {ENTAILMENT: 750, NON_ENTAILMENT: 750}
    events: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        events.setdefault(row.premise, {})[row.extra["kind"]] = sorted(words(row.hypothesis))
    assert len(events) == 250
    for premise, kinds in events.items():
        assert kinds["passive"] == kinds["roles swapped, passive"]
        assert kinds["roles swapped"] == kinds["adjectives swapped"] == sorted(words(premise))


def test_stress_tests_change_one_sentence_and_no_label() -> None:
    base = load_split("planted?n=30", "dev").examples()
    for kind, end, side in (
        ("overlap", "and true is true.", "hypothesis"),
        ("negation", "and false is not true.", "hypothesis"),
        ("length", "and true is true and true is true.", "premise"),
    ):
        rows = load_split(f"stress-{kind}:planted?n=30", "dev").examples()
        assert [row.label for row in rows] == [row.label for row in base]
        for row, plain in zip(rows, base, strict=True):
            text, before = getattr(row, side), getattr(plain, side)
            assert text.endswith(end)
            assert text.startswith(before[:-1])
            other = {"hypothesis": "premise", "premise": "hypothesis"}[side]
            assert getattr(row, other) == getattr(plain, other)
    assert available_splits("stress-length:planted") == available_splits("planted")


def test_a_stress_test_of_nothing_is_refused() -> None:
    with pytest.raises(NliError, match="none is named") as caught:
        load_split("stress-negation", "dev")
    assert "stress-negation:snli" in caught.value.hint
