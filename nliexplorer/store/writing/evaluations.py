"""Pairs, predictions, attributions and training dynamics."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from nliexplorer.errors import NliError
from nliexplorer.records import (
    NON_ENTAILMENT,
    Attribution,
    Example,
    Metrics,
    Prediction,
    example_key,
)
from nliexplorer.store.computed_columns import set_example_facts, set_fingerprint
from nliexplorer.store.connection import now, sqlite_errors
from nliexplorer.store.rows import (
    ATTRIBUTION_COLUMNS,
    EXAMPLE_COLUMNS,
    METRIC_COLUMNS,
    PREDICTION_COLUMNS,
    Statistics,
    attribution_values,
    enriched,
    example_values,
    insert_sql,
    prediction_values,
)
from nliexplorer.store.writing.base import BATCH, batches
from nliexplorer.store.writing.runs import RunsWriter
from nliexplorer.store.writing.split_names import SplitName, split_name

_ADD_EXAMPLE = (
    f"{insert_sql('examples', EXAMPLE_COLUMNS)} on conflict (key) do update {enriched('excluded')}"
)

_ADD_ANSWER = (
    "insert or replace into answers (prediction_id, answer, explanation) "
    "select id, ?, ? from predictions where evaluation_id = ? and position = ?"
)

#: (row id of the pair, attribution, "gold" | "predicted" | "label", its statistics)
AttributionItem = tuple[int, Attribution, str, Statistics | None]


class EvaluationsWriter(RunsWriter):
    """Pairs with their predictions, attributions and training dynamics."""

    def add_examples(self, examples: Iterable[Example]) -> list[int]:
        """Row ids in order. Call it once per split: a pair repeated in one call is kept twice."""
        ids: list[int] = []
        for batch in batches(_keyed(examples)):
            with self.transaction() as connection:
                values = [example_values(example, key) for key, example in batch]
                connection.executemany(_ADD_EXAMPLE, values)
                set_example_facts(connection)
                ids += _ids(connection, [key for key, _ in batch])
        return ids

    def split_name(
        self, run_id: str, split: str, examples: Iterable[Example], *, replace: bool = False
    ) -> SplitName:
        """What to store an evaluation of these pairs under; see `split_names.split_name`."""
        with self._lock, sqlite_errors(self.path):
            taken = "select 1 from evaluations where split = ? and complete limit 1"
            if self._connection.execute(taken, (split,)).fetchone() is None:
                return SplitName(split)
            keys = [key for key, _ in _keyed(examples)]
            return split_name(self._connection, run_id, split, keys, replace=replace)

    def begin_evaluation(self, run_id: str, split: str, *, classes: int = 3) -> int:
        """A new evaluation's id. An older one stays visible until this one is finished.

        `classes` is 2 where the predictions are those of a two-way head.
        """
        with self.transaction() as connection:
            left = "delete from evaluations where run_id = ? and split = ? and not complete"
            connection.execute(left, (run_id, split))
            row = connection.execute(
                "insert into evaluations (run_id, split, classes, created_at) values (?, ?, ?, ?)",
                (run_id, split, classes, now()),
            )
            self._touched(run_id)
            assert row.lastrowid is not None
            return row.lastrowid

    def add_predictions(
        self,
        evaluation_id: int,
        example_ids: Sequence[int],
        positions: Sequence[int],
        examples: Sequence[Example],
        predictions: Sequence[Prediction],
        *,
        two_label: bool | None = None,
    ) -> None:
        """Predictions of the pairs `examples`, stored as `example_ids`, at their `positions`.

        `two_label`: whether the whole set has two labels, where `examples` are a part of it.
        """
        if two_label is None:
            two_label = any(example.label == NON_ENTAILMENT for example in examples)
        sql = insert_sql("predictions", PREDICTION_COLUMNS, "insert or replace")
        rows_in_order = zip(example_ids, positions, examples, predictions, strict=True)
        for batch in batches(rows_in_order):
            rows = []
            answers = []
            for example_id, position, example, prediction in batch:
                _refuse_not_finite(position, prediction)
                row = evaluation_id, example_id, position, example, prediction
                rows.append(prediction_values(*row, two_label=two_label))
                if prediction.answer or prediction.explanation:
                    texts = prediction.answer, prediction.explanation
                    answers.append((*texts, evaluation_id, position))
            with self.transaction() as connection:
                connection.executemany(sql, rows)
                connection.executemany(_ADD_ANSWER, answers)
                connection.execute(
                    "update runs set updated_at = ? where id = "
                    "(select run_id from evaluations where id = ?)",
                    (now(), evaluation_id),
                )

    def finish_evaluation(self, evaluation_id: int, metrics: Metrics) -> None:
        """Make it visible, in place of an older one of the same run and split."""
        same = (
            "select old.id from evaluations old join evaluations new using (run_id, split) "
            "where new.id = ? and old.id <> new.id"
        )
        assignments = ", ".join(f"{column} = ?" for column in METRIC_COLUMNS)
        with self.transaction() as connection:
            connection.execute(
                f"update evaluations set complete = 0 where id in ({same})", (evaluation_id,)
            )
            changed = connection.execute(
                f"update evaluations set complete = 1, {assignments} where id = ?",
                (*metrics.as_dict().values(), evaluation_id),
            )
            if not changed.rowcount:
                raise NliError("the evaluation was removed meanwhile", "start it again")
            set_fingerprint(connection, evaluation_id)
        self._delete_predictions(same, evaluation_id)
        with self.transaction() as connection:
            connection.execute(f"delete from evaluations where id in ({same})", (evaluation_id,))

    def store_evaluation(
        self,
        run_id: str,
        split: str,
        examples: Sequence[Example],
        predictions: Sequence[Prediction],
        metrics: Metrics,
    ) -> list[int]:
        """A whole evaluation at once; returns the row ids of its pairs."""
        ids = self.add_examples(examples)
        two_way = any(
            each.predicted == NON_ENTAILMENT or len(each.probabilities or ()) == 2
            for each in predictions
        )
        evaluation_id = self.begin_evaluation(run_id, split, classes=2 if two_way else 3)
        self.add_predictions(evaluation_id, ids, range(len(ids)), examples, predictions)
        self.finish_evaluation(evaluation_id, metrics)
        return ids

    def add_attributions(self, run_id: str, items: Sequence[AttributionItem]) -> None:
        """Attributions of pairs; one with the same settings and target is replaced."""
        sql = insert_sql("attributions", ATTRIBUTION_COLUMNS, "insert or replace")
        for batch in batches(iter(items), BATCH // 4):
            try:
                rows = [attribution_values(run_id, *item) for item in batch]
            except ValueError as error:
                hint = "the model gives NaN or infinite logits; see its loss"
                raise NliError("an attribution is not finite", hint) from error
            with self.transaction() as connection:
                connection.executemany(sql, rows)
                self._touched(run_id)

    def add_dynamics(
        self,
        run_id: str,
        epoch: int,
        example_ids: Sequence[int],
        gold_probabilities: Sequence[float],
        correct: Sequence[bool],
    ) -> None:
        """What the model gave the gold label in training, pair by pair, in one epoch."""
        columns = ("run_id", "epoch", "example_id", "gold_probability", "correct")
        sql = insert_sql("dynamics", columns, "insert or replace")
        rows = (
            (run_id, epoch, int(i), float(p), int(c))
            for i, p, c in zip(example_ids, gold_probabilities, correct, strict=True)
        )
        for batch in batches(rows, 5 * BATCH):
            with self.transaction() as connection:
                connection.executemany(sql, batch)
                self._touched(run_id)


def _keyed(examples: Iterable[Example]) -> Iterator[tuple[str, Example]]:
    """(content address, pair); a pair met before in this call gets the next occurrence."""
    occurrences: Counter[str] = Counter()
    for example in examples:
        first = example_key(example.premise, example.hypothesis, example.label)
        occurrence = occurrences[first]
        occurrences[first] += 1
        key = first
        if occurrence:
            key = example_key(example.premise, example.hypothesis, example.label, occurrence)
        yield key, example


def _ids(connection: sqlite3.Connection, keys: list[str]) -> list[int]:
    marks = ",".join("?" * len(keys))
    known = dict(
        connection.execute(f"select key, id from examples where key in ({marks})", keys).fetchall()
    )
    return [known[key] for key in keys]


def _refuse_not_finite(position: int, prediction: Prediction) -> None:
    for values in (prediction.logits, prediction.probabilities):
        if values is not None and not all(map(math.isfinite, values)):
            raise NliError(
                f"the prediction of pair {position + 1} is not finite: {values}",
                "the model gives NaN or infinite logits; see its training loss",
            )
