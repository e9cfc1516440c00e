"""Attributions as words on a blue–orange ground: whitespace words, one scale, sign always kept."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from nliexplorer.records import Attribution
from nliexplorer.view.palette import STEPS, Palette, heat_mark, heat_step, signed
from nliexplorer.view.text import visible

_WORD = re.compile(r"\S+")
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
    """Token scores summed into the whitespace word that each token lies in.

    Both runs of a comparison, whatever their tokenizers, thus have the same words.
    """
    starts = {
        "premise": [match.span() for match in _WORD.finditer(premise)],
        "hypothesis": [match.span() for match in _WORD.finditer(hypothesis)],
    }
    sums: dict[str, list[float | None]] = {name: [None] * len(s) for name, s in starts.items()}
    special = 0.0
    for segment, (begin, end), score in zip(
        attribution.segments, attribution.spans, attribution.scores, strict=True
    ):
        if segment not in starts:
            special += score
            continue
        for index, (first, last) in enumerate(starts[segment]):
            if begin < last and max(end, begin + 1) > first:
                sums[segment][index] = (sums[segment][index] or 0.0) + score
                break
    return PairScores(tuple(sums["premise"]), tuple(sums["hypothesis"]), special)


def common_scale(scores: Iterable[PairScores | None]) -> float:
    """The largest absolute word score: the end of one scale for all models compared."""
    return max((abs(v) for each in scores if each for v in each.values()), default=0.0)


def heat_text(
    sentence: str,
    scores: Sequence[float | None],
    scale: float,
    palette: Palette,
    underlined: Collection[int] = (),
) -> Text:
    """The sentence as written, each word on the colour of its score; wraps like prose.

    `underlined` are whitespace-word indices (human rationale). Without colour each word carries
    its sign and strength: `sleeping++`.
    """
    text = Text()
    end = 0
    for index, match in enumerate(_WORD.finditer(sentence)):
        if end:
            text.append(" ")
        score = scores[index] if index < len(scores) else None
        step = 0 if score is None else heat_step(score, scale)
        style = palette.heat(step)
        if index in underlined:
            style += Style(underline=True)
        text.append(visible(match.group()), style)
        if palette.mono and step:
            text.append(heat_mark(step), Style(bold=abs(step) >= STEPS - 1 or None))
        end = match.end()
    return text


def plain_text(sentence: str, underlined: Collection[int] = (), style: Style | None = None) -> Text:
    """A sentence without scores, human rationale words underlined."""
    text = Text(style=style or "")
    for index, match in enumerate(_WORD.finditer(sentence)):
        if text:
            text.append(" ")
        text.append(visible(match.group()), Style(underline=True) if index in underlined else "")
    return text


def legend(scale: float, palette: Palette, target: str = "") -> Text:
    """The scale itself: both ends in figures, every step in its colour, what the sides mean."""
    text = Text(no_wrap=True)
    text.append(f"{signed(-scale)} ", palette.muted)
    for step in range(-STEPS, STEPS + 1):
        if palette.mono:
            text.append((heat_mark(step) or "0") + (" " if step < STEPS else ""))
        else:
            text.append("  " if step else "··", palette.heat(step) if step else palette.muted)
    text.append(f" {signed(scale)}", palette.muted)
    text.append(f"   against {target} │ for {target}" if target else "", palette.muted)
    return text


def missed(attribution: Attribution | None) -> tuple[float, float] | None:
    """(logits, share of the score mass) by which the scores miss the logit difference they should
    sum to; None where that is little or not known.
    """
    if attribution is None or attribution.completeness_delta is None:
        return None
    delta, mass = attribution.completeness_delta, sum(abs(score) for score in attribution.scores)
    if not mass or abs(delta) <= COMPLETENESS_SHARE * mass:
        return None
    return delta, abs(delta) / mass


def completeness_warning(attribution: Attribution | None) -> str:
    """Why not to trust an attribution; empty where nothing speaks against it."""
    found = missed(attribution)
    if found is None:
        return ""
    delta, share = found
    return (
        f"unreliable: the scores miss the logit difference by {signed(delta)}, "
        f"{share:.0%} of their mass"
    )
