"""Agencies and where they may act, field by field; the reference in the documentation is made from the descriptions here."""

from __future__ import annotations

from pydantic import Field, model_validator

from optimizer.base.schema import Strict
from optimizer.scenario.kinds import Id


class JurisdictionModel(Strict):
    """Where an agency may act: on roads of its areas; where roads or classes are named, on these alone."""

    areas: list[str] = Field([], description="names of polygons of `[region] areas`; everywhere where empty")
    roads: list[str] = Field([], description="names or numbers of roads")
    road_classes: list[str] = Field([], description="classes of roads, such as `motorway`")
    pursuit_km: float = Field(
        0, ge=0, le=1000, description="hot pursuit: how far beyond it, in a straight line, `pursuit_kinds` may stand"
    )
    pursuit_kinds: list[str] = Field([], description="ids of the kinds and teams for which that holds")

    @model_validator(mode="after")
    def _says_where(self) -> JurisdictionModel:
        if not (self.areas or self.roads or self.road_classes):
            raise ValueError(
                "at least one of areas, roads, road_classes; without a jurisdiction an agency may act everywhere"
            )
        if bool(self.pursuit_kinds) != (self.pursuit_km > 0):
            raise ValueError("pursuit_km above 0 with pursuit_kinds, or neither")
        return self


class AgencyModel(Strict):
    """An organisation with a budget of its own."""

    id: Id = Field(description="unique name")
    name: str = Field("", description="what people call it, unlike any other; the id where empty")
    jurisdiction: JurisdictionModel | None = Field(None, description="where it may act; everywhere where not given")
