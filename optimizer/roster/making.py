"""From duties to a roster."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from optimizer.base.text.formatting import number, plural
from optimizer.base.text.messages import message
from optimizer.base.work.listener import SILENT, Listener, stop_if_cancelled
from optimizer.roster.calendar import Slot, check_weeks, clock_notes, overlap_notes, slots_of
from optimizer.roster.infeasibility import (
    InfeasibilityReport,
    MoreCrews,
    NoRosterError,
    diagnose,
    impossible,
)
from optimizer.roster.model import Assignment, Duties, Duty, Gap, Roster, Worked
from optimizer.roster.solver import (
    Clock,
    EarlierShift,
    Pair,
    RosterProblem,
    RosterTask,
    balanced,
    completed,
    fewest_short,
    first_roster,
    with_gaps,
)
from optimizer.scenario.file.roster_model import Crew

TIME_LIMIT = 60.0
"""Seconds of search where nothing else is given."""

REPORT_EVERY = 2.0
"""Seconds between two messages on how a long search goes."""

REASON_SECONDS = 30.0
"""Seconds that the search for the rules that fail may take even where the time limit is spent."""

FILLING = 0.75
"""Share of the time for rosters with gaps; what is left of it, and the rest, is for balance."""


@dataclass
class _Filled:
    """A subproblem with a roster; `missing` people by task where gaps are allowed, and
    whether time ended the search for fewer.
    """

    subproblem: Subproblem
    pairs: tuple[Pair, ...]
    missing: dict[int, int]
    proven: bool = False
    cut: bool = False


def make_roster(
    duties: Duties,
    first: date,
    weeks: int,
    *,
    seed: int = 0,
    time_limit: float = TIME_LIMIT,
    allow_gaps: bool = False,
    before: Sequence[Worked] = (),
    listener: Listener = SILENT,
) -> Roster:
    """Assign crews to every duty of every shift, keeping every crew's rules and sharing
    hours, nights and weekends evenly.

    Parameters
    ----------
    duties
        Duties, shifts and crews.
    first
        First day.
    weeks
        1 to 26.
    seed
        Of the search, >= 0: the same seed gives the same roster, unless the time limit
        or Ctrl-C ended the search.
    time_limit
        Seconds for the whole roster. With `allow_gaps` each part (agencies that share
        no crew or duty) has its share, by its pairs of crew and duty; without, the
        search for the rules that fail may take `REASON_SECONDS` more.
    allow_gaps
        Where no roster fills every shift, make one that lacks few people and list what
        it lacks. Where the search ends before it knows, such a roster is made in any
        case, crew after crew.
    before
        The last shifts of the roster before, whose rest and days in a row go on.
    listener
        Told of each step, with the seconds left from time to time.

    Raises
    ------
    InputError
        If `weeks` is out of range.
    NoRosterError
        Naming the rule and the shift that fail.

    Ctrl-C ends the search; the best roster so far is returned.
    """
    check_weeks(weeks)
    began = time.monotonic()
    slots = slots_of(duties, first, weeks)
    search = _RosterSearch(time_limit, seed, allow_gaps, listener)
    try:
        asked = sum(len(slot.duties) for slot in slots)
        search.begin(
            f"counting {plural(len(duties.crews), 'crew')} and {plural(asked, 'duty', 'duties')}"
        )
        subproblems = subproblems_of(duties, slots, first, weeks, before)
        filled = search.fill(subproblems)
        limit = search.balance(filled)
    finally:
        search.end_step()
    proven = all(one.proven for one in filled)
    return Roster(
        duties=duties,
        first=first,
        weeks=weeks,
        assignments=_assignments(duties, filled),
        gaps=_gaps(filled),
        status="optimal" if proven else "feasible",
        limit=None if proven else limit,
        seconds=time.monotonic() - began,
        seed=seed,
        notes=(
            *_missing_notes(filled, asked, limit, allow_gaps=allow_gaps),
            *clock_notes(slots, duties.zone),
            *overlap_notes(duties),
        ),
    )


class _RosterSearch:
    """Fills all subproblems before it balances any, so that Ctrl-C finds a whole roster
    as early as can be.
    """

    def __init__(self, seconds: float, seed: int, allow_gaps: bool, listener: Listener) -> None:
        self._seconds = seconds
        self._seed = seed
        self._allow_gaps = allow_gaps
        self._listener = listener
        self._clock = Clock(time.monotonic() + seconds, self._tick)
        self._reasons: Clock | None = None
        self._doing, self._said = "", 0.0

    def end_step(self) -> None:
        """End the step under way."""
        if self._doing:
            self._listener.step_ended(self._doing, time.monotonic() - self._said)
            self._doing = ""

    def begin(self, doing: str) -> None:
        """End the step under way and begin another."""
        self.end_step()
        stop_if_cancelled(self._listener)
        self._doing, self._said = doing, time.monotonic()
        self._listener.step_started(doing)

    def _tick(self) -> None:
        if time.monotonic() - self._said >= REPORT_EVERY:
            self.begin(self._what() + f" ({self._clock.left:.0f} s left)")

    def fill(self, subproblems: Sequence[Subproblem]) -> list[_Filled]:
        """Return a roster of every subproblem."""
        reports = self._counted(subproblems)
        if reports and not self._allow_gaps:
            raise NoRosterError(
                *(self._cured(subproblems[k], report) for k, report in reports.items())
            )
        filled = []
        work = [
            1 + sum(len(task.travel) for task in subproblem.problem.tasks)
            for subproblem in subproblems
        ]
        filling = self._clock.part(FILLING) if self._allow_gaps else self._clock
        for k, subproblem in enumerate(subproblems):
            filling.interrupted |= self._clock.interrupted
            clock = filling.part(work[k] / sum(work[k:])) if self._allow_gaps else self._clock
            one: _Filled | None = None
            try:
                self.begin(
                    f"finding a roster{_which(subproblem, k, subproblems)} of {_size(subproblem)}"
                )
                if k not in reports and not (clock.interrupted and self._allow_gaps):
                    one = self._first(subproblem, reports, k, clock)
            except KeyboardInterrupt:  # between two solves
                self._clock.interrupted = clock.interrupted = True
                if not self._allow_gaps:
                    one = self._completed(subproblem, ())
            if one is not None:
                filled.append(one)
            elif self._allow_gaps:
                filled.append(self._short(subproblem, clock))
        if reports and not self._allow_gaps:
            raise NoRosterError(
                *(self._cured(subproblems[k], report) for k, report in reports.items())
            )
        return filled

    def _counted(self, subproblems: Sequence[Subproblem]) -> dict[int, InfeasibilityReport]:
        """Return the subproblems for which counting shows that there is no roster, and
        why; Ctrl-C ends the counting.
        """
        reports = {}
        try:
            for k, subproblem in enumerate(subproblems):
                if (report := impossible(subproblem, self._clock)) is not None:
                    reports[k] = report
        except KeyboardInterrupt:
            self._clock.interrupted = True
        return reports

    def _cured(self, subproblem: Subproblem, report: InfeasibilityReport) -> InfeasibilityReport:
        """Return a report with how many more crews would do, as far as the time for a
        reason tells.
        """
        self.begin("looking for how many crews would do")
        able = [crew for crew in subproblem.crews if report.duty.open_to(crew)]
        if not able:
            return report
        like = max(
            able,
            key=lambda crew: (
                sum(one.duty.open_to(crew) for one in subproblem.duties),
                crew.people,
            ),
        )
        cure = _more_crews(
            subproblem, like, self._patient_clock(), self._seed, confirmed=report.confirmed
        )
        return replace(report, cure=cure)

    def _first(
        self, subproblem: Subproblem, reports: dict[int, InfeasibilityReport], k: int, clock: Clock
    ) -> _Filled | None:
        """Return a subproblem with a roster; where there is none, note why unless gaps
        are allowed. These have half of the time.
        """
        outcome = first_roster(
            subproblem.problem, clock.part(0.5) if self._allow_gaps else clock, self._seed
        )
        if outcome.ended == "unknown":
            clock.interrupted |= outcome.limit == "interrupted"
            # with gaps a search for few of them follows
            return None if self._allow_gaps else self._completed(subproblem, outcome.pairs)
        if outcome.ended == "infeasible":
            if not self._allow_gaps:
                self.begin("looking for the rule that fails")
                reports[k] = diagnose(subproblem, outcome.weeks, self._patient_clock(), self._seed)
            return None
        return _Filled(subproblem, outcome.pairs, {})

    def _completed(self, subproblem: Subproblem, pairs: Sequence[Pair]) -> _Filled:
        """Return what there is where the search ended before it knew a roster."""
        self.begin(
            "filling what is left, crew after crew"
            f"{': ' + subproblem.name if subproblem.name else ''}"
        )
        found = completed(subproblem.problem, pairs)
        if not found.missing:
            return _Filled(subproblem, found.pairs, {})
        short = replace(subproblem, problem=with_gaps(subproblem.problem, found.pairs))
        return _Filled(short, found.pairs, found.missing, cut=True)

    def _short(self, subproblem: Subproblem, clock: Clock) -> _Filled:
        self.begin(
            f"finding a roster with few gaps{': ' + subproblem.name if subproblem.name else ''}"
        )
        found = fewest_short(subproblem.problem, subproblem.problem.weeks, clock, self._seed)
        assert found is not None  # noqa: S101 - without `until_first` there is one
        self._clock.interrupted |= clock.interrupted
        short = replace(subproblem, problem=with_gaps(subproblem.problem, found.pairs))
        return _Filled(short, found.pairs, found.missing, cut=found.cut)

    def _patient_clock(self) -> Clock:
        """Return the time for the reasons of all parts together: it may go beyond the
        time limit.
        """
        self._reasons = self._reasons or Clock(
            max(self._clock.until, time.monotonic() + REASON_SECONDS), self._tick
        )
        return self._reasons

    def _what(self) -> str:
        """Return the step under way, without the seconds that were left when it was last told."""
        return self._doing.partition(" (")[0]

    def balance(self, filled: Sequence[_Filled]) -> Literal["time", "interrupted"] | None:
        """Balance each subproblem in its share of the time left; return what ended it early."""
        limit: Literal["time", "interrupted"] | None = None
        for k, one in enumerate(filled):
            if self._clock.interrupted:
                return "interrupted"
            try:
                self.begin(f"balancing{_which(one.subproblem, k, filled)}")
                share = Clock(time.monotonic() + self._clock.left / (len(filled) - k), self._tick)
                outcome = balanced(one.subproblem.problem, one.pairs, share, self._seed)
            except KeyboardInterrupt:
                return "interrupted"
            one.pairs, one.proven = outcome.pairs, outcome.ended == "optimal"
            if share.interrupted:
                return "interrupted"
            limit = outcome.limit or limit
        return limit


MOST_MORE = 4096
"""Crews more beyond which nobody asks how many would do."""


def _more_crews(
    subproblem: Subproblem, like: Crew, clock: Clock, seed: int, *, confirmed: bool
) -> MoreCrews | None:
    """Return the least number of crews more, like one, with which there is a roster:
    doubled until there is one, then halved between.

    `confirmed` says whether counting shows that there is none without more.
    """
    too_few = 0
    enough = 0
    least = True
    more = 1
    while not enough or more > too_few:
        larger = _with_crews(subproblem, like, more)
        none = impossible(larger, clock) is not None
        ended = "infeasible" if none else first_roster(larger.problem, clock, seed).ended
        if ended == "infeasible":
            too_few, confirmed = more, none
        elif ended != "unknown":
            enough = more
        elif not enough:
            return None  # the time is over
        else:
            least = False
            break
        if not enough and more >= MOST_MORE:
            return None
        more = min(2 * more, MOST_MORE) if not enough else (too_few + enough) // 2
    return MoreCrews(like, enough, least and enough == too_few + 1, confirmed)


def _with_crews(subproblem: Subproblem, like: Crew, number: int) -> Subproblem:
    """Return a subproblem with so many more crews like one, without its leave; they
    have no shifts before the roster.
    """
    c, size = subproblem.crews.index(like), len(subproblem.crews)
    new = [
        like.model_copy(update={"id": f"{like.id}+{k}", "away": []}) for k in range(1, number + 1)
    ]
    tasks = tuple(
        (
            replace(
                task, travel={**task.travel, **{size + k: task.travel[c] for k in range(number)}}
            )
            if c in task.travel
            else task
        )
        for task in subproblem.problem.tasks
    )
    return replace(
        subproblem,
        problem=replace(subproblem.problem, crews=(*subproblem.crews, *new), tasks=tasks),
    )


def _size(subproblem: Subproblem) -> str:
    crews, tasks = len(subproblem.crews), len(subproblem.duties)
    return f"{plural(crews, 'crew')} for {plural(tasks, 'duty', 'duties')}"


def _which(subproblem: Subproblem, k: int, everything: Sequence[object]) -> str:
    number = f", part {k + 1} of {len(everything)}" if len(everything) > 1 else ""
    return number + (f": {subproblem.name}" if subproblem.name else "")


def _assignments(duties: Duties, filled: Sequence[_Filled]) -> tuple[Assignment, ...]:
    made = [
        _assignment(duties, one.subproblem.crews[crew], one.subproblem.duties[task])
        for one in filled
        for crew, task in one.pairs
    ]
    order = {crew.id: position for position, crew in enumerate(duties.crews)}
    return tuple(
        sorted(made, key=lambda a: (a.start.timestamp(), a.shift.id, a.duty.id, order[a.crew.id]))
    )


def _assignment(duties: Duties, crew: Crew, where: SlotDuty) -> Assignment:
    slot, duty = where.slot, where.duty
    travel = timedelta(minutes=duty.travel_of(crew))
    zone = duties.zone_of(crew.base)
    return Assignment(
        day=slot.day,
        shift=slot.shift,
        crew=crew,
        duty=duty,
        start=where.start.astimezone(zone),
        end=where.end.astimezone(zone),
        leave=(where.start - travel).astimezone(zone),
        back=(where.end + travel).astimezone(zone),
        base=duty.base_of(crew),
    )


def _gaps(filled: Sequence[_Filled]) -> tuple[Gap, ...]:
    lacking = [
        (one.subproblem.duties[task], missing)
        for one in filled
        for task, missing in one.missing.items()
    ]
    lacking.sort(key=lambda pair: (pair[0].start, pair[0].duty.id))
    return tuple(
        Gap(where.slot.day, where.slot.shift, where.duty, missing) for where, missing in lacking
    )


def _missing_notes(
    filled: Sequence[_Filled], asked: int, limit: str | None, *, allow_gaps: bool
) -> list[str]:
    """Return a sentence on what the whole roster lacks, and one where time or Ctrl-C
    ended the search for less.
    """
    lacking = {one.subproblem.name: sum(one.missing.values()) for one in filled if one.missing}
    if not lacking:
        return []
    where = ", ".join(f"{name} {number(people, 6)}" for name, people in lacking.items() if name)
    said = message(
        "People missing: {people}, in {gaps} of {asked} duties{where}.",
        people=sum(lacking.values()),
        gaps=sum(len(one.missing) for one in filled),
        asked=asked,
        where=f" ({where})" if where else "",
    )
    ends = {
        (True, True): message("Ctrl-C ended the search for a roster that lacks fewer."),
        (True, False): message(
            "The time limit ended the search for a roster that lacks fewer: give it more with"
            " --time-limit."
        ),
        (False, True): message(
            "Ctrl-C ended the search, and whether a roster fills every shift is not known. Let it"
            " run longer, or look for one that lacks fewer with --allow-gaps."
        ),
        (False, False): message(
            "The time limit ended the search, and whether a roster fills every shift is not known."
            " Give it more with --time-limit, or look for one that lacks fewer with --allow-gaps."
        ),
    }
    cut = any(one.cut for one in filled)
    return [said, ends[allow_gaps, limit == "interrupted"]] if cut else [said]


@dataclass(frozen=True, slots=True)
class SlotDuty:
    """A duty in one shift of one day."""

    slot: Slot
    duty: Duty

    @property
    def start(self) -> datetime:
        """When it begins (UTC): with the shift, or later."""
        return self.slot.start + timedelta(minutes=self.duty.later)

    @property
    def end(self) -> datetime:
        """When it ends (UTC)."""
        return self.slot.end + timedelta(minutes=self.duty.later)


@dataclass(frozen=True)
class Subproblem:
    """Crews and duties that no other crew or duty touches."""

    #: Its agencies, for messages.
    name: str
    #: What each of `problem.tasks` is.
    duties: tuple[SlotDuty, ...]
    #: What the solver reads.
    problem: RosterProblem

    @property
    def crews(self) -> tuple[Crew, ...]:
        """The crews."""
        return self.problem.crews


def subproblems_of(
    duties: Duties, slots: Sequence[Slot], first: date, weeks: int, before: Sequence[Worked] = ()
) -> list[Subproblem]:
    """Split a horizon into subproblems that can be solved alone.

    Parameters
    ----------
    duties
        Everything there is.
    slots
        The horizon's shifts, in order of time.
    first, weeks
        The horizon.
    before
        What crews did just before it; shifts of crews that are no more are left out.
    """
    asked = {duty.id: duty for slot in slots for duty in slot.duties}
    able = {
        duty.id: [c for c, crew in enumerate(duties.crews) if duty.open_to(crew)]
        for duty in asked.values()
    }
    group = _groups(able)
    subproblems = []
    for root in sorted(set(group.values())):
        mine = [
            SlotDuty(slot, duty) for slot in slots for duty in slot.duties if group[duty.id] == root
        ]
        crews = sorted({c for one in mine for c in able[one.duty.id]})
        subproblems.append(
            _subproblem(tuple(mine), tuple(duties.crews[c] for c in crews), first, weeks, before)
        )
    return subproblems


def _groups(able: dict[str, list[int]]) -> dict[str, str]:
    """Return for each duty the first of the duties that it is tied to by crews who may do both."""
    duties_of: defaultdict[int, list[str]] = defaultdict(list)
    for duty, crews in able.items():
        for crew in crews:
            duties_of[crew].append(duty)
    group: dict[str, str] = {}
    for first in sorted(able):
        stack = [] if first in group else [first]
        while stack:
            duty = stack.pop()
            if duty not in group:
                group[duty] = first
                stack += [
                    other for crew in able[duty] for other in duties_of[crew] if other not in group
                ]
                for crew in able[duty]:
                    duties_of[crew] = []
    return group


def _subproblem(
    asked: tuple[SlotDuty, ...],
    crews: tuple[Crew, ...],
    first: date,
    weeks: int,
    before: Sequence[Worked],
) -> Subproblem:
    asked_of = {one.duty.id: one.duty for one in asked}
    minutes = {  # the same table on every day: with many crews it is what is large
        name: {c: duty.travel_of(crew) for c, crew in enumerate(crews) if duty.open_to(crew)}
        for name, duty in asked_of.items()
    }
    tasks = tuple(
        RosterTask(
            start=_minutes(one.start),
            end=_minutes(one.end),
            day=one.slot.index,
            staff=one.duty.staff,
            night=one.slot.night,
            weekend=one.slot.weekend,
            travel=minutes[one.duty.id],
        )
        for one in asked
    )
    agencies = sorted({duty.agency for duty in (one.duty for one in asked) if duty.agency})
    position = {crew.id: c for c, crew in enumerate(crews)}
    earlier = tuple(
        EarlierShift(
            position[one.crew], (one.date - first).days, _minutes(one.leave), _minutes(one.back)
        )
        for one in before
        if one.crew in position
    )
    return Subproblem(
        ", ".join(agencies), asked, RosterProblem(crews, tasks, first, weeks, earlier)
    )


def _minutes(moment: datetime) -> int:
    """Return minutes since 1970."""
    return round(moment.timestamp() / 60)
