"""Counts of traffic on numbered roads, and what they say of each segment of a network.

A count stands for the road of its number around it: a place takes that of the nearest
count on a road of the same number, up to a distance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import FileProblems, InputError, Problem
from optimizer.base.files.tables import WantedColumns, read_csv
from optimizer.problem.network.geodesy import great_circle_m

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]

COLUMNS = ("road", "lon", "lat", "vehicles_a_day")
"""Columns of a file of counts that a scenario reads; vehicles a day in one direction."""

ROAD_NUMBER = re.compile(r"([A-Z]*)0*([0-9]+)([A-Z]*)$")
PLAIN_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]*)?")


class RoadNumber(NamedTuple):
    """The number of a road: `FM0076` and `FM 76` are FM 76, `I-35E` is I 35 E; empty
    where a part is not said.
    """

    system: str
    number: str
    suffix: str


def road_numbers(text: str, systems: Mapping[str, str] | None = None) -> list[RoadNumber]:
    """Return the numbers that a text names, apart by semicolons or strokes; words
    without a number are none.

    Parameters
    ----------
    text
        Such as `US 62;US 180`.
    systems
        How the text's letters are written on the map, such as IH -> I.
    """
    found = []
    for part in re.split(r"[;/|]", text.upper()):
        match = ROAD_NUMBER.search(re.sub(r"[^A-Z0-9]", "", part))
        if match:
            system, number, suffix = match.groups()
            found.append(RoadNumber((systems or {}).get(system, system).upper(), number, suffix))
    return found


@lru_cache(maxsize=1_000_000)
def _numbers_of_map(text: str) -> tuple[RoadNumber, ...]:
    """Return the numbers of a road of the map; a map is asked for several files."""
    return tuple(road_numbers(text))


def roads_by_number(network: Network) -> dict[RoadNumber, NDArray[np.int64]]:
    """Return the segments of each road number, in rising order."""
    if network.ref is None:
        return {}
    found: dict[RoadNumber, list[int]] = {}
    for segment, text in enumerate(network.ref[network.segment_arc].tolist()):
        for number in _numbers_of_map(str(text or "")):
            found.setdefault(number, []).append(segment)
    return {number: np.array(segments, dtype=np.int64) for number, segments in found.items()}


def same_roads(
    number: RoadNumber, roads: Mapping[RoadNumber, NDArray[np.int64]]
) -> NDArray[np.int64]:
    """Return the segments of roads that a number may mean: a number without letters is
    of any system.
    """
    if number.system:
        return roads.get(number, np.zeros(0, dtype=np.int64))
    alike = [segments for key, segments in roads.items() if (key.number, key.suffix) == number[1:]]
    return np.unique(np.concatenate(alike)) if alike else np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class TrafficCounts:
    """k counts."""

    #: Number of each one's road, as the map writes it.
    road: tuple[str, ...]
    #: `lon`, `lat`: (k,) degrees.
    lon: Floats
    lat: Floats
    #: (k,) vehicles a day in one direction, > 0.
    daily: Floats


def read_traffic_counts(path: Path) -> TrafficCounts:
    """Read a file of counts, as `import aadt` writes it.

    Raises
    ------
    InputError
        With each line at fault: no road number, a place off the globe, or a count that
        is not above 0.
    """
    table = read_csv(
        path,
        "a CSV file of traffic counts",
        WantedColumns(COLUMNS, remedy="Make it with import aadt"),
    )
    problems = FileProblems(path)
    rows = []
    limits = ((-180.0, 180.0), (-90.0, 90.0), (0.0, 1e7))
    for line, road, *cells in zip(
        table.number, *(table.text[name] for name in COLUMNS), strict=True
    ):
        if not road_numbers(road):
            problems.add(
                line, f"road {road[:40]!r}", "a road number, such as FM 76", "Remove the row"
            )
        values = [float(cell) if PLAIN_NUMBER.fullmatch(cell) else None for cell in cells]
        for name, text, value, (least, most) in zip(
            COLUMNS[1:], cells, values, limits, strict=True
        ):
            wrong = (
                value is None
                or not least <= value <= most
                or (name == "vehicles_a_day" and value == 0)
            )
            if wrong:
                expected = (
                    "above 0" if name == "vehicles_a_day" else f"from {least:,.10g} to {most:,.10g}"
                )
                problems.add(
                    line,
                    f"{name} {text[:40]!r}",
                    f"a number {expected}",
                    "Remove roads that were not counted",
                )
        rows.append((road, *(0.0 if value is None else value for value in values)))
    problems.raise_if_any()
    if not rows:
        raise InputError(
            Problem(str(path), "a header and no row", "at least one count", "Remove traffic.counts")
        )
    road, lon, lat, daily = zip(*rows, strict=True)
    return TrafficCounts(road, np.array(lon), np.array(lat), np.array(daily))


def write_traffic_counts(path: Path, counts: TrafficCounts) -> None:
    """Write counts as `read_traffic_counts` reads them, and nothing else of their file."""
    import pandas as pd

    from optimizer.records.importers.frames import safe_text

    columns = {
        name: [np.format_float_positional(value, trim="-") for value in values.tolist()]
        for name, values in zip(COLUMNS[1:], (counts.lon, counts.lat, counts.daily), strict=True)
    }
    frame = pd.DataFrame({"road": safe_text(pd.Series(counts.road, dtype=object)), **columns})
    frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


@dataclass(frozen=True, eq=False)
class CountedRoads:
    """Counts on the roads of a network."""

    #: `counts`, `network`: The counts, and the roads with their numbers.
    counts: TrafficCounts
    network: Network
    #: How far a count may lie from a place on its road, great circle.
    within_km: float

    def at(self, segment: NDArray[np.int64], lon: Floats, lat: Floats) -> Floats:
        """Return (k,) vehicles a day in one direction at places on segments, by the
        nearest count on the same road; NaN where none is near.
        """
        daily, nearest = np.full(segment.size, np.nan), np.full(segment.size, self.within_km * 1000)
        on_road = np.zeros(self.network.n_segments, dtype=bool)
        of_road: dict[RoadNumber, list[int]] = {}
        for position, text in enumerate(self.counts.road):
            for number in road_numbers(text):
                of_road.setdefault(number, []).append(position)
        roads = roads_by_number(self.network)
        for number, positions in of_road.items():
            same = same_roads(number, roads)
            on_road[same] = True
            places = np.flatnonzero(on_road[segment])
            on_road[same] = False
            for position in positions:
                away = great_circle_m(
                    lon[places], lat[places], self.counts.lon[position], self.counts.lat[position]
                )
                closer = away < nearest[places]
                nearest[places[closer]] = away[closer]
                daily[places[closer]] = self.counts.daily[position]
        return daily

    @property
    def on_network(self) -> bool:
        """Whether a count bears the number of a road of the network."""
        roads = roads_by_number(self.network)
        return any(
            same_roads(one, roads).size for text in self.counts.road for one in road_numbers(text)
        )

    @cached_property
    def of_segments(self) -> Floats:
        """(n_segments,) the same in the middle of each segment."""
        return self.at(np.arange(self.network.n_segments), *self.network.segment_midpoint.T)


def measured_share(measured: Sequence[float] | Floats, network: Network) -> float:
    """Return the share of the length of numbered roads whose traffic is measured, in [0, 1]."""
    numbered = np.zeros(network.n_segments, dtype=bool)
    for segments in roads_by_number(network).values():
        numbered[segments] = True
    length = network.length_m[network.segment_arc] * numbered
    return float(length[np.isfinite(np.asarray(measured))].sum() / max(length.sum(), 1e-9))
