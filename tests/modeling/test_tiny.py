"""The tiny ELECTRA: its vocabulary, its size, its determinism, its round trip to disk."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from nliexplorer.data.planted import SPLITS, generate
from nliexplorer.modeling.tiny import build_tiny, build_tokenizer, vocabulary
from nliexplorer.records import LABELS

PREMISE = "A tall boy is chasing a duck, while a woman is laughing."
HYPOTHESIS = "A boy is chasing a bird."


def test_the_vocabulary_is_the_same_everywhere() -> None:
    vocab = vocabulary()
    assert list(vocab.values()) == list(range(len(vocab)))
    digest = hashlib.blake2b(json.dumps(list(vocab)).encode(), digest_size=8).hexdigest()
    assert digest == "5b4fd01faf1e1316"


def test_every_corpus_word_is_one_token() -> None:
    tokenizer = build_tokenizer()
    words = {
        word
        for split in SPLITS
        for row in generate(split, n=600)
        for word in f"{row.premise} {row.hypothesis}".replace(".", "").replace(",", "").split()
    }
    for word in words:
        assert tokenizer.tokenize(word) == [word.lower()]


def test_other_text_is_spelled_rather_than_unknown() -> None:
    tokenizer = build_tokenizer()
    tokens = tokenizer.tokenize("Zoë's café cost $3.50!")
    assert "[UNK]" not in tokens
    assert "".join(t.removeprefix("##") for t in tokens) == "zoe'scafecost$3.50!"


def test_a_pair_is_encoded_as_bert_does() -> None:
    encoded = build_tokenizer()(PREMISE, HYPOTHESIS)
    tokens = build_tokenizer().convert_ids_to_tokens(encoded["input_ids"])
    assert tokens[0] == "[CLS]"
    assert [i for i, t in enumerate(tokens) if t == "[SEP]"] == [15, len(tokens) - 1]
    assert encoded["token_type_ids"] == [0] * 16 + [1] * 8


def test_small_without_dropout_and_with_the_labels_in_order() -> None:
    model, tokenizer = build_tiny(0)
    assert 100_000 < sum(p.numel() for p in model.parameters()) < 150_000
    assert [model.config.id2label[i] for i in range(3)] == list(LABELS)
    assert model.config.vocab_size == len(tokenizer)
    assert all(m.p == 0 for m in model.modules() if isinstance(m, torch.nn.Dropout))
    assert all(p.is_contiguous() for p in model.parameters())


def test_a_seed_decides_the_weights_and_leaves_the_global_state_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, again, other = (build_tiny(seed)[0].state_dict() for seed in (5, 5, 6))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(one[name], again[name]) for name in one)
    name = "electra.embeddings.word_embeddings.weight"
    assert not torch.equal(one[name], other[name])


def test_saved_and_loaded_it_answers_the_same(tmp_path: Path) -> None:
    model, tokenizer = build_tiny(0)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    reader = AutoTokenizer.from_pretrained(tmp_path)
    batch = tokenizer(PREMISE, HYPOTHESIS, return_tensors="pt")
    assert reader(PREMISE, HYPOTHESIS)["input_ids"] == batch["input_ids"][0].tolist()
    assert reader.model_max_length == tokenizer.model_max_length
    assert loaded.config.id2label == dict(enumerate(LABELS))
    with torch.no_grad():
        torch.testing.assert_close(loaded(**batch).logits, model(**batch).logits)


def test_at_first_a_word_looks_at_its_like_in_the_other_sentence() -> None:
    model, tokenizer = build_tiny(0)
    batch = tokenizer("The dog is running by a lake.", "A dog is running.", return_tensors="pt")
    tokens = tokenizer.convert_ids_to_tokens(batch["input_ids"][0])
    with torch.no_grad():
        weights = model(**batch, output_attentions=True).attentions[0][0].mean(0)
    for word in ("dog", "running"):
        premise, hypothesis = (i for i, token in enumerate(tokens) if token == word)
        assert weights[hypothesis].argmax() == premise
        assert weights[premise].argmax() == hypothesis
