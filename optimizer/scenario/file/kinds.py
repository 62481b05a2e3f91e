"""Kinds of option: one class for each way in which something at a site detects, with
its fields, its effect and what it uses.

To add one, write a subclass of `KindModel` and append it to `KINDS` here, or give it to
`optimizer.scenario.add_kind` from another package. It names the field that marks it in
a file (`MARK`), declares its own fields, and implements `watched`. Nothing else names
the classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, GetCoreSchemaHandler, model_validator
from pydantic_core import core_schema

from optimizer.base.schema import Amount, Chance, Id, Strict
from optimizer.base.text.language import marked
from optimizer.base.text.names import close_match
from optimizer.problem.instance.detection import (
    beat_survival,
    false_alarm_hours,
    orbit_meeting,
    patrol_survival,
    random_search,
    sensor_survival,
    station_share,
)
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.scenario.file.placed import PlacedSite
from optimizer.scenario.file.ranges import ChanceOrRange, detection_field, middle
from optimizer.scenario.file.traffic import (
    DelayModel,
    SecondaryModel,
    StoppingDay,
    Traffic,
    stopping_day,
)

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

ROUNDING = 1e-9
"""Relative excess of what closing takes over what it frees that counts as rounding."""

Category = Literal["checkpoint", "sensor", "patrol", "drone"]
"""General kinds of option; plans show them, and crews may be qualified for them."""


class AlarmsModel(Strict):
    """The time that a sensor's false alarms take from a team, as a resource."""

    resource: Id = Field(description="name of the resource that checking uses")
    per_day: float = Field(
        gt=0, le=1e6, description="false alarms a day that a team checks, for each lane"
    )
    minutes: float = Field(
        gt=0, description="minutes that checking one takes; the use is in team-hours a day"
    )


class OrbitModel(Strict):
    """What a drone flies over: an area around its site, or the site's road for a length
    to both sides.
    """

    speed_kmh: float = Field(gt=0, le=2000, description="speed over the ground")
    station_hours: float = Field(
        gt=0,
        le=24,
        description=(
            "hours over its area or road in a shift; of the length of the shift, the share of the"
            " time it is there"
        ),
    )
    shift_hours: float = Field(8, gt=0, le=24, description="length of a shift")
    area_km2: float | None = Field(
        None,
        gt=0,
        le=1e6,
        description=(
            "area searched, a disc around the site: every segment with its middle inside is"
            " watched, both ways"
        ),
    )
    width_m: float | None = Field(
        None, gt=0, le=100_000, description="width seen across the flight, with area_km2"
    )
    road_km: float | None = Field(
        None,
        gt=0,
        le=10_000,
        description="instead: length of the site's road flown out and back, the site in the middle",
    )

    @model_validator(mode="after")
    def _one_ground(self) -> OrbitModel:
        if (self.area_km2 is None) == (self.road_km is None):
            raise ValueError("either area_km2 or road_km")
        if (self.width_m is None) != (self.area_km2 is None):
            raise ValueError("width_m with area_km2, and only with it")
        if self.station_hours > self.shift_hours:
            raise ValueError("station_hours no longer than shift_hours")
        return self


class CueModel(Strict):
    """Teams that answer the detections of a sensor or a drone, by how far they have to drive."""

    by: list[str] = Field(
        min_length=1,
        description="ids of the kinds whose options answer: checkpoints, or teams on standby",
    )
    reach_minutes: float = Field(
        gt=0, le=1440, description="longest drive from the team's site to the sensor's"
    )
    window_minutes: float | None = Field(
        None,
        gt=0,
        le=1440,
        description=(
            "mean time in which one who was detected can still be stopped: turnout and drive of t"
            " minutes are in time with exp(-t / window); all within reach where not given"
        ),
    )
    share: float = Field(
        1, ge=0, le=1, description="share of the detections for which the team is free and acts"
    )
    most: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="most sensors that one option answers; any number where not given",
    )

    def in_time(self, minutes: float) -> float:
        """Return the share of detections that a team answers which is there in so many
        minutes, turnout included.
        """
        return self.share * (
            1.0 if self.window_minutes is None else math.exp(-minutes / self.window_minutes)
        )


@dataclass(frozen=True, slots=True)
class Effect:
    """What a kind does at a site."""

    #: (k,) arcs that it watches.
    arcs: NDArray[np.int64]
    #: (k,) chance to pass it undetected on each, in [0, 1].
    survival: NDArray[np.float64]


class KindModel(Strict):
    """A way to use a site: what all kinds have in common."""

    MARK: ClassVar[str]
    """The field by which a file shows that it means this class."""

    id: Id = Field(description="unique name")
    label: str = Field("", description=marked("what people call it; the id where empty"))
    kind: str = Field(
        "checkpoint",
        description="general kind of option, which plans show and crews are qualified for",
    )
    uses: dict[str, Amount] = Field({}, description=marked("amount of each resource for each lane"))
    alarms: AlarmsModel | None = None
    shifts: list[str] = Field(
        [], description="shifts of a roster in which it is manned; all where empty"
    )
    open_cost: dict[str, Amount] = Field(
        {},
        description=(
            "amount of each resource for each lane that opening one takes, once, where it does not"
            " stand today"
        ),
    )
    close_cost: dict[str, Amount] = Field(
        {},
        description=(
            "amount of each resource for each lane that closing one that stands today takes, once;"
            " over `cost_years` at most what it uses"
        ),
    )
    cost_years: float | None = Field(
        None,
        gt=0,
        le=100,
        description="years over which both are spread; a budget for a year bears one part",
    )

    @model_validator(mode="after")
    def _spread(self) -> KindModel:
        if (self.cost_years is None) == bool(self.open_cost or self.close_cost):
            raise ValueError("cost_years together with open_cost or close_cost")
        for name, amount in self.close_cost.items():
            used, yearly = self.uses.get(name, 0.0), amount / (self.cost_years or 1.0)
            if yearly > used * (1 + ROUNDING):
                least = (
                    f"at least {amount / used:.4g} cost_years"
                    if used
                    else "a resource that it uses"
                )
                expected = (
                    f"close_cost of {name!r} that takes at most what it uses: closing takes"
                    f" {yearly:.4g} a year"
                )
                raise ValueError(f"{expected}, using it {used:.4g}. Give {least}")
        return self

    @property
    def cue(self) -> CueModel | None:
        """The teams that answer what it detects; None where nobody has to."""
        response = getattr(self, "response", None)
        return response if isinstance(response, CueModel) else None

    @property
    def needs_traffic(self) -> bool:
        """Whether what it does at a site depends on the traffic there."""
        return False

    def share_inspected(self, lanes: float, traffic: Traffic) -> float | None:
        """Return the share of the vehicles that it inspects at a site with these lanes
        and this traffic; None where it inspects none.
        """
        del lanes, traffic
        return None

    def searches(self, lanes: float, traffic: Traffic) -> float:
        """Return the vehicles that it inspects a day at a site with these lanes and
        this traffic; 0 where it stops none.
        """
        del lanes, traffic
        return 0.0

    def watched(self, item: PlacedSite, network: Network, traffic: Traffic) -> Effect:
        """Return the arcs that the kind watches from a site, and the survival on each."""
        raise NotImplementedError

    def effect(self, item: PlacedSite, network: Network, traffic: Traffic) -> Effect:
        """Return what the kind does at a site, without the arcs on which it detects
        nothing.

        A drone watches beyond its site and, whatever the site's direction, both ways;
        every other kind watches the site's own arcs.

        Parameters
        ----------
        item
            The site on its segment.
        network
            The roads.
        traffic
            Past the site.
        """
        watched = self.watched(item, network, traffic)
        detects = watched.survival < 1
        return Effect(watched.arcs[detects], watched.survival[detects])

    def amounts(self, lanes: float, traffic: Traffic) -> dict[str, float]:
        """Return the amount of each resource, by name, that the kind uses at a site
        with these lanes and this traffic.
        """
        amounts = {name: amount * lanes for name, amount in self.uses.items()}
        for name, hours in self.lost_hours(lanes, traffic):
            amounts[name] = amounts.get(name, 0.0) + hours
        return amounts

    def opening(self, lanes: float) -> dict[str, float]:
        """Return the amount of each resource, by name, that opening one with these
        lanes takes, in one of its `cost_years`.
        """
        return {
            name: amount * lanes / (self.cost_years or 1.0)
            for name, amount in self.open_cost.items()
        }

    def closing(self, lanes: float) -> dict[str, float]:
        """Return the amount of each resource, by name, that closing one with these
        lanes takes, in one of its `cost_years`.
        """
        return {
            name: min(amount / (self.cost_years or 1.0), self.uses.get(name, 0.0)) * lanes
            for name, amount in self.close_cost.items()
        }

    def lost_hours(self, lanes: float, traffic: Traffic) -> list[tuple[str, float]]:
        """Return resources with the hours a day that the kind takes of each beside
        `uses`: here those that false alarms take.
        """
        del traffic
        if self.alarms is None:
            return []
        return [
            (
                self.alarms.resource,
                false_alarm_hours(self.alarms.per_day * lanes, self.alarms.minutes),
            )
        ]


class _StoppingModel(KindModel):
    """A kind that may stop vehicles, and delay those who travel legitimately."""

    kind: Category = Field(
        "checkpoint",
        description="general kind of option, which plans show and crews are qualified for",
    )
    capacity: float | None = Field(
        None, ge=0, description=marked("vehicles inspected an hour and lane")
    )
    delay: DelayModel | None = None

    @model_validator(mode="after")
    def _delay_of_those_stopped(self) -> _StoppingModel:
        if self.delay is not None and self.capacity is None:
            raise ValueError("a delay needs a capacity: the vehicles that are stopped")
        return self

    @property
    def needs_traffic(self) -> bool:
        """Whether it has a capacity: the traffic then decides how many it stops."""
        return self.capacity is not None

    def lost_hours(self, lanes: float, traffic: Traffic) -> list[tuple[str, float]]:
        """Return the vehicle-hours a day that legitimate travellers lose, and the hours
        of false alarms.
        """
        alarms = super().lost_hours(lanes, traffic)
        return (
            alarms
            if self.delay is None
            else [(self.delay.resource, self.day(lanes, traffic).lost), *alarms]
        )

    def day(self, lanes: float, traffic: Traffic) -> StoppingDay:
        """Return a day at a site with these lanes and this traffic."""
        return stopping_day(self.capacity or 0.0, lanes, self.delay, None, traffic)

    def searches(self, lanes: float, traffic: Traffic) -> float:
        """Return the vehicles that it inspects a day; 0 without a capacity, as how many
        it stops is then not said.
        """
        return 0.0 if self.capacity is None else self.day(lanes, traffic).inspected


class StatedModel(_StoppingModel):
    """A kind whose survival the file states, with a capacity if it delays, or with a
    detection that is not used.
    """

    MARK = "survival"

    survival: float = Field(ge=0, lt=1, description="chance to pass undetected")
    detection: Chance | None = Field(None, description="not used beside `survival`")

    @model_validator(mode="after")
    def _described_once(self) -> StatedModel:
        if self.capacity is not None and self.detection is not None:
            raise ValueError(f"one of: {_ways()}")
        return self

    def watched(self, item: PlacedSite, network: Network, traffic: Traffic) -> Effect:
        """Return the site's arcs, with the survival that is stated."""
        del network, traffic
        return _on_site(item, self.survival)


class InspectionModel(_StoppingModel):
    """A checkpoint that inspects the share of the traffic that its capacity allows; all
    of it where the traffic is not known.
    """

    MARK = "capacity"

    capacity: float = Field(ge=0, description="vehicles inspected an hour and lane")
    detection: ChanceOrRange = detection_field(
        marked("chance that one inspection of a loaded vehicle detects the load")
    )

    secondary: SecondaryModel | None = None

    def day(self, lanes: float, traffic: Traffic) -> StoppingDay:
        """Return a day at a site with these lanes and this traffic, second inspections included."""
        return stopping_day(self.capacity, lanes, self.delay, self.secondary, traffic)

    def share_inspected(self, lanes: float, traffic: Traffic) -> float:
        """Return the share of the vehicles that it inspects: min(1, capacity /
        traffic), hour by hour where the hours are known.
        """
        return self.day(lanes, traffic).share

    def watched(self, item: PlacedSite, network: Network, traffic: Traffic) -> Effect:
        """Return the site's arcs; there a loaded vehicle that is inspected is detected
        at once, or when it is inspected again.
        """
        del network
        day, detection = self.day(item.site.lanes, traffic), middle(self.detection)
        if self.secondary is not None:
            again = self.secondary.referral * day.done_again * self.secondary.detection
            detection = 1 - (1 - detection) * (1 - again)
        return _on_site(item, 1.0 - day.share * detection)


class SensorModel(KindModel):
    """A sensor that works, detects and is answered in time, each with a probability."""

    MARK = "uptime"

    kind: Literal["sensor"] = Field("sensor", description="general kind of option")
    uptime: Chance = Field(description="share of the time the sensor works")
    detection: ChanceOrRange = detection_field(
        "chance that the working sensor detects a loaded vehicle that passes"
    )
    response: Chance | CueModel = Field(
        description=(
            "share of its detections that are acted on in time, or the teams that answer them"
        )
    )

    def watched(self, item: PlacedSite, network: Network, traffic: Traffic) -> Effect:
        """Return the site's arcs, with the survival of `sensor_survival`."""
        del network, traffic
        return _on_site(
            item, sensor_survival(self.uptime, middle(self.detection), _share(self.response))
        )


class DroneModel(KindModel):
    """A drone that searches an area, or flies out and back along a road."""

    MARK = "orbit"

    kind: Literal["drone"] = Field("drone", description="general kind of option")
    orbit: OrbitModel
    detection: ChanceOrRange = detection_field(
        "chance that the drone detects a load when it meets it"
    )
    response: Chance | CueModel = Field(
        description=(
            "share of its detections that are acted on in time, or the teams that answer them"
        )
    )

    def watched(self, item: PlacedSite, network: Network, traffic: Traffic) -> Effect:
        """Return the arcs under the orbit: there one is seen in the time on the arc,
        while the drone is up, and the sighting is acted on.
        """
        del traffic
        orbit = self.orbit
        acted = station_share(orbit.station_hours, orbit.shift_hours) * _share(self.response)
        if orbit.area_km2 is not None:
            arcs = _arcs_of_area(item, network, orbit.area_km2)
            hours = network.time_s[arcs] / 3600
            searched = random_search(
                (orbit.width_m or 0.0) * middle(self.detection),
                orbit.speed_kmh,
                hours,
                orbit.area_km2,
            )
            return Effect(arcs, patrol_survival(searched, acted))
        road_km = orbit.road_km or 0.0
        arcs = _arcs_of_road(item, network, road_km)
        km = network.length_m[arcs] / 1000
        flown = np.minimum(km, road_km)
        hours = network.time_s[arcs] / 3600 * flown / km
        both_ways = orbit_meeting(flown / orbit.speed_kmh, hours, 2 * road_km / orbit.speed_kmh)
        return Effect(
            arcs, beat_survival(np.column_stack(both_ways), middle(self.detection) * acted)
        )


class StandbyModel(KindModel):
    """A team that stands by at a site: it detects nothing itself, and answers sensors
    and drones (`response` of their kinds).
    """

    MARK = "turnout_minutes"

    kind: Literal["standby"] = Field("standby", description="general kind of option")
    turnout_minutes: float = Field(
        ge=0, le=1440, description="minutes from a detection until it sets out"
    )

    def watched(self, item: PlacedSite, network: Network, traffic: Traffic) -> Effect:
        """Return no arcs."""
        del item, network, traffic
        return Effect(np.empty(0, dtype=np.int64), np.empty(0))


KINDS: list[type[KindModel]] = [StatedModel, InspectionModel, SensorModel, DroneModel, StandbyModel]
"""All kinds of option. Where an entry has the marks of several, the first counts, and
fields of the others are faults.
"""


def categories() -> list[str]:
    """Return the values that `kind` may have, in order."""
    return list(
        dict.fromkeys(
            word for model in KINDS for word in get_args(model.model_fields["kind"].annotation)
        )
    )


class _OneOfKinds:
    """Tells pydantic to read an entry of `[[kinds]]` as the class whose mark it has."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        del source
        return core_schema.tagged_union_schema(
            {model.__name__: handler.generate_schema(model) for model in KINDS},
            discriminator=_class_name,
            custom_error_type="kind",
            custom_error_message=f"one of: {_ways()}",
        )


AnyKind = Annotated[KindModel, _OneOfKinds()]
"""An entry of `[[kinds]]`: one of the classes of `KINDS`."""


def _class_name(content: object) -> str | None:
    """Return the name of the class that an entry means: by its mark, also where that is
    misspelt; None where it has none.
    """
    if isinstance(content, KindModel):
        return type(content).__name__
    fields = list(content) if isinstance(content, dict) else []
    for marks in (fields, [field for field in fields if field not in KindModel.model_fields]):
        for model in KINDS:
            if model.MARK in marks or (
                marks is not fields and close_match(model.MARK, map(str, marks))
            ):
                return model.__name__
    return None


def _ways() -> str:
    """Return the sets of fields that describe a kind: the required ones of each class."""
    required = [
        [name for name, field in model.model_fields.items() if field.is_required()]
        for model in KINDS
    ]
    return "; ".join(", ".join(sorted(set(names) - {"id"})) for names in required)


def _share(response: float | CueModel) -> float:
    """Return the share of detections that are acted on: 0 where a team answers that is
    not named.
    """
    return 0.0 if isinstance(response, CueModel) else response


def _on_site(item: PlacedSite, survival: float) -> Effect:
    arcs = np.array(item.arcs, dtype=np.int64)
    return Effect(arcs, np.full(arcs.size, survival))


def _arcs_of_area(item: PlacedSite, network: Network, area_km2: float) -> NDArray[np.int64]:
    """Return the arcs whose segments have their middle in a disc around the site, and
    the site's own.
    """
    middle = network.segment_midpoint
    here = np.array([item.lon]), np.array([item.lat])
    near = great_circle_m(middle[:, 0], middle[:, 1], *here) <= 1000 * np.sqrt(area_km2 / np.pi)
    near[item.segment] = True
    return np.flatnonzero(near[network.segment])


def _arcs_of_road(item: PlacedSite, network: Network, road_km: float) -> NDArray[np.int64]:
    """Return the arcs of the site's road (its name, or its class where it has none) to
    half the length on either side, and the site's own.
    """
    own = network.segment == item.segment
    first = item.arcs[0]
    called = network.name if network.name[first] else network.road_class
    same = np.flatnonzero((called == called[first]) | own)
    tail = network.tail[same]
    head = network.head[same]
    length = network.length_m[same]
    # a drone flies against a one-way road as well
    ends, starts = np.append(tail, head), np.append(head, tail)
    graph = cost_graph(network.n_nodes, ends, starts, np.append(length, length))
    reach = graph.distances([network.tail[first], network.head[first]], limit=500 * road_km).min(
        axis=0
    )
    middle = np.minimum(reach[tail], reach[head]) + (length + network.length_m[first]) / 2
    return np.asarray(same[(middle <= 500 * road_km) | own[same]])
