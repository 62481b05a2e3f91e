"""Infeasibility report: why there is no roster, with the rule, the shift and the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import InfeasibleError

if TYPE_CHECKING:
    from optimizer.roster.calendar import Slot
    from optimizer.roster.model import Rule
    from optimizer.scenario.duties_file import Duty

RULE_NAMES: dict[Rule, str] = {
    "crews": "who may do what",
    "one at a time": "one duty at a time",
    "away": "days away",
    "rest": "rest between shifts",
    "hours": "hours a week",
    "days in a row": "days in a row",
    "days off": "days off",
}
REMEDY: dict[Rule, str] = {
    "crews": "Add crews to [[crews]] that may do it, or check their agency, base and `can`",
    "one at a time": "Add crews to [[crews]]",
    "away": "Add crews, or move leave (`away`)",
    "rest": "Add crews, or lower `rest_hours`",
    "hours": "Add crews, or raise `hours_a_week`",
    "days in a row": "Add crews, or raise `most_days`",
    "days off": "Add crews, or lower `days_off`",
}


@dataclass(frozen=True, slots=True)
class InfeasibilityReport:
    """Why there is no roster.

    Attributes
    ----------
    rule
        The rule that fails.
    slot, duty
        Where it fails first.
    needed, there
        The two numbers.
    reason
        What the numbers count, to stand behind `needed`.
    """

    rule: Rule
    slot: Slot
    duty: Duty
    needed: float
    there: float
    reason: str

    def __str__(self) -> str:
        """Return the report as a sentence or two."""
        where = f"{self.slot.name}, {self.duty.title}"
        whose = f" for {self.duty.agency}" if self.duty.agency else ""
        return f"No roster{whose}: {where}: {self.needed:,.0f} {self.reason} (rule: {RULE_NAMES[self.rule]}). {REMEDY[self.rule]}."

    @property
    def as_json(self) -> dict[str, Any]:
        """What tools read."""
        return {
            "rule": self.rule,
            "date": self.slot.day.isoformat(),
            "shift": self.slot.shift.id,
            "duty": self.duty.id,
            "needed": self.needed,
            "there": self.there,
            "message": str(self),
        }


class NoRosterError(InfeasibleError):
    """No roster keeps every rule; `reports` name rule and shift, one for each independent part that fails."""

    def __init__(self, *reports: InfeasibilityReport) -> None:
        super().__init__("\n".join(str(report) for report in reports))
        self.reports = reports
