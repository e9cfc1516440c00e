"""`nliexplorer` without a command, on a terminal: three things to do next."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from nliexplorer import __version__
from nliexplorer.cli.common import out
from nliexplorer.errors import PAGES, NliError
from nliexplorer.records import Run
from nliexplorer.store.reader import StoreReader
from nliexplorer.view.text import visible

#: (command, what it does)
Step = tuple[str, str]

_NO_RUNS: tuple[Step, ...] = (
    ("nliexplorer demo", "train two small models on the built-in corpus, then explore them"),
    ("nliexplorer evaluate MODEL --data snli", "bring a model: a folder or a hub id"),
    ("nliexplorer import FILE", "bring predictions, or a chat model's answers; needs no model"),
)


def print_start() -> None:
    """The screen that suits the database of the working directory (or NLIEXPLORER_DB)."""
    path = Path(os.environ.get("NLIEXPLORER_DB") or "runs.db")
    state, steps = _state(path)
    text = Text(f"nliexplorer {__version__}", style="bold")
    text.append(f"\n{state}\n", style="not bold")
    for command, purpose in steps:
        text.append(f"\n  {visible(command)}\n", style="bold")
        text.append(f"      {purpose}\n", style="not bold")
    text.append(f"\nAll commands: nliexplorer --help · tutorial: {PAGES['start']}", "not bold")
    out().print(text, soft_wrap=True)


def _state(path: Path) -> tuple[str, Sequence[Step]]:
    """What there is, and three steps from there."""
    if not path.exists():
        return f"There is no database here yet ({path}). Start one with:", _NO_RUNS
    try:
        with StoreReader(path) as reader:
            runs = reader.runs.all()
    except NliError as error:
        check = (f"nliexplorer doctor --db {shlex.quote(str(path))}", "check the database")
        return f"{visible(error.message)}: {visible(error.hint)}", (check, *_NO_RUNS[:2])
    read = [run for run in runs if run.metrics]
    if not read:
        return f"{path} has no evaluated run yet. Make one with:", _NO_RUNS
    newest = read[0]
    count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    state = f"{path} has {count}; the newest is {visible(newest.name)}. Next:"
    other = next((run for run in read[1:] if set(run.metrics) & set(newest.metrics)), None)
    steps = _alone(newest) if other is None else _two(other, newest)
    stopped = next((run for run in runs if run.status == "interrupted"), None)
    if stopped is not None:
        resume = f"nliexplorer train --resume {stopped.id}"
        steps = (*steps[:2], (resume, f"go on with {visible(stopped.name)}, which was interrupted"))
    return state, steps


def _alone(run: Run) -> tuple[Step, ...]:
    name = shlex.quote(run.name)
    return (
        (f"nliexplorer explore {name}", "browse its errors in the terminal"),
        (f"nliexplorer slices {name} --by gold", "see where it is wrong"),
        (f"nliexplorer evaluate {name} --data DATA", "try it on harder data"),
    )


def _two(a: Run, b: Run) -> tuple[Step, ...]:
    names = f"{shlex.quote(a.name)} {shlex.quote(b.name)}"
    return (
        (f"nliexplorer explore {names}", "browse the errors of both in the terminal"),
        (f"nliexplorer compare {names}", "see whether the second is better, with intervals"),
        (f"nliexplorer report {names} --out report", "write one page with all tables and figures"),
    )
