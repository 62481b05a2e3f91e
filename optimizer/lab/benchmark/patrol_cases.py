"""The cases with patrols: shipped scenarios with teams, and generated countries where checkpoints and teams use one budget of agents.

A generated case is the benchmark's own region or valley country of the same seed. Its checkpoints keep their places, chances and officers, but
all draw on one resource, `agents`; so does a team, and there are as many teams as the agents suffice for, so that checkpoints alone, patrols
alone and both together can each spend the same.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem
from optimizer.lab.benchmark.borderland import draw_land, region_instance
from optimizer.lab.benchmark.families import INSTANCES
from optimizer.lab.benchmark.valleys import draw_country, valleys_instance
from optimizer.lab.case import Case
from optimizer.patrols.field import patrol_field
from optimizer.patrols.posts import choose_posts
from optimizer.problem.options import Resource
from optimizer.problem.teams import TeamBase, TeamType

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.lab.benchmark.borderland import Barrier
    from optimizer.problem.instance import Instance
    from optimizer.problem.network import Network
    from optimizer.problem.options import Option

    Mask = NDArray[np.bool_]

AGENTS = "agents"
TEAM_AGENTS = 2
SHIFT_HOURS, SLOT_MINUTES, MOST_SLOTS = 8, 30, 4
DETECTION, PASSING = 0.4, 0.1
"""Chance that a team detects a loaded evader whom it meets while it dwells, and while it drives: assumed, the first between the chances of
the family's kinds of checkpoint."""
SPACING_M = 2000.0
"""Least distance between two posts."""

FAMILY = "patrols"


def patrol_cases(instances: Path = INSTANCES) -> list[Case[Instance]]:
    """Return every case: shipped scenarios that have teams, a valley country, three border regions."""
    return [*shipped_cases(instances), *_generated()]


def shipped_cases(instances: Path = INSTANCES) -> list[Case[Instance]]:
    """Return a case for each folder with a scenario that has teams."""
    files = sorted(instances.glob("*/scenario.toml"))
    with_teams = [path for path in files if "teams" in tomllib.loads(path.read_text(encoding="utf-8"))]
    return [
        Case(FAMILY, path.parent.name, partial(_scenario, path), shipped=True, about=f"{path.parent.name}/{path.name}")
        for path in with_teams
    ]


def _generated() -> list[Case[Instance]]:
    sizes: list[tuple[int, Barrier, int, float, float, int, int, int]] = [
        (600, "river", 16, 0.25, 0.0, 20, 2, 11),
        (2000, "mountains", 30, 0.2, 0.0, 20, 3, 1),
        (2000, "river", 30, 0.2, 0.3, 30, 3, 2),
    ]
    return [
        Case(
            FAMILY,
            "andorra-like",
            partial(valleys_case, n_checkpoints=30, share=0.2, habitual=0.3, n_posts=20, seed=1),
            about="valley country, 20 % of all checkpoints' officers",
        ),
        *(
            Case(
                FAMILY,
                f"region-{nodes}-{barrier}",
                partial(
                    region_case,
                    nodes,
                    barrier,
                    n_checkpoints=checkpoints,
                    share=share,
                    habitual=habitual,
                    n_posts=posts,
                    n_bases=bases,
                    seed=seed,
                ),
                about=f"border region, {100 * share:g} % of all checkpoints' officers",
            )
            for nodes, barrier, checkpoints, share, habitual, posts, bases, seed in sizes
        ),
    ]


def region_case(
    n_nodes: int,
    barrier: Barrier,
    *,
    n_checkpoints: int,
    share: float,
    habitual: float,
    n_posts: int,
    n_bases: int,
    seed: int,
) -> Instance:
    """Return a border region with checkpoints and teams that share agents.

    Parameters
    ----------
    n_nodes, barrier, habitual, seed
        As in `optimizer.lab.benchmark.borderland.region_instance`.
    n_checkpoints
        Segments that can take a checkpoint.
    share
        Budget as a share, in (0, 1], of the officers that all checkpoints would take.
    n_posts
        Most posts of teams.
    n_bases
        Bases, >= 1: in each of as many strips from west to east, the town at home nearest to the border; none where a strip has no town.
    """
    instance = region_instance(
        n_nodes,
        barrier=barrier,
        n_posts=n_checkpoints,
        n_patrols=0,
        n_sectors=1,
        share=1.0,
        habitual=habitual,
        seed=seed,
    )
    land = draw_land(n_nodes, barrier, np.random.default_rng(seed))
    towns = land.towns[land.depth[land.towns] > 0]
    x = land.roads.xy[towns, 0]
    strip = np.clip(((x - x.min()) / np.ptp(x) * n_bases).astype(np.int64), 0, n_bases - 1)
    bases = [int(mine[land.depth[mine].argmin()]) for k in range(n_bases) for mine in (towns[strip == k],) if mine.size]
    return _shared(instance, land.roads.network, land.depth > 0, bases, share, n_posts)


def valleys_case(*, n_checkpoints: int, share: float, habitual: float, n_posts: int, seed: int) -> Instance:
    """Return the valley country of 911 nodes with checkpoints and teams that share agents; bases in the capital and below both gates.

    Parameters
    ----------
    n_checkpoints, share, n_posts
        As in `region_case`.
    habitual, seed
        As in `optimizer.lab.benchmark.valleys.valleys_instance`.
    """
    spacing, n_side, blocks = 0.5, 6, 5
    instance = valleys_instance(
        spacing,
        n_side=n_side,
        blocks=blocks,
        n_posts=n_checkpoints,
        n_patrols=1,
        share=1.0,
        habitual=habitual,
        seed=seed,
    )
    country = draw_country(spacing, n_side, blocks, np.random.default_rng(seed))
    sketch, towns = country.sketch, country.towns
    capital, south, east = towns[0], towns[2], towns[4]
    return _shared(instance, sketch.roads().network, np.array(sketch.home), [capital, south, east], share, n_posts)


def _shared(
    instance: Instance, network: Network, home: Mask, bases: Sequence[int], share: float, n_posts: int
) -> Instance:
    """Return the checkpoints of an instance and teams that never leave home, with one budget of agents."""
    if not (np.array_equal(network.tail, instance.tail) and np.array_equal(network.head, instance.head)):
        raise ValueError(f"{instance.name}: its roads are not those drawn beside it")
    checkpoints = tuple(_with_agents(option) for option in instance.options if option.kind == "checkpoint")
    every = sum(option.uses[AGENTS] for option in checkpoints)
    budget = float(TEAM_AGENTS * np.ceil(share * every / TEAM_AGENTS))
    team = TeamType(
        id="mobile",
        number=int(budget) // TEAM_AGENTS,
        shift_s=3600 * SHIFT_HOURS,
        slot_s=60 * SLOT_MINUTES,
        most_slots=MOST_SLOTS,
        detection=DETECTION,
        passing=PASSING,
        uses={AGENTS: float(TEAM_AGENTS)},
        label="mobile team",
    )
    instance = replace(instance, options=checkpoints, resources=(Resource(AGENTS, budget, unit="agents a shift"),))
    inside = home[network.tail[network.segment_arc]] & home[network.head[network.segment_arc]]
    posts = choose_posts(network, instance.reliability, instance.evaders, inside, n_posts, SPACING_M)
    assigned = [
        (team, TeamBase(f"base-{node}", node, float(network.lon[node]), float(network.lat[node])), range(len(posts)))
        for node in bases
    ]
    return replace(instance, patrols=patrol_field(network, posts, assigned, np.flatnonzero(~home).tolist()))


def _with_agents(option: Option) -> Option:
    """Return a checkpoint whose officers are agents of one resource, and nothing else it uses."""
    officers = sum(amount for name, amount in option.uses.items() if name.partition("@")[0] == "officers")
    return replace(option, uses={AGENTS: officers}, agency="")


def _scenario(path: Path) -> Instance:
    from optimizer.scenario.compile import compile_scenario

    compiled = compile_scenario(path)
    if compiled.instance.patrols is None:
        raise InputError(Problem(str(path), "no teams", "at least one entry of [[teams]]", "Add some"))
    return compiled.instance
