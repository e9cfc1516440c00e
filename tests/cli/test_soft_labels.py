"""Annotators' labels in `import`, filters, slices, `compare`, `calibration` and the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nliexplorer.analysis.soft_labels import soft_differences, soft_values
from nliexplorer.annotators import label_distribution
from tests.cli.conftest import Call

N = 60
VOTES = [[i % 3] * (2 + i % 4) + [(i + 1) % 3] * (i % 3) for i in range(N)]


@pytest.fixture
def shares(call: Call, tmp_path: Path) -> dict[str, np.ndarray]:
    """Two runs of which every other pair has annotators; their probabilities."""
    runs = {name: np.random.default_rng(s).dirichlet((1, 1, 1), N) for s, name in enumerate("ab")}
    for name, p in runs.items():
        rows = [
            {
                "premise": f"Man {i} sleeps.",
                "hypothesis": "He rests.",
                "label": ["entailment", "neutral", "contradiction"][i % 3],
                "predicted_scores": p[i].tolist(),
            }
            | ({"annotator_labels": ["enc"[vote] for vote in VOTES[i]]} if i % 2 == 0 else {})
            for i in range(N)
        ]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert call("import", f"{name}.jsonl").code == 0
    return runs


def test_figures_against_the_annotators(call: Call, shares: dict[str, np.ndarray]) -> None:
    human = [label_distribution(VOTES[i]) for i in range(0, N, 2)]
    expected = {name: soft_values(p[::2], human).metrics.as_dict() for name, p in shares.items()}
    compared = call("compare", "a", "b", "--json").json["soft_labels"]
    for name in "ab":
        assert compared[name] == pytest.approx(expected[name])
        assert call("calibration", name, "--json").json["soft_labels"] == pytest.approx(
            expected[name]
        )
    for command in ("compare a b", "calibration a"):
        shown = call(*command.split()).out
        assert "against the annotators' labels · 30 pairs" in shown
        assert f"{expected['a']['jsd']:.4f}" in shown


def test_differences_have_intervals_and_q_values(call: Call, shares: dict[str, np.ndarray]) -> None:
    human = [label_distribution(VOTES[i]) for i in range(0, N, 2)]
    a, b = (soft_values(shares[name][::2], human) for name in "ab")
    told = call("compare", "a", "b", "a", "--json").json["soft_labels"]["differences"]
    assert set(told) == {"b", "c"}
    assert told["b"] == [row.as_dict() for row in soft_differences(a, b)]
    assert {row["delta"] for row in told["c"]} == {0.0}
    for names in ("a b", "a b a"):
        shown = " ".join(call("compare", *names.split()).out.split())
        assert "q: Benjamini–Hochberg over cross-entropy, JSD and entropy correlation" in shown
        assert f"{told['b'][2]['ci_low']:+.4f}".replace("-", "−") in shown


def test_a_gate_on_a_soft_label_metric(call: Call, shares: dict[str, np.ndarray]) -> None:
    row = call("compare", "a", "b", "--json").json["soft_labels"]["differences"]["b"][2]
    assert row["name"] == "jsd"
    for change, code in ((0.01, 3), (-0.01, 0)):
        condition = f"jsd.high < {row['ci_high'] + change:.4f}"
        assert call("compare", "a", "b", "--fail-if", condition).code == code
    without = call("compare", "a", "b", "--where", "-agreement:>=0", "--fail-if", "jsd > 0")
    assert (without.code, len(without.err.strip().splitlines())) == (1, 2)


def test_no_figures_without_annotators(call: Call, shares: dict[str, np.ndarray]) -> None:
    command = ("compare", "a", "b", "--where", "-agreement:>=0", "--json")
    assert "soft_labels" not in call(*command).json


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("agreement:1", lambda votes, gold: votes.count(gold) == len(votes)),
        ("agreement:<0.7", lambda votes, gold: votes.count(gold) / len(votes) < 0.7),
        ("agreement:<=3", lambda votes, gold: votes.count(gold) / len(votes) <= 0.6),  # of five
        ("annotator-entropy:0", lambda votes, _: len(set(votes)) == 1),
        ("human-entropy:>0.6", lambda votes, _: _entropy(votes) > 0.6),
        ("majority:tie", lambda votes, gold: votes.count(gold) * 2 == len(votes)),
        ("majority:neutral", lambda votes, _: votes.count(1) * 2 > len(votes)),
    ],
)
def test_filters(call: Call, shares: dict[str, np.ndarray], text: str, holds: object) -> None:
    assert callable(holds)
    expected = [i for i in range(0, N, 2) if holds(VOTES[i], i % 3)]
    assert 0 < len(expected) < N // 2
    rows = call("examples", "a", "--where", text, "--json").json
    assert [int(row["premise"].split()[1]) for row in rows] == expected


def _entropy(votes: list[int]) -> float:
    p = np.bincount(votes) / len(votes)
    return float(-(p[p > 0] * np.log(p[p > 0])).sum())


def test_slices(call: Call, shares: dict[str, np.ndarray]) -> None:
    for key in ("agreement", "majority", "annotator-entropy"):
        assert sum(row["n"] for row in call("slices", "a", "--by", key, "--json").json) == 30


def test_the_report_has_them(call: Call, shares: dict[str, np.ndarray]) -> None:
    assert call("report", "a", "b", "--out", "report").code == 0
    page = Path("report/index.html").read_text("utf-8")
    assert "Against the labels of several annotators, 30 pairs" in page
