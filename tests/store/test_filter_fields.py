"""Fields beside the standard ones: columns of the data, notes, answers; regular expressions; texts
without spaces; filters that were saved long ago.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from nliexplorer.errors import NliError
from nliexplorer.records import Example, Metrics, Prediction
from nliexplorer.store import functions
from nliexplorer.store.filters import FIELDS, Filter, parse_filter, sentence
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter

PAIRS = [
    Example("一个男人在弹吉他。", "有人在演奏音乐。", 0, extra={"genre": "fiction", "year": 1999}),
    Example("两只猫在睡觉。", "猫在跑步。", 2, extra={"genre": "Fiction", "year": "2004"}),
    Example("猫が寝ています。", "動物が寝ている。", 0, extra={"genre": "travel", "ids": [3, 7]}),
    Example("แมวกำลังนอนหลับ", "สัตว์กำลังพักผ่อน", 0, extra={"genre": "travel", "checked": True}),
    Example("A man plays the guitar.", "He is not here.", 2, extra={"year": 2010}),
    Example("Nothing moves.", "A knot is tied.", 1),
    Example(f"{'a' * 60}b", "Slow for some patterns.", 1),
]


@pytest.fixture
def reader(tmp_path: Path) -> StoreReader:
    with StoreWriter(tmp_path / "runs.db") as writer:
        run = writer.create_run(name="run", objective="imported", data="x", model="m")
        answers = [Prediction(0 if i % 2 else None, truncated=i == 4) for i in range(len(PAIRS))]
        writer.store_evaluation(run.id, "dev", PAIRS, answers, Metrics(len(PAIRS), 0.5))
        reader = StoreReader(tmp_path / "runs.db")
        rows = reader.predictions.rows(reader.runs.evaluation("run"))
        writer.set_note(rows[4].example_id, "Label error? Ask Anna.")
        writer.set_note(rows[5].example_id, "fine")
    return reader


def _positions(reader: StoreReader, text: str) -> list[int]:
    """Which pairs pass; list, count and first page agree."""
    evaluation, filter = reader.runs.evaluation("run"), parse_filter(text)
    rows = reader.predictions.rows(evaluation, filter)
    assert reader.predictions.count(evaluation, filter) == len(rows)
    assert reader.predictions.page(evaluation, filter, limit=50).rows == rows
    return [row.position for row in rows]


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("meta.genre:fiction", [0, 1]),
        ("-meta.genre:fiction", [2, 3, 4, 5, 6]),
        ("meta.genre:fiction,travel", [0, 1, 2, 3]),
        ("meta.year:1999", [0]),
        ("meta.year:>2000", [1, 4]),
        ("meta.year:1990-2005", [0, 1]),
        ('meta.year:"2004"', [1]),
        ("meta.ids:7", [2]),
        ("meta.ids:>7", []),
        ('meta.ids:"7"', [2]),
        ("meta.checked:true", [3]),
        ("note:label", [4]),
        ('note:"ask anna"', [4]),
        ("-note:label", [0, 1, 2, 3, 5, 6]),
        (r"note:/^fine$/", [5]),
        ("answered:no", [0, 2, 4, 6]),
        ("-answered:no", [1, 3, 5]),
        ("truncated:yes", [4]),
        ("labelled:no", []),
    ],
)
def test_fields(reader: StoreReader, text: str, positions: list[int]) -> None:
    assert _positions(reader, text) == positions


def test_a_column_that_no_pair_has(reader: StoreReader) -> None:
    with pytest.raises(NliError, match=r"column 'gender'\ncolumns: checked, genre, ids, year"):
        _positions(reader, "meta.gender:x")


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("吉他", [0]),
        ("猫", [1, 2]),
        ("-猫", [0, 3, 4, 5, 6]),
        ('"男人在弹"', [0]),
        ("寝て", [2]),
        ("premise:猫 hypothesis:跑步", [1]),
        ("กำลัง", [3]),
        ("狗", []),
        ("猫 | guitar", [1, 2, 4]),
    ],
)
def test_writing_without_spaces(reader: StoreReader, text: str, positions: list[int]) -> None:
    assert _positions(reader, text) == positions


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        (r"/\bnot\b/", [4]),
        ("/NOT/", [4, 5]),
        (r"-/\bnot\b/", [0, 1, 2, 3, 5, 6]),
        (r"hypothesis:/^he/", [4]),
        (r"/plays the/ gold:contradiction", [4]),
        ("/吉他|跑步/", [0, 1]),
    ],
)
def test_regular_expressions(reader: StoreReader, text: str, positions: list[int]) -> None:
    assert _positions(reader, text) == positions


def test_a_regular_expression_that_never_ends(reader: StoreReader) -> None:
    with pytest.raises(NliError, match="takes too long"):
        _positions(reader, r"/(a|aa)+(b|c)?\d/")


def test_all_searches_of_a_query_have_one_limit(
    reader: StoreReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functions, "REGEX_QUERY_SECONDS", -1.0)
    with pytest.raises(NliError, match="takes too long"):
        _positions(reader, "/not/")
    monkeypatch.undo()
    assert _positions(reader, "/not/") == [4, 5]  # the next query begins anew


def test_saved_filters_of_old_read_as_before(tmp_path: Path, reader: StoreReader) -> None:
    old = 'wrong gold:contradiction len:>=3 len:<=9 conf:>=0.5 tag:odd sort:-confidence "not here"'
    with StoreWriter(tmp_path / "runs.db") as writer:
        writer.save_filter("old", old)
    filter = parse_filter(reader.annotations.filters()["old"])
    text = 'wrong gold:contradiction len:>=3 len:<=9 conf:>=0.5 tag:odd "not here" sort:-conf'
    assert filter.to_text() == text


def test_the_other_run_has_to_be_named(reader: StoreReader) -> None:
    for text in ("b.wrong", "difference:>0", "sort:b.conf"):
        with pytest.raises(NliError, match=r"none is named\n.*b:RUN"):
            _positions(reader, text)
    assert parse_filter("b.wrong sort:b.conf wrong fixed-by:x").without_other() == parse_filter(
        "wrong"
    )
    assert parse_filter("b.wrong b:x").against("y").others == ("x",)


def test_every_field_says_itself_in_words() -> None:
    output = sentence(parse_filter("-gold:neutral (len:>30 | tag:odd) b.conf:<=0.5"))
    assert output == (
        "not gold label neutral, the other run: confidence at most 0.5, "
        "(words at least 31 or tagged odd)"
    )
    assert sentence(Filter()) == ""
    for field in FIELDS.values():
        assert field.help
        assert (
            field.kind == "setting"
            or field.sql
            or field.conditions
            or field.kind in ("search", "any")
        )


@pytest.fixture
def three_runs(tmp_path: Path) -> StoreReader:
    """Runs a, b, c on seven pairs: what each predicts, None for no answer, 3 for two-way."""
    answers = {
        "a": [1, 2, 0, 1, None, 1, 2],
        "b": [0, 2, 1, 1, 0, 3, 3],
        "c": [1, 2, 1, 1, 0, 1, 1],
    }
    with StoreWriter(tmp_path / "three.db") as writer:
        for name, predicted in answers.items():
            run = writer.create_run(name=name, objective="imported", data="x", model="m")
            rows = [Prediction(label) for label in predicted]
            writer.store_evaluation(run.id, "dev", PAIRS, rows, Metrics(len(PAIRS), 0.5))
    return StoreReader(tmp_path / "three.db")


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("disagree b:b", [0, 2]),
        ("disagree b:b,c", [0, 2, 6]),
        ("disagree b:c,b", [0, 2, 6]),
        ("disagree b:c", [2, 6]),
        ("-disagree b:b,c", [1, 3, 4, 5]),
        ("all-wrong b:c", [0, 3]),
        ("all-wrong b:b,c", [3]),
        ("b.wrong wrong b:c,b", [0, 3]),
    ],
)
def test_what_several_runs_answer(three_runs: StoreReader, text: str, positions: list[int]) -> None:
    evaluation, filter = three_runs.runs.evaluation("a"), parse_filter(text)
    rows = three_runs.predictions.rows(evaluation, filter)
    assert [row.position for row in rows] == positions
    assert parse_filter(filter.to_text()) == filter


def test_several_runs_have_to_be_named(three_runs: StoreReader) -> None:
    with pytest.raises(NliError, match=r"none is named\n.*b:RUN"):
        three_runs.predictions.rows(three_runs.runs.evaluation("a"), parse_filter("disagree"))
    command = parse_filter("disagree b:b,c").to_command("a")
    assert command == "nliexplorer examples a --where=disagree --other=b --other=c"
