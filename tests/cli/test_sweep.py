"""`sweep` as a user calls it, its training stood in for."""

from __future__ import annotations

import pytest

from nliexplorer.workflow import sweep
from tests.cli.conftest import Call
from tests.workflow.test_sweep import Trainer


def test_sweep(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer()
    monkeypatch.setattr(sweep, "train_all", trainer)
    flags = ("--trials", 2, "--seed", 0, "--seed", 1, "--train-samples", 60, "--eval-samples", 12)
    table = call("sweep", *flags)
    assert table.code == 0, table.err
    for text in ("lambda", "alpha", "accuracy, %, mean ± 95 %", "baseline", "the best of 2"):
        assert text in table.out
    assert len(trainer.made) == 6
    result = call("sweep", *flags, "--json").json
    assert len(result["trials"]) == 2
    assert result["baseline"]["values"]
    wrong = call("sweep", "--lambda", "1:0")
    assert wrong.code == 1
    assert "not a range" in wrong.err
