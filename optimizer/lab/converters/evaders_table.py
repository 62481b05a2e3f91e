"""The evaders of a road network: a table of origins and destinations, or a matrix of trips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.tables import WantedColumns, read_csv
from optimizer.lab.converters.tables import table_rows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.base.errors import FileProblems

REQUIRED = ("origin", "destination", "weight")


@dataclass(frozen=True)
class Journeys:
    """Who travels from where to where.

    Attributes
    ----------
    id
        Unique names.
    origin, destination
        (k,) node numbers, from 1.
    weight
        (k,) loads a period, >= 0.
    """

    id: list[str]
    origin: NDArray[np.int64]
    destination: NDArray[np.int64]
    weight: NDArray[np.float64]

    @classmethod
    def of_trips(
        cls, origin: NDArray[np.int64], destination: NDArray[np.int64], trips: NDArray[np.float64]
    ) -> Journeys:
        """Return one evader a pair of nodes, of the weight of its trips."""
        names = [f"{o}-{d}" for o, d in zip(origin.tolist(), destination.tolist(), strict=True)]
        return cls(names, origin, destination, trips)


def read_journeys(path: Path, n_nodes: int, faults: FileProblems, remarks: list[str] | None = None) -> Journeys:
    """Read a table with the columns origin, destination, weight and perhaps id ("ORIGIN-DESTINATION" where it is empty).

    Faults of its rows are noted for the caller to raise; `remarks` are those of `optimizer.base.tables.read_csv`.

    Raises
    ------
    InputError
        If there is no such file, or its columns are not as they should be.
    """
    wanted = WantedColumns(REQUIRED, ("id",), numeric=("weight",))
    read = read_csv(path, "a table of evaders", wanted, problems=faults, typed_by_hand=True, remarks=remarks)
    rows = table_rows(read, faults)
    names, ends, weights = [], [], []
    seen: dict[str, int] = {}
    for row in rows:
        origin, destination = (row.whole(end, n_nodes, "a node number") for end in ("origin", "destination"))
        if origin and origin == destination:
            faults.add(row.line, f"node {origin} as origin and destination", "two different nodes")
        names.append(row.new_id("id", f"{row.text('origin')}-{row.text('destination')}", seen))
        ends.append((origin, destination))
        weights.append(row.number("weight"))
    if not rows:
        faults.add(0, "no evader", "a row for each")
    table = np.array(ends, dtype=np.int64).reshape(-1, 2)
    return Journeys(names, table[:, 0], table[:, 1], np.array(weights))
