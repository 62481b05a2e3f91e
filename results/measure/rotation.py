"""The field's own experiment in the world of `adapt`: `python -m
results.measure rotation` prints a line for one to three nights a week.

Banerjee, Duflo, Keniston and Singh (2019, NBER 26224) drew police stations to have
checkpoints against drunk driving at one fixed place, or rotating over three, on one to
three nights a week. Rotating ones lowered accidents and deaths at night, fixed ones did
not. Here three roads are alike, a team stands on one of them on so many nights, and
drivers learn as the traffickers of `adapt` do. The effect is that on the loads that get
through in the last weeks, beside weeks without a team and the same drivers.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from optimizer.lab.adaptive.simulation.traffickers import Layout, Traffickers
from optimizer.lab.adaptive.simulation.world import AdaptiveWorld, adaptive_world
from optimizer.problem.instance.options import Resource
from optimizer.scenario.file.model import AdaptModel
from tests.cases import side_by_side

ROADS, BEFORE, WEEKS, LAST = 3, 6, 30, 12
"""Roads, weeks without a team, weeks with one, and those at the end that count."""


def three_roads() -> AdaptiveWorld:
    """Return a world of three like roads from A to B, of which one may have a team that
    finds half of what passes.
    """
    instance = side_by_side(
        [{"teams": 1.0}] * ROADS, [Resource("teams", 1.0)], survival=0.5, last=1.0
    )
    return adaptive_world(instance, AdaptModel(days=7, loads=100.0))


def lost_loads(world: AdaptiveWorld, nights: int, *, rotating: bool, seed: int) -> float:
    """Return the mean loads a week that do not get through in the last weeks."""
    rng = np.random.default_rng([seed, nights, rotating])
    empty = np.zeros(ROADS, dtype=bool)
    traffickers, lost = Traffickers(world.sets.routes, world.sets.crowd, world.terms), []
    for week in range(BEFORE + WEEKS):
        roads = rng.integers(0, ROADS, nights) if rotating else np.zeros(nights, dtype=int)
        stands: list[NDArray[np.bool_]] = [np.arange(ROADS) == road for road in roads.tolist()]
        days = [empty] * 7 if week < BEFORE else stands + [empty] * (7 - nights)
        layout = Layout.drawn(days)
        lost.append(float(traffickers.flows @ (1 - world.passages.through(layout))))
        outcome = traffickers.send(layout, world.passages, rng)
        traffickers.learn(outcome, world.place_detection(layout.presence), rng)
    return float(np.mean(lost[-LAST:]))


def experiment(nights: int, seeds: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the loads lost a week under the fixed and the rotating team, by seed."""
    world = three_roads()
    arms = [
        [lost_loads(world, nights, rotating=arm, seed=seed) for seed in range(seeds)]
        for arm in (False, True)
    ]
    return np.array(arms[0]), np.array(arms[1])


def counted_interval(lost: float, seed: int) -> tuple[float, float]:
    """Return the 90 % interval of the share lost, by counts of the last weeks with a
    team and of as many without (normal, Poisson counts).
    """
    rng = np.random.default_rng(seed)
    size = 100.0 * LAST
    with_team, without = int(rng.poisson(size - lost * LAST)), int(rng.poisson(size))
    half = 1.645 * float(np.sqrt(with_team + without))
    return (without - with_team - half) / size, (without - with_team + half) / size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("--seeds", type=int, default=100)


def main(asked: argparse.Namespace) -> None:
    """Print what comes of one to three nights a week."""
    for nights in (1, 2, 3):
        fixed, rotating = experiment(nights, asked.seeds)
        holds = sum(
            low <= 0 <= high
            for low, high in (counted_interval(x, k) for k, x in enumerate(fixed.tolist()))
        )
        more = f"rotating finds more in {int((rotating > fixed).sum())} of {asked.seeds} seeds"
        print(
            f"{nights} nights a week: of 100 loads a fixed team loses them {fixed.mean():.2f}, a"
            f" rotating one {rotating.mean():.2f}; {more}; the interval of the fixed effect holds 0"
            f" in {holds} of {asked.seeds}"
        )
