"""What of a plan rests on the seizure record, and what on gravity, assumed masses and
roads.

The problem is solved again for records that cannot know where the risk is: the places
of the record are permuted, its size and its rates stay. A site that such plans keep is
not the record's. It is also solved by gravity alone, for half and twice the record, and
for the record as it is, which tells how much of a change is the search's own.

Seizures and effort of a place move together, so that each place keeps what was found
there per effort; what moves is where it lies. Places that the same units of effort
searched are exchanged with each other: roads of one sector for those of another, and no
port for a sector. An area in which seizures or effort have points stays, and points
within it are exchanged with each other alone.

`record_support` takes a fit of the risk model and a search for each record.
`quick_support`, for the report, takes one search, by gravity, and no fit: effort counts
as the fit to the record itself has it, and the other plans are local searches. They may
find nothing though there are better plans. So a site counts as one of assumed flows
only where going without it costs more than the search by gravity leaves open.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem, ProblemList, SolverError
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.text.formatting import DASH, ValueText, number, percent, plain
from optimizer.base.text.language import ENGLISH, counted
from optimizer.base.text.language import gettext as _
from optimizer.base.text.messages import message, shortened, translated
from optimizer.base.work.aside import Aside
from optimizer.base.work.executor import LEAST_SECONDS, SERIAL, Executor
from optimizer.base.work.listener import (
    SILENT,
    Listener,
    OnlyCancels,
    Stopping,
    step,
    stop_if_cancelled,
)
from optimizer.base.work.tasks import Task, TaskCall
from optimizer.base.work.work_clock import limited, work_seconds
from optimizer.plans.display_names import row_name
from optimizer.plans.plan_folder import KnownPlan, PlanFolder, made_of
from optimizer.problem.files.plan_file import RestsOn
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.result import relative_gap, tolerance_of
from optimizer.records.model import Effort, LocatedRecords, Seizures
from optimizer.report.answer import Answer, AnswerFiles, AnswerTable, ShortPage, write_answer
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.demand.source_measures import with_travel
from optimizer.scenario.demand.stages import ScenarioEvidence
from optimizer.scenario.demand.travel import ScenarioTravel, scenario_travel, travel_by
from optimizer.solvers.branch_and_cut.improve.local_search import (
    complete_plan,
    local_search,
    ruin_and_recreate,
)
from optimizer.solvers.branch_and_cut.paths.commodities import Commodities
from optimizer.solvers.branch_and_cut.paths.path_pool import PathPool, PooledValues
from optimizer.solvers.overlay.overlay import Overlay, contract
from optimizer.solvers.params import HeuristicParams, SolveOptions
from optimizer.solvers.place import place

Mask: TypeAlias = NDArray[np.bool_]
Place: TypeAlias = int | str
"""A segment of the network by number, or an area by name."""

Table = TypeVar("Table", bound="LocatedRecords")

RECORD = AnswerFiles("explain --record", ("record.json", "record.csv", "record.html"))

GRAVITY = "gravity"
PERMUTED = "permuted"
AS_IT_IS = "as it is"
HALVED = "halved"
DOUBLED = "doubled"

PERMUTATIONS = 4
"""Records with permuted places for a report."""
QUICK_RUINS = 60
"""Ruins in a row without a better plan after which one of its searches ends: with 30
many plans stay as they are (results/rio-grande.md).
"""
QUICK_SECONDS = 10.0
"""Work of its ruins, and of the search by gravity, at most."""
ASIDE = 10_000_000
"""Arcs times evaders from which on half of them are made in another process, whose
start takes one to two seconds.
"""


@dataclass(frozen=True, eq=False)
class OtherRecord:
    """The best plan found where the record says something else."""

    #: `gravity`, `permuted`, `as it is`, `halved` or `doubled`.
    kind: str
    #: (options,) mask of it.
    placed: Mask
    #: `lower`, `upper`: Proven bound and value of the best plan there.
    lower: float
    upper: float
    #: What gets through under it by the record as it is.
    value: float


@dataclass(frozen=True)
class RecordSupport:
    """Which sites of a plan rest on the record."""

    #: The plan.
    known: KnownPlan
    #: Positions of the options that it chose: neither beats nor what must be used.
    sites: tuple[int, ...]
    #: The plans for other records, as far as they were made.
    others: tuple[OtherRecord, ...]
    #: How many were to be made.
    asked: int
    #: Why some could not be, a sentence each.
    faults: tuple[str, ...]
    #: Of each search, twice as many by gravity where that is a whole search; None
    #: without a limit.
    seconds: float | None
    #: Sites that all plans have and that are not told all the same: a plan without one
    #: is nearly as good, as far as searches tell.
    loose: frozenset[int] = frozenset()

    #: Gap of the search by gravity.
    left: float = 0.0

    def of(self, kind: str) -> tuple[OtherRecord, ...]:
        """Return the plans for one kind of record."""
        return tuple(other for other in self.others if other.kind == kind)

    @property
    def blind(self) -> tuple[OtherRecord, ...]:
        """The plans that do not know where the record has its seizures: with its places
        permuted, and by gravity alone.
        """
        return tuple(other for other in self.others if other.kind in {PERMUTED, GRAVITY})

    def kept(self, site: int) -> int:
        """Return how many of those use the site of an option."""
        return sum(self.uses(other, site) for other in self.blind)

    def changed(self, other: OtherRecord) -> int:
        """Return how many sites of the plan another plan has not."""
        return sum(not self.uses(other, site) for site in self.sites)

    def rests_on(self, site: int) -> RestsOn | None:
        """Return what a site rests on; None where the plans do not tell, or a further
        search by the same record has it not either.
        """
        made = all(self.of(kind) for kind in (PERMUTED, GRAVITY, AS_IT_IS))
        if not made or not all(self.uses(other, site) for other in self.of(AS_IT_IS)):
            return None
        kept = self.kept(site)
        everywhere = kept == len(self.blind) and site not in self.loose
        return "record" if not kept else "gravity" if everywhere else None

    @property
    def kept_by_all(self) -> tuple[int, ...]:
        """The sites that every plan has which does not know the places of seizures."""
        return tuple(site for site in self.sites if self.kept(site) == len(self.blind))

    @property
    def tells_nothing(self) -> bool:
        """Whether no site is told, whatever further plans have: some plans have it and
        others not, or all have it and one without it may be as good.
        """
        told = {site for site in self.kept_by_all if site not in self.loose}
        return not told and all(self.kept(site) for site in self.sites)

    @property
    def by_option(self) -> dict[str, RestsOn | None]:
        """The same for each site, by the id of its option."""
        return {self.known.instance.options[site].id: self.rests_on(site) for site in self.sites}

    def on(self, what: RestsOn | None) -> tuple[int, ...]:
        """Return the sites that rest on it; of None those of which that is not known."""
        return tuple(site for site in self.sites if self.rests_on(site) == what)

    def uses(self, other: OtherRecord, site: int) -> bool:
        """Return whether a plan has an option, or another kind at its place."""
        return bool((other.placed & _at_place(self.known.instance, site)).any())


@dataclass(frozen=True, eq=False)
class _RecordTerms:
    evidence: ScenarioEvidence
    known: KnownPlan
    asked: SolveOptions
    """Of a search; one by gravity has twice the time."""


def record_support(
    folder: str | os.PathLike[str],
    *,
    permutations: int = 4,
    gap: float = 1e-4,
    time_limit: float | None = 300.0,
    seed: int = 0,
    params: Mapping[str, Any] | None = None,
    skip_unreachable: bool = False,
    executor: Executor = SERIAL,
    listener: Listener = SILENT,
) -> RecordSupport:
    """Solve the problem of a plan folder again for other records: permuted, none, half,
    twice.

    The search by gravity begins from nothing, the others from the plan, those with
    permuted places from the plan by gravity too. A site goes only where a better plan
    was found. Ctrl-C ends the series; what is solved so far is kept.

    Parameters
    ----------
    folder
        As `plan` writes it; its scenario and the files that this names must be as they
        were.
    permutations
        How many records with permuted places, >= 1.
    gap, seed, params
        Relative gap at which each search stops; seed of searches and permutations;
        parameters of the search to set anew.
    time_limit
        Seconds of all searches together, shared evenly; None for no limit. The fits of
        the risk model come on top.
    skip_unreachable
        Leave out evaders without a path.
    executor
        Who solves.
    listener
        Told of each step.

    Raises
    ------
    InputError
        If the folder holds no plan with its instance and scenario, a file has changed
        since, a number is out of range, or the plan takes nothing from a record.
    """
    problems = ProblemList()
    if permutations < 1:
        problems.add("record", str(permutations), "at least 1 record with permuted places")
    if time_limit is not None and not time_limit > 0:
        problems.add("time limit", str(time_limit), "a number of seconds above 0")
    problems.raise_if_any()
    with step(listener, f"reading {folder}"):
        opened = PlanFolder(folder, skip_unreachable=skip_unreachable)
        known, search_params = opened.known, opened.search_params(params)
        evidence = read_evidence(
            opened.scenario_told(listener.noted, as_made=True),
            settings=opened.settings,
            skip_unreachable=skip_unreachable,
        )
    _check(opened, evidence)
    tasks = [
        Task(GRAVITY, (GRAVITY, 0), size=2),
        *(
            Task(f"{PERMUTED} {k}", (PERMUTED, k), after=(GRAVITY,))
            for k in range(1, permutations + 1)
        ),
        *(Task(kind, (kind, 0)) for kind in (AS_IT_IS, HALVED, DOUBLED)),
    ]
    seconds = (
        None
        if time_limit is None
        else max(time_limit / sum(task.size for task in tasks), LEAST_SECONDS)
    )
    found: list[OtherRecord] = []
    faults: list[str] = []
    shared = _RecordTerms(
        evidence, known, SolveOptions("auto", gap, seconds, seed, 1, params=search_params)
    )
    for ended in executor.run(plan_otherwise, tasks, shared=shared, listener=listener):
        if ended.error is None:
            found.append(ended.result)
        else:
            faults.append(
                message(
                    "{what} could not be solved: {fault}", what=ended.task.key, fault=ended.fault
                )
            )
    return RecordSupport(known, _sites(known), tuple(found), len(tasks), tuple(faults), seconds)


def _sites(known: KnownPlan) -> tuple[int, ...]:
    """Return the options that a plan chose: neither beats nor what must be used."""
    beats = {beat.id for beat in known.plan.beats}
    chosen = np.flatnonzero(known.placed & ~known.instance.forced).tolist()
    return tuple(j for j in chosen if known.instance.options[j].id not in beats)


def _check(opened: PlanFolder, evidence: ScenarioEvidence) -> None:
    """Refuse a plan whose files have changed, or which takes nothing from a record."""
    where, weights = str(evidence.path), evidence.scenario.evaders.weights
    if changed := opened.changed_inputs(evidence.inputs):
        found = f"files that have changed since the plan was made: {shortened(changed)}"
        raise InputError(
            Problem(str(opened.path), found, "the files that it was made of", "Plan again")
        )
    if evidence.records is None or not len(evidence.records):
        found, remedy = (
            "no seizures",
            "Everything rests on gravity, assumed masses and roads: nothing need be asked",
        )
        raise InputError(Problem(f"{where}, records", found, "a record of seizures", remedy))
    if weights == "gravity":
        remedy = "Nothing of this plan rests on the record: nothing need be asked"
        expected = "weights from the record: record or gateways"
        raise InputError(Problem(f"{where}, evaders, weights", repr(weights), expected, remedy))
    if not can_exchange(evidence):
        raise InputError(
            Problem(
                f"{where}, records", "no two places that could be exchanged", "at least two places"
            )
        )


def plan_otherwise(call: TaskCall) -> OtherRecord:
    """Return the best plan where the record says something else: the plan as it is
    where none was found that is better there.
    """
    shared, (kind, draw) = call.shared, call.task.argument
    known: KnownPlan = shared.known
    instance, asked = known.instance, shared.asked
    if kind != AS_IT_IS:
        with Stopping(call.listener, breakable=True):
            travel = scenario_travel(
                otherwise(shared.evidence, kind, np.random.default_rng([asked.seed, draw]))
            )
            instance = with_travel(instance, travel)
    # A plan made without the record must not begin from one that was made with it.
    starts = (
        ()
        if kind == GRAVITY
        else (known.placed, *(other.placed for other in call.earlier if other is not None))
    )
    seconds = None if asked.time_limit is None else asked.time_limit * call.task.size
    result = place(
        instance, replace(asked, time_limit=seconds), starts=starts, listener=call.listener
    )
    placed = known.placed if result.plan is None else instance.placed(result.plan.options)
    own, upper = (plan_value(instance, mask) for mask in (known.placed, placed))
    return better_there(known, kind, placed, own, upper, asked.gap, result.lower or 0.0)


def better_there(
    known: KnownPlan,
    kind: str,
    placed: Mask,
    own: float,
    upper: float,
    gap: float,
    lower: float = 0.0,
) -> OtherRecord:
    """Return what a search found by another record, or the plan as it is where that is
    not better there; both values are by that record.
    """
    if own - upper <= tolerance_of(gap) * own:
        return OtherRecord(kind, known.placed, lower, own, known.value)
    return OtherRecord(kind, placed, lower, upper, plan_value(known.instance, placed))


def quick_support(
    known: KnownPlan,
    travel: ScenarioTravel,
    *,
    permutations: int = PERMUTATIONS,
    gap: float = 1e-4,
    ruins: int = QUICK_RUINS,
    seed: int = 0,
    threads: int = 1,
    listener: Listener = SILENT,
) -> RecordSupport | None:
    """Ask the same without fits: by gravity, for permuted records and for the record as
    it is.

    The plan by gravity comes of a search that begins from nothing, each other one of
    local searches and of ruins around the best of the plan itself and of what was found
    for the other records. Where going without a site would cost no more than the search
    by gravity leaves open, it is not told that it rests on assumed flows. Where that
    holds for every site that all plans so far have, and each of the others is in some of
    them, no other record is asked: no site could be told.

    Parameters
    ----------
    known
        The plan.
    travel
        Who travels by the record.
    permutations, gap, seed
        As in `record_support`.
    ruins
        After how many in a row without a better plan each search ends.
    threads
        Processes: with two or more, half of the plans of a large problem are made in
        another one. They are the same but for searches that `QUICK_SECONDS` end.
    listener
        Told of each record; one that cancels ends the series.

    Returns
    -------
    What rests on what; None where no flows explain a record with two places that could be exchanged.
    """
    if travel.record.flows is None or not can_exchange(travel.evidence):
        return None
    kinds = [
        (GRAVITY, 0),
        *((PERMUTED, draw) for draw in range(1, permutations + 1)),
        (AS_IT_IS, 0),
    ]
    half = len(kinds) // 2

    def around(turns: range, before: Sequence[_FoundThere] = ()) -> list[_FoundThere]:
        return searched_around(
            known, travel, kinds, turns, gap, ruins, seed, listener, before=before
        )

    with ExitStack() as stack:
        aside = None
        if threads > 1 and known.instance.tail.size * len(known.instance.evaders) >= ASIDE:
            rest = range(half, len(kinds))
            with _alone(listener):
                aside = stack.enter_context(
                    Aside(searched_around, known, travel, kinds, rest, gap, ruins, seed)
                )
        best_there: list[_FoundThere] = []
        for turn in range(half):
            best_there += around(range(turn, turn + 1), best_there)
            so_far = _judged(known, best_there, len(kinds), gap, listener)
            if so_far.tells_nothing:
                return so_far
        if aside is not None:
            with _alone(listener), step(listener, "other records, in another process"):
                best_there += aside.result(listener)
    if len(best_there) == half:
        best_there += around(range(half, len(kinds)))
    return _judged(known, best_there, len(kinds), gap, listener)


@contextmanager
def _alone(listener: Listener) -> Iterator[None]:
    """Say that there is no other process, or no longer, and go on without."""
    try:
        yield
    except SolverError as error:
        listener.noted(f"What rests on the record is told by one process alone: {error}")


def _judged(
    known: KnownPlan,
    best_there: Sequence[_FoundThere],
    asked: int,
    gap: float,
    listener: Listener,
) -> RecordSupport:
    """Return what the plans found by other records, that by gravity first, say of the
    sites of a plan.
    """
    plans, found = [known.placed, *(each.placed for each in best_there)], []
    for each in best_there:
        stop_if_cancelled(listener)
        overlay = each.overlay
        best = min((each.placed, *plans), key=overlay.value)
        # a plan found for one record may be better for another than what was found
        # there
        if best is not each.placed:
            best = local_search(
                *_searchable(known.instance, overlay), best, listener=OnlyCancels(listener)
            )
        own, upper = overlay.value(known.placed), overlay.value(best)
        found.append(better_there(known, each.kind, best, own, upper, gap, each.lower))
    support = RecordSupport(known, _sites(known), tuple(found), asked, (), None)
    left = relative_gap(found[0].lower, found[0].upper) or 0.0
    loose: set[int] = set()
    for each, other in zip(best_there, found, strict=True):
        stop_if_cancelled(listener)
        if other in support.blind:
            firm = [site for site in support.kept_by_all if site not in loose]
            loose |= _done_without(known.instance, each.overlay, other, firm, left, listener)
    return replace(support, loose=frozenset(loose), left=left)


def _done_without(
    instance: Instance,
    overlay: Overlay,
    other: OtherRecord,
    sites: Sequence[int],
    left: float,
    listener: Listener = SILENT,
) -> set[int]:
    """Return the sites of a plan that can be given up, and others taken with their
    budget, at a cost of at most a share of its value.
    """
    _, _, pooled = _searchable(instance, overlay)
    found = set()
    for site in sites:
        stop_if_cancelled(listener)
        here = _at_place(instance, site)
        options = tuple(
            replace(o, forbidden=True) if h else o
            for o, h in zip(instance.options, here, strict=True)
        )
        pooled.refresh(other.placed & ~here)
        without = complete_plan(replace(instance, options=options), pooled, other.placed & ~here)
        if overlay.value(without) <= other.upper * (1 + left):
            found.add(site)
    return found


def _at_place(instance: Instance, site: int) -> Mask:
    """Return which options are the one of a site, or other kinds at its place."""
    place = instance.options[site].site
    return np.array(
        [j == site or option.site == place != "" for j, option in enumerate(instance.options)]
    )


@dataclass(frozen=True, eq=False)
class _FoundThere:
    """The problem by a record of a kind, contracted, with the best plan found there and
    a proven bound, 0 where none was asked for.
    """

    kind: str
    overlay: Overlay
    placed: Mask
    lower: float


def searched_around(
    known: KnownPlan,
    travel: ScenarioTravel,
    kinds: Sequence[tuple[str, int]],
    turns: range,
    gap: float,
    ruins: int,
    seed: int,
    listener: Listener = SILENT,
    before: Sequence[_FoundThere] = (),
) -> list[_FoundThere]:
    """Return what is found for the kinds at `turns` around a plan and those found
    `before`, by gravity from nothing as well.
    """
    plans = [known.placed, *(each.placed for each in before)]
    found = []
    quiet = OnlyCancels(listener)
    params = HeuristicParams(most_ruins=ruins)
    once = SolveOptions(gap=gap, time_limit=QUICK_SECONDS, seed=seed, threads=1)
    for turn in turns:
        kind, draw = kinds[turn]
        stop_if_cancelled(listener)
        with step(listener, f"another record, {turn + 1} of {len(kinds)}"):
            instance = known.instance
            if kind != AS_IT_IS:
                other = otherwise(travel.evidence, kind, np.random.default_rng([seed, draw]))
                instance = with_travel(instance, travel_by(travel, other))
            overlay, lower = contract(instance), 0.0
            problem = _searchable(instance, overlay)
            if kind == GRAVITY:
                with limited(math.inf, QUICK_SECONDS):
                    whole = place(instance, once, overlay=overlay, listener=quiet)
                lower = whole.lower or 0.0
                plans += [] if whole.plan is None else [instance.placed(whole.plan.options)]
            best = local_search(*problem, min(plans, key=overlay.value), listener=quiet)
            rng, until = np.random.default_rng(seed), work_seconds() + QUICK_SECONDS
            ruined = ruin_and_recreate(
                *problem, best, rng=rng, until=until, listener=quiet, params=params
            )
            if (ruined != best).any():
                ruined = local_search(*problem, ruined, listener=quiet)
            plans.append(ruined)
            found.append(_FoundThere(kind, overlay, ruined, lower))
    return found


def _searchable(instance: Instance, overlay: Overlay) -> tuple[Instance, Overlay, PooledValues]:
    commodities = Commodities.of(overlay)
    return instance, overlay, PooledValues(commodities, PathPool(overlay, commodities.searches))


def otherwise(evidence: ScenarioEvidence, kind: str, rng: np.random.Generator) -> ScenarioEvidence:
    """Return what a scenario's files would say with another record."""
    records, effort = evidence.records, evidence.effort
    assert records is not None  # noqa: S101 - checked before
    if kind == GRAVITY:
        by_gravity = {"weights": "gravity"}
        demand = replace(evidence.demand, terms=evidence.demand.terms.model_copy(update=by_gravity))
        evaders = evidence.scenario.evaders.model_copy(update=by_gravity)
        return replace(
            evidence,
            scenario=evidence.scenario.model_copy(update={"evaders": evaders}),
            demand=demand,
        )
    if kind == PERMUTED:
        records, effort = permuted(records, effort, rng)
        return replace(evidence, records=records, effort=effort)
    factor = 0.5 if kind == HALVED else 2.0
    whole = np.floor(records.count + rng.random(records.count.size)).astype(
        np.int64
    )  # a part of a seizure is one by chance
    count = rng.binomial(whole, 0.5) if kind == HALVED else records.count * factor
    records = replace(records, count=count.astype(np.float64)).take(count > 0)
    return replace(
        evidence,
        records=records,
        effort=None if effort is None else replace(effort, amount=effort.amount * factor),
    )


def permuted(
    records: Seizures, effort: Effort | None, rng: np.random.Generator
) -> tuple[Seizures, Effort | None]:
    """Return a record whose places are exchanged with each other; seizures and effort
    of a place move together.

    Parameters
    ----------
    records, effort
        The record.
    rng
        Of the permutation.
    """
    to: dict[Place, Place] = {}
    for places in exchanged_places(records, effort):
        order = rng.permutation(len(places))
        while len(places) > 1 and (order == np.arange(len(places))).all():
            order = rng.permutation(len(places))
        to |= {place: places[k] for place, k in zip(places, order.tolist(), strict=True)}
    return _moved(records, to), None if effort is None else _moved(effort, to)


def can_exchange(evidence: ScenarioEvidence) -> bool:
    """Return whether a record has two places that a permutation could exchange."""
    records, effort = evidence.records, evidence.effort
    return records is not None and any(
        len(places) > 1 for places in exchanged_places(records, effort)
    )


def exchanged_places(records: Seizures, effort: Effort | None) -> list[list[Place]]:
    """Return the groups of places within which a permutation exchanges: those that the
    same units of effort searched.
    """
    searched: defaultdict[Place, set[str]] = defaultdict(set)
    inside: defaultdict[str, set[int]] = defaultdict(set)
    for table in (records,) if effort is None else (records, effort):
        for row in np.unique(
            np.stack((table.segment, table.area, table.source)), axis=1
        ).T.tolist():
            segment, area, source = row
            place: Place = segment if segment >= 0 else table.area_name[area]
            searched[place] |= (
                {effort.unit[source]} if table is effort and effort is not None else set()
            )
            if segment < 0:
                inside[table.area_name[area]] = set(table.area_segment[area].tolist())
    points = {place for place in searched if isinstance(place, int)}
    held = {name: inside[name] for name in inside if inside[name] & points}
    for segment in set[int]().union(*held.values()):  # the area's effort was on all of its roads
        searched.setdefault(segment, set())
    groups: defaultdict[tuple[object, ...], list[Place]] = defaultdict(list)
    for place, units in searched.items():
        if isinstance(place, int):
            groups[
                "point", frozenset(units), frozenset(name for name in held if place in held[name])
            ].append(place)
        elif place not in held:
            groups["area", frozenset(units)].append(place)
    return list(groups.values())


def _moved(table: Table, to: Mapping[Place, Place]) -> Table:
    """Return records at other places."""
    number_of = {name: k for k, name in enumerate(table.area_name)}
    area = np.array(
        [number_of[str(to.get(name, name))] for name in table.area_name] or [-1], dtype=np.int64
    )
    segments = [
        int(to.get(segment, segment)) if segment >= 0 else -1 for segment in table.segment.tolist()
    ]
    at_area = np.where(table.area >= 0, area[table.area], -1)
    return replace(table, segment=np.array(segments, dtype=np.int64), area=at_area)


# What people read of it.
def support_sentences(found: RecordSupport) -> tuple[str, ...]:
    """Return which sites rest on the record and which do not, what the record is worth,
    and what was not solved.
    """
    said: list[str] = []
    if found.of(PERMUTED) and found.sites:
        said += _rests(found)
    said += [_worth(found, other) for other in found.of(GRAVITY)]
    changes = [found.of(kind) for kind in (HALVED, DOUBLED, AS_IT_IS)]
    if all(changes):
        half, twice, own = (number(found.changed(each[0])) for each in changes)
        said.append(
            _(
                "Half the record changes {half} of the sites, twice the record {twice}; a further"
                " search with the record as it is changes {own}, which is the search's own."
            ).format(half=half, twice=twice, own=own)
        )
    gaps = [(other.upper - other.lower) / other.upper for other in found.others if other.upper > 0]
    if gaps:
        said.append(
            _(
                "A site goes only where a better plan was found: all searches but that by gravity"
                " begin from this plan. The widest gap to a proven bound at the end of one was"
                " {gap}; more --time-limit looks further."
            ).format(gap=percent(max(gaps), 0))
        )
    said += [f"{translated(fault).rstrip('.')}." for fault in found.faults]
    if missing := found.asked - len(found.others) - len(found.faults):
        stopped = _("{missing} of {asked} plans were not made: the series was stopped.")
        said.append(stopped.format(missing=number(missing), asked=number(found.asked)))
    return tuple(said)


def rests_sentence(found: RecordSupport) -> str:
    """Return how many sites rest on the record and on gravity, and of how many that is not told."""
    sites, untold = counted("{count} site", "{count} sites", len(found.sites)), len(found.on(None))
    if found.sites and untold == len(found.sites):
        none = _(
            "For none of {sites} could the searches tell whether it rests on the record of"
            " seizures, or on where loads are assumed to enter and go."
        )
        return none.format(sites=sites)
    said = _(
        "Of {sites} {record} on the record of seizures, {gravity} on where loads are assumed to"
        " enter and go."
    ).format(
        sites=sites,
        record=counted(
            "{count} is found to rest", "{count} are found to rest", len(found.on("record"))
        ),
        gravity=number(len(found.on("gravity"))),
    )
    return (
        f"{said} " + _("For {untold} the searches could not tell.").format(untold=number(untold))
        if untold
        else said
    )


def how_told(found: RecordSupport) -> str:
    """Return by which plans that is told, or why it is not."""
    if found.tells_nothing and len(found.others) < found.asked:
        return _(
            "Each of these sites is in some of {blind} plans made without its places and missing in"
            " others, or going without it costs less than the {left} that a short search by assumed"
            " flows alone leaves open. Further plans could not tell more."
        ).format(blind=number(len(found.blind)), left=percent(found.left))
    return _(
        "A site rests on the record where none of {blind} plans made without its places has it"
        " ({permuted} with places of the record exchanged, the others by assumed flows alone), on"
        " assumed flows where all have it. It is not told where some have it, where a further"
        " search by the same record goes without it, or where going without it costs less than"
        " short searches leave open."
    ).format(blind=number(len(found.blind)), permuted=number(len(found.of(PERMUTED))))


def _rests(found: RecordSupport) -> Iterator[str]:
    yield rests_sentence(found)
    yield how_told(found)
    if none := found.on("record"):
        names = translated(shortened([_label(found, site) for site in none]))
        yield _("On the record: {names}.").format(names=names)


def _worth(found: RecordSupport, other: OtherRecord) -> str:
    value, values = found.known.value, ValueText.of(found.known.instance.weight)
    if (other.placed == found.known.placed).all():
        return _(
            "By gravity alone no better plan than this one was found: nothing shows that the record"
            " is worth anything here."
        )
    if other.value <= value * (1 + 1e-9):
        said = _(
            "A plan made without the record is as good by the record itself: {without} gets"
            " through, {value} under this plan."
        )
        return said.format(without=values.value(other.value), value=values.value(value))
    return _(
        "Under a plan made without the record {without} gets through by the record itself, {value}"
        " under this plan: the record is worth {worth}."
    ).format(
        without=values.value(other.value),
        value=values.value(value),
        worth=values.points(other.value - value),
    )


def _label(found: RecordSupport, site: int) -> str:
    option = found.known.instance.options[site]
    return row_name(option) or plain(option.id)


def support_content(found: RecordSupport) -> dict[str, Any]:
    """Return the answer as an object of JSON."""
    options, blind = found.known.instance.options, found.blind
    return {
        "value": found.known.value,
        "asked": found.asked,
        "plans": [
            {
                "record": other.kind,
                "lower": other.lower,
                "upper": other.upper,
                "value": other.value,
                "options": list(found.known.instance.ids_of(other.placed)),
            }
            for other in found.others
        ],
        "sites": [
            {
                "option": options[j].id,
                "rests_on": found.rests_on(j),
                "kept": found.kept(j),
                "plans": len(blind),
            }
            for j in found.sites
        ],
        "sentences": list(support_sentences(found)),
    }


def write_support(folder: OutputFolder, found: RecordSupport, language: str = ENGLISH) -> None:
    """Write record.json, record.csv and record.html, all or none; the page is in the
    language.

    Raises
    ------
    InputError
        If there are no texts in that language, or the folder cannot be written.
    """
    content: dict[str, Any] = {"schema_version": 1, "plan": found.known.name} | support_content(
        found
    )
    answer = Answer(
        tables={"record": AnswerTable(content["sites"], ("option", "rests_on", "kept", "plans"))},
        content={"record": content},
        page={"record": lambda: support_page(found)},
        made=lambda: made_of(folder.sources),
    )
    write_answer(folder, answer, language)


def support_page(found: RecordSupport) -> ShortPage:
    """Return the page: what rests on the record, and the sites, those first that rest
    on it most.
    """
    from optimizer.report.answer import PageSection, ShortPage
    from optimizer.report.content.report_table import Column, ReportTable

    columns = (
        Column(_("Site")),
        Column(_("In plans that do not know the record's places")),
        Column(_("With half the record")),
        Column(_("With twice the record")),
    )
    plans, rows = number(len(found.blind)), []
    for site in sorted(found.sites, key=found.kept):
        scaled = [found.of(kind) for kind in (HALVED, DOUBLED)]
        kept = [
            DASH if not each else _("yes") if found.uses(each[0], site) else _("no")
            for each in scaled
        ]
        rows.append(
            (
                _label(found, site),
                _("{count} of {plans}").format(count=number(found.kept(site)), plans=plans),
                *kept,
            )
        )
    sentences = support_sentences(found) or (_("No plan for another record was made."),)
    caption = _("Sites of the plan, those first that rest on the record most")
    return ShortPage(
        title=_("What the plan takes from the record"),
        headline=sentences[0],
        sections=(
            PageSection(
                title=_("Site by site"),
                tables=(ReportTable("record", caption, columns, tuple(rows), file="record.csv"),),
                sentences=sentences[1:],
            ),
        ),
    )
