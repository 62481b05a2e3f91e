"""The report's rows of evaders: their routes with and without the plan, what still gets through, and where loads move to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.report.content import DisplacementRow, OpenRow, RouteRow
from optimizer.report.geography import segment_names
from optimizer.risk.demand import segment_loads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.pipeline.comparison import Comparison
    from optimizer.problem.evaluation import Evaluation
    from optimizer.scenario.compile import Compiled

OPEN_ENDS = 25
DISPLACED = 15
"""Rows of the two tables."""


@dataclass(frozen=True, slots=True)
class _Ends:
    """What people call an evader's origin and destination."""

    start: str
    end: str


def _ends(compiled: Compiled, evader: int) -> _Ends:
    pair = compiled.pairs[evader]
    if pair is None:
        return _Ends(compiled.instance.evaders[evader].label, "nearest through road")
    gateway, settlement = compiled.gateways[pair.gateway], compiled.settlements[pair.settlement]
    return _Ends(gateway.label, settlement.label)


def route_rows(compiled: Compiled, comparison: Comparison) -> tuple[RouteRow, ...]:
    """Return the heaviest informed evaders' routes; habitual ones keep theirs and are not drawn twice."""
    evaders = compiled.instance.evaders
    order = sorted((k for k, e in enumerate(evaders) if not e.routes), key=lambda k: -evaders[k].weight)
    rows = []
    for k in order[: compiled.scenario.report.routes]:
        before, after = comparison.nothing.evaders[k], comparison.plan.evaders[k]
        ends = _ends(compiled, k)
        rows.append(
            RouteRow(
                evader=evaders[k].id,
                start=ends.start,
                end=ends.end,
                weight=evaders[k].weight,
                before=before.value,
                after=after.value,
                arcs_before=np.array(before.arcs, dtype=np.int64),
                arcs_after=np.array(after.arcs, dtype=np.int64),
            )
        )
    return tuple(rows)


def open_rows(compiled: Compiled, comparison: Comparison) -> tuple[OpenRow, ...]:
    """Return the evaders that contribute most to what still gets through."""
    plan, nothing = comparison.plan.evaders, comparison.nothing.evaders
    order = sorted(range(len(plan)), key=lambda k: -plan[k].weight * plan[k].value)[:OPEN_ENDS]
    rows = []
    for k in order:
        ends = _ends(compiled, k)
        rows.append(
            OpenRow(
                start=ends.start,
                end=ends.end,
                kind=compiled.instance.evaders[k].kind,
                weight=plan[k].weight,
                before=nothing[k].value,
                after=plan[k].value,
                contribution=plan[k].weight * plan[k].value,
            )
        )
    return tuple(rows)


def displacement_rows(compiled: Compiled, comparison: Comparison) -> tuple[DisplacementRow, ...]:
    """Return the roads that carry more loads under the plan than with nothing placed, one row a road name and nearest place."""
    before, after = _flow(compiled, comparison.nothing), _flow(compiled, comparison.plan)
    gain = after - before
    rows: dict[str, DisplacementRow] = {}
    order = np.argsort(-gain, kind="stable")
    order = order[gain[order] > 1e-9]
    names = segment_names(compiled.region.network, compiled.region.settlements, order)
    for name, segment in zip(names, order.tolist(), strict=True):
        if len(rows) == DISPLACED:
            break
        total = compiled.scenario.evaders.loads
        rows.setdefault(
            name, DisplacementRow(name=name, before=float(before[segment]) / total, after=float(after[segment]) / total)
        )
    return tuple(rows.values())


def _flow(compiled: Compiled, evaluation: Evaluation) -> NDArray[np.float64]:
    """Return the (n_segments,) weight of the evaders whose best response travels each segment."""
    return segment_loads(compiled.region.network, compiled.instance.evaders, [r.arcs for r in evaluation.evaders])
