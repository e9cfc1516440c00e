"""Where the small foreign inputs lie beside a checkout; tests that want them skip without them."""

from __future__ import annotations

from pathlib import Path

import pytest

CASES = Path(__file__).resolve().parents[2] / "shared" / "design" / "cases"


def case(*parts: str) -> Path:
    """The path of an input; skips the test where it is not there."""
    path = CASES.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"not beside this checkout: {'/'.join(parts)}")
    return path
