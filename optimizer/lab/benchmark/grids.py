"""The `grid` family: square street grids, where every road has an equal neighbour and shortest paths abound.

`plain` grids have one resource, one arc an option, and informed evaders alone. `mixed` grids have everything the instance model knows:
two agencies with officers of their own, shared money, sites where only one kind fits, exclusions, patrols over several streets, and
evaders that keep to their habits.

The `varied` family has what other families have little of: options on nearly every road, several kinds a site, thousands of evaders, large
budgets, other shares of habits, groups of which one may be placed, and requirements.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.problem.instance.checks import check_evaders
from optimizer.problem.instance.evaders import Evader, Route, best_responses
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.instance.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

DIGITS = 6
"""Decimals of every generated probability: the file is short, and the last bits of a machine's logarithm do not matter."""
HABITUAL = 0.3
"""Share of the evaders of a mixed grid of the `grid` family that keep to fixed routes."""


def plain_grid(side: int, *, budget: int, n_options: int, n_evaders: int, seed: int) -> Instance:
    """Return a grid with sensors on single arcs and a number of them to place.

    Parameters
    ----------
    side
        Nodes a side, >= 2; there are side^2 nodes and 4 side (side - 1) arcs.
    budget
        Sensors.
    n_options
        Arcs that can take one, drawn without replacement.
    n_evaders
        Informed evaders, each from the west edge to the east edge, of equal weight.
    seed
        Seed of everything drawn: reliabilities uniform in [0.85, 1), survivals in [0.1, 0.5).
    """
    rng = np.random.default_rng(seed)
    tail, _ = _streets(side)
    reliability = _rounded(rng.uniform(0.85, 1.0, tail.size))
    arcs = np.sort(rng.choice(tail.size, n_options, replace=False))
    survival = _rounded(rng.uniform(0.1, 0.5, n_options))
    options = tuple(
        Option(f"s{j}", (int(a),), (float(s),), {"sensors": 1.0}, kind="sensor")
        for j, (a, s) in enumerate(zip(arcs, survival, strict=True))
    )
    return _instance(
        f"grid-{side}-plain-{budget}",
        side,
        reliability,
        tuple(_crossers(rng, side, n_evaders)),
        options,
        (Resource("sensors", float(budget), unit="sensors"),),
    )


def sensor_grid(side: int, *, budget: int, n_options: int, n_evaders: int, seed: int) -> Instance:
    """Return a plain grid whose sensors watch both directions of a street; `n_options` streets can take one.

    With a sensor for nearly every street every path meets many options, and next to nothing gets through with all of them placed.
    """
    rng = np.random.default_rng([seed, 1])
    plain = plain_grid(side, budget=budget, n_options=1, n_evaders=n_evaders, seed=seed)
    streets = np.sort(rng.choice(plain.tail.size // 2, n_options, replace=False))
    survival = _rounded(rng.uniform(0.1, 0.5, n_options))
    options = tuple(
        Option(f"s{j}", (2 * street, 2 * street + 1), (share, share), {"sensors": 1.0}, kind="sensor")
        for j, (street, share) in enumerate(zip(streets.tolist(), survival.tolist(), strict=True))
    )
    return replace(plain, name=f"sensors-{side}-{budget}", options=options)


def two_kinds_grid(side: int, *, n_sites: int, shares: tuple[float, float], n_evaders: int, seed: int) -> Instance:
    """Return a grid with a strong and a weak kind for each of `n_sites` streets, and two resources of which each uses its own amounts.

    Survivals are uniform in [0.2, 0.4) and [0.5, 0.75), uses log-normal; the strong kind uses three times as much at the median. Budgets are
    `shares` of what everything would use.
    """
    rng = np.random.default_rng([seed, 2])
    plain = plain_grid(side, budget=1, n_options=1, n_evaders=n_evaders, seed=seed)
    names = ("officers", "money")
    options: list[Option] = []
    for j, street in enumerate(np.sort(rng.choice(plain.tail.size // 2, n_sites, replace=False)).tolist()):
        for kind, low, high, times in (("strong", 0.2, 0.4, 3.0), ("weak", 0.5, 0.75, 1.0)):
            survival = float(_rounded(rng.uniform(low, high)))
            uses = dict(zip(names, _rounded(times * rng.lognormal(0.0, 0.5, 2)).tolist(), strict=True))
            arcs = (2 * street, 2 * street + 1)
            options.append(Option(f"p{j}:{kind}", arcs, (survival, survival), uses, site=f"p{j}", kind=kind))
    resources = tuple(
        Resource(name, round(share * sum(option.uses[name] for option in options), DIGITS), unit=name)
        for name, share in zip(names, shares, strict=True)
    )
    return replace(plain, name=f"two-kinds-{n_sites}", options=tuple(options), resources=resources)


def quota_grid(side: int, *, budget: int, n_options: int, n_evaders: int, seed: int) -> Instance:
    """Return a sensor grid with groups and requirements.

    Of three options that follow one another at most one may be placed; a third of the budget at least goes to the first half of the options,
    and for two placed there at least one in the second half.
    """
    whole = sensor_grid(side, budget=budget, n_options=n_options, n_evaders=n_evaders, seed=seed)
    half = n_options // 2
    groups = tuple((k, k + 1, k + 2) for k in range(0, n_options - 2, 3))
    every = tuple(range(n_options))
    balance = tuple(-0.5 if k < half else 1.0 for k in every)
    requirements = (
        Requirement("a third in the first half", every[:half], (1.0,) * half, float(budget // 3)),
        Requirement("balance of the halves", every, balance, 0.0),
    )
    return replace(whole, name=f"quotas-{side}-{budget}", exclusions=groups, requirements=requirements)


def mixed_grid(
    side: int, *, share: float, n_sites: int, n_patrols: int, n_evaders: int, seed: int, habitual: float = HABITUAL
) -> Instance:
    """Return a grid with every feature of the instance model.

    Parameters
    ----------
    side
        Nodes a side, >= 2.
    share
        Budgets as a share, in (0, 1], of what everything together would use.
    n_sites
        Streets that can take a checkpoint, heavy or light: at most one of the two.
    n_patrols
        Beats of three streets in a row; neighbours in the list exclude each other.
    n_evaders
        Evaders.
    seed
        Seed of everything drawn.
    habitual
        Share of the evaders, in [0, 1], that keep to two fixed routes.
    """
    rng = np.random.default_rng(seed)
    tail, head = _streets(side)
    reliability = _rounded(rng.uniform(0.85, 1.0, tail.size))
    posts = list(_posts(rng, tail.size // 2, n_sites))
    patrols = list(_patrols(rng, side, n_patrols))
    options = (*posts, *patrols)
    first = len(posts)
    exclusions = tuple((first + k, first + k + 1) for k in range(0, n_patrols - 1, 2))
    evaders = tuple(
        _with_habits(rng, evader, tail, head, reliability) if k < round(habitual * n_evaders) else evader
        for k, evader in enumerate(_crossers(rng, side, n_evaders))
    )
    resources = tuple(
        Resource(name, float(round(share * sum(o.uses.get(name, 0.0) for o in options))), agency, unit)
        for name, agency, unit in (
            ("officers-north", "north", "officers"),
            ("officers-south", "south", "officers"),
            ("money", "", "thousand"),
        )
    )
    name = f"grid-{side}-mixed-{round(100 * share)}"
    return _instance(name, side, reliability, evaders, options, resources, exclusions)


def _streets(side: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return tails and heads: both directions of a street side by side, at positions 2 s and 2 s + 1."""
    node = np.arange(side * side).reshape(side, side)
    one = np.concatenate((node[:, :-1].ravel(), node[:-1].ravel()))
    two = np.concatenate((node[:, 1:].ravel(), node[1:].ravel()))
    tail, head = np.column_stack((one, two)).ravel(), np.column_stack((two, one)).ravel()
    return tail.astype(np.int32), head.astype(np.int32)


def _crossers(rng: np.random.Generator, side: int, count: int) -> Iterator[Evader]:
    """Yield informed evaders from the west edge to the east edge."""
    for k in range(count):
        west, east = rng.integers(0, side, 2).tolist()
        yield Evader(f"e{k}", west * side, east * side + side - 1, round(1.0 / count, 9))


def _posts(rng: np.random.Generator, n_streets: int, count: int) -> Iterator[Option]:
    """Yield a heavy and a light checkpoint for each of `count` streets, both directions watched."""
    for j, street in enumerate(np.sort(rng.choice(n_streets, count, replace=False)).tolist()):
        agency = "north" if j % 2 else "south"
        arcs = (2 * street, 2 * street + 1)
        for kind, low, high, officers, money in (("heavy", 0.2, 0.5, 4.0, 9.0), ("light", 0.5, 0.8, 2.0, 4.0)):
            survival = float(_rounded(rng.uniform(low, high)))
            yield Option(
                f"p{j}:{kind}",
                arcs,
                (survival, survival),
                {f"officers-{agency}": officers, "money": money},
                site=f"p{j}",
                agency=agency,
                kind="checkpoint",
            )


def _patrols(rng: np.random.Generator, side: int, count: int) -> Iterator[Option]:
    """Yield beats of three streets in a row going south to north."""
    eastward = side * (side - 1)
    for j in range(count):
        row, column = int(rng.integers(0, side - 3)), int(rng.integers(0, side))
        streets = [eastward + (row + k) * side + column for k in range(3)]
        survival = float(_rounded(rng.uniform(0.7, 0.9)))
        agency = "north" if j % 2 else "south"
        yield Option(
            f"b{j}",
            tuple(2 * street + way for street in streets for way in (0, 1)),
            (survival,) * 6,
            {f"officers-{agency}": 2.0, "money": 3.0},
            agency=agency,
            kind="patrol",
        )


def _with_habits(
    rng: np.random.Generator,
    evader: Evader,
    tail: NDArray[np.int32],
    head: NDArray[np.int32],
    reliability: NDArray[np.float64],
) -> Evader:
    """Return the evader with two fixed routes: best paths under reliabilities it misjudges."""
    n_nodes = int(tail.max()) + 1
    routes: list[tuple[int, ...]] = []
    for _ in range(2):
        believed = np.clip(reliability * rng.uniform(0.9, 1.0, tail.size), 1e-6, 1.0)
        routes += best_responses(n_nodes, tail, head, believed, [evader])
    share = float(_rounded(rng.uniform(0.3, 0.7)))
    return Evader(
        evader.id,
        evader.origin,
        evader.destination,
        evader.weight,
        (Route(routes[0], share), Route(routes[1], round(1.0 - share, DIGITS))),
    )


def _instance(
    name: str,
    side: int,
    reliability: NDArray[np.float64],
    evaders: tuple[Evader, ...],
    options: tuple[Option, ...],
    resources: tuple[Resource, ...],
    exclusions: tuple[tuple[int, ...], ...] = (),
) -> Instance:
    tail, head = _streets(side)
    instance = Instance(
        name, np.arange(side * side), tail, head, reliability, evaders, options, resources, exclusions=exclusions
    )
    check_evaders(instance, name)
    return instance


def _rounded(values: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return np.round(values, DIGITS)
