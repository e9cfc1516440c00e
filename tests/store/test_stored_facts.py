"""What filters look up of a pair: stored with it, kept right, and found by an index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nliexplorer.records import EvaluationRef, Example, Metrics, Prediction
from nliexplorer.store.computed_columns import set_example_facts
from nliexplorer.store.filters import parse_filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.wording import has_negation, lexical_overlap
from tests.databases import metrics, pairs, predictions

N = 3_000
#: Of one field each, and met by no pair.
NO_HIT = (
    "gold:non-entailment", "len:>999", "conf:>1", "-conf:>=0", "p-gold:>1", "margin:>1",
    "loss:>999",
    "-loss:>=0", "-margin:>=0", "-p-gold:>=0", "negation:yes", "-negation:no",
    "overlap:>1", "-overlap:>=0", "agreement:>=0", "annotator-entropy:>=0", "majority:tie",
    "variance:>9", "completeness:>9", "top-word:zebra", "b.variance:>9 b:second", "labelled:no",
    "answered:no", "truncated:yes", "truncated:no", "window:2", "windows:>1", "position:>9999",
    "note:zebra",
)  # fmt: skip


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StoreReader, EvaluationRef]]:
    path = tmp_path_factory.mktemp("large") / "runs.db"
    with StoreWriter(path) as writer:
        for seed, name in enumerate(("first", "second")):
            run = writer.create_run(name=name, objective="imported", data="x", model="m")
            examples = pairs(N)
            answers = predictions(examples, seed)
            writer.store_evaluation(run.id, "dev", examples, answers, metrics(examples, answers))
    with StoreReader(path) as reader:
        yield reader, reader.runs.evaluation("first")


@pytest.mark.parametrize("text", NO_HIT)
def test_nothing_is_scanned_where_no_pair_passes(
    large: tuple[StoreReader, EvaluationRef], text: str
) -> None:
    """Counted in instructions of SQLite's machine: looking at each pair takes several a pair."""
    reader, evaluation = large
    filter = parse_filter(text)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 10
        return 0

    reader._connection.sqlite.set_progress_handler(count, 10)
    page = reader.predictions.page(evaluation, filter, limit=50)
    reader._connection.sqlite.set_progress_handler(None, 0)
    assert page.rows == []
    assert steps < N


def test_the_stored_is_what_the_texts_say(large: tuple[StoreReader, EvaluationRef]) -> None:
    reader, evaluation = large
    rows = reader.predictions.rows(evaluation)
    overlap = reader.predictions.field_values(evaluation, "overlap")
    negation = reader.predictions.field_values(evaluation, "negation")
    for row, key in zip(rows, reader.predictions.ids(evaluation), strict=True):
        assert overlap[int(key)] == lexical_overlap(row.premise, row.hypothesis)
        assert negation[int(key)] == ("yes" if has_negation(row.hypothesis) else "no")


def test_annotators_that_come_later_count(tmp_path: Path) -> None:
    """Also those of another database."""
    bare = [Example("Dogs run.", "Nobody is here.", 2), Example("A cat.", "A cat.", 0)]
    answers = [Prediction(0), Prediction(0)]
    judged = [replace(bare[0], annotator_labels=(2, 2, 2, 2, 0)), bare[1]]
    other = [bare[0], replace(bare[1], extra={"label_dist": [0.5, 0.5, 0.0]})]
    with StoreWriter(tmp_path / "other.db") as writer:
        run = writer.create_run(name="there", objective="imported", data="x", model="m")
        writer.store_evaluation(run.id, "dev", other, answers, Metrics(2, 0.5))
    with StoreWriter(tmp_path / "runs.db") as writer:
        run = writer.create_run(name="run", objective="imported", data="x", model="m")
        writer.store_evaluation(run.id, "dev", bare, answers, Metrics(2, 0.5))
        with StoreReader(tmp_path / "runs.db") as reader:
            evaluation = reader.runs.evaluation(run.id)

            def count(text: str) -> int:
                return reader.predictions.count(evaluation, parse_filter(text))

            assert count("agreement:>0") == count("majority:contradiction") == 0
            writer.add_examples(judged)
            assert count("agreement:0.8") == count("majority:contradiction") == 1
            assert count("-agreement:0.8") == 1
            writer.merge_from(tmp_path / "other.db")
            assert count("majority:tie") == count("agreement:0.5") == 1
            assert count("annotator-entropy:>0") == 2


def test_a_damaged_pair_stops_no_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    with StoreWriter(path) as writer:
        writer.add_examples(pairs(5))
        with writer.transaction() as connection:
            for damage in (
                "annotator_labels = '['",
                "premise = x'ff'",
                "extra = '{\"label_dist\"'",
            ):
                connection.execute(f"update examples set {damage}, overlap = null where id = 2")
                set_example_facts(connection)
            rows = connection.execute("select count(*) from examples where overlap is null")
            assert rows.fetchone()[0] == 0
