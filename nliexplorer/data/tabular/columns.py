"""The role of each column: one table of names for data sets and predictions files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

#: Names of each role's column, the likeliest first; case, spaces, `_`, `-` and `.` do not matter.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "premise": (
        *("premise", "sentence1", "sentence_a", "s1", "text1", "text_a", "context", "prem"),
        *("premise_text", "original_premise", "passage", "evidence"),
    ),
    "hypothesis": (
        *("hypothesis", "hypo", "sentence2", "sentence_b", "s2", "text2", "text_b", "hyp"),
        *("hypothesis_text", "original_hypothesis", "statement", "claim"),
    ),
    "label": (
        *("label", "gold_label", "gold", "entailment_label", "entailment_judgment"),
        *("majority_label", "labels", "true_label", "target", "class", "y_true", "judgment"),
    ),
    "label_words": ("gold_label", "label_text", "label_name", "label_str", "gold_label_text"),
    "source_id": ("source_id", "pair_id", "uid", "id", "idx", "guid", "index"),
    "predicted": (
        *("predicted_label", "prediction", "predicted", "pred", "pred_label", "y_pred"),
        *("predicted_class", "predictions", "model_prediction", "pred_class"),
    ),
    "predicted_words": (
        *("predicted_label_text", "prediction_text", "predicted_label_name", "pred_text"),
        *("pred_label_text", "predicted_text", "prediction_label"),
    ),
    "scores": (
        *("predicted_scores", "logits", "probs", "probabilities", "scores", "predicted_logits"),
        *("predicted_probs", "predicted_probabilities", "pred_probs", "pred_logits", "prob"),
        *("softmax", "logit", "label_probs", "class_probabilities", "all_scores"),
    ),
    "answer": (
        *("raw_answer", "answer", "model_answer", "llm_answer", "response", "raw_response"),
        *("model_response", "llm_response", "completion", "generation", "generated_text"),
        *("model_output", "raw_output", "output_text", "filtered_resps", "resps"),
    ),
    "explanation": (
        *("explanation", "rationale", "reasoning", "model_explanation", "justification"),
        *("chain_of_thought", "cot", "reasoning_content"),
    ),
}
TEXT_ROLES = ("premise", "hypothesis")
_LOOKS_LIKE = re.compile(r"logit|prob|score|softmax|label|gold|pred|answer|verdict|class")


def plain_name(name: str) -> str:
    """A name without case, spaces and punctuation: `Sentence_A` equals `sentence a`."""
    return re.sub(r"[\s_\-.]+", "", name.casefold())


_ROLES: dict[str, str] = {}
for _role, _names in ALIASES.items():
    for _name in _names:
        _ROLES.setdefault(plain_name(_name), _role)


@lru_cache(maxsize=4096)
def role_of(name: str) -> str:
    """The role of ALIASES that a column's name has, or ""."""
    return _ROLES.get(plain_name(name), "")


def find_column(role: str, names: Sequence[str]) -> str:
    """The column of a role: by its whole name before `example.premise` or the like; "" if none."""
    for part in (plain_name, _leaf):
        plain: dict[str, str] = {}
        for name in names:
            plain.setdefault(part(name), name)
        for alias in ALIASES[role]:
            if (key := plain_name(alias)) in plain:
                return plain[key]
    return ""


def _leaf(name: str) -> str:
    return plain_name(name.rpartition(".")[2])


def looks_like_answers(name: str) -> bool:
    """Whether a column's name suggests scores, labels or answers."""
    return bool(_LOOKS_LIKE.search(name.casefold()))


def field_names(row: Mapping[str, Any]) -> list[str]:
    """The fields of a row, those of nested objects as `outer.inner`."""
    names: list[str] = []
    for name, value in row.items():
        names.append(str(name))
        if isinstance(value, Mapping):
            names += [f"{name}.{inner}" for inner in value]
    return names


def cell(row: Mapping[str, Any], name: str) -> Any:
    """A field of a row, nested ones by `outer.inner`; None where it is missing."""
    if name in row or "." not in name:
        return row.get(name)
    outer, _, inner = name.partition(".")
    nested = row.get(outer)
    return nested.get(inner) if isinstance(nested, Mapping) else None


def has_cell(row: Mapping[str, Any], name: str) -> bool:
    """Whether a row has a field, whatever it holds."""
    if name in row:
        return True
    outer, dot, inner = name.partition(".")
    nested = row.get(outer) if dot else None
    return isinstance(nested, Mapping) and inner in nested
