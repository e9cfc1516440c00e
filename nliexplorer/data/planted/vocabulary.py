"""Every word that the planted corpus can use, for the vocabulary of the tiny model."""

from __future__ import annotations

from nliexplorer.data.planted.artefacts import FILLERS
from nliexplorer.data.planted.english import FUNCTION_WORDS
from nliexplorer.data.planted.modifiers import (
    CLOTHES,
    NUMBERS,
    PLACES,
    QUALITIES,
    SYNONYMS,
    TIME_PHRASES,
    VAGUE,
    place_phrase,
)
from nliexplorer.data.planted.nouns import MASS, NOUNS, plural
from nliexplorer.data.planted.verbs import PARTICIPLES, VERB_SYNONYMS, VERBS, verbs_of_frames


def lexicon_words() -> tuple[str, ...]:
    """Lower-case words in alphabetical order."""
    fillers = [filler.text for kinds in FILLERS.values() for filler in kinds]
    things = (*NOUNS.words, *CLOTHES)
    phrases = (
        *FUNCTION_WORDS,
        *things,
        *(plural(noun) for noun in things if noun not in MASS),
        *VERBS.words,
        *verbs_of_frames(),
        *PARTICIPLES.values(),
        *VERB_SYNONYMS.values(),
        *QUALITIES.words,
        *SYNONYMS.values(),
        *(place_phrase(place) for place in (*PLACES.words, "outdoors")),
        *TIME_PHRASES.values(),
        *NUMBERS[1:],
        VAGUE,
        *fillers,
    )
    return tuple(sorted({word for phrase in phrases for word in phrase.split()}))
