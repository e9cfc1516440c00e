"""Loading: what is taken, what is refused, and that a saved model comes back the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nliexplorer.errors import NliError
from nliexplorer.inference import predict
from nliexplorer.modeling import checkpoints
from nliexplorer.modeling.devices import resolve_device, wants_bf16
from nliexplorer.modeling.load import load_classifier, save_classifier
from tests.realdata import minilm
from tests.tinymodels import EXAMPLES, tiny_classifier

PAIRS = [(example.premise, example.hypothesis) for example in EXAMPLES]


def _edit_config(folder: Path, **values: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


@pytest.mark.parametrize("family", ["electra", "bert"])
def test_a_saved_classifier_comes_back(family: str, tmp_path: Path) -> None:
    classifier = tiny_classifier(family)
    save_classifier(classifier, tmp_path)
    loaded = load_classifier(str(tmp_path), device="cpu")
    np.testing.assert_allclose(predict(loaded, PAIRS), predict(classifier, PAIRS), atol=1e-6)
    assert loaded.label_order == (0, 1, 2)
    assert not loaded.fresh_head
    assert loaded.max_length == 64


def test_label_order_follows_the_models_own_names(tmp_path: Path) -> None:
    classifier = tiny_classifier()
    save_classifier(classifier, tmp_path)
    _edit_config(
        tmp_path,
        id2label={"0": "contradiction", "1": "entailment", "2": "neutral"},
        label2id={"contradiction": 0, "entailment": 1, "neutral": 2},
    )
    loaded = load_classifier(str(tmp_path), device="cpu")
    assert loaded.label_order == (1, 2, 0)
    np.testing.assert_allclose(
        predict(loaded, PAIRS), predict(classifier, PAIRS)[:, [1, 2, 0]], atol=1e-6
    )


def test_names_that_say_nothing_are_refused_or_given_a_new_head(tmp_path: Path) -> None:
    save_classifier(tiny_classifier(), tmp_path)
    names = {str(n): f"LABEL_{n}" for n in range(3)}
    _edit_config(tmp_path, id2label=names, label2id={v: int(k) for k, v in names.items()})
    with pytest.raises(NliError):
        load_classifier(str(tmp_path), device="cpu")
    loaded = load_classifier(str(tmp_path), device="cpu", fresh_head=True)
    assert loaded.fresh_head
    assert loaded.model.config.id2label == {0: "entailment", 1: "neutral", 2: "contradiction"}


def test_a_fresh_head_depends_on_the_seed_alone() -> None:
    folder = str(minilm())
    first, again, other = (
        load_classifier(folder, device="cpu", fresh_head=True, seed=seed) for seed in (1, 1, 2)
    )
    weights = [c.model.classifier.weight for c in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    body = first.model.bert.encoder.layer[0].attention.self.query.weight
    from safetensors.torch import load_file

    stored = load_file(Path(folder) / "model.safetensors")
    assert torch.equal(body, stored["encoder.layer.0.attention.self.query.weight"])
    pooler = first.model.bert.pooler.dense.weight
    assert torch.equal(pooler, stored["pooler.dense.weight"])


def test_loading_leaves_the_callers_random_state_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_classifier(str(minilm()), device="cpu", fresh_head=True)
    assert torch.equal(torch.rand(3), expected)


def test_pickled_weights_are_refused_with_the_way_out(tmp_path: Path) -> None:
    save_classifier(tiny_classifier(), tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(NliError, match="pickled") as caught:
        load_classifier(str(tmp_path))
    assert "safe_serialization" in caught.value.hint


@pytest.mark.parametrize(
    "name", ["T5ForConditionalGeneration", "BertForQuestionAnswering", "BertForTokenClassification"]
)
def test_a_model_of_another_task_is_refused(name: str, tmp_path: Path) -> None:
    save_classifier(tiny_classifier("bert"), tmp_path)
    _edit_config(tmp_path, architectures=[name])
    with pytest.raises(NliError, match="another task"):
        load_classifier(str(tmp_path), fresh_head=True)


def test_a_body_without_a_head_cannot_predict() -> None:
    with pytest.raises(NliError, match="no classification head"):
        load_classifier(str(minilm()))


def test_missing_weights_are_named(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_classifier(tiny_classifier("bert"), tmp_path)
    file = tmp_path / "model.safetensors"
    kept = {k: v for k, v in load_file(file).items() if "layer.1.output.dense" not in k}
    save_file(kept, file, metadata={"format": "pt"})
    with pytest.raises(NliError, match="lacks weights"):
        load_classifier(str(tmp_path))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("./nothing/here", "no model folder"),
        ("/no/such/folder", "no model folder"),
        ("someone/some-model-never-fetched", "switched off|cannot reach"),
        ("not a name", "no model name"),
    ],
)
def test_what_cannot_be_found_is_one_clear_error(
    spec: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NliError, match=message) as caught:
        load_classifier(spec)
    assert caught.value.hint


def test_an_unreachable_hub_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(checkpoints, "answers", lambda _: False)
    with pytest.raises(NliError, match="does not answer, and it is not in the cache") as caught:
        load_classifier("someone/some-model-never-fetched")
    assert "minilm" in caught.value.hint


def test_any_fault_of_the_hubs_library_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class LibraryError(Exception):
        pass

    def fail(*_: object) -> None:
        raise LibraryError("Name or service not known")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(checkpoints, "answers", lambda _: True)
    monkeypatch.setattr(checkpoints, "_safe_revision", fail)
    with pytest.raises(NliError, match="Name or service not known"):
        load_classifier("someone/some-model-never-fetched")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NliError, match=r"config\.json"):
        load_classifier(str(tmp_path))


class _Hub:
    """Stands in for the hub: a repository with pickles on main and a conversion in a request."""

    def __init__(self, names: list[str], requests: list[Any]) -> None:
        self.names, self.requests = names, requests

    def model_info(self, spec: str, timeout: float) -> Any:
        siblings = [type("Entry", (), {"rfilename": name}) for name in self.names]
        return type("Info", (), {"siblings": siblings})

    def get_repo_discussions(self, spec: str, author: str) -> list[Any]:
        return self.requests


def test_the_hubs_own_safetensors_conversion_is_taken() -> None:
    request = type(
        "Request",
        (),
        {
            "is_pull_request": True,
            "title": "Adding `safetensors` variant of this model",
            "git_reference": "refs/pr/3",
        },
    )
    assert checkpoints._safe_revision(_Hub(["model.safetensors"], []), "a/b") is None
    assert checkpoints._safe_revision(_Hub(["pytorch_model.bin"], [request]), "a/b") == "refs/pr/3"
    with pytest.raises(NliError, match="no safetensors"):
        checkpoints._safe_revision(_Hub(["pytorch_model.bin"], []), "a/b")


def test_devices() -> None:
    assert resolve_device("cpu").type == "cpu"
    assert not wants_bf16("fp32", torch.device("cpu"))
    assert wants_bf16("bf16", torch.device("cpu"))
    for name in ("gpu", "meta", "cuda:99"):
        with pytest.raises(NliError):
            resolve_device(name)
