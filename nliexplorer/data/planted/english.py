"""Clauses become English words, each word marked with the slot that it says."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from nliexplorer.data.planted.clause import Clause, Filler, Position, Scene
from nliexplorer.data.planted.modifiers import (
    AT_LEAST,
    TIME_PHRASES,
    VAGUE,
    place_phrase,
)
from nliexplorer.data.planted.nouns import MASS, plural
from nliexplorer.data.planted.verbs import PARTICIPLES

#: Words of the grammar itself, which no table of the lexicon holds.
FUNCTION_WORDS = (
    "a", "an", "and", "are", "at", "being", "by", "day", "in", "is", "least", "not", "on", "people",
    "the", "there", "wearing", "while", "who", "without",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """A whitespace word and the slot it says; the distractor's slots and articles have none."""

    text: str
    slot: str = ""


def _words(text: str, slot: str = "") -> list[Word]:
    return [Word(word, slot) for word in text.split()]


def noun_phrase(
    noun: tuple[str, str], count: tuple[str, str], adjectives: list[Word], definite: bool
) -> list[Word]:
    """Determiner, number, adjectives and noun; `noun` and `count` are (word, slot)."""
    many = count[0] != "one"
    definite = definite and count[0] != VAGUE
    head = [*adjectives, Word(plural(noun[0]) if many else noun[0], noun[1])]
    if noun[0] in MASS:
        return [Word("the"), *head] if definite else head
    if count[0].startswith(AT_LEAST):
        number = count[0].removeprefix(AT_LEAST)
        return [*_words(AT_LEAST, "at_least"), Word(number, count[1]), *head]
    if many:
        number_word = Word(count[0], count[1])
        return [Word("the"), number_word, *head] if definite else [number_word, *head]
    if definite:
        return [Word("the"), *head]
    return [Word("an" if head[0].text[0] in "aeiou" else "a"), *head]


def _clothing(clause: Clause, form: str) -> list[Word]:
    """ "in a red hat", "wearing a red hat" or "who is wearing a red hat"; bare: "without a hat"."""
    if not clause.clothes:
        return []
    verb = "are" if clause.count != "one" else "is"
    lead = {
        ("in", True): [Word("without", "bare")],
        ("in", False): [Word("in")],
        ("wearing", True): [Word("not", "bare"), Word("wearing")],
        ("wearing", False): [Word("wearing")],
        ("who", True): [Word("who"), Word(verb), Word("not", "bare"), Word("wearing")],
        ("who", False): [Word("who"), Word(verb), Word("wearing")],
    }[form, clause.bare]
    colour = [Word(clause.colour, "colour")] if clause.colour else []
    many = clause.count != "one"
    if many:
        return [*lead, *colour, Word(plural(clause.clothes), "clothes")]
    return [*lead, *noun_phrase((clause.clothes, "clothes"), ("one", ""), colour, False)]


def _subject(clause: Clause, rng: Random, definite: bool) -> list[Word]:
    adjectives = [
        *(_filler(filler) for filler in clause.fillers if filler.position == "subject"),
        *([[Word(clause.quality, "quality")]] if clause.quality else []),
    ]
    flat = [word for group in adjectives for word in group]
    head = noun_phrase((clause.subject, "subject"), (clause.count, "count"), flat, definite)
    return head + _clothing(clause, rng.choice(("in", "wearing", "wearing", "who")))


def _object(clause: Clause, definite: bool) -> list[Word]:
    quality = [Word(clause.object_quality, "object_quality")] if clause.object_quality else []
    count = (clause.object_count, "object_count")
    return noun_phrase((clause.object, "object"), count, quality, definite)


def _filler(filler: Filler) -> list[Word]:
    return _words(filler.text, f"filler:{filler.kind}")


def _tail(clause: Clause, *positions: Position) -> list[Word]:
    return [w for f in clause.fillers if f.position in positions for w in _filler(f)]


def _core(clause: Clause, rng: Random, definite: bool, existential: bool) -> list[Word]:
    """Subject, verb and object, in the active or the passive."""
    is_not = [Word("not", "negated")] if clause.negated else []
    object_definite = rng.random() < (0.5 if definite else 0.2)
    if clause.passive:
        patient = _object(clause, definite and not existential)
        be = Word("are" if clause.object_count != "one" else "is", "voice")
        participle = _words(PARTICIPLES[clause.verb], "verb")
        agent = [Word("by", "voice"), *_subject(clause, rng, object_definite)]
        done = [Word("being", "voice"), *participle, *agent]
        if existential:
            return [Word("there"), be, *patient, *done]
        return [*patient, be, *is_not, *done]
    subject = _subject(clause, rng, definite and not existential)
    be = Word("is" if clause.count == "one" else "are")
    action = [Word(clause.verb, "verb")]
    if clause.object:
        action += _object(clause, object_definite)
    if existential:
        return [Word("there"), be, *subject, *action]
    return [*subject, be, *is_not, *action]


def clause_words(clause: Clause, rng: Random, *, definite: bool, plain: bool = False) -> list[Word]:
    """One clause without capital and full stop; `plain` forbids fronting and "there is"."""
    place = _words(place_phrase(clause.place), "place") if clause.place else []
    time = _words(TIME_PHRASES[clause.time], "time") if clause.time else []
    existential = not plain and not clause.negated and rng.random() < 0.15
    front: list[Word] = []
    draw = rng.random()
    if not plain and draw < 0.25 and (place or time):
        if time and (draw < 0.15 or not place):
            front, time = time, []
        else:
            front, place = place, []
        front = _comma(front)
    core = _core(clause, rng, definite, existential)
    near, manner, end = (_tail(clause, p) for p in ("near", "manner", "end"))
    return [*front, *core, *near, *place, *time, *manner, *end]


def _comma(words: list[Word]) -> list[Word]:
    return [*words[:-1], Word(words[-1].text + ",", words[-1].slot)]


def premise_words(scene: Scene, rng: Random) -> list[Word]:
    """The premise: the focus, and before or after it the distractor."""
    if scene.distractor is None:
        return _sentence(clause_words(scene.focus, rng, definite=False))
    other = clause_words(scene.distractor, rng, definite=False, plain=True)
    other = [Word(w.text, f"other:{w.slot}" if w.slot else "") for w in other]
    if scene.focus_first:
        focus = clause_words(scene.focus, rng, definite=False)
        return _sentence([*_comma(focus), Word(rng.choice(("while", "and"))), *other])
    focus = clause_words(scene.focus, rng, definite=False, plain=True)
    if rng.random() < 0.5:
        return _sentence([Word("while"), *_comma(other), *focus])
    return _sentence([*_comma(other), Word("and"), *focus])


def hypothesis_words(clause: Clause, rng: Random) -> list[Word]:
    """The hypothesis, whose subject is as often "the" as "a"."""
    return _sentence(clause_words(clause, rng, definite=rng.random() < 0.6))


def _sentence(words: list[Word]) -> list[Word]:
    """Capital and full stop put on."""
    first, last = words[0], words[-1]
    words = [Word(first.text[0].upper() + first.text[1:], first.slot), *words[1:]]
    return [*words[:-1], Word(last.text + ".", last.slot)]


def text_of(words: list[Word]) -> str:
    return " ".join(word.text for word in words)


def indices(words: list[Word], slots: tuple[str, ...]) -> tuple[int, ...]:
    """Where the words of the given slots stand; "subject" is not "other:subject"."""
    return tuple(i for i, word in enumerate(words) if word.slot in slots)
