"""The source types: a path, a hub dataset, a published set, the built-in corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nliexplorer.data.build import build
from nliexplorer.data.fingerprint import file_digest
from nliexplorer.data.folders import (
    SPLIT_WORDS,
    canonical_split,
    find_split,
    no_such_split,
    split_of,
    splits_in,
    stem_of,
)
from nliexplorer.data.hub import hub_splits, load_hub, load_local, load_url, local_splits
from nliexplorer.data.labels import LabelKey, label_word, names_map
from nliexplorer.data.loaded_split import LoadedSplit, from_examples
from nliexplorer.data.source_spec import PLANTED_OPTIONS, Spec
from nliexplorer.data.suites import Suite
from nliexplorer.data.tabular import RawRow, RawTable, TableOptions, file_format, open_table
from nliexplorer.data.tabular.compression import local_file
from nliexplorer.errors import NliError


@dataclass(frozen=True)
class PathSource:
    """A file, a folder of train/dev/test files, or a folder written by `Dataset.save_to_disk`."""

    name: str = "path"
    title: str = "a file or folder"
    labels: int = 3

    def splits(self, spec: Spec) -> list[str]:
        path = _path(spec)
        return local_splits(path) or list(splits_in(path))

    def load(self, spec: Spec, split: str) -> LoadedSplit:
        path = _path(spec)
        saved = load_local(path, split)
        if saved is not None:
            return build_split(spec, canonical_split(split), saved)
        name, files = find_split(splits_in(path), split, str(path))
        return build_split(spec, name, _chain([_file(file, spec.table_options) for file in files]))


@dataclass(frozen=True)
class HubSource:
    """Any dataset on the hub; its own split names, or ours."""

    name: str = "hf"
    title: str = "a hub dataset"
    labels: int = 3

    def splits(self, spec: Spec) -> list[str]:
        return [canonical_split(name) for name in hub_splits(spec.hub, spec.config)]

    def load(self, spec: Spec, split: str) -> LoadedSplit:
        known = hub_splits(spec.hub, spec.config)
        canonical = canonical_split(split)
        hub_name = next((name for name in known if split == name), None)
        hub_name = hub_name or next(
            (name for name in known if canonical_split(name) == canonical), None
        )
        if hub_name is None:
            raise no_such_split(spec.text, split, [canonical_split(name) for name in known])
        return build_split(spec, canonical, load_hub(spec.hub, spec.config, (hub_name,)))


@dataclass(frozen=True)
class SuiteSource:
    """A published set: from the hub or its authors, or from a local copy in its true format."""

    suite: Suite

    @property
    def name(self) -> str:
        return self.suite.name

    @property
    def title(self) -> str:
        return self.suite.title

    @property
    def labels(self) -> int:
        return self.suite.labels

    def splits(self, spec: Spec) -> list[str]:
        if spec.path is None:
            return list(self.suite.parts)
        return local_splits(spec.path) or list(self._local(spec.path))

    def load(self, spec: Spec, split: str) -> LoadedSplit:
        declared = names_map(self.suite.order, self.suite.name)
        for word, name in self.suite.words.items():
            declared[word] = label_word(name)  # type: ignore[assignment]
        canonical = canonical_split(split)
        if spec.path is not None:
            saved = load_local(spec.path, split)
            if saved is None:
                canonical, files = find_split(self._local(spec.path), split, spec.text)
                saved = _chain([self._file(file, spec) for file in files])
            return self._build(spec, canonical, saved, declared)
        if canonical not in self.suite.parts:
            raise no_such_split(spec.text, split, list(self.suite.parts))
        parts = self.suite.parts[canonical]
        if self.suite.hub:
            hub, _, config = self.suite.hub.partition(":")
            raw = load_hub(hub, config, parts)
        else:
            raw = _chain([load_url(url, self.suite.name) for url in parts])
        return self._build(spec, canonical, raw, declared)

    def _file(self, path: Path, spec: Spec) -> RawTable:
        """Where the distribution has TSV files without a header, its columns are known."""
        options = spec.table_options
        if self.suite.columns and not options.columns and file_format(path) == "tsv":
            options = replace(options, columns=self.suite.columns)
        return _file(path, options)

    def _build(
        self, spec: Spec, split: str, raw: RawTable, declared: Mapping[LabelKey, int]
    ) -> LoadedSplit:
        if self.suite.adapt:
            raw = _adapted(raw, self.suite)
        return build_split(spec, split, raw, declared)

    def _local(self, path: Path) -> dict[str, list[Path]]:
        """Files by the distribution's own names where it has such, by split words otherwise."""
        if not path.exists():
            raise NliError(f"no such file or folder: {path}", "check the path")
        if path.is_file():
            return {self._split_of_file(path): [path]}
        rounds = [path / name for name in self.suite.folders if (path / name).is_dir()]
        if rounds:
            return _merged([splits_in(folder) for folder in rounds])
        named: dict[str, list[Path]] = {}
        for file in sorted(path.iterdir()):
            if split := self.suite.files.get(stem_of(file)):
                named.setdefault(split, []).append(file)
        if not named:
            return splits_in(path)
        known = {*SPLIT_WORDS.values(), *self.suite.parts}
        others = {split: files for split, files in splits_in(path).items() if split in known}
        return {**others, **named}

    def _split_of_file(self, path: Path) -> str:
        split = self.suite.files.get(stem_of(path), split_of(path)[0])
        usual = next(iter(self.suite.parts)) if len(self.suite.parts) == 1 else "dev"
        return split if split in SPLIT_WORDS.values() else usual


def _merged(parts: list[dict[str, list[Path]]]) -> dict[str, list[Path]]:
    merged: dict[str, list[Path]] = {}
    for part in parts:
        for split, files in part.items():
            merged.setdefault(split, []).extend(files)
    return merged


@dataclass(frozen=True)
class PlantedSource:
    """The built-in corpus, generated on the spot."""

    name: str = "planted"
    title: str = "built-in corpus with known artefacts"
    labels: int = 3
    options: tuple[str, ...] = PLANTED_OPTIONS

    def splits(self, spec: Spec) -> list[str]:  # noqa: ARG002
        from nliexplorer.data.planted import SPLITS

        return list(SPLITS)

    def load(self, spec: Spec, split: str) -> LoadedSplit:
        from nliexplorer.data.planted import SPLITS, generate

        canonical = canonical_split(split)
        if canonical not in SPLITS:
            raise no_such_split(spec.text, split, list(SPLITS))
        keywords: dict[str, Any] = {
            key: _number(spec, key, kind)
            for key, kind in (("n", int), ("seed", int), ("rate", float), ("revised", int))
            if key in spec.options
        }
        return from_examples(spec.text, canonical, generate(canonical, **keywords))


def _number(spec: Spec, key: str, kind: Callable[[str], float]) -> float:
    try:
        return kind(spec.options[key])
    except ValueError:
        raise NliError(f"{spec.text!r}: {key} is not a number", f"e.g. planted?{key}=1") from None


def _path(spec: Spec) -> Path:
    assert spec.path is not None
    return spec.path


def _file(path: Path, options: TableOptions) -> RawTable:
    raw = open_table(path, options=options)
    return replace(
        raw, key=lambda: f"{file_format(path)}:{options}:{file_digest(local_file(path))}"
    )


def build_split(
    spec: Spec, split: str, raw: RawTable, declared: Mapping[LabelKey, int] | None = None
) -> LoadedSplit:
    """Reconcile the known source's order with the names the data carries, then read."""
    named = names_map(raw.label_names, raw.where)
    for key, index in (declared or {}).items():
        if isinstance(key, int) and named.get(key, index) != index:
            raise NliError(
                f"{raw.where}: its label names are in another order than {spec.name} publishes",
                "is this another data set? give its path without the name",
            )
    return build(spec.text, split, raw, {**(declared or {}), **named}, spec.stated)


def _chain(tables: list[RawTable]) -> RawTable:
    """Several files as one table; line numbers start again in each."""
    if len(tables) == 1:
        return tables[0]

    def rows() -> Iterator[RawRow]:
        for table in tables:
            yield from table.rows()

    def key() -> str:
        return "+".join(table.key() if table.key else "" for table in tables)

    where = " + ".join(table.where for table in tables)
    notes = tuple(dict.fromkeys(note for table in tables for note in table.notes))
    first = tables[0]
    return RawTable(
        rows, where, first.label_names, sum(t.size for t in tables), key, first.unit, notes
    )


def _adapted(raw: RawTable, suite: Suite) -> RawTable:
    adapt = suite.adapt
    assert adapt is not None

    def rows() -> Iterator[RawRow]:
        for line, row in raw.rows():
            yield line, row if isinstance(row, str) else adapt(row)

    key = raw.key
    return replace(raw, rows=rows, key=(lambda: f"{suite.name}:{key()}") if key else None)
