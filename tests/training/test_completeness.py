"""A penalty on incomplete attributions is warned of; `auto` takes more nodes, or refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nliexplorer.attribution.baseline import KEPT
from nliexplorer.errors import NliError
from nliexplorer.modeling.load import Classifier, load_classifier
from nliexplorer.training.run import train
from tests.tinymodels import EXAMPLES
from tests.training.helpers import penalty_of, settings
from tests.training.list_sink import ListSink

pytestmark = pytest.mark.slow


@pytest.fixture
def scale_free(family_checkpoint: Callable[[str], Path]) -> Classifier:
    """A model whose path from zero is not complete with few nodes."""
    return load_classifier(str(family_checkpoint("deberta-v2")), device="cpu")


def logged(classifier: Classifier, folder: Path, **values: object) -> str:
    sink = ListSink()
    config = settings(max_steps=2, eval_every=10.0, **values)
    train(classifier, EXAMPLES, EXAMPLES, config, sink, checkpoint_dir=folder)
    return "\n".join(sink.log)


def test_training_starts_its_paths_where_they_are_complete(
    scale_free: Classifier, tmp_path: Path
) -> None:
    assert penalty_of(scale_free).baseline == "mask"
    output = logged(scale_free, tmp_path, ig_steps="auto")
    assert "nodes give V within" in output
    assert "not to be trusted" not in output


def test_training_warns_where_the_path_is_not_complete(
    scale_free: Classifier, tmp_path: Path
) -> None:
    setattr(scale_free.model.config, KEPT, "zero")
    assert penalty_of(scale_free).baseline == "zero"
    output = logged(scale_free, tmp_path, ig_steps=10)
    assert "of the logit difference with 10 nodes from the zero baseline" in output
    assert "not to be trusted" in output


def test_auto_goes_on_to_as_many_nodes_as_the_path_needs(
    scale_free: Classifier, tmp_path: Path
) -> None:
    setattr(scale_free.model.config, KEPT, "zero")
    assert "of 200 nodes" in logged(scale_free, tmp_path, ig_steps="auto")


def test_auto_refuses_a_path_that_no_number_of_nodes_completes(
    family_checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    xlnet = load_classifier(str(family_checkpoint("xlnet")), device="cpu")
    setattr(xlnet.model.config, KEPT, "zero")
    with pytest.raises(NliError, match="even 400 nodes miss") as refused:
        logged(xlnet, tmp_path, ig_steps="auto")
    assert "--ig-steps" in refused.value.hint
