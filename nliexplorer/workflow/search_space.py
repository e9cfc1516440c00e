"""What a sweep varies: one axis per configuration key, a range or a list of choices."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nliexplorer.analysis.metric_specs import METRICS, spec_of
from nliexplorer.config import DEFAULTS, TrainConfig
from nliexplorer.errors import NliError, unknown_name
from nliexplorer.training.penalties import get_penalty

#: Configuration keys that affect where and under which name it runs, not what it computes.
PLACE = ("name", "output_dir", "device", "report_to")


@dataclass(frozen=True, slots=True)
class Axis:
    """`key` between `low` and `high`, drawn on a logarithmic scale, or one of `choices`."""

    key: str
    low: float = 0.0
    high: float = 0.0
    choices: tuple[float | int | str, ...] = ()

    def draw(self, trial: Any) -> float | int | str:
        """This trial's value; ranges to four significant digits."""
        if len(self.choices) == 1:
            return self.choices[0]
        if self.choices:
            value: float | int | str = trial.suggest_categorical(self.key, list(self.choices))
            return value
        return float(f"{trial.suggest_float(self.key, self.low, self.high, log=True):.4g}")


def parse_axis(key: str, text: str) -> Axis:
    """`0.01:1` is a range, `0.1,0.3` a list, `0.1` a fixed value; values are checked by the key."""
    flag = f"--{key.replace('_', '-')} {text}"
    low, colon, high = text.partition(":")
    if colon:
        try:
            ends = float(low), float(high)
        except ValueError:
            ends = (0.0, 0.0)
        if not 0 < ends[0] < ends[1] < math.inf:
            raise NliError(f"{flag} is not a range", "for example 0.01:1, both above 0")
        if key == "ig_steps":
            raise NliError(f"{flag} is not a list", "for example --ig-steps 3,5,10")
        axis = Axis(key, *ends)
    else:
        words = [word.strip() for word in text.split(",")]
        axis = Axis(key, choices=tuple(dict.fromkeys(_value(key, word, flag) for word in words)))
    for value in axis.choices or (axis.low, axis.high):
        if key == "penalty":
            get_penalty(str(value))
        TrainConfig().updated({key: value}, flag)
    return axis


def _value(key: str, word: str, flag: str) -> float | int | str:
    if key == "penalty" or word == "auto":
        return word
    try:
        return int(word) if key == "ig_steps" else float(word)
    except ValueError:
        raise NliError(f"{flag}: {word!r} is not a number", "for example 0.1,0.3") from None


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """One study: what is varied over `base`, and what a trial is judged by."""

    name: str
    base: TrainConfig
    axes: tuple[Axis, ...]
    seeds: tuple[int, ...]
    metric: str = "accuracy"
    with_baseline: bool = True

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise unknown_name("metric", self.metric, METRICS)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise NliError(
                "a sweep needs at least one seed, and each only once",
                "for example --seed 0 --seed 1",
            )

    @property
    def split(self) -> str:
        return self.base.eval_splits[0]

    @property
    def direction(self) -> str:
        return "minimize" if spec_of(self.metric).lower_is_better else "maximize"

    def configs(self, params: dict[str, Any]) -> list[TrainConfig]:
        """One penalised configuration per seed."""
        values = {**params, "objective": "ig-variance"}
        return [self.base.updated({**values, "seed": seed}, "sweep") for seed in self.seeds]

    def baselines(self) -> list[TrainConfig]:
        return [
            self.base.updated({"objective": "baseline", "seed": seed}, "sweep")
            for seed in self.seeds
        ]

    def settings(self) -> dict[str, Any]:
        """What must be the same for trials to belong to one study; JSON values."""
        varied = {axis.key for axis in self.axes} | {"seed", "objective", *PLACE}
        base = {key: value for key, value in self.base.as_dict().items() if key not in varied}
        plain = {
            "base": base,
            "axes": [asdict(axis) for axis in self.axes],
            "seeds": self.seeds,
            "metric": self.metric,
        }
        settings: dict[str, Any] = json.loads(json.dumps(plain))
        return settings


def same_computation(stored: dict[str, Any], config: TrainConfig) -> bool:
    """Whether a stored configuration computes what `config` would."""
    values = config.as_dict()
    keys = {*values, *(key for key in stored if key in DEFAULTS)}.difference(PLACE)
    return bool(stored) and all(
        stored.get(key, DEFAULTS.get(key)) == values.get(key, DEFAULTS.get(key)) for key in keys
    )


def differing(stored: dict[str, Any], requested: dict[str, Any]) -> Sequence[str]:
    """Names of the settings that are not the same, those of the base configuration included."""
    plain = [key for key in requested if key != "base"]
    names = [key for key in plain if stored.get(key) != requested[key]]
    old, new = stored.get("base", {}), requested["base"]
    return [*names, *(key for key in {**old, **new} if old.get(key) != new.get(key))]
