from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nliexplorer.data.sources import LoadedSplit, load_split
from nliexplorer.errors import NliError
from tests.data.conftest import PAIRS, WORDS, generic

FIELDS = ("premise", "hypothesis", "label")
GOLD = [label for *_, label in PAIRS]


def triples(loaded: LoadedSplit) -> list[tuple[str, str, int]]:
    return [(row.premise, row.hypothesis, row.label) for row in loaded]


def as_csv(rows: list[dict[str, Any]], **keywords: Any) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), **keywords)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "tsv"])
def test_every_text_format_encoding_and_line_end_gives_the_same_rows(
    tmp_path: Path, suffix: str, newline: str, encoding: str
) -> None:
    text = {
        "jsonl": newline.join(map(json.dumps, generic())) + newline,
        "csv": as_csv(generic(), lineterminator=newline),
        "tsv": as_csv(generic(), lineterminator=newline, delimiter="\t"),
    }[suffix]
    path = tmp_path / f"dev.{suffix}"
    path.write_bytes(text.encode(encoding))
    loaded = load_split(str(path), "dev")
    assert triples(loaded) == PAIRS
    assert not loaded.dropped


def test_gzip_json_array_and_parquet_too(tmp_path: Path) -> None:
    lines = "\n".join(map(json.dumps, generic()))
    (tmp_path / "dev.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "dev.json").write_text(json.dumps(generic(), indent=1))
    pq.write_table(pa.Table.from_pylist(generic()), tmp_path / "dev.parquet")
    prints = {
        load_split(str(tmp_path / name), "dev").fingerprint
        for name in ("dev.jsonl.gz", "dev.json", "dev.parquet")
    }
    assert len(prints) == 1


def test_parquet_written_by_datasets_brings_its_label_names(tmp_path: Path) -> None:
    order = ["contradiction", "entailment", "neutral"]
    features = datasets.Features(
        premise=datasets.Value("string"),
        hypothesis=datasets.Value("string"),
        label=datasets.ClassLabel(names=order),
    )
    rows = generic(lambda number: order.index(WORDS[number]))
    datasets.Dataset.from_list(rows, features=features).to_parquet(tmp_path / "dev.parquet")
    assert [row.label for row in load_split(str(tmp_path / "dev.parquet"), "dev")] == GOLD


def test_a_speakers_quotes_stay_and_a_csv_writers_go(tmp_path: Path) -> None:
    path = tmp_path / "dev.tsv"
    path.write_text(
        "premise\thypothesis\tlabel\n"
        '"Stop"\t"Stop" he said\tneutral\n'  # unquoted TSV (SNLI, GLUE)
        '"He said ""stop""."\t"Go\tentailment\n'  # quoted by a CSV writer; a stray quote
    )
    rows = load_split(str(path), "dev").examples()
    assert (rows[0].premise, rows[0].hypothesis) == ('"Stop"', '"Stop" he said')
    assert (rows[1].premise, rows[1].hypothesis) == ('He said "stop".', '"Go')


def test_a_fully_quoted_tsv_is_unquoted(tmp_path: Path) -> None:
    path = tmp_path / "dev.tsv"
    path.write_text(as_csv(generic(), delimiter="\t", quoting=csv.QUOTE_ALL))
    assert triples(load_split(str(path), "dev")) == PAIRS


def test_original_snli_fields(jsonl: Callable[..., str]) -> None:
    spec = jsonl(
        [
            {
                "annotator_labels": ["neutral", "entailment", "", "neutral", "contradiction"],
                "gold_label": "neutral",
                "pairID": "1.jpg#0r1n",
                "sentence1": "A dog runs.",
                "sentence2": "It is late.",
                "sentence1_parse": "(ROOT …)",
            },
            {"gold_label": "-", "sentence1": "A.", "sentence2": "B.", "pairID": "2"},
        ],
        "snli_1.0_dev.jsonl",
    )
    loaded = load_split(spec, "dev")
    row = loaded[0]
    assert (row.label, row.source_id, row.annotator_labels) == (1, "1.jpg#0r1n", (1, 0, 1, 2))
    assert loaded.dropped == {"no usable label": 1}
    assert loaded.dropped_lines == {"no usable label": (2,)}
    assert loaded.describe_dropped() == "no usable label: 1 (line 2)"


def test_field_names_are_read_in_any_case(jsonl: Callable[..., str]) -> None:
    rows = [{"Premise": p, "Hypothesis": h, "LABEL": WORDS[label]} for p, h, label in PAIRS]
    assert triples(load_split(jsonl(rows), "dev")) == PAIRS


def test_the_planted_fields_come_back(jsonl: Callable[..., str]) -> None:
    row = {
        **generic(WORDS.__getitem__)[2],
        "source_id": "x1",
        "premise_rationale": [1, 2],
        "hypothesis_rationale": [3],
        "artefact": [3],
        "extra": {"operation": "antonym"},
    }
    example = load_split(jsonl([row]), "dev")[0]
    assert example.premise_rationale == (1, 2)
    assert example.artefact == (3,)
    assert example.extra == {"operation": "antonym"}


BROKEN: list[tuple[Any, str]] = [
    ("{not json", "not JSON"),
    ("[" * 100_000, "not JSON"),
    ("3", "not a JSON object"),
    ({"premise": "A.", "label": 0}, "hypothesis is missing"),
    ({"premise": 3, "hypothesis": "B.", "label": 0}, "premise is not text"),
    ({"premise": None, "hypothesis": "B.", "label": 0}, "premise is missing"),
    ({"premise": "A\0", "hypothesis": "B.", "label": 0}, "NUL character"),
    ('{"premise": "\\ud800", "hypothesis": "B.", "label": 0}', "lone surrogate"),
    ({"premise": " ", "hypothesis": "", "label": 0}, "both sentences are empty"),
    ({"premise": "A.", "hypothesis": "B.", "label": True}, "label is not a word or number"),
    ({"premise": "A.", "hypothesis": "B."}, "label is missing"),
    ({"premise": "A.", "hypothesis": "B.", "label": -1}, "no usable label"),
    ('{"premise": "A.", "hypothesis": "B.", "label": NaN}', "no usable label"),
    (
        {"premise": "A.", "hypothesis": "B.", "label": 0, "artefact": [7]},
        "artefact is not a list of word indices",
    ),
]


@pytest.mark.parametrize(("row", "reason"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_row_is_counted_by_reason_with_its_line(
    jsonl: Callable[..., str], row: Any, reason: str
) -> None:
    loaded = load_split(jsonl([*generic()[:2], row, *generic()[2:]]), "dev")
    assert triples(loaded) == PAIRS
    assert loaded.dropped == {reason: 1}
    assert loaded.dropped_lines == {reason: (3,)}


def test_bytes_that_are_not_utf8_cost_their_row_alone(tmp_path: Path) -> None:
    path = tmp_path / "dev.csv"
    pairs = [("Zoë, Šárka und René gehen.", "Sie grüßen.", 1), *PAIRS]
    rows = as_csv([dict(zip(FIELDS, pair, strict=True)) for pair in pairs])
    lines = rows.encode().split(b"\r\n")
    lines.insert(3, b"caf\xe9,x,0")
    path.write_bytes(b"\r\n".join(lines))
    loaded = load_split(str(path), "dev")
    assert triples(loaded) == pairs
    assert loaded.dropped_lines == {"not UTF-8": (4,)}


def test_wrong_number_of_columns_is_counted(tmp_path: Path) -> None:
    for suffix, delimiter in (("csv", ","), ("tsv", "\t")):
        path = tmp_path / f"dev.{suffix}"
        path.write_text(as_csv(generic(), delimiter=delimiter) + "one cell\n")
        assert load_split(str(path), "dev").dropped_lines == {"wrong number of columns": (6,)}


def test_csv_line_numbers_count_lines_not_records(tmp_path: Path) -> None:
    rows = generic()
    rows[0]["premise"] = "Two\nlines."
    path = tmp_path / "dev.csv"
    path.write_text(as_csv(rows, lineterminator="\n") + "A.,B.,-\n")
    loaded = load_split(str(path), "dev")
    assert loaded[0].premise == "Two\nlines."
    assert loaded.dropped_lines == {"no usable label": (7,)}


def test_a_quote_never_closed_is_not_allowed_to_swallow_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "dev.csv"
    path.write_text('premise,hypothesis,label\nA.,"B.,0\nC.,D.,1\nE.,F.,2\n')
    with pytest.raises(NliError, match=r"dev\.csv, line 2: a quote is never closed"):
        load_split(str(path), "dev")


def test_a_file_cut_off_in_its_last_row_keeps_the_others(tmp_path: Path) -> None:
    for suffix, text in (
        ("csv", as_csv(generic()) + 'A.,"B'),
        ("jsonl", "\n".join(map(json.dumps, generic())) + '\n{"premise": "A'),
    ):
        path = tmp_path / f"dev.{suffix}"
        path.write_text(text)
        loaded = load_split(str(path), "dev")
        assert triples(loaded) == PAIRS
        assert sum(loaded.dropped.values()) == 1


def test_long_fields_and_empty_hypotheses_are_kept(jsonl: Callable[..., str]) -> None:
    rows = generic()
    rows[0]["premise"] = "word " * 200_000
    rows[1]["hypothesis"] = ""
    loaded = load_split(jsonl(rows), "dev")
    assert len(loaded) == 4
    assert len(loaded[0].premise) == 1_000_000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("dev.jsonl", b"", "is empty"),
        ("dev.jsonl", b"\n\n", "holds no rows"),
        ("dev.csv", b"premise,hypothesis,label\n", "holds no rows"),
        ("dev.jsonl", b"{\n{\n", "no readable row"),
        ("dev.jsonl", '{"premise": "A."}'.encode("utf-16-le"), "found the fields 'premise'"),
        ("dev.jsonl", b'{"text": "A.", "label": 0}\n', "found the fields 'text', 'label'"),
        ("dev.csv", b"premise,premise,label\nA,B,0\n", "'premise' occurs twice"),
        ("dev.csv", b"a;b;c\n1;2;3\n", "found the fields 'a', 'b', 'c'"),
        ("dev.parquet", b"PAR1 not really", "not a sound Parquet file"),
        ("dev.jsonl.gz", b"\x1f\x8b\x08 not really", "damaged gzip"),
        ("dev.xlsx", b"PK", "not a format this program reads"),
    ],
)
def test_files_that_cannot_be_read_are_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(NliError) as refused:
        load_split(str(path), "dev")
    assert message in refused.value.message
    assert "\n" not in refused.value.message
    assert refused.value.hint


def test_a_file_broken_for_the_most_part_is_refused(jsonl: Callable[..., str]) -> None:
    with pytest.raises(NliError, match="more rows are broken than usable"):
        load_split(jsonl([*generic(), *["{"] * 5]), "dev")


def test_a_hundred_labels_are_refused(jsonl: Callable[..., str]) -> None:
    rows = [{"premise": "A.", "hypothesis": "B.", "label": number} for number in range(100)]
    with pytest.raises(NliError, match="different labels"):
        load_split(jsonl(rows), "dev")


def test_words_beside_numbers_decide_and_must_agree(jsonl: Callable[..., str]) -> None:
    rows = [
        {**row, "label": 2 - row["label"], "label_text": WORDS[row["label"]]} for row in generic()
    ]
    assert [row.label for row in load_split(jsonl(rows), "dev")] == GOLD
    rows[3]["label_text"] = "neutral"
    with pytest.raises(NliError, match=r"dev\.jsonl, line 4: label 2 appears with"):
        load_split(jsonl(rows), "dev")


def test_stated_labels_in_the_spec(jsonl: Callable[..., str]) -> None:
    spec = jsonl(generic(lambda number: number + 1))
    with pytest.raises(NliError, match="nothing says what label 1, 2, 3 means"):
        load_split(spec, "dev")
    loaded = load_split(f"{spec}?labels=1:entailment,2:neutral,3:contradiction", "dev")
    assert [row.label for row in loaded] == GOLD


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "premise": st.text(max_size=20) | st.none() | st.integers(),
            "hypothesis": st.text(max_size=20),
            "label": st.sampled_from([0, 1, 2, "e", "neutral", "-", None, -1, 1.5, "maybe", 7]),
        }
    ),
    max_size=6,
)
SUFFIXES = st.sampled_from(["jsonl", "json", "csv", "tsv", "txt", "parquet", "jsonl.gz"])


def loads_or_refuses(folder: Path, suffix: str, content: bytes) -> None:
    path = folder / f"dev.{suffix}"
    path.write_bytes(content)
    try:
        loaded = load_split(str(path), "dev")
    except NliError as error:
        refused = error
    else:
        assert len(loaded.examples()) == len(loaded) > 0
        assert all(0 <= row.label <= 3 for row in loaded)
        return
    assert refused.message
    assert refused.hint


RELAXED = {"suppress_health_check": [HealthCheck.function_scoped_fixture]}
FEW, MANY = settings(max_examples=100, **RELAXED), settings(max_examples=5000, **RELAXED)
BYTES = {"suffix": SUFFIXES, "content": st.binary(max_size=400)}
DAMAGE = {
    "rows": ROWS,
    "at": st.integers(0, 400),
    "flip": st.binary(max_size=2),
    "cut_off": st.booleans(),
    "suffix": SUFFIXES,
}


@FEW
@given(**BYTES)
@example(suffix="csv", content=b'premise,hypothesis,label\n"a"b,c,0\n')
@example(suffix="csv", content=b"premise,hypothesis,label\ra,b,0\r")
@example(suffix="jsonl", content=b'{"premise":"a","hypothesis":"b","label":' + b"9" * 5000 + b"}")
@example(suffix="jsonl", content=b"\xff\xfe{")
@example(suffix="json", content=b"[1, 2")
def test_any_bytes_load_or_are_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    loads_or_refuses(tmp_path, suffix, content)


@FEW
@given(**DAMAGE)
def test_damaged_files_load_or_are_refused(tmp_path: Path, **damage: Any) -> None:
    loads_or_refuses(tmp_path, damage["suffix"], damaged(**damage))


@pytest.mark.slow
@MANY
@given(**BYTES)
def test_any_bytes_thousands_of_times(tmp_path: Path, suffix: str, content: bytes) -> None:
    loads_or_refuses(tmp_path, suffix, content)


@pytest.mark.slow
@MANY
@given(**DAMAGE)
def test_damaged_files_thousands_of_times(tmp_path: Path, **damage: Any) -> None:
    loads_or_refuses(tmp_path, damage["suffix"], damaged(**damage))


def damaged(rows: list[dict[str, Any]], at: int, flip: bytes, cut_off: bool, suffix: str) -> bytes:
    """A sound file of this kind with `flip` written over it at `at`, or cut off there."""
    content = sound_file(rows, suffix)
    return content[:at] + flip + (b"" if cut_off else content[at + len(flip) :])


def sound_file(rows: list[dict[str, Any]], suffix: str) -> bytes:
    if suffix == "parquet":
        table = pa.Table.from_pylist([{key: str(row[key]) for key in row} for row in rows])
        buffer = pa.BufferOutputStream()
        pq.write_table(table, buffer)
        return buffer.getvalue().to_pybytes()
    if suffix in ("csv", "tsv", "txt"):
        header = [{"premise": "A", "hypothesis": "B", "label": "e"}]
        delimiter = "," if suffix == "csv" else "\t"
        return as_csv(header + rows, delimiter=delimiter).encode("utf-8", "surrogatepass")
    content = "\n".join(map(json.dumps, rows)).encode()
    return gzip.compress(content) if suffix.endswith("gz") else content


def test_further_columns_are_kept_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "dev.csv"
    path.write_text(
        "Unnamed: 0,premise,hypothesis,label,genre,uid,score,zip,sentence1_parse\n"
        "0,A man sleeps.,He rests.,neutral,fiction,7,0.50,0171,(ROOT)\n"
        "1,A dog runs.,It moves.,entailment,,8,,12a,(ROOT)\n",
        "utf-8",
    )
    one, two = load_split(str(path), "dev").examples()
    assert one.extra == {"genre": "fiction", "uid": 7, "score": 0.5, "zip": "0171"}
    assert (two.extra, two.source_id) == ({"uid": 8, "zip": "12a"}, "8")


def test_nested_and_odd_values_of_further_columns(tmp_path: Path) -> None:
    row = {
        "premise": "A man sleeps.",
        "hypothesis": "He rests.",
        "label": "neutral",
        "doc": {"genre": "travel", "ids": ["a", "b"]},
        "checked": True,
        "nothing": None,
        "long": "x" * 10_001,
        "broken": "\ud800",
        "extra": {"genre": "own"},
        "meta.round": 2,
    }
    path = tmp_path / "dev.jsonl"
    path.write_text(json.dumps(row) + "\n" + json.dumps(row | {"nan": float("nan")}), "utf-8")
    for loaded in load_split(str(path), "dev"):
        assert loaded.extra == {
            "genre": "own",
            "ids": ["a", "b"],
            "checked": True,
            "round": 2,
        }
