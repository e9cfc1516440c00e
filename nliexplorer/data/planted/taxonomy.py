"""A small taxonomy of words: hypernyms, hyponyms, and kinds that exclude each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property


@dataclass(frozen=True, eq=False)
class Taxonomy:
    """Words with their direct hypernym and the words that each excludes.

    `rivals[w]` are the words that can't be true of the same thing as `w` under the convention of
    SNLI, that both sentences describe one scene.
    """

    parents: Mapping[str, str]
    rivals: Mapping[str, tuple[str, ...]]
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # every line of the table

    @classmethod
    def parse(
        cls, groups: str, compatible: tuple[str, ...] = (), exclusive: tuple[str, ...] = ()
    ) -> Taxonomy:
        """Reads lines `hypernym: hyponym ...`.

        A name that begins with "-" is no word, only a set whose members exclude each other.
        Members of the groups in `compatible` do not; `exclusive` lists further excluding sets.
        """
        parents: dict[str, str] = {}
        rivals: dict[str, tuple[str, ...]] = {}
        lines: dict[str, tuple[str, ...]] = {}
        sets = [tuple(line.split()) for line in exclusive]
        for line in filter(str.strip, groups.splitlines()):
            head, _, rest = (part.strip() for part in line.partition(":"))
            lines[head] = members = tuple(rest.split())
            if not head.startswith("-"):
                parents |= dict.fromkeys(members, head)
            if head not in compatible:
                sets.append(members)
        for words in sets:
            for word in words:
                others = tuple(other for other in words if other != word)
                rivals[word] = rivals.get(word, ()) + others
        return cls(parents, rivals, lines)

    def joined(self, *others: Taxonomy) -> Taxonomy:
        """One taxonomy of disjoint ones."""
        parents, rivals, sets = dict(self.parents), dict(self.rivals), dict(self.sets)
        for other in others:
            parents |= other.parents
            rivals |= other.rivals
            sets |= other.sets
        return Taxonomy(parents, rivals, sets)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Every word once, in the order of the tables."""
        return tuple(dict.fromkeys((*self.rivals, *self.parents, *self.parents.values())))

    @cache  # noqa: B019 - a few module-level instances live for ever
    def wider(self, word: str) -> tuple[str, ...]:
        """Hypernyms, nearest first."""
        ancestors: list[str] = []
        while (word := self.parents.get(word, "")) != "":
            ancestors.append(word)
        return tuple(ancestors)

    @cache  # noqa: B019 - a few module-level instances live for ever
    def narrower(self, word: str) -> tuple[str, ...]:
        """Direct hyponyms."""
        return tuple(child for child, parent in self.parents.items() if parent == word)

    @cache  # noqa: B019 - a few module-level instances live for ever
    def members(self, group: str) -> tuple[str, ...]:
        """Everything below a group, which may be one that is no word."""
        below: list[str] = []
        for word in self.sets.get(group, ()):
            below += (word, *self.members(word))
        return tuple(below)

    def excludes(self, one: str, other: str) -> bool:
        """Whether no thing is both: some hypernym-or-self of each are rivals."""
        return any(
            rival in (other, *self.wider(other))
            for word in (one, *self.wider(one))
            for rival in self.rivals.get(word, ())
        )
