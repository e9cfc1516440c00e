"""Free-text answers of chat models: which label they give, if any.

A text is reduced to lower-case words; markup, quotes and case do not count. It is an answer where

1. the whole text, or its first or last line, is nothing but one answer ("**Neutral.**"),
2. its first or last line says "answer: X" ("The label is X", `{"label": "X"}`), X one answer,
3. or only one label is named in all of it ("I think this is entailment, because ...").

Otherwise it has not been read: two labels named, or two lines that disagree, or none. "Not
entailment" is the answer non-entailment; any other negated or open label ("neither entailment ...",
"no contradiction", "whether it is neutral") is named without being given.

Words that are stated (`--answers yes=entailment`) count as labels; those of one or two letters
("no", "B") only by rules 1 and 2, or as the text's first word before a punctuation mark, since
sentences are full of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from nliexplorer.data.labels import label_word
from nliexplorer.errors import NliError, documented
from nliexplorer.records import ENTAILMENT, GOLD_NAMES, NON_ENTAILMENT

#: Forms of the label words that sentences have, beside those of `data.labels`.
_FORMS = {
    **dict.fromkeys(("entailing", "entailments"), 0),
    **dict.fromkeys(("neutrality", "neutrally"), 1),
    **dict.fromkeys(("contradicted", "contradicting", "contradictions", "contradictorily"), 2),
}
_LETTERS = ("e", "n", "c")  # labels in data files, not words of a sentence
_NOT = frozenset(("not", "no", "non", "never", "cannot", "without", "isnt", "doesnt", "cant"))
_OPEN = frozenset(("neither", "nor", "whether", "unclear", "unsure", "uncertain"))
#: What may stand between "not" and the label it negates.
_BETWEEN = frozenset(
    (
        "a",
        "an",
        "the",
        "be",
        "any",
        "logically",
        "necessarily",
        "strictly",
        "directly",
        "really",
        "in",
    )
)
_CLAUSE = 6  # words before a label in which a negation still concerns it
_SHORT = 2  # letters of a stated word that is an answer only where it stands alone
_MARKUP = re.compile(r"</?\w+[^>]*>|\\(?:boxed|text|textbf|mathrm)\b|[*_`#$\\{}\[\]()\"“”«»<>]")
_CUE = re.compile(
    r"\b(?:answer|label|verdict|prediction|predicted|conclusion|relation|relationship|"
    r"classification|class|category|judge?ment|decision|output|result)\b"
    r"\s*(?:(?:would|should|must)\s+be\b|is\b|:|=|-+>?|→)+[\s:]*"
)
_APOSTROPHES = re.compile(r"['’ʼ‘`´]")
_NT = re.compile(r"\b(do|does|did|is|are|was|were|ca|could|would|should|has|have|wo)nt\b")
_BREAK = re.compile(r"[.,;:!?\n]")
_PIECES = re.compile(r"[^\W_]+(?:[-‐‑][^\W_]+)*|[.,;:!?\n]")


@dataclass(frozen=True)
class AnswerReader:
    """Reads free text; `stated` maps further words and phrases, in lower case, to labels."""

    stated: Mapping[str, int] = field(default_factory=dict)

    def __call__(self, text: str) -> int | None:
        """The label, an index into GOLD_NAMES, or None where the text gives none."""
        return _read(text, tuple(sorted(self.stated.items())))


@documented("answers")
def parse_answers(text: str) -> dict[str, int]:
    """`yes=entailment,no=contradiction` as words in lower case and labels. Raises NliError."""
    stated: dict[str, int] = {}
    for item in text.split(","):
        word, equals, name = item.rpartition("=")
        label = label_word(name) if equals else None
        key = " ".join(_pieces(_plain(word)))
        if label is None or not key:
            raise NliError(
                f"--answers {text}: {item.strip()!r} is not understood",
                f"it takes WORD=LABEL,… with labels {', '.join(GOLD_NAMES)}",
            )
        if stated.setdefault(key, label) != label:
            raise NliError(f"--answers {text}: {key} is given twice", "give each word one label")
    return stated


def answer_key(text: str) -> str:
    """A text in the form in which the words of `--answers` are compared with it."""
    return " ".join(_pieces(_plain(text)))


@lru_cache(maxsize=4096)
def _read(text: str, stated: tuple[tuple[str, int], ...]) -> int | None:
    words = dict(stated)
    plain = _plain(text)
    lines = [line for line in plain.splitlines() if _pieces(line)]
    if not lines:
        return None
    readings = {_bare_answer(line, words) for line in {lines[0], lines[-1], plain}}
    readings |= {_after_cue(lines[0], words), _after_cue(lines[-1], words)}
    answers = readings - {None}
    if answers:
        return answers.pop() if len(answers) == 1 else None
    first = re.match(r"\s*([^\W_]+)\s*[.,;:!?\n]", plain)
    leading = first.group(1) if first else ""
    named = set(_named(plain, words, short=leading))
    return named.pop() if len(named) == 1 else None


def _plain(text: str) -> str:
    """Lower case, without markup; "isn't" as "is not"."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _MARKUP.sub(" ", _APOSTROPHES.sub("", text))
    return _NT.sub(lambda match: ("can" if match[1] == "ca" else match[1]) + " not", text)


def _pieces(text: str) -> list[str]:
    return [piece for piece in _PIECES.findall(text) if not _BREAK.fullmatch(piece)]


def _bare_answer(line: str, stated: Mapping[str, int]) -> int | None:
    """The answer that a line is, with nothing else on it."""
    words = _pieces(line)
    key = " ".join(words)
    if key in stated:
        return stated[key]
    return label_word(key) if len(words) <= 2 else None


def _after_cue(line: str, stated: Mapping[str, int]) -> int | None:
    """The one answer behind the last "answer:" of a line, up to the end of its clause."""
    cues = list(_CUE.finditer(line))
    if not cues:
        return None
    clause = _BREAK.split(line[cues[-1].end() :])[0]
    if (answer := _bare_answer(clause, stated)) is not None:
        return answer
    named = set(_named(clause, stated))
    return named.pop() if len(named) == 1 else None


def _named(text: str, stated: Mapping[str, int], short: str = "") -> Iterator[int | None]:
    """Every label a text names; None stands for one that is negated without giving another.

    `short`: a stated word of one or two letters that counts all the same.
    """
    pieces = _PIECES.findall(text)
    longest = max((len(key.split()) for key in stated), default=1)
    position = 0
    while position < len(pieces):
        for length in range(longest, 0, -1):
            key = " ".join(pieces[position : position + length])
            label = stated.get(key) if len(key) > _SHORT or key == short else None
            if label is None and length == 1 and key not in _LETTERS:
                label = label_word(key) if key not in _FORMS else _FORMS[key]
            if label is not None:
                yield _negated(label, pieces[:position])
                position += length
                break
        else:
            position += 1


def _negated(label: int, before: list[str]) -> int | None:
    """The label, or what is left of it behind the words before it."""
    clause: list[str] = []
    for piece in reversed(before):
        if _BREAK.fullmatch(piece) or len(clause) == _CLAUSE:
            break
        clause.append(piece)
    if not (_NOT | _OPEN) & set(clause):
        return label
    direct = next((word for word in clause if word not in _BETWEEN), "")
    return NON_ENTAILMENT if label == ENTAILMENT and direct in _NOT else None
