"""The command line, the explorer and the report give the same numbers to the same question."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from nliexplorer.comparison.attributed import tally
from nliexplorer.comparison.pairs import pair_runs
from nliexplorer.report.data import ReportData, collect
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.app import ExplorerApp
from nliexplorer.tui.queries import matching_ids
from nliexplorer.tui.snapshot import Snapshot, settle, snapshot
from nliexplorer.tui.widgets.rows import Rows
from tests.cli.conftest import Call, call  # noqa: F401  the fixture
from tests.comparison.conftest import build_halves, build_renamed


@dataclass(frozen=True, eq=False)
class Case:
    """A database, both runs' names of the pairs, how many both have, and the report on them."""

    database: Path
    split: str
    other: str
    n: int
    report: ReportData

    def screen(self, name: str) -> Snapshot:
        return snapshot(self.database, name, ("A", "B"), split=self.split)

    @property
    def flags(self) -> tuple[object, ...]:
        return ("--split", self.split, "--db", self.database, "--json")


CASES = {
    "renamed": (build_renamed, "extra", "other", 60),
    "halves": (build_halves, "mine", "f3", 300),
}


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    build, split, other, n = CASES[request.param]
    database = build(tmp_path_factory.mktemp(request.param) / "runs.db")
    with StoreReader(database) as reader:
        return Case(database, split, other, n, collect(reader, "A", "B", split))


def test_comparison(case: Case, call: Call) -> None:  # noqa: F811
    document = call("compare", "A", "B", *case.flags).json
    gathered = case.report.comparison.as_dict()
    gathered |= {"notes": list(gathered["notes"]), "metrics": list(gathered["metrics"])}
    assert case.screen("compare").data["data"] == gathered
    assert {key: document[key] for key in gathered} == gathered
    assert (document["n"], document["counterpart"]["split"]) == (case.n, case.other)


def test_calibration(case: Case, call: Call) -> None:  # noqa: F811
    """Reported: with A on a split that B lacks, B was measured on its own default split."""
    screen = case.screen("calibration")
    for side in case.report.sides:
        assert side.calibration is not None
        assert screen.data["data"][side.run.name] == side.calibration.as_dict()
        assert side.calibration.n == case.n
    assert [side.split for side in case.report.sides] == [case.split, case.other]
    alone = call("calibration", "A", *case.flags).json
    of_a = screen.data["data"]["A"]
    assert {key: alone[key] for key in of_a} == of_a
    assert screen.text.count(f"{case.n} pairs") >= 2
    assert "121 pairs" not in screen.text


def test_slices(case: Case, call: Call) -> None:  # noqa: F811
    rows = call("slices", "A", "B", "--by", "length", *case.flags).json
    shown = case.screen("slices").data["data"]
    names = ("slice", "n", "error_rate", "ci_low", "ci_high")
    for index, run in enumerate("AB"):
        of_run = [{key: row[key] for key in names} for row in rows if row["run"] == run]
        gathered = [row.as_dict() for row in case.report.lengths[index]]
        assert of_run == [{key: row[key] for key in names} for row in shown["slices"][index]]
        assert of_run == [{key: row[key] for key in names} for row in gathered]
        assert sum(row["n"] for row in of_run) == case.n
    differences = [row["difference"] for row in rows if row["run"] == "B" and "difference" in row]
    for messages, drawn in zip(differences, shown["differences"], strict=True):
        assert messages == {key: drawn[key] for key in messages}
    assert {each["family"] for each in differences} == {len(differences)}


async def test_where_runs_differ_is_what_the_copied_command_finds(
    case: Case,
    call: Call,  # noqa: F811
) -> None:
    app = ExplorerApp(case.database, ("A", "B"), start="slices", split=case.split)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("end")
        await settle(pilot)
        await pilot.press("c")
        shown = app.screen.as_dict()  # type: ignore[attr-defined]
    program, *words = shlex.split(app.clipboard)
    assert program == "nliexplorer"
    rows = call(*words, "--db", case.database, "--json").json
    assert shown["key"] == "surprising"
    assert shown["differences"]
    for row in shown["differences"]:  # slices of the same pairs are one row there
        assert row in rows


def test_attributions(case: Case) -> None:
    screen = case.screen("attributions")
    with StoreReader(case.database) as reader:
        paired = pair_runs(reader, ["A", "B"], case.split)
        b = reader.runs.evaluation("B", case.other)
        inside = set(paired.arrays[1].ids.tolist())
        attributed = [pair for pair in reader.attributions.pairs(b) if pair.id in inside]
        tallies = tally(reader, paired)
    assert [each.n for each in tallies] == [case.n, case.n]
    assert len(tallies[1].pairs) == len(attributed) > 0
    assert case.report.sides[1].attributed == len(attributed)
    words = {row.word: row.n for row in tallies[1].words("hypothesis", "all")}
    drawn = {row["word"]: row["b"]["n"] for row in screen.data["data"]["words"] if row["b"]}
    assert drawn
    assert drawn.items() <= words.items()
    assert f"{len(attributed)} of {case.n} pairs attributed" in screen.text


def test_confusion(case: Case, call: Call) -> None:  # noqa: F811
    outcome = call("compare", "A", "B", "--confusion", *case.flags).json["confusion"]
    for side, letter in zip(case.report.sides, "ab", strict=True):
        assert outcome[letter]["counts"] == side.confusion.counts.tolist()
        assert np.sum(outcome[letter]["counts"]) == case.n


def test_more_than_two_runs_on_the_command_line(renamed: Path, call: Call) -> None:  # noqa: F811
    flags = ("--split", "extra", "--db", renamed)
    document = call("compare", "A", "B", "A", *flags, "--json").json
    pair = call("compare", "A", "B", *flags, "--json").json
    assert document["runs"] == ["A", "B", "A"]
    assert [each["b"] for each in document["comparisons"]] == ["B", "A"]
    assert document["comparisons"][0]["metrics"] == pair["metrics"]
    assert document["comparisons"][1]["fixed"] == 0
    text = call("compare", "A", "B", "A", *flags).out
    assert "each run against A" in text
    assert "exact p" in text


def test_slices_say_by_whose_answers_they_are_cut(renamed: Path, call: Call) -> None:  # noqa: F811
    flags = ("--split", "extra", "--db", renamed)
    rows = call("slices", "A", "B", "--by", "predicted", "--by", "gold", *flags, "--json").json
    assert {row["cut_by"] for row in rows if row["key"] == "predicted"} == {"A"}
    assert {row["cut_by"] for row in rows if row["key"] == "gold"} == {None}
    assert "predicted (of A)" in call("slices", "A", "B", "--by", "predicted", *flags).out


def test_what_is_left_out_is_said_beside_slices(renamed: Path, call: Call) -> None:  # noqa: F811
    outcome = call("slices", "A", "B", "--split", "extra", "--db", renamed, "--json")
    assert "9 of B" in outcome.err
    assert "B has these pairs under the name other" in outcome.err


def test_filters_count_what_compare_counts(halves: Path, call: Call) -> None:  # noqa: F811
    """Reported: 2 pairs fixed where 6 are, as another evaluation of B was asked."""
    flags = ("--split", "mine", "--db", halves, "--json")
    document = call("compare", "A", "B", *flags).json
    fixed = call("errors", "A", "--fixed-by", "B", "--limit", 1000, *flags).json
    broken = call("examples", "A", "--broken-by", "B", "--limit", 1000, *flags).json
    assert (len(fixed), len(broken)) == (document["fixed"], document["broken"])
    assert min(document["fixed"], document["broken"]) > 0


async def test_a_bin_of_b_opens_the_pairs_that_it_counts(renamed: Path) -> None:
    """B has the pairs under another name, and further ones that are not counted."""
    app = ExplorerApp(renamed, ("A", "B"), start="calibration", split="extra", asks_models=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        with StoreReader(renamed) as reader:
            (_, b) = pair_runs(reader, ["A", "B"], "extra").sides
        confidence = b.outputs.confidence
        assert confidence is not None
        app.screen.query_one("#bins-b", Rows).focus()
        await pilot.press("end", "up")  # the last bin: under it are the sure errors
        await pilot.press("enter")
        await settle(pilot)
        assert app.selection.a is not None
        assert (app.selection.a.name, app.selection.split) == ("B", "other")
        with StoreReader(renamed) as reader:
            shown = matching_ids(reader, app.selection)
        assert sorted(shown.tolist()) == sorted(b.arrays.ids[confidence >= 0.9].tolist())
