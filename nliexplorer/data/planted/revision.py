"""Counterfactual revisions of planted pairs: the few words changed that make another label true."""

from __future__ import annotations

from random import Random

from nliexplorer.data.planted.clause import Clause
from nliexplorer.data.planted.natural_logic import infer_label
from nliexplorer.data.planted.operations import OPERATIONS, Decision
from nliexplorer.records import LABELS

_TRIES = 20


def revise(
    label: int,
    decision: Decision,
    premise: Clause,
    hypothesis: Clause,
    artefact: tuple[str, ...],
    rng: Random,
) -> tuple[int, str, Decision, Clause] | None:
    """(new label, operation, decision, clause) of a revised hypothesis; None where none was drawn.

    The old decision is undone and another one takes its place; whatever else the hypothesis says
    stays, its artefact too, so that the artefact speaks for the old label and against the new one
    alike (as in Kaushik et al. 2020, who asked for no needless change).
    """
    plain = {slot: getattr(premise, slot) for slot in decision.changes}
    base = hypothesis.changed(plain)
    for _ in range(_TRIES):
        target = (label + rng.choice((1, 2))) % len(LABELS)
        operations = [op for op in OPERATIONS if op.label == target]
        operation = rng.choices(operations, [op.weight for op in operations])[0]
        decisions = list(operation.apply(premise.filled()))
        if not decisions:
            continue
        new = rng.choice(decisions)
        revised = base.changed(new.changes)
        untouched = not set(new.changes) & set(artefact)
        if untouched and revised != hypothesis and infer_label(premise, revised) == target:
            return target, operation.name, new, revised
    return None
