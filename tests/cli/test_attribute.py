"""`attribute` and `explain` on a stored run with a tiny model."""

from __future__ import annotations

import pytest

from nliexplorer.records import LABELS
from nliexplorer.store.reader import StoreReader
from tests.cli.conftest import Call
from tests.tinyruns import tiny_run


@pytest.fixture
def run(tmp_path) -> str:  # type: ignore[no-untyped-def]
    return tiny_run(tmp_path)[1]


def stored(**settings: object) -> dict[int, dict[int, str]]:
    with StoreReader("runs.db") as reader:
        return reader.attributions.done_classes(reader.runs.evaluation("latest"), **settings)  # type: ignore[arg-type]


IG = {"method": "integrated-gradients", "baseline": "zero", "steps": 4}


def test_without_filters_the_errors_are_attributed_once(call: Call, run: str) -> None:
    errors = len(call("errors", run, "--json").json)
    assert 0 < errors < 6
    first = call("attribute", run, "--steps", 4, "--json")
    assert first.json == {"runs": [run]}, first.err
    assert len(stored(**IG)) == errors
    again = call("attribute", run, "--steps", 4)
    assert f"{errors} of {errors} pairs are already attributed" in again.err
    assert f"0 of {errors} errors attributed, {errors} before" in again.out
    assert "6 of 6 pairs" not in again.out
    everything = call("attribute", run, "--steps", 4, "--all")
    assert f"{6 - errors} of 6 pairs attributed, {errors} before" in everything.out


def test_filters_and_limit_choose_the_pairs(call: Call, run: str) -> None:
    call("attribute", run, "--steps", 4, "--gold", "neutral")
    assert len(stored(**IG)) == 2
    call("attribute", run, "--method", "saliency", "--all", "--limit", 3, "--sort", "-length")
    result = stored(method="saliency", baseline="none", steps=0)
    with StoreReader("runs.db") as reader:
        lengths = sorted(e.length for e in reader.examples.by_id(list(range(1, 7))))[-3:]
        assert sorted(e.length for e in reader.examples.by_id(list(result))) == lengths


def test_methods_baselines_and_targets_stay_apart(call: Call, run: str) -> None:
    for flags in (
        (),
        ("--method", "saliency"),
        ("--method", "feature-ablation", "--baseline", "mask"),
        ("--target", "predicted"),
        *(("--target", label) for label in LABELS),
    ):
        assert call("attribute", run, "--all", "--steps", 4, *flags).code == 0
    classes = stored(**IG)
    assert all(sorted(each) == [0, 1, 2] for each in classes.values())
    assert all("gold" in each.values() for each in classes.values())  # never written over
    assert len(stored(method="saliency", baseline="none", steps=0)) == 6
    assert len(stored(method="feature-ablation", baseline="mask", steps=0)) == 6
    again = call("attribute", run, "--all", "--steps", 4, "--target", "predicted")
    assert "0 of 6 pairs attributed, 6 before" in again.out


def test_gold_takes_the_place_of_another_kind(call: Call, run: str) -> None:
    call("attribute", run, "--all", "--steps", 4, "--target", "entailment")
    call("attribute", run, "--all", "--steps", 4)
    assert all("gold" in each.values() for each in stored(**IG).values())


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--method", "lime"), "unknown attribution method: 'lime'"),
        (("--baseline", "blur"), "unknown baseline: 'blur'"),
        (("--method", "random", "--baseline", "mask"), "random has no baseline"),
        (("--target", "maybe"), "unknown target: 'maybe'"),
    ],
)
def test_wrong_settings_end_in_two_lines(
    call: Call, run: str, flags: tuple[str, ...], message: str
) -> None:
    outcome = call("attribute", run, *flags)
    assert outcome.code == 1
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.out == ""


def test_nothing_to_attribute(call: Call, run: str) -> None:
    outcome = call("attribute", run, "--min-length", 900)
    assert outcome.code == 0
    assert "no pairs to attribute" in outcome.out


def test_explain_by_any_method(call: Call, run: str) -> None:
    pair = ("--premise", "A man sleeps .", "--hypothesis", "The man is sleeping .")
    for method, complete in (("integrated-gradients", True), ("attention-rollout", False)):
        (result,) = call("explain", run, *pair, "--method", method, "--json").json
        assert result["method"] == method
        assert (result["completeness_delta"] is not None) == complete
        assert len(result["tokens"]) > 9
    assert call("explain", run, *pair, "--method", "saliency").code == 0
    assert "unknown" in call("explain", run, *pair, "--method", "x").err


def test_steps_auto_is_stored_as_such_and_adds_up(call: Call, run: str) -> None:
    assert call("attribute", run, "--all", "--steps", "auto").code == 0
    assert len(stored(**{**IG, "steps": 0})) == 6
    again = call("attribute", run, "--all", "--steps", "auto")
    assert "6 of 6 pairs are already attributed" in again.err
    refused = call("attribute", run, "--all", "--steps", "some")
    assert refused.code == 2
    usage = " ".join(refused.err.replace("│", " ").split())
    assert "'some' is not a number from 1 to 10000, nor auto" in usage
    shown = call("explain", run, "--premise", "a man", "--hypothesis", "a dog", "--steps", "auto")
    assert shown.code == 0
