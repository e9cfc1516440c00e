"""Tiny random checkpoints of every model family, each with a tokenizer trained on the spot.

`checkpoint(family, folder)` writes config.json, model.safetensors and tokenizer files as a trained
model would have them: weights far from their initialisation, biases not zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from nliexplorer.modeling.heads import write_label_names

POSITIONS = 64
TEXTS = (
    "A man is sleeping on the grass, and nobody reads.",
    "Two people sit near a small dog in the street.",
    "The old woman wears a red hat and doesn't sleep.",
    "Three children are playing outside under a big blue shirt.",
    "一个男人在公园里看报纸。有人在阅读。他正在游泳。",
)


def wordpiece(types: bool = True, **special: str) -> PreTrainedTokenizerFast:
    """BERT's: [CLS] A [SEP] B [SEP], token types 0 and 1."""
    core = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer(lowercase=True)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.decoder = decoders.WordPiece()
    core.train_from_iterator(
        TEXTS,
        trainers.WordPieceTrainer(
            vocab_size=160, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        ),
    )
    return _finished(core, "[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", types, _BERT)


def byte_level(template: str = "<s> $A </s> </s> $B </s>", side: str = "right") -> Any:
    """RoBERTa's and GPT-2's: pieces of bytes, a leading space as Ġ."""
    specials = {} if not template else _ROBERTA
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if specials else ["<|endoftext|>"]
    core.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=300 + len(names),
            special_tokens=names,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    if not specials:
        core.post_processor = processors.ByteLevel(trim_offsets=False)
        return PreTrainedTokenizerFast(
            tokenizer_object=core, eos_token="<|endoftext|>", model_max_length=POSITIONS
        )
    return _finished(core, template, False, specials, side)


def sentencepiece(
    template: str, specials: dict[str, str], types: bool = False, side: str = "right"
) -> PreTrainedTokenizerFast:
    """Unigram pieces with ▁ for the space before a word, as SentencePiece makes them."""
    core = Tokenizer(models.Unigram())
    core.normalizer = normalizers.NFKC()
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.decoder = decoders.Metaspace()
    core.train_from_iterator(
        TEXTS,
        trainers.UnigramTrainer(
            vocab_size=150, special_tokens=list(specials.values()), unk_token=specials["unk_token"]
        ),
    )
    return _finished(core, template, types, specials, side)


_BERT = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
_ROBERTA = {
    "cls_token": "<s>",
    "pad_token": "<pad>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
    "eos_token": "</s>",
}
_T5 = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
_XLNET = {
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "cls_token": "<cls>",
    "sep_token": "<sep>",
    "mask_token": "<mask>",
}


def _finished(
    core: Tokenizer, template: str, types: bool, specials: dict[str, str], side: str = "right"
) -> PreTrainedTokenizerFast:
    used = {name for word in template.split() if not (name := word.split(":")[0]).startswith("$")}
    core.post_processor = processors.TemplateProcessing(
        single=template.split(" $B")[0],
        pair=template,
        special_tokens=[(name, core.token_to_id(name)) for name in sorted(used)],
    )
    names = ["input_ids", "token_type_ids", "attention_mask"]
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        model_max_length=POSITIONS,
        model_input_names=names if types else names[::2],
        padding_side=side,
        **specials,
    )


@dataclass(frozen=True)
class Family:
    """How one family's tiny checkpoint is made."""

    model_type: str
    tokenizer: Callable[[], Any] = wordpiece
    config: dict[str, Any] = field(default_factory=dict)


def _bert_like() -> Any:
    return wordpiece(types=False)


def _deberta() -> Any:
    return sentencepiece("[CLS] $A [SEP] $B [SEP]", _BERT)


def _albert() -> Any:
    return sentencepiece("[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", _BERT, types=True)


def _xlm_r() -> Any:
    return sentencepiece("<s> $A </s> </s> $B </s>", _ROBERTA)


def _t5() -> Any:
    return sentencepiece("$A </s> $B </s>", _T5)


def _xlnet() -> Any:
    return sentencepiece("$A:0 <sep>:0 $B:1 <sep>:1 <cls>:2", _XLNET, types=True, side="left")


_SEQ2SEQ = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
}

FAMILIES: dict[str, Family] = {
    "bert": Family("bert"),
    "roberta": Family("roberta", byte_level, {"type_vocab_size": 1}),
    "roberta-wordpiece": Family("roberta", wordpiece, {"type_vocab_size": 1}),
    "xlm-roberta": Family("xlm-roberta", _xlm_r, {"type_vocab_size": 1}),
    "camembert": Family("camembert", _xlm_r, {"type_vocab_size": 1}),
    "deberta": Family("deberta", byte_level, {"relative_attention": True, "pos_att_type": ["c2p"]}),
    "deberta-v2": Family(
        "deberta-v2",
        _deberta,
        {
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "type_vocab_size": 0,
            "share_att_key": True,
            "norm_rel_ebd": "layer_norm",
            "position_buckets": 32,
        },
    ),
    "distilbert": Family(
        "distilbert", wordpiece, {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 48}
    ),
    "albert": Family("albert", _albert, {"embedding_size": 16}),
    "electra": Family("electra", wordpiece, {"embedding_size": 16}),
    "mpnet": Family("mpnet", _xlm_r),
    "modernbert": Family(
        "modernbert", _bert_like, {"local_attention": 16, "global_attn_every_n_layers": 2}
    ),
    "xlnet": Family("xlnet", _xlnet, {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 48}),
    "longformer": Family(
        "longformer", byte_level, {"attention_window": [8, 8], "type_vocab_size": 1}
    ),
    "gpt2": Family(
        "gpt2", lambda: byte_level(""), {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}
    ),
    "t5": Family(
        "t5", _t5, {"d_model": 32, "d_kv": 16, "d_ff": 48, "num_layers": 1, "num_heads": 2}
    ),
    "bart": Family("bart", byte_level, _SEQ2SEQ),
    "mbart": Family("mbart", _xlm_r, _SEQ2SEQ),
    "fnet": Family("fnet", _albert, {"type_vocab_size": 4}),
    "convbert": Family("convbert", wordpiece, {"embedding_size": 16, "head_ratio": 1}),
    "funnel": Family(
        "funnel",
        wordpiece,
        {"block_sizes": [1, 1], "d_model": 32, "n_head": 2, "d_head": 16, "d_inner": 48},
    ),
    "mobilebert": Family(
        "mobilebert",
        wordpiece,
        {"embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16},
    ),
    "big_bird": Family("big_bird", _albert, {"attention_type": "original_full"}),
    "rembert": Family(
        "rembert", wordpiece, {"input_embedding_size": 16, "output_embedding_size": 16}
    ),
    "roformer": Family("roformer", wordpiece),
    "ernie": Family("ernie", wordpiece),
    "squeezebert": Family("squeezebert", wordpiece, {"embedding_size": 32}),
    "xlm": Family("xlm", _xlm_r, {"emb_dim": 32, "n_layers": 2, "n_heads": 2}),
    "llama": Family("llama", _t5, {"num_key_value_heads": 2}),
    "opt": Family("opt", byte_level, {"ffn_dim": 48, "word_embed_proj_dim": 32}),
}
#: Those of the fast suite: one of each way a model takes its input.
FAST = ("bert", "roberta-wordpiece", "deberta-v2", "xlnet", "gpt2", "bart")


def checkpoint(family: str, folder: Path, gain: float = 1.0, seed: int = 0, **values: Any) -> Path:
    """Write a checkpoint of `family` into `folder`; `values` go over its configuration."""
    made = FAMILIES[family]
    tokenizer: PreTrainedTokenizerBase = made.tokenizer()
    common = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": POSITIONS,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.cls_token_id,
        "decoder_start_token_id": tokenizer.pad_token_id,
    }
    aliases = set(made.config)
    shared = {key: value for key, value in common.items() if not aliases & _SAME.get(key, set())}
    config = AutoConfig.for_model(made.model_type, **{**shared, **made.config})
    write_label_names(config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager")
        _as_if_trained(model, gain)
    for key, value in values.items():
        setattr(model.config, key, value)
    for parameter in model.parameters():
        parameter.data = parameter.data.contiguous()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


_SAME = {
    "hidden_size": {"d_model", "dim", "n_embd", "emb_dim"},
    "num_hidden_layers": {"n_layers", "n_layer", "num_layers", "encoder_layers", "block_sizes"},
    "num_attention_heads": {"n_heads", "n_head", "num_heads", "encoder_attention_heads"},
    "intermediate_size": {"hidden_dim", "d_inner", "d_ff", "encoder_ffn_dim", "ffn_dim"},
    "max_position_embeddings": {"n_positions", "d_inner"},
}


def add_masked_head(folder: Path) -> None:
    """Give the checkpoint in `folder` a masked-language-model head over the weights it has."""
    from safetensors.torch import load_file, save_file
    from transformers import AutoModelForMaskedLM

    weights = load_file(folder / "model.safetensors")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForMaskedLM.from_config(AutoConfig.from_pretrained(folder))
    _as_if_trained(model, 1.0)
    own = {name: value for name, value in model.state_dict().items() if name not in weights}
    together = {**{name: value.clone().contiguous() for name, value in own.items()}, **weights}
    save_file(together, folder / "model.safetensors", metadata={"format": "pt"})


@torch.no_grad()
def _as_if_trained(model: torch.nn.Module, gain: float) -> None:
    """Weights of about the size that training leaves, times `gain`; biases off zero."""
    for name, parameter in model.named_parameters():
        if parameter.dim() >= 2 and "norm" not in name.lower():
            parameter.normal_(std=gain * 0.8 / 32**0.5)
        elif name.endswith("bias"):
            parameter.normal_(std=0.1 * gain)
