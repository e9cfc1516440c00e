"""`nliexplorer demo`: both models on the built-in corpus, then the explorer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nliexplorer.cli.common import JsonOption, print_json


def demo(
    no_tui: Annotated[bool, typer.Option("--no-tui", help="Exit after the summary.")] = False,
    db: Annotated[Path, typer.Option(help="Database to write.")] = Path("demo.db"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of both models.")] = 0,
    json_: JsonOption = False,
) -> None:
    """Train both models on the built-in corpus, evaluate, attribute, and open the explorer.

    Example: nliexplorer demo --no-tui
    """
    from nliexplorer.workflow.demo import run_demo

    runs = run_demo(db, seed)
    if json_:
        print_json({"runs": runs})
        return
    from nliexplorer.cli.compare import print_comparison

    for split in ("dev", "flipped"):
        print_comparison(db, *runs, split=split)
    typer.echo(f"explore it:  nliexplorer explore --db {db}")
    if not no_tui and sys.stdin.isatty() and sys.stdout.isatty():
        from nliexplorer.cli.explore import open_explorer

        open_explorer(db, runs)
