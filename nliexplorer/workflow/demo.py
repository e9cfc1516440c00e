"""The demo: the quick preset, both objectives, in a database of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nliexplorer.config import load_config
from nliexplorer.progress import say
from nliexplorer.workflow.train import train_all


def run_demo(db: Path, seed: int = 0) -> list[str]:
    """Train both models on the built-in corpus into `db`; returns the two runs' ids.

    A database of an earlier demo keeps its runs; new ones are added.
    """
    say("planted corpus, tiny ELECTRA, two objectives: about three minutes on two cores")
    base = replace(
        load_config("quick"), seed=seed, output_dir=str(db.with_name(f"{db.stem}-checkpoints"))
    )
    configs = [replace(base, objective="baseline"), replace(base, objective="ig-variance")]
    return train_all(configs, db)
