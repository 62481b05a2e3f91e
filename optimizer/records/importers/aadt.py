"""Annual average daily traffic of numbered roads, matched to a network: what posts meet
on each road.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import read_toml
from optimizer.base.schema import Id, OneOrMore, Strict, validated
from optimizer.problem.network.geodesy import WGS84, to_degrees
from optimizer.records.importers.frames import (
    DropCounts,
    Imported,
    ImportSummary,
    ScenarioEntries,
    numbers,
    read_columns,
)
from optimizer.records.traffic_counts import (
    CountedRoads,
    TrafficCounts,
    measured_share,
    road_numbers,
    roads_by_number,
    same_roads,
)

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

YEAR = "{year}"
"""What stands for the year in the names of columns."""


class CountColumns(Strict):
    """Columns of a file of counts; a stretch with two ends counts at the middle between them."""

    road: Id = Field(description="number of the road, such as FM0076")
    x: Annotated[list[Id], OneOrMore] = Field(
        min_length=1, description="longitude or easting; of both ends where a row is a stretch"
    )
    y: Annotated[list[Id], OneOrMore] = Field(min_length=1, description="latitude or northing")
    daily: Annotated[list[Id], OneOrMore] = Field(
        min_length=1,
        description=(
            "vehicles a day, a column or several whose mean is taken; `{year}` stands for the year"
        ),
    )
    year: Id | None = Field(
        None, description="year of the count, where the columns of `daily` do not name it"
    )
    station: Id | None = Field(None, description="name of the station")


class SideRoads(Strict):
    """Rows that count a road beside the one whose number they bear: frontage roads, rest areas."""

    column: Id = Field(description="column that tells them")
    endings: list[Id] = Field(
        min_length=1, description="how its text ends in such a row, such as NBSR"
    )


class CountsMapping(Strict):
    """How a file of counts is read."""

    columns: CountColumns = Field(description="which column is what")
    side_roads: SideRoads | None = Field(
        None,
        description=(
            "rows that are left out, for they count a frontage road and bear the number of its"
            " highway"
        ),
    )
    crs: str = Field(
        WGS84,
        min_length=1,
        max_length=200,
        description="coordinate system of `x` and `y`, such as EPSG:2154",
    )
    directions: int = Field(
        2,
        ge=1,
        le=2,
        description="whether a count is of both directions together (2) or of one (1)",
    )
    systems: dict[str, str] = Field(
        {}, description="letters of road numbers in the file -> on the map, such as IH -> I"
    )


FORMS: dict[str, dict[str, Any]] = {
    "txdot": {
        "columns": {"road": "ON_ROAD", "x": "x", "y": "y", "daily": "AADT_{year}", "station": "ID"},
        "side_roads": {
            "column": "T_FLAG",
            "endings": ["NBSR", "SBSR", "EBSR", "WBSR", "RA1", "RA2"],
        },
        "systems": {"IH": "I", "SL": "LOOP", "SS": "SPUR"},
    },
    "caltrans": {
        "columns": {
            "road": "ROUTE",
            "x": "X",
            "y": "Y",
            "daily": ["BACK_AADT", "AHEAD_AADT"],
            "station": "OBJECTID",
        }
    },
    "france": {
        "columns": {
            "road": "route",
            "x": ["xD", "xF"],
            "y": ["yD", "yF"],
            "daily": "TMJA",
            "year": "anneeMesureTrafic",
            "station": "cumulD",
        },
        "crs": "EPSG:2154",
    },
}
"""Forms that are known: stations of Texas (TxDOT) and California (Caltrans), national
roads of France (TMJA).
"""

DEFAULT_FORM = "txdot"

WITHIN_KM = 30.0
"""How far a count speaks for its road, by default; `[traffic] counts_within_km` of a scenario."""


def read_counts_mapping(
    form: str | None, path: Path | None = None, crs: str | None = None
) -> CountsMapping:
    """Return the mapping of a form by its name, or of a TOML file; `crs` takes
    precedence over what either says.

    Without a form and a file it is that of `DEFAULT_FORM`.

    Raises
    ------
    InputError
        If both are given, the form is not known, or the file is at fault.
    """
    if form and path is not None:
        raise InputError(
            Problem(
                "import aadt",
                f"--form {form[:40]} and --mapping",
                "one of them: either says how the file is read",
            )
        )
    form = form or DEFAULT_FORM
    if path is None and form not in FORMS:
        found, expected = f"the form {form[:40]!r}", f"one of {', '.join(FORMS)}"
        raise InputError(
            Problem("import aadt, form", found, expected, "Describe other files with --mapping")
        )
    content = dict(FORMS[form]) if path is None else read_toml(path, "a mapping of traffic counts")
    where = form if path is None else str(path)
    return validated(CountsMapping, content | ({} if crs is None else {"crs": crs}), where)


@dataclass(frozen=True)
class _Matched:
    """(k,) nearest segment of the road of each count, and its distance in metres; -1
    and infinity where the network has no such road.
    """

    segment: NDArray[np.int64]
    distance_m: NDArray[np.float64]


def import_aadt(
    path: Path,
    mapping: CountsMapping,
    network: Network,
    *,
    year: int | None = None,
    within_m: float = 1000.0,
) -> Imported:
    """Read counts and match each to the nearest road of its number.

    Parameters
    ----------
    path
        CSV file.
    mapping
        Which column is what.
    network
        The roads, with their numbers (`ref`).
    year
        Whose counts are taken.
    within_m
        How far a count may lie from its road, metres, > 0.

    Returns
    -------
    `traffic.csv` (station, road, lon, lat, vehicles_a_day in one direction, counted, year, metres), which `[traffic] counts` of a scenario
    names, and `unmatched.csv` (station, road, lon, lat, why) of counts that belong to no road here.

    Raises
    ------
    InputError
        If the year is missing where the file has several, coordinates do not lie in
        their system, a cell is no number, or no count matches.
    """
    drops, notes = DropCounts(), list[str]()
    counts = _read_counts(path, mapping, year, notes)
    used = _usable(path, mapping, counts, year, drops, notes)
    lonlat = _degrees(
        path, np.asarray(used.x, np.float64), np.asarray(used.y, np.float64), mapping.crs
    )
    matched = _match(used.text[mapping.columns.road].tolist(), lonlat, network, mapping.systems)
    near, absent = matched.distance_m <= within_m, matched.segment < 0
    drops.drop("of a road that is not on this network", absent.sum())
    drops.drop(
        f"farther than {within_m:,.10g} m from the road of its number", (~near & ~absent).sum()
    )
    if not near.any():
        found = f"none of {near.size} counts within {within_m:,.10g} m of a road of its number"
        remedy = (
            "Check that the file is of this region, its coordinate system (--crs), and systems of"
            " the mapping"
        )
        raise InputError(Problem(str(path), found, "counts on roads of this network", remedy))
    rows = _rows(used, mapping, lonlat, year).assign(metres=matched.distance_m.round())
    kept = rows[near].reset_index(drop=True)
    unmatched = rows.loc[~near, ["station", "road", "lon", "lat"]].assign(
        why=np.where(
            absent[~near], "no road of this number", "too far from the road of this number"
        )
    )
    share = _measured(kept, network)
    notes.append(
        f"{share:.1%} of the length of numbered roads has a count on its own number within"
        f" {WITHIN_KM:g} km; elsewhere a scenario takes [traffic.by_class], or the traffic is not"
        " known."
    )
    if mapping.directions > 1:
        notes.append(
            "Counts are of both directions: half of each is taken for one direction, an assumption."
        )
    summary = ImportSummary(
        "traffic counts",
        (path.name,),
        len(counts.text),
        drops.dropped,
        len(kept),
        {
            "roads_with_a_count": int(kept["road"].nunique()),
            "measured_share_of_numbered_km": round(share, 4),
        },
        tuple(notes),
    )
    return Imported(
        {"traffic.csv": kept, "unmatched.csv": unmatched},
        ScenarioEntries(traffic={"counts": "traffic.csv"}),
        summary,
    )


@dataclass(frozen=True)
class _CountRows:
    """Rows of a file: their text, vehicles a day, and the coordinates of their places;
    NaN where nothing was counted, and where no place is.
    """

    text: pd.DataFrame
    counted: pd.Series[float]
    x: pd.Series[float]
    y: pd.Series[float]


def _read_counts(
    path: Path, mapping: CountsMapping, year: int | None, notes: list[str]
) -> _CountRows:
    columns = mapping.columns
    daily = [name.replace(YEAR, str(year)) for name in columns.daily]
    if year is None and daily != columns.daily:
        found, expected = (
            "no year",
            f"the year whose counts are taken, for the columns {', '.join(columns.daily)}",
        )
        raise InputError(
            Problem(f"{path}, year", found, expected, "Add --year, such as --year 2019")
        )
    xs, ys = columns.x, columns.y
    extra = [name for name in (columns.year, columns.station) if name is not None]
    text = read_columns(
        path,
        "a CSV file of traffic counts",
        [columns.road, *xs, *ys, *daily, *extra],
        [] if mapping.side_roads is None else [mapping.side_roads.column],
        numeric=[*xs, *ys, *daily],
        degrees=[*xs, *ys],
        remarks=notes,
    )
    problems = ProblemList()
    values = pd.DataFrame({name: numbers(text, name, problems, most=1e7) for name in daily})
    places = pd.DataFrame(
        {name: numbers(text, name, problems, least=-1e9, most=1e9) for name in (*xs, *ys)}
    )
    problems.raise_if_any()
    # zero stands for "not counted" in all three forms
    counted = values.where(values > 0).mean(axis=1)
    return _CountRows(
        text, counted, places[xs].mean(axis=1, skipna=False), places[ys].mean(axis=1, skipna=False)
    )


def _usable(
    path: Path,
    mapping: CountsMapping,
    counts: _CountRows,
    year: int | None,
    drops: DropCounts,
    notes: list[str],
) -> _CountRows:
    """Return the counts of a year that have a place and a number of a road; `drops`
    counts the others by reason.
    """
    text, columns = counts.text, mapping.columns
    keep = counts.counted.notna()
    drops.drop("not counted (empty or 0)", (~keep).sum())
    if columns.year is not None:
        other = keep & _of_another_year(
            f"{path}, column {columns.year!r}", text[columns.year], keep, year
        )
        drops.drop("of another year", other.sum())
        keep &= ~other
    for reason, wrong in (
        ("no place", counts.x.isna() | counts.y.isna()),
        (
            "of a frontage road or rest area beside the numbered road",
            _beside(text, mapping.side_roads, notes),
        ),
        ("no road number", ~text[columns.road].map(lambda road: bool(road_numbers(road)))),
    ):
        drops.drop(reason, (keep & wrong).sum())
        keep &= ~wrong
    if not keep.any():
        said = ", ".join(f"{count} {reason}" for reason, count in drops.dropped.items())
        raise InputError(
            Problem(
                str(path),
                f"no count that can be used: {said}",
                "at least one",
                "Check --year and the mapping",
            )
        )
    return _CountRows(text[keep], counts.counted[keep], counts.x[keep], counts.y[keep])


def _rows(
    used: _CountRows, mapping: CountsMapping, lonlat: NDArray[np.float64], year: int | None
) -> pd.DataFrame:
    columns, counted = mapping.columns, used.counted.to_numpy()
    station = (
        used.text[columns.station] if columns.station is not None else used.text.index.map(str)
    )
    return pd.DataFrame(
        {
            "station": np.asarray(station, dtype=object),
            "road": [_on_map(text, mapping.systems) for text in used.text[columns.road]],
            "lon": lonlat[:, 0].round(6),
            "lat": lonlat[:, 1].round(6),
            "vehicles_a_day": (counted / mapping.directions).round(1),
            "counted": counted.round(1),
            "year": "" if year is None else str(year),
        }
    )


def _measured(kept: pd.DataFrame, network: Network) -> float:
    """Return the share of the length of numbered roads that has a count near."""
    counts = TrafficCounts(
        tuple(kept["road"]),
        kept["lon"].to_numpy(),
        kept["lat"].to_numpy(),
        kept["vehicles_a_day"].to_numpy(),
    )
    return measured_share(CountedRoads(counts, network, WITHIN_KM).of_segments, network)


def _of_another_year(
    where: str, years: pd.Series[str], keep: pd.Series[bool], year: int | None
) -> pd.Series[bool]:
    """Return which rows are not of a year; without one all that are kept must be of the same."""
    if year is not None:
        return years != str(year)
    every = sorted(set(years[keep]) - {""})
    if len(every) > 1:
        found = f"counts of {len(every)} years: {', '.join(map(repr, every[:8]))}"
        remedy = f"Add --year, such as --year {every[-1][:4]}"
        raise InputError(Problem(where, found, "those of one year", remedy))
    return keep & False


def _beside(raw: pd.DataFrame, side_roads: SideRoads | None, notes: list[str]) -> pd.Series[bool]:
    """Return which rows count a road beside the one of their number; none where the
    file has no column that tells them.
    """
    if side_roads is None:
        return pd.Series(data=False, index=raw.index)
    if side_roads.column not in raw.columns:
        notes.append(
            f"No column {side_roads.column}: counts of frontage roads, if there are any, stand for"
            " their highway."
        )
        return pd.Series(data=False, index=raw.index)
    return raw[side_roads.column].str.endswith(tuple(side_roads.endings))


def _degrees(
    path: Path, x: NDArray[np.float64], y: NDArray[np.float64], crs: str
) -> NDArray[np.float64]:
    """Return (k, 2) degrees; what cannot be degrees although the file is said to hold
    them is a fault of the system, not of each row.
    """
    outside = (np.abs(x) > 180) | (np.abs(y) > 90)
    if crs == WGS84 and outside.any():
        first = int(np.flatnonzero(outside)[0])
        found = (
            f"{int(outside.sum())} places that are no degrees, such as {x[first]:.10g},"
            f" {y[first]:.10g}"
        )
        remedy = "Say the coordinate system of the file, such as --crs EPSG:2154"
        raise InputError(
            Problem(
                str(path), found, "longitudes from -180 to 180 and latitudes from -90 to 90", remedy
            )
        )
    remedy = (
        "Say the system of the file's coordinates, with --crs or crs of the mapping, such as"
        " EPSG:2154"
    )
    return to_degrees(
        np.column_stack((x, y)), crs, f"{path}, crs {crs}", remedy=remedy, of="of the counts"
    )


def _on_map(text: str, systems: Mapping[str, str]) -> str:
    return ";".join(
        " ".join(filter(None, (one.system, one.number + one.suffix)))
        for one in road_numbers(text, systems)
    )


def _match(
    texts: list[str], lonlat: NDArray[np.float64], network: Network, systems: Mapping[str, str]
) -> _Matched:
    roads = roads_by_number(network)
    segment, distance = np.full(len(texts), -1, dtype=np.int64), np.full(len(texts), np.inf)
    of_text: dict[str, list[int]] = {}
    for position, text in enumerate(texts):
        of_text.setdefault(text, []).append(position)
    for text, positions in of_text.items():
        for number in road_numbers(text, systems):
            own = same_roads(number, roads)
            if not own.size:
                continue
            at = np.array(positions)
            found, away = network.nearest_segments(lonlat[at, 0], lonlat[at, 1], own)
            closer = away < distance[at]
            segment[at[closer]], distance[at[closer]] = found[closer], away[closer]
    return _Matched(segment, distance)
