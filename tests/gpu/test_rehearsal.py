"""`python -m tests.bench.gpu` on a CPU: whatever it does on a GPU has been done before."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.bench.gpu import __main__ as bench
from tests.bench.gpu.context import Setup
from tests.bench.gpu.suite import read
from tests.bench.gpu.updates import ratios


@pytest.mark.slow
def test_every_section_is_there_and_right(tmp_path: Path) -> None:
    file = tmp_path / "bench-gpu.json"
    assert bench.main(["--device", "cpu", "--small", "--out", str(file)]) == 0
    report = json.loads(file.read_text("utf-8"))
    assert report["whole"]
    assert report["failed"] == []
    assert report.keys() >= bench.SECONDS.keys()
    assert not any("skipped for lack of time" in report[section] for section in bench.SECONDS)
    parity = report["parity"]["electra-small fp32"]["errors"]
    assert parity.keys() == {"logits", "scores", "V", "gradient", "updated"}
    assert max(parity.values()) == 0.0  # the CPU against itself
    assert 0 < max(report["parity"]["electra-small bf16"]["errors"].values()) < 0.1
    for kernel in ("math", "eager"):  # those that the penalty's path may take
        assert report["attention"][f"{kernel}, fp32, padded"]["double backward"] < 1e-5
    steps = {"baseline", "sampled", "pairs", "exact", "published"}
    assert steps <= {name.split()[0].rstrip(",") for name in report["updates"]}
    assert report["updates"]["ratios"]["exact 2 fp32"] > 1
    assert report["rates"]["evaluation fp32"]["pairs"] == 12
    epochs = [each for each in report["epochs"].values() if isinstance(each, dict)]
    assert len(epochs) == 4
    for epoch in epochs:
        assert epoch["updates_measured"] == 4
        whole = epoch["seconds_an_update"] * epoch["updates_an_epoch"] / 60
        assert epoch["minutes_an_epoch"] == pytest.approx(whole)
    assert len(report["kernels"]["--preset snli"]["costliest"]) == 10
    outcomes = report["tests"]["tests"]["tests"]
    assert {each["outcome"] for each in outcomes.values()} == {"passed", "skipped"}
    skipped = [name for name, each in outcomes.items() if each["outcome"] == "skipped"]
    assert all("on_one_gpu" in name for name in skipped)


@pytest.fixture
def sections(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Callable[[], Any]]]:
    """The runner's measurements by section: none but what a test puts there."""
    own: dict[str, dict[str, Callable[[], Any]]] = {name: {} for name in bench.SECONDS}
    for name in ("environment", "parity", "attention", "updates", "kernels"):
        monkeypatch.setattr(
            getattr(bench, name), "measurements", lambda _setup, name=name: own[name]
        )
    monkeypatch.setattr(bench.throughput, "rates", lambda _setup: own["rates"])
    monkeypatch.setattr(bench.throughput, "epochs", lambda _setup: own["epochs"])
    monkeypatch.setattr(bench.suite, "measurements", lambda _setup, _left: own["tests"])
    return own


def test_what_fails_leaves_the_rest(sections: dict[str, Any], tmp_path: Path) -> None:
    """And what was measured is on disk before the next measurement begins."""
    file = tmp_path / "out.json"

    def fail() -> None:
        raise RuntimeError("an illegal memory access")

    sections["parity"] = {
        "broken": fail,
        "far off": lambda: {"within": False},
        "near": lambda: {"within": True},
    }
    sections["tests"] = {"tests": lambda: {"seen": json.loads(file.read_text("utf-8"))["parity"]}}
    assert not bench.run(Setup("cpu", small=True), bench.Report(file, small=True))
    report = json.loads(file.read_text("utf-8"))
    assert report["failed"] == ["parity: broken", "parity: far off"]
    assert "an illegal memory access" in report["parity"]["broken"]["error"]
    assert report["tests"]["tests"]["seen"].keys() == {"broken", "far off", "near", "seconds"}


def test_what_there_is_no_time_for_is_named(sections: dict[str, Any], tmp_path: Path) -> None:
    """What a section leaves goes to the next ones; the whole ends in time."""
    now, file = [0.0], tmp_path / "out.json"

    def taking(seconds: float) -> Callable[[], dict[str, float]]:
        def measure() -> dict[str, float]:
            now[0] += seconds
            return {"at": now[0]}

        return measure

    limit = bench.SECONDS["environment"] + bench.SECONDS["parity"]
    sections["parity"] = {"long": taking(limit), "late": taking(1), "later": taking(1)}
    sections["attention"] = {"quick": taking(1)}
    assert bench.run(Setup("cpu", small=True), bench.Report(file, small=True), lambda: now[0])
    report = json.loads(file.read_text("utf-8"))
    assert report["parity"]["skipped for lack of time"] == ["late", "later"]
    assert report["attention"]["quick"] == {"at": limit + 1}
    assert sum(bench.SECONDS.values()) < 8 * 60


def test_timing_is_the_median_behind_warming_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, calls = count(), []
    monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))
    assert Setup("cpu").seconds(lambda: calls.append(1), rounds=5, most=100.0, warm=2) == 1.0
    assert len(calls) == 7


def test_ratios_are_to_the_baseline_of_the_same_batch() -> None:
    seconds = {
        ("baseline", 16, "fp32"): 2.0,
        ("exact", 16, "fp32"): 9.0,
        ("exact", 32, "fp32"): 5.0,
    }
    assert ratios(seconds) == {"exact 16 fp32": 4.5}


def test_outcomes_of_pytest(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite><testcase classname="a" name="b" time="1.5"/>'
        '<testcase classname="a" name="c"><skipped message="no GPU is seen"/></testcase>'
        '<testcase classname="a" name="d"><failure message="assert 1 == 2"/></testcase>'
        "</testsuite></testsuites>"
    )
    outcomes = read(report)
    assert outcomes["a::b"] == {"outcome": "passed", "seconds": 1.5}
    assert outcomes["a::c"]["reason"] == "no GPU is seen"
    assert outcomes["a::d"]["outcome"] == "failure"


def test_without_the_device_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main(["--device", "cuda:99"])
    assert "cuda:99 is not there" in capsys.readouterr().err
