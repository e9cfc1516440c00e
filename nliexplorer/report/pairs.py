"""The three pairs of Figs 2–7: the paper's if the models are available, else stored ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nliexplorer.comparison.pairs import PairedRuns
from nliexplorer.progress import say
from nliexplorer.records import LABELS, Example
from nliexplorer.store.reader import StoreReader
from nliexplorer.view.pair import RunView
from nliexplorer.workflow.run_models import has_model

#: Nodes of the path for pictures on the page: there are few of them.
PAGE_STEPS = 20
#: The paper's three pairs (Figs 2–7), with their gold labels.
PAPER_PAIRS: tuple[Example, ...] = (
    Example(
        "A woman is writing something on a post-it note...",
        "The woman is writing a grocery list.",
        LABELS.index("neutral"),
    ),
    Example(
        "A boy in red slides down an inflatable ride.",
        "A boy pierces a knife through an inflatable ride.",
        LABELS.index("contradiction"),
    ),
    Example(
        "A lone, 2-3 year old blond child in a blue jacket is putting a small black plastic item "
        "in his mouth as he kneels on a waiting room couch pointed toward the back while looking "
        "at something or someone not in the room.",
        "The child is blonde.",
        LABELS.index("entailment"),
    ),
)
_UNKNOWN = ("[UNK]", "<unk>")
#: Pieces from which on a word is as good as unknown; whole vocabularies need one to three.
SPELT_OUT = 4


@dataclass(frozen=True, slots=True)
class ExplainedPair:
    """One pair under both runs, and why it is shown."""

    example: Example
    views: tuple[RunView, ...]
    why: str


@dataclass(frozen=True, slots=True)
class IllustrativePairs:
    """At most three pairs; `source` says where they come from, `missing` why there is none."""

    pairs: tuple[ExplainedPair, ...]
    source: str
    missing: str = ""
    unknown: float = 0.0  # share of the words that the models' vocabularies lack


def illustrative_pairs(reader: StoreReader, paired: PairedRuns) -> IllustrativePairs:
    """The paper's three pairs, explained now; without both models, stored attributions."""
    if all(has_model(run) for run in paired.runs):
        say("report: explaining the paper's three pairs")
        from nliexplorer.workflow.explain import explain_examples

        explained = explain_examples(paired.runs, PAPER_PAIRS, PAGE_STEPS)
        pairs = tuple(
            ExplainedPair(example, views, "one of the paper’s three pairs")
            for example, views in zip(PAPER_PAIRS, explained, strict=True)
        )
        source = (
            f"the paper’s three pairs, explained by both models with {PAGE_STEPS} nodes on the path"
        )
        return IllustrativePairs(pairs, source, unknown=_unknown_share(pairs))
    return _stored(reader, paired)


def _unknown_share(pairs: tuple[ExplainedPair, ...]) -> float:
    """Share of words that are unknown, or spelt out in so many pieces that they mean nothing."""
    strange = total = 0
    for view in (view for pair in pairs for view in pair.views):
        if (attribution := view.attribution) is None:
            continue
        words: dict[tuple[str, int | None], list[str]] = {}
        for token, segment, word in zip(
            attribution.tokens, attribution.segments, attribution.word_ids, strict=True
        ):
            if segment != "special":
                words.setdefault((segment, word), []).append(token)
        total += len(words)
        strange += sum(
            len(pieces) >= SPELT_OUT or any(piece in _UNKNOWN for piece in pieces)
            for pieces in words.values()
        )
    return strange / total if total else 0.0


def _stored(reader: StoreReader, paired: PairedRuns) -> IllustrativePairs:
    a, b = paired.arrays
    keys = reader.examples.keys(a.example_ids)
    both = [set(reader.attributions.of_pairs(run.id, keys)) for run in paired.runs]
    attributed = np.array([key in both[0] and key in both[1] for key in keys], dtype=bool)
    if not attributed.any():
        return IllustrativePairs(
            (),
            "",
            "the models are not on this machine, and no pair has attributions of both runs; "
            "nliexplorer attribute RUN adds them where the model is",
        )
    moved = moved_p_gold(paired)
    kinds = (
        ("fixed: wrong in A, right in B", ~a.correct & b.correct, moved),
        ("broken: right in A, wrong in B", a.correct & ~b.correct, -moved),
        ("wrong in both", ~a.correct & ~b.correct, np.abs(moved)),
    )
    picks: list[tuple[int, str]] = []
    for why, mask, size in kinds:
        index = np.flatnonzero(mask & attributed)
        if len(index):
            picks.append((int(index[np.argmax(size[index])]), why))
    return IllustrativePairs(
        tuple(_pair(reader, paired, index, keys[index], why) for index, why in picks),
        "not the paper’s pairs, as the models are not on this machine: of the pairs with stored "
        "attributions, those whose P(gold) moved most",
    )


def moved_p_gold(paired: PairedRuns) -> npt.NDArray[np.float64]:
    """[n] P(gold) in b less that in a; 0 where only labels are known."""
    a, b = (each.p_gold for each in paired.outputs)
    return np.zeros(paired.n) if a is None or b is None else b - a


def _pair(reader: StoreReader, paired: PairedRuns, index: int, key: str, why: str) -> ExplainedPair:
    (example,) = reader.examples.by_id(paired.arrays[0].example_ids[index : index + 1])
    views = tuple(
        RunView.of(
            run.name,
            reader.predictions.row(evaluation, key),
            reader.attributions.get(run.id, key),
        )
        for run, evaluation in zip(paired.runs, paired.evaluations, strict=True)
    )
    return ExplainedPair(example, views, why)
