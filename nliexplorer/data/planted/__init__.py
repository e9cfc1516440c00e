"""The built-in corpus: English scenes whose labels are known to be true, with planted artefacts."""

from nliexplorer.data.planted.files import as_row, write
from nliexplorer.data.planted.generator import DEFAULT_SIZES, SPLITS, generate
from nliexplorer.data.planted.vocabulary import kinships, lexicon_words

__all__ = ["DEFAULT_SIZES", "SPLITS", "as_row", "generate", "kinships", "lexicon_words", "write"]
