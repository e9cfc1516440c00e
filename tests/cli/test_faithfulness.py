"""`faithfulness` on a stored run."""

from __future__ import annotations

import csv
from pathlib import Path

from nliexplorer.store.reader import StoreReader
from tests.cli.conftest import Call
from tests.tinyruns import tiny_run


def test_measures_beside_chance(call: Call, tmp_path: Path) -> None:
    _, run = tiny_run(tmp_path)
    result = call("faithfulness", run, "--samples", 3, "--steps", 3, "--json").json
    assert (result["run"], result["split"], result["n"]) == ("tiny", "dev", 3)
    names = [each["name"] for each in result["measures"]]
    assert names[:3] == ["comprehensiveness", "sufficiency", "leave-one-out tau"]
    table = call("faithfulness", run, "--samples", 3, "--method", "feature-ablation")
    assert table.code == 0, table.err
    for text in ("comprehensiveness ↑", "sufficiency ↓", "random", "feature-ablation"):
        assert text in table.out
    assert "unknown attribution method" in call("faithfulness", run, "--method", "x").err


def test_highlights_of_people(call: Call, tmp_path: Path) -> None:
    """e-SNLI's own format, two annotators: each gets its own lines."""
    tiny_run(tmp_path)
    rows = [
        {
            "pairID": f"p{i}", "gold_label": label,
            "Sentence1": f"A man number {i} is outside.", "Sentence2": "A man sleeps.",
            "Explanation_1": "x", "Sentence1_marked_1": f"A man number {i} is *outside.*",
            "Sentence2_marked_1": "A man *sleeps.*",
            "Explanation_2": "y", "Sentence1_marked_2": f"A *man* number {i} is outside.",
            "Sentence2_marked_2": "A *man* *sleeps.*",
        }
        for i in range(6)
        for label in ("entailment", "neutral", "contradiction")
    ]  # fmt: skip
    with (tmp_path / "esnli_dev.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    done = call("evaluate", "tiny", "--data", "esnli:esnli_dev.csv")
    assert done.code == 0, done.err
    result = call(
        "faithfulness", "tiny", "--split", "esnli:dev", "--steps", 2, "--samples", 0, "--json"
    ).json
    agreement = {m["name"]: m for m in result["measures"] if m["name"].startswith("plausibility")}
    assert set(agreement) == {
        f"plausibility {name} (annotator {who})"
        for name in ("token F1", "IOU", "AUPRC")
        for who in (1, 2)
    }
    assert all(0 <= each["value"] <= 1 for each in agreement.values())


def test_two_runs_are_compared_on_the_pairs_both_get_right(call: Call, tmp_path: Path) -> None:
    _, run = tiny_run(tmp_path)
    flags = ("--samples", 4, "--steps", 2, "--method", "input-x-gradient")
    with StoreReader(tmp_path / "runs.db") as reader:
        right = int(reader.predictions.arrays(reader.runs.evaluation(run)).correct.sum())
    result = call("faithfulness", run, run, *flags, "--json").json
    assert (result["n"], result["both_right"]) == (min(4, right), right)
    one, two = (each["measures"] for each in result["runs"])
    assert one == two
    for row, own in zip(result["differences"], one, strict=True):
        assert (row["name"], row["a"], row["b"]) == (own["name"], row["b"], own["value"])
        assert row["delta"] in (0.0, None)
        assert row["verdict"] == 0
    assert "pairs that both get right" in call("faithfulness", run, run, *flags).out
