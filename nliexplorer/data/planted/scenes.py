"""Draws scenes: an event that is asked about and one that distracts, with nothing in common."""

from __future__ import annotations

from functools import cache
from random import Random

from nliexplorer.data.planted.clause import Clause, Scene
from nliexplorer.data.planted.modifiers import (
    ANIMAL_COLOURS,
    CLOTHES,
    COLOURS,
    FITTING,
    NUMBERS,
    PLACES,
    QUALITIES,
    TIMES,
    VAGUE,
)
from nliexplorer.data.planted.nouns import ANIMALS, MASS, NOUNS, PEOPLE
from nliexplorer.data.planted.verbs import FRAMES, PARTICIPLES, VERBS, Frame

_FRAME_BAG = tuple(frame for frame in FRAMES for _ in range(frame.weight))
_PEOPLE_BAG = tuple(
    "adult adult adult child child musician athlete artist worker performer scientist".split()
)
_FRAMES_OF = {verb: tuple(f for f in FRAMES if verb in f.verbs) for f in FRAMES for verb in f.verbs}


def is_person(noun: str) -> bool:
    return noun in PEOPLE.words


@cache
def qualities_for(noun: str, verb: str) -> tuple[str, ...]:
    """Adjectives that fit a noun and do not clash with what is done."""
    kind = next((k for k in (noun, *NOUNS.wider(noun)) if k in FITTING), "")
    barred = {name for frame in _FRAMES_OF[verb] for name in frame.barred}
    found: list[str] = []
    for name in FITTING.get(kind, ()):
        if name in COLOURS:
            found += ANIMAL_COLOURS if noun in ANIMALS.words else COLOURS
        elif name not in barred:
            found += (name, *QUALITIES.rivals[name])
    return tuple(found)


@cache
def places_for(verb: str) -> tuple[str, ...]:
    """Places, special and general, where a verb's events happen."""
    frames = _FRAMES_OF[verb]
    groups = [g for g in frames[0].places if all(g in frame.places for frame in frames)]
    return tuple(
        place
        for group in groups
        for place in (*PLACES.members(group), group)
        if not place.startswith("-")
    )


def _noun(group: str, rng: Random) -> str:
    """A noun of a group, now and then the group's own name."""
    if group == "person":
        group = rng.choice(_PEOPLE_BAG)
    if not group.startswith("-") and rng.random() < 0.22:
        return group
    return rng.choice(NOUNS.members(group))


def _count(rng: Random, plural_rate: float) -> str:
    if rng.random() >= plural_rate:
        return "one"
    return rng.choice((*NUMBERS[1:], VAGUE))


def sample_clause(frame: Frame, rng: Random, *, rich: bool, scenic: bool) -> Clause:
    """One event; `rich` adds qualities and clothes often, `scenic` a place and a time."""
    verb = rng.choice(frame.verbs)
    subject = _noun(rng.choice(frame.subjects), rng)
    clause = Clause(subject, verb, count=_count(rng, 0.3))
    if frame.objects:
        thing = _noun(rng.choice(frame.objects), rng)
        while _family(thing) == _family(subject):
            thing = _noun(rng.choice(frame.objects), rng)
        clause = clause.put("object", thing)
        if thing not in MASS:
            clause = clause.put("object_count", _count(rng, 0.2))
        if rng.random() < (0.5 if rich else 0.25):
            clause = _with(clause, "object_quality", qualities_for(thing, verb), rng)
    if rng.random() < (0.45 if rich else 0.2):
        clause = _with(clause, "quality", qualities_for(subject, verb), rng)
    if rich and is_person(subject) and rng.random() < 0.4:
        clause = clause.put("clothes", rng.choice(CLOTHES))
        if rng.random() < 0.25:
            clause = clause.flag(bare=True)
        elif rng.random() < 0.6:
            clause = clause.put("colour", rng.choice(COLOURS))
    if scenic and rng.random() < 0.65:
        clause = _with(clause, "place", places_for(verb), rng)
    if scenic and rng.random() < 0.4:
        clause = clause.put("time", rng.choice(TIMES.words))
    if verb in PARTICIPLES and rng.random() < 0.25:
        clause = clause.flag(passive=True)
    return clause


def _with(clause: Clause, slot: str, choices: tuple[str, ...], rng: Random) -> Clause:
    return clause.put(slot, rng.choice(choices)) if choices else clause


@cache
def _family(noun: str) -> str:
    """The widest kind of a noun, below "person"."""
    return [word for word in (noun, *NOUNS.wider(noun)) if word != "person"][-1]


def _related(one: Clause, other: Clause) -> bool:
    """Whether two events share a word's family, so that a hypothesis could mean either."""
    nouns = (_family(one.subject), _family(one.object or "?"))
    if _family(other.subject) in nouns or _family(other.object or "-") in nouns:
        return True
    verbs = {one.verb, *VERBS.wider(one.verb)} & {other.verb, *VERBS.wider(other.verb)}
    if verbs or VERBS.excludes(one.verb, other.verb):
        return True
    said = [word for word in (one.quality, one.object_quality, one.colour) if word]
    heard = [word for word in (other.quality, other.object_quality, other.colour) if word]
    return any(a == b or QUALITIES.excludes(a, b) for a in said for b in heard)


def sample_scene(rng: Random) -> Scene:
    """A scene whose two events have no kind of person, thing, action or quality in common."""
    rich = rng.random() < 0.85  # a short focus beside a long distractor keeps a reader honest
    focus = sample_clause(rng.choice(_FRAME_BAG), rng, rich=rich, scenic=rich)
    if rich and rng.random() < 0.35:
        return Scene(focus)
    while True:
        distractor = sample_clause(rng.choice(_FRAME_BAG), rng, rich=not rich, scenic=False)
        if not _related(focus, distractor):
            return Scene(focus, distractor, focus_first=rng.random() < 0.65)
