"""Commands by name, imported when called; the one place where errors are reported."""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from nliexplorer.cli.help_text import improve_help
from nliexplorer.errors import NliError
from nliexplorer.privacy import without_secrets

#: command -> module of nliexplorer.cli and its function, or its Typer app of subcommands.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "demo"),
    "train": ("train", "train"),
    "sweep": ("sweep", "sweep"),
    "study": ("study", "study"),
    "evaluate": ("evaluate", "evaluate"),
    "attribute": ("attribute", "attribute"),
    "explain": ("explain", "explain"),
    "explore": ("explore", "explore"),
    "serve": ("serve", "serve"),
    "examples": ("examples", "examples"),
    "errors": ("examples", "errors"),
    "runs": ("runs", "app"),
    "compare": ("compare", "compare"),
    "calibration": ("calibration", "calibration"),
    "slices": ("slices", "slices"),
    "labels": ("labels", "labels"),
    "tags": ("tags", "app"),
    "faithfulness": ("faithfulness", "faithfulness"),
    "artefacts": ("artefacts", "artefacts"),
    "suites": ("artefacts", "suites"),
    "report": ("report", "report"),
    "import": ("import_predictions", "import_"),
    "export": ("export", "export"),
    "data": ("data", "app"),
    "doctor": ("doctor", "doctor"),
}
_DISK_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: How libraries that write files themselves (safetensors, torch, Arrow) say the same.
_DISK_FULL_TEXT = re.compile(
    r"No space left|Disk quota exceeded|File too large|StorageFull|FileTooLarge|QuotaExceeded"
    r"|PytorchStreamWriter failed writing|inline_container|code: (28|122|27)\b"
)
#: Set it to see where an unexpected error comes from.
TRACEBACK = "NLIEXPLORER_TRACEBACK"


def load_command(name: str) -> Any:
    """The command object; its module is imported now."""
    module_name, attribute = COMMANDS[name]
    loaded = getattr(import_module(f"nliexplorer.cli.{module_name}"), attribute)
    holder = loaded
    if not isinstance(loaded, typer.Typer):
        holder = typer.Typer(add_completion=False)
        holder.command(name)(loaded)
    command = typer.main.get_command(holder)
    command.name = name
    improve_help(command)
    return command


class LazyGroup(TyperGroup):
    """Lists COMMANDS, imports one when it is run, and turns errors into two lines on stderr."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is Typer's
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        return load_command(cmd_name) if cmd_name in COMMANDS else None

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        if not args and sys.stdout.isatty():
            from nliexplorer.cli.start import print_start

            print_start()
            raise typer.Exit
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            _show_as_text(error)
            raise

    def invoke(self, ctx: Any) -> Any:
        try:
            result = super().invoke(ctx)
            if processes := sys.modules.get("nliexplorer.processes"):  # it imports torch
                processes.stop()
            return result
        except NliError as error:
            print_error(error)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(130) from None
        except Exception as error:
            # typer.Exit and the like are RuntimeErrors; Typer ends quietly on a closed pipe
            if isinstance(error, typer.Exit | typer.Abort | BrokenPipeError):
                raise
            if hasattr(error, "exit_code"):
                _show_as_text(error)
                raise
            if os.environ.get(TRACEBACK):
                traceback.print_exc()
            print_error(_unexpected(error))
            raise typer.Exit(1) from None


def _show_as_text(error: Exception) -> None:
    """Wrong usage quotes what was typed: control and bidi characters in it are made visible."""
    from nliexplorer.view.text import visible

    if isinstance(message := getattr(error, "message", None), str):
        error.message = visible(message)  # type: ignore[attr-defined]


def print_error(error: NliError) -> None:
    """One line of what is wrong, one of what to do, both with control codes made visible."""
    from nliexplorer.view.text import visible

    for line in (error.message, error.advice):
        if line:
            typer.echo(visible(without_secrets(line)), err=True)


def _unexpected(error: Exception) -> NliError:
    text = " ".join(str(error).split()) or "no message"
    if (isinstance(error, OSError) and error.errno in _DISK_FULL_ERRORS) or _DISK_FULL_TEXT.search(
        text
    ):
        return NliError("the disk is full", "free some space (or raise the quota) and try again")
    if isinstance(error, PermissionError):
        return NliError(f"no permission for {error.filename}", "check its permissions")
    if isinstance(error, MemoryError):
        return NliError("out of memory", "close other programs, or use fewer pairs")
    return NliError(
        f"unexpected {type(error).__name__}: {text[:300]}",
        f"please report it; {TRACEBACK}=1 shows where it comes from",
    )
