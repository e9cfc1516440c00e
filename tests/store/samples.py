"""Small databases for tests: two runs on the same pairs, every kind of row."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nliexplorer.records import (
    LABELS,
    Attribution,
    Example,
    Metrics,
    Prediction,
    Run,
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


def metrics(examples: list[Example], given: list[Prediction]) -> Metrics:
    right = [is_correct(p.predicted, e.label) for e, p in zip(examples, given, strict=True)]
    return Metrics(len(examples), sum(right) / len(right))


def whole_words(example: Example, seed: int = 0, target: int | None = None) -> Attribution:
    """One token a whitespace word, with [CLS] and [SEP]."""
    tokens, segments, word_ids, spans = ["[CLS]"], ["special"], [None], [(0, 0)]
    for segment, text in (("premise", example.premise), ("hypothesis", example.hypothesis)):
        start = 0
        for number, word in enumerate(text.split()):
            start = text.index(word, start)
            tokens.append(word.lower().strip("."))
            segments.append(segment)
            word_ids.append(number)  # type: ignore[arg-type]
            spans.append((start, start + len(word.strip("."))))
            start += len(word)
        tokens.append("[SEP]")
        segments.append("special")
        word_ids.append(None)
        spans.append((0, 0))
    scores = np.random.default_rng(seed).normal(size=len(tokens))
    return Attribution(
        tuple(tokens),
        tuple(segments),  # type: ignore[arg-type]
        tuple(word_ids),
        tuple(spans),
        tuple(float(f"{x:.6g}") for x in scores),
        example.label if target is None else target,
        steps=10,
        completeness_delta=0.01,
    )


def add_run(
    writer: StoreWriter, name: str, examples: list[Example], seed: int, split: str = "dev"
) -> tuple[Run, list[int]]:
    """A finished run with steps, predictions on `split`, attributions of its errors."""
    run = writer.create_run(
        name=name, objective="baseline", data="snli", model="tiny", seed=seed, command="train"
    )
    writer.add_steps(run.id, [StepRecord(i, i / 10, 1.0 / i, 1.0 / i, 5e-5) for i in (1, 2, 3)])
    given = predictions(examples, seed)
    ids = writer.store_evaluation(run.id, split, examples, given, metrics(examples, given))
    writer.add_attributions(
        run.id,
        [
            (ids[i], whole_words(e, i), "gold", None)
            for i, (e, p) in enumerate(zip(examples, given, strict=True))
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


LABEL_NAMES = LABELS
