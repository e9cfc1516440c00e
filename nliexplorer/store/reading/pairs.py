"""One pair: its texts, predictions, attributions, tags and note."""

from __future__ import annotations

from dataclasses import dataclass

from nliexplorer.errors import NliError
from nliexplorer.records import Attribution, Example, ExampleRow
from nliexplorer.store.filters.grammar import parse_example
from nliexplorer.store.reading.pages import ROW, PagesReader
from nliexplorer.store.rows import attribution_from, example_from, example_row_from


@dataclass(frozen=True, slots=True)
class StoredExample:
    """A pair with its row id and content address."""

    id: int
    key: str
    example: Example


class PairsReader(PagesReader):
    """Everything about one pair."""

    def example(self, ref: str) -> StoredExample:
        """The pair whose id begins with `ref`; none or several raise NliError."""
        prefix = parse_example(ref)
        rows = self._all(
            "select * from examples where key >= ? and key < ? order by key limit 6",
            (prefix, prefix + "g"),
        )
        if not rows:
            raise NliError(f"there is no pair {ref}", "ids are shown by: nliexplorer examples RUN")
        if len(rows) > 1:
            listed = ", ".join(row["key"] for row in rows[:5])
            raise NliError(f"{ref!r} begins several pairs' ids", f"among them: {listed}")
        return StoredExample(rows[0]["id"], rows[0]["key"], example_from(rows[0]))

    def prediction(
        self, run_id: str, example_key: str, split: str | None = None
    ) -> ExampleRow | None:
        """What the run said of the pair, in `split` or (None) wherever it was asked first."""
        row = self._one(
            f"{ROW} join evaluations v on v.id = p.evaluation_id and v.complete "
            "where v.run_id = ? and x.key = ? and (? is null or v.split = ?) "
            "order by v.id limit 1",
            (run_id, example_key, split, split),
        )
        return example_row_from(row) if row else None

    def prediction_id(self, run_id: str, example_key: str, split: str) -> int | None:
        """The row number of the run's prediction of the pair, as `ids` lists them."""
        row = self._one(
            "select p.id from predictions p join examples x on x.id = p.example_id "
            "join evaluations v on v.id = p.evaluation_id and v.complete "
            "where v.run_id = ? and v.split = ? and x.key = ?",
            (run_id, split, example_key),
        )
        return int(row[0]) if row else None

    def attribution(
        self,
        run_id: str,
        example_key: str,
        *,
        method: str | None = None,
        target_kind: str | None = None,
    ) -> Attribution | None:
        """The newest attribution, of the gold class where there is a choice."""
        row = self._one(
            "select a.* from attributions a join examples x on x.id = a.example_id "
            "where x.key = ? and a.run_id = ? and (? is null or a.method = ?) "
            "and (? is null or a.target_kind = ?) "
            "order by a.target_kind <> 'gold', a.id desc limit 1",
            (example_key, run_id, method, method, target_kind, target_kind),
        )
        return attribution_from(row) if row else None

    def attributions(self, run_id: str, example_keys: list[str]) -> dict[str, Attribution]:
        """As `attribution` with its defaults, for many pairs; those without one are left out."""
        found: dict[str, Attribution] = {}
        for start in range(0, len(example_keys), 500):
            keys = example_keys[start : start + 500]
            rows = self._all(
                "select x.key, a.* from attributions a join examples x on x.id = a.example_id "
                f"where a.run_id = ? and x.key in ({','.join('?' * len(keys))}) "
                "order by a.target_kind = 'gold', a.id",
                [run_id, *keys],
            )
            found |= {row["key"]: attribution_from(row) for row in rows}
        return found

    def has_attributions(self, run_id: str) -> bool:
        sql = "select exists (select 1 from attributions where run_id = ?)"
        row = self._one(sql, (run_id,))
        return bool(row and row[0])

    def attributed(
        self,
        run_id: str,
        *,
        method: str,
        baseline: str,
        steps: int,
        target_kind: str,
        target: int | None = None,
    ) -> set[int]:
        """Row ids of the pairs that have such an attribution: work not to do again.

        Name the `target` where the kind is "label".
        """
        rows = self._all(
            "select example_id from attributions where run_id = ? and method = ? "
            "and baseline = ? and steps = ? and target_kind = ? and (? is null or target = ?)",
            (run_id, method, baseline, steps, target_kind, target, target),
        )
        return {row[0] for row in rows}

    def attributed_classes(
        self, run_id: str, *, method: str, baseline: str, steps: int
    ) -> dict[int, dict[int, str]]:
        """Row id of each pair with such an attribution: the classes explained, and as what kind."""
        found: dict[int, dict[int, str]] = {}
        for row in self._all(
            "select example_id, target, target_kind from attributions where run_id = ? "
            "and method = ? and baseline = ? and steps = ?",
            (run_id, method, baseline, steps),
        ):
            found.setdefault(row["example_id"], {})[row["target"]] = row["target_kind"]
        return found

    def tags(self, example_key: str) -> tuple[str, ...]:
        rows = self._all(
            "select t.tag from tags t join examples x on x.id = t.example_id "
            "where x.key = ? order by t.tag",
            (example_key,),
        )
        return tuple(row["tag"] for row in rows)

    def note(self, example_key: str) -> str:
        """The note on a pair, empty where there is none."""
        row = self._one(
            "select n.text from notes n join examples x on x.id = n.example_id where x.key = ?",
            (example_key,),
        )
        return row["text"] if row else ""

    def all_tags(self) -> dict[str, int]:
        """Tag to number of pairs."""
        return {r[0]: r[1] for r in self._all("select tag, count(*) from tags group by tag")}

    def filters(self) -> dict[str, str]:
        """Saved filters: name to filter text."""
        return {r[0]: r[1] for r in self._all("select name, query from filters order by name")}
