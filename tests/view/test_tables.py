from rich.console import Console, RenderableType

from nliexplorer.analysis.calibration import calibration_of, published_fig10
from nliexplorer.analysis.metric_specs import spec_of
from nliexplorer.analysis.metrics import confusion, metrics_of
from nliexplorer.analysis.outputs import outputs
from nliexplorer.analysis.seeds import compare_groups
from nliexplorer.analysis.shortcuts import label_words
from nliexplorer.analysis.significance import Comparison, MetricDifference
from nliexplorer.analysis.slices import slice_differences, slice_errors
from nliexplorer.analysis.slicing import SliceTable
from nliexplorer.analysis.verdict import verdict
from nliexplorer.records import Run
from nliexplorer.view.listing import runs_table
from nliexplorer.view.palette import DARK
from nliexplorer.view.tables import (
    calibration_table,
    comparison_table,
    groups_table,
    many_run_names,
    p_value,
    published_table,
    suites_table,
)
from nliexplorer.view.tables_errors import (
    artefacts_table,
    confusion_table,
    slice_differences_table,
    slices_table,
)
from tests.analysis.reference import compare, simulated, simulated_pair


def drawn(what: RenderableType, width: int = 140, colour: bool = False) -> str:
    console = Console(
        width=width,
        force_terminal=colour,
        color_system="truecolor" if colour else None,
        no_color=not colour,
        _environ={},
    )
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def metric(name: str, low: float, high: float) -> Comparison:
    decided = verdict(low, high, lower_is_better=spec_of(name).lower_is_better)
    row = MetricDifference(name, 0.5, 0.6, (low + high) / 2, low, high, verdict=decided)
    return Comparison("a", "b", "dev", 10, 1, 2, 3, 4, 0.05, (row,))


def test_comparison_says_everything_of_its_document() -> None:
    a, b = simulated_pair(300)
    comparison = compare(a, b, names=("base", "ig [red]"), left_out=(2, 0))
    text = drawn(comparison_table(comparison))
    for row in comparison.metrics:
        spec = spec_of(row.name)
        for value in (row.a, row.b, abs(row.delta or 0), abs(row.ci_low or 0)):
            assert f"{(value or 0) * spec.factor:.{spec.digits}f}" in text, row.name
    assert f"fixed {comparison.fixed} · broken {comparison.broken}" in text
    assert "10,000 resamples" in text
    assert "2 of base" in text
    assert "ig [red]" in text


def test_colour_only_where_the_interval_excludes_zero() -> None:
    green, red = (style.color.name for style in (DARK.right, DARK.wrong) if style.color)
    ink = {
        name: ";".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
        for name, colour in (("green", green), ("red", red))
    }
    cases = [
        ("accuracy", 0.1, 0.2, "green"),
        ("accuracy", -0.2, -0.1, "red"),
        ("ece", 0.1, 0.2, "red"),
        ("nll", -0.2, -0.1, "green"),
        ("accuracy", -0.1, 0.2, ""),
    ]
    for name, low, high, expected in cases:
        text = drawn(comparison_table(metric(name, low, high)), colour=True)
        assert [key for key in ink if ink[key] in text] == ([expected] if expected else []), name


def test_labels_alone_leave_dashes() -> None:
    a = outputs([0, 1], predicted=[0, 0])
    assert "–" in drawn(comparison_table(compare(a, a)))


def test_long_names_and_eighty_columns_break_no_figure() -> None:
    a, b = simulated_pair(300)
    comparison = compare(
        a, b, names=("electra-small, λ = 0.1, seed 0, long", "hypothesis-only, seed 12")
    )
    text = drawn(comparison_table(comparison), 80)
    for row in comparison.metrics:
        spec = spec_of(row.name)
        a_, b_ = (f"{(value or 0) * spec.factor:.{spec.digits}f}" for value in (row.a, row.b))
        whole = [line for line in text.splitlines() if a_ in line and b_ in line and "…" in line]
        assert whole, row.name
    table = SliceTable(a.gold, a.predicted, a.correct, a.gold + 5)
    rows = slice_differences(table, b.correct, ["gold"])
    lines = drawn(slice_differences_table(rows, ("x", "y")), 80).splitlines()
    assert sum("…" in line for line in lines) == 3


def test_p_values() -> None:
    assert [p_value(p) for p in (1e-9, 0.0534, 1.0)] == ["<0.0001", "0.053", "1"]


def test_groups_say_the_sentence() -> None:
    seeds = ([0, 1, 2], [0, 1, 2])
    rows = compare_groups({"accuracy": ([0.8, 0.81, 0.82], [0.9, 0.911, 0.92])}, seeds)
    text = drawn(groups_table(rows))
    assert "B is better by 10.03 ± 0.14 points" in text
    assert "paired t-test" in text


def test_calibration_and_its_published_variant() -> None:
    gold, logits = simulated(300)
    measured = calibration_of(outputs(gold, logits=logits))
    text = drawn(calibration_table(measured, "run"))
    assert f"ECE {measured.ece:.2%}".replace("%", " %") in text
    assert f"temperature {measured.temperature:.3f}" in text
    assert text.count("0.9 – 1.0") == 1
    assert "no temperature" in drawn(
        calibration_table(calibration_of(outputs([0], logits=[[9, 0, 0]])), "run")
    )
    assert "not probabilities" in drawn(published_table(published_fig10(gold, logits)))


def test_slices_and_differences() -> None:
    a, b = simulated_pair(300)
    table = SliceTable(a.gold, a.predicted, a.correct, a.gold + 5)
    rows = slice_errors(table, "gold")
    text = drawn(slices_table(rows, "run"))
    for row in rows:
        assert f"{100 * (row.error_rate or 0):.1f}" in text
    assert "contradiction" in drawn(
        slice_differences_table(slice_differences(table, b.correct, ["gold"]), ("x", "y"))
    )
    assert "slice" in drawn(slices_table(()))


def test_confusions_with_difference() -> None:
    a, b = simulated_pair(300)
    text = drawn(confusion_table([("x", confusion(a)), ("y", confusion(b))]), 220)
    assert "B − A" in text
    assert f"{confusion(a).counts[0, 0]} " in text


def test_artefacts() -> None:
    words = label_words(["nobody sits"] * 6 + ["a man"] * 6, [2] * 6 + [0] * 6)
    assert "nobody" in drawn(artefacts_table(words))


def test_runs_hold_hostile_names_and_missing_figures() -> None:
    a, _ = simulated_pair(50)
    runs = [
        Run("0123456789", "[b]x\x1b", "ig", "done", "snli", "google/electra", 0, "", 9.0),
        Run("abc", "y", "imported", "done", "f", "", None, "", metrics={"dev": metrics_of(a)}),
    ]
    text = drawn(runs_table(runs), 200)
    assert "[b]x␛" in text
    assert f"{metrics_of(a).accuracy * 100:.2f}" in text


def test_narrow_runs_keep_name_split_and_accuracy() -> None:
    a, _ = simulated_pair(50)
    run = Run(
        "01234567",
        "a-rather-long-name-of-a-run",
        "ig-variance",
        "done",
        "/home/somebody/data/of/the/year/snli",
        "electra",
        0,
        "2026-01-01T10:00:00",
        9.0,
        metrics={"dev": metrics_of(a), "flipped": metrics_of(a)},
    )
    text = drawn(runs_table([run], 60), 60)
    assert max(map(len, text.splitlines())) <= 60
    for expected in (
        "01234567",
        "a-rather-long-name",
        "flipped",
        f"{metrics_of(a).accuracy:.2%}"[:-1],
    ):
        assert expected in text
    assert "created" not in text
    assert "2026-01-01 10:00" in drawn(runs_table([run], 150), 150)
    assert "…/snli" in drawn(runs_table([run], 150), 150)


def test_one_run_over_all_suites() -> None:
    a, _ = simulated_pair(50)
    hans = metrics_of(outputs([0, 3], predicted=[0, 0]), eval_seconds=90)
    rows = [
        {"split": split, "two_label": split != "dev", "ci_low": 0.4, "ci_high": 0.6}
        | metrics.as_dict()
        for split, metrics in (("dev", metrics_of(a)), ("hans:dev", hans))
    ]
    text = drawn(suites_table(rows))
    assert "hans:dev ²" in text
    assert "40.0 … 60.0" in text
    assert "50.00" in text


def test_a_letter_is_never_parted_from_its_run() -> None:
    names = [f"run-{number}-of-some-study" for number in range(8)]
    lines = drawn(many_run_names(names, DARK), 80).splitlines()
    assert len(lines) > 1
    for letter, name in zip("ABCDEFGH", names, strict=True):
        assert any(f"{letter}  {name}" in line for line in lines)
