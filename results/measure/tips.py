"""What tips bring where some are true, and what they cost where all are false: worlds
of the family, with and without them.

Each world of the family is searched and written down as it is designed, the recommended
model is fitted, and its map is judged by rel5 (what passes on the 5 % of road length
that it ranks highest, over that of the true ranking) and by the mean absolute error of
the log index on active segments, without tips and with several sets of them. True tips
come from segments in proportion to what passes there times length, false ones from
anywhere, in proportion to length. A flood is aimed at the quietest tenth of the roads
and graded as reliable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from optimizer.base.errors import InfeasibleError, InputError, Problem
from optimizer.lab.study.cells import GENERATED, family_plan, generated_roads, world_of
from optimizer.lab.study.study import ACTIVE, ESTIMATORS, OURS, Trial, make_trial, ranks
from optimizer.problem.network.geodesy import KM_PER_DEGREE
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan, with_plan
from optimizer.records.grades import learn_reliability
from optimizer.records.tips import LEVEL, Tips
from optimizer.risk import RiskEstimate, captured
from optimizer.risk.tips import REACH_KM, weigh_tips
from optimizer.scenario.compile.compile import Compiled, compile_scenario
from optimizer.solvers.solve import solve

Floats = NDArray[np.float64]

MONTHS = 24

JITTER_DEG = 0.004


@dataclass(frozen=True)
class TipSet:
    """Tips that are planted: how many clusters, which share of them is false, the class
    of their grade, and whether they are a flood.
    """

    name: str
    count: int
    false_share: float
    grade: str | None
    flood: bool = False


SETS = (
    TipSet("60 tips, a third false, graded B", 60, 1 / 3, "B"),
    TipSet("200 tips, a third false, graded B", 200, 1 / 3, "B"),
    TipSet("200 tips, a third false, ungraded", 200, 1 / 3, None),
    TipSet("200 tips, all false, graded B", 200, 1.0, "B"),
    TipSet("flood of 20,000 on quiet roads, graded A", 20_000, 1.0, "A", flood=True),
)


@dataclass(frozen=True)
class TipResult:
    """One world and set of tips: rel5 and error without and with them, the greatest
    factor of an index, clusters that count.
    """

    world: str
    tips: str
    rel5_without: float
    rel5_with: float
    error_without: float
    error_with: float
    factor: float
    used: int


def ablation(worlds: int) -> Iterator[TipResult]:
    """Yield the results of every third world of the family, so many worlds."""
    roads = generated_roads()
    cells = [cell for cell in family_plan((GENERATED,), 1) if cell.effort != "even"][::3][:worlds]
    for number, cell in enumerate(cells):
        world = world_of(roads, cell)
        trial = make_trial(cell, world)
        model = ESTIMATORS[OURS](roads.table)
        estimate = model.fit(*trial.record, roads.network).predict()
        for chosen in SETS:
            tips = planted(chosen, trial, np.random.default_rng(number))
            shift = weigh_tips(tips, estimate, roads.network)
            after = shift.shifted(estimate)
            yield TipResult(
                cell.world,
                chosen.name,
                captured(world, ranks(estimate.median, trial.lot)),
                captured(world, ranks(after.median, trial.lot)),
                _error(estimate, trial),
                _error(after, trial),
                float(np.exp(shift.log_factor.max())),
                shift.used,
            )


def planted(chosen: TipSet, trial: Trial, rng: np.random.Generator) -> Tips:
    """Return clusters of tips about a truth."""
    network = trial.world.network
    length = network.length_m[network.segment_arc]
    true = trial.world.rate * length
    anywhere = (
        length * (trial.world.rate <= np.quantile(trial.world.rate, 0.1))
        if chosen.flood
        else length
    )
    false = rng.random(chosen.count) < chosen.false_share
    at = np.where(
        false,
        rng.choice(length.size, chosen.count, p=anywhere / anywhere.sum()),
        rng.choice(length.size, chosen.count, p=true / true.sum()),
    )
    point = network.segment_midpoint[at] + rng.normal(0, JITTER_DEG, (chosen.count, 2))
    day = np.sort(rng.integers(0, 30 * MONTHS, chosen.count)).astype("datetime64[D]")
    low = learn_reliability([chosen.grade], [0], [0], LEVEL).low[0]
    rate = np.full(chosen.count, min(1 - low, 0.98))
    return Tips(point[:, 0], point[:, 1], day, rate, chosen.count, 0, ())


def _error(estimate: RiskEstimate, trial: Trial) -> float:
    """Return the mean absolute error of the log index on active segments, both sides
    scaled to a median of 1 there.
    """
    active = trial.world.rate > ACTIVE
    apart = np.log(np.maximum(estimate.median[active], 1e-9)) - np.log(trial.world.rate[active])
    return float(np.abs(apart - np.median(apart)).mean())


# What floods of tips cost a plan: a scenario is planned without them and with them, and
# both plans are judged without them.
#
# Floods are of class A, the most believed one, and of 24 months, so that as many
# clusters as can do count. They lie on the quietest tenth of the roads by the record,
# anywhere, or within reach of no site of the plan without tips, which draws teams off
# where they stand. The bound of `optimizer.scenario.demand.travel`, e^2B - 1 = 56 %,
# holds for plans that are the best; what the solver's gaps add is told.

FLOOD_MONTHS, FLOOD_JITTER_DEG = 24, 0.004

FLOODS = ("quiet", "anywhere", "aside")


@dataclass(frozen=True)
class FloodResult:
    """One flood."""

    #: `scenario`, `flood`: Name of the scenario, and where the tips are.
    scenario: str
    flood: str
    #: Clusters that count.
    counted: int
    #: `best`, `flooded`: Values, without tips, of the plans made without and with them.
    best: float
    flooded: float
    #: Proven bound of every plan's value without tips.
    lower: float
    #: The greater gap of the two searches.
    gap: float
    #: Options of the plan with tips that the plan without does not have.
    moved: int

    @property
    def loss(self) -> float:
        """Share by which more gets through."""
        return self.flooded / self.best - 1


def floods(path: Path, tips: int, seed: int, gap: float, seconds: float) -> Iterator[FloodResult]:
    """Yield what each flood costs the plan of a scenario.

    Parameters
    ----------
    path
        The scenario, with a record.
    tips
        How many tips are sent.
    seed
        Of their places and days.
    gap, seconds
        Where each search stops.

    Raises
    ------
    InputError
        If the scenario has no record.
    InfeasibleError
        If a search ends before it has a plan.
    """
    plain = compile_scenario(path)
    if plain.risk is None:
        why, remedy = (
            "no record, without which tips change nothing",
            "Name seizures and effort under [records]",
        )
        raise InputError(Problem(str(path), why, "a scenario with a record", remedy))
    best = _best(plain, gap, seconds)
    for flood in FLOODS:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "tips.csv"
            _write(file, _places(plain, best.plan, flood), tips, np.random.default_rng(seed))
            tipped = compile_scenario(path, settings={"records.tips": str(file)})
        found = _best(tipped, gap, seconds)
        yield FloodResult(
            plain.scenario.name,
            flood,
            0 if tipped.tips is None else tipped.tips.used,
            _value(plain, best.plan),
            _value(plain, found.plan),
            best.lower,
            max(best.gap, found.gap),
            len(set(found.plan.options) - set(best.plan.options)),
        )


@dataclass(frozen=True)
class _BestFound:
    """The best plan that a search found, a bound of every plan's value, and the gap."""

    plan: Plan
    lower: float
    gap: float


def _best(compiled: Compiled, gap: float, seconds: float) -> _BestFound:
    result = solve(compiled.instance, gap=gap, time_limit=seconds)
    if result.plan is None:
        raise InfeasibleError("The search ended before it had a plan. Give it more time.")
    return _BestFound(result.plan, result.lower or 0.0, result.gap or 0.0)


def _value(plain: Compiled, plan: Plan) -> float:
    whole = with_plan(plain.instance, plan)
    return plan_value(whole, whole.placed(plan.options))


def _places(plain: Compiled, best: Plan, flood: str) -> NDArray[np.float64]:
    """Return (k, 2) middles of the segments where tips of a flood are from, in degrees."""
    network = plain.region.network
    middle = network.segment_midpoint
    if flood == "quiet" and plain.risk is not None:
        return middle[plain.risk.median <= np.nanquantile(plain.risk.median, 0.1)]
    sites = [plain.sites[each.site] for each in best.placements if each.site in plain.sites]
    if flood == "anywhere" or not sites:
        return middle
    scale = KM_PER_DEGREE * np.array([np.cos(np.radians(middle[:, 1].mean())), 1.0])
    stand = middle[[network.segment[site.arcs[0]] for site in sites]]
    return middle[cKDTree(stand * scale).query(middle * scale)[0] > 6 * REACH_KM]


def _write(file: Path, places: NDArray[np.float64], tips: int, rng: np.random.Generator) -> None:
    """Write tips of class A about places, each in words of its own."""
    point = places[rng.integers(0, len(places), tips)] + rng.normal(0, FLOOD_JITTER_DEG, (tips, 2))
    day = np.datetime64("2024-01-01") + np.sort(rng.integers(0, 30 * FLOOD_MONTHS, tips))
    words = rng.integers(0, 26, (tips, 12)) + ord("a")
    rows = [
        f"{when},{lon:.5f},{lat:.5f},A1,{bytes(letters.tolist()).decode()}"
        for when, (lon, lat), letters in zip(day.tolist(), point.tolist(), words, strict=True)
    ]
    file.write_text("\n".join(["time,lon,lat,grade,text", *rows]) + "\n", encoding="utf-8")
