"""How soon each screen of the explorer has its figures: `python -m tests.bench.screens_bench`.

Prints JSON: of each screen on two runs of 9,842 pairs the seconds until its first figures and until
all of them, and of Compare on eight runs of 100,000 pairs; wall time, and this process's CPU time.
Nothing is computed ahead. Bounds on two idle cores: 1 s and 3 s a screen, 3 s for the eight runs.
`make bench` has the CPU seconds of the slowest screen and of Compare on the eight runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nliexplorer.records import Example, Prediction
from nliexplorer.store.writer import StoreWriter
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.screens.base import ExplorerScreen
from nliexplorer.tui.snapshot import settle
from tests.bench.registry import bench
from tests.databases import metrics, predictions, whole_words

PAIRS, MANY_PAIRS, MANY_RUNS = 9_842, 100_000, 8
#: Errors of a run that have attributions.
ATTRIBUTED = 1_000
SCREENS = ("examples", "compare", "calibration", "slices", "training", "attributions")
WORDS = ("a", "man", "woman", "child", "dog", "sleeping", "running", "red", "park", "guitar", "two")


def build(path: Path, runs: int, pairs: int) -> None:
    """`runs` made-up runs on the same `pairs` pairs, some of their errors with attributions."""
    rng = np.random.default_rng(0)
    words = rng.choice(WORDS, size=(pairs, 21))
    examples = [
        Example(f"{' '.join(row[:14])} {number}.", f"{' '.join(row[14:])}.", number % 3)
        for number, row in enumerate(words)
    ]
    with StoreWriter(path) as writer:
        for number in range(runs):
            answers = predictions(examples, number, 2.0 + number / 10)
            _add(writer, f"run{number}", examples, answers)


def _add(
    writer: StoreWriter, name: str, examples: Sequence[Example], answers: Sequence[Prediction]
) -> None:
    run = writer.create_run(name=name, objective="imported", data="made-up", model="", seed=None)
    figures = metrics(list(examples), list(answers))
    ids = writer.store_evaluation(run.id, "dev", examples, answers, figures)
    wrong = [i for i, e in enumerate(examples) if answers[i].predicted != e.label][:ATTRIBUTED]
    items = [(ids[i], whole_words(examples[i], i), "gold", None) for i in wrong]
    writer.add_attributions(run.id, items)
    writer.finish_run(run.id, status="done")


async def screen_seconds(path: Path, mode: str, runs: Sequence[str]) -> dict[str, float]:
    """Seconds from the key until the screen's first figures, and until all of them."""
    app = ExplorerApp(path, (runs[0], runs[1]), start="runs")
    async with app.run_test(size=(120, 40)) as pilot:
        app.ahead.start = lambda queries: None  # type: ignore[method-assign]  # noqa: ARG005
        await settle(pilot)
        others = tuple(run for run in app.runs if run.name in runs[2:])
        app.select(others=others)
        await settle(pilot)
        began, spent = time.perf_counter(), time.process_time()
        await pilot.press(str(1 + list(app.MODES).index(mode)))
        first = 0.0
        while app.waiting or not first:
            screen = app.screen
            if not first and isinstance(screen, ExplorerScreen) and not screen.loading_now:
                first = time.perf_counter() - began
            await asyncio.sleep(0.02)
        return {
            "first_s": round(first, 2),
            "all_s": round(time.perf_counter() - began, 2),
            "cpu_s": round(time.process_time() - spent, 2),
        }


def screens_of_two(folder: Path) -> dict[str, dict[str, float]]:
    """Every screen on two runs of PAIRS pairs."""
    path = folder / "two.db"
    build(path, 2, PAIRS)
    runs = ("run0", "run1")
    return {mode: asyncio.run(screen_seconds(path, mode, runs)) for mode in SCREENS}


def screens_of_many(
    folder: Path, pairs: int = MANY_PAIRS, modes: Sequence[str] = ("compare", "slices")
) -> dict[str, dict[str, float]]:
    """Some screens on MANY_RUNS runs."""
    path = folder / "many.db"
    build(path, MANY_RUNS, pairs)
    runs = [f"run{number}" for number in range(MANY_RUNS)]
    return {
        f"{mode} of {MANY_RUNS}": asyncio.run(screen_seconds(path, mode, runs)) for mode in modes
    }


@bench("screens_9842", "<= 3 (CPU seconds, all figures of the slowest screen)")
def _slowest_screen() -> float:
    with tempfile.TemporaryDirectory() as folder:
        return max(each["cpu_s"] for each in screens_of_two(Path(folder)).values())


@bench("compare_8x100k", "<= 3 (CPU seconds, eight runs of 100,000 pairs)")
def _compare_many() -> float:
    with tempfile.TemporaryDirectory() as folder:
        (seconds,) = screens_of_many(Path(folder), modes=("compare",)).values()
        return seconds["cpu_s"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many-pairs", type=int, default=MANY_PAIRS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = screens_of_two(Path(folder))
        results |= screens_of_many(Path(folder), options.many_pairs)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
