"""What a sentence of the planted corpus says, slot by slot, before it becomes English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Position = Literal["subject", "near", "manner", "end"]
SLOTS = (
    "subject", "count", "quality", "clothes", "colour", "verb",
    "object", "object_count", "object_quality", "place", "time",
)  # fmt: skip
#: Slots that may be left out of a hypothesis without changing what else it says.
OPTIONAL = ("quality", "colour", "clothes", "object_quality", "place", "time")
UNDRESSED: dict[str, str | bool] = {"clothes": "", "colour": "", "bare": False}


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
        if slot == "clothes" and not value:
            return self.changed(UNDRESSED)
        return self.changed({slot: value})

    def changed(self, changes: Mapping[str, str | bool]) -> Clause:
        """A copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def filled(self, *fillers: Filler) -> Clause:
        return replace(self, fillers=fillers)


@dataclass(frozen=True, slots=True)
class Scene:
    """What a premise says: the event that is asked about, and one that distracts from it."""

    focus: Clause
    distractor: Clause | None = None
    focus_first: bool = True
