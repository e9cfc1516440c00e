"""NaN, one class, nothing but special tokens, far too many words."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from nliexplorer.attribution.methods import attribute
from nliexplorer.errors import NliError
from nliexplorer.inference import predict
from nliexplorer.modeling.load import load_classifier, save_classifier
from nliexplorer.records import Example
from nliexplorer.store.reader import StoreReader
from nliexplorer.store.writer import StoreWriter
from nliexplorer.training.run import train
from nliexplorer.workflow.evaluate import Forward, evaluate_run
from tests.tinymodels import EXAMPLES, tiny_classifier
from tests.tinyruns import tiny_run
from tests.training.helpers import settings
from tests.training.list_sink import ListSink

EMPTY = Example("\u200b", "\x07", 1)  # control characters: the tokenizer keeps none of it


def test_a_pair_of_special_tokens_alone_has_no_variance_and_breaks_nothing(tmp_path: Path) -> None:
    sink = ListSink()
    rows = [EMPTY] * 4
    train(tiny_classifier(), rows, rows, settings(batch_size=4), sink, checkpoint_dir=tmp_path)
    [step] = sink.steps
    assert step.variance == 0
    assert math.isfinite(step.ce + (step.grad_norm or 0))
    [(_, attribution)] = attribute(tiny_classifier(), [EMPTY], steps=3)
    assert set(attribution.segments) == {"special"}
    assert all(map(math.isfinite, attribution.scores))


def test_a_batch_and_a_dev_set_of_one_class(tmp_path: Path) -> None:
    rows = [example for example in EXAMPLES if example.label == 0] * 3
    sink = ListSink()
    train(tiny_classifier(), rows, rows, settings(epochs=2), sink, checkpoint_dir=tmp_path)
    assert all(math.isfinite(step.total) for step in sink.steps)
    db, run_id = tiny_run(tmp_path, examples=rows)
    with StoreReader(db) as reader:
        metrics = reader.runs.get(run_id).metrics["dev"]
    assert metrics.roc_auc_macro is None  # nothing to rank
    assert 0 <= metrics.accuracy <= 1


def test_a_premise_beyond_the_models_length_is_cut_counted_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db, run_id = tiny_run(tmp_path)
    lines = [
        '{"premise": "' + "dog " * 500 + '", "hypothesis": "a dog runs", "label": "neutral"}',
        '{"premise": "a dog", "hypothesis": "a dog runs", "label": "entailment"}',
    ]
    (tmp_path / "long.jsonl").write_text("\n".join(lines))
    _, split = evaluate_run(db, run_id, str(tmp_path / "long.jsonl"), None, Forward("cpu"))
    assert "1 of 2 pairs of long.jsonl:long cut to 64 tokens" in capsys.readouterr().err
    with StoreReader(db) as reader:
        assert reader.runs.get(run_id).summary[f"cut_pairs_{split}"] == 1
    long = Example("dog " * 500, "a dog runs", 1)
    [(_, attribution)] = attribute(tiny_classifier(), [long], steps=2)
    assert attribution.truncated
    assert len(attribution.tokens) == 64
    assert attribution.segments.count("hypothesis") == 3  # the longer sentence gives way


def test_logits_that_are_no_numbers_are_named_and_nothing_is_stored(tmp_path: Path) -> None:
    db, run_id = tiny_run(tmp_path)
    classifier = tiny_classifier()
    with torch.no_grad():
        classifier.embeddings.weight[classifier.tokenizer.vocab["boy"]] = torch.nan
    save_classifier(classifier, tmp_path / "model-tiny")
    bad = load_classifier(str(tmp_path / "model-tiny"), device="cpu")
    assert not all(map(math.isfinite, predict(bad, [("boy", "girl")])[0]))
    rows = '{"premise": "a", "hypothesis": "girl", "label": 0}\n'
    rows += '{"premise": "boy", "hypothesis": "girl", "label": 1}\n'
    (tmp_path / "x.jsonl").write_text(rows + rows.replace("1}", "2}"))
    with pytest.raises(NliError, match=r"logits of 2 pairs of x\.jsonl:x are NaN .*: pair 2, 4"):
        evaluate_run(db, run_id, str(tmp_path / "x.jsonl"), None, Forward("cpu"))
    with StoreReader(db) as reader:
        assert set(reader.runs.get(run_id).metrics) == {"dev"}
    [(_, attribution)] = attribute(bad, [Example("boy", "girl", 1)], steps=2)
    with StoreWriter(db) as writer:
        ids = writer.add_examples([Example("boy", "girl", 1)])
        with pytest.raises(NliError, match="not finite"):
            writer.add_attributions(run_id, [(ids[0], attribution, "gold", None)])
