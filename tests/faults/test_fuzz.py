"""Any filter, TOML, table or command line: done, or refused in two lines; no harm to a database."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from nliexplorer.cli import app
from nliexplorer.config import DEFAULTS, TrainConfig, load_config, parse_setting
from nliexplorer.data.sources import load_split
from nliexplorer.errors import NliError
from nliexplorer.store.filters import FIELDS, Filter, parse_filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow.predictions_file import read_predictions
from tests.databases import two_runs

RELAXED: dict[str, Any] = {"suppress_health_check": list(HealthCheck)}
FEW, MANY = settings(max_examples=150, **RELAXED), settings(max_examples=2_000, **RELAXED)
CALLS, MANY_CALLS = settings(max_examples=60, **RELAXED), settings(max_examples=1_000, **RELAXED)
ODD = st.sampled_from(
    [
        "",
        "'",
        '"',
        '""',
        "%",
        "*",
        "\\",
        "\x00",
        "\x1b[31m",
        "\u202e",
        "�",
        "NaN",
        "-0",
        "1e999",
        "9" * 400,
        "x' or 1=1 --",
        "a\nb",
        "∞",
        "{0}",
        "$(id)",
        "[red]x[/red]",
        "near/2",
        "a OR b",
    ]
)
TEXT = st.text(max_size=12) | ODD

ODD_VALUES = ODD | st.sampled_from(["9" * 5_000, "[" * 5_000, "1e5000", "0x" + "f" * 400])

FILTERS = st.lists(
    st.builds(
        "{}{}{}".format,
        st.sampled_from([f"{name}:" for name in FIELDS] + ["", "sort:", "limit:", "x:", '"']),
        st.sampled_from(["", ">", "<=", "=", "-", '"', "neutral", "1-2", "-conf"]),
        TEXT | st.integers().map(str) | st.floats().map(str),
    ),
    max_size=4,
).map(" ".join)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fuzz") / "runs.db"
    two_runs(path, 40)
    return path


@pytest.fixture(scope="module")
def reader(database: Path) -> Any:
    with StoreReader(database) as opened:
        yield opened


def _told(error: NliError) -> None:
    assert error.message
    assert error.hint


def _filters(reader: StoreReader, text: str) -> None:
    try:
        result: Filter = parse_filter(text)
        run = reader.runs.get("first").id
        count = reader.predictions.count(reader.runs.evaluation(run, "dev"), result)
        assert len(reader.predictions.ids(reader.runs.evaluation(run, "dev"), result)) == min(
            count, count if result.limit is None else result.limit
        )
        assert parse_filter(result.to_text()) == result
    except NliError as error:
        _told(error)


@FEW
@given(FILTERS | st.text(max_size=60))
def test_any_filter(reader: StoreReader, text: str) -> None:
    _filters(reader, text)


@pytest.mark.slow
@MANY
@given(FILTERS | st.text(max_size=60))
def test_thousands_of_filters(reader: StoreReader, text: str) -> None:
    _filters(reader, text)


KEYS = st.sampled_from([name.rstrip("_") for name in TrainConfig.__dataclass_fields__]) | TEXT
VALUES = (
    st.sampled_from(
        ["true", "[]", '["dev"]', "nan", "-inf", "1e400", "[[1]]", "{a=1}", "'x'", "''"]
    )
    | st.integers().map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(str)
    | st.text(max_size=12)
    | ODD_VALUES
    | st.just('"auto"')
)


def _with_flag(text: str) -> TrainConfig:
    return load_config(flags=dict([parse_setting(text)]))


def _configures(folder: Path, lines: list[tuple[str, str]], raw: bytes) -> None:
    file = folder / "x.toml"
    text = "\n".join(f"{key} = {value}" for key, value in lines)
    for content in (text.encode("utf-8", "surrogatepass"), raw):
        file.write_bytes(content)
        _loads_or_refuses(lambda: load_config("quick", file))
    for key, value in lines:
        _loads_or_refuses(partial(_with_flag, f"{key}={value}"))


def _loads_or_refuses(load: Any) -> None:
    try:
        config = load()
    except NliError as error:
        _told(error)
    else:
        if config.ig_estimator != "sampled":  # it has no effect there, and is not stored
            config = replace(config, ig_gradient_steps=DEFAULTS["ig_gradient_steps"])
        assert TrainConfig().updated(config.as_dict(), "again") == config


LINES = st.lists(st.tuples(KEYS, VALUES), max_size=4)


@FEW
@given(LINES, st.binary(max_size=80))
def test_any_configuration(tmp_path: Path, lines: list[tuple[str, str]], raw: bytes) -> None:
    _configures(tmp_path, lines, raw)


@pytest.mark.slow
@MANY
@given(LINES, st.binary(max_size=80))
def test_thousands_of_configurations(
    tmp_path: Path, lines: list[tuple[str, str]], raw: bytes
) -> None:
    _configures(tmp_path, lines, raw)


READING = ("examples", "errors", "calibration", "slices", "compare", "runs", "suites", "nosuch")
FLAGS = (
    *("--gold", "--predicted", "--wrong", "--right", "--min-length", "--max-confidence"),
    *("--fixed-by", "--contains", "--tag", "--id", "--where", "--sort", "--limit", "--split"),
    *("--json", "--by", "--attributions", "--db", "--nosuch", "-h", "--"),
)
WORDS = st.sampled_from(["first", "second", "latest", "list", "show", "dev", "0", "neutral", "-1"])
ARGUMENTS = st.lists(
    st.sampled_from(FLAGS) | WORDS | TEXT.filter(lambda text: "\0" not in text), max_size=6
)


def _calls(database: Path, command: str, arguments: list[str]) -> None:
    before = database.read_bytes()
    result = CliRunner(env={"NLIEXPLORER_DB": str(database)}).invoke(app, [command, *arguments])
    assert result.exit_code in (0, 1, 2), (command, arguments, result.exception)
    assert "Traceback" not in result.stderr
    unforeseen = re.search(r"unexpected \w+: ", result.stderr)
    assert not unforeseen, (command, arguments, result.stderr)
    if result.exit_code == 1:
        assert 1 <= len(result.stderr.splitlines()) <= 2, result.stderr
    assert not set("\x1b\x07\u202e") & set(result.stderr)
    assert database.read_bytes() == before


@CALLS
@given(st.sampled_from(READING), ARGUMENTS)
def test_any_command_line(database: Path, command: str, arguments: list[str]) -> None:
    _calls(database, command, arguments)


@pytest.mark.slow
@MANY_CALLS
@given(st.sampled_from(READING), ARGUMENTS)
def test_a_thousand_command_lines(database: Path, command: str, arguments: list[str]) -> None:
    _calls(database, command, arguments)


TEXTS = ("A b.", "C, d; e|f", 'She said "no"', '"Go', 'stop"', "é", "你好", "two\nlines")
LABEL_CELLS = ("neutral", "E", "not_entailment", "0", "1", "2", "2.0", "-1", "none", "maybe", "")
SCORE_CELLS = (
    *("[1, 2, 3]", "[0.1 0.2 0.7]", "tensor([1., 2., 3.])", "{'neutral': 1}", "1 2 3", "[1, 2]"),
    *("[nan 1 2]", "[[0, 1, 2]]", "1e999", "", "2", "neutral"),
)
SENTENCES, LABEL, SCORES = map(st.sampled_from, (TEXTS, LABEL_CELLS, SCORE_CELLS))
CELL = st.sampled_from((*TEXTS, *LABEL_CELLS, *SCORE_CELLS, "\x00"))
ROWS = st.lists(
    st.tuples(SENTENCES, SENTENCES, LABEL, SCORES) | st.tuples(CELL, CELL, CELL, CELL), max_size=8
)
NAMES = st.sampled_from(
    (
        ("premise", "hypothesis", "label", "predicted_label"),
        ("Sentence_A", "sentence_B", "gold_label", "predicted_scores"),
        ("context", "hypo", "label", "logits"),
        ("a", "b", "c", "d"),
        ("label", "premise", "hypothesis", "probs"),
    )
)
PIECES = (
    *('"', '""', "'", "\t", ",", ";", "|", "\n", "\r\n", "\r", '\\"', "\ufeff", "\x00", "\u2028"),
    *("[", "]", "{", "}", ":", "[" * 50, "sep=;\n", "1e999", "null", "NaN"),
)


def _written(names: tuple[str, ...], rows: list[tuple[str, ...]], layout: str) -> str:
    if layout in DELIMITERS:
        text = io.StringIO()
        csv.writer(text, delimiter=layout).writerows([names, *rows])
        return text.getvalue()
    if layout == "plain":
        return "".join("\t".join(row) + "\n" for row in [names, *rows])
    dicts = [dict(zip(names, row, strict=True)) for row in rows]
    if layout == "nested":
        dicts = [{"example": row, "label": row.get("label", 0)} for row in dicts]
    if layout == "columns":
        return json.dumps({name: [row[name] for row in dicts] for name in set(names)})
    return json.dumps(dicts) if layout == "array" else "\n".join(map(json.dumps, dicts))


DELIMITERS = (",", ";", "\t", "|")
PACKED = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}
TABLES: dict[str, Any] = {
    "names": NAMES,
    "rows": ROWS,
    "layout": st.sampled_from((*DELIMITERS, "plain", "lines", "array", "columns", "nested")),
    "damage": st.lists(st.tuples(st.floats(0, 1), st.sampled_from(PIECES)), max_size=2),
    "suffix": st.sampled_from(["csv", "tsv", "txt", "json", "jsonl"]),
    "packed": st.sampled_from(list(PACKED)),
    "encoding": st.sampled_from(["utf-8", "utf-8", "utf-16", "utf-16-le", "cp1252", "gb18030"]),
    "cut": st.sampled_from([0, 0, 0, 0, 1, 7, 40]),
    "query": st.sampled_from(
        [
            *("", "", "", "?labels=e,n,c", "?labels=none:neutral,maybe:-", "?columns=a,b,c,d"),
            *("?premise=a&hypothesis=b&label=c", "?premise=%22&label=e", "?encoding=cp1252"),
            *("?scores=d&premise=a&hypothesis=b&label=c", "?encoding=utf-8"),
        ]
    ),
}


def _in_one_line(*texts: str) -> None:
    assert not any("\n" in text for text in texts), texts


def _table(
    folder: Path,
    names: tuple[str, ...],
    rows: list[tuple[str, ...]],
    layout: str,
    damage: list[tuple[float, str]],
    suffix: str,
    packed: str,
    encoding: str,
    cut: int,
    query: str,
) -> list[str]:
    """What became of it, by reader: "" or the message of a refusal."""
    text = _written(names, rows, layout)
    for place, piece in damage:
        at = int(place * len(text))
        text = text[:at] + piece + text[at:]
    if layout in ("lines", "array", "columns", "nested"):
        suffix = "json"
    raw = text.encode(encoding, "replace")
    content = PACKED[packed](raw[:-cut] if cut else raw)
    path = folder / f"dev.{suffix}{packed}"
    path.write_bytes(content)
    outcomes = []
    for read in (
        lambda: load_split(f"{path}{query}", "dev").examples(),
        lambda: read_predictions(f"{path}{query}").examples,
    ):
        try:
            examples = read()
        except NliError as error:
            _told(error)
            _in_one_line(error.message, error.hint)
            outcomes.append(error.message)
        else:
            assert examples
            assert all(0 <= each.gold <= 3 for each in examples)
            outcomes.append("")
    return outcomes


@FEW
@given(**TABLES)
def test_any_table(tmp_path: Path, **table: Any) -> None:
    _table(tmp_path, **table)


@pytest.mark.slow
@settings(max_examples=int(os.environ.get("FUZZ", "2000")), **RELAXED)
@given(**TABLES)
def test_thousands_of_tables(tmp_path: Path, **table: Any) -> None:
    """`FUZZ=10000 pytest -m slow -k thousands_of_tables` for as many as one likes."""
    _table(tmp_path, **table)
