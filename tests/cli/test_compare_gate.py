"""`compare --fail-if`: exit code 3 where a model is worse than it may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Call


def delta(call: Call, name: str = "accuracy", field: str = "delta") -> float:
    metrics = call("compare", "first", "second", "--json").json["metrics"]
    return next(float(row[field]) * 100 for row in metrics if row["name"] == name)


def test_the_estimate_in_points(call: Call, database: Path) -> None:
    change = delta(call)
    met = call("compare", "first", "second", "--fail-if", f"accuracy < {change + 0.1:.4f}")
    assert met.code == 3
    (line,) = met.err.splitlines()
    assert line.startswith("second: accuracy < ")
    assert f"the estimate of B − A is {change:+.2f}" in line
    assert "accuracy" in met.out  # the table is printed all the same
    kept = call("compare", "first", "second", "--fail-if", f"accuracy < {change - 0.1:.4f}")
    assert (kept.code, kept.err) == (0, "")


@pytest.mark.parametrize("bound", ["low", "high"])
def test_ends_of_the_interval(call: Call, database: Path, bound: str) -> None:
    limit = delta(call, "ece", f"ci_{bound}")
    for change, code in ((0.05, 3), (-0.05, 0)):
        condition = f"ece.{bound} <= {limit + change:.4f}"
        assert call("compare", "first", "second", "--fail-if", condition, "--json").code == code


def test_several_conditions_and_runs(call: Call, database: Path) -> None:
    conditions = ["--fail-if", "accuracy > -100", "--fail-if", "nll < 100"]
    outcome = call("compare", "first", "second", "second", *conditions)
    assert outcome.code == 3
    assert len(outcome.err.splitlines()) == 4


def test_over_seeds(call: Call, database: Path) -> None:
    grouped = ["compare", "--group", "first", "second", "--fail-if"]
    assert call(*grouped, "accuracy > -100").code == 3
    one_seed = call(*grouped, "accuracy.low > -100")
    assert one_seed.code == 1
    assert "is not known for these runs" in one_seed.err


@pytest.mark.parametrize("text", ["accuracy", "accuracy < much", "f1 < 2", "accuracy.mid < 2", ""])
def test_what_is_no_condition_is_wrong_usage(call: Call, database: Path, text: str) -> None:
    outcome = call("compare", "first", "second", "--fail-if", text)
    assert outcome.code == 2
    assert "--fail-if" in outcome.err
