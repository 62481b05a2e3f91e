"""DIMACS and TNTP road networks with an options table, as instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import FileProblems, InputError, Problem, raise_together
from optimizer.lab.converters.dimacs import read_co, read_gr
from optimizer.lab.converters.evaders_table import Journeys, read_journeys
from optimizer.lab.converters.hazard import MOST_COST, Hazard
from optimizer.lab.converters.options_table import read_options
from optimizer.lab.converters.tntp import read_net, read_nodes, read_trips
from optimizer.problem.evader_checks import check_evaders
from optimizer.problem.evaders import Evader
from optimizer.problem.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.lab.converters.roads import Roads
    from optimizer.problem.reachability import OnUnreachable


@dataclass(frozen=True)
class InstanceInputs:
    """What is added to a road network to make an interdiction problem of it.

    Attributes
    ----------
    options
        CSV of what can be placed.
    budgets
        How much there is of each resource.
    hazard
        How lengths or times become reliabilities.
    """

    options: Path
    budgets: Mapping[str, float]
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
        As in `optimizer.problem.instance_file.read_instance`.
    remarks
        As in `optimizer.base.tables.read_csv`: for the tables of options and evaders.

    Raises
    ------
    InputError
        With the faults of the file at fault: the first ten by line, and how many there are.
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

    A hazard of time takes the free-flow times, one of length the lengths. A node below FIRST THRU NODE can be left and arrived at but not
    passed: journeys that end at node k end at a node of their own in the instance, with the id -k.

    Parameters
    ----------
    network
        The network file, plain or gzip.
    placement
        Options, budgets and hazard.
    trips
        The trips file: one evader for each pair of different nodes with trips, of their number as weight.
    evaders
        CSV of who travels, instead.
    nodes
        The node file, for drawing; its X and Y have to be degrees.
    name
        The instance's; the network's file name without its suffixes where None.
    on_unreachable
        As in `optimizer.problem.instance_file.read_instance`.
    remarks
        As in `optimizer.base.tables.read_csv`: for the tables of options and evaders.

    Raises
    ------
    InputError
        With the faults of the file at fault: the first ten by line, and how many there are.
    """
    roads = read_net(network, times=placement.hazard.of_time)
    lonlat = None if nodes is None else read_nodes(nodes, roads.n_nodes)
    if trips is not None and evaders is None:
        travelled = _Travelled(_of_trips(trips, roads.n_nodes), FileProblems(trips))
    elif evaders is not None and trips is None:
        faults = FileProblems(evaders)
        travelled = _Travelled(read_journeys(evaders, roads.n_nodes, faults, remarks), faults)
    else:
        raise InputError(Problem("--trips, --evaders", "both" if trips else "neither", "one of them"))
    return _assembled(roads, placement, travelled, lonlat, name, on_unreachable, remarks)


@dataclass(frozen=True)
class _Travelled:
    """Who travels, and what is wrong with the file that says so."""

    journeys: Journeys
    faults: FileProblems


def _of_trips(path: Path, n_nodes: int) -> Journeys:
    journeys = read_trips(path, n_nodes)
    if not journeys.id:
        raise InputError(Problem(str(path), "no trips from a node to another", "at least one pair with trips"))
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
    """Return the positions at which journeys arrive at nodes, by number: a closed node has one of its own for that."""
    return np.where(node <= roads.n_closed, roads.n_nodes + node - 1, node - 1)


def _reliability(roads: Roads, hazard: Hazard) -> NDArray[np.float64]:
    costs = hazard.costs(roads.amount)
    faults = FileProblems(roads.path)
    hopeless = np.flatnonzero(~(costs <= MOST_COST))
    faults.add_each(
        roads.line[hopeless],
        lambda k: (
            f"{roads.amount[hopeless[k]]:g}, so that exp(-{costs[hopeless[k]]:g}) of the traffic passes undetected"
        ),
        f"an arc of a reliability above exp(-{MOST_COST:g})",
        "Check unit and detection rate",
    )
    faults.raise_if_any()
    return np.exp(-costs)
