import numpy as np
import pytest

from nliexplorer.analysis.dynamics import dataset_map
from nliexplorer.errors import NliError


def test_by_hand() -> None:
    p = np.array([[0.9, 0.2, 0.1], [0.9, 0.8, 0.1], [0.9, 0.2, 0.2], [0.9, 0.8, 0.1]])
    result = dataset_map(p)
    assert result.epochs == 4
    assert result.confidence.tolist() == pytest.approx([0.9, 0.5, 0.125])
    assert result.variability.tolist() == pytest.approx([0, 0.3, np.std([0.1, 0.1, 0.2, 0.1])])
    assert result.correctness.tolist() == [1, 0.5, 0]
    assert result.forgetting.tolist() == [0, 1, 0]
    assert result.never_learned.tolist() == [False, False, True]
    assert result.region == ["easy-to-learn", "ambiguous", "hard-to-learn"]


def test_outcomes_win_over_half() -> None:
    result = dataset_map([[0.4, 0.4]], [[True, False]])
    assert result.correctness.tolist() == [1, 0]
    assert result.forgetting.tolist() == [0, 0]


@pytest.mark.parametrize("bad", [[], [0.5], [[np.nan]], [[1.5]]])
def test_bad_input(bad: object) -> None:
    with pytest.raises(NliError):
        dataset_map(np.array(bad))
    with pytest.raises(NliError, match="outcomes"):
        dataset_map([[0.5]], [[True], [False]])
