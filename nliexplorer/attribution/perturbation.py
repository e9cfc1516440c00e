"""Changes of a text that keep its words and its meaning: what an attribution should survive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nliexplorer.records import Example

Perturbation = Callable[[str], str]
_STOPS = ".!?"


def other_case(text: str) -> str:
    """Capitals throughout, or small letters where the text has only capitals."""
    changed = text.upper()
    # "ß" and the like change length, and offsets with it: such letters stay
    if len(changed) != len(text):
        changed = "".join(u if len(u := c.upper()) == 1 else c for c in text)
    return text.lower() if changed == text else changed


def other_stop(text: str) -> str:
    """The stop at the end taken away, or put there; one that stands alone becomes another."""
    bare = text.rstrip()
    words = bare.split()
    if not words:
        return text
    if words[-1] in _STOPS:
        return bare[:-1] + ("!" if words[-1] == "." else ".")
    return bare[:-1] if bare[-1] in _STOPS and len(words[-1]) > 1 else bare + "."


PERTURBATIONS: dict[str, Perturbation] = {"case": other_case, "punctuation": other_stop}


def perturbed(example: Example, change: Perturbation) -> Example:
    """Both sentences changed; the number of whitespace words stays."""
    return replace(example, premise=change(example.premise), hypothesis=change(example.hypothesis))
