"""What is known about one run, and its progress if it is training."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nliexplorer.analysis.metric_specs import MetricSpec, spec_of
from nliexplorer.comparison.groups import Arm, seed_of
from nliexplorer.records import Run, StepRecord
from nliexplorer.view.bars import bar, percent, seconds, sparkline
from nliexplorer.view.differences import TIGHT
from nliexplorer.view.metric_text import UNKNOWN, mean_figure
from nliexplorer.view.palette import Palette
from nliexplorer.view.plot import Series, plot, smoothed
from nliexplorer.view.text import visible

#: Settings worth a line, in this order; the rest is in the command.
_SETTINGS = ("epochs", "batch_size", "lr")
_PENALTY = ("lambda", "alpha", "ig_steps", "penalty_gradient")
#: Metrics of which an arm's means are shown.
_SPECS = tuple(spec_of(name) for name in ("accuracy", "roc_auc_macro", "nll", "brier", "ece"))
#: What the facts of a run take, about.
_OTHER_LINES = 17


def run_details(
    run: Run, steps: Sequence[StepRecord], total: int, palette: Palette, room: tuple[int, int]
) -> RenderableType:
    """Metrics per split, settings, command; for a running run its progress of `total` steps.

    Where `room` (columns, lines) is left, the loss as a curve.
    """
    parts: list[RenderableType] = [_heading(run, palette)]
    if run.status == "running":
        parts.append(_progress(steps, total, palette))
    if run.metrics:
        parts += [Text(), _metrics(run, palette)]
    parts += [Text(), _facts(run, steps, palette)]
    height = min(14, room[1] - _OTHER_LINES - len(run.metrics))
    if len(steps) > 1 and height >= 6:
        parts += [Text(), _curve(steps, min(room[0], 110), height, palette)]
    return Group(*parts)


def arm_details(arm: Arm, split: str, palette: Palette, width: int) -> RenderableType:
    """Means over the seeds a split, with 95 % intervals, and each seed's accuracy on `split`."""
    run = arm.runs[0]
    heading = Text().append(visible(arm.name), palette.strong)
    heading.append(f"   {len(arm.runs)} seeds   {visible(run.objective)}", palette.muted)
    means = _plain_table(palette)
    tight = width < TIGHT
    for column in ("split", *(spec.short if tight else spec.heading for spec in _SPECS)):
        means.add_column(column, justify="left" if column == "split" else "right")
    for name in dict.fromkeys(name for each in arm.runs for name in each.metrics):
        means.add_row(visible(name), *(_mean(arm, name, spec, tight) for spec in _SPECS))
    seeds = Table.grid(padding=(0, 2))
    seeds.add_column(style=palette.muted, no_wrap=True)
    seeds.add_column(justify="right", style=palette.muted)
    seeds.add_column(justify="right")
    for each in arm.runs:
        metrics = each.metrics.get(split)
        accuracy = percent(metrics.accuracy if metrics else None)
        seeds.add_row(f"seed {seed_of(each)}", visible(each.name), accuracy)
    note = "means over seeds" if tight else "mean ± half of the 95 % t-interval over seeds"
    note += f"; below: accuracy on {visible(split)}"
    return Group(heading, Text(), means, Text(note, palette.muted), Text(), seeds)


def _mean(arm: Arm, split: str, spec: MetricSpec, alone: bool) -> str:
    """The mean, with half of its interval unless it is to stand alone."""
    mean = arm.mean(split, spec.name)
    if mean is None:
        return UNKNOWN
    return mean_figure(spec, mean[0], None if alone else mean[1])


def _curve(steps: Sequence[StepRecord], width: int, height: int, palette: Palette) -> Text:
    loss = smoothed([step.ce for step in steps], max(1, len(steps) // 50))
    every = max(1, len(loss) // 400)
    points = Series([float(step.step) for step in steps][::every], loss[::every], palette.warning)
    text = Text("cross-entropy, nats\n", palette.muted)
    return text.append_text(plot([points], width, height, palette.muted, x_name="step"))


def _heading(run: Run, palette: Palette) -> Text:
    text = Text().append(visible(run.name), palette.strong)
    text.append(f"   {run.id}   {visible(run.objective)}", palette.muted)
    return text


def _progress(steps: Sequence[StepRecord], total: int, palette: Palette) -> Text:
    if not steps:
        return Text("starting …", palette.warning)
    done = steps[-1].step
    text = Text()
    if total:
        text.append(bar(done / total, 24), palette.warning)
        text.append(f" {done:,} of {total:,} steps")
        pace = [step.seconds for step in steps[-20:] if step.seconds]
        if done >= total:
            text.append("   predictions and attributions follow", palette.muted)
        elif pace:
            left = (total - done) * sum(pace) / len(pace)
            text.append(f"   {seconds(left)} to go", palette.muted)
    else:
        text.append(f"step {done:,}, epoch {steps[-1].epoch:.2f}", palette.warning)
    return text


def _plain_table(palette: Palette) -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style=palette.muted)


def _metrics(run: Run, palette: Palette) -> Table:
    table = _plain_table(palette)
    table.add_column("split")
    missing = [
        name
        for name in ("unanswered", "unlabelled")
        if any(getattr(m, name) for m in run.metrics.values())
    ]
    for name in ("pairs", *missing, "accuracy", "AUC", "NLL", "Brier", "ECE"):
        table.add_column(name, justify="right")
    for split, m in run.metrics.items():
        table.add_row(
            visible(split),
            f"{m.n:,}",
            *(f"{getattr(m, name):,}" for name in missing),
            percent(m.accuracy),
            percent(m.roc_auc_macro),
            "–" if m.nll is None else f"{m.nll:.3f}",
            "–" if m.brier is None else f"{m.brier:.3f}",
            percent(m.ece),
        )
    return table


def _facts(run: Run, steps: Sequence[StepRecord], palette: Palette) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style=palette.muted, no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("data", visible(run.data))
    table.add_row("model", visible(run.model))
    names = _SETTINGS + (_PENALTY if run.objective == "ig-variance" else ())
    settings = [f"{k} {run.config[k]}" for k in names if run.config.get(k) not in (None, "")]
    if run.seed is not None:
        settings.append(f"seed {run.seed}")
    if settings:
        table.add_row("settings", visible(" · ".join(settings)))
    if steps:
        last = steps[-1]
        figures = f"CE {last.ce:.3f}"
        if last.penalty is not None:
            figures += f" · penalty {last.penalty:.3f} · saturation {last.saturation or 0:.2f}"
        table.add_row("last step", f"{sparkline([s.ce for s in steps], 24)}  {figures}")
    if run.command:
        table.add_row("command", visible(run.command))
    for name, value in run.summary.items():
        if isinstance(value, str | int | float):
            table.add_row(visible(str(name)), visible(str(value)))
    return table
