"""What commands share: options, the database, the two ways of printing."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from nliexplorer.errors import NliError
from nliexplorer.store.filters import DEFAULT_SORT, Filter, parse_filter
from nliexplorer.store.filters.grammar import parse_example, parse_gold, parse_label, parse_sort
from nliexplorer.view.palette import Palette
from nliexplorer.view.text import plain
from nliexplorer.workflow import hard_subset as _hard_subset  # noqa: F401  registers its field

DbOption = Annotated[
    Path | None,
    typer.Option(
        "--db",
        envvar="NLIEXPLORER_DB",
        help="The database; default: runs.db in the working directory.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document to stdout.")]
RunArgument = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A run's id, a unique prefix of it, its name, or latest."),
]
SplitOption = Annotated[
    str | None,
    typer.Option("--split", help="The split; default: dev, else the first one evaluated."),
]
MethodOption = Annotated[
    str,
    typer.Option(
        help="integrated-gradients, saliency, input-x-gradient, gradient-shap, deeplift, "
        "feature-ablation, attention-rollout or random.",
        metavar="METHOD",
    ),
]
BaselineOption = Annotated[
    str,
    typer.Option(
        help="Start of the path: zero, mask or pad embeddings, or the first that works (auto).",
        metavar="BASELINE",
    ),
]

Parsed = TypeVar("Parsed")


def database(db: Path | None) -> Path:
    """The database that is meant: --db, NLIEXPLORER_DB, or runs.db in the working directory."""
    return db or Path("runs.db")


def out() -> Console:
    """The console of results; styles and width fit what stdout is."""
    return Console(highlight=False, emoji=False)


def print_overlap(known: Iterable[str]) -> None:
    """What is known of training pairs among those judged, each once, before any figure of them."""
    console = out()
    for sentence in dict.fromkeys(filter(None, known)):
        console.print(plain(sentence), style="dim", soft_wrap=True)


def palette(console: Console) -> Palette:
    """Colours; signs and weight of type where stdout shows none (a pipe, NO_COLOR)."""
    return Palette(dark=True, mono=console.no_color or console.color_system is None)


def print_json(value: Any) -> None:
    """One document; ASCII, so that no text in it can steer a terminal."""
    typer.echo(json.dumps(value, indent=2, allow_nan=False))


def print_json_list(items: Iterable[Any]) -> None:
    """As print_json, element by element: a list of any length in little memory."""
    first = True
    for item in items:
        typer.echo(("[\n" if first else ",\n") + json.dumps(item, allow_nan=False), nl=False)
        first = False
    typer.echo("[]" if first else "\n]")


def _usage(parse: Callable[[str], Parsed]) -> Callable[[str], Parsed]:
    """A parser whose errors are wrong usage: exit code 2."""

    def parsed(value: str) -> Parsed:
        try:
            return parse(value)
        except NliError as error:
            raise typer.BadParameter(f"{error.message}; {error.hint}") from None

    return parsed


def _option(kind: Any, flag: str, help_: str, **settings: Any) -> Any:
    return Annotated[kind, typer.Option(flag, help=help_, **settings)]


_LABEL = "LABEL"
FILTER_OPTIONS: dict[str, tuple[Any, Any]] = {
    "gold": (
        _option(
            int | None,
            "--gold",
            "Only pairs with this gold label.",
            parser=_usage(parse_gold),
            metavar=_LABEL,
        ),
        None,
    ),
    "predicted": (
        _option(
            int | None,
            "--predicted",
            "Only pairs predicted as this label.",
            parser=_usage(parse_label),
            metavar=_LABEL,
        ),
        None,
    ),
    "wrong": (_option(bool | None, "--wrong/--right", "Only errors, or only right answers."), None),
    "min_length": (
        _option(
            int | None,
            "--min-length",
            "At least this many words in premise and hypothesis together.",
            min=0,
        ),
        None,
    ),
    "max_length": (
        _option(
            int | None,
            "--max-length",
            "At most this many words in premise and hypothesis together.",
            min=0,
        ),
        None,
    ),
    "min_confidence": (
        _option(float | None, "--min-confidence", "At least this confidence.", min=0, max=1),
        None,
    ),
    "max_confidence": (
        _option(float | None, "--max-confidence", "At most this confidence.", min=0, max=1),
        None,
    ),
    "fixed_by": (
        _option(
            str | None, "--fixed-by", "Wrong in this run, right in the other one.", metavar="RUN"
        ),
        None,
    ),
    "broken_by": (
        _option(
            str | None, "--broken-by", "Right in this run, wrong in the other one.", metavar="RUN"
        ),
        None,
    ),
    "contains": (
        _option(str | None, "--contains", 'Text search: words or their beginnings, or "a phrase".'),
        None,
    ),
    "tag": (_option(str | None, "--tag", "Only pairs with this tag."), None),
    "example": (
        _option(
            str | None,
            "--id",
            "Only pairs whose id begins like this.",
            parser=_usage(parse_example),
            metavar="ID",
        ),
        None,
    ),
    "where": (
        _option(
            list[str] | None,
            "--where",
            "Any text of the filter bar, such as 'variance:>0.1'.",
            metavar="FILTER",
        ),
        None,
    ),
    "sort": (
        _option(
            str,
            "--sort",
            "position, confidence or length; - for largest first.",
            parser=_usage(parse_sort),
            metavar="KEY",
        ),
        DEFAULT_SORT,
    ),
    "limit": (_option(int | None, "--limit", "At most this many pairs.", min=1), None),
}


def with_filters(*without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the filter options, less those in `without`; it gets them as `wanted`."""
    names = [name for name in FILTER_OPTIONS if name not in without]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def wrapper(**given: Any) -> None:
            values = {name: given.pop(name) for name in names}
            command(**given, wanted=_filter(values))

        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.name != "wanted"]
        extra = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=FILTER_OPTIONS[name][1],
                annotation=FILTER_OPTIONS[name][0],
            )
            for name in names
        ]
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + extra
        wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        del wrapper.__wrapped__  # type: ignore[attr-defined]
        return wrapper

    return decorate


def _filter(values: dict[str, Any]) -> Filter:
    """Flags over the bar text of --where: a flag that is given wins."""
    bar = parse_filter(" ".join(values.pop("where", None) or ()))
    if values.get("sort") == DEFAULT_SORT:
        values.pop("sort")
    given = {name: value for name, value in values.items() if value is not None}
    return replace(bar, **given)
