"""Damaged checkpoints, configurations and data: refused in two lines, and named by `doctor`."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nliexplorer.errors import NliError
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.workflow.run_lock import hold_run_lock
from nliexplorer.workflow.run_models import load_run
from nliexplorer.workflow.train import resume_run
from nliexplorer.workflow.weights import weights_digest
from tests.cli.conftest import Call
from tests.tinyruns import tiny_run


@pytest.fixture
def trained(tmp_path: Path) -> tuple[Path, str, Path]:
    """(database, run id, its weights), with the digest that training leaves."""
    db, run_id = tiny_run(tmp_path)
    folder = tmp_path / "model-tiny"
    with StoreWriter(db) as writer:
        writer.remember(run_id, weights_sha256=weights_digest(folder))
    return db, run_id, folder / "model.safetensors"


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) * 3 // 4] ^= 1  # one bit of one weight: no reader would notice
    path.write_bytes(data)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _remove(path: Path) -> None:
    shutil.rmtree(path.parent)


@pytest.mark.parametrize(
    ("spoil", "state", "message"),
    [
        (_flip, "bad", "is damaged or was changed since training"),
        (_truncate, "bad", "is damaged or was changed since training"),
        (Path.unlink, "bad", "has no weights"),
        (_remove, "note", "is gone"),
    ],
)
def test_a_checkpoint_is_not_used_once_damaged(
    trained: tuple[Path, str, Path],
    call: Call,
    spoil: Callable[[Path], None],
    state: str,
    message: str,
) -> None:
    db, run_id, weights = trained
    with StoreReader(db) as reader:
        load_run(reader.runs.get(run_id), "cpu")
        assert not [f for f in call("doctor", "--json").json if f["state"] == "bad"]
        spoil(weights)
        with pytest.raises(NliError, match=message.replace("(", r"\(")):
            load_run(reader.runs.get(run_id), "cpu")
    [finding] = [f for f in call("doctor", "--json").json if f["what"] == "run tiny"]
    assert (finding["state"], message in finding["value"]) == (state, True)
    assert "train it again" in finding["advice"]
    evaluated = call("evaluate", "tiny")
    assert evaluated.code == 1
    assert len(evaluated.err.splitlines()) == 2


def test_doctor_names_damaged_files(call: Call, tmp_path: Path) -> None:
    good = [{"premise": f"A {n}.", "hypothesis": "B.", "label": n % 3} for n in range(50)]
    pq.write_table(pa.Table.from_pylist(good), tmp_path / "good.parquet")
    data = (tmp_path / "good.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(data[: len(data) // 2])
    (tmp_path / "good.toml").write_text("epochs = 2\n")
    (tmp_path / "bad.toml").write_text("epochs = \x00")
    lines = [json.dumps(row) for row in good]
    (tmp_path / "some.jsonl").write_text("\n".join([*lines, '{"premise": "A', "{}"]))
    save = tmp_path / "model"
    _, _ = tiny_run(tmp_path, name="x")
    shutil.copytree(tmp_path / "model-x", save)
    _truncate(save / "model.safetensors")
    names = ("good.parquet", "cut.parquet", "good.toml", "bad.toml", "some.jsonl", "model", "none")
    outcome = call("doctor", *names, "--json")
    assert outcome.code == 1
    states = {each["what"]: each["state"] for each in outcome.json}
    assert states == {
        "good.parquet": "ok",
        "cut.parquet": "bad",
        "good.toml": "ok",
        "bad.toml": "bad",
        "some.jsonl": "note",
        "model": "bad",
        "none": "bad",
    }
    assert all(each["advice"] for each in outcome.json if each["state"] == "bad")
    values = {each["what"]: each["value"] for each in outcome.json}
    assert "not JSON: 1 (line 51)" in values["some.jsonl"]


@pytest.fixture
def stopped(tmp_path: Path) -> tuple[Path, str]:
    """A run that was killed before its first checkpoint, on data of its own."""
    rows = [{"premise": f"A {n}.", "hypothesis": "B.", "label": "neutral"} for n in range(6)]
    for split in ("train", "dev"):
        (tmp_path / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    config = {"data": str(tmp_path), "model": "tiny", "eval_splits": ["dev"], "device": "cpu"}
    db = tmp_path / "runs.db"
    with StoreWriter(db) as writer:
        facts = {"train": {"fingerprint": "of other pairs"}}
        run = writer.create_run(
            name="cut",
            objective="baseline",
            data=str(tmp_path),
            model="tiny",
            config=config,
            summary={"data": facts, "folder": "checkpoints/cut"},
        )
    return db, run.id


def test_a_run_does_not_go_on_with_other_pairs(stopped: tuple[Path, str]) -> None:
    db, run_id = stopped
    with pytest.raises(NliError, match="split train, are not those the run was started on"):
        resume_run(db, run_id)


def test_a_run_is_trained_by_one_process_at_a_time(stopped: tuple[Path, str]) -> None:
    db, run_id = stopped
    with (
        hold_run_lock(db.parent / "checkpoints" / "cut", "cut"),
        pytest.raises(NliError, match="run cut is being trained by another process"),
    ):
        resume_run(db, run_id)


def test_doctor_names_a_run_that_was_killed(stopped: tuple[Path, str], call: Call) -> None:
    db, run_id = stopped
    assert "run cut" not in call("doctor").out
    with sqlite3.connect(db) as plain:
        plain.execute("update runs set updated_at = '2020-01-01T00:00:00.000+00:00'")
    text = " ".join(call("doctor").out.split())
    assert f"was killed → continue: nliexplorer train --resume {run_id}" in text
