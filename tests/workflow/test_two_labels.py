"""Models of two labels from training to the figures: RTE, QNLI, SciTail and HANS in miniature."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from nliexplorer.analysis.metrics import confusion
from nliexplorer.analysis.outputs import outputs
from nliexplorer.comparison.pairs import outputs_of, pair_runs
from nliexplorer.comparison.tables import compare_pair, confusions
from nliexplorer.config import TrainConfig, load_config
from nliexplorer.modeling.load import load_classifier, save_classifier
from nliexplorer.records import NON_ENTAILMENT, EvaluationRef, is_correct
from nliexplorer.store.filters import Filter
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.snapshot import snapshot
from nliexplorer.tui.widgets.tabs import TABS
from nliexplorer.workflow import train
from nliexplorer.workflow.evaluate import evaluate_run
from nliexplorer.workflow.train import resume_run, train_all
from tests.cli.conftest import Call, call  # noqa: F401
from tests.tinymodels import tiny_classifier

_NOUNS = ("dog", "cat", "man", "woman", "girl", "boy")
_VERBS = ("runs", "sleeps", "sits", "sings")


def two_label_set(folder: Path) -> str:
    """A folder of train and dev: the hypothesis repeats the premise, or changes its noun."""
    rows = []
    for index, noun in enumerate(_NOUNS):
        for verb in _VERBS:
            premise = f"a {noun} {verb}"
            other = _NOUNS[(index + 1) % len(_NOUNS)]
            rows.append({"premise": premise, "hypothesis": premise, "label": "entailment"})
            rows.append(
                {"premise": premise, "hypothesis": f"a {other} {verb}", "label": "not_entailment"}
            )
    folder.mkdir()
    for split, part in (("train", rows[:32]), ("dev", rows[32:])):
        text = "".join(json.dumps(row) + "\n" for row in part)
        (folder / f"{split}.jsonl").write_text(text)
    return str(folder)


def config(folder: Path, data: str, **changes: object) -> TrainConfig:
    small = {
        "data": data,
        "eval_splits": ("dev",),
        "train_samples": 0,
        "eval_samples": 0,
        "epochs": 3.0,
        "attribution_steps": 64,
        "output_dir": str(folder / "models"),
    }
    return replace(load_config("quick"), **small | changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A baseline and a penalised run of two labels, a run of three, each on the planted dev too."""
    folder = tmp_path_factory.mktemp("two")
    db = folder / "runs.db"
    base = config(folder, two_label_set(folder / "set"))
    both = [replace(base, objective="baseline"), replace(base, objective="ig-variance")]
    ids = train_all(both, db, stem="two")
    three = config(
        folder, "planted", objective="baseline", train_samples=48, eval_samples=24, epochs=1.0
    )
    ids += train_all([replace(three, attribute=False)], db, stem="three")
    evaluate_run(db, ids[0], "planted", "dev", samples=24)
    evaluate_run(db, ids[2], base.data, "dev")
    return db, ids


@pytest.mark.slow
def test_both_objectives_train_a_head_of_two_outputs(trained: tuple[Path, list[str]]) -> None:
    db, ids = trained
    with StoreReader(db) as reader:
        runs = [reader.runs.get(each) for each in ids[:2]]
        assert [run.status for run in runs] == ["done", "done"]
        first, second = (reader.dynamics.steps(run.id) for run in runs)
    assert first[0].ce == pytest.approx(second[0].ce, abs=1e-5)  # same weights, same batch
    assert all(step.variance is None for step in first)
    assert all((step.variance or 0) > 0 for step in second)
    for run in runs:
        names = json.loads((Path(run.checkpoint) / "config.json").read_text())["id2label"]
        assert names == {"0": "entailment", "1": "non-entailment"}
        assert load_classifier(run.checkpoint, device="cpu").classes == (0, NON_ENTAILMENT)
        assert "(entailment, non-entailment)" in (Path(run.checkpoint) / "README.md").read_text()


def test_two_label_gold_is_scored_exactly_and_three_way_gold_by_the_rule(
    trained: tuple[Path, list[str]],
) -> None:
    db, ids = trained
    with StoreReader(db) as reader:
        run = reader.runs.get(ids[0])
        for split, gold_labels in (("dev", {0, NON_ENTAILMENT}), ("planted:dev", {0, 1, 2})):
            arrays = reader.predictions.arrays(EvaluationRef(run.id, split))
            assert set(arrays.gold.tolist()) == gold_labels
            assert set(arrays.predicted.tolist()) <= {0, NON_ENTAILMENT}
            right = [
                is_correct(predicted, gold)
                for predicted, gold in zip(arrays.predicted, arrays.gold, strict=True)
            ]
            same_side = (arrays.predicted == 0) == (arrays.gold == 0)
            assert right == same_side.tolist()
            assert run.metrics[split].accuracy == pytest.approx(np.mean(same_side))
            assert arrays.probabilities is not None
            assert arrays.probabilities.shape == (len(right), 2)
            assert np.allclose(arrays.probabilities.sum(1), 1)


@pytest.mark.slow
def test_attributions_of_the_gold_class_are_complete(trained: tuple[Path, list[str]]) -> None:
    db, ids = trained
    with StoreReader(db) as reader:
        wrong = reader.predictions.rows(EvaluationRef(ids[0], "dev"), Filter.of({"is": "wrong"}))
        assert {row.gold for row in wrong} == {0, NON_ENTAILMENT}
        result = reader.attributions.of_pairs(ids[0], [row.example_id for row in wrong])
        for row in wrong:
            attribution = result[row.example_id]
            assert attribution.target == row.gold
            logits = row.logits
            assert logits is not None
            assert attribution.completeness_delta is not None
            assert abs(attribution.completeness_delta) < 0.05 * max(abs(x) for x in logits) + 1e-3


@pytest.mark.parametrize("split", ["dev", "planted:dev"])
def test_two_way_and_three_way_runs_are_compared_on_two_classes(
    trained: tuple[Path, list[str]], split: str
) -> None:
    db, _ = trained
    with StoreReader(db) as reader:
        paired = pair_runs(reader, ["two-baseline", "three"], split)
        same = pair_runs(reader, ["two-baseline", "two-ig-variance"], "dev")
    assert "two-baseline answers in two classes" in paired.merged_note
    assert not same.merged_note
    comparison = compare_pair(paired)
    for side, value in zip(paired.arrays, ("a", "b"), strict=True):
        right = (side.predicted == 0) == (side.gold == 0)
        assert getattr(comparison.metric("accuracy"), value) == pytest.approx(right.mean())
        auc = roc_auc_score(side.gold == 0, outputs_of(side).p[:, 0])
        assert getattr(comparison.metric("roc_auc_macro"), value) == pytest.approx(auc)
    for table in confusions(paired):
        assert table.counts.shape == (2, 2)
        assert table.predicted_names == ("entailment", "non-entailment")


def test_a_confusion_matrix_of_a_head_that_always_says_entailment_has_two_columns() -> None:
    table = confusion(outputs([0, 1, 2, 2], logits=[[2.0, 1.0]] * 4))
    assert table.counts.tolist() == [[1, 0], [3, 0]]


@pytest.mark.slow
@pytest.mark.parametrize("screen", [tab[0] for tab in TABS])
@pytest.mark.parametrize("runs", [("two-baseline", "two-ig-variance"), ("two-baseline", "three")])
def test_every_screen_shows_two_way_runs(
    trained: tuple[Path, list[str]], screen: str, runs: tuple[str, str]
) -> None:
    taken = snapshot(trained[0], screen, runs, (120, 40), split="dev")
    assert runs[0] in taken.text
    assert "Traceback" not in taken.text
    if screen == "examples":
        assert "non-entailment" in taken.text


def test_a_narrow_matrix_does_not_name_non_entailment_as_it_names_neutral(
    trained: tuple[Path, list[str]],
) -> None:
    runs = ("two-baseline", "two-ig-variance")
    text = snapshot(trained[0], "compare", runs, (80, 40), split="dev").text
    (heading, *_) = (line for line in text.splitlines() if "¬E" in line)
    assert heading.split()[:2] == ["E", "¬E"]


@pytest.mark.parametrize(
    "command",
    [
        "artefacts two-baseline",
        "examples two-baseline --where pred:non-entailment",
        "calibration two-baseline --split planted:dev",
        "slices two-baseline three --by length",
        "labels two-baseline",
        "compare two-baseline three",
        "explain two-baseline three --premise a --hypothesis b --steps 2 --target non-entailment",
    ],
)
def test_reading_commands_take_two_way_runs(
    trained: tuple[Path, list[str]],
    command: str,
    call: Call,  # noqa: F811
) -> None:
    done = call(*command.split(), "--db", trained[0], "--json")
    if "explain" in command:  # the three-way run has no such class
        assert (done.code, done.err.count("\n")) == (1, 2)
        assert "non-entailment is not a class of this model" in done.err
        return
    assert done.code == 0, done.err
    if "pred:" in command:
        assert {row["predicted"] for row in done.json} <= {"non-entailment"}


@pytest.mark.slow
def test_the_report_of_a_two_way_and_a_three_way_run(
    trained: tuple[Path, list[str]],
    tmp_path: Path,
    call: Call,  # noqa: F811
) -> None:
    done = call("report", "two-baseline", "three", "--out", tmp_path / "r", "--db", trained[0])
    assert done.code == 0, done.err
    assert "non-entailment" in (tmp_path / "r" / "index.html").read_text("utf-8")


def test_an_interrupted_two_label_run_resumes_to_the_same_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = two_label_set(tmp_path / "set")
    whole = config(tmp_path, data, objective="baseline", attribute=False)
    (reference,) = train_all([whole], tmp_path / "whole.db")

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train, "evaluate_split", stopped)
        with pytest.raises(KeyboardInterrupt):
            train_all([whole], tmp_path / "runs.db")
    with StoreReader(tmp_path / "runs.db") as reader:
        resumed = resume_run(tmp_path / "runs.db", reader.runs.get("latest").id)
        accuracy = reader.runs.get(resumed).metrics["dev"].accuracy
    with StoreReader(tmp_path / "whole.db") as reader:
        assert reader.runs.get(reference).metrics["dev"].accuracy == accuracy


@pytest.mark.slow
def test_debiasing_and_dynamics_know_two_classes(tmp_path: Path) -> None:
    data = two_label_set(tmp_path / "set")
    db = tmp_path / "runs.db"
    values = {"debias": "product-of-experts", "record_dynamics": True, "attribute": False}
    (run_id,) = train_all([config(tmp_path, data, epochs=1.0, **values)], db)
    with StoreReader(db) as reader:
        training: Any = reader.runs.get(run_id).summary["training"]
        assert training["expert_majority"] == 0.5
        dynamics = reader.dynamics.pairs(run_id)
    assert dynamics is not None
    assert dynamics.gold_probability.shape == (1, 32)


def test_a_three_way_checkpoint_gets_a_two_way_head_for_two_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_classifier(tiny_classifier(), tmp_path / "three")
    made = load_classifier(str(tmp_path / "three"), device="cpu", fresh_head=True, outputs=2)
    assert made.classes == (0, NON_ENTAILMENT)
    assert made.fresh_head
    assert "has a three-way head: a new two-way head is created" in capsys.readouterr().err
    save_classifier(made, tmp_path / "two")
    kept = load_classifier(str(tmp_path / "two"), device="cpu", fresh_head=True, outputs=2)
    assert not kept.fresh_head
