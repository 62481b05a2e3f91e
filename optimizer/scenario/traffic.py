"""Traffic past sites: given for a site, given for the class of its road, or not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from optimizer.base.schema import Strict


class TrafficModel(Strict):
    """How many vehicles pass on roads of each class, and over how many hours a day."""

    by_class: dict[str, Annotated[float, Field(gt=0)]] = Field(
        {},
        description="vehicles a day in one direction by road class, where a site gives none; on roads of a class that is not named "
        "here the traffic is not known, and a post is taken to have the capacity for it",
    )
    busy_hours: float = Field(16, gt=0, le=24, description="hours a day over which the traffic is spread")

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
        return Traffic(daily, self.busy_hours, "site" if site is not None else "" if daily is None else "class")


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
    """

    daily: float | None
    busy_hours: float
    source: str = "site"

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
