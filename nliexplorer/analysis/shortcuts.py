"""Annotation artefacts: hypothesis-only accuracy, and the words that predict a label."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nliexplorer.analysis.outputs import BoolArray, FloatArray, IntArray
from nliexplorer.errors import NliError
from nliexplorer.records import ENTAILMENT, GOLD_NAMES, LABELS, NON_ENTAILMENT, TWO_WAY, Word
from nliexplorer.wording import words

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


#: Newton steps on sparse features end within 1e-7 of the one optimum, in as little time as a loose
#: tolerance needs with L-BFGS. So which pairs are hard depends on the data, not on the solver.
_SOLVER: dict[str, Any] = {"solver": "newton-cg", "tol": 1e-8, "max_iter": 1_000}
#: Decimals of a probability that the solver settles; classes equal in these are tied, and the
#: first of LABELS wins.
_DIGITS = 6


@dataclass(frozen=True, slots=True, eq=False)
class HypothesisOnly:
    """What a classifier that never sees the premise predicts; `majority` is its floor."""

    predicted: IntArray  # [n], indices of GOLD_NAMES
    #: [n, C], in the order of LABELS, of two-label sets TWO_WAY; 0 for a class absent in training
    probabilities: FloatArray
    correct: BoolArray  # [n]; the complement is the hard subset
    accuracy: float
    majority: float

    def as_dict(self) -> dict[str, float | int]:
        return {
            "n": len(self.predicted),
            "accuracy": self.accuracy,
            "majority": self.majority,
            "hard": int((~self.correct).sum()),
        }


def hypothesis_only(
    hypotheses: Sequence[str], gold: npt.ArrayLike, *, folds: int = 5, seed: int = 0
) -> HypothesisOnly:
    """Out-of-fold predictions [n]: each pair by a model that was fitted without it.

    TF-IDF of words and word pairs, multinomial logistic regression fitted to convergence. Raises
    NliError for too few pairs.
    """
    classes, labels = _classes(gold)
    smallest = enough_pairs(labels, "a hypothesis-only model")
    from sklearn.model_selection import StratifiedKFold

    texts = np.asarray(hypotheses, dtype=object)
    p = np.zeros((labels.size, len(classes)))
    splitter = StratifiedKFold(min(folds, smallest), shuffle=True, random_state=seed)
    for train, held in splitter.split(texts, labels):
        p[held] = _fit_predict(texts[train], labels[train], texts[held], len(classes))
    return _outcome(p, classes, gold)


def hypothesis_only_transfer(
    train_hypotheses: Sequence[str],
    train_gold: npt.ArrayLike,
    hypotheses: Sequence[str],
    gold: npt.ArrayLike,
) -> HypothesisOnly:
    """The same model fitted on a training set and judged on another: Gururangan et al. 2018.

    Where one of the two sets has two labels, the judgement is entailment or not.
    """
    classes, labels = _classes(train_gold)
    p = _fit_predict(train_hypotheses, labels, hypotheses, len(classes))
    return _outcome(p, classes, gold)


def enough_pairs(labels: npt.NDArray[Any], model: str) -> int:
    """Pairs of the rarest label. Raises NliError where no folds hold every label."""
    smallest = int(np.unique(labels, return_counts=True)[1].min()) if labels.size else 0
    if len(np.unique(labels)) < 2 or smallest < 2:
        raise NliError(f"too few pairs for {model}", "give two labels with two pairs each")
    return smallest


def _classes(gold: npt.ArrayLike) -> tuple[tuple[int, ...], IntArray]:
    """(the classes of a set, indices of GOLD_NAMES; each pair's column among them [n]).

    Raises NliError where some pair has no gold label.
    """
    labels = np.asarray(gold, dtype=np.int64)
    if labels.size and labels.min() < 0:
        raise NliError("some pairs have no gold label", "choose labelled pairs")
    if NON_ENTAILMENT in labels:
        return TWO_WAY, np.minimum(labels, 1)
    return tuple(range(len(LABELS))), labels


def _pipeline() -> Pipeline:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    tfidf = TfidfVectorizer(
        tokenizer=words, token_pattern=None, ngram_range=(1, 2), min_df=2, sublinear_tf=True
    )
    return make_pipeline(tfidf, LogisticRegression(C=2.0, **_SOLVER))


def _fit_predict(
    train: Sequence[str] | npt.NDArray[np.object_],
    gold: npt.NDArray[Any],
    texts: Sequence[str] | npt.NDArray[np.object_],
    classes: int,
) -> FloatArray:
    model = _pipeline()
    try:
        model.fit(train, gold)
    except ValueError as error:  # an empty vocabulary, or one class
        raise NliError(
            f"no hypothesis-only model can be fitted: {error}", "give more pairs"
        ) from None
    p = np.zeros((len(texts), classes))
    p[:, model.classes_] = model.predict_proba(texts)
    return p


def _outcome(p: FloatArray, classes: Sequence[int], gold: npt.ArrayLike) -> HypothesisOnly:
    labels = np.asarray(gold, dtype=np.int64)
    predicted = np.array(classes)[np.round(p, _DIGITS).argmax(axis=1)]
    correct = np.asarray(predicted == labels, dtype=np.bool_)
    if NON_ENTAILMENT in classes or NON_ENTAILMENT in labels:
        correct = (predicted == ENTAILMENT) == (labels == ENTAILMENT)
    majority = float(np.unique(labels, return_counts=True)[1].max() / labels.size)
    return HypothesisOnly(predicted, p, correct, float(correct.mean()), majority)


@dataclass(frozen=True, slots=True)
class ArtefactWord:
    """A hypothesis word and the label it predicts; `share` = P(label | word), unsmoothed."""

    word: str
    label: str
    pmi: float  # nats, smoothed
    share: float
    n: int  # hypotheses with the word

    def as_dict(self) -> dict[str, str | float | int]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def label_words(
    hypotheses: Sequence[str],
    gold: npt.ArrayLike,
    *,
    top: int = 20,
    smoothing: float = 100.0,
    minimum: int = 5,
) -> tuple[ArtefactWord, ...]:
    """The `top` words of each label by pointwise mutual information, best first.

    PMI = ln p(word, label) / (p(word) p(label)), with `smoothing` added to each count (Gururangan
    et al. 2018); a word counts once per hypothesis, and words in under `minimum` are left out.
    """
    classes, labels = _classes(gold)
    counts: dict[str, list[int]] = {}
    for text, label in zip(hypotheses, labels.tolist(), strict=True):
        for word in set(words(text)):
            counts.setdefault(word, [0] * len(classes))[label] += 1
    kept = sorted(word for word, row in counts.items() if sum(row) >= minimum)
    if not kept:
        return ()
    table = np.array([counts[word] for word in kept], dtype=np.float64)
    pmi = _pmi(table + smoothing)
    rows: list[ArtefactWord] = []
    for label, name in enumerate(GOLD_NAMES[each] for each in classes):
        order = np.argsort(-pmi[:, label], kind="stable")[:top]
        rows += [
            ArtefactWord(
                kept[i],
                name,
                float(pmi[i, label]),
                float(table[i, label] / table[i].sum()),
                int(table[i].sum()),
            )
            for i in order
        ]
    return tuple(rows)


def _pmi(counts: FloatArray) -> FloatArray:
    joint = counts / counts.sum()
    return np.asarray(
        np.log(joint / (joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)))
    )


def artefact_share(
    attributions: Iterable[Sequence[Word]], artefacts: Collection[str]
) -> tuple[float | None, int]:
    """Mean share of |attribution| that falls on artefact words of the hypothesis, and of how many.

    Over word tokens of the pairs whose hypothesis has such a word; (None, 0) without any.
    """
    artefact_words = {word.lower() for word in artefacts}
    shares: list[float] = []
    for attribution in attributions:
        total = on_artefacts = 0.0
        present = False
        for word in attribution:
            if word.segment == "special":
                continue
            total += abs(word.score)
            if word.segment == "hypothesis" and word.text.lower() in artefact_words:
                present = True
                on_artefacts += abs(word.score)
        if present and total > 0:
            shares.append(on_artefacts / total)
    return (float(np.mean(shares)), len(shares)) if shares else (None, 0)
