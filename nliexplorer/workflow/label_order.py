"""Notes for runs whose assumed label order fits the predictions far worse than another."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from nliexplorer.analysis.label_order import better_order
from nliexplorer.data.labels import parse_labels, statement
from nliexplorer.data.source_spec import parse_spec
from nliexplorer.records import LABELS, EvaluationRef, Run
from nliexplorer.run_summary import label_basis_key
from nliexplorer.store.reader import StoreReader

#: The command that states an order, for the names in that order.
State = Callable[[Sequence[str]], str]
ASSUMED = {"convention", "label column"}  # neither stated nor proved


def permutation_note(
    gold: Sequence[int],
    predicted: Sequence[int],
    *,
    gold_order: State | None = None,
    model_order: State | None = None,
) -> str:
    """One line with the command that states the other order; "" where the assumed one fits.

    gold, predicted: [n]. `gold_order` and `model_order` make that command; None where the order
    of that side is proved.
    """
    if not (gold_order or model_order):
        return ""
    better = better_order(gold, predicted)
    if better is None:
        return ""
    parts = []
    if gold_order:
        names = [LABELS[index] for index in better.meaning]
        parts.append(f"if the data numbers its labels so: {gold_order(names)}")
    if model_order:
        names = [LABELS[better.meaning.index(index)] for index in range(3)]
        parts.append(f"if the model numbers its classes so: {model_order(names)}")
    return (
        f"the order of the labels is likely wrong: accuracy is {better.accuracy:.1%} as they are "
        f"read, {better.other_accuracy:.1%} in another order ({better.n} pairs); "
        + "; ".join(parts)
    )


def import_orders(
    command: str, gold_basis: str, model_basis: str, model_names: Sequence[str]
) -> tuple[State | None, State | None]:
    """The commands that state another order of an imported file's labels, and of its model's
    classes; None for what is proved. `model_names`: the order the model's are read in.

    A statement about the labels alone would move the model's numbers along with them.
    """
    model = statement(f"{command} --predicted-labels ", model_names)
    return (
        (lambda names: statement(f"{model} --labels ", names)) if gold_basis in ASSUMED else None,
        (lambda names: statement(f"{command} --predicted-labels ", _renamed(model_names, names)))
        if model_basis in ASSUMED
        else None,
    )


def _renamed(outputs: Sequence[str], names: Sequence[str]) -> list[str]:
    """`outputs`, each class in place of which `names` has another."""
    return [names[LABELS.index(output)] for output in outputs]


def head_of(run: Run, source: str, split: str) -> State | None:
    """`nliexplorer evaluate 'MODEL?labels=a,b,c' --data SOURCE`, where the order of the outputs of
    a run's model was stated and not named by the model itself; None elsewhere.
    """
    outputs = parse_labels(str(run.config.get("labels") or "e,n,c"))
    three = set(outputs) == set(outputs.values()) == {0, 1, 2}
    if not (three and run.config.get("labels")):
        return None
    stated = [LABELS[outputs[position]] for position in range(3)]

    def command(names: Sequence[str]) -> str:
        model = f"{run.model.partition('?')[0]}?labels={','.join(_renamed(stated, names))}"
        return shlex.join(["nliexplorer", "evaluate", model, "--data", source, "--split", split])

    return command


def source_of(run: str, source: str, split: str) -> State:
    """`nliexplorer evaluate RUN --data 'SOURCE?labels=a,b,c' --split SPLIT`."""
    prefix = parse_spec(source, ()).prefix("labels")

    def command(names: Sequence[str]) -> str:
        words = ["nliexplorer", "evaluate", run, "--data", prefix + ",".join(names)]
        return shlex.join([*words, "--split", split])

    return command


def basis_of(
    gold: str, *, predicted: str = "", source: str = "", split: str = ""
) -> dict[str, str]:
    """What a run's summary keeps under `label_basis_key`, for `stored_notes`."""
    return {"gold": gold, "predicted": predicted, "source": source, "split": split}


def stored_notes(reader: StoreReader, runs: Iterable[Run]) -> Iterator[tuple[Run, str]]:
    """The notes on every evaluation of these runs whose labels or classes rest on convention."""
    for run in runs:
        for evaluation in reader.runs.evaluations(run.id):
            if note := _stored_note(reader, run, evaluation):
                yield run, f"{evaluation.split}: {note}"


def _stored_note(reader: StoreReader, run: Run, evaluation: EvaluationRef) -> str:
    basis: Any = run.summary.get(label_basis_key(evaluation.split))
    if not isinstance(basis, dict):
        return ""
    gold_order: State | None
    model_order: State | None
    if source := str(basis.get("source") or ""):
        split = str(basis.get("split"))
        gold_order = source_of(run.name, source, split) if basis["gold"] in ASSUMED else None
        model_order = head_of(run, source, split)
    else:
        names = run.summary.get("score_order") or LABELS
        bases = str(basis.get("gold")), str(basis.get("predicted"))
        gold_order, model_order = import_orders(run.command, *bases, names)
    if not (gold_order or model_order):
        return ""
    arrays = reader.predictions.arrays(evaluation)
    return permutation_note(
        arrays.gold.tolist(),
        arrays.predicted.tolist(),
        gold_order=gold_order,
        model_order=model_order,
    )
