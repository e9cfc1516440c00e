"""Three scores per row, or two of a two-way head, in any layout."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nliexplorer.data.fields import column_of
from nliexplorer.data.labels import label_key, label_word
from nliexplorer.data.tabular.cells import parse_container
from nliexplorer.data.tabular.columns import ALIASES, cell, plain_name
from nliexplorer.errors import NliError
from nliexplorer.records import LABELS, TWO_WAY

#: In the order of LABELS, or of TWO_WAY, once the order is known.
Scores = tuple[float, ...]
ScoreKind = Literal["logits", "probabilities", ""]
SUM_TOLERANCE = 1e-3  # of rows that are probabilities without a word of it
ROUNDED = 0.02  # of rows that say they are
_STEM = (
    r"(?:predicted|pred)?(logits?|p|probs?|probability|probabilities|scores?|softmax|)(?:label)?"
)
_CLASSES = "|".join(("nonentailment", "notentailment", *LABELS))
_BY_NAME = re.compile(rf"{_STEM}({_CLASSES})|({_CLASSES})(logit|prob|probability|score)")
_BY_NUMBER = re.compile(rf"{_STEM}([012])")


@dataclass(frozen=True)
class ScoreColumns:
    """Where a row's scores are: in one cell (`column`), or in separate cells (`parts`, in order).

    `named`: `parts` are in the order of LABELS, or of TWO_WAY, whatever their order in the file.
    """

    column: str = ""
    parts: tuple[str, ...] = ()
    named: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column, *self.parts) if self.column else self.parts

    @property
    def kind(self) -> ScoreKind:
        """What the names say the scores are."""
        name = plain_name(self.columns[0])
        if "logit" in name:
            return "logits"
        return "probabilities" if name.startswith(("p", "softmax")) and "score" not in name else ""

    def read(self, row: Mapping[str, Any], where: str) -> tuple[Scores | None, bool]:
        """(finite numbers or None, whether they are in the order of LABELS or TWO_WAY by name)."""
        if self.parts:
            values = [cell(row, name) for name in self.parts]
            if all(value is None or value == "" for value in values):
                return None, self.named
            return three_numbers(values, where, " ".join(self.parts)), self.named
        value = parse_container(cell(row, self.column))
        if value is None or value == "":
            return None, False
        values, named = _unpacked(value)
        return three_numbers(values, where, self.column), named


def find_scores(
    names: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    where: str,
    stated: Mapping[str, str],
) -> ScoreColumns | None:
    """The score columns of a table with these fields; `rows` are its first ones."""
    if "scores" in stated:
        return ScoreColumns(column_of("scores", names, where, stated))
    plain: dict[str, list[str]] = {}
    for name in names:
        plain.setdefault(plain_name(name), []).append(name)
        plain.setdefault(plain_name(name.rpartition(".")[2]), []).append(name)
    candidates = [n for alias in ALIASES["scores"] for n in plain.get(plain_name(alias), ())]
    for name in candidates:
        if any(_holds_scores(cell(row, name)) for row in rows):
            return ScoreColumns(name)
    groups: dict[tuple[str, bool], dict[int, str]] = {}
    for name in names:
        if match := _BY_NAME.fullmatch(plain_name(name)):
            label = match.group(2) or match.group(3)
            stem = (match.group(1) or match.group(4) or "").removesuffix("s")
            groups.setdefault((stem, True), {})[label_word(label) or 0] = name
        elif (match := _BY_NUMBER.fullmatch(plain_name(name))) and match.group(1):
            groups.setdefault((match.group(1), False), {})[int(match.group(2))] = name
    for (stem, named), group in sorted(groups.items(), key=lambda item: item[0][0] != "logit"):
        for classes in (range(len(LABELS)), TWO_WAY):
            if not set(classes) <= set(group):
                continue
            parts = tuple(group[index] for index in classes)
            filled = all(any(cell(r, name) not in (None, "") for r in rows) for name in parts)
            if filled and (stem or any(_number(cell(row, group[0])) for row in rows)):
                return ScoreColumns(parts=parts, named=named)
    # A column of the documented name that holds something else is an error, not a gap.
    strict = plain.get("predictedscores", [])
    return ScoreColumns(strict[0]) if strict and any(cell(r, strict[0]) for r in rows) else None


def is_score_column(name: str) -> bool:
    """Whether a column holds one class's score by its name, as those of our exports do."""
    return bool(_BY_NAME.fullmatch(plain_name(name)))


def _holds_scores(value: Any) -> bool:
    return isinstance(parse_container(value), list | dict)


def _number(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def _unpacked(value: Any) -> tuple[Any, bool]:
    """(the scores in a cell, whether label names put them in the order of LABELS).

    A dict by label name or `LABEL_0`, a pipeline's list of label and score, or a batch of one.
    """
    if isinstance(value, list) and value and isinstance(value[0], dict):
        if not all(isinstance(item, dict) for item in value):
            return value, False
        value = {str(item.get("label")): item.get("score") for item in value}
    if isinstance(value, dict):
        names: tuple[tuple[Callable[[str], Any], bool], ...] = (
            (label_word, True),
            (label_key, False),
        )
        for meaning, named in names:
            scores = {meaning(str(name)): score for name, score in value.items()}
            if len(value) == 3 and set(scores) == {0, 1, 2}:
                return [scores[index] for index in range(3)], named
            if named and len(value) == 2 and set(scores) == set(TWO_WAY):
                return [scores[index] for index in TWO_WAY], named
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    return value, False


def three_numbers(values: Any, where: str, column: str) -> Scores:
    """Three finite numbers, or two of a two-way head. Raises NliError for anything else."""
    try:
        if isinstance(values, str | Mapping) or any(isinstance(v, bool) for v in values):
            raise TypeError
        scores = tuple(map(float, values))
        if len(scores) not in (len(LABELS), len(TWO_WAY)):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise NliError(
            f"{where}: {column} is not three numbers: {values!r:.60}",
            f"write [0.7, 0.2, 0.1] in the order {', '.join(LABELS)}, or scores by label name: "
            '{"entailment": 0.7, …}',
        ) from None
    for score in scores:
        if not abs(score) < 1e30:  # true of NaN too
            raise NliError(f"{where}: {column} holds NaN or infinity", "fix that row")
    return scores


def probabilities(scores: Scores, tolerance: float) -> bool:
    """Whether three numbers are a distribution."""
    return min(scores) >= 0 and abs(sum(scores) - 1) <= tolerance
