"""The constraint program (CP-SAT) of the rosters of a run of weeks: which crew does
which task.

Sets: crews c, tasks t (a duty in one shift of one day, from a_t to b_t, asking for n_t
people), weeks. m_ct are the minutes crew c travels to t; p_c are its people. x_ct = 1
if c does t; it exists where c may do t and is not away.

    cover        sum_c p_c x_ct >= n_t                                                 for every t
    rest         x_ct + x_cu <= 1            if a_u - m_cu - (b_t + m_ct) < rest_c      for every c, t before u
    hours        sum_{t in week} (b_t - a_t + 2 m_ct) x_ct <= hours_c                   for every c and week
    in a row     sum of worked days among any (most_c + 1) days in a row <= most_c      for every c
    days off     sum of worked days of a week <= 7 - off_c                              for every c and week
    evenly       minimise sum_c of the squares of nights, weekend shifts and blocks of hours on duty, weighted by 1 / hours_c

Rest is written as cliques where all tasks of a run of shifts exclude each other, and by
thresholds of travel where only the far ones do. A square is a sum of steps of growing
cost, which is as tight as its relaxation.

A long horizon is found week by week with the work before held fixed; where a week has
no solution, the weeks before it are solved again with it, so that "infeasible" is
returned only for the whole beginning of the horizon: it is a proof. The roster is then
balanced, whole or by neighbourhoods. One worker, a seed and limits in CP-SAT's own
deterministic time: the same call gives the same roster unless the clock ends it.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from math import gcd, inf
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from ortools.sat.python import cp_model

from optimizer.base.errors import SolverError

if TYPE_CHECKING:
    from optimizer.scenario.file.roster_model import Crew


QUICK_EFFORT = 2.0
"""Deterministic time of the first look for a roster, without linear programming, which
is quick where there is slack.
"""


@dataclass
class CrewWork:
    """What a crew does, with what it did before the horizon."""

    minutes: int = 0
    nights: int = 0
    weekends: int = 0
    days: set[int] = field(default_factory=set)
    spans: list[tuple[int, int]] = field(default_factory=list)
    away: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Minutes away from base, by week."""

    def add(self, task: RosterTask, crew: int) -> None:
        """Add a task of the crew."""
        self.minutes += task.end - task.start
        self.nights += task.night
        self.weekends += task.weekend
        self.days.add(task.day)
        self.spans.append((task.start - task.travel[crew], task.end + task.travel[crew]))
        self.away[task.day // 7] += minutes_away(task, crew)

    def spare(self, task: RosterTask, crew: int) -> float:
        """Return the least minutes between this work and a task, below 0 where they
        overlap, infinity where there is no work.
        """
        leave, back = task.start - task.travel[crew], task.end + task.travel[crew]
        return min((max(leave - b, a - back) for a, b in self.spans), default=inf)

    def kept_by(self, problem: RosterProblem, crew: int, task: RosterTask) -> CrewRule | None:
        """Return the first rule that keeps the crew from one more task; None where it is free."""
        limits = problem.crews[crew]
        week = task.day // 7
        spare = self.spare(task, crew)
        run = 1
        for step in (-1, 1):
            day = task.day + step
            while day in self.days:
                run, day = run + 1, day + step
        holds: tuple[tuple[CrewRule, bool], ...] = (
            ("away", not problem.is_away(crew, task.day)),
            ("one at a time", spare >= 0),
            ("rest", spare >= limits.rest_minutes),
            ("hours", self.away[week] + minutes_away(task, crew) <= limits.week_minutes),
            ("days in a row", run <= limits.most_days),
            (
                "days off",
                len({day for day in self.days if day // 7 == week} | {task.day})
                <= 7 - limits.days_off,
            ),
        )
        return next((rule for rule, kept in holds if not kept), None)


class RosterProgram:
    """The constraint program of a run of weeks, with the work outside it fixed; the
    clock ends the making of it as well as the search.
    """

    def __init__(
        self,
        problem: RosterProblem,
        weeks: range,
        fixed: Sequence[Pair],
        clock: Clock,
        *,
        crews: AbstractSet[int] | None = None,
        dropped: AbstractSet[RuleName] = frozenset(),
        gaps: bool = False,
    ) -> None:
        self.problem = problem
        self.weeks = weeks
        self.dropped = dropped
        self._clock, self._crews = clock, crews
        self.model = cp_model.CpModel()
        self.pairs: list[Pair] = []
        self._there = people_there(problem, fixed)
        self._fixed = work_done(problem, fixed)
        self._x: dict[Pair, cp_model.IntVar] = {}
        self._of_crew: defaultdict[int, list[int]] = defaultdict(list)
        self._short: dict[int, cp_model.IntVar] = {}
        self._hopeless = False
        self._whole = self._build(gaps=gaps)

    def _build(self, *, gaps: bool) -> bool:
        """Make variables and rules; return False where the clock ended that first, as
        it may with thousands of crews.
        """
        for t, task in enumerate(self.problem.tasks):
            if self._clock.over:
                return False
            if task.day // 7 in self.weeks:
                self._make_pairs(t, task)
        self._cover(gaps=gaps)
        for crew, tasks in self._of_crew.items():
            if self._clock.over:
                return False
            self._crew(crew, tasks)
        return True

    def _make_pairs(self, t: int, task: RosterTask) -> None:
        for crew in (
            task.travel if self._crews is None else sorted(self._crews & task.travel.keys())
        ):
            if self._open(crew, task):
                self._x[crew, t] = self.model.new_bool_var("")
                self._of_crew[crew].append(t)

    def _open(self, crew: int, task: RosterTask) -> bool:
        """Return whether leave and the fixed work leave a crew free for a task."""
        if self.problem.is_away(crew, task.day) and "away" not in self.dropped:
            return False
        return self._fixed[crew].spare(task, crew) >= self._rest(self.problem.crews[crew])

    def _rest(self, limits: Crew) -> int:
        return 0 if "rest" in self.dropped else limits.rest_minutes

    def _cover(self, *, gaps: bool) -> None:
        crews_of: defaultdict[int, list[int]] = defaultdict(list)
        for crew, t in self._x:
            crews_of[t].append(crew)
        for t, task in enumerate(self.problem.tasks):
            needed = task.staff - self._there[t]
            if task.day // 7 in self.weeks and needed > 0:
                there = cp_model.LinearExpr.weighted_sum(
                    [self._x[crew, t] for crew in crews_of[t]],
                    [self.problem.crews[crew].people for crew in crews_of[t]],
                )
                if gaps:
                    self._short[t] = self.model.new_int_var(0, needed, "")
                    self.model.add(there + self._short[t] >= needed)
                elif sum(self.problem.crews[crew].people for crew in crews_of[t]) < needed:
                    self._hopeless = True
                else:
                    self.model.add(there >= needed)

    def _crew(self, crew: int, tasks: list[int]) -> None:
        """Add the rules of one crew."""
        slots: dict[tuple[int, int], list[int]] = {}
        for t in tasks:
            slots.setdefault((self.problem.tasks[t].start, self.problem.tasks[t].end), []).append(t)
        self._rest_rule(crew, slots)
        if "hours" not in self.dropped:
            self._hours_rule(crew, tasks)
        if not {"days in a row", "days off"} <= self.dropped:
            self._days_rules(crew, slots)

    def _rest_rule(self, crew: int, slots: dict[tuple[int, int], list[int]]) -> None:
        rest = self._rest(self.problem.crews[crew])
        order = sorted(slots)
        far = {slot: max(self._travel(crew, t) for t in slots[slot]) for slot in order}
        near = {slot: min(self._travel(crew, t) for t in slots[slot]) for slot in order}
        most = max(far.values(), default=0)
        for k, one in enumerate(order):
            clique = [one]
            for other in order[k + 1 :]:
                spare = other[0] - one[1] - rest
                if spare >= 2 * most:
                    break  # and so for all that begin later
                if near[one] + near[other] > spare:
                    if all(near[s] + near[other] > other[0] - s[1] - rest for s in clique):
                        clique.append(other)
                    else:
                        self._at_most_one(crew, [*slots[one], *slots[other]])
                elif far[one] + far[other] > spare:
                    self._thresholds(crew, slots[one], slots[other], spare)
            self._at_most_one(crew, [t for slot in clique for t in slots[slot]])

    def _thresholds(self, crew: int, one: list[int], other: list[int], spare: int) -> None:
        """Forbid the pairs of tasks of two shifts that lie too far for the time between them."""
        for minutes in sorted({self._travel(crew, t) for t in one}):
            first = [t for t in one if self._travel(crew, t) >= minutes]
            second = [t for t in other if self._travel(crew, t) > spare - minutes]
            if second:
                self._at_most_one(crew, [*first, *second])

    def _at_most_one(self, crew: int, tasks: list[int]) -> None:
        if len(tasks) > 1:
            self.model.add_at_most_one(self._x[crew, t] for t in tasks)

    def _travel(self, crew: int, t: int) -> int:
        return self.problem.tasks[t].travel[crew]

    def _hours_rule(self, crew: int, tasks: list[int]) -> None:
        for week in self.weeks:
            here = [t for t in tasks if self.problem.tasks[t].day // 7 == week]
            work = [minutes_away(self.problem.tasks[t], crew) for t in here]
            if work:
                done = cp_model.LinearExpr.weighted_sum([self._x[crew, t] for t in here], work)
                self.model.add(done <= self.problem.crews[crew].week_minutes)

    def _days_rules(self, crew: int, slots: dict[tuple[int, int], list[int]]) -> None:
        limits, outside = self.problem.crews[crew], self._fixed[crew].days
        works = self._worked_days(crew, slots)
        if "days off" not in self.dropped:
            for week in self.weeks:
                days = [works[day] for day in range(7 * week, 7 * week + 7) if day in works]
                self.model.add(sum(days) <= 7 - limits.days_off)
        if "days in a row" not in self.dropped:
            length = limits.most_days + 1
            for begin in range(7 * self.weeks.start - limits.most_days, 7 * self.weeks.stop):
                run = range(begin, begin + length)
                days = [works[day] for day in run if day in works]
                taken = sum(day in outside for day in run)
                if days and len(days) + taken == length:
                    self.model.add(sum(days) <= limits.most_days - taken)

    def _worked_days(self, crew: int, slots: dict[tuple[int, int], list[int]]) -> dict[int, Any]:
        """Return for each day whether a crew works on it: the sum of its tasks where at
        most one is possible, else a variable of its own.
        """
        rest = self._rest(self.problem.crews[crew])
        of_day: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for slot in sorted(slots):
            of_day[self.problem.tasks[slots[slot][0]].day].append(slot)
        works: dict[int, Any] = {}
        for day, here in of_day.items():
            if all(b[0] - a[1] < rest for i, a in enumerate(here) for b in here[i + 1 :]):
                works[day] = sum(self._x[crew, t] for slot in here for t in slots[slot])
            else:
                works[day] = self.model.new_bool_var("")
                for slot in here:
                    self.model.add(sum(self._x[crew, t] for t in slots[slot]) <= works[day])
        return works

    def shorten(self, start: AbstractSet[Pair] = frozenset()) -> None:
        """Minimise the people missing, and then the people sent, starting from a roster
        of these weeks.
        """
        for pair, x in self._x.items() if start else ():
            self.model.add_hint(x, pair in start)
        sent = cp_model.LinearExpr.weighted_sum(
            list(self._x.values()), [self.problem.crews[crew].people for crew, _ in self._x]
        )
        price = (
            1
            + sum(task.staff for task in self.problem.tasks)
            + sum(c.people for c in self.problem.crews)
        )
        self.model.minimize(price * sum(self._short.values()) + sent)

    def even_out(self, start: Sequence[Pair]) -> None:
        """Minimise the unevenness, starting from a roster of these weeks."""
        chosen = set(start)
        for pair, x in self._x.items():
            self.model.add_hint(x, pair in chosen)
        cost: list[Any] = []
        for crew, tasks in self._of_crew.items():
            if self._clock.over:
                return  # the search is not begun then
            share, outside = crew_weight(self.problem, crew), self._fixed[crew]
            nights = [t for t in tasks if self.problem.tasks[t].night]
            weekends = [t for t in tasks if self.problem.tasks[t].weekend]
            cost += self._square(
                crew, nights, [1] * len(nights), outside.nights, 1, share * NIGHT_WEIGHT
            )
            cost += self._square(
                crew, weekends, [1] * len(weekends), outside.weekends, 1, share * WEEKEND_WEIGHT
            )
            work = [self.problem.tasks[t].end - self.problem.tasks[t].start for t in tasks]
            cost += self._square(crew, tasks, work, outside.minutes, self.problem.block, share)
        self.model.minimize(sum(cost))

    def _square(
        self, crew: int, tasks: list[int], amounts: list[int], done: int, block: int, weight: int
    ) -> list[Any]:
        """Return the cost of a square: a step for each block of an amount, each dearer
        than the one before.
        """
        if not tasks:
            return []
        # one task at a time
        most = len({self.problem.tasks[t].start for t in tasks}) * max(amounts)
        if block > 1:
            most = min(most, len(self.weeks) * self.problem.crews[crew].week_minutes)
        first = done // block
        steps: list[cp_model.IntVar] = []
        sizes: list[int] = []
        reached = -(done % block)
        while reached < most:
            sizes.append(block if reached >= 0 else block + reached)
            steps.append(self.model.new_bool_var(""))
            reached += block
        amount = cp_model.LinearExpr.weighted_sum([self._x[crew, t] for t in tasks], amounts)
        self.model.add(cp_model.LinearExpr.weighted_sum(steps, sizes) >= amount)
        for a, b in pairwise(steps):
            self.model.add_implication(b, a)
        # a block that earlier weeks began is paid for already
        begun = done % block != 0
        return [
            weight * (2 * (first + k) + 1) * step
            for k, step in enumerate(steps)
            if not (k == 0 and begun)
        ]

    def first(self, seed: int, *, effort: float | None = None) -> Ended:
        """Look for any roster: quickly at first, then with the linear programs that
        prove that there is none.
        """
        ended = self.search(seed, first=True, effort=QUICK_EFFORT, quick=True)
        return self.search(seed, first=True, effort=effort) if ended == "unknown" else ended

    def search(
        self, seed: int, *, first: bool = False, effort: float | None = None, quick: bool = False
    ) -> Ended:
        """Solve, to the end or until the deterministic time `effort` is spent; the
        roster found is in `pairs`.
        """
        if self._hopeless and self._whole:
            return "infeasible"
        if self._clock.over or not self._whole:
            return "unknown"
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = seed % 2**31
        solver.parameters.linearization_level = 0 if quick else 2
        if quick:
            solver.parameters.symmetry_level = 0
            solver.parameters.cp_model_probing_level = 0
        solver.parameters.catch_sigint_signal = False
        solver.parameters.stop_after_first_solution = first
        solver.parameters.max_time_in_seconds = self._clock.left
        if effort is not None:
            solver.parameters.max_deterministic_time = effort
        status = solve_until(solver, self.model, self._clock)
        if status == cp_model.MODEL_INVALID:
            raise SolverError(f"CP-SAT refused the roster's model: {self.model.validate()}")
        if status in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
            self.pairs = [pair for pair, x in self._x.items() if solver.boolean_value(x)]
        names: dict[Any, Ended] = {
            cp_model.OPTIMAL: "optimal",
            cp_model.FEASIBLE: "feasible",
            cp_model.INFEASIBLE: "infeasible",
        }
        return names.get(status, "unknown")


RuleName = Literal["away", "rest", "hours", "days in a row", "days off"]

CrewRule = RuleName | Literal["one at a time"]

Pair = tuple[int, int]
"""Positions of a crew and a task."""

Ended = Literal["optimal", "feasible", "infeasible", "unknown"]

LEAST_BLOCK = 60
"""Minutes of a block of duty when hours are balanced, where no longer one measures all shifts."""


@dataclass(frozen=True)
class RosterTask:
    """A duty in one shift of one day."""

    #: `start`, `end`: Minutes since any moment, the same for all tasks.
    start: int
    end: int
    #: Days since the first of the horizon.
    day: int
    #: People needed.
    staff: int
    #: `night`, `weekend`: Whether it counts as such.
    night: bool
    weekend: bool
    #: Minutes of each crew that may do it, by its position.
    travel: dict[int, int]


@dataclass(frozen=True)
class EarlierShift:
    """A shift that a crew worked before the horizon: its day (below 0) and the minutes
    at which it left its base and was back.
    """

    crew: int
    day: int
    leave: int
    back: int


@dataclass(frozen=True)
class RosterProblem:
    """Crews and tasks of whole weeks."""

    #: `crews`, `tasks`: Everything that takes part; tasks in order of their start.
    crews: tuple[Crew, ...]
    tasks: tuple[RosterTask, ...]
    #: `first`, `weeks`: First day and length of the horizon; tasks count days from the
    #: first.
    first: date
    weeks: int
    #: What crews did just before it.
    before: tuple[EarlierShift, ...] = ()

    def is_away(self, crew: int, day: int) -> bool:
        """Return whether a crew begins no shift on a day of the horizon."""
        return self.first + timedelta(days=day) in self.crews[crew].away

    @cached_property
    def block(self) -> int:
        """Minutes that measure every task, at least an hour: blocks of duty are what is
        balanced.
        """
        return max(LEAST_BLOCK, gcd(*(task.end - task.start for task in self.tasks)))


@dataclass(frozen=True)
class RosterOutcome:
    """What came of a search."""

    #: `optimal`: no roster is more even. `infeasible`: none exists, proven by the first
    #: `weeks` weeks alone.
    ended: Ended
    #: What ended it early.
    limit: Literal["time", "interrupted"] | None
    #: Who does what; of an unknown end that of the weeks that were filled before it.
    pairs: tuple[Pair, ...]
    #: Weeks that hold the proof of infeasibility, or the horizon.
    weeks: int


NIGHT_WEIGHT = WEEKEND_WEIGHT = 3
"""Weight of a night or a weekend shift beside a block of hours."""

WEIGHT_STEPS = 4
"""Resolution of the weight of crews that work fewer hours a week than others."""


def with_gaps(problem: RosterProblem, pairs: Sequence[Pair]) -> RosterProblem:
    """Return the problem that asks only for the people that a roster has."""
    there = people_there(problem, pairs)
    tasks = tuple(
        replace(task, staff=min(task.staff, there[t])) for t, task in enumerate(problem.tasks)
    )
    return replace(problem, tasks=tasks)


def work_done(problem: RosterProblem, pairs: Iterable[Pair]) -> defaultdict[int, CrewWork]:
    """Return what each crew does, with what it did before the horizon."""
    work: defaultdict[int, CrewWork] = defaultdict(CrewWork)
    for shift in problem.before:
        work[shift.crew].days.add(shift.day)
        work[shift.crew].spans.append((shift.leave, shift.back))
    for crew, t in pairs:
        work[crew].add(problem.tasks[t], crew)
    return work


def people_there(problem: RosterProblem, pairs: Iterable[Pair]) -> defaultdict[int, int]:
    """Return how many people a roster puts on each task."""
    there: defaultdict[int, int] = defaultdict(int)
    for crew, task in pairs:
        there[task] += problem.crews[crew].people
    return there


def without_idle(problem: RosterProblem, pairs: Sequence[Pair]) -> list[Pair]:
    """Leave out crews that a task does not need, the smallest and the most worked
    first; less work never breaks a rule.
    """
    there, minutes = people_there(problem, pairs), _minutes(problem, pairs)
    kept = set(pairs)
    for crew, task in sorted(
        pairs, key=lambda pair: (pair[1], problem.crews[pair[0]].people, -minutes[pair[0]], pair)
    ):
        people = problem.crews[crew].people
        if there[task] - people >= problem.tasks[task].staff:
            there[task] -= people
            kept.remove((crew, task))
    return sorted(kept)


def unevenness(problem: RosterProblem, pairs: Sequence[Pair]) -> float:
    """Return the weighted sum of squares that is minimised, of a whole roster."""
    return sum(loads(problem, pairs).values())


def loads(problem: RosterProblem, pairs: Sequence[Pair]) -> defaultdict[int, float]:
    """Return the term of each crew in the unevenness."""
    nights: defaultdict[int, int] = defaultdict(int)
    weekends: defaultdict[int, int] = defaultdict(int)
    minutes: defaultdict[int, int] = defaultdict(int)
    for crew, t in pairs:
        minutes[crew] += problem.tasks[t].end - problem.tasks[t].start
        nights[crew] += problem.tasks[t].night
        weekends[crew] += problem.tasks[t].weekend
    loads: defaultdict[int, float] = defaultdict(float)
    for crew, on_duty in minutes.items():
        blocks = -(-on_duty // problem.block)
        squares = (
            NIGHT_WEIGHT * nights[crew] ** 2 + WEEKEND_WEIGHT * weekends[crew] ** 2 + blocks**2
        )
        loads[crew] = crew_weight(problem, crew) * squares
    return loads


def _minutes(problem: RosterProblem, pairs: Iterable[Pair]) -> defaultdict[int, int]:
    worked: defaultdict[int, int] = defaultdict(int)
    for crew, task in pairs:
        worked[crew] += minutes_away(problem.tasks[task], crew)
    return worked


def minutes_away(task: RosterTask, crew: int) -> int:
    """Return the minutes a crew is away from its base for a task."""
    return task.end - task.start + 2 * task.travel[crew]


def crew_weight(problem: RosterProblem, crew: int) -> int:
    """Return the weight of a crew's work: more where it works fewer hours a week than
    the others.
    """
    longest = max(limits.week_minutes for limits in problem.crews)
    return max(1, round(WEIGHT_STEPS * longest / max(1, problem.crews[crew].week_minutes)))


POLL_SECONDS = 0.1
"""Seconds between two looks at the clock during a solve."""


@dataclass
class Clock:
    """Time left, and whether somebody pressed Ctrl-C."""

    until: float
    on_tick: Callable[[], None] = lambda: None
    interrupted: bool = False

    @property
    def left(self) -> float:
        """Seconds until the limit, at least 0."""
        return max(0.0, self.until - time.monotonic())

    def part(self, share: float) -> Clock:
        """Return a clock of a share of the time left."""
        return Clock(time.monotonic() + share * self.left, self.on_tick, self.interrupted)

    @property
    def over(self) -> bool:
        """Whether the search must end."""
        return self.interrupted or self.left <= 0

    @property
    def limit(self) -> Literal["time", "interrupted"] | None:
        """What ended the search, if anything has."""
        return "interrupted" if self.interrupted else "time" if self.left <= 0 else None


def solve_until(solver: cp_model.CpSolver, model: cp_model.CpModel, clock: Clock) -> Any:  # noqa: ANN401 - an untyped status
    """Solve in a thread, so that this one receives Ctrl-C, which stops the search; the
    best solution so far is kept.
    """
    answer: list[Any] = []
    # a join that Ctrl-C ends would take the thread for finished (CPython issue 89437)
    done = threading.Event()

    def run() -> None:
        try:
            answer.append(solver.solve(model))
        except BaseException as error:  # noqa: BLE001 - it is raised again below, in the main thread
            answer.append(error)
        finally:
            done.set()

    threading.Thread(target=run, daemon=True).start()
    ticked = False
    while not (done.is_set() and ticked):
        ticked = True
        try:
            if clock.interrupted:
                solver.stop_search()
            done.wait(POLL_SECONDS)
            clock.on_tick()
        except KeyboardInterrupt:
            clock.interrupted = True
    if isinstance(answer[0], BaseException):
        raise SolverError(f"CP-SAT failed: {answer[0]}") from answer[0]
    return answer[0]


WHOLE_PAIRS = 3_000
"""Most pairs of crew and task that are balanced in one model."""

WHOLE_EFFORT = 3.0
"""Deterministic time of that model: about as many seconds."""

STEP_PAIRS = 600
"""Most pairs that one step of the search of neighbourhoods does anew."""

STEP_EFFORT = 0.03
"""Deterministic time of one step."""

PATIENCE = 40
"""Steps without gain after which the search of neighbourhoods ends."""

SHORT_EFFORT = 4.0
"""Deterministic time of one question of the search for a reason, and of the fewest
people short in a week.
"""


def first_roster(problem: RosterProblem, clock: Clock, seed: int) -> RosterOutcome:
    """Find any roster that keeps all rules, or prove that there is none.

    Parameters
    ----------
    problem
        Crews and tasks.
    clock
        Ends the search.
    seed
        Of the search, >= 0.
    """
    pairs: list[Pair] = []
    for week in range(problem.weeks):
        taken_back = 0
        while True:
            begin = max(0, week - taken_back)
            kept = [pair for pair in pairs if problem.tasks[pair[1]].day < 7 * begin]
            model = RosterProgram(problem, range(begin, week + 1), kept, clock)
            ended = model.first(seed)
            if ended in {"optimal", "feasible"}:
                pairs = kept + model.pairs
                break
            if ended == "unknown":
                return RosterOutcome("unknown", clock.limit, tuple(pairs), problem.weeks)
            if begin == 0:
                return RosterOutcome("infeasible", None, (), week + 1)
            taken_back = 2 * taken_back + 1
    return RosterOutcome("feasible", None, tuple(sorted(pairs)), problem.weeks)


def balanced(
    problem: RosterProblem, pairs: Sequence[Pair], clock: Clock, seed: int
) -> RosterOutcome:
    """Spread hours, nights and weekends more evenly, starting from a roster that keeps
    all rules.

    A small problem is solved whole, which may prove that nothing is more even. What is
    left is a search of neighbourhoods: the work of some crews in some weeks is done
    anew with all else fixed, again and again until none of many tries helps.

    Parameters
    ----------
    problem
        Crews and tasks.
    pairs
        The roster to start from.
    clock
        Ends the search; what was reached by then is returned.
    seed
        Of the search, >= 0.
    """
    reached = _Reached(without_idle(problem, pairs))
    try:
        _even_out(problem, reached, clock, seed)
    except KeyboardInterrupt:  # between two solves
        clock.interrupted = True
    if reached.proven:
        return RosterOutcome("optimal", None, tuple(reached.pairs), problem.weeks)
    return RosterOutcome("feasible", clock.limit, tuple(reached.pairs), problem.weeks)


@dataclass
class _Reached:
    """The most even roster so far, and whether it is proven that none is more even."""

    pairs: list[Pair]
    proven: bool = False


def _even_out(problem: RosterProblem, reached: _Reached, clock: Clock, seed: int) -> None:
    """Solve whole if that is small enough, then by neighbourhoods; what is reached is
    kept at every moment.
    """
    if sum(len(task.travel) for task in problem.tasks) <= WHOLE_PAIRS:
        model = RosterProgram(problem, range(problem.weeks), [], clock)
        model.even_out(reached.pairs)
        ended = model.search(seed, effort=WHOLE_EFFORT)
        if ended in {"optimal", "feasible"}:
            reached.pairs = _more_even(problem, reached.pairs, model.pairs)
        reached.proven = ended == "optimal"
    rng = Random(seed)  # noqa: S311 - no secret
    idle = 0
    while not reached.proven and idle < PATIENCE and not clock.over:
        better = _step(problem, reached.pairs, clock, seed, rng)
        idle = idle + 1 if better is reached.pairs else 0
        reached.pairs = better


def _step(
    problem: RosterProblem, best: list[Pair], clock: Clock, seed: int, rng: Random
) -> list[Pair]:
    """Do the work of some crews in some weeks anew; return a more even roster, or the same list."""
    weeks, crews = _neighbourhood(problem, best, rng)
    inside = {
        pair for pair in best if pair[0] in crews and problem.tasks[pair[1]].day // 7 in weeks
    }
    outside = [pair for pair in best if pair not in inside]
    model = RosterProgram(problem, weeks, outside, clock, crews=crews)
    model.even_out(sorted(inside))
    ended = model.search(seed, effort=STEP_EFFORT)
    return (
        _more_even(problem, best, outside + model.pairs)
        if ended in {"optimal", "feasible"}
        else best
    )


def _more_even(problem: RosterProblem, one: list[Pair], other: Sequence[Pair]) -> list[Pair]:
    """Return the more even of two rosters without idle crews; `one` if neither is."""
    trimmed = without_idle(problem, other)
    return trimmed if unevenness(problem, trimmed) < unevenness(problem, one) else one


def _neighbourhood(
    problem: RosterProblem, pairs: Sequence[Pair], rng: Random
) -> tuple[range, frozenset[int]]:
    """Pick a few crews, some of them the most and the least loaded, and as many weeks
    as keep the model small.
    """
    load = loads(problem, pairs)
    length = rng.randint(1, problem.weeks)
    begin = rng.randint(0, problem.weeks - length)
    in_weeks = sum(
        len(task.travel) for task in problem.tasks if begin <= task.day // 7 < begin + length
    )
    size = max(2, min(len(problem.crews), STEP_PAIRS * len(problem.crews) // max(1, in_weeks)))
    order = sorted(range(len(problem.crews)), key=lambda crew: (load[crew], rng.random()))
    ends = max(1, size // 4)
    chosen = {*order[:ends], *order[len(order) - ends :]}
    rest = [crew for crew in order if crew not in chosen]
    chosen.update(rng.sample(rest, min(len(rest), size - len(chosen))))
    return range(begin, begin + length), frozenset(chosen)


@dataclass(frozen=True)
class ShortRoster:
    """A roster that may lack people: who does what, the number missing by task, and
    whether time ended the search for fewer.
    """

    pairs: tuple[Pair, ...]
    missing: dict[int, int]
    cut: bool = False


def fewest_short(
    problem: RosterProblem, weeks: int, clock: Clock, seed: int, *, until_first: bool = False
) -> ShortRoster | None:
    """Find a roster of the first weeks that lacks as few people as can be found, week
    after week.

    Parameters
    ----------
    problem
        Crews and tasks.
    weeks
        How many of the first weeks.
    clock
        Ends the search.
    seed
        Of the search, >= 0.
    until_first
        Stop after the first week that lacks somebody.

    Returns
    -------
    The roster: each week has its share of the time, and where that ends before the search has a roster, that of `quick_week` counts. With
    `until_first` None in its place, as what that lacks is no reason.
    """
    pairs: list[Pair] = []
    short: dict[int, int] = {}
    cut = False
    for week in range(weeks):
        start = () if until_first else quick_week(problem, week, pairs)
        share = clock if until_first else clock.part(1 / (weeks - week))
        model = RosterProgram(problem, range(week, week + 1), pairs, share, gaps=True)
        model.shorten(frozenset(start))
        found = model.search(seed, effort=SHORT_EFFORT) in {"optimal", "feasible"}
        clock.interrupted |= share.interrupted
        cut |= share.over
        if until_first and not found:
            return None
        pairs = without_idle(problem, [*pairs, *(model.pairs if found else start)])
        there = people_there(problem, pairs)
        lack = {
            t: task.staff - there[t]
            for t, task in enumerate(problem.tasks)
            if task.day // 7 == week
        }
        short |= {t: missing for t, missing in lack.items() if missing > 0}
        if short and until_first:
            break
    return ShortRoster(tuple(pairs), short, cut)


def completed(problem: RosterProblem, pairs: Sequence[Pair]) -> ShortRoster:
    """Return a roster of the whole horizon that goes on from one of its first weeks
    without a search: it keeps all rules and may lack people (`quick_week`).
    """
    made = list(pairs)
    for week in range(problem.weeks):
        if not any(problem.tasks[t].day // 7 == week for _, t in pairs):
            made = without_idle(problem, [*made, *quick_week(problem, week, made)])
    there = people_there(problem, made)
    lack = {t: task.staff - there[t] for t, task in enumerate(problem.tasks)}
    return ShortRoster(
        tuple(sorted(made)), {t: missing for t, missing in lack.items() if missing > 0}, cut=True
    )


def quick_week(problem: RosterProblem, week: int, pairs: Sequence[Pair]) -> list[Pair]:
    """Return a roster of a week after others that keeps all rules and may lack people:
    crew after crew, with no search.

    Tasks with the fewest people to spare come first. Of the crews that are free the one
    goes that leaves fewest people idle, is away for the shortest time, and has worked
    least.
    """
    work, made = work_done(problem, pairs), list[Pair]()
    tasks = {t: task for t, task in enumerate(problem.tasks) if task.day // 7 == week}
    able = {
        t: sum(problem.crews[crew].people for crew in task.travel) / max(task.staff, 1)
        for t, task in tasks.items()
    }
    for t, task in sorted(tasks.items(), key=lambda item: (able[item[0]], item[0])):
        needed = task.staff
        while needed > 0:
            people = {
                crew: problem.crews[crew].people
                for crew in task.travel
                if work[crew].kept_by(problem, crew, task) is None
            }
            if not people:
                break
            crew = min(
                people,
                key=lambda c: (max(people[c] - needed, 0), task.travel[c], work[c].away[week], c),
            )
            needed -= people[crew]
            made.append((crew, t))
            work[crew].add(task, crew)
    return made


def exists_without(
    problem: RosterProblem, weeks: int, clock: Clock, seed: int, dropped: AbstractSet[RuleName]
) -> bool | None:
    """Return whether the first weeks have a roster if some rules need not be kept; None
    where that was not found out.
    """
    ended = RosterProgram(problem, range(weeks), [], clock, dropped=dropped).first(
        seed, effort=SHORT_EFFORT
    )
    return {"optimal": True, "feasible": True, "infeasible": False}.get(ended)
