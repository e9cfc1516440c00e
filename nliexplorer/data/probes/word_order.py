"""Pairs that only the order of words tells apart: who does what to whom, and who is what."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from nliexplorer.data.probes.hans_templates import sentence
from nliexplorer.records import ENTAILMENT, NON_ENTAILMENT, Example

#: Events, six pairs each.
EVENTS = 250

_WHO = ("man", "woman", "boy", "girl", "child", "dog", "horse", "player", "guard", "clown")
_HOW = ("tall", "young", "small", "wet", "happy", "tired", "dirty", "friendly")
_ACTS = {
    "chasing": "chased", "following": "followed", "watching": "watched", "pushing": "pushed",
    "greeting": "greeted", "carrying": "carried", "pulling": "pulled", "leading": "led",
    "touching": "touched", "kicking": "kicked",
}  # fmt: skip


def word_order_pairs() -> Iterator[Example]:
    """Of each event three hypotheses that are true of it (its passive, "there is", no adjectives)
    and three that are not (roles exchanged, active or passive; adjectives exchanged), the same
    every time; `extra` says which kind. Content words are the premise's own.
    """
    rng, known = Random("word order"), set[str]()
    while len(known) < EVENTS:
        (first, second), (one, other) = rng.sample(_WHO, 2), rng.sample(_HOW, 2)
        act = rng.choice(sorted(_ACTS))
        done = _ACTS[act]
        a, b = f"a {one} {first}", f"a {other} {second}"
        a_other, b_one = f"a {other} {first}", f"a {one} {second}"
        premise = sentence(f"{a} is {act} {b}")
        if premise in known:
            continue
        known.add(premise)
        for kind, text, label in (
            ("passive", f"{b} is being {done} by {a}", ENTAILMENT),
            ("roles swapped, passive", f"{a} is being {done} by {b}", NON_ENTAILMENT),
            ("roles swapped", f"{b} is {act} {a}", NON_ENTAILMENT),
            ("adjectives swapped", f"{a_other} is {act} {b_one}", NON_ENTAILMENT),
            ("there is", f"there is {b} being {done} by {a}", ENTAILMENT),
            ("adjectives left out", f"a {first} is {act} a {second}", ENTAILMENT),
        ):
            yield Example(premise, sentence(text), label, extra={"kind": kind})
