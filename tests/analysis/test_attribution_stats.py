import math

import pytest
from scipy.stats import entropy as scipy_entropy

from nliexplorer.analysis.attribution_stats import attribution_statistics, entropy, gini
from nliexplorer.records import Attribution

PREMISE, HYPOTHESIS = "A boy embraces.", "Nobody"


def attribution(scores: tuple[float, ...]) -> Attribution:
    return Attribution(
        tokens=("[CLS]", "a", "boy", "embrace", "##s", ".", "[SEP]", "nobody", "[SEP]"),
        segments=(
            "special",
            *(["premise"] * 5),  # type: ignore[arg-type]
            "special",
            "hypothesis",
            "special",
        ),
        word_ids=(None, 0, 1, 2, 2, 3, None, 0, None),
        spans=((0, 0), (0, 1), (2, 5), (6, 13), (13, 14), (14, 15), (0, 0), (0, 6), (0, 0)),
        scores=scores,
        target=2,
    )


def test_by_hand() -> None:
    result = attribution_statistics(
        attribution((1.0, 0.0, 0.5, 0.75, 0.25, 0.0, 0.5, -0.75, 0.25)), PREMISE, HYPOTHESIS
    )
    words = [0.0, 0.5, 0.75, 0.25, 0.0, -0.75]
    mean = sum(words) / 6
    assert result.variance == pytest.approx(sum((w - mean) ** 2 for w in words) / 6)
    assert result.premise_share == pytest.approx(1.5 / 4)
    assert result.hypothesis_share == pytest.approx(0.75 / 4)
    assert result.special_share == pytest.approx(1.75 / 4)
    assert result.top_word == "embraces"  # 0.75 + 0.25 over its pieces, more than "Nobody"
    assert result.entropy == pytest.approx(scipy_entropy([0.5, 0.75, 0.25, 0.75]))


def test_even_and_peaked() -> None:
    assert entropy([2, -2, 2, 2]) == pytest.approx(math.log(4))
    assert gini([2, -2, 2, 2]) == pytest.approx(0.0)
    assert entropy([0, 0, 3]) == 0.0
    assert gini([0, 0, 3]) == pytest.approx(2 / 3)


def test_gini_is_half_the_relative_mean_difference() -> None:
    values = [0.3, 1.2, 0.1, 2.0, 0.7]
    differences = sum(abs(x - y) for x in values for y in values)
    assert gini(values) == pytest.approx(differences / (2 * 5 * sum(values)))


@pytest.mark.parametrize("scores", [(0.0,) * 9, (math.nan,) * 9])
def test_nothing_to_measure(scores: tuple[float, ...]) -> None:
    result = attribution_statistics(attribution(scores), PREMISE, HYPOTHESIS)
    assert result.top_word is None
    assert result.entropy is None
    assert result.special_share is None


def test_specials_only() -> None:
    only = Attribution(
        ("[CLS]", "[SEP]"), ("special", "special"), (None, None), ((0, 0),) * 2, (1, 2), 0
    )
    result = attribution_statistics(only, "", "")
    assert (result.variance, result.gini, result.special_share, result.top_word) == (
        None,
        None,
        1.0,
        None,
    )
