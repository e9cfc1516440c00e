"""A tiny ELECTRA from scratch, and its WordPiece vocabulary written from the corpus's lexicon."""

from __future__ import annotations

import string

import torch
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from torch import Tensor, nn
from transformers import ElectraConfig, ElectraForSequenceClassification, PreTrainedTokenizerFast

from nliexplorer.data.planted import lexicon_words
from nliexplorer.records import LABELS

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MAX_LENGTH = 128  # tokens
HIDDEN = 64

_QUERY_KEY_GAIN = 1.2
_VALUE_GAIN = 0.7
_SEGMENT_NORM = 0.6  # of a word's embedding
_POSITION_SCALE = 0.2


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


def build_tiny(seed: int) -> tuple[ElectraForSequenceClassification, PreTrainedTokenizerFast]:
    """An untrained two-layer ELECTRA without dropout, and its tokenizer.

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
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
        attn_implementation="eager",  # the penalty differentiates twice; fused kernels cannot
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ElectraForSequenceClassification(config)
        compare_sentences(model)
    for parameter in model.parameters():
        parameter.data = parameter.data.contiguous()  # else save_pretrained refuses
    return model.eval(), tokenizer


@torch.no_grad()
def compare_sentences(model: ElectraForSequenceClassification) -> None:
    """Initialises attention so that each token first looks at its like in the other sentence.

    With token types at +v and -v and W_q = W_k (I - 2 v v'), the score of two tokens is the
    likeness of their words plus a bonus for lying in different sentences.
    """
    embeddings = model.electra.embeddings
    direction = nn.functional.normalize(torch.randn(HIDDEN), dim=0)
    norm = embeddings.word_embeddings.weight.norm(dim=1).median()
    segment = _SEGMENT_NORM * norm * direction
    embeddings.token_type_embeddings.weight.copy_(torch.stack((segment, -segment)))
    embeddings.position_embeddings.weight.mul_(_POSITION_SCALE)
    for number, layer in enumerate(model.electra.encoder.layer):
        attention = layer.attention
        if number == 0:
            key = _orthogonal(HIDDEN, _QUERY_KEY_GAIN)
            attention.self.key.weight.copy_(key)
            reflected = key - 2 * torch.outer(key @ direction, direction)
            attention.self.query.weight.copy_(reflected)
        for linear in (attention.self.value, attention.output.dense):
            linear.weight.copy_(_orthogonal(HIDDEN, _VALUE_GAIN))


def _orthogonal(size: int, gain: float) -> Tensor:
    weight = torch.empty(size, size)
    nn.init.orthogonal_(weight, gain)
    return weight
