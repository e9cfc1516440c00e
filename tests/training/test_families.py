"""Every family trained a few updates with the penalty, by each estimator, and judged afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nliexplorer.attribution.faithfulness import measure_faithfulness
from nliexplorer.attribution.methods import attribute
from nliexplorer.config import ESTIMATORS
from nliexplorer.errors import NliError
from nliexplorer.inference import predict
from nliexplorer.modeling.load import load_classifier, refuse_unpaddable
from nliexplorer.training.run import train
from tests.families import FAMILIES
from tests.tinymodels import EXAMPLES
from tests.training.helpers import settings
from tests.training.list_sink import ListSink

NEVER_PADDED = {"fnet", "convbert", "mobilebert"}
FAST = {"xlnet"}


@pytest.mark.parametrize(
    "family",
    [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in FAMILIES],
)
def test_a_family_trains_with_the_penalty_and_is_judged_like_any_other(
    family: str, family_checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    classifier = load_classifier(str(family_checkpoint(family)), device="cpu", fresh_head=True)
    size = 1 if family in NEVER_PADDED else 3
    config = settings(batch_size=size, max_steps=3, eval_every=10.0)
    sink = ListSink()
    train(classifier, EXAMPLES, EXAMPLES, config, sink, checkpoint_dir=tmp_path)
    assert len(sink.steps) == 3
    assert all(np.isfinite(step.total) and (step.variance or 0) > 0 for step in sink.steps)
    back = load_classifier(str(tmp_path), device="cpu")
    pairs = [(example.premise, example.hypothesis) for example in EXAMPLES]
    np.testing.assert_allclose(predict(back, pairs), predict(classifier, pairs), atol=1e-5)
    assert len(list(attribute(back, EXAMPLES, steps=3))) == len(EXAMPLES)
    assert measure_faithfulness(back, EXAMPLES[:2], steps=3).n == 2


@pytest.mark.slow
@pytest.mark.parametrize("estimator", sorted(ESTIMATORS))
@pytest.mark.parametrize("family", [name for name in FAMILIES if name not in NEVER_PADDED])
def test_each_estimator_takes_each_family(
    family: str, estimator: str, family_checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    classifier = load_classifier(str(family_checkpoint(family)), device="cpu", fresh_head=True)
    config = settings(batch_size=3, max_steps=2, eval_every=10.0, ig_estimator=estimator)
    for gradient in ("exact", "embedding") if estimator == "quadrature" else ("exact",):
        sink = ListSink()
        own = replace(config, penalty_gradient=gradient)
        train(classifier, EXAMPLES, EXAMPLES, own, sink, checkpoint_dir=tmp_path / gradient)
        assert all(np.isfinite(step.total) for step in sink.steps)


@pytest.mark.slow
def test_an_interrupted_run_of_a_left_padded_family_goes_on_to_the_same_end(
    family_checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    ends = []
    for name, stops in (("whole", (4,)), ("halves", (2, 4))):
        for stop in stops:
            classifier = load_classifier(
                str(family_checkpoint("xlnet")), device="cpu", fresh_head=True
            )
            config = settings(batch_size=3, max_steps=4, eval_every=1.0, patience=0)
            sink = ListSink()
            if stop < 4:
                sink.on_step = _stopping_after(stop, sink)  # type: ignore[method-assign]
                with pytest.raises(KeyboardInterrupt):
                    train(
                        classifier, EXAMPLES, EXAMPLES, config, sink,
                        checkpoint_dir=tmp_path / name,
                    )  # fmt: skip
            else:
                train(
                    classifier, EXAMPLES, EXAMPLES, config, sink,
                    checkpoint_dir=tmp_path / name, resume=len(stops) > 1,
                )  # fmt: skip
        pairs = [(example.premise, example.hypothesis) for example in EXAMPLES]
        ends.append(predict(classifier, pairs))
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-6)


def _stopping_after(stop: int, sink: ListSink) -> Callable[..., None]:
    import signal

    plain = sink.on_step

    def on_step(record: object) -> None:
        plain(record)  # type: ignore[arg-type]
        if len(sink.steps) == stop:
            signal.raise_signal(signal.SIGINT)

    return on_step


def test_what_may_not_be_padded_is_trained_one_pair_at_a_time_or_not_at_all(
    family_checkpoint: Callable[[str], Path],
) -> None:
    classifier = load_classifier(str(family_checkpoint("fnet")), device="cpu", fresh_head=True)
    with pytest.raises(NliError, match="different logits in a padded batch") as refused:
        refuse_unpaddable(classifier, batch_size=2)
    assert "--batch-size 1" in refused.value.hint
    refuse_unpaddable(classifier, batch_size=1)
    bert = load_classifier(str(family_checkpoint("bert")), device="cpu", fresh_head=True)
    refuse_unpaddable(bert, batch_size=16)
