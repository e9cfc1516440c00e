"""Lists, scores and numbers in a cell of text, as Python, NumPy and PyTorch print them."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

_LONGEST = 20_000
_WRAPPED = re.compile(r"^(?:\w+\.)?(?:array|tensor)\((.*?)(?:,\s*\w+=.*)?\)$", re.DOTALL)
_SCALAR = re.compile(r"\b(?:np|numpy|torch)\.\w+\(([^()]*)\)")
_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf|nan)"
_NUMBERS = re.compile(rf"\[?\s*{_NUMBER}(?:[\s,;]+{_NUMBER})+\s*\]?")
_STRINGS_ONLY = re.compile(r"""\[\s*(['"]).*?\1(?:\s+(['"]).*?\2)+\s*\]""", re.DOTALL)
_STRING = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def parse_container(value: Any) -> Any:
    """A list or dict from a cell that holds one, or one written as text; other cells unchanged.

    Text may be JSON, a Python literal, a NumPy or PyTorch array (`[0.1 0.2]`, `tensor([…])`), or
    numbers with separators between them.
    """
    if not isinstance(value, str) or len(value) > _LONGEST:
        return value
    text = value.strip()
    if wrapped := _WRAPPED.match(text):
        text = wrapped.group(1).strip()
    if _STRINGS_ONLY.fullmatch(text):  # NumPy's array of strings; Python would join them
        return [a or b for a, b in _STRING.findall(text)]
    if text[:1] in ("[", "{", "("):
        parsed = _parsed(_SCALAR.sub(r"\1", text))
        if parsed is not None:
            return parsed
    if _NUMBERS.fullmatch(text):
        return [float(number) for number in re.findall(_NUMBER, text)]
    return value


def _parsed(text: str) -> Any:
    for parse in (json.loads, ast.literal_eval):
        try:
            parsed = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        if isinstance(parsed, tuple):
            parsed = list(parsed)
        return parsed if isinstance(parsed, list | dict) else None
    return None
