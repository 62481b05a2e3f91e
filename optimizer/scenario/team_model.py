"""Bases and patrol teams, field by field; the reference in the documentation is made from the descriptions here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from optimizer.base.schema import Strict
from optimizer.scenario.kinds import Amount, Id
from optimizer.scenario.ranges import ChanceOrRange, detection_field


class TeamBaseModel(Strict):
    """Where teams set out from: the nearest node of the network, which may lie at most `sites.max_distance_m` away."""

    id: Id = Field(description="unique name")
    label: str = Field("", description="what people call it; the id where empty")
    lon: float = Field(ge=-180, le=180, description="longitude in degrees (WGS 84)")
    lat: float = Field(ge=-90, le=90, description="latitude in degrees (WGS 84)")
    agency: str = Field("", description="its owner; teams of another agency do not use it unless they name it")


class TeamModel(Strict):
    """Teams that are alike: each drives a beat from a base and is back within its shift."""

    id: Id = Field(description="unique name")
    label: str = Field("", description="what people call it; the id where empty")
    agency: str = Field("", description="its owner, whose bases and resources it uses; shared where empty")
    number: int = Field(ge=1, le=1000, description="teams on the road in one shift, all bases together")
    bases: list[str] = Field(
        [], description="bases they set out from; where empty those of their agency and the shared ones"
    )
    shift_hours: float = Field(8, gt=0, le=24, description="from leaving the base to being back")
    slot_minutes: float = Field(30, ge=1, le=720, description="a team dwells at a post for a whole number of slots")
    most_slots: int = Field(4, ge=1, le=48, description="most slots of dwelling at one post")
    detection: ChanceOrRange = detection_field(
        "chance that a team at a post detects the load of a vehicle that it inspects"
    )
    capacity: float | None = Field(
        None,
        gt=0,
        description="vehicles an hour that a team at a post can inspect; on a busier road it inspects the share that this "
        "allows"
        "(`[traffic] by_class`; all where the class is not named there). All where not given",
    )
    passing: float = Field(0, ge=0, le=1, description="chance that it detects a load that it meets while driving")
    uses: dict[str, Amount] = Field({}, description="amount of each resource that one beat takes")
    speed_kmh: dict[str, Annotated[float, Field(gt=0, le=300)]] = Field(
        {}, description="fastest they drive by road class; the road's own speed for others"
    )
    posts: int = Field(
        20,
        ge=1,
        le=200,
        description="posts to choose from at each base: the roads that evaders use most, and those they would use if "
        "these were watched",
    )
    spacing_m: float = Field(2000, ge=0, description="distance between two of them")
    shifts: list[str] = Field([], description="shifts of a roster that they work; all where empty")

    @model_validator(mode="after")
    def _a_slot_fits(self) -> TeamModel:
        if self.slot_minutes > 60 * self.shift_hours:
            raise ValueError("slot_minutes no longer than the shift")
        return self
