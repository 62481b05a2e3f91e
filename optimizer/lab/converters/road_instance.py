"""DIMACS and TNTP road networks with an options table, as instances, and the chance to
pass an arc undetected.

A foreign problem as an instance file: what the commands `convert ...` do.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import FileProblems, InputError, Problem, raise_together
from optimizer.base.files.readwrite import check_file
from optimizer.lab.converters.road_files import (
    Journeys,
    Roads,
    read_co,
    read_gr,
    read_journeys,
    read_net,
    read_nodes,
    read_options,
    read_trips,
)
from optimizer.problem.files.instance_file import ReadInstance, write_instance
from optimizer.problem.instance.checks import OnUnreachable, check_evaders
from optimizer.problem.instance.evaders import Evader
from optimizer.problem.instance.instance import Instance


@dataclass(frozen=True)
class InstanceInputs:
    """What is added to a road network to make an interdiction problem of it."""

    #: CSV of what can be placed.
    options: Path
    #: How much there is of each resource.
    budgets: Mapping[str, float]
    #: How lengths or times become reliabilities.
    hazard: Hazard


def dimacs_instance(
    graph: Path,
    placement: InstanceInputs,
    evaders: Path,
    *,
    coordinates: Path | None = None,
    name: str | None = None,
    on_unreachable: OnUnreachable | None = None,
    remarks: list[str] | None = None,
) -> Instance:
    """Return the instance of a DIMACS graph.

    Parameters
    ----------
    graph
        The .gr file, plain or gzip.
    placement
        Options, budgets and hazard.
    evaders
        CSV of who travels.
    coordinates
        The .co file, for drawing.
    name
        The instance's; the graph's file name without its suffixes where None.
    on_unreachable
        As in `optimizer.problem.files.instance_file.read_instance`.
    remarks
        As in `optimizer.base.files.tables.read_csv`: for the tables of options and
        evaders.

    Raises
    ------
    InputError
        With the faults of the file at fault: the first ten by line, and how many there
        are.
    """
    roads = read_gr(graph)
    lonlat = None if coordinates is None else read_co(coordinates, roads.n_nodes)
    faults = FileProblems(evaders)
    travelled = _Travelled(read_journeys(evaders, roads.n_nodes, faults, remarks), faults)
    return _assembled(roads, placement, travelled, lonlat, name, on_unreachable, remarks)


def tntp_instance(
    network: Path,
    placement: InstanceInputs,
    *,
    trips: Path | None = None,
    evaders: Path | None = None,
    nodes: Path | None = None,
    name: str | None = None,
    on_unreachable: OnUnreachable | None = None,
    remarks: list[str] | None = None,
) -> Instance:
    """Return the instance of a TNTP network.

    A hazard of time takes the free-flow times, one of length the lengths. A node below
    FIRST THRU NODE can be left and arrived at but not passed: journeys that end at node
    k end at a node of their own in the instance, with the id -k.

    Parameters
    ----------
    network
        The network file, plain or gzip.
    placement
        Options, budgets and hazard.
    trips
        The trips file: one evader for each pair of different nodes with trips, of their
        number as weight.
    evaders
        CSV of who travels, instead.
    nodes
        The node file, for drawing; its X and Y have to be degrees.
    name
        The instance's; the network's file name without its suffixes where None.
    on_unreachable
        As in `optimizer.problem.files.instance_file.read_instance`.
    remarks
        As in `optimizer.base.files.tables.read_csv`: for the tables of options and
        evaders.

    Raises
    ------
    InputError
        With the faults of the file at fault: the first ten by line, and how many there
        are.
    """
    roads = read_net(network, times=placement.hazard.of_time)
    lonlat = None if nodes is None else read_nodes(nodes, roads.n_nodes)
    if trips is not None and evaders is None:
        travelled = _Travelled(_of_trips(trips, roads.n_nodes), FileProblems(trips))
    elif evaders is not None and trips is None:
        faults = FileProblems(evaders)
        travelled = _Travelled(read_journeys(evaders, roads.n_nodes, faults, remarks), faults)
    else:
        raise InputError(
            Problem("--trips, --evaders", "both" if trips else "neither", "one of them")
        )
    return _assembled(roads, placement, travelled, lonlat, name, on_unreachable, remarks)


@dataclass(frozen=True)
class _Travelled:
    """Who travels, and what is wrong with the file that says so."""

    journeys: Journeys
    faults: FileProblems


def _of_trips(path: Path, n_nodes: int) -> Journeys:
    journeys = read_trips(path, n_nodes)
    if not journeys.id:
        raise InputError(
            Problem(str(path), "no trips from a node to another", "at least one pair with trips")
        )
    return journeys


def _assembled(
    roads: Roads,
    placement: InstanceInputs,
    travelled: _Travelled,
    lonlat: NDArray[np.float64] | None,
    name: str | None,
    on_unreachable: OnUnreachable | None,
    remarks: list[str] | None,
) -> Instance:
    reliability = _reliability(roads, placement.hazard)
    faults = FileProblems(placement.options)
    options, resources = read_options(placement.options, roads, placement.budgets, faults, remarks)
    raise_together(faults, travelled.faults)
    journeys = travelled.journeys
    n, closed = roads.n_nodes, roads.n_closed
    node_id = np.concatenate((np.arange(1, n + 1), -np.arange(1, closed + 1)))
    instance = Instance(
        name=name or roads.path.name.split(".")[0],
        node_id=node_id,
        tail=(roads.tail - 1).astype(np.int32),
        head=_arrival(roads.head, roads).astype(np.int32),
        reliability=reliability,
        evaders=tuple(
            Evader(id_, origin, destination, weight)
            for id_, origin, destination, weight in zip(
                journeys.id,
                (journeys.origin - 1).tolist(),
                _arrival(journeys.destination, roads).tolist(),
                journeys.weight.tolist(),
                strict=True,
            )
        ),
        options=options,
        resources=resources,
        lonlat=None if lonlat is None else np.concatenate((lonlat, lonlat[:closed])),
    )
    return check_evaders(instance, str(roads.path), on_unreachable=on_unreachable)


def _arrival(node: NDArray[np.int64], roads: Roads) -> NDArray[np.int64]:
    """Return the positions at which journeys arrive at nodes, by number: a closed node
    has one of its own for that.
    """
    return np.where(node <= roads.n_closed, roads.n_nodes + node - 1, node - 1)


def _reliability(roads: Roads, hazard: Hazard) -> NDArray[np.float64]:
    costs = hazard.costs(roads.amount)
    faults = FileProblems(roads.path)
    hopeless = np.flatnonzero(~(costs <= MOST_COST))
    faults.add_each(
        roads.line[hopeless],
        lambda k: (
            f"{roads.amount[hopeless[k]]:g}, so that exp(-{costs[hopeless[k]]:g}) of the traffic"
            " passes undetected"
        ),
        f"an arc of a reliability above exp(-{MOST_COST:g})",
        "Check unit and detection rate",
    )
    faults.raise_if_any()
    return np.exp(-costs)


# From the length or time of an arc to the chance to pass it undetected.
HOURS = {"s": 1 / 3600, "min": 1 / 60, "h": 1.0}

KILOMETRES = {"m": 1e-3, "km": 1.0, "mi": 1.609344, "ft": 0.3048e-3}
"""The international mile and foot."""

MOST_COST = 700.0
"""Largest -ln r of an arc: beyond about 745 the reliability is 0 in double precision."""

_UNIT = re.compile(r"\s*(\d+\.?\d*|\.\d+|)\s*([a-z]+)\s*")


@dataclass(frozen=True, slots=True)
class Hazard:
    """The hazard of ordinary policing: r = exp(-rate * amount)."""

    #: Finds per unit of the file's lengths or times, >= 0.
    rate: float
    #: Whether the file's times are meant, or its lengths.
    of_time: bool

    def costs(self, amount: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return -ln r of arcs of the lengths or times given, in the file's unit."""
        return self.rate * amount


def hazard(
    unit: str,
    *,
    per_hour: float | None = None,
    per_km: float | None = None,
    speed_kmh: float | None = None,
) -> Hazard:
    """Return the hazard by a file's unit.

    Parameters
    ----------
    unit
        Unit of the file's numbers: s, min or h for times, m, km, mi or ft for lengths,
        with a factor before it if need be ("0.1 m").
    per_hour
        Finds an hour on the road: r = exp(-per_hour * hours). Lengths need `speed_kmh`
        as well.
    per_km
        Finds a kilometre, instead: r = exp(-per_km * kilometres).
    speed_kmh
        Kilometres an hour that turn lengths into times, > 0.

    Raises
    ------
    InputError
        If the unit is not known, a number is out of its range, or the numbers do not
        fit the unit.
    """
    match = _UNIT.fullmatch(unit)
    known = [*HOURS, *KILOMETRES]
    if match is None or match[2] not in known:
        raise InputError(
            Problem(
                "--unit", repr(unit), f"one of {', '.join(known)}, or a multiple such as '0.1 m'"
            )
        )
    factor = float(match[1] or 1)
    of_time = match[2] in HOURS
    given = {
        "--unit": factor,
        "--detection-per-hour": per_hour,
        "--detection-per-km": per_km,
        "--speed-kmh": speed_kmh,
    }
    for name, value in given.items():
        least = "above 0" if name in {"--unit", "--speed-kmh"} else "of at least 0"
        if value is not None and not (
            math.isfinite(value) and (value > 0 or (value == 0 and least != "above 0"))
        ):
            raise InputError(Problem(name, str(value), f"a finite number {least}"))
    _check_combination(of_time, per_hour, per_km, speed_kmh)
    if of_time:
        return Hazard((per_hour or 0.0) * factor * HOURS[match[2]], of_time=True)
    kilometres = factor * KILOMETRES[match[2]]
    by_length = per_km if per_km is not None else (per_hour or 0.0) / (speed_kmh or 1.0)
    return Hazard(by_length * kilometres, of_time=False)


def _check_combination(
    of_time: bool, per_hour: float | None, per_km: float | None, speed_kmh: float | None
) -> None:
    if (per_hour is None) == (per_km is None):
        found = "both" if per_hour is not None else "neither"
        raise InputError(Problem("--detection-per-hour, --detection-per-km", found, "one of them"))
    if of_time and per_km is not None:
        raise InputError(
            Problem(
                "--detection-per-km", "a unit of time", "--detection-per-hour, or a unit of length"
            )
        )
    if (speed_kmh is not None) != (not of_time and per_hour is not None):
        found = "none" if speed_kmh is None else f"{speed_kmh:g}"
        expected = "a speed where lengths meet --detection-per-hour, and nowhere else"
        raise InputError(Problem("--speed-kmh", found, expected))


def save_converted(
    out: str | os.PathLike[str],
    convert: Callable[[Callable[[Sequence[str]], None] | None, list[str]], Instance],
    *,
    skip_unreachable: bool = False,
) -> ReadInstance:
    """Check that a file can be written, make an instance, and write it there.

    Parameters
    ----------
    out
        Instance file (JSON).
    convert
        Makes the instance; it receives what to give to a converter as `on_unreachable`
        and as `remarks`.
    skip_unreachable
        Leave out evaders without a path; without it they are a fault.

    Raises
    ------
    InputError
        If the file cannot be written or the foreign problem is at fault.
    """
    file = Path(out)
    check_file(file)
    skipped: list[str] = []
    remarks: list[str] = []
    instance = convert(skipped.extend if skip_unreachable else None, remarks)
    write_instance(file, instance)
    return ReadInstance(file, instance, tuple(skipped), tuple(remarks))
