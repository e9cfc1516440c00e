"""Token ids of English stop words (scikit-learn's list) in any tokenizer's vocabulary."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def stopword_ids(tokenizer: Any) -> Tensor:
    """Ids of the stop words that are one token, alone or after a space, in either case."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    ids_of_stopwords: set[int] = set()
    for word in ENGLISH_STOP_WORDS:
        for text in (word, word.capitalize(), f" {word}"):
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            if len(ids) == 1 and ids[0] != tokenizer.unk_token_id:
                ids_of_stopwords.add(int(ids[0]))
    return torch.tensor(sorted(ids_of_stopwords), dtype=torch.long)
