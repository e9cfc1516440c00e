"""`tags`: annotations in and out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.cli.conftest import Call
from tests.databases import pairs


def test_what_is_exported_comes_back(call: Call, database: Path, tmp_path: Path) -> None:
    with StoreReader(database) as reader:
        rows = reader.predictions.rows(reader.runs.evaluation("first"))
    with StoreWriter(database) as writer:
        writer.tag(rows[3].example_id, "odd; very")
        writer.tag(rows[3].example_id, "odd")
        writer.tag(rows[7].example_id, "odd")
        writer.set_note(rows[7].example_id, "two readings\nof one sentence")
    for name in ("review.jsonl", "review.csv"):
        assert call("tags", "export", name, "--json").json == {"pairs": 2, "file": name}
    before = [json.loads(line) for line in (tmp_path / "review.jsonl").read_text().splitlines()]
    assert [row["tags"] for row in before] == [["odd", "odd; very"], ["odd"]]
    with StoreWriter(database) as writer:
        writer.untag(rows[7].example_id, "odd")
        writer.set_note(rows[7].example_id, "")
    for name in ("review.csv", "review.jsonl"):
        result = call("tags", "import", name, "--json").json
        assert (result["pairs"], result["tags"], result["notes"]) == (2, 3, 1)
    assert call("tags", "export", "review.jsonl", "--force").code == 0
    after = [json.loads(line) for line in (tmp_path / "review.jsonl").read_text().splitlines()]
    assert after == before
    assert call("tags", "list", "--json").json == [
        {"tag": "odd", "pairs": 2},
        {"tag": "odd; very", "pairs": 1},
    ]
    with (tmp_path / "review.csv").open(newline="") as stream:
        assert [row["note"] for row in csv.DictReader(stream)][1] == "two readings\nof one sentence"


def test_verdicts_by_text(call: Call, database: Path, tmp_path: Path) -> None:
    """Another model's flags name pairs by their sentences."""
    lines = [
        json.dumps({"premise": p.premise, "hypothesis": p.hypothesis, "verdict": verdict})
        for p, verdict in zip(pairs(200), ["wrong label", "", "fine"] + [""] * 197, strict=True)
    ]
    lines.append(json.dumps({"premise": "Nobody", "hypothesis": "knows.", "verdict": "fine"}))
    (tmp_path / "verdicts.jsonl").write_text("\n".join(lines))
    outcome = call(
        "tags", "import", "verdicts.jsonl", "--tag-column", "verdict", "--prefix", "llm:"
    )
    assert outcome.out.splitlines() == [
        "2 tags and 0 notes on 2 pairs",
        "left out: 1 rows that match no pair (line 201)",
    ]
    result = call("examples", "first", "--tag", "llm:wrong label", "--json").json
    assert [row["premise"] for row in result] == [pairs(200)[0].premise]


def test_bad_files_change_nothing(call: Call, database: Path, tmp_path: Path) -> None:
    first = {"premise": pairs(1)[0].premise, "hypothesis": pairs(1)[0].hypothesis}
    for rows, message in (
        ([first | {"tags": "good"}, first | {"tags": "x" * 101}], "line 2: "),
        ([first | {"tags": "good"}, {"tags": "good"}], "no example_id, and no premise"),
        ([first], "no row has a tag or a note"),
        ([{"example_id": "ffffffffffffffff", "tags": "good"}], "none of 1 annotated rows"),
    ):
        (tmp_path / "bad.jsonl").write_text("\n".join(map(json.dumps, rows)))
        outcome = call("tags", "import", "bad.jsonl")
        assert outcome.code == 1
        assert message in outcome.err
        assert outcome.err.count("\n") == 2
        assert call("tags", "list", "--json").json == []
    refused = call("tags", "import", "bad.jsonl", "--tag-column", "verdicts")
    assert "unknown column" in refused.err
