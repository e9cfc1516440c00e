"""Lines that compare the answers to an edit with those to the original."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from nliexplorer.records import GOLD_NAMES, classes_of
from nliexplorer.tui.screens.probe.models import Probe, WordEdit
from nliexplorer.view.palette import Palette, signed
from nliexplorer.view.text import visible


def change_lines(before: Probe, after: Probe, palette: Palette) -> Iterator[Text]:
    """One line per run: how far the edit moved each probability, in points; then an empty one."""
    for index, (old, new) in enumerate(zip(before.runs, after.runs, strict=False)):
        if old.probabilities is None or new.probabilities is None:
            continue
        line = Text(f" {'AB'[index]} ", palette.badge(index), no_wrap=True)
        line = Text(no_wrap=True).append_text(line).append(" change, points:", palette.muted)
        classes = classes_of(new.probabilities)
        for label, was, now in zip(classes, old.probabilities, new.probabilities, strict=True):
            line.append(f"  {GOLD_NAMES[label]} ", palette.label(label))
            line.append(signed((now - was) * 100, 1), palette.strong)
        if old.predicted != new.predicted and None not in (old.predicted, new.predicted):
            line.append("  flipped", palette.warning + palette.strong)
        yield line
    yield Text()


def flips_first(
    edits: Sequence[WordEdit], before: Sequence[int | None]
) -> tuple[list[WordEdit], list[list[int]]]:
    """The edits, those that flip the predictions of most runs first, and which runs each flips.

    `before`: what each run predicts of the whole pair.
    """

    def flipped(edit: WordEdit) -> list[int]:
        return [
            index
            for index, label in enumerate(before)
            if edit.predicted(index) not in (None, label)
        ]

    ordered = sorted(edits, key=lambda edit: -len(flipped(edit)))
    return ordered, [flipped(edit) for edit in ordered]


def edit_line(edit: WordEdit, flipped: Sequence[int], palette: Palette) -> Text:
    """`H − not   A entailment 61`, or `H a → no`: the word, what each run says; `flipped` in
    colour."""
    change = f"{edit.word} → {edit.other}" if edit.other else f"− {edit.word}"
    text = Text(f"{edit.segment[0].upper()} ", palette.muted, no_wrap=True)
    text.append(f"{visible(change):<20} ", palette.strong if flipped else "")
    for index, probabilities in enumerate(edit.probabilities):
        label = edit.predicted(index)
        if label is None or probabilities is None:
            continue
        text.append(f"{'AB'[index]} ", palette.run(index))
        style = palette.warning if index in flipped else palette.muted
        text.append(f"{GOLD_NAMES[label]} {max(probabilities) * 100:.0f}   ", style)
    return text
