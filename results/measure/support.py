"""Do a report's quick searches tell what `explain --record` finds? `python -m
results.measure support COUNTRY EXTRACT SEED...`.

Each seed is a truth: a record is simulated from it as that of `instances/andorra` was.
For four posts and for ten a plan is made from the record, then what its sites rest on
is asked twice: by `quick_support`, and as `record_support` asks it, with a fit and a
search of its own for each record. The word `shuffled` before the seeds has the record's
own places permuted first: it then knows nothing of where loads pass.

`python -m results.measure support SCENARIO SECONDS [shuffled SEED...]` asks the same of a
scenario with its own budgets and record, without teams: SECONDS of work at most for the
plan and for each whole search.

Quick searches are made in one process, and again in two: a line says where the two
differ.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from optimizer.analysis.explain import record as asked
from optimizer.base.work.work_clock import limited
from optimizer.plans.plan_folder import KnownPlan
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import with_plan
from optimizer.region import read_region
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.compile.compile import compile_evidence
from optimizer.scenario.demand.source_measures import with_travel
from optimizer.scenario.demand.stages import ScenarioEvidence
from optimizer.scenario.demand.travel import scenario_travel
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.place import place

HERE = Path(__file__).parents[2] / "instances" / "andorra"
BUDGETS = {f"{posts} posts": {"officers": 5.0 * posts, "delay": 15.0 * posts} for posts in (4, 10)}
SECONDS, GAP = 6.0, 1e-3
"""Work of a search at most on a simulated truth, and gap at which each search ends."""
WORDS = {"record": "record", "gravity": "assumed flows", None: "not told"}


def simulated(country: str, extract: Path, seed: int, folder: Path) -> Path:
    """Write a scenario of a country with a record of a truth of its own."""
    spec = importlib.util.spec_from_file_location("simulate", HERE / "simulate.py")
    assert spec is not None
    assert spec.loader is not None
    simulate: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(simulate)
    rng = np.random.default_rng([seed, 41])
    region = read_region(extract, border=country, modes=simulate.MODES)
    flow = simulate.true_flow(region, rng)
    simulate.write(folder, region.network, flow, *simulate.search(region.network, flow, rng), rng)
    text = (HERE / "scenario.toml").read_text(encoding="utf-8")
    old = 'file = ["andorra.osm.pbf", "../../../shared/data/osm/andorra-2025-01.osm.pbf"]'
    assert old in text
    shutil.copy(extract, folder / "roads.osm.pbf")
    scenario = folder / "scenario.toml"
    text = text.replace(old, 'file = "roads.osm.pbf"').replace(
        'border = "Andorra"', f'border = "{country}"'
    )
    scenario.write_text(text, encoding="utf-8")
    return scenario


def shuffled(evidence: ScenarioEvidence, seed: int) -> ScenarioEvidence:
    """Return the evidence with the places of its record permuted."""
    assert evidence.records is not None
    records, effort = asked.permuted(
        evidence.records, evidence.effort, np.random.default_rng([seed, 42])
    )
    return replace(evidence, records=records, effort=effort)


def measured(
    evidence: ScenarioEvidence, name: str, budgets: dict[str, dict[str, float]], seconds: float
) -> Counter[tuple[str, str]]:
    """Print what both ways say of the plan by each budget, and return how often which
    is said with which.
    """
    compiled = compile_evidence(evidence)
    draws = range(1, asked.PERMUTATIONS + 1)
    others = {
        (asked.PERMUTED, draw): asked.otherwise(evidence, asked.PERMUTED, rng_of(draw))
        for draw in draws
    }
    others[asked.GRAVITY, 0] = asked.otherwise(evidence, asked.GRAVITY, rng_of(0))
    travels = {key: scenario_travel(other) for key, other in others.items()}
    every: Counter[tuple[str, str]] = Counter()
    for what, budget in budgets.items():
        resources = tuple(
            replace(r, budget=budget.get(r.name, r.budget)) for r in compiled.instance.resources
        )
        instance = replace(compiled.instance, resources=resources, patrols=None)
        with limited(math.inf, seconds):
            plan = place(instance, SolveOptions(gap=GAP, time_limit=seconds, threads=1)).plan
        assert plan is not None
        instance = with_plan(instance, plan)
        placed = instance.placed(plan.options)
        known = KnownPlan(name, instance, plan, placed, plan_value(instance, placed), 0.0, 0.0)
        began = time.process_time()
        quick = asked.quick_support(known, compiled.travel, gap=GAP)
        took = time.process_time() - began
        if quick is None:
            print(f"{name}, {what}: the record does not tell places apart", flush=True)
            continue
        in_two = asked.quick_support(known, compiled.travel, gap=GAP, threads=2)
        assert in_two is not None
        if any(
            (a.placed != b.placed).any() for a, b in zip(quick.others, in_two.others, strict=True)
        ):
            words = sum(quick.rests_on(site) != in_two.rests_on(site) for site in quick.sites)
            print(
                f"{name}, {what}: two processes make other plans, {words} words differ", flush=True
            )
        full = replace(quick, others=tuple(searched(known, travels, seconds)), loose=frozenset())
        table = Counter(
            (WORDS[full.rests_on(site)], WORDS[quick.rests_on(site)]) for site in quick.sites
        )
        every += table
        changes = [[found.changed(other) for other in found.others] for found in (full, quick)]
        gaps = max((other.upper - other.lower) / other.upper for other in full.others)
        print(
            f"{name}, {what}, quick {took:.1f} s: {dict(table)}; changed {changes}; gap {gaps:.1%}",
            flush=True,
        )
    return every


def rng_of(draw: int) -> np.random.Generator:
    """Return the draws of a permutation, those of both ways."""
    return np.random.default_rng([0, draw])


def searched(
    known: KnownPlan, travels: dict[tuple[str, int], Any], seconds: float
) -> list[asked.OtherRecord]:
    """Return the plans that `record_support` makes, but those for half and twice the record."""
    found: list[asked.OtherRecord] = []
    for kind, draw in (
        *sorted(travels, key=lambda key: key != (asked.GRAVITY, 0)),
        (asked.AS_IT_IS, 0),
    ):
        instance: Instance = known.instance
        if kind != asked.AS_IT_IS:
            instance = with_travel(instance, travels[kind, draw])
        starts = () if kind == asked.GRAVITY else (known.placed,)
        if kind == asked.PERMUTED:
            starts = (*starts, found[0].placed)
        with limited(math.inf, seconds):
            result = place(
                instance, SolveOptions(gap=GAP, time_limit=seconds, threads=1), starts=starts
            )
        placed = known.placed if result.plan is None else instance.placed(result.plan.options)
        own, upper = (plan_value(instance, mask) for mask in (known.placed, placed))
        found.append(asked.better_there(known, kind, placed, own, upper, GAP, result.lower or 0.0))
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("where", help="country, or scenario")
    parser.add_argument("extract_or_seconds", help="OpenStreetMap extract, or seconds of work")
    parser.add_argument("seeds", nargs="*", help="`shuffled`, then seeds of truths")


def main(asked_for: argparse.Namespace) -> None:
    """Measure and print."""
    where, extract_or_seconds = asked_for.where, asked_for.extract_or_seconds
    shuffle = "shuffled" in asked_for.seeds
    seeds = [int(text) for text in asked_for.seeds if text != "shuffled"]
    asked.ASIDE = 0  # small problems are shared by two processes too
    every: Counter[tuple[str, str]] = Counter()
    if Path(where).suffix == ".toml":
        evidence = read_evidence(where)
        for seed in seeds or [0]:
            other = shuffled(evidence, seed) if shuffle else evidence
            every += measured(
                other, f"{where} {seed}", {"its budgets": {}}, float(extract_or_seconds)
            )
    else:
        for seed in seeds:
            with tempfile.TemporaryDirectory() as folder:
                evidence = read_evidence(
                    simulated(where, Path(extract_or_seconds), seed, Path(folder))
                )
                other = shuffled(evidence, seed) if shuffle else evidence
                every += measured(other, f"{where} {seed}", BUDGETS, SECONDS)
    print("explain --record, quick searches, sites")
    for (full, quick), count in sorted(every.items()):
        print(f"{full}, {quick}, {count}")
