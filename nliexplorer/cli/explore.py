"""`nliexplorer explore`: the terminal UI, or one screen of it printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from nliexplorer.cli.common import DbOption, JsonOption, database, print_json
from nliexplorer.errors import NliError
from nliexplorer.store.filters import Filter, parse_filter


def explore(
    runs: Annotated[
        list[str] | None,
        typer.Argument(help="Up to two runs, A and B: id, unique prefix, name or latest."),
    ] = None,
    once: Annotated[
        str | None, typer.Option(metavar="SCREEN", help="Print this one screen and exit.")
    ] = None,
    filter_: Annotated[str, typer.Option("--filter", help="The filter to open with.")] = "",
    split: Annotated[str, typer.Option(help="The split to open.")] = "",
    size: Annotated[str, typer.Option(help="Size of the printed screen.")] = "120x40",
    svg: Annotated[
        bool, typer.Option("--svg", help="Print the screen as SVG instead of text.")
    ] = False,
    light: Annotated[bool, typer.Option("--light", help="Use the light theme.")] = False,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Explore runs and their errors in the terminal.

    \b
    Examples:
      nliexplorer explore baseline ig-variance
      nliexplorer explore --once compare --split flipped
    """
    path, references = database(db), tuple(runs or ())
    if len(references) > 2:
        raise NliError(
            f"the explorer shows at most two runs, not {len(references)}", "name A and B"
        )
    if once is None and json_:
        raise NliError("--json needs a screen", "for example: --once compare --json")
    if once is None:
        open_explorer(path, references, light=light, filter=parse_filter(filter_), split=split)
        return
    from nliexplorer.tui.snapshot import parse_size, snapshot

    theme = "nli-day" if light else ""
    taken = snapshot(path, once, references, parse_size(size), theme, parse_filter(filter_), split)
    if json_:
        print_json(taken.as_dict())
    else:
        typer.echo(taken.svg if svg else taken.text)


def open_explorer(
    db: Path,
    runs: Sequence[str] = (),
    *,
    light: bool = False,
    filter: Filter | None = None,
    split: str = "",
) -> None:
    """Run the explorer on this terminal until the user quits; database errors are shown in it."""
    in_browser = "TEXTUAL_DRIVER" in os.environ  # `nliexplorer serve` draws through pipes
    if not (in_browser or (sys.stdin.isatty() and sys.stdout.isatty())):
        raise NliError(
            "the explorer needs a terminal",
            "print a screen instead: nliexplorer explore --once examples",
            "terminal",
        )
    from nliexplorer.tui.app import ExplorerApp

    ExplorerApp(db, tuple(runs), light=light, filter=filter, split=split).run()
