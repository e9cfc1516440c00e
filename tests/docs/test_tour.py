"""README's tour, run: a checkpoint, a chat model's answers, and the Python example."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path

import pytest

from nliexplorer.data.sources import load_split
from nliexplorer.modeling.load import save_classifier
from nliexplorer.records import LABELS, Example
from tests.cli.conftest import Call, call  # noqa: F401
from tests.databases import two_runs
from tests.tinymodels import EXAMPLES, tiny_classifier

README = Path(__file__).parents[2] / "README.md"
ANSWERS = {0: "Yes.", 1: "maybe", 2: "**No**, he cannot."}


def commands(beginning: str) -> list[list[str]]:
    """Those of the console block behind the paragraph that begins so."""
    _, text = README.read_text("utf-8").split(f"**{beginning}**")
    block = re.search(r"```console\n(.*?)```", text, re.DOTALL)
    assert block
    lines = [line[2:] for line in block[1].splitlines() if line.startswith("$ ")]
    return [shlex.split(line, comments=True)[1:] for line in lines]


@pytest.fixture
def pairs(call: Call) -> list[Example]:  # noqa: F811
    """What the tour's words stand for: a checkpoint, predictions, and answers in free text."""
    save_classifier(tiny_classifier(), Path("path/to/model"))
    pairs = list(load_split("planted", "flipped"))
    with Path("answers.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("premise", "hypothesis", "label", "answer"))
        for number, each in enumerate(pairs):
            answer = ANSWERS[each.gold] if number % 10 else "I would rather not say."
            writer.writerow((each.premise, each.hypothesis, LABELS[each.gold], answer))
    with Path("predictions.jsonl").open("w", encoding="utf-8") as file:
        for each in pairs:
            row = {"premise": each.premise, "hypothesis": each.hypothesis}
            scores = [float(label == each.gold) * 4 for label in range(3)]
            line = row | {"label": LABELS[each.gold], "predicted_scores": scores}
            file.write(json.dumps(line) + "\n")
    return pairs


def test_the_tour_of_a_checkpoint_and_free_text_answers(
    call: Call,  # noqa: F811
    pairs: list[Example],
) -> None:
    outcomes = {}
    for command in commands("Bring a model") + commands("Bring predictions"):
        more = ("--once", "examples") if command[0] == "explore" else ()
        outcomes[" ".join(command)] = outcome = call(*command, *more)
        assert outcome.code == 0, (command, outcome.err)
    unread = len(pairs[::10])
    runs = {run["name"]: run["metrics"] for run in call("runs", "list", "--json").json}
    assert runs["mine"]["flipped"]["n"] == len(pairs)
    assert runs["theirs"]["dev"]["accuracy"] == 1.0
    chat = runs["chat"]["dev"]
    assert (chat["n"], chat["unanswered"], chat["accuracy"]) == (len(pairs), unread, 1.0)
    assert "answer: I would rather not say." in outcomes["examples chat --where answered:no"].out
    both = call("compare", "mine", "chat", "--json").json
    assert both["n"] == len(pairs) - unread
    assert call("errors", "mine", "--attributions", "--limit", 1, "--json").json[0]["attributions"]


def test_the_python_example(call: Call) -> None:  # noqa: F811
    two_runs(Path("runs.db"))
    example = re.search(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert example
    classifier = tiny_classifier()
    rows = [
        {**classifier.tokenizer(each.premise, each.hypothesis), "labels": each.gold}
        for each in EXAMPLES
    ]
    names = {"model": classifier.model, "tokenizer": classifier.tokenizer, "rows": rows}
    code = example[1].replace('"baseline"', '"first"').replace(" conf:>0.9", "")
    exec(compile(code, "README.md", "exec"), names)
    assert not names["wrong"].empty
