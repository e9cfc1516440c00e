"""Merging: ids stay, nothing twice, nothing overwritten, damage refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from nliexplorer.errors import NliError
from nliexplorer.records import example_key
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.databases import add_run, metrics, pairs, predictions

COUNTED = ("runs", "examples", "evaluations", "predictions", "attributions", "steps", "tags")


def counts(path: Path) -> dict[str, int]:
    with sqlite3.connect(path) as plain:
        return {t: plain.execute(f"select count(*) from {t}").fetchone()[0] for t in COUNTED}


def _rows(path: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as plain:
        return plain.execute(
            "select * from prediction_labels order by run, split, position"
        ).fetchall()


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A database of another machine: one run on shared and own pairs."""
    path = tmp_path / "other.db"
    examples = [*pairs(150), *pairs(20, seed=4)]
    with StoreWriter(path) as writer:
        add_run(writer, "first", examples, 9)
        e = examples[0]
        writer.tag(example_key(e.premise, e.hypothesis, e.label), "odd")
        writer.set_note(example_key(e.premise, e.hypothesis, e.label), "theirs")
        writer.save_filter("hard", "wrong")
    return path


def test_a_merge_brings_everything_once(database: Path, other: Path) -> None:
    with StoreReader(other) as there:
        [theirs] = there.runs.all()
        expected = there.predictions.rows(there.runs.evaluation(theirs.id))
    before = _rows(database)
    with StoreWriter(database) as writer:
        report = writer.merge_from(other)
    assert report.added == [theirs.id]
    assert report.renamed == {"first": "first-2"}
    assert report.examples == 20
    with StoreReader(database) as here:
        merged = here.runs.get(theirs.id)
        assert merged.name == "first-2"
        assert merged.metrics == theirs.metrics
        assert here.predictions.rows(here.runs.evaluation(theirs.id)) == expected
        assert here.dynamics.steps(theirs.id)
        assert here.attributions.any(theirs.id)
        assert here.annotations.filters() == {"hard": "wrong"}
        assert here.annotations.note(expected[0].example_id) == "theirs"
    after = counts(database)
    with StoreWriter(database) as writer:
        again = writer.merge_from(other)
    assert (again.added, again.present, again.evaluations) == ([], [theirs.id], 0)
    assert counts(database) == after
    assert [row for row in _rows(database) if row[0] != "first-2"] == before


def test_both_ways_end_alike(database: Path, other: Path) -> None:
    with StoreWriter(other) as writer:
        writer.merge_from(database)
    with StoreWriter(database) as writer:
        writer.merge_from(other)
    assert counts(database) == counts(other)


def test_a_run_that_went_on_brings_what_is_missing(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with sqlite3.connect(database) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    examples = pairs(30, seed=8)
    model_predictions = predictions(examples, 1)
    with StoreReader(copy) as reader:
        run = reader.runs.get("first").id
    with StoreWriter(copy) as writer:
        writer.store_evaluation(
            run, "hans:dev", examples, model_predictions, metrics(examples, model_predictions)
        )
        writer.set_note(example_key(*_texts(examples[0])), "a note")
    with StoreWriter(database) as writer:
        report = writer.merge_from(copy)
    assert (report.added, report.evaluations, len(report.present)) == ([], 1, 2)
    with StoreReader(database) as reader:
        assert list(reader.runs.get(run).metrics) == ["dev", "hans:dev"]
        assert reader.predictions.count(reader.runs.evaluation(run, "hans:dev")) == 30


def _texts(example) -> tuple[str, str, int]:
    return example.premise, example.hypothesis, example.label


def _same_id(path: Path, run_id: str) -> None:
    _edit(path, "pragma foreign_keys = off", f"update runs set id = '{run_id}'")


def _edit(path: Path, *statements: str) -> None:
    with sqlite3.connect(path, isolation_level=None) as plain:
        for statement in statements:
            plain.execute(statement)


def test_another_run_of_the_same_id_is_refused(database: Path, other: Path) -> None:
    with StoreReader(database) as reader:
        _same_id(other, reader.runs.get("second").id)
    before = _rows(database)
    with StoreWriter(database) as writer, pytest.raises(NliError, match="is another one there"):
        writer.merge_from(other)
    assert _rows(database) == before


@pytest.mark.parametrize(
    "damage",
    [
        "update examples set premise = 'another text' where id = 3",
        "update examples set gold = (gold + 1) % 3 where id = 3",
        "update examples set key = '0123456789abcdef' where id = 3",
        "update examples set premise = x'00ff' where id = 3",
        "update examples set length = 1 where id = 3",
        "update predictions set correct = 1 - correct where id = 3",
        "update predictions set gold = (gold + 1) % 3 where id = 3",
        "update runs set name = char(27) || '[2J'",
    ],
)
def test_damage_there_is_refused_whole(database: Path, other: Path, damage: str) -> None:
    _edit(other, damage)
    before = counts(database)
    with StoreWriter(database) as writer, pytest.raises(NliError):
        writer.merge_from(other)
    assert counts(database) == before


def test_not_into_itself_nor_from_nothing(database: Path, tmp_path: Path) -> None:
    with StoreWriter(database) as writer:
        with pytest.raises(NliError, match="is this database"):
            writer.merge_from(database)
        with pytest.raises(NliError, match="there is no database"):
            writer.merge_from(tmp_path / "none.db")
        (tmp_path / "text.db").write_text("no database")
        with pytest.raises(NliError, match="not an SQLite database"):
            writer.merge_from(tmp_path / "text.db")
        (tmp_path / "quote's?.db").write_bytes(b"")
        with pytest.raises(NliError, match="is empty"):
            writer.merge_from(tmp_path / "quote's?.db")


def test_a_run_in_work_there_is_interrupted_here(writer: StoreWriter, tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "x.db") as there:
        there.create_run(name="r", objective="baseline", data="d", model="m")
    writer.merge_from(tmp_path / "x.db")
    with StoreReader(writer.path) as reader:
        assert reader.runs.get("r").status == "interrupted"


def test_merging_into_a_new_file_copies(database: Path, tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "new.db") as writer:
        writer.merge_from(database)
    assert counts(tmp_path / "new.db") == counts(database)
    assert _rows(tmp_path / "new.db") == _rows(database)
