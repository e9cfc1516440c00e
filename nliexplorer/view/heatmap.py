"""Attributions as words on a blue–orange ground: whitespace words, one scale, sign always kept.

`heatmap` makes the one model that the terminal, matplotlib and the HTML report draw.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from nliexplorer.records import GOLD_NAMES, Attribution
from nliexplorer.view.palette import STEPS, Palette, decimals, heat_mark, heat_step, signed
from nliexplorer.view.text import visible
from nliexplorer.wording import word_spans

#: Above this share of the score mass, a missing completeness is worth a warning.
COMPLETENESS_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class PairScores:
    """One score a whitespace word of each sentence; None where no token reached it."""

    premise: tuple[float | None, ...]
    hypothesis: tuple[float | None, ...]
    special: float = 0.0  # sum over [CLS], [SEP] and the like

    def values(self) -> Iterable[float]:
        return (s for s in (*self.premise, *self.hypothesis) if s is not None and s == s)

    def minus(self, other: PairScores) -> PairScores:
        """Word by word `self - other`; None where either has no score."""
        return PairScores(
            _differences(self.premise, other.premise),
            _differences(self.hypothesis, other.hypothesis),
            self.special - other.special,
        )


def _differences(
    left: Sequence[float | None], right: Sequence[float | None]
) -> tuple[float | None, ...]:
    pairs = zip(left, right, strict=True)
    return tuple(None if a is None or b is None else a - b for a, b in pairs)


def pair_scores(attribution: Attribution, premise: str, hypothesis: str) -> PairScores:
    """Token scores summed into the words (`wording.word_spans`) that each token lies in.

    A piece over several characters of a text without spaces is shared out evenly. Both runs of a
    comparison, whatever their tokenizers, thus have the same words.
    """
    words = {"premise": word_spans(premise), "hypothesis": word_spans(hypothesis)}
    sums: dict[str, list[float | None]] = {name: [None] * len(s) for name, s in words.items()}
    special = 0.0
    for segment, (begin, end), score in zip(
        attribution.segments, attribution.spans, attribution.scores, strict=True
    ):
        if segment not in words:
            special += score
            continue
        end = max(end, begin + 1)
        reached = [
            index
            for index, (first, last) in enumerate(words[segment])
            if begin < last and end > first
        ]
        for index in reached:
            sums[segment][index] = (sums[segment][index] or 0.0) + score / len(reached)
    return PairScores(tuple(sums["premise"]), tuple(sums["hypothesis"]), special)


def common_scale(scores: Iterable[PairScores | None]) -> float:
    """The largest absolute word score: the end of one scale for all models compared."""
    return max((abs(v) for each in scores if each for v in each.values()), default=0.0)


@dataclass(frozen=True, slots=True)
class HeatWord:
    """A word, printable; its score in logits (None: no token reached it) and its colour step."""

    text: str
    score: float | None = None
    step: int = 0
    spaced: bool = True  # a space stands before it

    @property
    def mark(self) -> str:
        """Sign and strength written out: `++`."""
        return heat_mark(self.step)

    @property
    def strong(self) -> bool:
        return abs(self.step) >= STEPS - 1


@dataclass(frozen=True, slots=True)
class HeatRow:
    """The words of a pair under one attribution; bare words where there is none."""

    premise: tuple[HeatWord, ...]
    hypothesis: tuple[HeatWord, ...]
    attributed: bool = False
    remarks: tuple[str, ...] = ()  # reasons for caution


@dataclass(frozen=True, slots=True)
class Heatmap:
    """One pair under several attributions, all on one scale symmetric about zero."""

    rows: tuple[HeatRow, ...]
    scale: float  # logits: the score at the end of the scale
    explained: str  # the class whose logit the attributions explain
    difference: HeatRow | None = None  # of two attributions, second minus first
    difference_beyond_scale: bool = False

    @property
    def attributed(self) -> bool:
        return any(row.attributed for row in self.rows)


def heatmap(premise: str, hypothesis: str, attributions: Sequence[Attribution | None]) -> Heatmap:
    """The pair under each attribution (at least one, None where it is missing)."""
    scores = [
        None if each is None or not each.tokens else pair_scores(each, premise, hypothesis)
        for each in attributions
    ]
    scale = common_scale(scores)
    targets = {each.target for each in attributions if each is not None}
    difference = None
    if len(scores) == 2 and scores[0] and scores[1]:
        difference = scores[1].minus(scores[0])
    return Heatmap(
        rows=tuple(
            heat_row(premise, hypothesis, each, scale, _remarks(attribution))
            for each, attribution in zip(scores, attributions, strict=True)
        ),
        scale=scale,
        explained=GOLD_NAMES[targets.pop()] if len(targets) == 1 else "the class each explains",
        difference=None if difference is None else heat_row(premise, hypothesis, difference, scale),
        difference_beyond_scale=common_scale([difference]) > scale,
    )


def heat_row(
    premise: str,
    hypothesis: str,
    scores: PairScores | None,
    scale: float,
    remarks: tuple[str, ...] = (),
) -> HeatRow:
    """The words of a pair on a scale that may be that of many pairs."""
    if scores is None:
        return HeatRow(_words(premise), _words(hypothesis))
    premise_words = _words(premise, scores.premise, scale)
    return HeatRow(premise_words, _words(hypothesis, scores.hypothesis, scale), True, remarks)


def _words(
    sentence: str, scores: Sequence[float | None] = (), scale: float = 0.0
) -> tuple[HeatWord, ...]:
    spans = word_spans(sentence)
    scores = scores or [None] * len(spans)
    before = [0, *(end for _, end in spans)]
    return tuple(
        HeatWord(
            visible(sentence[start:end]),
            score,
            0 if score is None else heat_step(score, scale),
            spaced=start > last,
        )
        for (start, end), score, last in zip(spans, scores, before, strict=False)
    )


def _remarks(attribution: Attribution | None) -> tuple[str, ...]:
    if attribution is None:
        return ()
    truncated = "the pair was truncated" if attribution.truncated else ""
    return tuple(filter(None, (completeness_warning(attribution), truncated)))


def heat_text(
    words: Sequence[HeatWord],
    palette: Palette,
    underlined: Collection[int] = (),
    style: Style | None = None,
) -> Text:
    """The words, each on the colour of its score; wraps like prose.

    `underlined` are whitespace-word indices (human rationale). Without colour each word carries
    its sign and strength: `sleeping++`. `style` is that of all words; those of a scored sentence
    that no token reached are muted, for the model did not read them.
    """
    text = Text(style=style or "")
    scored = any(word.score is not None for word in words)
    unread = palette.muted if scored else Style()
    for index, word in enumerate(words):
        if index and word.spaced:
            text.append(" ")
        ground = unread if word.score is None else palette.heat(word.step)
        text.append(word.text, ground + Style(underline=index in underlined or None))
        if palette.mono and word.step:
            text.append(word.mark, Style(bold=word.strong or None))
    return text


def legend(scale: float, palette: Palette, target: str = "") -> Text:
    """The scale itself: both ends in figures, every step in its colour, what the sides mean."""
    text = Text(no_wrap=True)
    digits = decimals(scale)
    text.append(f"{signed(-scale, digits)} ", palette.muted)
    for step in range(-STEPS, STEPS + 1):
        if palette.mono:
            text.append((heat_mark(step) or "0") + (" " if step < STEPS else ""))
        else:
            text.append("  " if step else "··", palette.heat(step) if step else palette.muted)
    text.append(f" {signed(scale, digits)}", palette.muted)
    text.append(f"   against {target} │ for {target}" if target else "", palette.muted)
    return text


def completeness_warning(attribution: Attribution | None) -> str:
    """Says so where the scores miss the logit difference that they should sum to by more than
    COMPLETENESS_SHARE of their mass; else empty.
    """
    if attribution is None or attribution.completeness_delta is None:
        return ""
    delta, mass = attribution.completeness_delta, sum(abs(score) for score in attribution.scores)
    if not mass or abs(delta) <= COMPLETENESS_SHARE * mass:
        return ""
    return (
        f"unreliable: the scores miss the logit difference by {signed(delta)}, "
        f"{abs(delta) / mass:.0%} of their mass"
    )
