"""The report's rows of evaders: their routes with and without the plan, what still gets
through, and where loads move to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import term
from optimizer.base.text.messages import translated
from optimizer.plans.display_names import place_names
from optimizer.problem.network.places import Gateway
from optimizer.problem.plan.evaluation import Evaluation
from optimizer.report.content.routes import DisplacementRow, EvaderRow, ResidualRoute
from optimizer.report.maps.place_names import PlaceNames
from optimizer.risk.demand import segment_loads
from optimizer.scenario.demand.source_measures import on_roads

if TYPE_CHECKING:
    from optimizer.plans.comparison import Comparison
    from optimizer.scenario.compile.compile import Compiled

OPEN_ENDS = 25
DISPLACED = 15
"""Rows of the two tables."""
ROADS_NAMED = 4
"""How many of its roads a route is described by."""


@dataclass(frozen=True, slots=True)
class _Ends:
    """What people call an evader's origin and destination."""

    start: str
    end: str


def _ends(compiled: Compiled, evader: int, arcs: Sequence[int] = ()) -> _Ends:
    """Return the ends of an evader's route; where it enters by another crossing than
    its own the start names both.

    Parameters
    ----------
    compiled
        The scenario.
    evader
        Its position.
    arcs
        The route; empty for its own gateway alone.
    """
    pair = compiled.pairs[evader]
    if pair is None:
        return _Ends(compiled.instance.evaders[evader].label, _("nearest through road"))
    gateway, settlement = compiled.gateways[pair.gateway], compiled.settlements[pair.settlement]
    crossing = _last_crossing(compiled, arcs)
    if crossing is None or crossing.node == gateway.node:
        return _Ends(term(gateway.label), term(settlement.label))
    both = _("{gateway}, entering at {crossing}").format(
        gateway=term(gateway.label), crossing=term(crossing.label)
    )
    return _Ends(both, term(settlement.label))


def _last_crossing(compiled: Compiled, arcs: Sequence[int]) -> Gateway | None:
    """Return the gateway on the border that a route passes last; None where it passes none."""
    network, gateways = (
        compiled.region.network,
        {gateway.node: gateway for gateway in compiled.gateways},
    )
    roads = on_roads(arcs, network)
    nodes = [int(network.tail[arc]) for arc in roads]
    return next((gateways[node] for node in reversed(nodes) if node in gateways), None)


def route_rows(compiled: Compiled, comparison: Comparison) -> tuple[EvaderRow, ...]:
    """Return the heaviest informed evaders with their routes; habitual ones keep theirs
    and are not drawn twice.
    """
    evaders = compiled.instance.evaders
    order = sorted(
        (k for k, e in enumerate(evaders) if not e.routes), key=lambda k: -evaders[k].weight
    )
    return tuple(
        _evader_row(compiled, comparison, k) for k in order[: compiled.scenario.report.routes]
    )


def residual_evaders(compiled: Compiled, comparison: Comparison) -> tuple[EvaderRow, ...]:
    """Return the evaders that contribute most to what still gets through."""
    plan = comparison.plan.evaders
    order = sorted(range(len(plan)), key=lambda k: -plan[k].weight * plan[k].value)
    return tuple(_evader_row(compiled, comparison, k) for k in order[:OPEN_ENDS])


def _evader_row(compiled: Compiled, comparison: Comparison, k: int) -> EvaderRow:
    evader = compiled.instance.evaders[k]
    before, after = comparison.nothing.evaders[k], comparison.plan.evaders[k]
    today = None if comparison.existing is None else comparison.existing.evaders[k]
    ends = _ends(compiled, k, after.arcs)
    return EvaderRow(
        evader=evader.id,
        start=ends.start,
        end=ends.end,
        kind=evader.kind,
        weight=evader.weight,
        before=before.value,
        today=None if today is None else today.value,
        after=after.value,
        arcs_before=_arcs(compiled, before.arcs),
        arcs_today=_arcs(compiled, () if today is None else today.arcs),
        arcs_after=_arcs(compiled, after.arcs),
    )


def residual_routes(compiled: Compiled, comparison: Comparison) -> tuple[ResidualRoute, ...]:
    """Return the best routes that the plan leaves, that by which most gets through
    first; what goes by the same roads counts together.
    """
    evaders = comparison.plan.evaders
    sites = [option for j, option in enumerate(compiled.instance.options) if comparison.placed[j]]
    places = place_names(compiled)
    groups: dict[tuple[str, ...], list[int]] = {}
    for k in sorted(range(len(evaders)), key=lambda k: -evaders[k].weight * evaders[k].value):
        arcs = _arcs(compiled, evaders[k].arcs)
        if arcs.size and evaders[k].value > 0:  # loads at places that are not listed are on no road
            groups.setdefault(_roads(compiled, places, arcs), []).append(k)
    through = {
        roads: sum(evaders[k].weight * evaders[k].value for k in group)
        for roads, group in groups.items()
    }
    ways = []
    for roads in sorted(groups, key=lambda roads: -through[roads])[:OPEN_ENDS]:
        first = groups[roads][0]
        ends = _ends(compiled, first, evaders[first].arcs)
        arcs = _arcs(compiled, evaders[first].arcs)
        entry, at = _entry(compiled, first, arcs)
        ways.append(
            ResidualRoute(
                start=ends.start,
                end=ends.end,
                roads=roads,
                past=tuple(
                    term(translated(option.label or option.id))
                    for option in sites
                    if not set(option.arcs).isdisjoint(evaders[first].arcs)
                ),
                through=evaders[first].value,
                contribution=through[roads],
                before=_through(comparison.nothing, groups[roads]),
                today=_through(comparison.existing, groups[roads]),
                arcs=arcs,
                entry=entry,
                outside=_roads(compiled, places, arcs[:at]),
                inland=_roads(compiled, places, arcs[at:]),
            )
        )
    return tuple(ways)


def _through(evaluation: Evaluation | None, evaders: Sequence[int]) -> float | None:
    """Return how many of the loads of some evaders get through; None where nothing stands."""
    if evaluation is None:
        return None
    return sum(evaluation.evaders[k].weight * evaluation.evaders[k].value for k in evaders)


def _entry(compiled: Compiled, evader: int, arcs: NDArray[np.int64]) -> tuple[str, int]:
    """Return what people call the gateway where an evader's route enters, and how many
    of its arcs come before; empty, 0 where it has none.
    """
    pair = compiled.pairs[evader]
    if pair is None:
        return "", 0
    gateway = _last_crossing(compiled, arcs.tolist()) or compiled.gateways[pair.gateway]
    passed = np.flatnonzero(compiled.region.network.tail[arcs] == gateway.node)
    return term(gateway.label), int(passed[-1]) if passed.size else 0


def _roads(compiled: Compiled, places: PlaceNames, arcs: NDArray[np.int64]) -> tuple[str, ...]:
    """Return the longest named roads of a route in order of travel, by number where
    they have one, in the language that is spoken.

    Where no road of it has a name, its longest pieces are told by what they are near
    to.
    """
    network = compiled.region.network
    length: dict[str, float] = {}
    for arc, metres in zip(arcs.tolist(), network.length_m[arcs].tolist(), strict=True):
        name = ("" if network.ref is None else str(network.ref[arc]).replace(";", "/")) or str(
            network.name[arc]
        )
        if name:
            length[name] = length.get(name, 0.0) + metres
    if not length:
        pieces = np.sort(np.argsort(-network.length_m[arcs], kind="stable")[:ROADS_NAMED])
        return tuple(
            dict.fromkeys(places.segment(int(network.segment[arc])).text for arc in arcs[pieces])
        )
    longest = set(sorted(length, key=lambda name: -length[name])[:ROADS_NAMED])
    return tuple(term(name) for name in length if name in longest)


def displacement_rows(compiled: Compiled, comparison: Comparison) -> tuple[DisplacementRow, ...]:
    """Return the roads that carry more loads under the plan than with nothing placed,
    one row a road name and nearest place.
    """
    before, after = _flow(compiled, comparison.nothing), _flow(compiled, comparison.plan)
    today = None if comparison.existing is None else _flow(compiled, comparison.existing)
    gain = after - before
    rows: dict[tuple[str | None, ...], DisplacementRow] = {}
    order = np.argsort(-gain, kind="stable")
    order = order[gain[order] > 1e-9]
    names, total = place_names(compiled), compiled.scenario.evaders.loads
    for segment in order.tolist():
        if len(rows) == DISPLACED:
            break
        name = names.segment(segment)
        row = DisplacementRow(
            name=name.text,
            before=float(before[segment]) / total,
            today=None if today is None else float(today[segment]) / total,
            after=float(after[segment]) / total,
        )
        rows.setdefault(name[1:], row)
    return tuple(rows.values())


def _flow(compiled: Compiled, evaluation: Evaluation) -> NDArray[np.float64]:
    """Return the (n_segments,) weight of the evaders whose best response travels each segment."""
    network = compiled.region.network
    evaders = [
        replace(
            evader, routes=tuple(replace(r, arcs=on_roads(r.arcs, network)) for r in evader.routes)
        )
        for evader in compiled.instance.evaders
    ]
    return segment_loads(network, evaders, [on_roads(r.arcs, network) for r in evaluation.evaders])


def _arcs(compiled: Compiled, arcs: Sequence[int]) -> NDArray[np.int64]:
    """Return the roads of a route, as an array."""
    return np.array(on_roads(arcs, compiled.region.network), dtype=np.int64)
