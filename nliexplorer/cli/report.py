"""`nliexplorer report`: a comparison to read, send and print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nliexplorer.cli.common import DbOption, JsonOption, SplitOption, database, print_json


def report(
    a: Annotated[str, typer.Argument(metavar="A", help="A run, such as the baseline.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The run to compare with it.")],
    out: Annotated[
        Path, typer.Option("--out", help="A new folder, or the folder of an earlier report.")
    ],
    split: SplitOption = None,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Compare two runs as an HTML page, with Table 1 and Figs 1–10 as PNG, SVG and CSV files.

    Example: nliexplorer report baseline ig-variance --out report/
    """
    from nliexplorer.progress import say
    from nliexplorer.report import write_report
    from nliexplorer.store.reader import StoreReader
    from nliexplorer.workflow.provenance import command_line

    with StoreReader(database(db)) as reader:
        paths = write_report(reader, a, b, out, split=split, command=command_line())
    if json_:
        print_json({"page": str(paths[0]), "files": [str(path) for path in paths]})
        return
    say(f"{len(paths)} files in {out}")
    typer.echo(str(paths[0]))
