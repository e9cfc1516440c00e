"""`compare --group`: seeds against seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from nliexplorer.records import is_correct
from nliexplorer.store.writer import StoreWriter
from tests.cli.conftest import Call
from tests.databases import add_run, pairs, predictions

SEEDS = (0, 1, 2)
SKILL = {"baseline": 1.0, "ig-variance": 1.8}


@pytest.fixture
def accuracies(tmp_path: Path) -> dict[str, list[float]]:
    """`s-baseline-s0` … `s-ig-variance-s2` in runs.db; their accuracies, reckoned apart."""
    examples = pairs(300)
    result: dict[str, list[float]] = {}
    with StoreWriter(tmp_path / "runs.db") as writer:
        for objective, skill in SKILL.items():
            for seed in SEEDS:
                model_predictions = predictions(examples, seed + (7 if skill > 1.5 else 0), skill)
                name = f"s-{objective}-s{seed}"
                add_run(
                    writer, name, examples, seed, objective=objective, answers=model_predictions
                )
                right = [
                    is_correct(p.predicted, e.label)
                    for e, p in zip(examples, model_predictions, strict=True)
                ]
                result.setdefault(objective, []).append(float(np.mean(right)))
    return result


def test_means_and_paired_test_agree_with_scipy(
    call: Call, accuracies: dict[str, list[float]]
) -> None:
    a, b = accuracies["baseline"], accuracies["ig-variance"]
    document = call("compare", "--group", "s-baseline", "s-ig-variance", "--json").json
    row = document["metrics"][0]
    assert row["name"] == "accuracy"
    assert (row["a_mean"], row["b_mean"]) == pytest.approx((np.mean(a), np.mean(b)), abs=1e-12)
    test = stats.ttest_rel(b, a)
    assert document["paired"] is True
    assert row["p"] == pytest.approx(test.pvalue, abs=1e-9)
    interval = test.confidence_interval(0.95)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(interval), abs=1e-9)
    assert document["sentence"].startswith("B is better by")
    assert document["n"] == 300
    assert {"nll", "brier", "ece", "roc_auc_macro"} <= {m["name"] for m in document["metrics"]}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("s-baseline-s0,s-baseline-s1, s-baseline-s2", "s-ig-variance-*"),
        ("s-baseline-*", "ig-variance"),
        ("baseline", "s-ig-variance"),
    ],
)
def test_every_way_of_naming_a_group(
    call: Call, accuracies: dict[str, list[float]], a: str, b: str
) -> None:
    document = call("compare", "--group", a, b, "--json").json
    assert [run["seed"] for run in document["a"]] == list(SEEDS)
    assert [run["name"] for run in document["b"]] == [f"s-ig-variance-s{s}" for s in SEEDS]


def test_a_run_named_as_its_arm_stands_for_the_arm(
    call: Call, accuracies: dict[str, list[float]]
) -> None:
    assert call("runs", "rename", "s-baseline-s0", "s-baseline").code == 0
    document = call("compare", "--group", "s-baseline", "s-ig-variance", "--json").json
    names = [run["name"] for run in document["a"]]
    assert names == ["s-baseline", "s-baseline-s1", "s-baseline-s2"]


def test_the_order_of_the_names_changes_nothing(
    call: Call, accuracies: dict[str, list[float]]
) -> None:
    forward = "s-baseline-s0,s-baseline-s1,s-baseline-s2"
    backward = ",".join(reversed(forward.split(",")))
    documents = [
        call("compare", "--group", names, "ig-variance", "--json").json
        for names in (forward, backward)
    ]
    assert documents[0] == documents[1]


def test_different_seeds_are_not_paired(call: Call, accuracies: dict[str, list[float]]) -> None:
    document = call(
        "compare", "--group", "s-baseline-s0,s-baseline-s1", "ig-variance", "--json"
    ).json
    assert document["paired"] is False
    a, b = accuracies["baseline"][:2], accuracies["ig-variance"]
    expected = stats.ttest_ind(b, a, equal_var=False).pvalue
    assert document["metrics"][0]["p"] == pytest.approx(expected, abs=1e-9)


def test_one_seed_proves_nothing(call: Call, accuracies: dict[str, list[float]]) -> None:
    output = call("compare", "--group", "s-baseline-s0", "s-ig-variance-s0")
    assert "one seed proves nothing" in output.out.replace("\n", " ")


def test_the_table_says_who_is_in_the_groups(
    call: Call, accuracies: dict[str, list[float]]
) -> None:
    output = call("compare", "--group", "baseline", "ig-variance")
    assert output.code == 0
    assert "A: s-baseline-s0, s-baseline-s1, s-baseline-s2" in output.out
    assert "paired t-test over seeds" in output.out


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ("nobody", "ig-variance", "no run 'nobody'"),
        (",", "ig-variance", "names no run"),
        ("baseline", "s-baseline-s1", "in both groups"),
    ],
)
def test_mistakes_are_told(
    call: Call, accuracies: dict[str, list[float]], a: str, b: str, words: str
) -> None:
    output = call("compare", "--group", a, b)
    assert output.code == 1
    assert words in output.err


def test_pairs_that_a_run_lacks_are_left_out(
    call: Call, accuracies: dict[str, list[float]], tmp_path: Path
) -> None:
    fewer = pairs(300)[:250]
    with StoreWriter(tmp_path / "runs.db") as writer:
        model_predictions = predictions(fewer, 20)
        add_run(writer, "short", fewer, 3, objective="x", answers=model_predictions)
    document = call("compare", "--group", "baseline,short", "ig-variance", "--json").json
    assert (document["n"], document["left_out"]) == (250, 50)
