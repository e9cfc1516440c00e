"""Tokenizers without offsets: the same pieces as they make themselves, spans where they can be."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from transformers import BertJapaneseTokenizer

from nliexplorer.attribution.methods import attribute
from nliexplorer.errors import NliError
from nliexplorer.inference import predict
from nliexplorer.modeling import checkpoints
from nliexplorer.modeling.load import load_classifier
from nliexplorer.modeling.tokenizing import encode_pairs, layout
from tests.families import TEXTS, checkpoint
from tests.tinymodels import EXAMPLES

PAIRS = [(example.premise, example.hypothesis) for example in EXAMPLES]
_PIECES = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] a the man is are sleep ##ing ##s dog grass on . two people"
)


@pytest.fixture
def tokenizer(tmp_path: Path) -> BertJapaneseTokenizer:
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join(_PIECES.split()))
    return BertJapaneseTokenizer(
        str(vocabulary), word_tokenizer_type="basic", subword_tokenizer_type="wordpiece"
    )


def test_pieces_are_the_tokenizers_own_and_cut_as_fast_ones_are(
    tokenizer: BertJapaneseTokenizer,
) -> None:
    assert not tokenizer.is_fast
    encoded = encode_pairs(tokenizer, PAIRS, 64)
    for row, pair in enumerate(PAIRS):
        own = tokenizer(*pair)
        assert encoded.ids[encoded.slice(row)].tolist() == own["input_ids"]
        types = tokenizer.create_token_type_ids_from_sequences(
            *(tokenizer(text, add_special_tokens=False)["input_ids"] for text in pair)
        )
        assert encoded.types[encoded.slice(row)].tolist() == types
    short = encode_pairs(tokenizer, [("a " * 30, "the man is")], 16)
    assert short.truncated.tolist() == [True]
    assert short.length(0) == 16
    assert (short.segments == 2).sum() == 3


def test_spans_are_found_in_order_and_unknown_pieces_stand_between(
    tokenizer: BertJapaneseTokenizer,
) -> None:
    premise = "The man is sleeping ."
    place = layout(tokenizer, premise, "Zebras sleep Ⅻ", 64)
    texts = [
        premise[start:end].strip()
        for (start, end), segment in zip(place.spans, place.segments, strict=True)
        if segment == "premise"
    ]
    assert texts == ["The", "man", "is", "sleep", "ing", "."]
    words = [w for w, s in zip(place.word_ids, place.segments, strict=True) if s == "premise"]
    assert words == [0, 1, 2, 3, 3, 4]
    spans = [span for span, s in zip(place.spans, place.segments, strict=True) if s == "hypothesis"]
    assert spans == [(0, 6), (7, 12), (13, 14)]


def test_a_checkpoint_with_a_slow_tokenizer_works_and_says_so(
    tokenizer: BertJapaneseTokenizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = checkpoint("bert", tmp_path / "model")
    for file in folder.glob("tokenizer*"):
        file.unlink()
    tokenizer.save_pretrained(folder)
    classifier = load_classifier(str(folder), device="cpu")
    assert "by piece" in capsys.readouterr().err
    together = predict(classifier, PAIRS)
    alone = np.concatenate([predict(classifier, [pair]) for pair in PAIRS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    result = dict(attribute(classifier, EXAMPLES, steps=20))
    assert all(abs(each.completeness_delta or 0) < 0.01 for each in result.values())


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """DeBERTa-v2 with a SentencePiece vocabulary and no tokenizer.json, as v3 is published."""
    sentencepiece = pytest.importorskip("sentencepiece", reason="the extra is not installed")
    folder = checkpoint("deberta-v2", tmp_path)
    for file in folder.glob("tokenizer*"):
        file.unlink()
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS * 20),
        model_writer=model,
        vocab_size=120,
        pad_id=0,
        pad_piece="[PAD]",
        unk_id=3,
        unk_piece="[UNK]",
        bos_id=-1,
        eos_id=-1,
        user_defined_symbols=["[CLS]", "[SEP]", "[MASK]"],
        hard_vocab_limit=False,
        minloglevel=2,
    )
    (folder / "spm.model").write_bytes(model.getvalue())
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "DebertaV2Tokenizer"}')
    return folder


def test_a_sentencepiece_checkpoint_as_published_is_read(published: Path) -> None:
    classifier = load_classifier(str(published), device="cpu")
    place = classifier.layout("A man is sleeping.", "Nobody reads.")
    words = {w for w, s in zip(place.word_ids, place.segments, strict=True) if s == "premise"}
    assert words == {0, 1, 2, 3, 4}
    assert np.isfinite(predict(classifier, PAIRS)).all()


def test_without_its_packages_a_sentencepiece_checkpoint_names_the_extra(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer

    def fail(*_: object, **__: object) -> None:
        raise ImportError("requires the SentencePiece library")

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", fail)
    monkeypatch.setattr(checkpoints, "_installed", lambda module: module != "sentencepiece")
    with pytest.raises(NliError, match="no usable tokenizer") as refused:
        load_classifier(str(published), device="cpu")
    assert "pip install 'nliexplorer[sentencepiece]'" in refused.value.hint
