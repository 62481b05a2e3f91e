"""What is held against the referee: every way to ask for a plan, a mixture, a curve or
a split, and what comes back.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import combinations, permutations, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from optimizer.analysis.compare.compare import compare_plans
from optimizer.analysis.cooperation.cooperation import Cooperation, cooperate
from optimizer.analysis.frontier.frontier import CHANGES, BudgetRange, frontier
from optimizer.base.choices import Others
from optimizer.base.errors import InfeasibleError, InputError, SolverError
from optimizer.certificate.check import Fault, check, mixture_of
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.instance.changes import Changes
from optimizer.problem.instance.instance import Instance, layered_instance
from optimizer.problem.plan.plan import Plan, make_beat
from optimizer.problem.plan.result import PROVEN, Result
from optimizer.problem.plan.weight_scenarios import Draws, Objective
from optimizer.scenario.file.model import SolveModel
from optimizer.solvers.branch_and_cut.debug_solution import CutOffError
from optimizer.solvers.branch_and_cut.proof.certificate import write_certificate
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.over_draws import solve_over_draws
from optimizer.solvers.overlay.overlay import contract
from optimizer.solvers.params import (
    PatrolParams,
    RootParams,
    SolveOptions,
    SolveParams,
    TreeParams,
    WorkerParams,
)
from optimizer.solvers.patrols.tours.tour import Tour as TourOfPosts
from optimizer.solvers.solve import solve_with
from tests.certificate_cases import damaged
from tests.debug_cases import false_steps, false_steps_beside_teams, watched_searches
from tests.hostile.cases import Content
from tests.hostile.judging import ROUNDING, Told, above, false_mixture, false_plan, faults, placed
from tests.hostile.referee import Placed, Referee, Tour, over_draws
from tests.hostile.scenarios import check_scenario
from tests.referees.compact import COMPACT
from tests.tree_cases import shared_tree

GAPS = (0.0, 0.0, 1e-4, 0.05, 0.3)


class Trial:
    """A problem under trial, and the random choices of one check."""

    def __init__(self, content: Content, seed: int, name: str) -> None:
        self.content = content
        self.rng = random.Random(f"{seed} {name}")  # noqa: S311 - no secret
        self.referee = Referee(content)

    @cached_property
    def instance(self) -> Instance:
        """The problem as the package reads its file."""
        return self.read(self.content)

    def read(self, content: Content) -> Instance:
        """Return the problem of a content."""
        with TemporaryDirectory() as folder:
            return read_instance(self.write(Path(folder) / "instance.json", content))

    def write(self, path: Path, content: Content | None = None) -> Path:
        """Write a content."""
        path.write_text(json.dumps(self.content if content is None else content), encoding="utf-8")
        return path

    def options(self, **given: Any) -> SolveOptions:
        """Return what a search in one process is asked for."""
        asked: dict[str, Any] = {
            "gap": self.rng.choice(GAPS),
            "threads": 1,
            "seed": self.rng.randrange(3),
            "params": self.params(),
        }
        return SolveOptions(**(asked | given))

    def params(self) -> SolveParams:
        """Return parameters that make some searches know few beats, and roots stall soon."""
        rng = self.rng
        patrols = PatrolParams(
            listed=rng.choice([0, 0, 40]),
            most_beats=rng.choice([0, 1, 3, 120]),
            most_rounds=rng.choice([1, 3, 60]),
        )
        root = RootParams(flat_rounds=rng.choice([1, 80]), patience=rng.choice([1, 5]))
        splits = TreeParams(splits=rng.choice([0, 3]), splits_beside_relaxed=rng.choice([0, 2]))
        return rng.choice(
            [
                SolveParams(),
                SolveParams(patrols=patrols),
                SolveParams(patrols=patrols, root=root, tree=splits),
            ]
        )

    def random_plan(self) -> Plan:
        """Return any plan, also one that breaks every rule."""
        rng, instance = self.rng, self.instance
        mask = np.array([rng.random() < 0.4 for _ in instance.options], dtype=bool)
        plan = Plan.from_mask(instance, mask)
        if instance.patrols is None or not self.referee.tours:
            return plan
        place = {(p.team.id, p.base.id): q for q, p in enumerate(instance.patrols.patrols)}
        tours = rng.choices(list(self.referee.tours), k=rng.randint(0, 3))
        beats = [
            make_beat(instance.patrols, place[t.team, t.base], t.posts, t.slots, f"start-{k}")
            for k, t in enumerate(tours)
        ]
        return Plan((*plan.placements, *beats))


def searched(
    trial: Trial, search: Callable[[], Result], gap: float, told: Told | None = None
) -> Iterator[str]:
    """Yield what is false about a search; where no plan is feasible, it must say so."""
    try:
        result = search()
    except InfeasibleError as error:
        if trial.referee.least < math.inf:
            yield f"false refusal: {error}"
        return
    except KeyboardInterrupt:
        if told is None or told.patience == math.inf:
            yield "false interrupt"
        return
    yield from faults(trial.referee, result, gap, told)


# The checks: each yields a line for everything that is false.


def check_cuts(trial: Trial) -> Iterator[str]:
    """Search whole."""
    told, options = Told(), trial.options(method=trial.rng.choice(["auto", "cuts"]))
    yield from searched(
        trial, lambda: solve_with(trial.instance, options, listener=told), options.gap, told
    )
    if trial.instance.patrols is None and trial.referee.least < math.inf:
        for method in ("cuts", COMPACT):
            whole = solve_with(trial.instance, replace(options, method=method))
            if whole.status != "optimal":
                yield (
                    f"false status: {whole.status} by {method} without a limit: {whole.lower!r} to"
                    f" {whole.upper!r}"
                )


def check_methods(trial: Trial) -> Iterator[str]:
    """Search by the other methods."""
    for options in (trial.options(method=COMPACT), trial.options(method="greedy")):
        search = partial(solve_with, trial.instance, options)
        yield from (f"{options.method}: {each}" for each in searched(trial, search, options.gap))


def check_stopped(trial: Trial) -> Iterator[str]:
    """Stop a search after any amount of work, or by a time limit too short for it."""
    method = trial.rng.choice(["cuts", "cuts", "cuts", COMPACT, "greedy"])
    if trial.rng.random() < 0.3:
        options, told = (
            trial.options(method=method, time_limit=10 ** trial.rng.uniform(-6, -1)),
            Told(),
        )
    else:
        options, told = (
            trial.options(method=method, gap=0.0),
            Told(int(10 ** trial.rng.uniform(0, 2.5))),
        )
    starts = [trial.random_plan()] if trial.rng.random() < 0.3 else []
    yield from searched(
        trial,
        lambda: solve_with(trial.instance, options, starts=starts, listener=told),
        options.gap,
        told,
    )


def check_warm(trial: Trial) -> Iterator[str]:
    """Begin from given plans, feasible or not."""
    told, options = (
        Told(),
        trial.options(method=trial.rng.choice(["cuts", "cuts", COMPACT, "greedy"])),
    )
    starts = [trial.random_plan() for _ in range(trial.rng.randint(1, 3))]
    yield from searched(
        trial,
        lambda: solve_with(trial.instance, options, starts=starts, listener=told),
        options.gap,
        told,
    )
    feasible = [
        s
        for s in starts
        if not trial.referee.fault_of(placed(s))
        and trial.referee.overrun(placed(s).options, {}) <= 0
    ]
    if feasible and trial.referee.least < math.inf:
        best = min(trial.referee.value(placed(start)) for start in feasible)
        found = solve_with(trial.instance, replace(options, time_limit=1e-6), starts=starts)
        if found.upper is None or above(found.upper, best, trial.referee.size):
            yield f"false start: {found.upper!r} where a plan of {best!r} was given"


def check_processes(trial: Trial) -> Iterator[str]:
    """Search in two processes from the first moment on."""
    options = trial.options(
        threads=2, gap=0.0, params=SolveParams(workers=WorkerParams(start_after=0.0))
    )
    told = Told()
    yield from searched(
        trial, lambda: solve_with(trial.instance, options, listener=told), options.gap, told
    )


def check_shared(trial: Trial) -> Iterator[str]:
    """Share the tree with workers in this process, of which some are lost."""
    referee, rng = trial.referee, trial.rng
    if referee.least == math.inf:
        return
    lost = (2, 5) if rng.random() < 0.5 else ()
    overlay, groups = contract(trial.instance), rng.random() < 0.3 and referee.least > 0
    tree = shared_tree(trial.instance, overlay, cut=rng.random() < 0.7, groups=groups, lost=lost)
    if above(tree.lower, referee.least, referee.size):
        yield f"false bound: {tree.lower!r} above {referee.least!r}"
    if above(referee.least, tree.upper, referee.size) or above(
        tree.upper * (1 - 3e-7), referee.least, referee.size
    ):
        yield f"false value: {tree.upper!r} where {referee.least!r} is the least"


def check_mixed(trial: Trial) -> Iterator[str]:
    """Make a mixture, also one of few plans, also one that is stopped."""
    referee, rng = trial.referee, trial.rng
    support = rng.choice([None, None, 1, 2, 3])
    options = trial.options(method="mixed", gap=rng.choice([1e-6, 1e-4, 0.05]))
    told = Told(int(10 ** rng.uniform(0, 3)) if rng.random() < 0.25 else math.inf)
    starts = [trial.random_plan()] if rng.random() < 0.3 else []
    try:
        result = solve_with(trial.instance, options, starts=starts, support=support, listener=told)
    except InfeasibleError as error:
        if referee.least < math.inf:
            yield f"false refusal: {error}"
        return
    except KeyboardInterrupt:
        if told.patience == math.inf:
            yield "false interrupt"
        return
    yield from false_mixture(referee, result, told, support)


def check_certificate(trial: Trial) -> Iterator[str]:
    """Certify a search, and a mixture; damage what was certified."""
    referee, rng = trial.referee, trial.rng
    if referee.least == math.inf:
        return
    method = rng.choice(["cuts", "cuts", "mixed"])
    options, record = (
        trial.options(method=method, gap=1e-6 if method == "mixed" else rng.choice(GAPS)),
        SearchRecord(),
    )
    with TemporaryDirectory() as place:
        file = trial.write(Path(place) / "instance.json")
        instance = read_instance(file)
        certificate = file.with_suffix(".jsonl.gz")
        told = Told(
            int(10 ** rng.uniform(1, 3)) if method == "cuts" and rng.random() < 0.3 else math.inf
        )
        try:
            result = solve_with(instance, options, record=record, listener=told)
            bounds = write_certificate(certificate, file, instance, record, result)
        except KeyboardInterrupt:
            return
        except SolverError as error:
            yield f"no certificate: {error}"
            return
        yield from false_certificate(referee, bounds, certificate)
        yield from accepted_wrongly(trial, file, certificate)


def false_certificate(
    referee: Referee, bounds: Sequence[Any], certificate: Path, lines: list[Any] | None = None
) -> Iterator[str]:
    """Yield what is false in the bounds that a certificate is said to prove."""
    import gzip

    said = (lines or [json.loads(gzip.decompress(certificate.read_bytes()).splitlines()[0])])[0][2]
    names = [option["id"] for option in referee.options]
    parts = [(p, Placed(frozenset(names[j] for j in plan))) for p, plan in mixture_of(said)]
    high = referee.least if "plan" in said else referee.game()[1]
    if above(float(bounds[0]), high, referee.size):
        yield f"false bound: {float(bounds[0])!r} above {high!r}"
    value = referee.mixture_value([plan for _, plan in parts], [float(p) for p, _ in parts])
    if above(value, float(bounds[1]), referee.size):
        yield f"false value: {float(bounds[1])!r} of {value!r}"
    if fault := next((f for _, plan in parts if (f := referee.fault_of(plan))), ""):
        yield f"false plan: {fault}"


def accepted_wrongly(trial: Trial, file: Path, certificate: Path) -> Iterator[str]:
    """Yield what is false in damaged certificates that are accepted."""
    import gzip

    lines = [json.loads(line) for line in gzip.decompress(certificate.read_bytes()).splitlines()]
    for _ in range(6):
        kind, changed = damaged(lines, trial.rng)
        if changed == lines or len(trial.referee.options) == 0:
            continue
        certificate.write_bytes(
            gzip.compress("".join(json.dumps(line) + "\n" for line in changed).encode(), 1)
        )
        try:
            bounds = check(str(file), str(certificate))
        except Fault:
            continue
        yield from (
            f"damage accepted ({kind}): {each}"
            for each in false_certificate(trial.referee, bounds, certificate, changed)
        )


def check_draws(trial: Trial) -> Iterator[str]:
    """Plan over draws: of weights, and of what options and teams detect, each set of
    chances a copy of the network.
    """
    rng, base = trial.rng, trial.content
    layers = rng.choice([1, 2, 2, 3])
    copies = [base, *(_other_chances(base, layer) for layer in range(1, layers))]
    draws, own = rng.randint(max(1, layers), 5), [e["weight"] for e in base["evaders"]]
    weight = [
        [w * rng.choice([0.0, 0.5, 1.0, 2.0, rng.uniform(0, 3)]) for w in own] for _ in range(draws)
    ]
    parts = [rng.choice([1.0, 1.0, rng.uniform(0.1, 3)]) for _ in range(draws)]
    probability = np.array(parts) / sum(parts)
    wide = np.zeros((draws, layers, len(own)))
    for d in range(draws):
        wide[d, d % layers] = weight[d]
    rows = wide.reshape(draws, -1)
    instance = layered_instance([trial.read(copy) for copy in copies])
    evaders = tuple(
        replace(e, weight=float(w))
        for e, w in zip(instance.evaders, probability @ rows, strict=True)
    )
    problem = Draws(replace(instance, evaders=evaders), csr_array(rows), probability)
    cases = [Referee(_weighing(copies[d % layers], weight[d])) for d in range(draws)]
    columns, sure = trial.referee.plans
    values = np.array([case.values(columns) for case in cases])
    size = max(case.size for case in cases)
    mean: Result | None = None
    for text in ("mean", rng.choice(["cvar:0", "cvar:0.5", "cvar:0.8"]), "worst"):
        objective = Objective.parsed(text)
        least = float(
            over_draws(values, probability, objective.measure, objective.level)[sure].min(
                initial=math.inf
            )
        )
        options = trial.options(method="cuts" if rng.random() < 0.8 else "greedy")
        known = mean if rng.random() < 0.8 else None
        starts = () if known is None or known.plan is None else (known.plan,)
        proven = 0.0 if known is None else known.lower or 0.0
        try:
            result = solve_over_draws(problem, objective, options, starts=starts, proven=proven)
        except InfeasibleError as error:
            if least < math.inf:
                yield f"{text}: false refusal: {error}"
            return
        mean = result if text == "mean" else mean
        if result.plan is None or result.lower is None or result.upper is None:
            yield f"{text}: no plan or no bound"
            continue
        plan = placed(result.plan)
        if fault := trial.referee.fault_of(plan):
            yield f"{text}: false plan: {fault}"
            continue
        each = np.array([[case.value(plan)] for case in cases])
        value = float(over_draws(each, probability, objective.measure, objective.level)[0])
        if abs(value - result.upper) > ROUNDING * value + 1e-14 * size:
            yield f"{text}: false value: {result.upper!r} of {value!r}"
        if above(result.lower, least, size):
            yield f"{text}: false bound: {result.lower!r} above {least!r}"
        if result.status == "optimal" and above(
            value * (1 - max(options.gap, PROVEN)), least, size
        ):
            yield f"{text}: false status: optimal at {value!r} where {least!r} is possible"


def _other_chances(base: Content, layer: int) -> Content:
    """Return a content whose options and teams detect otherwise; each chance depends on
    its place alone.
    """

    def other(survival: float, *place: object) -> float:
        own = random.Random(f"{layer} {place}")  # noqa: S311 - no secret
        return own.choice([survival, 0.0, min(survival * own.uniform(0.3, 1.5), 0.99)])

    options = [
        o
        | {
            "effects": [
                e | {"survival": other(e["survival"], o["id"], e["arc"])} for e in o["effects"]
            ]
        }
        for o in base["options"]
    ]
    patrols = base.get("patrols")
    if patrols is not None:
        table = patrols["elements"]
        rows = list(zip(table["element"], table["arc"], table["survival"], strict=True))
        # what detects nothing in one set of chances has no entry there
        kept = [
            (e, a, other(s, e, a))
            for e, a, s in rows
            if random.Random(f"{layer} {e} {a} kept").random() < 0.8  # noqa: S311
        ]
        columns = {
            name: [row[k] for row in kept] for k, name in enumerate(("element", "arc", "survival"))
        }
        patrols = patrols | {"elements": table | columns}
    return base | {"options": options, "patrols": patrols}


def _weighing(content: Content, weight: Sequence[float]) -> Content:
    return content | {
        "evaders": [e | {"weight": w} for e, w in zip(content["evaders"], weight, strict=True)]
    }


def check_frontier(trial: Trial) -> Iterator[str]:
    """Make a curve of a budget, of teams or of changes, or a grid of two."""
    rng, content = trial.rng, trial.content
    names = [r["id"] for r in content["resources"]]
    if content["patrols"] is not None:
        names += [team["id"] for team in content["patrols"]["teams"]]
    if any(o["existing"] for o in content["options"]):
        names.append(CHANGES)
    chosen = rng.sample(names, 2 if rng.random() < 0.25 and len(names) > 1 else 1)
    ranges = [_range(trial, name, 3 if len(chosen) > 1 else rng.randint(3, 6)) for name in chosen]
    method = rng.choice(["cuts", "cuts", "cuts", "cuts", "greedy"])
    terms = SolveModel(method=method, gap=rng.choice([0.0, 1e-4, 0.05]), time_limit=None, threads=1)
    starts = [trial.random_plan()] if rng.random() < 0.3 else []
    seconds, told = _hurry(rng)
    grid = [
        dict(zip(chosen, amounts, strict=True)) for amounts in product(*(r.amounts for r in ranges))
    ]
    cases = [_changed(content, budgets) for budgets in grid]
    if cases and any(case is None for case in cases):
        return
    referees = [Referee(case) for case in cases if case is not None]
    try:
        found = frontier(
            trial.instance, ranges, terms, starts=starts, time_limit=seconds, listener=told
        )
    except KeyboardInterrupt:
        if told.patience == math.inf:
            yield "false interrupt"
        return
    except InfeasibleError as error:
        if all(each.least < math.inf for each in referees):
            yield f"false refusal: {error}"
        return
    for point, budgets, referee in zip(found.points, grid, referees, strict=True):
        faulty = [*false_plan(referee, point.plan, point.upper)]
        if above(point.lower, referee.least, referee.size):
            faulty.append(f"false bound: {point.lower!r} above {referee.least!r}")
        yield from (f"{budgets}: {each}" for each in faulty)


def _hurry(rng: random.Random) -> tuple[float | None, Told]:
    """Return a time limit for a series of searches, or none, and who may stop it."""
    seconds = 10 ** rng.uniform(-5, 0) if rng.random() < 0.25 else None
    return seconds, Told(int(10 ** rng.uniform(0, 3)) if rng.random() < 0.25 else math.inf)


def _range(trial: Trial, name: str, points: int) -> BudgetRange:
    rng, content = trial.rng, trial.content
    if name == CHANGES or any(
        name == t["id"] for t in (content["patrols"] or {"teams": []})["teams"]
    ):
        return BudgetRange(name, tuple(float(k) for k in range(min(points, 3))))
    budget = next(r["budget"] for r in content["resources"] if r["id"] == name)
    amounts = sorted(
        {
            budget * rng.choice([0.5, 0.8, 1.0, 1.0, 1.2, 2.0, rng.uniform(0, 2)])
            for _ in range(points)
        }
        | {budget, budget + 1}
    )
    return BudgetRange(name, tuple(amounts))


def _changed(content: Content, budgets: dict[str, float]) -> Content:
    """Return a content with other budgets, numbers of teams, or a limit of changes."""
    content = content | {
        "resources": [
            r | {"budget": budgets.get(r["id"], r["budget"])} for r in content["resources"]
        ]
    }
    if content["patrols"] is not None:
        teams = [
            t | {"number": int(budgets.get(t["id"], t["number"]))}
            for t in content["patrols"]["teams"]
        ]
        content = content | {"patrols": content["patrols"] | {"teams": teams}}
    return content if CHANGES not in budgets else _few_changes(content, int(budgets[CHANGES]))


def _few_changes(content: Content, most: int) -> Content:
    """Return a content with a limit of changes: sites of today that a plan lacks, and
    others at sites where nothing stands.
    """
    options = content["options"]
    today = [o for o in options if o["existing"]]
    occupied = {o["site"] for o in today} - {""}
    new = [o for o in options if not o["existing"] and o["site"] not in occupied]
    terms = [
        {"option": o["id"], "coefficient": c}
        for part, c in ((today, 1.0), (new, -1.0))
        for o in part
    ]
    row = {"id": "few changes", "terms": terms, "least": float(len(today) - most)}
    return content | {"requirements": [*content["requirements"], row]}


def check_changes(trial: Trial) -> Iterator[str]:
    """Change budgets, force and forbid options and sites, keep today, limit changes;
    search what comes of it.
    """
    rng, content = trial.rng, trial.content
    names = [o["id"] for o in content["options"]]
    sites = sorted({o["site"] for o in content["options"]} - {""})
    today = [o["id"] for o in content["options"] if o["existing"]]
    forced = rng.sample(names + sites, 1) if rng.random() < 0.5 else []
    forbidden = (
        rng.sample([n for n in names if n not in today], 1)
        if rng.random() < 0.5 and len(today) < len(names)
        else []
    )
    keep = bool(today) and rng.random() < 0.3
    most = rng.randint(0, 3) if rng.random() < 0.5 else None
    budgets = {
        r["id"]: r["budget"] * rng.choice([0.7, 1.0, 1.5])
        for r in content["resources"]
        if rng.random() < 0.4
    }
    for team in (content["patrols"] or {"teams": []})["teams"]:
        if rng.random() < 0.3:
            budgets[team["id"]] = float(rng.randint(0, 2))
    changes = Changes(budgets, forced, forbidden, keep, most)
    changed = _changed(content, budgets | ({} if most is None else {CHANGES: float(most)}))
    try:
        instance = changes.applied(trial.instance)
    except InputError:  # forced as well as forbidden
        return
    gone = {n for n in names if n in forbidden}
    options = [
        o
        | {
            "forbidden": o["forbidden"] or o["id"] in gone,
            "forced": o["forced"] and o["id"] not in gone,
        }
        for o in changed["options"]
    ]
    for name in forced:
        group = [o for o in options if name in {o["id"], o["site"]} and o["id"] not in gone]
        for option in group:
            option["forbidden"] = False
        if len(group) == 1:
            group[0]["forced"] = True
        else:
            row = {
                "id": f"one of {name}",
                "terms": [{"option": o["id"], "coefficient": 1.0} for o in group],
                "least": 1.0,
            }
            changed = changed | {"requirements": [*changed["requirements"], row]}
    for option in options:
        if keep and option["existing"]:
            option["forced"], option["forbidden"] = True, False
    trial.referee = Referee(changed | {"options": options})
    told, asked = Told(), trial.options(method=rng.choice(["cuts", "cuts", COMPACT, "greedy"]))
    starts = [trial.random_plan()] if rng.random() < 0.5 else []
    found = searched(
        trial, lambda: solve_with(instance, asked, starts=starts, listener=told), asked.gap, told
    )
    yield from (f"{changes.content}: {each}" for each in found)


def check_cooperate(trial: Trial) -> Iterator[str]:
    """Plan for every coalition of agencies, and split what all reach."""
    rng, content = trial.rng, trial.content
    others: Others = rng.choice(("absent", "today"))
    terms = SolveModel(
        method=rng.choice(["cuts", "cuts", "greedy"]),
        gap=rng.choice([0.0, 1e-4, 0.05]),
        time_limit=None,
        threads=1,
    )
    starts = [trial.random_plan()] if rng.random() < 0.4 else []
    seconds, told = _hurry(rng)
    names = _agencies(content)
    if len(names) < 2:
        return
    coalitions = [c for k in range(1, len(names) + 1) for c in combinations(names, k)]
    referees = {c: Referee(_coalition(content, frozenset(c), others)) for c in coalitions}
    try:
        found = cooperate(
            trial.instance, terms, others=others, starts=starts, time_limit=seconds, listener=told
        )
    except KeyboardInterrupt:
        if told.patience == math.inf:
            yield "false interrupt"
        return
    except InfeasibleError as error:
        if all(each.least < math.inf for each in referees.values()):
            yield f"false refusal: {error}"
        return
    except InputError as error:  # today's sites break a rule
        if others == "absent":
            yield f"false refusal: {error}"
        return
    yield from _false_split(trial, found, names, referees)


def _false_split(
    trial: Trial, found: Cooperation, names: list[str], referees: dict[tuple[str, ...], Referee]
) -> Iterator[str]:
    """Yield what is false about coalitions, each with its own referee, and about shares."""
    today = frozenset(o["id"] for o in trial.content["options"] if o["existing"])
    nobody = trial.referee.value(Placed(today if found.others == "today" else frozenset()))
    if abs(found.nobody - nobody) > ROUNDING * nobody:
        yield f"false value of nobody: {found.nobody!r} of {nobody!r}"
    for each in found.coalitions:
        referee = referees[tuple(n for n in names if n in each.members)]
        faulty = [*false_plan(referee, each.plan, each.upper)]
        if (
            not each.solved and not each.plan.placements
        ):  # stands for a plan that nobody looked for: its value is a bound all the same
            faulty = (
                [f"false value: {each.upper!r}"]
                if above(referee.least, each.upper, referee.size)
                else []
            )
        if above(each.lower, referee.least, referee.size):
            faulty.append(f"false bound: {each.lower!r} above {referee.least!r}")
        yield from (f"{found.others} {each.members}: {f}" for f in faulty)
    worth = {frozenset(c): nobody - each.least for c, each in referees.items()} | {frozenset(): 0.0}
    for share in found.shares:
        joins = [frozenset(order[: order.index(share.agency)]) for order in permutations(names)]
        true = math.fsum(worth[j | {share.agency}] - worth[j] for j in joins) / len(joins)
        slack = 1e-7 * trial.referee.size
        if not share.share.low - slack <= true <= share.share.high + slack:
            yield (
                f"false share of {share.agency}: {true!r} not in {share.share.low!r} to"
                f" {share.share.high!r}"
            )


def _agencies(content: Content) -> list[str]:
    teams = [] if content["patrols"] is None else content["patrols"]["teams"]
    named = [
        each.get("agency", "")
        for part in (content["resources"], content["options"], teams)
        for each in part
    ]
    return list(dict.fromkeys(name for name in named if name))


def _owners(content: Content, each: Content) -> frozenset[str]:
    owner = {r["id"]: r.get("agency", "") for r in content["resources"]}
    return frozenset(
        {each["agency"], *(owner[name] for name, amount in each["uses"].items() if amount > 0)}
        - {""}
    )


def _coalition(content: Content, members: frozenset[str], others: str) -> Content:
    """Return the problem of some agencies: the others have nothing, or what stands today."""
    options = []
    for option in content["options"]:
        if not _owners(content, option) <= members:
            stays = others == "today" and option["existing"]
            option = option | {  # noqa: PLW2901
                "forced": stays,
                "forbidden": not stays,
                "change": option["change"] if stays else {},
            }
        options.append(option)
    patrols = content["patrols"]
    if patrols is not None:
        teams = {t["id"] for t in patrols["teams"] if _owners(content, t) <= members}
        patrols = patrols | {"patrols": [p for p in patrols["patrols"] if p["team"] in teams]}
    return content | {"options": options, "patrols": patrols}


def check_compare(trial: Trial) -> Iterator[str]:
    """Value any plans side by side, from files, and say whether they may be."""
    with TemporaryDirectory() as place:
        file = trial.write(Path(place) / "instance.json")
        plans = [placed(trial.random_plan()).options for _ in range(2)]
        paths = []
        for k, plan in enumerate(plans):
            paths.append(Path(place) / f"plan-{k}.json")
            paths[-1].write_text(json.dumps({"options": sorted(plan)}), encoding="utf-8")
        found = compare_plans(paths, on=file)
    for each, plan in zip(found.plans, plans, strict=True):
        value = trial.referee.value(Placed(plan))
        if abs(value - each.value) > ROUNDING * value + 1e-14 * trial.referee.size:
            yield f"false value: {each.value!r} of {value!r}: {plan}"
        over = trial.referee.overrun(plan, {})
        if (over > 1e-8 and not each.violations) or (over <= 0 and each.violations):
            yield f"false violations: {each.violations} where a limit is exceeded by {over:g}"
    if above(found.lower, trial.referee.least, trial.referee.size):
        yield f"false bound: {found.lower!r} above {trial.referee.least!r}"


DEBUG = "debug solution"
"""Name of the check that `--debug-solution` asks for alone."""


def check_debug_solution(trial: Trial) -> Iterator[str]:
    """Hand the best plan to searches, and see that no step of them loses it: trees of
    their own, a whole search with teams, and every search of another question.
    """
    rng, best = trial.rng, trial.referee.best
    if best is None:
        return
    seed, alone = rng.randrange(2**20), rng.random() < 0.6
    if trial.instance.patrols is None:
        lines = false_steps(trial.instance, seed)
    else:
        lines = false_steps_beside_teams(
            trial.instance,
            np.array([option.id in best.options for option in trial.instance.options], dtype=bool),
            [
                (_patrol(trial.instance, tour), TourOfPosts(tour.posts, tour.slots))
                for tour in best.beats
            ],
            trial.options(gap=0.0),
            every=[
                (_patrol(trial.instance, tour), np.array(elements, dtype=np.float64))
                for tour, (elements, _) in trial.referee.tours.items()
            ],
            alone=alone,
        )
    yield from (line for line in lines if line.startswith(("false", "not solved")))
    question = rng.choice([check_cuts, check_draws, check_frontier, check_changes])
    try:
        with watched_searches(alone=alone):
            yield from question(trial)
    except CutOffError as error:
        yield f"false step ({error.step}): {error.what}"


def _patrol(instance: Instance, tour: Tour) -> int:
    """Return the position of the team type at a base that drives a tour."""
    assert instance.patrols is not None
    pairs = [(each.team.id, each.base.id) for each in instance.patrols.patrols]
    return pairs.index((tour.team, tour.base))


CHECKS: dict[str, tuple[Callable[[Trial], Iterator[str]], float]] = {
    "cuts": (check_cuts, 1.0),
    "methods": (check_methods, 0.4),
    "stopped": (check_stopped, 0.6),
    "warm": (check_warm, 0.4),
    "shared": (check_shared, 0.4),
    "processes": (check_processes, 0.02),
    "mixed": (check_mixed, 0.35),
    "certificate": (check_certificate, 0.4),
    "draws": (check_draws, 0.35),
    "frontier": (check_frontier, 0.3),
    "changes": (check_changes, 0.4),
    "cooperate": (check_cooperate, 0.5),
    "compare": (check_compare, 0.3),
    "scenario": (check_scenario, 0.05),
    DEBUG: (check_debug_solution, 0.1),
}
"""How each problem may be asked about, and in what share of the problems it is."""


WITHOUT_TEAMS = {"shared", "certificate"}
"""What is not asked about a problem with patrol teams."""


def asks(name: str, content: Content) -> bool:
    """Return whether a problem may be asked about in this way."""
    if name == "cooperate":
        return len(content["agencies"]) > 1
    return content["patrols"] is None or name not in WITHOUT_TEAMS
