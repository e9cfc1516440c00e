"""Runs by name, pairs side by side."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from nliexplorer.errors import NliError
from nliexplorer.records import EvaluationRef, Prediction
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.databases import add_run, metrics, pairs, predictions


def test_a_run_is_named_in_four_ways(reader: StoreReader) -> None:
    newest, oldest = reader.runs.all()
    assert (newest.name, oldest.name) == ("second", "first")
    assert (
        reader.runs.get(newest.id)
        == reader.runs.get("second")
        == reader.runs.get("latest")
        == newest
    )
    prefix = next(newest.id[:k] for k in range(1, 9) if not oldest.id.startswith(newest.id[:k]))
    assert reader.runs.get(prefix.upper()) == newest


@pytest.mark.parametrize("ref", ["third", "", "%", "_", "zz", "0" * 8, "first'--"])
def test_an_unknown_run_lists_the_known(reader: StoreReader, ref: str) -> None:
    with pytest.raises(NliError, match=r"there is no run.*\n.*\(second\).*\(first\)"):
        reader.runs.get(ref)


def test_an_ambiguous_prefix_lists_its_runs(writer: StoreWriter) -> None:
    for i in range(20):
        writer.create_run(name=f"r{i}", objective="baseline", data="d", model="m")
    with StoreReader(writer.path) as reader:
        first = [run.id[0] for run in reader.runs.all()]
        common = max(first, key=first.count)
        with pytest.raises(NliError, match="begins several run ids"):
            reader.runs.get(common)


def test_no_run_at_all(writer: StoreWriter) -> None:
    with (
        StoreReader(writer.path) as reader,
        pytest.raises(NliError, match=r"has none\n.*nliexplorer demo"),
    ):
        reader.runs.get("latest")


def test_an_epoch_that_ended_early_does_not_empty_the_dynamics(database: Path) -> None:
    with StoreWriter(database) as writer, StoreReader(database) as reader:
        run = reader.runs.get("first").id
        assert reader.dynamics.pairs(run) is None
        ids = writer.add_examples(pairs(5, seed=9))
        for epoch, kept in ((1, 5), (2, 5), (3, 2)):
            chances = [epoch / 10 + row / 100 for row in range(kept)]
            writer.add_dynamics(run, epoch, ids[:kept], chances, [epoch == 2] * kept)
        result = reader.dynamics.pairs(run)
        assert result is not None
        assert result.example_ids.tolist() == sorted(ids)
        np.testing.assert_allclose(result.gold_probability[:, 0], [0.1, 0.2])
        assert result.correct.tolist() == [[False] * 5, [True] * 5]


def test_splits(database: Path) -> None:
    with StoreWriter(database) as writer, StoreReader(database) as reader:
        run = reader.runs.get("first").id
        examples = pairs(5, seed=9)
        model_predictions = predictions(examples, 1)
        writer.store_evaluation(
            run, "hans:dev", examples, model_predictions, metrics(examples, model_predictions)
        )
        assert list(reader.runs.get(run).metrics) == ["dev", "hans:dev"]
        assert reader.runs.evaluation(run).split == "dev"
        assert reader.predictions.count(reader.runs.evaluation(run, "hans:dev")) == 5
        assert set(reader.runs.get(run).metrics) == {"dev", "hans:dev"}
        with pytest.raises(NliError, match="it has: dev, hans:dev"):
            reader.predictions.count(reader.runs.evaluation(run, "test"))


def test_arrays_hold_what_the_rows_hold(reader: StoreReader) -> None:
    run = reader.runs.get("first").id
    rows, arrays = (
        reader.predictions.rows(reader.runs.evaluation(run)),
        reader.predictions.arrays(reader.runs.evaluation(run)),
    )
    assert arrays.gold.tolist() == [r.gold for r in rows]
    assert arrays.correct.tolist() == [r.correct for r in rows]
    assert arrays.length.tolist() == [r.length for r in rows]
    assert arrays.probabilities is not None
    assert arrays.logits is not None
    np.testing.assert_array_equal(arrays.probabilities, [r.probabilities for r in rows])
    np.testing.assert_array_equal(arrays.logits, [r.logits for r in rows])
    assert reader.examples.keys(arrays.example_ids) == [r.example_id for r in rows]
    assert reader.examples.texts(arrays.example_ids)[0] == [r.premise for r in rows]
    assert reader.predictions.rows_by_id(arrays.ids[::-1]) == rows[::-1]
    wrong = reader.predictions.arrays(reader.runs.evaluation(run), Filter.of({"is": "wrong"}))
    assert len(wrong) == sum(not r.correct for r in rows)
    assert (
        len(reader.predictions.arrays(reader.runs.evaluation(run), Filter.of({"text": "nowhere"})))
        == 0
    )


def test_labels_alone(writer: StoreWriter) -> None:
    run = writer.create_run(name="x", objective="imported", data="d", model="?").id
    examples = pairs(6)
    inputs = [Prediction(i % 3) for i in range(6)]
    writer.store_evaluation(run, "dev", examples, inputs, metrics(examples, inputs))
    with StoreReader(writer.path) as reader:
        arrays = reader.predictions.arrays(reader.runs.evaluation(run))
        assert arrays.probabilities is None
        assert arrays.logits is None
        assert arrays.predicted.tolist() == [0, 1, 2, 0, 1, 2]
        for sort in ("confidence", "-confidence"):
            paged, page = (
                [],
                reader.predictions.page(
                    reader.runs.evaluation(run), Filter.of({}, sort=sort), limit=4
                ),
            )
            while page.next is not None:
                paged += page.rows
                page = reader.predictions.page(
                    reader.runs.evaluation(run), Filter.of({}, sort=sort), after=page.next, limit=4
                )
            assert len(paged + page.rows) == 6


def _answers(kind: str, number: int) -> Prediction:
    """Of four pairs; `some logits`: the last lacks them."""
    z, p = (0.5, 1.5, -1.0), (0.25, 0.5, 0.25)
    match kind:
        case "both":
            return Prediction(1, z, p)
        case "some logits":
            return Prediction(1, z if number < 3 else None, p)
        case "probabilities":
            return Prediction(1, None, p)
        case "two-way":
            return Prediction(0, (1.0, -1.0), (0.75, 0.25))
    return Prediction(1)


@pytest.mark.parametrize("kind", ["both", "some logits", "probabilities", "two-way", "labels"])
def test_one_kind_of_scores_is_enough_where_all_pairs_have_it(
    writer: StoreWriter, kind: str
) -> None:
    run = writer.create_run(name="x", objective="imported", data="d", model="?").id
    examples = pairs(4)
    answers = [_answers(kind, number) for number in range(4)]
    writer.store_evaluation(run, "dev", examples, answers, metrics(examples, answers))
    with StoreReader(writer.path) as reader:
        evaluation = reader.runs.evaluation(run)
        every = reader.predictions.arrays(evaluation)
        one = reader.predictions.arrays(evaluation, every_score=False)
    for name in ("logits", "probabilities"):
        scores = [getattr(answer, name) for answer in answers]
        array = getattr(every, name)
        assert (array is None) == (None in scores)
        if array is not None:
            np.testing.assert_array_equal(array, scores)
    assert (one.logits is None) == (every.logits is None)
    if one.logits is None:
        assert (one.probabilities is None) == (every.probabilities is None)
    else:
        assert one.probabilities is None
        np.testing.assert_array_equal(one.logits, every.logits)
    assert one.two_way == every.two_way == (kind == "two-way")


def test_paired_counts_what_one_lacks(database: Path) -> None:
    examples = pairs(200)
    with StoreWriter(database) as writer:
        some = [*reversed(examples[:150]), *pairs(10, seed=5)]
        add_run(writer, "partial", some, 3, split="other:dev")
    with StoreReader(database) as reader:
        first, partial = reader.runs.get("first").id, reader.runs.get("partial").id
        a, b, only_a, only_b = reader.predictions.paired(
            reader.runs.evaluation(first), reader.runs.evaluation(partial)
        )
        assert (len(a), len(b), only_a) == (150, 150, 50)
        assert only_b == 10
        np.testing.assert_array_equal(a.example_ids, b.example_ids)
        whole = reader.predictions.arrays(reader.runs.evaluation(first)).example_ids
        np.testing.assert_array_equal(a.example_ids, whole[:150])
        expected = reader.predictions.rows(reader.runs.evaluation(partial))
        by_key = {row.example_id: row.predicted for row in expected}
        keys = reader.examples.keys(b.example_ids)
        assert b.predicted.tolist() == [by_key[key] for key in keys]
        fixed = reader.predictions.count(
            reader.runs.evaluation(first), Filter.of({"fixed-by": "partial"})
        )
        assert fixed == int((~a.correct & b.correct).sum())


def test_runs_without_common_pairs(database: Path) -> None:
    with StoreWriter(database) as writer:
        add_run(writer, "elsewhere", pairs(10, seed=77), 3, split="dev")
    with StoreReader(database) as reader:
        here, there = reader.runs.evaluation("first"), reader.runs.evaluation("elsewhere")
        with pytest.raises(NliError, match="no pair in common"):
            reader.predictions.paired(here, there)
        with pytest.raises(NliError, match=r"no pair in common .*\n.*evaluated on: dev"):
            reader.runs.counterpart(here, "elsewhere")


def test_pairs_by_id(reader: StoreReader) -> None:
    run = reader.runs.get("first").id
    row = reader.predictions.rows(reader.runs.evaluation(run))[5]
    assert reader.predictions.row(reader.runs.evaluation(run), row.example_id) == row
    assert reader.predictions.row(reader.runs.evaluation(run), "0" * 16) is None
    with pytest.raises(NliError, match=r"not evaluated on 'test'\nit has: dev"):
        reader.predictions.row(EvaluationRef(run, "test"), row.example_id)
    with pytest.raises(NliError, match="no example id"):
        reader.examples.get("xyz")
    with pytest.raises(NliError, match="there is no pair"):
        reader.examples.get("0" * 16)
    digits = [r.example_id[0] for r in reader.predictions.rows(reader.runs.evaluation(run))]
    with pytest.raises(NliError, match="begins several"):
        reader.examples.get(max(digits, key=digits.count))


def test_a_reader_a_thread(database: Path) -> None:
    counts: list[int] = []
    with StoreReader(database) as reader:

        def work() -> None:
            with reader.clone() as own:
                counts.append(own.predictions.count(own.runs.evaluation("first")))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counts == [200] * 4


def test_checkpoints_move_with_the_database(tmp_path: Path) -> None:
    home = tmp_path / "gpu"
    home.mkdir()
    with StoreWriter(home / "runs.db") as writer:
        run = writer.create_run(name="a", objective="baseline", data="planted", model="tiny")
        writer.finish_run(run.id, status="done", checkpoint=str(home / "checkpoints" / run.id))
        other = writer.create_run(name="b", objective="baseline", data="planted", model="tiny")
        writer.finish_run(other.id, status="done", checkpoint="/models/b")
    laptop = home.rename(tmp_path / "laptop")
    with StoreReader(laptop / "runs.db") as reader:
        assert Path(reader.runs.get("a").checkpoint) == laptop / "checkpoints" / run.id
        assert reader.runs.get("b").checkpoint == "/models/b"
