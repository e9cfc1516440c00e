"""`nliexplorer calibration`: does confidence mean what it says?"""

from __future__ import annotations

from nliexplorer.cli.common import (
    DbOption,
    JsonOption,
    RunArgument,
    SplitOption,
    database,
    out,
    print_json,
    with_filters,
)
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader


@with_filters("sort", "limit")
def calibration(
    run: RunArgument,
    wanted: Filter,
    split: SplitOption = None,
    db: DbOption = None,
    json_: JsonOption = False,
) -> None:
    """Accuracy by confidence in ten bins, ECE, and what a temperature would mend."""
    from nliexplorer.analysis.calibration import calibration as calibrate

    with StoreReader(database(db)) as reader:
        arrays = reader.arrays(reader.run(run).id, split, wanted)
    result = calibrate(
        arrays.gold,
        logits=arrays.logits,
        probabilities=arrays.probabilities,
        predicted=arrays.predicted,
    )
    if json_:
        print_json(result.as_dict())
        return
    from nliexplorer.view.tables import calibration_table

    out().print(calibration_table(result))
