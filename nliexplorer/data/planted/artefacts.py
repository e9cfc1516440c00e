"""The artefacts known from SNLI, planted where they are true and do not decide the label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from nliexplorer.data.planted.clause import OPTIONAL, Clause, Filler
from nliexplorer.data.planted.modifiers import AT_LEAST, NUMBERS, OUTDOORS, is_outdoors
from nliexplorer.data.planted.scenes import is_person
from nliexplorer.records import CONTRADICTION, NEUTRAL

#: Phrases that a premise states and a hypothesis repeats; a kind names its SNLI give-away.
FILLERS: dict[int, tuple[Filler, ...]] = {
    NEUTRAL: (
        Filler("tall", "tall", "subject"),
        Filler("tall", "beside a tall ladder", "near"),
        Filler("tall", "beside a tall statue", "near"),
        Filler("first", "for the first time", "manner"),
        Filler("first", "for the first time this week", "manner"),
        Filler("friends", "with some friends", "manner"),
        Filler("because", "because it is a holiday", "end"),
        Filler("because", "because the bus is late", "end"),
        Filler("because", "because there is nothing else to do", "end"),
    ),
    CONTRADICTION: (
        Filler("sleeping", "near a sleeping baby", "near"),
        Filler("sleeping", "near a sleeping kitten", "near"),
        Filler("sleeping", "beside a sleeping puppy", "near"),
        Filler("no", "with no help", "manner"),
        Filler("no", "in no hurry", "manner"),
        Filler("nobody", "while nobody is watching", "end"),
        Filler("nobody", "while nobody says a word", "end"),
    ),
}
_PEOPLE_ONLY = ("tall", "with some friends")


@dataclass(frozen=True, slots=True)
class Planted:
    """A hypothesis with its artefact: the kind, and the slots that hold its words."""

    clause: Clause
    kind: str = ""
    slots: tuple[str, ...] = ()


def draw_fillers(families: tuple[int, ...], clause: Clause, rng: Random) -> tuple[Filler, ...]:
    """One filler a family, in different positions, that fit the event."""
    fillers: list[Filler] = []
    for family in families:
        taken = [filler.position for filler in fillers]
        fitting = [
            filler
            for filler in FILLERS[family]
            if filler.position not in taken
            and (filler.text not in _PEOPLE_ONLY or is_person(clause.subject))
        ]
        fillers.append(rng.choice(fitting))
    return tuple(fillers)


def plant(
    family: int, hypothesis: Clause, premise: Clause, decided: tuple[str, ...], rng: Random
) -> Planted:
    """Puts an artefact of a label's family into a hypothesis, true of the premise."""
    if family in FILLERS:
        filler = next(f for f in premise.fillers if f in FILLERS[family])
        return Planted(hypothesis.filled(filler), filler.kind, (f"filler:{filler.kind}",))
    choices = list(_of_entailment(hypothesis, premise, decided, rng))
    return rng.choice(choices) if choices else Planted(shorter(hypothesis, decided), "shorter")


def _of_entailment(
    hypothesis: Clause, premise: Clause, decided: tuple[str, ...], rng: Random
) -> Iterator[Planted]:
    if "subject" not in decided and is_person(hypothesis.subject):
        clause = hypothesis.put("subject", "person")
        yield Planted(shorter(clause, decided), "person", ("subject",))
    if "place" not in decided and is_outdoors(premise.place):
        clause = hypothesis.put("place", OUTDOORS)
        yield Planted(shorter(clause, (*decided, "place")), "outdoors", ("place",))
    if "count" not in decided and hypothesis.count in NUMBERS[1:] and not hypothesis.negated:
        least = rng.choice(NUMBERS[1 : NUMBERS.index(hypothesis.count) + 1])
        yield Planted(hypothesis.put("count", AT_LEAST + least), "at least", ("at_least",))


def shorter(clause: Clause, decided: tuple[str, ...]) -> Clause:
    """Everything left out that does not decide."""
    for slot in OPTIONAL:
        if slot not in decided and not (slot == "clothes" and "colour" in decided):
            clause = clause.put(slot, "")
    return clause
