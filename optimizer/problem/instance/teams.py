"""Teams, their bases and posts, and what they can do to evaders.

A team of one type leaves its base, drives from post to post, dwells some slots at each, and is back within its shift: a beat. What a beat
does to an evader is the product over its *elements*: each post where it dwells so many slots, and each stretch of road it drives in one
direction (`optimizer.problem.instance.detection` has the chances). An element is the same in whatever beat it comes, so a beat is worth
the sum of its elements in every linear cut of the value; that is what beats are priced by.

The product takes meetings as independent, and says a little less than the truth where one evader's way passes several posts: of teams and
evaders simulated one by one on 60 small towns (8 h, half-hour slots, d = 0.7 dwelling and 0.4 driving; `tests/test_patrols.py`) it says 0.98 of
what is found in the median and 0.84 at worst (0.351 in place of 0.419), and nowhere more by more than chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

NO_WAY = 1 << 40
"""Seconds that stand for no way to get there: longer than any shift."""


def team_resource(team: str) -> str:
    """Return the id of the resource that counts the teams of a type."""
    return f"teams {team}"


@dataclass(frozen=True, slots=True)
class TeamBase:
    """Where teams set out from and come back to.

    Attributes
    ----------
    id
        Unique name.
    node
        Position of its node in the network.
    lon, lat
        Degrees.
    label
        What people call it.
    """

    id: str
    node: int
    lon: float
    lat: float
    label: str = ""


@dataclass(frozen=True)
class TeamType:
    """Teams that are alike.

    Attributes
    ----------
    id
        Unique name.
    number
        Teams on the road in one shift, all bases together, >= 0.
    shift_s, slot_s
        Seconds from leaving the base to being back, and of one slot of dwelling.
    most_slots
        Longest dwell at a post, in slots.
    detection
        Chance that a team which dwells and looks at a loaded evader finds him out, in [0, 1].
    uses
        Amount of each resource that one beat takes, by resource id.
    agency, label
        Who they belong to, and what people call them.
    speed
        Fastest they drive by road class, in km/h; the road's own speed where a class is not named.
    passing
        The same while it drives and meets him on the road, in [0, 1].
    capacity
        Vehicles an hour that a team which dwells can look at, >= 0; infinity where it looks at all.
    shifts
        Shifts of a roster that they work; all where empty.
    """

    id: str
    number: int
    shift_s: int
    slot_s: int
    most_slots: int
    detection: float
    uses: Mapping[str, float] = field(default_factory=dict)
    agency: str = ""
    label: str = ""
    speed: Mapping[str, float] = field(default_factory=dict)
    passing: float = 0.0
    capacity: float = math.inf
    shifts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Post:
    """A place where a team can stand and watch a road.

    Attributes
    ----------
    segment
        Segment it watches.
    node
        Where the team stands: an end of the segment.
    lon, lat
        Degrees of that node: where crews are sent.
    label
        What people call it.
    traffic
        Vehicles an hour that pass it, > 0.
    """

    segment: int
    node: int
    lon: float
    lat: float
    label: str = ""
    traffic: float = 1.0


@dataclass(frozen=True)
class Elements:
    """What beats are made of, e in all.

    Attributes
    ----------
    element, arc, survival
        (k,) each: which element leaves whoever travels which arc what share of going on undetected.
    post
        (e,) post whose dwelling it is; -1 for driving.
    times
        (e,) how often it can come in one beat, >= 1.
    """

    element: NDArray[np.int64]
    arc: NDArray[np.int64]
    survival: NDArray[np.float64]
    post: NDArray[np.int64]
    times: NDArray[np.int64]

    @property
    def size(self) -> int:
        """How many there are."""
        return self.post.size


@dataclass(frozen=True)
class Patrol:
    """One team type at one of its bases, with the posts it can reach: n of them, called 1 to n; 0 is the base.

    Attributes
    ----------
    team, base
        Who, and from where.
    posts
        (n,) positions in the field's posts.
    travel_s
        (n + 1, n + 1) seconds of driving; `NO_WAY` where there is none.
    routes
        Arcs driven from i to j, by (i, j); empty where both stand at one place.
    dwell
        (n, L) element of dwelling 1 to L slots at each post.
    drives
        ((n + 1)^2, e) sparse: how often the leg i (n + 1) + j drives each element.
    """

    team: TeamType
    base: TeamBase
    posts: NDArray[np.int64]
    travel_s: NDArray[np.int64]
    routes: Mapping[tuple[int, int], tuple[int, ...]]
    dwell: NDArray[np.int64]
    drives: csr_array

    @property
    def id(self) -> str:
        """What messages call it."""
        return f"{self.team.id} from {self.base.id}"


@dataclass(frozen=True)
class PatrolField:
    """All teams with what they could do.

    Attributes
    ----------
    posts
        Places where somebody could stand.
    patrols
        Team types by base.
    elements
        What beats are made of.
    """

    posts: tuple[Post, ...]
    patrols: tuple[Patrol, ...]
    elements: Elements

    @property
    def teams(self) -> tuple[TeamType, ...]:
        """The team types, each once."""
        return tuple({patrol.team.id: patrol.team for patrol in self.patrols}.values())
