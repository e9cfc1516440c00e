"""A study's tables: arms by sets, means over seeds and what changed; Rich and Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from rich.console import Group, RenderableType
from rich.text import Text

from nliexplorer.analysis.arms import TESTED, ArmRow
from nliexplorer.analysis.metric_specs import spec_of
from nliexplorer.view.metric_text import UNKNOWN, change, figure, verdict_style
from nliexplorer.view.palette import DARK, Palette
from nliexplorer.view.tables import new_table, p_value

#: Tables besides accuracy: title, whether of the first set or of the run itself, and metrics.
#: What is not here is in the CSV alone.
_TABLES: tuple[tuple[str, bool, tuple[str, ...]], ...] = (
    ("calibration on {first}", True, ("nll", "ece", "ece_after_temperature")),
    (
        "attributions of the same pairs of {first}",
        False,
        ("artefact_share", "hypothesis_share", "variance", "completeness"),
    ),
    (
        "faithfulness, and the training",
        False,
        ("comprehensiveness", "sufficiency", "plausibility AUPRC", "saturation", "cpu_seconds"),
    ),
)


class BlockRows(Protocol):
    """The shape of `workflow.study.results.BlockResult`."""

    @property
    def title(self) -> str: ...
    @property
    def rows(self) -> Sequence[ArmRow]: ...
    @property
    def arms(self) -> list[str]: ...
    @property
    def sets(self) -> list[str]: ...


class Cells:
    """A table's cells by arm and column."""

    def __init__(
        self, block: BlockRows, title: str, columns: Sequence[tuple[str, str, str]]
    ) -> None:
        rows = {(row.arm, row.set, row.metric): row for row in block.rows}
        shown = [c for c in columns if any((arm, c[1], c[2]) in rows for arm in block.arms)]
        self.title = title
        self.headings = [heading for heading, _, _ in shown]
        self.rows = [
            (arm, [rows.get((arm, place, metric)) for _, place, metric in shown])
            for arm in block.arms
        ]


def tables_of(block: BlockRows) -> Iterator[Cells]:
    """Accuracy by set; calibration of the first set; what is of the run itself."""
    yield Cells(block, f"{block.title}: accuracy, %", [(p, p, TESTED) for p in block.sets])
    first = block.sets[0]
    for title, of_set, names in _TABLES:
        place = first if of_set else ""
        columns = [(spec_of(name).heading, place, name) for name in names]
        cells = Cells(block, f"{block.title}: {title.format(first=first)}", columns)
        if cells.headings:
            yield cells


def figure_of(row: ArmRow) -> str:
    """`92.1 ± 0.8`, in the metric's unit."""
    spec = spec_of(row.metric)
    half = "" if row.half is None else f" ± {figure(spec, row.half, over_seeds=True)}"
    return figure(spec, row.mean, over_seeds=True) + half


def change_of(row: ArmRow) -> str:
    """`−1.2 [−2.0, −0.4]`: the paired difference and its interval; empty for a reference."""
    if row.delta is None:
        return ""
    spec = spec_of(row.metric)
    delta = change(spec, row.delta, over_seeds=True)
    if row.ci_low is None or row.ci_high is None:
        return delta
    low, high = (change(spec, end, over_seeds=True) for end in (row.ci_low, row.ci_high))
    return f"{delta} [{low}, {high}]"


def study_tables(
    part: str, planned: int, done: int, blocks: Sequence[BlockRows], palette: Palette = DARK
) -> RenderableType:
    """Every table of a part, then the sentences."""
    parts: list[RenderableType] = [
        Text(f"{part}: {done} of {planned} runs · mean ± 95 % over seeds, under it the difference")
    ]
    for block in blocks:
        for cells in tables_of(block):
            parts.append(Text(cells.title, palette.strong))
            table = new_table("", palette)
            table.add_column("arm", no_wrap=True)
            for heading in cells.headings:
                table.add_column(heading, justify="right")
            for arm, rows in cells.rows:
                table.add_row(f"{arm} ({_seeds(rows)})", *(_cell(row, palette) for row in rows))
            parts.append(table)
        parts += [Text(f"• {line}") for line in sentences(block)]
        parts.append(Text())
    return Group(*parts)


def _cell(row: ArmRow | None, palette: Palette) -> Text:
    if row is None:
        return Text(UNKNOWN, palette.muted)
    text = Text(figure_of(row))
    if row.delta is not None:
        style = verdict_style(row.verdict, palette) if row.claimed else palette.muted
        text.append(f"\n{change_of(row)}", style)
    return text


def _seeds(rows: Sequence[ArmRow | None]) -> str:
    return str(max((len(row.seeds) for row in rows if row), default=0))


NOT_SIGNIFICANT = "not significant once adjusted for the number of comparisons"
#: Noncentral t, 4 degrees of freedom: 80 % power at 1.37 half-widths of the interval.
POWER = (
    "Not significant is not the same as no effect: with five seeds, a true difference has to be "
    "about 1.4\ntimes the half-width of its interval to be found in four studies out of five."
)


def sentences(block: BlockRows) -> list[str]:
    """One line for every arm that was compared: what its accuracy did, with all its evidence."""
    lines = []
    for arm in block.arms:
        tested = [r for r in block.rows if r.arm == arm and r.metric == TESTED and r.p is not None]
        if not tested:
            continue
        lines += [_sentence(row) for row in tested if row.claimed]
        if rest := [row for row in tested if not row.claimed]:
            where = "; ".join(f"{row.set} {change_of(row)}" for row in rest)
            lines.append(f"{arm}: {NOT_SIGNIFICANT}: {where}")
    return lines


def _sentence(row: ArmRow) -> str:
    better = "better" if row.verdict > 0 else "worse"
    assert row.p is not None
    q = "" if row.q is None else f", q {_bound(row.q)} of {row.family} comparisons"
    n = "" if row.n is None else f"n {row.n:,}, "
    return (
        f"{row.arm} is {better} than {row.against} on {row.set}: {change_of(row)} points "
        f"({n}{len(row.seeds)} seeds, p {_bound(row.p)}{q})"
    )


def _bound(p: float) -> str:
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def markdown(part: str, planned: int, done: int, blocks: Sequence[BlockRows]) -> str:
    """The same as Markdown."""
    lines = [f"## {part}", "", f"{done} of {planned} runs. Mean ± 95 % t-interval over seeds;"]
    lines += ["in brackets the difference from the block's reference, paired by seed."]
    lines += ["", POWER, ""]
    for block in blocks:
        for cells in tables_of(block):
            lines += [f"**{cells.title}**", "", "| arm | " + " | ".join(cells.headings) + " |"]
            lines.append("|---" * (len(cells.headings) + 1) + "|")
            for arm, rows in cells.rows:
                texts = [_plain(row) for row in rows]
                lines.append(f"| {arm} ({_seeds(rows)}) | " + " | ".join(texts) + " |")
            lines.append("")
        lines += [f"- {line}" for line in sentences(block)]
        lines.append("")
    return "\n".join(lines)


def _plain(row: ArmRow | None) -> str:
    if row is None:
        return UNKNOWN
    change = change_of(row)
    return figure_of(row) + (f"<br>{change}" if change else "")
