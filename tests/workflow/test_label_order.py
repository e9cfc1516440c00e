"""Evaluating on bare numbers in another order is told, with the command that states it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from nliexplorer.inference import predict
from nliexplorer.modeling.load import load_classifier
from nliexplorer.records import Run
from nliexplorer.run_summary import label_basis_key
from nliexplorer.store.reader import StoreReader
from nliexplorer.workflow.evaluate import Forward, evaluate_run
from nliexplorer.workflow.label_order import head_of
from tests.tinyruns import tiny_run

WORDS = ("boy", "girl", "dog", "a", "the", "man")


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_an_evaluation_on_permuted_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shift: int
) -> None:
    db, run = tiny_run(tmp_path)
    classifier = load_classifier(str(tmp_path / "model-tiny"), device="cpu")
    pairs = [
        (f"{a} {b} {c}", f"{b} {d}") for a in WORDS for b in WORDS for c in WORDS for d in WORDS
    ]
    answers = predict(classifier, pairs).argmax(axis=-1).tolist()
    by_class = [[i for i, answer in enumerate(answers) if answer == k][:40] for k in range(3)]
    kept = [i for same in by_class for i in same]
    # Two classes suffice to tell the orders apart; 2 must occur for the convention to apply.
    if sum(map(bool, by_class)) < 2:
        pytest.skip("this random model predicts one class only")
    labels = [(answers[i] + shift) % 3 for i in kept]
    missing = sorted({0, 2} - set(labels))
    rows = [
        {"premise": pairs[i][0], "hypothesis": pairs[i][1], "label": label}
        for i, label in zip(kept, labels, strict=True)
    ]
    rows += [{"premise": "a", "hypothesis": f"the {label}", "label": label} for label in missing]
    source = tmp_path / "pairs.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    capsys.readouterr()
    _, split = evaluate_run(db, run, str(source), None, Forward("cpu"))
    messages = " ".join(capsys.readouterr().err.split())
    assert ("likely wrong" in messages) == bool(shift)
    with StoreReader(db) as reader:
        basis = reader.runs.get(run).summary[label_basis_key(split)]  # type: ignore[literal-required]
        assert basis["gold"] == "convention"
    if shift:
        command = messages.split("labels so: ", 1)[1]
        words = shlex.split(command)
        assert words[:4] == ["nliexplorer", "evaluate", "tiny", "--data"]
        evaluate_run(db, run, words[4], words[6], Forward("cpu"))
        assert "likely wrong" not in capsys.readouterr().err


def test_the_command_for_a_stated_head_moves_its_outputs() -> None:
    """Outputs stated as c, e, n of which e and n turn out to be swapped."""
    run = Run("1", "x", "external", "done", "d", "M", None, "", config={"labels": "c,e,n"})
    command = head_of(run, "pairs.csv", "dev")
    assert command is not None
    swapped = command(["neutral", "entailment", "contradiction"])
    assert shlex.split(swapped)[2] == "M?labels=contradiction,neutral,entailment"
    plain = Run("1", "x", "external", "done", "d", "M", None, "")
    assert head_of(plain, "pairs.csv", "dev") is None
