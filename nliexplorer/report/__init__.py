"""The HTML report of a comparison: one self-contained page, with figures and tables beside it.

Collects the data once (`data`), then draws it (`figures`, `tables`, `page`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from nliexplorer.progress import progress
from nliexplorer.report.data import collect
from nliexplorer.report.figures import Figure, figures
from nliexplorer.report.folder import earlier_files, report_folder
from nliexplorer.report.page import render
from nliexplorer.report.tables import write_tables
from nliexplorer.store.reader import StoreReader
from nliexplorer.view.figures import save

PAGE = "index.html"


def write_report(
    reader: StoreReader, a: str, b: str, folder: Path, *, split: str | None = None, command: str
) -> list[Path]:
    """Compares `a` and `b` into `folder`; returns the files, the page first.

    Raises NliError for runs that cannot be compared, and for a folder with other files.
    """
    earlier_files(folder)  # before any work
    data = collect(reader, a, b, split)
    made_at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    with report_folder(folder) as scratch:
        drawn = _draw(list(figures(data)), scratch)
        write_tables(reader, data, scratch)
        page = render(data, drawn, command, made_at)
        (scratch / PAGE).write_text(page, encoding="utf-8", errors="xmlcharrefreplace")
        names = sorted(path.name for path in scratch.iterdir())
    return [folder / PAGE, *(folder / name for name in names if name != PAGE)]


def _draw(figures_to_draw: Sequence[Figure], folder: Path) -> list[tuple[Figure, Path | None]]:
    """Saves every figure as PNG and SVG; returns each with its SVG."""
    drawn: list[tuple[Figure, Path | None]] = []
    with progress("report: drawing", "figures") as advance:
        for index, figure in enumerate(figures_to_draw):
            paths = save(figure.drawing, folder, figure.name) if figure.drawing else [None]
            drawn.append((figure, paths[-1]))
            advance(index + 1, len(figures_to_draw))
    return drawn
