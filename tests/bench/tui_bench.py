"""The explorer on a large database: `python -m tests.bench.tui_bench [PAIRS]` prints JSON.

First rows, filters, text search, a held arrow key, memory: seconds and MiB of one process.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from textual.events import Key

from nliexplorer.records import Example, Metrics, Prediction
from nliexplorer.store.filters import parse_filter
from nliexplorer.store.writer import StoreWriter

PAIRS = 1_003_884
HELD_KEYS, KEYS_A_SECOND = 150, 30
FILTERS = ("wrong", "gold:neutral", "pred:contradiction", "len:>20", "conf:>=0.9", "sleeping")
_TEXT = "a man woman child dog sleeping running red blue park street guitar water table quickly two"
_WORDS = _TEXT.split()


def build(path: Path, n: int) -> None:
    """`n` made-up pairs with one run's predictions."""
    rng = random.Random(0)

    def sentence(words: int) -> str:
        return " ".join(rng.choices(_WORDS, k=words))

    def batches() -> Iterator[tuple[int, list[Example], list[Prediction]]]:
        for start in range(0, n, 20_000):
            size = min(20_000, n - start)
            pairs = [
                Example(f"{sentence(14)} {start + i}", sentence(7), i % 3) for i in range(size)
            ]
            guesses = []
            for _ in range(size):
                top = rng.uniform(0.34, 1.0)
                rest = (1 - top) / 2
                p = [rest, rest, rest]
                p[winner := rng.randrange(3)] = top
                guesses.append(Prediction(winner, None, (p[0], p[1], p[2])))
            yield start, pairs, guesses

    with StoreWriter(path) as writer:
        run = writer.create_run(
            name="big", objective="imported", data="made-up", model="", seed=0,
            config={}, command="", summary={},
        )  # fmt: skip
        evaluation = writer.begin_evaluation(run.id, "dev")
        for start, pairs, guesses in batches():
            ids = writer.add_examples(pairs)
            places = range(start, start + len(pairs))
            writer.add_predictions(evaluation, ids, places, pairs, guesses)
        writer.finish_evaluation(evaluation, Metrics(n, 0.33))
        writer.finish_run(run.id, status="done")


async def measure(path: Path) -> dict[str, object]:
    from nliexplorer.tui.app import ExplorerApp
    from nliexplorer.tui.screens.examples import ExamplesScreen
    from nliexplorer.tui.snapshot import settle

    started, spent = time.perf_counter(), time.process_time()
    app = ExplorerApp(path)
    result: dict[str, object] = {}
    async with app.run_test(size=(120, 40)) as pilot:

        def rows() -> int:
            screen = app.screen
            return screen.rows.total if isinstance(screen, ExamplesScreen) else 0

        while not rows():
            await asyncio.sleep(0.002)
        result["first_rows_s"] = time.perf_counter() - started
        result["first_rows_cpu_s"] = time.process_time() - spent
        await settle(pilot)
        result["all_ids_s"] = time.perf_counter() - started
        screen = app.screen
        assert isinstance(screen, ExamplesScreen)
        filters: dict[str, float] = {}
        cpu: dict[str, float] = {}
        for text in FILTERS:
            began, spent = time.perf_counter(), time.process_time()
            app.select(filter=parse_filter(text))  # empties the list
            while not rows():
                await asyncio.sleep(0.001)
            filters[text] = time.perf_counter() - began
            cpu[text] = time.process_time() - spent
            await settle(pilot)
        result["first_page_s"], result["first_page_cpu_s"] = filters, cpu
        app.select(filter=parse_filter(""))
        await settle(pilot)
        await pilot.press("home")
        await settle(pilot)
        began, spent, worst = time.perf_counter(), time.process_time(), 0
        for sent in range(1, HELD_KEYS + 1):
            app.post_message(Key("down", None))
            await asyncio.sleep(max(0.0, began + sent / KEYS_A_SECOND - time.perf_counter()))
            worst = max(worst, sent - screen.rows.cursor)
        result["held_key_cpu_ms"] = (time.process_time() - spent) / HELD_KEYS * 1000
        result["worst_lag_rows"] = worst
        began = time.perf_counter()
        await pilot.press("end")
        await settle(pilot)
        result["jump_to_end_s"] = time.perf_counter() - began
        result["rss_mib"] = psutil.Process().memory_info().rss / 2**20
        began = time.perf_counter()
    result["quit_s"] = time.perf_counter() - began
    result["peak_rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "big.db"
        if not path.exists():
            build(path, pairs)
        print(json.dumps({"pairs": pairs, **asyncio.run(measure(path))}, indent=2))


if __name__ == "__main__":
    main()
