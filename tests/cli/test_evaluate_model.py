"""`evaluate MODEL` and `explain MODEL`: a model that was not trained here becomes a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest

from nliexplorer.records import LABELS
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow.weights import weights_digest
from tests.cli.conftest import Call
from tests.families import FAMILIES
from tests.tinymodels import EXAMPLES
from tests.tinyruns import tiny_run

PAIR = ("--premise", "A man sleeps on the grass .", "--hypothesis", "The man is sleeping .")


@pytest.fixture
def data() -> str:
    rows = [
        {"premise": each.premise, "hypothesis": each.hypothesis, "label": LABELS[each.gold]}
        for each in EXAMPLES
    ]
    Path("pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return "pairs.jsonl"


def test_a_folder_becomes_a_run_like_any_other(
    call: Call, data: str, family_checkpoint: Callable[[str], Path]
) -> None:
    folder = family_checkpoint("deberta-v2")
    made = call("evaluate", folder, "--data", data, "--attribute", "--device", "cpu", "--json")
    assert made.code == 0, made.err
    (run_id,) = made.json["runs"]
    with StoreReader("runs.db") as reader:
        run = reader.runs.get(run_id)
        assert (run.objective, run.name, run.status) == ("external", folder.name, "done")
        assert run.summary["weights_sha256"] == weights_digest(folder)
        assert run.config["labels"] == "entailment,neutral,contradiction"
        assert run.metrics["pairs"].n == len(EXAMPLES)
    assert "start from mask embeddings" in made.err
    errors = call("errors", run_id, "--json", "--attributions").json
    assert errors
    assert all(error["attributions"] for error in errors)
    for command in (("calibration",), ("faithfulness", "--steps", 2, "--samples", 2)):
        assert call(command[0], run_id, *command[1:], "--json").code == 0
    explained = call("explain", run_id, folder, *PAIR, "--steps", 4, "--json")
    first, second = explained.json
    assert first["probabilities"] == pytest.approx(second["probabilities"])


def test_one_model_is_one_run_and_a_name_makes_another(
    call: Call, data: str, family_checkpoint: Callable[[str], Path]
) -> None:
    folder = family_checkpoint("bert")
    first, again, named = (
        call("evaluate", folder, "--data", data, "--device", "cpu", "--json", *more)
        for more in ((), (), ("--name", "mine"))
    )
    assert first.json == again.json != named.json
    assert f"is run {folder.name}" in again.err
    assert [run["name"] for run in call("runs", "list", "--json").json] == ["mine", folder.name]
    short = call("evaluate", folder, "--data", data, "--max-length", 12, "--device", "cpu")
    assert "cut to 12 tokens" in short.err
    assert len(call("runs", "list", "--json").json) == 3


def test_a_model_is_explained_without_a_database(
    call: Call, family_checkpoint: Callable[[str], Path]
) -> None:
    explained = call("explain", family_checkpoint("xlnet"), *PAIR, "--steps", 4, "--json")
    assert explained.code == 0, explained.err
    (result,) = explained.json
    assert set(result["probabilities"]) == set(LABELS)
    assert not Path("runs.db").exists()


def test_a_word_that_is_a_run_and_a_folder_is_the_run_and_that_is_said(
    call: Call, data: str, tmp_path: Path, family_checkpoint: Callable[[str], Path]
) -> None:
    _, run_id = tiny_run(tmp_path, name="both")
    copytree(family_checkpoint("bert"), tmp_path / "both")
    outcome = call("evaluate", "both", "--data", data, "--device", "cpu", "--json")
    assert outcome.json == {"runs": [run_id]}
    assert "is a run and a folder" in outcome.err
    other = call("evaluate", "./both", "--data", data, "--device", "cpu", "--json")
    assert other.json != {"runs": [run_id]}


def test_two_way_heads_are_stored_and_scored_as_two_classes(
    call: Call, data: str, tmp_path: Path
) -> None:
    from tests.modeling.test_heads import with_outputs

    folder = with_outputs(tmp_path / "two", 2, "not_entailment", "entailment")
    made = call("evaluate", folder, "--data", data, "--attribute", "--device", "cpu", "--json")
    assert made.code == 0, made.err
    rows = call("examples", made.json["runs"][0], "--json").json
    assert {row["predicted"] for row in rows} <= {"entailment", "non-entailment"}
    assert all(set(row["probabilities"]) == {"entailment", "non-entailment"} for row in rows)
    right = sum((row["predicted"] == "entailment") == (row["gold"] == "entailment") for row in rows)
    with StoreReader("runs.db") as reader:
        metrics = reader.runs.get("latest").metrics["pairs"]
    assert metrics.accuracy == pytest.approx(right / len(rows))
    explained = call("explain", folder, *PAIR, "--steps", 4, "--json").json[0]
    assert set(explained["probabilities"]) == {"entailment", "non-entailment"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing-of-that-name", "--data", "pairs.jsonl"), "no run"),
        (("./missing", "--data", "pairs.jsonl"), "no model folder"),
        (("MODEL",), "comes without data"),
        (("MODEL?labels=c,n,e", "--data", "pairs.jsonl"), "contradicts it"),
        (("MODEL?order=c,n,e", "--data", "pairs.jsonl"), "unknown option"),
        (("tiny", "--data", "pairs.jsonl"), "untrained"),
        (("RUN", "--max-length", 64), "is for models"),
    ],
)
def test_what_cannot_be_evaluated_ends_in_two_lines_and_changes_nothing(
    arguments: tuple[object, ...],
    message: str,
    call: Call,
    data: str,
    tmp_path: Path,
    family_checkpoint: Callable[[str], Path],
) -> None:
    _, run_id = tiny_run(tmp_path, name="known")
    model = str(family_checkpoint("bert"))
    words = [str(each).replace("MODEL", model).replace("RUN", run_id) for each in arguments]
    before = call("runs", "list", "--json").json
    outcome = call("evaluate", *words, "--device", "cpu")
    assert outcome.code == 1
    assert message in outcome.err
    assert len(outcome.err.strip().splitlines()) == 2
    assert call("runs", "list", "--json").json == before


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_is_evaluated_attributed_and_explained(
    family: str, call: Call, data: str, family_checkpoint: Callable[[str], Path]
) -> None:
    folder = family_checkpoint(family)
    made = call("evaluate", folder, "--data", data, "--attribute", "--device", "cpu", "--json")
    assert made.code == 0, made.err
    assert call("faithfulness", "latest", "--steps", 3, "--samples", 2, "--json").code == 0
    assert call("explain", "latest", *PAIR, "--steps", 3, "--json").code == 0
