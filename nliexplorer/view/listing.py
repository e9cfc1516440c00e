"""Tables of pairs and of runs for the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nliexplorer.analysis.metric_specs import spec_of
from nliexplorer.records import Attribution, ExampleRow, Metrics, Run, gold_name, predicted_name
from nliexplorer.view.bars import seconds
from nliexplorer.view.heatmap import (
    PairScores,
    common_scale,
    completeness_warning,
    heat_row,
    heat_text,
    legend,
    pair_scores,
)
from nliexplorer.view.metric_text import figure
from nliexplorer.view.pair import metadata_text, remarks_under
from nliexplorer.view.palette import DARK, Palette
from nliexplorer.view.text import plain, shortened, visible

#: Metrics in a table of runs.
_FIGURES = tuple(spec_of(name) for name in ("accuracy", "roc_auc_macro", "nll", "ece"))
#: Counts of pairs left out of the metrics; shown where there are any.
_MISSING = ("unanswered", "unlabelled")
_NUMBERS = ("pairs", *_MISSING, *(spec.heading for spec in _FIGURES))
_HEADINGS = ("id", "name", "objective", "data", "status", "split", *_NUMBERS, "created")
#: Columns dropped first where a terminal is narrow.
_GIVES_WAY = ("created", "data", "AUC macro, %", "objective", "NLL", "status", "ECE, %")
_GAP = 2
_FOLDED_NAME = 24
_LONG_DATA = 24
_LONG_ANSWER = 500  # characters of a text; the whole is in --json


def examples_table(
    rows: Sequence[ExampleRow],
    attributions: Mapping[str, Attribution] | None = None,
    palette: Palette = DARK,
) -> RenderableType:
    """One line block a pair; with `attributions` (by example id) its words on their colours."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("id", no_wrap=True, style="dim")
    table.add_column("gold", no_wrap=True)
    table.add_column("predicted", no_wrap=True)
    table.add_column("conf", justify="right", no_wrap=True)
    table.add_column("premise / hypothesis", ratio=1)
    by_pair = attributions or {}
    scores = {
        row.example_id: pair_scores(by_pair[row.example_id], row.premise, row.hypothesis)
        for row in rows
        if row.example_id in by_pair
    }
    scale = common_scale(scores.values())
    for row in rows:
        unscored = row.correct is None
        verdict = palette.muted if unscored else palette.right if row.correct else palette.wrong
        table.add_row(
            row.example_id[:8],
            Text(gold_name(row.gold), palette.label(row.gold)),
            Text(predicted_name(row.predicted), verdict),
            "–" if row.confidence is None else f"{row.confidence:.3f}",
            _sentences(row, scores.get(row.example_id), scale, palette),
        )
        if warning := completeness_warning(by_pair.get(row.example_id)):
            table.add_row("", "", "", "", Text(f"⚠ {warning}", palette.warning))
    return Group(table, legend(scale, palette)) if scores else table


def _sentences(row: ExampleRow, scores: PairScores | None, scale: float, palette: Palette) -> Text:
    words = heat_row(row.premise, row.hypothesis, scores, scale)
    premise, hypothesis = heat_text(words.premise, palette), heat_text(words.hypothesis, palette)
    text = Text.assemble(premise, "\n", Text("→ ", palette.muted), hypothesis)
    if row.tags:
        text.append("  " + " ".join(f"#{visible(tag)}" for tag in row.tags), palette.warning)
    for heading, remark in remarks_under(row):
        text.append(f"\n{heading}: ", palette.muted)
        text.append(shortened(visible(remark.strip()), _LONG_ANSWER))
    if row.extra or row.annotator_labels:
        columns = metadata_text(row.extra, row.annotator_labels, palette)
        text.append("\n").append_text(columns)
    return text


def runs_table(runs: Sequence[Run], width: int = 120) -> Table:
    """One line per run and split; the least important columns go where `width` is too narrow."""
    rows = [row for run in runs for row in _run_rows(run)]
    headings = [each for each in _HEADINGS if each not in _MISSING or any(each in r for r in rows)]
    columns = list(_columns(headings, rows, width))
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for heading in columns:
        table.add_column(
            heading,
            justify="right" if heading in _NUMBERS else "left",
            no_wrap=heading not in ("name", "data"),
            overflow="fold",
            style="dim" if heading == "created" else "",
        )
    for row in rows:
        table.add_row(*(plain(row.get(heading, "")) for heading in columns))
    return table


def _columns(headings: list[str], rows: Sequence[dict[str, str]], width: int) -> list[str]:
    """The headings that fit side by side; a long name may fold."""
    need = {
        name: max([cell_len(name), *(cell_len(row.get(name, "")) for row in rows)])
        for name in headings
    }
    need["name"] = min(need["name"], _FOLDED_NAME)
    for name in _GIVES_WAY:
        if sum(need[each] + _GAP for each in headings) - _GAP <= width:
            break
        headings.remove(name)
    return headings


def _run_rows(run: Run) -> Iterator[dict[str, str]]:
    about = {
        "id": run.id,
        "name": run.name,
        "objective": run.objective,
        "data": _tail(run.data),
        "status": run.status,
        "created": run.created_at[:16].replace("T", " "),
    }
    for split, metrics in run.metrics.items() or [("", None)]:
        yield about | {"split": split} | _figures(metrics)
        about = {}


def _tail(data: str) -> str:
    """A source's name, or the end of a path."""
    return data if len(data) <= _LONG_DATA else "…/" + data.rstrip("/").rsplit("/", 1)[-1]


def _figures(metrics: Metrics | None) -> dict[str, str]:
    if metrics is None:
        return {}
    figures = {spec.heading: figure(spec, getattr(metrics, spec.name)) for spec in _FIGURES}
    missing = {name: f"{n:,}" for name in _MISSING if (n := getattr(metrics, name))}
    return {"pairs": f"{metrics.n:,}"} | missing | figures


def run_facts(run: Run) -> Table:
    """Everything known about one run, one fact per line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    facts = {
        "id": run.id,
        "name": run.name,
        "objective": run.objective,
        "status": run.status,
        "data": run.data,
        "model": run.model,
        "seed": "–" if run.seed is None else str(run.seed),
        "created": run.created_at,
        "training": seconds(run.train_seconds),
        "checkpoint": run.checkpoint or "–",
        "repeat it with": run.command or "–",
    }
    for name, value in facts.items():
        table.add_row(name, plain(value))
    for title, mapping in (("config", run.config), ("summary", run.summary)):
        for key, fact in mapping.items():
            table.add_row(Text(f"{title}.{visible(str(key))}", "dim"), plain(str(fact)))
    return table
