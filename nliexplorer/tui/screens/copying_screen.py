"""Taking out what a screen shows: its command, its table, its picture."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from nliexplorer.errors import NliError
from nliexplorer.tui.copying import Table, portable_svg
from nliexplorer.tui.screens.loading_screen import LoadingScreen


class CopyingScreen(LoadingScreen):
    """The keys that copy or save, the same on all screens."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy_command", "Command", show=False,
                tooltip="copy the equivalent shell command"),
        Binding("y", "copy(False)", "Copy", show=False, tooltip="copy what is shown as text"),
        Binding("Y", "copy(True)", "Copy", show=False, tooltip="copy what is shown as Markdown"),
        Binding("S", "save_picture", "Picture", show=False, tooltip="save the screen as SVG"),
    ]  # fmt: skip

    def command(self) -> str:
        """The shell command that shows the same; empty where there is none."""
        selection = self.selection
        if not selection.a or selection.subset:
            return ""
        words = ["nliexplorer", "explore", *(run.name for run in selection.runs)]
        words += [f"--once={self.MODE}", f"--split={selection.split}"]
        words += [f"--filter={text}"] if (text := selection.filter.to_text()) else []
        return shlex.join(words)

    def command_of(self, name: str, *options: str, runs: Sequence[str] = ()) -> str:
        """`nliexplorer NAME A B` (or other `runs`) with split and filter; empty for a subset."""
        selection = self.selection
        if not selection.a or selection.subset:
            return ""
        first, *others = runs or [run.name for run in selection.runs]
        words = shlex.split(selection.full_filter.to_command(first, name, selection.split))
        words[3:3] = others
        return shlex.join([*words, *options])

    def table(self) -> Table | None:
        """What is shown as rows of text, for copying."""
        return None

    def action_copy_command(self) -> None:
        if command := self.command():
            self.app.copy_to_clipboard(command)
            self.notify(command, title="copied", markup=False)
        else:
            self.notify("no command shows this", severity="warning", timeout=3)

    def action_copy(self, markdown: bool) -> None:
        table = self.table()
        if table is None or not table.rows:
            self.notify("nothing to copy yet", timeout=2)
            return
        self.app.copy_to_clipboard(table.markdown() if markdown else table.text())
        form = "Markdown" if markdown else "text"
        self.notify(f"{len(table.rows):,} rows as {form}", title="copied", timeout=3)

    def action_save_picture(self) -> None:
        path = Path(f"nliexplorer-{self.MODE}-{datetime.now():%Y%m%d-%H%M%S}.svg")
        svg = portable_svg(self.app.export_screenshot())

        def save() -> Path:
            try:
                path.write_text(svg, encoding="utf-8")
            except OSError as error:
                raise NliError(
                    f"cannot write {path}: {error.strerror or error}", "start in another folder"
                ) from error
            return path

        self.work("picture", save, lambda p: self.notify(str(p), title="saved", markup=False),
                  self.toast)  # fmt: skip
