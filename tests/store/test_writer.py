"""What is written is what is read; nothing twice, nothing half."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path

import pytest

from nliexplorer.errors import NliError
from nliexplorer.records import Example, Metrics, Prediction, StepRecord, example_key
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.databases import add_run, metrics, pairs, predictions, two_runs, whole_words


def _run(writer: StoreWriter, name: str = "a") -> str:
    return writer.create_run(name=name, objective="baseline", data="d", model="m", seed=1).id


def test_a_whole_run_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    examples = pairs(30)
    model_predictions = predictions(examples, 3)
    with StoreWriter(path) as writer:
        run = writer.create_run(
            name="mine",
            objective="ig-variance",
            data="snli",
            model="tiny",
            seed=7,
            config={"lambda": 0.1},
            command="nliexplorer train",
            summary={"dropped": {"no label": 3}},
            total_steps=10,
        )
        assert run.status == "running"
        steps = [StepRecord(i, 0.1 * i, 1.0, 1.1, 1e-5, variance=0.2) for i in range(1, 4)]
        writer.add_steps(run.id, steps[:2])
        writer.add_steps(run.id, steps[1:])  # a resumed run repeats a step
        figures = Metrics(30, 0.5, 0.6, 0.7, 0.8, 0.9, 0.1, 2.0)
        writer.add_validation(run.id, 2, 0.2, figures)
        writer.store_evaluation(run.id, "dev", examples, model_predictions, figures)
        writer.finish_run(
            run.id, status="done", train_seconds=3.0, checkpoint="c", summary={"torch": "2.6"}
        )
    with StoreReader(path) as reader:
        stored = reader.runs.get("mine")
        assert (stored.status, stored.train_seconds, stored.seed) == ("done", 3.0, 7)
        assert stored.config == {"lambda": 0.1}
        assert stored.summary == {"dropped": {"no label": 3}, "torch": "2.6"}
        assert stored.metrics == {"dev": figures}
        assert reader.dynamics.steps(run.id) == steps
        assert reader.dynamics.steps(run.id, after=2) == steps[2:]
        assert reader.dynamics.validations(run.id) == [(2, 0.2, figures)]
        assert reader.dynamics.progress(run.id)[:2] == (3, 10)
        rows = reader.predictions.rows(reader.runs.evaluation(run.id))
        assert [row.premise for row in rows] == [e.premise for e in examples]
        assert [row.logits for row in rows] == [p.logits for p in model_predictions]
        assert [row.probabilities for row in rows] == [p.probabilities for p in model_predictions]
        assert [row.confidence for row in rows] == [p.confidence() for p in model_predictions]
        assert [row.correct for row in rows] == [
            p.predicted == e.label for e, p in zip(examples, model_predictions, strict=True)
        ]
        first = examples[0]
        assert rows[0].example_id == example_key(first.premise, first.hypothesis, first.label)
        assert reader.examples.get(rows[0].example_id[:12]).example == first


def test_pairs_are_stored_once_and_repeats_are_kept(writer: StoreWriter) -> None:
    a, b = Example("p", "h", 0), Example("p", "h", 1)
    first = writer.add_examples([a, b, a, a])
    assert len(set(first)) == 4
    assert writer.add_examples([a, b, a]) == first[:3]
    known = Example("p", "h", 0, annotator_labels=(0, 0, 1), extra={"heuristic": "overlap"})
    assert writer.add_examples([known]) == first[:1]
    with StoreReader(writer.path) as reader:
        [stored] = reader.examples.by_id(first[:1])
        assert stored.annotator_labels == (0, 0, 1)
        assert stored.extra == {"heuristic": "overlap"}


def test_a_taken_name_is_refused_with_a_free_one(writer: StoreWriter) -> None:
    _run(writer, "mine")
    _run(writer, "mine-2")
    with pytest.raises(NliError, match="mine-3"):
        _run(writer, "mine")
    other = _run(writer, "other")
    with pytest.raises(NliError, match="exists already"):
        writer.rename_run(other, "mine")
    writer.rename_run(other, "other")
    writer.rename_run(other, "better")
    with StoreReader(writer.path) as reader:
        assert {run.name for run in reader.runs.all()} == {"mine", "mine-2", "better"}


def test_automatic_names_differ(writer: StoreWriter) -> None:
    names = [
        writer.create_run(name="", objective="ig-variance", data="d", model="m").name
        for _ in range(3)
    ]
    assert len(set(names)) == 3
    assert all(name.startswith("ig-variance-") for name in names)
    assert [name.rsplit("-", 1)[1] for name in names] == ["0", "1", "2"]


@pytest.mark.parametrize("name", ["latest", "-x", " ", "a\nb", "\x1b[31m", "x" * 201, "\ud800"])
def test_names_that_cannot_be_called(writer: StoreWriter, name: str) -> None:
    with pytest.raises(NliError, match="cannot be a run's name"):
        _run(writer, name)


def test_an_evaluation_counts_once_it_is_finished(writer: StoreWriter) -> None:
    run = _run(writer)
    examples = pairs(10)
    old = predictions(examples, 1)
    ids = writer.store_evaluation(run, "dev", examples, old, metrics(examples, old))
    new = predictions(examples, 2)
    again = writer.begin_evaluation(run, "dev")
    writer.add_predictions(again, ids[:5], range(5), examples[:5], new[:5])
    with StoreReader(writer.path) as reader:
        assert [r.logits for r in reader.predictions.rows(reader.runs.evaluation(run))] == [
            p.logits for p in old
        ]
        writer.add_predictions(again, ids[5:], range(5, 10), examples[5:], new[5:])
        writer.finish_evaluation(again, metrics(examples, new))
        assert [r.logits for r in reader.predictions.rows(reader.runs.evaluation(run))] == [
            p.logits for p in new
        ]
        assert list(reader.runs.get(run).metrics) == ["dev"]
    count = writer._connection.execute("select count(*) from predictions").fetchone()[0]
    assert count == 10


def test_a_half_written_evaluation_is_not_shown(writer: StoreWriter) -> None:
    run = _run(writer)
    examples = pairs(4)
    evaluation = writer.begin_evaluation(run, "dev")
    ids = writer.add_examples(examples)
    writer.add_predictions(evaluation, ids, range(4), examples, predictions(examples, 1))
    with StoreReader(writer.path) as reader:
        assert list(reader.runs.get(run).metrics) == []
        with pytest.raises(NliError, match="no predictions yet"):
            reader.predictions.rows(reader.runs.evaluation(run))
    writer.begin_evaluation(run, "dev")
    assert writer._connection.execute("select count(*) from predictions").fetchone()[0] == 0


def test_numbers_that_are_none_are_refused(writer: StoreWriter) -> None:
    run = _run(writer)
    examples = pairs(2)
    ids = writer.add_examples(examples)
    evaluation = writer.begin_evaluation(run, "dev")
    good = Prediction(0, (1.0, 0.0, 0.0), (0.6, 0.2, 0.2))
    for bad in (Prediction(0, (math.nan, 0.0, 0.0)), Prediction(0, None, (math.inf, 0.0, 0.0))):
        with pytest.raises(NliError, match="pair 2 is not finite"):
            writer.add_predictions(evaluation, ids, range(2), examples, [good, bad])
    assert writer._connection.execute("select count(*) from predictions").fetchone()[0] == 0
    broken = whole_words(examples[0])
    object.__setattr__(broken, "scores", (math.nan,) * len(broken.scores))
    with pytest.raises(NliError, match="not finite"):
        writer.add_attributions(run, [(ids[0], broken, "gold", None)])


def test_half_a_surrogate_pair_is_refused(writer: StoreWriter) -> None:
    with pytest.raises(NliError, match="not Unicode"):
        writer.add_examples([Example("fine", "fine", 0), Example("\ud800", "h", 0)])
    assert writer._connection.execute("select count(*) from examples").fetchone()[0] == 0
    assert writer.add_examples([Example("nul \x00 and 猫\u202e", "", 2)]) == [1]


def test_an_evaluation_removed_meanwhile_is_told(writer: StoreWriter) -> None:
    run = _run(writer)
    examples = pairs(2)
    ids = writer.add_examples(examples)
    evaluation = writer.begin_evaluation(run, "dev")
    writer.set_status(run, "failed")
    writer.delete_run(run)
    with pytest.raises(NliError, match="removed meanwhile"):
        writer.add_predictions(evaluation, ids, [0, 1], examples, predictions(examples, 1))
    with pytest.raises(NliError, match="removed meanwhile"):
        writer.finish_evaluation(evaluation, Metrics(2, 0.5))


def test_removing_a_run_leaves_the_other_and_what_people_said(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    a, b = two_runs(path, 50)
    with StoreWriter(path) as writer:
        own = [Example("only here", "h", 0), Example("tagged", "h", 0)]
        third, _ = add_run(writer, "third", own, 3, split="other")
        writer.tag(example_key("tagged", "h", 0), "odd")
        writer.delete_run(third.id)
        writer.delete_run(a.id)
    with StoreReader(path) as reader:
        assert [run.id for run in reader.runs.all()] == [b.id]
        assert reader.predictions.count(reader.runs.evaluation(b.id)) == 50
    with sqlite3.connect(path) as plain:
        assert plain.execute("select count(*) from examples").fetchone()[0] == 51
        assert plain.execute("pragma foreign_key_check").fetchall() == []
        assert plain.execute("select count(*) from predictions").fetchone()[0] == 50
        plain.execute("insert into examples_fts (examples_fts) values ('integrity-check')")


def test_pairs_of_a_run_in_work_are_not_pruned(writer: StoreWriter) -> None:
    _run(writer, "training now")
    writer.add_examples(pairs(3))
    done = _run(writer, "done")
    writer.finish_run(done, status="done")
    writer.delete_run(done)
    assert writer._connection.execute("select count(*) from examples").fetchone()[0] == 3


def test_tags_notes_filters(database: Path) -> None:
    with StoreWriter(database) as writer, StoreReader(database) as reader:
        key = reader.predictions.rows(reader.runs.evaluation(reader.runs.all()[0].id))[0].example_id
        writer.tag(key, "odd")
        writer.tag(key, "odd")
        writer.tag(key, "label error")
        writer.set_note(key, "first")
        writer.set_note(key, "second")
        writer.save_filter("hard", "wrong conf:>0.9")
        assert reader.annotations.tags(key) == ("label error", "odd")
        assert reader.annotations.all_tags() == {"label error": 1, "odd": 1}
        assert reader.annotations.note(key) == "second"
        assert reader.annotations.filters() == {"hard": "wrong conf:>0.9"}
        assert reader.predictions.rows(reader.runs.evaluation(reader.runs.all()[0].id))[0].tags == (
            "label error",
            "odd",
        )
        writer.untag(key, "odd")
        writer.set_note(key, "")
        writer.delete_filter("hard")
        assert (
            reader.annotations.tags(key),
            reader.annotations.note(key),
            reader.annotations.filters(),
        ) == (("label error",), "", {})
        with pytest.raises(NliError, match="there is no pair"):
            writer.tag("0" * 16, "x")
        with pytest.raises(NliError, match="cannot be a tag"):
            writer.tag(key, "\x1b[2J")


def test_attributions_come_back(writer: StoreWriter) -> None:
    run = _run(writer)
    example = Example("A dog runs.", "The dog is sleeping.", 2)
    [row] = writer.add_examples([example])
    key = example_key(example.premise, example.hypothesis, example.label)
    gold, guess = whole_words(example, 1), whole_words(example, 2, target=0)
    writer.add_attributions(run, [(row, gold, "gold", None), (row, guess, "predicted", None)])
    with StoreReader(writer.path) as reader:
        assert reader.attributions.any(run)
        assert reader.attributions.get(run, key) == gold
        assert reader.attributions.of_pairs(run, [key]) == {key: gold}
        assert reader.attributions.get(run, key, target_kind="predicted") == guess
        assert reader.attributions.get(run, key, method="saliency") is None
        arguments = {"method": "integrated-gradients", "baseline": "zero", "steps": 10}
        assert reader.attributions.done(run, **arguments, target_kind="gold") == {row}
        assert reader.attributions.done(run, **arguments, target_kind="label") == set()
        again = whole_words(example, 3)
        writer.add_attributions(run, [(row, again, "gold", None)])
        assert reader.attributions.get(run, key) == again


def test_compact_leaves_one_file(database: Path) -> None:
    with StoreWriter(database) as writer:
        writer.compact(single_file=True)
    assert [p.name for p in database.parent.iterdir()] == ["runs.db"]
    with StoreReader(database) as reader:
        assert len(reader.runs.all()) == 2
    assert [p.name for p in database.parent.iterdir()] == ["runs.db"]
