"""Which rule fails, and in which shift, where the search has proven that there is no roster.

Two questions are asked. Which rule, left out alone, makes a roster possible? And in the roster that lacks the fewest people, what keeps each
crew that may do the first duty that lacks somebody from doing it? The rule named is, of those that answer the first, the one that keeps most
crews.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Literal

from optimizer.roster.infeasibility import RULE_NAMES, InfeasibilityReport
from optimizer.roster.solver.search import exists_without, fewest_short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.roster.model import Rule
    from optimizer.roster.solver.clock import Clock
    from optimizer.roster.solver.problem import Pair, RosterProblem, RuleName
    from optimizer.roster.subproblems import Subproblem

RULES: tuple[RuleName, ...] = ("rest", "hours", "days in a row", "days off", "away")

Reason = Literal["there", "free", "one at a time", "away", "rest", "hours", "days in a row", "days off"]

CREW_IS: dict[Reason, tuple[str, str]] = {
    "there": ("is sent", "are sent"),
    "free": ("is free, which would break another shift", "are free, which would break another shift"),
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
    repairing = [rule for rule in RULES if exists_without(subproblem.problem, weeks, clock, seed, frozenset({rule}))]
    found = fewest_short(subproblem.problem, weeks, clock, seed, until_first=True)
    if found is None or not found.missing:
        return _unlocated(subproblem, weeks, repairing)
    t = min(found.missing, key=lambda t: (subproblem.problem.tasks[t].start, t))
    reasons = Counter(_reason(subproblem.problem, found.pairs, crew, t) for crew in subproblem.problem.tasks[t].travel)
    rule = _failing_rule(repairing, reasons)
    slot, duty = subproblem.duties[t].slot, subproblem.duties[t].duty
    there = duty.staff - found.missing[t]
    return InfeasibilityReport(
        rule,
        slot,
        duty,
        duty.staff,
        there,
        f"people are needed and {there} can be had. {_crew_states(reasons)}{_other_rules(rule, repairing)}",
    )


def _unlocated(subproblem: Subproblem, weeks: int, repairing: Sequence[RuleName]) -> InfeasibilityReport:
    """Return what can be said when the clock ended the search for the shift."""
    rule: Rule = repairing[0] if repairing else "rest"
    first = subproblem.duties[0]
    reason = f"people are needed, and no roster of the first {weeks} weeks fills every shift; time ended the search for the one that fails"
    return InfeasibilityReport(rule, first.slot, first.duty, first.duty.staff, 0, reason)


def _failing_rule(repairing: Sequence[RuleName], reasons: Counter[Reason]) -> Rule:
    """Return, of the rules without which there is a roster, the one that keeps most crews; without any, the rule that keeps most."""
    if repairing:
        return max(repairing, key=lambda rule: (reasons[rule], -RULES.index(rule)))
    blocking: tuple[Rule, ...] = (*RULES, "one at a time")
    return max(blocking, key=lambda rule: reasons[rule])  # type: ignore[index]


def _crew_states(reasons: Counter[Reason]) -> str:
    """Return 'Of 3 crews that may go, 1 is sent and 2 are resting'."""
    listed = [f"{count} {CREW_IS[reason][count > 1]}" for reason, count in reasons.items()]
    total = sum(reasons.values())
    return f"Of {total} {'crew' if total == 1 else 'crews'} that may go, {', '.join(sorted(listed))}"


def _other_rules(rule: Rule, repairing: Sequence[RuleName]) -> str:
    """Say without which rules, each left out alone, there would be a roster."""
    others = [RULE_NAMES[other] for other in repairing if other != rule]
    if rule in repairing:
        also = f"; so would it be without this one: {', '.join(others)}" if others else ""
        return f". Without the rule named here there would be a roster{also}"
    return ". No single rule is the cause: with any one of them left out there is still no roster"


def _reason(problem: RosterProblem, pairs: Sequence[Pair], crew: int, t: int) -> Reason:  # noqa: PLR0911 - one a reason
    """Return what keeps a crew from one more task."""
    limits, task = problem.crews[crew], problem.tasks[t]
    mine = [problem.tasks[u] for c, u in pairs if c == crew]
    if (crew, t) in pairs:
        return "there"
    if task.day in limits.away:
        return "away"
    leave, back = task.start - task.travel[crew], task.end + task.travel[crew]
    spare = [max(leave - (other.end + other.travel[crew]), other.start - other.travel[crew] - back) for other in mine]
    spare += [leave - earlier.back for earlier in problem.before if earlier.crew == crew]
    if any(minutes < 0 for minutes in spare):
        return "one at a time"
    if any(minutes < limits.rest_minutes for minutes in spare):
        return "rest"
    week = [other for other in mine if other.day // 7 == task.day // 7]
    worked = sum(other.end - other.start + 2 * other.travel[crew] for other in week)
    if worked + back - leave > limits.week_minutes:
        return "hours"
    days = {other.day for other in mine} | {task.day} | {one.day for one in problem.before if one.crew == crew}
    if _longest_run(days) > limits.most_days:
        return "days in a row"
    if len({other.day for other in week} | {task.day}) > 7 - limits.days_off:
        return "days off"
    return "free"


def _longest_run(days: set[int]) -> int:
    """Return the most consecutive numbers in a set."""
    length: defaultdict[int, int] = defaultdict(int)
    for day in sorted(days):
        length[day] = length[day - 1] + 1
    return max(length.values())
