"""Paths that are complete: which baseline each family gets, and that it is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nliexplorer.attribution.baseline import (
    COMPLETE,
    KEPT,
    completeness_error,
    measured,
    resolve_baseline,
)
from nliexplorer.attribution.methods import attribute
from nliexplorer.modeling.load import load_classifier, save_classifier
from tests.families import FAMILIES, checkpoint
from tests.tinymodels import EXAMPLES, tiny_classifier

#: LayerNorm straight on word embeddings, or before every block.
SCALE_FREE = {
    "deberta-v2": "mask", "modernbert": "mask", "xlnet": "mask", "funnel": "mask",
    "t5": "pad", "llama": "pad",
}  # fmt: skip
FAST = {"bert", "deberta-v2", "modernbert"}


@pytest.mark.parametrize(
    "family",
    [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in FAMILIES],
)
def test_each_family_gets_a_baseline_that_is_complete_at_100_nodes(
    family: str, family_checkpoint: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    classifier = load_classifier(str(family_checkpoint(family)), device="cpu")
    baseline = resolve_baseline(classifier)
    assert baseline == SCALE_FREE.get(family, "zero")
    assert completeness_error(classifier, baseline, 100) < COMPLETE
    messages = capsys.readouterr().err
    assert ("start from" in messages) == (family in SCALE_FREE)
    result = list(attribute(classifier, EXAMPLES, target="gold", steps=100))
    deltas = [abs(each.completeness_delta or 0) for _, each in result]
    sums = [abs(sum(each.scores)) for _, each in result]
    assert sum(deltas) < COMPLETE * sum(sums)
    assert {each.baseline for _, each in result} == {baseline}


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bert", "deberta-v2", "modernbert", "xlnet", "llama"])
def test_scaled_up_weights_change_nothing_of_that(family: str, tmp_path: Path) -> None:
    classifier = load_classifier(str(checkpoint(family, tmp_path, gain=2.0)), device="cpu")
    baseline = resolve_baseline(classifier)
    assert baseline == SCALE_FREE.get(family, "zero")
    assert completeness_error(classifier, baseline, 100) < COMPLETE


def test_zero_fails_by_far_where_only_the_direction_of_embeddings_counts(
    family_checkpoint: Callable[[str], Path],
) -> None:
    classifier = load_classifier(str(family_checkpoint("deberta-v2")), device="cpu")
    zero, mask = measured(classifier)
    assert zero.baseline == "zero"
    assert zero.error > 0.15
    assert mask == ("mask", pytest.approx(0, abs=0.01))


def test_the_choice_is_kept_with_the_checkpoint(
    family_checkpoint: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier = load_classifier(str(family_checkpoint("deberta-v2")), device="cpu")
    assert resolve_baseline(classifier) == "mask"
    save_classifier(classifier, tmp_path)
    back = load_classifier(str(tmp_path), device="cpu")
    assert getattr(back.model.config, KEPT) == "mask"
    monkeypatch.setattr("nliexplorer.attribution.baseline.measured", pytest.fail)
    assert resolve_baseline(back) == "mask"
    assert resolve_baseline(back, "zero") == "zero"


def test_where_no_baseline_is_complete_the_best_is_taken_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    errors = {"zero": 0.9, "mask": 0.3, "pad": 0.4}
    monkeypatch.setattr(
        "nliexplorer.attribution.baseline.completeness_error", lambda _, name, __: errors[name]
    )
    assert resolve_baseline(tiny_classifier("bert")) == "mask"
    messages = capsys.readouterr().err
    assert "unreliable" in messages
    assert "30%" in messages


def test_errors_are_what_the_attributions_themselves_say() -> None:
    classifier = tiny_classifier("bert")
    few, many = (completeness_error(classifier, "zero", steps) for steps in (2, 100))
    assert np.isfinite(few)
    assert many < 1e-3 < few
