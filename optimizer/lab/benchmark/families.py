"""The families: which instances there are, where they lie, and how they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.names import unknown_name
from optimizer.lab.rows import Case, matching
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.problem.instance.checks import check_evaders
from optimizer.problem.instance.evaders import Evader, Route, best_responses
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, Resource
from optimizer.problem.instance.requirements import Requirement

INSTANCES = Path(__file__).parents[3] / "instances"
"""Where the repository keeps its instances."""

SUFFIX = ".json"

KNOWN_SUFFIX = ".sol.json"


def instance_file(case: Case[Instance], folder: Path) -> Path:
    """Return the file of an instance, written into `folder` if it has none of its own."""
    if case.path is not None:
        return case.path
    path = folder / f"{case.name}{SUFFIX}"
    if not (case.slow and path.is_file()):
        write_instance(path, case.make())
    return path


def known_file(case: Case[Instance]) -> Path | None:
    """Return the file of an instance's best-known solution, which need not exist; None
    where the repository keeps none.
    """
    return None if case.path is None else case.path.with_name(f"{case.name}{KNOWN_SUFFIX}")


def definitions() -> dict[str, tuple[Case[Instance], ...]]:
    """Return how the instances of every generated family are made.

    Those that are `slow` are made when a benchmark asks for them; the repository
    carries the files of the others.
    """
    return {
        "grid": _grids(),
        "region": _regions(),
        "andorra-like": _valleys(),
        "rio-grande": tuple(
            Case("rio-grande", f"rio-grande-{p}", partial(rio_grande_instance, p / 100))
            for p in (50, 100, 200)
        ),
        "varied": _varied(),
    }


def cases(
    families: Sequence[str],
    *,
    only: Sequence[str] = (),
    large: bool = False,
    snip_dir: Path | None = None,
    instances: Path = INSTANCES,
) -> list[Case[Instance]]:
    """Return the instances of some families, in the order of their names.

    Parameters
    ----------
    families
        Names of families, or folders with instance files directly in them; `all` for
        every family at hand.
    only
        Patterns with * and ? of which an instance's name must match one; empty for no
        such filter.
    large
        Whether to add the instances that are too large for the repository.
    snip_dir
        Folder of the SNIP files.
    instances
        Folder that holds a folder for each family.

    Raises
    ------
    InputError
        If a family is not known or has no files, or no instance is left.
    """
    known = known_families(instances)
    wanted = list(dict.fromkeys(families))
    if "all" in wanted:
        wanted = [*known, *(["snip"] if snip_dir else [])]
    found: list[Case[Instance]] = []
    for family in wanted:
        if family == "snip":
            found += _snip(snip_dir)
        elif family not in known and Path(family).is_dir():
            found += _stored(Path(family).absolute().parent, Path(family).absolute().name)
        elif family in known:
            found += _stored(instances, family)
            found += [case for case in definitions().get(family, ()) if case.slow and large]
        else:
            raise InputError(unknown_name("--family", family, [*known, "snip", "all"]))
    chosen = matching(found, only)
    if not chosen:
        raise InputError(
            Problem(
                "--only" if found else f"families {', '.join(wanted)} in {instances}",
                ", ".join(only) or "no instance",
                "a pattern that some instance's name matches" if found else "instance files",
                (
                    "Run from a checkout of the repository, or name its folder with --instances"
                    if not found
                    else ""
                ),
            )
        )
    return chosen


def known_families(instances: Path = INSTANCES) -> list[str]:
    """Return the names of the families that lie in a folder, besides `snip`: its
    folders with instance files directly in them.
    """
    if not instances.is_dir():
        return []
    return sorted(
        folder.name
        for folder in instances.iterdir()
        if folder.is_dir() and _stored(instances, folder.name)
    )


def write_families(instances: Path = INSTANCES, families: Sequence[str] = ()) -> Iterator[Path]:
    """Write the stored instances of the generated families, `families` or all, and
    yield each file.
    """
    for family, members in definitions().items():
        for definition in members:
            if not definition.slow and (not families or family in families or "all" in families):
                path = instances / family / f"{definition.name}{SUFFIX}"
                write_instance(path, definition.make())
                yield path


def _stored(instances: Path, family: str) -> list[Case[Instance]]:
    paths = sorted((instances / family).glob(f"*{SUFFIX}"))
    files = [path for path in paths if not path.name.endswith(KNOWN_SUFFIX)]
    return [Case(family, path.stem, partial(read_instance, path), path) for path in files]


def _snip(folder: Path | None) -> list[Case[Instance]]:
    from optimizer.lab.converters.snip import snip_instance

    if folder is None:
        raise InputError(
            Problem(
                "--family snip",
                "no --snip-dir",
                "the folder of the SNIP files",
                "Name it with --snip-dir",
            )
        )
    return [
        Case(
            "snip",
            f"snip-{number}-{snipno}-{budget}",
            make=partial(snip_instance, folder, number=number, snipno=snipno, budget=budget),
        )
        for number in (0, 1)
        for snipno in (1, 2, 3, 4)
        for budget in (30, 50, 70, 90)
    ]


def _grids() -> tuple[Case[Instance], ...]:

    plain = [
        (10, 6, 120, 10),
        (10, 12, 120, 10),
        (20, 15, 400, 20),
        (20, 30, 400, 20),
        (30, 40, 800, 40),
    ]
    mixed = [
        (10, 0.3, 20, 10, 10),
        (20, 0.15, 60, 20, 20),
        (20, 0.3, 60, 20, 20),
        (30, 0.3, 120, 40, 40),
    ]
    return (
        *(
            Case(
                "grid",
                f"grid-{side}-plain-{budget}",
                partial(
                    plain_grid, side, budget=budget, n_options=options, n_evaders=evaders, seed=side
                ),
            )
            for side, budget, options, evaders in plain
        ),
        *(
            Case(
                "grid",
                f"grid-{side}-mixed-{round(100 * share)}",
                partial(
                    mixed_grid,
                    side,
                    share=share,
                    n_sites=sites,
                    n_patrols=patrols,
                    n_evaders=evaders,
                    seed=100 + side,
                ),
            )
            for side, share, sites, patrols, evaders in mixed
        ),
    )


def _varied() -> tuple[Case[Instance], ...]:

    made: dict[str, Callable[[], Instance]] = {
        "dense-10-sensors": partial(
            sensor_grid, 10, budget=10, n_options=170, n_evaders=10, seed=10
        ),
        "dense-25-sensors": partial(
            sensor_grid, 25, budget=25, n_options=1_100, n_evaders=35, seed=25
        ),
        "two-kinds-400": partial(
            two_kinds_grid, 25, n_sites=400, shares=(0.035, 0.04), n_evaders=40, seed=400
        ),
        "quotas-20": partial(quota_grid, 20, budget=20, n_options=300, n_evaders=20, seed=20),
    }
    for evaders in (1_000, 10_000):
        made[f"evaders-{evaders}"] = partial(
            plain_grid, 30, budget=20, n_options=400, n_evaders=evaders, seed=evaders
        )
    for budget in (50, 100, 200):
        made[f"budget-{budget}"] = partial(
            plain_grid, 20, budget=budget, n_options=800, n_evaders=20, seed=budget
        )
    for habits in (0, 30, 100):
        made[f"habits-{habits}"] = partial(
            mixed_grid,
            20,
            share=0.15,
            n_sites=100,
            n_patrols=20,
            n_evaders=40,
            seed=500,
            habitual=habits / 100,
        )

    def named(name: str) -> Instance:
        return replace(made[name](), name=name)

    return tuple(
        Case("varied", name, partial(named, name), slow=not name.startswith("dense-10"))
        for name in made
    )


def _regions() -> tuple[Case[Instance], ...]:
    from optimizer.lab.benchmark.generated_roads import Barrier, region_instance

    sizes: list[tuple[int, Barrier, int, int, int, float, float, int, bool]] = [
        (2_000, "mountains", 30, 15, 2, 0.12, 0.0, 1, True),
        (2_000, "river", 30, 15, 2, 0.12, 0.3, 2, True),
        (10_000, "mountains", 70, 30, 3, 0.12, 0.0, 3, True),
        (10_000, "river", 70, 30, 3, 0.2, 0.0, 4, True),
        (30_000, "mountains", 110, 50, 4, 0.2, 0.0, 5, True),
        (100_000, "river", 150, 60, 6, 0.2, 0.0, 6, False),
        (300_000, "mountains", 250, 100, 8, 0.2, 0.0, 7, False),
    ]
    return tuple(
        Case(
            "region",
            f"region-{nodes}-{barrier}-{round(100 * share)}",
            partial(
                region_instance,
                nodes,
                barrier=barrier,
                n_posts=posts,
                n_patrols=patrols,
                n_sectors=sectors,
                share=share,
                habitual=habitual,
                seed=seed,
            ),
            slow=not stored,
        )
        for nodes, barrier, posts, patrols, sectors, share, habitual, seed, stored in sizes
    )


def _valleys() -> tuple[Case[Instance], ...]:
    from optimizer.lab.benchmark.generated_roads import valleys_instance

    small = partial(
        valleys_instance, 0.5, n_side=6, blocks=5, n_posts=30, n_patrols=12, habitual=0.3, seed=1
    )
    large = partial(
        valleys_instance, 0.15, n_side=9, blocks=10, n_posts=60, n_patrols=25, habitual=0.0, seed=2
    )
    return (
        Case("andorra-like", "andorra-like-911-10", partial(small, share=0.1)),
        Case("andorra-like", "andorra-like-911-20", partial(small, share=0.2)),
        Case("andorra-like", "andorra-like-4448-15", partial(large, share=0.15)),
    )


SCENARIO = Path(__file__).parents[3] / "instances" / "rio-grande" / "scenario.toml"


def rio_grande_instance(scale: float) -> Instance:
    """Return the Rio Grande scenario with `scale` times its agents, money and delay; 1
    is today's.
    """
    from optimizer.scenario.compile.compile import compile_scenario

    instance = compile_scenario(SCENARIO).instance
    resources = tuple(replace(r, budget=round(r.budget * scale, 6)) for r in instance.resources)
    return replace(instance, name=f"rio-grande-{round(100 * scale)}", resources=resources)


# The `grid` family: square street grids, where every road has an equal neighbour and
# shortest paths abound.
#
# `plain` grids have one resource, one arc an option, and informed evaders alone.
# `mixed` grids have everything the instance model knows: two agencies with officers of
# their own, shared money, sites where only one kind fits, exclusions, patrols over
# several streets, and evaders that keep to their habits.
#
# The `varied` family has what other families have little of: options on nearly every
# road, several kinds a site, thousands of evaders, large budgets, other shares of
# habits, groups of which one may be placed, and requirements.


DIGITS = 6
"""Decimals of every generated probability: the file is short, and the last bits of a
machine's logarithm do not matter.
"""
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
        Seed of everything drawn: reliabilities uniform in [0.85, 1), survivals in [0.1,
        0.5).
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
    """Return a plain grid whose sensors watch both directions of a street; `n_options`
    streets can take one.

    With a sensor for nearly every street every path meets many options, and next to
    nothing gets through with all of them placed.
    """
    rng = np.random.default_rng([seed, 1])
    plain = plain_grid(side, budget=budget, n_options=1, n_evaders=n_evaders, seed=seed)
    streets = np.sort(rng.choice(plain.tail.size // 2, n_options, replace=False))
    survival = _rounded(rng.uniform(0.1, 0.5, n_options))
    options = tuple(
        Option(
            f"s{j}", (2 * street, 2 * street + 1), (share, share), {"sensors": 1.0}, kind="sensor"
        )
        for j, (street, share) in enumerate(zip(streets.tolist(), survival.tolist(), strict=True))
    )
    return replace(plain, name=f"sensors-{side}-{budget}", options=options)


def two_kinds_grid(
    side: int, *, n_sites: int, shares: tuple[float, float], n_evaders: int, seed: int
) -> Instance:
    """Return a grid with a strong and a weak kind for each of `n_sites` streets, and
    two resources of which each uses its own amounts.

    Survivals are uniform in [0.2, 0.4) and [0.5, 0.75), uses log-normal; the strong
    kind uses three times as much at the median. Budgets are `shares` of what everything
    would use.
    """
    rng = np.random.default_rng([seed, 2])
    plain = plain_grid(side, budget=1, n_options=1, n_evaders=n_evaders, seed=seed)
    names = ("officers", "money")
    options: list[Option] = []
    for j, street in enumerate(
        np.sort(rng.choice(plain.tail.size // 2, n_sites, replace=False)).tolist()
    ):
        for kind, low, high, times in (("strong", 0.2, 0.4, 3.0), ("weak", 0.5, 0.75, 1.0)):
            survival = float(_rounded(rng.uniform(low, high)))
            uses = dict(
                zip(names, _rounded(times * rng.lognormal(0.0, 0.5, 2)).tolist(), strict=True)
            )
            arcs = (2 * street, 2 * street + 1)
            options.append(
                Option(f"p{j}:{kind}", arcs, (survival, survival), uses, site=f"p{j}", kind=kind)
            )
    resources = tuple(
        Resource(
            name, round(share * sum(option.uses[name] for option in options), DIGITS), unit=name
        )
        for name, share in zip(names, shares, strict=True)
    )
    return replace(plain, name=f"two-kinds-{n_sites}", options=tuple(options), resources=resources)


def quota_grid(side: int, *, budget: int, n_options: int, n_evaders: int, seed: int) -> Instance:
    """Return a sensor grid with groups and requirements.

    Of three options that follow one another at most one may be placed; a third of the
    budget at least goes to the first half of the options, and for two placed there at
    least one in the second half.
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
    return replace(
        whole, name=f"quotas-{side}-{budget}", exclusions=groups, requirements=requirements
    )


def mixed_grid(
    side: int,
    *,
    share: float,
    n_sites: int,
    n_patrols: int,
    n_evaders: int,
    seed: int,
    habitual: float = HABITUAL,
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
        (
            _with_habits(rng, evader, tail, head, reliability)
            if k < round(habitual * n_evaders)
            else evader
        )
        for k, evader in enumerate(_crossers(rng, side, n_evaders))
    )
    resources = tuple(
        Resource(
            name, float(round(share * sum(o.uses.get(name, 0.0) for o in options))), agency, unit
        )
        for name, agency, unit in (
            ("officers-north", "north", "officers"),
            ("officers-south", "south", "officers"),
            ("money", "", "thousand"),
        )
    )
    name = f"grid-{side}-mixed-{round(100 * share)}"
    return _instance(name, side, reliability, evaders, options, resources, exclusions)


def _streets(side: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return tails and heads: both directions of a street side by side, at positions 2
    s and 2 s + 1.
    """
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
        for kind, low, high, officers, money in (
            ("heavy", 0.2, 0.5, 4.0, 9.0),
            ("light", 0.5, 0.8, 2.0, 4.0),
        ):
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
        name,
        np.arange(side * side),
        tail,
        head,
        reliability,
        evaders,
        options,
        resources,
        exclusions=exclusions,
    )
    check_evaders(instance, name)
    return instance


def _rounded(values: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return np.round(values, DIGITS)
