"""Which split a file is, and which files a folder gives each split.

A file is the split its name says: `dev.jsonl`, `snli_1.0_dev.jsonl`, `validation.csv` are dev,
`r1_test.csv` is test, `train-00000-of-00002-0123456789abcdef.parquet` is a part of train. What
follows the split word makes another split (`dev_matched.tsv` is `dev-matched`), except where no
other file of the folder claims the plain name: a lone `train_data.csv` is train. A file named on
its own serves the split its name says and no other, so that no model is ever tuned on what it
trains on; one whose name says none has a single split called after it. Where several files of a
folder would be the same split they are all called by their whole names.

A folder may hold the files itself, one folder deeper (a clone of a hub repository), or one folder a
split (`train/0000.parquet`, also below the folder of a configuration, as the hub's viewer stores
them).
"""

from __future__ import annotations

import re
from pathlib import Path

from nliexplorer.data.tabular import cannot_read, file_format
from nliexplorer.data.tabular.compression import STDIN, SUFFIXES
from nliexplorer.errors import NliError

#: Of several files that would be one split, the first word here gets the plain name.
SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "trainset": "train",
    "dev": "dev",
    "validation": "dev",
    "valid": "dev",
    "val": "dev",
    "devel": "dev",
    "devset": "dev",
    "eval": "dev",
    "evaluation": "dev",
    "test": "test",
    "testing": "test",
    "testset": "test",
}
_SHARD = re.compile(r"-\d{5}-of-\d{5}(-[0-9a-f]{8,64})?$")
_DEPTH = 3


def canonical_split(name: str) -> str:
    """`validation` -> `dev`, `dev_r1` -> `dev-r1`; other names unchanged but for `_`."""
    words = _words(name.strip())
    return "-".join([SPLIT_WORDS.get(words[0].lower(), words[0]), *words[1:]])


def _words(stem: str) -> list[str]:
    return re.split(r"[_\-.]+", stem)


def split_of(path: Path) -> tuple[str, str]:
    """The base split (`dev`) and full name (`dev-matched`) that a file's name says, or its stem."""
    words = _words(stem_of(path))
    for position, word in enumerate(words):
        base = SPLIT_WORDS.get(word.lower())
        if base:
            return base, "-".join([base, *words[position + 1 :]])
    name = "-".join(words)
    return name, name


def stem_of(path: Path) -> str:
    """File name without its data suffixes and shard number."""
    name = path.name
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
    stem = name.rsplit(".", 1)[0] if file_format(Path(name)) else name
    return _SHARD.sub("", stem) or name


def splits_in(path: Path) -> dict[str, list[Path]]:
    """Split name -> files, of a file or folder. Raises NliError where there is nothing to read."""
    try:
        if path == STDIN or path.is_file():
            return {split_of(path)[0]: [path]}
        splits = _splits_of_folder(path, _DEPTH)
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError):  # NUL in the path
            raise NliError(f"not a path: {str(path)!r}", "check the path") from None
        raise cannot_read(path, error) from None
    if not splits:
        raise NliError(
            f"{path} holds no data files",
            "it takes train, dev or test .jsonl, .csv, .tsv, .parquet",
        )
    order = {"train": 0, "dev": 1, "test": 2}
    return dict(sorted(splits.items(), key=lambda item: (order.get(item[0], 3), item[0])))


def _splits_of_folder(folder: Path, depth: int) -> dict[str, list[Path]]:
    """Of the folder's own files, else of its subfolders. {} where there are no data files."""
    if files := _data_files(folder):
        return _splits_of_files(files)
    if not depth:
        return {}
    subfolders = sorted(
        each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")
    )
    named: dict[str, list[Path]] = {}
    for subfolder in subfolders:
        if SPLIT_WORDS.get(_words(subfolder.name)[0].lower()) and (files := _data_files(subfolder)):
            named.setdefault(canonical_split(subfolder.name), []).extend(_one_format(files))
    if named:
        return named
    filled = {
        each.name: splits for each in subfolders if (splits := _splits_of_folder(each, depth - 1))
    }
    if len(filled) > 1:
        names = ", ".join(str(folder / name) for name in list(filled)[:6])
        raise NliError(f"{folder} holds several data sets", f"name one: {names}")
    return next(iter(filled.values()), {})


def _splits_of_files(files: list[Path]) -> dict[str, list[Path]]:
    """Each split's files: shards together, one format of each table."""
    claims: dict[str, dict[str, list[Path]]] = {}
    bases: dict[str, set[str]] = {}
    for file in files:
        base, full = split_of(file)
        claims.setdefault(full, {}).setdefault(stem_of(file), []).append(file)
        bases.setdefault(base, set()).add(full)
    words = list(SPLIT_WORDS)
    splits: dict[str, list[Path]] = {}
    for split, stems in claims.items():
        plain = [stem for stem in stems if SPLIT_WORDS.get(stem.lower()) == split]
        first = min(plain, key=lambda stem: words.index(stem.lower()), default=None)
        for stem, shards in stems.items():
            name = split if len(stems) == 1 or stem == first else "-".join(_words(stem))
            splits[name] = _one_format(shards)
    for base, names in bases.items():
        if base in SPLIT_WORDS.values() and base not in splits and len(names) == 1:
            (name,) = names
            if name in splits:  # the only file of this kind: `train_data.csv`
                splits[base] = splits.pop(name)
    return splits


def _data_files(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.iterdir()
        if not file.name.startswith(".") and file.is_file() and file_format(file) and _is_data(file)
    )


def _is_data(file: Path) -> bool:
    """Whether it is a data file, not a dataset card or a program's own JSON or text file."""
    if file.suffix.lower() not in {".json", ".txt"}:
        return True
    return split_of(file)[0] in SPLIT_WORDS.values()


def _one_format(files: list[Path]) -> list[Path]:
    """Shards of one table; of the same table in two formats (`dev.jsonl`, `dev.tsv`), the first."""
    suffix = min(file.suffix for file in files) if len(files) > 1 else files[0].suffix
    return [file for file in files if file.suffix == suffix]


def find_split(splits: dict[str, list[Path]], split: str, where: str) -> tuple[str, list[Path]]:
    """The files of the split asked for, by its own name, its usual one, or its file's whole name.

    Raises NliError naming the splits there are.
    """
    name = split if split in splits else canonical_split(split)
    if name not in splits:
        for known, files in splits.items():
            if name == split_of(files[0])[1]:
                return known, files
        raise no_such_split(where, split, list(splits))
    return name, splits[name]


def no_such_split(where: str, split: str, known: list[str]) -> NliError:
    """The error of every source for a split it does not have."""
    option = {"train": "--train-split", "dev": "--eval-split"}.get(split, "--split")
    example = f"{option} {known[0]} names one of them" if known else "name another source"
    return NliError(f"{where} has no split {split!r}", f"it has: {', '.join(known)}; {example}")
