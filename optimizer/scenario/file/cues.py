"""Sensors and drones that cue teams: a detection counts where a team is near enough to answer it, so that both are planned together.

Sensor s with answering team p is an option (s, p) with the survival of the sensor at the response of p,

    r_sp = share exp(-(turnout + tau_sp) / window),       tau_sp <= reach (without a window r_sp = share),

tau_sp being the time by which a driver gets from the team's site to the sensor's. All pairs of s are options of one site, so at most one is
placed, and each uses what the sensor uses. The team is an option y_p of its own; rows y_p >= sum of x_sp over the kinds at one site, and
most y_p >= sum of all x_sp, let pairs stand only beside their team.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import Field

from optimizer.base.schema import Strict
from optimizer.base.text.messages import message
from optimizer.problem.instance.requirements import Requirement
from optimizer.problem.network.shortest_paths import cost_graph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from optimizer.problem.instance.options import Option
    from optimizer.problem.network.network import Network
    from optimizer.scenario.check.sites import PlacedSite


class CueModel(Strict):
    """Teams that answer the detections of a sensor or a drone, by how far they have to drive."""

    by: list[str] = Field(
        min_length=1, description="ids of the kinds whose options answer: checkpoints, or teams on standby"
    )
    reach_minutes: float = Field(gt=0, le=1440, description="longest drive from the team's site to the sensor's")
    window_minutes: float | None = Field(
        None,
        gt=0,
        le=1440,
        description="mean time in which one who was detected can still be stopped: turnout and drive of t minutes are in time with "
        "exp(-t / window); all within reach where not given",
    )
    share: float = Field(1, ge=0, le=1, description="share of the detections for which the team is free and acts")
    most: int | None = Field(
        None, ge=1, le=1000, description="most sensors that one option answers; any number where not given"
    )

    def in_time(self, minutes: float) -> float:
        """Return the share of detections that a team answers which is there in so many minutes, turnout included."""
        return self.share * (1.0 if self.window_minutes is None else math.exp(-minutes / self.window_minutes))


@dataclass(frozen=True)
class Watcher:
    """A sensor without a team: its option with nothing watched, its site, its terms, and the option for a response."""

    option: Option
    item: PlacedSite
    cue: CueModel
    at: Callable[[float], Option]


@dataclass(frozen=True)
class Answerer:
    """An option that may answer, with its position, its site and its turnout in minutes."""

    position: int
    option: Option
    item: PlacedSite
    turnout: float


@dataclass(frozen=True)
class CuedOptions:
    """Options of sensors with the team that answers each, what they require, and the labels of sensors that no team reaches."""

    options: tuple[Option, ...]
    requirements: tuple[Requirement, ...]
    unanswered: tuple[str, ...]


def cued_options(
    watchers: Sequence[Watcher], answerers: Mapping[str, Sequence[Answerer]], first: int, network: Network
) -> CuedOptions:
    """Return the options of sensors that cue teams.

    Parameters
    ----------
    watchers
        The sensors.
    answerers
        Options that may answer, by kind.
    first
        Position of the first option that is made.
    network
        The roads.
    """
    drive = _Drives(network)
    options: list[Option] = []
    pairs: list[tuple[int, int, Watcher]] = []
    unanswered = []
    for watcher in watchers:
        near = list(_near(watcher, answerers, drive))
        today = [r for a, r in near if a.option.existing and r > 0] if watcher.option.existing else []
        made = len(options)
        for answerer, response in near:
            option = watcher.at(response)
            stands = bool(today) and answerer.option.existing and response == max(today)
            if stands:
                today = []  # one of several that are equally near
            pairs.append((first + len(options), answerer.position, watcher))
            name = answerer.option.label or answerer.option.id
            options.append(
                replace(
                    option,
                    id=f"{option.id}<{answerer.option.id}",
                    label=message("{option}, answered from {team}", option=option.label, team=name),
                    existing=stands,
                    forced=False,
                )
            )
        if len(options) == made:
            unanswered.append(watcher.option.label or watcher.option.id)
    return CuedOptions(tuple(options), tuple(_requirements(pairs, answerers, watchers)), tuple(unanswered))


def _near(
    watcher: Watcher, answerers: Mapping[str, Sequence[Answerer]], drive: _Drives
) -> Iterator[tuple[Answerer, float]]:
    """Yield the teams within reach of a sensor whose answer counts, with the share of detections that each answers in time."""
    for kind in dict.fromkeys(watcher.cue.by):
        for answerer in answerers.get(kind, ()):
            if answerer.item.site.id == watcher.item.site.id:
                continue  # of a site one option is placed
            minutes = drive.minutes(answerer.item, watcher.item)
            response = watcher.cue.in_time(answerer.turnout + minutes)
            if minutes <= watcher.cue.reach_minutes and any(s < 1 for s in watcher.at(response).survival):
                yield answerer, response


def _requirements(
    pairs: Sequence[tuple[int, int, Watcher]], answerers: Mapping[str, Sequence[Answerer]], watchers: Sequence[Watcher]
) -> Iterator[Requirement]:
    name = {a.position: a.option.id for group in answerers.values() for a in group}
    at_site: dict[tuple[int, str], list[int]] = {}
    of_team: dict[tuple[int, str], list[int]] = {}
    of_sensor: dict[str, list[int]] = {}
    terms = {watcher.option.type: watcher.cue for watcher in watchers}
    for position, team, watcher in pairs:
        at_site.setdefault((team, watcher.item.site.id), []).append(position)
        of_team.setdefault((team, watcher.option.type), []).append(position)
        of_sensor.setdefault(watcher.option.id, []).append(position)
    for (team, site), mine in at_site.items():
        yield Requirement(f"{name[team]} answers {site}", (team, *mine), (1.0, *(-1.0,) * len(mine)), 0.0)
    for (team, kind), mine in of_team.items():
        most = terms[kind].most
        if most is not None and len(mine) > most:
            yield Requirement(
                f"{name[team]} answers {most} of {kind}", (team, *mine), (float(most), *(-1.0,) * len(mine)), 0.0
            )
    for watcher in watchers:
        if watcher.option.forced and (mine := of_sensor.get(watcher.option.id, [])):
            yield Requirement(f"{watcher.option.id} is used", tuple(mine), (1.0,) * len(mine), 1.0)


class _Drives:
    """Times from site to site along the roads, from the middle of one segment to the middle of the other."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._graph = cost_graph(network.n_nodes, network.tail, network.head, network.time_s)
        self._from: dict[int, NDArray[np.float64]] = {}

    def minutes(self, team: PlacedSite, sensor: PlacedSite) -> float:
        """Return how long a driver takes; infinite where no road leads there."""
        if team.segment == sensor.segment:
            return 0.0
        here, there = (int(self._network.segment_arc[item.segment]) for item in (team, sensor))
        tail, head, time = self._network.tail, self._network.head, self._network.time_s
        if team.segment not in self._from:
            self._from[team.segment] = self._graph.distances([tail[here], head[here]]).min(axis=0)
        seconds = self._from[team.segment][[tail[there], head[there]]].min() + (time[here] + time[there]) / 2
        return float(seconds) / 60
