"""The bytes of a file or of standard input, unpacked; recognised by content, not by name."""

from __future__ import annotations

import atexit
import bz2
import gzip
import io
import lzma
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from nliexplorer.data.tabular.table import cannot_read
from nliexplorer.errors import NliError

SUFFIXES = (".gz", ".zip", ".bz2", ".xz", ".zst")
STDIN = Path("-")
_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, zipfile.BadZipFile)


def local_file(path: Path) -> Path:
    """The file to read for `path`: itself, or for `-` a copy of standard input."""
    return _standard_input() if path == STDIN else path


@lru_cache(maxsize=1)
def _standard_input() -> Path:
    """Rows are read more than once, a pipe only once: kept in a file until the program ends."""
    with tempfile.NamedTemporaryFile(prefix="nliexplorer-", delete=False) as copy:
        atexit.register(Path(copy.name).unlink, missing_ok=True)
        shutil.copyfileobj(sys.stdin.buffer, copy)
    return Path(copy.name)


def compression(path: Path) -> str:
    """`gzip`, `zip`, `bzip2`, `xz` or `zstd`; "" where the content is none of these."""
    with path.open("rb") as stream:
        head = stream.read(8)
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "")


def zip_member(path: Path) -> str:
    """The name of the one file in a zip archive. Raises NliError where there is not just one."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [
                item.filename
                for item in archive.infolist()
                if not item.is_dir()
                and not item.filename.startswith("__MACOSX/")
                and not Path(item.filename).name.startswith(".")
            ]
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise _damaged(path, "zip", error) from None
    if len(members) != 1:
        shown = ", ".join(members[:5]) + (", …" if len(members) > 5 else "")
        raise NliError(
            f"{path} holds {len(members)} files" + (f": {shown}" if members else ""),
            f"unpack it and name one of them: unzip {path.name}",
        )
    return members[0]


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Unpacked bytes of `path`. Raises NliError where the file is damaged or cannot be read."""
    kind = ""
    try:
        kind = compression(path)
        with _opened(path, kind) as stream:
            yield stream
    except _DAMAGED as error:
        raise _damaged(path, kind, error) from None
    except OSError as error:
        if kind and error.errno is None:  # a codec's own error
            raise _damaged(path, kind, error) from None
        raise cannot_read(path, error) from None
    except (NotImplementedError, RuntimeError) as error:
        if kind != "zip":
            raise
        raise NliError(f"cannot unpack {path}: {error}", f"unpack it: unzip {path.name}") from None


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[IO[bytes]]:
    if kind == "zip":
        with zipfile.ZipFile(path) as archive, archive.open(zip_member(path)) as member:
            yield member
    elif kind == "zstd":
        import pyarrow as pa

        with pa.input_stream(str(path), compression="zstd") as stream:
            yield io.BufferedReader(stream)
    else:
        openers: dict[str, Any] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
        with openers.get(kind, open)(path, "rb") as stream:
            yield stream


def _damaged(path: Path, kind: str, error: Exception) -> NliError:
    about = (str(error).splitlines() or ["cut off"])[0][:120]
    return NliError(f"{path} is a damaged {kind} file: {about}", "fetch it again")
