"""The label-mapping guard: a mapping is proved by evidence or refused, never guessed.

What counts as proof, strongest first:

1. Words. "Entailment", "e", "not_entailment" say what they mean, in any case and spacing.
2. Names that come with numbers: a ClassLabel's names, the order a known source publishes, or the
   user's `?labels=`. Two of these that contradict each other are refused.
3. Numbers beside words in the same rows, if each number always meets the same word.
4. Bare numbers, only when the data holds both 0 and 2 and nothing outside {0, 1, 2}: that is a
   three-way numbering from 0, and every public set of this field that numbers three classes from 0
   (SNLI, MultiNLI, ANLI) has 0 entailment, 1 neutral, 2 contradiction. {0, 1} may be a two-label
   set in either direction and {1, 2, 3} counts from 1, so those are refused with the way to say
   what they mean.

A model's outputs get no convention at all: MNLI checkpoints are published in both orders.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from nliexplorer.errors import NliError
from nliexplorer.records import GOLD_NAMES, LABELS, NON_ENTAILMENT

LabelKey = int | str
SAY_IT = "say what they mean, e.g. ?labels=entailment,neutral,contradiction or ?labels=1:neutral,…"

_WORDS: dict[str, int] = {
    **dict.fromkeys(("entailment", "entail", "entails", "entailed", "e"), 0),
    **dict.fromkeys(("neutral", "n"), 1),
    **dict.fromkeys(("contradiction", "contradict", "contradicts", "contradictory", "c"), 2),
    **dict.fromkeys(("nonentailment", "notentailment", "notentailed", "nonentailed"), 3),
}
_UNLABELLED = frozenset({"", "-", "-1", "na", "n/a", "nan", "null", "none", "hidden"})
_NUMBER = re.compile(r"[+-]?\d{1,9}(\.0+)?")


def label_word(text: str) -> int | None:
    """The index into GOLD_NAMES a label word stands for, or None."""
    return _WORDS.get(re.sub(r"[\s_\-]+", "", text.casefold()))


def label_key(value: Any) -> LabelKey | Literal[False] | None:
    """A raw cell as a number or a word; None: no usable label; False: not a label at all."""
    if value is None:
        return None
    if isinstance(value, bool):
        return False
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if not value.is_integer():
            return False
        value = int(value)
    if isinstance(value, int):
        return None if value == -1 else value
    if not isinstance(value, str):
        return False
    text = value.strip()
    if text.casefold() in _UNLABELLED:
        return None
    if _NUMBER.fullmatch(text):
        number = int(float(text))
        return None if number == -1 else number
    return text


class LabelMap:
    """A proved mapping from raw label cells to indices of GOLD_NAMES."""

    def __init__(self, mapping: Mapping[LabelKey, int]) -> None:
        self.mapping = dict(mapping)

    def __call__(self, value: Any) -> int | None:
        """The label of a cell, None where it holds none that is known."""
        key = label_key(value)
        if key is None or key is False:
            return None
        if isinstance(key, str) and (word := label_word(key)) is not None:
            return word
        return self.mapping.get(key)


def parse_labels(text: str) -> dict[LabelKey, int]:
    """`entailment,neutral,contradiction` (numbers from 0) or `VALUE:NAME,…` as a mapping."""
    mapping: dict[LabelKey, int] = {}
    for position, item in enumerate(text.split(",")):
        raw, colon, name = item.rpartition(":")
        index = label_word(name)
        key = label_key(raw) if colon else position
        if index is None or key is None or key is False:
            raise NliError(
                f"labels={text}: {item.strip()!r} is not understood",
                f"it takes NAME,NAME,… or VALUE:NAME,… with names {', '.join(GOLD_NAMES)}",
            )
        if isinstance(key, str) and label_word(key) not in (None, index):
            raise NliError(
                f"labels={text}: {key!r} cannot mean {GOLD_NAMES[index]}", "leave words as they are"
            )
        if mapping.setdefault(key, index) != index:
            raise NliError(f"labels={text}: {key} is given twice", "give each value one name")
    _refuse_doubled(list(mapping.values()), f"labels={text}")
    return mapping


def names_map(names: Sequence[str], where: str) -> dict[LabelKey, int]:
    """The mapping that a ClassLabel's names (index = number) declare; {} if they say nothing."""
    if not names:
        return {}
    indices = [label_word(name) for name in names]
    known = [index for index in indices if index is not None]
    if not known:
        return {}
    _refuse_doubled(known, where)
    return {position: index for position, index in enumerate(indices) if index is not None}


def prove(
    seen: Mapping[LabelKey, int],
    *,
    where: str,
    declared: Mapping[LabelKey, int] | None = None,
    stated: Mapping[LabelKey, int] | None = None,
) -> LabelMap:
    """The mapping for the label keys a source holds (`seen`: key -> line of its first row).

    `declared` comes with the data (ClassLabel names, a known source, words beside the numbers),
    `stated` from the user. Raises NliError where they contradict each other or leave a key open.
    """
    mapping = dict(declared or {})
    for key, index in (stated or {}).items():
        if mapping.setdefault(key, index) != index:
            raise NliError(
                f"{where}: labels= says {key} is {GOLD_NAMES[index]}, "
                f"the data itself says {GOLD_NAMES[mapping[key]]}",
                "drop labels= or mend the data",
            )
    unknown_word = next((k for k in seen if isinstance(k, str) and not _known(k, mapping)), None)
    if unknown_word is not None:
        raise NliError(
            f"{where}:{seen[unknown_word]}: unknown label {_short(unknown_word)}",
            f"known: {', '.join(GOLD_NAMES)}; for others say ?labels=VALUE:NAME,…",
        )
    numbers = sorted(key for key in seen if isinstance(key, int) and key not in mapping)
    if numbers and not mapping and 0 in numbers and 2 in numbers and set(numbers) <= {0, 1, 2}:
        if any(isinstance(key, str) for key in seen):
            raise NliError(f"{where}: labels are words in some rows, numbers in others", SAY_IT)
        mapping = {0: 0, 1: 1, 2: 2}
    elif numbers:
        raise NliError(
            f"{where}: nothing says what label {_listed(numbers)} means "
            f"(first on line {seen[numbers[0]]})",
            SAY_IT,
        )
    result = LabelMap(mapping)
    _refuse_mixture(result, seen, where)
    return result


def witnessed(pairs: Iterable[tuple[LabelKey, LabelKey, int]], where: str) -> dict[LabelKey, int]:
    """The mapping that (number, word, line) triples prove; refused if a number meets two words."""
    mapping: dict[LabelKey, int] = {}
    for number, word, line in pairs:
        index = label_word(word) if isinstance(word, str) else None
        if index is None:
            continue
        if mapping.setdefault(number, index) != index:
            raise NliError(
                f"{where}:{line}: label {number} stands beside {GOLD_NAMES[index]}, "
                f"before that beside {GOLD_NAMES[mapping[number]]}",
                "mend the file, or remove the column that is wrong",
            )
    _refuse_doubled(list(mapping.values()), where)
    return mapping


def model_label_order(
    id2label: Mapping[Any, str],
    *,
    stated: str = "",
    label2id: Mapping[str, int] | None = None,
    model: str = "the model",
) -> tuple[int, int, int]:
    """Where each of LABELS stands in the model's logits: `logits[:, order]` follows LABELS.

    `stated` ("contradiction,neutral,entailment") speaks for a model whose names say nothing.
    """
    try:
        names = {int(position): str(name) for position, name in id2label.items()}
    except (TypeError, ValueError):
        raise NliError(f"{model}: id2label has keys that are no numbers", _STATE_MODEL) from None
    if sorted(names) != [0, 1, 2]:
        raise NliError(
            f"{model} has {len(names)} output(s), NLI needs three",
            f"choose a sequence classifier trained on {', '.join(LABELS)}",
        )
    found = names_map([names[position] for position in range(3)], model)
    for name, position in (label2id or {}).items():
        index = label_word(name)
        if index is not None and found.get(int(position), index) != index:
            raise NliError(f"{model}: id2label and label2id contradict each other", _STATE_MODEL)
    if stated:
        mapping = parse_labels(stated)
        if any(found.get(position, index) != index for position, index in mapping.items()):
            raise NliError(
                f"{model} names its outputs {_names(names)}, labels={stated} contradicts it",
                "drop labels=, or mend id2label in the model's config.json",
            )
        found = {**found, **mapping}
    if set(found) == {0, 1, 2} == set(found.values()):
        order = {index: int(position) for position, index in found.items()}
        return order[0], order[1], order[2]
    if found:
        raise NliError(
            f"{model} names its outputs {_names(names)}: not the three NLI labels",
            f"choose a classifier for {', '.join(LABELS)}",
        )
    raise NliError(f"{model} does not name its outputs ({_names(names)})", _STATE_MODEL)


_STATE_MODEL = (
    "state their order, e.g. labels=contradiction,neutral,entailment, or mend config.json"
)


def _known(key: str, mapping: Mapping[LabelKey, int]) -> bool:
    return key in mapping or label_word(key) is not None


def _names(names: Mapping[int, str]) -> str:
    return ", ".join(_short(names[position]) for position in sorted(names))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…'"


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:6]))
    return shown if len(numbers) <= 6 else f"{shown}, … ({len(numbers)} in all)"


def _refuse_doubled(indices: Sequence[int], where: str) -> None:
    doubled = sorted({index for index in indices if indices.count(index) > 1})
    if doubled:
        raise NliError(f"{where}: two labels both mean {GOLD_NAMES[doubled[0]]}", SAY_IT)


def _refuse_mixture(labels: LabelMap, seen: Mapping[LabelKey, int], where: str) -> None:
    """A two-label set has no neutral or contradiction; a mixture of both has no fair accuracy."""
    present = {labels(key) for key in seen}
    if NON_ENTAILMENT in present and present & {1, 2}:
        raise NliError(
            f"{where}: holds both non-entailment and neutral or contradiction",
            "keep two-label and three-label pairs in files of their own",
        )
