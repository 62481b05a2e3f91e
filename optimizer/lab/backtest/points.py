"""Points in place of roads: the publisher's snap points as segments of their own, and the graph of nearest points for the field.

Points are anonymised, so distances below about 50 m mean nothing; the weights below do not tell distances up to `NEAR_M` apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from optimizer.problem.network import EARTH_RADIUS_M, Network
from optimizer.problem.polylines import Polylines
from optimizer.risk.field_flow.field import Neighbours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NEAREST = 8
"""Points to which each point is tied; 4 and 16 gave the same gains within 1 mnat (results/risk.md)."""
NEAR_M = 200.0
"""Metres up to which a tie has its full weight; beyond, it falls as one over the distance."""
CELL_M = 500.0
"""Side of the squares that count as one place in intervals, tests and hot spots."""


def plane(lon: Floats, lat: Floats) -> Floats:
    """Return (m, 2) metres east and north of the middle of (m,) points, equirectangular."""
    scale = np.radians(1) * EARTH_RADIUS_M
    middle_lon, middle_lat = (lon.min() + lon.max()) / 2, (lat.min() + lat.max()) / 2
    return np.column_stack(((lon - middle_lon) * scale * np.cos(np.radians(middle_lat)), (lat - middle_lat) * scale))


def squares(lon: Floats, lat: Floats) -> NDArray[np.int64]:
    """Return the (m,) number of the square in which each point lies, from 0 without gaps.

    Squares lie in rows along parallels, counted from the equator and the meridian of Greenwich: which points share one depends on no other
    point.
    """
    scale = np.radians(1) * EARTH_RADIUS_M / CELL_M
    row = np.floor(lat * scale)
    column = np.floor(lon * scale * np.cos(np.radians((row + 0.5) / scale)))
    number = np.unique(np.column_stack((row, column)), axis=0, return_inverse=True)[1]
    return np.asarray(number, dtype=np.int64).ravel()


def nearest_neighbours(lon: Floats, lat: Floats, nearest: int = NEAREST) -> Neighbours:
    """Return the graph in which each point is tied to its nearest ones, each pair once.

    Parameters
    ----------
    lon, lat
        (m,) degrees, no point twice.
    nearest
        k: the tie of points d metres apart weighs min(1, `NEAR_M` / d) / k.
    """
    m = lon.size
    k = min(nearest, m - 1)
    if k < 1:
        nothing = np.empty(0, dtype=np.int64)
        return Neighbours(m, nothing, nothing, np.empty(0))
    distance, other = KDTree(plane(lon, lat)).query(plane(lon, lat), k=k + 1)
    one = np.repeat(np.arange(m), k + 1)
    two, apart = np.asarray(other, dtype=np.int64).ravel(), np.asarray(distance).ravel()
    itself = one == two
    one, two, apart = one[~itself], two[~itself], apart[~itself]
    pair, at = np.unique(np.column_stack((np.minimum(one, two), np.maximum(one, two))), axis=0, return_index=True)
    weight = np.minimum(1.0, NEAR_M / np.maximum(apart[at], 1e-9)) / k
    return Neighbours(m, pair[:, 0], pair[:, 1], weight)


def point_network(lon: Floats, lat: Floats) -> Network:
    """Return m points as a network of m segments that lead nowhere, for models that ask for one; all have one class and one metre."""
    m = lon.size
    number = np.arange(m)
    place = number.astype(np.int32)
    return Network(
        node_id=number,
        lon=lon,
        lat=lat,
        tail=place,
        head=place,
        length_m=np.ones(m),
        time_s=np.ones(m),
        road_class=np.full(m, "point"),
        name=np.full(m, ""),
        way=np.zeros(m, dtype=np.int64),
        segment=place,
        polylines=Polylines.of(np.arange(0, 2 * m + 1, 2), np.repeat(np.column_stack((lon, lat)), 2, axis=0)),
    )
