"""`faithfulness` on a stored run."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Call
from tests.tinyruns import tiny_run


def test_measures_beside_chance(call: Call, tmp_path: Path) -> None:
    _, run = tiny_run(tmp_path)
    found = call("faithfulness", run, "--samples", 3, "--steps", 3, "--json").json
    assert (found["run"], found["split"], found["n"]) == ("tiny", "dev", 3)
    names = [each["name"] for each in found["measures"]]
    assert names[:3] == ["comprehensiveness", "sufficiency", "leave-one-out tau"]
    table = call("faithfulness", run, "--samples", 3, "--method", "feature-ablation")
    assert table.code == 0, table.err
    for text in ("comprehensiveness ↑", "sufficiency ↓", "random", "feature-ablation"):
        assert text in table.out
    assert "unknown attribution method" in call("faithfulness", run, "--method", "x").err
