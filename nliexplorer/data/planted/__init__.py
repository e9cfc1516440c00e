"""The built-in corpus: generated English scenes with known labels and planted artefacts.

Needs no download and is the same on every machine.
"""

from nliexplorer.data.planted.files import as_row, write
from nliexplorer.data.planted.generator import DEFAULT_SIZES, SPLITS, generate
from nliexplorer.data.planted.vocabulary import kinships, lexicon_words

__all__ = ["DEFAULT_SIZES", "SPLITS", "as_row", "generate", "kinships", "lexicon_words", "write"]
