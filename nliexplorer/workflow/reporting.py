"""What reports and artefact checks need from outside the store: training pairs, and models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nliexplorer.analysis.leakage import Overlap, overlap
from nliexplorer.data.source_spec import split_query
from nliexplorer.errors import NliError
from nliexplorer.records import LABELS, Example, Run
from nliexplorer.view.pair import RunView

#: Nodes of a picture on the page: pictures are few, and these cost no waiting.
PICTURE_STEPS = 20
#: The paper's three pairs (its Figs 2–7), with their gold labels.
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


def training_pairs(run: Run) -> list[Example]:
    """The pairs a run was trained on. Raises NliError where they are not at hand.

    A hub source is read only where its run was trained on this machine, and so from the cache.
    """
    if not run.config:
        raise NliError(f"run {run.name} was not trained here", "its training pairs are not known")
    here = bool(run.checkpoint) and Path(run.checkpoint).is_dir()
    source = split_query(run.data)[0]
    if not (here or source == "planted" or Path(source).exists()):
        raise NliError(
            f"the training pairs of run {run.name} are not on this machine",
            "compare where it was trained",
        )
    from nliexplorer.data.sources import load_split, training_split

    split = str(run.config.get("train_split", "train"))
    pairs = list(load_split(run.data, split, samples=int(run.config.get("train_samples", 0))))
    if augment := str(run.config.get("augment") or ""):
        pairs += list(load_split(augment, training_split(augment)))
    return pairs


def overlap_with_training(train: Sequence[Example], tested: Sequence[Example]) -> Overlap:
    """How many of the tested pairs stand in training."""
    return overlap(
        [(each.premise, each.hypothesis) for each in train],
        [(each.premise, each.hypothesis) for each in tested],
    )


def has_model(run: Run) -> bool:
    """Whether its trained model is on this machine."""
    return bool(run.checkpoint) and Path(run.checkpoint).is_dir()


def explain_examples(
    runs: Sequence[Run], examples: Sequence[Example], steps: int
) -> list[tuple[RunView, ...]]:
    """Each example under each run's model, the gold class explained; loads the models (torch)."""
    from nliexplorer.workflow.evaluate import load_run
    from nliexplorer.workflow.explain import explain_pair

    models = [(run.name, load_run(run, "cpu")) for run in runs]
    return [
        tuple(
            RunView(each.run, each.predicted, each.probabilities, each.attribution)
            for each in explain_pair(
                models,
                example.premise,
                example.hypothesis,
                target=LABELS[example.gold],
                steps=steps,
            )
        )
        for example in examples
    ]
