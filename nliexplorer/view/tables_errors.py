"""Rich tables of slices, confusions, shortcuts and leakage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nliexplorer.analysis.metrics import Confusion
from nliexplorer.analysis.shortcuts import ArtefactWord
from nliexplorer.analysis.slices import Slice, SliceDifference, q_family
from nliexplorer.records import GOLD_NAMES
from nliexplorer.view.bars import interval_bar, percent
from nliexplorer.view.metric_text import UNKNOWN, verdict_style
from nliexplorer.view.palette import DARK, Palette, signed
from nliexplorer.view.tables import (
    letter,
    letter_of,
    many_run_names,
    new_table,
    p_value,
    run_names,
)
from nliexplorer.view.text import plain, visible

_BAR = 24


def slices_table(rows: Sequence[Slice], name: str = "", palette: Palette = DARK) -> Table:
    """Error rate of one run in each slice, with its Wilson interval as figures and as a bar."""
    table = new_table(name, palette)
    table.add_column(rows[0].key if rows else "slice")
    for column in ("n", "errors, %", "95 % interval"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    top = max((row.ci_high or 0.0 for row in rows if row.n >= 10), default=1.0) or 1.0
    for row in rows:
        if row.error_rate is None or row.ci_low is None or row.ci_high is None:
            table.add_row(plain(row.slice), "0", UNKNOWN, UNKNOWN, "", style=palette.muted)
            continue
        share, low, high = (min(x / top, 1.0) for x in (row.error_rate, row.ci_low, row.ci_high))
        table.add_row(
            plain(row.slice),
            f"{row.n:,}",
            percent(row.error_rate),
            f"{percent(row.ci_low)} … {percent(row.ci_high)}",
            interval_bar(share, low, high, _BAR, palette.wrong),
        )
    return table


def slice_differences_table(
    rows: Sequence[SliceDifference],
    names: Sequence[str],
    palette: Palette = DARK,
    cut_by: Mapping[str, str] | None = None,
    other: int = 1,
) -> RenderableType:
    """Error rates of two runs by slice; coloured where the verdict, after adjusting, is decided.

    Slices of one key stand together under its name; with --find each row names its own. `cut_by`:
    the run whose answers a key is about, where it is about answers. `other`: the number of the run
    compared with the first, which gives it its letter.
    """
    b = letter_of(other)
    headings = ("n", "A, %", f"{b}, %", f"{b} − A", "95 % interval", "p", "q")
    table, named = _by_slice(rows, headings, palette, cut_by)
    for heading, name, row in named:
        if heading:
            table.add_row(heading, *[""] * len(headings))
        rates = (percent(row.error_a), percent(row.error_b))
        table.add_row(name, f"{row.n:,}", *rates, *_difference_cells(row, palette))
    footnote = f"{b} − A in points, fewer errors is better · p: exact McNemar · {q_family(rows)}"
    runs = run_names((names[0], names[other]), palette, (0, other))
    return Group(runs, Text(), table, Text(footnote, palette.muted))


def slices_of_runs_table(
    differences: Sequence[Sequence[SliceDifference]],
    names: Sequence[str],
    palette: Palette = DARK,
    cut_by: Mapping[str, str] | None = None,
) -> RenderableType:
    """Three runs or more: slice by slice every run's error rate and its difference from the first.

    `differences`: those of each later run, of the same slices in the same order.
    """
    first = differences[0]
    headings = ("n", "run", "errors, %", "− A", "95 % interval", "p", "q")
    table, named = _by_slice(first, headings, palette, cut_by)
    for (heading, name, row), *each in zip(named, *differences, strict=True):
        if heading:
            table.add_row(heading, *[""] * len(headings))
        table.add_row(name, f"{row.n:,}", letter(0, palette), percent(row.error_a))
        for index, difference in enumerate(each, 1):
            cells = (percent(difference.error_b), *_difference_cells(difference, palette))
            table.add_row("", "", letter(index, palette), *cells)
    families = q_family([row for rows in differences for row in rows])
    footnote = f"− A in points, fewer errors is better · p: exact McNemar · {families}, run by run"
    return Group(many_run_names(names, palette), Text(), table, Text(footnote, palette.muted))


def _by_slice(
    rows: Sequence[SliceDifference],
    headings: Sequence[str],
    palette: Palette,
    cut_by: Mapping[str, str] | None,
) -> tuple[Table, Iterator[tuple[Text | None, Text, SliceDifference]]]:
    """A table with these columns after that of slices, and for each row the name of its key, where
    slices of another key begin, and its own name."""
    key_names = {key: f"{key} (of A)" for key, run in (cut_by or {}).items() if run}
    keys = list(dict.fromkeys(row.key for row in rows))
    grouped = [row.key for row in rows] == [key for key in keys for row in rows if row.key == key]
    grouped = grouped and len(keys) < len(rows)
    table = new_table("", palette)
    table.add_column(visible(key_names.get(keys[0], keys[0])) if len(keys) == 1 else "slice")
    for column in headings:
        table.add_column(column, justify="right", no_wrap=True)

    def named() -> Iterator[tuple[Text | None, Text, SliceDifference]]:
        last = keys[0] if len(keys) == 1 else ""
        for row in rows:
            begins = grouped and row.key != last
            last = row.key
            name = plain(row.slice) if grouped or len(keys) == 1 else plain(row.label)
            yield plain(key_names.get(row.key, row.key), "bold") if begins else None, name, row

    return table, named()


def _difference_cells(row: SliceDifference, palette: Palette) -> tuple[Text | str, ...]:
    """The difference in points, its interval, p and q."""
    return (
        Text(signed(row.delta * 100, 1), verdict_style(row.verdict, palette)),
        f"{signed(row.ci_low * 100, 1)} … {signed(row.ci_high * 100, 1)}",
        p_value(row.p),
        p_value(row.q),
    )


def confusion_table(
    runs: Sequence[tuple[str, Confusion]], palette: Palette = DARK
) -> RenderableType:
    """Counts and row shares side by side; with two runs their difference in counts as well."""
    tables: list[RenderableType] = [_confusion(name, table, palette) for name, table in runs]
    if len(runs) == 2:
        (_, a), (_, b) = runs
        change = new_table("B − A", palette)
        change.add_column("gold ＼ predicted")
        for label in a.predicted_names:
            change.add_column(label, justify="right")
        for name, row in zip(a.gold_names, (b.counts - a.counts).tolist(), strict=True):
            change.add_row(name, *(signed(value, 0) for value in row))
        tables.append(change)
    return Columns(tables, padding=(0, 4))


def _confusion(name: str, matrix: Confusion, palette: Palette) -> Table:
    table = new_table(name, palette)
    table.add_column("gold ＼ predicted")
    for label in matrix.predicted_names:
        table.add_column(label, justify="right")
    for gold, counts, rates in zip(
        matrix.gold_names, matrix.counts.tolist(), matrix.rates.tolist(), strict=True
    ):
        cells = [
            Text.assemble(f"{count:,} ", (f"{percent(rate)} %", palette.muted))
            for count, rate in zip(counts, rates, strict=True)
        ]
        table.add_row(gold, *cells)
    return table


def artefacts_table(words: Sequence[ArtefactWord], palette: Palette = DARK) -> RenderableType:
    """Top words of each label side by side, best first."""
    tables = []
    for name in dict.fromkeys(row.label for row in words):
        table = new_table("", palette)
        table.add_column(Text(name, palette.label(GOLD_NAMES.index(name))))
        for column in ("PMI", "share, %", "n"):
            table.add_column(column, justify="right")
        for row in words:
            if row.label == name:
                table.add_row(plain(row.word), signed(row.pmi), percent(row.share, 0), f"{row.n:,}")
        tables.append(table)
    return Columns(tables, padding=(0, 4))
