"""`evaluate` on other sets and `suites`: overlap told first, two labels by a stated rule."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nliexplorer.records import Example
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from tests.cli.conftest import Call
from tests.tinyruns import tiny_run

HANS = (
    "gold_label\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\t"
    "sentence2_parse\tsentence1\tsentence2\tpairID\theuristic\tsubcase\ttemplate\n"
    "non-entailment\tx\tx\tx\tx\tThe man saw the dog .\tThe dog saw the man .\tex0\t"
    "lexical_overlap\tln_subject/object_swap\ttemp1\n"
    "entailment\tx\tx\tx\tx\tThe man and the dog ran .\tThe dog ran .\tex1\t"
    "subsequence\tse_conjunction\ttemp2\n"
)


@pytest.fixture
def trained(tmp_path: Path) -> str:
    """A run with a random model, said to be trained on train.jsonl."""
    pairs = [(f"A man number {i} is outside.", "A man sleeps.", i % 3) for i in range(9)]
    rows = [dict(zip(("premise", "hypothesis", "label"), pair, strict=True)) for pair in pairs]
    train = tmp_path / "train.jsonl"
    train.write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "test.jsonl").write_text(
        "\n".join(map(json.dumps, [*rows[:2], {**rows[2], "hypothesis": "Two cats eat."}]))
    )
    db, run_id = tiny_run(tmp_path, examples=[Example(*pair) for pair in pairs])
    with StoreWriter(db) as writer:
        writer._connection.execute(
            "update runs set data = ?, config = ?", (str(train), '{"train_samples": 0}')
        )
    return run_id


def test_overlap_is_told_before_the_figure(call: Call, trained: str, tmp_path: Path) -> None:
    done = call("evaluate", trained, "--data", "test.jsonl")
    assert done.code == 0, done.err
    output = (
        "2 of the 3 test pairs occur in the training data word for word, 2 nearly; "
        "3 share a premise with it"
    )
    assert output in " ".join(done.err.split())
    assert "accuracy" in done.out
    (row,) = (r for r in call("suites", trained, "--json").json if r["split"] == "test.jsonl:test")
    assert row["overlap"] == output
    assert output in call("suites", trained).out
    with StoreReader(tmp_path / "runs.db") as reader:
        kept = reader.runs.get(trained).summary["overlap_test.jsonl:test"]
    assert (kept["exact"], kept["near"], kept["premise"], kept["n"]) == (2, 2, 3, 3)


def test_compare_tells_what_is_known(call: Call, trained: str, tmp_path: Path) -> None:
    call("evaluate", trained, "--data", "test.jsonl")
    call("export", trained, "--split", "test.jsonl:test", "--out", "theirs.jsonl")
    call("import", "theirs.jsonl", "--name", "theirs", "--split", "test.jsonl:test")
    pair = ("compare", trained, "theirs", "--split", "test.jsonl:test")
    result = call(*pair, "--json").json
    assert result["overlap"]["a"].startswith("2 of the 3 test pairs occur in the training data")
    assert result["overlap"]["b"] == ""
    assert "2 of the 3 test pairs occur" in call(*pair).out


@pytest.mark.parametrize("command", ["calibration RUN", "slices RUN", "slices RUN RUN --find 2"])
def test_other_figures_come_after_it_too(call: Call, trained: str, command: str) -> None:
    call("evaluate", trained, "--data", "test.jsonl")
    output = call(*command.replace("RUN", trained).split(), "--split", "test.jsonl:test").out
    assert output.startswith("2 of the 3 test pairs occur in the training data")
    assert "occur in the training data" not in call("calibration", trained).out


def test_unknown_training_is_told(call: Call, tmp_path: Path) -> None:
    _, run = tiny_run(tmp_path)
    (tmp_path / "test.jsonl").write_text(
        '{"premise": "a b", "hypothesis": "a", "label": "neutral"}\n'
    )
    assert "overlap with training is not known" in call("evaluate", run, "--data", "test.jsonl").err


def test_two_labels_by_the_stated_rule(call: Call, trained: str, tmp_path: Path) -> None:
    (tmp_path / "set.txt").write_text(HANS)
    done = call("evaluate", trained, "--data", "hans:set.txt")
    assert done.code == 0, done.err
    assert "neutral and contradiction both count as non-entailment" in " ".join(done.err.split())
    rows = call("examples", trained, "--split", "hans:dev", "--json").json
    right = [(row["predicted"] == "entailment") == (row["gold"] == "entailment") for row in rows]
    (suite,) = (r for r in call("suites", trained, "--json").json if r["split"] == "hans:dev")
    assert suite["two_label"]
    assert suite["accuracy"] == pytest.approx(sum(right) / 2)
    assert "² two labels" in call("suites", trained).out
    slices = call("slices", trained, "--split", "hans:dev", "--by", "heuristic", "--json").json
    assert {row["slice"] for row in slices} == {"lexical_overlap", "subsequence"}
