"""Shared record types: frozen, plain Python values, no tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from nliexplorer.run_summary import RunSummary
from nliexplorer.wording import whole_words

LABELS: tuple[str, str, str] = ("entailment", "neutral", "contradiction")
ENTAILMENT, NEUTRAL, CONTRADICTION = range(3)
#: Gold label of two-label sets (HANS, RTE), and the other class of two-way heads.
NON_ENTAILMENT = 3
GOLD_NAMES: tuple[str, ...] = (*LABELS, "non-entailment")
#: The classes of two-way heads, in the order of their probabilities.
TWO_WAY: tuple[int, int] = (ENTAILMENT, NON_ENTAILMENT)
#: In arrays: no gold label, or no answer. In records and the database these are None and NULL.
UNKNOWN = -1

Segment = Literal["premise", "hypothesis", "special"]
RunStatus = Literal["running", "done", "interrupted", "failed"]


#: What `is_correct` does with two-label sets, and the metrics with their probabilities.
TWO_LABEL_RULE = (
    "two labels: neutral and contradiction both count as non-entailment, whose probability is "
    "their sum"
)


def is_correct(predicted: int, gold: int) -> bool:
    """Whether a prediction is right, both 0 … 3.

    Where the gold label or the prediction is non-entailment, neutral and contradiction count as
    non-entailment too: the decision is entailment or not.
    """
    if NON_ENTAILMENT in (predicted, gold):
        return (predicted == ENTAILMENT) == (gold == ENTAILMENT)
    return predicted == gold


def gold_name(gold: int | None) -> str:
    """The label in words, for people."""
    return "no gold label" if gold is None or gold == UNKNOWN else GOLD_NAMES[gold]


def predicted_name(predicted: int | None) -> str:
    """The answer in words, for people."""
    return "no answer" if predicted is None or predicted == UNKNOWN else GOLD_NAMES[predicted]


def pair_length(premise: str, hypothesis: str) -> int:
    """Words of premise and hypothesis together: the length of Fig. 8 and the filters.

    Whitespace words, or characters where there are no spaces: see `wording.word_spans`.
    """
    return len(whole_words(premise)) + len(whole_words(hypothesis))


def example_key(premise: str, hypothesis: str, gold: int | None, occurrence: int = 0) -> str:
    """Content address of a pair: 16 hex digits, the same in every database and from every source.

    `occurrence` counts earlier rows of the same split with the same content, so that a set which
    repeats a pair keeps every row.
    """
    text = "\x1f".join((premise, hypothesis, str(gold), str(occurrence)))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def pairs_fingerprint(keys: Iterable[str]) -> str:
    """Identity of a set of pairs: 32 hex digits of their `example_key`s, in whatever order.

    Labels and repeats count, since the keys hold them. The same in every database.
    """
    digest = hashlib.blake2b(digest_size=16)
    for key in sorted(keys):
        digest.update(key.encode())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Example:
    """One premise/hypothesis pair as a source gives it; `label` None: unlabelled.

    Word indices count whitespace words from 0 within their sentence.
    """

    premise: str
    hypothesis: str
    label: int | None
    source_id: str = ""
    annotator_labels: tuple[int, ...] = ()
    premise_rationale: tuple[int, ...] = ()
    hypothesis_rationale: tuple[int, ...] = ()
    artefact: tuple[int, ...] = ()  # planted artefact words of the hypothesis
    extra: Mapping[str, Any] = field(default_factory=dict)  # JSON values, e.g. HANS heuristic

    @property
    def gold(self) -> int:
        """The label as arrays hold it: UNKNOWN where there is none."""
        return UNKNOWN if self.label is None else self.label

    @property
    def length(self) -> int:
        return pair_length(self.premise, self.hypothesis)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a premise that is longer than the model's limit: the `number`th, from 1, of
    `count`; None where an older database does not say.
    """

    number: int
    count: int | None

    def __str__(self) -> str:
        return f"window {self.number}" + ("" if self.count is None else f" of {self.count}")

    def as_dict(self) -> dict[str, int | None]:
        """Its part of the JSON output."""
        return {"window": self.number, "windows": self.count}


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's prediction of one pair.

    `predicted` is 0 … 2, of two-way heads 0 or 3, and None where an answer could not be read.
    `logits` and `probabilities` follow the order of LABELS, or of TWO_WAY.
    """

    predicted: int | None
    logits: tuple[float, ...] | None = None
    probabilities: tuple[float, ...] | None = None
    answer: str = ""  # a chat model's answer as text
    explanation: str = ""
    truncated: bool | None = None  # whether the model saw less than the whole pair
    window: Window | None = None  # of a long premise, the one that decided

    def confidence(self, *, two_label: bool = False) -> float | None:
        """Probability of what was predicted; None where it is not known.

        In sets of two labels (`two_label`), and of two-way heads, the decision is entailment or
        not, as `is_correct` has it: P(entailment) of a pair called entailment, 1 - P(entailment)
        of any other. The former may be below 0.5, where entailment wins over neutral and
        contradiction with less than their sum. Of three labels it is the largest probability.
        """
        if not self.probabilities or self.predicted is None:
            return None
        if two_label or len(self.probabilities) == len(TWO_WAY):
            p = self.probabilities[ENTAILMENT]
            return p if self.predicted == ENTAILMENT else 1.0 - p
        return max(self.probabilities)


@dataclass(frozen=True, slots=True)
class Attribution:
    """One score per token (word piece) for one pair and one target class.

    `word_ids[i]` numbers the whitespace-free word within its segment, None for special tokens;
    `spans[i]` are character offsets (start, end) into premise or hypothesis.
    `completeness_delta` = sum(scores) - (F(input) - F(baseline)), in logits; None where the method
    has no completeness axiom.
    """

    tokens: tuple[str, ...]
    segments: tuple[Segment, ...]
    word_ids: tuple[int | None, ...]
    spans: tuple[tuple[int, int], ...]
    scores: tuple[float, ...]
    target: int
    method: str = "integrated-gradients"
    baseline: str = "zero"
    steps: int = 0
    completeness_delta: float | None = None
    truncated: bool = False
    window: Window | None = None  # of a long premise, the one attributed: no token beyond it

    def words(self, premise: str, hypothesis: str) -> list[Word]:
        """Pieces merged to words, scores summed, text as the user wrote it; specials left as is."""
        words: list[Word] = []
        previous: tuple[Segment, int | None] | None = None
        start = 0
        for token, segment, word_id, (begin, end), score in zip(
            self.tokens, self.segments, self.word_ids, self.spans, self.scores, strict=True
        ):
            if segment == "special" or word_id is None:
                words.append(Word(token, "special", score))
                previous = None
                continue
            sentence = premise if segment == "premise" else hypothesis
            if previous == (segment, word_id):
                merged = words[-1]
                words[-1] = Word(sentence[start:end], segment, merged.score + score, word_id)
            else:
                start = begin
                words.append(Word(sentence[begin:end], segment, score, word_id))
            previous = (segment, word_id)
        return words


@dataclass(frozen=True, slots=True)
class Word:
    """A displayed word and its attribution (sum over its pieces)."""

    text: str
    segment: Segment
    score: float
    word_id: int | None = None


#: tanh(alpha * V) above which the penalty has little effect: its slope is under 1 - 0.75² = 0.44 of
#: full. A run is called saturated where most of its updates are above.
SATURATED = 0.75


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One optimiser update. `saturation` = tanh(alpha * V); `penalty` includes lambda."""

    step: int
    epoch: float
    ce: float
    total: float
    learning_rate: float
    variance: float | None = None
    penalty: float | None = None
    saturation: float | None = None
    completeness_delta: float | None = None  # mean |delta| of the batch, logits
    grad_norm: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Metrics:
    """Metrics of one run on one split. None where a figure is undefined (labels alone, one class).

    `n` counts all pairs, `unanswered` those without an answer, `unlabelled` answered ones without
    a gold label; every figure is of the others. `nll` and `brier` are means per pair (Brier sums
    over classes); `ece` has 10 equal-width bins.
    """

    n: int
    accuracy: float | None
    roc_auc_macro: float | None = None
    roc_auc_neutral: float | None = None
    nll: float | None = None
    brier: float | None = None
    ece: float | None = None
    eval_seconds: float | None = None
    unanswered: int = 0
    unlabelled: int = 0

    @property
    def scored(self) -> int:
        """Pairs with a gold label and an answer: what accuracy is a share of."""
        return self.n - self.unanswered - self.unlabelled

    def as_dict(self) -> dict[str, float | int | None]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class EvaluationRef:
    """One evaluation: a run on a split. `split` is the name that this run has for the pairs."""

    run_id: str
    split: str


@dataclass(frozen=True, slots=True)
class Run:
    """A trained or imported model and what is known about it."""

    id: str
    name: str
    objective: str
    status: RunStatus
    data: str
    model: str
    seed: int | None
    created_at: str  # ISO 8601, UTC
    train_seconds: float | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    summary: RunSummary = field(default_factory=RunSummary)
    checkpoint: str = ""
    metrics: Mapping[str, Metrics] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """One element of `runs list --json`."""
        return {
            "id": self.id,
            "name": self.name,
            "objective": self.objective,
            "status": self.status,
            "data": self.data,
            "model": self.model,
            "seed": self.seed,
            "created_at": self.created_at,
            "train_seconds": self.train_seconds,
            "metrics": {split: metrics.as_dict() for split, metrics in self.metrics.items()},
        }


@dataclass(frozen=True, slots=True)
class ExampleRow:
    """One pair with one run's prediction: a line of the list, an element of `examples --json`.

    `gold`, `predicted` and the rest as in Example and Prediction; `correct` is None without a gold
    label or an answer.
    """

    example_id: str
    premise: str
    hypothesis: str
    gold: int | None
    predicted: int | None
    correct: bool | None
    confidence: float | None
    probabilities: tuple[float, ...] | None
    logits: tuple[float, ...] | None
    length: int
    position: int  # order within the split
    tags: tuple[str, ...] = ()
    answer: str = ""
    explanation: str = ""
    truncated: bool | None = None
    window: Window | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)  # columns that came with the pair
    annotator_labels: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Beside the fixed fields those of a chat model's answer, of the annotators and of the
        pair's columns, where there are any.
        """
        more = {
            "answer": self.answer,
            "explanation": self.explanation,
            "annotator_labels": [GOLD_NAMES[label] for label in self.annotator_labels],
            "meta": dict(self.extra),
        }
        window = self.window.as_dict() if self.window else {}
        return self._fixed() | window | {name: value for name, value in more.items() if value}

    def _fixed(self) -> dict[str, Any]:
        return {
            "example_id": self.example_id,
            "premise": self.premise,
            "hypothesis": self.hypothesis,
            "gold": None if self.gold is None else GOLD_NAMES[self.gold],
            "predicted": None if self.predicted is None else GOLD_NAMES[self.predicted],
            "confidence": self.confidence,
            "probabilities": named_scores(self.probabilities),
            "length": self.length,
        }


def probability_of(probabilities: Sequence[float] | None, label: int | None) -> float | None:
    """P(label) by three or two probabilities; None where they do not say it."""
    if probabilities is None or label is None:
        return None
    if label == NON_ENTAILMENT:
        return 1.0 - probabilities[ENTAILMENT]
    if label == ENTAILMENT or len(probabilities) == len(LABELS):
        return probabilities[label]
    return None


def named_scores(scores: Sequence[float] | None) -> dict[str, float] | None:
    """Three or two scores by the names of their classes."""
    if scores is None:
        return None
    names = [GOLD_NAMES[label] for label in classes_of(scores)]
    return dict(zip(names, scores, strict=True))


def classes_of(scores: Sequence[Any]) -> tuple[int, ...]:
    """The label of each of the scores of a three-way or two-way head, which are in this order."""
    return TWO_WAY if len(scores) == len(TWO_WAY) else tuple(range(len(scores)))


def token_dicts(
    tokens: Sequence[str], segments: Sequence[str], scores: Sequence[float]
) -> list[dict[str, Any]]:
    """The `tokens` / `attributions` element of the JSON interface."""
    return [
        {"token": token, "segment": segment, "score": score}
        for token, segment, score in zip(tokens, segments, scores, strict=True)
    ]
