"""Annotators' labels and label distributions, however a data set writes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from nliexplorer.annotators import SHARES, checked_shares, human_distribution, majority
from nliexplorer.data.labels import label_word
from nliexplorer.data.tabular.cells import parse_container
from nliexplorer.records import LABELS

#: Columns with one label a person, or how many people gave each label, the fullest first.
_VOTES = ("annotator_labels", "annotators_labels", "all_labels")
_COUNTS = (
    *("label_counter", "label_count", "label_counts", "annotator_counts"),
    *("label_count_round_2", "label_count_round_1"),  # VariErr's, once validated, and before
)
_OLDER = ("old_labels",)  # ChaosNLI's: the five of the original set beside a hundred new ones
_SHARES = (SHARES, "label_distribution", "human_distribution", "soft_label", "soft_labels")
_ONE_EACH = frozenset(
    form.format(number)
    for number in range(1, 100)
    for form in ("label{}", "label_{}", "annotator{}_label", "annotator_{}_label")
)
#: Columns of a table that may hold what annotators said.
ANNOTATION_COLUMNS = frozenset((*_VOTES, *_COUNTS, *_OLDER, *_SHARES)) | _ONE_EACH
_MOST = 10_000  # annotators of a pair

#: A cell to an index of GOLD_NAMES, None where it holds no label.
ReadLabel = Callable[[Any], int | None]


def read_annotations(
    cells: Mapping[str, Any], label: ReadLabel
) -> tuple[list[int], dict[str, Any]]:
    """(the annotators' labels, what of the columns says more than they do).

    `cells`: a row, of which ANNOTATION_COLUMNS count. Shares without labels come back as the
    column SHARES, in the order of LABELS; columns that are not read come back as they are.
    """
    names = ANNOTATION_COLUMNS.intersection(cells)
    if not names:
        return [], {}
    rest = {name: cells[name] for name in names if cells[name] not in (None, "", [])}
    votes: list[int] = []
    for group, read in ((_VOTES, _listed), (_COUNTS, _counted), (_OLDER, _listed)):
        for name in group:
            if name in rest and not votes and (votes := read(parse_container(rest[name]), label)):
                del rest[name]
    single = sorted(_ONE_EACH & rest.keys(), key=lambda name: (len(name), name))
    if not votes and (votes := [v for n in single if (v := label(rest[n])) is not None]):
        rest = {name: value for name, value in rest.items() if name not in single}
    for name in (*_SHARES, *_COUNTS):
        if name not in rest:
            continue
        value = parse_container(rest[name])
        if votes and (_shares(value, label) or _counted(value, label) == sorted(votes)):
            del rest[name]  # the labels say the same
        elif not votes and name in _SHARES and (shares := _shares(value, label)):
            del rest[name]
            rest[SHARES] = shares
    return votes, rest


def annotated(names: Collection[str]) -> bool:
    """Whether a table has a column of what annotators said."""
    return not ANNOTATION_COLUMNS.isdisjoint(names)


def single_labels(cells: Mapping[str, Any]) -> Iterator[Any]:
    """The raw labels that annotators gave, each a cell of its own or an element of a list."""
    for name in ANNOTATION_COLUMNS.intersection(cells):
        if name in _ONE_EACH:
            yield cells[name]
        elif name in _VOTES and isinstance(listed := parse_container(cells[name]), list):
            yield from (each for each in listed if not isinstance(each, dict | list))


def majority_label(votes: Sequence[int], columns: Mapping[str, Any]) -> int | None:
    """What most annotators said, by what `read_annotations` gave; TIE, or None without any."""
    shares = human_distribution(votes, columns)
    if shares is None:
        return votes[0] if len(votes) == 1 else None
    return majority(shares)


def _listed(value: Any, label: ReadLabel) -> list[int]:
    """One label a person."""
    if not isinstance(value, list) or any(isinstance(each, dict | list) for each in value):
        return []
    return [known for each in value if (known := label(each)) is not None]


def _counted(value: Any, label: ReadLabel) -> list[int]:
    """How many gave each label, by its name or in order."""
    counts = _by_label(value, label)
    if not counts or not all(_whole(count) for count in counts.values()):
        return []
    if not 0 < sum(counts.values()) <= _MOST:
        return []
    return [index for index, count in sorted(counts.items()) for _ in range(int(count))]


def _shares(value: Any, label: ReadLabel) -> list[float] | None:
    shares = _by_label(value, label)
    if not shares or not set(shares) <= {0, 1, 2}:
        return None
    checked = checked_shares([shares.get(index, 0.0) for index in range(len(LABELS))])
    return None if checked is None else list(checked)


def _by_label(value: Any, label: ReadLabel) -> dict[int, Any]:
    """Numbers by class, of a dict by label or a list of three; {} for anything else."""
    if isinstance(value, list) and len(value) == len(LABELS):
        order = [label(index) for index in range(len(LABELS))]
        known = sorted(str(each) for each in order) == ["0", "1", "2"]
        value = dict(zip(order if known else range(len(LABELS)), value, strict=True))
    elif isinstance(value, dict):
        named = {str(name): number for name, number in value.items()}
        by_word = {word: label_word(word) for word in named}
        value = {
            index if (index := by_word[word]) is not None else label(word): number
            for word, number in named.items()
        }
    else:
        return {}
    value = {index: number or 0 for index, number in value.items()}  # VariErr writes null for 0
    if None in value or not all(type(number) in (int, float) for number in value.values()):
        return {}
    return value


def _whole(number: float) -> bool:
    return number >= 0 and float(number).is_integer()
