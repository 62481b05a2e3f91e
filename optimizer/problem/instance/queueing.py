"""Waiting in line at a checkpoint: M/M/c in the steady state, and a day whose traffic
changes by the hour and may exceed the capacity.

With c inspectors side by side, each finishing mu vehicles an hour, arrivals lambda and
load rho = lambda / (c mu) < 1, the mean number of vehicles at the post in the steady
state is

    L(rho) = c rho + C rho / (1 - rho),       C = B / (1 - rho (1 - B)),

with B Erlang's loss probability for c servers and c rho offered, C the chance to wait
(Erlang's C formula). A day is followed by the pointwise stationary fluid flow
approximation (Wang, Tipper and Banerjee 1996): dL/dt = lambda(t) - c mu rho(L), with
rho(L) the inverse of L(rho). It is exact in the steady state, and where more comes than
can be inspected it becomes the fluid line that grows by lambda - c mu. Once the line is
as long as `longest` allows, inspectors are busy all the time and the vehicles beyond
their capacity are waved through.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

HOURS = 24
STEPS = 12
"""Steps of an hour."""
DAYS = 60
"""Most days until one ends as it begins."""
SAME = 1e-6
"""Relative change of the line at midnight at which a day counts as the same as the one before."""
MOST_SERVERS = 1000


def loss_probability(offered: float, servers: int) -> float:
    """Return Erlang's B: the share of arrivals that find all servers busy where none
    waits.

    Parameters
    ----------
    offered
        Arrivals in the time of one service, >= 0.
    servers
        c, from 1 to 1000.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    if not offered >= 0 or not 1 <= servers <= MOST_SERVERS:
        raise ValueError(
            f"offered load {offered} must be >= 0 and servers {servers} from 1 to {MOST_SERVERS}"
        )
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = offered * blocked / (k + offered * blocked)
    return blocked


def waiting_chance(load: float, servers: int) -> float:
    """Return Erlang's C: the chance that an arrival waits, at a load rho in [0, 1) of
    each of c servers.
    """
    if not 0 <= load < 1:
        raise ValueError(f"load {load} must be in [0, 1): above there is no steady state")
    blocked = loss_probability(load * servers, servers)
    return blocked / (1 - load * (1 - blocked))


@dataclass(frozen=True, slots=True)
class WaitingDay:
    """A day at a checkpoint."""

    #: `arrived`, `inspected`: (24,) vehicles that come and that are inspected in each
    #: hour; the others are waved through.
    arrived: NDArray[np.float64]
    inspected: NDArray[np.float64]
    #: (24,) vehicle-hours that are spent in line in each hour, inspections themselves
    #: not counted.
    waiting: NDArray[np.float64]
    #: The longest mean wait of the day, in hours.
    longest: float
    #: Mean number of vehicles at the post when the day ends.
    left: float

    @property
    def share(self) -> float:
        """Share of the day's vehicles that are inspected; 1 where none comes."""
        arrived = float(self.arrived.sum())
        return min(1.0, float(self.inspected.sum()) / arrived) if arrived else 1.0


@lru_cache(maxsize=4096)
def waiting_day(
    arrivals: tuple[float, ...], service: float, servers: int, longest: float
) -> WaitingDay:
    """Return what happens at a checkpoint on a day that is like the day before.

    Parameters
    ----------
    arrivals
        (24,) vehicles that come in each hour, >= 0.
    service
        Vehicles that one inspector finishes an hour, > 0.
    servers
        Inspectors side by side, from 1 to 1000.
    longest
        Hours that a vehicle waits at most, > 0: while the line is that long those who
        come are waved through.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    if len(arrivals) != HOURS or not all(0 <= rate < np.inf for rate in arrivals):
        raise ValueError(f"arrivals must be {HOURS} numbers >= 0")
    if not 0 < service < np.inf or not longest > 0 or not 1 <= servers <= MOST_SERVERS:
        raise ValueError(
            f"service {service} and longest wait {longest} must be > 0, servers 1 to {MOST_SERVERS}"
        )
    queue = _Queue(service * servers, servers, longest)
    day = queue.day(arrivals, 0.0)
    for _ in range(DAYS):
        before = day.left
        day = queue.day(arrivals, before)
        if abs(day.left - before) <= SAME * (1 + day.left):
            break
    return day


class _Queue:
    """Integrates a day by implicit steps; the mean number at the post is a monotone
    function of the load, tabulated once.
    """

    def __init__(self, most: float, servers: int, longest: float) -> None:
        self._most, self._longest = most, longest
        self._load = 1 - np.geomspace(1.0, 1e-7, 3000)
        waits = np.array([waiting_chance(rho, servers) for rho in self._load])
        self._line = waits * self._load / (1 - self._load)
        self._number = servers * self._load + self._line
        self._full = float(np.interp(longest * most, self._line, self._number))
        self._implicit = self._number + self._load * most / STEPS

    def day(self, arrivals: tuple[float, ...], number: float) -> WaitingDay:
        """Return a day that begins with a mean number at the post."""
        inspected = np.zeros(HOURS)
        waiting = np.zeros(HOURS)
        most = 0.0
        for hour, rate in enumerate(arrivals):
            for _ in range(STEPS):
                load = float(np.interp(number + rate / STEPS, self._implicit, self._load))
                after = float(np.interp(load, self._load, self._number))
                if after > self._full:
                    after, line = self._full, self._longest * self._most
                    done = min(self._most, rate + (number - after) * STEPS)
                else:
                    line, done = float(np.interp(load, self._load, self._line)), load * self._most
                inspected[hour] += done / STEPS
                waiting[hour] += line / STEPS
                most = max(most, line / self._most)
                number = after
        return WaitingDay(np.asarray(arrivals, dtype=np.float64), inspected, waiting, most, number)
