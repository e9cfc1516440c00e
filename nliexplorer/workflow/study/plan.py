"""Which runs a study is made of: packaged plans, arms as overlays on a base, one run a seed."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from nliexplorer.config import TrainConfig, load_config
from nliexplorer.errors import NliError, unknown_name
from nliexplorer.workflow.search_space import PLACE

PARTS = ("planted", "strength", "real", "second-planted", "second-real")
SIZES = {"small": ("planted",), "full": ("planted", "strength", "real")}
#: Parts whose data and model are the user's.
REAL_PARTS = ("real", "second-real")
_FOLDER = files("nliexplorer.presets") / "study"


@dataclass(frozen=True, slots=True)
class Arm:
    """One configuration over several seeds; `against` and `start` name other arms of the plan.

    `start`: the arm whose trained model of the same seed it goes on from.
    """

    name: str
    config: TrainConfig
    seeds: tuple[int, ...]
    against: str
    start: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """Arms that one table holds."""

    title: str
    arms: tuple[Arm, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One run to be: `key` says what it computes, wherever and by whatever name it is stored."""

    name: str
    key: str
    config: TrainConfig
    start: str = ""  # key of the task whose model it goes on from
    start_model: str = ""  # folder of that model, where another machine trained it

    @property
    def arm(self) -> str:
        return self.name.removesuffix(f"-s{self.config.seed}")


@dataclass(frozen=True, slots=True)
class Plan:
    """One part of a study."""

    name: str
    blocks: tuple[Block, ...]
    also: tuple[str, ...]  # further sets, DATA or DATA:SPLIT, that every run is evaluated on
    attributed: int  # first pairs of the first split that every run attributes; 0: none
    judged: int  # of them, drawn for faithfulness

    @property
    def arms(self) -> dict[str, Arm]:
        return {arm.name: arm for block in self.blocks for arm in block.arms}

    def task(self, arm: Arm, seed: int) -> Task:
        start = self.task(self.arms[arm.start], seed) if arm.start else None
        config = arm.config.updated({"seed": seed}, "study")
        plain = {key: value for key, value in config.as_dict().items() if key not in PLACE}
        if start:
            plain["model"] = f"run {start.key}"
        text = json.dumps(plain, sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        return Task(f"{arm.name}-s{seed}", key, config, start.key if start else "")

    def tasks(self, arm_names: Sequence[str] = ()) -> list[Task]:
        """Every run of the `arm_names` arms (all by default) and of those they start from or are
        compared with: seed by seed, so that a study broken off holds whole comparisons.
        """
        names = self._with_needed(arm_names)
        arms = [arm for arm in self.arms.values() if arm.name in names]
        seeds = sorted({seed for arm in arms for seed in arm.seeds})
        return [self.task(arm, seed) for seed in seeds for arm in arms if seed in arm.seeds]

    def _with_needed(self, arm_names: Sequence[str]) -> set[str]:
        names: set[str] = set()
        todo = list(arm_names or self.arms)
        while todo:
            name = todo.pop()
            if name not in self.arms:
                raise unknown_name("arm", name, tuple(self.arms))
            if name not in names:
                names.add(name)
                arm = self.arms[name]
                todo += [other for other in (arm.start, arm.against) if other]
        return names


def load_plan(
    part: str,
    changes: Mapping[str, Any] | None = None,
    *,
    seeds: Sequence[int] = (),
    also: Sequence[str] = (),
    attributed: int | None = None,
) -> Plan:
    """The packaged plan of a part; `changes` (configuration keys) wins over its base, not its arms.

    `seeds`, `also` and `attributed` take the place of the plan's own, a given `augment` that of
    the arms.
    """
    if part not in PARTS:
        raise unknown_name("part of the study", part, PARTS)
    if len(set(seeds)) < len(seeds):
        raise NliError("a seed is given twice", "name each --seed once")
    text = _read(part)
    settings = dict(changes or {})
    augment = settings.pop("augment", "")
    base = load_config(text["preset"], None, {**text["base"], **settings})
    last = {key: value for key, value in settings.items() if key in (*PLACE, "max_steps")}
    return Plan(
        part,
        tuple(_block(text, block, base, last, seeds, augment) for block in text["blocks"]),
        tuple(also or (each.replace("{data}", base.data) for each in text.get("also", ()))),
        int(text["attributed"] if attributed is None else attributed),
        int(text["judged"]),
    )


def arm_names(part: str) -> list[str]:
    """Of the packaged plan, in its order."""
    text = _read(part)
    return [_prefix(text, block) + name for block in text["blocks"] for name in block["arms"]]


def _read(part: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / f"{part}.toml").read_text("utf-8"))


def _prefix(text: Mapping[str, Any], block: Mapping[str, Any]) -> str:
    return str(block.get("prefix", text.get("prefix", "")))


def _block(
    text: Mapping[str, Any],
    block: Mapping[str, Any],
    base: TrainConfig,
    last: Mapping[str, Any],
    seeds: Sequence[int],
    augment: str,
) -> Block:
    prefix = _prefix(text, block)
    reference = block.get("against", prefix + block["arms"][0])
    arms = []
    for name in block["arms"]:
        full = prefix + name
        overlay = {**read_arm(name), **block.get("set", {})}
        if augment and "augment" in overlay:
            overlay["augment"] = augment
        arms.append(
            Arm(
                full,
                base.updated(overlay, f"arm {name}").updated(last, full),
                tuple(seeds or block.get("seeds", text["seeds"])),
                "" if full == reference else reference,
                block.get("start", ""),
            )
        )
    return Block(block["title"], tuple(arms))


def read_arm(name: str) -> dict[str, Any]:
    """The configuration keys of a packaged arm, which `train --config` reads too."""
    return tomllib.loads((_FOLDER / "arms" / f"{name}.toml").read_text("utf-8"))
