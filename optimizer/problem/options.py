"""What can be placed: options, the resources they use, and the agencies that own them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Resource:
    """Something a plan may use up.

    Attributes
    ----------
    id
        Unique name.
    budget
        How much there is, >= 0, in `unit`.
    agency
        Agency that owns it; empty when it is shared by all.
    unit
        Unit of budget and use, for people.
    name
        What people call it, the same for every agency that has some of it; the id where empty.
    """

    id: str
    budget: float
    agency: str = ""
    unit: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """Something that may be placed: a checkpoint, a fixed sensor, a patrol beat.

    Attributes
    ----------
    id
        Unique name.
    arcs
        Positions of the arcs it watches, without repetition.
    survival
        For each of `arcs` the chance, in [0, 1), that an evader who travels it is *not* caught by this option.
    uses
        Amount of each resource it needs, >= 0; a resource not named is not used.
    site
        Place it occupies: at most one option of a site can be placed. Empty when it excludes nothing.
    agency
        Agency that runs it; empty when any.
    kind
        `checkpoint`, `sensor`, `patrol`, `drone`, or a word of the user's own.
    type
        Id of the entry that defines it (`[[kinds]]` or `[[teams]]` of a scenario); several may be of one kind. Empty where nothing does.
    label
        What people call it; the id where empty.
    existing
        Whether it stands there today.
    forced, forbidden
        Whether every plan must, or no plan may, contain it.
    """

    id: str
    arcs: tuple[int, ...]
    survival: tuple[float, ...]
    uses: Mapping[str, float] = field(default_factory=dict)
    site: str = ""
    agency: str = ""
    kind: str = "checkpoint"
    label: str = ""
    existing: bool = False
    forced: bool = False
    forbidden: bool = False
    type: str = ""
