"""A study's tables, figures and one report, as files."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from nliexplorer.errors import NliError
from nliexplorer.progress import say
from nliexplorer.view.figures import save
from nliexplorer.view.figures_study import attribution_figure, changes_figure, penalty_curves_figure
from nliexplorer.view.tables_study import markdown
from nliexplorer.workflow.study.results import StudyResult


def write_study(results: Sequence[StudyResult], folder: Path) -> list[Path]:
    """Writes `study.md`, `study.csv`, `study.json` and each part's figures over earlier ones."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        texts = [markdown(r.part, r.planned, r.done, r.blocks) for r in results]
        paths = [folder / "study.md", folder / "study.json", folder / "study.csv"]
        paths[0].write_text("\n".join(texts), "utf-8")
        document = {"parts": [result.as_dict() for result in results]}
        paths[1].write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", "utf-8")
        _write_csv(results, paths[2])
    except OSError as error:
        raise NliError(
            f"cannot write to {folder}: {error.strerror}", "name another --out"
        ) from None
    for result in results:
        paths += _figures(result, folder)
    say(f"{len(paths)} files in {folder}")
    return paths


def _write_csv(results: Sequence[StudyResult], path: Path) -> None:
    rows = [
        {"part": result.part, "block": block.title, **row.as_dict()}
        for result in results
        for block in result.blocks
        for row in block.rows
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "seeds": " ".join(map(str, row["seeds"]))} for row in rows)


def _figures(result: StudyResult, folder: Path) -> list[Path]:
    title = f"The study, {result.part} part"
    first = result.blocks[0]
    course = [curve for curve in result.curves if curve.arm in first.arms]
    drawn = {
        "changes": changes_figure(result.blocks, f"{title}: what each arm changes"),
        "attributions": attribution_figure(first, f"{title}: {first.title}"),
        "course": penalty_curves_figure(course, f"{title}: {first.title}"),
    }
    return [
        path
        for name, made in drawn.items()
        if made is not None
        for path in save(made, folder, f"{result.part}-{name}")
    ]
