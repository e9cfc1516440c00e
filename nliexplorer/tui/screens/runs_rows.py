"""The rows of the runs screen: runs, and arms whose seeds are one row that opens; their columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from nliexplorer.analysis.intervals import wilson
from nliexplorer.comparison.groups import Arm, arms_of, seed_of
from nliexplorer.records import Metrics, Run, StepRecord
from nliexplorer.tui.state import Selection
from nliexplorer.tui.widths import MEDIUM, WIDE
from nliexplorer.view.bars import percent, seconds, sparkline
from nliexplorer.view.pair import LETTERS
from nliexplorer.view.palette import Palette
from nliexplorer.view.text import middle_shortened, visible

SPARK = 10
NAME, DATA = 22, 18  # at most so many columns; names take more where there is room
AROUND = 2  # blanks beside each cell


@dataclass(frozen=True, slots=True)
class Row:
    """One run, or an arm with its runs. `below`: the run stands under its open arm."""

    runs: tuple[Run, ...]
    arm: Arm | None = None
    is_open: bool = False
    below: bool = False

    @property
    def key(self) -> str:
        return f"arm {self.runs[0].id}" if self.arm else self.runs[0].id

    @property
    def name(self) -> str:
        return self.arm.name if self.arm else self.runs[0].name

    def run_beside(self, other: Run | None) -> Run:
        """The run that stands for the row: of an arm the one with the other run's seed, or the
        first that has predictions."""
        measured = [run for run in self.runs if run.metrics] or list(self.runs)
        seed = seed_of(other) if other else None
        return next((run for run in measured if seed_of(run) == seed), measured[0])


@dataclass(frozen=True, slots=True)
class Column:
    """`key(row, split)` sorts; without one the column can't be sorted by.

    `width`: of the screen from which on it is shown. `spare`: where columns do not fit, those with
    the largest go first; 0 always stays.
    """

    name: str
    key: Callable[[Row, str], Any] | None = None
    width: int = 0
    right: bool = False  # figures: the heading stands over their end
    spare: int = 0


def _metric(name: str, sign: int) -> Callable[[Row, str], float]:
    """Sorts by a metric on the split, an arm by its mean, best first; `sign` is -1 where large is
    best. Runs without it come last.
    """

    def key(row: Row, split: str) -> float:
        mean = Arm(row.name, row.runs).mean(split, name)
        return math.inf if mean is None else sign * mean[0]

    return key


COLUMNS: tuple[Column, ...] = (
    Column(""),
    Column("name", lambda row, _: row.name.lower()),
    Column("objective", lambda row, _: row.runs[0].objective, spare=2),
    Column("accuracy", _metric("accuracy", -1), right=True),
    Column("ECE", _metric("ece", 1), right=True, spare=1),
    Column("AUC", _metric("roc_auc_macro", -1), WIDE, right=True, spare=3),
    Column("status", lambda row, _: row.runs[0].status),
    Column("loss", spare=5),
    Column("time", lambda row, _: row.runs[0].train_seconds or 0.0, MEDIUM, right=True, spare=4),
    Column("data", lambda row, _: row.runs[0].data, MEDIUM, spare=6),
    Column("created", None, WIDE, spare=7),
)


def columns_that_fit(widths: Mapping[str, int], screen: int) -> tuple[Column, ...]:
    """Columns of the table whose contents are so wide, on a screen of so many columns."""
    columns = [each for each in COLUMNS if screen >= each.width]
    while _taken(columns, widths) > screen:
        if not (spare := max(columns, key=lambda each: each.spare)).spare:
            break
        columns.remove(spare)
    return tuple(columns)


def name_width(columns: Sequence[Column], widths: Mapping[str, int], screen: int) -> int:
    """How wide names may be beside these columns."""
    return NAME + max(0, screen - _taken(columns, widths))


def _taken(columns: Sequence[Column], widths: Mapping[str, int]) -> int:
    return sum(widths[each.name] + AROUND for each in columns) + AROUND


def rows_of(
    runs: Sequence[Run],
    words: Sequence[str],
    opened: Collection[str],
    by: Column | None,
    split: str,
) -> list[Row]:
    """The rows in order, the runs of open arms below them by seed; only runs that have all `words`.

    `opened`: keys of open arms. An arm of which only some runs have the words is open.
    """
    arms = {run.id: arm for arm in arms_of(runs) for run in arm.runs}
    matching = [run for run in runs if _has_words(run, words)]
    shown = {run.id for run in matching}
    top: dict[str, Row] = {}
    for run in matching:
        arm = arms.get(run.id)
        row = Row(arm.runs, arm) if arm else Row((run,))
        top.setdefault(row.key, row)
    rows = list(top.values())
    if by and (key := by.key):
        rows.sort(key=lambda row: key(row, split))
    listed: list[Row] = []
    for row in rows:
        members = [run for run in row.runs if run.id in shown]
        is_open = row.arm is not None and (row.key in opened or len(members) < len(row.runs))
        listed.append(Row(row.runs, row.arm, is_open))
        listed += [Row((run,), below=True) for run in members] if is_open else []
    return listed


def _has_words(run: Run, words: Sequence[str]) -> bool:
    text = " ".join((run.id, run.name, run.objective, run.data, run.model, run.status)).lower()
    return all(word in text for word in words)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: the steps recorded, and how many are planned."""

    steps: Sequence[StepRecord] = ()
    total: int = 0


def cells(
    row: Row,
    selection: Selection,
    progress: Callable[[str], Progress],
    palette: Palette,
    width: int = NAME,
) -> dict[str, Text]:
    """What each column shows of the row; names in at most `width` columns."""
    run = row.runs[0]
    shared = {
        "": _marks(row, selection, palette),
        "objective": Text(visible(run.objective), palette.muted),
        "data": Text(middle_shortened(visible(run.data), DATA), palette.muted),
    }
    if row.arm:
        return shared | _of_arm(row, row.arm, selection.split, palette, width)
    metrics = run.metrics.get(selection.split)
    far = progress(run.id)
    indent = "  " * row.below
    name = Text(indent + middle_shortened(visible(run.name), width - len(indent)), palette.strong)
    return shared | {
        "name": name,
        "accuracy": _accuracy(metrics, palette),
        "ECE": Text(percent(metrics.ece if metrics else None), justify="right"),
        "AUC": Text(percent(metrics.roc_auc_macro if metrics else None), justify="right"),
        "status": _status(run, far, palette),
        "loss": Text(sparkline([step.ce for step in far.steps], SPARK), palette.warning),
        "time": Text(seconds(run.train_seconds), palette.muted, justify="right"),
        "created": Text(run.created_at[:16].replace("T", " "), palette.muted),
    }


def _of_arm(row: Row, arm: Arm, split: str, palette: Palette, width: int) -> dict[str, Text]:
    """Means with half of their 95 % intervals over the seeds."""
    seeds = f" ×{len(arm.runs)}"
    name = Text().append("▾ " if row.is_open else "▸ ", palette.warning)
    room = width - len(name) - len(seeds)
    name.append(middle_shortened(visible(arm.name), room), palette.strong)
    name.append(seeds, palette.warning)
    done = sum(run.status == "done" for run in arm.runs)
    all_done = done == len(arm.runs)
    status = f"✓ {done} done" if all_done else f"{done} of {len(arm.runs)} done"
    times = [run.train_seconds for run in arm.runs if run.train_seconds is not None]
    created = max(run.created_at for run in arm.runs)
    return {
        "name": name,
        "accuracy": mean_text(arm, split, "accuracy", palette),
        "ECE": mean_text(arm, split, "ece", palette),
        "AUC": mean_text(arm, split, "roc_auc_macro", palette),
        "status": Text(status, palette.right if all_done else palette.warning),
        "loss": Text(),
        "time": Text(seconds(sum(times) if times else None), palette.muted, justify="right"),
        "created": Text(created[:16].replace("T", " "), palette.muted),
    }


def mean_text(arm: Arm, split: str, metric: str, palette: Palette) -> Text:
    """`93.3 ±1.3`: the mean over seeds and half of its 95 % t-interval, in percent."""
    mean = arm.mean(split, metric)
    if mean is None:
        return Text("–", palette.muted)
    text = Text(percent(mean[0]), justify="right")
    return text if mean[1] is None else text.append(f" ±{mean[1] * 100:.1f}", palette.muted)


def _marks(row: Row, selection: Selection, palette: Palette) -> Text:
    """The letters of what is marked in the row; those of an arm that stands for A or B on it."""
    text = Text()
    for index, marked in enumerate(selection.all_runs):
        if marked.id not in {run.id for run in row.runs}:
            continue
        if not row.arm or (index < 2 and (selection.arm_a, selection.arm_b)[index]):
            text.append(f" {LETTERS[index]} ", palette.badge(index))
        elif not row.is_open:  # one of its runs alone
            text.append(f"({LETTERS[index]})", palette.run(index))
    return text


def _status(run: Run, progress: Progress, palette: Palette) -> Text:
    if run.status == "done":
        return Text("✓ done", palette.right)
    if run.status != "running":
        return Text(run.status, palette.wrong)
    steps, total = progress.steps, progress.total
    far = f"{steps[-1].step / total:.0%}" if steps and total else "running"
    return Text(f"● {far.replace('%', ' %')}", palette.warning)


def _accuracy(metrics: Metrics | None, palette: Palette) -> Text:
    """`93.3 ±1.3`: half the width of the 95 % Wilson interval."""
    if metrics is None:
        return Text("–", palette.muted)
    low, high = wilson(round((metrics.accuracy or 0.0) * metrics.scored), metrics.scored)
    text = Text(percent(metrics.accuracy), justify="right")
    return text.append(f" ±{float(high - low) * 50:.1f}", palette.muted)
