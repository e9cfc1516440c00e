"""One registry for every data source; `load_split` is the way in.

A new source is a class with the members of `Source`, given to `register`.
"""

from __future__ import annotations

import logging
from typing import Protocol

from nliexplorer.data.loaded_split import LoadedSplit
from nliexplorer.data.source_spec import Spec, parse_spec
from nliexplorer.data.source_types import HubSource, PathSource, PlantedSource, SuiteSource
from nliexplorer.data.suites import SUITES
from nliexplorer.errors import NliError, unknown_name

logger = logging.getLogger(__name__)

__all__ = [
    "LoadedSplit",
    "Source",
    "available_splits",
    "default_split",
    "list_sources",
    "load_split",
    "register",
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
    wrong with the source; dropped rows are counted in the result and told on stderr (log).
    """
    parsed = _parse(spec)
    loaded = _source(parsed).load(parsed, split)
    if loaded.dropped:
        logger.warning("%s %s: rows left out: %s", spec, loaded.split, loaded.describe_dropped())
    if samples > len(loaded):
        logger.warning("%s %s has %d pairs, not %d", spec, loaded.split, len(loaded), samples)
    return loaded.select(samples, seed) if samples else loaded


def available_splits(spec: str) -> list[str]:
    """The splits that `load_split` would find, without reading them."""
    parsed = _parse(spec)
    return _source(parsed).splits(parsed)


def default_split(spec: str) -> str:
    """The split to evaluate on when none is named: dev, else test, else the only or first one."""
    splits = available_splits(spec)
    return next((name for name in ("dev", "test") if name in splits), splits[0])


def _parse(text: str) -> Spec:
    spec = parse_spec(text, _REGISTRY)
    spec.stated  # noqa: B018  refuses what it cannot read before anything is fetched
    extra = [key for key in spec.options if key != "labels" and spec.name != "planted"]
    if extra or (spec.name == "planted" and "labels" in spec.options):
        raise NliError(
            f"{text!r}: {', '.join(extra) or 'labels'} does not apply here",
            "planted takes rate, seed and n; every other source takes labels",
        )
    return spec


def _source(spec: Spec) -> Source:
    if spec.hub:
        return HubSource()
    if spec.name:
        return _REGISTRY[spec.name]
    assert spec.path is not None
    bare = spec.path.name == spec.text.partition("?")[0] and not spec.path.suffix
    if bare and not spec.path.exists():
        raise unknown_name("data source", spec.text, [*_REGISTRY, "hf:OWNER/NAME", "a path"])
    return PathSource()


register(PlantedSource())
for _suite in SUITES:
    register(SuiteSource(_suite))
