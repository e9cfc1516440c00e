"""Small files in the true formats, with sentences of our own; a cache of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import datasets
import pytest

PAIRS = [
    ("A dog runs in the park.", "An animal is outside.", 0),
    ("A dog runs in the park.", "The dog is chasing a ball.", 1),
    ("A dog runs in the park.", "The dog is asleep.", 2),
    ("Two cooks chop onions.", "People prepare food.", 0),
]
WORDS = ("entailment", "neutral", "contradiction")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("hf-cache")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder)
    return folder


@pytest.fixture
def jsonl(tmp_path: Path) -> Callable[..., str]:
    """Write rows (dicts or ready lines) as a JSONL file; gives its path as a spec."""

    def write(rows: Iterable[Any], name: str = "dev.jsonl") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return str(path)

    return write


def generic(label: Any = None) -> list[dict[str, Any]]:
    """PAIRS in generic fields; `label` maps a label number to what the file shall hold."""
    show = label or (lambda number: number)
    return [{"premise": p, "hypothesis": h, "label": show(number)} for p, h, number in PAIRS]
