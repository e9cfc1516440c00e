"""Rich tables of runs, comparisons and calibration; figures in the interface's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rich import box
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from nliexplorer.analysis.calibration import Calibration, PublishedFig10
from nliexplorer.analysis.metric_specs import SOFT_METRICS, spec_of
from nliexplorer.analysis.seeds import SeedDifference
from nliexplorer.analysis.significance import Comparison
from nliexplorer.analysis.soft_labels import SOFT_FAMILY
from nliexplorer.comparison.soft_labels import SoftComparison
from nliexplorer.view.differences import (
    NO_LINKS,
    TIGHT,
    Links,
    difference_cells,
    heading,
    table_one,
)
from nliexplorer.view.metric_text import (
    UNKNOWN,
    change,
    figure,
    interval,
    mean_figure,
    verdict_style,
    verdict_words,
)
from nliexplorer.view.palette import DARK, Palette
from nliexplorer.view.text import plain, visible

#: Columns from which the table of groups has p, and wide gaps.
_P_FITS, _WIDE_GROUPS = 80, 90


def new_table(title: str, palette: Palette) -> Table:
    """The common style: no frame, only a rule under the headings."""
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
    """A bare figure, or a dash where it is not defined."""
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def p_value(p: float) -> str:
    """Two significant digits; very small ones as a bound."""
    return "<0.0001" if p < 1e-4 else f"{p:.2g}"


def suites_table(rows: Sequence[Mapping[str, Any]], palette: Palette = DARK) -> Table:
    """The `suites` document: a line for each evaluation, accuracy with its 95 % interval."""
    table = new_table("", palette)
    table.add_column("data", overflow="fold")
    accuracy = spec_of("accuracy")
    others = [spec_of(name) for name in ("roc_auc_macro", "nll", "brier", "ece")]
    headings = (spec.heading for spec in others)
    missing = [name for name in ("unanswered", "unlabelled") if any(row[name] for row in rows)]
    for name in ("n", *missing, accuracy.heading, "95 % interval", *headings):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            plain(row["split"] + (" ²" if row["two_label"] else "")),
            f"{row['n']:,}",
            *(f"{row[name]:,}" for name in missing),
            figure(accuracy, row["accuracy"]),
            UNKNOWN
            if row["ci_low"] is None
            else f"{row['ci_low'] * 100:.1f} … {row['ci_high'] * 100:.1f}",
            *(figure(spec, row[spec.name]) for spec in others),
        )
    return table


def comparison_table(
    comparison: Comparison, count: str = "", palette: Palette = DARK, width: int = 80
) -> RenderableType:
    """Table 1 with intervals, the four outcomes and McNemar's test.

    `count` says of how many pairs, such as `31 of 300 pairs` under a filter.
    """
    lines = [
        Text(
            f"fixed {comparison.fixed:,} · broken {comparison.broken:,} · both right "
            f"{comparison.both_right:,} · both wrong {comparison.both_wrong:,}"
        ),
        Text(f"exact McNemar p = {p_value(comparison.mcnemar_p)}".replace("= <", "<")),
        Text(_methods(comparison), palette.muted),
    ]
    notes = (comparison.left_out, *comparison.notes)
    return Group(
        run_names((comparison.a, comparison.b), palette),
        Text(),
        Text(visible(f"{comparison.split} · {count or f'{comparison.n:,} pairs'}"), palette.strong),
        table_one(comparison, palette, width),
        Text(),
        *lines,
        *(Text(visible(note), palette.warning) for note in notes if note),
    )


def _methods(comparison: Comparison) -> str:
    return (
        "accuracy: paired score interval (Newcombe); the rest: paired bootstrap, "
        f"{comparison.resamples:,} resamples\n"
        "better or worse only where both interval and test exclude zero"
    )


def comparisons_table(
    comparisons: Sequence[Comparison],
    count: str,
    left_out: str = "",
    palette: Palette = DARK,
    links: Links = NO_LINKS,
) -> RenderableType:
    """Three runs or more: metric by metric every run's value and its difference from the first."""
    first = comparisons[0]
    table = _metrics_by_run(_DIFFERENCES, palette, links)
    for place, row in enumerate(first.metrics):
        spec = spec_of(row.name)
        table.add_row(spec.heading, letter(0, palette), figure(spec, row.a))
        for index, each in enumerate(comparisons, 1):
            cells = difference_cells(each.metrics[place], palette, letter_of(index))
            table.add_row("", letter(index, palette), *cells)
    outcomes = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style=palette.muted)
    for name in ("run", "fixed", "broken", "both right", "both wrong", "exact p"):
        outcomes.add_column(name, justify="left" if name == "run" else "right")
    for index, each in enumerate(comparisons, 1):
        counts = (each.fixed, each.broken, each.both_right, each.both_wrong)
        figures = (f"{count_:,}" for count_ in counts)
        outcomes.add_row(letter(index, palette), *figures, p_value(each.mcnemar_p))
    notes = dict.fromkeys((left_out, *(note for each in comparisons for note in each.notes)))
    return Group(
        many_run_names((first.a, *(each.b for each in comparisons)), palette),
        Text(),
        Text(visible(f"{first.split} · {count}, each run against A"), palette.strong),
        table,
        Text(),
        outcomes,
        Text(),
        Text(_methods(first), palette.muted),
        *(Text(visible(note), palette.warning) for note in notes if note),
    )


def soft_labels_table(
    names: Sequence[str], soft: SoftComparison, palette: Palette = DARK
) -> RenderableType:
    """Each run against the annotators' labels; of the later ones the differences from the first."""
    title = f"against the annotators' labels · {soft.n:,} pairs"
    differences, alone = any(soft.differences), len(names) == 1
    table = _metrics_by_run((*_DIFFERENCES, "q") if differences else (), palette)
    for name in SOFT_METRICS:
        spec = spec_of(name)
        for index, metrics in enumerate(soft.metrics):
            cells = [Text(figure(spec, getattr(metrics, name, None)))]
            if index and soft.differences[index - 1]:
                (row,) = (row for row in soft.differences[index - 1] if row.name == name)
                q = "" if row.q is None else p_value(row.q)
                cells = [*difference_cells(row, palette, letter_of(index)), Text(q)]
            run = Text(visible(names[0])) if alone else letter(index, palette)
            table.add_row("" if index else spec.heading, run, *cells)
    lines = [", ".join(f"{spec.heading}: {spec.label}" for spec in map(spec_of, SOFT_METRICS))]
    if differences:
        lines += ["intervals: paired bootstrap over these pairs", SOFT_FAMILY]
    return Group(Text(title, palette.strong), table, *(Text(line, palette.muted) for line in lines))


_DIFFERENCES = ("− A", "95 % interval", "")


def _metrics_by_run(more: Sequence[str], palette: Palette, links: Links = NO_LINKS) -> Table:
    """A table with a line for each metric and run: its value, and the columns `more`."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style=palette.muted)
    for name in ("", "run", "value", *more):
        justify: Literal["left", "right"] = "left" if name in ("", "run") else "right"
        table.add_column(heading(name, links), justify=justify)
    return table


def run_names(names: Sequence[str], palette: Palette, numbers: Sequence[int] = ()) -> Text:
    """Which run is A, which B and so on, however long their names; `numbers`: other letters."""
    text = Text()
    for index, name in zip(numbers or range(len(names)), names, strict=True):
        text.append_text(letter(index, palette)).append(f" {visible(name)}   ")
    return text


def many_run_names(names: Sequence[str], palette: Palette) -> Columns:
    """The same in as many lines as it takes, each letter beside its name."""
    return Columns([run_names([name], palette, [i]) for i, name in enumerate(names)])


def letter(index: int, palette: Palette) -> Text:
    """The badge of the run: A, B, C …"""
    return Text(f" {letter_of(index)} ", palette.badge(index))


def letter_of(index: int) -> str:
    """A, B, C …"""
    return chr(ord("A") + index)


def groups_table(
    rows: Sequence[SeedDifference],
    palette: Palette = DARK,
    width: int = 80,
    links: Links = NO_LINKS,
) -> RenderableType:
    """Mean ± 95 % over seeds, the test over seeds, and the plain sentence of the first metric."""
    gap, tight = 1 if width < _WIDE_GROUPS else 2, width < TIGHT
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style=palette.muted)
    with_p = ["p"] if width >= _P_FITS else []
    for name in ("", "A", "B", "B − A", "95 % interval", *with_p, ""):
        justify: Literal["left", "right"] = "right" if name else "left"
        table.add_column(heading(name, links), justify=justify, no_wrap=True)
    for row in rows:
        spec = spec_of(row.name)
        style = verdict_style(row.verdict, palette)
        ends = interval(spec, row.ci_low, row.ci_high, over_seeds=True)
        table.add_row(
            spec.heading,
            mean_figure(spec, row.a_mean, None if tight else row.a_half),
            mean_figure(spec, row.b_mean, None if tight else row.b_half),
            Text(change(spec, row.delta, over_seeds=True), style),
            ends.replace(" ", "") if tight else ends,
            *([UNKNOWN if row.p is None else p_value(row.p)] if with_p else []),
            Text("" if row.p is None else verdict_words(row.verdict, short=tight), style),
        )
    if not rows:
        return table
    sentence = next((row for row in rows if row.name == "accuracy"), rows[0]).sentence
    test = "paired t-test over seeds" if rows[0].paired else "Welch's t-test over seeds"
    footnote = (
        f"± and intervals: 95 %, over seeds · p: {test} · AUC: macro one-vs-rest, and neutral"
    )
    return Group(table, Text(sentence, palette.strong), Text(footnote, palette.muted))


_NLL, _BRIER, _ECE = (spec_of(name) for name in ("nll", "brier", "ece"))


def calibration_table(
    calibration: Calibration, name: str, palette: Palette = DARK
) -> RenderableType:
    """The bins of Fig. 10 and the figures under them, headed by what `name` says they are of."""
    table = new_table(f"{name} · {calibration.n:,} pairs", palette)
    table.add_column("confidence")
    for column in ("n", "mean confidence", "accuracy", "95 % interval"):
        table.add_column(column, justify="right")
    for each in calibration.bins:
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
    parts = calibration.decomposition
    lines = [
        f"ECE {figure(_ECE, calibration.ece)} % "
        f"(equal-count bins {figure(_ECE, calibration.ece_equal_count)} %) · "
        f"MCE {figure(_ECE, calibration.mce)} % · NLL {figure(_NLL, calibration.nll)} · "
        f"Brier {figure(_BRIER, calibration.brier)}",
        f"R² of accuracy on confidence {number(calibration.r2, 2)} "
        f"(bins weighted by n {number(calibration.r2_weighted, 2)}) · "
        f"AURC {calibration.risk.aurc:.4f}",
        f"Brier = reliability {parts.reliability:.4f} − resolution {parts.resolution:.4f} + "
        f"uncertainty {parts.uncertainty:.4f} + within bins "
        f"{parts.within_variance - parts.within_covariance:.4f}".replace("-", "−"),
    ]
    return Group(
        table, *(Text(line) for line in lines), Text(_temperature(calibration), palette.muted)
    )


def _temperature(calibration: Calibration) -> str:
    if calibration.temperature is None:
        return "no temperature: too few pairs, or no finite optimum"
    return (
        f"temperature {calibration.temperature:.3f}, fitted on one half; on the other ECE "
        f"{figure(_ECE, calibration.held_out_ece)} → "
        f"{figure(_ECE, calibration.ece_after_temperature)} %, "
        f"NLL {figure(_NLL, calibration.held_out_nll)} → "
        f"{figure(_NLL, calibration.nll_after_temperature)}"
    )


def published_table(calibration: PublishedFig10, palette: Palette = DARK) -> RenderableType:
    """`calibration --paper`: the bins of raw logits, under the reason not to trust them."""
    table = new_table("", palette)
    table.add_column("raw top logit")
    for column in ("n", "accuracy"):
        table.add_column(column, justify="right")
    for each in calibration.bins:
        table.add_row(f"{each.low:.1f} – {each.high:.1f}", f"{each.n:,}", number(each.accuracy))
    return Group(
        Text("Fig. 10 as published", palette.strong),
        Text(f"⚠ {calibration.warning}", palette.warning),
        table,
        Text(f"R² {number(calibration.r2, 2)}"),
    )
