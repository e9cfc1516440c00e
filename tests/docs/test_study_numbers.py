"""Every interval that README and docs quote stands in one of the study's tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "docs" / "study"
TABLES = (
    *("planted", "strength", "real", "confirmation", "other-measurements"),
    *("second-planted", "second-planted-search", "second-real"),
)
PAGES = (
    *("README.md", "docs/study/index.md", "docs/study/paper-claims.md", "docs/study/second.md"),
    "nliexplorer/presets/robust.md",
)
#: `−1.3 [−2.8, +0.2]`: a difference with its interval.
INTERVAL = re.compile(r"([+−]?[\d.]+) \[([+−]?[\d.]+), ([+−]?[\d.]+)\]")
Interval = tuple[str, str, str]


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def intervals(path: Path) -> list[Interval]:
    return INTERVAL.findall(" ".join(path.read_text(encoding="utf-8").split()))


def excludes_zero(interval: Interval) -> bool:
    return number(interval[1]) > 0 or number(interval[2]) < 0


@pytest.mark.parametrize("page", PAGES)
def test_intervals_stand_in_the_tables(page: str) -> None:
    known = {interval for name in TABLES for interval in intervals(STUDY / f"{name}.md")}
    quoted = intervals(ROOT / page)
    assert len(quoted) > (10 if page.startswith("docs") else 2)
    assert [interval for interval in quoted if interval not in known] == []


def accuracies(name: str) -> list[Interval]:
    """The differences of a page's accuracy tables."""
    collected: list[Interval] = []
    title = ""
    for line in (STUDY / f"{name}.md").read_text(encoding="utf-8").splitlines():
        title = line if line.startswith("**") else title
        if line.startswith("|") and "accuracy" in title:
            collected += INTERVAL.findall(line)
    return collected


def test_counts_that_the_text_quotes() -> None:
    text = (STUDY / "index.md").read_text(encoding="utf-8")
    planted = accuracies("planted")
    assert f"Of the {len(planted)} accuracies compared, three intervals exclude 0" in text
    assert sum(excludes_zero(each) for each in planted) == 3
    assert all(number(each[0]) < 0 for each in planted if excludes_zero(each))
    assert f"None of the {len(accuracies('strength'))} accuracies" in text
    assert f"Of {len(accuracies('real'))} accuracies compared" in text
    tables = (STUDY / "planted.md").read_text(encoding="utf-8").splitlines()
    rows = " ".join(line for line in tables if line.startswith("|"))
    everything = [each for each in INTERVAL.findall(rows) if excludes_zero(each)]
    assert f"of the {len(everything)}\ndifferences in `planted.md`" in text


def test_plausibility_falls_in_six_arms_and_rises_in_none() -> None:
    changes = []
    column = 0
    for line in (STUDY / "strength.md").read_text(encoding="utf-8").splitlines():
        cells = line.split("|")
        if line.startswith("| arm"):
            names = [i for i, cell in enumerate(cells) if "AUPRC" in cell]
            column = names[0] if names else 0
        elif column and line.startswith("|"):
            changes += [each for each in INTERVAL.findall(cells[column]) if excludes_zero(each)]
    assert len(changes) == 6
    assert all(number(change[0]) < 0 for change in changes)
