"""How fast a database of a million predictions answers: `python -m tests.bench.store_bench`.

Prints one JSON document. Figures are seconds in this process and their part of the bound that
the explorer has to keep (100 ms a page, 300 ms a search); under 1.0 is kept.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from nliexplorer.records import Example
from nliexplorer.store.connection import now
from nliexplorer.store.filters import Filter, parse_filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.rows import EXAMPLE_COLUMNS, PREDICTION_COLUMNS, insert_sql
from nliexplorer.store.writer import StoreWriter

PAGE, SEARCH = 0.100, 0.300
SHAPES = {"many": (102, 9_842), "two": (2, 501_942)}  # runs, pairs: 1,003,884 predictions each

WORDS = [
    start + end
    for start in ("st", "br", "cl", "gr", "pl", "m", "d", "w")
    for end in ["an", "og", "irl", "eet", "ing", "ack", "ond", "each", "all", "ove", "ire", "ight"]
]


def build(path: Path, runs: int, pairs: int) -> None:
    """`runs` runs, each on the same `pairs` pairs; zipf-like words, "sleeping" in 2 %."""
    rng = random.Random(0)
    weights = [1 / rank for rank in range(1, len(WORDS) + 1)]

    def sentence(low: int, high: int) -> str:
        words = rng.choices(WORDS, weights, k=rng.randint(low, high))
        return " ".join(["A", *words, *(["sleeping"] if rng.random() < 0.02 else [])]) + "."

    with StoreWriter(path) as writer, writer.transaction() as connection:
        rows = []
        for i in range(pairs):
            e = Example(sentence(5, 24), sentence(3, 10), rng.randrange(3))
            key = f"{rng.getrandbits(64):016x}"
            known = (key, e.premise, e.hypothesis, e.label, e.length, str(i))
            rows.append(known + (None,) * (len(EXAMPLE_COLUMNS) - len(known)))
        connection.executemany(insert_sql("examples", EXAMPLE_COLUMNS), rows)
        golds = [(row[3], row[4]) for row in rows]
        del rows
        for number in range(runs):
            run = writer.create_run(
                name=f"run-{number}", objective="baseline", data="bench", model="m", status="done"
            )
            evaluation = connection.execute(
                "insert into evaluations (run_id, split, complete, created_at, n, accuracy) "
                "values (?, 'dev', 1, ?, ?, 0.9)",
                (run.id, now(), pairs),
            ).lastrowid
            connection.executemany(
                insert_sql("predictions", PREDICTION_COLUMNS),
                (_prediction(evaluation, i, *gold, rng) for i, gold in enumerate(golds)),
            )


def _prediction(
    evaluation: int | None, i: int, gold: int, length: int, rng: random.Random
) -> tuple[object, ...]:
    predicted = gold if rng.random() < 0.9 else (gold + 1) % 3
    top = 0.34 + 0.66 * rng.random() ** 0.3
    p = [(1 - top) / 2] * 3
    p[predicted] = top
    right = int(predicted == gold)
    known = (evaluation, i + 1, i, gold, length, predicted, right, top, *p, *p)
    return known + (None,) * (len(PREDICTION_COLUMNS) - len(known))


#: Filter-bar texts: every single field, plain and negated, and the sorts an index has.
SINGLE = (
    "", "gold:neutral", "-gold:neutral", "pred:contradiction", "-pred:contradiction", "wrong",
    "right", "-wrong", "-right", "len:>=28", "-len:>=28", "len:<=12", "len:>=1", "-len:>=1",
    "conf:>=0.95", "-conf:>=0.95", "conf:<=0.4", "-conf:<=0.4", "conf:>=0.1", "-conf:>=0.1",
    "fixed-by:latest", "-fixed-by:latest", "broken-by:latest", "-broken-by:latest", "tag:odd",
    "-tag:odd", "id:ab", "-id:ab", "note:word", "-note:word", "answered:no", "truncated:yes",
    "b.pred:neutral b:latest", "-b.pred:neutral b:latest", "b.conf:<0.4 b:latest",
    "-b.conf:<0.4 b:latest", "b.conf:<0.34 b:latest", "p-gold:<0.2", "margin:<0.1",
    "gold:neutral,contradiction", "len:<8,>36", "wrong | len:>36",
    "sort:-conf", "sort:len", "sort:-position",
)  # fmt: skip
#: Searches common, rare and absent.
SEARCHES = (
    "stan", "sleeping", "s", '"stan brog sleeping"', "zebra", "sleeping wrong", "stan sort:-conf",
    "-sleeping", "-stan", r"/\bsleeping\b/", r"-/\bstan\b/", "premise:sleeping",
)  # fmt: skip
#: What no index has in order: figures alone, no bound.
COMPUTED = ("sort:-conf,len", "sort:-loss", "sort:margin", "wrong sort:-loss", "/zebra/", "睡")


def cases() -> dict[str, tuple[Filter, float | None]]:
    """Filter by its text, and the bound of its first page in seconds."""
    bounds = {SINGLE: PAGE, SEARCHES: SEARCH, COMPUTED: None}
    return {
        text or "all": (parse_filter(text), bound)
        for texts, bound in bounds.items()
        for text in texts
    }


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """Median of a few runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def measure(path: Path) -> dict[str, object]:
    """First page, count and ids of every case, on a cold reader."""
    figures: dict[str, object] = {"megabytes": round(path.stat().st_size / 2**20)}
    with StoreReader(path) as reader:
        evaluation = reader.runs.evaluation("run-0", "dev")
        read = reader.predictions
        figures["runs.all()"] = round(seconds(reader.runs.all), 4)
        for name, (filter, bound) in cases().items():
            page = seconds(partial(read.page, evaluation, filter, limit=50))
            count = seconds(partial(read.count, evaluation, filter), 1)
            ids = seconds(partial(read.ids, evaluation, filter), 1)
            figures[name] = {
                "rows": read.count(evaluation, filter),
                "page": round(page, 4),
                "of_bound": round(page / bound, 2) if bound else None,
                "count": round(count, 4),
                "ids": round(ids, 4),
            }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=SHAPES, action="append")
    parser.add_argument("--keep", type=Path, help="folder to build in and leave the databases")
    arguments = parser.parse_args()
    report = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        for shape in arguments.shape or SHAPES:
            path = folder / f"{shape}.db"
            if not path.exists():
                print(f"building {shape}", file=sys.stderr)
                build(path, *SHAPES[shape])
            report[shape] = measure(path)
    json.dump(report, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
