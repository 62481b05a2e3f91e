"""Figures of what follows a plan: `python -m results.measure operations
tracks|speed|passes|trial SCENARIO...` prints a line a world.

`tracks`: units that stand and drive on the roads of a scenario
(`results/measure/tracks.py`); hours by class of road, and stops that are
recognised, at a position a minute and in five minutes. `speed`: 10,000 positions of
driving units. `passes`: worlds on the tests' tiny border, or with `--wide` on one of 24
gateways and 240 places, whose shares of loads and detection chances are known; how
often 90 % intervals hold them. `trial`: switch-backs in eight copies of the tests' tiny
border with the traffickers of `adapt`, who learn; and draws, a switch-back and a
roll-out in the world in which `trial design` simulates: bias, how often intervals hold
the truth, and false alarms.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import shapely

from optimizer.lab.adaptive.simulation.simulate import TrialTraffickers
from optimizer.lab.adaptive.simulation.world import adaptive_world
from optimizer.operations.delivered import DeliveredParams, _all_stays, judge
from optimizer.operations.map_matching import MatchParams, length_graph
from optimizer.operations.passes import Estimate, Passes, passes_of
from optimizer.operations.planned import Visit
from optimizer.operations.stays import movement
from optimizer.operations.trial_inference import (
    TrialSetting,
    effects_of,
    exposures,
    hajek_weights,
    trial_powers,
    without_means,
)
from optimizer.operations.trial_terms import TrialWorld
from optimizer.problem.instance.evaders import best_responses
from optimizer.problem.network.network import Network
from optimizer.problem.network.places import Crossing, Gateway, Settlement
from optimizer.region import save_region
from optimizer.region.model import Region
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.compile.compile import Compiled, compile_scenario
from optimizer.scenario.compile.uncertainty import at_chances
from optimizer.scenario.file.model import AdaptModel
from results.measure.tracks import FieldErrors, simulate_tracks
from tests.tiny import SCENARIO, network_of, write_scenario

SHIFT = 8 * 3600.0
BEGIN = datetime(2026, 12, 1, 6, tzinfo=UTC).timestamp()
LEAST_HOURS = 2.0
"""True hours of a class of road from which its error is told."""


def random_visits(
    network: Network, units: int, rng: np.random.Generator
) -> tuple[list[Visit], Any]:
    """Return visits of units to places on roads within an hour and a half of their
    bases, three a shift of eight hours, and the bases.
    """
    graph, visits, bases = network.time_graph(), [], []
    for k in range(units):
        while True:
            base = int(rng.integers(network.n_nodes))
            near = np.flatnonzero(
                (graph.distances([base])[0] < 5400)[network.tail[network.segment_arc]]
            )
            if near.size > 20:
                break
        bases.append(
            SimpleNamespace(id=f"b{k}", lon=float(network.lon[base]), lat=float(network.lat[base]))
        )
        for n, segment in enumerate(rng.choice(near, 3)):
            lon, lat = network.segment_midpoint[segment].tolist()
            begin = BEGIN + n * 2.6 * 3600
            stay = float(rng.uniform(25, 80) * 60)
            terms = (f"u{k}", f"b{k}", "", f"{segment}", lon, lat, begin, begin + stay)
            visits.append(Visit(date(2026, 12, 1), "day", f"{k}-{n}", *terms))
    return visits, SimpleNamespace(places=bases)


def measure_tracks(scenario: Path, runs: int, every_s: float) -> Iterator[str]:  # noqa: C901 - counts of one loop
    """Yield the errors of hours by class of road, and how many stops are recognised,
    each with a 90 % interval over the runs.
    """
    network = read_evidence(scenario, skip_unreachable=True).region.network
    graph, classes = length_graph(network), network.road_class[network.segment_arc]
    found, truth = ([defaultdict[str, float](float) for _ in range(runs)] for _ in range(2))
    # made, made and recognised, not made, not made and found all the same
    stops = np.zeros((runs, 4))
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        visits, duties = random_visits(network, 5, rng)
        made = simulate_tracks(
            network, duties, visits, FieldErrors(every_s=every_s, missing=0.1), seed
        )
        moves = {track.unit: movement(track, network, graph) for track in made.tracks}
        params = DeliveredParams()
        stays, _ = _all_stays(moves, (), network, visits, params)
        covered = {
            unit: [tuple(span) for span in move.covered.tolist()] for unit, move in moves.items()
        }
        for segment, hours in made.hours.items():
            truth[seed][str(classes[segment])] += hours
        for stay in stays:
            if stay.segment >= 0:
                found[seed][str(classes[stay.segment])] += stay.hours
        for move in moves.values():
            driving = (move.stay < 0) & (move.segment >= 0)
            for segment, seconds in zip(
                move.segment[driving].tolist(), move.seconds[driving].tolist(), strict=True
            ):
                found[seed][str(classes[segment])] += seconds / 3600
        for visit, seconds in made.stood.items():
            done_here = judge(visit, stays, covered, params).done
            if seconds >= 0.5 * (visit.end - visit.begin):
                stops[seed, :2] += 1, done_here
            elif seconds == 0:
                stops[seed, 2:] += 1, done_here
    again = np.random.default_rng(0).integers(0, runs, (2000, runs))

    def told(part: np.ndarray, whole: np.ndarray) -> str:
        low, high = np.quantile(part[again].sum(axis=1) / whole[again].sum(axis=1), [0.05, 0.95])
        return f"{part.sum() / whole.sum():.2%} ({low:.2%} to {high:.2%})"

    made_all, seen, absent, false = stops.sum(axis=0).astype(int).tolist()
    share = told(stops[:, 1], stops[:, 0])
    yield (
        f"{scenario.parent.name}, a position in {every_s:g} s, {runs} runs: {seen} of {made_all}"
        f" stops recognised: {share}"
    )
    yield f"  {false} of {absent} that were not made"
    for name in sorted({name for each in truth for name in each}):
        given, known = (np.array([each[name] for each in side]) for side in (found, truth))
        hours = known.sum()
        if hours >= LEAST_HOURS:
            yield f"  {name}: {hours:.1f} h, found {told(given, known)} of them"


def measure_speed(scenario: Path, fixes: int = 10_000) -> Iterator[str]:
    """Yield the seconds that matching takes."""
    network = read_evidence(scenario, skip_unreachable=True).region.network
    rng = np.random.default_rng(0)
    visits, duties = random_visits(network, 60, rng)
    tracks = simulate_tracks(network, duties, visits, FieldErrors(every_s=60), 0).tracks
    graph, taken, count = length_graph(network), [], 0
    for track in tracks:
        taken.append(track)
        count += track.time.size
        if count >= fixes:
            break
    wall, processor = time.perf_counter(), time.process_time()
    for track in taken:
        movement(track, network, graph, MatchParams())
    took = (
        f"{time.process_time() - processor:.2f} processor s, {time.perf_counter() - wall:.2f} s by"
        " the clock"
    )
    yield f"{scenario.parent.name}, {network.n_segments:,} roads: {count:,} positions in {took}"


WORLDS = ("flow", "mixed", "chasing", "drifting", "fleeing", "silent", "misstated")
"""The first three were in view while `passes` was made; the others have other rules."""
QUARTERS = 4
RANGE = (
    SCENARIO.replace("detection = 0.5", "detection = [0.3, 0.7]")
    + "\n[background]\nper_hour = 0.1\n"
)
LOADS = 150.0
"""Loads a quarter."""
COLUMNS, ROWS = 24, 10
"""Of the wide border: a gateway below each column of places, crossroads in rows 2, 5
and 8, a good road in each third column.
"""
SECTORS_OF_WIDE = ("west", "centre", "east")


def wide_region() -> Region:
    """Return a border of 24 gateways, 240 places and 284 roads."""
    column, row = (
        each.ravel() for each in np.meshgrid(np.arange(COLUMNS), np.arange(ROWS), indexing="ij")
    )
    node = np.arange(COLUMNS * ROWS).reshape(COLUMNS, ROWS)
    up = [
        (node[c, r], node[c, r + 1], "primary" if c % 3 == 1 else "track")
        for c in range(COLUMNS)
        for r in range(ROWS - 1)
    ]
    across = [
        (node[c, r], node[c + 1, r], "secondary") for r in (2, 5, 8) for c in range(COLUMNS - 1)
    ]
    roads = [(int(a), int(b), name, s) for s, (a, b, name) in enumerate(up + across)]
    lon, lat = (np.asarray(each, dtype=np.float64) for each in (10 + 0.1 * column, 50 + 0.07 * row))
    network = network_of([f"n{k}" for k in range(node.size)], lon, lat, roads)
    crossings = tuple(
        Crossing(
            f"x{c}",
            int(node[c, 0]),
            *at,
            c % 3 == 1,
            "primary" if c % 3 == 1 else "track",
            f"gate-{c}",
        )
        for c, at in enumerate(zip(lon[node[:, 0]].tolist(), lat[node[:, 0]].tolist(), strict=True))
    )
    gateways = tuple(
        Gateway(x.name, x.node, x.lon, x.lat, "port" if x.official else "unofficial", 1.0, x.name)
        for x in crossings
    )
    towns = [(c, 9) for c in range(1, COLUMNS, 4)] + [(7, 5), (16, 5)]
    settlements = tuple(
        Settlement(
            f"town-{k}",
            int(node[at]),
            float(lon[node[at]]),
            float(lat[node[at]]),
            f"town-{k}",
            8000.0 * (1 + k),
        )
        for k, at in enumerate(towns)
    )
    border = shapely.LineString([(9.9, 50.0), (10 + 0.1 * COLUMNS, 50.0)])
    return Region(network, border, crossings, gateways, settlements, (), "made up for the measure")


def write_wide(folder: Path) -> Path:
    """Write the scenario of the wide border: three sectors, eight sites of which five exist."""
    police = '[[agencies]]\nid = "police"\nname = "Police"\n'
    sectors = "".join(f'[[agencies]]\nid = "{name}"\nname = "{name}"\n' for name in SECTORS_OF_WIDE)
    teams = '[[resources]]\nname = "teams"\nagency = "police"\nbudget = 3\n'
    budgets = "".join(
        f'[[resources]]\nname = "teams"\nagency = "{name}"\nbudget = 3\n'
        for name in SECTORS_OF_WIDE
    )
    scenario = write_scenario(folder, RANGE.replace(police, sectors).replace(teams, budgets))
    save_region(wide_region(), folder / "network.gpkg")
    rows = ["id,label,lon,lat,agency,existing,traffic,kinds"]
    for k, c in enumerate(range(1, COLUMNS, 3)):
        standing = "" if k % 3 == 2 else "post"
        rows.append(
            f"s{k},Site"
            f" {k},{10 + 0.1 * c:.3f},50.385,{SECTORS_OF_WIDE[c * 3 // COLUMNS]},{standing},{300 + 50 * k},post"
        )
    (folder / "sites.csv").write_text("\n".join(rows) + "\n")
    for name, header in (
        ("seizures.csv", "time,segment,count\n2024-02,1,1\n"),
        ("effort.csv", "time,segment,amount\n2024,1,100\n"),
    ):
        (folder / name).write_text(header)
    return scenario


def true_world(
    compiled: Compiled, world: str, rng: np.random.Generator
) -> tuple[np.ndarray, Any, list[tuple[int, ...]]]:
    """Return the true loads of evaders a quarter, the instance with the true detection
    chance, and the ways of informed ones.
    """
    instance = compiled.instance
    weight = instance.weight / instance.weight.sum()
    if world != "flow":
        factor: dict[object, float] = defaultdict(lambda: float(rng.lognormal(0, 0.7)))
        weight = weight * [factor[pair] for pair in compiled.pairs]
    truth = at_chances(compiled, instance, {"kinds.post.detection": float(rng.uniform(0.3, 0.7))})
    today = truth.placed([option.id for option in truth.options if option.existing])
    ways = best_responses(
        truth.n_nodes, truth.tail, truth.head, truth.survival(today), truth.evaders
    )
    return LOADS * weight / weight.sum(), (truth, truth.survival(today)), ways


def measure_passes(
    world: str, runs: int, draws: int = 100, first: int = 0, *, wide: bool = False
) -> Iterator[str]:
    """Yield how often intervals hold the truth, in the last quarter."""
    with tempfile.TemporaryDirectory() as name:
        scenario = write_wide(Path(name)) if wide else write_scenario(Path(name), RANGE)
        compiled = compile_scenario(scenario)
        held = (
            each
            for seed in range(first, first + runs)
            for each in passes_run(world, seed, draws, scenario, compiled)
        )
        yield f"{world}, {runs} runs of {draws} draws from seed {first}: {_holding(held)}"


def _holding(rows: Iterator[tuple[str, Estimate, float]]) -> str:
    """Return how often intervals hold the truth, and their median ratio of ends."""
    held, asked, ratios = Counter[str](), Counter[str](), defaultdict[str, list[float]](list)
    for where, estimate, value in rows:
        asked[where] += 1
        held[where] += bool(estimate.low <= value <= estimate.high)
        ratios[where].append(estimate.high / max(estimate.low, 1e-9))
    each = (
        f"{name} {held[name]} of {n} ({held[name] / n:.1%}, {np.median(ratios[name]):.1f})"
        for name, n in asked.items()
    )
    return ", ".join(each)


def passes_run(
    world: str, seed: int, draws: int, scenario: Path, compiled: Compiled
) -> Iterator[tuple[str, Estimate, float]]:
    """Write the record of a true world into the scenario's folder; yield what is
    estimated of its last quarter, and the truth.
    """
    rng = np.random.default_rng([seed, WORLDS.index(world)])
    loads, (truth, survival), ways = true_world(compiled, world, rng)
    network = compiled.region.network
    seizures, effort = ["time,segment,count"], ["time,segment,amount"]
    plain = truth.survival(np.zeros_like(truth.placed([])))
    power, chance = np.ones(network.n_segments), survival
    if (
        world == "misstated"
        # ordinary policing is not what is stated: by a factor of each tenth of a degree by
        # a quarter
    ):
        at = network.segment_midpoint
        _, tile = np.unique(
            np.column_stack([at[:, 0] // 0.4, at[:, 1] // 0.25]), axis=0, return_inverse=True
        )
        power = rng.lognormal(0, 0.7, tile.max() + 1)[tile.ravel()]
        chance = _policed(survival, plain, power, network)
    for number in range(QUARTERS):
        sent, through, finds, at_place = _quarter(compiled, loads, truth, chance, ways, rng)
        month = 3 * number + 2
        seizures += [f"2024-{month:02d},{s},{n}" for s, n in finds.items() if n]
        hazard = np.zeros(network.n_segments)
        stated = survival if world == "misstated" else chance
        np.maximum.at(hazard, network.segment, -np.log(stated[: network.n_arcs]))
        time = "2024" if world == "silent" else f"2024-{month:02d}"
        effort += [f"{time},{s},{1000 * h:.3f}" for s, h in enumerate(hazard.tolist())]
        if number < QUARTERS - 1 and world != "misstated":
            power = _policing(world, power, finds, rng)
            chance = _policed(survival, plain, power, network)
            loads = _fled(loads, sent - through, compiled) if world == "fleeing" else loads
    (scenario.parent / "seizures.csv").write_text("\n".join(seizures) + "\n")
    (scenario.parent / "effort.csv").write_text("\n".join(effort) + "\n")
    found = passes_of(compile_scenario(scenario), draws=draws, seed=seed, quarters=1)
    rows = {(row.kind, row.place): row for row in found.rows}
    gateway = np.array([-1 if pair is None else pair.gateway for pair in compiled.pairs])
    places = [("all", rows["all", "all"], float(sent.sum()), float(through.sum()))]
    for g, each in enumerate(compiled.gateways):
        if ("gateway", each.id) in rows:
            mine = gateway == g
            places.append(
                (
                    "gateways",
                    rows["gateway", each.id],
                    float(sent[mine].sum()),
                    float(through[mine].sum()),
                )
            )
    for key, (caught, passed) in at_place.items():
        if key in rows:
            places.append((f"{key[0]}s", rows[key], caught + passed, passed))
    for where, row, all_sent, passed in places:
        caught = all_sent - passed
        measures = {"found": caught, "through": passed, "rate": caught / max(all_sent, 1e-300)}
        for name, value in (
            measures if where in {"sites", "sectors"} else {"sent": all_sent, **measures}
        ).items():
            yield f"{where}, {name}", getattr(row, name), value
    yield from _of_stated(found, 1 - float(through.sum() / sent.sum()))


def _of_stated(found: Passes, rate: float) -> Iterator[tuple[str, Estimate, float]]:
    """Yield whether it is said that stated chances are not yet known, and what the rate
    would be if they were off, with the true rate.
    """
    yield "said that chances are not yet known", Estimate.of(np.array([float(found.if_right)])), 1.0
    if found.stated is not None:
        yield "all, rate if they are off", found.stated.rate, rate


def _policed(
    survival: np.ndarray, plain: np.ndarray, power: np.ndarray, network: Network
) -> np.ndarray:
    """Return the chance to pass each arc unfound where ordinary policing is a
    (segments,) multiple of what is stated.
    """
    chance = survival.copy()
    chance[: network.n_arcs] *= plain[: network.n_arcs] ** (power[network.segment] - 1)
    return chance


def _policing(
    world: str, power: np.ndarray, finds: Counter[int], rng: np.random.Generator
) -> np.ndarray:
    """Return (segments,) multiples of the stated ordinary policing in the next quarter."""
    if world in {"chasing", "silent"}:
        # It doubles where most was found, and leaves the other roads half of what it
        # was.
        most = max(finds, key=lambda s: finds[s]) if finds else -1
        return np.where(np.arange(power.size) == most, 2.0, 0.5)
    return power * rng.lognormal(0, 0.5, power.size) if world == "drifting" else power


def _fled(loads: np.ndarray, found: np.ndarray, compiled: Compiled) -> np.ndarray:
    """Return the loads of the next quarter: three in ten of the gateway that loses most
    go by the others, in proportion to theirs.
    """
    gateway = np.array([-1 if pair is None else pair.gateway for pair in compiled.pairs])
    rate = [
        found[gateway == g].sum() / max(loads[gateway == g].sum(), 1e-9)
        for g in range(len(compiled.gateways))
    ]
    worst = gateway == int(np.argmax(rate))
    moved = 0.3 * loads[worst].sum()
    return np.where(worst, 0.7 * loads, loads * (1 + moved / loads[~worst].sum()))


def _quarter(
    compiled: Compiled,
    loads: np.ndarray,
    truth: Any,
    chance: np.ndarray,
    ways: list[tuple[int, ...]],
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, Counter[int], dict[tuple[str, str], list[float]]]:
    """Return expected loads of evaders, sent and through; drawn finds by segment;
    expected loads found and through by site and sector.
    """
    through, finds, at_place = (
        np.zeros(loads.size),
        Counter[int](),
        defaultdict[tuple[str, str], list[float]](lambda: [0.0, 0.0]),
    )
    places = defaultdict[int, set[tuple[str, str]]](set)
    for option in truth.options:
        for arc in option.arcs if option.existing else ():
            places[arc] |= {("site", option.site or option.id), ("sector", option.agency)}
    for e, evader in enumerate(truth.evaders):
        for arcs, share in [(route.arcs, route.share) for route in evader.routes] or [
            (ways[e], 1.0)
        ]:
            left, behind = loads[e] * share, dict[tuple[str, str], float]()
            for arc in arcs:
                caught = left * (1 - chance[arc])
                finds[int(compiled.region.network.segment[arc])] += int(rng.poisson(caught))
                left *= chance[arc]
                for key in places.get(arc, ()):
                    at_place[key][0] += caught
                    behind[key] = left
            for key, passed in behind.items():
                at_place[key][1] += passed
            through[e] += left
    return loads, through, finds, at_place


SECTORS, BLOCKS, WEEKS, WASHOUT = 8, 8, 8, 6
"""Of a switch-back with the traffickers of `adapt`: their periods stand for weeks."""
SEEN = 0.2
"""Share of the loads that get through which a measured flow counts."""
MISSED = 0.15
"""Share of the weeks of the plan in which today's layout stands after all."""
ADAPTING = ((0.0, True), (0.0, False), (0.1, False))
"""Mobility of the traffickers of `adapt`, and whether the plan is today's layout."""


def measure_adapt(runs: int, mobility: float, null: bool) -> Iterator[str]:
    """Yield what a switch-back finds of the plan's lasting effect on loads that get
    through, with traffickers of `adapt`.
    """
    with tempfile.TemporaryDirectory() as name:
        compiled = compile_scenario(write_scenario(Path(name), SCENARIO))
    world = adaptive_world(compiled.instance, AdaptModel(loads=100.0, mobility=mobility, days=7))
    evaders = TrialTraffickers(
        world.sets, world.today, world.today if null else world.first.single, world.terms
    )
    today, plan = evaders.lasting(40)
    truth = plan - today
    rng = np.random.default_rng(0)
    first = rng.integers(0, 2, (400 + runs, SECTORS, BLOCKS // 2))
    schedules = (
        np.stack([first, 1 - first], axis=-1).reshape(len(first), SECTORS, BLOCKS).astype(np.int8)
    )
    chance, amount = np.full((2, SECTORS * BLOCKS), 0.5), np.ones((SECTORS, BLOCKS))
    exposed = schedules.reshape(len(schedules), -1)
    others = hajek_weights(exposed[runs:], chance, amount.ravel())
    found, held, alarms = list[float](), list[bool](), list[bool]()
    for run in range(runs):
        outcome, given = np.empty((SECTORS, BLOCKS)), np.empty((SECTORS, BLOCKS))
        for sector in range(SECTORS):
            on = np.repeat(schedules[run, sector], WEEKS) * (rng.random(BLOCKS * WEEKS) >= MISSED)
            loads = evaders.through(on.astype(np.float64), rng)
            counted = (slice(None), slice(WASHOUT, None))
            given[sector] = on.reshape(BLOCKS, WEEKS)[counted].mean(axis=1)
            mean = loads.reshape(BLOCKS, WEEKS)[counted].sum(axis=1)
            outcome[sector] = rng.poisson(SEEN * mean) / SEEN / (WEEKS - WASHOUT)
        left = without_means(np.stack([outcome, given]), amount, periods=True).reshape(2, -1)
        own = hajek_weights(exposed[run][None], chance, amount.ravel())[0]
        (one,) = effects_of(own, [others], left[0], left[1:]) or []
        found.append(one.effect)
        held.append(one.low <= truth <= one.high)
        alarms.append(one.p <= 0.1)
    bias = "" if null else f"bias {np.mean(found) / truth - 1:+.1%} of the effect, "
    case = "no effect" if null else f"{truth:+.2f} of {today:.1f} loads a week"
    told = f"{bias}interval holds {np.mean(held):.1%}, p <= .1 in {np.mean(alarms):.1%}"
    yield (
        f"adapt, {mobility:.0%} of the loads choose their gateway again in a week, {case}, {runs}"
        f" runs: {told}"
    )


def _settings() -> Iterator[tuple[str, TrialSetting, TrialWorld]]:
    """Yield trials in the world of `trial design`."""
    rng = np.random.default_rng(1)
    units, days = 12, 90
    plans = np.zeros((10, units), dtype=np.int8)
    for plan in plans:
        plan[rng.choice(units, 4, replace=False)] = 1
    share = rng.dirichlet(np.full(10, 3.0))
    ring = np.zeros((units, units), dtype=bool)
    for u in range(units):
        ring[u, [(u - 1) % units, (u + 1) % units]] = True
    drawn = plans[rng.choice(10, (400, days), p=share)].transpose(0, 2, 1)
    of_plan = exposures(plans.T, ring, nearby=True).reshape(units, 10)
    chance = np.stack([np.repeat((of_plan == k) @ share, days) for k in range(3)])
    yield (
        "draws",
        TrialSetting(drawn, ring, True, chance, 1.0, 0.0, at_once=True),
        TrialWorld(rate=0.05, amount=50),
    )
    every, first = ~np.eye(8, dtype=bool), rng.integers(0, 2, (400, 8, 4)).astype(np.int8)
    arms = np.stack([first, 1 - first], axis=-1).reshape(400, 8, 8)
    half = np.full((2, 64), 0.5)
    yield (
        "switch-back",
        TrialSetting(arms, every, False, half, 42, 28, at_once=False),
        TrialWorld(rate=0.02, amount=500),
    )
    begin = 1 + np.argsort(rng.random((400, 12)), axis=1) // 3
    steps = (np.arange(5) >= begin[..., None]).astype(np.int8)
    on = steps.mean(axis=0).ravel()
    every = ~np.eye(12, dtype=bool)
    setting = TrialSetting(steps, every, False, np.stack([1 - on, on]), 42, 28, at_once=False)
    yield "stepped", setting, TrialWorld(rate=0.02, amount=1000)


def measure_trial(runs: int) -> Iterator[str]:
    """Yield what trials find in the world of `trial design`."""
    for name, setting, world in _settings():
        for row in trial_powers(setting, world, effects=(0.0, 0.2, 0.3), runs=runs, seed=2):
            bias = f"bias {row.bias:+.1%} of the effect, " if row.effect else ""
            told = f"{bias}interval holds {row.holds:.1%}, p <= .1 in {row.power:.1%}"
            yield f"{name}, effect {row.effect:.0%}, {runs} runs: {told}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("what", choices=["tracks", "speed", "passes", "trial"])
    parser.add_argument("scenarios", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--every", type=float, default=60.0)
    parser.add_argument("--worlds", default=",".join(WORLDS), help="of passes")
    parser.add_argument("--first", type=int, default=0, help="first seed of passes")
    parser.add_argument("--wide", action="store_true", help="passes on the border of 24 gateways")


def main(asked: argparse.Namespace) -> None:
    """Print what is asked for."""
    if asked.scenarios and asked.what in {"passes", "trial"}:
        asked.refuse(f"{asked.what} takes no scenario: its worlds are made up")
    lines: list[Iterator[str]] = []
    if asked.what == "passes":
        worlds = asked.worlds.split(",")
        lines = [
            measure_passes(world, asked.runs, first=asked.first, wide=asked.wide)
            for world in worlds
        ]
    if asked.what == "trial":
        lines = [
            measure_trial(asked.runs),
            *(measure_adapt(asked.runs, *case) for case in ADAPTING),
        ]
    for scenario in asked.scenarios:
        if asked.what == "speed":
            lines.append(measure_speed(scenario))
        else:
            lines.append(measure_tracks(scenario, asked.runs, asked.every))
    for each in lines:
        for line in each:
            print(line, flush=True)
