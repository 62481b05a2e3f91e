"""Certificates against brute force: `python -m tests.certificate_cases --count 10000
--faults 200`.

Small instances with every feature are solved and certified, and all their plans are
valued. Then the certificates are damaged (a number, a position, a line left out, put
twice or moved, another plan, claim, instance or version, a file cut off), and faults
are planted in searches of one process and of several (cuts too strong, floors too high,
options fixed too soon, budget cuts too narrow, detours too cheap, a child left out, an
end of a worker lost). A certificate is *accepted wrongly* where the checker accepts it
and a plan lets less through than it says, or its plan more.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from optimizer.base.errors import SolverError
from optimizer.certificate.check import Fault, check, mixture_of
from optimizer.problem.files.instance_file import read_instance, write_instance
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.requirements import requirements_met
from optimizer.problem.plan.plan import Mixture, Plan
from optimizer.problem.plan.result import Result
from optimizer.solvers.branch_and_cut.cuts.budget_hull import BudgetCuts, BudgetHull
from optimizer.solvers.branch_and_cut.cuts.lagrangian_cuts import add_lagrangian_cuts
from optimizer.solvers.branch_and_cut.improve.feasible_start import feasible_start
from optimizer.solvers.branch_and_cut.lp import relaxed_options
from optimizer.solvers.branch_and_cut.lp.master import Master
from optimizer.solvers.branch_and_cut.paths.detours import DetourSearch
from optimizer.solvers.branch_and_cut.proof.certificate import write_certificate
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.branch_and_cut.tree import tree
from optimizer.solvers.branch_and_cut.tree.tree import BranchAndCut
from optimizer.solvers.mixed import solve_mixed
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.place import place
from optimizer.solvers.solve import solve_with
from tests.cases import random_instance
from tests.test_mixed import game_value, mixture_value
from tests.tree_cases import budget_case, fitting_plans, shared_tree

ROUNDING = 1e-9
"""Relative rounding of values by brute force."""


@dataclass(frozen=True)
class Case:
    """A small instance in a file, the least value of its plans, or of its mixtures, and
    its certificate.
    """

    file: Path
    instance: Instance
    least: float
    result: Result
    certificate: Path


def least_value(instance: Instance) -> float:
    """Return the least value over all plans, each valued exactly."""
    overlay = contract(instance)
    plans = [plan for plan in fitting_plans(instance, overlay) if requirements_met(instance, plan)]
    return min(overlay.value(plan) for plan in plans)


def certified(file: Path, instance: Instance) -> tuple[Result, Path]:
    """Solve and certify an instance in a file; the certificate lies beside it."""
    record, to = SearchRecord(), file.with_suffix(".jsonl.gz")
    result = place(instance, SolveOptions(threads=1), record=record)
    write_certificate(to, file, instance, record, result)
    return result, to


def case_of(seed: int, folder: Path) -> Case:
    """Return a certified case."""
    file = folder / f"{seed}.json"
    write_instance(file, budget_case(seed))
    instance = read_instance(file)
    result, certificate = certified(file, instance)
    return Case(file, instance, least_value(instance), result, certificate)


def flat_case_of(seed: int, folder: Path) -> Case:
    """Return a certified case whose root counts as standing still from its first round
    on: it has tangents, and paths with detours.
    """
    with patch.object(tree, "SOON", 0):
        return case_of(seed, folder)


def shared_search(instance: Instance, record: SearchRecord, seed: int) -> Result:
    """Return the bound of a tree that workers shared, with the plan of a search alone."""
    tree = shared_tree(
        instance,
        contract(instance),
        cut=bool(seed % 3),
        lost=(2, 5) if seed % 2 else (),
        record=record,
    )
    return replace(place(instance, SolveOptions(threads=1)), lower=tree.lower)


def shared_case_of(seed: int, folder: Path) -> Case:
    """Return a case with the certificate of a search that two workers shared, one node
    an order; of every second seed two are lost.
    """
    file = folder / f"shared-{seed}.json"
    write_instance(file, budget_case(seed))
    instance, record, to = read_instance(file), SearchRecord(), file.with_suffix(".jsonl.gz")
    result = shared_search(instance, record, seed)
    write_certificate(to, file, instance, record, result)
    return Case(file, instance, least_value(instance), result, to)


def group_case_of(seed: int, folder: Path) -> Case:
    """Return a case with the certificate of a tree whose root was cut by groups of
    evaders, each a lemma.
    """
    file = folder / f"groups-{seed}.json"
    write_instance(file, budget_case(seed))
    instance, record, to = read_instance(file), SearchRecord(), file.with_suffix(".jsonl.gz")
    start = feasible_start(instance)
    overlay = contract(instance)
    tree = BranchAndCut(instance, overlay, master=Master(instance, overlay, record=record))
    tree.offer(start)
    tree.cut_root()
    add_lagrangian_cuts(tree, start)
    tree.branch()
    record.finish(tree)
    result = replace(place(instance, SolveOptions(threads=1)), lower=tree.lower)
    write_certificate(to, file, instance, record, result)
    return Case(file, instance, least_value(instance), result, to)


def relaxed_case_of(seed: int, folder: Path) -> Case:
    """Return a case with the certificate of a mixture for whose last search no time was left."""
    with patch.object(solve_mixed, "record_bound", lambda *_: None):
        return mixture_case_of(seed, folder)


def mixture_case_of(seed: int, folder: Path) -> Case:
    """Return a case with the certificate of a mixture."""
    file = folder / f"mixed-{seed}.json"
    write_instance(file, random_instance(seed))
    instance, record, to = read_instance(file), SearchRecord(), file.with_suffix(".jsonl.gz")
    result = solve_with(instance, SolveOptions(method="mixed", gap=1e-6, threads=1), record=record)
    write_certificate(to, file, instance, record, result)
    return Case(file, instance, game_value(instance), result, to)


def is_wrong(case: Case, bounds: tuple[Any, Any], said: dict[str, Any]) -> bool:
    """Whether bounds that the checker has accepted are false, of what a certificate
    says of a plan or of a mixture.
    """
    instance, mixture = case.instance, mixture_of(said)
    masks = [np.isin(np.arange(len(instance.options)), plan) for _, plan in mixture]
    plans = tuple(Plan.from_mask(instance, mask) for mask in masks)
    if "plan" in said:
        value = contract(instance).value(masks[0])
    else:
        value = mixture_value(instance, Mixture(plans, tuple(float(part) for part, _ in mixture)))
    return bool(bounds[0] > case.least * (1 + ROUNDING) or bounds[1] < value * (1 - ROUNDING))


def damaged(lines: list[Any], rng: random.Random) -> tuple[str, list[Any]]:
    """Return what was done to the lines of a certificate, and the lines."""
    lines = json.loads(json.dumps(lines))
    kind = rng.choice(
        [
            "number",
            "number",
            "position",
            "position",
            "line out",
            "line twice",
            "lines moved",
            "claim",
            "plan",
            "version",
            "list",
        ]
    )
    k = rng.randrange(1, len(lines))
    if kind == "line out":
        del lines[k]
    elif kind == "line twice":
        lines.insert(k, lines[k])
    elif kind == "lines moved":
        lines.insert(rng.randrange(1, len(lines)), lines.pop(k))
    elif kind == "claim":
        lines[0][2]["lower"] = (
            float.fromhex(lines[0][2]["lower"]) * (1 + 10.0 ** rng.uniform(-8, -1))
        ).hex()
    elif kind == "version":
        lines[0][1] = 2
    elif kind == "plan":
        said = lines[0][2]
        plan = said["plan"] if "plan" in said else rng.choice(said["mixture"])[1]
        plan[:] = sorted(set(plan) ^ {rng.randrange(11)})
    else:
        _damage_leaf(lines, rng, {"number": str, "position": int, "list": list}[kind])
    return kind, lines


def _damage_leaf(lines: list[Any], rng: random.Random, wanted: type) -> None:
    """Change a number, a position or the length of a list somewhere in the lines behind
    the first; a rare kind of line is damaged as often as another.
    """
    places: list[tuple[Any, Any]] = []
    word = rng.choice(sorted({line[0] for line in lines[1:]}))
    waiting: list[Any] = [line for line in lines[1:] if line[0] == word]
    while waiting:
        here = waiting.pop()
        for key, value in here.items() if isinstance(here, dict) else enumerate(here):
            if isinstance(value, (list, dict)):
                waiting.append(value)
            hexadecimal = wanted is not str or str(value).startswith("0x")
            if type(value) is wanted and hexadecimal and value != []:
                places.append((here, key))
    if not places:
        return
    here, key = rng.choice(places)
    value = here[key]
    if wanted is str:
        number = float.fromhex(value)
        here[key] = rng.choice(
            [number * (1 + 10.0 ** rng.uniform(-9, 0)), number * rng.random(), 1.0, number + 0.1]
        ).hex()
    elif wanted is int:
        here[key] = max(0, value + rng.choice([-2, -1, 1, 2]))
    else:
        value.pop(rng.randrange(len(value)))


def damage(case: Case, others: list[Case], count: int, seed: int, folder: Path) -> Counter[str]:
    """Check damaged certificates of a case; return how many of each kind were refused,
    accepted, and accepted wrongly.
    """
    rng, found = random.Random(seed), Counter[str]()  # noqa: S311 - no secret
    content = gzip.decompress(case.certificate.read_bytes())
    lines = [json.loads(line) for line in content.splitlines()]
    file = folder / "damaged.jsonl.gz"
    for number in range(count):
        if number % 25 == 0:
            kind, instance, changed = "another instance", rng.choice(others).file, lines
        else:
            instance = case.file
            kind, changed = damaged(lines, rng)
        text = "".join(json.dumps(line) + "\n" for line in changed).encode()
        packed = gzip.compress(text, 1)
        if number % 25 == 1:
            kind, packed = "cut off", packed[: rng.randrange(len(packed))]
        file.write_bytes(packed)
        if instance == case.file and changed == lines and kind != "cut off":
            continue
        try:
            bounds = check(str(instance), str(file))
        except Fault:
            found[f"{kind}: refused"] += 1
            continue
        wrong = instance != case.file or is_wrong(case, bounds, changed[0][2])
        found[f"{kind}: {'ACCEPTED WRONGLY' if wrong else 'accepted, and true'}"] += 1
    return found


@contextmanager
def strong_cuts(share: float) -> Iterator[None]:
    """Raise the sides of all rows on values by a share."""
    add = Master._add

    def stronger(self: Any, rows: Any, node: Any) -> None:
        add(self, replace(rows, side=rows.side * (1 + share)), node)

    with patch.object(Master, "_add", stronger):
        yield


@contextmanager
def high_floors(share: float) -> Iterator[None]:
    """Raise the floors of nodes by a share."""
    prepared = relaxed_options.prepared

    def higher(node: Any, master: Any) -> Any:
        done = prepared(node, master)
        floor = done.floor * (1 + share)
        return replace(done, floor=floor).proven(master.commodities.value(floor))

    with patch.object(tree, "prepared", higher):
        yield


@contextmanager
def soon_fixed(share: float) -> Iterator[None]:
    """Fix options whose reduced costs are short of what is needed."""
    fixed = BranchAndCut._fixed

    def sooner(self: Any, node: Any, relaxed: Any) -> Any:
        return fixed(self, node, replace(relaxed, reduced=relaxed.reduced * (1 + 1e4 * share)))

    with patch.object(BranchAndCut, "_fixed", sooner):
        yield


@contextmanager
def narrow_budgets(share: float) -> Iterator[None]:
    """Lower the sides of budget cuts by one."""
    cuts, low = BudgetHull.cuts, 1 if share else 0

    def narrower(self: Any, *arguments: Any) -> BudgetCuts:
        found = cuts(self, *arguments)
        return BudgetCuts(found.coefficient, np.maximum(found.side - low, 0))

    with patch.object(BudgetHull, "cuts", narrower):
        yield


@contextmanager
def lost_child(share: float) -> Iterator[None]:
    """Leave the last child of every split out."""
    children = BranchAndCut._children

    def fewer(self: Any, node: Any) -> Any:
        found = children(self, node)
        return found[:-1] if share and found and len(found) > 1 else found

    with patch.object(BranchAndCut, "_children", fewer):
        yield


@contextmanager
def cheap_detours(share: float) -> Iterator[None]:
    """Have detours cost less than they do, at a root that counts as standing still from
    its first round on.
    """
    links = DetourSearch.links

    def cheaper(self: Any, path: Any, arc: Any, detours: Any) -> Any:
        return links(self, path, arc, detours._replace(loss=detours.loss * (1 - 50 * share)))

    with patch.object(DetourSearch, "links", cheaper), patch.object(tree, "SOON", 0):
        yield


@contextmanager
def lost_end(share: float) -> Iterator[None]:
    """Leave the last end out of what every worker hands on, where workers share the search."""
    handed_on = SearchRecord.handed_on

    def fewer(self: Any) -> Any:
        news = handed_on(self)
        return news._replace(ends=news.ends[:-1] if share else news.ends)

    with patch.object(SearchRecord, "handed_on", fewer):
        yield


FAULTS = (strong_cuts, high_floors, soon_fixed, narrow_budgets, lost_child, cheap_detours, lost_end)
SHARES = (1e-6, 1e-4, 1e-2)


def plant(seed: int, number: int, folder: Path) -> str:
    """Certify a case with a planted fault; return what became of it."""
    file = folder / f"fault-{seed}.json"
    write_instance(file, budget_case(seed))
    instance, fault, share = (
        read_instance(file),
        FAULTS[number % len(FAULTS)],
        SHARES[number // len(FAULTS) % len(SHARES)],
    )
    record, to = SearchRecord(), file.with_suffix(".jsonl.gz")
    shared = fault is lost_end or number // len(FAULTS) % 2
    with fault(share):
        result = (
            shared_search(instance, record, 0)
            if shared
            else place(instance, SolveOptions(threads=1, gap=0.0), record=record)
        )
    assert result.lower is not None
    false = result.lower > least_value(instance) * (1 + ROUNDING)
    try:
        bounds = write_certificate(to, file, instance, record, result)
    except SolverError:
        return f"{fault.__name__}: refused{', a false bound' if false else ''}"
    finally:
        file.unlink()
    wrong = bounds[0] > least_value(instance) * (1 + ROUNDING)
    return f"{fault.__name__}: {'ACCEPTED WRONGLY' if wrong else 'accepted, and true'}"


def main() -> int:
    """Damage, plant, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="damaged certificates")
    parser.add_argument("--faults", type=int, default=50, help="faults planted in searches")
    parser.add_argument(
        "--cases", type=int, default=20, help="instances whose certificates are damaged"
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    found = Counter[str]()
    with tempfile.TemporaryDirectory() as place_of:
        folder = Path(place_of)
        makers = (case_of, flat_case_of, mixture_case_of, shared_case_of, relaxed_case_of)
        cases = [
            makers[k % len(makers)](arguments.seed + k, folder) for k in range(arguments.cases)
        ]
        for k, case in enumerate(cases):
            found += damage(
                case, [c for c in cases if c is not case], arguments.count // len(cases), k, folder
            )
        for k in range(arguments.faults):
            found[plant(1000 + arguments.seed + k, k, folder)] += 1
    for kind, count in sorted(found.items()):
        sys.stdout.write(f"{count:6d}  {kind}\n")
    return int(any("WRONGLY" in kind for kind in found))


if __name__ == "__main__":
    sys.exit(main())
