"""Displacement in a simulation over time: loads by district against the first period and nothing placed, and loads on the roads for maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.base.formatting import plain
from optimizer.base.said import listed, said
from optimizer.pipeline.adapt_ground import DISTRICT, MODE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from optimizer.pipeline.adapt_ground import AdaptGround
    from optimizer.solvers.adaptive.displacement import RunTravel

    Floats = NDArray[np.float64]

MOST_MAPS = 12
"""Periods that have maps at most: those of the page are in its text."""
MAPS = 6
"""Periods that have maps where none are asked for."""
NAME = 40
"""Characters of the name of a district that a sentence or figure shows."""
LAST = 12
"""Periods at the end of a run over which changes are means."""


@dataclass(frozen=True, eq=False)
class Displacement:
    """Where the loads travel.

    Attributes
    ----------
    ground
        Roads, and named parts of them.
    map_periods
        Periods that have maps, rising from 1.
    stretch
        (segments,) the stretch of each road; -1 where no route goes.
    travel
        By policy and run.
    nothing
        That of a run in which nothing ever stands.
    """

    ground: AdaptGround
    map_periods: tuple[int, ...]
    stretch: NDArray[np.int64]
    travel: Mapping[tuple[str, int], RunTravel]
    nothing: RunTravel

    def numbers(self, kind: str) -> list[int]:
        """Return the positions of the parts of a kind, `district` or `mode`."""
        return [k for k, part in enumerate(self.ground.parts) if part.kind == kind]

    def runs(self, policy: str) -> list[RunTravel]:
        """Return the runs of a policy, in order."""
        return [self.travel[key] for key in sorted(self.travel) if key[0] == policy]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row for each part of the network in each period of each run: loads, load-kilometres, and changes of the loads."""
        for (policy, run), each in sorted(self.travel.items()):
            from_first, from_nothing = each.loads - each.loads[0], each.loads - self.nothing.loads
            for t in range(each.loads.shape[0]):
                for k, part in enumerate(self.ground.parts):
                    yield {
                        "policy": policy,
                        "run": run,
                        "period": t + 1,
                        "kind": part.kind,
                        "part": part.name,
                        "loads": float(each.loads[t, k]),
                        "load_km": float(each.load_km[t, k]),
                        "from_first": float(from_first[t, k]),
                        "from_nothing": float(from_nothing[t, k]),
                    }

    def from_first(self, policy: str) -> Floats:
        """Return the (runs, parts) changes of loads from the first period to the mean of the last `LAST`."""
        return np.array([each.loads[-LAST:].mean(axis=0) - each.loads[0] for each in self.runs(policy)])

    def from_nothing(self, policy: str) -> Floats:
        """Return the (runs, parts) changes of loads from nothing placed to the policy, means of the last `LAST` periods."""
        return np.array([(each.loads - self.nothing.loads)[-LAST:].mean(axis=0) for each in self.runs(policy)])

    def on_roads(self, policy: str | None) -> Floats:
        """Return the (periods on a map, segments) loads on each road, means over the runs of a policy, or those with nothing placed."""
        runs = [self.nothing] if policy is None else self.runs(policy)
        mean = np.mean([each.stretches for each in runs], axis=0)
        return np.column_stack((mean, np.zeros(mean.shape[0])))[
            :, self.stretch
        ]  # the last column is that of stretch -1

    def notes(self) -> list[str]:
        """Return what a planner must know of districts and modes."""
        notes: list[str] = []
        if not self.numbers(DISTRICT):
            notes.append(
                said(
                    "The scenario has no districts: displacement by district is not known. Name polygons under [region] areas, or communities."
                )
            )
        if self.ground.without_roads:
            names = listed(plain(name, NAME) for name in self.ground.without_roads)
            notes.append(said("Districts that no road of the network passes are left out: {names}.", names=names))
        if not self.numbers(MODE):
            notes.append(
                said(
                    "The network has one mode of travel, roads of vehicles: traffickers have no choice between modes. "
                    "Build the region with tracks and paths ([region] modes, or `region --modes drive,track,foot`) to give them one."
                )
            )
        return notes


def mapped_periods(asked: Sequence[int] | None, periods: int) -> tuple[int, ...]:
    """Return the periods that have maps.

    Raises
    ------
    InputError
        If a period is not in [1, `periods`], or there are none, or more than `MOST_MAPS`.
    """
    if asked is None:
        return tuple(np.unique(np.linspace(1, periods, MAPS).round().astype(int)).tolist())
    found = tuple(sorted(set(asked)))
    if not found or len(found) > MOST_MAPS or found[0] < 1 or found[-1] > periods:
        expected = f"1 to {MOST_MAPS} whole numbers from 1 to {periods}"
        remedy = f"Name at most {MOST_MAPS} periods of the run"
        raise InputError(Problem("map periods", ", ".join(map(str, asked)) or "none", expected, remedy))
    return found
