"""Matches predictions without premises (hypothesis-only models) with the stored pairs.

Such files leave the premise blank, and a pair without its premise is another pair. Where most rows
of a file are so, each takes the premise of the stored pair with its hypothesis, gold label and,
where the file has one, source id.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nliexplorer.records import Example
from nliexplorer.store.reader import StoreReader

_Key = tuple[str, int | None]  # hypothesis, gold


def with_stored_premises(db: Path, examples: Sequence[Example]) -> tuple[list[Example], str]:
    """The examples, blank premises filled where the stored pair is certain, and notes for the user.
    Several stored pairs of the same hypothesis and label are told apart by source id; without one
    they are taken in order if the file has as many rows of them, else the premise stays blank.
    """
    blank = {_key(each) for each in examples if not each.premise.strip()}
    count = sum(not each.premise.strip() for each in examples)
    if 2 * count < len(examples) or not count:
        return list(examples), ""
    stored = _stored_pairs(db, blank)
    rows = Counter(_key(each) for each in examples if not each.premise.strip())
    taken: Counter[_Key] = Counter()
    filled: list[Example] = []
    for example in examples:
        if not example.premise.strip():
            key = _key(example)
            candidates = stored.get(key, [])
            own = [each for each in candidates if each.source_id == example.source_id]
            if example.source_id and len(own) == 1:
                candidates = own
            elif len(candidates) == rows[key]:
                candidates = candidates[taken[key] :][:1]
            taken[key] += 1
            if len(candidates) == 1:
                example = replace(example, premise=candidates[0].premise)
        filled.append(example)
    met = count - sum(not each.premise.strip() for each in filled)
    if met:
        return filled, (
            f"{met} of {count} rows without a premise are paired with the stored pairs of their "
            "hypothesis"
        )
    return filled, (
        f"{count} rows have no premise and no stored pair has their hypotheses: to compare them "
        "with a full model, import or evaluate that one first"
    )


def _key(example: Example) -> _Key:
    return example.hypothesis, example.label


def _stored_pairs(db: Path, keys: set[_Key]) -> dict[_Key, list[Example]]:
    pairs: dict[_Key, list[Example]] = defaultdict(list)
    if db.exists():
        with StoreReader(db) as reader:
            for example in reader.examples.with_hypotheses({hypothesis for hypothesis, _ in keys}):
                if example.premise.strip() and _key(example) in keys:
                    pairs[_key(example)].append(example)
    return pairs
