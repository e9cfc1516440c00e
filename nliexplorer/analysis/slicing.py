"""Ways to cut a split into slices: a registry of small functions of a table of columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.calibration import equal_count_index
from nliexplorer.analysis.outputs import BoolArray, FloatArray, IntArray
from nliexplorer.annotators import TIE, entropy, majority, share_of
from nliexplorer.errors import NliError, unknown_name
from nliexplorer.records import GOLD_NAMES
from nliexplorer.wording import has_negation, lexical_overlap

#: Prefix of the name of a column that came with the pairs.
PREFIX = "meta."
#: A column of words with more values than this tells pairs apart, not kinds of pairs.
KINDS = 40


@dataclass(frozen=True, slots=True, eq=False)
class SliceTable:
    """Columns of n pairs under one run; a column that is not known is None.

    For two runs, `correct` differs and everything else is of the first run.
    """

    gold: IntArray
    predicted: IntArray
    correct: BoolArray
    length: IntArray  # whitespace words of premise + hypothesis
    premises: Sequence[str] = ()
    hypotheses: Sequence[str] = ()
    confidence: FloatArray | None = None
    #: Share of each label among a pair's annotators, of 3 classes or 2; None without annotators.
    annotators: Sequence[Sequence[float] | None] | None = None
    hypothesis_only: BoolArray | None = None  # right without the premise, out of fold
    attribution: Mapping[str, FloatArray] = field(default_factory=dict)  # AttributionStats columns
    #: Columns that came with the pairs as meta.NAME, None where a pair lacks a value.
    extra: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    #: Slices by key, each cut once; tables that differ in `correct` alone share them.
    groupings: dict[str, Grouping | None] = field(default_factory=dict, repr=False)

    @property
    def n(self) -> int:
        return len(self.gold)


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """`index` [n] into `names`, in display order; -1 for pairs in no slice."""

    names: tuple[str, ...]
    index: IntArray


@dataclass(frozen=True, slots=True)
class SliceKey:
    """One way of cutting; `group` returns None where the table lacks its column."""

    name: str
    about: str
    group: Callable[[SliceTable], Grouping | None]


_REGISTRY: dict[str, SliceKey] = {}


def slice_key(
    name: str, about: str
) -> Callable[[Callable[[SliceTable], Grouping | None]], Callable[[SliceTable], Grouping | None]]:
    """Registers a slicing function under `name`."""

    def register(
        group: Callable[[SliceTable], Grouping | None],
    ) -> Callable[[SliceTable], Grouping | None]:
        _REGISTRY[name] = SliceKey(name, about, group)
        return group

    return register


def slice_keys() -> tuple[SliceKey, ...]:
    """All registered ways of cutting."""
    return tuple(_REGISTRY.values())


def depends_on_run(key: str) -> bool:
    """Whether the key cuts by what one run said of the pairs, not by the pairs themselves."""
    return key in ("predicted", "confidence") or key.startswith("attribution-")


def available_keys(table: SliceTable) -> tuple[str, ...]:
    """Keys whose column `table` has, and its extra columns."""
    known = [key.name for key in slice_keys() if _registered(table, key.name) is not None]
    return (*known, *(name for name, values in table.extra.items() if _is_categorical(values)))


def _is_categorical(values: Sequence[Any]) -> bool:
    """Whether a column groups the pairs: a few distinct values, or numbers that repeat."""
    different = {str(value) for value in values if value is not None}
    return 1 < len(different) <= KINDS or (_numeric(values) and 1 < len(different) < len(values))


def _numeric(values: Sequence[Any]) -> bool:
    return all(value is None or type(value) in (int, float) for value in values)


def group_by(table: SliceTable, key: str) -> Grouping:
    """The slices of `key`; NliError for an unknown key or one whose column is missing."""
    column = key if key in table.extra else f"{PREFIX}{key}"
    if key not in _REGISTRY and column in table.extra:
        by_column = table.groupings.get(column) or _by_column(column, table.extra[column])
        table.groupings[column] = by_column
        return by_column
    if key not in _REGISTRY:
        raise unknown_name("slice", key, [*_REGISTRY, *table.extra])
    grouping = _registered(table, key)
    if grouping is None:
        raise NliError(
            f"nothing to slice by {key!r}: {_REGISTRY[key].about} is not known for these pairs",
            f"here there is: {', '.join(available_keys(table))}",
        )
    return grouping


def _registered(table: SliceTable, key: str) -> Grouping | None:
    """The slices of a registered key; None where the table lacks its column."""
    if key not in table.groupings:
        table.groupings[key] = _REGISTRY[key].group(table)
    return table.groupings[key]


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _by_column(name: str, values: Sequence[Any]) -> Grouping:
    """Each value of a column a slice; more than KINDS numbers in bins of equal count."""
    different = {str(value) for value in values if value is not None}
    if len(different) <= KINDS:
        labels = ["–" if value is None else _shown(value) for value in values]
        names, index = np.unique(labels, return_inverse=True)
        if _numeric(values):
            order = np.argsort([float(each) if each != "–" else np.inf for each in names])
            names, index = names[order], np.argsort(order)[index]
        return Grouping(tuple(names.tolist()), index.astype(np.int64))
    if not _numeric(values):
        raise NliError(
            f"{name} has {len(different):,} different values: it tells pairs apart, not kinds",
            f"slice by a column of at most {KINDS} values; of one value: --where '{name}:VALUE'",
        )
    numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    known = np.isfinite(numbers)
    bins = np.full(numbers.size, -1)
    bins[known] = equal_count_index(numbers[known])
    return _ranges(numbers, bins, "g" if (numbers[known] % 1).any() else ".0f")


def _dense(names: Sequence[str], index: IntArray) -> Grouping:
    """Drops names that no pair has."""
    used = np.unique(index[index >= 0])
    place = np.full(len(names) + 1, -1)
    place[used] = np.arange(used.size)
    return Grouping(tuple(names[i] for i in used), place[index])


def _ranges(values: npt.NDArray[np.generic], index: IntArray, spec: str) -> Grouping:
    """Names each bin of `index` by its smallest and largest value."""
    names = []
    for bin_ in range(int(index.max()) + 1):
        inside = values[index == bin_]
        ends = [format(inside.min(), spec), format(inside.max(), spec)] if inside.size else ["", ""]
        names.append(ends[0] if ends[0] == ends[1] else "–".join(ends))
    return _dense(names, index)


@slice_key("gold", "the gold label")
def _gold(table: SliceTable) -> Grouping:
    return _dense(GOLD_NAMES, table.gold)


@slice_key("predicted", "the predicted label")
def _predicted(table: SliceTable) -> Grouping:
    return _dense(GOLD_NAMES, table.predicted)


@slice_key("length", "words of premise and hypothesis, bins of equal width (Fig. 8)")
def _length(table: SliceTable) -> Grouping:
    return length_bins(table.length)


@slice_key("length-quantile", "words of premise and hypothesis, bins of equal count")
def _length_quantile(table: SliceTable) -> Grouping:
    return _ranges(table.length, equal_count_index(table.length), "d")


def length_bins(length: IntArray, bins: int = 10) -> Grouping:
    """At most `bins` whole-number bins of equal width from the shortest pair to the longest."""
    low, high = int(length.min()), int(length.max())
    width = -(-(high - low + 1) // bins)
    starts = range(low, high + 1, width)
    names = [str(s) if width == 1 else f"{s}–{s + width - 1}" for s in starts]
    index = (length - low) // width
    return Grouping(tuple(names), index.astype(np.int64))


@slice_key("overlap", "the share of hypothesis words that occur in the premise")
def _overlap(table: SliceTable) -> Grouping | None:
    if not table.premises:
        return None
    share = np.array(
        [lexical_overlap(p, h) for p, h in zip(table.premises, table.hypotheses, strict=True)]
    )
    names = ("0–24 %", "25–49 %", "50–74 %", "75–99 %", "100 %")
    return _dense(names, np.minimum((share * 4 + 1e-9).astype(np.int64), 4))


@slice_key("negation", "negation in the hypothesis")
def _negation(table: SliceTable) -> Grouping | None:
    if not table.hypotheses:
        return None
    negated = np.array([has_negation(h) for h in table.hypotheses])
    return _dense(("no negation", "negation"), negated.astype(np.int64))


def _of_annotators(
    table: SliceTable, measure: Callable[[Sequence[float], int], float | None]
) -> FloatArray | None:
    """[n] a measure of (shares, gold label), NaN without; None where no pair has it."""
    if table.annotators is None:
        return None
    values = [
        None if shares is None else measure(shares, gold)
        for shares, gold in zip(table.annotators, table.gold.tolist(), strict=True)
    ]
    array = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return None if np.isnan(array).all() else array


@slice_key("agreement", "the share of annotators who gave the gold label")
def _agreement(table: SliceTable) -> Grouping | None:
    share = _of_annotators(table, share_of)
    if share is None:
        return None
    known = np.isfinite(share)
    names = ("0–19 %", "20–39 %", "40–59 %", "60–79 %", "80–99 %", "100 %")
    index = np.full(table.n, -1)
    index[known] = (share[known] * 5 + 1e-9).astype(np.int64)
    return _dense(names, index)


@slice_key("annotator-entropy", "the entropy of the annotators' labels, nats")
def _annotator_entropy(table: SliceTable) -> Grouping | None:
    values = _of_annotators(table, lambda shares, _: entropy(shares))
    return None if values is None else _quarters(values)


@slice_key("majority", "the label that most annotators gave")
def _majority(table: SliceTable) -> Grouping | None:
    values = _of_annotators(table, lambda shares, _: majority(shares))
    if values is None:
        return None
    names = (*GOLD_NAMES, "tie")
    labels = np.where(np.isnan(values), len(names), values).astype(np.int64)
    index = np.where(labels == TIE, len(GOLD_NAMES), labels)
    return _dense(names, np.where(index == len(names), -1, index))


@slice_key(
    "hypothesis-only", "whether the hypothesis alone gives the label away (hard: it does not)"
)
def _hypothesis_only(table: SliceTable) -> Grouping | None:
    if table.hypothesis_only is None:
        return None
    names = ("hard", "solvable")
    return _dense(names, table.hypothesis_only.astype(np.int64))


@slice_key("confidence", "the largest softmax probability")
def _confidence(table: SliceTable) -> Grouping | None:
    if table.confidence is None:
        return None
    names = [f"{i / 10:.1f}–{(i + 1) / 10:.1f}" for i in range(10)]
    return _dense(names, np.minimum((table.confidence * 10).astype(np.int64), 9))


def _quarters(values: FloatArray) -> Grouping:
    """Bins of equal count, at most four; unknown values in none."""
    known = np.isfinite(values)
    index = np.full(values.size, -1)
    index[known] = equal_count_index(values[known], 4)
    return _ranges(values, index, ".3g")


def _attribution_quarters(column: str) -> Callable[[SliceTable], Grouping | None]:
    def group(table: SliceTable) -> Grouping | None:
        values = table.attribution.get(column)
        if values is None or not np.isfinite(values).any():
            return None
        return _quarters(values)

    return group


for _column, _about in {
    "variance": "the attribution's variance over words",
    "entropy": "the attribution's entropy",
    "gini": "the attribution's Gini coefficient",
    "hypothesis_share": "the attribution's share on the hypothesis",
    "special_share": "the attribution's share on special tokens",
}.items():
    slice_key(f"attribution-{_column.replace('_', '-')}", f"{_about}, quarters")(
        _attribution_quarters(_column)
    )
