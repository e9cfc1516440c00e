"""Which output of a checkpoint's head is which label, of three-way and two-way heads.

A trained head is kept where its outputs are known: by their names, or as the user states them in
`MODEL?labels=entailment,neutral,contradiction`. Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nliexplorer.data.labels import label_word, names_map, parse_labels
from nliexplorer.errors import NliError, documented
from nliexplorer.progress import say
from nliexplorer.records import GOLD_NAMES, LABELS, TWO_WAY, classes_of

#: Position i: the output of the i-th of LABELS, or of TWO_WAY for a head of two outputs.
LabelOrder = tuple[int, ...]
_CLASSIFIER = "ForSequenceClassification"
_USABLE = f"choose a classifier trained on {', '.join(LABELS)}, or on entailment and not_entailment"


@documented("models")
def split_spec(text: str) -> tuple[str, str]:
    """(model, stated labels or "") of `MODEL?labels=…`."""
    model, mark, query = text.partition("?")
    if not mark or "=" not in query:
        return text, ""
    key, _, stated = query.partition("=")
    if key != "labels" or not stated:
        raise NliError(
            f"{text!r}: unknown option {query!r}",
            f"a model takes one: '{model}?labels=entailment,neutral,contradiction'",
        )
    return model, stated


def write_label_names(config: Any, order: LabelOrder = (0, 1, 2)) -> None:
    """Names and number of the outputs into a model's configuration."""
    names = {
        output: GOLD_NAMES[label] for output, label in zip(order, classes_of(order), strict=True)
    }
    config.num_labels = len(order)
    config.id2label = dict(sorted(names.items()))
    config.label2id = {name: output for output, name in config.id2label.items()}


@documented("models")
def trained_head(config: Any, spec: str, stated: str = "") -> LabelOrder:
    """The order of the checkpoint's own head; refused where there is none of use or it is open."""
    if not any(name.endswith(_CLASSIFIER) for name in config.architectures or []):
        raise NliError(f"{spec} has no classification head", _USABLE)
    if config.num_labels == 1 or config.problem_type == "regression":
        raise NliError(f"{spec} has a regression head, which does not distinguish labels", _USABLE)
    if config.problem_type == "multi_label_classification":
        raise NliError(
            f"{spec} has a multi-label head: its labels do not exclude one another", _USABLE
        )
    if config.num_labels not in (len(TWO_WAY), len(LABELS)):
        raise NliError(f"{spec} has a head of {config.num_labels} labels", _USABLE)
    return label_order(config.id2label, config.label2id, spec, stated)


@documented("models")
def head_for_training(
    config: Any, spec: str, stated: str = "", *, outputs: int = len(LABELS)
) -> LabelOrder | None:
    """The order of a trained head of `outputs` labels; None, with the reason reported, where a new
    one is made.
    """
    if not any(name.endswith(_CLASSIFIER) for name in config.architectures or []):
        if stated:
            raise NliError(f"{spec} has no classification head", "drop ?labels=")
        return None
    try:
        order = trained_head(config, spec, stated)
    except NliError as error:
        if stated:
            raise
        say(f"{error.message}: a new head is created. {_keeping(config, spec, outputs)}".strip())
        return None
    if len(order) == outputs:
        return order
    names = {2: "two-way", 3: "three-way"}
    say(f"{spec} has a {names[len(order)]} head: a new {names[outputs]} head is created")
    return None


def _keeping(config: Any, spec: str, outputs: int) -> str:
    if config.num_labels != outputs or any(map(label_word, config.id2label.values())):
        return ""
    order = ",".join(GOLD_NAMES[label] for label in classes_of(tuple(range(outputs))))
    return f"To keep its own, state its order: --model '{spec}?labels={order}'"


@documented("models")
def label_order(
    id2label: Mapping[Any, str], label2id: Mapping[str, int] | None, model: str, stated: str = ""
) -> LabelOrder:
    """Where each label stands in the model's logits: `logits[:, order]` follows LABELS or TWO_WAY.

    `stated` speaks for outputs whose names say nothing; it may not contradict those that do.
    """
    try:
        names = {int(output): str(name) for output, name in id2label.items()}
    except (TypeError, ValueError):
        raise NliError(f"{model}: id2label has keys that are not numbers", _CORRECT_NAMES) from None
    outputs = list(range(len(names)))
    if sorted(names) != outputs:
        raise NliError(f"{model}: id2label does not number its outputs from 0", _CORRECT_NAMES)
    known = names_map([names[output] for output in outputs], model)
    for name, output in (label2id or {}).items():
        label = label_word(name)
        if label is not None and known.get(int(output), label) != label:
            raise NliError(f"{model}: id2label and label2id contradict each other", _CORRECT_NAMES)
    shown = ", ".join(repr(names[output]) for output in outputs)
    if stated:
        mapping = parse_labels(stated)
        if any(known.get(output, label) != label for output, label in mapping.items()):
            raise NliError(
                f"{model} names its outputs {shown}, ?labels={stated} contradicts it",
                "drop ?labels=, or correct id2label in the model's config.json",
            )
        known = {**known, **mapping}
    classes = classes_of(tuple(outputs))
    if sorted(known.values()) == list(classes) and set(known) == set(outputs):
        of_label = {label: int(output) for output, label in known.items()}
        return tuple(of_label[label] for label in classes)
    order = ",".join(GOLD_NAMES[label] for label in classes)
    how = f"state the order of its outputs: '{model}?labels={order}' (or in another order)"
    if known:
        raise NliError(f"{model} names its outputs {shown}: not the labels of NLI", _USABLE)
    raise NliError(f"{model} does not say what its outputs mean ({shown})", how)


_CORRECT_NAMES = "correct id2label and label2id in the model's config.json"
