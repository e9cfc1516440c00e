"""Verbs of the planted corpus: what entails and excludes what, and who does it to what."""

from __future__ import annotations

from dataclasses import dataclass

from nliexplorer.data.planted.taxonomy import Taxonomy

VERBS = Taxonomy.parse(
    """
    walking: strolling marching limping
    running: sprinting jogging
    laughing: giggling chuckling
    crying: weeping sobbing
    talking: whispering mumbling shouting
    cooking: frying boiling roasting
    cutting: slicing chopping
    eating: nibbling devouring
    cleaning: scrubbing wiping rinsing
    drawing: sketching tracing
    moving: pushing pulling lifting lowering
    """,
    compatible=("laughing", "crying", "eating", "drawing", "running"),
    exclusive=(
        "walking running sitting standing kneeling",
        "laughing crying",
        "buying selling",
        "opening closing",
        "throwing catching",
        "building destroying",
        "loading unloading",
        "filling emptying",
        "fixing breaking",
        "finding losing",
        "planting picking",
        "entering leaving",
        "driving parking",
        "holding dropping",
        "drinking spilling",
        "praising scolding",
        "chasing leading",
        "folding ironing",
    ),
)

#: Verbs with two animate arguments, and their participles: who does what to whom.
PARTICIPLES = {
    "chasing": "chased",
    "leading": "led",
    "following": "followed",
    "guarding": "guarded",
    "feeding": "fed",
    "carrying": "carried",
    "washing": "washed",
    "filming": "filmed",
    "teaching": "taught",
    "praising": "praised",
    "scolding": "scolded",
    "examining": "examined",
}
VERB_SYNONYMS = {"fixing": "repairing", "buying": "purchasing", "closing": "shutting"}


@dataclass(frozen=True, slots=True)
class Frame:
    """Verbs that take the same kinds of subjects and objects in the same kinds of places.

    `barred` names the pairs of opposite qualities (by their first word) that the verbs decide.
    """

    verbs: tuple[str, ...]
    subjects: tuple[str, ...] = ("person",)
    objects: tuple[str, ...] = ()
    places: tuple[str, ...] = ("room", "shop", "countryside", "waterside", "-city")
    barred: tuple[str, ...] = ()
    weight: int = 2


_OUTSIDE = ("countryside", "waterside", "-city")
_INSIDE = ("room", "shop")
_MOOD = ("happy", "calm", "quiet")


def _frame(verbs: str, objects: str = "", subjects: str = "person", **rest: object) -> Frame:
    return Frame(tuple(verbs.split()), tuple(subjects.split()), tuple(objects.split()), **rest)  # type: ignore[arg-type]


FRAMES = (
    _frame("walking strolling marching limping", subjects="person animal", places=_OUTSIDE),
    _frame("running sprinting jogging", subjects="person", places=_OUTSIDE),
    _frame("walking running sitting standing", subjects="person animal", places=_OUTSIDE),
    _frame("sitting standing kneeling", subjects="person"),
    _frame("laughing giggling chuckling crying weeping sobbing", barred=_MOOD),
    _frame("talking whispering mumbling shouting", barred=_MOOD),
    _frame("cooking frying boiling roasting", "vegetable", places=("room",), weight=3),
    _frame("cutting slicing chopping", "fruit vegetable", places=("room", "countryside")),
    _frame("eating nibbling devouring", "fruit pastry", barred=("hungry",), weight=3),
    _frame("cleaning scrubbing wiping rinsing", "dish vehicle", barred=("clean",), weight=3),
    _frame("drawing sketching tracing", "building animal flower", weight=2),
    _frame("moving pushing pulling lifting lowering", "container seat", weight=3),
    _frame("buying selling", "fruit toy flower book garment instrument tool", weight=3),
    _frame("opening closing", "-entrance", places=_INSIDE),
    _frame("throwing catching", "toy fruit", places=_OUTSIDE),
    _frame("building destroying", "building", places=_OUTSIDE, barred=("clean",)),
    _frame("loading unloading", "vehicle", places=_OUTSIDE),
    _frame("driving parking", "vehicle", places=_OUTSIDE),
    _frame("filling emptying", "container dish", barred=("heavy",)),
    _frame("fixing breaking", "tool instrument seat", places=_INSIDE),
    _frame("finding losing", "tool book toy"),
    _frame("planting picking", "flower", places=_OUTSIDE),
    _frame("entering leaving", "building", places=_OUTSIDE),
    _frame("holding dropping", "dish fruit book instrument"),
    _frame("drinking spilling", "drink", places=_INSIDE),
    _frame("folding ironing", "garment", places=("room",)),
    _frame("chasing leading following", "animal", "person", places=_OUTSIDE, weight=3),
    _frame("chasing leading following", "person", "animal", places=_OUTSIDE, weight=1),
    _frame("guarding feeding washing filming", "animal", "person", places=_OUTSIDE),
    _frame("teaching praising scolding examining filming following", "person", "person", weight=4),
)


def verbs_of_frames() -> tuple[str, ...]:
    """Every verb that heads an event."""
    return tuple(dict.fromkeys(verb for frame in FRAMES for verb in frame.verbs))
