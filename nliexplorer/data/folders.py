"""Which split a file is, and which files a folder gives each split.

A file is the split its name says: `dev.jsonl`, `snli_1.0_dev.jsonl`, `validation.csv` are dev,
`r1_test.csv` is test, `train-00000-of-00002.parquet` is a part of train. What follows the split
word makes another split: `train_extra.jsonl` is `train-extra`, `dev_matched.tsv` `dev-matched`. A
file named on its own serves the split its name says and no other, so that no model is ever tuned
on what it trains on; one whose name says none has a single split called after it. Where several
files of a folder would be the same split they are all called by their whole names.
"""

from __future__ import annotations

import re
from pathlib import Path

from nliexplorer.data.files import cannot_read, file_format
from nliexplorer.errors import NliError

SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "devel": "dev",
    "valid": "dev",
    "validation": "dev",
    "val": "dev",
    "test": "test",
    "testing": "test",
}
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")


def canonical_split(name: str) -> str:
    """`validation` -> `dev`, `dev_r1` -> `dev-r1`; other names unchanged but for `_`."""
    words = re.split(r"[_\-.]+", name.strip())
    return "-".join([SPLIT_WORDS.get(words[0].lower(), words[0]), *words[1:]])


def split_of(path: Path) -> tuple[str, str]:
    """The base split (`dev`) and full name (`dev-matched`) that a file's name says, or its stem."""
    stem = stem_of(path)
    words = re.split(r"[_\-.]+", stem)
    for position, word in enumerate(words):
        base = SPLIT_WORDS.get(word.lower())
        if base:
            return base, "-".join([base, *words[position + 1 :]])
    name = "-".join(words)
    return name, name


def stem_of(path: Path) -> str:
    """File name without its data suffixes and shard number."""
    name = re.sub(r"\.gz$", "", path.name, flags=re.IGNORECASE)
    return _SHARD.sub("", name.rsplit(".", 1)[0]) or name


def splits_in(path: Path) -> dict[str, list[Path]]:
    """Split name -> files, of a file or folder. Raises NliError where there is nothing to read."""
    try:
        if path.is_file():
            return {split_of(path)[0]: [path]}
        found = _data_files(path) or _one_level_down(path)
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError):  # NUL in the path
            raise NliError(f"not a path: {str(path)!r}", "check the path") from None
        raise cannot_read(path, error) from None
    if not found:
        raise NliError(
            f"{path} holds no data files",
            "it takes train, dev or test .jsonl, .csv, .tsv, .parquet",
        )
    claims: dict[str, dict[str, list[Path]]] = {}
    for file in found:
        claims.setdefault(split_of(file)[1], {}).setdefault(stem_of(file), []).append(file)
    splits: dict[str, list[Path]] = {}
    for split, stems in claims.items():
        plain = next((stem for stem in stems if SPLIT_WORDS.get(stem.lower()) == split), None)
        for stem, files in stems.items():
            alone = len(stems) == 1 or stem == plain
            name = split if alone else "-".join(re.split(r"[_\-.]+", stem))
            splits[name] = _one_format(files)
    order = {"train": 0, "dev": 1, "test": 2}
    return dict(sorted(splits.items(), key=lambda item: (order.get(item[0], 3), item[0])))


def _data_files(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.iterdir()
        if file_format(file) and file.is_file() and not file.name.startswith(".") and _is_data(file)
    )


def _one_level_down(folder: Path) -> list[Path]:
    """The data files of the one subfolder that has any, as in a clone of a hub repository."""
    subfolders = sorted(sub for sub in folder.iterdir() if sub.is_dir())
    filled = {sub.name: files for sub in subfolders if (files := _data_files(sub))}
    if len(filled) > 1:
        raise NliError(f"{folder} holds several data sets", f"name one: {', '.join(filled)}")
    return next(iter(filled.values()), [])


def _is_data(file: Path) -> bool:
    """Not a dataset card's or a program's own JSON or text file."""
    if file.suffix.lower() not in {".json", ".txt"}:
        return True
    return split_of(file)[0] in SPLIT_WORDS.values()


def _one_format(files: list[Path]) -> list[Path]:
    """Shards of one table; of the same table in two formats (`dev.jsonl`, `dev.tsv`), the first."""
    suffix = min(file.suffix for file in files) if len(files) > 1 else files[0].suffix
    return [file for file in files if file.suffix == suffix]


def find_split(splits: dict[str, list[Path]], split: str, where: str) -> tuple[str, list[Path]]:
    """The files of the split asked for. Raises NliError naming the splits there are."""
    wanted = canonical_split(split)
    if wanted not in splits and len(splits) == 1:
        only, files = next(iter(splits.items()))
        if len(files) == 1 and split_of(files[0])[1] == wanted:
            return only, files
    if wanted not in splits:
        raise no_such_split(where, split, list(splits))
    return wanted, splits[wanted]


def no_such_split(where: str, split: str, known: list[str]) -> NliError:
    """The error of every source for a split it does not have."""
    return NliError(
        f"{where} has no split {split!r}",
        f"it has: {', '.join(known)} (--split names one; to train, name a folder with a train and "
        "a dev file)",
    )
