"""`python -m tests.bench.gpu [--device cuda] [--small] [--model FOLDER] [--out FILE]`.

Writes the JSON anew after each measurement: a run that is cut off keeps what it had. Exits with 1
where something failed, figures differ from the CPU's by more than their bounds, or a test failed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from nliexplorer.errors import NliError
from nliexplorer.modeling.load import quiet_transformers
from tests.bench.gpu import attention, environment, kernels, parity, suite, throughput, updates
from tests.bench.gpu.context import Measurements, Setup

#: Seconds that a section may take; what earlier ones leave is added. In all less than 8 minutes.
SECONDS = {
    "environment": 20,
    "parity": 60,
    "attention": 10,
    "updates": 120,
    "rates": 50,
    "epochs": 60,
    "kernels": 20,
    "tests": 110,
}


class Report:
    """What is known so far, on disk after each measurement."""

    def __init__(self, file: Path, small: bool) -> None:
        self.file = file
        self.values: dict[str, Any] = {"small": small, "whole": False, "failed": []}

    def keep(self, section: str, name: str, value: Any) -> None:
        self.values.setdefault(section, {})[name] = value
        self.write()

    def fail(self, section: str, name: str, error: Any) -> None:
        self.values["failed"].append(f"{section}: {name}")
        self.keep(section, name, {"error": error})

    def write(self) -> None:
        whole = self.file.with_suffix(".part")
        whole.write_text(json.dumps(self.values, indent=1) + "\n", "utf-8")
        whole.replace(self.file)


def run(setup: Setup, report: Report, clock: Callable[[], float] = time.monotonic) -> bool:
    """Every section within its time; whether all that was measured is as it should be."""
    began_run = end = clock()

    def left() -> float:
        return end - clock()

    sections: dict[str, Measurements] = {
        "environment": environment.measurements(setup),
        "parity": parity.measurements(setup),
        "attention": attention.measurements(setup),
        "updates": updates.measurements(setup),
        "rates": throughput.rates(setup),
        "epochs": throughput.epochs(setup),
        "kernels": kernels.measurements(setup),
        "tests": suite.measurements(setup, left),
    }
    for section, measurements in sections.items():
        end += SECONDS[section]
        began, skipped = clock(), []
        for name, measure in measurements.items():
            if left() <= 0:
                skipped.append(name)
                continue
            _one(setup, report, section, name, measure)
        report.keep(section, "seconds", round(clock() - began, 1))
        if skipped:
            report.keep(section, "skipped for lack of time", skipped)
    report.values |= {"whole": True, "seconds": round(clock() - began_run, 1)}
    report.write()
    return not report.values["failed"]


def _one(setup: Setup, report: Report, section: str, name: str, measure: Callable[[], Any]) -> None:
    print(f"{section}: {name}", file=sys.stderr, flush=True)
    try:
        setup.free()
        value = measure()
    except torch.OutOfMemoryError as error:
        if section == "updates":  # a finding, not a fault: some keep all graphs at once
            report.keep(section, name, {"out_of_memory": str(error).splitlines()[0]})
        else:
            report.fail(section, name, str(error))
        return
    except Exception:  # whatever it is, the other measurements are still wanted
        report.fail(section, name, traceback.format_exc()[-3000:])
        return
    if isinstance(value, dict) and False in (value.get("within"), value.get("passed")):
        report.values["failed"].append(f"{section}: {name}")
    report.keep(section, name, value)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, cpu")
    parser.add_argument("--small", action="store_true", help="toy sizes, to rehearse")
    parser.add_argument("--model", default="", help="folder with real weights for the parity")
    parser.add_argument("--out", type=Path, default=Path("bench-gpu.json"))
    asked = parser.parse_args(arguments)
    quiet_transformers()
    setup = Setup(asked.device, asked.small, asked.model)
    try:
        setup.prepare()
    except NliError as error:
        parser.error(f"{error.message}: {error.hint}")
    report = Report(asked.out, asked.small)
    right = run(setup, report)
    print(f"{asked.out}: {'all as it should be' if right else report.values['failed']}")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
