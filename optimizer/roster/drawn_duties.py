"""Duties of draws: each shift has those of what is placed in it, and a roster may man less than was drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from optimizer.roster.calendar import slots_of
from optimizer.roster.drawing import frequencies

if TYPE_CHECKING:
    from optimizer.roster.drawing import Frequencies
    from optimizer.roster.draws_file import DrawsFile
    from optimizer.roster.model import Duties, Roster


def with_draws(duties: Duties, draws: DrawsFile) -> Duties:
    """Return duties that are asked for in the shifts alone in which their placement is drawn."""
    every = [shift.id for shift in duties.shifts]
    drawn = {
        (row.date, shift): frozenset(row.plan)
        for row in draws.rows
        for shift in ([row.shift] if row.shift is not None else every)
    }
    return replace(duties, drawn=drawn)


def manned_frequencies(roster: Roster, draws: DrawsFile) -> Frequencies:
    """Return how often each placement that needs people is fully manned, over the shifts in which it may be, beside its probability."""
    short = {(gap.day, gap.shift.id, gap.duty.option) for gap in roster.gaps}
    asked = {duty.option for duty in roster.duties.duties}
    slots = slots_of(roster.duties, roster.first, roster.weeks)
    manned = [
        frozenset(duty.option for duty in slot.duties if (slot.day, slot.shift.id, duty.option) not in short)
        for slot in slots
    ]
    return frequencies(
        {name: p for name, p in draws.marginals.items() if name in asked}, manned, len(roster.duties.shifts)
    )
