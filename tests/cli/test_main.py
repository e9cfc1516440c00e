"""The frame: lazy commands, exit codes, errors in two lines, nothing heavy imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch.distributed as dist
import typer

import nliexplorer.cli.runs
from nliexplorer import processes
from nliexplorer.cli.lazy import COMMANDS, load_command
from nliexplorer.errors import NliError
from nliexplorer.progress import console, say
from tests.cli.conftest import Call

HEAVY = "{'torch', 'transformers', 'datasets', 'captum', 'matplotlib', 'pandas', 'sqlite_utils'}"
ROOT = Path(__file__).resolve().parents[2]


def _python(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["examples", "first"],
        ["errors", "first", "--json"],
        ["errors", "latest", "--attributions"],
        ["runs", "list"],
        ["compare", "first", "second", "--json"],
        ["calibration", "first"],
        ["slices", "first", "--by", "gold"],
        ["export", "first", "--out", "x.jsonl"],
        ["import", "x.jsonl"],
    ],
    ids=lambda a: a[0],
)
def test_reading_imports_nothing_heavy(database: Path, arguments: list[str]) -> None:
    row = '{"premise": "p", "hypothesis": "h", "label": "neutral", "predicted_label": 0}'
    if arguments[0] == "import":
        (database.parent / "x.jsonl").write_text(row)
    allowed = "{'sqlite_utils'}" if arguments[0] == "import" else "set()"
    code = (
        "import sys; from nliexplorer.cli import app\n"
        f"try: app({arguments})\n"
        "except SystemExit as e: assert not e.code, e.code\n"
        f"heavy = ({HEAVY} - {allowed}) & set(sys.modules); assert not heavy, heavy"
    )
    done = _python(code, database.parent)
    assert done.returncode == 0, done.stderr


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; import nliexplorer.cli.lazy as lazy\n"
        f"for name in {[n for n in COMMANDS if n not in list(COMMANDS)]}: del lazy.COMMANDS[name]\n"
        "from nliexplorer.cli import app\n"
        "try: app(['--help'])\n"
        "except SystemExit as e: assert not e.code\n"
        f"heavy = {HEAVY} & set(sys.modules); assert not heavy, heavy"
    )
    done = _python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    for name in list(COMMANDS):
        assert f" {name} " in done.stdout


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_and_option_has_help(name: str) -> None:
    command = load_command(name)
    for each in getattr(command, "commands", {"": command}).values():
        assert each.help, each.name
        for parameter in each.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.name}"


def test_python_m(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nliexplorer", "--version"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.split()[0]) == (0, "nliexplorer")


def test_no_database(call: Call) -> None:
    outcome = call("runs", "list")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.splitlines() == [
        "there is no database runs.db",
        "name one with --db, or make one: nliexplorer demo, train or import (see docs/tutorial.md)",
    ]


def test_the_database_by_option_and_variable(
    call: Call, database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = database.rename(tmp_path / "elsewhere.db")
    assert call("runs", "list").code == 1
    assert len(call("runs", "list", "--db", elsewhere, "--json").json) == 2
    monkeypatch.setenv("NLIEXPLORER_DB", str(elsewhere))
    assert len(call("runs", "list", "--json").json) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["nosuch"],
        ["examples"],
        ["examples", "first", "--gold", "maybe"],
        ["examples", "first", "--min-length", "many"],
        ["examples", "first", "--max-confidence", "1.5"],
        ["examples", "first", "--sort", "colour"],
        ["examples", "first", "--limit", "0"],
        ["import", "x.jsonl", "--format", "xml"],
        ["runs", "nosuch"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(call: Call, arguments: list[str]) -> None:
    outcome = call(*arguments)
    assert outcome.code == 2
    assert "Traceback" not in outcome.err


class _ForeignError(Exception):
    """No kin of any error that we know."""


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (NliError("what", "do"), 1, "what\ndo\n"),
        (NliError("a \x1b[31mb\u202e"), 1, "a ␛[31mb\\u202e\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (ZeroDivisionError("by zero"), 1, "unexpected ZeroDivisionError: by zero\n"),
        (_ForeignError("of some library"), 1, "unexpected _ForeignError: of some library\n"),
        (OSError(28, "No space left on device"), 1, "the disk is full\n"),
        (PermissionError(13, "denied", "/x"), 1, "no permission for /x\n"),
        (typer.Exit(3), 3, ""),
    ],
    ids=repr,
)
def test_errors_are_two_lines(
    call: Call, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(nliexplorer.cli.runs, "StoreReader", fail)
    outcome = call("runs", "list")
    assert outcome.code == code
    assert outcome.err.startswith(message)
    assert len(outcome.err.splitlines()) <= 2
    assert outcome.out == ""


@pytest.mark.parametrize("encoding", ["gbk", "gb2312", "cp1252", "cp437", "ascii"])
def test_symbols_that_an_encoding_lacks_become_ascii(database: Path, encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nliexplorer", "slices", "first", "--by", "length"],
        cwd=database.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding, "COLUMNS": "120"},
        capture_output=True,
    )
    shown = done.stdout.decode(encoding)
    assert done.returncode == 0, done.stderr
    assert "length" in shown
    assert "\\u" not in shown
    if encoding in ("cp1252", "ascii"):
        assert "##" in shown
    assert len({len(line) for line in shown.splitlines() if line.startswith("|")}) <= 2


def test_status_lines_are_no_emoji_codes_and_no_markup() -> None:
    with console.capture() as capture:
        say("wrote :smile: [red]x[/red]")
    assert capture.get() == "wrote :smile: [red]x[/red]\n"


def test_a_closed_pipe_is_quiet(database: Path) -> None:
    command = f"{sys.executable} -m nliexplorer examples first --json | head -c 20"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=database.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert len(done.stdout) == 20


def test_interrupted_is_130(database: Path) -> None:
    code = (
        "import signal, os, nliexplorer.cli.runs as r\n"
        "r.StoreReader = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
        "from nliexplorer.cli import main; import sys; sys.argv = ['x', 'runs', 'list']; main()"
    )
    done = _python(code, database.parent)
    assert done.returncode == 130
    assert done.stderr == "interrupted\n"
    assert signal.SIGINT


@pytest.mark.parametrize(("run", "code"), [("first", 0), ("unknown", 1)])
def test_a_command_leaves_the_process_group_when_all_went_well(
    call: Call, database: Path, run: str, code: int
) -> None:
    """A process that ends inside one may abort; after an error the others may still wait in it."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        assert call("errors", run, "--db", database).code == code
        assert processes.running() is (code != 0)
    finally:
        processes.stop()
