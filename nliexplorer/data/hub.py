"""Hub datasets and files by URL, through `datasets`: cached, and quick to fail offline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import datasets
import huggingface_hub
import pyarrow as pa

from nliexplorer.data.connectivity import answers, host, unanswered
from nliexplorer.data.folders import canonical_split, no_such_split
from nliexplorer.data.labels import class_label_names
from nliexplorer.data.tabular import RawRow, RawTable, open_table
from nliexplorer.errors import NliError

LOCAL = "use a local copy (--data NAME:PATH, a file or a folder), or --data planted"


def load_hub(repository: str, config: str, splits: tuple[str, ...], revision: str = "") -> RawTable:
    """The named hub splits, one after the other, as raw rows. Raises NliError at once offline."""
    parts = [_load(repository, config, split, revision) for split in splits]
    where = f"hf:{repository}" + (f":{config}" if config else "")
    names = class_label_names(parts[0].features.to_dict())

    key = "+".join(str(part._fingerprint) for part in parts)
    size = sum(part.dataset_size or part.data.nbytes for part in parts)
    return RawTable(lambda: _rows(parts), where, names, size, lambda: key, unit="row")


def _rows(parts: list[datasets.Dataset]) -> Iterator[RawRow]:
    number = 0
    for part in parts:
        for batch in part.with_format("arrow").iter(1000):
            for row in batch.to_pylist():
                number += 1
                yield number, row


def hub_splits(repository: str, config: str) -> list[str]:
    """The split names a hub dataset has, as the hub calls them."""
    with _hub_errors(repository, f"hf:{repository}"):
        return list(datasets.get_dataset_split_names(repository, config or None))


def local_splits(folder: Path) -> list[str]:
    """The splits of a folder that `Dataset.save_to_disk` wrote; none where it is no such folder."""
    try:
        about = folder / "dataset_dict.json"
        if about.is_file():
            return [
                canonical_split(name) for name in json.loads(about.read_text("utf-8"))["splits"]
            ]
        return [canonical_split(folder.name)] if (folder / "state.json").is_file() else []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NliError(
            f"{folder} is not a sound saved dataset: {_line(error)}", "save it again"
        ) from None


def load_local(folder: Path, split: str) -> RawTable | None:
    """A folder that `Dataset.save_to_disk` wrote, or None where it is none."""
    splits = local_splits(folder)
    if not splits:
        return None
    canonical = canonical_split(split)
    if canonical not in splits:
        raise no_such_split(str(folder), split, splits)
    try:
        loaded = datasets.load_from_disk(str(folder))
        if isinstance(loaded, datasets.DatasetDict):
            loaded = next(
                part for name, part in loaded.items() if canonical_split(name) == canonical
            )
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise NliError(
            f"{folder} is not a sound saved dataset: {_line(error)}", "save it again"
        ) from None

    return RawTable(
        lambda: _rows([loaded]),
        str(folder),
        class_label_names(loaded.features.to_dict()),
        loaded.data.nbytes,
        lambda: str(loaded._fingerprint),
        unit="row",
    )


def load_url(url: str, name: str) -> RawTable:
    """A file on the web, kept in the hub's cache. `archive.zip#member` reads one file of a zip."""
    address, _, member = url.partition("#")
    with _hub_errors(name, address):
        config = datasets.DownloadConfig(
            max_retries=0,
            disable_tqdm=True,
            local_files_only=_offline(),
            use_etag=False,  # else a copy in the cache cannot be found without the network
        )
        manager = datasets.DownloadManager(download_config=config)
        path = Path(manager.download(address))
        if member:
            path = Path(manager.extract(str(path))) / member
    # The cache names files by hash: give the reader the suffix it goes by.
    return _with_suffix(path, Path(member or urlsplit(address).path).suffix)


def _with_suffix(path: Path, suffix: str) -> RawTable:
    if path.suffix == suffix:
        return open_table(path)
    link = path.with_name(path.name + suffix)
    try:
        if not link.exists():
            link.symlink_to(path.name)
    except OSError as error:
        raise NliError(f"cannot write the cache {link.parent}: {error.strerror}", LOCAL) from None
    return open_table(link)


def _load(repository: str, config: str, split: str, revision: str) -> datasets.Dataset:
    with _hub_errors(repository, f"hf:{repository}"):
        return datasets.load_dataset(
            repository, config or None, split=split, revision=revision or None
        )


def _offline() -> bool:
    return bool(huggingface_hub.constants.HF_HUB_OFFLINE or datasets.config.HF_HUB_OFFLINE)


@contextmanager
def _hub_errors(name: str, address: str) -> Iterator[None]:
    """Check that the host answers before anything retries; every failure becomes one line."""
    offline = _offline()
    reached = not offline and answers(address)
    try:
        with _offline_mode(not reached):
            yield
    except NliError:
        raise
    except (
        OSError,
        ValueError,
        RuntimeError,
        KeyError,
        TypeError,
        datasets.exceptions.DatasetsError,
    ) as error:
        if not reached:
            raise _unreachable(name, address, offline) from None
        raise NliError(f"cannot load {name} from {host(address)}: {_line(error)}", LOCAL) from None


def _unreachable(name: str, address: str, offline: bool) -> NliError:
    why = "HF_HUB_OFFLINE is set" if offline else unanswered(address)
    cache = datasets.config.HF_DATASETS_CACHE
    return NliError(f"cannot fetch {name}: {why}, and it is not in the cache {cache}", LOCAL)


@contextmanager
def _offline_mode(on: bool) -> Iterator[None]:
    """The libraries' own offline switch, so that they look in the cache and nowhere else."""
    before = (huggingface_hub.constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE)
    if on:
        huggingface_hub.constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        huggingface_hub.constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE = before


def _line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:200]
