"""The one rule for calling a difference better, worse or undecided."""

from __future__ import annotations

#: Level of every test and, as 1 − ALPHA, of every interval.
ALPHA = 0.05
#: Fewer pairs than this are few: bins and slices under it are drawn faintly, percentile bootstrap
#: intervals are too narrow, and resampling alone decides nothing.
FEW_PAIRS = 30

BETTER, UNDECIDED, WORSE = 1, 0, -1


def verdict(
    low: float | None,
    high: float | None,
    *,
    lower_is_better: bool = False,
    p: float | None = None,
) -> int:
    """BETTER, WORSE or UNDECIDED from the 95 % interval of B − A.

    Decided only where the interval excludes zero and, where a test stands beside it, its `p` (or
    the p adjusted for all that were tried) is at most ALPHA: an approximate interval never says
    more than the exact test.
    """
    if low is None or high is None or low <= 0.0 <= high:
        return UNDECIDED
    if p is not None and p > ALPHA:
        return UNDECIDED
    return BETTER if (low > 0.0) != lower_is_better else WORSE


def few_pairs(n: int) -> str:
    """A sentence where `n` pairs are too few for resampling; empty from FEW_PAIRS on."""
    if n >= FEW_PAIRS:
        return ""
    pairs = "1 pair is" if n == 1 else f"{n} pairs are"
    return (
        f"{pairs} few: under {FEW_PAIRS}, bootstrap intervals are too narrow, and only the exact "
        "test of accuracy decides"
    )
