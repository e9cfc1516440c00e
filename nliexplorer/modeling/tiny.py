"""A tiny ELECTRA from scratch, and its WordPiece vocabulary written from the corpus's lexicon."""

from __future__ import annotations

import string
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from torch import Tensor, nn
from transformers import ElectraConfig, ElectraForSequenceClassification, PreTrainedTokenizerFast

from nliexplorer.data.planted import kinships, lexicon_words
from nliexplorer.modeling.heads import LabelOrder, write_label_names

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MAX_LENGTH = 128  # tokens
HIDDEN = 64

# The initialisation, found by trial: see `compare_sentences`.
_WORD_STD = 0.2
_POSITION_STD = 0.04
_SEGMENT_NORM = 0.4  # of a word's embedding
_DENSE_STD = 0.1  # feed-forward layers and classifier; ELECTRA's 0.02 starts them too quiet
_KEY_GAIN = 1.2
_VALUE_GAIN = 0.7
_HYPOTHESIS_BIAS = 5.0
_LIKENESS = {"form": 0.85, "synonym": 0.75, "kind": 0.7}  # cosine of a word and its relatives


def vocabulary() -> dict[str, int]:
    """Token to id: every word of the planted corpus whole, then the characters of all other text.

    Written from the lexicon, not trained, so that it is the same in every process.
    """
    characters = string.ascii_lowercase + string.digits
    tokens = [
        *SPECIAL_TOKENS,
        *lexicon_words(),
        *(c for c in characters if c not in lexicon_words()),
        *(f"##{c}" for c in characters),
        *string.punctuation,
    ]
    return {token: index for index, token in enumerate(tokens)}


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Lower-casing WordPiece tokenizer in BERT's format."""
    tokenizer = Tokenizer(WordPiece(vocabulary(), unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    vocab = tokenizer.get_vocab()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(token, vocab[token]) for token in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=MAX_LENGTH,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def build_tiny(
    seed: int, order: LabelOrder = (0, 1, 2)
) -> tuple[ElectraForSequenceClassification, PreTrainedTokenizerFast]:
    """An untrained two-layer ELECTRA without dropout, and its tokenizer; labels are in `order`.

    The global random state is left as it was found.
    """
    tokenizer = build_tokenizer()
    config = ElectraConfig(
        vocab_size=len(tokenizer),
        embedding_size=HIDDEN,
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * HIDDEN,
        max_position_embeddings=MAX_LENGTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        classifier_dropout=0.0,
        pad_token_id=tokenizer.pad_token_id,
        attn_implementation="eager",  # the penalty differentiates twice; fused kernels cannot
    )
    write_label_names(config, order)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ElectraForSequenceClassification(config)
        compare_sentences(model)
    for parameter in model.parameters():
        parameter.data = parameter.data.contiguous()  # else save_pretrained refuses
    return model.eval(), tokenizer


@torch.no_grad()
def compare_sentences(model: ElectraForSequenceClassification) -> None:
    """Initialises the model so that it compares the two sentences word by word.

    Stands in for pre-training, which the quick preset has no time for. Words start near their
    relatives in the lexicon (so the model is given what is related, not what entails what); the
    first layer lets each token attend to its like in the other sentence and subtracts it; the
    second looks mostly at the hypothesis.
    """
    electra: Any = model.electra  # torch types a module's attributes as Tensor | Module
    classifier: Any = model.classifier
    embeddings = electra.embeddings
    embeddings.word_embeddings.weight.copy_(_word_vectors())
    embeddings.position_embeddings.weight.normal_(std=_POSITION_STD)
    direction = nn.functional.normalize(torch.randn(HIDDEN), dim=0)
    segment = _SEGMENT_NORM * _WORD_STD * HIDDEN**0.5 * direction
    embeddings.token_type_embeddings.weight.copy_(torch.stack((segment, -segment)))
    first, second = electra.encoder.layer
    _look_across(first.attention, direction)
    _look_at_hypothesis(second.attention, direction)
    for layer in (first, second):
        layer.intermediate.dense.weight.normal_(std=_DENSE_STD)
        layer.output.dense.weight.normal_(std=_DENSE_STD)
    classifier.dense.weight.normal_(std=_DENSE_STD)
    classifier.out_proj.weight.normal_(std=_DENSE_STD)


def _word_vectors() -> Tensor:
    """Random rows; each word of the lexicon shares a part with its nearest relatives."""
    vocab = vocabulary()
    rows = torch.randn(len(vocab), HIDDEN)
    nameless: dict[str, Tensor] = {}  # kinds that have no word
    for word, kin, relation in kinships():
        if kin not in vocab and kin not in nameless:
            nameless[kin] = torch.randn(HIDDEN)
        near = rows[vocab[kin]] if kin in vocab else nameless[kin]
        share = _LIKENESS[relation]
        rows[vocab[word]] = share * near + (1 - share**2) ** 0.5 * rows[vocab[word]]
    rows *= _WORD_STD
    rows[vocab["[PAD]"]] = 0
    return rows


def _look_across(attention: Any, direction: Tensor) -> None:
    """Each token looks at its like in the other sentence, and takes it from itself.

    With token types at +v and -v (v the unit `direction`) and W_q = W_k (I - 2 v v'), the score of
    two tokens is the likeness of their words plus a bonus for lying in different sentences.
    """
    key = _orthogonal(_KEY_GAIN)
    attention.self.key.weight.copy_(key)
    attention.self.query.weight.copy_(key - 2 * torch.outer(key @ direction, direction))
    value = _orthogonal(1.0)
    attention.self.value.weight.copy_(_VALUE_GAIN * value)
    attention.output.dense.weight.copy_(-value.T)


def _look_at_hypothesis(attention: Any, direction: Tensor) -> None:
    """Every query is biased towards the hypothesis's token type, -v."""
    key = _orthogonal(0.5)
    attention.self.key.weight.copy_(key)
    attention.self.query.weight.copy_(_orthogonal(0.2))
    attention.self.query.bias.copy_(-_HYPOTHESIS_BIAS * (key @ direction))
    attention.self.value.weight.copy_(_orthogonal(_VALUE_GAIN))
    attention.output.dense.weight.copy_(_orthogonal(_VALUE_GAIN))


def _orthogonal(gain: float) -> Tensor:
    weight = torch.empty(HIDDEN, HIDDEN)
    nn.init.orthogonal_(weight, gain)
    return weight
