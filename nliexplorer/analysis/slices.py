"""Error rates by slice, of one run or between two, and the slices where two runs differ most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from nliexplorer.analysis.intervals import newcombe_paired, wilson
from nliexplorer.analysis.outputs import BoolArray
from nliexplorer.analysis.seeds import benjamini_hochberg
from nliexplorer.analysis.significance import mcnemar_exact
from nliexplorer.analysis.slicing import (
    Grouping,
    SliceTable,
    available_keys,
    depends_on_run,
    group_by,
)
from nliexplorer.analysis.verdict import FEW_PAIRS, verdict
from nliexplorer.errors import NliError


@dataclass(frozen=True, slots=True)
class Slice:
    """Error rate of one run in one slice, with its 95 % Wilson interval; rates None where n = 0."""

    key: str
    slice: str
    n: int
    error_rate: float | None
    ci_low: float | None
    ci_high: float | None

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("slice", *_REST)}


_REST = ("n", "error_rate", "ci_low", "ci_high", "key")


@dataclass(frozen=True, slots=True)
class SliceDifference:
    """Error rates of two runs in one slice; `delta` = b - a with its paired 95 % score interval.

    `p`: exact McNemar; `q`: p adjusted by Benjamini–Hochberg over the `family` of slices that were
    tested together.
    """

    key: str
    slice: str
    n: int
    error_a: float
    error_b: float
    delta: float
    ci_low: float
    ci_high: float
    fixed: int
    broken: int
    p: float
    q: float = 1.0
    family: int = 1
    parts: tuple[tuple[str, str], ...] = ()  # (key, slice) of each: two for an intersection

    @property
    def label(self) -> str:
        """`gold neutral · negation no negation`."""
        return " · ".join(f"{key} {name}" for key, name in self.parts)

    @property
    def verdict(self) -> int:
        """1 where B makes fewer errors, -1 more, 0 undecided after adjusting for all tested."""
        return verdict(self.ci_low, self.ci_high, lower_is_better=True, p=self.q)

    def as_dict(self) -> dict[str, Any]:
        names = [name for name in self.__dataclass_fields__ if name != "parts"]
        return {name: getattr(self, name) for name in names} | {"verdict": self.verdict}


def q_family(rows: Sequence[SliceDifference]) -> str:
    """What the rows' q is adjusted for, as a phrase."""
    families = sorted({row.family for row in rows})
    if families in ([], [1]):
        return "one slice tested: q = p"
    sizes = " or ".join(f"{size:,}" for size in families)
    return f"q: Benjamini–Hochberg over the {sizes} slices tested together"


def slice_errors(table: SliceTable, key: str) -> tuple[Slice, ...]:
    """Every slice of `key`, in its own order; empty bins are kept, with n = 0."""
    grouping = group_by(table, key)
    inside = grouping.index >= 0
    size = len(grouping.names)
    n = np.bincount(grouping.index[inside], minlength=size)
    wrong = np.bincount(grouping.index[inside], weights=~table.correct[inside], minlength=size)
    low, high = wilson(wrong, n)
    return tuple(
        Slice(
            key,
            name,
            int(n[i]),
            float(wrong[i] / n[i]) if n[i] else None,
            float(low[i]) if n[i] else None,
            float(high[i]) if n[i] else None,
        )
        for i, name in enumerate(grouping.names)
    )


def slice_differences(
    table: SliceTable, correct_b: BoolArray, keys: Sequence[str]
) -> tuple[SliceDifference, ...]:
    """Every filled slice of `keys` under run a (`table`) and run b, adjusted over all of them."""
    _check(table, correct_b)
    differences = [
        _difference(((key, name),), table.correct[mask], correct_b[mask])
        for key in keys
        for name, mask in _masks(group_by(table, key))
    ]
    return _adjusted(differences)


def searched_keys(table: SliceTable) -> list[str]:
    """What `find_slices` tries.

    Not run a's own answers: where a was unsure or wrong, b looks good by chance. Not the bins of
    length that equal-count bins cut better.
    """
    keys = available_keys(table)
    return [key for key in keys if key != "length" and not depends_on_run(key)]


def find_slices(
    table: SliceTable,
    correct_b: BoolArray,
    *,
    keys: Sequence[str] | None = None,
    minimum: int = FEW_PAIRS,
    limit: int = 20,
    pairs: bool = True,
) -> tuple[SliceDifference, ...]:
    """Slices, and intersections of two, where the runs differ most; adjusted over all tried.

    Ranked by the end of the interval that is nearer to zero, so that small slices do not win by
    chance. Slices under `minimum` pairs, and intersections that are all of a slice, are not tried.
    """
    _check(table, correct_b)
    tried = keys or searched_keys(table)
    masks = {key: list(_masks(group_by(table, key))) for key in tried}
    differences = []
    for key, slices in masks.items():
        differences += [
            _difference(((key, name),), table.correct[mask], correct_b[mask])
            for name, mask in slices
            if minimum <= mask.sum()
        ]
    for one, two in combinations(tried if pairs else (), 2):
        if one.split("-")[0] == two.split("-")[0]:
            continue  # two cuts of the same quantity
        for (name_a, mask_a), (name_b, mask_b) in _products(masks[one], masks[two]):
            both = mask_a & mask_b
            if minimum <= both.sum() < min(mask_a.sum(), mask_b.sum()):
                parts = ((one, name_a), (two, name_b))
                differences.append(_difference(parts, table.correct[both], correct_b[both]))
    return tuple(sorted(_adjusted(differences), key=_surprise, reverse=True)[:limit])


def _surprise(row: SliceDifference) -> tuple[float, float]:
    sure = max(row.ci_low, -row.ci_high, 0.0)
    return sure, abs(row.delta)


Masks = list[tuple[str, BoolArray]]


def _products(
    one: Masks, two: Masks
) -> Iterator[tuple[tuple[str, BoolArray], tuple[str, BoolArray]]]:
    return ((a, b) for a in one for b in two)


def _masks(grouping: Grouping) -> Iterator[tuple[str, BoolArray]]:
    for i, name in enumerate(grouping.names):
        mask = grouping.index == i
        if mask.any():
            yield name, mask


def slice_mask(table: SliceTable, parts: Sequence[tuple[str, str]]) -> BoolArray:
    """[n] which pairs are in all of the slices (key, name)."""
    mask = np.ones(table.n, dtype=bool)
    for key, name in parts:
        grouping = group_by(table, key)
        mask &= grouping.index == grouping.names.index(name)
    return mask


def _difference(parts: tuple[tuple[str, str], ...], a: BoolArray, b: BoolArray) -> SliceDifference:
    fixed, broken = int((~a & b).sum()), int((a & ~b).sum())
    wrong_both = int((~a & ~b).sum())
    right_both = len(a) - fixed - broken - wrong_both
    low, high = newcombe_paired(wrong_both, fixed, broken, right_both)
    return SliceDifference(
        key=" & ".join(key for key, _ in parts),
        slice=" & ".join(name for _, name in parts),
        n=len(a),
        error_a=float(1.0 - a.mean()),
        error_b=float(1.0 - b.mean()),
        delta=(broken - fixed) / len(a),
        ci_low=low,
        ci_high=high,
        fixed=fixed,
        broken=broken,
        p=mcnemar_exact(fixed, broken),
        parts=parts,
    )


def _adjusted(rows: Sequence[SliceDifference]) -> tuple[SliceDifference, ...]:
    q = benjamini_hochberg([row.p for row in rows])
    return tuple(
        replace(row, q=float(value), family=len(rows)) for row, value in zip(rows, q, strict=True)
    )


def _check(table: SliceTable, correct_b: BoolArray) -> None:
    if len(correct_b) != table.n:
        raise NliError(
            f"{table.n:,} pairs of one run and {len(correct_b):,} of the other",
            "slice the pairs that both runs predicted",
        )
