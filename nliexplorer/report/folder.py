"""The report's folder: only an earlier report is ever overwritten."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nliexplorer.errors import NliError

#: Lists the files of a report, so that the next one replaces those and no other.
MANIFEST = "report.json"
_MAKER = "nliexplorer report"


def earlier_files(folder: Path) -> frozenset[str]:
    """Names of the files that an earlier report left in `folder`; empty for a new or empty one.

    Raises NliError where the folder holds anything else.
    """
    try:
        if not folder.exists():
            return frozenset()
        if not folder.is_dir():
            raise NliError(f"{folder} is a file", "name a folder with --out")
        there = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise _unwritable(folder, error) from None
    if not there:
        return frozenset()
    owned = _listed(folder / MANIFEST)
    if owned is None:
        raise NliError(
            f"{folder} holds other files and is not an earlier report",
            "name a new or empty folder with --out",
        )
    return owned


def _listed(manifest: Path) -> frozenset[str] | None:
    """The plain file names in a manifest of ours, itself among them; None where it is not ours."""
    try:
        document = json.loads(manifest.read_text("utf-8"))
        if document["made_by"] != _MAKER:
            return None
        names = [str(name) for name in document["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return frozenset(name for name in names if Path(name).name == name) | {MANIFEST}


@contextmanager
def report_folder(folder: Path) -> Iterator[Path]:
    """A scratch folder whose files take the place of the earlier report's when the block ends.

    A report that fails leaves the earlier one whole. Raises NliError for a folder that is not
    ours, and for a file in it that is not.
    """
    earlier = earlier_files(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".report-", dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        yield scratch
        _install(scratch, folder, earlier)
    except OSError as error:
        raise _unwritable(folder, error) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _install(scratch: Path, folder: Path, earlier: frozenset[str]) -> None:
    names = sorted(path.name for path in scratch.iterdir())
    document = {"made_by": _MAKER, "files": names}
    (scratch / MANIFEST).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    folder.mkdir(exist_ok=True)
    for name in (MANIFEST, *names):
        if name not in earlier and (folder / name).exists():
            raise NliError(
                f"{folder / name} exists and is not part of the earlier report", "move it elsewhere"
            )
    for name in (*names, MANIFEST):
        (scratch / name).replace(folder / name)
    for name in earlier - {MANIFEST, *names}:
        (folder / name).unlink(missing_ok=True)


def _unwritable(folder: Path, error: OSError) -> NliError:
    return NliError(
        f"cannot write {folder}: {error.strerror or error}", "name a folder you may write to"
    )
