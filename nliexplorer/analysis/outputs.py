"""Validated predictions of n labelled pairs, the input of every metric."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from nliexplorer.errors import NliError
from nliexplorer.records import ENTAILMENT, LABELS, NON_ENTAILMENT, TWO_WAY

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: Given probabilities below this count as this in logarithms, so that NLL is finite.
PROBABILITY_FLOOR = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Outputs:
    """Gold labels and predictions of n pairs; the last three are None where only labels are known.

    Two-label gold (records.NON_ENTAILMENT) and two-way heads merge neutral and contradiction: `p`
    then has two columns, entailment and the rest; `target` and `decision` number those columns.
    """

    gold: IntArray  # [n] 0 … 3, as in records
    predicted: IntArray  # [n] 0 … 3, as in records
    target: IntArray  # [n] column of the gold class
    decision: IntArray  # [n] column of the predicted class
    p: FloatArray | None  # [n, classes] probabilities
    log_p: FloatArray | None  # [n, classes] their natural logarithms, exact where p underflows
    scores: FloatArray | None  # [n, 3 or 2] logits, or log probabilities where they aren't known
    two_label: bool = False

    @property
    def n(self) -> int:
        return len(self.gold)

    @property
    def correct(self) -> BoolArray:
        """[n]; as records.is_correct."""
        return self.target == self.decision

    @property
    def confidence(self) -> FloatArray | None:
        """[n] probability of the decision, as records.Prediction.confidence."""
        if self.p is None:
            return None
        if self.two_label:
            return np.minimum(self.p[np.arange(self.n), self.decision], 1.0)
        return np.minimum(reduce(np.maximum, self.p.T), 1.0)  # p.max(axis=1), and ten times as fast

    @property
    def p_gold(self) -> FloatArray | None:
        """[n] probability of the gold class."""
        return None if self.p is None else self.p[np.arange(self.n), self.target]

    @property
    def two_way(self) -> bool:
        """Whether the answers themselves are entailment or not, as a two-way head's."""
        scored = self.scores is not None and self.scores.shape[1] == len(TWO_WAY)
        return scored or bool((self.predicted == NON_ENTAILMENT).any())

    def merged(self) -> Outputs:
        """The same answers in two classes, neutral and contradiction as non-entailment."""
        target = (self.gold != ENTAILMENT).astype(np.int64)
        decision = (self.predicted != ENTAILMENT).astype(np.int64)
        log_p = None if self.log_p is None else merge_labels(self.log_p)
        return Outputs(
            self.gold,
            np.asarray(TWO_WAY)[decision],
            target,
            decision,
            None if self.p is None else np.stack([self.p[:, 0], 1.0 - self.p[:, 0]], axis=1),
            log_p,
            self.scores if self.two_way else log_p,
            two_label=True,
        )

    def take(self, index: npt.NDArray[np.int64] | BoolArray) -> Outputs:
        """The pairs at `index`; number or mask."""
        return Outputs(
            self.gold[index],
            self.predicted[index],
            self.target[index],
            self.decision[index],
            None if self.p is None else self.p[index],
            None if self.log_p is None else self.log_p[index],
            None if self.scores is None else self.scores[index],
            self.two_label,
        )


def outputs(
    gold: npt.ArrayLike,
    *,
    logits: npt.ArrayLike | None = None,
    probabilities: npt.ArrayLike | None = None,
    predicted: npt.ArrayLike | None = None,
    two_label: bool = False,
) -> Outputs:
    """Checks and pairs up gold labels [n] with logits or probabilities [n, 3], or labels [n] alone.

    Scores are [n, 2] in the order of records.TWO_WAY where a two-way head gave them. Logits win
    over probabilities; `predicted` wins over their argmax. `two_label`: these pairs are some of a
    set whose gold labels are two, also where none of them is non-entailment. Raises NliError for
    unlabelled rows, scores that are not numbers, and arrays that do not fit each other.
    """
    labels = _labels(gold, "gold", NON_ENTAILMENT)
    p = log_p = scores = None
    if logits is not None:
        scores = checked_scores(logits, len(labels), "logits")
        log_p = log_softmax(scores)
        p = np.exp(log_p)
    elif probabilities is not None:
        p = _probabilities(probabilities, len(labels))
        scores = log_p = np.log(np.maximum(p, PROBABILITY_FLOOR))
    if predicted is not None:
        decisions = _labels(predicted, "predicted", NON_ENTAILMENT)
    elif p is not None:
        decisions = p.argmax(axis=1).astype(np.int64)
        if p.shape[1] == len(TWO_WAY):
            decisions = np.asarray(TWO_WAY)[decisions]
    else:
        raise NliError(
            "no predictions to measure", "give logits, probabilities or predicted labels"
        )
    if len(decisions) != len(labels):
        raise NliError(
            f"{len(labels)} gold labels but {len(decisions)} predictions", "give one for each pair"
        )
    two_label |= scores is not None and scores.shape[1] == len(TWO_WAY)
    if not two_label and NON_ENTAILMENT not in labels and NON_ENTAILMENT not in decisions:
        return Outputs(labels, decisions, labels, decisions, p, log_p, scores)
    target = (labels != ENTAILMENT).astype(np.int64)
    decision = (decisions != ENTAILMENT).astype(np.int64)
    if p is not None and log_p is not None:
        p = np.stack([p[:, 0], 1.0 - p[:, 0]], axis=1)
        log_p = merge_labels(log_p)
    return Outputs(labels, decisions, target, decision, p, log_p, scores, two_label=True)


def log_softmax(logits: FloatArray) -> FloatArray:
    """Natural logarithm of the softmax over the last axis, without overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(logits: npt.ArrayLike) -> FloatArray:
    """Softmax over the last axis."""
    return np.exp(log_softmax(np.asarray(logits, dtype=np.float64)))


def merge_labels(log_p: FloatArray) -> FloatArray:
    """[n, 3] log probabilities to [n, 2], entailment and the rest; [n, 2] as they are."""
    if log_p.shape[1] == len(TWO_WAY):
        return log_p
    return np.stack([log_p[:, 0], np.logaddexp(log_p[:, 1], log_p[:, 2])], axis=1)


def _labels(values: npt.ArrayLike, what: str, largest: int) -> IntArray:
    labels = np.asarray(values)
    if labels.ndim != 1:
        raise NliError(f"{what} labels have shape {labels.shape}", "give one number for each pair")
    if labels.size == 0:
        raise NliError(
            "no pairs to measure", "loosen the filters, or evaluate the run on this split"
        )
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise NliError(f"{what} labels hold NaN", "drop the unlabelled rows first")
    labels = labels.astype(np.int64)
    outside = int(((labels < 0) | (labels > largest)).sum())
    if outside:
        raise NliError(
            f"{outside:,} of {labels.size:,} {what} labels are outside 0 … {largest}",
            "drop unlabelled rows (-1 or '-') first",
        )
    return labels


def checked_scores(values: npt.ArrayLike, n: int, what: str) -> FloatArray:
    """[n, 3], or [n, 2] of a two-way head, finite numbers, or NliError."""
    scores = np.asarray(values, dtype=np.float64)
    if scores.shape not in ((n, len(LABELS)), (n, len(TWO_WAY))):
        raise NliError(f"{what} have shape {scores.shape}, not ({n}, 3)", "give three per pair")
    bad = int((~np.isfinite(scores)).any(axis=1).sum())
    if bad:
        raise NliError(
            f"{what} of {bad:,} pairs are not finite numbers", "predict these pairs again"
        )
    return scores


def _probabilities(values: npt.ArrayLike, n: int) -> FloatArray:
    p = checked_scores(values, n, "probabilities")
    if (p < 0).any() or (np.abs(p.sum(axis=1) - 1.0) > 1e-3).any():
        raise NliError(
            "probabilities are negative or do not sum to 1", "give them as logits instead"
        )
    return p
