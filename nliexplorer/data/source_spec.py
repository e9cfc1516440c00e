"""The `--data` grammar: SOURCE[:REST][?key=value&…].

SOURCE is a registered name (`hans`, or `hans:PATH` for a local copy), `hf:OWNER/NAME[:CONFIG]`, a
file or folder, or `-` for standard input. Values after `?` may be percent-encoded:

    labels=NAME,NAME,… or VALUE:NAME,…            what the labels mean
    premise=COLUMN, hypothesis=, label=, id=      which column is which
    columns=NAME,NAME,…                           the columns of a file without a header
    encoding=NAME                                 of a text file that is not UTF-8
    rate=, seed=, n=                              of the built-in corpus
    revised=1                                     its pairs' counterfactual revisions alone

A registered name wins over a file of that name; write `./snli` for the file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from nliexplorer.data.fields import STATED, Statement
from nliexplorer.data.labels import parse_labels
from nliexplorer.data.tabular import TableOptions
from nliexplorer.errors import NliError

TABLE_OPTIONS = ("labels", *STATED, "columns", "encoding")
PLANTED_OPTIONS = ("rate", "seed", "n", "revised")


@dataclass(frozen=True)
class Spec:
    """A parsed `--data` value. One of `name`, `hub` and `path` says where the rows are."""

    text: str
    name: str = ""  # registered source
    hub: str = ""  # OWNER/NAME
    config: str = ""
    path: Path | None = None  # a file or folder, or a named source's local copy
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def stated(self) -> Statement:
        """What the user states about labels and columns. Raises NliError for invalid labels=."""
        return Statement(
            {key: self.options[key] for key in STATED if key in self.options},
            parse_labels(self.options["labels"]) if "labels" in self.options else {},
            self.prefix,
        )

    @property
    def table_options(self) -> TableOptions:
        """What the user states about the file itself."""
        columns = tuple(name.strip() for name in self.options.get("columns", "").split(","))
        return TableOptions(
            columns if "columns" in self.options else (),
            self.options.get("encoding", ""),
            tuple(self.options[key] for key in ("premise", "hypothesis") if key in self.options),
        )

    def prefix(self, option: str) -> str:
        """The source as far as the value of a further `option=`, in place of one already there."""
        body, query = split_query(self.text)
        kept = [item for item in query.split("&") if item and not item.startswith(f"{option}=")]
        return f"{body}?{'&'.join([*kept, f'{option}='])}"


def split_query(text: str) -> tuple[str, str]:
    """A source's text before and after its `?`; a file name may itself hold a question mark."""
    body, mark, query = text.partition("?")
    if not mark or "=" not in query or Path(text).exists():
        return text, ""
    return body, query


def parse_spec(text: str, names: Collection[str]) -> Spec:
    """Raises NliError where the spec is empty or has an option that does not exist."""
    try:
        body, query = split_query(text)
    except (OSError, ValueError):  # a NUL, or longer than any path
        body, _, query = text.partition("?")
    options = parse_options(query, text)
    if not body.strip():
        raise NliError("no data source given", f"known: {', '.join(sorted(names))}, or a file")
    head, colon, rest = body.partition(":")
    if body in names:
        return Spec(text, name=body, options=options)
    if head == "hf" and colon:
        hub, _, config = rest.partition(":")
        if hub.count("/") != 1 or not all(hub.split("/")):
            raise NliError(f"{text!r} is not a hub dataset", "write hf:OWNER/NAME or …:CONFIG")
        return Spec(text, hub=hub, config=config, options=options)
    if head in names and colon:
        if not rest:
            raise NliError(f"{text!r} names no path", f"write {head}, or {head}:PATH")
        return Spec(text, name=head, path=Path(rest).expanduser(), options=options)
    return Spec(text, path=Path(body).expanduser(), options=options)


def parse_options(query: str, text: str) -> dict[str, str]:
    """`key=value&…` as a mapping. Raises NliError for a key that does not exist."""
    options = {}
    known = (*TABLE_OPTIONS, *PLANTED_OPTIONS)
    for item in filter(None, query.split("&")):
        key, equals, value = item.partition("=")
        if key not in known or not equals:
            raise NliError(f"{text!r}: unknown option {item!r}", f"options: {', '.join(known)}")
        options[key] = unquote(value)
    return options
