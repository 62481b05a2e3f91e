"""What residents' tips do to the risk, one by one: rows of the report, and of `risk look`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.language import gettext as _
from optimizer.report.content import TipFacts, TipRow
from optimizer.risk.tips import REACH_KM

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.risk.tips import TipShift

ROWS = 20
"""Tips that are shown."""
LITTLE = 1.01
"""Factor of an index up to which a tip does next to nothing."""


def tip_facts(shift: TipShift | None, road: Callable[[int], str]) -> TipFacts | None:
    """Return what tips do, the `ROWS` that raise the index of their road most first; None without tips.

    Parameters
    ----------
    shift
        What tips make of the risk map.
    road
        What people call a segment.
    """
    if shift is None:
        return None
    factor = np.append(np.exp(shift.log_factor), 1.0)  # the last one for -1, no segment
    order = np.lexsort([-shift.tips.day.astype(np.int64), -factor[shift.nearest], -shift.alone])
    rows = tuple(_row(shift, at, road) for at in order[:ROWS].tolist())
    return TipFacts(rows=rows, more=order.size - len(rows))


def _row(shift: TipShift, at: int, road: Callable[[int], str]) -> TipRow:
    tips, segment = shift.tips, int(shift.nearest[at])
    before = float(shift.before.median[segment]) if segment >= 0 else None
    return TipRow(
        label=road(segment) if segment >= 0 else f"{tips.lat[at]:.4f}, {tips.lon[at]:.4f}",
        segment=segment,
        day=str(tips.day[at]),
        copies=tips.copies[at] if tips.copies else 1,
        grade=tips.grade[at] if tips.grade else "?",
        false_share=float(tips.false_rate[at]),
        before=before,
        after=None if before is None else before * math.exp(float(shift.log_factor[segment])),
        alone=float(shift.alone[at]),
        cure=_cure(shift, at),
    )


def _cure(shift: TipShift, at: int) -> str:
    """Return what makes a tip count more, or settles it."""
    segment = int(shift.nearest[at])
    if shift.counts[at] and segment < 0:
        return _("no road within {km:g} km: check the point").format(km=3 * REACH_KM)
    if shift.tips.false_rate[at] >= 1:
        return _("refuted: it counts for nothing")
    if not shift.counts[at]:
        return _("does not count: others of its month and neighbourhood, less doubtful or earlier, are counted")
    if shift.alone[at] < LITTLE:
        unknown = bool(shift.tips.grade) and shift.tips.grade[at] == "?"
        return _("grade it: unknown weighs next to nothing") if unknown else _("the record says more than the tip")
    again = bool(shift.before.searched[segment])
    return _("search the road again, and say whether it holds") if again else _("search the road: nobody has")
