"""Every command's help: an example that parses, values named by meaning, readable at 80 columns."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from nliexplorer.cli import app
from nliexplorer.cli.help_text import METAVARS, one_a_line, unwrapped
from nliexplorer.cli.lazy import COMMANDS, load_command
from nliexplorer.config import DEBIASING, ESTIMATORS, PENALTIES

#: What a value is to the parser; a reader wants to know what it means.
TYPES = re.compile(
    r"<\w+>|\b(TEXT|INTEGER|INT|FLOAT|NUMBER|BOOL(EAN)?|STR(ING)?|(?<!=)VALUE|PATH)\b"
)
PANELS = {"Options", "Model", "Data", "Optimisation", "Penalty", "Output"}


def commands() -> Iterator[tuple[str, Any]]:
    for name in COMMANDS:
        command = load_command(name)
        yield name, command
        for sub, each in getattr(command, "commands", {}).items():
            yield f"{name} {sub}", each


NAMES = [name for name, _ in commands()]


def shown(name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    result = CliRunner().invoke(app, [*name.split(), "--help"])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("name", NAMES)
def test_values_are_named_by_what_they_mean(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(name, monkeypatch)
    assert max(map(len, text.splitlines())) <= 80
    for parameter in dict(commands())[name].params:
        assert not TYPES.search(parameter.metavar or ""), parameter.name
    assert not re.search(r"<(bool|str|int|float|path|file|directory|list)", text)
    usage = next(line for line in text.splitlines() if "Usage:" in line)
    assert not re.search(r"[{}]|\[\[|\.\.\.\.|\]\.\.\.", usage.replace("[ARGS]...", "")), usage


@pytest.mark.parametrize("name", NAMES)
def test_an_example_that_the_command_understands(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = unwrapped(dict(commands())[name].help)
    examples = re.findall(r"^(?:Example: |  )(nliexplorer .+)$", source, re.MULTILINE)
    assert examples
    for example in examples:
        words = shlex.split(example)[1:]
        group, depth = load_command(words[0]), 1
        if hasattr(group, "commands") and len(words) > 1:
            group, depth = group.commands[words[1]], 2
        if not hasattr(group, "commands"):
            group.make_context(words[0], words[depth:])  # fails on unknown or missing values
    assert "Example" in shown(name, monkeypatch)


def test_train_lists_what_can_be_chosen_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown("train", monkeypatch)
    assert set(re.findall(r"^╭─ (\w+) ─", text, re.MULTILINE)) == PANELS
    cells = [line.strip("│ ") for line in text.splitlines()]
    for table in (PENALTIES, ESTIMATORS, DEBIASING):
        for value in table:
            begun = [cell for cell in cells if re.search(rf"(^|\s\s){value}:(\s|$)", cell)]
            assert begun, value  # at the beginning of a line of the last column
    assert len(re.findall(r"^ +nliexplorer train ", text, re.MULTILINE)) == 3


def test_every_metavar_belongs_to_some_parameter() -> None:
    names = {parameter.name for _, command in commands() for parameter in command.params}
    assert set(METAVARS) <= names


def test_paragraphs() -> None:
    text = "First\nline.\n\nSecond.\n\n\b\nExamples:\n  a\n  b\n"
    assert unwrapped(text) == "First line.\n\nSecond.\n\nExamples:\n  a\n  b"
    assert one_a_line("One of", {"a": "x", "b": "y"}) == "One of:\n\n\b\na: x\nb: y"
