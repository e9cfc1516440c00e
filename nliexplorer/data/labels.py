"""The label-mapping guard: a mapping is proved by evidence or refused, never guessed.

What counts as proof, strongest first:

1. The user's statement (`?labels=`, `--labels`), unless the data contradicts it.
2. Words. "Entailment", "e", "not_entailment" say what they mean, in any case and spacing.
3. Names that come with numbers: a ClassLabel's names, or the order a known source publishes.
   Two of these that contradict each other are refused.
4. Numbers beside words in the same rows, if each number always meets the same word.
5. Bare numbers, only when the data holds both 0 and 2 and nothing outside {0, 1, 2}: a three-way
   numbering from 0. Most public sets that number so (SNLI, MultiNLI, ANLI) have 0 entailment,
   1 neutral, 2 contradiction, but not all (CB has 1 contradiction), so that a note says so each
   time this convention is used. {0, 1} may be a two-label set in either direction and {1, 2, 3}
   counts from 1: those are refused with the way to state what they mean.

A model's outputs get no convention at all: MNLI checkpoints are published in both orders.

The guard serves the label column of data sets and both columns of predictions files.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from nliexplorer.errors import NliError, documented
from nliexplorer.records import GOLD_NAMES, LABELS, NON_ENTAILMENT

LabelKey = int | str
#: What a mapping rests on.
Basis = Literal["words", "names", "stated", "convention"]
#: Stated of a cell that means "not labelled": `?labels=none:-`.
NO_LABEL = -1
_NO_LABEL_NAMES = ("-", "unlabelled", "unlabeled")

_WORDS: dict[str, int] = {
    **dict.fromkeys(("entailment", "entail", "entails", "entailed", "e"), 0),
    **dict.fromkeys(("neutral", "n"), 1),
    **dict.fromkeys(("contradiction", "contradict", "contradicts", "contradictory", "c"), 2),
    **dict.fromkeys(("nonentailment", "notentailment", "notentailed", "nonentailed"), 3),
}
#: Words of other vocabularies, for suggestions only: they mean other things in some sets.
_SIMILAR: dict[str, int] = {
    **dict.fromkeys(("yes", "true", "supports", "supported", "support", "valid", "follows"), 0),
    **dict.fromkeys(("unknown", "maybe", "unk", "notenoughinfo", "nei", "undetermined"), 1),
    **dict.fromkeys(("none", "na", "n/a", "null", "other", "neither", "irrelevant"), 1),
    **dict.fromkeys(("no", "false", "refutes", "refuted", "refute", "contra", "disputed"), 2),
}
#: Not labelled here, a class in some sets (ASSIN's NONE, numberings from -1): asked about.
_AMBIGUOUS = frozenset({"na", "n/a", "null", "none", "-1"})
_UNLABELLED = _AMBIGUOUS | {"", "-", "nan", "hidden", "?", "unlabelled", "unlabeled"}
_NUMBER = re.compile(r"[+-]?\d{1,9}(\.0+)?")
_NUMBERED = re.compile(r"label[_ ]?(\d{1,3})", re.IGNORECASE)  # as a model without names says


def label_word(text: str) -> int | None:
    """The index into GOLD_NAMES a label word stands for, or None."""
    return _WORDS.get(_plain(text))


def _plain(text: str) -> str:
    return re.sub(r"[\s_\-]+", "", text.casefold())


def label_key(value: Any) -> LabelKey | Literal[False] | None:
    """A raw cell as a number or a word; None: no usable label; False: not a label at all."""
    if type(value) is int:
        return None if value == -1 else value
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
    if numbered := _NUMBERED.fullmatch(text):
        return int(numbered.group(1))
    return text


def ambiguous_key(value: Any) -> LabelKey | None:
    """The word or number of an unlabelled cell that is a class in some sets; None otherwise."""
    if isinstance(value, str):
        text = value.strip().casefold()
        if _NUMBER.fullmatch(text):
            value = float(text)
        else:
            return text if text in _AMBIGUOUS else None
    if isinstance(value, int | float) and not isinstance(value, bool) and value == -1:
        return -1
    return None


def _folded(key: LabelKey) -> LabelKey:
    return key.casefold() if isinstance(key, str) else key


class LabelMap:
    """A proved mapping from raw label cells to indices of GOLD_NAMES.

    `basis` says what the numbers' meaning rests on; "words" where there are none.
    """

    def __init__(self, mapping: Mapping[LabelKey, int], basis: Basis = "words") -> None:
        self.mapping = {_folded(key): index for key, index in mapping.items()}
        self.basis = basis

    def __call__(self, value: Any) -> int | None:
        """The label of a cell, None where it holds none that is known."""
        key = label_key(value)
        if key is False:
            return None
        if key is None:
            marker = ambiguous_key(value)
            label = None if marker is None else self.mapping.get(marker)
        else:
            label = self.mapping.get(_folded(key))
            if label is None and isinstance(key, str):
                label = label_word(key)
        return None if label == NO_LABEL else label

    @property
    def numbers(self) -> dict[LabelKey, int]:
        """What each number means."""
        return {key: index for key, index in self.mapping.items() if isinstance(key, int)}

    def note(self, prefix: str) -> str:
        """The note for a mapping by convention, "" for any other; `prefix` is the text
        that states an order, such as `dev.csv?labels=`.
        """
        if self.basis != "convention":
            return ""
        example = statement(prefix, ("entailment", "contradiction", "neutral"))
        return (
            "labels 0, 1, 2 are read as entailment, neutral, contradiction by convention: nothing "
            f"in the data says so. Another order is stated so: {example}"
        )


def statement(prefix: str, names: Iterable[str]) -> str:
    """`--labels a,b,c` or `'dev.csv?labels=a,b,c'`, quoted for a shell."""
    if prefix.endswith(" "):
        return prefix + shlex.quote(",".join(names))
    return shlex.quote(prefix + ",".join(names))


@documented("files")
def parse_labels(text: str) -> dict[LabelKey, int]:
    """`entailment,neutral,contradiction` (numbers from 0) or `VALUE:NAME,…` as a mapping.

    A NAME of `-` (or `unlabelled`) says that rows with VALUE have no label. `neutral` and
    `contradiction` may be stated to mean non-entailment. Raises NliError.
    """
    mapping: dict[LabelKey, int] = {}
    positional: list[int] = []
    for position, item in enumerate(text.split(",")):
        raw, colon, name = item.rpartition(":")
        index = NO_LABEL if name.strip().casefold() in _NO_LABEL_NAMES else label_word(name)
        key = label_key(raw) if colon else position
        if key is None:
            key = ambiguous_key(raw)
        if index is None or key is None or key is False:
            raise NliError(
                f"labels={text}: {item.strip()!r} is not understood",
                f"it takes NAME,NAME,… or VALUE:NAME,… with names {', '.join(GOLD_NAMES)}, or -",
            )
        key = _folded(key)
        own = label_word(key) if isinstance(key, str) else None
        narrower = index == NON_ENTAILMENT and own in (1, 2)
        if own not in (None, index) and not narrower:
            raise NliError(
                f"labels={text}: {key!r} cannot mean {GOLD_NAMES[index]}", "leave words as they are"
            )
        if mapping.setdefault(key, index) != index:
            raise NliError(f"labels={text}: {key} is given twice", "give each value one name")
        if not colon and index != NON_ENTAILMENT:
            positional.append(index)
    _refuse_doubled(positional, f"labels={text}", "labels=")
    return mapping


@documented("files")
def names_map(names: Sequence[str], where: str) -> dict[LabelKey, int]:
    """The mapping that a ClassLabel's names (index = number) declare; {} for other names."""
    if not names:
        return {}
    indices = [label_word(name) for name in names]
    known = [index for index in indices if index is not None]
    if not known:
        return {}
    _refuse_doubled(known, where, "?labels=")
    return {position: index for position, index in enumerate(indices) if index is not None}


def class_label_names(features: Any) -> tuple[str, ...]:
    """The names of a ClassLabel that names NLI classes, from a description of columns as
    `datasets.Features.to_dict` gives it; () where there is none.
    """
    for feature in features.values() if isinstance(features, Mapping) else ():
        if isinstance(feature, Mapping) and feature.get("_type") == "ClassLabel":
            names = tuple(map(str, feature.get("names") or ()))
            if any(label_word(name) is not None for name in names):
                return names
    return ()


@documented("files")
def prove(
    first_seen: Mapping[LabelKey, int],
    *,
    where: str,
    unit: str = "line",
    prefix: str = "?labels=",
    declared: Mapping[LabelKey, int] | None = None,
    stated: Mapping[LabelKey, int] | None = None,
) -> LabelMap:
    """The mapping for the label keys a source holds (`first_seen`: key -> line of its first row).

    `declared` comes with the data (ClassLabel names, a known source, words beside the numbers),
    `stated` by the user; `prefix` is the text with which to state an order. Raises NliError
    where they contradict each other or leave a key open.
    """
    mapping = {_folded(key): index for key, index in (declared or {}).items()}
    basis: Basis = "names" if mapping else "words"
    for raw_key, index in (stated or {}).items():
        key = _folded(raw_key)
        if mapping.setdefault(key, index) != index:
            raise NliError(
                f"{where}: the statement says {key} is {_name(index)}, "
                f"the data itself says {_name(mapping[key])}",
                "drop the statement, or correct the data",
            )
        basis = "stated"
    unknown = [key for key in first_seen if isinstance(key, str) and not _known(key, mapping)]
    if unknown:
        names = [
            f"{key}:{GOLD_NAMES[_SIMILAR.get(_plain(key), 1)]}"
            for key in unknown[:6]
            if key.isprintable() and len(key) < 60 and not set(key) & set(",&%")
        ] or ["VALUE:neutral"]
        raise NliError(
            f"{where}, {unit} {first_seen[unknown[0]]}: unknown label {_short(unknown[0])}",
            f"known: {', '.join(GOLD_NAMES)}; state what others mean, e.g. "
            f"{statement(prefix, names)}",
        )
    numbers = sorted(key for key in first_seen if isinstance(key, int) and key not in mapping)
    bare = not any(isinstance(key, int) for key in mapping)
    if numbers and bare and 0 in numbers and 2 in numbers and set(numbers) <= {0, 1, 2}:
        if any(isinstance(key, str) for key in first_seen):
            raise NliError(
                f"{where}: labels are words in some rows, numbers in others",
                f"state what the numbers mean: {statement(prefix, LABELS)}",
            )
        mapping, basis = {**mapping, 0: 0, 1: 1, 2: 2}, "convention"
    elif numbers:
        raise NliError(
            f"{where}: nothing says what label {_listed(numbers)} means "
            f"(first on {unit} {first_seen[numbers[0]]})",
            _how_to_state(numbers, prefix),
        )
    result = LabelMap(mapping, basis)
    _refuse_mixture(result, first_seen, where)
    return result


def _how_to_state(numbers: Sequence[int], prefix: str) -> str:
    if numbers == [0, 1] or numbers == [0] or numbers == [1]:
        two = statement(prefix, ("entailment", "non-entailment"))
        return f"two labels: {two} (or the other way round); three: {statement(prefix, LABELS)}"
    start = 1 if numbers[0] == 1 and numbers[-1] == 3 else numbers[0] if len(numbers) == 3 else 0
    names = [name if start == 0 else f"{n}:{name}" for n, name in enumerate(LABELS, start)]
    return f"state it, in their true order: {statement(prefix, names)}"


@documented("files")
def ask_about_marker(
    markers: Mapping[LabelKey, int], keys: Iterable[LabelKey], rows: int, where: str, prefix: str
) -> None:
    """Refuses a file in which a word such as `none` fills a good part of the rows beside real
    labels, until it is stated whether it is a class. `markers`: key -> number of rows.
    """
    real = list(keys)
    for key, count in markers.items():
        if real and count >= 5 and count >= 0.1 * rows:
            names = [f"{key}:{GOLD_NAMES[_SIMILAR.get(str(key), 2)]}"]
            if isinstance(key, int):
                names += [f"{n}:{name}" for n, name in ((0, "neutral"), (1, "entailment"))]
            raise NliError(
                f"{where}: {str(key)!r} occurs in {count} of {rows} rows beside other labels: a "
                "class, or no label?",
                f"a class: {statement(prefix, names)}; no label: {statement(prefix, [f'{key}:-'])}",
            )


@documented("files")
def witnessed(
    pairs: Iterable[tuple[LabelKey, LabelKey, int]], where: str, unit: str = "line"
) -> dict[LabelKey, int]:
    """The mapping that (number, word, line) triples prove; refused if a number meets two words."""
    mapping: dict[LabelKey, int] = {}
    for number, word, line in pairs:
        index = label_word(word) if isinstance(word, str) else None
        if index is None:
            continue
        if mapping.setdefault(number, index) != index:
            raise NliError(
                f"{where}, {unit} {line}: label {number} appears with {GOLD_NAMES[index]}, "
                f"but earlier with {GOLD_NAMES[mapping[number]]}",
                "fix the file, or remove the column that is wrong",
            )
    _refuse_doubled(list(mapping.values()), where, "?labels=")
    return mapping


def _known(key: str, mapping: Mapping[LabelKey, int]) -> bool:
    return _folded(key) in mapping or label_word(key) is not None


def _name(index: int) -> str:
    return "unlabelled" if index == NO_LABEL else GOLD_NAMES[index]


def _names(names: Mapping[int, str]) -> str:
    return ", ".join(_short(names[position]) for position in sorted(names))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…'"


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:6]))
    return shown if len(numbers) <= 6 else f"{shown}, … ({len(numbers)} in all)"


def _refuse_doubled(indices: Sequence[int], where: str, prefix: str) -> None:
    doubled = sorted({index for index in indices if indices.count(index) > 1})
    if doubled:
        raise NliError(
            f"{where}: two labels both mean {_name(doubled[0])}",
            f"state each one: {statement(prefix, LABELS)}",
        )


def _refuse_mixture(labels: LabelMap, first_seen: Mapping[LabelKey, int], where: str) -> None:
    """A two-label set has no neutral or contradiction; a mixture of both has no fair accuracy."""
    present = {labels(key) for key in first_seen}
    if NON_ENTAILMENT in present and present & {1, 2}:
        raise NliError(
            f"{where}: holds both non-entailment and neutral or contradiction",
            "keep two-label and three-label pairs in files of their own",
        )
