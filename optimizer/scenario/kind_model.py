"""Kinds, field by field: what can be put at a site, how well it detects, what it uses (docs/scenario.md explains each)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from optimizer.base.schema import Strict

Id = Annotated[str, Field(min_length=1, max_length=200)]
Amount = Annotated[float, Field(ge=0, le=1e15)]
Chance = Annotated[float, Field(ge=0, le=1)]

_WAYS = (
    {"survival"},
    {"capacity", "detection"},
    {"detection", "response", "uptime"},
    {"detection", "orbit", "response"},
    {"survival", "capacity"},  # a delay needs the capacity
    {"survival", "detection"},  # said, not used
)
"""Fields that together say how well a kind detects."""


class DelayModel(Strict):
    """The time a checkpoint takes from honest travellers, as a resource."""

    resource: Id
    minutes: float = Field(gt=0, description="minutes each inspected vehicle loses; the use is vehicle-hours a day")


class AlarmsModel(Strict):
    """The time that a sensor's false alarms take from a team, as a resource."""

    resource: Id
    per_day: float = Field(gt=0, le=1e6, description="false alarms a day that somebody looks into, for each lane")
    minutes: float = Field(gt=0, description="minutes that looking into one takes; the use is team-hours a day")


class OrbitModel(Strict):
    """What a drone flies over: an area around its site, or the site's road for a length to both sides."""

    speed_kmh: float = Field(gt=0, le=2000, description="speed over the ground")
    station_hours: float = Field(gt=0, le=24, description="hours over its area or road in a shift")
    shift_hours: float = Field(8, gt=0, le=24, description="length of a shift")
    area_km2: float | None = Field(None, gt=0, le=1e6, description="area searched, a disc around the site")
    width_m: float | None = Field(None, gt=0, le=100_000, description="width seen across the flight, with area_km2")
    road_km: float | None = Field(None, gt=0, le=10_000, description="length of road flown out and back, site mid-way")

    @model_validator(mode="after")
    def _one_ground(self) -> OrbitModel:
        if (self.area_km2 is None) == (self.road_km is None):
            raise ValueError("either area_km2 or road_km")
        if (self.width_m is None) != (self.area_km2 is None):
            raise ValueError("width_m with area_km2, and only with it")
        if self.station_hours > self.shift_hours:
            raise ValueError("station_hours no longer than shift_hours")
        return self


class KindModel(Strict):
    """A way to use a site, described by what its detection follows from, or by `survival` itself."""

    id: Id
    label: str = ""
    kind: Literal["checkpoint", "sensor", "patrol", "drone"] = "checkpoint"
    capacity: float | None = Field(None, ge=0, description="vehicles inspected an hour and lane")
    detection: Chance | None = Field(
        None, description="chance that a look (at a loaded vehicle, by a sensor, from the air) finds the load"
    )
    uptime: Chance | None = Field(None, description="share of the time a sensor works")
    response: Chance | None = Field(None, description="share of what a sensor or drone finds that is acted on in time")
    orbit: OrbitModel | None = None
    survival: float | None = Field(None, ge=0, lt=1, description="chance to pass undetected, instead of all the above")
    uses: dict[str, Amount] = Field({}, description="amount of each resource for each lane")
    delay: DelayModel | None = None
    alarms: AlarmsModel | None = None
    shifts: list[str] = Field([], description="shifts of a roster in which it is manned; all where empty")

    @model_validator(mode="after")
    def _one_way(self) -> KindModel:
        given = {
            name
            for name in ("capacity", "detection", "uptime", "response", "orbit", "survival")
            if getattr(self, name) is not None
        }
        if given not in _WAYS:
            raise ValueError(f"one of: {'; '.join(', '.join(sorted(way)) for way in _WAYS[:4])}")
        for name, kind in (("uptime", "sensor"), ("orbit", "drone")):
            if name in given and self.kind != kind:
                raise ValueError(f'{name} goes with kind = "{kind}"')
        if self.delay is not None and self.capacity is None:
            raise ValueError("a delay needs a capacity: the vehicles that are stopped")
        return self
