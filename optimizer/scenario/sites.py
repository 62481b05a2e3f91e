"""Sites: read, and put on their segments."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.errors import InputError, ProblemList
from optimizer.base.files import read_text
from optimizer.base.names import close_match
from optimizer.base.schema import validated
from optimizer.scenario.model import SiteModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from optimizer.problem.network import Network


@dataclass(frozen=True, slots=True)
class PlacedSite:
    """A site on its segment.

    Attributes
    ----------
    site
        As the scenario gives it.
    segment
        Segment of the network.
    arcs
        Arcs it watches.
    lon, lat
        Where to draw it.
    distance_m
        How far the place given lies from the segment; 0 where the segment was given.
    """

    site: SiteModel
    segment: int
    arcs: tuple[int, ...]
    lon: float
    lat: float
    distance_m: float = 0.0


def read_sites(path: Path, columns: Mapping[str, str]) -> list[SiteModel]:
    """Read a CSV of sites, one row a site; `kinds` are separated by blanks.

    Parameters
    ----------
    path
        The file.
    columns
        Column of each field of `[[site]]` that is not called like the field. Columns that are no field's are not read.

    Raises
    ------
    InputError
        With every row that is wrong, or for a mapping that names no field or no column.
    """
    reader = csv.DictReader(io.StringIO(read_text(path, "a CSV of sites")))
    problems = ProblemList()
    field_of = _fields_of_columns(path, reader.fieldnames or [], columns, problems)
    rows = list(reader)
    sites = []
    for number, row in enumerate(rows, start=2):
        content: dict[str, Any] = {
            field: text.strip() for name, field in field_of.items() if (text := row[name]) and text.strip()
        }
        if "kinds" in content:
            content["kinds"] = content["kinds"].split()
        if None in row:
            problems.add(
                f"{path}, row {number}",
                "more cells than the header has columns",
                "one cell a column",
                "Quote cells that hold commas",
            )
            continue
        try:
            sites.append(validated(SiteModel, content, f"{path}, row {number}"))
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    return sites


def _fields_of_columns(
    path: Path, header: Sequence[str], columns: Mapping[str, str], problems: ProblemList
) -> dict[str, str]:
    """Return the field that each column of the header gives."""
    fields = SiteModel.model_fields
    for field, column in columns.items():
        if field not in fields:
            problems.add(
                f"{path}, sites.columns", repr(field), f"one of {', '.join(fields)}", close_match(field, fields)
            )
        if column not in header:
            problems.add(
                f"{path}, row 1", f"no column {column!r}", f"the column of {field!r}", close_match(column, header)
            )
    for column in header:
        near = close_match(column, fields)
        if column not in fields and column not in columns.values() and near:
            remedy = f"{near} If it is another thing, rename it"
            problems.add(f"{path}, row 1", f"column {column!r}", "a field of [[site]], or a name unlike any", remedy)
    problems.raise_if_any()
    renamed = {column: field for field, column in columns.items()}
    return {
        name: renamed.get(name, name) for name in header if name in renamed or (name in fields and name not in columns)
    }


def place_sites(sites: Sequence[tuple[SiteModel, str]], network: Network, max_distance_m: float) -> list[PlacedSite]:
    """Put every site on its segment.

    Parameters
    ----------
    sites
        Each with the file it comes from.
    network
        The roads.
    max_distance_m
        How far a site given by a point may lie from the nearest segment.

    Raises
    ------
    InputError
        Naming each site that is off the network, or whose nodes no segment joins, and each id given twice.
    """
    problems = ProblemList()
    nearest = _nearest([site for site, _ in sites if site.tail is None], network)
    between = _segments_between(network)
    placed, seen = [], set()
    for site, file in sites:
        here = f"{file}, site {site.id!r}"
        if site.id in seen:
            problems.add(here, "the id a second time", "each id once")
        seen.add(site.id)
        segment, distance = nearest[site.id] if site.tail is None else (between.get((site.tail, site.head or "")), 0.0)
        if segment is None:
            problems.add(here, f"no segment from {site.tail} to {site.head}", "two nodes that a segment joins")
        elif distance > max_distance_m:
            found, expected = (
                f"{distance / 1000:.1f} km from the nearest road",
                f"a place within {max_distance_m:g} m of a road",
            )
            remedy = "Check that longitude and latitude are not swapped, or raise sites.max_distance_m"
            problems.add(here, found, expected, remedy)
        else:
            placed.append(placed_on(site, network, segment, distance))
    problems.raise_if_any()
    return placed


def placed_on(site: SiteModel, network: Network, segment: int, distance_m: float = 0.0) -> PlacedSite:
    """Return a site on a segment it is known to belong to, drawn at its own place or half way along."""
    arcs = np.flatnonzero(network.segment == segment)
    if site.direction == "forward" and site.tail is not None:
        arcs = arcs[network.node_id[network.tail[arcs]].astype(str) == site.tail]
    middle = network.segment_midpoint[segment]
    lon = float(middle[0]) if site.lon is None else site.lon
    lat = float(middle[1]) if site.lat is None else site.lat
    return PlacedSite(site, segment, tuple(arcs.tolist()), lon, lat, distance_m)


def _nearest(sites: Sequence[SiteModel], network: Network) -> dict[str, tuple[int, float]]:
    """Return the nearest segment to each site given by a point, and its distance in metres."""
    lon = np.array([site.lon for site in sites], dtype=np.float64)
    lat = np.array([site.lat for site in sites], dtype=np.float64)
    segments, distances = network.nearest_segments(lon, lat)
    return {s.id: (int(k), float(d)) for s, k, d in zip(sites, segments, distances, strict=True)}


def _segments_between(network: Network) -> dict[tuple[str, str], int]:
    """Return the segment of the quickest arc from one named node to another."""
    names = network.node_id.astype(str)
    slowest_first = np.argsort(-network.time_s, kind="stable")
    tails, heads = names[network.tail[slowest_first]].tolist(), names[network.head[slowest_first]].tolist()
    return dict(zip(zip(tails, heads, strict=True), network.segment[slowest_first].tolist(), strict=True))
