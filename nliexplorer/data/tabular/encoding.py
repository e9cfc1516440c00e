"""Which text encoding a file is in: by its byte-order mark, by being UTF-8, else by detection."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO

from nliexplorer.data.tabular.compression import open_bytes
from nliexplorer.errors import NliError

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
#: Tried after Windows-1252, which every Western European program writes.
_LEGACY = ["cp1250", "cp1251", "cp1253", "cp1254", "cp1256"]
_LEGACY += ["gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"]
_CHUNK = 1 << 20
_SAMPLE = 1 << 15
_REPLACED = re.compile("[\udc80-\udcff]+")
_BEYOND_ASCII = re.compile("[\u0080-\udc7f\ue000-\U0010ffff]")


def escaped(text: str) -> bool:
    """Whether `surrogateescape` replaced a byte that is not UTF-8."""
    return bool(_REPLACED.search(text))


def text_encoding(path: Path, stated: str = "") -> tuple[str, str]:
    """The codec of a text file, and a note where it was neither stated nor UTF-8.

    Raises NliError for a codec that does not exist.
    """
    if stated:
        try:
            return codecs.lookup(stated).name, ""
        except LookupError:
            raise NliError(
                f"{path}: there is no encoding {stated!r}", "e.g. ?encoding=cp1252 or utf-16"
            ) from None
    about = path.stat()
    return _detected(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=64)
def _detected(path: Path, size: int, changed: int) -> tuple[str, str]:  # noqa: ARG001
    with open_bytes(path) as stream:
        head = stream.read(4096)
    marked = next((name for bom, name in _BOMS if head.startswith(bom)), "")
    if marked:
        return marked, ""
    if wide := _wide(head):
        return wide, f"read as {wide}, by its zero bytes"
    legacy = _legacy_bytes(path)
    if not legacy:
        return "utf-8", ""
    name = _guess(legacy)
    if not name:
        return "utf-8", ""
    return name, f"not UTF-8: read as {name} (?encoding=… states another)"


def _wide(head: bytes) -> str:
    """UTF-16 without a byte-order mark: every other byte of its ASCII characters is zero."""
    pairs = len(head) // 2
    for name, zeros, others in (
        ("utf-16-le", head[1::2], head[0::2]),
        ("utf-16-be", head[0::2], head[1::2]),
    ):
        if pairs and zeros.count(0) > 0.4 * pairs and others.count(0) < 0.1 * pairs:
            return name
    return ""


def _legacy_bytes(path: Path) -> bytes:
    """Lines with bytes that are not UTF-8, as a sample; empty where the file is UTF-8 on the whole.

    A file in which real UTF-8 sequences are as frequent is a UTF-8 file with a few broken rows.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    sample, sound, broken = b"", 0, 0
    with open_bytes(path) as stream:
        while chunk := stream.read(_CHUNK):
            text = decoder.decode(chunk)
            if text.isascii():
                continue
            sound += len(_BEYOND_ASCII.findall(text))
            runs = _REPLACED.findall(text)
            broken += sum(map(len, runs))
            if runs and len(sample) < _SAMPLE:
                lines = (line for line in text.split("\n") if escaped(line))
                sample += "\n".join(lines).encode("utf-8", "surrogateescape")
    return sample[:_SAMPLE] if broken > sound else b""


def _guess(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    for candidates in (["cp1252"], _LEGACY):
        if best := from_bytes(sample, cp_isolation=candidates).best():
            return str(best.encoding)
    return ""


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[IO[str]]:
    """Lines end with a line feed only. Bytes that are not UTF-8 become lone surrogates, which the
    row check then names; in other encodings they are an error.
    """
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    try:
        with (
            open_bytes(path) as raw,
            io.TextIOWrapper(raw, encoding, errors=errors, newline="\n") as stream,
        ):
            yield stream
    except UnicodeError as error:
        reason = getattr(error, "reason", error)
        raise NliError(
            f"{path}: broken {encoding} text: {reason}",
            "state another: ?encoding=…, or fix the file",
        ) from None
