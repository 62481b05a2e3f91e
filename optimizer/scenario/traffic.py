"""Traffic past sites: given for a site, given for the class of its road, or not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, model_validator

from optimizer.base.schema import Strict
from optimizer.problem.waiting import HOURS


class TrafficModel(Strict):
    """How many vehicles pass on roads of each class, and over how many hours a day."""

    by_class: dict[str, Annotated[float, Field(gt=0)]] = Field(
        {},
        description="vehicles a day in one direction by road class, where a site gives none; on roads of a class that is not named "
        "here the traffic is not known, and a post is taken to have the capacity for it",
    )
    busy_hours: float = Field(16, gt=0, le=24, description="hours a day over which the traffic is spread")
    by_hour: list[Annotated[float, Field(ge=0, le=1e9)]] = Field(
        [],
        description="24 numbers in proportion to the traffic of each hour of the day, from midnight on; even over `busy_hours` where not given",
    )

    @model_validator(mode="after")
    def _a_day(self) -> TrafficModel:
        if self.by_hour and (len(self.by_hour) != HOURS or not sum(self.by_hour) > 0):
            raise ValueError(f"by_hour with {HOURS} numbers of at least 0, not all of them 0")
        return self

    def past(self, site: float | None, road_class: str) -> Traffic:
        """Return the traffic past a site.

        Parameters
        ----------
        site
            Vehicles a day that the site gives; None where it gives none.
        road_class
            Of the road that the site watches.
        """
        daily = self.by_class.get(road_class) if site is None else site
        source = "site" if site is not None else "" if daily is None else "class"
        return Traffic(daily, self.busy_hours, source, tuple(self.by_hour))


@dataclass(frozen=True, slots=True)
class Traffic:
    """Traffic past a site in the watched direction.

    Attributes
    ----------
    daily
        Vehicles a day, > 0; None where it is not known.
    busy_hours
        Hours a day over which they are spread, > 0.
    source
        Who gives it: `site`, `class` (`[traffic] by_class`), or empty where it is not known.
    by_hour
        24 numbers in proportion to the traffic of each hour; empty where it is even over the busy hours.
    """

    daily: float | None
    busy_hours: float
    source: str = "site"
    by_hour: tuple[float, ...] = ()

    def hourly(self, capacity: float) -> float:
        """Return the vehicles an hour, > 0; where they are not known those that a post of this capacity can just inspect.

        A post is sized for its road: planners man as many lanes as the traffic needs. A built-in figure by road class would rank the
        sites by numbers that nobody gave: posts would stand where the traffic is assumed to be light, not where loads pass.

        Parameters
        ----------
        capacity
            Vehicles that can be inspected an hour, >= 0.
        """
        return (capacity or 1.0) if self.daily is None else self.daily / self.busy_hours

    def a_day(self, capacity: float) -> float:
        """Return the vehicles a day, > 0, in the same way."""
        return self.hourly(capacity) * self.busy_hours if self.daily is None else self.daily

    def arrivals(self, capacity: float) -> tuple[float, ...]:
        """Return the 24 vehicles of each hour, in the same way; busy hours begin at 6 in the morning, or earlier where that is too late."""
        daily = self.a_day(capacity)
        if self.by_hour:
            return tuple(daily * part / sum(self.by_hour) for part in self.by_hour)
        begin = min(6.0, HOURS - self.busy_hours)
        busy = [max(0.0, min(hour + 1.0, begin + self.busy_hours) - max(float(hour), begin)) for hour in range(HOURS)]
        return tuple(daily * part / self.busy_hours for part in busy)
