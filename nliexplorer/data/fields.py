"""Which columns of a table hold the pairs; errors show how to name them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import quote

from nliexplorer.data.drops import Drops
from nliexplorer.data.labels import LabelKey, label_word
from nliexplorer.data.tabular import RawTable
from nliexplorer.data.tabular.columns import field_names, find_column, plain_name, role_of
from nliexplorer.errors import NliError

#: Columns that `?NAME=COLUMN` states.
STATED = ("premise", "hypothesis", "label", "id", "scores", "predicted", "answer", "explanation")
_ROLE_OF_OPTION = {"id": "source_id"}
_SAMPLE = 1000
_SHOWN = 12


@dataclass(frozen=True)
class Statement:
    """What the user states about a source, and the text with which to state more.

    `columns` maps roles to columns, `labels` cells to indices of GOLD_NAMES; `prefix` is the source
    up to the value of a further option `KEY=`.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[LabelKey, int] = field(default_factory=dict)
    prefix: Callable[[str], str] = "?{}=".format

    def key(self) -> list[str]:
        return sorted(map(str, [*self.columns.items(), *self.labels.items()]))


@dataclass(frozen=True)
class Fields:
    """The column of each role; "" where the table has none."""

    premise: str
    hypothesis: str
    label: str
    source_id: str = ""
    words: str = ""  # label words beside the numbers in `label`

    @classmethod
    def find(
        cls,
        names: Sequence[str],
        where: str,
        *,
        stated: Mapping[str, str] | None = None,
        prefix: str = "?",
        first: Mapping[str, Any] | None = None,
        unlabelled: bool = False,
    ) -> Fields:
        """Raises NliError naming the columns there are and the text that states which is which.

        `stated` maps roles to columns; `prefix` is the source as far as its options; `first` is a
        row, to guess from in the message. `unlabelled`: a table without labels is accepted.
        """
        columns = {role: column_of(role, names, where, stated or {}) for role in _NEEDED}
        labelled = columns["label"] or unlabelled
        if not (columns["premise"] and columns["hypothesis"] and labelled):
            raise _unknown_columns(names, where, columns, prefix, first or {})
        others = [name for name in names if name != columns["label"]]
        return cls(
            columns["premise"],
            columns["hypothesis"],
            columns["label"],
            columns["source_id"],
            find_column("label_words", others),
        )


_NEEDED = ("premise", "hypothesis", "label", "source_id")


def column_of(role: str, names: Sequence[str], where: str, stated: Mapping[str, str]) -> str:
    """The column stated for a role, else that of a known name, else "". Raises NliError where the
    stated one does not exist.
    """
    name = next((stated[key] for key in stated if _ROLE_OF_OPTION.get(key, key) == role), "")
    if not name:
        return find_column(role, names)
    if name in names:
        return name
    same = [each for each in names if plain_name(each) == plain_name(name)]
    if same:
        return same[0]
    raise NliError(f"{where}: there is no column {name!r}", f"there are: {_listed(names)}")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(str(name))[:40] for name in names[:_SHOWN]) or "none"
    return shown if len(names) <= _SHOWN else f"{shown}, …"


def _unknown_columns(
    names: Sequence[str],
    where: str,
    columns: Mapping[str, str],
    prefix: str,
    first: Mapping[str, Any],
) -> NliError:
    missing = [role for role in ("premise", "hypothesis", "label") if not columns[role]]
    message = f"{where}: no column for {' or '.join(missing)}; found the fields {_listed(names)}"
    if header := _columns_of_headerless(names):
        return NliError(
            message[:400],
            f"no header? name the columns: {shlex.quote(f'{prefix}columns={header}')}",
        )
    free = [name for name in names if name not in columns.values() and "." not in name]
    texts = [n for n in free if isinstance(first.get(n), str) and " " in str(first[n]).strip()]
    guesses = {"premise": texts, "hypothesis": texts, "label": [n for n in free if n not in texts]}
    parts = []
    for role in missing:
        name = guesses[role].pop(0) if guesses[role] else "COLUMN"
        parts.append(f"{role}={quote(str(name)[:60], safe='', errors='replace')}")
    return NliError(message[:400], f"name it: {shlex.quote(prefix + '&'.join(parts))}")


def _columns_of_headerless(cells: Sequence[str]) -> str:
    """Names for the cells of a first row that is a pair, not a header; "" where it is a header."""
    texts = [cell for cell in cells if " " in cell.strip()]
    labels = [cell for cell in cells if label_word(cell) is not None or cell in ("0", "1", "2")]
    if len(texts) < 2 or not labels or any(role_of(cell) for cell in cells):
        return ""
    names = {texts[0]: "premise", texts[1]: "hypothesis", labels[0]: "label"}
    return ",".join(names.get(cell, f"c{number}") for number, cell in enumerate(cells, 1))


def sample_rows(raw: RawTable) -> tuple[list[str], list[Mapping[str, Any]]]:
    """The field names of a table's first rows, and those rows. Raises NliError where none can be
    read.
    """
    reasons = Drops()
    names: dict[str, None] = {}
    rows: list[Mapping[str, Any]] = []
    for line, row in islice(raw.rows(), _SAMPLE):
        if isinstance(row, dict):
            names.update(dict.fromkeys(field_names(row)))
            rows.append(row)
            if len(rows) >= 100:
                break
        else:
            reasons.add(row, line)
    if rows:
        return list(names), rows
    if reasons.counts:
        raise NliError(f"{raw.where}: no readable row ({reasons.describe()})", "check its format")
    raise NliError(f"{raw.where} holds no rows", "was the download or export cut off?")
