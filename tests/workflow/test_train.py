"""From configuration to stored runs, on a few dozen pairs of the built-in corpus."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nliexplorer.config import TrainConfig, load_config
from nliexplorer.errors import NliError
from nliexplorer.store.reader import StoreReader
from nliexplorer.tui.screens.training import CURVES
from nliexplorer.workflow import train
from nliexplorer.workflow.evaluate import evaluate_run
from nliexplorer.workflow.train import resume_run, train_all


def config(folder: Path, **changes: object) -> TrainConfig:
    small = {
        "train_samples": 96,
        "eval_samples": 24,
        "epochs": 2.0,
        "attribution_steps": 4,
        "output_dir": str(folder / "models"),
    }
    return replace(load_config("quick"), **small | changes)  # type: ignore[arg-type]


def both(folder: Path, **changes: object) -> list[TrainConfig]:
    base = config(folder, **changes)
    return [replace(base, objective="baseline"), replace(base, objective="ig-variance")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("trained")
    db = folder / "runs.db"
    return db, train_all(both(folder), db, stem="small")


def test_both_runs_are_stored_whole(trained: tuple[Path, list[str]]) -> None:
    db, ids = trained
    with StoreReader(db) as reader:
        baseline, penalised = (reader.runs.get(each) for each in ids)
        assert [baseline.name, penalised.name] == ["small-baseline", "small-ig-variance"]
        for run in (baseline, penalised):
            assert run.status == "done"
            assert set(run.metrics) == {"dev", "flipped"}
            assert run.metrics["dev"].n == 24
            assert len(reader.dynamics.steps(run.id)) == 2 * 3
            assert Path(run.checkpoint).is_dir()
            assert run.summary["data"]["train"]["n"] == 96
        first, second = (
            reader.dynamics.steps(baseline.id)[0],
            reader.dynamics.steps(penalised.id)[0],
        )
        assert first.variance is None
        assert second.variance is not None
        assert second.total == pytest.approx(second.ce + second.penalty, abs=1e-6)
        assert first.ce == pytest.approx(second.ce, abs=1e-5)  # same weights, same batch


def test_validations_have_every_metric_of_an_evaluation(
    trained: tuple[Path, list[str]],
) -> None:
    """So that every curve of the Training screen has points."""
    db, ids = trained
    with StoreReader(db) as reader:
        for run_id in ids:
            validations = reader.dynamics.validations(run_id)
            assert validations
            for _, _, metrics in validations:
                assert None not in metrics.as_dict().values()
                for curve in CURVES:
                    assert curve.dev is None or curve.dev(metrics) is not None
            best = max(metrics.accuracy or 0.0 for _, _, metrics in validations)
            kept = [each for _, _, each in validations if each.accuracy == best]
            final = reader.runs.get(run_id).metrics["dev"]
            assert any(
                each.ece == pytest.approx(final.ece, abs=1e-5)
                and each.roc_auc_macro == pytest.approx(final.roc_auc_macro)
                and each.brier == pytest.approx(final.brier, abs=1e-5)
                for each in kept
            )


def test_errors_of_either_run_are_attributed_by_both(trained: tuple[Path, list[str]]) -> None:
    db, ids = trained
    with StoreReader(db) as reader:
        arrays = [reader.predictions.arrays(reader.runs.evaluation(each, "dev")) for each in ids]
        wrong = set().union(*(set(a.example_ids[~a.correct.astype(bool)]) for a in arrays))
        for run_id in ids:
            result = reader.attributions.done(
                run_id,
                method="integrated-gradients",
                baseline="zero",
                steps=4,
                target_kind="gold",
            )
            assert wrong
            assert wrong <= result


def test_stored_probabilities_are_the_softmax_of_the_logits(
    trained: tuple[Path, list[str]],
) -> None:
    db, ids = trained
    with StoreReader(db) as reader:
        arrays = reader.predictions.arrays(reader.runs.evaluation(ids[0], "dev"))
    powers = np.exp(arrays.logits)
    np.testing.assert_allclose(
        arrays.probabilities, powers / powers.sum(1, keepdims=True), atol=1e-6
    )
    assert (arrays.predicted == arrays.logits.argmax(1)).all()


def test_a_taken_name_is_refused_before_training(trained: tuple[Path, list[str]]) -> None:
    db, _ = trained
    with pytest.raises(NliError, match="small-baseline"):
        train_all(both(db.parent), db, stem="small")


def test_interrupted_run_resumes_to_the_same_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole.db"
    plain = config(tmp_path, attribute=False, record_dynamics=True)
    (expected,) = train_all([plain], whole)

    real = train.evaluate_split

    def stopped(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    cut = tmp_path / "cut.db"
    monkeypatch.setattr(train, "evaluate_split", stopped)
    with pytest.raises(KeyboardInterrupt):
        train_all([plain], cut)
    monkeypatch.setattr(train, "evaluate_split", real)
    with StoreReader(cut) as reader:
        run = reader.runs.get("latest")
        assert run.status == "interrupted"
        assert not run.metrics
    resume_run(cut, run.id)
    with StoreReader(cut) as reader, StoreReader(whole) as other:
        resumed, straight = reader.runs.get(run.id), other.runs.get(expected)
        assert resumed.status == "done"
        for split, metrics in straight.metrics.items():
            assert resumed.metrics[split].nll == pytest.approx(metrics.nll, abs=1e-4)
        recorded, required = reader.dynamics.pairs(resumed.id), other.dynamics.pairs(straight.id)
        assert recorded is not None
        assert required is not None
        assert required.gold_probability.shape == (2, 96)
        np.testing.assert_allclose(recorded.gold_probability, required.gold_probability, atol=1e-4)
        assert (recorded.example_ids == required.example_ids).all()


@pytest.mark.slow
def test_a_resumed_run_is_evaluated_on_all_of_its_own_pairs(tmp_path: Path) -> None:
    db = tmp_path / "runs.db"
    (run,) = train_all([config(tmp_path)], db)
    evaluate_run(db, run, None, "dev", samples=8, replace=True)
    with StoreReader(db) as reader:
        assert reader.runs.get(run).metrics["dev"].n == 8
    resume_run(db, run)
    with StoreReader(db) as reader:
        sizes = {split: result.n for split, result in reader.runs.get(run).metrics.items()}
    assert 24 in [n for split, n in sizes.items() if split.startswith("dev")]
    assert sizes["flipped"] == 24


def test_interrupted_in_the_first_of_two_says_how_to_train_the_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "evaluate_split", stopped)
    with pytest.raises(KeyboardInterrupt):
        train_all(both(tmp_path), tmp_path / "runs.db", stem="pair")
    messages = capsys.readouterr().err
    assert "pair-ig-variance was not started; train it with: nliexplorer train --preset" in messages
    assert "--objective ig-variance" in messages
    assert "pair-baseline was not started" not in messages


def test_imported_run_cannot_be_resumed(tmp_path: Path) -> None:
    from nliexplorer.store.writer import StoreWriter

    db = tmp_path / "runs.db"
    with StoreWriter(db) as writer:
        run = writer.create_run(
            name="theirs", objective="imported", data="x", model="", status="done"
        )
    with pytest.raises(NliError, match="not trained here"):
        resume_run(db, run.id)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["train_model", "attribute_run"])
def test_an_interrupted_partner_leaves_the_evaluated_run_done(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stage: str,
) -> None:
    real, calls = getattr(train, stage), 0

    def stopped_at_the_partner(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls == (2 if stage == "train_model" else 1):
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(train, stage, stopped_at_the_partner)
    db = tmp_path / "runs.db"
    with pytest.raises(KeyboardInterrupt):
        train_all(both(tmp_path, epochs=1.0), db, stem="pair")
    with StoreReader(db) as reader:
        status = {run.name: run.status for run in reader.runs.all()}
        finished = "pair-baseline" if stage == "train_model" else "pair-ig-variance"
        assert status.pop(finished) == "done"
        assert list(status.values()) == ["interrupted"]
        command = f"nliexplorer attribute {reader.runs.get(finished).id} --db"
    assert command in capsys.readouterr().err
