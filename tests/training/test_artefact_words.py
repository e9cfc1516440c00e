"""Which words are artefacts, by labels and a few rationales."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nliexplorer.errors import NliError
from nliexplorer.modeling.load import Classifier
from nliexplorer.training.dataset import TrainSet
from nliexplorer.training.preparation import Prepared, prepare
from tests.tinymodels import tiny_classifier
from tests.training.counterfactuals import COUNTERFACTUALS, ORDINARY, WITH_ARTEFACTS
from tests.training.helpers import settings

VALUES: dict[str, Any] = {
    "penalty": "rationale",
    "rationales": "all-but-artefacts",
    "ig_path": "outside-rationale",
    "z_threshold": 3.0,
}


def words_of(classifier: Classifier, prepared: Prepared, row: int) -> list[str]:
    pairs = prepared.pairs
    assert pairs.rationale is not None
    place = pairs.encoded.slice(row)
    ids = pairs.encoded.ids[place][pairs.rationale[place]]
    words: list[str] = classifier.tokenizer.convert_ids_to_tokens(ids.tolist())
    return words


def test_artefacts_speak_for_a_label_and_are_never_marked() -> None:
    classifier = tiny_classifier()
    prepared = prepare(classifier, WITH_ARTEFACTS * 12, settings(**VALUES))
    assert prepared.summary["artefact_words"] == ["tall", "nobody"]
    assert prepared.summary["artefact_pairs"] == 24
    assert words_of(classifier, prepared, 0) == []
    assert words_of(classifier, prepared, 1) == ["the", "man", "sleeps", "outside"]
    assert words_of(classifier, prepared, 3) == []  # nothing is left of it without the artefact
    penalty_rows = TrainSet(prepared.pairs).collate([0, 1, 2, 3])["rationale"].any(1)
    assert penalty_rows.tolist() == [False, True, True, False]


def test_a_tenth_of_the_rationales_says_the_same_of_every_pair() -> None:
    classifier = tiny_classifier()
    values = {**VALUES, "z_threshold": 6.0}
    whole = prepare(classifier, WITH_ARTEFACTS * 100, settings(**values))
    some = prepare(classifier, WITH_ARTEFACTS * 100, settings(**values, rationale_share=0.1))
    assert some.summary["rationale_pairs"] <= 40
    assert some.summary["artefact_words"] == whole.summary["artefact_words"] == ["tall", "nobody"]
    assert np.array_equal(some.pairs.rationale, whole.pairs.rationale)


def test_without_marks_edits_say_what_decides() -> None:
    classifier = tiny_classifier()
    rows = [*COUNTERFACTUALS * 3, *ORDINARY]
    prepared = prepare(classifier, rows, settings(**{**VALUES, "z_threshold": 1.0}))
    assert prepared.summary["partnered_pairs"] == 24
    # it goes with neutral; "people" and "nobody" go with a label too, and are what an edit changed
    assert prepared.summary["artefact_words"] == ["."]


def test_where_no_word_is_an_artefact_it_is_refused() -> None:
    with pytest.raises(NliError, match="no word speaks for a label with z above 50"):
        prepare(tiny_classifier(), WITH_ARTEFACTS * 12, settings(**{**VALUES, "z_threshold": 50.0}))


def test_without_rationales_or_edits_it_is_refused() -> None:
    with pytest.raises(NliError, match="counterfactual pairs"):
        prepare(tiny_classifier(), ORDINARY, settings(**VALUES))
