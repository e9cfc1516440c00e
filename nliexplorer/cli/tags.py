"""`nliexplorer tags`: list, import and export tags and notes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nliexplorer.cli.common import (
    DbOption,
    JsonOption,
    column_option,
    database,
    out,
    print_json,
    print_left_out,
    table_argument,
)
from nliexplorer.store.reader import StoreReader

app = typer.Typer(
    help="Tags and notes on pairs: list, import, export.\n\nExample: nliexplorer tags list",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("list")
def list_(db: DbOption = None, json_: JsonOption = False) -> None:
    """Every tag and how many pairs have it.

    Example: nliexplorer tags list
    """
    with StoreReader(database(db)) as reader:
        tags = reader.annotations.all_tags()
    if json_:
        print_json([{"tag": tag, "pairs": pairs} for tag, pairs in sorted(tags.items())])
        return
    if not tags:
        typer.echo(
            "no tags yet; press t on a pair in the explorer, or: nliexplorer tags import FILE"
        )
        return
    from nliexplorer.view.palette import DARK
    from nliexplorer.view.tables import new_table
    from nliexplorer.view.text import plain

    table = new_table("", DARK)
    table.add_column("tag")
    table.add_column("pairs", justify="right")
    for tag, pairs in sorted(tags.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(plain(tag), f"{pairs:,}")
    out().print(table)


@app.command("import")
def import_(
    file: Annotated[str, table_argument("JSONL, CSV, TSV or Parquet")],
    tag_column: Annotated[str, column_option("the tags; default: tags or tag")] = "",
    note_column: Annotated[str, column_option("the note; default: note")] = "",
    prefix: Annotated[
        str, typer.Option(help="Put before each tag, such as llm: or reviewer2:.")
    ] = "",
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Add tags and notes from a file to the stored pairs; all of them, or none if one is wrong.

    A row names its pair by example_id, or by premise and hypothesis. Several tags are a list or
    separated by semicolons. A note replaces the pair's note.

    Example: nliexplorer tags import verdicts.jsonl --tag-column verdict --prefix llm:
    """
    from nliexplorer.workflow.annotations import AnnotationColumns, import_annotations

    columns = AnnotationColumns(tag_column, note_column)
    result = import_annotations(database(db), file, columns, prefix)
    if json_:
        print_json(result.as_dict())
        return
    typer.echo(f"{result.tags:,} tags and {result.notes:,} notes on {result.pairs:,} pairs")
    if result.unmatched:
        print_left_out("rows that match no pair", result.unmatched, result.unmatched_lines)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .jsonl or .csv file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Write every tagged or annotated pair to a file that `tags import` reads back.

    Example: nliexplorer tags export review.jsonl
    """
    from nliexplorer.workflow.annotations import export_annotations

    pairs = export_annotations(database(db), file, force=force)
    if json_:
        print_json({"pairs": pairs, "file": str(file)})
        return
    typer.echo(f"{pairs:,} pairs written to {file}")
