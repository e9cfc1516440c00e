"""Records to rows and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Protocol

from nliexplorer.records import (
    Attribution,
    Example,
    ExampleRow,
    Metrics,
    Prediction,
    Run,
    StepRecord,
    Window,
    is_correct,
)

METRIC_COLUMNS = tuple(Metrics.__dataclass_fields__)
STEP_COLUMNS = tuple(StepRecord.__dataclass_fields__)
EXAMPLE_COLUMNS = (
    "key",
    "premise",
    "hypothesis",
    "gold",
    "length",
    "source_id",
    "annotator_labels",
    "premise_rationale",
    "hypothesis_rationale",
    "artefact",
    "extra",
)
PREDICTION_COLUMNS = (
    "evaluation_id",
    "example_id",
    "position",
    "gold",
    "length",
    "predicted",
    "correct",
    "confidence",
    "p_entailment",
    "p_neutral",
    "p_contradiction",
    "logit_entailment",
    "logit_neutral",
    "logit_contradiction",
    "p_non_entailment",
    "logit_non_entailment",
    "truncated",
    "window",
    "windows",
)
#: Columns of `attributions` that describe its shape.
SHAPE_COLUMNS = (
    "variance",
    "entropy",
    "gini",
    "premise_share",
    "hypothesis_share",
    "special_share",
)
STATISTIC_COLUMNS = (*SHAPE_COLUMNS, "top_word")
ATTRIBUTION_COLUMNS = (
    "run_id",
    "example_id",
    "method",
    "baseline",
    "steps",
    "target",
    "target_kind",
    "tokens",
    "segments",
    "word_ids",
    "spans",
    "scores",
    "completeness_delta",
    "truncated",
    *STATISTIC_COLUMNS,
    "window",
    "windows",
)


class Statistics(Protocol):
    """The shape of an attribution, as `analysis.attribution_stats` computes it."""

    @property
    def variance(self) -> float | None: ...
    @property
    def entropy(self) -> float | None: ...
    @property
    def gini(self) -> float | None: ...
    @property
    def premise_share(self) -> float | None: ...
    @property
    def hypothesis_share(self) -> float | None: ...
    @property
    def special_share(self) -> float | None: ...
    @property
    def top_word(self) -> str | None: ...


def insert_sql(table: str, columns: tuple[str, ...], verb: str = "insert") -> str:
    """`insert into table (columns) values (?, ...)`; names come from this module only."""
    marks = ", ".join("?" * len(columns))
    return f"{verb} into {table} ({', '.join(columns)}) values ({marks})"


def enriched(source: str) -> str:
    """`set … where …` of an update of `examples` by the columns of `source`, the same pair's.

    A pair met again brings only what was missing: another source may know more of it. Afterwards
    `set_example_facts` is due.
    """
    lists = ("annotator_labels", "premise_rationale", "hypothesis_rationale", "artefact")
    values = [f"{name} = coalesce(examples.{name}, {source}.{name})" for name in lists]
    values.append(f"extra = merged_columns(examples.extra, {source}.extra)")
    values.append("overlap = null")  # what follows from these is computed anew
    news = [f"(examples.{name} is null and {source}.{name} is not null)" for name in lists]
    news.append(f"({source}.extra is not null and {source}.extra is not examples.extra)")
    return f"set {', '.join(values)} where ({' or '.join(news)})"


def to_json(value: Any) -> str:
    """Compact JSON; NaN is refused (ValueError), since SQLite's JSON has none."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def example_values(example: Example, key: str) -> tuple[object, ...]:
    return (
        key,
        example.premise,
        example.hypothesis,
        example.label,
        example.length,
        example.source_id,
        *(
            to_json(value) if value else None
            for value in (
                example.annotator_labels,
                example.premise_rationale,
                example.hypothesis_rationale,
                example.artefact,
                dict(example.extra),
            )
        ),
    )


def example_from(row: sqlite3.Row) -> Example:
    lists = {
        name: tuple(json.loads(row[name])) if row[name] else ()
        for name in ("annotator_labels", "premise_rationale", "hypothesis_rationale", "artefact")
    }
    return Example(
        premise=row["premise"],
        hypothesis=row["hypothesis"],
        label=row["gold"],
        source_id=row["source_id"],
        extra=json.loads(row["extra"]) if row["extra"] else {},
        **lists,
    )


def prediction_values(
    evaluation_id: int,
    example_id: int,
    position: int,
    example: Example,
    prediction: Prediction,
    *,
    two_label: bool,
) -> tuple[object, ...]:
    predicted, gold = prediction.predicted, example.label
    p, p_non_entailment = _columns(prediction.probabilities)
    logits, logit_non_entailment = _columns(prediction.logits)
    truncated = prediction.truncated
    return (
        evaluation_id,
        example_id,
        position,
        gold,
        example.length,
        predicted,
        None if predicted is None or gold is None else int(is_correct(predicted, gold)),
        prediction.confidence(two_label=two_label),
        *p,
        *logits,
        p_non_entailment,
        logit_non_entailment,
        None if truncated is None else int(truncated),
        *_window_values(prediction.window),
    )


def _window_values(window: Window | None) -> tuple[int | None, int | None]:
    """(number from 0, count)"""
    return (None, None) if window is None else (window.number - 1, window.count)


def window_from(row: sqlite3.Row) -> Window | None:
    """The window of a prediction or an attribution."""
    return None if row["window"] is None else Window(row["window"] + 1, row["windows"])


def _columns(
    scores: tuple[float, ...] | None,
) -> tuple[tuple[float | None, ...], float | None]:
    """(those of LABELS, that of non-entailment) for three or two scores."""
    if scores is None:
        return (None, None, None), None
    return (scores, None) if len(scores) == 3 else ((scores[0], None, None), scores[1])


def _scores(row: sqlite3.Row, kind: str) -> tuple[float, ...] | None:
    """Three scores, two of a two-way head, or None; `kind` is "p" or "logit"."""
    two: tuple[float | None, ...] = (row[f"{kind}_entailment"], row[f"{kind}_non_entailment"])
    three = (two[0], row[f"{kind}_neutral"], row[f"{kind}_contradiction"])
    scores = three if two[1] is None else two
    return None if None in scores else tuple(float(score) for score in scores if score is not None)


def example_row_from(row: sqlite3.Row) -> ExampleRow:
    return ExampleRow(
        example_id=row["key"],
        premise=row["premise"],
        hypothesis=row["hypothesis"],
        gold=row["gold"],
        predicted=row["predicted"],
        correct=_flag(row["correct"]),
        confidence=row["confidence"],
        probabilities=_scores(row, "p"),
        logits=_scores(row, "logit"),
        length=row["length"],
        position=row["position"],
        tags=tuple(json.loads(row["tags"])) if row["tags"] else (),
        answer=row["answer"] or "",
        explanation=row["explanation"] or "",
        truncated=_flag(row["truncated"]),
        window=window_from(row),
        extra=json.loads(row["extra"]) if row["extra"] else {},
        annotator_labels=tuple(json.loads(row["annotator_labels"] or "[]")),
    )


def _flag(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def metrics_from(row: sqlite3.Row) -> Metrics:
    return Metrics(**{name: row[name] for name in METRIC_COLUMNS})


def step_from(row: sqlite3.Row) -> StepRecord:
    return StepRecord(**{name: row[name] for name in STEP_COLUMNS})


def run_from(row: sqlite3.Row, metrics: Mapping[str, Metrics]) -> Run:
    return Run(
        id=row["id"],
        name=row["name"],
        objective=row["objective"],
        status=row["status"],
        data=row["data"],
        model=row["model"],
        seed=row["seed"],
        created_at=row["created_at"],
        train_seconds=row["train_seconds"],
        config=json.loads(row["config"]),
        command=row["command"],
        summary=json.loads(row["summary"]),
        checkpoint=row["checkpoint"],
        metrics=metrics,
    )


def attribution_values(
    run_id: str,
    example_id: int,
    attribution: Attribution,
    target_kind: str,
    statistics: Statistics | None,
) -> tuple[object, ...]:
    return (
        run_id,
        example_id,
        attribution.method,
        attribution.baseline,
        attribution.steps,
        attribution.target,
        target_kind,
        to_json(attribution.tokens),
        to_json(attribution.segments),
        to_json(attribution.word_ids),
        to_json(attribution.spans),
        to_json([float(f"{score:.7g}") for score in attribution.scores]),
        attribution.completeness_delta,
        int(attribution.truncated),
        *(getattr(statistics, name) if statistics else None for name in STATISTIC_COLUMNS),
        *_window_values(attribution.window),
    )


def attribution_from(row: sqlite3.Row) -> Attribution:
    return Attribution(
        tokens=tuple(json.loads(row["tokens"])),
        segments=tuple(json.loads(row["segments"])),
        word_ids=tuple(json.loads(row["word_ids"])),
        spans=tuple((start, end) for start, end in json.loads(row["spans"])),
        scores=tuple(json.loads(row["scores"])),
        target=row["target"],
        method=row["method"],
        baseline=row["baseline"],
        steps=row["steps"],
        completeness_delta=row["completeness_delta"],
        truncated=bool(row["truncated"]),
        window=window_from(row),
    )
