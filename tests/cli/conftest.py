"""The command line as a user calls it, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nliexplorer.cli import app


@dataclass(frozen=True)
class Outcome:
    """What a call gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Outcome]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Calls a command in an empty working directory; `runs.db` there is the database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NLIEXPLORER_DB", raising=False)
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: object) -> Outcome:
        result = CliRunner().invoke(app, [str(a) for a in arguments])
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run
