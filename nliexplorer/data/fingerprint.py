"""Content hashes: one for the rows of a split, one for a file's bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


class Fingerprint:
    """Hash of (premise, hypothesis, label) rows in order: the same on every machine and for every
    file format; lengths are hashed too, so that no two different lists of rows share their bytes.
    """

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def add(self, premise: str, hypothesis: str, label: int) -> None:
        first, second = premise.encode(), hypothesis.encode()
        self._hash.update(b"%d:%d:%d:" % (len(first), len(second), label))
        self._hash.update(first)
        self._hash.update(second)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def rows_fingerprint(rows: Iterable[tuple[str, str, int]]) -> str:
    """32 hex digits for (premise, hypothesis, label) triples."""
    fingerprint = Fingerprint()
    for row in rows:
        fingerprint.add(*row)
    return fingerprint.hexdigest()


def file_digest(path: Path) -> str:
    """32 hex digits for the bytes of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
