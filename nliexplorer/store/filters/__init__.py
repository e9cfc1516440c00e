"""Which pairs: one frozen Filter, written as flags, as filter-bar text, or compiled to SQL."""

from nliexplorer.store.filters import derived as _derived  # noqa: F401  registers its fields
from nliexplorer.store.filters.fields import FIELDS, Field
from nliexplorer.store.filters.filter import DEFAULT_SORT, EVERYTHING, SORTS, Bound, Choice, Filter
from nliexplorer.store.filters.grammar import FilterError, parse_filter
from nliexplorer.store.filters.sql import Scope, compile_filter, order_terms

__all__ = [
    "DEFAULT_SORT",
    "EVERYTHING",
    "FIELDS",
    "SORTS",
    "Bound",
    "Choice",
    "Field",
    "Filter",
    "FilterError",
    "Scope",
    "compile_filter",
    "order_terms",
    "parse_filter",
]
