"""The planted corpus as JSON Lines files, one per split."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from nliexplorer.data.planted.generator import SPLITS, generate
from nliexplorer.errors import NliError
from nliexplorer.records import LABELS, Example


def as_row(example: Example) -> dict[str, object]:
    """The fields of one line: the generic ones, and word indices from 0 of what was planted."""
    return {
        "premise": example.premise,
        "hypothesis": example.hypothesis,
        "label": LABELS[example.gold],
        "premise_rationale": list(example.premise_rationale),
        "hypothesis_rationale": list(example.hypothesis_rationale),
        "artefact": list(example.artefact),
        **example.extra,
    }


def write(
    out_dir: Path,
    *,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
    rate: float = 0.45,
) -> dict[str, Path]:
    """Writes `SPLIT.jsonl` for every split and returns the paths; the bytes depend on nothing else.

    Raises NliError where the folder can't be written.
    """
    paths: dict[str, Path] = {}
    for split in SPLITS:
        examples = generate(split, n=(sizes or {}).get(split, 0), seed=seed, rate=rate)
        text = "".join(json.dumps(as_row(example)) + "\n" for example in examples)
        paths[split] = out_dir / f"{split}.jsonl"
        try:
            out_dir.mkdir(parents=True, exist_ok=True)
            paths[split].write_bytes(text.encode("ascii"))
        except OSError as error:
            raise NliError(
                f"cannot write {paths[split]}: {error.strerror}", "name a folder you may write to"
            ) from None
    return paths
