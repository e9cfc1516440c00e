"""A sweep's trials, each over all its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich.console import Group, RenderableType
from rich.text import Text

from nliexplorer.analysis.metric_specs import MetricSpec, spec_of
from nliexplorer.analysis.seeds import SeedDifference
from nliexplorer.view.metric_text import UNKNOWN, change, figure, interval
from nliexplorer.view.palette import DARK, Palette
from nliexplorer.view.tables import new_table


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
    spec = spec_of(metric)
    for heading in ("trial", *keys, f"{spec.heading}, mean ± 95 %", "− baseline", "95 % interval"):
        table.add_column(heading.replace("_", "-"), justify="right")
    for trial in trials:
        difference = trial.difference
        table.add_row(
            str(trial.number),
            *(str(trial.params[key]) for key in keys),
            _mean(spec, trial),
            change(spec, difference.delta if difference else None),
            interval(spec, difference.ci_low, difference.ci_high) if difference else UNKNOWN,
        )
    if baseline is not None:
        blanks = ["" for _ in keys]
        table.add_row("baseline", *blanks, _mean(spec, baseline), "", "", style=palette.muted)
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


def _mean(spec: MetricSpec, trial: Trial) -> str:
    half = "" if trial.half is None else f" ± {figure(spec, trial.half)}"
    return figure(spec, trial.mean) + half
