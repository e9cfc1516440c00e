"""The filter language: one frozen `Filter`, parsed from text or options, compiled to SQL.

Every field is one entry of the registry in `fields`.
"""

from nliexplorer.store.filters import standard as _standard  # noqa: F401  registers its fields

from nliexplorer.store.filters import derived as _derived  # noqa: F401  registers its fields  # isort: skip
from nliexplorer.store.filters.fields import FIELDS, Field, bare_words, find_key, key_of
from nliexplorer.store.filters.filter import EVERYTHING, Filter, SortKey, sort_names
from nliexplorer.store.filters.grammar import FilterError, parse_filter
from nliexplorer.store.filters.nodes import And, Match, Not, Or, Range, Term
from nliexplorer.store.filters.sql import Query, Scope, compile_filter, compile_value
from nliexplorer.store.filters.text import sentence

__all__ = [
    "EVERYTHING",
    "FIELDS",
    "And",
    "Field",
    "Filter",
    "FilterError",
    "Match",
    "Not",
    "Or",
    "Query",
    "Range",
    "Scope",
    "SortKey",
    "Term",
    "bare_words",
    "compile_filter",
    "compile_value",
    "find_key",
    "key_of",
    "parse_filter",
    "sentence",
    "sort_names",
]
