"""What Compare shows: two runs or more on the same pairs, or two arms over their seeds; orders of
the metrics, and the same as a table of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nliexplorer.analysis.metric_specs import spec_of
from nliexplorer.analysis.metrics import Confusion
from nliexplorer.analysis.seeds import SeedDifference
from nliexplorer.analysis.significance import Comparison, MetricDifference
from nliexplorer.comparison.groups import GroupComparison, compare_run_groups
from nliexplorer.comparison.pairs import PairedRuns
from nliexplorer.comparison.tables import comparisons, confusions
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.copying import Table
from nliexplorer.tui.queries import paired_runs
from nliexplorer.tui.state import Selection
from nliexplorer.view.metric_text import change, figure, interval, mean_figure, verdict_words


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """What the screen shows."""

    paired: PairedRuns
    comparison: Comparison  # of B with A
    further: tuple[Comparison, ...]  # of the other runs with A
    confusions: tuple[Confusion, ...]


def compared(reader: StoreReader, selection: Selection) -> Compared:
    """Reads and compares the runs; resamples the pairs for the intervals."""
    paired = paired_runs(reader, selection)
    comparison, *further = comparisons(paired)
    return Compared(paired, comparison, tuple(further), confusions(paired)[:2])


def compared_arms(reader: StoreReader, selection: Selection) -> GroupComparison:
    """Reads and compares the arms: as `compare --group`, inside the selection."""
    assert selection.a
    assert selection.b
    assert selection.arms
    arms = zip(selection.arms, selection.runs, strict=True)
    a, b = ([run, *(each for each in arm.runs if each.id != run.id)] for arm, run in arms)
    ids = selection.subset.ids if selection.subset else None
    return compare_run_groups(reader, a, b, selection.split, selection.full_filter, ids)


#: Orders of the metrics, and the columns whose headings choose them.
ORDERS = ("as listed", "B worse", "B better", "surest")
ORDER_OF = {"": "as listed", "B − A": "B worse", "− A": "B worse", "95 % interval": "surest"}


Difference = MetricDifference | SeedDifference


def metric_order(rows: Sequence[Sequence[Difference]], order: str) -> list[int]:
    """Places of the metrics in one of ORDERS; each of `rows` has the differences of one run.

    By the difference in halves of its interval, of the run where that is largest.
    """

    def worse(row: Difference) -> float:
        """How much worse than A."""
        if row.delta is None or row.ci_low is None or row.ci_high is None:
            return 0.0
        half = (row.ci_high - row.ci_low) / 2 or 1.0
        return row.delta / half * (1 if spec_of(row.name).lower_is_better else -1)

    def place(index: int) -> float:
        strengths = [worse(each[index]) for each in rows]
        if order == "surest":
            return -max(map(abs, strengths))
        return -max(strengths) if order == "B worse" else min(strengths)

    places = list(range(len(rows[0])))
    return places if order == ORDERS[0] else sorted(places, key=place)


def text_table(shown: Compared | GroupComparison) -> Table:
    """What is shown, for copying."""
    if isinstance(shown, GroupComparison):
        return _arms_table(shown)
    rows = [
        [
            (spec := spec_of(row.name)).heading,
            each.b,
            figure(spec, row.a),
            figure(spec, row.b),
            change(spec, row.delta),
            "" if row.ci_low is None else interval(spec, row.ci_low, row.ci_high),
        ]
        for each in (shown.comparison, *shown.further)
        for row in each.metrics
    ]
    columns = [shown.paired.count, "run", "A", "run’s value", "run − A", "95 % interval"]
    return Table(columns, rows)


def _arms_table(shown: GroupComparison) -> Table:
    rows = [
        [
            (spec := spec_of(row.name)).heading,
            mean_figure(spec, row.a_mean, row.a_half),
            mean_figure(spec, row.b_mean, row.b_half),
            change(spec, row.delta, over_seeds=True),
            interval(spec, row.ci_low, row.ci_high, over_seeds=True),
            "" if row.p is None else verdict_words(row.verdict),
        ]
        for row in shown.metrics
    ]
    counts = (f"A, {len(shown.a)} seeds", f"B, {len(shown.b)} seeds")
    return Table([f"{shown.n:,} pairs", *counts, "B − A", "95 % interval", "verdict"], rows)
