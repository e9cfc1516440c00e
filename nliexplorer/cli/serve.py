"""`nliexplorer serve`: the explorer in a browser."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Annotated

import typer

from nliexplorer.cli.common import DbOption, database
from nliexplorer.errors import NliError

_START = "from nliexplorer.cli import main; main()"


def serve(
    runs: Annotated[
        list[str] | None,
        typer.Argument(help="Up to two runs, A and B: id, unique prefix, name or latest."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 8000,
    db: DbOption = None,
) -> None:
    """Show the explorer in a browser; reachable from this machine only, unless --host is set.

    Example: nliexplorer serve --db runs.db
    """
    try:
        from nliexplorer.tui.server import LOOPBACK, ExplorerServer
    except ImportError:
        raise NliError(
            "serving needs textual-serve", "pip install 'nliexplorer[serve]'", "browser"
        ) from None
    from nliexplorer.store.reader import StoreReader

    path = database(db)
    with StoreReader(path) as reader:
        run_ids = [reader.runs.get(run).id for run in runs or ()]
    command = shlex.join(
        [sys.executable, "-c", _START, "explore", *run_ids, "--db", str(path.absolute())]
    )
    typer.echo(f"http://{host}:{port}   (ctrl+c to stop)", err=True)
    if host in LOOPBACK:
        typer.echo(
            f"from another machine: ssh -N -L {port}:127.0.0.1:{port} THIS_MACHINE, "
            f"then open http://127.0.0.1:{port} there",
            err=True,
        )
    else:
        typer.echo("anyone who can reach this address can read the data and tag pairs", err=True)
    try:
        ExplorerServer(command, host=host, port=port, title="nliexplorer").serve()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise NliError(
            f"cannot listen on {host}:{port}: {reason}", "choose another --port or --host"
        ) from None
