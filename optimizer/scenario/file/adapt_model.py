"""The `[adapt]` table of a scenario: how traffickers learn and planners plan again in a simulation over time."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from optimizer.base.choices import LearningName
from optimizer.base.schema import Chance, Strict

POLICY_NAMES: Final[tuple[str, ...]] = (
    "today",
    "fixed",
    "hotspot",
    "exact",
    "mixed",
    "explore",
    "coverage",
    "random",
    "fpl-ue",
    "exp3",
)
"""How planners plan again; `optimizer.lab.adaptive.simulation.policies` has them."""


class AdaptModel(Strict):
    """How traffickers learn, and how planners plan again, in `adapt`. All values are assumptions; docs/adaptive.md has their sources."""

    learning: LearningName = Field("logit", description="how traffickers choose routes from what they know")
    rate: Chance = Field(
        0.3558,
        description="share of the traffickers who choose again in a period, or weight of the newest period in what they remember",
    )
    delay: int = Field(1, ge=1, le=24, description="periods after which traffickers know of a loss")
    noise: Chance = Field(
        0.02, description="standard deviation of errors in the chances to get through that traffickers perceive"
    )
    temperature: float = Field(
        0.03, gt=0, le=1, description="difference of chances to get through at which a route is chosen e times as often"
    )
    scouts: float = Field(
        5,
        ge=0,
        le=1e4,
        description="passages of each site a period that show traffickers what stands there, without a loss",
    )
    memory: float = Field(20, gt=0, le=1e6, description="passages of a site that what was known before counts for")
    mobility: Chance = Field(
        0.1, description="share of the loads bound for a place whose gateway is chosen again in a period"
    )
    supply_response: float = Field(
        0,
        ge=-1,
        le=1,
        description="share of the loads lost that is sent on top in the next period; below 0, by which less is sent",
    )
    loss_tolerance: Chance = Field(
        0.05, description="share of loads lost above which traffickers split shipments and open routes"
    )
    splitting: Chance = Field(
        0.1, description="share by which shipments become smaller in a period of losses above the tolerance"
    )
    smallest_shipment: float = Field(0.25, gt=0, le=1, description="size of the smallest shipment; 1 is a load")
    new_routes: int = Field(
        9, ge=0, le=10_000, description="routes opened in a period at most, under `narcologic` and `spreading`"
    )
    first_routes: int = Field(1, ge=1, le=10_000, description="routes open at first in all, under `spreading`")
    routes: int = Field(
        6,
        ge=1,
        le=50,
        description="routes that a pair of gateway and destination may take at most, besides its usual ones",
    )
    loads: float = Field(500, gt=0, le=1e6, description="loads a period")
    history: int = Field(12, ge=0, le=600, description="periods of today's layout before the first that counts")
    days: int = Field(30, ge=1, le=366, description="days of a period: how often a randomised plan is drawn")
    interdiction_learning: Chance = Field(
        0.6, description="weight of the newest period in the counts that `hotspot` goes by"
    )
    forgetting: Chance = Field(
        0.1, description="share of what planners counted earlier that no longer counts a period later"
    )
    exploration: Chance = Field(
        0.1, description="share of the days on which `explore` and `fpl-ue` draw a plan for what it teaches"
    )
    beats: int = Field(
        0,
        ge=0,
        le=1000,
        description="beats of patrol teams that policies choose among, shared evenly by team types and bases; 0 leaves teams out",
    )
    reply_every: int = Field(12, ge=1, le=600, description="periods between two for which the best reply is computed")
