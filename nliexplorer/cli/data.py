"""`nliexplorer data`: list the sources, look into one, write the built-in corpus to files."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from nliexplorer.cli.common import JsonOption, print_json
from nliexplorer.errors import NliError
from nliexplorer.records import GOLD_NAMES, Example
from nliexplorer.view.text import plain

if TYPE_CHECKING:
    from nliexplorer.data.sources import LoadedSplit

app = typer.Typer(
    help="The data sources: list them, look into one.\n\nExample: nliexplorer data list",
    no_args_is_help=True,
    add_completion=False,
)


class Buildable(StrEnum):
    """What `data build` can write."""

    PLANTED = "planted"


@app.command("list")
def list_(json_: JsonOption = False) -> None:
    """Every named source, its splits and its number of labels.

    Example: nliexplorer data list
    """
    from nliexplorer.data.sources import available_splits, list_sources

    rows: list[dict[str, Any]] = [
        {
            "name": source.name,
            "title": source.title,
            "labels": source.labels,
            "splits": available_splits(source.name),
        }
        for source in list_sources()
    ]
    if json_:
        print_json(rows)
        return
    table = Table("name", "labels", "splits", "what it is", box=None, header_style="bold")
    for row in rows:
        table.add_row(row["name"], str(row["labels"]), " ".join(row["splits"]), row["title"])
    console = Console()
    console.print(table)
    console.print(
        "\nAlso: NAME:PATH (a local copy in the set's own format), hf:OWNER/NAME[:CONFIG], "
        "a .jsonl, .json, .csv, .tsv or .parquet file, also packed, - for standard input, or a "
        "folder of train, dev and test files.\nAfter any of them: ?labels=NAME,NAME,NAME, "
        "?premise=COLUMN&hypothesis=COLUMN&label=COLUMN, ?columns=A,B,C (no header), "
        "?encoding=NAME.",
        markup=False,
        highlight=False,
    )


@app.command()
def show(
    source: Annotated[str, typer.Argument(metavar="SRC", help="A source, as for --data.")],
    split: Annotated[str, typer.Option(help="Default: dev, else test, else the first.")] = "",
    n: Annotated[int, typer.Option("-n", "--limit", min=0, help="Pairs to show.")] = 5,
    json_: JsonOption = False,
) -> None:
    """Counts, labels, dropped rows and the first pairs of one split.

    Example: nliexplorer data show dev.jsonl
    """
    from nliexplorer.data.sources import available_splits, default_split, load_split

    splits = available_splits(source)
    loaded = load_split(source, split or default_split(source, or_train=True))
    about = _describe(loaded, splits, n)
    if json_:
        print_json(about)
    else:
        _print_split(Console(), loaded, about)


@app.command()
def build(
    source: Annotated[Buildable, typer.Argument(help="The corpus to write.")],
    out: Annotated[Path, typer.Option(help="Folder for train.jsonl, dev.jsonl, …")],
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another corpus.")] = 0,
    rate: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Chance of a planted artefact.")
    ] = None,
    n: Annotated[int, typer.Option(min=0, help="Pairs a split; 0: its own size.")] = 0,
    json_: JsonOption = False,
) -> None:
    """Write the built-in corpus as JSONL, one file per split; never overwrites a file.

    Example: nliexplorer data build planted --out corpus
    """
    from nliexplorer.data.sources import available_splits, load_split

    spec = f"{source.value}?seed={seed}&n={n}" + (f"&rate={rate}" if rate is not None else "")
    splits = available_splits(source.value)
    taken = [out / f"{name}.jsonl" for name in splits if (out / f"{name}.jsonl").exists()]
    if taken:
        raise NliError(f"{taken[0]} exists", "name another folder with --out")
    written = []
    for name in splits:
        loaded = load_split(spec, name)
        path = out / f"{name}.jsonl"
        _write_jsonl(path, loaded)
        written.append({"file": str(path), "n": len(loaded), "fingerprint": loaded.fingerprint})
    if json_:
        print_json({"files": written})
        return
    for file in written:
        typer.echo(f"{file['file']}  {file['n']} pairs")


def _describe(loaded: LoadedSplit, splits: list[str], n: int) -> dict[str, Any]:
    counts: Counter[int] = Counter()
    words = 0
    for example in loaded:
        counts[example.gold] += 1
        words += example.length
    return {
        "source": loaded.source,
        "splits": splits,
        "split": loaded.split,
        "n": len(loaded),
        "labels": {GOLD_NAMES[label]: counts[label] for label in sorted(counts)},
        "mean_length": round(words / len(loaded), 2),
        "dropped": dict(loaded.dropped),
        "dropped_lines": {reason: list(lines) for reason, lines in loaded.dropped_lines.items()},
        "fingerprint": loaded.fingerprint,
        "label_basis": loaded.label_basis,
        "notes": list(loaded.notes),
        "examples": [as_row(loaded[index]) for index in range(min(n, len(loaded)))],
    }


def _print_split(console: Console, loaded: LoadedSplit, about: dict[str, Any]) -> None:
    labels = "  ".join(f"{name} {count}" for name, count in about["labels"].items())
    facts = Table.grid(padding=(0, 2))
    facts.add_row("source", plain(about["source"]))
    facts.add_row("splits", plain(" ".join(about["splits"])))
    facts.add_row("split", plain(about["split"]))
    facts.add_row("pairs", f"{about['n']} ({labels})")
    facts.add_row("length", f"{about['mean_length']} words on average, both sentences")
    if left_out := loaded.describe_dropped():
        facts.add_row("left out", plain(left_out))
    facts.add_row("fingerprint", about["fingerprint"])
    console.print(facts)
    if not about["examples"]:
        return
    table = Table("gold", "premise", "hypothesis", header_style="bold", show_lines=True)
    for row in about["examples"]:
        table.add_row(row["label"], plain(row["premise"]), plain(row["hypothesis"]))
    console.print(table)


def as_row(example: Example) -> dict[str, Any]:
    """A pair as a line of generic JSONL, the label as a word, empty fields left out."""
    row: dict[str, Any] = {
        "premise": example.premise,
        "hypothesis": example.hypothesis,
        "label": None if example.label is None else GOLD_NAMES[example.label],
        "source_id": example.source_id,
        "annotator_labels": [GOLD_NAMES[label] for label in example.annotator_labels],
        "premise_rationale": list(example.premise_rationale),
        "hypothesis_rationale": list(example.hypothesis_rationale),
        "artefact": list(example.artefact),
        "extra": dict(example.extra),
    }
    needed = ("premise", "hypothesis", "label")
    return {key: value for key, value in row.items() if key in needed or value}


def _write_jsonl(path: Path, loaded: LoadedSplit) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8", newline="\n") as stream:
            for example in loaded:
                stream.write(json.dumps(as_row(example), ensure_ascii=False) + "\n")
        part.replace(path)
    except OSError as error:
        raise NliError(
            f"cannot write {path}: {error.strerror or error}", "name another folder with --out"
        ) from None
    finally:
        with suppress(OSError):
            part.unlink()
