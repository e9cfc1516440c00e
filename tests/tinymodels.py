"""Small random classifiers of several families, made in memory: no download, no training."""

from __future__ import annotations

from typing import Any

import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from nliexplorer.modeling.heads import write_label_names
from nliexplorer.modeling.load import Classifier
from nliexplorer.records import Example

_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_WORDS = (  # noqa: SIM905
    "a the man woman dog cat child boy girl person is are was runs run sleeps sleeping sits stands "
    "eats reads on in near under red blue tall small big old young outside inside grass street "
    "nobody not two three people because it warm wears hat shirt , . ##s ##ing ##ed"
).split()


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A WordPiece tokenizer over a few dozen words; the rest falls to [UNK]."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {word: number for number, word in enumerate((*_SPECIALS, *_WORDS))}
    core = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer(lowercase=True)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def _sizes(vocabulary: int, dropout: float) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout,
        "initializer_range": 0.3,  # far from linear, so that quadrature and curvature matter
        "attn_implementation": "eager",
        "pad_token_id": 0,
    }


def tiny_classifier(family: str = "electra", seed: int = 0, dropout: float = 0.0) -> Classifier:
    """A random classifier in eval mode; `family` is electra, bert or roberta."""
    tokenizer = tiny_tokenizer()
    sizes = _sizes(len(tokenizer), dropout)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any
        if family == "electra":
            config = ElectraConfig(**sizes, embedding_size=16, classifier_dropout=dropout)
            write_label_names(config)
            model = ElectraForSequenceClassification(config)
        elif family == "roberta":
            config = RobertaConfig(**sizes, classifier_dropout=dropout)
            write_label_names(config)
            model = RobertaForSequenceClassification(config)
        else:
            config = BertConfig(**sizes, classifier_dropout=dropout)
            write_label_names(config)
            model = BertForSequenceClassification(config)
    model.eval()
    return Classifier(model, tokenizer, family, (0, 1, 2), 64, torch.device("cpu"), True)


EXAMPLES = (
    Example("A man sleeps on the grass .", "The man is sleeping .", 0),
    Example("Two people sit near a small dog in the street , reading .", "Nobody reads .", 2),
    Example("The old woman wears a red hat", "A tall woman", 1),
    Example("A dog runs", "A dog runs because it is warm , not because it is small .", 1),
    Example("boy", "girl", 2),
    Example("Three children stand under a big blue shirt outside .", "People are outside .", 0),
)
