"""The command line: one module per command, imported only when that command runs.

A command parses its options, calls `workflow`, `comparison` or the store, and prints the result.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from nliexplorer.cli.lazy import LazyGroup
from nliexplorer.cli.streams import use_ascii_where_needed

app = typer.Typer(
    cls=LazyGroup,
    name="nliexplorer",
    help="Train NLI models with an attribution-variance penalty, and find out why they are wrong.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(requested: bool) -> None:
    if requested:
        from nliexplorer import __version__

        typer.echo(f"nliexplorer {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 could not be done, 2 wrong usage, 130 interrupted."""
    use_ascii_where_needed()
    if os.environ.get("RANK", "0") != "0":  # of several processes the first alone has output
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    app()
