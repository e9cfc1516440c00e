"""One table, however it is written down: the same pairs come back, and no fragment of one."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import shlex
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nliexplorer.data.sources import available_splits, load_split
from nliexplorer.data.tabular import compression, open_table
from nliexplorer.data.tabular.cells import parse_container
from nliexplorer.data.tabular.columns import ALIASES
from nliexplorer.errors import NliError
from tests.data.conftest import PAIRS, WORDS, generic

Pair = tuple[str, str, int]


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.data", content)
        archive.writestr("__MACOSX/._inner.data", b"x")
    return buffer.getvalue()


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda content: content,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: pa.compress(content, "zstd", asbytes=True),
    ".zip": zipped,
}
DELIMITERS = {"csv": ",", "tsv": "\t", "txt": "\t"}
NAMINGS = [
    ("premise", "hypothesis", "label"),
    ("Premise", "Hypothesis", "Label"),
    ("sentence1", "sentence2", "gold_label"),
    ("sentence_A", "sentence_B", "entailment_label"),
    ("context", "hypo", "GOLD"),
]


def pairs_of(source: str | Path, split: str = "") -> list[Pair]:
    source = str(source)
    rows = load_split(source, split or available_splits(source)[0])
    return [(row.premise, row.hypothesis, row.gold) for row in rows]


def delimited(rows: list[dict[str, Any]], delimiter: str, **keywords: Any) -> str:
    text = io.StringIO()
    keywords = {"lineterminator": "\n", **keywords}
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, **keywords)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def columnwise(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


JSON_LAYOUTS: dict[str, Callable[[list[dict[str, Any]]], str]] = {
    "lines": lambda rows: "".join(json.dumps(row) + "\n" for row in rows),
    "array": lambda rows: json.dumps(rows, indent=1),
    "one line": json.dumps,
    "columns": lambda rows: json.dumps(columnwise(rows)),
    "pandas": lambda rows: json.dumps(
        {name: {str(i): v for i, v in enumerate(cells)} for name, cells in columnwise(rows).items()}
    ),
    "index": lambda rows: json.dumps({str(i): row for i, row in enumerate(rows)}),
    "split": lambda rows: json.dumps(
        {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}, indent=2
    ),
    "wrapped": lambda rows: json.dumps({"data": rows}),
    "viewer": lambda rows: json.dumps(
        {"rows": [{"row_idx": i, "row": row} for i, row in enumerate(rows)]}
    ),
    "one after the other": lambda rows: "\n".join(json.dumps(row, indent=1) for row in rows),
}

SENTENCE = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from('",;|\t\n'), max_size=20
).map(lambda text: f"A {text} b.")
TABLE = st.lists(st.tuples(SENTENCE, SENTENCE, st.sampled_from(WORDS)), min_size=2, max_size=6).map(
    lambda rows: [("First premise.", "First hypothesis.", "neutral"), *rows]
)
RELAXED: dict[str, Any] = {"suppress_health_check": list(HealthCheck)}


@settings(max_examples=120, **RELAXED)
@given(
    TABLE,
    st.sampled_from(NAMINGS),
    st.sampled_from(["csv", "tsv", "txt"]),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(list(COMPRESS)),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_any_dialect_compression_and_naming_gives_the_pairs_that_were_written(
    tmp_path: Path,
    rows: list[tuple[str, str, str]],
    naming: tuple[str, str, str],
    suffix: str,
    delimiter: str,
    packed: str,
    encoding: str,
    quoting: int,
) -> None:
    if delimiter == "\t" and quoting == csv.QUOTE_MINIMAL:  # a tab in a quoted cell of a plain TSV
        rows = [(p.replace("\t", " "), h.replace("\t", " "), w) for p, h, w in rows]
    text = delimited(
        [dict(zip(naming, row, strict=True)) for row in rows], delimiter, quoting=quoting
    )
    path = tmp_path / f"dev.{suffix}{packed}"
    path.write_bytes(COMPRESS[packed](text.encode(encoding)))
    expected = [(premise, hypothesis, WORDS.index(word)) for premise, hypothesis, word in rows]
    assert pairs_of(path, "dev") == expected


@settings(max_examples=60, **RELAXED)
@given(
    TABLE,
    st.sampled_from(NAMINGS),
    st.sampled_from(list(JSON_LAYOUTS)),
    st.sampled_from(list(COMPRESS)),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_json_layout_compression_and_naming_too(
    tmp_path: Path,
    rows: list[tuple[str, str, str]],
    naming: tuple[str, str, str],
    layout: str,
    packed: str,
    encoding: str,
) -> None:
    text = JSON_LAYOUTS[layout]([dict(zip(naming, row, strict=True)) for row in rows])
    path = tmp_path / f"dev.json{packed}"
    path.write_bytes(COMPRESS[packed](text.encode(encoding)))
    expected = [(premise, hypothesis, WORDS.index(word)) for premise, hypothesis, word in rows]
    assert pairs_of(path, "dev") == expected


@pytest.mark.parametrize("layout", JSON_LAYOUTS)
def test_a_table_larger_than_a_chunk_is_read_whole(tmp_path: Path, layout: str) -> None:
    rows = [
        {"premise": f"Premise {n}, " + "x" * 500, "hypothesis": "H.", "label": WORDS[n % 3]}
        for n in range(4_500)
    ]
    (tmp_path / "dev.json").write_text(JSON_LAYOUTS[layout](rows))
    assert [p.split(",")[0] for p, *_ in pairs_of(tmp_path / "dev.json")] == [
        f"Premise {n}" for n in range(4_500)
    ]


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


HEADER = "premise\thypothesis\tlabel\n"


def test_a_line_break_in_a_quoted_cell_of_a_tsv_is_part_of_the_cell(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "dev.tsv",
        HEADER
        + '"A man\nis reading\n\na map."\tHe reads.\tentailment\n'
        + 'A.\t"B\nc."\tneutral\n'
        + "Plain.\tRow.\tcontradiction\n",
    )
    loaded = load_split(str(path), "dev")
    assert [row.premise for row in loaded] == ["A man\nis reading\n\na map.", "A.", "Plain."]
    assert loaded[1].hypothesis == "B\nc."
    assert not loaded.dropped


def test_a_quoted_break_in_the_last_cell_too(tmp_path: Path) -> None:
    text = 'label\tpremise\thypothesis\nneutral\tA.\t"B\nc."\nneutral\t"D\tE.\nneutral\tF.\t"G\n'
    loaded = load_split(str(write(tmp_path, "dev.tsv", text)), "dev")
    assert [(row.premise, row.hypothesis) for row in loaded] == [
        ("A.", "B\nc."),
        ('"D', "E."),
        ("F.", '"G'),
    ]


def test_a_speakers_stray_quotes_swallow_nothing(tmp_path: Path) -> None:
    rows = [f'"Go {n}\tShe said "stop\tneutral' for n in range(5)]
    rows += ['Stop" he said\t"Go\tentailment', 'A "b" c\t"D" e\tcontradiction']
    loaded = load_split(str(write(tmp_path, "dev.tsv", HEADER + "\n".join(rows) + "\n")), "dev")
    assert len(loaded) == 7
    assert loaded[0].premise == '"Go 0'
    assert loaded[5].hypothesis == '"Go'
    assert not loaded.dropped


@pytest.mark.parametrize(
    ("text", "kept", "dropped"),
    [
        # A break left unquoted: the head is short, the tail looks like a row.
        (HEADER + "A man\nis reading.\tHe reads.\tneutral\nC.\tD.\tneutral\n", ["C."], 2),
        ("premise,hypothesis,label\nA man\nis here.,H.,neutral\nC.,D.,neutral\n", ["C."], 2),
        # The head looks like a row, the tail is short.
        ("label,premise,hypothesis\nneutral,A.,B\nand c.\nneutral,D.,E.\n", ["D."], 2),
        # Quotes inside a quoted cell that are not doubled.
        (
            'premise,hypothesis,label\n"He said "stop" and\nleft.",B,neutral\nC.,D.,neutral\n',
            ["C."],
            2,
        ),
        # A quoted cell with a tab and a break, in a row of the wrong width.
        (HEADER + '"A\tb\nc"\tB\tneutral\nC.\tD.\tneutral\n', None, None),
    ],
)
def test_no_fragment_of_a_broken_row_passes_as_a_row(
    tmp_path: Path, text: str, kept: list[str] | None, dropped: int | None
) -> None:
    suffix = "tsv" if "\t" in text else "csv"
    filler = text.split("\n")[-2]
    loaded = load_split(str(write(tmp_path, f"dev.{suffix}", text + f"{filler}\n" * 3)), "dev")
    fragments = ("is reading.", "is here.", 'left."', 'c"', "B")
    assert not any(row.premise in fragments for row in loaded)
    assert all("and c." not in row.hypothesis and row.hypothesis != "B" for row in loaded)
    if kept is not None:
        assert {row.premise for row in loaded} == set(kept)
        assert sum(loaded.dropped.values()) == dropped


def test_a_backslash_before_quotes_inside_a_cell(tmp_path: Path) -> None:
    text = 'premise,hypothesis,label\n"He said \\"stop, now\\".",B.,neutral\nC.,D.,neutral\n'
    assert pairs_of(write(tmp_path, "dev.csv", text))[0][0] == 'He said "stop, now".'


def test_excel_says_its_delimiter_in_the_first_line(tmp_path: Path) -> None:
    text = "sep=;\npremise;hypothesis;label\nA, b, c.;D.;neutral\nE.;F.;x\n"
    with pytest.raises(NliError, match="line 4: unknown label 'x'"):
        pairs_of(write(tmp_path, "dev.csv", text))
    assert pairs_of(write(tmp_path, "dev.csv", text.replace(";x", ";e")))[0] == (
        "A, b, c.",
        "D.",
        1,
    )


@pytest.mark.parametrize("encoding", ["cp1252", "cp1251", "shift_jis", "gb18030"])
def test_legacy_encodings_are_detected_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], encoding: str
) -> None:
    text = {
        "cp1252": "Zwei Männer überqueren die Straße.",
        "cp1251": "Мужчина читает газету в парке.",
        "shift_jis": "男の人が公園で新聞を読んでいる。",
        "gb18030": "一个男人在公园里看报纸。",
    }[encoding]
    rows = [{"premise": text, "hypothesis": "H.", "label": word} for word in WORDS] * 4
    path = write(tmp_path, "dev.csv", delimited(rows, ","), encoding)
    assert pairs_of(path)[0] == (text, "H.", 0)
    assert f"read as {encoding}" in capsys.readouterr().err.replace("\n", " ")
    assert pairs_of(f"{path}?encoding={encoding}")[0][0] == text
    assert "read as" not in capsys.readouterr().err


def test_utf16_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = write(tmp_path, "dev.csv", delimited(generic(WORDS.__getitem__), ","), "utf-16-le")
    assert pairs_of(path) == PAIRS


@pytest.mark.parametrize(
    ("name", "text"),
    [("dev.csv", "a,b\n" + "x,y\n" * 3), ("dev.csv", "A b.,C d.,neutral\nE f.,G h.,entailment\n")],
)
def test_a_refusal_names_the_text_that_would_work(tmp_path: Path, name: str, text: str) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(NliError) as refused:
        load_split(str(path), "dev")
    if "neutral" in text:
        assert f"{path}?columns=premise,hypothesis,label" in refused.value.hint
        (spec,) = shlex.split(refused.value.hint.split(": ", 1)[1])
        assert pairs_of(spec) == [("A b.", "C d.", 1), ("E f.", "G h.", 0)]
    else:
        assert f"{path}?premise=" in refused.value.hint


def test_any_column_can_be_named_percent_encoded(tmp_path: Path) -> None:
    rows = [{"Text & more": p, "second=text": h, "Urteil": WORDS[label]} for p, h, label in PAIRS]
    path = write(tmp_path, "dev.csv", delimited(rows, ";"))
    spec = f"{path}?premise=Text%20%26%20more&hypothesis=second%3Dtext&label=Urteil"
    assert pairs_of(spec) == PAIRS
    with pytest.raises(NliError, match="no column 'nowhere'") as refused:
        pairs_of(f"{path}?premise=nowhere&hypothesis=second%3Dtext&label=Urteil")
    assert "'Text & more'" in refused.value.hint


def test_nested_fields_and_chaosnli_names(jsonl: Callable[..., str]) -> None:
    rows = [
        {
            "uid": f"u{n}",
            "majority_label": WORDS[label][0],
            "old_labels": ["neutral"] * 5,
            "label_count": [1, 2, 3],
            "example": {"uid": "x", "premise": p, "hypothesis": h},
        }
        for n, (p, h, label) in enumerate(PAIRS)
    ]
    loaded = load_split(jsonl(rows), "dev")
    assert [(row.premise, row.hypothesis, row.gold) for row in loaded] == PAIRS
    assert loaded[2].source_id == "u2"
    assert loaded[2].annotator_labels == (0, 1, 1, 2, 2, 2)  # not the five older ones


def test_parquet_columns_nobody_reads_do_no_harm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pa.Table.from_pylist(generic(WORDS.__getitem__))
    n = table.num_rows
    odd = pa.array([[("k", "v")]] * n, pa.map_(pa.string(), pa.string()))
    table = table.append_column("more", odd)
    table = table.append_column("when", pa.array([2**62] * n, pa.timestamp("us")))
    table = table.append_column("raw", pa.array([b"\xff"] * n))
    pq.write_table(table, tmp_path / "dev.parquet")
    assert pairs_of(tmp_path / "dev.parquet") == PAIRS
    assert "columns left unread: more (map" in capsys.readouterr().err.replace("\n", " ")


def test_floats_for_integers_and_dictionary_columns(tmp_path: Path) -> None:
    table = pa.table(
        {
            "premise": pa.array([p for p, *_ in PAIRS]).dictionary_encode(),
            "hypothesis": [h for _, h, _ in PAIRS],
            "label": [float(label) for *_, label in PAIRS],
        }
    )
    pq.write_table(table, tmp_path / "dev.parquet")
    assert pairs_of(tmp_path / "dev.parquet") == PAIRS


def test_columns_that_look_like_answers_are_never_ignored_without_a_word(
    jsonl: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{**row, "logits": [1, 2, 3], "my_answer": "x", "note": "y"} for row in generic()]
    load_split(jsonl(rows), "dev")
    assert "columns not read: logits, my_answer" in capsys.readouterr().err.replace("\n", " ")


def test_pandas_printed_annotators_are_kept(tmp_path: Path) -> None:
    rows = [
        {
            "gold_label": "neutral",
            "sentence1": "A.",
            "sentence2": "B.",
            "annotator_labels": printed,
        }
        for printed in (
            "['neutral', 'neutral', 'entailment']",
            "['neutral' 'neutral' 'entailment']",
            '["neutral", "neutral", "entailment"]',
        )
    ]
    loaded = load_split(str(write(tmp_path, "dev.csv", delimited(rows, ","))), "dev")
    assert [row.annotator_labels for row in loaded] == [(1, 1, 0)] * 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[0.1, 0.2, 0.7]", [0.1, 0.2, 0.7]),
        ("[0.1 0.2\n 0.7]", [0.1, 0.2, 0.7]),
        ("[-1.2e-03  2.   -inf]", [-0.0012, 2.0, float("-inf")]),
        ("array([0.1, 0.2], dtype=float32)", [0.1, 0.2]),
        ("tensor([0.1, 0.2], device='cuda:0')", [0.1, 0.2]),
        ("[np.float32(0.1), np.float32(0.2)]", [0.1, 0.2]),
        ("0.1;0.2 0.7", [0.1, 0.2, 0.7]),
        ("{'entailment': 0.1}", {"entailment": 0.1}),
        ("['a' 'b c']", ["a", "b c"]),
        ("plain text", "plain text"),
        ("[", "["),
        ("3", "3"),
        (None, None),
    ],
)
def test_lists_as_libraries_print_them(text: Any, value: Any) -> None:
    assert parse_container(text) == value


def test_every_alias_belongs_to_one_role_of_its_kind() -> None:
    plain = [
        name for role in ("premise", "hypothesis", "label", "predicted") for name in ALIASES[role]
    ]
    assert len(plain) == len(set(plain))


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    def pipe(content: bytes) -> None:
        compression._standard_input.cache_clear()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    yield pipe
    compression._standard_input.cache_clear()


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(json.dumps(row) for row in generic()).encode(),
        json.dumps(generic()).encode("utf-16"),
        gzip.compress(delimited(generic(), ",").encode()),
        delimited(generic(), "\t").encode(),
        delimited(generic(), ";").encode("utf-8-sig"),
    ],
    ids=["jsonl", "array in utf-16", "gzipped csv", "tsv", "semicolons"],
)
def test_standard_input_in_any_format(piped: Callable[[bytes], None], content: bytes) -> None:
    piped(content)
    assert pairs_of("-") == PAIRS


def test_an_archive_of_several_files_is_refused_by_their_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "dev.jsonl.zip", "w") as archive:
        archive.writestr("a.jsonl", "{}")
        archive.writestr("b.jsonl", "{}")
    with pytest.raises(NliError, match=r"holds 2 files: a\.jsonl, b\.jsonl") as refused:
        open_table(tmp_path / "dev.jsonl.zip")
    assert "unzip dev.jsonl.zip" in refused.value.hint


@pytest.mark.parametrize("packed", [".gz", ".bz2", ".xz", ".zst", ".zip"])
def test_a_damaged_archive_is_two_lines(tmp_path: Path, packed: str) -> None:
    content = COMPRESS[packed](("\n".join(map(json.dumps, generic())) * 50).encode())
    path = tmp_path / f"dev.jsonl{packed}"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(NliError, match=r"damaged|cut off|broken"):
        load_split(str(path), "dev")
