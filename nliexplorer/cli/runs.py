"""`nliexplorer runs`: list, show, rename, remove, merge."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from nliexplorer.cli.common import (
    DbOption,
    JsonOption,
    RunArgument,
    database,
    out,
    print_json,
)
from nliexplorer.records import Run
from nliexplorer.store.reader import StoreReader

app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def runs(context: typer.Context) -> None:
    """The runs in a database; without a command: list them.

    Example: nliexplorer runs
    """
    if context.invoked_subcommand is None:
        list_()


@app.command("list")
def list_(db: DbOption = None, json_: JsonOption = False) -> None:
    """List all runs with their metrics, newest first.

    Example: nliexplorer runs list
    """
    with StoreReader(database(db)) as reader:
        runs = reader.runs.all()
    if json_:
        print_json([run.as_dict() for run in runs])
    elif runs:
        from nliexplorer.view.listing import runs_table

        console = out()
        console.print(runs_table(runs, console.width))
    else:
        typer.echo("no runs yet; make one: nliexplorer demo, train or import")


@app.command()
def show(run: RunArgument, db: DbOption = None, json_: JsonOption = False) -> None:
    """Show one run's details and the command that repeats it.

    Example: nliexplorer runs show latest
    """
    with StoreReader(database(db)) as reader:
        stored = reader.runs.get(run)
    if json_:
        print_json(_whole(stored))
        return
    from nliexplorer.view.listing import run_facts, runs_table

    console = out()
    console.print(run_facts(stored))
    if stored.metrics:
        console.print()
        console.print(runs_table([stored], console.width))


def _whole(run: Run) -> dict[str, Any]:
    more = {
        "config": dict(run.config),
        "command": run.command,
        "checkpoint": run.checkpoint,
        "summary": dict(run.summary),
    }
    return run.as_dict() | more


@app.command()
def rename(
    run: RunArgument,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The new name; no other run may have it.")
    ],
    db: DbOption = None,
) -> None:
    """Rename a run.

    Example: nliexplorer runs rename baseline electra-s0
    """
    from nliexplorer.store.writer import StoreWriter

    with StoreReader(database(db)) as reader:
        run_id = reader.runs.get(run).id
    with StoreWriter(database(db), create=False) as writer:
        writer.rename_run(run_id, name)


@app.command()
def rm(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="The runs to remove.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    db: DbOption = None,
) -> None:
    """Delete runs and everything stored with them. Checkpoints on disk are kept.

    Example: nliexplorer runs rm baseline ig-variance --yes
    """
    from nliexplorer.store.writer import StoreWriter

    with StoreReader(database(db)) as reader:
        names = {reader.runs.get(ref).id: reader.runs.get(ref).name for ref in runs}
    if not yes and sys.stdin.isatty():
        typer.confirm(f"remove {', '.join(map(_shown, names.values()))} for good?", abort=True)
    with StoreWriter(database(db), create=False) as writer:
        for run_id, name in names.items():
            writer.delete_run(run_id)
            typer.echo(f"removed {_shown(name)} ({run_id})", err=True)


@app.command()
def merge(
    other: Annotated[Path, typer.Argument(metavar="FILE.db", help="The database to copy from.")],
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Copy the runs of another database into this one; ids are kept, duplicates skipped.

    Example: nliexplorer runs merge other-machine.db
    """
    from nliexplorer.store.writer import StoreWriter

    with StoreWriter(database(db)) as writer:
        report = writer.merge_from(other)
    if json_:
        print_json(report.as_dict())
        return
    for line in report.lines():
        typer.echo(_shown(line))


def _shown(text: str) -> str:
    from nliexplorer.view.text import visible

    return visible(text)
