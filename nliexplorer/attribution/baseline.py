"""Baselines of attribution paths, chosen by measured completeness.

Zero embeddings, the paper's baseline, fail where layer normalisation follows the word embeddings
with nothing added between (DeBERTa, ModernBERT, XLNet, T5): their size makes no difference, all of
the logit's change happens in the first instant of the path, and no quadrature finds it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from nliexplorer.attribution.integrated_gradients import (
    BASELINES,
    embedding_path,
    endpoint_difference,
    integrated_gradients,
)
from nliexplorer.attribution.quadrature import nodes
from nliexplorer.errors import unknown_name
from nliexplorer.modeling.batching import Batch
from nliexplorer.modeling.devices import pass_tokens
from nliexplorer.modeling.load import Classifier, frozen
from nliexplorer.modeling.memory import in_batches
from nliexplorer.progress import say

AUTO = "auto"
#: |sum of scores - logit difference|, as a part of that difference, up to which a path will do.
COMPLETE = 0.05
#: Nodes of the measurement: few at first, as most models need no more.
_FEW, _MANY = 20, 100
_PAIRS = (
    ("A man is sleeping on the grass.", "Nobody is awake."),
    ("Two dogs run outside.", "Animals are moving."),
)
#: Key of a checkpoint's configuration: the baseline measured when its training began.
KEPT = "attribution_baseline"


class Completeness(NamedTuple):
    """How far a baseline's attributions miss the logit differences, as a part of them."""

    baseline: str
    error: float


def resolve_baseline(classifier: Classifier, baseline: str = AUTO) -> str:
    """`baseline` itself, or for `auto` the first that is complete, else the least incomplete.

    What training measured is kept with the checkpoint; a choice other than zero is reported.
    """
    if baseline != AUTO:
        return baseline
    config = getattr(classifier.model, "config", None)
    stored = getattr(config, KEPT, None)
    if stored in BASELINES:
        return str(stored)
    tried = measured(classifier)
    best = min(tried, key=lambda each: (each.error > COMPLETE, _order(each), each.error))
    if best.error > COMPLETE:
        best = min(tried, key=lambda each: each.error)
        say(
            f"{classifier.name}: attributions are unreliable, they miss {best.error:.0%} of the "
            f"logit difference even from the {best.baseline} baseline, the best of {_listed(tried)}"
        )
    elif best.baseline != "zero":
        zero = next(each for each in tried if each.baseline == "zero")
        say(
            f"{classifier.name}: attributions start from {best.baseline} embeddings: from zero "
            f"they miss {zero.error:.0%} of the logit difference, from {best.baseline} "
            f"{best.error:.1%}"
        )
    if config is not None:
        setattr(config, KEPT, best.baseline)
    return best.baseline


def measured(classifier: Classifier) -> list[Completeness]:
    """Errors of the baselines in the order of preference, up to the first that is complete."""
    tried: list[Completeness] = []
    for baseline in BASELINES:
        if baseline != "zero" and getattr(classifier.tokenizer, f"{baseline}_token_id") is None:
            continue
        error = completeness_error(classifier, baseline, _FEW)
        if error > COMPLETE:
            error = completeness_error(classifier, baseline, _MANY)
        tried.append(Completeness(baseline, error))
        if error <= COMPLETE:
            break
    return tried


def completeness_error(classifier: Classifier, baseline: str, steps: int) -> float:
    """sum |delta| / sum |logit difference| over two short pairs and all classes."""

    def work(_rows: NDArray[np.int64], batch: Batch, budget: int) -> tuple[float, float]:
        missed = whole = 0.0
        for column in range(len(classifier.classes)):
            target = torch.full((len(batch.input_ids),), column, device=classifier.device)
            path = embedding_path(classifier, batch, target, baseline)
            (scores,) = integrated_gradients(
                classifier.logits, path, nodes("gauss-legendre", steps), chunk_tokens=budget
            )
            rise = endpoint_difference(classifier.logits, path, budget)
            missed += float((scores.sum(-1) - rise).abs().sum())
            whole += float(rise.abs().sum())
        return missed, whole

    device = classifier.device
    with frozen(classifier):
        batches = in_batches(work, classifier.encode(_PAIRS), pass_tokens(device), device)
        missed, whole = map(sum, zip(*(errors for _, errors in batches), strict=True))
    return missed / max(whole, 1e-12)


def _order(each: Completeness) -> int:
    return BASELINES.index(each.baseline)


def _listed(tried: list[Completeness]) -> str:
    return ", ".join(each.baseline for each in tried)


def check_baseline(baseline: str) -> None:
    """Refuse an unknown name."""
    if baseline not in (*BASELINES, AUTO):
        raise unknown_name("baseline", baseline, (AUTO, *BASELINES))
