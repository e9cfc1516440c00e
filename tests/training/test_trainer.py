"""IGTrainer as anybody's transformers.Trainer: plain datasets, plain arguments, any labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

from nliexplorer.config import PathPenaltyConfig
from nliexplorer.errors import NliError
from nliexplorer.training.path_penalty import PathPenalty
from nliexplorer.training.trainer import IGTrainer
from tests.tinymodels import tiny_tokenizer

TOKENIZER = tiny_tokenizer()
SENTENCES = [
    ("the happy dog is warm and small , not old", 1),
    ("a cat sleeps under the big red shirt", 0),
    ("nobody runs on the street because it is warm", 0),
    ("three children sit near a tall woman", 1),
    ("boy", 1),
    ("the old man wears a small hat outside", 0),
]


def model_of(labels: int = 2, dropout: float = 0.0, seed: int = 0, **extra: Any) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BertForSequenceClassification(
            BertConfig(
                vocab_size=len(TOKENIZER),
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=64,
                max_position_embeddings=64,
                hidden_dropout_prob=dropout,
                attention_probs_dropout_prob=dropout,
                initializer_range=0.3,
                num_labels=labels,
                **extra,
            )
        )


def one_sentence(labels: int = 2, times: int = 4) -> Dataset:
    """Sentences with a label each, as a tokenised `datasets.Dataset`."""
    rows = Dataset.from_list([{"text": t, "label": n % labels} for t, n in SENTENCES] * times)
    return rows.map(lambda row: TOKENIZER(row["text"]), load_from_cache_file=False)


def two_sentences(times: int = 4) -> Dataset:
    rows = [
        {"one": first, "two": second, "label": int(a == b)}
        for (first, a), (second, b) in zip(SENTENCES, SENTENCES[::-1], strict=True)
    ]
    return Dataset.from_list(rows * times).map(
        lambda row: TOKENIZER(row["one"], row["two"]), load_from_cache_file=False
    )


def arguments(folder: Path, **values: Any) -> TrainingArguments:
    plain: dict[str, Any] = {
        "output_dir": str(folder),
        "use_cpu": True,
        "per_device_train_batch_size": 6,
        "max_steps": 4,
        "learning_rate": 1e-3,
        "logging_steps": 1,
        "report_to": [],
        "disable_tqdm": True,
        "save_strategy": "no",
    }
    return TrainingArguments(**{**plain, **values})


def trainer_of(folder: Path, rows: Dataset, **values: Any) -> IGTrainer:
    """An IGTrainer on 3 nodes; `args` go to TrainingArguments, `settings` to the penalty."""
    settings = {"ig_steps": 3, **values.pop("settings", {})}
    return IGTrainer(
        model=values.pop("model", None) or model_of(),
        args=arguments(folder, **values.pop("args", {})),
        train_dataset=rows,
        processing_class=TOKENIZER,
        penalty=PathPenaltyConfig(**settings),
        **values,
    )


def logged(trainer: Trainer, name: str) -> list[float]:
    return [entry[name] for entry in trainer.state.log_history if name in entry]


def vector(model: Any) -> torch.Tensor:
    return torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()


def test_a_single_sentence_task_with_plain_datasets(tmp_path: Path) -> None:
    """Training lowers the loss; the penalty's figures stand in the log; evaluation has none."""
    rows = one_sentence()
    trainer = trainer_of(
        tmp_path,
        rows,
        eval_dataset=rows,
        compute_metrics=lambda p: {
            "accuracy": float((p.predictions.argmax(-1) == p.label_ids).mean())
        },
        args={"max_steps": 30, "eval_strategy": "steps", "eval_steps": 30},
    )
    trainer.train()
    losses = logged(trainer, "loss")
    assert losses[-1] < losses[0]
    assert logged(trainer, "eval_accuracy")[0] > 0.9
    for entry in trainer.state.log_history[:30]:
        tanh = torch.tensor(10 * entry["penalty_value"]).tanh().item()
        assert entry["saturation"] == pytest.approx(tanh, abs=1e-6)
        assert entry["penalty"] == pytest.approx(0.1 * entry["saturation"])
        assert entry["loss"] == pytest.approx(entry["ce"] + entry["penalty"], abs=1e-5)
    assert logged(trainer, "completeness_delta")
    assert not any(name.startswith("eval_penalty") for name in trainer.state.log_history[-2])


@pytest.mark.parametrize("penalty", ["variance", "hypothesis-share", "stopwords"])
def test_a_two_label_pair_task(tmp_path: Path, penalty: str) -> None:
    trainer = trainer_of(tmp_path, two_sentences(), settings={"penalty": penalty})
    trainer.train()
    assert all(value > 0 for value in logged(trainer, "penalty_value"))


@pytest.mark.slow
def test_without_a_penalty_it_is_trainer_to_the_last_digit(tmp_path: Path) -> None:
    collected = []
    for kind in (Trainer, IGTrainer):
        model = model_of(dropout=0.1)
        kind(
            model=model,
            args=arguments(tmp_path),
            train_dataset=one_sentence(),
            processing_class=TOKENIZER,
        ).train()
        collected.append(vector(model))
    assert torch.equal(*collected)


def test_a_weightless_penalty_changes_nothing(tmp_path: Path) -> None:
    plain, penalised = model_of(dropout=0.1), model_of(dropout=0.1)
    rows = one_sentence()
    Trainer(
        model=plain, args=arguments(tmp_path), train_dataset=rows, processing_class=TOKENIZER
    ).train()
    trainer_of(tmp_path, rows, model=penalised, settings={"lambda_": 1e-12}).train()
    torch.testing.assert_close(vector(penalised), vector(plain), atol=1e-6, rtol=0)


def test_accumulated_updates_equal_whole_ones(tmp_path: Path) -> None:
    """Cross-entropy too: BERT's own loss, a mean, would count 3 times over."""
    collected = []
    for args in (
        {"per_device_train_batch_size": 6},
        {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 3},
    ):
        trainer = trainer_of(
            tmp_path,
            one_sentence(),
            args={**args, "optim": "sgd"},
            settings={"lambda_": 5.0},
        )
        trainer.train()
        collected.append((vector(trainer.model), logged(trainer, "loss")))
    torch.testing.assert_close(collected[0][0], collected[1][0], atol=1e-5, rtol=0)
    assert collected[0][1] == pytest.approx(collected[1][1], rel=1e-4)


def test_max_grad_norm_clips_what_the_penalty_has_joined(tmp_path: Path) -> None:
    """One step of plain SGD with learning rate 1 is as long as the limit."""
    model = model_of()
    before = vector(model)
    trainer = trainer_of(
        tmp_path,
        one_sentence(),
        model=model,
        args={"max_steps": 1, "optim": "sgd", "learning_rate": 1.0, "max_grad_norm": 0.01},
        settings={"lambda_": 10.0},
    )
    trainer.train()
    assert logged(trainer, "grad_norm")[0] > 1
    assert float((vector(model) - before).norm()) == pytest.approx(0.01, rel=1e-2)


def test_resumed_by_plain_arguments(tmp_path: Path) -> None:
    """`alpha = "auto"` and dropout: the resumed run ends where the whole one does."""
    settings = {"alpha": "auto", "ig_estimator": "pairs", "ig_steps": 2}
    args = {"save_strategy": "steps", "save_steps": 5, "max_steps": 10}
    ends = []
    for resume in (False, True):
        trainer = trainer_of(
            tmp_path,
            one_sentence(),
            model=model_of(dropout=0.1, seed=int(resume)),  # the checkpoint's weights replace it
            settings=settings,
            args=args,
            fresh_head=False,
        )
        checkpoint = str(tmp_path / "checkpoint-5")
        trainer.train(resume_from_checkpoint=checkpoint if resume else None)
        assert trainer.schedule is not None
        ends.append((vector(trainer.model), trainer.schedule.state()))
    torch.testing.assert_close(ends[0][0], ends[1][0], atol=1e-6, rtol=0)
    assert ends[0][1] == pytest.approx(ends[1][1])


def test_bf16_and_frozen_layers(tmp_path: Path) -> None:
    model = model_of()
    model.get_input_embeddings().requires_grad_(False)
    frozen = model.get_input_embeddings().weight.clone()
    trainer = trainer_of(
        tmp_path,
        one_sentence(),
        model=model,
        args={"bf16": True, "max_steps": 2},
        settings={"path_tokens": 64},
    )
    trainer.train()
    assert torch.equal(model.get_input_embeddings().weight, frozen)
    assert all(0 < value < 1e3 for value in logged(trainer, "penalty_value"))


@pytest.mark.parametrize("estimator", ["quadrature", "sampled", "pairs"])
def test_the_penalty_joins_under_fp16s_loss_scale(tmp_path: Path, estimator: str) -> None:
    """What a GPU's `fp16=True` adds to an update is a scaled loss. With a scaler the gradients are
    1,024 times as large, cross-entropy's and penalty's alike; V, the log and the update are not."""
    ends = []
    for scale in (None, 1024.0):
        trainer = trainer_of(
            tmp_path,
            one_sentence(),
            args={"max_steps": 1, "max_grad_norm": 0.0, "optim": "sgd"},
            settings={"ig_estimator": estimator, "lambda_": 3.0, "alpha": 1.0},
            fresh_head=False,
        )
        if scale:
            trainer.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        trainer.train()
        ends.append((vector(trainer.model), *(logged(trainer, n)[0] for n in ("loss", "penalty"))))
    assert not torch.equal(ends[0][0], vector(model_of()))
    torch.testing.assert_close(ends[1][0], ends[0][0], atol=1e-6, rtol=1e-4)
    assert ends[1][1:] == pytest.approx(ends[0][1:], rel=1e-4)


def test_tensorboard_is_told_of_the_penalty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its event file, read back, holds what was logged."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "events"))
    trainer = trainer_of(tmp_path, one_sentence(), args={"report_to": ["tensorboard"]})
    trainer.train()
    events = accumulator.EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    for name in ("loss", "penalty_value", "saturation"):
        read = events.Scalars(f"train/{name}")
        assert [event.step for event in read] == [1, 2, 3, 4]
        assert [event.value for event in read] == pytest.approx(logged(trainer, name), rel=1e-5)


def test_a_loop_of_ones_own() -> None:
    """The README's example: 25 lines of plain PyTorch."""
    model = model_of(labels=3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    penalty = PathPenalty(model, PathPenaltyConfig(lambda_=0.1, ig_steps=3), TOKENIZER)
    texts, labels = [text for text, _ in SENTENCES], torch.tensor([0, 1, 2, 0, 1, 2])
    batch = dict(TOKENIZER(texts, padding=True, return_tensors="pt"), labels=labels)
    losses = []
    for _ in range(20):
        loss = model(**batch).loss
        loss.backward()
        state = penalty.backward(batch)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()) + state.penalty)
    assert losses[-1] < losses[0]


def test_two_micro_batches_of_a_loop_are_one_update() -> None:
    model = model_of()
    penalty = PathPenalty(model, PathPenaltyConfig(lambda_=5.0, ig_steps=3), TOKENIZER)
    texts, labels = [text for text, _ in SENTENCES], torch.tensor([n for _, n in SENTENCES])
    batch = dict(TOKENIZER(texts, padding=True, return_tensors="pt"), labels=labels)
    parts = [
        {name: value[part] for name, value in batch.items()} for part in ([0, 3], [1, 2, 4, 5])
    ]
    gradients = []
    for batches in ([batch], parts):
        model.zero_grad()
        state = penalty.backward(*batches)
        assert 0 < state.saturation < 1
        gradients.append(
            torch.cat([p.grad.flatten() for p in penalty.parameters if p.grad is not None])
        )
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-5)


class _NoTable(torch.nn.Module):
    """A classifier of numbers: nothing to attribute to."""

    config = BertConfig(num_labels=2)

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)

    def get_input_embeddings(self) -> torch.nn.Module:
        return self.linear


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": _NoTable()}, "no word embeddings"),
        ({"settings": {"ig_estimator": "magic"}}, "unknown estimator"),
        ({"settings": {"ig_estimator": "sampled", "ig_gradient_steps": 4}}, "more than the 3"),
        ({"settings": {"penalty": "magic"}}, "unknown penalty"),
        ({"settings": {"penalty": "rationale"}}, "no column 'rationale'"),
        ({"settings": {"penalty": "hypothesis-share"}}, "needs two sentences"),
        ({"model": model_of(problem_type="multi_label_classification")}, "one class per row"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_said_in_one_line(
    tmp_path: Path, values: dict[str, Any], message: str
) -> None:
    rows = one_sentence()
    if message == "one class per row":
        rows = rows.remove_columns("label").add_column("label", [[0.0, 1.0]] * len(rows))
    with pytest.raises(NliError, match=message):
        trainer_of(tmp_path, rows, **values).train()
