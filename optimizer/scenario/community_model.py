"""Communities and limits on the searches that they bear, field by field; the documentation's reference is made from the descriptions here."""

from __future__ import annotations

from pydantic import Field, model_validator

from optimizer.base.schema import Strict
from optimizer.scenario.kinds import Id


class CommunityModel(Strict):
    """Roads whose travellers bear the searches there: those of areas, of names or numbers, of classes; nothing about persons."""

    id: Id = Field(description="unique name")
    label: str = Field("", description="what people call it; the id where empty")
    areas: list[str] = Field([], description="names of polygons of `[region] areas`; everywhere where empty")
    roads: list[str] = Field([], description="names or numbers of roads; where roads or classes are named, these alone")
    road_classes: list[str] = Field([], description="classes of roads, such as `primary`")
    passages: float | None = Field(
        None,
        gt=0,
        le=1e12,
        description="honest passages a day on its roads; where not given the traffic past its sites, as far as it is known",
    )
    cap: float | None = Field(
        None, ge=0, le=1e6, description="most searches per honest passage; that of `[burden]` where not given"
    )

    @model_validator(mode="after")
    def _says_where(self) -> CommunityModel:
        if not (self.areas or self.roads or self.road_classes):
            raise ValueError("at least one of areas, roads, road_classes")
        return self


class BurdenModel(Strict):
    """Limits on searches per honest passage that hold for all communities."""

    cap: float | None = Field(None, ge=0, le=1e6, description="most in any community that has no cap of its own")
    ratio: float | None = Field(
        None, ge=1, le=1e6, description="most in any community, as a multiple of the mean over all of them"
    )
    difference: float | None = Field(None, ge=0, le=1e6, description="most by which two communities may differ")
