"""Store: a database of runs as Arrow tables, for notebooks and scripts. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from nliexplorer.errors import NliError
from nliexplorer.records import GOLD_NAMES
from nliexplorer.store.filters import parse_filter
from nliexplorer.store.reader import StoreReader

if TYPE_CHECKING:
    import pyarrow as pa


class Store:
    """The database at `path`. Tables are `pyarrow.Table`s: `.to_pandas()`, `.to_pylist()`.

    A run is named by its id, a unique beginning of it, or its name. Raises NliError where the
    database, a run or a split is missing, and for a filter that cannot be read.

    >>> from tempfile import TemporaryDirectory
    >>> from pathlib import Path
    >>> rows = [
    ...     {
    ...         "premise": "A man sleeps",
    ...         "hypothesis": "Nobody sleeps",
    ...         "label": "contradiction",
    ...         "predicted_label": "neutral",
    ...     },
    ...     {
    ...         "premise": "A dog runs",
    ...         "hypothesis": "An animal runs",
    ...         "label": "entailment",
    ...         "predicted_label": "entailment",
    ...     },
    ... ]
    >>> with TemporaryDirectory() as folder, Store(Path(folder) / "runs.db") as store:
    ...     run = store.add_predictions("mine", rows)
    ...     store.predictions(run, "dev", filter="wrong")["hypothesis"].to_pylist()
    ['Nobody sleeps']
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._reader: StoreReader | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    @property
    def _read(self) -> StoreReader:
        if self._reader is None:
            self._reader = StoreReader(self.path)
        return self._reader

    def runs(self) -> pa.Table:
        """One row per run and split: id, name, objective, data, model, seed, status, split and the
        split's metrics; a run that is not evaluated has one row without them."""
        rows = []
        for run in self._read.runs.all():
            facts: dict[str, Any] = {
                "id": run.id,
                "name": run.name,
                "objective": run.objective,
                "data": run.data,
                "model": run.model,
                "seed": run.seed,
                "status": run.status,
            }
            rows += [
                {**facts, "split": split, **metrics.as_dict()}
                for split, metrics in run.metrics.items()
            ] or [facts]
        return _table(rows)

    def predictions(self, run: str, split: str | None = None, filter: str = "") -> pa.Table:
        """The pairs of an evaluation (default: the run's first) that pass a filter, in the filter
        bar's language: texts, labels, probabilities, logits, as `export` writes them. A chat
        model's answer and explanation, windows of long premises, annotators' labels and columns
        that came with the pairs (`meta.NAME`) follow, where there are any."""
        from nliexplorer.workflow.export import FurtherColumns

        predictions = self._read.predictions
        ids = predictions.ids(self._read.runs.evaluation(run, split), parse_filter(filter))
        further = FurtherColumns.of(predictions.further_columns(ids))
        rows = predictions.rows_by_id(ids)
        return _table([further.arrow_row(row) for row in rows], further.arrow_schema)

    def attributions(self, run: str, split: str | None = None) -> pa.Table:
        """One row per attributed pair: texts, labels, tokens with their segments and scores, the
        class they explain, method and completeness delta (logits)."""
        evaluation = self._read.runs.evaluation(run, split)
        return _table(
            [
                {
                    "premise": pair.premise,
                    "hypothesis": pair.hypothesis,
                    "label": GOLD_NAMES[pair.gold],
                    "predicted_label": GOLD_NAMES[pair.predicted],
                    "tokens": list(pair.attribution.tokens),
                    "segments": list(pair.attribution.segments),
                    "scores": list(pair.attribution.scores),
                    "target": GOLD_NAMES[pair.attribution.target],
                    "method": pair.attribution.method,
                    "steps": pair.attribution.steps,
                    "completeness_delta": pair.attribution.completeness_delta,
                    **(pair.attribution.window.as_dict() if pair.attribution.window else {}),
                }
                for pair in self._read.attributions.pairs(evaluation)
            ]
        )

    def compare(self, a: str, b: str, split: str | None = None, filter: str = "") -> pa.Table:
        """One row per metric on the pairs that both runs predicted: a, b, the difference b - a with
        its 95 % interval and p, as `compare --json` has them."""
        from nliexplorer.comparison.pairs import pair_runs
        from nliexplorer.comparison.tables import compare_pair

        paired = pair_runs(self._read, [a, b], split, parse_filter(filter))
        return _table([row.as_dict() for row in compare_pair(paired).metrics])

    def add_predictions(
        self, name: str, rows: Iterable[Mapping[str, Any]], *, split: str = "dev"
    ) -> str:
        """Store predictions made elsewhere as a run; returns its id.

        Rows are those of `import`: `premise`, `hypothesis`, `label` (name or number), and
        `predicted_label` or `predicted_scores` (one per class, in LABELS' order). The database is
        made where it is missing; on bad rows it stays as it was and NliError says which row.
        """
        from nliexplorer.workflow.import_predictions import import_file

        with TemporaryDirectory() as folder:
            file = Path(folder) / "predictions.jsonl"
            with file.open("w", encoding="utf-8") as stream:
                for row in rows:
                    stream.write(json.dumps(dict(row), ensure_ascii=False, default=_plain) + "\n")
            return import_file(self.path, file, name=name, split=split).id


def _plain(value: Any) -> Any:
    """Arrays and their numbers as JSON has them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise NliError(
        f"a prediction holds a {type(value).__name__}", "give strings, numbers and lists of them"
    )


def _table(rows: list[dict[str, Any]], schema: Callable[[], Any] | None = None) -> pa.Table:
    try:
        import pyarrow as pa
    except ImportError:
        raise NliError("tables need pyarrow", "pip install pyarrow") from None
    if schema is None:
        names = list(dict.fromkeys(name for row in rows for name in row))
        rows = [{name: row.get(name) for name in names} for row in rows]
    return pa.Table.from_pylist(rows, schema() if schema else None)
