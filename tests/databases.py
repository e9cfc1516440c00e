"""Small databases for all tests, made through the writer: pairs, predictions, attributions, runs.

`two_runs` is what most tests read; `trained_run` has all that training leaves behind.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nliexplorer.analysis.attribution_stats import attribution_statistics
from nliexplorer.analysis.metrics import compute_metrics
from nliexplorer.records import (
    Attribution,
    Example,
    Metrics,
    Prediction,
    Run,
    Segment,
    StepRecord,
    is_correct,
)
from nliexplorer.store.writer import StoreWriter

NOUNS = ("man", "woman", "dog", "child", "band", "crowd")
VERBS = ("sleeping", "running", "singing", "waiting", "cooking")


def pairs(n: int, seed: int = 0) -> list[Example]:
    """`n` different pairs of varied length."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        noun, verb = NOUNS[rng.integers(len(NOUNS))], VERBS[rng.integers(len(VERBS))]
        filler = " ".join(["very"] * int(rng.integers(0, 30)))
        premise = f"A {filler} big {noun} number {i} is outside."
        made.append(Example(premise, f"The {noun} is {verb}.", int(rng.integers(3)), f"row-{i}"))
    return made


def predictions(examples: list[Example], seed: int, skill: float = 2.0) -> list[Prediction]:
    """Logits that favour the gold label by `skill`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(len(examples), 3))
    logits[np.arange(len(examples)), [e.label % 3 for e in examples]] += skill
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return [
        Prediction(int(z.argmax()), tuple(map(float, z)), tuple(map(float, q)))  # type: ignore[arg-type]
        for z, q in zip(logits, p, strict=True)
    ]


def metrics(examples: list[Example], predicted: list[Prediction]) -> Metrics:
    right = [is_correct(p.predicted, e.label) for e, p in zip(examples, predicted, strict=True)]
    return Metrics(len(examples), sum(right) / len(right))


def attribution(
    example: Example,
    scores: Sequence[float],
    pattern: str,
    target: int | None = None,
    completeness_delta: float = 0.01,
) -> Attribution:
    """One token a match of `pattern`, with [CLS] and [SEP]; `scores` as many as needed or more."""
    tokens: list[str] = ["[CLS]"]
    segments: list[Segment] = ["special"]
    word_ids: list[int | None] = [None]
    spans = [(0, 0)]
    sentences: tuple[tuple[Segment, str], ...] = (
        ("premise", example.premise),
        ("hypothesis", example.hypothesis),
    )
    for segment, sentence in sentences:
        for number, match in enumerate(re.finditer(pattern, sentence)):
            tokens.append(match.group())
            segments.append(segment)
            word_ids.append(number)
            spans.append(match.span())
        tokens.append("[SEP]")
        segments.append("special")
        word_ids.append(None)
        spans.append((0, 0))
    return Attribution(
        tuple(tokens),
        tuple(segments),
        tuple(word_ids),
        tuple(spans),
        tuple(scores[: len(tokens)]),
        example.label if target is None else target,
        steps=10,
        completeness_delta=completeness_delta,
    )


def whole_words(example: Example, seed: int = 0, target: int | None = None) -> Attribution:
    """One lower-case token a whitespace word."""
    scores = [float(f"{x:.6g}") for x in np.random.default_rng(seed).normal(size=1_000)]
    made = attribution(example, scores, r"[^\s.]+", target)
    return replace(made, tokens=tuple(t if t.isupper() else t.lower() for t in made.tokens))


def add_run(
    writer: StoreWriter,
    name: str,
    examples: list[Example],
    seed: int,
    split: str = "dev",
    *,
    objective: str = "baseline",
    answers: list[Prediction] | None = None,
) -> tuple[Run, list[int]]:
    """A finished run with steps, predictions on `split`, attributions of its errors."""
    run = writer.create_run(
        name=name, objective=objective, data="snli", model="tiny", seed=seed, command="train"
    )
    writer.add_steps(run.id, [StepRecord(i, i / 10, 1.0 / i, 1.0 / i, 5e-5) for i in (1, 2, 3)])
    model_predictions = predictions(examples, seed) if answers is None else answers
    ids = writer.store_evaluation(
        run.id, split, examples, model_predictions, metrics(examples, model_predictions)
    )
    writer.add_attributions(
        run.id,
        [
            (ids[i], whole_words(e, i), "gold", None)
            for i, (e, p) in enumerate(zip(examples, model_predictions, strict=True))
            if p.predicted != e.label
        ],
    )
    writer.finish_run(run.id, status="done", train_seconds=1.5)
    return run, ids


def two_runs(path: Path, n: int = 200) -> tuple[Run, Run]:
    """Runs `first` and `second` on the same `n` pairs; returns them as created."""
    examples = pairs(n)
    with StoreWriter(path) as writer:
        a, _ = add_run(writer, "first", examples, 1)
        b, _ = add_run(writer, "second", examples, 2)
    return a, b


PEOPLE = ("A man", "Two women", "A child", "An old farmer", "Several players", "A nurse")
DOINGS = ("sleeps", "runs", "sings", "eats an apple", "reads a book", "waits")
PLACES = ("outdoors", "in the park", "at home", "near the river", "on a bench")
HOSTILE = Example(
    "[red]A man[/red] \x1b[31mshouts\x1b[0m \u202egnirts\u202c 中文の前提",
    "He is\u200b [bold]quiet[/bold].",
    2,
)


def scenes(n: int = 120, seed: int = 0) -> list[Example]:
    """`n` pairs, a fifth with rationales, and last the hostile one; labels in turn."""
    rng = random.Random(seed)
    pairs = []
    for index in range(n):
        who, what, where = rng.choice(PEOPLE), rng.choice(DOINGS), rng.choice(PLACES)
        gold = index % 3
        other = what if gold == 0 else rng.choice(DOINGS)
        end = ("", " for the first time", " but nobody sees it")[gold]
        pairs.append(
            Example(
                f"{who} {what} {where}.",
                f"{who} {other}{end}.",
                gold,
                premise_rationale=(2,) if index % 5 == 0 else (),
                hypothesis_rationale=(2,) if index % 5 == 0 else (),
            )
        )
    return [*pairs, HOSTILE]


def _scene_attribution(example: Example, seed: int) -> Attribution:
    rng = random.Random(seed)
    scores = [round(rng.gauss(0, 0.5), 3) for _ in range(500)]
    delta = 0.01 if seed % 3 else 4.0
    return attribution(example, scores, r"\w+|[^\w\s]", completeness_delta=delta)


def trained_run(
    writer: StoreWriter, name: str, objective: str, skill: float, seed: int, run_seed: int = 0
) -> str:
    """A run on `scenes` with all that training leaves: steps, validations, dynamics and so on.

    `seed` is of its predictions, `run_seed` what the run says of itself.
    """
    pairs = scenes()
    run = writer.create_run(
        name=name,
        objective=objective,
        data="planted",
        model="tiny",
        seed=run_seed,
        config={"epochs": 3.0, "lr": 0.002, "lambda": 0.1},
        command=f"nliexplorer train --objective {objective}",
        summary={},
        total_steps=40,
    )
    writer.add_steps(run.id, [_step(i, objective) for i in range(1, 41)])
    guesses = predictions(pairs, seed, skill)
    metrics = compute_metrics([p.label for p in pairs], logits=[p.logits for p in guesses])
    for step in (20, 40):
        writer.add_validation(run.id, step, step / 20, metrics)
    for split, part in (("dev", slice(None)), ("flipped", slice(0, 60))):
        some = compute_metrics(
            [p.label for p in pairs[part]], logits=[p.logits for p in guesses[part]]
        )
        writer.store_evaluation(run.id, split, pairs[part], guesses[part], some)
    ids = writer.add_examples(pairs)
    items = []
    for index, pair in enumerate(pairs):
        result = _scene_attribution(pair, seed * 1000 + index)
        stats = attribution_statistics(result, pair.premise, pair.hypothesis)
        items.append((ids[index], result, "gold", stats))
    writer.add_attributions(run.id, items)
    for epoch in (1, 2, 3):
        chances = [1 / (1 + math.exp(-epoch + index % 4)) for index in range(len(ids))]
        writer.add_dynamics(run.id, epoch, ids, chances, [c > 0.5 for c in chances])
    writer.finish_run(run.id, status="done", train_seconds=12.5)
    return run.id


def _step(step: int, objective: str) -> StepRecord:
    v = 0.2 * math.exp(-step / 30)
    penalty = math.tanh(10 * v) if objective == "ig-variance" else None
    ce = math.exp(-step / 15) + 0.1
    return StepRecord(
        step,
        step / 20,
        ce,
        ce + 0.1 * (penalty or 0),
        0.002,
        None if penalty is None else v,
        None if penalty is None else 0.1 * penalty,
        penalty,
        seconds=0.1,
    )
