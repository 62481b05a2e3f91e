"""Tracks of units that work a roster more or less as planned, with the truth behind
them: to practise `delivered`, and to measure it.

    python -m results.measure tracks results/my-plan --days 28 --out results/practice

Each shift a unit leaves its base, drives the quickest way to each of its places, stands
there, and drives back. Some shifts are not worked, some begin late, some end early, and
sometimes a unit stands at a place that is not its own. Its device gives positions at a
fixed interval with Gaussian noise, and fails now and then.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely

from optimizer.base.files.output_folder import new_folder
from optimizer.operations.planned import Visit, roster_folders, visits_of_rosters
from optimizer.operations.stays import Track
from optimizer.problem.network.geodesy import METRES_PER_DEGREE
from optimizer.roster.model import Duties, safe_cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from optimizer.problem.network.network import Network

TURN_S = 120.0
"""Seconds that a device still runs when its unit is back."""


@dataclass(frozen=True, slots=True)
class FieldErrors:
    """What goes otherwise than planned."""

    #: `every_s`, `noise_m`: Seconds between positions, and the standard deviation of
    #: their noise along each axis.
    every_s: float = 60.0
    noise_m: float = 15.0
    #: `missing`, `late`, `short`, `elsewhere`: Chance of a shift that is not worked, of
    #: a visit that begins late, ends early, is at another place.
    missing: float = 0.05
    late: float = 0.1
    short: float = 0.1
    elsewhere: float = 0.03
    #: `late_minutes`, `short_share`: By how much, at least and at most: minutes, and
    #: the share of the visit that is cut off.
    late_minutes: tuple[float, float] = (25.0, 90.0)
    short_share: tuple[float, float] = (0.3, 0.6)
    #: Chance of a shift in which the device fails.
    silent: float = 0.02
    #: Driving times as multiples of free flow, at least and at most.
    pace: tuple[float, float] = (1.0, 1.2)


@dataclass(frozen=True)
class SimulatedTracks:
    """Tracks and the truth behind them."""

    #: Of each unit that was seen.
    tracks: tuple[Track, ...]
    #: True hours by segment, of the shifts whose device worked.
    hours: Mapping[int, float]
    #: Visits at whose place the unit stood in their time, with the seconds; of the
    #: shifts whose device worked.
    stood: Mapping[Visit, float]
    #: Visits of shifts whose device failed.
    unseen: tuple[Visit, ...]


@dataclass(frozen=True, slots=True)
class _DayPart:
    """A part of a day: from and to, along an arc or standing (arc -1) at a share of a segment."""

    begin: float
    end: float
    arc: int
    segment: int
    share: float


def simulate_tracks(
    network: Network,
    duties: Duties,
    visits: Sequence[Visit],
    errors: FieldErrors = FieldErrors(),
    seed: int = 0,
) -> SimulatedTracks:
    """Return tracks of units that work some visits.

    Parameters
    ----------
    network
        The roads.
    duties
        Of the plan, for its bases.
    visits
        What a roster assigns: each names its unit.
    errors
        What goes otherwise.
    seed
        Of every random choice.
    """
    rng = np.random.default_rng(seed)
    made = _Simulation(network, duties, errors, rng)
    order = sorted(visits, key=lambda visit: (visit.unit, visit.day, visit.shift, visit.begin))
    places = sorted({(visit.lon, visit.lat) for visit in visits})
    for _, shift in groupby(order, key=lambda visit: (visit.unit, visit.day, visit.shift)):
        made.work(list(shift), places)
    return made.result()


class _Simulation:
    """One roster at work."""

    def __init__(
        self, network: Network, duties: Duties, errors: FieldErrors, rng: np.random.Generator
    ) -> None:
        self._network, self._errors, self._rng = network, errors, rng
        self._graph = network.time_graph()
        self._bases = {base.id: (base.lon, base.lat) for base in duties.bases}
        self._trees: dict[int, tuple[NDArray[np.float64], NDArray[np.int32]]] = {}
        self._fixes: defaultdict[str, list[NDArray[np.float64]]] = defaultdict(list)
        self._busy_until: defaultdict[str, float] = defaultdict(lambda: -np.inf)
        self._hours: defaultdict[int, float] = defaultdict(float)
        self._stood: dict[Visit, float] = {}
        self._unseen: list[Visit] = []

    def work(self, shift: Sequence[Visit], places: Sequence[tuple[float, float]]) -> None:
        """Work a shift, or not."""
        errors, rng = self._errors, self._rng
        unit = shift[0].unit
        if rng.random() < errors.missing:
            self._stood |= dict.fromkeys(shift, 0.0)
            return
        pieces, time = self._day(shift, places)
        if not pieces or pieces[0].begin <= self._busy_until[unit]:
            self._unseen += shift
            return
        self._busy_until[unit] = time
        if rng.random() < errors.silent:
            self._unseen += shift
            return
        for piece in pieces:
            self._hours[piece.segment] += (piece.end - piece.begin) / 3600
        self._fixes[unit].append(self._positions(pieces))

    def _day(
        self, shift: Sequence[Visit], places: Sequence[tuple[float, float]]
    ) -> tuple[list[_DayPart], float]:
        errors, rng, network = self._errors, self._rng, self._network
        pace = rng.uniform(*errors.pace)
        pieces: list[_DayPart] = []
        stood: dict[Visit, float] = {}
        home = self._bases.get(shift[0].base, (shift[0].lon, shift[0].lat))
        node = int(network.nearest_nodes(np.array([home[0]]), np.array([home[1]]))[0][0])
        base, time = node, -np.inf
        for visit in shift:
            at, begin, end = (visit.lon, visit.lat), visit.begin, visit.end
            if rng.random() < errors.late:
                begin = min(begin + 60 * rng.uniform(*errors.late_minutes), end - 300)
            if rng.random() < errors.short:
                end -= (end - begin) * rng.uniform(*errors.short_share)
            if rng.random() < errors.elsewhere and len(places) > 1:
                at = places[int(rng.integers(len(places)))]
            segment = int(network.nearest_segments(np.array([at[0]]), np.array([at[1]]))[0][0])
            share = float(
                shapely.line_locate_point(
                    network.lines[segment], shapely.Point(at), normalized=True
                )
            )
            way, leave_node, first, last = self._way(node, segment, share)
            takes = pace * sum(seconds for _, seconds, _ in way)
            start = max(time, begin - takes) if np.isfinite(time) else begin - takes
            if start > time > 0:  # it waits at the end of the road that it came by
                last_road = pieces[-1]
                spot = float(self._forward(last_road.arc))
                pieces.append(_DayPart(time, start, -1, last_road.segment, spot))
            pieces += self._drive(way, start, pace)
            arrive = start + takes
            leave = max(end, arrive + 60)
            pieces.append(_DayPart(arrive, leave, -1, segment, share))
            if at == (visit.lon, visit.lat):
                stood[visit] = max(0.0, min(leave, visit.end) - max(arrive, visit.begin))
            else:
                stood[visit] = 0.0
            time = leave
            out = pace * last
            pieces.append(
                _DayPart(
                    time, time + out, first, segment, 1.0 - share if self._forward(first) else share
                )
            )
            node, time = leave_node, time + out
        back = [(arc, float(network.time_s[arc]), 0.0) for arc in self._path(node, base)]
        pieces += self._drive(back, time, pace)
        time += pace * sum(seconds for _, seconds, _ in back)
        self._stood |= stood
        return [piece for piece in pieces if piece.end > piece.begin], time + TURN_S

    def _forward(self, arc: int) -> bool:
        return bool(self._network.segment_arc[self._network.segment[arc]] == arc)

    def _way(
        self, node: int, segment: int, share: float
    ) -> tuple[list[tuple[int, float, float]], int, int, float]:
        """Return the arcs with seconds to a place on a segment; the node that is
        reached from it, over which arc, and the seconds.
        """
        network = self._network
        arcs = network.arcs_of(segment)
        best: tuple[float, int, float] | None = None
        for arc in arcs:
            part = share if self._forward(arc) else 1 - share
            total = self._tree(node)[0][network.tail[arc]] + part * network.time_s[arc]
            if best is None or total < best[0]:
                best = (float(total), arc, part)
        assert best is not None
        _, arc, part = best
        way = [
            (one, float(network.time_s[one]), 1.0)
            for one in self._path(node, int(network.tail[arc]))
        ]
        way.append((arc, part * float(network.time_s[arc]), part))
        return way, int(network.head[arc]), arc, (1 - part) * float(network.time_s[arc])

    def _drive(
        self, way: Sequence[tuple[int, float, float]], time: float, pace: float
    ) -> list[_DayPart]:
        pieces = []
        for arc, seconds, part in way:
            end = time + pace * seconds
            pieces.append(
                _DayPart(
                    time, end, arc, int(self._network.segment[arc]), -part if 0 < part < 1 else 0.0
                )
            )
            time = end
        return pieces

    def _tree(self, node: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        if node not in self._trees:
            seconds, before = self._graph.trees([node])
            self._trees[node] = seconds[0], before[0]
        return self._trees[node]

    def _path(self, node: int, target: int) -> tuple[int, ...]:
        return self._graph.paths(self._tree(node)[1], [target])[0]

    def _positions(self, pieces: Sequence[_DayPart]) -> NDArray[np.float64]:
        """Return (k, 3) positions of a shift: seconds since 1970, and degrees with noise."""
        network, rng, errors = self._network, self._rng, self._errors
        begin = np.array([piece.begin for piece in pieces])
        times = np.arange(begin[0] + rng.uniform(0, errors.every_s), pieces[-1].end, errors.every_s)
        which = np.clip(np.searchsorted(begin, times, side="right") - 1, 0, len(pieces) - 1)
        points = np.empty((times.size, 2))
        for row, (time, k) in enumerate(zip(times.tolist(), which.tolist(), strict=True)):
            piece = pieces[k]
            share = piece.share
            if piece.arc >= 0:
                done = min(1.0, (time - piece.begin) / (piece.end - piece.begin))
                low, high = (
                    (0.0, -share) if share < 0 else (1 - share, 1.0) if share > 0 else (0.0, 1.0)
                )
                share = low + done * (high - low)
                share = share if self._forward(piece.arc) else 1 - share
            point = shapely.line_interpolate_point(
                network.lines[piece.segment], share, normalized=True
            )
            points[row] = point.x, point.y
        noise = rng.normal(0.0, errors.noise_m / METRES_PER_DEGREE, points.shape)
        noise[:, 0] /= np.cos(np.radians(points[:, 1]))
        return np.column_stack((np.round(times), points + noise))

    def result(self) -> SimulatedTracks:
        """Return what was simulated."""
        tracks = []
        for unit, parts in sorted(self._fixes.items()):
            rows = np.concatenate(parts)
            rows = rows[np.unique(rows[:, 0], return_index=True)[1]]
            tracks.append(Track(unit, f"{unit}.gpx", rows[:, 0], rows[:, 1], rows[:, 2]))
        unseen = set(self._unseen)
        stood = {visit: seconds for visit, seconds in self._stood.items() if visit not in unseen}
        return SimulatedTracks(tuple(tracks), dict(self._hours), stood, tuple(self._unseen))


def tracks_csv(tracks: Sequence[Track]) -> str:
    """Return tracks as a CSV of positions."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("time", "lon", "lat", "unit"))
    for track in tracks:
        unit = safe_cell(track.unit)
        for time, lon, lat in zip(
            track.time.tolist(), track.lon.tolist(), track.lat.tolist(), strict=True
        ):
            writer.writerow(
                (
                    f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}",
                    f"{lon:.6f}",
                    f"{lat:.6f}",
                    unit,
                )
            )
    return stream.getvalue()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("plan_folder", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="new folder for tracks.csv")
    parser.add_argument("--days", type=int, default=28, help="days of the roster that are worked")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between positions")
    parser.add_argument("--seed", type=int, default=0)


def main(asked: argparse.Namespace) -> None:
    """Write `tracks.csv` of the rosters of a plan folder."""
    from optimizer.plans.plan_folder import PlanFolder
    from optimizer.roster.model import read_duties
    from optimizer.scenario.check.check import read_evidence

    opened = PlanFolder(asked.plan_folder)
    duties = read_duties(opened.path)
    visits = visits_of_rosters(duties, roster_folders(opened.path))
    if not visits:
        asked.refuse(
            f"{opened.path} has no roster with a visit, and tracks are of rosters: make one with"
            " the command `roster`"
        )
    first = min(visit.day for visit in visits)
    visits = [visit for visit in visits if visit.day < first + timedelta(days=asked.days)]
    network = read_evidence(
        opened.scenario_told(print), settings=opened.settings, skip_unreachable=True
    ).region.network
    made = simulate_tracks(network, duties, visits, FieldErrors(every_s=asked.every), asked.seed)
    with new_folder(asked.out) as folder:
        (folder / "tracks.csv").write_text(tracks_csv(made.tracks), encoding="utf-8")
    print(
        f"{len(made.tracks)} units, {sum(track.time.size for track in made.tracks):,} positions:"
        f" {asked.out / 'tracks.csv'}"
    )
