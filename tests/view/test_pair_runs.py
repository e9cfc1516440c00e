"""Three models on one pair: `explain` takes any number."""

from __future__ import annotations

from rich.console import Console

from nliexplorer.records import Attribution, ExampleRow
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


def test_a_models_words_and_the_pairs_columns_stand_under_it() -> None:
    row = ExampleRow(
        "0" * 16, "men", "sleep", 0, None, None, None, None, None, 2, 0,
        answer="I cannot\ntell \x1b[2J", explanation="[red]As it is.",
    )  # fmt: skip
    views = (RunView.of("chat", row, None), RunView.of("sure", None, None))
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        metadata = {"genre": "fiction", "year": 1999}
        console.print(PairView("men", "sleep", 0, views, DARK, metadata=metadata))
    shown = capture.get()
    assert "no answer that could be read" in shown
    assert "answer: I cannot" in shown
    assert "explanation: [red]As it is." in shown
    assert "genre fiction · year 1999" in shown
    assert "\x1b" not in shown
