"""Qualities, clothes, places, times and counts of the planted corpus."""

from __future__ import annotations

from nliexplorer.data.planted.taxonomy import Taxonomy

_OPPOSITES = (
    "happy sad",
    "calm nervous",
    "old young",
    "rich poor",
    "brave timid",
    "quiet noisy",
    "strong weak",
    "big small",
    "wild tame",
    "clean dirty",
    "heavy light",
    "expensive cheap",
    "fresh stale",
    "hot cold",
)
COLOURS = ("red", "blue", "green", "yellow", "black", "white")
QUALITIES = Taxonomy.parse("", exclusive=(*_OPPOSITES, " ".join(COLOURS)))
SYNONYMS = {
    "happy": "cheerful",
    "sad": "gloomy",
    "calm": "relaxed",
    "nervous": "anxious",
    "old": "elderly",
    "rich": "wealthy",
    "brave": "fearless",
    "noisy": "loud",
    "strong": "muscular",
    "big": "large",
    "small": "little",
    "dirty": "filthy",
    "expensive": "costly",
    "cheap": "inexpensive",
}
#: Pairs of opposites (by their first word) that fit a kind of noun; the nearest kind counts.
FITTING: dict[str, tuple[str, ...]] = {
    "person": ("happy", "calm", "old", "rich", "brave", "quiet", "strong"),
    "child": ("happy", "calm", "brave", "quiet"),
    "animal": ("big", "wild", "quiet", "brave", "red"),
    "fruit": ("big", "fresh", "cheap"),
    "vegetable": ("big", "fresh", "cheap"),
    "pastry": ("big", "fresh", "hot"),
    "drink": ("hot",),
    "toy": ("red", "big", "cheap", "clean"),
    "vehicle": ("red", "clean", "big", "expensive"),
    "tool": ("heavy", "expensive", "clean"),
    "instrument": ("expensive", "heavy", "big"),
    "container": ("heavy", "red", "clean", "big"),
    "seat": ("red", "heavy", "clean", "big"),
    "flower": ("red", "big"),
    "book": ("expensive", "heavy"),
    "garment": ("red", "clean", "expensive"),
    "dish": ("red", "clean", "big", "expensive"),
    "building": ("white", "big"),
    "door": ("red", "heavy"),
    "gate": ("red", "heavy"),
    "window": ("big", "clean"),
}
ANIMAL_COLOURS = ("black", "white")

CLOTHES = ("hat", "scarf", "coat", "vest", "apron", "helmet")

PLACES = Taxonomy.parse(
    """
    room: kitchen basement hallway
    shop: bakery bookshop pharmacy
    countryside: meadow orchard vineyard
    waterside: river lake canal
    -city: street square bridge playground park
    """
)
OUTDOORS = "outdoors"
_PHRASES = {
    "countryside": "in the countryside",
    "waterside": "by the water",
    "river": "by a river",
    "lake": "by a lake",
    "canal": "by a canal",
    "street": "on a street",
    "bridge": "on a bridge",
    "playground": "on a playground",
    OUTDOORS: OUTDOORS,
}


def place_phrase(place: str) -> str:
    """The place with its preposition and article."""
    return _PHRASES.get(place, f"in {'an' if place[0] in 'aeiou' else 'a'} {place}")


def is_outdoors(place: str) -> bool:
    """Whether what happens at a known place happens outdoors."""
    return PLACES.parents.get(place, place) not in ("room", "shop", "")


TIMES = Taxonomy.parse("", exclusive=("morning evening night", "winter summer", "rainy sunny"))
TIME_PHRASES = {
    "morning": "in the morning",
    "evening": "in the evening",
    "night": "at night",
    "winter": "in winter",
    "summer": "in summer",
    "rainy": "on a rainy day",
    "sunny": "on a sunny day",
}

NUMBERS = ("one", "two", "three", "four", "five")
VAGUE = "several"  # three or more, in this corpus
AT_LEAST = "at least "
