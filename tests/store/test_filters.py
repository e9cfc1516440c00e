"""The filter's three forms say the same, and its SQL picks what plain Python picks."""

from __future__ import annotations

import math
import re
import shlex
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from nliexplorer.cli.common import with_filters
from nliexplorer.errors import NliError
from nliexplorer.records import GOLD_NAMES, ExampleRow
from nliexplorer.store.filters import (
    FIELDS,
    And,
    Filter,
    FilterError,
    Match,
    Not,
    Or,
    Range,
    Scope,
    SortKey,
    Term,
    compile_filter,
    parse_filter,
)
from nliexplorer.store.filters.filter import read_sort
from nliexplorer.store.filters.nodes import Node, conjuncts, joined, negated, terms_of
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.reading import predictions as pages
from nliexplorer.store.writer import StoreWriter


def _text(*matches: str) -> And | Term:
    return And(tuple(Term("text", (Match(text),)) for text in matches))


#: Texts as older versions wrote and saved them, and what they mean.
OLD_TEXTS: list[tuple[str, Filter]] = [
    ("", Filter()),
    ("wrong", Filter.of({"is": "wrong"})),
    ("RIGHT", Filter.of({"is": "right"})),
    ("gold:neutral pred:contradiction", Filter.of({"gold": "neutral", "pred": "contradiction"})),
    (
        "gold:neu predicted:2 label:non-entailment",
        Filter.of({"gold": "non-entailment", "pred": "contradiction"}),
    ),
    ("len:>30", Filter.of({"len": Range(31)})),
    ("len:>=30 len:<40", Filter.of({"len": Range(30, 39)})),
    ("len:10-20", Filter.of({"len": Range(10, 20)})),
    ("length:12", Filter.of({"len": Range(12, 12)})),
    ("conf:>=0.9", Filter.of({"conf": Range(0.9)})),
    ("conf:0.5-0.8", Filter.of({"conf": Range(0.5, 0.8)})),
    ("conf:<=1e-3", Filter.of({"conf": Range(None, 0.001)})),
    ("fixed-by:B broken-by:'", Filter.of({"fixed-by": "B", "broken-by": "'"})),
    ('tag:"label error" id:3FA9', Filter.of({"tag": "label error", "id": "3fa9"})),
    ("sort:-confidence limit:20", Filter.of({}, sort="-conf", limit=20)),
    ("sort:l", Filter.of({}, sort="len")),
    ("sort:position", Filter()),
    (
        'man "two words" dog',
        Filter(
            And(
                (
                    Term("text", (Match("man"),)),
                    Term("text", (Match("two words", "phrase"),)),
                    Term("text", (Match("dog"),)),
                )
            )
        ),
    ),
    ("text:wrong", Filter(_text("wrong"))),
    ('text:"two words"', Filter(_text("two", "words"))),
    ('text:"""0"', Filter(_text('"0'))),
    ('text:"gold:neutral"', Filter(_text("gold:neutral"))),
    (
        "rock-n-roll a|b :) half) 1/2 b.c",
        Filter(_text("rock-n-roll", "a|b", ":)", "half)", "1/2", "b.c")),
    ),
    (
        "variance:>=0.5 gini:<0",
        Filter.of({"variance": Range(0.5), "gini": Range(None, -5e-324)}),
    ),
    ("map:hard top-word:Not", Filter.of({"map": "hard-to-learn", "top-word": "Not"})),
]


@pytest.mark.parametrize(("text", "expected"), OLD_TEXTS)
def test_texts_as_they_always_were(text: str, expected: Filter) -> None:
    assert parse_filter(text) == expected
    assert parse_filter(expected.to_text()) == expected


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("-gold:neutral", Not(Term("gold", ("neutral",)))),
        ('-"two words"', Not(Term("text", (Match("two words", "phrase"),)))),
        ("-tag:x", Not(Term("tag", ("x",)))),
        ("-word", Not(Term("text", (Match("word"),)))),
        ("gold:neutral,c", Term("gold", ("neutral", "contradiction"))),
        ('tag:a,"b, c"', Term("tag", ("a", "b, c"))),
        ("len:3,10-20,>30", Term("len", (Range(3, 3), Range(10, 20), Range(31)))),
        ("wrong | gold:neutral", Or((Term("is", ("wrong",)), Term("gold", ("neutral",))))),
        (
            "wrong (tag:a | -tag:b) ",
            And((Term("is", ("wrong",)), Or((Term("tag", ("a",)), Not(Term("tag", ("b",))))))),
        ),
        ("-(wrong tag:a)", Not(And((Term("is", ("wrong",)), Term("tag", ("a",)))))),
        ("-(-wrong)", Term("is", ("wrong",))),
        ("((a))", Term("text", (Match("a"),))),
        (r"/\bnot\b/", Term("text", (Match(r"\bnot\b", "regex"),))),
        ("/is not/ /a\\/b/", And((
            Term("text", (Match("is not", "regex"),)), Term("text", (Match("a\\/b", "regex"),)),
        ))),
        ("note:/x+/", Term("note", (Match("x+", "regex"),))),
        ('note:"label error"', Term("note", (Match("label error", "phrase"),))),
        ('note:"label err"*', Term("note", (Match("label err"),))),
        ('"two wor"*', Term("text", (Match("two wor"),))),
        ('note:>"', Term("note", (Match('>"'),))),
        ("note:a,b(", Term("note", (Match("a,b("),))),
        ('note:x) | "y""z"*', Or((Term("note", (Match("x)"),)), Term("text", (Match('y"z'),))))),
        ("b.conf:<=0.5", Term("b.conf", (Range(None, 0.5),))),
        ("B.pred:neutral", Term("b.pred", ("neutral",))),
        ("b.wrong", Term("b.is", ("wrong",))),
        ("meta.genre:fiction", Term("meta.genre", ("fiction",))),
        ("meta.year:>=1999", Term("meta.year", (Range(1999.0),))),
        ('meta.year:"1999"', Term("meta.year", ("1999",))),
        ("tag:a tag:b", And((Term("tag", ("a",)), Term("tag", ("b",))))),
        ("gold:neutral gold:entailment", Term("gold", ("entailment",))),
        ("answered:no", Term("answered", ("no",))),
        ("truncated:yes", Term("truncated", ("yes",))),
    ],
)  # fmt: skip
def test_the_language(text: str, where: Node) -> None:
    assert parse_filter(text).where == where
    assert parse_filter(parse_filter(text).to_text()).where == where


def test_settings() -> None:
    expected = parse_filter('sort:-conf,length,b.loss limit:5 b:"my run"')
    keys = (SortKey("conf", True), SortKey("len"), SortKey("b.loss"))
    assert expected == Filter(sort=keys, limit=5, others=("my run",))
    assert parse_filter(expected.to_text()) == expected


def test_a_strict_bound_reads_as_it_was_typed() -> None:
    for text in ("conf:>0.8", "conf:<0.9", "variance:<0.0", "conf:>=0.8 conf:<=0.9"):
        assert parse_filter(text).to_text() == text


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("wrong glod:neutral", 6, "did you mean gold"),
        ("zzz:1", 0, "fields: is, gold"),
        ("gold:neutrall", 0, "values: entailment, neutral"),
        ("wrong  a | ", 9, "nothing after"),
        ("| a", 0, "nothing before"),
        ("wrong (a", 6, "bracket is open"),
        ("-()", 1, "nothing in the brackets"),
        ("a /(/", 2, "not a regular expression"),
        ("b.tag:x", 0, "same in both runs"),
        ("b.nothing:x", 0, "unknown field"),
        ("meta:x", 0, "lacks a column"),
        ("a (sort:len)", 3, "stands alone"),
        ("wrong -limit:3", 6, "stands alone"),
        ("len:3,x", 0, "not understood"),
        ("gold:neutral,", 0, "lacks a value"),
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
    column, expected = -1, None
    try:
        expected = parse_filter(text)
    except FilterError as error:
        column = error.column
    if expected is None:
        assert 0 <= column < len(text)
    else:
        assert parse_filter(expected.to_text()) == expected


_names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
_words = st.text(
    st.characters(exclude_categories=["Cs", "Z", "Cc"], exclude_characters='"'),
    min_size=1,
    max_size=8,
)
_numbers = st.floats(-9, 9)
_terms: st.SearchStrategy[Term] = st.one_of(
    st.builds(
        lambda name, values: Term(name, tuple(values)),
        st.sampled_from(["gold", "pred", "b.pred"]),
        st.lists(st.sampled_from(GOLD_NAMES), min_size=1, max_size=3, unique=True),
    ),
    st.builds(lambda value: Term("is", (value,)), st.sampled_from(["wrong", "right"])),
    st.builds(
        lambda low, high: Term("len", (Range(low, high),)), st.integers(0, 99), st.integers(0, 99)
    ),
    st.builds(
        lambda name, low, high: Term(name, (Range(low, high),)),
        st.sampled_from(["conf", "variance", "b.margin", "meta.year"]),
        _numbers,
        st.none() | _numbers,
    ),
    st.builds(
        lambda name, values: Term(name, tuple(values)),
        st.sampled_from(["tag", "fixed-by", "meta.genre"]),
        st.lists(_names, min_size=1, max_size=2, unique=True),
    ),
    st.builds(lambda text: Term("text", (Match(text),)), _words),
    st.builds(
        lambda name, text: Term(name, (Match(text, "phrase"),)),
        st.sampled_from(["text", "note"]),
        _names,
    ),
    st.builds(
        lambda name, text: Term(name, (Match(text, "regex"),)),
        st.sampled_from(["text", "premise", "note"]),
        st.sampled_from([r"\bnot\b", "a b", "(x|y)+", '"', r"1\/2"]),
    ),
)
_nodes: st.SearchStrategy[Node] = st.recursive(
    _terms,
    lambda inner: st.one_of(
        inner.map(negated),
        st.lists(inner, min_size=1, max_size=3).map(lambda nodes: joined(nodes, And)),
        st.lists(inner, min_size=1, max_size=3).map(lambda nodes: joined(nodes, Or)),
    ),
    max_leaves=6,
)
_filters = st.builds(
    Filter,
    where=_nodes,
    sort=st.sampled_from(["position", "-position", "len", "-conf,len", "b.loss"]).map(read_sort),
    limit=st.none() | st.integers(1, 99),
    others=st.lists(_names, max_size=3, unique=True).map(tuple),
)


@pytest.mark.parametrize(
    ("text", "range_"),
    [
        ("agreement:3", Range(0.6, 0.6)),
        ("agreement:>=4", Range(0.8)),
        ("agreement:>1", Range(math.nextafter(1, 2))),
        ("agreement:6", Range(math.nextafter(1, 2), 1.0)),
    ],
)
def test_agreement_counts_of_five_are_shares(text: str, range_: Range) -> None:
    filter = parse_filter(text)
    assert filter.where == Term("agreement", (range_,))
    assert parse_filter(filter.to_text()) == filter


@given(_filters)
@settings(max_examples=500)
def test_bar_text_comes_back(expected: Filter) -> None:
    expected = parse_filter(expected.to_text())  # of a field with one value the last term counts
    assert parse_filter(expected.to_text()) == expected


@given(_nodes)
@settings(max_examples=500)
def test_brackets_keep_what_they_hold(node: Node) -> None:
    """Inside a bracket nothing is merged."""
    nested = Filter(negated(joined([Term("is", ("wrong",)), node], Or)))
    again = parse_filter(nested.to_text())
    if len({term.name for term in terms_of(node)}) == sum(1 for _ in terms_of(node)):
        assert again == nested


@given(_filters)
@settings(max_examples=300)
def test_the_command_says_the_same(filter: Filter) -> None:
    filter = parse_filter(filter.to_text())
    words = shlex.split(filter.to_command("run"))
    parsed = _read_from(words[3:])
    assert [_in_any_order(each) for each in parsed] == [_in_any_order(filter)]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("tag:a tag:b", "--tag=a --tag=b"),
        ("tag:b tag:a sleeping", "--tag=b --tag=a --contains=sleeping"),
    ],
)
def test_tags_add_up_as_options(text: str, options: str) -> None:
    filter = parse_filter(text)
    assert filter.to_command("run") == f"nliexplorer examples run {options}"
    assert _read_from(options.split()) == [filter]


def _read_from(options: list[str]) -> list[Filter]:
    """The filter that a command with these options receives."""
    parsed: list[Filter] = []

    @with_filters()
    def command(run: str, filter: Filter) -> None:
        parsed.append(filter)

    app = typer.Typer()
    app.command()(command)
    outcome = CliRunner().invoke(app, ["run", *options])
    assert outcome.exit_code == 0, outcome.output
    return parsed


def _in_any_order(filter: Filter) -> tuple[Filter, list[str]]:
    """Options come before `--where`, whatever their order in the bar."""
    return replace(filter, where=And()), sorted(map(repr, conjuncts(filter.where)))


def test_the_command() -> None:
    expected = Filter.of(
        {"gold": "neutral", "is": "wrong", "text": "it's so", "fixed-by": "-b", "gini": Range(0.5)}
    )
    words = shlex.split(expected.to_command("my run", split="dev"))
    assert words == [
        "nliexplorer", "examples", "my run", "--wrong", "--gold=neutral", "--fixed-by=-b",
        "--where=gini:>=0.5", "--contains=it's so", "--split=dev",
    ]  # fmt: skip


@dataclass(frozen=True)
class _Pair:
    """All that _holds needs of a pair."""

    row: ExampleRow
    other: ExampleRow


def _holds(node: Node, pair: _Pair) -> bool:
    """The language's meaning, said again in Python."""
    if isinstance(node, Not):
        return not _holds(node.node, pair)
    if isinstance(node, And):
        return all(_holds(each, pair) for each in node.nodes)
    if isinstance(node, Or):
        return any(_holds(each, pair) for each in node.nodes)
    there = node.name.startswith("b.")
    row, name = (pair.other if there else pair.row), node.name.removeprefix("b.")
    return any(_has(name, value, row, pair) for value in node.values)


def _has(name: str, value: object, row: ExampleRow, pair: _Pair) -> bool:
    if isinstance(value, Range):
        number = _number(name, row, pair)
        return (value.low is None or number >= value.low) and (
            value.high is None or number <= value.high
        )
    if isinstance(value, Match):
        texts = {"premise": [row.premise], "hypothesis": [row.hypothesis]}.get(
            name, [row.premise, row.hypothesis]
        )
        return any(_matches(value, text) for text in texts)
    return {
        "gold": lambda: GOLD_NAMES[row.gold or 0] == value,
        "pred": lambda: GOLD_NAMES[row.predicted or 0] == value,
        "is": lambda: row.correct == (value == "right"),
        "fixed-by": lambda: not pair.row.correct and pair.other.correct,
        "broken-by": lambda: pair.row.correct and not pair.other.correct,
        "tag": lambda: value in row.tags,
        "id": lambda: row.example_id.startswith(str(value)),
    }[name]()


def _number(name: str, row: ExampleRow, pair: _Pair) -> float:
    p = row.probabilities or (0.0, 0.0, 0.0)
    first, second, _ = sorted(p, reverse=True)

    def p_gold(each: ExampleRow) -> float:
        return (each.probabilities or p)[each.gold or 0]

    return {
        "len": lambda: row.length,
        "conf": lambda: row.confidence or 0.0,
        "position": lambda: row.position,
        "p-gold": lambda: p_gold(row),
        "margin": lambda: first - second,
        "loss": lambda: -math.log(p_gold(row)),
        "difference": lambda: p_gold(pair.other) - p_gold(pair.row),
    }[name]()


def _matches(match: Match, text: str) -> bool:
    if match.kind == "regex":
        return re.search(match.text, text, re.IGNORECASE) is not None
    tokens = text.lower().replace(".", " ").split()
    if match.kind == "phrase":
        return f" {match.text.lower()} " in f" {' '.join(tokens)} "
    return any(token.startswith(match.text.lower()) for token in tokens)


def _brute(rows: list[ExampleRow], other: list[ExampleRow], condition: Filter) -> list[ExampleRow]:
    pairs = [_Pair(*each) for each in zip(rows, other, strict=True)]
    picked = [pair for pair in pairs if _holds(condition.where, pair)]
    keys = condition.sort or (SortKey("position"),)
    picked.sort(key=lambda pair: pair.row.position, reverse=keys[-1].down)
    for key in reversed(keys):
        name, there = key.name.removeprefix("b."), key.name.startswith("b.")
        picked.sort(
            key=lambda pair: _number(name, pair.other if there else pair.row, pair),
            reverse=key.down,
        )
    return [pair.row for pair in picked][: condition.limit]


CASES = [
    parse_filter(text)
    for text in (
        "",
        "gold:neutral",
        "pred:contradiction sort:-conf",
        "wrong",
        "right sort:len",
        "len:20-30 sort:-len",
        "conf:>=0.8",
        "conf:<=0.6 sort:conf",
        "fixed-by:second",
        "broken-by:second gold:entailment",
        "sleep",
        '"is sleeping" dog',
        "number 7",
        "tag:odd",
        "id:a",
        "sort:-position limit:7",
        "wrong gold:neutral len:>=9 is sort:-conf",
        "-gold:neutral",
        "-wrong",
        "-len:20-30",
        "-conf:>=0.8 sort:-len",
        "-fixed-by:second",
        "-tag:odd",
        "-sleep",
        '-"is sleeping"',
        "-id:a,b,1",
        "gold:neutral,contradiction",
        "len:<10,>30",
        "wrong | len:>30",
        "(gold:neutral | tag:odd) -(wrong len:<20)",
        "sleeping | running",
        r"/\bdog\b.*ing/",
        r"-/^the (man|dog) is/",
        "premise:dog",
        "-hypothesis:dog sort:conf",
        "b.wrong b:second",
        "b.conf:<0.6 b:second",
        "-b.pred:neutral b:second sort:-conf",
        "b.pred:neutral,entailment gold:contradiction b:second",
        "b.margin:>0.3 b:second",
        "p-gold:<0.3",
        "margin:<0.2 loss:>1",
        "difference:>0.1 b:second",
        "sort:-conf,len",
        "wrong sort:-loss limit:9",
        "sort:margin",
        "sort:len,-difference b:second limit:20",
        "sort:-b.conf b:second limit:30",
    )
]


@pytest.mark.parametrize("condition", CASES, ids=lambda f: f.to_text() or "all")
def test_sql_picks_what_python_picks(database: Path, condition: Filter) -> None:
    with StoreReader(database) as reader:
        with StoreWriter(database) as writer:
            for row in reader.predictions.rows(reader.runs.evaluation("first"))[3:50:7]:
                writer.tag(row.example_id, "odd")
        a, b = reader.runs.get("first").id, reader.runs.get("second").id
        expected = _brute(
            reader.predictions.rows(reader.runs.evaluation(a)),
            reader.predictions.rows(reader.runs.evaluation(b)),
            condition,
        )
        assert expected, "the case is empty and shows nothing"
        assert reader.predictions.rows(reader.runs.evaluation(a, "dev"), condition) == expected
        if condition.limit is not None:
            return
        assert reader.predictions.count(reader.runs.evaluation(a, "dev"), condition) == len(
            expected
        )
        paged, page = (
            [],
            reader.predictions.page(reader.runs.evaluation(a, "dev"), condition, limit=7),
        )
        while page.next is not None:
            paged += page.rows
            page = reader.predictions.page(
                reader.runs.evaluation(a, "dev"), condition, after=page.next, limit=7
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
        result = reader.predictions.rows(
            reader.runs.evaluation(run), parse_filter("variance:0.5-1.5")
        )
        assert {row.example_id for row in result} == expected


@pytest.mark.parametrize("text", ["!!!", "-", '"."', "*", "\x00"])
def test_nothing_to_search_for(reader: StoreReader, text: str) -> None:
    with pytest.raises(NliError, match="nothing to search for"):
        reader.predictions.count(reader.runs.evaluation("first"), Filter.of({"text": text}))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
@settings(max_examples=150)
def test_search_speaks_no_fts_syntax(text: str) -> None:
    query = compile_filter(
        Filter(And((Term("text", (Match(text),)), *_text("x", "y").nodes))), Scope(1)
    )

    with sqlite3.connect(":memory:") as plain:
        plain.execute("create virtual table f using fts5(t)")
        plain.execute("select * from f where f match ?", (query.searched,)).fetchall()


def test_every_field_has_help_and_its_own_name() -> None:
    names = [name for field in FIELDS.values() for name in (field.name, *field.aliases)]
    assert len(names) == len(set(names))
    assert all(field.help for field in FIELDS.values())


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("", "predictions_position"),
        ("gold:neutral", "predictions_gold"),
        ("-gold:neutral", "predictions_gold"),
        ("gold:neutral,entailment", "predictions_gold"),
        ("pred:neutral", "predictions_predicted"),
        ("wrong", "predictions_correct"),
        ("-right", "predictions_correct"),
        ("len:>=30", "predictions_length"),
        ("-len:<30", "predictions_length"),
        ("sort:-len", "predictions_length"),
        ("conf:>=0.9", "predictions_confidence"),
        ("sort:-conf", "predictions_confidence"),
        ("fixed-by:second", "predictions_example"),
        ("man", "examples_fts"),
        ("tag:x", "tags_tag"),
        ("id:a", "sqlite_autoindex_examples_1"),
        ("id:a", "predictions_example"),
        ("tag:x", "predictions_example"),
        ("b.pred:neutral b:second", "predictions_example"),
        ("answered:no", "predictions_predicted"),
        ("truncated:yes", "predictions_truncated"),
        ("truncated:no", "predictions_truncated"),
        ("p-gold:<0.3", "predictions_gold_probability"),
        ("loss:>1", "predictions_gold_probability"),
        ("-loss:<1", "predictions_gold_probability"),
        ("margin:<0.1", "predictions_margin"),
        ("negation:yes", "examples_negation"),
        ("overlap:<0.2", "examples_overlap"),
        ("majority:tie", "examples_majority"),
        ("window:2", "predictions_window"),
        ("windows:>1", "predictions_windows"),
    ],
)
def test_every_filter_reads_an_index(reader: StoreReader, text: str, index: str) -> None:
    run = reader.runs.get("first").id
    evaluation, filter = reader.runs.evaluation(run), parse_filter(text)
    for work in (
        lambda: reader.predictions.ids(evaluation, filter),
        lambda: reader.predictions.page(evaluation, filter),
    ):
        plan = _plan(reader, work)
        assert any(index in step for step in plan), plan
        assert not any(step.startswith("SCAN p") for step in plan), plan


@pytest.mark.parametrize("condition", CASES, ids=lambda f: f.to_text() or "all")
def test_a_filter_that_lets_much_through_walks_the_order(
    reader: StoreReader, condition: Filter, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = reader.runs.get("first").id
    expected = reader.predictions.page(reader.runs.evaluation(run), condition, limit=20).rows
    monkeypatch.setattr(pages, "_FEW", 1)
    assert (
        reader.predictions.page(reader.runs.evaluation(run), condition, limit=20).rows == expected
    )
    walked = {"len": "length", "conf": "confidence"}
    keys = condition.sort or (SortKey("position"),)
    in_order = len(keys) == 1 and keys[0].name in (*walked, "position")
    if expected and in_order and not condition.is_empty:
        plan = _plan(
            reader,
            lambda: reader.predictions.page(reader.runs.evaluation(run), condition, limit=20),
        )
        column = walked.get(keys[0].name, "position")
        assert any(f"predictions_{column}" in step for step in plan), plan
        assert not any("TEMP B-TREE" in step for step in plan), plan


def _plan(reader: StoreReader, work: Callable[[], object]) -> list[str]:
    """The plan of the query that picks the rows, or has counted that there are none."""
    queries: list[str] = []
    reader._connection.sqlite.set_trace_callback(queries.append)
    work()
    reader._connection.sqlite.set_trace_callback(None)
    starts = ("select group_concat", "select count(*) from (select 1 from predictions p ")
    query = next(query for query in reversed(queries) if query.startswith(starts))
    return [row["detail"] for row in reader._connection.all(f"explain query plan {query}")]
