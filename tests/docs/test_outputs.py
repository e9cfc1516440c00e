"""Outputs in README and docs are what the commands print for the shipped runs, line by line."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Call, call  # noqa: F401

ROOT = Path(__file__).parents[2]
WIDTH = "100"  # columns of the terminal that the outputs were copied from
_CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
#: Commands about runs that the reader makes, or that take long; other tests run them.
_OTHERS = ("evaluate", "train", "study", "make")


def outputs(page: Path) -> list[tuple[str, list[str]]]:
    """Each command of the page that shows some output, and the lines of it."""
    shown: list[tuple[str, list[str]]] = []
    for block in _CONSOLE.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", "").splitlines():
            if line.startswith("$ "):
                shown.append((line.removeprefix("$ nliexplorer "), []))
            elif line.strip() not in ("", "…"):
                shown[-1][1].append(line.rstrip())
    return [each for each in shown if each[1] and each[0].split()[0] not in _OTHERS]


CASES = [
    pytest.param(command, lines, id=f"{page.name}-{command[:40]}")
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for command, lines in outputs(page)
]


def test_some_outputs_are_shown() -> None:
    assert len(CASES) >= 4


@pytest.mark.parametrize(("command", "lines"), CASES)
def test_output_is_real(
    call: Call,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    lines: list[str],
) -> None:
    shutil.copy(ROOT / "runs.db", "runs.db")
    monkeypatch.setenv("COLUMNS", WIDTH)
    outcome = call(*shlex.split(command, comments=True))
    assert outcome.code == 0, outcome.err
    printed = [line.rstrip() for line in outcome.out.splitlines()]
    assert [line for line in lines if line not in printed] == []
