"""Infeasibility report: why there is no roster, with the rule, the shift and the numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

from optimizer.base.errors import InfeasibleError
from optimizer.roster.calendar import Slot
from optimizer.roster.solver import (
    Clock,
    CrewRule,
    Pair,
    RosterProblem,
    RuleName,
    exists_without,
    fewest_short,
    work_done,
)

if TYPE_CHECKING:
    from optimizer.roster.making import SlotDuty, Subproblem
    from optimizer.roster.model import Duty, Rule
    from optimizer.scenario.file.roster_model import Crew

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
class MoreCrews:
    """How many more crews like one that there is, without its leave, make a roster
    possible.
    """

    #: The crew.
    like: Crew
    #: How many more are enough.
    number: int
    #: Whether one fewer is too few.
    least: bool
    #: Whether counting alone shows that; else one solver says so.
    confirmed: bool

    def __str__(self) -> str:
        """Return it as a sentence."""
        none = "there is none" if self.confirmed else "one solver (CP-SAT) finds none"
        fewer = (
            f"; with one fewer {none}" if self.least else "; whether fewer would do is not known"
        )
        crews = f"{self.number} more crew{'s' if self.number > 1 else ''}"
        return (
            f"With {crews} like {self.like.name} ({self.like.people} people, without leave) there"
            f" is a roster{fewer}."
        )


UNCONFIRMED = (
    "That there is no roster is the answer of one solver (CP-SAT), not confirmed by a second way."
)


@dataclass(frozen=True, slots=True)
class InfeasibilityReport:
    """Why there is no roster."""

    #: The rule that fails.
    rule: Rule
    #: `slot`, `duty`: Where it fails first.
    slot: Slot
    duty: Duty
    #: `needed`, `there`: The two numbers.
    needed: float
    there: float
    #: What the numbers count, to stand behind `needed`.
    reason: str
    #: How many more crews would do; None where that was not found.
    cure: MoreCrews | None = None
    #: Whether counting alone shows that there is none; else one solver says so.
    confirmed: bool = True

    def __str__(self) -> str:
        """Return the report as a sentence or two."""
        where = f"{self.slot.name}, {self.duty.title}"
        whose = f" for {self.duty.agency}" if self.duty.agency else ""
        return (
            f"No roster{whose}: {where}: {self.needed:,.0f} {self.reason} (rule:"
            f" {RULE_NAMES[self.rule]}). {REMEDY[self.rule]}."
            + ("" if self.cure is None else f" {self.cure}")
            + ("" if self.confirmed else f" {UNCONFIRMED}")
        )

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
            "confirmed": self.confirmed,
            "message": str(self),
        } | (
            {} if self.cure is None else {"more_crews": self.cure.number, "like": self.cure.like.id}
        )


class NoRosterError(InfeasibleError):
    """No roster keeps every rule; `reports` name rule and shift, one for each
    independent part that fails.
    """

    def __init__(self, *reports: InfeasibilityReport) -> None:
        super().__init__("\n".join(str(report) for report in reports))
        self.reports = reports


@dataclass(frozen=True, slots=True)
class _Family:
    """Tasks that only certain crews may do, and those crews, by position in the subproblem."""

    tasks: list[int]
    crews: list[int]


def impossible(subproblem: Subproblem, clock: Clock) -> InfeasibilityReport | None:
    """Return the first necessary condition that a subproblem violates; None where it
    violates none, or the clock ends the counting.
    """
    for check in (_too_few_people, _too_few_at_once, _too_few_hours, _too_few_days):
        report = check(subproblem, clock)
        if report is not None:
            return report
    return None


def _too_few_people(subproblem: Subproblem, clock: Clock) -> InfeasibilityReport | None:
    """Find a duty that all crews who may do it together cannot fill, or cannot on a day
    of leave.
    """
    away: defaultdict[date, list[int]] = defaultdict(list)
    for c, crew in enumerate(subproblem.crews):
        for day in crew.away:
            away[day].append(c)
    people_of: dict[str, int] = {}
    for t, one in enumerate(subproblem.duties):
        if clock.over:
            return None
        slot, duty = one.slot, one.duty
        crews = subproblem.problem.tasks[t].travel
        if duty.id not in people_of:
            people_of[duty.id] = sum(subproblem.crews[c].people for c in crews)
        people = people_of[duty.id]
        there = people - sum(subproblem.crews[c].people for c in away[slot.day] if c in crews)
        if people < duty.staff:
            able = (
                "of the crews of its agency that serve it from their base and can do it, there are"
                f" {people}"
            )
            return InfeasibilityReport(
                "crews", slot, duty, duty.staff, people, f"people are needed and, {able}"
            )
        if there < duty.staff:
            return InfeasibilityReport(
                "away", slot, duty, duty.staff, there, f"people are needed and {there} are not away"
            )
    return None


def _too_few_at_once(subproblem: Subproblem, clock: Clock) -> InfeasibilityReport | None:
    """Find a shift whose duties together need more people than there are."""
    by_slot: defaultdict[int, list[int]] = defaultdict(list)
    for t, one in enumerate(subproblem.duties):
        by_slot[id(one.slot)].append(t)
    for tasks in by_slot.values():
        if clock.over:
            return None
        for family in _families(subproblem, tasks):
            inside, crews = family.tasks, family.crews
            needed = sum(subproblem.duties[t].duty.staff for t in inside)
            first = subproblem.duties[inside[0]]
            there = sum(
                subproblem.crews[c].people
                for c in crews
                if first.slot.day not in subproblem.crews[c].away
            )
            if there < needed:
                others = f", over {len(inside)} duties at once" if len(inside) > 1 else ""
                reason = f"people are needed{others} and {there} may be sent"
                return InfeasibilityReport(
                    "one at a time", first.slot, first.duty, needed, there, reason
                )
    return None


def _too_few_hours(subproblem: Subproblem, clock: Clock) -> InfeasibilityReport | None:
    """Find a week whose duties take more hours than their crews have."""
    for family in _weeks(subproblem):
        if clock.over:
            return None
        inside, crews = family.tasks, family.crews
        minutes = [
            subproblem.duties[t].duty.staff
            * (task.end - task.start + 2 * min(task.travel.values()))
            for t in inside
            for task in [subproblem.problem.tasks[t]]
        ]
        there = sum(subproblem.crews[c].people * subproblem.crews[c].week_minutes for c in crews)
        if sum(minutes) > there:
            first = _where_it_runs_out(subproblem, inside, minutes, there)
            needed, have = sum(minutes) / 60, there / 60
            reason = (
                f"person-hours of work are needed in the week of {_monday(subproblem, inside)}"
                f" (travel counted) and {len(crews)} crews have {have:,.0f}"
            )
            return InfeasibilityReport("hours", first.slot, first.duty, needed, have, reason)
    return None


def _too_few_days(subproblem: Subproblem, clock: Clock) -> InfeasibilityReport | None:
    """Find a week whose duties take more shifts than their crews may work, where nobody
    can work two shifts that begin on one day.
    """
    for family in _weeks(subproblem):
        if clock.over:
            return None
        inside, crews = family.tasks, family.crews
        if not _one_a_day(subproblem, inside, crews):
            continue
        staff = [subproblem.duties[t].duty.staff for t in inside]
        days = sorted({subproblem.duties[t].slot.day for t in inside})
        free = {c: sum(day not in subproblem.crews[c].away for day in days) for c in crews}
        there = sum(
            subproblem.crews[c].people * min(7 - subproblem.crews[c].days_off, free[c])
            for c in crews
        )
        without_rule = sum(subproblem.crews[c].people * free[c] for c in crews)
        if there < sum(staff) <= without_rule:
            first = _where_it_runs_out(subproblem, inside, staff, there)
            reason = (
                f"person-shifts are needed in the week of {_monday(subproblem, inside)} and"
                f" {len(crews)} crews may work {there:,.0f} of them with their days off"
            )
            return InfeasibilityReport(
                "days off", first.slot, first.duty, sum(staff), there, reason
            )
    return None


def _weeks(subproblem: Subproblem) -> Iterator[_Family]:
    """Yield for each week the families of its tasks."""
    by_week: defaultdict[int, list[int]] = defaultdict(list)
    for t, one in enumerate(subproblem.duties):
        by_week[one.slot.index // 7].append(t)
    for week in sorted(by_week):
        yield from _families(subproblem, by_week[week])


def _families(subproblem: Subproblem, tasks: list[int]) -> Iterator[_Family]:
    """Yield the tasks that only certain crews may do, with those crews: once for each
    set of crews, and all together.
    """
    able = {t: frozenset(subproblem.problem.tasks[t].travel) for t in tasks}
    everybody = frozenset().union(*able.values())
    for crews in sorted({*able.values(), everybody}, key=lambda some: (len(some), sorted(some))):
        yield _Family([t for t in tasks if able[t] <= crews], sorted(crews))


def _one_a_day(subproblem: Subproblem, tasks: list[int], crews: list[int]) -> bool:
    """Return whether no crew can work two shifts that begin on one day."""
    spans: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
    for t in tasks:
        task = subproblem.problem.tasks[t]
        spans[task.day].add((task.start, task.end))
    rest = min(subproblem.crews[c].rest_minutes for c in crews)
    return all(b[0] - a[1] < rest for day in spans.values() for a in day for b in day if a < b)


def _where_it_runs_out(
    subproblem: Subproblem, tasks: list[int], amounts: list[int], there: int
) -> SlotDuty:
    """Return the first task, in order of time, by which more is needed than there is."""
    total = 0
    for t, amount in zip(tasks, amounts, strict=True):
        total += amount
        if total > there:
            return subproblem.duties[t]
    raise AssertionError("called only where the amounts exceed what there is")


def _monday(subproblem: Subproblem, tasks: list[int]) -> str:
    """Return the first day of the roster's week that holds the tasks."""
    slot = subproblem.duties[tasks[0]].slot
    return (slot.day - timedelta(days=slot.index % 7)).isoformat()


# Which rule fails, and in which shift, where the search has found that there is no
# roster.
#
# Two questions are asked. Which rule, left out alone, makes a roster possible? And in
# the roster that lacks the fewest people, what keeps each crew that may do the first
# duty that lacks somebody from doing it? The rule named is, of those that answer the
# first, the one that keeps most crews.

RULES: tuple[RuleName, ...] = ("rest", "hours", "days in a row", "days off", "away")

Reason = Literal["there", "free"] | CrewRule

CREW_IS: dict[Reason, tuple[str, str]] = {
    "there": ("is sent", "are sent"),
    "free": (
        "is free, which would break another shift",
        "are free, which would break another shift",
    ),
    "one at a time": ("is on another duty", "are on other duties"),
    "away": ("is away", "are away"),
    "rest": ("is resting", "are resting"),
    "hours": ("has worked its hours", "have worked their hours"),
    "days in a row": ("has worked its days in a row", "have worked their days in a row"),
    "days off": ("has a day off", "have a day off"),
}


def diagnose(subproblem: Subproblem, weeks: int, clock: Clock, seed: int) -> InfeasibilityReport:
    """Return the rule and the shift that fail.

    Parameters
    ----------
    part
        Crews and duties without a roster.
    weeks
        Its first weeks, which have none either.
    clock
        Ends the search for the reason; what is known by then is said.
    seed
        Of the search.
    """
    repairing = [
        rule
        for rule in RULES
        if exists_without(subproblem.problem, weeks, clock, seed, frozenset({rule}))
    ]
    found = fewest_short(subproblem.problem, weeks, clock, seed, until_first=True)
    if found is None or not found.missing:
        return _unlocated(subproblem, weeks, repairing)
    t = min(found.missing, key=lambda t: (subproblem.problem.tasks[t].start, t))
    reasons = _reasons(subproblem.problem, found.pairs, t)
    rule = _failing_rule(repairing, reasons)
    slot, duty = subproblem.duties[t].slot, subproblem.duties[t].duty
    there = duty.staff - found.missing[t]
    return InfeasibilityReport(
        rule,
        slot,
        duty,
        duty.staff,
        there,
        f"people are needed and {there} can be had."
        f" {_crew_states(reasons)}{_other_rules(rule, repairing)}",
        confirmed=False,
    )


def _unlocated(
    subproblem: Subproblem, weeks: int, repairing: Sequence[RuleName]
) -> InfeasibilityReport:
    """Return what can be said when the clock ended the search for the shift."""
    rule: Rule = repairing[0] if repairing else "rest"
    first = subproblem.duties[0]
    reason = (
        f"people are needed, and no roster of the first {weeks} weeks fills every shift; time ended"
        " the search for the one that fails"
    )
    return InfeasibilityReport(
        rule, first.slot, first.duty, first.duty.staff, 0, reason, confirmed=False
    )


def _reasons(problem: RosterProblem, pairs: Sequence[Pair], t: int) -> Counter[Reason]:
    """Return what keeps the crews that may do a task from doing it, with the number of crews."""
    work, task = work_done(problem, pairs), problem.tasks[t]
    sent = {crew for crew, u in pairs if u == t}
    return Counter(
        "there" if c in sent else work[c].kept_by(problem, c, task) or "free" for c in task.travel
    )


def _failing_rule(repairing: Sequence[RuleName], reasons: Counter[Reason]) -> Rule:
    """Return, of the rules without which there is a roster, the one that keeps most
    crews; without any, the rule that keeps most.
    """
    if repairing:
        return max(repairing, key=lambda rule: (reasons[rule], -RULES.index(rule)))
    blocking: tuple[Rule, ...] = (*RULES, "one at a time")
    return max(blocking, key=lambda rule: reasons[rule])  # type: ignore[index]


def _crew_states(reasons: Counter[Reason]) -> str:
    """Return 'Of 3 crews that may go, 1 is sent and 2 are resting'."""
    listed = [f"{count} {CREW_IS[reason][count > 1]}" for reason, count in reasons.items()]
    total = sum(reasons.values())
    return (
        f"Of {total} {'crew' if total == 1 else 'crews'} that may go, {', '.join(sorted(listed))}"
    )


def _other_rules(rule: Rule, repairing: Sequence[RuleName]) -> str:
    """Say without which rules, each left out alone, there would be a roster."""
    others = [RULE_NAMES[other] for other in repairing if other != rule]
    if rule in repairing:
        also = f"; so would it be without this one: {', '.join(others)}" if others else ""
        return f". Without the rule named here there would be a roster{also}"
    return ". No single rule is the cause: with any one of them left out there is still no roster"
