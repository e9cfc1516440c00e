"""Which runs of a study a database holds, and whether they are whole."""

from __future__ import annotations

from pathlib import Path

from nliexplorer.records import Run
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow.evaluate import split_key
from nliexplorer.workflow.study.plan import Plan


def stored_runs(db: Path) -> dict[str, Run]:
    """Runs of studies by their task's key; of several, one that is done."""
    if not db.exists():
        return {}
    with StoreReader(db) as reader:
        runs = [run for run in reader.runs.all() if "study_key" in run.summary]
    runs.sort(key=lambda run: run.status == "done")
    return {run.summary["study_key"]: run for run in runs}


def is_whole(run: Run | None, plan: Plan) -> bool:
    """Trained, evaluated on every set, and measured as this plan asks."""
    if run is None or run.status != "done":
        return False
    required = {split_key(*data_and_split(text), run.data) for text in plan.also}
    if not required <= set(run.metrics):
        return False
    measured = run.summary.get("measures", {})
    asked = (measured.get("attributed"), measured.get("judged"))
    return not plan.attributed or asked == (plan.attributed, plan.judged)


def has_runs(plan: Plan, db: Path) -> bool:
    """Whether some run of the plan is whole."""
    stored = stored_runs(db)
    return any(is_whole(stored.get(task.key), plan) for task in plan.tasks())


def data_and_split(text: str) -> tuple[str, str]:
    """`DATA` or `DATA#SPLIT` (default: dev, else what there is); a colon may be part of DATA."""
    data, _, split = text.partition("#")
    if not split:
        from nliexplorer.data.sources import default_split

        split = default_split(data)
    return data, split
