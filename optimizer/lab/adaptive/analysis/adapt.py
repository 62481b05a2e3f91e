"""`adapt`: policies of planning again, judged over the periods in which traffickers learn."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.json_lines import FinishedTasks
from optimizer.base.schema import validated
from optimizer.base.text.formatting import plain
from optimizer.base.text.language import marked
from optimizer.base.text.messages import listed, message
from optimizer.base.text.names import unknown_name
from optimizer.base.work.executor import SERIAL, Executor
from optimizer.base.work.listener import SILENT, Listener, Stopping, step
from optimizer.base.work.tasks import LostTaskError, Task, TaskCall
from optimizer.lab.adaptive.simulation.simulate import (
    DISTRICT,
    ELSEWHERE,
    LAST_PERIODS,
    MODE,
    NAME_LENGTH,
    PeriodRow,
    RoadPart,
    RunTravel,
    TravelMeter,
    baseline_flows,
    simulate,
)
from optimizer.lab.adaptive.simulation.traffickers import mobility_after
from optimizer.lab.adaptive.simulation.world import AdaptiveWorld, adaptive_world
from optimizer.plans.problem_source import ProblemSource, problem_source
from optimizer.problem.instance.instance import series_digest
from optimizer.problem.network.network import Network
from optimizer.problem.network.road_classes import MODE_OF
from optimizer.records.areas import Area, load_areas
from optimizer.scenario.compile.compile import Compiled
from optimizer.scenario.file.model import POLICY_NAMES, AdaptModel

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

USUAL_POLICIES = ("today", "hotspot", "exact", "mixed", "explore", "coverage")
TERMS = "options of adapt"
"""Where faults of terms that are asked for stand."""


@dataclass(frozen=True, slots=True)
class AdaptRow:
    """A period of a run of a policy."""

    policy: str
    run: int
    measured: PeriodRow

    def content(self) -> dict[str, Any]:
        """Return the row for JSON and CSV: the keys agreed on first."""
        found = asdict(self.measured)
        first = (
            "period",
            "through",
            "seizures",
            "seizure_value",
            "routes",
            "gateways",
            "footprint_km",
            "regret",
        )
        rest = [name for name in found if name not in first]
        return {"policy": self.policy, "run": self.run} | {
            name: found[name] for name in (*first, *rest)
        }


@dataclass(frozen=True)
class Adaptation:
    """What policies come to over time."""

    #: The problem.
    name: str
    #: How traffickers learn and planners plan again.
    terms: AdaptModel
    #: `policies`, `periods`, `runs`, `seed`: What was asked for.
    policies: tuple[str, ...]
    periods: int
    runs: int
    seed: int
    #: One for each period of each run that was made, by policy and run.
    rows: tuple[AdaptRow, ...]
    #: Whether every run was made.
    complete: bool
    #: Sentences for the planner: what is left out, assumed or put in the place of
    #: something.
    notes: tuple[str, ...]
    #: Numbers of the problem: pairs, routes, places, gateways, options, and the first
    #: bounds.
    facts: Mapping[str, float]
    #: Where the loads travel by district and road; None where the problem has no map.
    displacement: Displacement | None = None


@checked
def adapt(
    path: str | os.PathLike[str],
    *,
    policies: Sequence[str] | None = None,
    periods: int = 60,
    runs: int = 30,
    seed: int = 0,
    terms: Mapping[str, object] | None = None,
    map_periods: Sequence[int] | None = None,
    settings: Mapping[str, object] | None = None,
    language: str | None = None,
    skip_unreachable: bool = False,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    executor: Executor = SERIAL,
    listener: Listener = SILENT,
) -> Adaptation:
    """Simulate policies of planning again against traffickers who learn.

    Ctrl-C ends the series; what was made so far is returned, and written where there is
    a folder, from which the same call goes on.

    Parameters
    ----------
    path
        Scenario (TOML), instance file (JSON) or plan folder.
    policies
        Names of `optimizer.scenario.file.model.POLICY_NAMES`, each once; by default
        `USUAL_POLICIES`.
    periods, runs
        Periods of a run and runs of each policy, >= 1.
    seed
        Seed of every random choice, >= 0.
    terms
        Fields of `[adapt]` to take in place of the scenario's.
    map_periods
        Periods of which maps show the loads on each road, at most `MOST_MAPS`; by
        default six from the first to the last.
    settings
        Fields of the scenario to set; refused where there is no scenario.
    language
        Of page and figures; by default that of the scenario or plan folder.
    skip_unreachable
        Leave out evaders without a path.
    out
        Folder to write; None for none.
    overwrite
        Replace the files in it whoever wrote them.
    executor
        Who makes the runs.
    listener
        Told of each step and run.

    Raises
    ------
    InputError
        If an argument, a field or a file is at fault, nothing can be placed, or nobody
        travels.
    InfeasibleError
        If no plan is feasible.
    KeyboardInterrupt
        If it comes before the first run ends.
    """
    from optimizer.lab.adaptive.analysis.output import ADAPTATION, write_adaptation

    shown = _checked_periods(
        USUAL_POLICIES if policies is None else policies,
        periods,
        runs,
        seed,
        map_periods,
        terms or {},
    )
    folder = None if out is None else ADAPTATION.folder(out, Path(path), overwrite=overwrite)
    source = problem_source(
        path,
        settings=settings,
        language=language,
        skip_unreachable=skip_unreachable,
        listener=listener,
    )
    own = source.compiled.scenario.adapt if source.compiled is not None else AdaptModel()
    asked = validated(AdaptModel, own.model_dump() | dict(terms or {}), TERMS)
    ground = ground_of(source)
    _check_problem(source)
    policies = USUAL_POLICIES if policies is None else tuple(policies)
    world = adaptive_world(
        source.instance,
        asked,
        seed=seed,
        segment=ground.segment,
        length_km=ground.length_km,
        begun=ground.begun,
        closed=ground.closed,
        listener=listener,
    )
    finished = None
    if out is not None:
        series = (list(policies), periods, runs, seed, list(shown), ground.digest())
        digest = series_digest(world.instance, asked.model_dump(), *series)
        finished = FinishedTasks.beside(Path(out), digest, overwrite=overwrite)
    meter = None
    if ground.inside is not None and ground.length_km is not None:
        meter = TravelMeter(world.sets.routes, ground.inside, ground.length_km, shown)
    tasks = [
        Task(f"{policy} {run}", (policy, run, periods, seed))
        for run in range(runs)
        for policy in policies
    ]
    made: dict[tuple[str, int], tuple[PeriodRow, ...]] = {}
    travel: dict[tuple[str, int], RunTravel] = {}
    for policy, run, content in _carried_out(
        tasks, _Shared(world, meter), executor, finished, listener
    ):
        made[policy, run] = tuple(PeriodRow(**row) for row in content["rows"])
        if meter is not None:
            travel[policy, run] = RunTravel.of(content["travel"], len(ground.parts))
    if not made:
        raise KeyboardInterrupt
    displacement = None
    if meter is not None:
        nothing = meter.travel(baseline_flows(world, periods=periods, seed=seed))
        displacement = Displacement(ground, shown, meter.stretch, travel, nothing)
    rows = [
        AdaptRow(p, r, row) for p in policies for r in range(runs) for row in made.get((p, r), ())
    ]
    found = Adaptation(
        name=source.instance.name,
        terms=asked,
        policies=tuple(policies),
        periods=periods,
        runs=runs,
        seed=seed,
        rows=tuple(rows),
        complete=len(made) == len(tasks),
        notes=(
            *_notes(source, world, ground),
            *_gateway_notes(source, asked, periods),
            *(() if displacement is None else displacement.notes()),
        ),
        facts=_facts(world),
        displacement=displacement,
    )
    if folder is not None and finished is not None:
        write_adaptation(folder, found, source.language, source.own_words)
        if found.complete:
            finished.remove()
    return found


@dataclass(frozen=True, eq=False)
class _Shared:
    """What all runs share."""

    world: AdaptiveWorld
    meter: TravelMeter | None


def _carried_out(
    tasks: Sequence[Task],
    shared: _Shared,
    executor: Executor,
    finished: FinishedTasks | None,
    listener: Listener,
) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield policy and number of each run as it ends, and what `_simulated` made of it."""
    with Stopping(listener) as stopping, step(stopping, "simulating"):
        for ended in executor.run(
            _simulated, tasks, shared=shared, finished=finished, listener=stopping
        ):
            if isinstance(ended.error, LostTaskError):
                raise ended.error
            policy, run, *_ = ended.task.argument
            yield policy, run, ended.value()


def _simulated(call: TaskCall) -> dict[str, Any]:
    policy, run, periods, seed = call.task.argument
    shared: _Shared = call.shared
    found = simulate(shared.world, policy, run, periods=periods, seed=seed)
    travel = (
        None
        if shared.meter is None
        else shared.meter.travel(found.flows[shared.world.history :]).content()
    )
    return {"rows": [asdict(row) for row in found.rows], "travel": travel}


def _checked_periods(
    policies: Sequence[str],
    periods: int,
    runs: int,
    seed: int,
    map_periods: Sequence[int] | None,
    terms: Mapping[str, object],
) -> tuple[int, ...]:
    """Return the periods that have maps, after checking what is asked for; every fault
    is reported.
    """
    problems = ProblemList()
    for name in dict.fromkeys(policies):
        if name not in POLICY_NAMES:
            problems.append(unknown_name("policies", name, POLICY_NAMES))
    if not policies or len(set(policies)) < len(policies):
        problems.add("policies", ", ".join(policies) or "none", "at least one policy, each once")
    for what, amount, least in (("periods", periods, 1), ("runs", runs, 1), ("seed", seed, 0)):
        if amount < least:
            problems.add(what, str(amount), f"a whole number of at least {least}")
    shown: tuple[int, ...] = ()
    if periods > 0:
        with problems.collected():
            shown = mapped_periods(map_periods, periods)
    with problems.collected():
        validated(AdaptModel, dict(terms), TERMS)
    problems.raise_if_any()
    return shown


def _check_problem(source: ProblemSource) -> None:
    instance, where = source.instance, str(source.path)
    instance.check()
    problems = ProblemList()
    if not any(not option.forbidden for option in instance.options):
        problems.add(
            where, "nothing that may be placed", "at least one option that is not forbidden"
        )
    if not any(evader.weight > 0 for evader in instance.evaders):
        problems.add(where, "no evader with a weight above 0", "at least one")
    problems.raise_if_any()


def _notes(source: ProblemSource, world: AdaptiveWorld, ground: AdaptGround) -> list[str]:
    notes = list(source.warnings)
    if source.instance.patrols is not None:
        teams = sum(team.number for team in source.instance.patrols.teams)
        made = world.instance.options[len(source.instance.options) :]
        notes.append(
            message(
                "{teams:g} patrol teams drive a pool of {beats} beats; no policy makes others."
                " More: --beats, or beats of [adapt].",
                teams=teams,
                beats=len(made),
            )
            if made
            else message(
                "{teams:g} patrol teams are left out of the simulation: plans place options alone,"
                " within the same budgets. To have them in it give --beats 60, or beats of [adapt];"
                " `plan` judges what they add today.",
                teams=teams,
            )
        )
    by = "loads" if source.compiled is None else source.compiled.scenario.evaders.weights_by
    if by != "loads":
        notes.append(
            message(
                "Loads are drawn by what they carry (weights_by = {by} of [evaders]) and counted as"
                " loads all the same. To draw them by their number give --set"
                " evaders.weights_by=loads.",
                by=by,
            )
        )
    if not world.today.any():
        notes.append(
            message(
                "Nothing stands today: today's layout places nothing, and there is no history"
                " before the first period."
            )
        )
    if ground.length_km is None:
        notes.append(
            message(
                "The problem has no map of roads: footprint_km, loads by district and maps are not"
                " known. A scenario has them."
            )
        )
    return notes


def _gateway_notes(source: ProblemSource, terms: AdaptModel, periods: int) -> list[str]:
    """Return who changes gateway here and in `plan`, where that is not the same."""
    assumed = 0.0 if source.compiled is None else source.compiled.scenario.evaders.mobility
    if not terms.mobility:
        return []
    every = terms.history + periods
    return [
        message(
            "Gateways: here {share:.0%} of the loads choose theirs again each period, at no cost:"
            " {after:.0%} by the last period. `plan` assumes {assumed:.0%} of the informed loads"
            " ([evaders] mobility), so values of the two differ. The same in both: mobility = 0 in"
            " [adapt].",
            share=terms.mobility,
            after=mobility_after(terms.mobility, every),
            assumed=assumed,
        )
    ]


def _facts(world: AdaptiveWorld) -> dict[str, float]:
    routes = world.sets.routes
    return {
        "pairs": routes.n_pairs,
        "routes": routes.pair.size,
        "gateways": world.sets.gateways.size,
        "places": routes.n_places,
        "options": routes.n_options,
        "first_single": world.overlay.value(world.first.single),
        "first_mixture": world.first.value,
        "mixture_bound": world.first.bound,
    }


VEHICLE, TRACK, FOOT = marked("vehicle"), marked("track"), marked("foot")
"""Names of the parts that are modes."""

ON_FOOT = ("foot",)
"""Modes of `road_classes.MODES` that people walk; tracks are driven. Classes that no
mode has are taken for roads of vehicles.
"""


@dataclass(frozen=True, eq=False)
class AdaptGround:
    """What the problem says of its roads; nothing where it has no map."""

    #: The roads.
    network: Network | None = None
    #: `segment`, `length_km`: (arcs,) stretch of road of each arc of the instance, and
    #: (stretches,) lengths; arcs before gateways are stretches of no length.
    segment: NDArray[np.int64] | None = None
    length_km: NDArray[np.float64] | None = None
    #: (options,) seizures of the record on watched stretches.
    begun: NDArray[np.float64] | None = None
    #: `parts`, `inside`: Named parts of the network, and their (parts, stretches)
    #: masks.
    parts: tuple[RoadPart, ...] = ()
    inside: Mask | None = None
    #: The districts that are polygons.
    areas: tuple[Area, ...] = ()
    #: Names of the districts that no road of the network passes, which are no parts.
    without_roads: tuple[str, ...] = ()
    #: (arcs,) masks of the arcs that those who go by vehicle on roads do not travel,
    #: and those who drive tracks too; where there are such.
    closed: tuple[Mask, ...] = ()

    def digest(self) -> str:
        """Return the SHA-256 of what rows and maps depend on besides the instance:
        names of parts, which roads they have, lengths, counts.
        """
        found = hashlib.sha256(json.dumps([astuple(part) for part in self.parts]).encode())
        for table in (self.segment, self.length_km, self.begun, self.inside, *self.closed):
            found.update(b"none" if table is None else np.ascontiguousarray(table).tobytes())
        return found.hexdigest()


def ground_of(source: ProblemSource) -> AdaptGround:
    """Return the ground of a problem.

    Raises
    ------
    InputError
        If the file of the areas is at fault.
    """
    compiled = source.compiled
    if compiled is None:
        return AdaptGround()
    network = compiled.region.network
    records = compiled.records
    instance = source.instance
    added = instance.tail.size - network.segment.size
    segment = np.concatenate((network.segment, network.n_segments + np.arange(added))).astype(
        np.int64
    )
    length = np.zeros(network.n_segments + added)
    length[network.segment] = network.length_m / 1000
    begun = None
    if records is not None:
        at = records.segment >= 0
        counts = np.bincount(records.segment[at], records.count[at], length.size)
        watched = [np.unique(segment[list(option.arcs)]) for option in instance.options]
        begun = np.array([float(counts[each].sum()) for each in watched])
    file = compiled.scenario.region.areas
    areas = () if file is None else load_areas(source.path.parent / file)
    districts = _districts(compiled, areas)
    named = [*_with_roads(districts), *_modes(network)]
    inside = np.zeros((len(named), length.size), dtype=bool)
    for k, (_, mask) in enumerate(named):
        inside[k, : network.n_segments] = mask
    parts = tuple(part for part, _ in named)
    beyond = [inside[k] for k, part in enumerate(parts) if part.kind == MODE][1:]
    closed = tuple(np.logical_or.reduce(beyond[k:])[segment] for k in range(len(beyond)))
    without = tuple(part.name for part, mask in districts if not mask.any())
    return AdaptGround(network, segment, length, begun, parts, inside, areas, without, closed)


def _districts(compiled: Compiled, areas: Sequence[Area]) -> list[tuple[RoadPart, Mask]]:
    """Return the areas of the region with their roads, or else the communities."""
    network = compiled.region.network
    found: list[tuple[RoadPart, Mask]] = []
    for area in areas:
        mask = np.zeros(network.n_segments, dtype=bool)
        mask[area.segments(network)] = True
        found.append((RoadPart(DISTRICT, area.name), mask))
    if not found:
        found = [
            (RoadPart(DISTRICT, each.label), each.inside) for each in compiled.burden.communities
        ]
    return found


def _with_roads(districts: Sequence[tuple[RoadPart, Mask]]) -> list[tuple[RoadPart, Mask]]:
    """Return the districts that have roads, and behind them the roads in none; nothing
    without districts.
    """
    if not districts:
        return []
    outside = ~np.logical_or.reduce([mask for _, mask in districts])
    return [
        each for each in (*districts, (RoadPart(DISTRICT, ELSEWHERE), outside)) if each[1].any()
    ]


def _modes(network: Network) -> list[tuple[RoadPart, Mask]]:
    """Return the modes by which the roads are travelled, where there is more than one."""
    modes = np.array(
        [MODE_OF.get(each, "drive") for each in network.road_class[network.segment_arc].tolist()]
    )
    walked = np.isin(modes, ON_FOOT)
    tracks = modes == "track"
    each = ((VEHICLE, ~(walked | tracks)), (TRACK, tracks), (FOOT, walked))
    found = [(RoadPart(MODE, name), mask) for name, mask in each if mask.any()]
    return found if len(found) > 1 else []


MOST_MAPS = 12
"""Periods that have maps at most: those of the page are in its text."""

MAPS = 6
"""Periods that have maps where none are asked for."""


DISPLACEMENT_COLUMNS = (
    "policy",
    "run",
    "period",
    "kind",
    "part",
    "loads",
    "load_km",
    "from_first",
    "from_nothing",
)
"""Columns of `Displacement.rows`, which stand at the head where the network has no part."""


@dataclass(frozen=True, eq=False)
class Displacement:
    """Where the loads travel."""

    #: Roads, and named parts of them.
    ground: AdaptGround
    #: Periods that have maps, rising from 1.
    map_periods: tuple[int, ...]
    #: (segments,) the stretch of each road; -1 where no route goes.
    stretch: NDArray[np.int64]
    #: By policy and run.
    travel: Mapping[tuple[str, int], RunTravel]
    #: That of a run in which nothing ever stands.
    nothing: RunTravel

    def numbers(self, kind: str) -> list[int]:
        """Return the positions of the parts of a kind, `district` or `mode`."""
        return [k for k, part in enumerate(self.ground.parts) if part.kind == kind]

    def runs(self, policy: str) -> list[RunTravel]:
        """Return the runs of a policy, in order."""
        return [self.travel[key] for key in sorted(self.travel) if key[0] == policy]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row for each part of the network in each period of each run: loads,
        load-kilometres, and changes of the loads.
        """
        for (policy, run), each in sorted(self.travel.items()):
            from_first, from_nothing = each.loads - each.loads[0], each.loads - self.nothing.loads
            for t in range(each.loads.shape[0]):
                for k, part in enumerate(self.ground.parts):
                    yield {
                        "policy": policy,
                        "run": run,
                        "period": t + 1,
                        "kind": part.kind,
                        "part": part.name,
                        "loads": float(each.loads[t, k]),
                        "load_km": float(each.load_km[t, k]),
                        "from_first": float(from_first[t, k]),
                        "from_nothing": float(from_nothing[t, k]),
                    }

    def from_first(self, policy: str) -> Floats:
        """Return the (runs, parts) changes of loads from the first period to the mean
        of the last `LAST_PERIODS`.
        """
        return np.array(
            [each.loads[-LAST_PERIODS:].mean(axis=0) - each.loads[0] for each in self.runs(policy)]
        )

    def from_nothing(self, policy: str) -> Floats:
        """Return the (runs, parts) changes of loads from nothing placed to the policy,
        means of the last `LAST_PERIODS` periods.
        """
        return np.array(
            [
                (each.loads - self.nothing.loads)[-LAST_PERIODS:].mean(axis=0)
                for each in self.runs(policy)
            ]
        )

    def on_roads(self, policy: str | None) -> Floats:
        """Return the (periods on a map, segments) loads on each road, means over the
        runs of a policy, or those with nothing placed.
        """
        runs = [self.nothing] if policy is None else self.runs(policy)
        mean = np.mean([each.stretches for each in runs], axis=0)
        return np.column_stack((mean, np.zeros(mean.shape[0])))[
            :, self.stretch
        ]  # the last column is that of stretch -1

    def notes(self) -> list[str]:
        """Return what a planner must know of districts and modes."""
        notes: list[str] = []
        if not self.numbers(DISTRICT):
            notes.append(
                message(
                    "The scenario has no districts: displacement by district is not known. Name"
                    " polygons under [region] areas, or communities."
                )
            )
        if self.ground.without_roads:
            names = listed(plain(name, NAME_LENGTH) for name in self.ground.without_roads)
            notes.append(
                message(
                    "Districts that no road of the network passes are left out: {names}.",
                    names=names,
                )
            )
        if not self.numbers(MODE):
            notes.append(
                message(
                    "The network has one mode of travel, roads of vehicles: traffickers have no"
                    " choice between modes. Build the region with tracks and paths ([region] modes,"
                    " or `region --modes drive,track,foot`) to give them one."
                )
            )
        return notes


def mapped_periods(asked: Sequence[int] | None, periods: int) -> tuple[int, ...]:
    """Return the periods that have maps.

    Raises
    ------
    InputError
        If a period is not in [1, `periods`], or there are none, or more than
        `MOST_MAPS`.
    """
    if asked is None:
        return tuple(np.unique(np.linspace(1, periods, MAPS).round().astype(int)).tolist())
    found = tuple(sorted(set(asked)))
    if not found or len(found) > MOST_MAPS or found[0] < 1 or found[-1] > periods:
        expected = f"1 to {MOST_MAPS} whole numbers from 1 to {periods}"
        remedy = f"Name at most {MOST_MAPS} periods of the run"
        raise InputError(
            Problem("map periods", ", ".join(map(str, asked)) or "none", expected, remedy)
        )
    return found
