"""TOML and flags become one frozen, validated TrainConfig; unknown keys are refused."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from nliexplorer.errors import NliError, documented, unknown_name

Objective = Literal["baseline", "ig-variance"]
#: Which words count as a pair's rationale: those that people marked; those that a counterfactual
#: edit changed; or all but artefacts, words that speak for a label and that neither of these marks.
Rationales = Literal["marked", "counterfactual-edit", "all-but-artefacts"]
#: tomllib's own, bytes that are no UTF-8, numbers of thousands of digits, arrays nested as deep
_NO_TOML = (ValueError, RecursionError)
PRESETS = ("quick", "snli", "paper", "published-code")


#: Where a run's figures may be reported besides the database; the packages are the user's.
TRACKERS = ("none", "tensorboard", "wandb", "mlflow", "trackio")
#: What may be penalised about a pair's attributions; a line each for help and docs.
PENALTIES = {
    "variance": "their variance over the words (the paper)",
    "stopwords": "the size of their sum over stop words",
    "both": "variance and stopwords",
    "concentration": "how far they gather on few words",
    "hypothesis-share": "the share of the hypothesis",
    "rationale": "their squares outside the rationale (words that people marked, or edits)",
    "rationale-two-sided": "the same, and how far they miss rationale_target inside it",
}
#: What is done against shortcuts in the training pairs; a line each for help and docs.
DEBIASING = {
    "none": "nothing",
    "product-of-experts": "the model is trained jointly with biased experts and used alone",
    "focal": "pairs that the biased experts solve weigh little",
    "jtt": "just train twice: what a first, short training gets wrong weighs jtt_upweight times",
    "confidence-regularisation": "a plain model is distilled, less surely where experts are right",
    "z-filter": "pairs are dropped until no surface feature's z with a label is above z_threshold",
    "group-dro": "groups, label by give-away words, weigh the more the larger their loss",
}
#: How V and its gradient are estimated from points on the path; a line each for help and docs.
ESTIMATORS = {
    "quadrature": "all ig_steps nodes, value and gradient",
    "sampled": "value from ig_steps nodes shifted at random, gradient from ig_gradient_steps of "
    "them, drawn by importance; unbiased, for any penalty",
    "pairs": "two independent samples of ig_steps nodes; unbiased and cheapest, but V is noisy; "
    "for quadratic penalties",
}
#: Debiasing methods that soft labels do not go with.
_ONE_LABEL = ("focal", "confidence-regularisation")


@dataclass(frozen=True, slots=True)
class PathPenaltyConfig:
    """The penalty lambda * tanh(alpha * V) on a batch's attributions; keys are those of the TOML.

    >>> PathPenaltyConfig(lambda_=0.3, ig_estimator="sampled").ig_gradient_steps
    2
    """

    penalty: str = "variance"
    lambda_: float = 0.1
    alpha: float | Literal["auto"] = 10.0
    penalty_gradient: Literal["exact", "embedding"] = "exact"
    ig_steps: int | Literal["auto"] = 10
    ig_gradient_steps: int = 2  # nodes per pair whose gradient is taken, with `sampled`
    ig_rule: Literal["gauss-legendre", "midpoint", "trapezoid"] = "gauss-legendre"
    ig_estimator: str = "quadrature"  # a name of ESTIMATORS
    ig_path: Literal["input", "outside-rationale"] = "input"  # the words that leave the baseline
    variance_over: Literal["words", "all"] = "words"
    rationale_target: float = 1.0  # attribution of a rationale word for rationale-two-sided, logits
    penalty_fraction: float = 1.0  # random part of the batch that is penalised
    penalty_warmup: float = 0.0  # part of the updates over which lambda ramps up from 0
    path_dropout: bool = False  # dropout on the attributed path
    path_token_types: bool = True  # token_type_ids on the attributed path
    path_tokens: int = 8192  # tokens times nodes in one pass: bounds an exact step's memory

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name, "")
            if isinstance(value, str):
                continue
            if not low <= value <= high:  # false of NaN too
                flag = name.rstrip("_").replace("_", "-")
                raise NliError(
                    f"{flag} = {_short(value)} is out of range",
                    f"it takes a number from {low:g} to {high:g}",
                )
        if self.alpha == 0:
            raise NliError("alpha = 0 turns the penalty off", "use --objective baseline instead")
        if self.ig_estimator not in ESTIMATORS:
            raise unknown_name("estimator", self.ig_estimator, tuple(ESTIMATORS))
        tracker = getattr(self, "report_to", "none")
        if tracker not in TRACKERS:
            raise unknown_name("tracker of --report-to", tracker, TRACKERS)
        debias = getattr(self, "debias", "none")
        if debias not in DEBIASING:
            raise unknown_name("debiasing", debias, tuple(DEBIASING))
        if getattr(self, "soft_labels", False) and debias in _ONE_LABEL:
            raise NliError(
                f"{debias} needs one gold label a pair, and soft labels have several",
                "use --debias product-of-experts or none with --soft-labels",
            )
        self._check_gradient_steps()

    @documented("quadrature")
    def _check_gradient_steps(self) -> None:
        if self.ig_estimator != "sampled":
            return
        if self.penalty_gradient == "embedding":
            raise NliError(
                "the sampled estimator draws nodes for the exact gradient only",
                "use --penalty-gradient exact, or --ig-estimator quadrature",
            )
        if isinstance(self.ig_steps, int) and self.ig_steps < self.ig_gradient_steps:
            raise NliError(
                f"ig-gradient-steps = {self.ig_gradient_steps} is more than the "
                f"{self.ig_steps} nodes of ig-steps",
                f"use --ig-gradient-steps {self.ig_steps} or fewer, or a larger --ig-steps",
            )


@dataclass(frozen=True, slots=True)
class TrainConfig(PathPenaltyConfig):
    """Everything that decides a training run; stored whole with it. Keys are those of the TOML."""

    objective: Objective = "baseline"
    # data
    data: str = "planted"
    train_samples: int = 0  # 0: all
    eval_samples: int = 0
    train_split: str = "train"  # where the source's names do not say which it is
    eval_splits: tuple[str, ...] = ("dev",)  # evaluated after training; the first stops early
    augment: str = ""  # second training source, e.g. counterfactual pairs
    # model
    model: str = "tiny"  # hub id, local folder, "minilm", or "tiny": ELECTRA from scratch
    max_length: int = 128
    # optimisation
    epochs: float = 3.0
    max_steps: int = 0  # 0: by epochs
    batch_size: int = 16  # pairs per update and process
    accumulation: int = 1  # micro-batches per update
    lr: float = 5e-5
    weight_decay: float = 0.0
    adam_beta2: float = 0.999
    warmup_ratio: float = 0.0
    max_grad_norm: float = 1.0
    eval_every: float = 1.0  # epochs
    patience: int = 2  # evaluations without gain before stopping early; 0: never stop
    seed: int = 0
    device: str = "auto"  # auto, cpu, cuda, cuda:1, mps
    precision: Literal["fp32", "bf16", "auto"] = "fp32"
    pad_to: int = 0  # pad every batch to this many tokens; 0: longest of the batch
    soft_labels: bool = False  # cross-entropy to the annotators' shares of each label
    # rationales and counterfactual pairs
    rationales: Rationales = "marked"  # by people; changed by an edit; or all but artefact words
    rationale_share: float = 1.0  # random part of the pairs whose rationale is used
    contrast: bool = False  # both members of a counterfactual pair in the same update
    gradient_supervision: float = 0.0  # weight of 1 - cos(input gradient, edit), Teney et al. 2020
    # debiasing
    debias: str = "none"  # a name of DEBIASING
    debias_warmup: float = 0.0  # first part of the updates, trained plainly
    experts: tuple[str, ...] = ("hypothesis",)  # the biased ones, joined: hypothesis, overlap
    expert_temperature: float = 1.0  # above 1: experts are less sure
    jtt_epochs: float = 1.0  # of the first training
    jtt_upweight: float = 5.0
    z_threshold: float = 5.0  # of z-filter and of artefact words
    dro_step: float = 0.01  # of the groups' weights, an update
    # records
    record_dynamics: bool = False  # P(gold) of each training pair in each epoch
    report_to: str = "none"  # tensorboard, wandb, mlflow, trackio: every update is logged there
    attribute: bool = True  # attribute the errors of every evaluated split after training
    attribution_steps: int = 10  # nodes of these attributions
    output_dir: str = "checkpoints"
    name: str = ""

    @property
    def penalised(self) -> bool:
        return self.objective == "ig-variance" and self.lambda_ > 0

    def as_dict(self) -> dict[str, Any]:
        """JSON values, the key `lambda` without its underscore: what the store keeps."""
        values = asdict(self)
        values["lambda"] = values.pop("lambda_")
        if self.ig_estimator != "sampled":  # it has no effect there
            values["ig_gradient_steps"] = DEFAULTS["ig_gradient_steps"]
        kept = {k: v for k, v in values.items() if k not in _ADDED or v != DEFAULTS[k]}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in kept.items()}

    def updated(self, values: Mapping[str, Any], where: str) -> TrainConfig:
        """A copy with `values` (TOML keys) put in; refuses unknown keys and wrong types."""
        return replace(self, **_checked(values, where))


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("train_samples", 0, 10**9),
    ("eval_samples", 0, 10**9),
    ("max_length", 8, 8192),
    ("epochs", 0.0, 10_000),
    ("max_steps", 0, 10**9),
    ("batch_size", 1, 65_536),
    ("accumulation", 1, 65_536),
    ("lr", 1e-12, 10.0),
    ("weight_decay", 0.0, 10.0),
    ("adam_beta2", 0.0, 0.999999),
    ("warmup_ratio", 0.0, 1.0),
    ("max_grad_norm", 0.0, 1e9),
    ("eval_every", 1e-6, 1e6),
    ("patience", 0, 10**6),
    ("seed", 0, 2**32 - 1),
    ("lambda_", 0.0, 1e6),
    ("alpha", 0.0, 1e9),
    ("ig_steps", 1, 10_000),
    ("ig_gradient_steps", 1, 10_000),
    ("attribution_steps", 1, 10_000),
    ("penalty_fraction", 1e-6, 1.0),
    ("penalty_warmup", 0.0, 1.0),
    ("pad_to", 0, 8192),
    ("debias_warmup", 0.0, 1.0),
    ("expert_temperature", 0.01, 1e6),
    ("jtt_epochs", 1e-6, 10_000),
    ("jtt_upweight", 0.0, 1e6),
    ("z_threshold", 1.0, 1e6),
    ("dro_step", 0.0, 1e3),
    ("rationale_target", -1e6, 1e6),
    ("rationale_share", 1e-6, 1.0),
    ("gradient_supervision", 0.0, 1e6),
    ("path_tokens", 16, 10**9),
)


#: Every key's default.
DEFAULTS = asdict(TrainConfig())
#: Keys that earlier runs lack: kept out of what is stored while they are at their defaults, so that
#: studies and sweeps know the runs they made before.
_ADDED = (
    "train_split", "ig_gradient_steps", "report_to", "soft_labels", "rationale_target",
    "rationales", "rationale_share", "contrast", "gradient_supervision", "debias_warmup",
    "experts", "expert_temperature", "jtt_epochs", "jtt_upweight", "z_threshold", "dro_step",
    "ig_path",
)  # fmt: skip


def _checked(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    hints = get_type_hints(TrainConfig)
    known = {f.name.rstrip("_"): f.name for f in fields(TrainConfig)}
    checked: dict[str, Any] = {}
    for key, value in values.items():
        plain = key.replace("-", "_")
        if plain not in known:
            close = difflib.get_close_matches(plain, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
            raise NliError(f"{where}: unknown key {key!r}", hint, "configuration")
        checked[known[plain]] = _coerced(value, hints[known[plain]], f"{where}: {key}")
    return checked


def _coerced(value: Any, hint: Any, where: str) -> Any:
    """`value` as the field's type; 1 passes for 1.0, and nothing else is converted."""
    options = get_args(hint) if get_origin(hint) not in (None, tuple, Literal) else (hint,)
    accepted: list[str] = []
    for option in options:
        if get_origin(option) is Literal:
            if value in get_args(option) and isinstance(value, str):
                return value
            accepted += [repr(choice) for choice in get_args(option)]
        elif get_origin(option) is tuple:
            if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
                return tuple(value)
            accepted.append("a list of strings")
        elif option is float and isinstance(value, int | float) and not isinstance(value, bool):
            with suppress(OverflowError):  # a whole number may be larger than any float
                return float(value)
            accepted.append("a number that is not as large")
        elif option in (int, bool, str) and type(value) is option:
            return value
        else:
            accepted.append({float: "a number", int: "a whole number"}.get(option, str(option)))
    raise NliError(
        f"{where} = {_short(value)} is not understood", f"it takes {' or '.join(accepted)}"
    )


def _short(value: Any) -> str:
    """A value for a message: the beginning of a long one."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def read_toml(file: Path) -> dict[str, Any]:
    """The keys of a configuration file as they stand."""
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise NliError(f"cannot read {file}: {error.strerror}", "name a TOML file") from None
    except _NO_TOML as error:
        raise NliError(f"{file} is not TOML: {error}", "write lines such as: epochs = 3") from None


def load_config(
    preset: str | None = None, file: Path | None = None, flags: Mapping[str, Any] | None = None
) -> TrainConfig:
    """Defaults, then the preset, then the file, then the flags; later ones win."""
    config = TrainConfig()
    if preset:
        if preset not in PRESETS:
            raise unknown_name("preset", preset, PRESETS)
        text = (files("nliexplorer.presets") / f"{preset}.toml").read_text("utf-8")
        config = config.updated(tomllib.loads(text), f"preset {preset}")
    if file:
        config = config.updated(read_toml(file), str(file))
    return config.updated(flags, "flags") if flags else config


def closest_preset(config: TrainConfig) -> tuple[str, dict[str, Any]]:
    """The closest preset to `config`, and the keys that differ from it.

    The splits are always among them: what they are by default depends on the data.
    """
    values = config.as_dict()
    candidates: list[tuple[str, dict[str, Any]]] = []
    for preset in PRESETS:
        base = load_config(preset).as_dict()
        both = {key: values.get(key, DEFAULTS.get(key)) for key in {**values, **base}}
        rest = {
            key: value
            for key, value in both.items()
            if value != base.get(key, DEFAULTS.get(key)) or key == "eval_splits"
        }
        candidates.append((preset, rest))
    return min(candidates, key=lambda each: len(each[1]))


def parse_setting(text: str) -> tuple[str, Any]:
    """`KEY=VALUE` of `--set`, the value as TOML would read it, else as a plain string."""
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise NliError(f"--set {text!r} is not KEY=VALUE", "for example --set patience=3")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except _NO_TOML:
        return key.strip(), value.strip()
