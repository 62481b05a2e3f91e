"""The globe: distances between points in degrees, and points of other coordinate
systems brought to WGS 84.

pyproj is imported where another system needs it and not with this file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.problem.network.arrays import at_fault

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth in metres (IUGG R1)."""
METRES_PER_DEGREE = float(np.radians(1) * EARTH_RADIUS_M)
"""Metres along a meridian, or along the equator, for one degree: 111,195."""
KM_PER_DEGREE = METRES_PER_DEGREE / 1000


def great_circle_m(
    lon1: NDArray[np.float64],
    lat1: NDArray[np.float64],
    lon2: NDArray[np.float64],
    lat2: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return great-circle distances in metres between points in degrees (haversine on a
    sphere of radius R1).
    """
    x1, y1, x2, y2 = (np.radians(np.asarray(v, dtype=np.float64)) for v in (lon1, lat1, lon2, lat2))
    half = np.sin((y2 - y1) / 2) ** 2 + np.cos(y1) * np.cos(y2) * np.sin((x2 - x1) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(half, 0, 1))))


WGS84 = "EPSG:4326"

_DEGREES = frozenset({"", "EPSG:4326", "OGC:CRS84", "4326", "WGS84", "WGS 84"})


GRAPH_SYSTEM = 'Say which system it is: G.graph["crs"], or frame.set_crs(...)'
"""What to do about the system of a graph."""


def to_degrees(
    xy: NDArray[np.float64],
    crs: object,
    where: str,
    *,
    remedy: str = GRAPH_SYSTEM,
    of: str = "of the graph",
) -> NDArray[np.float64]:
    """Return (p, 2) points of a coordinate system as longitude and latitude in WGS 84.

    Parameters
    ----------
    xy
        (p, 2) easting and northing, or longitude and latitude.
    crs
        The system, as pyproj takes it; none at all means degrees.
    where
        Where the points stand, for messages.
    remedy, of
        What to do about another system, and what it is the system of, for messages.

    Raises
    ------
    InputError
        If the system is unknown, or the points do not lie in it.
    """
    if not is_degrees(crs):
        import pyproj

        try:
            transformer = pyproj.Transformer.from_crs(crs, WGS84, always_xy=True)
        except (pyproj.exceptions.ProjError, TypeError, ValueError):
            found = f"a coordinate system that is unknown: {str(crs)[:60]!r}"
            raise InputError(
                Problem(where, found, "one that pyproj knows, such as EPSG:32632", remedy)
            ) from None
        xy = np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
    with np.errstate(invalid="ignore"):
        wrong = ~((np.abs(xy[:, 0]) <= 180) & (np.abs(xy[:, 1]) <= 90))
    name = str(crs or WGS84)[:60]
    problems = at_fault(
        where,
        wrong,
        lambda row: f"{xy[row, 0]:g}, {xy[row, 1]:g}",
        f"coordinates in {name}, the system {of}",
        remedy,
    )
    if problems:
        raise InputError(*problems)
    return xy


def is_degrees(crs: object) -> bool:
    """Return whether a coordinate system is WGS 84 in degrees, longitude first as
    graphs have it; none at all counts as that.
    """
    if crs is None or str(crs).strip().upper() in _DEGREES:
        return True
    import pyproj

    try:
        system = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.ProjError:
        return False
    return system.to_epsg() == 4326 or system.to_authority() == ("OGC", "CRS84")
