"""Places on a network that a border plan speaks of: crossings, gateways and settlements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from numpy.typing import ArrayLike
from pydantic import AfterValidator, Field, GetPydanticSchema, StrictInt, StrictStr

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError
from optimizer.base.schema import (
    ComposedId,
    Latitude,
    Longitude,
    without_blanks,
)
from optimizer.problem.network.arrays import (
    above_zero_problems,
    float_column,
    position_problems,
    positions,
)

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

DOUBTFUL_M = 100.0
"""Metres from a place to its road, or further from it to another road, within which the
place may belong to the other: more than the error of a survey or of reading a map.
Assumed.
"""

NodeNumber = Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)]
NodeName = Annotated[StrictStr, AfterValidator(without_blanks)]
"""What a file calls a node: by a number, or by a text."""
Node = Annotated[int, GetPydanticSchema(lambda _source, handler: handler(NodeNumber | NodeName))]
"""A position in the network; a file has the node's id in its place until it is looked up."""


@dataclass(frozen=True, slots=True)
class NetworkPlace:
    """A place that belongs to a node of the network."""

    #: Unique name, stable between builds of the same data.
    id: Annotated[ComposedId, Field(description="unique name")]
    #: Position of its node in the network.
    node: Annotated[Node, Field(description="node id")]
    #: `lon`, `lat`: Degrees.
    lon: Annotated[float, Field(description="longitude in degrees (WGS 84)")]
    lat: Annotated[float, Field(description="latitude in degrees (WGS 84)")]


@dataclass(frozen=True, slots=True)
class Crossing(NetworkPlace):
    """A point where a road, track, path or ferry cuts the border line."""

    #: Whether travellers are checked there.
    official: bool
    #: Class of the way that crosses.
    road_class: str
    #: Road or port name; empty where unknown.
    name: str = ""
    #: OSM way; 0 where there is none.
    way: int = 0

    @property
    def label(self) -> str:
        """What people call it: the name of its road or port, or the class of its road
        and its place.
        """
        return self.name or f"{self.road_class} at {self.lat:.3f}, {self.lon:.3f}"


@dataclass(frozen=True, slots=True)
class Gateway(NetworkPlace):
    """A node where evaders enter the network."""

    #: `port` (an official crossing), `unofficial` (a crossing without checks), or
    #: `edge` (where a road enters the map).
    kind: str
    #: How much passes here in the units of the scenario (vehicles a year, kilometres of
    #: river); 1 where unknown.
    exposure: float = 1.0
    #: What people call it.
    name: str = ""
    #: Whether the exposure is a guess by the class of the road.
    exposure_assumed: bool = False

    @property
    def label(self) -> str:
        """What people call it: its name, or its kind and place."""
        return self.name or f"{self.kind} crossing at {self.lat:.3f}, {self.lon:.3f}"


@dataclass(frozen=True, slots=True)
class Settlement(NetworkPlace):
    """A town, village or city that evaders may want to reach, at the nearest node."""

    #: What people call it.
    name: str
    #: Inhabitants, > 0.
    population: float
    #: True where `population` is a default for the class of place, not a figure.
    population_assumed: bool = False
    #: Whether it lies on the defended side of the border (True where there is no
    #: border).
    domestic: bool = True

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or self.id


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place that maps and sentences of the report name; no evader is bound for it."""

    #: What people call it.
    name: Annotated[str, Field(min_length=1, max_length=80, description="what people call it")]
    #: `lon`, `lat`: Degrees.
    lon: Annotated[Longitude, Field(description="longitude in degrees (WGS 84)")]
    lat: Annotated[Latitude, Field(description="latitude in degrees (WGS 84)")]
    #: `town`, `crossing`, `road`, `state` or `country`; sentences name towns and
    #: crossings. A scenario lists towns, states and countries.
    kind: Annotated[
        str,
        GetPydanticSchema(lambda _source, handler: handler(Literal["town", "state", "country"])),
        Field(
            description=(
                "towns also tell where sites and roads lie; names of states and countries stand on"
                " the maps alone"
            )
        ),
    ] = "town"
    #: Inhabitants of a town; 0 where it is not known.
    population: Annotated[
        float,
        Field(ge=0, description="inhabitants; of two names that do not fit the larger is shown"),
    ] = 0.0


PlaceT = TypeVar("PlaceT", Gateway, Settlement)


def with_unique_labels(places: Iterable[PlaceT]) -> tuple[PlaceT, ...]:
    """Return places in their order, those that share a label numbered from 1: two
    crossings of one road are two places.
    """
    kept = tuple(places)
    count = Counter(place.label for place in kept)
    number: Counter[str] = Counter()
    unique = []
    for place in kept:
        label = place.label
        number[label] += 1
        unique.append(
            place if count[label] == 1 else replace(place, name=f"{label} ({number[label]})")
        )
    return tuple(unique)


@checked
def gateways_at(
    network: Network, nodes: ArrayLike, *, kind: str = "edge", exposure: ArrayLike = 1.0
) -> tuple[Gateway, ...]:
    """Return a gateway at each of some nodes, with the node's id as its own.

    Parameters
    ----------
    network
        The roads.
    nodes
        (k,) node positions.
    kind, exposure
        As in `Gateway`; `exposure` (k,) or one for all.

    Raises
    ------
    InputError
        If a position is none of the network's.
    """
    rows = _placed(network, nodes, exposure, "gateways, exposure")
    return tuple(
        Gateway(name, node, lon, lat, kind, passing) for name, node, lon, lat, passing in rows
    )


@checked
def settlements_at(
    network: Network, nodes: ArrayLike, population: ArrayLike = 1.0
) -> tuple[Settlement, ...]:
    """Return a settlement at each of some nodes, with the node's id as its own.

    Parameters
    ----------
    network
        The roads.
    nodes
        (k,) node positions.
    population
        (k,) inhabitants, or one number for all, > 0.

    Raises
    ------
    InputError
        If a position is none of the network's, or a population is not above 0.
    """
    rows = _placed(network, nodes, population, "settlements, population")
    return tuple(
        Settlement(name, node, lon, lat, name, people) for name, node, lon, lat, people in rows
    )


def _placed(
    network: Network, nodes: ArrayLike, amount: ArrayLike, where: str
) -> Iterator[tuple[str, int, float, float, float]]:
    """Return id, node, longitude, latitude and amount of each place."""
    node = positions(nodes)
    amounts = float_column(where, amount, node.size)
    name = where.split(",", maxsplit=1)[0]
    problems = [
        *position_problems(f"{name}, nodes", node, network.n_nodes, "nodes"),
        *above_zero_problems(where, amounts, "numbers"),
    ]
    if problems:
        raise InputError(*problems)
    columns = (
        network.node_id[node].astype(str),
        node,
        network.lon[node],
        network.lat[node],
        amounts,
    )
    return zip(*(column.tolist() for column in columns), strict=True)
