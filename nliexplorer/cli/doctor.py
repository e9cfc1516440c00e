"""`nliexplorer doctor`: what is installed, which device, is the database sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from nliexplorer.cli.common import DbOption, JsonOption, database, out, print_json
from nliexplorer.view.text import plain, visible

_MARKS = {"ok": ("✓", "green"), "note": ("·", "yellow"), "bad": ("✗", "bold red")}


def doctor(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...", help="Check only these files: configurations, data, checkpoints."
        ),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Save everything readable to a new file next to the database."
        ),
    ] = False,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Check the installation, device, terminal and database. Exit code 1 if anything is wrong.

    Example: nliexplorer doctor runs.db
    """
    if repair:
        _repair(database(db), json_)
        return
    from nliexplorer.workflow.doctor import check_file, check_installation

    findings = [check_file(file) for file in files] if files else check_installation(database(db))
    if json_:
        print_json([finding.as_dict() for finding in findings])
    else:
        table = Table.grid(padding=(0, 2))
        for finding in findings:
            mark, style = _MARKS[finding.state]
            value = plain(finding.value)
            if finding.advice:
                value.append("\n").append_text(plain(f"→ {finding.advice}", "dim"))
            table.add_row(Text(mark, style=style), plain(finding.what), value)
        out().print(table)
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(1)


def _repair(db: Path, json_: bool) -> None:
    from nliexplorer.store.salvage import salvage

    target = db.with_name(f"{db.stem}-repaired{db.suffix}")
    report = salvage(db, target)
    if json_:
        print_json({"file": str(target), "rows": report.rows, "lost": report.lost})
        return
    for table, rows in report.rows.items():
        typer.echo(f"{table}: {rows:,} rows saved")
    for text in report.lost:
        typer.echo(f"lost: {visible(text)}")
    typer.echo(f"saved in {target}; {db} is unchanged")
