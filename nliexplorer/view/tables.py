"""Rich tables of runs, comparisons and calibration; figures in the interface's order."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from nliexplorer.analysis.calibration import Calibration, PublishedFig10
from nliexplorer.analysis.seeds import SeedDifference
from nliexplorer.analysis.significance import LOWER_IS_BETTER, Comparison, MetricDifference
from nliexplorer.records import Run
from nliexplorer.view.bars import percent, seconds
from nliexplorer.view.palette import DARK, Palette, signed
from nliexplorer.view.text import plain, visible

NAMES = {
    "accuracy": "accuracy",
    "roc_auc_macro": "AUC, macro one-vs-rest",
    "roc_auc_neutral": "AUC, neutral (the paper's)",
    "nll": "NLL",
    "brier": "Brier",
    "ece": "ECE, 10 bins",
    "train_seconds": "training time, s",
    "eval_seconds": "evaluation time, s",
}
UNKNOWN = "–"


def new_table(title: str, palette: Palette) -> Table:
    """The house style: no frame but a rule under the headings."""
    return Table(
        title=plain(title) if title else None,
        title_justify="left",
        title_style=palette.strong,
        box=box.SIMPLE_HEAD,
        header_style=palette.muted,
        pad_edge=False,
        collapse_padding=True,
    )


def number(value: float | None, digits: int = 4) -> str:
    """A figure, or a dash where it is not defined."""
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def p_value(p: float) -> str:
    """Two significant digits; very small ones as a bound."""
    return "<0.0001" if p < 1e-4 else f"{p:.2g}"


def suites_table(run: Run, palette: Palette = DARK) -> Table:
    """One run over every split and suite that it was evaluated on."""
    table = new_table(run.name, palette)
    table.add_column("split")
    for name in (
        "n",
        "accuracy",
        "AUC macro",
        "AUC neutral",
        "NLL",
        "Brier",
        "ECE",
        "evaluated in",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for split, found in run.metrics.items():
        figures = (
            found.roc_auc_macro,
            found.roc_auc_neutral,
            found.nll,
            found.brier,
            found.ece,
        )
        table.add_row(
            plain(split),
            f"{found.n:,}",
            percent(found.accuracy, 2),
            *map(number, figures),
            seconds(found.eval_seconds),
        )
    return table


def comparison_table(found: Comparison, palette: Palette = DARK) -> RenderableType:
    """Table 1 with intervals, the four outcomes and McNemar's test."""
    table = new_table(f"{found.split} · {found.n:,} pairs", palette)
    table.add_column("")
    for head in (*(_badge(index, palette) for index in (0, 1)), Text("B − A")):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("95 % interval", justify="right", no_wrap=True)
    for row in found.metrics:
        digits = 1 if row.name.endswith("seconds") else 4
        table.add_row(
            NAMES.get(row.name, row.name),
            number(row.a, digits),
            number(row.b, digits),
            Text(
                UNKNOWN if row.delta is None else signed(row.delta, digits), _verdict(row, palette)
            ),
            _interval(row.ci_low, row.ci_high),
        )
    lines = [
        Text(
            f"fixed {found.fixed:,} · broken {found.broken:,} · both right "
            f"{found.both_right:,} · both wrong {found.both_wrong:,}"
        ),
        Text(f"exact McNemar p = {p_value(found.mcnemar_p)}".replace("= <", "<")),
        Text(
            f"intervals: paired bootstrap, {found.resamples:,} resamples; coloured where they "
            "exclude zero",
            palette.muted,
        ),
    ]
    if found.left_out:
        lines.append(Text(visible(found.left_out), palette.warning))
    return Group(run_names((found.a, found.b), palette), Text(), table, *lines)


def run_names(names: tuple[str, str], palette: Palette) -> Text:
    """Which run is A and which B, however long their names."""
    a, b = (_badge(i, palette) + Text(f" {visible(name)}   ") for i, name in enumerate(names))
    return a + b


def _badge(index: int, palette: Palette) -> Text:
    return Text(f" {'AB'[index]} ", palette.badge(index))


def _verdict(row: MetricDifference, palette: Palette) -> Style:
    """Green or red only where the interval excludes zero."""
    if row.ci_low is None or row.ci_high is None or row.ci_low <= 0 <= row.ci_high:
        return Style()
    better = (row.ci_low > 0) != (row.name in LOWER_IS_BETTER)
    return palette.right if better else palette.wrong


def _interval(low: float | None, high: float | None, digits: int = 4) -> str:
    if low is None or high is None:
        return UNKNOWN
    return f"{signed(low, digits)} … {signed(high, digits)}"


def groups_table(rows: Sequence[SeedDifference], palette: Palette = DARK) -> RenderableType:
    """Mean ± 95 % over seeds, the test over seeds, and the plain sentence of the first metric."""
    table = new_table("", palette)
    table.add_column("")
    for name in ("A", "B", "B − A", "95 % interval", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        digits = 1 if row.name.endswith("seconds") else 4
        table.add_row(
            _SHORT.get(row.name, NAMES.get(row.name, row.name)),
            _mean(row.a_mean, row.a_half, digits),
            _mean(row.b_mean, row.b_half, digits),
            signed(row.delta, digits),
            _interval(row.ci_low, row.ci_high, digits),
            UNKNOWN if row.p is None else p_value(row.p),
        )
    if not rows:
        return table
    test = "paired t-test over seeds" if rows[0].paired else "Welch's t-test over seeds"
    said = f"± and intervals: 95 %, over seeds · p: {test} · AUC: macro one-vs-rest, and neutral"
    return Group(table, Text(rows[0].sentence, palette.strong), Text(said, palette.muted))


#: Names beside five columns of figures.
_SHORT = {
    "roc_auc_macro": "AUC macro",
    "roc_auc_neutral": "AUC neutral",
    "ece": "ECE",
    "train_seconds": "train, s",
    "eval_seconds": "evaluate, s",
}


def _mean(mean: float, half: float | None, digits: int) -> str:
    return number(mean, digits) if half is None else f"{mean:.{digits}f} ±{half:.{digits}f}"


def calibration_table(
    found: Calibration, name: str = "", palette: Palette = DARK
) -> RenderableType:
    """The bins of Fig. 10 and the figures under them."""
    table = new_table(f"{name} · {found.n:,} pairs" if name else f"{found.n:,} pairs", palette)
    table.add_column("confidence")
    for column in ("n", "mean confidence", "accuracy", "95 % interval"):
        table.add_column(column, justify="right")
    for each in found.bins:
        interval = UNKNOWN
        if each.ci_low is not None and each.ci_high is not None:
            interval = f"{each.ci_low:.3f} … {each.ci_high:.3f}"
        table.add_row(
            f"{each.low:.1f} – {each.high:.1f}",
            f"{each.n:,}",
            number(each.confidence),
            number(each.accuracy),
            interval,
            style=Style() if each.n else palette.muted,
        )
    parts = found.decomposition
    lines = [
        f"ECE {found.ece:.4f} (equal-count bins {found.ece_equal_count:.4f}) · "
        f"MCE {found.mce:.4f} · NLL {found.nll:.4f} · Brier {found.brier:.4f}",
        f"R² of accuracy on confidence {number(found.r2, 2)} "
        f"(bins weighted by n {number(found.r2_weighted, 2)}) · AURC {found.risk.aurc:.4f}",
        f"Brier = reliability {parts.reliability:.4f} − resolution {parts.resolution:.4f} + "
        f"uncertainty {parts.uncertainty:.4f} + within bins "
        f"{parts.within_variance - parts.within_covariance:.4f}".replace("-", "−"),
    ]
    return Group(table, *(Text(line) for line in lines), Text(_temperature(found), palette.muted))


def _temperature(found: Calibration) -> str:
    if found.temperature is None:
        return "no temperature: too few pairs, or no finite optimum"
    return (
        f"temperature {found.temperature:.3f}, fitted on one half; on the other ECE "
        f"{number(found.held_out_ece)} → {number(found.ece_after_temperature)}, NLL "
        f"{number(found.held_out_nll)} → {number(found.nll_after_temperature)}"
    )


def published_table(found: PublishedFig10, palette: Palette = DARK) -> RenderableType:
    """`calibration --paper`: the bins of raw logits, under the reason not to trust them."""
    table = new_table("", palette)
    table.add_column("raw top logit")
    for column in ("n", "accuracy"):
        table.add_column(column, justify="right")
    for each in found.bins:
        table.add_row(f"{each.low:.1f} – {each.high:.1f}", f"{each.n:,}", number(each.accuracy))
    return Group(
        Text("Fig. 10 as published", palette.strong),
        Text(f"⚠ {found.warning}", palette.warning),
        table,
        Text(f"R² {number(found.r2, 2)}"),
    )
