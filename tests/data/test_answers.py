"""Free-text answers: what is read, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nliexplorer.data.answers import AnswerReader, parse_answers
from nliexplorer.errors import NliError
from nliexplorer.records import GOLD_NAMES, LABELS

READ = {
    "Entailment.": "entailment",
    "**contradiction**": "contradiction",
    "NEUTRAL!!!": "neutral",
    "The answer is: neutral": "neutral",
    "entailment\n\nBecause": "entailment",
    "Neutral\n\nThe premise neither entails nor contradicts it.": "neutral",
    "Label: E": "entailment",
    "\\boxed{entailment}": "entailment",
    "<answer>neutral</answer>": "neutral",
    '{"label": "contradiction", "explanation": "not entailment"}': "contradiction",
    '{\n  "label": "neutral",\n  "why": "it may or may not contradict"\n}': "neutral",
    "Entailment or neutral? Hard to say.\nFinal answer: neutral": "neutral",
    "The correct label is neutral, not entailment.": "neutral",
    "The hypothesis contradicts the premise.": "contradiction",
    "I think this is an entailment, since all men are people.": "entailment",
    "not entailment": "non-entailment",
    "This is not an entailment.": "non-entailment",
    "The premise doesn’t entail the hypothesis": "non-entailment",
    "not_entailment": "non-entailment",
    "Final answer: not entailment": "non-entailment",
}
UNREAD = [
    "",
    "I cannot decide",
    "neither entailment nor contradiction",
    "It is neither entailed nor refuted.",
    "entailment or neutral",
    "Answer: entailment or neutral",
    "entailment\ncontradiction",
    "There is no contradiction.",
    "It isn't a contradiction",
    "not neutral",
    "It is unclear whether this is entailment",
    "I cannot say that it is entailment",
    "e.g. this",
    "Choose from entailment, neutral, contradiction.",
]
STATED = (
    "yes=entailment,no=contradiction,maybe=neutral,it is not possible to tell=neutral,B=neutral"
)
WITH_STATED = {
    "Yes": "entailment",
    "No, there is no way.": "contradiction",
    "maybe.": "neutral",
    "Yes, because no man sleeps": "entailment",
    "Answer: No": "contradiction",
    "It is not possible to tell.": "neutral",
    "(B)": "neutral",
    "A man. Answer: B": "neutral",
    "There is no evidence": None,
    "I pick b": None,
    "maybe yes": None,
    "Entailment": "entailment",
}


@pytest.mark.parametrize("text", READ)
def test_read(text: str) -> None:
    assert AnswerReader()(text) == GOLD_NAMES.index(READ[text])


@pytest.mark.parametrize("text", UNREAD)
def test_not_read(text: str) -> None:
    assert AnswerReader()(text) is None


@pytest.mark.parametrize("text", WITH_STATED)
def test_stated_words(text: str) -> None:
    expected = WITH_STATED[text]
    label = AnswerReader(parse_answers(STATED))(text)
    assert label == (None if expected is None else GOLD_NAMES.index(expected))


@given(
    st.sampled_from(LABELS),
    st.sampled_from(LABELS),
    st.sampled_from(["{} or {}", "{}, {}", "Is it {}? Or {}?", "{} and {}.", "{}\n{}"]),
)
def test_two_labels_are_never_read(one: str, two: str, form: str) -> None:
    answer = AnswerReader()(form.format(one, two))
    assert answer == (LABELS.index(one) if one == two else None)


@given(st.sampled_from(LABELS), st.text(" .!*_\"'`#\n\t", max_size=8), st.booleans())
def test_case_and_markup_do_not_count(name: str, around: str, upper: bool) -> None:
    text = around + (name.upper() if upper else name) + around[::-1]
    assert AnswerReader()(text) == LABELS.index(name)


@pytest.mark.parametrize(
    "text", ["yes", "yes=perhaps", "=entailment", "yes=neutral,yes=entailment"]
)
def test_statements_are_checked(text: str) -> None:
    with pytest.raises(NliError, match="--answers"):
        parse_answers(text)
