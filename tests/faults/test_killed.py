"""Ended at random moments: nothing half, nothing lost, nothing done twice, the same figures."""

from __future__ import annotations

import random
import shutil
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.pipeline import (
    PIPELINE,
    Attempt,
    attempt,
    faults,
    finished_work,
    left_to_do,
    outcome,
    prepare,
)


@dataclass(frozen=True)
class Ground:
    """The prepared folder, what an undisturbed pass gives, and the seconds of its commands."""

    folder: Path
    expected: dict[str, float]
    seconds: dict[str, float]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    folder = tmp_path_factory.mktemp("ground")
    prepare(folder)
    whole = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(folder, whole)
    done = attempt(whole, list(PIPELINE))
    assert done.code == 0, done.output
    return Ground(folder, outcome(whole), done.seconds)


def _storm(ground: Ground, kills: int, by: int) -> Counter[str]:
    """`kills` signals at random moments of random commands; every pass is brought to its end."""
    rng = random.Random(kills)
    counts: Counter[str] = Counter()
    while counts["killed"] < kills:
        folder = ground.folder.with_name(f"pass-{counts['passes']}-{by}")
        shutil.copytree(ground.folder, folder)
        counts["passes"] += 1
        while True:
            commands = left_to_do(folder)
            before = finished_work(folder)
            when = None
            if counts["killed"] < kills:
                command = rng.choice(commands)[0]
                when = command, rng.uniform(0, ground.seconds[command])
            ended = attempt(folder, commands, when=when, by=by)
            assert faults(folder) == [], (ended.at, commands[0])
            assert before.missing(finished_work(folder)) == [], (ended.at, ended.output)
            if ended.code == 0:
                break
            _as_it_should(ended, by)
            counts["killed"] += 1
            counts[f"at {ended.at}"] += 1
        result = outcome(folder)
        assert result.keys() == ground.expected.keys()
        assert result == pytest.approx(ground.expected, abs=1e-4)
        shutil.rmtree(folder)
    return counts


def _as_it_should(ended: Attempt, by: int) -> None:
    if by == signal.SIGKILL:
        assert ended.code == -signal.SIGKILL, ended.output
        return
    assert ended.code == 130, (ended.code, ended.output)
    assert "Traceback" not in ended.output
    if "training model" in ended.output and ended.at == "train":
        assert "resume with: nliexplorer train --resume" in ended.output


@pytest.mark.slow
def test_killed_anywhere(ground: Ground) -> None:
    print(f"kill -9: {dict(_storm(ground, 100, signal.SIGKILL))}")


@pytest.mark.parametrize(
    "times", [pytest.param(4, marks=pytest.mark.slow), pytest.param(30, marks=pytest.mark.soak)]
)
def test_interrupted_anywhere(ground: Ground, times: int) -> None:
    print(f"Ctrl-C: {dict(_storm(ground, times, signal.SIGINT))}")
