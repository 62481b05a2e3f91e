"""The report's section on where to look next: the first roads of the result of `risk look`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.formatting import number
from optimizer.base.language import gettext as _
from optimizer.pipeline.display_names import place_names
from optimizer.pipeline.risk_look import best_first, information_of_patrol
from optimizer.report.content import LookNext, LookRow
from optimizer.risk.field_flow.model import FieldFlow
from optimizer.risk.information_gain import reason

if TYPE_CHECKING:
    from optimizer.scenario.compile import Compiled

ROADS = 15
LARGEST = 100_000
"""Segments beyond which the report leaves this out: drawing the whole field would take most of the time of a plan."""


def look_next(compiled: Compiled) -> LookNext | None:
    """Return where a search would give most information; None on a large network, and without a field model or effort."""
    model, network = compiled.model, compiled.region.network
    if not isinstance(model, FieldFlow) or network.n_segments > LARGEST:
        return None
    if compiled.effort is None or not (compiled.effort.amount > 0).any():
        return None
    gain = information_of_patrol(model, network)
    best = best_first(gain.around)[:ROADS]
    names = place_names(compiled)
    rows = tuple(
        LookRow(
            segment=segment,
            label=names.segment(segment).text,
            score=float(gain.around[segment]),
            reason=_(reason(gain, segment)),
        )
        for segment in best.tolist()
    )
    return LookNext(rows=rows, score_unit=_("information, here and around (higher is better)"))


def look_left_out(compiled: Compiled) -> list[str]:
    """Return a sentence where this section is left out because of the network's size."""
    segments = compiled.region.network.n_segments
    if not isinstance(compiled.model, FieldFlow) or segments <= LARGEST:
        return []
    return [
        _(
            "Where a search would give most information is left out: the network has {segments} segments, more than {most}."
        ).format(segments=number(segments), most=number(LARGEST))
    ]
