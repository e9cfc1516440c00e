"""Whole runs of a tiny model: what they promise of order, splitting, stopping and going on."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from nliexplorer.analysis.outputs import softmax
from nliexplorer.errors import NliError
from nliexplorer.inference import predict
from nliexplorer.modeling.load import load_classifier
from nliexplorer.records import Example, StepRecord
from nliexplorer.training import path_penalty
from nliexplorer.training.path_penalty import PathPenalty
from nliexplorer.training.penalty_schedule import PenaltySchedule
from nliexplorer.training.run import forget_steps, last_checkpoint, train
from tests.tinymodels import EXAMPLES, tiny_classifier
from tests.training.helpers import dynamics_of, parameters_of, run, same_parameters, settings
from tests.training.list_sink import ListSink, StoppingSink

PAIRS = [(example.premise, example.hypothesis) for example in EXAMPLES]


def test_a_run_reports_each_update_and_keeps_its_best_model(tmp_path: Path) -> None:
    result, sink, _ = run(tmp_path, epochs=3, eval_every=1, alpha=5.0)
    assert [step.step for step in sink.steps] == list(range(1, 19))
    for step in sink.steps:
        assert step.variance is not None
        assert step.saturation == pytest.approx(
            float(torch.tanh(torch.tensor(5.0 * step.variance))), abs=1e-6
        )
        assert step.penalty == pytest.approx(0.1 * step.saturation)
        assert step.total == pytest.approx(step.ce + step.penalty)
    assert [at for at, _, _ in sink.evaluations] == [6, 12, 18]
    best = max(metrics.accuracy for _, _, metrics in sink.evaluations)
    assert result.best_metric == best
    loaded = load_classifier(str(result.checkpoint), device="cpu")
    right = predict(loaded, PAIRS).argmax(-1) == [example.label for example in EXAMPLES]
    assert right.mean() == pytest.approx(best)
    assert last_checkpoint(tmp_path / "steps") is not None  # until the result is on record
    forget_steps(tmp_path)
    assert not (tmp_path / "steps").exists()


def test_baseline_reports_no_penalty(tmp_path: Path) -> None:
    _, sink, _ = run(tmp_path, objective="baseline")
    assert all(step.variance is None and step.penalty is None for step in sink.steps)
    assert all(step.total == step.ce for step in sink.steps)


def test_objectives_share_start_order_and_schedule(tmp_path: Path) -> None:
    """With a weight of nearly nothing both objectives walk the same way, dropout and all."""
    plain = run(tmp_path / "a", dropout=0.1, objective="baseline", epochs=2, warmup_ratio=0.3)
    other = run(tmp_path / "b", dropout=0.1, lambda_=1e-12, epochs=2, warmup_ratio=0.3)
    for first, second in zip(plain[1].steps, other[1].steps, strict=True):
        assert first.ce == pytest.approx(second.ce, rel=1e-5)
        assert first.learning_rate == second.learning_rate
    torch.testing.assert_close(plain[2], other[2], atol=1e-5, rtol=0)


@pytest.mark.slow
def test_seeds_differ_and_repeat(tmp_path: Path) -> None:
    first = run(tmp_path / "a", seed=1)
    again = run(tmp_path / "b", seed=1)
    other = run(tmp_path / "c", seed=2)
    assert [s.ce for s in first[1].steps] == [s.ce for s in again[1].steps]
    assert torch.equal(first[2], again[2])
    assert [s.ce for s in first[1].steps] != [s.ce for s in other[1].steps]


def test_evaluation_never_computes_the_penalty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    share = path_penalty.PathPenalty.share

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return share(self, *args, **kwargs)

    monkeypatch.setattr(path_penalty.PathPenalty, "share", counted)
    _, sink, _ = run(tmp_path, epochs=2, eval_every=0.5)
    assert len(sink.evaluations) == 4
    assert len(calls) == len(sink.steps)


@pytest.mark.slow
@pytest.mark.parametrize(
    "values",
    [{}, {"objective": "baseline"}, {"penalty_gradient": "embedding"}, {"path_tokens": 64}],
    ids=str,
)
def test_accumulation_changes_nothing(tmp_path: Path, values: Any) -> None:
    """3 updates of 4 x 4 accumulated equal 3 updates of 1 x 16; V is joined before the tanh."""
    shared = {"max_steps": 3, "alpha": 20.0, "lambda_": 5.0, **values}
    whole = run(tmp_path / "a", batch_size=16, **shared)
    parts = run(tmp_path / "b", batch_size=4, accumulation=4, **shared)
    same_parameters(parts[2], whole[2])
    for first, second in zip(whole[1].steps, parts[1].steps, strict=True):
        assert second.ce == pytest.approx(first.ce, rel=1e-5)
        if first.variance is not None:
            assert second.variance == pytest.approx(first.variance, rel=1e-4)
            assert second.saturation == pytest.approx(first.saturation, rel=1e-4)


@pytest.mark.slow
def test_a_checkpoint_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    """Their penalty's state is in engine.json, with every update's saturation."""
    values = {"ig_estimator": "pairs", "ig_steps": 2, "epochs": 2.0}
    whole = run(tmp_path / "a", **values)
    stopped = StoppingSink(3)
    arguments: Any = (EXAMPLES * 4, EXAMPLES, settings(**values))
    with pytest.raises(KeyboardInterrupt):
        train(tiny_classifier(), *arguments, stopped, checkpoint_dir=tmp_path / "b")
    checkpoint = last_checkpoint(tmp_path / "b" / "steps")
    assert checkpoint is not None
    file = checkpoint / "trainer_state.json"
    state = json.loads(file.read_text())
    penalty = state["stateful_callbacks"].pop("PenaltyCallback")["attributes"]["penalty"]
    count, _, _ = penalty.pop("saturation")
    penalty["saturations"] = [step.saturation for step in stopped.steps]
    assert count == len(penalty["saturations"])
    file.write_text(json.dumps(state))
    (checkpoint / "engine.json").write_text(json.dumps({"penalty": penalty}))
    classifier = tiny_classifier(seed=9)
    result = train(classifier, *arguments, ListSink(), checkpoint_dir=tmp_path / "b", resume=True)
    torch.testing.assert_close(parameters_of(classifier), whole[2], atol=1e-6, rtol=0)
    for key in ("mean_saturation", "alpha", "saturated"):
        assert result.summary[key] == pytest.approx(whole[0].summary[key])


@pytest.mark.parametrize(
    ("after", "values"),
    [
        (4, {}),
        (6, {"objective": "baseline"}),  # at an epoch's end
        pytest.param(7, {"ig_estimator": "pairs", "ig_steps": 2}, marks=pytest.mark.slow),
        pytest.param(
            5, {"alpha": "auto", "ig_steps": "auto", "penalty_warmup": 0.5}, marks=pytest.mark.slow
        ),
        pytest.param(
            2,
            {"accumulation": 2, "penalty_fraction": 0.5, "record_dynamics": True},
            marks=pytest.mark.slow,
        ),
    ],
    ids=str,
)
def test_an_interrupted_run_goes_on_to_the_same_result(
    tmp_path: Path, after: int, values: Any
) -> None:
    config = settings(epochs=2, eval_every=1, **values)
    whole = ListSink()
    classifier = tiny_classifier(dropout=0.1)
    train(classifier, EXAMPLES * 4, EXAMPLES, config, whole, checkpoint_dir=tmp_path / "a")
    expected = parameters_of(classifier)

    first = StoppingSink(after)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(
            tiny_classifier(dropout=0.1),
            EXAMPLES * 4,
            EXAMPLES,
            config,
            first,
            checkpoint_dir=tmp_path / "b",
        )
    assert signal.getsignal(signal.SIGINT) == before
    assert [step.step for step in first.steps] == list(range(1, after + 1))

    rest = ListSink()
    resumed = tiny_classifier(seed=99, dropout=0.1)  # its weights come from the checkpoint
    train(
        resumed,
        EXAMPLES * 4,
        EXAMPLES,
        config,
        rest,
        checkpoint_dir=tmp_path / "b",
        resume=True,
    )
    assert rest.steps[0].step == after + 1
    joined = first.steps + rest.steps
    for one, other in zip(joined, whole.steps, strict=True):
        assert one.ce == pytest.approx(other.ce, rel=1e-6)
        assert one.penalty == (None if other.penalty is None else pytest.approx(other.penalty))
    torch.testing.assert_close(parameters_of(resumed), expected, atol=1e-6, rtol=0)
    assert dynamics_of(first, rest) == {
        place: (pytest.approx(chance, rel=1e-5), right)
        for place, (chance, right) in dynamics_of(whole).items()
    }


def test_each_epoch_is_recorded_of_every_training_pair(tmp_path: Path) -> None:
    """A model that hardly moves gives its pairs in training what it gives them in evaluation."""
    _, sink, _ = run(
        tmp_path, objective="baseline", epochs=3, lr=1e-12, batch_size=5, record_dynamics=True
    )
    logits = predict(tiny_classifier(), PAIRS)
    result = dynamics_of(sink)
    assert set(result) == {(epoch, row) for epoch in (1, 2, 3) for row in range(24)}
    for (_, row), (chance, right) in result.items():
        gold = EXAMPLES[row % 6].label
        assert chance == pytest.approx(softmax(logits)[row % 6, gold], abs=1e-5)
        assert right == (logits[row % 6].argmax() == gold)


def test_nothing_is_recorded_unasked(tmp_path: Path) -> None:
    _, sink, _ = run(tmp_path, objective="baseline")
    assert sink.dynamics == []


@pytest.mark.parametrize(
    "values",
    [
        {"max_steps": 5, "eval_every": 0.5},  # in the middle of an epoch
        {"epochs": 30, "lr": 0.05, "eval_every": 0.5, "patience": 2},  # stopped early
    ],
    ids=str,
)
def test_a_run_killed_after_its_last_update_gets_no_more(tmp_path: Path, values: Any) -> None:
    """As by a kill before the result was on record: steps/ is there, the run not yet trained."""
    config = settings(objective="baseline", **values)
    results = []
    for resume in (False, True):
        classifier, sink = tiny_classifier(dropout=0.1), ListSink()
        results.append(
            train(
                classifier,
                EXAMPLES * 4,
                EXAMPLES,
                config,
                sink,
                checkpoint_dir=tmp_path,
                resume=resume,
            )
        )
        results.append(parameters_of(classifier))
    first, weights, again, same = results
    assert sink.steps == []
    assert (again.steps, again.stopped_early) == (first.steps, first.stopped_early)
    assert again.best_metric == first.best_metric
    assert again.summary["best_step"] == first.summary["best_step"]
    torch.testing.assert_close(same, weights, atol=0, rtol=0)


def test_resuming_without_a_checkpoint_starts_anew(tmp_path: Path) -> None:
    (tmp_path / "steps" / "checkpoint-3").mkdir(parents=True)  # torn: nothing in it
    assert last_checkpoint(tmp_path / "steps") is None
    sink = ListSink()
    train(
        tiny_classifier(),
        EXAMPLES,
        EXAMPLES,
        settings(objective="baseline"),
        sink,
        checkpoint_dir=tmp_path,
        resume=True,
    )
    assert sink.steps[0].step == 1


def test_early_stopping_waits_and_keeps_the_best(tmp_path: Path) -> None:
    result, sink, _ = run(
        tmp_path, objective="baseline", epochs=30, lr=0.05, eval_every=0.5, patience=2
    )
    accuracies = [metrics.accuracy for _, _, metrics in sink.evaluations]
    best = accuracies.index(max(accuracies))
    assert result.stopped_early
    assert len(accuracies) == best + 3
    assert result.summary["best_step"] == sink.evaluations[best][0]
    assert result.steps < 180


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    classifier = tiny_classifier()
    sink = ListSink()
    good = parameters_of(classifier)

    class Poison(ListSink):
        def on_step(self, step: StepRecord) -> None:
            super().on_step(step)
            if step.step == 2:
                with torch.no_grad():
                    classifier.embeddings.weight[classifier.tokenizer.vocab["boy"]] = torch.nan

    sink = Poison()
    with pytest.raises(NliError, match=r"not finite at step \d+, training pairs \d+") as caught:
        train(classifier, EXAMPLES * 4, EXAMPLES, settings(), sink, checkpoint_dir=tmp_path)
    assert "learning rate" in caught.value.hint
    row = int(caught.value.message.split("pairs ")[1].split(",")[0].split(" ")[0])
    assert "boy" in (EXAMPLES * 4)[row].premise
    assert good.isfinite().all()


def test_alpha_auto_waits_for_a_fresh_model_to_learn(tmp_path: Path) -> None:
    result, sink, _ = run(tmp_path, epochs=5, alpha="auto")
    idle = [step for step in sink.steps if step.variance is None]
    assert 3 <= len(idle) <= 15  # between a tenth and half of 30 updates
    assert result.summary["alpha"] > 0
    assert any(line.startswith("alpha:") for line in sink.log)


def auto_schedule(updates: int) -> PenaltySchedule:
    return PenaltySchedule(PathPenalty(tiny_classifier(), settings(alpha="auto")), updates=updates)


def penalised_from(entropies: list[float], updates: int = 100) -> int:
    """The first update that `alpha = "auto"` penalises, given each update's loss before it."""
    schedule = auto_schedule(updates)
    for update in range(updates):
        if schedule.is_active(update):
            return update
        schedule.observe_loss(entropies[min(update, len(entropies) - 1)])
    return updates


def test_alpha_auto_is_chosen_once_the_loss_has_fallen() -> None:
    """On MiniLM a tenth of 375 updates was too soon: V = 9e-6, alpha = 60,000, nothing learnt."""
    assert penalised_from([1.1] * 30 + [0.7]) == pytest.approx(39, abs=3)
    assert penalised_from([1.1]) == 50  # it waits no longer than half of the updates
    assert penalised_from([1.1] * 5 + [0.5]) >= 10


def test_a_state_carries_on_waiting() -> None:
    one, other = (auto_schedule(100) for _ in range(2))
    for entropy in (1.1,) * 12 + (0.6,) * 8:
        one.observe_loss(entropy)
    other.restore(one.state())
    assert other.state() == one.state()
    assert one.is_active(9) == other.is_active(9)
    assert one.is_active(60)
    assert other.is_active(60)


def test_alpha_auto_looks_at_a_trained_model_at_once(tmp_path: Path) -> None:
    classifier = replace(tiny_classifier(), fresh_head=False)
    sink = ListSink()
    train(
        classifier,
        EXAMPLES * 4,
        None,
        settings(alpha="auto", lr=1e-9, batch_size=24, max_steps=1, ig_steps=20),
        sink,
        checkpoint_dir=tmp_path,
    )
    assert sink.steps[0].saturation == pytest.approx(0.5, abs=1e-3)


def test_lambda_ramps_up() -> None:
    penalty = PathPenalty(tiny_classifier(), settings(penalty_warmup=0.5, lambda_=1.0))
    schedule = PenaltySchedule(penalty, updates=10, fresh_head=False)
    assert [schedule.weight(update) for update in range(10)] == pytest.approx(
        [0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1, 1, 1]
    )


def test_a_saturated_run_says_so(tmp_path: Path) -> None:
    result, sink, _ = run(tmp_path, alpha=1e6)
    assert result.summary["saturated"]
    assert any("saturated" in line for line in sink.log)


def test_auto_steps_are_the_fewest_within_two_percent(tmp_path: Path) -> None:
    result, sink, _ = run(tmp_path, ig_steps="auto", max_steps=1)
    assert 3 <= result.summary["ig_steps"] <= 50
    assert "nodes" in sink.log[0]


def test_rationale_penalty_needs_rationales(tmp_path: Path) -> None:
    with pytest.raises(NliError, match="rationale"):
        run(tmp_path, penalty="rationale")
    marked = tuple(
        replace(example, hypothesis_rationale=(len(example.hypothesis.split()) - 1,))
        for example in EXAMPLES
    )
    sink = ListSink()
    train(
        tiny_classifier(),
        marked,
        None,
        settings(penalty="rationale"),
        sink,
        checkpoint_dir=tmp_path / "b",
    )
    assert all((step.variance or 0) > 0 for step in sink.steps)


@pytest.mark.parametrize(
    ("rows", "message"),
    [((), "no training pairs"), ((Example("a", "b", 3),), "are not labelled")],
)
def test_unusable_pairs_are_refused(tmp_path: Path, rows: Any, message: str) -> None:
    with pytest.raises(NliError, match=message):
        train(tiny_classifier(), rows, None, settings(), ListSink(), checkpoint_dir=tmp_path)


def test_a_tracker_is_told_of_every_update(tmp_path: Path) -> None:
    """TensorBoard's event file outlives the steps folder and holds what the sink got."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    _, sink, _ = run(tmp_path, report_to="tensorboard")
    forget_steps(tmp_path)
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    for name, field in (("loss", "total"), ("penalty_value", "variance"), ("ce", "ce")):
        read = events.Scalars(f"train/{name}")
        assert [event.step for event in read] == [step.step for step in sink.steps]
        values = [getattr(step, field) for step in sink.steps]
        assert [event.value for event in read] == pytest.approx(values, rel=1e-5)
    assert events.Scalars("eval/accuracy")[0].value == pytest.approx(
        sink.evaluations[0][2].accuracy
    )


def test_nothing_reaches_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, epochs=2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "dev accuracy" in captured.err
