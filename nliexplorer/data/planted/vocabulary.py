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
    TIMES,
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


def kinships() -> tuple[tuple[str, str, str], ...]:
    """(word, relative, relation), relatives first: how the lexicon's words are related.

    Relations are "form" (plural, participle), "synonym" and "kind" (of a hypernym, or of a set of
    words that exclude each other, which has a name that is no word).
    """
    kin: dict[str, tuple[str, str]] = {}
    for tree in (NOUNS, VERBS, PLACES, QUALITIES, TIMES):
        for word in tree.words:
            if word in tree.parents:
                kin.setdefault(word, (tree.parents[word], "kind"))
            elif word in tree.rivals:
                name = min(word, *tree.rivals[word])
                kin.setdefault(word, (f"-{name}", "kind"))
    kin |= {new: (old, "synonym") for old, new in (SYNONYMS | VERB_SYNONYMS).items()}
    kin |= {done: (doing, "form") for doing, done in PARTICIPLES.items()}
    kin |= {plural(noun): (noun, "form") for noun in (*NOUNS.words, *CLOTHES) if noun not in MASS}
    kin |= dict.fromkeys((*NUMBERS[1:], VAGUE), ("-count", "kind"))
    kin |= dict.fromkeys(CLOTHES, ("-clothes", "kind"))
    ordered: dict[str, tuple[str, str, str]] = {}

    def add_after_base(word: str) -> None:
        if word in kin and word not in ordered:
            add_after_base(kin[word][0])
            ordered[word] = (word, *kin[word])

    for word in kin:
        add_after_base(word)
    return tuple(ordered.values())
