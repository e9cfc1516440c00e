"""The `--data` grammar: SOURCE[:REST][?key=value&…].

SOURCE is a registered name (`hans`, or `hans:PATH` for a local copy), `hf:OWNER/NAME[:CONFIG]`, or
a file or folder. Options after `?`: `labels=…` for all, `rate=`, `seed=`, `n=` for planted.
A registered name wins over a file of that name; write `./snli` for the file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nliexplorer.data.labels import LabelKey, parse_labels
from nliexplorer.errors import NliError

_OPTIONS = ("labels", "rate", "seed", "n")


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
    def stated(self) -> dict[LabelKey, int]:
        """What the user says the labels mean."""
        return parse_labels(self.options["labels"]) if "labels" in self.options else {}


def parse_spec(text: str, names: Collection[str]) -> Spec:
    """Raises NliError where the spec is empty or has an option that does not exist."""
    body, mark, query = text.partition("?")
    if mark and "=" not in query:  # a file name with a question mark
        body, query = text, ""
    options = _options(query, text)
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


def _options(query: str, text: str) -> dict[str, str]:
    options = {}
    for item in filter(None, query.split("&")):
        key, equals, value = item.partition("=")
        if key not in _OPTIONS or not equals:
            raise NliError(f"{text!r}: unknown option {item!r}", f"options: {', '.join(_OPTIONS)}")
        options[key] = value
    return options
