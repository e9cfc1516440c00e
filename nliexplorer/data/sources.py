"""One registry for every data source; `load_split` is the way in.

A new source is a class with the members of `Source`, given to `register`.
"""

from __future__ import annotations

from typing import Protocol

from nliexplorer.data.loaded_split import LoadedSplit
from nliexplorer.data.probes.sources import probes
from nliexplorer.data.source_spec import (
    PLANTED_OPTIONS,
    TABLE_OPTIONS,
    Spec,
    parse_spec,
    split_query,
)
from nliexplorer.data.source_types import HubSource, PathSource, PlantedSource, SuiteSource
from nliexplorer.data.suites import SUITES
from nliexplorer.data.tabular.compression import STDIN
from nliexplorer.errors import NliError, unknown_name
from nliexplorer.progress import say

__all__ = [
    "LoadedSplit",
    "Source",
    "absolute_source",
    "available_splits",
    "default_split",
    "list_sources",
    "load_split",
    "register",
    "training_split",
]


class Source(Protocol):
    """A named source. `labels` is 2 or 3; splits go by their canonical names (train, dev, …)."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def labels(self) -> int: ...
    def splits(self, spec: Spec) -> list[str]: ...
    def load(self, spec: Spec, split: str) -> LoadedSplit: ...


_REGISTRY: dict[str, Source] = {}


def register(source: Source) -> None:
    """Add a source under its name; refuses a name that is taken."""
    if source.name in _REGISTRY or source.name == "hf":
        raise NliError(f"a data source {source.name!r} exists already", "choose another name")
    _REGISTRY[source.name] = source


def list_sources() -> list[Source]:
    """Every registered source, by name, the built-in corpus first."""
    return sorted(_REGISTRY.values(), key=lambda source: (source.name != "planted", source.name))


def load_split(spec: str, split: str, *, samples: int = 0, seed: int = 0) -> LoadedSplit:
    """The usable rows of one split of `spec` (see `spec` for its grammar).

    `samples` > 0 takes a random subset, the same for the same `seed`. Raises NliError for anything
    wrong with the source; what was assumed in reading it, and dropped rows by reason, are in the
    result and printed on stderr.
    """
    parsed = _parse(spec)
    loaded = _source(parsed).load(parsed, split)
    for note in loaded.notes:
        say(f"{spec} {loaded.split}: {note}")
    if loaded.dropped:
        say(f"{spec} {loaded.split}: rows left out: {loaded.describe_dropped()}")
    if samples > len(loaded):
        say(f"{spec} {loaded.split} has {len(loaded)} pairs, not {samples}")
    return loaded.select(samples, seed) if samples else loaded


def available_splits(spec: str) -> list[str]:
    """The splits that `load_split` would find, without reading them."""
    parsed = _parse(spec)
    return _source(parsed).splits(parsed)


def default_split(spec: str, *, or_train: bool = False) -> str:
    """The split to evaluate on when none is named: dev or test, or one called after them, or any
    but train. Of a folder with nothing but training pairs, that split only `or_train`, else
    NliError: a model is never measured on what it trained on by oversight.
    """
    splits = available_splits(spec)
    if not splits:
        return "dev"  # loading it says what the source lacks
    likely = [
        *(name for base in ("dev", "test") for name in splits if name == base),
        *(name for base in ("dev-", "test-") for name in splits if name.startswith(base)),
        *(name for name in splits if not name.startswith("train")),
    ]
    if likely:
        return likely[0]
    path = _parse(spec).path
    if or_train or (path is not None and path.is_file()):
        return splits[0]
    raise NliError(f"{spec} has training pairs only", f"evaluate on them with --split {splits[0]}")


def training_split(spec: str) -> str:
    """The split to train on: `train`, else the only one of a file or saved data set. Raises
    NliError where there are several of other names.
    """
    splits = available_splits(spec)
    if "train" in splits or len(splits) != 1:
        return "train"
    return splits[0]


def absolute_source(text: str) -> str:
    """`text` with a path in it made absolute, so that it names the same pairs from any folder."""
    spec = parse_spec(text, _REGISTRY)
    if spec.path is None or spec.path == STDIN or not spec.path.exists():
        return text
    query = split_query(text)[1]
    name = f"{spec.name}:" if spec.name else ""
    return f"{name}{spec.path.resolve()}" + (f"?{query}" if query else "")


def _parse(text: str) -> Spec:
    spec = parse_spec(text, _REGISTRY)
    spec.stated  # noqa: B018  refuses what it cannot read before anything is fetched
    allowed = getattr(_REGISTRY.get(spec.name), "options", TABLE_OPTIONS)
    extra = [key for key in spec.options if key not in allowed]
    if extra:
        raise NliError(
            f"{text!r}: {', '.join(extra)} does not apply here",
            f"planted takes {', '.join(PLANTED_OPTIONS)}; every other source takes "
            f"{', '.join(TABLE_OPTIONS)}",
        )
    return spec


def _source(spec: Spec) -> Source:
    if spec.hub:
        return HubSource()
    if spec.name:
        return _REGISTRY[spec.name]
    assert spec.path is not None
    bare = spec.path.name == spec.text.partition("?")[0] and not spec.path.suffix
    if bare and spec.path != STDIN and not spec.path.exists():
        raise unknown_name("data source", spec.text, [*_REGISTRY, "hf:OWNER/NAME", "a path"])
    return PathSource()


register(PlantedSource())
for _suite in SUITES:
    register(SuiteSource(_suite))
for _probe in probes(load_split, available_splits):
    register(_probe)
