from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nliexplorer.cli.data import app
from nliexplorer.data.sources import list_sources, load_split
from nliexplorer.errors import NliError

PAIRS = [
    {"premise": "A dog runs.", "hypothesis": "An animal moves.", "label": "entailment"},
    {"premise": "A [red]dog[/] \x1b]0;x\x07runs.", "hypothesis": "It is late.", "label": "neutral"},
    {"premise": "A dog runs.", "hypothesis": "It sleeps.", "label": "-"},
]


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    path = tmp_path / "dev.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in PAIRS))
    return str(path)


def invoke(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def test_list_names_every_source() -> None:
    result = invoke("list", "--json")
    rows = json.loads(result.stdout)
    assert [row["name"] for row in rows] == [source.name for source in list_sources()]
    assert rows[0]["name"] == "planted"
    assert next(row for row in rows if row["name"] == "hans")["labels"] == 2
    assert "hans" in invoke("list").stdout


def test_a_stress_test_of_nothing_says_what_it_takes() -> None:
    with pytest.raises(NliError) as caught:
        invoke("show", "stress-length")
    assert "stress-length:snli" in caught.value.hint


def test_show_says_what_is_in_a_split_and_what_was_left_out(pairs: str) -> None:
    about = json.loads(invoke("show", pairs, "--json").stdout)
    assert (about["split"], about["n"]) == ("dev", 2)
    assert about["labels"] == {"entailment": 1, "neutral": 1}
    assert about["dropped"] == {"no usable label": 1}
    assert about["dropped_lines"] == {"no usable label": [3]}
    assert about["fingerprint"] == load_split(pairs, "dev").fingerprint
    assert about["examples"][0] == PAIRS[0]
    assert about["mean_length"] == 6.0


def test_show_prints_hostile_text_as_text(pairs: str) -> None:
    text = invoke("show", pairs, "-n", "2").stdout
    assert "\x1b" not in text
    assert "[red]dog[/]" in text
    assert "line 3" in text


def test_show_of_nothing_is_refused() -> None:
    with pytest.raises(NliError, match="unknown data source"):
        invoke("show", "nothing")


def test_build_writes_what_show_reads_back(tmp_path: Path) -> None:
    out = tmp_path / "corpus"
    options = ["--out", str(out), "--seed", "5", "--rate", "0.3", "--n", "60", "--json"]
    result = json.loads(invoke("build", "planted", *options).stdout)
    assert {Path(file["file"]).name for file in result["files"]} >= {"train.jsonl", "clean.jsonl"}
    made = load_split("planted?seed=5&rate=0.3&n=60", "dev")
    read = load_split(str(out), "dev")
    assert read.examples() == made.examples()
    assert any(row.artefact for row in read)
    assert read.fingerprint == made.fingerprint
    assert read.fingerprint != load_split("planted?n=60", "dev").fingerprint
    assert not list(out.glob("*.part"))
    with pytest.raises(NliError, match="exists"):
        invoke("build", "planted", "--out", str(out))


def test_build_into_a_file_is_refused(pairs: str) -> None:
    with pytest.raises(NliError, match="cannot write"):
        invoke("build", "planted", "--out", pairs, "--n", "30")
