"""Everything a report shows, collected once for the page, the figures and the tables."""

from __future__ import annotations

from dataclasses import dataclass

from nliexplorer.analysis.calibration import Calibration, PublishedFig10, published_fig10
from nliexplorer.analysis.dynamics import DatasetMap, dataset_map
from nliexplorer.analysis.intervals import wilson
from nliexplorer.analysis.leakage import Overlap
from nliexplorer.analysis.metrics import Confusion
from nliexplorer.analysis.outputs import Outputs
from nliexplorer.analysis.shortcuts import HypothesisOnly
from nliexplorer.analysis.significance import Comparison
from nliexplorer.analysis.slices import Slice, SliceDifference
from nliexplorer.comparison.pairs import PairedRuns, pair_runs
from nliexplorer.comparison.pairs import Side as PairedSide
from nliexplorer.comparison.slices import SlicedRuns, fit_hypothesis_only, slice_runs
from nliexplorer.comparison.soft_labels import SoftComparison, compare_soft_labels
from nliexplorer.comparison.tables import calibrations, compare_pair, confusions
from nliexplorer.errors import NliError
from nliexplorer.progress import say
from nliexplorer.records import LABELS, Run
from nliexplorer.report.changed import ChangedPair, changed_pairs
from nliexplorer.report.pairs import IllustrativePairs, illustrative_pairs
from nliexplorer.store.reader import PredictionArrays, StoreReader
from nliexplorer.view.figures_training import TrainingCurve
from nliexplorer.view.heatmap import completeness_warning
from nliexplorer.workflow.training_overlap import overlap_with_training, training_pairs

#: Slices on the page, where the data has them; the finder may add others.
SHOWN = ("gold", "overlap", "negation", "agreement", "annotator-entropy", "hypothesis-only")
#: The hypothesis-only model is fitted five times: beyond so many pairs it takes minutes.
_MOST_FITTED = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One run of the two."""

    run: Run
    split: str
    arrays: PredictionArrays
    outputs: Outputs
    confusion: Confusion
    calibration: Calibration | None  # None where only labels are known
    published: PublishedFig10 | None  # None where logits are not known
    curve: TrainingCurve | None  # None where no updates are stored
    dynamics: DatasetMap | None
    attributed: int  # pairs of the split with an attribution
    unreliable: int  # of these, whose completeness error is high


@dataclass(frozen=True, slots=True, eq=False)
class ReportData:
    """What was compared, and what came out."""

    sides: tuple[Side, Side]
    comparison: Comparison
    accuracy_intervals: tuple[tuple[float, float], tuple[float, float]]  # 95 % Wilson
    overlap: Overlap | None
    overlap_missing: str
    hypothesis_only: HypothesisOnly | None
    lengths: tuple[tuple[Slice, ...], tuple[Slice, ...]]  # equal width, of each run
    length_quantiles: tuple[tuple[Slice, ...], tuple[Slice, ...]]
    slices: tuple[SliceDifference, ...]
    surprising: tuple[SliceDifference, ...]
    pairs: IllustrativePairs
    fixed: tuple[ChangedPair, ...]
    broken: tuple[ChangedPair, ...]
    soft_labels: SoftComparison | None = None  # where pairs have annotators

    @property
    def runs(self) -> tuple[Run, Run]:
        return self.sides[0].run, self.sides[1].run


def collect(reader: StoreReader, a: str, b: str, split: str | None = None) -> ReportData:
    """Reads, measures and explains; shows progress on stderr."""
    paired = pair_runs(reader, [a, b], split)
    if paired.runs[0].id == paired.runs[1].id:
        raise NliError("both runs are the same", "name two different runs")
    say(f"report: comparing {' and '.join(paired.names)} on {paired.split}")
    comparison = compare_pair(paired)
    one, two = _sides(reader, paired)
    overlap, missing = _overlap(reader, paired)
    say("report: slices")
    hypothesis_only = _hypothesis_only(reader, paired)
    sliced = slice_runs(reader, paired, hypothesis_only=hypothesis_only)
    shown = [key for key in sliced.keys if key in (*SHOWN, *sliced.table.extra)]
    return ReportData(
        sides=(one, two),
        comparison=comparison,
        accuracy_intervals=(_interval(one.outputs), _interval(two.outputs)),
        overlap=overlap,
        overlap_missing=missing,
        hypothesis_only=hypothesis_only,
        lengths=_by(sliced, "length"),
        length_quantiles=_by(sliced, "length-quantile"),
        slices=sliced.differences(shown)[0],
        surprising=sliced.find(limit=8),
        pairs=illustrative_pairs(reader, paired),
        fixed=changed_pairs(reader, paired, fixed=True),
        broken=changed_pairs(reader, paired, fixed=False),
        soft_labels=compare_soft_labels(reader, paired),
    )


def _sides(reader: StoreReader, paired: PairedRuns) -> tuple[Side, ...]:
    measured = zip(paired.sides, confusions(paired), calibrations(paired), strict=True)
    return tuple(
        _side(reader, side, table, None if isinstance(each.result, NliError) else each.result)
        for side, table, each in measured
    )


def _side(
    reader: StoreReader, paired: PairedSide, table: Confusion, calibration: Calibration | None
) -> Side:
    run, arrays = paired.run, paired.arrays
    logits = arrays.logits
    dynamics = reader.dynamics.pairs(run.id)
    inside = set(arrays.ids.tolist())
    doubtful = [
        bool(completeness_warning(pair.attribution))
        for pair in reader.attributions.pairs(paired.evaluation)
        if pair.id in inside
    ]
    return Side(
        run=run,
        split=paired.split,
        arrays=arrays,
        outputs=paired.outputs,
        confusion=table,
        calibration=calibration,
        published=None
        if logits is None or logits.shape[1] != len(LABELS)
        else published_fig10(arrays.gold, logits),
        curve=_curve(reader, run),
        dynamics=None
        if dynamics is None or not len(dynamics.example_ids)
        else dataset_map(dynamics.gold_probability, dynamics.correct),
        attributed=len(doubtful),
        unreliable=sum(doubtful),
    )


def _curve(reader: StoreReader, run: Run) -> TrainingCurve | None:
    steps = reader.dynamics.steps(run.id)
    if not steps:
        return None
    validations = [(step, metrics) for step, _, metrics in reader.dynamics.validations(run.id)]
    limit = run.config.get("lambda") if run.objective == "ig-variance" else None
    return TrainingCurve(run.name, steps, validations, float(limit) if limit else None)


def _interval(outputs: Outputs) -> tuple[float, float]:
    low, high = wilson(outputs.correct.sum(), outputs.n)
    return float(low), float(high)


def _overlap(reader: StoreReader, paired: PairedRuns) -> tuple[Overlap | None, str]:
    """Overlap of the pairs with b's training pairs, else with a's; or why it is not known."""
    reasons = []
    for run in dict.fromkeys(run.id for run in reversed(paired.runs)):
        try:
            train = training_pairs(reader.runs.get(run))
        except NliError as error:
            reasons.append(error.message)
            continue
        say("report: overlap with training")
        tested = reader.examples.by_id(paired.arrays[0].example_ids)
        return overlap_with_training(train, tested), ""
    return None, "; ".join(reversed(reasons))


def _hypothesis_only(reader: StoreReader, paired: PairedRuns) -> HypothesisOnly | None:
    """The hypothesis-only model, where the labels and their number allow it."""
    if paired.n > _MOST_FITTED:
        return None
    try:
        return fit_hypothesis_only(reader, paired)
    except NliError:  # too few pairs: the page says that it is not known
        return None


def _by(sliced: SlicedRuns, key: str) -> tuple[tuple[Slice, ...], tuple[Slice, ...]]:
    """Rows of a and rows of b."""
    (cut,) = sliced.cuts([key])
    one, two = (tuple(row.errors[i] for row in cut.rows) for i in (0, 1))
    return one, two
