"""A report as its reader gets it: the page, the figures, the tables, and what it will not touch."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nliexplorer.errors import NliError
from nliexplorer.records import Example
from nliexplorer.report import write_report
from nliexplorer.report.page import _place, _prose
from nliexplorer.store.reader import StoreReader
from tests.databases import two_runs
from tests.tinyruns import tiny_run

FIGURES = (
    "fig01_loss",
    "fig08_length",
    "fig09_confusion",
    "fig10_confidence",
    "fig10_as_published",
    "figS1_reliability",
    "figS2_risk_coverage",
)


class _Page(HTMLParser):
    """What a page would fetch or run, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.sources += [v or "" for k, v in attrs if k in ("src", "href", "srcset", "data")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two stored runs on 200 pairs, without models."""
    folder = tmp_path_factory.mktemp("report")
    two_runs(folder / "runs.db")
    with StoreReader(folder / "runs.db") as reader:
        write_report(reader, "first", "second", folder / "out", command="nliexplorer report x y")
    return folder / "out"


@pytest.fixture(scope="module")
def page(report: Path) -> _Page:
    return _Page((report / "index.html").read_text("utf-8"))


@pytest.mark.slow
def test_the_page_needs_nothing_outside_itself(page: _Page) -> None:
    outside = [source for source in page.sources if not source.startswith(("data:", "#"))]
    assert outside == []
    assert not page.tags & {"script", "link", "iframe", "object", "embed"}


@pytest.mark.slow
def test_every_figure_twice_and_every_table(report: Path) -> None:
    names = {path.name for path in report.iterdir()}
    for figure in FIGURES:
        assert {f"{figure}.png", f"{figure}.svg"} <= names
        assert (report / f"{figure}.png").read_bytes()[:4] == b"\x89PNG"
    # without models: stored attributions, and pairs wrong in both alone have them of both
    assert {"fig02_03_pair1.png", "fig02_03_pair1.svg"} <= names
    for table in ("table1", "outcomes", "lengths", "confusion", "slices", "calibration"):
        with (report / f"{table}.csv").open(newline="") as stream:
            assert list(csv.DictReader(stream)), table


@pytest.mark.slow
def test_its_figures_are_those_of_compare(report: Path, page: _Page) -> None:
    from nliexplorer.comparison.pairs import pair_runs
    from nliexplorer.comparison.tables import compare_pair

    with StoreReader(report.parent / "runs.db") as reader:
        comparison = compare_pair(pair_runs(reader, ["first", "second"]))
    with (report / "table1.csv").open(newline="") as stream:
        rows = {row["name"]: row for row in csv.DictReader(stream)}
    for metric in comparison.metrics:
        if metric.delta is not None:
            assert float(rows[metric.name]["delta"]) == metric.delta
    text = " ".join(page.text.split())
    assert re.search(rf"\b{comparison.fixed} ?fixed: wrong in A, right in B", text)
    assert f"{comparison.metric('accuracy').a:.2%}".replace("%", " %") in text
    assert "nliexplorer report x y" in text


@pytest.mark.slow
def test_the_caveats_that_apply(page: _Page) -> None:
    text = " ".join(page.text.split())
    assert "One seed of each" in text
    assert "Overlap with training is not known" in text
    assert "saturated" not in text


@pytest.mark.slow
def test_a_second_report_replaces_the_first_alone(report: Path) -> None:
    (report / "mine.txt").write_text("x")
    with StoreReader(report.parent / "runs.db") as reader:
        write_report(reader, "second", "first", report, command="again")
    assert (report / "mine.txt").read_text() == "x"
    assert "again" in (report / "index.html").read_text("utf-8")


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    two_runs(tmp_path / "runs.db", 30)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "index.html").write_text("theirs")
    with (
        StoreReader(tmp_path / "runs.db") as reader,
        pytest.raises(NliError, match="holds other files"),
    ):
        write_report(reader, "first", "second", tmp_path / "theirs", command="x")
    assert (tmp_path / "theirs" / "index.html").read_text() == "theirs"


@pytest.mark.slow
def test_pairs_that_changed_are_explained_where_the_models_are(tmp_path: Path) -> None:
    from nliexplorer.comparison.pairs import pair_runs
    from nliexplorer.report.changed import changed_pairs

    examples = [
        Example(f"A man number {i} is outside.", word, i % 3)
        for i in range(12)
        for word in ("A man sleeps.", "Two dogs run.", "Nobody is outside.")
    ]
    tiny_run(tmp_path, name="one", seed=0, examples=examples)
    tiny_run(tmp_path, name="two", seed=5, examples=examples)
    with StoreReader(tmp_path / "runs.db") as reader:
        paired = pair_runs(reader, ["one", "two"])
        pairs = [
            *changed_pairs(reader, paired, fixed=True),
            *changed_pairs(reader, paired, fixed=False),
        ]
    assert pairs
    assert all(row.attributed for pair in pairs for row in pair.heat.rows)
    assert any(word.step for pair in pairs for row in pair.heat.rows for word in row.hypothesis)


def test_commands_in_prose_are_code_and_the_rest_is_text() -> None:
    made = str(_prose("<b> ask `nliexplorer compare --group`, then `x<y`"))
    assert made == (
        '&lt;b&gt; ask <code class="whole">nliexplorer compare --group</code>, then '
        '<code class="whole">x&lt;y</code>'
    )
    assert not re.search("<(?!/?code)", made)


def test_paths_of_a_machine_are_shortened() -> None:
    assert _place("/home/somebody/models/minilm") == "…/models/minilm"
    assert _place("google/electra-small-discriminator") == "google/electra-small-discriminator"
    assert _place("planted") == "planted"
