"""Partners among pairs, and alignments of the fewest edits."""

from __future__ import annotations

import random

from nliexplorer.data.counterfactuals import NO_PARTNER, align, edit_distance, find_partners
from nliexplorer.data.planted import generate
from nliexplorer.data.planted.generator import generate_pairs
from nliexplorer.data.planted.natural_logic import infer_label
from nliexplorer.data.sources import load_split
from nliexplorer.records import Example
from tests.realdata import real_data


def plain_distance(a: str, b: str) -> int:
    """Levenshtein 1966, by recursion on the first letters."""
    if not a or not b:
        return len(a) + len(b)
    return min(
        plain_distance(a[1:], b) + 1,
        plain_distance(a, b[1:]) + 1,
        plain_distance(a[1:], b[1:]) + (a[0] != b[0]),
    )


def test_alignments_have_the_fewest_edits() -> None:
    draw = random.Random(0)
    for _ in range(60):
        a, b = ("".join(draw.choices("xyz", k=draw.randrange(6))) for _ in range(2))
        expected = plain_distance(a, b)
        assert edit_distance(a, b) == expected
        places = align(a, b)
        assert len(places) == len(a)
        kept = [place for place in places if place is not None]
        assert kept == sorted(set(kept))  # in order, each once
        deleted = len(a) - len(kept)
        inserted = len(b) - len(kept)
        replaced = sum(a[i] != b[j] for i, j in enumerate(places) if j is not None)
        assert deleted + inserted + replaced == expected


def test_equal_words_stand_against_each_other() -> None:
    source = ["a", "man", "is", "playing", "soccer", "outside"]
    assert align(source, ["a", "man", "is", "playing", "soccer"]) == [0, 1, 2, 3, 4, None]
    assert align(["a", "red", "dog"], ["a", "big", "red", "dog"]) == [0, 2, 3]
    assert align(["tall"], ["short"]) == [0]


def pair(premise: str, hypothesis: str, label: int | None) -> Example:
    return Example(premise, hypothesis, label)


def test_partners_share_a_sentence_and_differ_in_label_and_few_words() -> None:
    rows = [
        pair("a boy kicks the ball", "a boy plays soccer outside", 1),
        pair("a boy kicks the ball", "a boy plays soccer", 0),  # 1 edit from row 0
        pair("a boy kicks the ball", "a boy plays cricket outside", 2),  # 1 edit from row 0
        pair("a boy kicks the ball inside", "a boy plays soccer outside", 2),  # premise edited
        pair("a boy kicks the ball", "nobody sleeps", 2),  # another sentence altogether
        pair("a boy kicks the ball", "a boy plays tennis outside", None),  # no label
        pair("a girl sings", "a girl sings", 0),
        pair("a boy kicks the ball", "a boy plays soccer", 1),  # the same pair, another label
    ]
    assert find_partners(rows).tolist() == [1, 0, 0, 0, NO_PARTNER, NO_PARTNER, NO_PARTNER, 2]


def test_ordinary_pairs_are_nobodys_revision() -> None:
    rows = [
        pair("a boy kicks the ball", "a boy plays soccer outside", 1),
        pair("a boy kicks the ball", "a boy plays soccer", 0),
        pair("a boy kicks the ball", "a boy plays cricket", 2),
    ]
    assert find_partners(rows, revised_from=3).tolist() == [NO_PARTNER] * 3
    assert find_partners(rows, revised_from=2).tolist() == [2, 2, 1]


def test_planted_revisions_are_true_minimal_and_of_the_first_training_pairs() -> None:
    plain = generate("train", n=330)
    revised = generate_pairs("train", n=300, revised=True)
    assert generate("train", n=90) == plain[:90]
    for each in revised:
        assert infer_label(each.premise, each.hypothesis) == each.example.label
    examples = [*plain, *(each.example for each in revised)]
    partners = find_partners(examples, len(plain))[len(plain) :]
    known = partners[partners != NO_PARTNER]
    assert len(known) > 0.85 * len(revised)
    assert (known < len(plain)).mean() > 0.9
    assert load_split("planted?revised=1&n=60", "train").examples() == [
        each.example for each in revised[:60]
    ]


def test_most_pairs_of_counterfactual_snli_have_a_partner() -> None:
    rows = load_split(f"cad:{real_data('cad', 'all_combined')}", "dev").examples()
    partners = find_partners(rows)
    assert (partners != NO_PARTNER).mean() > 0.8
    for row, other in enumerate(partners.tolist()):
        if other != NO_PARTNER:
            assert rows[row].label != rows[other].label
            assert (rows[row].premise == rows[other].premise) != (
                rows[row].hypothesis == rows[other].hypothesis
            )


def test_partners_in_a_script_without_spaces_differ_by_few_characters() -> None:
    premise = "一个男人在公园里看报纸。"
    rows = [
        Example(premise, "有人在公园里阅读。", 0),
        Example(premise, "有人在公园里睡觉。", 2),
        Example(premise, "两只狗跑过了街道，没有停下。", 1),
    ]
    assert find_partners(rows).tolist() == [1, 0, NO_PARTNER]
