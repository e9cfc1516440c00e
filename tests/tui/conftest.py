"""A small database with two runs, made through the writer: deterministic down to the ids shown."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from nliexplorer.analysis.attribution_stats import attribution_statistics
from nliexplorer.analysis.metrics import compute_metrics
from nliexplorer.records import LABELS, Attribution, Example, Prediction, Segment, StepRecord
from nliexplorer.store import connection
from nliexplorer.store.writer import StoreWriter
from nliexplorer.store.writing import runs as writing_runs

PEOPLE = ("A man", "Two women", "A child", "An old farmer", "Several players", "A nurse")
DOINGS = ("sleeps", "runs", "sings", "eats an apple", "reads a book", "waits")
PLACES = ("outdoors", "in the park", "at home", "near the river", "on a bench")
HOSTILE = Example(
    "[red]A man[/red] \x1b[31mshouts\x1b[0m \u202egnirts\u202c 中文の前提",
    "He is\u200b [bold]quiet[/bold].",
    2,
)
WHEN = "2026-01-02T03:04:05.000+00:00"


def examples(n: int = 120, seed: int = 0) -> list[Example]:
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


def predictions(pairs: list[Example], skill: float, seed: int) -> list[Prediction]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (len(pairs), 3))
    logits[np.arange(len(pairs)), [pair.label for pair in pairs]] += skill
    found = []
    for row in logits.tolist():
        parts = [math.exp(x) for x in row]
        p = tuple(x / sum(parts) for x in parts)
        found.append(Prediction(row.index(max(row)), tuple(row), p))  # type: ignore[arg-type]
    return found


def attribution(pair: Example, seed: int) -> Attribution:
    rng = random.Random(seed)
    tokens: list[str] = ["[CLS]"]
    segments: list[Segment] = ["special"]
    word_ids: list[int | None] = [None]
    spans = [(0, 0)]
    sentences: tuple[tuple[Segment, str], ...] = (
        ("premise", pair.premise),
        ("hypothesis", pair.hypothesis),
    )
    for segment, sentence in sentences:
        for index, match in enumerate(re.finditer(r"\w+|[^\w\s]", sentence)):
            tokens.append(match.group())
            segments.append(segment)
            word_ids.append(index)
            spans.append(match.span())
        tokens.append("[SEP]")
        segments.append("special")
        word_ids.append(None)
        spans.append((0, 0))
    scores = [round(rng.gauss(0, 0.5), 3) for _ in tokens]
    return Attribution(
        tuple(tokens),
        tuple(segments),
        tuple(word_ids),
        tuple(spans),
        tuple(scores),
        pair.label,
        steps=10,
        completeness_delta=0.01 if seed % 3 else 4.0,
    )


def add_run(
    writer: StoreWriter,
    name: str,
    objective: str,
    skill: float,
    seed: int,
    *,
    attributed: bool = True,
    status: str = "done",
) -> str:
    pairs = examples()
    run = writer.create_run(
        name=name,
        objective=objective,
        data="planted",
        model="tiny",
        seed=0,
        config={"epochs": 3.0, "lr": 0.002, "lambda": 0.1},
        command=f"nliexplorer train --objective {objective}",
        summary={},
        total_steps=40,
    )
    writer.add_steps(run.id, [_step(i, objective) for i in range(1, 41)])
    guesses = predictions(pairs, skill, seed)
    metrics = compute_metrics([p.label for p in pairs], logits=[p.logits for p in guesses])
    for step in (20, 40):
        writer.add_validation(run.id, step, step / 20, metrics)
    for split, part in (("dev", slice(None)), ("flipped", slice(0, 60))):
        some = compute_metrics(
            [p.label for p in pairs[part]], logits=[p.logits for p in guesses[part]]
        )
        writer.store_evaluation(run.id, split, pairs[part], guesses[part], some)
    if attributed:
        ids = writer.add_examples(pairs)
        items = []
        for index, pair in enumerate(pairs):
            found = attribution(pair, seed * 1000 + index)
            stats = attribution_statistics(found, pair.premise, pair.hypothesis)
            items.append((ids[index], found, "gold", stats))
        writer.add_attributions(run.id, items)
        for epoch in (1, 2, 3):
            chances = [1 / (1 + math.exp(-epoch + index % 4)) for index in range(len(ids))]
            writer.add_dynamics(run.id, epoch, ids, chances, [c > 0.5 for c in chances])
    if status == "done":
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


def build(path: Path) -> Path:
    with StoreWriter(path) as writer:
        add_run(writer, "base", "baseline", 1.6, 1)
        add_run(writer, "reg", "ig-variance", 2.2, 2)
    return path


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Ids and times are frozen, so that snapshots show the same everywhere."""
    patch = pytest.MonkeyPatch()
    numbers = iter(range(1, 1000))
    patch.setattr(writing_runs, "now", lambda: WHEN, raising=False)
    patch.setattr(connection, "now", lambda: WHEN)
    patch.setattr("secrets.token_hex", lambda _=4: f"{next(numbers):08x}")
    yield build(tmp_path_factory.mktemp("tui") / "runs.db")
    patch.undo()


@pytest.fixture
def database(_built: Path, tmp_path: Path) -> Path:
    """A copy of its own for each test."""
    copy = tmp_path / "runs.db"
    with StoreWriter(_built) as writer:
        writer.compact(single_file=True)
    copy.write_bytes(_built.read_bytes())
    return copy


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")


Settle = Callable[..., Awaitable[None]]
assert len(LABELS) == 3
