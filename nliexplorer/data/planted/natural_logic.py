"""The label of a hypothesis, derived from the two clauses alone: natural logic over slots.

Generation does not use it. It is the independent check that every label is true.
"""

from __future__ import annotations

from enum import Enum

from nliexplorer.data.planted.clause import SLOTS, Clause
from nliexplorer.data.planted.modifiers import (
    AT_LEAST,
    NUMBERS,
    OUTDOORS,
    PLACES,
    QUALITIES,
    SYNONYMS,
    TIMES,
    VAGUE,
    is_outdoors,
)
from nliexplorer.data.planted.nouns import NOUNS
from nliexplorer.data.planted.taxonomy import Taxonomy
from nliexplorer.data.planted.verbs import PARTICIPLES, VERB_SYNONYMS, VERBS
from nliexplorer.records import CONTRADICTION, ENTAILMENT, NEUTRAL


class Relation(Enum):
    """What a premise's word says of a hypothesis's word in the same slot."""

    ENTAILS = ENTAILMENT
    UNKNOWN = NEUTRAL
    EXCLUDES = CONTRADICTION


_TAXONOMIES = {
    "subject": NOUNS,
    "object": NOUNS,
    "verb": VERBS,
    "place": PLACES,
    "time": TIMES,
    "quality": QUALITIES,
    "object_quality": QUALITIES,
    "colour": QUALITIES,
    "clothes": Taxonomy({}, {}),
}
_PLAIN = {new: old for old, new in (SYNONYMS | VERB_SYNONYMS).items()}


def infer_label(premise: Clause, hypothesis: Clause) -> int:
    """The label (index into LABELS) of a hypothesis about the premise's event."""
    if _swapped(premise, hypothesis):
        return CONTRADICTION
    relations = [_relation(slot, premise, hypothesis) for slot in SLOTS]
    if any(filler not in premise.fillers for filler in hypothesis.fillers):
        relations.append(Relation.UNKNOWN)
    if hypothesis.negated:
        # "is not pulling": true of who is pushing, false of who is pulling, else open.
        others = [r for slot, r in zip(SLOTS, relations, strict=False) if slot != "verb"]
        if all(relation is Relation.ENTAILS for relation in others):
            verb = relations[SLOTS.index("verb")]
            flipped = {Relation.ENTAILS: CONTRADICTION, Relation.EXCLUDES: ENTAILMENT}
            return flipped.get(verb, NEUTRAL)
        return NEUTRAL
    if Relation.EXCLUDES in relations:
        return CONTRADICTION
    return NEUTRAL if Relation.UNKNOWN in relations else ENTAILMENT


def _swapped(premise: Clause, hypothesis: Clause) -> bool:
    """Who does it and who it is done to, exchanged."""
    return (
        premise.verb in PARTICIPLES
        and premise.verb == hypothesis.verb
        and (premise.subject, premise.object) == (hypothesis.object, hypothesis.subject)
    )


def _relation(slot: str, premise: Clause, hypothesis: Clause) -> Relation:
    of_premise, of_hypothesis = premise.get(slot), hypothesis.get(slot)
    if slot in ("count", "object_count"):
        return _counts(of_premise, of_hypothesis)
    if not of_hypothesis:
        return Relation.ENTAILS
    if not of_premise:
        return Relation.UNKNOWN
    if slot == "place" and of_hypothesis == OUTDOORS:
        return Relation.ENTAILS if is_outdoors(of_premise) else Relation.UNKNOWN
    taxonomy = _TAXONOMIES[slot]
    of_premise = _PLAIN.get(of_premise, of_premise)
    of_hypothesis = _PLAIN.get(of_hypothesis, of_hypothesis)
    if of_hypothesis == of_premise or of_hypothesis in taxonomy.wider(of_premise):
        if slot == "clothes" and premise.bare != hypothesis.bare:
            return Relation.EXCLUDES
        return Relation.ENTAILS
    return Relation.EXCLUDES if taxonomy.excludes(of_premise, of_hypothesis) else Relation.UNKNOWN


def _possible(count: str) -> frozenset[int]:
    """The numbers, up to nine, that a count leaves open."""
    if count == VAGUE:
        return frozenset(range(3, 10))
    if count.startswith(AT_LEAST):
        return frozenset(range(NUMBERS.index(count.removeprefix(AT_LEAST)) + 1, 10))
    return frozenset((NUMBERS.index(count) + 1,))


def _counts(premise_count: str, hypothesis_count: str) -> Relation:
    premise, hypothesis = _possible(premise_count), _possible(hypothesis_count)
    if premise <= hypothesis:
        return Relation.ENTAILS
    return Relation.UNKNOWN if premise & hypothesis else Relation.EXCLUDES
