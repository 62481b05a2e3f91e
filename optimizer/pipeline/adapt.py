"""`adapt`: policies of planning again, judged over the periods in which traffickers learn."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.base.errors import ProblemList
from optimizer.base.executor import SERIAL, LostPieceError, Piece
from optimizer.base.finished_pieces import FinishedPieces
from optimizer.base.interrupts import Stopping
from optimizer.base.listener import SILENT, step
from optimizer.base.names import unknown_name
from optimizer.base.said import said
from optimizer.base.schema import validated
from optimizer.pipeline.adapt_displacement import Displacement, mapped_periods
from optimizer.pipeline.adapt_ground import ground_of
from optimizer.pipeline.problem_source import problem_source
from optimizer.problem.adapt_terms import POLICY_NAMES, AdaptModel
from optimizer.problem.digest import series_digest
from optimizer.solvers.adaptive.displacement import RunTravel, TravelMeter
from optimizer.solvers.adaptive.simulate import PeriodRow, simulate, unopposed
from optimizer.solvers.adaptive.world import adaptive_world
from optimizer.solvers.compiled import prefer_compiled

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from optimizer.base.executor import Executor, PieceCall
    from optimizer.base.listener import Listener
    from optimizer.pipeline.adapt_ground import AdaptGround
    from optimizer.pipeline.problem_source import ProblemSource
    from optimizer.solvers.adaptive.world import AdaptiveWorld

NEEDS_RECORDS = ("hotspot",)
"""Policies that have nothing to begin with where nothing was ever seized."""
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
        first = ("period", "through", "seizures", "seizure_value", "routes", "gateways", "footprint_km", "regret")
        rest = [name for name in found if name not in first]
        return {"policy": self.policy, "run": self.run} | {name: found[name] for name in (*first, *rest)}


@dataclass(frozen=True)
class Adaptation:
    """What policies come to over time.

    Attributes
    ----------
    name
        The problem.
    terms
        How traffickers learn and planners plan again.
    policies, periods, runs, seed
        What was asked for.
    rows
        One for each period of each run that was made, by policy and run.
    complete
        Whether every run was made.
    notes
        Sentences for the planner: what is left out, assumed or put in the place of something.
    facts
        Numbers of the problem: pairs, routes, places, gateways, options, and the first bounds.
    displacement
        Where the loads travel by district and road; None where the problem has no map.
    """

    name: str
    terms: AdaptModel
    policies: tuple[str, ...]
    periods: int
    runs: int
    seed: int
    rows: tuple[AdaptRow, ...]
    complete: bool
    notes: tuple[str, ...]
    facts: Mapping[str, float]
    displacement: Displacement | None = None


def adapt(
    path: str | os.PathLike[str],
    *,
    policies: Sequence[str] = ("today", "hotspot", "exact", "mixed", "explore", "coverage"),
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

    Ctrl-C ends the series; what was made so far is returned, and written where there is a folder, from which the same call goes on.

    Parameters
    ----------
    path
        Scenario (TOML), instance file (JSON) or plan folder.
    policies
        Names of `optimizer.problem.adapt_terms.POLICY_NAMES`, each once.
    periods, runs
        Periods of a run and runs of each policy, >= 1.
    seed
        Seed of every random choice, >= 0.
    terms
        Fields of `[adapt]` to take in place of the scenario's.
    map_periods
        Periods of which maps show the loads on each road, at most `MOST_MAPS`; by default six from the first to the last.
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
        If an argument, a field or a file is at fault, nothing can be placed, nobody travels, or a policy needs records where there are none.
    InfeasibleError
        If no plan is feasible.
    KeyboardInterrupt
        If it comes before the first run ends.
    """
    from optimizer.pipeline.adapt_files import adapt_folder, write_adaptation

    shown = _checked_periods(policies, periods, runs, seed, map_periods, terms or {})
    folder = None if out is None else adapt_folder(out, Path(path), overwrite=overwrite)
    source = problem_source(
        path, settings=settings, language=language, skip_unreachable=skip_unreachable, listener=listener
    )
    own = source.compiled.scenario.adapt if source.compiled is not None else AdaptModel()
    asked = validated(AdaptModel, own.model_dump() | dict(terms or {}), TERMS)
    prefer_compiled()
    ground = ground_of(source)
    _check_problem(source, policies, ground)
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
        finished = FinishedPieces.beside(Path(out), digest, overwrite=overwrite)
    meter = None
    if ground.inside is not None and ground.length_km is not None:
        meter = TravelMeter(world.sets.routes, ground.inside, ground.length_km, shown)
    pieces = [Piece(f"{policy} {run}", (policy, run, periods, seed)) for run in range(runs) for policy in policies]
    made: dict[tuple[str, int], tuple[PeriodRow, ...]] = {}
    travel: dict[tuple[str, int], RunTravel] = {}
    with Stopping(listener) as stopping, step(stopping, "simulating"):
        for ended in executor.run(
            _simulated, pieces, shared=_Shared(world, meter), finished=finished, listener=stopping
        ):
            if isinstance(ended.error, LostPieceError):
                raise ended.error
            policy, run, *_ = ended.piece.argument
            content = ended.value()
            made[policy, run] = tuple(PeriodRow(**row) for row in content["rows"])
            if meter is not None:
                travel[policy, run] = RunTravel.of(content["travel"], len(ground.parts))
    if not made:
        raise KeyboardInterrupt
    displacement = None
    if meter is not None:
        nothing = meter.travel(unopposed(world, periods=periods, seed=seed))
        displacement = Displacement(ground, shown, meter.stretch, travel, nothing)
    rows = [AdaptRow(p, r, row) for p in policies for r in range(runs) for row in made.get((p, r), ())]
    found = Adaptation(
        name=source.instance.name,
        terms=asked,
        policies=tuple(policies),
        periods=periods,
        runs=runs,
        seed=seed,
        rows=tuple(rows),
        complete=len(made) == len(pieces),
        notes=(*_notes(source, world, ground), *(() if displacement is None else displacement.notes())),
        facts=_facts(world),
        displacement=displacement,
    )
    if folder is not None and finished is not None:
        write_adaptation(folder, found, source.language)
        if found.complete:
            finished.remove()
    return found


@dataclass(frozen=True, eq=False)
class _Shared:
    """What all runs share."""

    world: AdaptiveWorld
    meter: TravelMeter | None


def _simulated(call: PieceCall) -> dict[str, Any]:
    prefer_compiled()
    policy, run, periods, seed = call.piece.argument
    shared: _Shared = call.shared
    found = simulate(shared.world, policy, run, periods=periods, seed=seed)
    travel = None if shared.meter is None else shared.meter.travel(found.flows[shared.world.history :]).content()
    return {"rows": [asdict(row) for row in found.rows], "travel": travel}


def _checked_periods(
    policies: Sequence[str],
    periods: int,
    runs: int,
    seed: int,
    map_periods: Sequence[int] | None,
    terms: Mapping[str, object],
) -> tuple[int, ...]:
    """Return the periods that have maps, after checking what is asked for; every fault is reported."""
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


def _check_problem(source: ProblemSource, policies: Sequence[str], ground: AdaptGround) -> None:
    instance, where = source.instance, str(source.path)
    instance.check()
    problems = ProblemList()
    if not any(not option.forbidden for option in instance.options):
        problems.add(where, "nothing that may be placed", "at least one option that is not forbidden")
    if not any(evader.weight > 0 for evader in instance.evaders):
        problems.add(where, "no evader with a weight above 0", "at least one")
    needing = [name for name in policies if name in NEEDS_RECORDS]
    stands = any(option.existing or option.forced for option in instance.options)
    if needing and not stands and (ground.begun is None or not ground.begun.any()):
        problems.add(
            "policies",
            f"{needing[0]!r}, which goes by counts of seizures, where nothing stands today and no record has a seizure at a site",
            "a record, or a site that stands today",
            "Leave the policy out, mark sites as existing, or give a record with places",
        )
    problems.raise_if_any()


def _notes(source: ProblemSource, world: AdaptiveWorld, ground: AdaptGround) -> list[str]:
    notes = list(source.warnings)
    if source.instance.patrols is not None:
        teams = sum(team.number for team in source.instance.patrols.teams)
        made = world.instance.options[len(source.instance.options) :]
        notes.append(
            said(
                "{teams:g} patrol teams drive a pool of {beats} beats; no policy makes others. More: --beats, or beats of [adapt].",
                teams=teams,
                beats=len(made),
            )
            if made
            else said(
                "{teams:g} patrol teams are left out of the simulation: plans place options alone, within the same budgets. "
                "To have them in it give --beats 60, or beats of [adapt]; `plan` judges what they add today.",
                teams=teams,
            )
        )
    if not world.today.any():
        notes.append(
            said(
                "Nothing stands today: the policy `today` places nothing, and there is no history before the first period."
            )
        )
    if ground.length_km is None:
        notes.append(
            said(
                "The problem has no map of roads: footprint_km, loads by district and maps are not known. A scenario has them."
            )
        )
    return notes


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
