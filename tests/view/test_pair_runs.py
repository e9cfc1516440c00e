"""Three models on one pair: `explain` takes any number."""

from __future__ import annotations

from rich.console import Console

from nliexplorer.records import Attribution
from nliexplorer.view.pair import PairView, RunView
from nliexplorer.view.palette import DARK


def attribution(target: int) -> Attribution:
    return Attribution(
        ("[CLS]", "men", "[SEP]", "sleep", "[SEP]"),
        ("special", "premise", "special", "hypothesis", "special"),
        (None, 0, None, 0, None),
        ((0, 0), (0, 3), (0, 0), (0, 5), (0, 0)),
        (0.0, 0.5, 0.0, -1.0, 0.0),
        target,
    )


def drawn(*targets: int) -> str:
    views = tuple(
        RunView(f"run{i}", t, (0.2, 0.3, 0.5), attribution(t)) for i, t in enumerate(targets)
    )
    console = Console(width=100, record=True, file=None)
    with console.capture() as capture:
        console.print(PairView("men", "sleep", None, views, DARK))
    return capture.get()


def test_each_run_has_its_letter() -> None:
    text = drawn(2, 2, 2)
    assert [letter for letter in "ABC" if f" {letter} " in text] == ["A", "B", "C"]
    assert "for contradiction" in text


def test_legend_does_not_name_one_class_for_runs_that_explain_different_ones() -> None:
    assert "for the class each explains" in drawn(0, 2)
