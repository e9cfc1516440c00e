"""Counterfactual partners: pairs of a training set that differ by few words and in their label.

Counterfactually revised data (Kaushik et al. 2020) keeps one sentence of a pair and edits the other
until another label is true. Such sets rarely say which pair is whose revision; the sentence that
two pairs share, and the few words in which the other one differs, do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from nliexplorer.records import Example
from nliexplorer.wording import whole_words

#: Words that may differ, as a share of the longer sentence's: more is another sentence.
MOST_EDITED = 0.5
#: Row number of a pair that has no partner.
NO_PARTNER = -1


def find_partners(examples: Sequence[Example], revised_from: int = 0) -> NDArray[np.int64]:
    """[n] row of each pair's counterfactual partner, NO_PARTNER where it has none.

    The partner shares premise or hypothesis, has another label, and its other sentence is the
    closest by word edits, at most MOST_EDITED of the longer one; of several as close, the first.
    Rows before `revised_from` are ordinary pairs: two of them are nobody's revision, even where
    they share a premise. Labels compared are gold labels; pairs without one have no partner.
    """
    words = [(tuple(whole_words(e.premise)), tuple(whole_words(e.hypothesis))) for e in examples]
    sharing: list[dict[tuple[str, ...], list[int]]] = [{}, {}]
    for row, (example, sides) in enumerate(zip(examples, words, strict=True)):
        if example.label is not None:
            for side in (0, 1):
                sharing[side].setdefault(sides[side], []).append(row)
    best = np.full(len(examples), NO_PARTNER, dtype=np.int64)
    closest: dict[int, int] = {}
    for side in (0, 1):
        for rows in sharing[side].values():
            for number, first in enumerate(rows):
                for second in rows[number + 1 :]:  # rows ascend: `second` is the later one
                    if second < revised_from or examples[first].label == examples[second].label:
                        continue
                    texts = words[first][1 - side], words[second][1 - side]
                    limit = int(MOST_EDITED * max(map(len, texts)))
                    needed = max(closest.get(first, limit), closest.get(second, limit))
                    if _at_least(*texts) > min(limit, needed):
                        continue
                    edits = edit_distance(*texts)
                    if not 0 < edits <= limit:
                        continue
                    for row, other in ((first, second), (second, first)):
                        if edits < closest.get(row, limit + 1):
                            closest[row], best[row] = edits, other
    return best


def align(source: Sequence[Hashable], target: Sequence[Hashable]) -> list[int | None]:
    """For each item of `source`, the item of `target` that it is matched to or replaced by, None
    where it is deleted: an alignment of the fewest edits (Levenshtein 1966).

    Of several, replacements stand as late as possible. Items that only `target` has are left out.
    """
    start, stop = _common_ends(source, target)
    left, right = source[start : len(source) - stop], target[start : len(target) - stop]
    table = _edit_table(left, right)
    middle: list[int | None] = [None] * len(left)
    i, j = len(left), len(right)
    while i and j:
        if table[i][j] == table[i - 1][j - 1] + (left[i - 1] != right[j - 1]):
            i, j = i - 1, j - 1
            middle[i] = start + j
        elif table[i][j] == table[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    shift = len(target) - len(source)
    tail = range(len(source) - stop + shift, len(target))
    return [*range(start), *middle, *tail]


def edit_distance(source: Sequence[Hashable], target: Sequence[Hashable]) -> int:
    """Insertions, deletions and replacements from one sequence to the other, at least."""
    start, stop = _common_ends(source, target)
    left, right = source[start : len(source) - stop], target[start : len(target) - stop]
    return _edit_table(left, right)[-1][-1]


def _common_ends(source: Sequence[Hashable], target: Sequence[Hashable]) -> tuple[int, int]:
    """Lengths of the common beginning and of the common end behind it."""
    shorter = min(len(source), len(target))
    start = 0
    while start < shorter and source[start] == target[start]:
        start += 1
    stop = 0
    while stop < shorter - start and source[-1 - stop] == target[-1 - stop]:
        stop += 1
    return start, stop


def _edit_table(source: Sequence[Hashable], target: Sequence[Hashable]) -> list[list[int]]:
    """[i][j]: edits from the first i items to the first j."""
    table = [list(range(len(target) + 1))]
    for i, item in enumerate(source, 1):
        above, row = table[-1], [i]
        for j, other in enumerate(target, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (item != other)))
        table.append(row)
    return table


def _at_least(source: Sequence[Hashable], target: Sequence[Hashable]) -> int:
    """A lower bound of the edit distance: the words of the longer one that the other lacks."""
    common = (Counter(source) & Counter(target)).total()
    return max(len(source), len(target)) - common
