"""What the figures say: read back from the artists that matplotlib will draw."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread
from matplotlib.patches import FancyBboxPatch

from nliexplorer.analysis.arms import TESTED, ArmRow
from nliexplorer.analysis.calibration import Calibration, calibration_of, published_fig10
from nliexplorer.analysis.dynamics import dataset_map
from nliexplorer.analysis.metrics import confusion
from nliexplorer.analysis.outputs import Outputs, outputs
from nliexplorer.analysis.slices import slice_errors
from nliexplorer.analysis.slicing import SliceTable
from nliexplorer.errors import NliError
from nliexplorer.records import Attribution, Metrics, StepRecord
from nliexplorer.view.figures import (
    TrainingCurve,
    confidence_figure,
    confusion_figure,
    dataset_map_figure,
    heatmap_figure,
    length_figure,
    published_confidence_figure,
    reliability_figure,
    risk_coverage_figure,
    save,
    slice_figure,
    training_figure,
)
from nliexplorer.view.figures_study import _range
from nliexplorer.view.figures_style import heat_colours, ink_on
from nliexplorer.view.pair import RunView
from tests.analysis.reference import simulated, simulated_pair

PREMISE, HYPOTHESIS = "A $5 man sleeps", "He is awake"


def texts(figure: Any) -> str:
    return "\n".join(t.get_text() for t in figure.findobj(lambda o: hasattr(o, "get_text")))


def runs(n: int = 400) -> list[tuple[str, Outputs]]:
    return list(zip(("first", "second"), simulated_pair(n), strict=True))


def calibrations() -> list[tuple[str, Calibration]]:
    return [(name, calibration_of(inputs)) for name, inputs in runs()]


def attribution(scores: tuple[float, ...], delta: float | None = 0.0) -> Attribution:
    """Scores of the words of PREMISE and HYPOTHESIS, one token each."""
    spans = ((0, 1), (2, 4), (5, 8), (9, 15), (0, 2), (3, 5), (6, 11))
    return Attribution(
        tokens=tuple("abcdefg"),
        segments=("premise",) * 4 + ("hypothesis",) * 3,
        word_ids=(0, 1, 2, 3, 0, 1, 2),
        spans=spans,
        scores=scores,
        target=2,
        completeness_delta=delta,
    )


def pair_of_views(delta: float = 0.0) -> list[RunView]:
    return [
        RunView("first", 1, (0.1, 0.7, 0.2), attribution((0, 0, 0, 1.0, 0, 0, -1.0), delta)),
        RunView("second", 2, (0.1, 0.2, 0.7), attribution((0, 0, 0, 0.2, 0, 0, 2.0))),
    ]


def chips(figure: Any) -> list[str]:
    """Grounds of the words that are coloured, in reading order, without badges and legend."""
    boxes = [o for o in figure.findobj(FancyBboxPatch) if abs(o.get_height() - 0.23) < 1e-6]
    return [to_hex(box.get_facecolor()) for box in boxes]


def test_saves_both_formats_the_same_each_time(tmp_path: Path) -> None:
    first = save(risk_coverage_figure(calibrations()), tmp_path / "one", "risk")
    second = save(risk_coverage_figure(calibrations()), tmp_path / "two", "risk")
    assert [path.name for path in first] == ["risk.png", "risk.svg"]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    pixels = imread(first[0])
    assert pixels.shape[:2] == (630, 930)
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 50


def test_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NliError, match="cannot write figures"):
        save(risk_coverage_figure(calibrations()), tmp_path / "file", "risk")


def test_training_figure_shows_what_there_is() -> None:
    steps = [
        StepRecord(i, i / 50, 1 / (i + 1), 1 / (i + 1) + 0.05, 1e-4, 0.1, 0.05, 0.5)
        for i in range(60)
    ]
    plain = [StepRecord(i, i / 50, 1 / (i + 1), 1 / (i + 1), 1e-4) for i in range(60)]
    evaluations = [(20, Metrics(10, 0.5)), (59, Metrics(10, 0.8))]
    figure = training_figure(
        [TrainingCurve("base", plain, evaluations), TrainingCurve("ig", steps, (), 0.1)]
    )
    total, dev, ce, penalty, saturation = figure.axes
    assert len(total.lines) == len(ce.lines) == 4  # raw and smoothed of both
    assert len(penalty.lines) == 3  # and its limit
    assert len(saturation.lines) == 2
    assert dev.lines[0].get_ydata().tolist() == [0.5, 0.8]
    assert "λ = 0.1" in texts(figure)
    bare = training_figure([TrainingCurve("base", plain)])
    assert "no penalty in these runs" in texts(bare)
    assert "no evaluation during training" in texts(bare)
    training_figure([TrainingCurve("imported", ())])


def test_long_runs_are_thinned() -> None:
    steps = [StepRecord(i, 0, 1.0, 1.0, 0) for i in range(30_000)]
    figure = training_figure([TrainingCurve("long", steps)])
    assert max(len(line.get_xdata()) for line in figure.axes[0].lines) <= 4_000


def test_heatmaps_share_one_symmetric_scale() -> None:
    figure = heatmap_figure(PREMISE, HYPOTHESIS, 2, pair_of_views())
    orange, blue = heat_colours(5)[0], heat_colours(-5)[0]
    half_up, half_down = heat_colours(3)[0], heat_colours(-3)[0]
    # first: sleeps +1 and awake −1 of 2; second: sleeps 0.2 and awake +2; B − A: −0.8 and +3
    weak, less = heat_colours(1)[0], heat_colours(-2)[0]
    assert chips(figure) == [half_up, half_down, weak, orange, less, orange]
    assert blue not in chips(figure)
    text = texts(figure)
    assert "−2.00" in text
    assert "+2.00" in text
    assert "for contradiction" in text
    assert "beyond the scale" in text
    assert "first · predicts neutral 0.70 · wrong" in text
    assert "second · predicts contradiction 0.70 · right" in text
    assert "unreliable" not in text


def test_poor_completeness_is_said() -> None:
    text = texts(heatmap_figure(PREMISE, HYPOTHESIS, None, pair_of_views(delta=-0.9)))
    assert "unreliable: the scores miss the logit difference by −0.90, 45% of their mass" in text
    assert "gold" not in text


def test_one_run_without_attribution_has_no_difference_row() -> None:
    views = [pair_of_views()[0], RunView("second", 0, None, None)]
    text = texts(heatmap_figure(PREMISE, HYPOTHESIS, 2, views))
    assert "no attribution stored" in text
    assert "difference" not in text


def test_hostile_text_is_drawn_as_text(tmp_path: Path) -> None:
    premise = "$x$ \x1b[31m 日本 " + "x" * 500
    figure = heatmap_figure(premise, "", 0, [RunView("$\\frac{$", 0)], "$\\bad{$ \x07")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(figure, tmp_path, "hostile")
    widest = max(
        t.get_window_extent().x1
        for t in figure.findobj(lambda o: hasattr(o, "get_text") and "xxx" in o.get_text())
    )
    assert widest < figure.bbox.width
    save(confusion_figure([("$\\frac{$ \x1b", confusion(runs()[0][1]))]), tmp_path, "name")


def table(run_outputs: Outputs) -> SliceTable:
    length = np.arange(run_outputs.n) % 37 + 4
    return SliceTable(run_outputs.gold, run_outputs.predicted, run_outputs.correct, length)


def test_length_figure_shows_n_and_intervals_of_both_binnings() -> None:
    by_key = {
        key: [(name, slice_errors(table(inputs), key)) for name, inputs in runs()]
        for key in ("length", "length-quantile")
    }
    figure = length_figure(by_key["length"], by_key["length-quantile"])
    text = texts(figure)
    for rows in (by_key["length"][0][1], by_key["length-quantile"][0][1]):
        for row in rows:
            assert row.slice in text
            assert f"{row.n:,}" in text
    drawn = figure.axes[0].containers[0].lines[0].get_ydata()
    assert drawn.tolist() == pytest.approx([r.error_rate for r in by_key["length"][0][1]])
    assert "Wilson" in text


def test_empty_bins_are_left_empty() -> None:
    run_outputs = outputs([0, 0], predicted=[0, 1])
    sparse = SliceTable(
        run_outputs.gold, run_outputs.predicted, run_outputs.correct, np.array([1, 100])
    )
    figure = slice_figure([("only", slice_errors(sparse, "length"))], "by length")
    assert len(figure.axes[0].containers[0].lines[0].get_ydata()) == 2


def test_confusions_side_by_side_with_difference() -> None:
    gold, logits = simulated(300)
    a, b = outputs(gold, logits=logits), outputs(gold, logits=-logits)
    tables = [confusion(a), confusion(b)]
    figure = confusion_figure([("first", tables[0]), ("second", tables[1])])
    assert len(figure.axes) == 6
    change = tables[1].counts - tables[0].counts
    text = texts(figure)
    for value in change.ravel():
        assert f"{value:+,}".replace("-", "−") in text
    limits = figure.axes[2].images[0].get_clim()
    assert limits[0] == -limits[1] == -np.abs(change).max()
    assert len(confusion_figure([("first", tables[0])]).axes) == 2


def test_confusion_of_two_labels_with_an_empty_row() -> None:
    text = texts(confusion_figure([("hans", confusion(outputs([3, 3], predicted=[0, 1])))]))
    assert "non-entailment" in text
    assert "–" in text  # the share of no pairs


def test_ink_reads_on_every_ground() -> None:
    assert ink_on((1, 1, 1, 1)) != "white"
    assert ink_on((0, 0, 0.3, 1)) == "white"


def test_confidence_figure_draws_bins_and_line() -> None:
    figure = confidence_figure(calibrations())
    assert len(figure.axes) == 4
    for index, (_, result) in enumerate(calibrations()):
        axes = figure.axes[2 * index]
        drawn = axes.containers[0].lines[0].get_xydata()
        expected = [(b.confidence, b.accuracy) for b in result.bins if b.n]
        assert drawn == pytest.approx(np.array(expected))
        assert f"R² = {result.r2:.2f}" in texts(axes)


def test_published_variant_warns() -> None:
    gold, logits = simulated(300)
    figure = published_confidence_figure([("first", published_fig10(gold, logits))])
    text = texts(figure)
    assert "raw logits are not probabilities" in text
    assert f"{((logits.max(1) >= 0) & (logits.max(1) <= 1)).sum()} of 300" in text


def test_published_variant_without_any_pair_in_range() -> None:
    figure = published_confidence_figure([("first", published_fig10([0], [[9.0, 0, 0]]))])
    assert "0 of 1" in texts(figure)


def test_reliability_figure_names_the_gap() -> None:
    figure = reliability_figure(calibrations())
    assert f"ECE {calibrations()[0][1].ece * 100:.2f} %" in texts(figure)


def test_dataset_map_draws_at_most_twenty_thousand() -> None:
    p = np.random.default_rng(0).random((3, 20_100))
    figure = dataset_map_figure(dataset_map(p), "train")
    assert len(figure.axes[0].collections[0].get_offsets()) == 20_000
    assert "20,000 of 20,100 pairs" in texts(figure)


def test_one_hopeless_arm_does_not_hide_the_others() -> None:
    def row(arm: str, low: float, high: float) -> ArmRow:
        middle = (low + high) / 2
        return ArmRow(arm, "base", "dev", TESTED, 100, (0, 1, 2), 0.7, 0.01, middle, low, high)

    rows = [row("a", -0.01, 0.01), row("b", 0.0, 0.03), row("c", -0.02, 0.01)]
    left, right = _range([*rows, row("broken", -0.9, 0.5), None])
    assert -25 < left < -20
    assert 3 < right < 10
    calm = _range(rows)
    assert calm[0] < -2
    assert 3 < calm[1] < 4
