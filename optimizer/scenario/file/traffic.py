"""Legitimate traffic past sites: how much there is, given for a site or the class of
its road, and what a post does to it.

A post inspects some; some wait, some are inspected a second time, and that takes hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from optimizer.base.schema import Chance, Strict
from optimizer.base.text.language import marked
from optimizer.problem.instance.detection import checkpoint_coverage, inspection_delay
from optimizer.problem.instance.queueing import HOURS, MOST_SERVERS, waiting_day


class TrafficModel(Strict):
    """How many vehicles pass, by counts and by road class, and over how many hours a day."""

    counts: Path | None = Field(
        None,
        description=(
            "CSV of counts on numbered roads (road, lon, lat, vehicles_a_day in one direction), as"
            " `import aadt` writes it; a site that gives no traffic takes the nearest count on its"
            " own road, and where there is none that of its class"
        ),
    )
    counts_within_km: float = Field(
        30,
        gt=0,
        le=500,
        description="kilometres, as the crow flies, within which a count speaks for its road",
    )

    by_class: dict[str, Annotated[float, Field(gt=0)]] = Field(
        {},
        description=(
            "vehicles a day in one direction by road class, where a site gives none; on roads of a"
            " class that is not named here the traffic is not known, and a post is taken to have"
            " the capacity for it"
        ),
    )
    busy_hours: float = Field(
        16, gt=0, le=24, description="hours a day over which the traffic is spread"
    )
    by_hour: list[Annotated[float, Field(ge=0, le=1e9)]] = Field(
        [],
        description=(
            "24 numbers in proportion to the traffic of each hour of the day, from midnight on;"
            " even over `busy_hours` where not given"
        ),
    )

    @model_validator(mode="after")
    def _a_day(self) -> TrafficModel:
        if self.by_hour and (len(self.by_hour) != HOURS or not sum(self.by_hour) > 0):
            raise ValueError(f"by_hour with {HOURS} numbers of at least 0, not all of them 0")
        return self

    def past(self, site: float | None, road_class: str, counted: float | None = None) -> Traffic:
        """Return the traffic past a site.

        Parameters
        ----------
        site
            Vehicles a day that the site gives; None where it gives none.
        road_class
            Of the road that the site watches.
        counted
            Vehicles a day by the nearest count on its road; None where there is none.
        """
        daily = next(
            (one for one in (site, counted) if one is not None), self.by_class.get(road_class)
        )
        source = (
            "site"
            if site is not None
            else "count"
            if counted is not None
            else ""
            if daily is None
            else "class"
        )
        return Traffic(daily, self.busy_hours, source, tuple(self.by_hour))


@dataclass(frozen=True, slots=True)
class Traffic:
    """Traffic past a site in the watched direction."""

    #: Vehicles a day, > 0; None where it is not known.
    daily: float | None
    #: Hours a day over which they are spread, > 0.
    busy_hours: float
    #: Who gives it: `site`, `count` (`[traffic] counts`), `class` (`[traffic]
    #: by_class`), or empty where it is not known.
    source: str = "site"
    #: 24 numbers in proportion to the traffic of each hour; empty where it is even over
    #: the busy hours.
    by_hour: tuple[float, ...] = ()

    def hourly(self, capacity: float) -> float:
        """Return the vehicles an hour, > 0; where they are not known those that a post
        of this capacity can just inspect.

        A post is sized for its road: planners man as many lanes as the traffic needs. A
        built-in figure by road class would rank the sites by numbers that nobody gave:
        posts would stand where the traffic is assumed to be light, not where loads
        pass.

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
        """Return the 24 vehicles of each hour, in the same way; busy hours begin at 6
        in the morning, or earlier where that is too late.
        """
        daily = self.a_day(capacity)
        if self.by_hour:
            return tuple(daily * part / sum(self.by_hour) for part in self.by_hour)
        begin = min(6.0, HOURS - self.busy_hours)
        busy = [
            max(0.0, min(hour + 1.0, begin + self.busy_hours) - max(float(hour), begin))
            for hour in range(HOURS)
        ]
        return tuple(daily * part / self.busy_hours for part in busy)


class DelayModel(Strict):
    """The time a checkpoint takes from legitimate travellers, as a resource."""

    resource: str = Field(
        min_length=1, max_length=200, description="name of the resource that the delay uses"
    )
    minutes: float = Field(
        gt=0,
        description=marked(
            "minutes that each inspected vehicle loses; times vehicles inspected, the use is in"
            " vehicle-hours a day"
        ),
    )
    longest_wait: float | None = Field(
        None,
        gt=0,
        le=1440,
        description=(
            "minutes that vehicles wait in line at most; while the line is longer they are waved"
            " through. The wait is then counted with the inspections; where not given it is not"
        ),
    )
    inspectors: int = Field(
        1,
        ge=1,
        le=100,
        description="inspectors side by side in one lane, who have its capacity together",
    )


class SecondaryModel(Strict):
    """A second, closer inspection of some of those who were inspected."""

    share: float = Field(
        gt=0, le=1, description="share of the inspected legitimate vehicles that are sent there"
    )
    minutes: float = Field(gt=0, le=1440, description="minutes that one takes")
    bays: int = Field(
        ge=1, le=MOST_SERVERS, description="how many there can be at the same time, for each lane"
    )
    referral: Chance = Field(
        description="chance that a loaded vehicle whose load was not detected is sent there"
    )
    detection: Chance = Field(
        description="chance that the load of a vehicle which is sent there is detected"
    )


@dataclass(frozen=True, slots=True)
class StoppingDay:
    """A day at a post."""

    #: Share of the vehicles that are inspected, in [0, 1].
    share: float
    #: Vehicles inspected.
    inspected: float
    #: Vehicle-hours that legitimate travellers lose; 0 where nobody asks for them.
    lost: float
    #: Share of those to be inspected again for whom there is room, in [0, 1].
    done_again: float


def stopping_day(
    capacity: float,
    lanes: float,
    delay: DelayModel | None,
    secondary: SecondaryModel | None,
    traffic: Traffic,
) -> StoppingDay:
    """Return a day at a post.

    Those inspected a second time come as the inspected ones leave: at random (Burke
    1956) where the load is steady and below the capacity.

    Parameters
    ----------
    capacity
        Vehicles that can be inspected an hour and lane, >= 0.
    lanes
        Of the site.
    delay, secondary
        What inspections take from those who travel, and the second stage; None where
        there is none.
    traffic
        Past the site. Where it is not known the post is sized for its road, and nobody
        waits at the first stage.
    """
    total = capacity * lanes
    wait = None if delay is None else delay.longest_wait
    queued = wait is not None and traffic.daily is not None and total > 0
    if not queued and not traffic.by_hour:
        inspected = min(total * traffic.busy_hours, traffic.a_day(total))
        share = checkpoint_coverage(total, traffic.hourly(total))
        through = np.asarray(traffic.arrivals(total)) * share
        lost = (
            0.0
            if delay is None
            else inspection_delay(total * traffic.busy_hours, traffic.a_day(total), delay.minutes)
        )
    elif queued and wait is not None and delay is not None:
        servers = _servers(lanes * delay.inspectors)
        day = waiting_day(traffic.arrivals(total), total / servers, servers, wait / 60)
        share, through = day.share, day.inspected
        inspected = share * float(day.arrived.sum())
        lost = float(day.waiting.sum()) + inspected * delay.minutes / 60
    else:
        arrived = np.asarray(traffic.arrivals(total))
        through = np.minimum(arrived, total)
        inspected = float(through.sum())
        share = inspected / float(arrived.sum())
        lost = 0.0 if delay is None else inspected * delay.minutes / 60
    if secondary is None:
        return StoppingDay(share, inspected, lost, 1.0)
    again = _again(through * secondary.share, secondary, lanes, wait)
    return StoppingDay(
        share, inspected, lost + (again.lost if delay is not None else 0.0), again.share
    )


@dataclass(frozen=True, slots=True)
class _SecondStage:
    share: float
    lost: float


def _again(
    sent: NDArray[np.float64], terms: SecondaryModel, lanes: float, wait: float | None
) -> _SecondStage:
    """Return the share of those sent to a second inspection who get one, and the hours
    it takes, with the wait where that is counted.
    """
    bays, service = _servers(terms.bays * lanes), 60 / terms.minutes
    if wait is None:
        done = np.minimum(sent, bays * service)
        waiting = 0.0
    else:
        day = waiting_day(tuple(sent.tolist()), service, bays, wait / 60)
        done, waiting = np.minimum(day.inspected, bays * service), float(day.waiting.sum())
    total = float(sent.sum())
    number = min(float(done.sum()), total)
    return _SecondStage(number / total if total else 1.0, number / service + waiting)


def _servers(number: float) -> int:
    return int(min(max(round(number), 1), MOST_SERVERS))
