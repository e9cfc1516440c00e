"""The filter's three forms say the same, and its SQL picks what plain Python picks."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nliexplorer.errors import NliError
from nliexplorer.records import ExampleRow
from nliexplorer.store.filters import (
    FIELDS,
    Bound,
    Filter,
    FilterError,
    Scope,
    compile_filter,
    parse_filter,
)
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.reading import predictions as pages
from nliexplorer.store.writer import StoreWriter


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", Filter()),
        ("wrong", Filter(wrong=True)),
        ("RIGHT", Filter(wrong=False)),
        ("gold:neutral pred:contradiction", Filter(gold=1, predicted=2)),
        ("gold:neu predicted:2 label:non-entailment", Filter(gold=3, predicted=2)),
        ("len:>30", Filter(min_length=31)),
        ("len:>=30 len:<40", Filter(min_length=30, max_length=39)),
        ("len:10-20", Filter(min_length=10, max_length=20)),
        ("length:12", Filter(min_length=12, max_length=12)),
        ("conf:>=0.9", Filter(min_confidence=0.9)),
        ("conf:0.5-0.8", Filter(min_confidence=0.5, max_confidence=0.8)),
        ("conf:<=1e-3", Filter(max_confidence=0.001)),
        ("fixed-by:B broken-by:'", Filter(fixed_by="B", broken_by="'")),
        ('tag:"label error" id:3FA9', Filter(tag="label error", example="3fa9")),
        ("sort:-conf limit:20", Filter(sort="-confidence", limit=20)),
        ('man "two words" dog', Filter(contains='man "two words" dog')),
        ("text:wrong", Filter(contains="wrong")),
        ('text:"""0"', Filter(contains='"0')),
        ('text:"gold:neutral"', Filter(contains="gold:neutral")),
        (
            "variance:>=0.5 gini:<0",
            Filter(bounds=(Bound("variance", 0.5), Bound("gini", None, -5e-324))),
        ),
    ],
)
def test_the_bar(text: str, wanted: Filter) -> None:
    assert parse_filter(text) == wanted
    assert parse_filter(wanted.to_text()) == wanted


def test_a_strict_bound_reads_as_it_was_typed() -> None:
    for text in ("conf:>0.8", "conf:<0.9", "variance:<0.0", "conf:>=0.8 conf:<=0.9"):
        assert parse_filter(text).to_text() == text


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("wrong glod:neutral", 6, "did you mean gold"),
        ("zzz:1", 0, "fields: gold"),
        ("gold:neutrall", 0, "labels: entailment, neutral"),
        ("pred:non-entailment", 0, "labels"),
        ("len:>x", 0, "not understood"),
        ("len:3.5", 0, "whole number"),
        ("len:", 0, "lacks a value"),
        ("man  conf:>0.5-0.9", 5, "not understood"),
        ("conf:nan", 0, "not understood"),
        ("conf:1e999", 0, "in range"),
        ("sort:colour", 0, "cannot sort by"),
        ("limit:-1", 0, "whole number"),
        ("id:xyz", 0, "no example id"),
        ('a "open', 2, "quotation mark is open"),
        ('tag:"open', 0, "quotation mark is open"),
        ('tag:""', 0, "lacks a value"),
    ],
)
def test_what_the_bar_does_not_understand(text: str, column: int, message: str) -> None:
    with pytest.raises(FilterError, match=message) as caught:
        parse_filter(text)
    assert caught.value.column == column
    assert text[column:].startswith(caught.value.token)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@settings(max_examples=300)
def test_any_text_is_a_filter_or_an_error(text: str) -> None:
    column, wanted = -1, None
    try:
        wanted = parse_filter(text)
    except FilterError as error:
        column = error.column
    if wanted is None:
        assert 0 <= column < len(text)
    else:
        assert parse_filter(wanted.to_text()) == wanted


_names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
_filters = st.builds(
    Filter,
    gold=st.none() | st.integers(0, 3),
    predicted=st.none() | st.integers(0, 2),
    wrong=st.none() | st.booleans(),
    min_length=st.none() | st.integers(0, 99),
    max_confidence=st.none() | st.floats(0, 1),
    fixed_by=st.none() | _names,
    contains=st.none() | _names,
    tag=st.none() | _names,
    sort=st.sampled_from(["position", "-position", "length", "-confidence"]),
    limit=st.none() | st.integers(0, 99),
)


@given(_filters)
@settings(max_examples=300)
def test_bar_text_comes_back(wanted: Filter) -> None:
    assert parse_filter(wanted.to_text()) == wanted


def test_the_command() -> None:
    wanted = Filter(
        gold=1, wrong=True, contains="it's \"so", fixed_by="-b", bounds=(Bound("gini", 0.5),)
    )
    words = shlex.split(wanted.to_command("my run", split="dev"))
    assert words == [
        "nliexplorer", "examples", "my run", "--gold=neutral", "--wrong", "--fixed-by=-b",
        '--contains=it\'s "so', "--where=gini:>=0.5", "--split=dev",
    ]  # fmt: skip


def _brute(rows: list[ExampleRow], other: list[ExampleRow], wanted: Filter) -> list[ExampleRow]:
    """The filter's meaning, said again in Python."""
    picked = []
    for row, theirs in zip(rows, other, strict=True):
        text = f"{row.premise} {row.hypothesis}".lower().replace(".", " ").split()
        words = [w.lower() for w, phrase in wanted.terms() if not phrase]
        phrases = [w.lower() for w, phrase in wanted.terms() if phrase]
        confidence = row.confidence or 0
        if (
            (wanted.gold is None or row.gold == wanted.gold)
            and (wanted.predicted is None or row.predicted == wanted.predicted)
            and (wanted.wrong is None or row.correct != wanted.wrong)
            and row.length >= (wanted.min_length or 0)
            and row.length <= (wanted.max_length or 10**9)
            and confidence >= (wanted.min_confidence or 0)
            and confidence <= (wanted.max_confidence or 1)
            and (not wanted.fixed_by or (not row.correct and theirs.correct))
            and (not wanted.broken_by or (row.correct and not theirs.correct))
            and (not wanted.tag or wanted.tag in row.tags)
            and row.example_id.startswith(wanted.example or "")
            and all(any(token.startswith(w) for token in text) for w in words)
            and all(f" {p} " in f" {' '.join(text)} " for p in phrases)
        ):
            picked.append(row)
    column = wanted.sort.removeprefix("-")
    picked.sort(key=lambda r: (getattr(r, column), r.position), reverse=wanted.sort[0] == "-")
    return picked[: wanted.limit] if wanted.limit is not None else picked


CASES = [
    Filter(),
    Filter(gold=1),
    Filter(predicted=2, sort="-confidence"),
    Filter(wrong=True),
    Filter(wrong=False, sort="length"),
    Filter(min_length=20, max_length=30, sort="-length"),
    Filter(min_confidence=0.8),
    Filter(max_confidence=0.6, sort="confidence"),
    Filter(fixed_by="second"),
    Filter(broken_by="second", gold=0),
    Filter(contains="sleep"),
    Filter(contains='"is sleeping" dog'),
    Filter(contains="number 7"),
    Filter(tag="odd"),
    Filter(example="a"),
    Filter(sort="-position", limit=7),
    Filter(wrong=True, gold=1, min_length=9, contains="is", sort="-confidence"),
]


@pytest.mark.parametrize("wanted", CASES, ids=lambda f: f.to_text() or "all")
def test_sql_picks_what_python_picks(database: Path, wanted: Filter) -> None:
    with StoreReader(database) as reader:
        with StoreWriter(database) as writer:
            for row in reader.predictions.rows(reader.runs.evaluation("first"))[3:50:7]:
                writer.tag(row.example_id, "odd")
        a, b = reader.runs.get("first").id, reader.runs.get("second").id
        expected = _brute(
            reader.predictions.rows(reader.runs.evaluation(a)),
            reader.predictions.rows(reader.runs.evaluation(b)),
            wanted,
        )
        assert expected, "the case is empty and shows nothing"
        assert reader.predictions.rows(reader.runs.evaluation(a, "dev"), wanted) == expected
        if wanted.limit is not None:
            return
        assert reader.predictions.count(reader.runs.evaluation(a, "dev"), wanted) == len(expected)
        paged, page = [], reader.predictions.page(reader.runs.evaluation(a, "dev"), wanted, limit=7)
        while page.next is not None:
            paged += page.rows
            page = reader.predictions.page(
                reader.runs.evaluation(a, "dev"), wanted, after=page.next, limit=7
            )
        assert paged + page.rows == expected


def test_statistics_of_attributions_filter(database: Path) -> None:
    with StoreWriter(database) as writer, StoreReader(database) as reader:
        run = reader.runs.get("first").id
        writer._connection.execute("update attributions set variance = id / 10.0")
        table = reader._connection.all(
            "select x.key, a.variance from attributions a join examples x on x.id = a.example_id "
            "where a.run_id = ?",
            (run,),
        )
        expected = {key for key, variance in table if 0.5 <= variance <= 1.5}
        assert expected
        found = reader.predictions.rows(
            reader.runs.evaluation(run), parse_filter("variance:0.5-1.5")
        )
        assert {row.example_id for row in found} == expected


@pytest.mark.parametrize("text", ["!!!", "-", '"."', "*", "\x00"])
def test_nothing_to_search_for(reader: StoreReader, text: str) -> None:
    with pytest.raises(NliError, match="nothing to search for"):
        reader.predictions.count(reader.runs.evaluation("first"), Filter(contains=text))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
@settings(max_examples=150)
def test_search_speaks_no_fts_syntax(text: str) -> None:
    wanted = Filter(contains=f"{text} x")
    _, parameters = compile_filter(wanted, Scope(1))

    with sqlite3.connect(":memory:") as plain:
        plain.execute("create virtual table f using fts5(t)")
        plain.execute("select * from f where f match ?", parameters[-1:]).fetchall()


def test_every_field_has_help_and_its_own_name() -> None:
    names = [name for field in FIELDS.values() for name in (field.name, *field.aliases)]
    assert len(names) == len(set(names))
    assert all(field.help for field in FIELDS.values())


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Filter(), "predictions_position"),
        (Filter(gold=1), "predictions_gold"),
        (Filter(predicted=1), "predictions_predicted"),
        (Filter(wrong=True), "predictions_correct"),
        (Filter(min_length=30), "predictions_length"),
        (Filter(sort="-length"), "predictions_length"),
        (Filter(min_confidence=0.9), "predictions_confidence"),
        (Filter(sort="-confidence"), "predictions_confidence"),
        (Filter(fixed_by="second"), "predictions_example"),
        (Filter(contains="man"), "examples_fts"),
        (Filter(tag="x"), "tags_tag"),
        (Filter(example="a"), "sqlite_autoindex_examples_1"),
        (Filter(example="a"), "predictions_example"),
        (Filter(tag="x"), "predictions_example"),
    ],
    ids=lambda value: value.to_text() if isinstance(value, Filter) else value,
)
def test_every_filter_reads_an_index(reader: StoreReader, wanted: Filter, index: str) -> None:
    run = reader.runs.get("first").id
    for work in (
        lambda: reader.predictions.ids(reader.runs.evaluation(run), wanted),
        lambda: reader.predictions.page(reader.runs.evaluation(run), wanted),
    ):
        plan = _plan(reader, work)
        assert any(index in step for step in plan), plan
        assert not any(step.startswith("SCAN p") for step in plan), plan


@pytest.mark.parametrize("wanted", CASES, ids=lambda f: f.to_text() or "all")
def test_a_filter_that_lets_much_through_walks_the_order(
    reader: StoreReader, wanted: Filter, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = reader.runs.get("first").id
    expected = reader.predictions.page(reader.runs.evaluation(run), wanted, limit=20).rows
    monkeypatch.setattr(pages, "_FEW", 0)
    assert reader.predictions.page(reader.runs.evaluation(run), wanted, limit=20).rows == expected
    if not wanted.is_empty:
        plan = _plan(
            reader, lambda: reader.predictions.page(reader.runs.evaluation(run), wanted, limit=20)
        )
        column = wanted.sort.removeprefix("-")
        assert any(f"predictions_{column}" in step for step in plan), plan
        assert not any("TEMP B-TREE" in step for step in plan), plan


def _plan(reader: StoreReader, work: Callable[[], object]) -> list[str]:
    """The plan of the query that picks the rows."""
    queries: list[str] = []
    reader._connection.sqlite.set_trace_callback(queries.append)
    work()
    reader._connection.sqlite.set_trace_callback(None)
    query = next(query for query in queries if query.startswith("select group_concat"))
    return [row["detail"] for row in reader._connection.all(f"explain query plan {query}")]
