"""Text that would like to be obeyed: names, tags, notes and pairs come out as text everywhere."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nliexplorer.errors import NliError
from nliexplorer.records import Example
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.tui.snapshot import snapshot
from tests.cli.conftest import Call
from tests.databases import add_run, pairs

TEXTS = (
    "[red]A man[/red] [link=http://x]sleeps[/link] :smile:",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J",
    "\u202egnirts\u202c \u2066x\u2069",
    '<script>alert(1)</script><img src=x onerror="alert(2)">',
    '=HYPERLINK("http://x","y") \'); drop table runs; --',
)
NAME = "[bold]<b>=1+1'); drop table runs; --"
TAG = "[red]<i>x</i> '; --"
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Two runs, one with a name that means mischief, on pairs that do."""
    path = tmp_path / "runs.db"
    mean = [Example(text, f"{text} {n}", n % 3) for n, text in enumerate(TEXTS)]
    with StoreWriter(path) as writer:
        run, _ = add_run(writer, NAME, mean + pairs(20), 1)
        add_run(writer, "other", mean + pairs(20), 2)
        with StoreReader(path) as reader:
            keys = [
                row.example_id for row in reader.predictions.rows(reader.runs.evaluation(run.id))
            ][: len(TEXTS)]
        for key, text in zip(keys, TEXTS, strict=True):
            writer.tag(key, TAG)
            writer.set_note(key, text)
        writer.save_filter(TAG, "wrong")
    return path


@pytest.mark.parametrize(
    "command",
    [
        ("runs", "list"),
        ("runs", "show", NAME),
        ("examples", NAME, "--attributions"),
        ("examples", NAME, "--tag", TAG),
        ("compare", NAME, "other"),
        ("slices", NAME, "--by", "tag"),
        ("calibration", NAME),
        ("runs", "show", TEXTS[1]),
        ("examples", NAME, "--where", TEXTS[2]),
    ],
    ids=lambda command: " ".join(command)[:12],
)
def test_the_command_line_shows_it(call: Call, hostile: Path, command: tuple[str, ...]) -> None:
    outcome = call(*command)
    assert outcome.code in (0, 1, 2)
    assert not STEERING.search(outcome.out + outcome.err)
    if "list" in command:
        assert "[bold]<b>=1+1" in "".join(outcome.out.split("\n"))
    with StoreReader(hostile) as reader:
        assert len(reader.runs.all()) == 2


@pytest.mark.parametrize("screen", ["runs", "examples", "compare", "slices", "attributions"])
def test_the_explorer_shows_it(hostile: Path, screen: str) -> None:
    text = snapshot(hostile, screen, (NAME, "other")).text
    assert not STEERING.search(text)
    if screen == "examples":
        assert "[red]A man[/red]" in text


class _Page(HTMLParser):
    """Tags and attributes that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.handlers += [v for k, v in attrs if k in ("href", "src") and "script" in (v or "")]


@pytest.mark.slow
def test_report_and_exports_show_it(call: Call, hostile: Path, tmp_path: Path) -> None:
    assert call("report", NAME, "other", "--out", "out").code == 0
    page = _Page()
    text = (tmp_path / "out" / "index.html").read_text("utf-8")
    page.feed(text)
    assert page.handlers == []
    assert "script" not in page.tags
    assert "<img src=x" not in text
    assert "<b>=1+1" not in text
    assert call("export", NAME, "--out", "x.csv").code == 0
    for file in [tmp_path / "x.csv", *(tmp_path / "out").glob("*.csv")]:
        with file.open(newline="", encoding="utf-8") as stream:
            for row in csv.reader(stream):
                for cell in row:
                    number = re.fullmatch(r"-?[\d.e+-]+", cell)
                    assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), file


def test_a_merge_overwrites_no_run(hostile: Path, tmp_path: Path) -> None:
    """The other database claims a run of ours, by id, by name, and by a pair's id."""
    other = tmp_path / "other.db"
    with StoreReader(hostile) as reader:
        ours = reader.runs.get(NAME)
    with StoreWriter(other) as writer:
        add_run(writer, NAME, pairs(5, seed=9), 3)
        for table, column in (("runs", "id"), *((t, "run_id") for t in ("steps", "evaluations"))):
            writer._connection.execute("pragma foreign_keys = off")
            writer._connection.execute(f"update {table} set {column} = ?", (ours.id,))
        writer._connection.execute("delete from attributions")
    before = hostile.read_bytes()
    with StoreWriter(hostile) as writer, pytest.raises(NliError, match="is another one there"):
        writer.merge_from(other)
    with StoreReader(hostile) as reader:
        assert reader.runs.get(ours.id) == ours
    assert hostile.read_bytes() == before
