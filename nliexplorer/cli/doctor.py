"""`nliexplorer doctor`: what is installed, which device, is the database sound."""

from __future__ import annotations

import typer
from rich.table import Table
from rich.text import Text

from nliexplorer.cli.common import DbOption, JsonOption, database, out, print_json

_MARKS = {"ok": ("✓", "green"), "note": ("·", "yellow"), "bad": ("✗", "bold red")}


def doctor(db: DbOption = None, json_: JsonOption = False) -> None:
    """Look over installation, device, terminal and database. Exit code 1 where something is bad."""
    from nliexplorer.workflow.doctor import examine

    findings = examine(database(db))
    if json_:
        print_json([finding.as_dict() for finding in findings])
    else:
        table = Table.grid(padding=(0, 2))
        for finding in findings:
            mark, style = _MARKS[finding.state]
            value = Text(finding.value)
            if finding.advice:
                value.append(f"\n→ {finding.advice}", style="dim")
            table.add_row(Text(mark, style=style), Text(finding.what), value)
        out().print(table)
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(1)
