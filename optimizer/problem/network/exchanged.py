"""Whether positions that lie off the roads lie on them once longitude and latitude are
exchanged: the commonest slip in tables and boxes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

EXCHANGE = "Exchange lon and lat"
"""What to do about them."""


def metres_if_exchanged(
    network: Network, lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (k,) metres to the nearest road of points whose longitude and latitude are
    exchanged; infinite where they cannot be.

    Parameters
    ----------
    network
        The roads.
    lon, lat
        (k,) as they were written, in degrees or not.
    """
    away = np.full(lon.shape, np.inf)
    can = (np.abs(lon) <= 90) & (np.abs(lat) <= 180)
    away[can] = network.nearest_segments(lat[can], lon[can])[1]
    return away


def box_in_order(box: tuple[float, float, float, float]) -> bool:
    """Return whether four numbers are west, south, east and north of a box in degrees."""
    west, south, east, north = box
    return -180 <= west < east <= 180 and -90 <= south < north <= 90


def box_remedy(box: tuple[float, float, float, float]) -> str:
    """Return what to do about four numbers that are no box: the order in which they are
    one, where latitudes stand first.
    """
    first, second, third, fourth = box
    turned = (second, first, fourth, third)
    if box_in_order(turned):
        written = ",".join(f"{side:.10g}" for side in turned)
        return f"Latitudes seem to stand first: write the longitudes first, as W,S,E,N: {written}"
    return "Give W,S,E,N in degrees"
