"""`nliexplorer compare`: is B better than A?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nliexplorer.cli.common import (
    DbOption,
    JsonOption,
    SplitOption,
    database,
    out,
    print_json,
    with_filters,
)
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader

if TYPE_CHECKING:
    from nliexplorer.analysis.significance import Comparison


@with_filters("sort", "limit")
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A run, such as the baseline.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The run to compare with it.")],
    wanted: Filter,
    split: SplitOption = None,
    resamples: Annotated[
        int | None, typer.Option(min=100, help="Bootstrap resamples; default 10,000 or fewer.")
    ] = None,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """The paper's Table 1 with paired bootstrap intervals and the exact McNemar test."""
    result = compare_runs(database(db), a, b, split=split, wanted=wanted, resamples=resamples)
    if json_:
        print_json(result.as_dict())
    else:
        _print(result)


def compare_runs(
    db: Path,
    a: str,
    b: str,
    *,
    split: str | None = None,
    wanted: Filter | None = None,
    resamples: int | None = None,
) -> Comparison:
    """The comparison of two runs on the pairs both predicted."""
    from nliexplorer.analysis.outputs import outputs
    from nliexplorer.analysis.significance import compare as compare_outputs

    with StoreReader(db) as reader:
        one, two = reader.run(a), reader.run(b)
        split = split or reader.default_split(one.id)
        left, right, only_a, only_b = reader.paired(one.id, two.id, split, wanted)
        other_split = reader.counterpart_split(one.id, two.id, split)
    both = [
        outputs(
            arrays.gold,
            logits=arrays.logits,
            probabilities=arrays.probabilities,
            predicted=arrays.predicted,
        )
        for arrays in (left, right)
    ]
    seconds = {
        "train_seconds": (one.train_seconds, two.train_seconds),
        "eval_seconds": (one.metrics[split].eval_seconds, two.metrics[other_split].eval_seconds),
    }
    return compare_outputs(
        *both,
        names=(one.name, two.name),
        split=split,
        left_out=(only_a, only_b),
        seconds={name: pair for name, pair in seconds.items() if pair != (None, None)},
        resamples=resamples,
    )


def print_comparison(db: Path, a: str, b: str, *, split: str | None = None) -> None:
    """The comparison as a table on stdout."""
    _print(compare_runs(db, a, b, split=split))


def _print(result: Comparison) -> None:
    from nliexplorer.view.tables import comparison_table

    out().print(comparison_table(result))
