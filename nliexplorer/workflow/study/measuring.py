"""What a study measures for every run: attributions of the same pairs, and faithfulness.

Errors differ from run to run, so attributions of a run's own errors could not be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nliexplorer.analysis.plausibility import whitespace_word_scores
from nliexplorer.analysis.shortcuts import artefact_share, label_words
from nliexplorer.attribution.agreement import plausibility_measures
from nliexplorer.attribution.faithfulness import CONTROL, measure_faithfulness
from nliexplorer.attribution.methods import attribute
from nliexplorer.errors import NliError
from nliexplorer.modeling.load import Classifier
from nliexplorer.progress import say
from nliexplorer.records import Attribution, EvaluationRef, Example, Run
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.workflow.attribute import attribute_run
from nliexplorer.workflow.run_models import load_run
from nliexplorer.workflow.splits import training_rows

#: Nodes of a study's attributions: completeness within about 1 % for the models met here.
STEPS = 20
_TOP = 20  # words of each label that count as artefacts where none are known


def measure_run(db: Path, run_id: str, attributed: int, judged: int, device: str = "auto") -> None:
    """Attribute the first pairs of the run's first split and store what they say in its summary."""
    with StoreReader(db) as reader:
        run = reader.runs.get(run_id)
    split = str(run.config["eval_splits"][0])
    say(f"{run.name}: measuring attributions on {split}")
    classifier = load_run(run, device)
    first = [(run_id, Filter(limit=attributed))]
    with StoreWriter(db) as writer:
        attribute_run(writer, db, run_id, classifier, split, first, label=run.name, steps=STEPS)
        examples, attributions = _attributions(db, run_id, split, attributed)
        values = {
            **_shares(run, examples, attributions),
            **_shapes(attributions),
            **_faithfulness(classifier, examples, judged),
            **_plausibility(classifier, db, run),
        }
        values |= {"attributed": attributed, "judged": judged}
        writer.finish_run(run_id, status="done", summary={"measures": values})


def _attributions(
    db: Path, run_id: str, split: str, count: int
) -> tuple[list[Example], list[Attribution]]:
    with StoreReader(db) as reader:
        rows = reader.predictions.arrays(EvaluationRef(run_id, split)).example_ids[:count]
        by_key = reader.attributions.of_pairs(run_id, keys := reader.examples.keys(rows))
        return reader.examples.by_id(rows), [by_key[key] for key in keys]


def _shares(
    run: Run, examples: Sequence[Example], attributions: Sequence[Attribution]
) -> dict[str, float | int | None]:
    """Share of |attribution| on artefact words of the hypothesis, and of the words themselves.

    The planted words where the corpus knows them, else the training set's give-away words.
    """
    if any(example.artefact for example in examples):
        rows = [
            _planted(*pair) for pair in zip(examples, attributions, strict=True) if pair[0].artefact
        ]
        share, even = np.mean(rows, axis=0).tolist()
        return {"artefact_share": share, "artefact_even": even, "artefact_pairs": len(rows)}
    from nliexplorer.config import TrainConfig

    rows_ = list(training_rows(TrainConfig().updated(dict(run.config), run.name)))
    try:
        words = label_words([e.hypothesis for e in rows_], [e.gold for e in rows_], top=_TOP)
    except NliError:
        return {}
    merged = [
        attribution.words(example.premise, example.hypothesis)
        for example, attribution in zip(examples, attributions, strict=True)
    ]
    share, n = artefact_share(merged, {word.word for word in words})
    return {"artefact_share": share, "artefact_pairs": n}


def _planted(example: Example, attribution: Attribution) -> tuple[float, float]:
    """(share of |attribution| on the planted words, their share of all words)."""
    premise, hypothesis = whitespace_word_scores(attribution, example.premise, example.hypothesis)
    total = float(np.abs(premise).sum() + np.abs(hypothesis).sum())
    planted = float(np.abs(hypothesis[list(example.artefact)]).sum())
    words = premise.size + hypothesis.size
    return planted / total if total > 0 else 0.0, len(example.artefact) / words


def _shapes(attributions: Sequence[Attribution]) -> dict[str, float | None]:
    """Mean variance over word tokens, as the penalty takes it, and mean |completeness delta|."""
    variances, deltas, hypothesis = [], [], []
    for attribution in attributions:
        scores = np.asarray(attribution.scores)
        segments = np.asarray(attribution.segments)
        variances.append(float(scores[segments != "special"].var()))
        if attribution.completeness_delta is not None:
            deltas.append(abs(attribution.completeness_delta))
        size = np.abs(scores)
        words = size[segments != "special"].sum()
        hypothesis.append(float(size[segments == "hypothesis"].sum() / words) if words else 0.0)
    return {
        "variance": float(np.mean(variances)),
        "completeness": float(np.mean(deltas)) if deltas else None,
        "hypothesis_share": float(np.mean(hypothesis)),
    }


def _faithfulness(
    classifier: Classifier, examples: Sequence[Example], count: int
) -> dict[str, Any]:
    """Of `count` pairs spread evenly over the attributed ones."""
    if not count:
        return {}
    indices = np.unique(np.linspace(0, len(examples) - 1, min(count, len(examples))).round())
    result = measure_faithfulness(classifier, [examples[int(i)] for i in indices], steps=STEPS)
    return {measure.name: measure.value for measure in result.measures}


def _plausibility(classifier: Classifier, db: Path, run: Run) -> dict[str, float]:
    """Of further sets whose words people marked (e-SNLI): means over annotators and sets."""
    marked: list[Example] = []
    with StoreReader(db) as reader:
        for split in sorted(set(run.metrics) - {str(run.config["eval_splits"][0])}):
            arrays = reader.predictions.arrays(EvaluationRef(run.id, split))
            rows = reader.examples.by_id(arrays.example_ids)
            marked += [example for example in rows if example.extra.get("highlights")]
    if not marked:
        return {}
    predicted = dict(attribute(classifier, marked, target="predicted", steps=STEPS))
    control = dict(attribute(classifier, marked, method=CONTROL, target="predicted"))
    measures = plausibility_measures(
        marked,
        [predicted[row].target for row in range(len(marked))],
        *([each[row] for row in range(len(marked))] for each in (predicted, control)),
    )
    values: dict[str, list[float]] = {}
    for measure in measures:
        name = measure.name.partition(" (")[0]
        for key, value in ((name, measure.value), (f"{name}, {CONTROL}", measure.control)):
            if value is not None:
                values.setdefault(key, []).append(value)
    return {name: float(np.mean(each)) for name, each in values.items()}
