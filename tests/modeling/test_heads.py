"""Whose outputs mean what: names, what the user states, and what is refused or made anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from nliexplorer.errors import NliError
from nliexplorer.inference import predict
from nliexplorer.modeling.heads import label_order, split_spec
from nliexplorer.modeling.load import load_classifier, save_classifier
from nliexplorer.records import NON_ENTAILMENT
from tests.families import checkpoint
from tests.tinymodels import EXAMPLES

PAIRS = [(example.premise, example.hypothesis) for example in EXAMPLES]
NAMELESS = {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}


def named(folder: Path, *names: str, **values: Any) -> Path:
    """The checkpoint with these names of its outputs."""
    file = folder / "config.json"
    config = json.loads(file.read_text())
    config["id2label"] = {str(number): name for number, name in enumerate(names)}
    config["label2id"] = {name: number for number, name in enumerate(names)}
    file.write_text(json.dumps(config | values))
    return folder


def with_outputs(folder: Path, outputs: int, *names: str, **values: Any) -> Path:
    """A random BERT with a head of so many outputs, all rows of its weights distinct."""
    checkpoint("bert", folder)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=outputs, ignore_mismatched_sizes=True
    )
    with torch.no_grad():
        model.classifier.weight.copy_(torch.randn(outputs, 32, generator=torch.manual_seed(1)))
    model.save_pretrained(folder)
    return named(folder, *(names or [f"LABEL_{n}" for n in range(outputs)]), **values)


def test_the_order_follows_names_in_any_usual_spelling() -> None:
    assert label_order({0: "entailment", 1: "neutral", 2: "contradiction"}, {}, "m") == (0, 1, 2)
    mnli = {"0": "CONTRADICTION", "1": "NEUTRAL", "2": "ENTAILMENT"}
    assert label_order(mnli, {}, "m") == (2, 1, 0)
    assert label_order({0: "c", 1: "e", 2: "n"}, {}, "m") == (1, 2, 0)
    assert label_order({0: "not_entailment", 1: "entailment"}, {}, "m") == (1, 0)
    assert label_order({0: "Entailment", 1: "Non-Entailment"}, {}, "m") == (0, 1)


def test_nameless_outputs_are_refused_until_their_order_is_stated() -> None:
    with pytest.raises(NliError, match="does not say what its outputs mean") as refused:
        label_order(NAMELESS, {}, "owner/model")
    assert "'owner/model?labels=entailment,neutral,contradiction'" in refused.value.hint
    assert label_order(NAMELESS, {}, "m", "contradiction,neutral,entailment") == (2, 1, 0)
    two = {0: "LABEL_0", 1: "LABEL_1"}
    assert label_order(two, {}, "m", "non-entailment,entailment") == (1, 0)


@pytest.mark.parametrize(
    ("id2label", "label2id", "stated"),
    [
        ({0: "NEGATIVE", 1: "POSITIVE"}, {}, ""),
        ({0: "entailment", 1: "neutral", 2: "other"}, {}, ""),
        ({0: "entailment", 1: "entail", 2: "neutral"}, {}, ""),
        ({0: "entailment", 1: "neutral", 2: "not_entailment"}, {}, ""),
        ({0: "entailment", 1: "neutral", 2: "contradiction"}, {}, "c,n,e"),
        ({0: "entailment", 1: "neutral", 2: "contradiction"}, {"entailment": 2}, ""),
        (NAMELESS, {}, "entailment,neutral"),
        ({"zero": "entailment"}, {}, ""),
        ({1: "entailment", 2: "neutral", 3: "contradiction"}, {}, ""),
    ],
)
def test_other_tasks_and_contradictions_are_refused(
    id2label: dict[Any, str], label2id: dict[str, int], stated: str
) -> None:
    with pytest.raises(NliError):
        label_order(id2label, label2id, "m", stated)


def test_a_spec_states_labels_and_nothing_else() -> None:
    assert split_spec("a/b?labels=e,n,c") == ("a/b", "e,n,c")
    assert split_spec("folder?") == ("folder?", "")
    with pytest.raises(NliError, match="unknown option"):
        split_spec("a/b?order=e,n,c")


def test_a_nameless_head_is_kept_where_its_order_is_stated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = with_outputs(tmp_path, 3)
    spec = f"{folder}?labels=contradiction,entailment,neutral"
    own = load_classifier(f"{folder}?labels=entailment,neutral,contradiction", device="cpu")
    for fresh_head in (False, True):
        kept = load_classifier(spec, device="cpu", fresh_head=fresh_head)
        assert not kept.fresh_head
        np.testing.assert_allclose(predict(kept, PAIRS), predict(own, PAIRS)[:, [1, 2, 0]])
    capsys.readouterr()
    made = load_classifier(str(folder), device="cpu", fresh_head=True)
    assert made.fresh_head
    messages = capsys.readouterr().err
    assert "a new head is created" in messages.replace("\n", " ")
    assert "?labels=entailment,neutral,contradiction" in messages.replace("\n", "")


def test_what_was_stated_is_named_in_the_saved_model(tmp_path: Path) -> None:
    folder = with_outputs(tmp_path / "a", 3)
    stated = load_classifier(f"{folder}?labels=c,e,n", device="cpu")
    save_classifier(stated, tmp_path / "b")
    back = load_classifier(str(tmp_path / "b"), device="cpu")
    assert back.label_order == stated.label_order == (1, 2, 0)
    np.testing.assert_allclose(predict(back, PAIRS), predict(stated, PAIRS), atol=1e-6)


def test_a_two_way_head_predicts_two_classes(tmp_path: Path) -> None:
    folder = with_outputs(tmp_path, 2, "not_entailment", "entailment")
    classifier = load_classifier(str(folder), device="cpu")
    assert classifier.classes == (0, NON_ENTAILMENT)
    assert classifier.label_order == (1, 0)
    logits = predict(classifier, PAIRS)
    assert logits.shape == (len(PAIRS), 2)
    other = load_classifier(str(named(folder, "entailment", "not_entailment")), device="cpu")
    np.testing.assert_allclose(predict(other, PAIRS), logits[:, ::-1])
    assert load_classifier(str(folder), device="cpu", fresh_head=True).fresh_head


@pytest.mark.parametrize(
    ("outputs", "values", "message"),
    [
        (1, {}, "regression head"),
        (4, {}, "head of 4 labels"),
        (3, {"problem_type": "multi_label_classification"}, "multi-label head"),
        (3, {"architectures": ["BertModel"]}, "no classification head"),
        (3, {"architectures": ["LlamaForCausalLM"]}, "another task"),
    ],
)
def test_heads_of_no_use_are_refused_by_name(
    outputs: int, values: dict[str, Any], message: str, tmp_path: Path
) -> None:
    folder = with_outputs(tmp_path, outputs, **values)
    with pytest.raises(NliError, match=message) as refused:
        load_classifier(str(folder), device="cpu")
    assert refused.value.hint


def test_a_folder_without_tokenizer_is_refused(
    tmp_path: Path, family_checkpoint: Callable[[str], Path]
) -> None:
    folder = with_outputs(tmp_path, 3, "entailment", "neutral", "contradiction")
    for file in folder.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(NliError, match="no tokenizer"):
        load_classifier(str(folder), device="cpu")


def test_a_model_that_memory_cannot_hold_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nliexplorer.modeling import checkpoints

    folder = with_outputs(tmp_path, 3, "entailment", "neutral", "contradiction")
    monkeypatch.setattr(checkpoints, "free_memory", lambda _: 10_000)
    monkeypatch.setattr(checkpoints, "with_own_head", lambda *_: pytest.fail("was read"))
    with pytest.raises(NliError, match="GiB for its weights"):
        load_classifier(str(folder), device="cpu")


def test_weights_beyond_the_address_space_are_refused_too(tmp_path: Path) -> None:
    """A terabyte, of which the file holds nothing but the header: it could not even be mapped."""
    folder = with_outputs(tmp_path, 3, "entailment", "neutral", "contradiction")
    count = 2**38
    tensor = {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}
    header = json.dumps({"classifier.weight": tensor}).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + 4 * count)
    with pytest.raises(NliError, match=r"needs 1024\.0 GiB for its weights"):
        load_classifier(str(folder), device="cpu")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:20], "config.json"),
        (lambda text: text.replace('"hidden_size": 32', '"hidden_size": 48'), "other shapes"),
    ],
    ids=["cut", "other shapes"],
)
def test_a_damaged_download_is_told(
    change: Callable[[str], str], message: str, tmp_path: Path
) -> None:
    folder = with_outputs(tmp_path, 3, "entailment", "neutral", "contradiction")
    config = folder / "config.json"
    config.write_text(change(config.read_text()))
    with pytest.raises(NliError, match=rf"cannot be read: .*{message}") as refused:
        load_classifier(str(folder), device="cpu")
    assert "fetch it again" in refused.value.hint
