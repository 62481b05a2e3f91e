"""Teams, their bases and posts, and what they can do to evaders.

A team of one type leaves its base, drives from post to post, dwells some slots at each,
and is back within its shift: a beat. What a beat does to an evader is the product over
its *elements*: each post where it dwells so many slots, and each stretch of road it
drives in one direction (`optimizer.problem.instance.detection` has the chances). An
element is the same in whatever beat it comes, so a beat is worth the sum of its
elements in every linear cut of the value; that is what beats are priced by.

The product takes meetings as independent, and says a little less than the truth where
one evader's way passes several posts: of teams and evaders simulated one by one on 60
small towns (8 h, half-hour slots, d = 0.7 dwelling and 0.4 driving;
`tests/test_patrols.py`) it says 0.98 of what is found in the median and 0.84 at worst
(0.351 in place of 0.419), and nowhere more by more than chance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, GetPydanticSchema, WithJsonSchema, WrapValidator
from pydantic_core.core_schema import (
    no_info_after_validator_function,
    plain_serializer_function_ser_schema,
)

from optimizer.base.read_only import ReadOnlyFields
from optimizer.base.schema import Amount, Chance, ComposedId, Text
from optimizer.base.text.language import marked
from optimizer.problem.network.places import NetworkPlace, Node

if TYPE_CHECKING:
    from scipy.sparse import csr_array

NO_WAY = 1 << 40
"""Seconds that stand for no way to get there: longer than any shift."""


Limit = Annotated[
    float,
    Field(ge=0, json_schema_extra={"default": None}),
    WrapValidator(lambda value, handler: math.inf if value is None else handler(value)),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]}),
]
"""An amount; infinity where there is no limit, which a file writes as null."""


Position = Annotated[int, Field(ge=0)]


def _column(item: object, dtype: type) -> GetPydanticSchema:
    """Return how a file has an array: as a list of such items, each fault of which is
    named with its place.
    """
    return GetPydanticSchema(
        lambda _source, handler: no_info_after_validator_function(
            lambda items: np.array(items, dtype=dtype),
            handler.generate_schema(list[item]),  # type: ignore[valid-type]  # a type made here
            serialization=plain_serializer_function_ser_schema(lambda array: array.tolist()),
        )
    )


TEAMS_A_SHIFT = marked("teams a shift")
"""Unit of that resource."""


def team_resource(team: str) -> str:
    """Return the id of the resource that counts the teams of a type."""
    return f"teams {team}"


@dataclass(frozen=True, slots=True)
class TeamBase(NetworkPlace):
    """Where teams set out from and come back to."""

    #: What people call it.
    label: Annotated[Text, Field(description="what people call it; the id where empty")] = ""


@dataclass(frozen=True)
class TeamType(ReadOnlyFields):
    """Teams that are alike."""

    #: Unique name.
    id: Annotated[ComposedId, Field(description="unique name")]
    #: Teams on the road in one shift, all bases together, >= 0.
    number: Annotated[
        int, Field(ge=0, description="teams on the road in one shift, all bases together")
    ]
    #: `shift_s`, `slot_s`: Seconds from leaving the base to being back, and of one slot
    #: of dwelling.
    shift_s: Annotated[int, Field(gt=0, description="seconds from leaving the base to being back")]
    slot_s: Annotated[int, Field(gt=0, description="seconds of one slot of dwelling")]
    #: Longest dwell at a post, in slots.
    most_slots: Annotated[int, Field(ge=1, description="longest dwell at a post, in slots")]
    #: Chance that a team which dwells and looks at a loaded evader finds him out, in
    #: [0, 1].
    detection: Annotated[
        Chance,
        Field(
            description="chance that a team which dwells and looks at a loaded evader detects him"
        ),
    ]
    #: Amount of each resource that one beat takes, by resource id.
    uses: Annotated[
        Mapping[Text, Amount],
        Field(description="amount of each resource that one beat takes, beside the team"),
    ] = field(default_factory=dict)
    #: `agency`, `label`: Who they belong to, and what people call them.
    agency: Annotated[Text, Field(description="its owner; empty when all share it")] = ""
    label: Annotated[Text, Field(description="what people call it; the id where empty")] = ""
    #: Fastest they drive by road class, in km/h; the road's own speed where a class is
    #: not named.
    speed: Annotated[
        Mapping[Text, float],
        Field(description="km/h by road class, for people: the effect is in `travel_s`"),
    ] = field(default_factory=dict)
    #: The same while it drives and meets him on the road, in [0, 1].
    passing: Annotated[Chance, Field(description="the same while it drives")] = 0.0
    #: Vehicles an hour that a team which dwells can look at, >= 0; infinity where it
    #: looks at all.
    capacity: Annotated[
        Limit, Field(description="vehicles an hour that a team can look at; all where null")
    ] = math.inf
    #: Shifts of a roster that they work; all where empty.
    shifts: Annotated[
        tuple[Text, ...], Field(description="shifts of a roster that they work; all where empty")
    ] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Post:
    """A place where a team can stand and watch a road."""

    #: Segment it watches.
    segment: Annotated[
        int,
        Field(
            ge=0, description="segment of the road network; a name, as the instance has arcs alone"
        ),
    ]
    #: The end of the segment that the team drives to.
    node: Annotated[Node, Field(description="node id")]
    #: `lon`, `lat`: Degrees of where it stands on the segment, near that end: where
    #: crews are sent.
    lon: Annotated[float, Field(description="longitude in degrees (WGS 84)")]
    lat: Annotated[float, Field(description="latitude in degrees (WGS 84)")]
    #: What people call it: the road and that place.
    label: Annotated[Text, Field(description="what people call it")] = ""
    #: Vehicles an hour that pass it, > 0.
    traffic: Annotated[
        float, Field(gt=0, description="vehicles an hour, for people: the effect is in `elements`")
    ] = 1.0


@dataclass(frozen=True)
class Elements(ReadOnlyFields):
    """What beats are made of, column by column: dwelling so many slots at a post, or
    driving a stretch of road; e in all.
    """

    #: `element`, `arc`, `survival`: (k,) each: which element leaves whoever travels
    #: which arc what share of going on undetected.
    element: Annotated[
        NDArray[np.int64],
        _column(Position, np.int64),
        Field(description="element positions, in ascending order, one entry an element and arc"),
    ]
    arc: Annotated[
        NDArray[np.int64], _column(Position, np.int64), Field(description="arc positions")
    ]
    survival: Annotated[
        NDArray[np.float64],
        _column(Annotated[float, Field(ge=0, lt=1)], np.float64),
        Field(description="chance to travel that arc without being detected by that element"),
    ]
    #: (e,) post whose dwelling it is; -1 for driving.
    post: Annotated[
        NDArray[np.int64],
        _column(Annotated[int, Field(ge=-1)], np.int64),
        Field(description="of each element: position of its post; -1 driving"),
    ]
    #: (e,) how often it can come in one beat, >= 1. A search takes more where it cannot
    #: prove that no beat has more.
    times: Annotated[
        NDArray[np.int64],
        _column(Annotated[int, Field(ge=1)], np.int64),
        Field(description="of each element: most times that one beat holds it"),
    ]

    @property
    def size(self) -> int:
        """How many there are."""
        return self.post.size


@dataclass(frozen=True)
class Patrol(ReadOnlyFields):
    """One team type at one of its bases, with the posts it can reach: n of them, called
    1 to n; 0 is the base.
    """

    #: `team`, `base`: Who, and from where.
    team: TeamType
    base: TeamBase
    #: (n,) positions in the field's posts.
    posts: NDArray[np.int64]
    #: (n + 1, n + 1) seconds of driving; `NO_WAY` where there is none.
    travel_s: NDArray[np.int64]
    #: Arcs driven from i to j, by (i, j); empty where both stand at one place.
    routes: Mapping[tuple[int, int], tuple[int, ...]]
    #: (n, L) element of dwelling 1 to L slots at each post.
    dwell: NDArray[np.int64]
    #: ((n + 1)^2, e) sparse: how often the leg i (n + 1) + j drives each element.
    drives: csr_array

    @property
    def id(self) -> str:
        """What messages call it."""
        return f"{self.team.id} from {self.base.id}"


@dataclass(frozen=True)
class PatrolField(ReadOnlyFields):
    """All teams with what they could do."""

    #: Places where somebody could stand.
    posts: tuple[Post, ...]
    #: Team types by base.
    patrols: tuple[Patrol, ...]
    #: What beats are made of.
    elements: Elements
    #: Most teams that may dwell at one post in one shift, >= 1; as many as there are
    #: where None.
    teams_at_post: int | None = None

    @property
    def teams(self) -> tuple[TeamType, ...]:
        """The team types, each once."""
        return tuple({patrol.team.id: patrol.team for patrol in self.patrols}.values())

    @property
    def crowded_posts(self) -> NDArray[np.bool_]:
        """(posts,) mask of those at which more teams could dwell than may."""
        reach = np.zeros((len(self.teams), len(self.posts)), dtype=np.int64)
        for row, team in enumerate(self.teams):
            for patrol in self.patrols:
                if patrol.team.id == team.id:
                    reach[row, patrol.posts] = team.number
        most = np.inf if self.teams_at_post is None else self.teams_at_post
        return np.asarray(reach.sum(axis=0) > most)

    def limit_at(self, post: int) -> str:
        """Return the id of the requirement that holds the number of teams at a post."""
        return f"teams at {self.posts[post].label or 'a post'} (post {post + 1})"
