"""How fast a database of a million predictions answers: `python -m tests.bench.store_bench`.

Prints one JSON document. Figures are CPU seconds of this process and their part of the bound that
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
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from nliexplorer.records import Example
from nliexplorer.store.computed_columns import set_example_facts
from nliexplorer.store.connection import now
from nliexplorer.store.filters import Filter, parse_filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.rows import EXAMPLE_COLUMNS, PREDICTION_COLUMNS, insert_sql
from nliexplorer.store.writer import StoreWriter
from tests.bench.registry import bench

PAGE, SEARCH = 0.100, 0.300
SHAPES = {"many": (102, 9_842), "two": (2, 501_942)}  # runs, pairs: 1,003,884 predictions each

GENRES = ("fiction", "travel", "letters")
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
        rows: list[tuple[Any, ...]] = []
        for i in range(pairs):
            e = Example(sentence(5, 24), sentence(3, 10), rng.randrange(3))
            key = f"{rng.getrandbits(64):016x}"
            known = (key, e.premise, e.hypothesis, e.label, e.length, str(i))
            missing = (None,) * (len(EXAMPLE_COLUMNS) - len(known) - 1)
            rows.append((*known, *missing, f'{{"genre":"{rng.choice(GENRES)}"}}'))
        connection.executemany(insert_sql("examples", EXAMPLE_COLUMNS), rows)
        set_example_facts(connection)
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
    "negation:no", "-negation:yes", "overlap:<0.2", "-overlap:<0.2", "meta.genre:travel",
    "sort:-conf", "sort:len", "sort:-position",
)  # fmt: skip
#: What no pair meets, so that nothing ends a search early.
NO_HIT = (
    "gold:non-entailment", "pred:non-entailment", "len:>999", "conf:>1", "-conf:>=0",
    "p-gold:>1", "-p-gold:>=0", "margin:>1", "-margin:>=0", "loss:>99", "-loss:>=0",
    "negation:yes", "-negation:no", "overlap:>1", "-overlap:>=0", "agreement:>=0",
    "annotator-entropy:>=0", "majority:tie", "variance:>9", "completeness:>9", "top-word:zebra",
    "labelled:no", "-labelled:yes", "-answered:yes", "truncated:no", "window:2", "windows:>1",
    "position:>9999999", "note:zebra", "fixed-by:run-0", "b.margin:>1 b:latest",
)  # fmt: skip
#: No bound: fields that compare two runs, pair by pair, and columns of the data.
NO_HIT_ELSEWHERE = (
    "difference:>1 b:latest", "-difference:>=-1 b:latest", "disagree b:run-0", "meta.genre:zebra",
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
    bounds = {SINGLE: PAGE, NO_HIT: PAGE, SEARCHES: SEARCH, COMPUTED: None, NO_HIT_ELSEWHERE: None}
    return {
        text or "all": (parse_filter(text), bound)
        for texts, bound in bounds.items()
        for text in texts
    }


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """Median CPU seconds of a few runs."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def measure(path: Path) -> dict[str, Any]:
    """First page, count and ids of every case, on a cold reader."""
    figures: dict[str, Any] = {"megabytes": round(path.stat().st_size / 2**20)}
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


@bench("store_first_page", "<= 1 (of 100 ms CPU)")
def first_page() -> float:
    """The slowest first page by a single field, of a run of 501,942 pairs in a database of two."""
    return _slowest(SINGLE + NO_HIT, PAGE)


@bench("store_search", "<= 1 (of 300 ms CPU)")
def search() -> float:
    """The same of searches in the text."""
    return _slowest(SEARCHES, SEARCH)


def _slowest(texts: Sequence[str], bound: float) -> float:
    """Part of the bound that the slowest takes."""
    with StoreReader(Path(_folder().name) / "two.db") as reader:
        page = partial(reader.predictions.page, reader.runs.evaluation("run-0", "dev"), limit=50)
        taken = {text: seconds(partial(page, parse_filter(text))) for text in texts}
    slowest = max(taken, key=taken.__getitem__)
    print(f"{'':<28} slowest: {slowest}")
    return taken[slowest] / bound


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Of `two.db`, built once."""
    folder = tempfile.TemporaryDirectory()
    build(Path(folder.name) / "two.db", *SHAPES["two"])
    return folder


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
