"""The tests marked `gpu`, by pytest in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.bench.gpu.context import Measurements, Setup

ROOT = Path(__file__).resolve().parents[3]
#: The device that tests marked `gpu` run on; without it they want a GPU.
DEVICE = "NLI_TEST_DEVICE"


def measurements(setup: Setup, seconds_left: Callable[[], float]) -> Measurements:
    return {"tests": lambda: outcomes(setup.device, max(10.0, seconds_left()))}


def outcomes(device: str, timeout: float) -> dict[str, Any]:
    """Each test's outcome, with the reason where it did not pass."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-v", "-m", "gpu", "-p", "no:cacheprovider"]
        process = subprocess.Popen(
            [*command, f"--junitxml={report}", "tests/gpu"],
            cwd=ROOT,
            env={**os.environ, DEVICE: device},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output = process.communicate(timeout=timeout)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # and what the tests started
            output = process.communicate()[0]
            return {"passed": False, "ended_after": timeout, "said": output[-4000:]}
        tests = read(report) if report.exists() else {}
    whole = process.returncode == 0
    return {"passed": whole, "tests": tests, **({} if whole else {"said": output[-4000:]})}


def read(report: Path) -> dict[str, dict[str, Any]]:
    """Outcomes by test from pytest's JUnit file."""
    tests: dict[str, dict[str, Any]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        outcome, reason = "passed", None
        for kind in ("failure", "error", "skipped"):
            if (element := case.find(kind)) is not None:
                outcome, reason = kind, (element.get("message") or "")[:300]
        name = f"{case.get('classname')}::{case.get('name')}"
        tests[name] = {
            "outcome": outcome,
            "seconds": float(case.get("time") or 0),
            **({"reason": reason} if reason else {}),
        }
    return tests
