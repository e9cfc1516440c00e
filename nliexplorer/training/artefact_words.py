"""Words of the hypothesis that speak for a label and never decide it, from a few rationales."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nliexplorer.analysis.z_filter import z_statistic
from nliexplorer.errors import NliError
from nliexplorer.modeling.tokenizing import HYPOTHESIS, EncodedPairs
from nliexplorer.training.dataset import LabelledPairs

#: An artefact stands in a rationale in at most this share of the pairs that tell, and at least so
#: many pairs must tell.
MOST_MARKED, LEAST_SEEN = 0.1, 2


def artefact_tokens(pairs: LabelledPairs, threshold: float) -> NDArray[np.int64]:
    """Token ids of artefacts among the training pairs, those that speak loudest for a label first.

    A token is one if it is in the hypothesis of one label's pairs more often than chance allows
    (z above `threshold`, Gardner et al. 2021) and if `pairs.rationale` marks it in at most a tenth
    of the hypotheses that hold it and have a marked word. Raises NliError where there is none.
    """
    assert pairs.rationale is not None
    rows, ids, marked = _in_hypotheses(pairs.encoded, pairs.rationale)
    telling = np.unique(rows[marked])
    told = np.isin(rows, telling)
    size = int(ids.max(initial=0)) + 1
    by_label = np.stack(
        [np.bincount(ids[pairs.labels[rows] == label], minlength=size) for label in _classes(pairs)]
    )
    shares = np.bincount(pairs.labels) / len(pairs)
    count, seen = by_label.sum(0), np.bincount(ids[told], minlength=size)
    decides = np.bincount(ids[marked], minlength=size)
    z = np.array(
        [
            max(
                z_statistic(by_label[label, token], count[token], shares[label])
                for label in _classes(pairs)
                if 0 < shares[label] < 1
            )
            if seen[token] >= LEAST_SEEN and decides[token] <= MOST_MARKED * seen[token]
            else 0.0
            for token in range(size)
        ]
    )
    order = np.argsort(-z, kind="stable")
    artefacts = order[z[order] > threshold]
    if not len(artefacts):
        raise NliError(
            f"no word speaks for a label with z above {threshold:g} and stays outside the "
            f"rationales of {len(telling):,} pairs",
            "lower --set z_threshold, or give more pairs with rationales",
        )
    return artefacts


def all_but(pairs: LabelledPairs, artefacts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Flat marks of every hypothesis token that is no artefact, in the pairs that hold one.

    A hypothesis of nothing but artefacts has no marks: without them it says nothing.
    """
    encoded = pairs.encoded
    hypothesis = encoded.segments == HYPOTHESIS
    artefact = hypothesis & np.isin(encoded.ids, artefacts)
    holds_one = np.isin(encoded.rows, encoded.rows[artefact])
    return hypothesis & ~artefact & holds_one


def _classes(pairs: LabelledPairs) -> range:
    return range(int(pairs.labels.max()) + 1)


def _in_hypotheses(
    encoded: EncodedPairs, marks: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """(row, token id, whether marked) of each distinct token of each hypothesis."""
    at = np.flatnonzero(encoded.segments == HYPOTHESIS)
    rows = encoded.rows[at]
    ids = encoded.ids[at].astype(np.int64)
    both, place = np.unique(np.stack([rows, ids]), axis=1, return_inverse=True)
    marked = np.zeros(both.shape[1], dtype=bool)
    np.logical_or.at(marked, place.reshape(-1), marks[at])
    return both[0], both[1], marked
