"""The training set as a configuration asks for it: tokens, and what the objective reads besides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nliexplorer.analysis.z_filter import surface_features, z_filter
from nliexplorer.annotators import human_distribution
from nliexplorer.config import TrainConfig
from nliexplorer.errors import NliError
from nliexplorer.modeling.load import Classifier
from nliexplorer.records import Example
from nliexplorer.training.artefact_words import all_but, artefact_tokens
from nliexplorer.training.dataset import LabelledPairs, tokenise, training_pairs, with_shares
from nliexplorer.training.debias import error_weights, get_debiasing, scaled_teacher
from nliexplorer.training.experts import joint_expert
from nliexplorer.training.group_dro import artefact_groups
from nliexplorer.training.partners import edited_words, partners_of
from nliexplorer.training.penalties import get_penalty

#: (training examples, changes of the configuration) -> logits [n, C] of a model trained before.
FirstModel = Callable[[Sequence[Example], dict[str, Any]], NDArray[np.float64]]


@dataclass(slots=True)
class Prepared:
    """The pairs, what a user should know of them, and what the run's summary keeps."""

    pairs: LabelledPairs
    notes: list[str] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)


def prepare(
    classifier: Classifier,
    rows: Iterable[Example],
    config: TrainConfig,
    revised_from: int = 0,
    first_model: FirstModel | None = None,
) -> Prepared:
    """Read the training rows once; see `train` for `revised_from`. `first_model` is called where
    the debiasing needs one. Raises NliError where the rows lack what the configuration needs."""
    needs_rationale = config.penalised and get_penalty(config.penalty).needs_rationale
    edits = needs_rationale and config.rationales == "counterfactual-edit"
    artefacts = needs_rationale and config.rationales == "all-but-artefacts"
    if artefacts:  # marks say what decides, or else edits do
        rows = list(rows)
        edits = not any(each.premise_rationale or each.hypothesis_rationale for each in rows)
    paired = edits or config.contrast or config.gradient_supervision > 0
    numbers, total = None, 0
    examples: list[Example] | None = None
    if paired or config.soft_labels or config.debias != "none":
        rows = examples = list(rows)
        if config.debias == "z-filter":
            numbers, total = _unbiased_rows(examples, config.z_threshold), len(examples)
            revised_from = int((numbers < revised_from).sum())
            rows = examples = [examples[number] for number in numbers]
    marked = needs_rationale and not edits
    pairs = training_pairs(tokenise(classifier, rows, with_rationale=marked), classifier)
    prepared = Prepared(replace(pairs, numbers=numbers))
    if numbers is not None:
        dropped = total - len(pairs)
        prepared.notes.append(f"z-filter: {dropped:,} of {total:,} pairs dropped")
        prepared.summary["dropped_pairs"] = dropped
    if examples is not None:
        if paired:
            _add_partners(prepared, classifier, examples, revised_from, edits)
        if config.soft_labels:
            _add_shares(prepared, examples, len(classifier.classes))
        _add_debiasing(prepared, examples, config, len(classifier.classes), first_model)
    if prepared.pairs.rationale is not None:
        _keep_share_of_rationales(prepared, config.rationale_share)
        if artefacts:
            _mark_all_but_artefacts(prepared, classifier, config.z_threshold)
    return prepared


def _unbiased_rows(examples: Sequence[Example], threshold: float) -> NDArray[np.int64]:
    """The rows that the z-filter keeps."""
    features = [surface_features(example.premise, example.hypothesis) for example in examples]
    return np.flatnonzero(z_filter(features, [example.gold for example in examples], threshold))


def _add_partners(
    prepared: Prepared,
    classifier: Classifier,
    examples: Sequence[Example],
    revised_from: int,
    edits: bool,
) -> None:
    """The counterfactual partners, and with `edits` the edited words as rationales."""
    pairs = prepared.pairs
    partners = partners_of(examples, pairs.encoded, revised_from)
    pairs = replace(pairs, partners=partners)
    if edits:
        words = edited_words(classifier, examples, pairs.encoded, partners)
        pairs = replace(pairs, rationale=words)
    prepared.pairs = pairs
    known = int(partners.known.sum())
    prepared.notes.append(f"{known:,} of {len(pairs):,} pairs have a counterfactual partner")
    prepared.summary["partnered_pairs"] = known


def _add_shares(prepared: Prepared, examples: Sequence[Example], classes: int) -> None:
    """The annotators' shares of each label."""
    shares = [human_distribution(each.annotator_labels, each.extra) for each in examples]
    prepared.pairs = pairs = with_shares(prepared.pairs, shares, classes)
    prepared.notes.append(
        f"soft labels: {pairs.annotated:,} of {len(pairs):,} pairs have annotators"
    )


def _add_debiasing(
    prepared: Prepared,
    examples: Sequence[Example],
    config: TrainConfig,
    classes: int,
    first_model: FirstModel | None,
) -> None:
    """What the method reads of each pair: the experts, weights, targets or groups."""
    method, pairs = get_debiasing(config.debias), prepared.pairs
    notes, summary = prepared.notes, prepared.summary
    if method.needs_expert:
        expert = joint_expert(
            config.experts, examples, pairs.labels, classes, config.expert_temperature
        )
        pairs = replace(pairs, expert=expert.log_probabilities)
        what = " + ".join(f"{name}-only" for name in config.experts)
        notes.append(f"{what} expert: accuracy {expert.accuracy:.4f} out of fold")
        summary |= expert.as_dict()
    if method.needs_first_model:
        assert first_model is not None
        changes = {"epochs": config.jtt_epochs, "max_steps": 0} if config.debias == "jtt" else {}
        logits = first_model(examples, changes)
        accuracy = float((logits.argmax(1) == pairs.labels).mean())
        notes.append(f"first model: accuracy {accuracy:.4f} on the training pairs")
        summary["first_model_accuracy"] = accuracy
        if config.debias == "jtt":
            weights, wrong = error_weights(logits, pairs.labels, config.jtt_upweight)
            notes.append(f"jtt: {wrong:,} of {len(pairs):,} pairs weigh {config.jtt_upweight:g}")
            pairs = replace(pairs, weights=weights)
        else:
            assert pairs.expert is not None
            targets = scaled_teacher(logits, pairs.labels, pairs.expert)
            pairs = replace(pairs, shares=targets)
    if config.debias == "group-dro":
        groups = artefact_groups([each.hypothesis for each in examples], pairs.labels)
        notes.append(f"group-dro: {groups.max() + 1} groups, {np.bincount(groups).tolist()} pairs")
        pairs = replace(pairs, groups=groups)
    prepared.pairs = pairs


def _keep_share_of_rationales(prepared: Prepared, share: float) -> None:
    """Keep the rationales of a random part of all pairs, the same for every seed of training.

    Raises NliError where none is left.
    """
    pairs = prepared.pairs
    assert pairs.rationale is not None
    owner = pairs.encoded.rows
    marked = np.unique(owner[pairs.rationale])
    order = np.random.default_rng(0).permutation(len(pairs))
    with_rationale = marked[order[marked] < share * len(pairs)]
    if not len(with_rationale):
        raise NliError(
            f"no pair of {len(pairs):,} is left with a rationale",
            "use a larger rationale_share, or data with more rationales",
        )
    prepared.pairs = replace(pairs, rationale=pairs.rationale & np.isin(owner, with_rationale))
    prepared.notes.append(f"{len(with_rationale):,} of {len(pairs):,} pairs have a rationale")
    prepared.summary["rationale_pairs"] = len(with_rationale)


def _mark_all_but_artefacts(prepared: Prepared, classifier: Classifier, threshold: float) -> None:
    """From what the rationales say of words: every pair's rationale is all but its artefacts."""
    artefacts = artefact_tokens(prepared.pairs, threshold)
    marks = all_but(prepared.pairs, artefacts)
    prepared.pairs = replace(prepared.pairs, rationale=marks)
    words = classifier.tokenizer.convert_ids_to_tokens(artefacts.tolist())
    count = len(np.unique(prepared.pairs.encoded.rows[marks]))
    listed = ", ".join(words[:8]) + (", …" if len(words) > 8 else "")
    prepared.notes.append(f"{len(words)} artefact words ({listed}) in {count:,} hypotheses")
    prepared.summary |= {"artefact_words": words, "artefact_pairs": count}
