"""The families: which instances there are, where they lie, and how they are made."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.names import unknown_name
from optimizer.lab.rows import Case, matching
from optimizer.problem.files.instance_file import read_instance, write_instance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from optimizer.problem.instance.instance import Instance

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
    """Return the file of an instance's best-known solution, which need not exist; None where the repository keeps none."""
    return None if case.path is None else case.path.with_name(f"{case.name}{KNOWN_SUFFIX}")


def definitions() -> dict[str, tuple[Case[Instance], ...]]:
    """Return how the instances of every generated family are made.

    Those that are `slow` are made when a benchmark asks for them; the repository carries the files of the others.
    """
    return {
        "grid": _grids(),
        "region": _regions(),
        "andorra-like": _valleys(),
        "rio-grande": _rio_grande(),
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
        Names of families, or folders with instance files directly in them; `all` for every family at hand.
    only
        Patterns with * and ? of which an instance's name must match one; empty for no such filter.
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
            found += _on_demand(family) if large else []
        else:
            raise InputError(unknown_name("--family", family, [*known, "snip", "all"]))
    chosen = matching(found, only)
    if not chosen:
        raise InputError(
            Problem(
                "--only" if found else f"families {', '.join(wanted)} in {instances}",
                ", ".join(only) or "no instance",
                "a pattern that some instance's name matches" if found else "instance files",
                "Run from a checkout of the repository, or name its folder with --instances" if not found else "",
            )
        )
    return chosen


def known_families(instances: Path = INSTANCES) -> list[str]:
    """Return the names of the families that lie in a folder, besides `snip`: its folders with instance files directly in them."""
    if not instances.is_dir():
        return []
    return sorted(folder.name for folder in instances.iterdir() if folder.is_dir() and _stored(instances, folder.name))


def write_families(instances: Path = INSTANCES, families: Sequence[str] = ()) -> Iterator[Path]:
    """Write the stored instances of the generated families, `families` or all, and yield each file."""
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


def _on_demand(family: str) -> list[Case[Instance]]:
    return [case for case in definitions().get(family, ()) if case.slow]


def _snip(folder: Path | None) -> list[Case[Instance]]:
    from optimizer.lab.converters.snip import snip_instance

    if folder is None:
        raise InputError(
            Problem("--family snip", "no --snip-dir", "the folder of the SNIP files", "Name it with --snip-dir")
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
    from optimizer.lab.benchmark.grids import mixed_grid, plain_grid

    plain = [(10, 6, 120, 10), (10, 12, 120, 10), (20, 15, 400, 20), (20, 30, 400, 20), (30, 40, 800, 40)]
    mixed = [(10, 0.3, 20, 10, 10), (20, 0.15, 60, 20, 20), (20, 0.3, 60, 20, 20), (30, 0.3, 120, 40, 40)]
    return (
        *(
            Case(
                "grid",
                f"grid-{side}-plain-{budget}",
                partial(plain_grid, side, budget=budget, n_options=options, n_evaders=evaders, seed=side),
            )
            for side, budget, options, evaders in plain
        ),
        *(
            Case(
                "grid",
                f"grid-{side}-mixed-{round(100 * share)}",
                partial(
                    mixed_grid, side, share=share, n_sites=sites, n_patrols=patrols, n_evaders=evaders, seed=100 + side
                ),
            )
            for side, share, sites, patrols, evaders in mixed
        ),
    )


def _varied() -> tuple[Case[Instance], ...]:
    from optimizer.lab.benchmark.grids import mixed_grid, plain_grid, quota_grid, sensor_grid, two_kinds_grid

    made: dict[str, Callable[[], Instance]] = {
        "dense-10-sensors": partial(sensor_grid, 10, budget=10, n_options=170, n_evaders=10, seed=10),
        "dense-25-sensors": partial(sensor_grid, 25, budget=25, n_options=1_100, n_evaders=35, seed=25),
        "two-kinds-400": partial(two_kinds_grid, 25, n_sites=400, shares=(0.035, 0.04), n_evaders=40, seed=400),
        "quotas-20": partial(quota_grid, 20, budget=20, n_options=300, n_evaders=20, seed=20),
    }
    for evaders in (1_000, 10_000):
        made[f"evaders-{evaders}"] = partial(plain_grid, 30, budget=20, n_options=400, n_evaders=evaders, seed=evaders)
    for budget in (50, 100, 200):
        made[f"budget-{budget}"] = partial(plain_grid, 20, budget=budget, n_options=800, n_evaders=20, seed=budget)
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

    return tuple(Case("varied", name, partial(named, name), slow=not name.startswith("dense-10")) for name in made)


def _regions() -> tuple[Case[Instance], ...]:
    from optimizer.lab.benchmark.borderland import Barrier, region_instance

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
    from optimizer.lab.benchmark.valleys import valleys_instance

    small = partial(valleys_instance, 0.5, n_side=6, blocks=5, n_posts=30, n_patrols=12, habitual=0.3, seed=1)
    large = partial(valleys_instance, 0.15, n_side=9, blocks=10, n_posts=60, n_patrols=25, habitual=0.0, seed=2)
    return (
        Case("andorra-like", "andorra-like-911-10", partial(small, share=0.1)),
        Case("andorra-like", "andorra-like-911-20", partial(small, share=0.2)),
        Case("andorra-like", "andorra-like-4448-15", partial(large, share=0.15)),
    )


def _rio_grande() -> tuple[Case[Instance], ...]:

    return tuple(Case("rio-grande", f"rio-grande-{p}", partial(rio_grande_instance, p / 100)) for p in (50, 100, 200))


SCENARIO = Path(__file__).parents[3] / "instances" / "rio-grande" / "scenario.toml"


def rio_grande_instance(scale: float) -> Instance:
    """Return the Rio Grande scenario with `scale` times its agents, money and delay; 1 is today's."""
    from optimizer.scenario.compile.compile import compile_scenario

    instance = compile_scenario(SCENARIO).instance
    resources = tuple(replace(r, budget=round(r.budget * scale, 6)) for r in instance.resources)
    return replace(instance, name=f"rio-grande-{round(100 * scale)}", resources=resources)
