"""A sweep's trials, each over all its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich.console import Group, RenderableType
from rich.text import Text

from nliexplorer.analysis.seeds import SeedDifference
from nliexplorer.view.palette import DARK, Palette, signed
from nliexplorer.view.tables import UNKNOWN, new_table


class Trial(Protocol):
    """The shape of `workflow.sweeping.SweepTrial`."""

    @property
    def number(self) -> int: ...
    @property
    def params(self) -> Mapping[str, Any]: ...
    @property
    def mean(self) -> float: ...
    @property
    def half(self) -> float | None: ...
    @property
    def difference(self) -> SeedDifference | None: ...


def sweep_table(
    title: str,
    metric: str,
    trials: Sequence[Trial],
    baseline: Trial | None,
    palette: Palette = DARK,
) -> RenderableType:
    """Best mean first; the interval of a difference is over seeds, for that trial alone."""
    table = new_table(title, palette)
    keys = list(trials[0].params) if trials else []
    for heading in ("trial", *keys, f"{metric}, mean ± 95 %", "− baseline", "95 % interval"):
        table.add_column(heading.replace("_", "-"), justify="right")
    for trial in trials:
        found = trial.difference
        interval = UNKNOWN
        if found and found.ci_low is not None and found.ci_high is not None:
            interval = f"{signed(found.ci_low, 4)} … {signed(found.ci_high, 4)}"
        table.add_row(
            str(trial.number),
            *(str(trial.params[key]) for key in keys),
            _mean(trial),
            signed(found.delta, 4) if found else UNKNOWN,
            interval,
        )
    if baseline is not None:
        blanks = ["" for _ in keys]
        table.add_row("baseline", *blanks, _mean(baseline), "", "", style=palette.muted)
    parts: list[RenderableType] = [table]
    if trials and trials[0].difference is not None:
        parts.append(Text(f"best mean: {trials[0].difference.sentence}"))
    if len(trials) > 1:
        parts.append(
            Text(
                f"the best of {len(trials)} looks better than it is: judge it on seeds and a split "
                "that did not choose it",
                palette.warning,
            )
        )
    return Group(*parts)


def _mean(trial: Trial) -> str:
    return f"{trial.mean:.4f}" if trial.half is None else f"{trial.mean:.4f} ± {trial.half:.4f}"
