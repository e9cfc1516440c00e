"""Penalties on a pair's attributions: a registry of small formulas.

Each penalty maps scores a [B, T] to one number a pair [B]; the trainer takes the batch mean V and
adds lambda * tanh(alpha * V) to the loss. A penalty that is a quadratic form q(a, a) also gives its
bilinear form q(a, a'), which makes it unbiased on two independent estimates of a.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from nliexplorer.config import PathPenaltyConfig
from nliexplorer.errors import NliError, unknown_name


@dataclass(frozen=True, slots=True)
class TokenView:
    """Which tokens [B, T] a penalty counts, and what is known of them."""

    counted: Tensor  # word tokens, or everything with `variance_over = "all"`
    hypothesis: Tensor
    stopwords: Tensor
    rationale: Tensor
    rationale_target: float = 1.0  # of each token inside the rationale, logits

    @property
    def outside(self) -> Tensor:
        """Counted tokens outside the rationale, of the sentences that have one [B, T].

        A sentence without a mark says nothing: annotators of e-SNLI mark no premise of a neutral
        pair, and a counterfactual edit shows what decides in the sentence that it edits alone.
        """
        known = torch.zeros_like(self.counted)
        for sentence in (self.hypothesis, ~self.hypothesis):
            known |= sentence & (self.rationale & sentence).any(-1, keepdim=True)
        return self.counted & ~self.rationale & known


PairPenalty = Callable[[Tensor, TokenView], Tensor]
PairForm = Callable[[Tensor, Tensor, TokenView], Tensor]


@dataclass(frozen=True, slots=True)
class Penalty:
    """One entry of the registry; `form` is the bilinear form of a quadratic penalty."""

    name: str
    value: PairPenalty
    form: PairForm | None = None
    needs_rationale: bool = False
    reads_inside: bool = True  # scores of the rationale's own words too


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    """Mean over the counted tokens of each pair; 0 where there is none."""
    counted_values = values.masked_fill(~counted, 0.0)
    return counted_values.sum(-1) / counted.sum(-1).clamp(min=1)


def covariance(first: Tensor, second: Tensor, view: TokenView) -> Tensor:
    """cov(a, a') = mean_t (a_t - mean a)(a'_t - mean a') over the counted tokens."""
    centred = [a - _mean(a, view.counted)[:, None] for a in (first, second)]
    return _mean(centred[0] * centred[1], view.counted)


def variance(scores: Tensor, view: TokenView) -> Tensor:
    """Var = mean_t (a_t - mean a)^2, the paper's penalty (population variance)."""
    return covariance(scores, scores, view)


def stopwords(scores: Tensor, view: TokenView) -> Tensor:
    """|sum of a_t over stop words|, as the paper's published code has it."""
    return scores.masked_fill(~view.stopwords, 0.0).sum(-1).abs()


def both(scores: Tensor, view: TokenView) -> Tensor:
    """Var + |sum over stop words|."""
    return variance(scores, view) + stopwords(scores, view)


def concentration(scores: Tensor, view: TokenView) -> Tensor:
    """1 - H(p) / log n with p_t = |a_t| / sum |a|: 0 if spread evenly, 1 if all on one token."""
    size = scores.abs().masked_fill(~view.counted, 0.0)
    share = size / size.sum(-1, keepdim=True).clamp(min=1e-12)
    entropy = -torch.special.xlogy(share, share.clamp(min=1e-12)).sum(-1)
    count = view.counted.sum(-1)
    return torch.where(count > 1, 1 - entropy / count.clamp(min=2).log(), torch.zeros_like(entropy))


def hypothesis_share(scores: Tensor, view: TokenView) -> Tensor:
    """sum |a_t| over the hypothesis / sum |a_t| over both: how far the premise is ignored."""
    size = scores.abs().masked_fill(~view.counted, 0.0)
    part = size.masked_fill(~view.hypothesis, 0.0).sum(-1)
    return part / size.sum(-1).clamp(min=1e-12)


def outside_rationale(first: Tensor, second: Tensor, view: TokenView) -> Tensor:
    """mean_t a_t a'_t over counted tokens outside the rationale; 0 for a pair without one."""
    return _mean(first * second, view.outside)


def rationale(scores: Tensor, view: TokenView) -> Tensor:
    """mean of a_t^2 outside the rationale, over the sentences that have one; 0 without any (Ross et
    al. 2017, on attributions)."""
    return outside_rationale(scores, scores, view)


def towards_rationale(first: Tensor, second: Tensor, view: TokenView) -> Tensor:
    """mean a_t a'_t outside + mean (a_t - c)(a'_t - c) inside the rationale."""
    missing = [a - view.rationale_target for a in (first, second)]
    inside = _mean(missing[0] * missing[1], view.counted & view.rationale)
    return outside_rationale(first, second, view) + inside


def rationale_two_sided(scores: Tensor, view: TokenView) -> Tensor:
    """mean of a_t^2 outside + mean of (a_t - c)^2 inside the rationale, c = rationale_target (the
    squared error of ER-Test, Joshi et al. 2022, against c on rationale words and 0 elsewhere)."""
    return towards_rationale(scores, scores, view)


PENALTIES: dict[str, Penalty] = {
    penalty.name: penalty
    for penalty in (
        Penalty("variance", variance, covariance),
        Penalty("stopwords", stopwords),
        Penalty("both", both),
        Penalty("concentration", concentration),
        Penalty("hypothesis-share", hypothesis_share),
        Penalty(
            "rationale", rationale, outside_rationale, needs_rationale=True, reads_inside=False
        ),
        Penalty(
            "rationale-two-sided", rationale_two_sided, towards_rationale, needs_rationale=True
        ),
    )
}


def get_penalty(name: str) -> Penalty:
    """The penalty of that name; the error of an unknown one lists what there is."""
    if name not in PENALTIES:
        raise unknown_name("penalty", name, tuple(PENALTIES))
    return PENALTIES[name]


def configured_penalty(config: PathPenaltyConfig) -> Penalty:
    """The penalty of a run; refuses an unknown one, one that its estimator cannot estimate, and one
    that reads words which do not move along the path."""
    penalty = get_penalty(config.penalty)
    if config.ig_path == "outside-rationale" and penalty.reads_inside:
        raise NliError(
            f"on the path outside-rationale only words outside the rationale have scores, and the "
            f"{config.penalty} penalty reads others",
            "use --penalty rationale, or --set ig_path=input",
            "penalties",
        )
    if config.ig_estimator == "pairs" and penalty.form is None:
        quadratic = [name for name, each in PENALTIES.items() if each.form]
        raise NliError(
            f"--ig-estimator pairs needs a quadratic penalty; {config.penalty} is not",
            f"use {' or '.join(quadratic)}, or --ig-estimator quadrature",
        )
    return penalty
