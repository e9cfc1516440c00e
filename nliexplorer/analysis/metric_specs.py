"""Names, units, decimals and direction of every metric, for all tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """How one metric is named and shown.

    Values are stored as fractions and seconds; `digits` are decimals in the shown `unit`. Means
    over seeds are shown with one decimal fewer. `better` is empty for what is only more or less.
    """

    name: str  # in JSON and CSV
    label: str
    short: str  # as a column's heading
    unit: Literal["", "%", "s", "nats", "logits"] = ""
    digits: int = 4
    better: Literal["higher", "lower", ""] = ""

    @property
    def factor(self) -> int:
        """What a stored value is multiplied by to be shown in the unit."""
        return 100 if self.unit == "%" else 1

    @property
    def lower_is_better(self) -> bool:
        return self.better == "lower"

    @property
    def heading(self) -> str:
        """The short name, with the unit where there is one."""
        return f"{self.short}, {self.unit}" if self.unit in ("%", "s", "logits") else self.short


_SPECS = (
    MetricSpec("accuracy", "accuracy", "accuracy", "%", 2, "higher"),
    MetricSpec("roc_auc_macro", "ROC AUC, macro one-vs-rest", "AUC macro", "%", 2, "higher"),
    MetricSpec("roc_auc_neutral", "ROC AUC, neutral-vs-rest", "AUC neutral", "%", 2, "higher"),
    MetricSpec("nll", "negative log-likelihood", "NLL", "nats", 4, "lower"),
    MetricSpec("brier", "Brier score", "Brier", "", 4, "lower"),
    MetricSpec("ece", "expected calibration error, 10 bins", "ECE", "%", 2, "lower"),
    MetricSpec("cross_entropy", "cross-entropy to the annotators", "CE", "nats", 4, "lower"),
    MetricSpec("kl", "KL(annotators ‖ model)", "KL", "nats", 4, "lower"),
    MetricSpec("jsd", "Jensen–Shannon distance to the annotators", "JSD", "", 4, "lower"),
    MetricSpec(
        "entropy_correlation",
        "entropy correlation with the annotators (Spearman)",
        "entropy ρ",
        "",
        3,
        "higher",
    ),
    MetricSpec("train_seconds", "training time", "training", "s", 1, "lower"),
    MetricSpec("eval_seconds", "evaluation time", "evaluation", "s", 1, "lower"),
    MetricSpec("cpu_seconds", "processor time", "CPU", "s", 1, "lower"),
    MetricSpec("ece_after_temperature", "ECE after temperature", "ECE at T", "%", 2, "lower"),
    MetricSpec("comprehensiveness", "comprehensiveness", "comprehensiveness", "", 4, "higher"),
    MetricSpec("sufficiency", "sufficiency", "sufficiency", "", 4, "lower"),
    MetricSpec("plausibility AUPRC", "plausibility, AUPRC", "AUPRC", "", 4, "higher"),
    MetricSpec("completeness", "completeness error", "completeness", "logits", 4, "lower"),
    MetricSpec("artefact_share", "|attribution| on artefact words", "on artefact words", "%", 2),
    MetricSpec("artefact_even", "the same were it spread evenly", "evenly spread", "%", 2),
    MetricSpec("hypothesis_share", "|attribution| on the hypothesis", "on the hypothesis", "%", 2),
    MetricSpec("variance", "variance of the attributions", "V", "", 5),
    MetricSpec("saturation", "tanh(α·V)", "tanh(α·V)", "%", 2),
)
METRIC_SPECS: dict[str, MetricSpec] = {spec.name: spec for spec in _SPECS}

#: The metrics of predictions, in the order of every table and document.
METRICS = ("accuracy", "roc_auc_macro", "roc_auc_neutral", "nll", "brier", "ece")
#: Against the labels of several annotators, in the order of every table.
SOFT_METRICS = ("cross_entropy", "kl", "jsd", "entropy_correlation")


def spec_of(name: str) -> MetricSpec:
    """The metric's entry; one that is not in the table is shown bare, higher taken for better."""
    return METRIC_SPECS.get(name) or MetricSpec(name, name, name, better="higher")
