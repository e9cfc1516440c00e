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
_PEOPLE_BAG = (*("adult",) * 2, "child", *PEOPLE.sets["person"])
_FRAMES_OF = {verb: tuple(f for f in FRAMES if verb in f.verbs) for f in FRAMES for verb in f.verbs}


def is_person(noun: str) -> bool:
    return noun in PEOPLE.words


@cache
def qualities_for(noun: str, verb: str) -> tuple[str, ...]:
    """Adjectives that fit a noun and do not clash with what is done."""
    kind = next((k for k in (noun, *NOUNS.wider(noun)) if k in FITTING), "")
    barred = {name for frame in _FRAMES_OF[verb] for name in frame.barred}
    qualities: list[str] = []
    for name in FITTING.get(kind, ()):
        if name in COLOURS:
            qualities += ANIMAL_COLOURS if noun in ANIMALS.words else COLOURS
        elif name not in barred:
            qualities += (name, *QUALITIES.rivals[name])
    return tuple(qualities)


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
    slots: dict[str, str] = {"subject": subject, "verb": verb, "count": _count(rng, 0.3)}
    bare = passive = False

    def perhaps(chance: float, slot: str, choices: tuple[str, ...]) -> None:
        if choices and rng.random() < chance:
            slots[slot] = rng.choice(choices)

    if frame.objects:
        slots["object"] = thing = _noun(rng.choice(frame.objects), rng)
        while _family(thing) == _family(subject):
            slots["object"] = thing = _noun(rng.choice(frame.objects), rng)
        if thing not in MASS:
            slots["object_count"] = _count(rng, 0.2)
        perhaps(0.45 if rich else 0.15, "object_quality", qualities_for(thing, verb))
        passive = verb in PARTICIPLES and rng.random() < 0.25
    perhaps(0.4 if rich else 0.15, "quality", qualities_for(subject, verb))
    if rich and is_person(subject):
        perhaps(0.4, "clothes", CLOTHES)
    if "clothes" in slots:
        bare = rng.random() < 0.25
        perhaps(0.0 if bare else 0.6, "colour", COLOURS)
    if scenic:
        perhaps(0.6, "place", places_for(verb))
        perhaps(0.3, "time", TIMES.words)
    return Clause(**slots, bare=bare, passive=passive)  # type: ignore[arg-type]


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
    own = [word for word in (one.quality, one.object_quality, one.colour) if word]
    others = [word for word in (other.quality, other.object_quality, other.colour) if word]
    return any(a == b or QUALITIES.excludes(a, b) for a in own for b in others)


def sample_scene(rng: Random) -> Scene:
    """A scene whose two events have no kind of person, thing, action or quality in common."""
    rich = rng.random() < 0.85  # a short focus beside a long distractor keeps a reader honest
    focus = sample_clause(rng.choice(_FRAME_BAG), rng, rich=rich, scenic=rich)
    if rich and rng.random() < 0.5:
        return Scene(focus)
    while True:
        distractor = sample_clause(rng.choice(_FRAME_BAG), rng, rich=not rich, scenic=False)
        if not _related(focus, distractor):
            return Scene(focus, distractor, focus_first=rng.random() < 0.65)
