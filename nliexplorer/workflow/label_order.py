"""What to tell where an assumed order of labels fits the predictions far worse than another."""

from __future__ import annotations

from collections.abc import Sequence

from nliexplorer.analysis.label_order import better_order
from nliexplorer.data.labels import statement
from nliexplorer.records import LABELS


def permutation_note(
    gold: Sequence[int],
    predicted: Sequence[int],
    *,
    gold_assumed: bool,
    predicted_assumed: bool,
    state: tuple[str, str],
) -> str:
    """One line with the text that states the other order; "" where nothing is assumed, or the
    assumed order fits.

    `gold_assumed`, `predicted_assumed`: which side's numbers rest on convention. `state`: what
    comes before the names where the gold's and the model's order are stated.
    """
    if not (gold_assumed or predicted_assumed):
        return ""
    better = better_order(gold, predicted)
    if better is None:
        return ""
    parts = []
    if gold_assumed:
        names = [LABELS[index] for index in better.meaning]
        parts.append(f"if the data numbers its labels so: {statement(state[0], names)}")
    if predicted_assumed:
        names = [LABELS[better.meaning.index(index)] for index in range(3)]
        parts.append(f"if the model does: {statement(state[1], names)}")
    return (
        f"the order of the labels is likely wrong: accuracy is {better.accuracy:.1%} as they are "
        f"read, {better.other_accuracy:.1%} in another order ({better.n} pairs); "
        + "; ".join(parts)
    )
