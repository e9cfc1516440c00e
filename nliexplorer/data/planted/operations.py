"""The operations that decide a label: each changes one thing of an event, and says which."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from nliexplorer.data.planted.clause import OPTIONAL, UNDRESSED, Clause
from nliexplorer.data.planted.modifiers import (
    CLOTHES,
    COLOURS,
    NUMBERS,
    PLACES,
    QUALITIES,
    SYNONYMS,
    TIMES,
    VAGUE,
)
from nliexplorer.data.planted.nouns import MASS, NOUNS
from nliexplorer.data.planted.scenes import is_person, places_for, qualities_for
from nliexplorer.data.planted.taxonomy import Taxonomy
from nliexplorer.data.planted.verbs import PARTICIPLES, VERB_SYNONYMS, VERBS
from nliexplorer.records import CONTRADICTION, ENTAILMENT, NEUTRAL


@dataclass(frozen=True, slots=True)
class Decision:
    """Changes to an event, and the slots that decide in the premise and in the hypothesis."""

    changes: Mapping[str, str | bool]
    premise: tuple[str, ...]
    hypothesis: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """A way to a label. `apply` yields every decision that an event allows."""

    name: str
    label: int
    apply: Callable[[Clause], Iterator[Decision]]
    weight: int = 4


TREES: dict[str, Taxonomy] = {
    "subject": NOUNS,
    "object": NOUNS,
    "verb": VERBS,
    "place": PLACES,
    "time": TIMES,
    "quality": QUALITIES,
    "object_quality": QUALITIES,
    "colour": QUALITIES,
}
_SYNONYMS = SYNONYMS | VERB_SYNONYMS
_HEADS = ("subject", "verb", "object")


def _exchange(
    slots: tuple[str, ...], choices: Callable[[Taxonomy, str], tuple[str, ...]]
) -> Callable[[Clause], Iterator[Decision]]:
    """Operations that put another word into one slot."""

    def apply(clause: Clause) -> Iterator[Decision]:
        for slot in slots:
            if word := clause.get(slot):
                for other in choices(TREES[slot], word):
                    if other in MASS and clause.object_count != "one":
                        continue  # no "several teas"
                    yield Decision({slot: other}, (slot,), (slot,))

    return apply


def wider(tree: Taxonomy, word: str) -> tuple[str, ...]:
    """Hypernyms but "person", which is kept for the artefacts."""
    return tuple(w for w in tree.wider(word) if w != "person")


def synonyms(_tree: Taxonomy, word: str) -> tuple[str, ...]:
    other = _SYNONYMS.get(word)
    return (other,) if other else ()


def _narrower(tree: Taxonomy, word: str) -> tuple[str, ...]:
    return tree.narrower(word)


def _rivals(tree: Taxonomy, word: str) -> tuple[str, ...]:
    return tree.rivals.get(word, ())


def _drop(clause: Clause) -> Iterator[Decision]:
    for slot in OPTIONAL:
        if clause.get(slot):
            dropped = UNDRESSED if slot == "clothes" else {slot: ""}
            yield Decision(dropped, _HEADS, _HEADS)


def _add(clause: Clause) -> Iterator[Decision]:
    """A quality, a place, a time, clothes or their colour, of which the premise says nothing."""

    def added(slot: str, words: tuple[str, ...], head: str) -> Iterator[Decision]:
        if not clause.get(slot):
            for word in words:
                yield Decision({slot: word}, (head,), (slot,))

    yield from added("quality", qualities_for(clause.subject, clause.verb), "subject")
    if clause.object:
        fitting = qualities_for(clause.object, clause.verb)
        yield from added("object_quality", fitting, "object")
    yield from added("place", places_for(clause.verb), "verb")
    yield from added("time", TIMES.words, "verb")
    if is_person(clause.subject):
        for decision in added("clothes", CLOTHES, "subject"):
            yield decision
            bare = {**decision.changes, "bare": True}
            yield Decision(bare, ("subject",), ("clothes", "bare"))
    if clause.clothes and not clause.bare:
        yield from added("colour", COLOURS, "clothes")


def _counted(clause: Clause) -> Iterator[tuple[str, str]]:
    yield "count", clause.count
    if clause.object and clause.object not in MASS:
        yield "object_count", clause.object_count


def _count_changed(clause: Clause) -> Iterator[Decision]:
    for slot, count in _counted(clause):
        if count != VAGUE:
            for other in NUMBERS[1:]:
                if other != count:
                    yield _recounted(clause, slot, other)
        else:
            yield _recounted(clause, slot, "two")


def _count_loosened(clause: Clause) -> Iterator[Decision]:
    for slot, count in _counted(clause):
        if count in NUMBERS[2:]:
            yield _recounted(clause, slot, VAGUE)


def _count_specified(clause: Clause) -> Iterator[Decision]:
    for slot, count in _counted(clause):
        if count == VAGUE:
            for other in NUMBERS[2:]:
                yield _recounted(clause, slot, other)


def _recounted(clause: Clause, slot: str, count: str) -> Decision:
    """ "A man" has no word of its own for one: there the noun's number is what tells."""
    noun = "subject" if slot == "count" else "object"
    before = (noun,) if clause.get(slot) == "one" else (slot,)
    return Decision({slot: count}, before, (slot,))


def _negated(clause: Clause) -> Iterator[Decision]:
    if clause.clothes:
        worn = ("clothes", "bare")
        yield Decision({"colour": "", "bare": not clause.bare}, worn, worn)
    yield Decision({"negated": True}, ("verb",), ("negated", "verb"))


def _opposite_negated(clause: Clause) -> Iterator[Decision]:
    for other in VERBS.rivals.get(clause.verb, ()):
        passive = clause.passive and other in PARTICIPLES
        changed: dict[str, str | bool] = {"verb": other, "negated": True, "passive": passive}
        yield Decision(changed, ("verb",), ("negated", "verb"))


def _voice(clause: Clause) -> Iterator[Decision]:
    if clause.verb in PARTICIPLES:
        roles = (*_HEADS, "voice")
        yield Decision({"passive": not clause.passive}, roles, roles)


def _roles(clause: Clause) -> Iterator[Decision]:
    mutual = is_person(clause.object) or clause.verb in ("chasing", "leading", "following")
    if clause.verb in PARTICIPLES and mutual:
        roles = (*_HEADS, "voice")
        for passive in (False, False, True):
            yield Decision({**_swapped(clause), "passive": passive}, roles, roles)


def _swapped(clause: Clause) -> dict[str, str | bool]:
    """Who does it and who it is done to, exchanged with their number and quality."""
    return {
        "subject": clause.object,
        "count": clause.object_count,
        "quality": clause.object_quality,
        "object": clause.subject,
        "object_count": clause.count,
        "object_quality": clause.quality,
        **UNDRESSED,
    }


_NOUNS_AND_VERBS = ("subject", "object", "verb", "place")
OPERATIONS = (
    Operation("hypernym", ENTAILMENT, _exchange(_NOUNS_AND_VERBS, wider), 8),
    Operation("synonym", ENTAILMENT, _exchange(("quality", "object_quality", "verb"), synonyms), 4),
    Operation("modifier dropped", ENTAILMENT, _drop, 6),
    Operation("count loosened", ENTAILMENT, _count_loosened, 3),
    Operation("opposite negated", ENTAILMENT, _opposite_negated, 1),
    Operation("voice changed", ENTAILMENT, _voice, 4),
    Operation("hyponym", NEUTRAL, _exchange(_NOUNS_AND_VERBS, _narrower), 8),
    Operation("modifier added", NEUTRAL, _add, 8),
    Operation("count specified", NEUTRAL, _count_specified, 4),
    Operation("co-hyponym", CONTRADICTION, _exchange(("subject", "object", "place"), _rivals), 6),
    Operation("other action", CONTRADICTION, _exchange(("verb",), _rivals), 5),
    Operation("antonym", CONTRADICTION, _exchange(("quality", "object_quality"), _rivals), 5),
    Operation("other colour or time", CONTRADICTION, _exchange(("colour", "time"), _rivals), 2),
    Operation("count changed", CONTRADICTION, _count_changed, 2),
    Operation("negation", CONTRADICTION, _negated, 2),
    Operation("roles swapped", CONTRADICTION, _roles, 4),
)
