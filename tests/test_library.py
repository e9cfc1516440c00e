"""The public Python API: names, laziness, documentation, and the store as tables."""

from __future__ import annotations

import doctest
import inspect
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

import nliexplorer
from nliexplorer import NliError, PathPenaltyConfig, Store, integrated_gradients
from nliexplorer.analysis.metrics import compute_metrics
from nliexplorer.config import ESTIMATORS
from nliexplorer.inference import predict
from nliexplorer.records import LABELS, NON_ENTAILMENT, Attribution, Prediction, Window
from nliexplorer.store.writer import StoreWriter
from tests.tinymodels import EXAMPLES, tiny_classifier
from tests.tinyruns import tiny_run

ROWS = [
    {
        "premise": each.premise,
        "hypothesis": each.hypothesis,
        "label": each.label,
        "predicted_scores": np.roll([3.0, 1.0, 0.5], each.label + number % 2),
    }
    for number, each in enumerate(EXAMPLES)
]


def test_public_names_are_those_of_all_and_documented() -> None:
    assert set(nliexplorer._MODULES) == set(nliexplorer.__all__)
    for name in nliexplorer.__all__:
        public = getattr(nliexplorer, name)
        assert len(inspect.getdoc(public) or "") > 60
        assert name in dir(nliexplorer)
    assert (Path(nliexplorer.__file__).parent / "py.typed").is_file()
    with pytest.raises(AttributeError, match="has no attribute 'Trainer'"):
        nliexplorer.Trainer  # noqa: B018


@pytest.mark.parametrize(
    "module", ["", ".config", ".library", ".attribution.differentiable", ".training.path_penalty"]
)
def test_examples_in_the_documentation_run(module: str) -> None:
    result = doctest.testmod(import_module(f"nliexplorer{module}"), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0
    assert result.attempted > 0 or module == ".training.path_penalty"


def test_reading_imports_no_torch(tmp_path: Path) -> None:
    """Every way of reading, and writing predictions too."""
    db, _ = tiny_run(tmp_path)
    rows = [{**row, "predicted_scores": list(map(float, row["predicted_scores"]))} for row in ROWS]
    script = f"""
import sys
from nliexplorer import Store, PathPenaltyConfig, NliError
with Store({str(db)!r}) as store:
    store.add_predictions("mine", {rows!r})
    store.runs(), store.predictions("tiny", filter="wrong"), store.attributions("tiny")
    store.compare("tiny", "mine")
heavy = [name for name in ("torch", "transformers", "datasets", "textual") if name in sys.modules]
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_tables_say_what_the_store_holds(tmp_path: Path) -> None:
    db, run = tiny_run(tmp_path)
    with Store(db) as store:
        mine = store.add_predictions("mine", ROWS)
        runs = store.runs().to_pandas()
        assert set(runs["name"]) == {"tiny", "mine"}
        assert set(runs["split"]) == {"dev"}
        everything = store.predictions(run, "dev").to_pandas()
        assert len(everything) == len(EXAMPLES)
        classifier = tiny_classifier()
        logits = predict(classifier, [(each.premise, each.hypothesis) for each in EXAMPLES])
        columns = [f"logit_{label}" for label in ("entailment", "neutral", "contradiction")]
        np.testing.assert_allclose(everything[columns], logits, atol=1e-4)
        wrong = store.predictions(mine, filter="wrong").to_pandas()
        assert (wrong["label"] != wrong["predicted_label"]).all()
        assert len(wrong) == 3
        table = store.compare("tiny", "mine").to_pandas().set_index("name")
        accuracy = compute_metrics([each.label for each in EXAMPLES], logits=logits).accuracy
        assert table.loc["accuracy", "a"] == pytest.approx(accuracy)
        assert table.loc["accuracy", "b"] == pytest.approx(0.5)
        assert store.attributions("tiny").num_rows == 0


def test_predictions_have_answers_and_the_pairs_own_columns(tmp_path: Path) -> None:
    rows = [
        {
            "premise": each.premise,
            "hypothesis": each.hypothesis,
            "label": LABELS[each.gold],
            "predicted_label": "Entailment." if number else "I cannot tell",
            "rationale": f"because {number}",
            "genre": "fiction" if number % 2 else None,
            "year": 1990 + number,
            "judges": ["a", "b"],
            "annotator_labels": ["neutral", "neutral", "entailment"],
        }
        for number, each in enumerate(EXAMPLES)
    ]
    with Store(tmp_path / "runs.db") as store:
        store.add_predictions("chat", rows)
        table = store.predictions("chat")
        (last,) = store.predictions("chat", filter="meta.year:>1994").to_pylist()
    first = table.to_pylist()[0]
    assert (first["answer"], first["predicted_label"]) == ("I cannot tell", None)
    assert (first["explanation"], first["meta.genre"]) == ("because 0", None)
    assert table.column("meta.year").to_pylist() == [1990 + i for i in range(len(EXAMPLES))]
    assert (last["answer"], last["meta.genre"]) == ("Entailment.", "fiction")
    assert json.loads(last["annotator_labels"]) == ["neutral", "neutral", "entailment"]
    assert json.loads(last["meta.judges"]) == ["a", "b"]
    assert "window" not in table.column_names


def test_predictions_have_the_window_that_decided(tmp_path: Path) -> None:
    db, run = tiny_run(tmp_path)
    read = [Prediction(0, window=Window(2, 3)), Prediction(0, truncated=True)]
    pairs = EXAMPLES[:2]
    with StoreWriter(db) as writer:
        figures = compute_metrics([each.gold for each in pairs], predicted=[0, 0])
        writer.store_evaluation(run, "long", pairs, read, figures)
    with Store(db) as store:
        rows = store.predictions(run, "long").to_pylist()
        assert {"window", "truncated"}.isdisjoint(store.predictions(run, "dev").column_names)
    columns = ("window", "windows", "truncated")
    assert [[row[c] for c in columns] for row in rows] == [[2, 3, None], [None, None, True]]


def test_attributions_of_a_two_way_head_name_their_class(tmp_path: Path) -> None:
    db, run = tiny_run(tmp_path)
    two_way = Attribution(("a",), ("premise",), (0,), ((0, 1),), (1.0,), NON_ENTAILMENT)
    with StoreWriter(db) as writer:
        writer.add_attributions(run, [(1, two_way, "label", None)])
    with Store(db) as store:
        assert store.attributions(run)["target"].to_pylist() == ["non-entailment"]


def test_bad_rows_leave_the_database_as_it_was(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.db")
    with pytest.raises(NliError):
        store.add_predictions("mine", [{"premise": "a", "hypothesis": "b"}])
    with pytest.raises(NliError, match="holds a set"):
        store.add_predictions("mine", [{"premise": {1}, "hypothesis": "b"}])
    assert not store.path.exists()
    store.add_predictions("mine", ROWS)
    with pytest.raises(NliError, match="nothing"):
        store.predictions("nothing")
    with pytest.raises(NliError):
        store.predictions("mine", filter="conf:>>")


@pytest.mark.parametrize("family", ["electra", "roberta"])
def test_scores_of_any_classifier_add_up_and_can_be_trained_on(family: str) -> None:
    model = tiny_classifier(family).model
    tokenizer = tiny_classifier(family).tokenizer
    pairs = [[each.premise for each in EXAMPLES], [each.hypothesis for each in EXAMPLES]]
    batch = dict(tokenizer(*pairs, padding=True, return_tensors="pt"))
    if family == "roberta":
        batch.pop("token_type_ids")
    target = torch.tensor([each.label for each in EXAMPLES])
    scores = integrated_gradients(model, batch, target, steps=40)
    zeros = torch.zeros_like(model.get_input_embeddings()(batch["input_ids"]))
    rest = {name: value for name, value in batch.items() if name != "input_ids"}
    with torch.no_grad():
        rise = model(**batch).logits - model(inputs_embeds=zeros, **rest).logits
    expected = rise.gather(1, target[:, None])[:, 0]
    torch.testing.assert_close(scores.sum(1), expected, atol=1e-2, rtol=0)
    assert (scores[batch["attention_mask"] == 0] == 0).all()
    assert not scores.requires_grad
    integrated_gradients(model, batch, 0, steps=3, create_graph=True).pow(2).sum().backward()
    assert all(
        parameter.grad is not None and float(parameter.grad.norm()) > 0
        for name, parameter in model.named_parameters()
        if "query.weight" in name
    )


def test_a_penalty_has_the_names_of_the_configuration_file() -> None:
    assert PathPenaltyConfig().ig_estimator in ESTIMATORS
