"""Attribution methods by name, and the one way to run any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nliexplorer import processes
from nliexplorer.attribution import explain
from nliexplorer.attribution.baseline import AUTO, check_baseline, resolve_baseline
from nliexplorer.attribution.explain import target_columns
from nliexplorer.attribution.integrated_gradients import (
    BASELINES,
    embedding_path,
    endpoint_difference,
)
from nliexplorer.attribution.task import Task
from nliexplorer.errors import NliError, unknown_name
from nliexplorer.modeling.batching import Batch
from nliexplorer.modeling.devices import pass_tokens
from nliexplorer.modeling.load import Classifier, frozen
from nliexplorer.modeling.memory import in_batches
from nliexplorer.modeling.windows import in_whole_premise, in_window, window_span
from nliexplorer.records import Attribution, Example, Window

if TYPE_CHECKING:
    from nliexplorer.attribution.task import Scorer

#: Stored as the baseline of the methods that have none.
NO_BASELINE = "none"


@dataclass(frozen=True, slots=True)
class Method:
    """An entry of the registry. `load` imports what the method needs, when it is first used."""

    name: str
    load: Callable[[], Scorer] | None  # None: our own kernel
    baseline: bool = False
    steps: bool = False
    complete: bool = False  # scores ought to sum to F(input) - F(baseline)


def _from(module: str, function: str) -> Callable[[], Scorer]:
    def load() -> Scorer:
        from importlib import import_module

        scorer: Scorer = getattr(import_module(f"nliexplorer.attribution.{module}"), function)
        return scorer

    return load


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(explain.METHOD, None, baseline=True, steps=True, complete=True),
        Method("saliency", _from("gradients", "saliency")),
        Method("input-x-gradient", _from("gradients", "input_x_gradient")),
        Method("gradient-shap", _from("gradients", "gradient_shap"), True, True, True),
        Method("deeplift", _from("gradients", "deeplift"), baseline=True, complete=True),
        Method("feature-ablation", _from("ablation", "feature_ablation"), baseline=True),
        Method("attention-rollout", _from("baseline_methods", "attention_rollout")),
        Method("random", _from("baseline_methods", "random_control")),
    )
}


def get_method(name: str) -> Method:
    """The method of that name; the error of an unknown one lists what there is."""
    if name not in METHODS:
        raise unknown_name("attribution method", name, tuple(METHODS))
    return METHODS[name]


def checked_settings(method: str, baseline: str = AUTO, steps: int = 10) -> tuple[str, str, int]:
    """(method, baseline, steps) as they are stored; `none` and 0 where the method has no such.

    `auto` stays, for `resolve_baseline` to choose by the model. Raises NliError for unknown names
    and for a baseline that the method cannot use.
    """
    properties = get_method(method)
    if baseline != NO_BASELINE:
        check_baseline(baseline)
    if properties.baseline and baseline == NO_BASELINE:
        raise NliError(f"{method} needs a baseline", f"one of {', '.join(BASELINES)}")
    if not properties.baseline and baseline not in (AUTO, "zero", NO_BASELINE):
        with_one = ", ".join(name for name, each in METHODS.items() if each.baseline)
        raise NliError(f"{method} has no baseline", f"methods that have one: {with_one}")
    if steps == explain.AUTO_STEPS and properties.steps and properties.load is not None:
        raise NliError(
            f"{method} takes a number of steps, not auto", f"only {explain.METHOD} chooses them"
        )
    if steps < 0:
        raise NliError(f"{steps} steps are too few", "use at least one, or auto")
    return (
        method,
        baseline if properties.baseline else NO_BASELINE,
        steps if properties.steps else 0,
    )


def attribute(
    classifier: Classifier,
    examples: Sequence[Example],
    *,
    method: str = explain.METHOD,
    target: str | int = "predicted",
    steps: int = 10,
    baseline: str = AUTO,
    token_budget: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    windows: Mapping[int, Window] | None = None,
) -> Iterator[tuple[int, Attribution]]:
    """(position in `examples`, its attribution) as batches finish: longest pairs first.

    `target` is `gold`, `predicted`, a label's name or its number; `steps` are nodes, or gradient
    SHAP's draws. `windows`, by position: of these pairs that window of the premise is attributed,
    and spans and words are those of the whole premise. In a distributed run each process does its
    share and yields that alone. Unknown names raise NliError at once.
    """
    _, resolved, count = checked_settings(method, baseline, steps)
    target_columns(classifier.classes, examples, target)
    resolved = resolve_baseline(classifier, resolved)
    common: dict[str, Any] = {
        "target": target,
        "token_budget": token_budget,
        "progress": progress,
    }
    windows = windows or {}
    spans = {row: window_span(classifier, examples[row], windows[row]) for row in windows}
    read = [in_window(e, spans[row]) if row in spans else e for row, e in enumerate(examples)]
    entry = METHODS[method]
    if entry.load is None:
        attributed = explain.attribute(classifier, read, steps=count, baseline=resolved, **common)
    else:
        attributed = _attribute(classifier, read, entry, entry.load(), resolved, count, **common)
    return (
        (
            row,
            in_whole_premise(attribution, examples[row].premise, spans[row], windows[row])
            if row in spans
            else attribution,
        )
        for row, attribution in attributed
    )


def _attribute(
    classifier: Classifier,
    examples: Sequence[Example],
    method: Method,
    scorer: Scorer,
    baseline: str,
    steps: int,
    target: str | int,
    token_budget: int | None,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[int, Attribution]]:
    pairs = [(example.premise, example.hypothesis) for example in examples]
    encoded = classifier.encode(pairs)
    targets = target_columns(classifier.classes, examples, target)
    budget = token_budget or pass_tokens(classifier.device)
    rank, world = processes.rank_and_world()
    done = 0

    def work(rows: NDArray[np.int64], batch: Batch, _budget: int) -> list[Attribution]:
        numbers: list[int] = rows.tolist()
        columns = (
            _predicted(classifier, batch.input_ids, batch.features)
            if targets is None
            else torch.from_numpy(targets[rows]).to(classifier.device)
        )
        task = Task(
            classifier,
            batch,
            embedding_path(classifier, batch, columns, baseline if method.baseline else "zero"),
            [classifier.layout(*pairs[row]) for row in numbers],
            [examples[row] for row in numbers],
            steps,
        )
        scores, deltas = _scored(task, scorer, method.complete)
        return [
            Attribution(
                place.tokens,
                place.segments,
                place.word_ids,
                place.spans,
                tuple(scores[line, batch.place(len(place.tokens))].tolist()),
                classifier.classes[int(columns[line])],
                method.name,
                baseline,
                steps,
                deltas[line],
                bool(encoded.truncated[numbers[line]]),
            )
            for line, place in enumerate(task.layouts)
        ]

    with frozen(classifier):
        for rows, batch_scores in in_batches(work, encoded, budget, classifier.device, rank, world):
            yield from zip(rows.tolist(), batch_scores, strict=True)
            done += len(rows)
            if progress:
                progress(min(done * world, len(encoded)), len(encoded))


@torch.no_grad()
def _predicted(classifier: Classifier, ids: Tensor, features: dict[str, Tensor]) -> Tensor:
    return classifier.logits(input_ids=ids, **features).argmax(-1)


def _scored(task: Task, scorer: Scorer, complete: bool) -> tuple[Tensor, list[float] | list[None]]:
    """(scores [B, T], sum - (F(input) - F(baseline)) of each pair, where that ought to be 0)."""
    scores = scorer(task).detach()
    scores = scores * task.batch.attention_mask.to(scores)
    if not complete:
        return scores, [None] * len(scores)
    rise = endpoint_difference(task.classifier.logits, task.path)
    deltas: list[float] = (scores.sum(-1).to(rise) - rise).tolist()
    return scores, deltas
