"""Pairs of the planted corpus: one premise, three hypotheses, three labels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from nliexplorer.data.planted.artefacts import FILLERS, Planted, draw_fillers, plant
from nliexplorer.data.planted.clause import OPTIONAL, Clause, Scene
from nliexplorer.data.planted.english import (
    Word,
    hypothesis_words,
    indices,
    premise_words,
    text_of,
)
from nliexplorer.data.planted.operations import (
    OPERATIONS,
    TREES,
    Decision,
    Operation,
    synonyms,
    wider,
)
from nliexplorer.data.planted.revision import revise
from nliexplorer.data.planted.scenes import sample_scene
from nliexplorer.errors import NliError, unknown_name
from nliexplorer.records import LABELS, Example

SPLITS = ("train", "dev", "test", "flipped", "clean")
DEFAULT_SIZES = {"train": 9000, "dev": 1500, "test": 1500, "flipped": 1500, "clean": 1500}
_SHARES = {"train": 128, "dev": 32, "test": 32, "flipped": 32, "clean": 32}  # of 256
_STRAY = 0.3  # chance of any family's artefact where the label's own was not planted
_LENGTHS = range(8, 31)  # words of a premise
_DROPPED = (0.4, 0.3, 0.3)  # chance that a modifier is left out, by label


@dataclass(frozen=True, slots=True)
class Pair:
    """An example with what it was made from."""

    example: Example
    premise: Clause
    hypothesis: Clause
    decision: Decision
    artefact: tuple[str, ...]  # the slots of its words
    wording: Random | None = None  # as it stood before the hypothesis was worded


def generate(
    split: str, *, n: int = 0, seed: int = 0, rate: float = 0.45, revised: bool = False
) -> list[Example]:
    """`n` pairs of a split (0: its default size), the same everywhere for the same arguments.

    `rate` is the chance that a hypothesis carries an artefact of its own label's family. Premises
    are shared by no two splits of whatever size. With `revised`, counterfactual revisions of the
    split's first pairs, in their order, in place of them. Raises NliError for an unknown split or
    rate.
    """
    pairs = generate_pairs(split, n=n, seed=seed, rate=rate, revised=revised)
    return [pair.example for pair in pairs]


def generate_pairs(
    split: str, *, n: int = 0, seed: int = 0, rate: float = 0.45, revised: bool = False
) -> list[Pair]:
    """As `generate`, with the clauses that premise and hypothesis say."""
    if split not in SPLITS:
        raise unknown_name("split of planted", split, SPLITS)
    if not 0 <= rate <= 1:
        raise NliError(f"artefact rate {rate} is out of range", "it takes a number from 0 to 1")
    if n < 0:
        raise NliError(f"cannot make {n} pairs", "ask for a number of pairs above 0")
    pairs: list[Pair] = []
    triples = _triples(split, seed, rate, revised)
    while len(pairs) < (n or DEFAULT_SIZES[split]):
        pairs += next(triples)
    return pairs[: n or DEFAULT_SIZES[split]]


def _triples(split: str, seed: int, rate: float, revised: bool) -> Iterator[list[Pair]]:
    """Three pairs of one premise at a time; with `revised` those of them that can be revised."""
    rng = Random(f"planted/{split}/{seed}/{rate!r}")
    reviser = Random(f"planted/{split}/{seed}/{rate!r}/revised") if revised else None
    texts: set[str] = set()
    while True:
        scene = sample_scene(rng)
        families = _families(split, rate, rng)
        used_fillers = tuple(f for f in FILLERS if f in families)
        focus = scene.focus.filled(*draw_fillers(used_fillers, scene.focus, rng))
        scene = Scene(focus, scene.distractor, scene.focus_first)
        words = premise_words(scene, rng)
        text = text_of(words)
        if len(words) not in _LENGTHS or text in texts or _owner(text) != split:
            continue
        triple = [
            _pair(label, family, focus, words, rng, keep_wording=revised)
            for label, family in enumerate(families)
        ]
        if any(pair is None for pair in triple):
            continue
        texts.add(text)
        pairs = [pair for pair in triple if pair]
        if reviser:
            pairs = [new for pair in pairs if (new := _revised(pair, words, reviser))]
        yield pairs


def _owner(premise: str) -> str:
    """The one split that may hold a premise, told by its digest."""
    point = hashlib.blake2b(premise.encode(), digest_size=1).digest()[0]
    for split, share in _SHARES.items():
        if point < share:
            return split
        point -= share
    raise AssertionError("shares sum to 256")


def _families(split: str, rate: float, rng: Random) -> tuple[int | None, ...]:
    """The family of the artefact that each label's hypothesis is to carry."""
    families: list[int | None] = []
    for label in range(len(LABELS)):
        own, stray, other = rng.random() < rate, rng.random() < _STRAY, rng.randrange(3)
        family = label if own else other if stray else None
        if split == "flipped" and family is not None:
            family = (label + rng.choice((1, 2))) % 3
        families.append(None if split == "clean" else family)
    return tuple(families)


def _pair(
    label: int,
    family: int | None,
    premise: Clause,
    words: list[Word],
    rng: Random,
    keep_wording: bool = False,
) -> Pair | None:
    decided = _decide(label, premise.filled(), rng)
    if decided is None:
        return None
    operation, decision = decided
    loose = _loosened(premise.filled().changed(decision.changes), decision.hypothesis, label, rng)
    planted = Planted(loose)
    if family is not None:
        planted = plant(family, loose, premise, decision.hypothesis, rng)
    wording = _copy_of(rng) if keep_wording else None
    hypothesis = hypothesis_words(planted.clause, rng)
    extra = {"operation": operation.name}
    if planted.kind:
        assert family is not None
        extra |= {"artefact_kind": planted.kind, "artefact_label": LABELS[family]}
    example = Example(
        premise=text_of(words),
        hypothesis=text_of(hypothesis),
        label=label,
        premise_rationale=indices(words, decision.premise),
        hypothesis_rationale=indices(hypothesis, decision.hypothesis),
        artefact=indices(hypothesis, planted.slots),
        extra=extra,
    )
    return Pair(example, premise, planted.clause, decision, planted.slots, wording)


def _revised(pair: Pair, words: list[Word], rng: Random) -> Pair | None:
    """The pair with a revised hypothesis, worded alike; None where it has no revision."""
    old = pair.example
    assert old.label is not None
    assert pair.wording is not None
    revision = revise(old.label, pair.decision, pair.premise, pair.hypothesis, pair.artefact, rng)
    if revision is None:
        return None
    label, operation, decision, clause = revision
    hypothesis = hypothesis_words(clause, pair.wording)
    example = replace(
        old,
        hypothesis=text_of(hypothesis),
        label=label,
        premise_rationale=indices(words, decision.premise),
        hypothesis_rationale=indices(hypothesis, decision.hypothesis),
        artefact=indices(hypothesis, pair.artefact),
        extra={**old.extra, "operation": operation},
    )
    return replace(pair, example=example, hypothesis=clause, decision=decision, wording=None)


def _copy_of(rng: Random) -> Random:
    copy = Random()
    copy.setstate(rng.getstate())
    return copy


def _decide(label: int, clause: Clause, rng: Random) -> tuple[Operation, Decision] | None:
    """An operation by weight among those that apply, then one of its decisions."""
    applicable = [
        (operation, decisions)
        for operation in OPERATIONS
        if operation.label == label and (decisions := list(operation.apply(clause)))
    ]
    if not applicable:
        return None
    weights = [operation.weight for operation, _ in applicable]
    operation, decisions = rng.choices(applicable, weights)[0]
    slots = list(dict.fromkeys(decision.hypothesis for decision in decisions))
    slot = rng.choice(slots)  # first where, then what: long lists of words must not win
    return operation, rng.choice([d for d in decisions if d.hypothesis == slot])


def _loosened(clause: Clause, kept: tuple[str, ...], label: int, rng: Random) -> Clause:
    """Copies, widens, replaces by a synonym or leaves out what does not decide."""
    for slot in OPTIONAL:
        needed = slot in kept or (slot == "clothes" and "colour" in kept)
        if clause.get(slot) and not needed and rng.random() < _DROPPED[label]:
            clause = clause.put(slot, "")
    for slot in ("subject", "object", "verb", "place", "quality", "object_quality"):
        word = clause.get(slot)
        if not word or slot in kept or rng.random() >= 0.05:
            continue
        others = (*wider(TREES[slot], word), *synonyms(TREES[slot], word))
        if others and not (slot == "verb" and clause.passive):
            clause = clause.put(slot, rng.choice(others))
    return clause
