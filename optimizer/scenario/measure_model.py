"""Measures at the source, field by field; the reference in the documentation is made from the descriptions here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from optimizer.base.schema import Strict
from optimizer.scenario.kinds import Amount, Chance, Id
from optimizer.scenario.ranges import ChanceOrRange


class MeasureModel(Strict):
    """Something that lowers the loads which set out from some gateways, for everybody who starts there."""

    id: Id = Field(description="unique name")
    label: str = Field("", description="what people call it; the id where empty")
    what: Literal[
        "eradication", "alternative development", "precursors", "community programme", "legal route", "other"
    ] = Field("other", description="what it is, for people")
    agency: str = Field("", description="who carries it out; empty when all share it")
    gateways: list[str] = Field([], description="ids of gateways whose loads it lowers")
    gateway_kinds: list[Literal["port", "unofficial", "edge"]] = Field(
        [], description="and all gateways of these kinds"
    )
    reduction: ChanceOrRange = Field(
        description="share by which the loads are lowered once it works, from 0 to 1, or `[low, high]` where studies disagree: `plan --draws` "
        "plans over the range, all else takes its middle"
    )
    source: str = Field(
        min_length=1, max_length=500, description="where the reduction comes from: a study, or who assumed it"
    )
    tips: Chance = Field(
        0, description="chance that a load which still sets out is found by a tip that the measure brings"
    )
    delay_months: float = Field(0, ge=0, le=1200, description="months until it works, of `horizon_months`")
    uses: dict[str, Amount] = Field({}, description="amount of each resource that it takes")
    existing: bool = Field(False, description="in force today, with its effect not in the record")
    forced: bool = Field(False, description="part of every plan")
    forbidden: bool = Field(False, description="part of no plan")

    @model_validator(mode="after")
    def _at_some_origin(self) -> MeasureModel:
        if not (self.gateways or self.gateway_kinds):
            raise ValueError("at least one of gateways, gateway_kinds: a measure without an origin lowers nothing")
        if self.forced and self.forbidden:
            raise ValueError("forced or forbidden, not both")
        return self
