"""The four aims of the family of worlds on a hypercube of one's own: each world on each
of the three roads.

`python -m results.measure family DATA ROWS --hypercube 7 [--first 1 --seeds 2] [--part 0
--of 2]` fits every model of `risk study`, adds a row each to the JSON lines of ROWS,
skips what is there, and prints the aims. `--set doubt=0` changes parameters of the
models with a field (`RiskParams`). DATA has an extract of each region. Choose on one
hypercube, draw another for what is reported.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from optimizer.lab.rows import stamp
from optimizer.lab.study import cells, summary
from optimizer.lab.study.cells import DESIGNED, Cell, MapRow, family_plan, study_roads, world_of
from optimizer.lab.study.study import ESTIMATORS, FIELD, OURS, make_trial, measured
from optimizer.risk import FieldFlow, OdTable, RiskModel
from optimizer.risk.params import RiskParams


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("data", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--hypercube", type=int, required=True, help="seed of the Latin hypercube")
    parser.add_argument(
        "--first",
        type=int,
        default=0,
        help="first seed of truths: one hypercube's truths share random numbers with another's",
    )
    parser.add_argument(
        "--seeds", type=int, default=1, help="truths of each world on each of the roads"
    )
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--of", type=int, default=1, help="only every OF-th truth, from PART on")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="of RiskParams"
    )


def main(asked: argparse.Namespace) -> None:
    """Fit, and print the aims."""
    cells.FAMILY_SEED = asked.hypercube  # of the worlds that every cell of this process is of
    plan = family_plan(seeds=asked.first + asked.seeds)
    truths = [cell for cell in plan if cell.effort == DESIGNED and cell.seed >= asked.first]
    params = RiskParams.read(None, asked.set)
    known = {(row.region, row.world, row.seed) for row in _read(asked.rows)}
    for cell in truths[asked.part :: asked.of]:
        if (cell.region, cell.world, cell.seed) not in known:
            with asked.rows.open("a") as file:
                file.writelines(
                    row.model_dump_json() + "\n" for row in _fitted(cell, asked.data, params)
                )
    _say(_read(asked.rows))


def _fitted(cell: Cell, data: Path, params: RiskParams) -> list[MapRow]:
    roads = study_roads(data, cell.region)
    models: dict[str, Callable[[OdTable], RiskModel]] = {
        **ESTIMATORS,
        OURS: lambda flows: FieldFlow(flows, params=params),
        FIELD: lambda _: FieldFlow(params=params),
    }
    trial = make_trial(cell, world_of(roads, cell))
    common = {
        name: getattr(cell, name) for name in ("region", "world", "effort", "seizures", "seed")
    }
    return [
        MapRow(
            roads=roads.digest,
            **common,
            **stamp(),
            estimator=name,
            **measured(trial, make(roads.table), roads),
        )
        for name, make in models.items()
    ]


def _read(path: Path) -> list[MapRow]:
    return (
        [MapRow(**json.loads(line)) for line in path.read_text().splitlines()]
        if path.exists()
        else []
    )


def _say(rows: list[MapRow]) -> None:
    worlds = summary.family_worlds(rows)
    print(len(worlds), "worlds,", sum(world.truths for world in worlds), "truths")
    for aim in summary.aims(worlds):
        print(f"{aim.name}: {aim.found:.3f}, aim {aim.least:g}, {aim.verdict.strip('*')}")
    covered = np.array(
        [summary.cover90(row) for row in rows if row.estimator == OURS], dtype=np.float64
    )
    print(
        f"truths in which they do: {((covered >= 0.85) & (covered <= 0.95)).mean():.3f}; mean"
        f" {covered.mean():.3f}"
    )
