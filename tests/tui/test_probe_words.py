"""The probe's edits word by word, in scripts with and without spaces."""

from __future__ import annotations

import pytest

from nliexplorer.tui.screens.probe.models import without_each_word
from nliexplorer.tui.screens.probe.word_edits import edit_summary, marked_edits
from nliexplorer.view.palette import Palette


def test_each_word_is_removed_and_its_space_with_it() -> None:
    edits = without_each_word("A man, sleeping.", "Nobody - reads")
    assert [(each.segment, each.word, each.hypothesis) for each in edits[:2]] == [
        ("hypothesis", "Nobody", "- reads"),
        ("hypothesis", "reads", "Nobody -"),
    ]
    assert [(each.word, each.premise) for each in edits[2:]] == [
        ("A", "man, sleeping."),
        ("man,", "A sleeping."),
        ("sleeping.", "A man,"),
    ]


def test_a_word_of_a_script_without_spaces_is_a_character() -> None:
    edits = without_each_word("男人在看报。", "他睡了")
    assert [each.hypothesis for each in edits[:3]] == ["睡了", "他了", "他睡"]
    assert [each.word for each in edits[3:]] == list("男人在看报")  # not the full stop
    assert edits[3].premise == "人在看报。"


@pytest.mark.parametrize(
    ("old", "new", "summary", "marked"),
    [
        ("A dog sits.", "A big dog runs.", "H + big · H sits. → runs.", "A big dog sits. runs."),
        ("他在睡觉。", "他在看报。", "H 睡觉 → 看报", "他在睡觉看报。"),
    ],
)
def test_an_edit_is_told_by_its_words(old: str, new: str, summary: str, marked: str) -> None:
    pairs = ("p", old), ("p", new)
    assert edit_summary(*pairs) == summary
    assert marked_edits(*pairs, Palette()).plain == f"P p\nH {marked}"
