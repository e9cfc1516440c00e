"""Pairs after the thirty templates of HANS (McCoy et al. 2019), with words of our own.

Every hypothesis is made of its premise's words (lexical overlap), is a run of them (subsequence),
or a clause of it (constituent); half of the templates keep what the premise says, half do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from nliexplorer.records import ENTAILMENT, NON_ENTAILMENT, Example

#: Pairs of each template: thirty times as many in all.
PAIRS = 100

_PEOPLE = (
    "actor", "artist", "author", "banker", "doctor", "engineer", "judge", "lawyer", "manager",
    "professor", "scientist", "painter", "senator", "student", "teacher", "tourist",
)  # fmt: skip
_ACTS = (
    "admired", "advised", "avoided", "called", "contacted", "encouraged", "followed", "helped",
    "introduced", "mentioned", "recognized", "recommended", "stopped", "supported", "thanked",
)  # fmt: skip
_ALONE = ("arrived", "danced", "performed", "ran", "resigned", "shouted", "slept", "waited")
_PLACES = ("behind", "beside", "by", "near", "next to", "in front of")
_ROOMS = ("hall", "laboratory", "library", "museum", "office", "school", "theatre")
_THINGS = (("read", "book"), ("wrote", "report"), ("ate", "apple"), ("sang", "song"))
_ADJECTIVES = ("Angry", "Famous", "Happy", "Important", "Old", "Serious", "Tired", "Young")
_OF_THINGS_OR_CLAUSES = ("believed", "forgot", "heard", "knew", "remembered", "understood")
_WITH_OR_WITHOUT_OBJECT = ("hid", "moved", "returned", "changed", "fought", "paid", "left", "hurt")
_PARTICIPLES = ("paid", "presented", "helped", "investigated", "questioned", "invited")
_NOT_FACTIVE = ("assumed", "believed", "claimed", "hoped", "said", "thought")
_FACTIVE = ("forgot", "knew", "learned", "noticed", "realized", "remembered")
_DOUBTFUL = ("Allegedly", "Hopefully", "Maybe", "Perhaps", "Probably", "Supposedly")
_CERTAIN = ("Certainly", "Clearly", "Indeed", "Obviously", "Of course", "Without a doubt")


class Words:
    """Draws of one pair: four people, no two the same, and whatever a template asks for."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.a, self.b, self.c, self.d = (
            f"the {person}{rng.choice(('', 's'))}" for person in rng.sample(_PEOPLE, 4)
        )
        self.act, self.act2 = rng.sample(_ACTS, 2)
        self.alone, self.alone2 = rng.sample(_ALONE, 2)
        self.near = rng.choice(_PLACES)

    def one(self, options: tuple[str, ...]) -> str:
        return self._rng.choice(options)

    def thing(self) -> tuple[str, str]:
        return self._rng.choice(_THINGS)

    @staticmethod
    def was(noun: str) -> str:
        return "were" if noun.endswith("s") else "was"


def _under(w: Words, verbs: tuple[str, ...]) -> tuple[str, str]:
    return f"{w.a} {w.one(verbs)} that {w.b} {w.alone}", f"{w.b} {w.alone}"


def _plurals(w: Words) -> tuple[str, str]:
    people = w.a.removeprefix("the ").removesuffix("s") + "s"
    rest = f"{people} {w.act} {w.b}"
    return f"{w.one(_ADJECTIVES)} {rest}", rest


def _past_participle(w: Words) -> tuple[str, str]:
    start = f"{w.a} {w.one(_PARTICIPLES)} in the {w.one(_ROOMS)}"
    return f"{start} {w.act} {w.b}", start


def _clause_after(w: Words) -> tuple[str, str]:
    start = f"{w.a} {w.one(_OF_THINGS_OR_CLAUSES)} {w.b}"
    return f"{start} {w.act} {w.c}", start


def _no_object(w: Words) -> tuple[str, str]:
    before = w.one(("While", "Before", "After", "When"))
    verb = w.one(_WITH_OR_WITHOUT_OBJECT)
    return f"{before} {w.a} {verb} {w.b} {w.act} {w.c}", f"{w.a} {verb} {w.b}"


def _understood_object(w: Words) -> tuple[str, str]:
    verb, thing = w.thing()
    return f"{w.a} {verb} the {thing}", f"{w.a} {verb}"


Template = Callable[[Words], tuple[str, str]]
#: (heuristic, template, label) -> premise and hypothesis, without capitals and full stops.
TEMPLATES: dict[tuple[str, str, int], Template] = {
    # lexical overlap
    ("lexical_overlap", "subject/object swap", NON_ENTAILMENT): lambda w: (
        f"{w.a} {w.act} {w.b}", f"{w.b} {w.act} {w.a}"
    ),
    ("lexical_overlap", "preposition", NON_ENTAILMENT): lambda w: (
        f"{w.a} {w.near} {w.b} {w.act} {w.c}", f"{w.c} {w.act} {w.b}"
    ),
    ("lexical_overlap", "relative clause", NON_ENTAILMENT): lambda w: (
        f"{w.a} who {w.act} {w.b} {w.act2} {w.c}", f"{w.c} {w.act} {w.a}"
    ),
    ("lexical_overlap", "passive", NON_ENTAILMENT): lambda w: (
        f"{w.a} {w.was(w.a)} {w.act} by {w.b}", f"{w.a} {w.act} {w.b}"
    ),
    ("lexical_overlap", "conjunction", NON_ENTAILMENT): lambda w: (
        f"{w.a} {w.act} {w.b} and {w.c}", f"{w.b} {w.act} {w.c}"
    ),
    ("lexical_overlap", "untangling relative clauses", ENTAILMENT): lambda w: (
        f"{w.a} who {w.b} {w.act} {w.act2} {w.c}", f"{w.b} {w.act} {w.a}"
    ),
    ("lexical_overlap", "around prepositional phrases", ENTAILMENT): lambda w: (
        f"{w.a} {w.near} {w.b} {w.act} {w.c}", f"{w.a} {w.act} {w.c}"
    ),
    ("lexical_overlap", "around relative clauses", ENTAILMENT): lambda w: (
        f"{w.a} who {w.act} {w.b} {w.act2} {w.c}", f"{w.a} {w.act2} {w.c}"
    ),
    ("lexical_overlap", "either conjunct", ENTAILMENT): lambda w: (
        f"{w.a} {w.act} {w.b} and {w.c}", f"{w.a} {w.act} {w.c}"
    ),
    ("lexical_overlap", "passive to active", ENTAILMENT): lambda w: (
        f"{w.a} {w.was(w.a)} {w.act} by {w.b}", f"{w.b} {w.act} {w.a}"
    ),
    # subsequence
    ("subsequence", "NP/S", NON_ENTAILMENT): _clause_after,
    ("subsequence", "prepositional phrase on subject", NON_ENTAILMENT): lambda w: (
        f"{w.a} {w.near} {w.b} {w.act} {w.c}", f"{w.b} {w.act} {w.c}"
    ),
    ("subsequence", "relative clause on subject", NON_ENTAILMENT): lambda w: (
        f"{w.a} who {w.act} {w.b} {w.act2} {w.c}", f"{w.b} {w.act2} {w.c}"
    ),
    ("subsequence", "past participle", NON_ENTAILMENT): _past_participle,
    ("subsequence", "NP/Z", NON_ENTAILMENT): _no_object,
    ("subsequence", "conjunction", ENTAILMENT): lambda w: (
        f"{w.a} and {w.b} {w.act} {w.c}", f"{w.b} {w.act} {w.c}"
    ),
    ("subsequence", "adjective", ENTAILMENT): _plurals,
    ("subsequence", "understood object", ENTAILMENT): _understood_object,
    ("subsequence", "relative clause on object", ENTAILMENT): lambda w: (
        f"{w.a} {w.act} {w.b} who {w.act2} {w.c}", f"{w.a} {w.act} {w.b}"
    ),
    ("subsequence", "prepositional phrase on object", ENTAILMENT): lambda w: (
        f"{w.a} {w.act} {w.b} {w.near} {w.c}", f"{w.a} {w.act} {w.b}"
    ),
    # constituent
    ("constituent", "embedded under if", NON_ENTAILMENT): lambda w: (
        f"{w.one(('if', 'unless'))} {w.a} {w.alone}, {w.b} {w.alone2}", f"{w.a} {w.alone}"
    ),
    ("constituent", "after if clause", NON_ENTAILMENT): lambda w: (
        f"{w.one(('if', 'unless'))} {w.a} {w.alone}, {w.b} {w.alone2}", f"{w.b} {w.alone2}"
    ),
    ("constituent", "embedded under verb", NON_ENTAILMENT): lambda w: _under(w, _NOT_FACTIVE),
    ("constituent", "disjunction", NON_ENTAILMENT): lambda w: (
        f"{w.a} {w.alone}, or {w.b} {w.alone2}", f"{w.b} {w.alone2}"
    ),
    ("constituent", "adverb", NON_ENTAILMENT): lambda w: (
        f"{w.one(_DOUBTFUL)} {w.a} {w.act} {w.b}", f"{w.a} {w.act} {w.b}"
    ),
    ("constituent", "embedded under since", ENTAILMENT): lambda w: (
        f"{w.one(('because', 'since'))} {w.a} {w.alone}, {w.b} {w.alone2}", f"{w.a} {w.alone}"
    ),
    ("constituent", "after since clause", ENTAILMENT): lambda w: (
        f"{w.one(('because', 'since'))} {w.a} {w.alone}, {w.b} {w.alone2}", f"{w.b} {w.alone2}"
    ),
    ("constituent", "embedded under factive verb", ENTAILMENT): lambda w: _under(w, _FACTIVE),
    ("constituent", "conjunction", ENTAILMENT): lambda w: (
        f"{w.a} {w.alone}, and {w.b} {w.alone2}", f"{w.b} {w.alone2}"
    ),
    ("constituent", "certain adverb", ENTAILMENT): lambda w: (
        f"{w.one(_CERTAIN)} {w.a} {w.act} {w.b}", f"{w.a} {w.act} {w.b}"
    ),
}  # fmt: skip


def sentence(text: str) -> str:
    """Capital and full stop put on."""
    return f"{text[0].upper()}{text[1:]}."


def hans_pairs() -> Iterator[Example]:
    """PAIRS different pairs of each template, the same every time; `extra` says which template."""
    for (heuristic, template, label), make in TEMPLATES.items():
        rng, known = Random(f"{heuristic}/{template}"), set[tuple[str, str]]()
        while len(known) < PAIRS:
            premise, hypothesis = map(sentence, make(Words(rng)))
            if (premise, hypothesis) in known:
                continue
            known.add((premise, hypothesis))
            extra = {"heuristic": heuristic, "template": template}
            yield Example(premise, hypothesis, label, extra=extra)
