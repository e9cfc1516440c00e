"""What commands share: options, the database, the two ways of printing."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from nliexplorer.errors import NliError
from nliexplorer.store.filters import EVERYTHING, FIELDS, Field, Filter, Range, parse_filter
from nliexplorer.store.filters.fields import read_value
from nliexplorer.store.filters.filter import read_sort
from nliexplorer.view.palette import Palette
from nliexplorer.view.text import plain

DbOption = Annotated[
    Path | None,
    typer.Option(
        "--db",
        envvar="NLIEXPLORER_DB",
        help="The database; default: runs.db in the working directory.",
    ),
]
DEVICES = "auto, cpu, cuda, cuda:1, mps."
DeviceOption = Annotated[str, typer.Option(help=DEVICES)]
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


def _steps(text: str) -> int:
    """`auto` is 0, as in the store."""
    if text == "auto":
        return 0
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise typer.BadParameter(f"{text!r} is not a number from 1 to 10000, nor auto")
    return int(text)


StepsOption = Annotated[
    int,
    typer.Option(
        parser=lambda text: _steps(str(text)),
        metavar="NODES|auto",
        help="Nodes on the path, or samples drawn; auto: as many nodes as each pair needs for its "
        "scores to add up.",
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


def table_argument(holds: str) -> Any:
    """The FILE that a command reads rows from."""
    return typer.Argument(metavar="FILE", help=f"{holds}; - is standard input.")


def column_option(holds: str) -> Any:
    """The name of the column that holds something."""
    return typer.Option(metavar="COLUMN", help=f"The column with {holds}.")


def print_left_out(what: str, count: int, lines: Sequence[int]) -> None:
    """`left out: 12 rows with no gold label (line 3, 8, …)`; `lines` are the first few."""
    shown = ", ".join(map(str, lines)) + (", …" if count > len(lines) else "")
    typer.echo(f"left out: {count:,} {what} (line {shown})")


def database(db: Path | None) -> Path:
    """The database to use: --db, NLIEXPLORER_DB, or runs.db in the working directory."""
    return db or Path("runs.db")


def out() -> Console:
    """The console for results, with styles and width that suit stdout."""
    return Console(highlight=False, emoji=False)


def print_overlap(known: Iterable[str]) -> None:
    """Print what is known about training pairs among those judged, before any result."""
    console = out()
    for sentence in dict.fromkeys(filter(None, known)):
        console.print(plain(sentence), style="dim", soft_wrap=True)


def palette(console: Console) -> Palette:
    """Colours, or signs and bold text where stdout shows no colour (a pipe, NO_COLOR)."""
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
    """The parser with its errors as usage errors: exit code 2."""

    def parsed(value: str) -> Parsed:
        try:
            return parse(value)
        except NliError as error:
            raise typer.BadParameter(f"{error.message}; {error.hint}") from None

    return parsed


def _option(kind: Any, flag: str, help_: str, **settings: Any) -> Any:
    return Annotated[kind, typer.Option(flag, help=help_, **settings)]


def _checked_sort(text: str) -> str:
    read_sort(text)
    return text


def _field_options(field: Field) -> dict[str, tuple[Any, Any]]:
    """The options of a filter field: parameter -> (annotation, default)."""
    name, help_ = field.flag, field.flag_help
    if field.numeric:
        kind = int if field.kind == "whole" else float
        least, most = field.limits
        return {
            f"{side}_{name}": (
                _option(
                    kind | None,
                    f"--{side}-{name}",
                    help_.format(bound=bound),
                    min=least,
                    max=most,
                ),
                None,
            )
            for side, bound in (("min", "At least"), ("max", "At most"))
        }
    if field.bare:
        positive, _, negative = name.partition("/")
        return {positive: (_option(bool | None, f"--{positive}/--{negative}", help_), None)}
    metavar = {"choice": "LABEL", "prefix": "ID", "run": "RUN"}.get(field.kind)
    settings: dict[str, Any] = {"metavar": metavar}
    if field.kind in ("choice", "prefix"):
        settings["parser"] = _usage(partial(read_value, field))
    value: Any = list[str] if field.several else str
    return {name.replace("-", "_"): (_option(value | None, f"--{name}", help_, **settings), None)}


FILTER_OPTIONS: dict[str, tuple[Any, Any]] = {
    **{
        name: option
        for field in FIELDS.values()
        if field.flag
        for name, option in _field_options(field).items()
    },
    "where": (
        _option(
            list[str] | None,
            "--where",
            "Any text of the filter bar, such as 'variance:>0.1 -tag:odd (a | b)'.",
            metavar="FILTER",
        ),
        None,
    ),
    "other_run": (
        _option(
            list[str] | None,
            "--other",
            "The run that b.conf and the like refer to; several for disagree and all-wrong.",
            metavar="RUN",
        ),
        None,
    ),
    "sort": (
        _option(
            str | None,
            "--sort",
            "Numeric fields, such as confidence, length or -variance,len; - for largest first.",
            metavar="KEYS",
            parser=_usage(_checked_sort),
        ),
        None,
    ),
    "limit": (_option(int | None, "--limit", "At most this many pairs.", min=1), None),
}


def with_filters(*without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the filter options except `without` to a command, which receives them as `filter`."""
    names = [name for name in FILTER_OPTIONS if name not in without]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def wrapper(**arguments: Any) -> None:
            values = {name: arguments.pop(name) for name in names}
            command(**arguments, filter=_filter(values))

        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.name != "filter"]
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
    """The options combined with --where; for a field with one value the option wins."""
    filter = EVERYTHING
    for text in values.pop("where", None) or ():
        filter = filter.joined(parse_filter(text))
    if others := values.pop("other_run", None):
        filter = replace(filter, others=tuple(others))
    if sort := values.pop("sort", None):
        filter = replace(filter, sort=read_sort(sort))
    if limit := values.pop("limit", None):
        filter = replace(filter, limit=limit)
    for field in FIELDS.values():
        for name, value in _values_of(field, values):
            filter = filter.with_value(name, value)
    return filter


def _values_of(field: Field, values: dict[str, Any]) -> Iterator[tuple[str, str | Range]]:
    """The values that the options of a field have; where a pair can have several, each holds."""
    if not field.flag:
        return
    if field.numeric:
        low, high = (values.get(f"{side}_{field.flag}") for side in ("min", "max"))
        if low is not None or high is not None:
            yield field.name, Range(low, high)
        return
    positive, _, negative = field.flag.partition("/")
    value = values.get(positive.replace("-", "_"))
    if field.several:
        yield from ((field.name, each) for each in value or ())
    elif value is not None:
        yield field.name, (positive if value else negative) if field.bare else value
