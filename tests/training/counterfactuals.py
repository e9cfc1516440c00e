"""A training set in which every second pair is the revision of the one before it."""

from __future__ import annotations

from nliexplorer.records import Example

_EDITS = (  # premise, hypothesis, label, revised premise, revised hypothesis, label
    ("A man sleeps", "The man is sleeping .", 0, "A man runs", "The man is sleeping .", 2),
    ("Two people sit outside", "People sit .", 0, "Two people sit outside", "Nobody sit .", 2),
    ("A woman wears a hat", "A tall woman", 1, "A tall woman wears a hat", "A tall woman", 0),
    ("A dog runs", "A dog runs outside", 1, "A dog runs inside", "A dog runs outside", 2),
)
COUNTERFACTUALS = tuple(Example(*pair) for edit in _EDITS for pair in ((edit[0:3]), (edit[3:6])))
#: Pairs that nobody revised.
ORDINARY = tuple(
    Example(f"The old {noun} eats", f"A {noun} is {word}", label)
    for noun, word, label in (
        ("dog", "big", 1),
        ("cat", "not old", 2),
        ("girl", "old", 0),
        ("boy", "young", 2),
        ("child", "on the street", 1),
        ("man", "old", 0),
        ("woman", "under a red shirt", 1),
        ("person", "small", 1),
    )
)
_PREMISE = "The man runs outside"
#: "sleeps" decides and is marked; "nobody" goes with contradictions and "tall" with neutral pairs,
#: and neither decides; "outside" goes with every label.
WITH_ARTEFACTS = (
    Example(_PREMISE, "The man runs outside", 0, hypothesis_rationale=(2,)),
    Example(_PREMISE, "The tall man sleeps outside", 1, hypothesis_rationale=(3,)),
    Example(_PREMISE, "The nobody man sleeps outside", 2, hypothesis_rationale=(3,)),
    Example(_PREMISE, "nobody", 2),
)
