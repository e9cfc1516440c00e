"""What `evaluate`, `import` and a resumed training do with evaluations that are there already."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from nliexplorer.records import LABELS, Example
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow.evaluate import Forward, evaluate_run
from nliexplorer.workflow.import_predictions import import_file
from tests.databases import pairs
from tests.tinyruns import tiny_run


def _file(path: Path, examples: Sequence[Example]) -> str:
    path.parent.mkdir(exist_ok=True)
    rows = [
        {"premise": e.premise, "hypothesis": e.hypothesis, "label": LABELS[e.gold]}
        for e in examples
    ]
    path.write_text("\n".join(json.dumps(row | {"predicted_label": row["label"]}) for row in rows))
    return str(path)


def _sizes(db: Path, run: str) -> dict[str, int]:
    with StoreReader(db) as reader:
        return {split: result.n for split, result in reader.runs.get(run).metrics.items()}


def test_two_files_of_one_name_are_both_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db, run = tiny_run(tmp_path)
    own = _sizes(db, run)
    first = _file(tmp_path / "d1" / "test.jsonl", pairs(12))
    second = _file(tmp_path / "d2" / "test.jsonl", pairs(9, seed=1))
    names = [evaluate_run(db, run, data, None, how=Forward("cpu"))[1] for data in (first, second)]
    assert names == ["test.jsonl:test", "test.jsonl:test@2"]
    messages = " ".join(capsys.readouterr().err.split())
    assert (
        "test.jsonl:test is another set of 12 pairs: these are kept apart as test.jsonl:test@2"
        in messages
    )
    evaluate_run(db, run, second, None, how=Forward("cpu"))
    assert _sizes(db, run) == own | {names[0]: 12, names[1]: 9}


def test_a_sample_does_not_replace_the_whole(tmp_path: Path) -> None:
    db, run = tiny_run(tmp_path)
    own = _sizes(db, run)
    data = _file(tmp_path / "d1" / "test.jsonl", pairs(12))
    for samples, replace in ((0, False), (5, False), (5, False)):
        evaluate_run(db, run, data, None, samples=samples, replace=replace, how=Forward("cpu"))
    assert _sizes(db, run) == own | {"test.jsonl:test": 12, "test.jsonl:test@2": 5}
    evaluate_run(db, run, data, None, samples=5, replace=True, how=Forward("cpu"))
    assert _sizes(db, run) == own | {"test.jsonl:test": 5, "test.jsonl:test@2": 5}
    evaluate_run(db, run, data, None, how=Forward("cpu"))
    assert _sizes(db, run)["test.jsonl:test"] == 12


def test_imports_of_other_pairs_under_one_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = tmp_path / "runs.db"
    for folder, examples in (("d1", pairs(12)), ("d2", pairs(9, seed=1))):
        path = Path(_file(tmp_path / folder / "said.jsonl", examples))
        import_file(db, path, name=folder, split="test.jsonl:test")
    assert _sizes(db, "d1") == {"test.jsonl:test": 12}
    assert _sizes(db, "d2") == {"test.jsonl:test@2": 9}
    assert "in run d1" in " ".join(capsys.readouterr().err.split())
