"""Errors name the page of the documentation that says more, at the end of their second line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nliexplorer import errors
from nliexplorer.errors import PAGES, NliError, documented, unknown_name
from tests.cases import case
from tests.cli.conftest import Call

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path.read_text("utf-8") for path in (ROOT / "nliexplorer").rglob("*.py")]


@pytest.mark.parametrize("topic", PAGES)
def test_every_page_exists_and_is_named_by_some_error(topic: str) -> None:
    assert (ROOT / PAGES[topic]).is_file()
    by_name = topic in errors._REGISTRY_TOPICS.values()
    assert by_name or any(re.search(rf'(documented\(|[\s,])"{topic}"[\s,)]', s) for s in SOURCES)


def test_every_registry_that_has_a_page_is_one() -> None:
    asked = set(re.findall(r'unknown_name\(\s*"([^"]+)"', "\n".join(SOURCES)))
    assert set(errors._REGISTRY_TOPICS) <= asked


def test_the_page_is_that_of_the_innermost_topic() -> None:
    @documented("files")
    def read() -> None:
        raise NliError("a", "b", "answers")

    with pytest.raises(NliError) as caught, documented("models"):
        read()
    assert caught.value.advice == "b (see docs/howto/chat-model-answers.md)"
    assert str(NliError("a", "b")) == "a\nb"
    assert NliError("a", "b").advice == "b"
    assert unknown_name("penalty", "x", ["y"]).page == PAGES["penalties"]


@pytest.mark.parametrize(
    ("command", "topic"),
    [
        (("examples", "first", "--where", "magic:1"), "filters"),
        (("examples", "first", "--where", "(a"), "filters"),
        (("attribute", "first", "--method", "magic"), "attribution"),
        (("evaluate", "first", "--data", "magic"), "data"),
        (("train", "--set", "magic=1"), "configuration"),
        (("train", "--penalty", "magic"), "penalties"),
        (("train", "--ig-estimator", "magic"), "quadrature"),
        (("train", "--ig-estimator", "sampled", "--ig-steps", "2", "--ig-gradient-steps", "3"),
         "quadrature"),
        (("train", "--model", "tiny?magic=1", "--data", "planted"), "models"),
        (("study", "--storage", "nonsense", "--arm", "exact"), "machines"),
        (("sweep", "--storage", "nonsense", "--train-samples", 60), "machines"),
        (("explore",), "terminal"),
    ],
)  # fmt: skip
def test_errors_that_a_user_meets(
    call: Call, database: Path, command: tuple[object, ...], topic: str
) -> None:
    told = call(*command)
    assert told.code == 1, told.err
    *_, message, advice = told.err.strip().splitlines()
    assert message
    assert advice.endswith(f" (see {PAGES[topic]})"), told.err


def test_no_database(call: Call) -> None:
    told = call("errors", "latest")
    assert told.err.splitlines() == [
        "there is no database runs.db",
        "name one with --db, or make one: nliexplorer demo, train or import (see docs/tutorial.md)",
    ]


def test_answers_that_are_not_read(call: Call, tmp_path: Path) -> None:
    rows = [{"premise": "a", "hypothesis": "b", "label": "neutral", "predicted_label": "hm"}] * 3
    (tmp_path / "answers.jsonl").write_text("\n".join(map(json.dumps, rows)))
    told = call("import", "answers.jsonl", "--answer-column", "predicted_label")
    assert told.err.strip().endswith(f"(see {PAGES['answers']})"), told.err


def test_a_file_whose_labels_nothing_explains(call: Call) -> None:
    told = call("import", case("02_hans", "eval_predictions.jsonl"))
    assert told.err.strip().endswith(f"(see {PAGES['files']})"), told.err
