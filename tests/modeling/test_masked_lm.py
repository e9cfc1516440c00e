"""The masked-language-model head that a checkpoint still has."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForMaskedLM

from nliexplorer.modeling.load import load_classifier
from nliexplorer.modeling.masked_lm import masked_head
from nliexplorer.wording import is_unspaced
from tests.families import add_masked_head

PREMISE, HYPOTHESIS = "A man is sleeping on the grass.", "Nobody reads, and two people sit."


@pytest.fixture(params=["bert", "roberta"])
def folder(
    request: pytest.FixtureRequest, family_checkpoint: Callable[[str], Path], tmp_path: Path
) -> Path:
    """A checkpoint of a classifier that has kept its masked-language-model head."""
    copy = Path(shutil.copytree(family_checkpoint(request.param), tmp_path / request.param))
    add_masked_head(copy)
    return copy


def test_each_word_is_replaced_by_what_the_head_ranks_first(folder: Path) -> None:
    classifier = load_classifier(str(folder))
    head = masked_head(folder, classifier)
    assert head
    made = head.substitutes(PREMISE, HYPOTHESIS, most=2)
    assert made
    for each in made:
        old, new = (
            (PREMISE, each.premise) if each.segment == "premise" else (HYPOTHESIS, each.hypothesis)
        )
        changed = [
            (was, now) for was, now in zip(old.split(), new.split(), strict=True) if was != now
        ]
        assert len(changed) == 1
        was, now = changed[0]
        assert was.replace(each.word, each.other) == now  # its punctuation stays
        assert each.other.lower() != each.word.lower()
    # the first for "reads" is the best whole word of the model's own logits there
    tokenizer = classifier.tokenizer
    masked = HYPOTHESIS.replace("reads", tokenizer.mask_token)
    encoded = tokenizer(PREMISE, masked, return_tensors="pt")
    model = AutoModelForMaskedLM.from_pretrained(folder).eval()
    with torch.no_grad():
        logits = model(**encoded).logits[0]
    place = int((encoded["input_ids"][0] == tokenizer.mask_token_id).nonzero()[0, 0])
    ranking = [
        tokenizer.decode([i]).strip().lower() for i in logits[place].argsort(descending=True)
    ]
    of_reads = [each.other.lower() for each in made if each.word == "reads"]
    assert of_reads == sorted(of_reads, key=ranking.index)


def test_a_checkpoint_without_the_head_has_none(family_checkpoint: Callable[[str], Path]) -> None:
    for family in ("bert", "gpt2", "deberta-v2"):
        folder = family_checkpoint(family)
        assert masked_head(folder, load_classifier(str(folder))) is None


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_words_of_scripts_without_spaces_are_replaced_one_by_one(
    family: str, family_checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(family_checkpoint(family), tmp_path / family))
    add_masked_head(folder)
    head = masked_head(folder, load_classifier(str(folder)))
    assert head
    premise, hypothesis = "一个男人在公园里看报纸。", "有人在阅读。"
    made = head.substitutes(premise, hypothesis, most=2)
    changed: dict[str, set[int]] = {"premise": set(), "hypothesis": set()}
    for each in made:
        old, new = (
            (premise, each.premise) if each.segment == "premise" else (hypothesis, each.hypothesis)
        )
        assert len(old) == len(new)
        (place,) = [i for i in range(len(old)) if old[i] != new[i]]
        assert (old[place], new[place]) == (each.word, each.other)
        assert is_unspaced(each.other)
        assert each.word != "。"
        changed[each.segment].add(place)
    assert len(changed["premise"]) > 5
    assert len(changed["hypothesis"]) > 2
