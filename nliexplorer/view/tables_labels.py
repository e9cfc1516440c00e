"""Rich table of pairs whose gold label is likely wrong."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from nliexplorer.comparison.labels import LabelReport
from nliexplorer.comparison.pairs import PairedRuns
from nliexplorer.records import ExampleRow, gold_name
from nliexplorer.view.bars import percent
from nliexplorer.view.palette import Palette
from nliexplorer.view.tables import new_table
from nliexplorer.view.text import visible


def labels_table(
    paired: PairedRuns, report: LabelReport, rows: Sequence[ExampleRow], palette: Palette
) -> RenderableType:
    """The first rows of the ranking; `rows` in its order."""
    errors = report.errors
    table = new_table("", palette)
    table.add_column("id", no_wrap=True, style=palette.muted)
    for column in ("quality", "gold", "suggested"):
        table.add_column(column, no_wrap=True, justify="right" if column == "quality" else "left")
    if report.annotated:
        table.add_column("agree, %", no_wrap=True, justify="right")
    table.add_column("premise / hypothesis", ratio=1)
    for row, index in zip(rows, errors.order, strict=False):
        share = report.agreement[index]
        cells: list[str | Text] = [
            row.example_id[:8],
            f"{errors.score[index]:.3f}",
            gold_name(row.gold),
            Text(report.suggested[index], palette.warning if errors.flagged[index] else ""),
        ]
        if report.annotated:
            cells.append("–" if share != share else percent(float(share), 0))
        sentences = Text.assemble(
            visible(row.premise), "\n", ("→ ", palette.muted), visible(row.hypothesis)
        )
        table.add_row(*cells, sentences)
    flagged = int(errors.flagged.sum())
    lines = [
        f"{len(rows):,} of {paired.count}, the most suspicious first; {flagged:,} flagged "
        f"({percent(flagged / paired.n)} %), judged by {', '.join(paired.names)}"
    ]
    if report.disagreement_auc is not None:
        lines.append(
            f"low quality finds pairs whose annotators disagree with AUC "
            f"{report.disagreement_auc:.3f} (chance 0.5; {report.annotated:,} pairs annotated)"
        )
    notes = [Text(f"⚠ {warning}", palette.warning) for warning in report.warnings]
    notes += [Text(visible(line), palette.muted) for line in (*lines, *paired.notes)]
    return Group(table, *notes)
