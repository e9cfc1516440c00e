"""Two arms over their seeds: means with t-intervals, and below them seed against seed."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Static

from nliexplorer.analysis.metric_specs import spec_of
from nliexplorer.comparison.groups import GroupComparison, seed_of
from nliexplorer.records import Run
from nliexplorer.tui.widgets.rows import Rows
from nliexplorer.view.differences import Links, interval_about_zero
from nliexplorer.view.metric_text import UNKNOWN, change, figure
from nliexplorer.view.palette import Palette
from nliexplorer.view.tables import groups_table, run_names
from nliexplorer.view.text import visible

_ACCURACY = spec_of("accuracy")
#: Lines of the seeds' heading, and the fewest that the means keep.
_HEADING, _LEAST_MEANS = 2, 9


@dataclass(frozen=True, slots=True)
class SeedPair:
    """A's and B's run of one seed, each with its accuracy; None where an arm lacks the seed."""

    seed: int | None
    a: Run | None
    b: Run | None
    accuracy_a: float | None
    accuracy_b: float | None

    @property
    def delta(self) -> float | None:
        """Of B from A."""
        if self.accuracy_a is None or self.accuracy_b is None:
            return None
        return self.accuracy_b - self.accuracy_a


def seed_pairs(comparison: GroupComparison) -> list[SeedPair]:
    """Seed by seed, those of both arms and those of one."""
    a, b = (
        {seed_of(run): (run, accuracy) for run, accuracy in zip(runs, accuracies, strict=True)}
        for runs, accuracies in zip(
            (comparison.a, comparison.b), comparison.accuracies, strict=True
        )
    )
    none = (None, None)
    pairs = []
    for seed in sorted({*a, *b}, key=lambda seed: (seed is None, seed or 0)):
        (run_a, of_a), (run_b, of_b) = a.get(seed, none), b.get(seed, none)
        pairs.append(SeedPair(seed, run_a, run_b, of_a, of_b))
    return pairs


class SeedComparison(Vertical):
    """Enter on a seed posts `Opened` with its two runs."""

    class Opened(Message):
        def __init__(self, a: Run, b: Run) -> None:
            super().__init__()
            self.a, self.b = a, b

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._pairs: list[SeedPair] = []

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="seed-means", can_focus=False):
            yield Static(id="seed-title", classes="heading")
            yield Static(id="seed-table")
        yield Static(id="seed-heading", classes="heading")
        yield Rows(id="seeds")

    def show(
        self,
        comparison: GroupComparison,
        names: tuple[str, str],
        width: int,
        palette: Palette,
        links: Links,
        order: str,
    ) -> None:
        """`names` of the arms; `links`: styles that make headings of the table clickable."""
        title = run_names(names, palette).append("\n")
        title.append(f"{comparison.n:,} pairs", palette.strong)
        counts = f" that all {len(comparison.a) + len(comparison.b)} runs predicted · means over "
        counts += f"{len(comparison.a)} and {len(comparison.b)} seeds"
        title.append(counts + (f" · {order} first" if order else ""), palette.muted)
        left_out = f"{comparison.left_out:,} pairs left out that some run lacks"
        for note in (*([left_out] if comparison.left_out else []), *comparison.notes):
            title.append(f"\n{visible(note)}", palette.warning)
        self.query_one("#seed-title", Static).update(title)
        table = groups_table(comparison.metrics, palette, width, links)
        self.query_one("#seed-table", Static).update(table)
        heading = "accuracy, %, seed by seed · ⏎ compares the two runs"
        self.query_one("#seed-heading", Static).update(Text(heading, palette.muted))
        self._pairs = seed_pairs(comparison)
        deltas = [abs(pair.delta) for pair in self._pairs if pair.delta is not None]
        reach = max(deltas, default=0.0) * 1.1 or 1.0
        drawn = max(0, min(width - 46, 41)) | 1
        lines = [_line(pair, reach, drawn, palette) for pair in self._pairs]
        self.query_one("#seeds", Rows).show(lines)
        # the means have what the seeds do not need
        room = self.screen.query_one("#body").size.height - len(lines) - _HEADING
        self.query_one("#seed-means").styles.max_height = max(room, _LEAST_MEANS)

    def on_rows_opened(self, event: Rows.Opened) -> None:
        event.stop()
        pair = self._pairs[event.index]
        if pair.a and pair.b:
            self.post_message(self.Opened(pair.a, pair.b))
        else:
            self.notify("only one of the arms has this seed", timeout=2)


def _line(pair: SeedPair, reach: float, drawn: int, palette: Palette) -> Text:
    text = Text(f"seed {UNKNOWN if pair.seed is None else pair.seed:<5}", no_wrap=True)
    for index, value in enumerate((pair.accuracy_a, pair.accuracy_b)):
        text.append("AB"[index], palette.run(index)).append(f" {figure(_ACCURACY, value):>6}   ")
    delta = pair.delta
    text.append(f"{change(_ACCURACY, delta):>6}  ", palette.strong)
    if delta is not None and drawn > 9:
        verdict = (delta > 0) - (delta < 0)
        text.append_text(interval_about_zero(delta, delta, delta, drawn, palette, verdict, reach))
    return text
