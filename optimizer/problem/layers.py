"""Instances of one network that differ in what options detect, as one instance: a copy of the network for each, with evaders of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.evaders import Route
from optimizer.problem.teams import Elements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.problem.evaders import Evader
    from optimizer.problem.instance import Instance
    from optimizer.problem.options import Option
    from optimizer.problem.teams import PatrolField


def layered(instances: Sequence[Instance]) -> Instance:
    """Return one instance whose value is the sum of the values of several.

    Arc a of the network in copy l is arc a + l m, node v is v + l n; an option watches its arcs in every copy, with its survival there.

    Parameters
    ----------
    instances
        At least one; network, evaders, resources and options are the same but for the arcs that options and beats watch, and how well.
    """
    first = instances[0]
    if len(instances) == 1:
        return first
    m, n = first.tail.size, first.n_nodes
    count = range(len(instances))
    names = [str(name) for name in first.node_id.tolist()]
    return replace(
        first,
        node_id=np.array([f"{name} [{k + 1}]" for k in count for name in names]),
        tail=np.concatenate([first.tail + k * n for k in count]).astype(np.int32),
        head=np.concatenate([first.head + k * n for k in count]).astype(np.int32),
        reliability=np.concatenate([each.reliability for each in instances]),
        evaders=tuple(_moved(evader, k, n, m) for k, each in enumerate(instances) for evader in each.evaders),
        options=tuple(_joined([each.options[j] for each in instances], m) for j in range(len(first.options))),
        lonlat=None if first.lonlat is None else np.tile(first.lonlat, (len(instances), 1)),
        patrols=_field([each.patrols for each in instances if each.patrols is not None], m),
    )


def _moved(evader: Evader, copy: int, n: int, m: int) -> Evader:
    routes = tuple(Route(tuple(a + copy * m for a in route.arcs), route.share) for route in evader.routes)
    origin, destination = evader.origin + copy * n, evader.destination + copy * n
    return replace(evader, id=f"{evader.id} [{copy + 1}]", origin=origin, destination=destination, routes=routes)


def _joined(options: Sequence[Option], m: int) -> Option:
    return replace(
        options[0],
        arcs=tuple(arc + k * m for k, option in enumerate(options) for arc in option.arcs),
        survival=tuple(s for option in options for s in option.survival),
    )


def _field(fields: Sequence[PatrolField], m: int) -> PatrolField | None:
    if not fields:
        return None
    parts = [each.elements for each in fields]
    elements = Elements(
        np.concatenate([part.element for part in parts]),
        np.concatenate([part.arc + k * m for k, part in enumerate(parts)]),
        np.concatenate([part.survival for part in parts]),
        parts[0].post,
        parts[0].times,
    )
    return replace(fields[0], elements=elements)
