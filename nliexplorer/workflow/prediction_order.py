"""What a model's numbers and the positions of its scores mean.

They are matched with the numbers of the label column, whose meaning the guard of `data.labels` has
settled: one file numbers its classes once. Words, scores by label name, words beside the numbers
and a statement of the user come first; where every row's predicted class and largest score prove
another order of the positions, that is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from nliexplorer.data.labels import (
    LabelKey,
    LabelMap,
    label_key,
    label_word,
    parse_labels,
    statement,
    witnessed,
)
from nliexplorer.data.rows import LabelEvidence
from nliexplorer.errors import NliError
from nliexplorer.records import ENTAILMENT, GOLD_NAMES, LABELS, NON_ENTAILMENT, TWO_WAY
from nliexplorer.workflow.score_columns import Scores

OrderBasis = Literal["words", "stated", "proved", "label column", "convention"]
OPTION = "--predicted-labels "
_ENOUGH = 10  # rows that prove an order of positions by their predicted labels


@dataclass(frozen=True)
class Order:
    """`numbers[k]`: the class of the model's number k; `positions[k]`: of its k-th score, of two
    scores `two_way[k]`.
    """

    numbers: dict[LabelKey, int] = field(default_factory=lambda: {0: 0, 1: 1, 2: 2})
    positions: tuple[int, int, int] = (0, 1, 2)
    basis: OrderBasis = "words"
    notes: tuple[str, ...] = ()
    two_way: tuple[int, int] = TWO_WAY

    def apply(
        self, predicted: Any, scores: Scores | None, named: bool, where: str
    ) -> tuple[int | None, Scores | None]:
        """The predicted class, None without an answer, and the scores in the order of LABELS.

        Raises NliError where the label is not known, or not that of the largest score.
        """
        label = None if predicted is None else self._label(predicted, where)
        if scores is None:
            return label, None
        if len(scores) == len(TWO_WAY):
            return self._two_way(label, scores, named, where)
        ordered = scores
        if not named and self.positions != (0, 1, 2):
            ordered = tuple(scores[self.positions.index(index)] for index in range(3))
        best = ordered.index(max(ordered))
        if label is None or (label == NON_ENTAILMENT and best != ENTAILMENT):
            return best, ordered
        if label != NON_ENTAILMENT and ordered[label] == ordered[best]:
            return label, ordered
        raise NliError(
            f"{where}: predicted_label is {GOLD_NAMES[label]}, but the largest of predicted_scores "
            f"is that of {LABELS[best]}",
            "fix the row, or state the order of the scores, e.g. "
            f"{statement(OPTION, ('contradiction', 'neutral', 'entailment'))}",
        )

    def _two_way(
        self, label: int | None, scores: Scores, named: bool, where: str
    ) -> tuple[int, Scores]:
        """As `apply`, of two scores, which come back in the order of TWO_WAY."""
        ordered = scores if named or self.two_way == TWO_WAY else (scores[1], scores[0])
        best = TWO_WAY[ordered.index(max(ordered))]
        if (
            label is None
            or ordered[0] == ordered[1]
            or (label == ENTAILMENT) == (best == ENTAILMENT)
        ):
            return best if label is None else TWO_WAY[label != ENTAILMENT], ordered
        raise NliError(
            f"{where}: predicted_label is {GOLD_NAMES[label]}, but the larger of predicted_scores "
            f"is that of {GOLD_NAMES[best]}",
            "fix the row, or state the order of the scores, e.g. "
            f"{statement(OPTION, ('non-entailment', 'entailment'))}",
        )

    def _label(self, value: Any, where: str) -> int:
        key = label_key(value)
        index = self.numbers.get(key.casefold() if isinstance(key, str) else key or 0)
        if index is None and isinstance(key, str):
            index = label_word(key)
        if index is None or key is False:
            raise NliError(
                f"{where}: predicted_label {value!r:.40} is not known",
                f"labels: {', '.join(GOLD_NAMES)}, or numbers stated with "
                f"{statement(OPTION, LABELS)}",
            )
        return index


def prediction_order(
    evidence: LabelEvidence,
    gold: LabelMap,
    stated: str,
    rows: Sequence[tuple[int, Any, Scores | None, bool]],
) -> Order:
    """The order that a file's predictions are in; `rows`: (line, predicted, scores, by name)."""
    pairs = ((*pair, line) for pair, line in evidence.beside.items())
    beside = witnessed(pairs, evidence.where, evidence.unit)
    numbers, basis = _numbers(beside, gold, stated, evidence.where)
    if any(scores is not None and len(scores) == len(TWO_WAY) for _, _, scores, _ in rows):
        return _two_way_order(numbers, basis, gold, evidence.where, rows)
    positional = any(scores is not None and not named for _, _, scores, named in rows)
    counted = any(isinstance(key, int) for key in evidence.seen)
    if not positional and not counted:
        return Order(numbers, basis="words")
    two: dict[LabelKey, int] = {k: v for k, v in gold.numbers.items() if k in (0, 1)}
    if basis == "convention" and _is_two_way(two, evidence, rows):
        names = ", ".join(f"{key} {GOLD_NAMES[two[key]]}" for key in (0, 1))
        other = statement(OPTION, [GOLD_NAMES[two[key]] for key in (1, 0)])
        note = f"the model's numbers are read as in the label column: {names}; else: {other}"
        return Order(two, basis="label column", notes=(note,))
    natural = (numbers.get(0), numbers.get(1), numbers.get(2))
    a, b, c = natural if set(natural) == {0, 1, 2} else (0, 1, 2)
    assert a is not None
    assert b is not None
    assert c is not None
    order = Order(numbers, (a, b, c), basis)
    proved = _proved_positions(order, rows) if positional and not stated else None
    if proved:
        names = ", ".join(LABELS[index] for index in proved)
        note = f"the scores are in the order {names}: every row's predicted label shows it"
        return Order(numbers, proved, "proved", (note,))
    return Order(numbers, order.positions, basis, _notes(order, gold))


def _is_two_way(
    numbers: dict[LabelKey, int],
    evidence: LabelEvidence,
    rows: Sequence[tuple[int, Any, Scores | None, bool]],
) -> bool:
    """Whether a model without scores numbers two classes as the gold labels are numbered."""
    answered = {key for key in evidence.seen if isinstance(key, int)}
    scored = any(scores is not None for _, _, scores, _ in rows)
    return not scored and answered <= {0, 1} and set(numbers.values()) == set(TWO_WAY)


def _two_way_order(
    numbers: dict[LabelKey, int],
    basis: OrderBasis,
    gold: LabelMap,
    where: str,
    rows: Sequence[tuple[int, Any, Scores | None, bool]],
) -> Order:
    """Of two scores a row: no convention says which comes first."""
    if all(named for _, _, scores, named in rows if scores is not None):
        return Order(numbers, basis="words")
    sources: tuple[tuple[dict[LabelKey, int], OrderBasis], ...] = (
        (numbers, basis),
        (gold.numbers, "label column"),
    )
    for known, why in sources:
        if {known.get(0), known.get(1)} == set(TWO_WAY):
            return Order(known, basis=why, two_way=(known[0], known[1]))
    larger = {
        (label_word(key), scores.index(max(scores)))
        for _, predicted, scores, _ in rows
        if scores is not None and isinstance(key := label_key(predicted), str)
    }
    if larger and all((label == ENTAILMENT) == (place == 0) for label, place in larger):
        return Order(numbers, basis="proved")
    if larger and all((label == ENTAILMENT) == (place == 1) for label, place in larger):
        return Order(numbers, basis="proved", two_way=(NON_ENTAILMENT, ENTAILMENT))
    raise NliError(
        f"{where}: two scores a row, and nothing says which is that of entailment",
        f"state it: {statement(OPTION, ('entailment', 'non-entailment'))}, or the other way round",
    )


def _numbers(
    beside: dict[LabelKey, int], gold: LabelMap, stated: str, where: str
) -> tuple[dict[LabelKey, int], OrderBasis]:
    if stated:
        mapping = parse_labels(stated)
        for key, index in beside.items():
            if mapping.get(key, index) != index:
                raise NliError(
                    f"{where}: the words beside the predictions say {key} is {GOLD_NAMES[index]}",
                    "drop --predicted-labels, or fix the file",
                )
        return {**beside, **mapping}, "stated"
    if len(beside) >= 2:
        rest = [index for index in range(3) if index not in beside.values()]
        free = [key for key in range(3) if key not in beside]
        if len(rest) == len(free) == 1:
            beside = {**beside, free[0]: rest[0]}
        return {**beside}, "words"
    own = gold.numbers
    if set(own) >= {0, 1, 2} and {own[0], own[1], own[2]} == {0, 1, 2}:
        return own, "label column"
    return {0: 0, 1: 1, 2: 2}, "convention"


def _proved_positions(
    order: Order, rows: Sequence[tuple[int, Any, Scores | None, bool]]
) -> tuple[int, int, int] | None:
    """Another order of the score positions that every predicted label confirms; None where the
    usual one fits all rows, or none does.
    """
    mapping: dict[int, int] = {}
    usual, count = True, 0
    for _, predicted, scores, named in rows:
        if predicted is None or scores is None or named:
            continue
        key = label_key(predicted)
        label = label_word(key) if isinstance(key, str) else order.numbers.get(key or 0)
        best = [position for position in range(3) if scores[position] == max(scores)]
        if label is None or label == NON_ENTAILMENT or len(best) != 1:
            continue
        count += 1
        usual = usual and order.positions[best[0]] == label
        if mapping.setdefault(best[0], label) != label:
            return None
    if usual or count < _ENOUGH or len(mapping) < 2 or len({*mapping.values()}) != len(mapping):
        return None
    rest = [index for index in range(3) if index not in mapping.values()]
    for position in range(3):
        mapping.setdefault(position, rest[0] if rest else 0)
    return mapping[0], mapping[1], mapping[2]


def _notes(order: Order, gold: LabelMap) -> tuple[str, ...]:
    names = ", ".join(LABELS[index] for index in order.positions)
    if order.basis not in ("label column", "convention"):
        return ()
    if order.basis == "label column" and gold.basis == "convention":
        return ("the model's numbers and scores are read in the same order",)
    why = "as in the label column" if order.basis == "label column" else "by convention"
    example = statement(OPTION, ("contradiction", "neutral", "entailment"))
    return (f"the model's numbers and scores are read as {names}, {why}. Another order: {example}",)
