"""What the report says of where to look next: the roads on which a usual month of search would teach most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.report.content import LookNext, LookRow
from optimizer.report.geography import segment_names
from optimizer.risk.field_flow.model import FieldFlow
from optimizer.risk.information_gain import outlook, reason

if TYPE_CHECKING:
    from optimizer.problem.network import Network
    from optimizer.scenario.compile import Compiled

ROADS = 15
LARGEST = 100_000
"""Segments beyond which nobody is told where to look: drawing the whole field would take most of the time of a plan."""
MOST_DRAWS, FEWEST_DRAWS, DRAWN = 200, 50, 1_400_000
"""Joint draws of the log rates: as many as keep draws times segments within the last, which takes about a second."""


def look_next(compiled: Compiled) -> LookNext | None:
    """Return where a search would teach most; None on a large network, and without a field model or effort to say what it would find."""
    model, network = compiled.model, compiled.region.network
    if not isinstance(model, FieldFlow) or compiled.effort is None or network.n_segments > LARGEST:
        return None
    usual = usual_month(model, network)
    if usual is None:
        return None
    unit, amount = usual
    draws = int(np.clip(DRAWN // network.n_segments, FEWEST_DRAWS, MOST_DRAWS))
    view = outlook(model, network, amount, unit, draws=draws)
    best = np.argsort(-view.around, kind="stable")[:ROADS]
    names = segment_names(network, compiled.region.settlements, best)
    rows = tuple(
        LookRow(segment=segment, label=label, score=float(view.around[segment]), reason=reason(view, segment))
        for segment, label in zip(best.tolist(), names, strict=True)
    )
    return LookNext(rows=rows, score_unit="information, here and around (higher is better)")


def look_left_out(compiled: Compiled) -> list[str]:
    """Say so where advice on where to look is left out for the network's size."""
    segments = compiled.region.network.n_segments
    if not isinstance(compiled.model, FieldFlow) or segments <= LARGEST:
        return []
    return [
        f"Where a search would teach most was not worked out: the network has {segments:,} segments, and the report does so up to {LARGEST:,}."
    ]


def usual_month(model: FieldFlow, network: Network) -> tuple[str, float] | None:
    """Return a unit and the effort in it that a searched segment sees in a usual month (the median); None where none was recorded.

    The unit is the one that the longest roads were searched in.
    """
    exposure = model.evidence_.exposure
    rated = np.isfinite(model.evidence_.global_rate)
    covered = np.where(rated, (exposure.amount > 0) @ network.length_m[network.segment_arc], 0.0)
    if not exposure.recorded or not covered.any():
        return None
    main = int(np.argmax(covered))
    there = exposure.amount[main] > 0
    return exposure.units[main], float(np.median(exposure.amount[main, there] / exposure.months[main, there]))
