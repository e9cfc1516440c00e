"""The probes as data sources: `word-order`, `hans-templates`, `stress-negation:SOURCE`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from nliexplorer.data.folders import canonical_split, no_such_split
from nliexplorer.data.loaded_split import LoadedSplit, from_examples
from nliexplorer.data.probes.hans_templates import hans_pairs
from nliexplorer.data.probes.stress import STRESS
from nliexplorer.data.probes.word_order import word_order_pairs
from nliexplorer.data.source_spec import PLANTED_OPTIONS, TABLE_OPTIONS, Spec
from nliexplorer.errors import NliError
from nliexplorer.records import Example


@dataclass(frozen=True)
class TemplateSource:
    """A set of two labels that is made on the spot, all of it for testing."""

    name: str
    title: str
    make: Callable[[], Iterable[Example]]
    labels: int = 2

    def splits(self, spec: Spec) -> list[str]:  # noqa: ARG002
        return ["test"]

    def load(self, spec: Spec, split: str) -> LoadedSplit:
        canonical = canonical_split(split)
        if canonical != "test" or spec.path is not None:
            raise no_such_split(spec.text, split, ["test"])
        return from_examples(spec.text, canonical, self.make())


@dataclass(frozen=True)
class StressSource:
    """The pairs of another source, each changed in a way that leaves its label true."""

    name: str
    title: str
    change: Callable[[Example], Example]
    load_base: Callable[[str, str], LoadedSplit]  # `data.sources.load_split`
    base_splits: Callable[[str], list[str]]  # `data.sources.available_splits`
    labels: int = 3
    options: tuple[str, ...] = (*TABLE_OPTIONS, *PLANTED_OPTIONS)  # the other source's

    def splits(self, spec: Spec) -> list[str]:
        """Those of the source behind the colon; none where it is not named."""
        base = _base(spec)
        return self.base_splits(base) if base else []

    def load(self, spec: Spec, split: str) -> LoadedSplit:
        if not _base(spec):
            raise NliError(
                f"{self.name} changes the pairs of another source, and none is named",
                f"for example {self.name}:snli, or {self.name}:FOLDER",
            )
        base = self.load_base(_base(spec), split)
        return from_examples(spec.text, base.split, map(self.change, base))


def _base(spec: Spec) -> str:
    """What stands behind the colon: any `--data` value."""
    return spec.text.partition(":")[2]


def probes(
    load_split: Callable[[str, str], LoadedSplit], available_splits: Callable[[str], list[str]]
) -> Iterator[TemplateSource | StressSource]:
    """Every probe; the functions read the sources that stress tests change."""
    yield TemplateSource(
        "word-order", "who does what to whom: pairs of the same words", word_order_pairs
    )
    yield TemplateSource("hans-templates", "the thirty templates of HANS, other words", hans_pairs)
    for name, (title, change) in STRESS.items():
        about = f"{title}, of any SOURCE: {name}:SOURCE (Naik et al. 2018)"
        yield StressSource(name, about, change, load_split, available_splits)
