"""The report's figures with their captions; a figure that cannot be drawn gives the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.figure import Figure as Drawing

from nliexplorer.analysis.calibration import Calibration
from nliexplorer.records import gold_name
from nliexplorer.report.data import ReportData, Side
from nliexplorer.view.figures import (
    confidence_figure,
    confusion_figure,
    dataset_map_figure,
    heatmap_figure,
    length_figure,
    published_confidence_figure,
    reliability_figure,
    risk_coverage_figure,
    training_figure,
)

_LABELS_ALONE = (
    "needs probabilities, and one of the runs has labels only; import it again with "
    "predicted_scores"
)


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """`name` is the file's stem, `label` what the text calls it. `drawing` None: see `missing`."""

    name: str
    label: str
    title: str
    caption: str
    drawing: Drawing | None = None
    missing: str = ""


def figures(data: ReportData) -> Iterator[Figure]:
    """Figs 1–10 of the paper, in order, then those that go beyond it."""
    yield _loss(data)
    yield from _heatmaps(data)
    yield _lengths(data)
    yield _confusions(data)
    yield from _confidence(data)
    yield from _beyond(data)


def _n(data: ReportData) -> str:
    return f"n = {data.comparison.n:,} pairs of {data.comparison.split}"


def _names(data: ReportData) -> str:
    return f"A is {data.comparison.a}, B is {data.comparison.b}"


def _loss(data: ReportData) -> Figure:
    name, label, title = "fig01_loss", "Fig. 1", "Training loss and its parts"
    curves = [side.curve for side in data.sides if side.curve is not None]
    if not curves:
        return Figure(
            name, label, title, "", missing="neither run has a training log; imported ones never do"
        )
    counts = " and ".join(f"{len(curve.steps):,} updates of {curve.name}" for curve in curves)
    caption = (
        f"{counts}. The total is cross-entropy plus penalty, so B’s curve lies higher for the "
        "penalty alone; cross-entropy, the penalty and its saturation are drawn separately below. "
        "Faint: each update; strong: a running mean."
    )
    return Figure(name, label, title, caption, training_figure(curves))


def _heatmaps(data: ReportData) -> Iterator[Figure]:
    pairs = data.pairs
    for index in range(3):
        first = 2 + 2 * index
        name = f"fig{first:02d}_{first + 1:02d}_pair{index + 1}"
        label = f"Figs {first} and {first + 1}"
        title = f"Pair {index + 1}, under both models"
        if index >= len(pairs.pairs):
            reason = pairs.missing or "fewer than three kinds of pairs have stored attributions"
            yield Figure(name, label, title, "", missing=reason)
            continue
        pair = pairs.pairs[index]
        steps = {v.attribution.steps for v in pair.views if v.attribution is not None}
        nodes = " and ".join(str(each or "adaptive") for each in sorted(steps))
        caption = (
            f"{pair.why[0].upper()}{pair.why[1:]}; gold: {gold_name(pair.example.label)}. "
            f"Integrated Gradients, {nodes} nodes, summed over "
            "each word; orange supports the explained class and blue opposes it, both models on "
            "one scale, below them the difference B − A."
        )
        if pairs.unknown > 0.05:
            caption += (
                f" Of the words of the three pairs {pairs.unknown:.0%} are not in the models’ "
                "vocabulary, and are spelt out in pieces or unknown."
            )
        drawing = heatmap_figure(
            pair.example.premise,
            pair.example.hypothesis,
            pair.example.label,
            pair.views,
            f"{label} · {pair.why}",
        )
        yield Figure(name, label, title, caption, drawing)


def _lengths(data: ReportData) -> Figure:
    names = (data.comparison.a, data.comparison.b)
    caption = (
        f"{_n(data)}; the number in each bin is below it. Length counts the whitespace words "
        "of premise and hypothesis. Left: the paper’s bins of equal width, the last of which hold "
        "few pairs. Right: bins of equal count. Bars are 95 % Wilson intervals."
    )
    drawing = length_figure(
        list(zip(names, data.lengths, strict=True)),
        list(zip(names, data.length_quantiles, strict=True)),
    )
    return Figure("fig08_length", "Fig. 8", "Error rate by length", caption, drawing)


def _confusions(data: ReportData) -> Figure:
    drawing = confusion_figure([(side.run.name, side.confusion) for side in data.sides])
    caption = (
        f"{_n(data)}; {_names(data)}. Above counts, below shares of each gold class; at the "
        "right the difference B − A in pairs and in percentage points."
    )
    return Figure("fig09_confusion", "Fig. 9", "Confusion matrices", caption, drawing)


def _calibrated(data: ReportData) -> list[tuple[str, Calibration]] | None:
    known = [
        (side.run.name, side.calibration) for side in data.sides if side.calibration is not None
    ]
    return known if len(known) == 2 else None


def _confidence(data: ReportData) -> Iterator[Figure]:
    title = "Accuracy by confidence"
    runs = _calibrated(data)
    if runs is None:
        yield Figure("fig10_confidence", "Fig. 10", title, "", missing=_LABELS_ALONE)
        return
    r2 = " and ".join(
        f"{each.r2:.2f} of {name}" if each.r2 is not None else f"none of {name}"
        for name, each in runs
    )
    caption = (
        f"{_n(data)}. Ten bins of the largest softmax probability, the number in each below it; "
        f"the line is fitted through the filled bins, as in the paper: R² {r2}. R² tells how "
        "close the points are to a line, not to the diagonal: for calibration see ECE."
    )
    yield Figure("fig10_confidence", "Fig. 10", title, caption, confidence_figure(runs))
    published = [(s.run.name, s.published) for s in data.sides if s.published is not None]
    if len(published) == 2:
        used = " and ".join(f"{each.n_used:,}" for _, each in published)
        caption = (
            f"The same as the paper’s code drew it: raw logits taken for probabilities, so that "
            f"only {used} of {data.comparison.n:,} pairs, whose top logit lies in [0, 1], count. "
            "Shown for comparison; it says nothing about calibration."
        )
        yield Figure(
            "fig10_as_published",
            "Fig. 10, as published",
            "Accuracy by raw top logit",
            caption,
            published_confidence_figure(published),
        )


def _beyond(data: ReportData) -> Iterator[Figure]:
    runs = _calibrated(data)
    if runs is not None:
        yield Figure(
            "figS1_reliability",
            "Fig. S1",
            "Reliability",
            f"{_n(data)}. Each bin’s accuracy, and hatched its gap to the mean confidence; on the "
            "dotted line confidence equals accuracy.",
            reliability_figure(runs),
        )
        yield Figure(
            "figS2_risk_coverage",
            "Fig. S2",
            "Risk and coverage",
            f"{_n(data)}. Error rate among the pairs that a run is surest of, by the share of "
            "pairs kept; a run whose confidence ranks its errors well lies low at the left.",
            risk_coverage_figure(runs),
        )
    for letter, side in zip("ab", data.sides, strict=True):
        if side.dynamics is not None:
            yield _dataset_map(letter, side)


def _dataset_map(letter: str, side: Side) -> Figure:
    assert side.dynamics is not None
    caption = (
        f"{side.dynamics.confidence.size:,} training pairs of {side.run.name} over "
        f"{side.dynamics.epochs} epochs: the mean of P(gold) against its standard deviation, "
        "coloured by how often the prediction was right."
    )
    return Figure(
        f"figS3{letter}_dataset_map",
        f"Fig. S3{letter}",
        f"Dataset map of {side.run.name}",
        caption,
        dataset_map_figure(side.dynamics, side.run.name),
    )
