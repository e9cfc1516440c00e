"""What a sentence of the planted corpus says, slot by slot, before it becomes English."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Position = Literal["subject", "near", "manner", "end"]
SLOTS = (
    "subject", "count", "quality", "clothes", "colour", "verb",
    "object", "object_count", "object_quality", "place", "time",
)  # fmt: skip
#: Slots that may be left out of a hypothesis without changing what else it says.
OPTIONAL = ("quality", "colour", "clothes", "object_quality", "place", "time")


@dataclass(frozen=True, slots=True)
class Filler:
    """A phrase stated by the premise, which a hypothesis may repeat: it decides nothing."""

    kind: str
    text: str
    position: Position


@dataclass(frozen=True, slots=True)
class Clause:
    """One event. An empty slot is unsaid; `bare` means without the clothes, not with them."""

    subject: str
    verb: str
    count: str = "one"
    quality: str = ""
    clothes: str = ""
    colour: str = ""  # of the clothes
    bare: bool = False
    object: str = ""
    object_count: str = "one"
    object_quality: str = ""
    place: str = ""
    time: str = ""
    negated: bool = False
    passive: bool = False  # told as "object is verbed by subject"
    fillers: tuple[Filler, ...] = ()

    def get(self, slot: str) -> str:
        value = getattr(self, slot)
        assert isinstance(value, str)
        return value

    def put(self, slot: str, value: str) -> Clause:
        """A copy with one slot changed; no clothes means no colour of them either."""
        changed = replace(self, **{slot: value})  # type: ignore[arg-type]
        if slot == "clothes" and not value:
            return replace(changed, colour="", bare=False)
        return changed

    def flag(self, **flags: bool) -> Clause:
        """A copy with some of `bare`, `negated`, `passive` set."""
        return replace(self, **flags)  # type: ignore[arg-type]

    def filled(self, *fillers: Filler) -> Clause:
        return replace(self, fillers=fillers)

    def swapped(self) -> Clause:
        """Who does it and who it is done to, exchanged with their number and quality."""
        return replace(
            self,
            subject=self.object,
            count=self.object_count,
            quality=self.object_quality,
            object=self.subject,
            object_count=self.count,
            object_quality=self.quality,
            clothes="",
            colour="",
            bare=False,
        )


@dataclass(frozen=True, slots=True)
class Scene:
    """What a premise says: the event that is asked about, and one that distracts from it."""

    focus: Clause
    distractor: Clause | None = None
    focus_first: bool = True
