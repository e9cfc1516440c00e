"""`nliexplorer` alone: three steps that suit the database here; elsewhere the help."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from click import Group

from nliexplorer.cli.lazy import load_command
from nliexplorer.cli.start import print_start
from nliexplorer.store.writer import StoreWriter
from tests.cli.conftest import Call


@pytest.fixture
def steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> object:
    """Prints the screen in `tmp_path`; its first lines and its commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NLIEXPLORER_DB", raising=False)

    def printed() -> tuple[str, list[list[str]]]:
        print_start()
        text = capsys.readouterr().out
        assert all(len(line) <= 80 for line in text.splitlines())
        commands = [line for line in text.splitlines() if line.startswith("  nliexplorer ")]
        return text, [shlex.split(command)[1:] for command in commands]

    return printed


def _understood(commands: list[list[str]]) -> bool:
    """Three commands whose names and options there are."""
    for name, *arguments in commands:
        command = load_command(name)
        assert not isinstance(command, Group)
        options = {text for each in command.params for text in each.opts}
        assert {word for word in arguments if word.startswith("--")} <= options
    return len(commands) == 3


def test_without_a_database(steps, tmp_path: Path) -> None:
    text, commands = steps()
    assert "There is no database here yet (runs.db)" in text
    assert [command[0] for command in commands] == ["demo", "evaluate", "import"]
    assert _understood(commands)
    assert not (tmp_path / "runs.db").exists()
    with StoreWriter(tmp_path / "runs.db"):
        pass
    text, commands = steps()
    assert "runs.db has no evaluated run yet" in text
    assert _understood(commands)


def test_with_runs(steps, database: Path, call: Call) -> None:
    text, commands = steps()
    assert "runs.db has 2 runs; the newest is second" in text
    assert commands[:2] == [["explore", "first", "second"], ["compare", "first", "second"]]
    assert _understood(commands)
    assert call(*commands[1]).code == 0
    with StoreWriter(database) as writer:
        run = writer.create_run(name="stopped", objective="baseline", data="none", model="tiny")
        writer.set_status(run.id, "interrupted")
    text, commands = steps()
    assert commands[2] == ["train", "--resume", run.id]
    assert _understood(commands)


def test_with_one_run_of_a_name_that_a_shell_would_split(steps, database: Path, call: Call) -> None:
    assert call("runs", "rm", "first", "--yes").code == 0
    assert call("runs", "rename", "second", "my run").code == 0
    text, commands = steps()
    assert "runs.db has 1 run; the newest is my run" in text
    assert commands[0] == ["explore", "my run"]
    assert call(*commands[1]).code == 0
    assert _understood(commands)


def test_a_damaged_database_is_told(steps, tmp_path: Path) -> None:
    (tmp_path / "runs.db").write_bytes(b"no database" * 100)
    text, commands = steps()
    assert "runs.db" in text
    assert commands[0] == ["doctor", "--db", "runs.db"]
    assert _understood(commands)


def test_help_stays(call: Call) -> None:
    alone, asked = call(), call("--help")
    assert "Usage: nliexplorer" in asked.out
    assert "Usage: nliexplorer" in alone.out + alone.err  # not a terminal
