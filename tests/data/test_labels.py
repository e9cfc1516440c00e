from __future__ import annotations

from typing import Any

import pytest

from nliexplorer.data.labels import (
    label_key,
    label_word,
    names_map,
    parse_labels,
    prove,
    witnessed,
)
from nliexplorer.errors import NliError


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("entailment", 0),
        (" ENTAILMENT ", 0),
        ("e", 0),
        ("Neutral", 1),
        ("contradiction", 2),
        ("C", 2),
        ("not_entailment", 3),
        ("Non-Entailment", 3),
        ("not entailment", 3),
        ("maybe", None),
        ("LABEL_0", None),
        ("", None),
    ],
)
def test_words_mean_what_they_say_in_any_case_and_spacing(text: str, label: int | None) -> None:
    assert label_word(text) == label


@pytest.mark.parametrize("value", [None, "", "-", " - ", -1, "-1", -1.0, float("nan"), "NaN", "NA"])
def test_missing_labels_are_no_label(value: Any) -> None:
    assert label_key(value) is None


@pytest.mark.parametrize("value", [True, 0.5, [0], {"a": 1}, float("inf")])
def test_what_is_no_label_at_all_is_told_from_a_missing_one(value: Any) -> None:
    assert label_key(value) is False


def test_numbers_in_any_dress_are_numbers() -> None:
    assert [label_key(value) for value in (2, 2.0, "2", " 2 ", "2.0")] == [2] * 5


def test_three_numbers_from_zero_follow_the_convention_of_the_field() -> None:
    labels = prove({0: 1, 2: 5, 1: 9}, where="f")
    assert [labels(value) for value in (0, "1", 2.0, -1, None)] == [0, 1, 2, None, None]


@pytest.mark.parametrize("seen", [{0: 1, 1: 2}, {1: 1, 2: 2, 3: 3}, {2: 1}, {0: 1, 2: 2, 3: 3}])
def test_numbers_that_prove_nothing_are_refused_with_the_way_to_say_it(
    seen: dict[int | str, int],
) -> None:
    with pytest.raises(NliError) as refused:
        prove(seen, where="pairs.csv")
    assert "pairs.csv" in refused.value.message
    assert "?labels=" in refused.value.hint


def test_stated_labels_settle_what_bare_numbers_cannot() -> None:
    labels = prove({0: 1, 1: 2}, where="f", stated=parse_labels("non-entailment,entailment"))
    assert (labels(0), labels(1)) == (3, 0)
    labels = prove({1: 1, 2: 2, 3: 3}, where="f", stated=parse_labels("1:e,2:n,3:c"))
    assert [labels(value) for value in (1, 2, 3)] == [0, 1, 2]


def test_stated_words_of_another_vocabulary() -> None:
    stated = parse_labels("SUPPORTS:entailment,REFUTES:contradiction,NOT ENOUGH INFO:neutral")
    labels = prove({"SUPPORTS": 1, "NOT ENOUGH INFO": 3}, where="f", stated=stated)
    assert labels("REFUTES") == 2


@pytest.mark.parametrize(
    "text", ["", "a,b,c", "entailment,entailment,neutral", "entailment:contradiction", "0:e,0:n"]
)
def test_impossible_statements_are_refused(text: str) -> None:
    with pytest.raises(NliError):
        parse_labels(text)


def test_a_statement_that_contradicts_the_data_is_refused() -> None:
    declared = names_map(("entailment", "neutral", "contradiction"), "f")
    with pytest.raises(NliError, match="itself says"):
        prove({0: 1}, where="f", declared=declared, stated=parse_labels("c,n,e"))


def test_class_label_names_decide_the_order() -> None:
    declared = names_map(("contradiction", "entailment", "neutral"), "f")
    labels = prove({0: 1, 1: 2, 2: 3}, where="f", declared=declared)
    assert [labels(value) for value in range(3)] == [2, 0, 1]


def test_names_that_say_nothing_declare_nothing() -> None:
    assert names_map(("0", "1", "2"), "f") == {}


def test_unknown_words_are_refused_with_their_line() -> None:
    with pytest.raises(NliError, match=r"pairs, line 7: unknown label 'maybe'"):
        prove({"entailment": 1, "maybe": 7}, where="pairs")


def test_words_and_numbers_in_one_column_are_refused() -> None:
    with pytest.raises(NliError, match="words in some rows"):
        prove({"entailment": 1, 0: 2, 2: 3}, where="f")


def test_two_label_and_three_label_rows_do_not_mix() -> None:
    with pytest.raises(NliError, match="holds both"):
        prove({"neutral": 1, "not_entailment": 2}, where="f")


def test_words_beside_numbers_prove_an_order() -> None:
    pairs: list[tuple[int | str, int | str, int]] = [(0, "contradiction", 1), (2, "entailment", 2)]
    assert witnessed(pairs, "f") == {0: 2, 2: 0}
    with pytest.raises(NliError, match="f, line 9: label 0 appears with"):
        witnessed([*pairs, (0, "neutral", 9)], "f")
