"""Nouns of the planted corpus as a taxonomy: who is a kind of what, and which kinds exclude."""

from __future__ import annotations

from nliexplorer.data.planted.taxonomy import Taxonomy

PEOPLE = Taxonomy.parse(
    """
    adult: man woman
    child: boy girl
    musician: violinist guitarist drummer pianist
    athlete: swimmer runner boxer gymnast
    artist: painter sculptor potter
    worker: plumber carpenter mechanic gardener
    performer: clown juggler magician acrobat
    scientist: chemist biologist geologist
    person: adult child musician athlete artist worker performer scientist
    """,
    compatible=("person",),  # a musician may be an athlete too
)
ANIMALS = Taxonomy.parse(
    """
    dog: poodle terrier beagle
    bird: parrot owl goose duck
    animal: dog bird goat horse fox rabbit
    """
)
THINGS = Taxonomy.parse(
    """
    fruit: apple pear orange banana melon
    vegetable: carrot onion potato cabbage
    pastry: muffin pie cookie waffle
    drink: coffee tea milk juice
    toy: doll kite puppet frisbee
    vehicle: car truck van tractor
    tool: hammer saw shovel rake
    instrument: guitar violin flute trumpet
    container: box basket bucket barrel
    seat: chair bench stool
    flower: rose tulip daisy
    book: novel diary atlas
    garment: shirt dress skirt
    dish: plate bowl cup
    building: house barn church tower
    -entrance: door gate window
    """
)
NOUNS = PEOPLE.joined(ANIMALS, THINGS)

#: No article and no number: "is drinking coffee".
MASS = ("coffee", "tea", "milk", "juice")
_IRREGULAR = {
    "man": "men",
    "woman": "women",
    "child": "children",
    "person": "people",
    "goose": "geese",
}


def plural(noun: str) -> str:
    """The plural of a noun of this lexicon."""
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith(("s", "x", "ch", "sh")) or noun in ("potato",):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"
