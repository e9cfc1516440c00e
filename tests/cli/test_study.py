"""`study` as a user calls it, its training stood in for."""

from __future__ import annotations

from pathlib import Path

import pytest

from nliexplorer.workflow.study import running
from tests.cli.conftest import Call
from tests.workflow.test_study import Maker


def test_study(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    maker = Maker()
    monkeypatch.setattr(running, "make_run", maker)
    flags = ("--arm", "exact", "--seed", 0, "--seed", 1, "--epochs", 1, "--jobs", 1)
    assert call("study", *flags, "--tables-only").code == 1  # nothing to show yet
    table = call("study", *flags, "--out", "tables")
    assert table.code == 0, table.err
    for text in ("planted: 4 of", "exact (2)", "dev, hard", "From scratch: accuracy, %"):
        assert text in table.out
    assert (tmp_path / "tables" / "study.md").is_file()
    result = call("study", *flags, "--json").json
    assert len(maker.made) == 4
    assert result["failed"] == {}
    assert {row["arm"] for row in result["parts"][0]["blocks"][0]["rows"]} == {"baseline", "exact"}


def test_a_run_that_fails_is_told(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    maker = Maker()
    maker.refuse = "exact"
    monkeypatch.setattr(running, "make_run", maker)
    outcome = call("study", "--arm", "exact", "--seed", 0, "--jobs", 1)
    assert outcome.code == 1
    assert "1 runs failed: exact-s0" in outcome.err
    assert "baseline (1)" in outcome.out  # what is there is shown all the same


@pytest.mark.slow
def test_machines_of_one_study(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    maker = Maker()
    monkeypatch.setattr(running, "make_run", maker)
    flags = ("--arm", "exact", "--seed", 0, "--seed", 1, "--jobs", 1, "--storage", "sqlite:///s.db")
    one = call("study", *flags, "--db", "one.db")
    assert one.code == 0, one.err
    assert "planted: 0 of 4 runs done by all machines" in one.err
    assert len(maker.made) == 4
    other = call("study", *flags, "--db", "other.db")
    assert (other.code, other.out, len(maker.made)) == (0, "", 4)
    assert "bring them here with: nliexplorer runs merge OTHER.db --db other.db" in other.err
    worker = call("study", *flags, "--db", "one.db", "--worker", "--json")
    assert worker.json == {"parts": [], "failed": {}}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--data", "snli"), "not to the built-in corpus"),
        (("--arm", "magic"), "unknown arm"),
        (("--seed", 1, "--seed", 1), "given twice"),
        (("--worker",), "add --storage URL"),
    ],
)
def test_what_makes_no_sense_is_refused(
    call: Call, flags: tuple[object, ...], message: str
) -> None:
    outcome = call("study", *flags)
    assert outcome.code == 1
    assert message in outcome.err
