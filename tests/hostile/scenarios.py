"""Tiny scenarios through the functions that planners call: mobility, costs, teams,
agencies; a search, the plan as given, a curve, a split.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from optimizer.analysis.compare.compare import compare_plans
from optimizer.base.errors import InfeasibleError
from optimizer.pipeline.plan import plan_scenario
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.instance.changes import Changes
from optimizer.scenario.compile.compile import compile_scenario
from tests.hostile.judging import Told, false_mixture, false_plan, faults, placed
from tests.hostile.referee import Placed, Referee
from tests.tiny import PLACES, SCENARIO, SITES, write_scenario

if TYPE_CHECKING:
    from tests.hostile.checks import Trial

EARTH_KM = 6371.0088
TEAMS = """
[[bases]]
id = "yard"
label = "The yard"
lon = 10.2
lat = 50.1
agency = "police"

[[teams]]
id = "mobile"
agency = "police"
number = {number}
shift_hours = {hours}
slot_minutes = 30
most_slots = {slots}
detection = 0.6
passing = {passing}
posts = 2
uses = {{ teams = 1 }}
"""
COSTS = (
    "uses = { teams = 1 }\nopen_cost = { teams = 1.5 }\nclose_cost = { teams = 2 }\ncost_years = 4"
)


def scenario_text(rng: random.Random) -> str:
    """Return a scenario with some of the features."""
    text = SCENARIO.replace("budget = 3", f"budget = {rng.choice([1, 2, 3, 2.875])}")
    if rng.random() < 0.5:
        text = text.replace("uses = { teams = 1 }", COSTS)
    if rng.random() < 0.4:
        second = (
            '[[agencies]]\nid = "customs"\nname = "Customs"\n\n[[resources]]\nname ='
            ' "teams"\nagency = "customs"\nbudget = 1\n\n[[kinds]]'
        )
        text = text.replace("[[kinds]]", second)
    if rng.random() < 0.5:
        limit = rng.random() < 0.5
        teams = TEAMS.format(
            number=rng.choice([1, 2]),
            hours=rng.choice([1.5, 2]),
            slots=rng.choice([1, 2]),
            passing=rng.choice([0, 0.2]),
        )
        text = ("teams_at_post = 1\n" if limit else "") + text.lstrip() + teams
    return text


def settings_of(rng: random.Random) -> dict[str, Any]:
    """Return who travels, and whether loads change gateway at what cost."""
    found: dict[str, Any] = {"evaders.habitual_share": rng.choice([0.0, 0.3, 1.0])}
    if rng.random() < 0.7:
        found |= {
            "evaders.mobility": rng.choice([0.2, 0.5, 1.0]),
            "evaders.switching_loss": rng.choice([0.0, 0.05, 0.5]),
            "evaders.switching_km": rng.choice([5.0, 20.0, 100.0]),
        }
    return found


def check_scenario(trial: Trial) -> Iterator[str]:
    """Plan a tiny scenario, take the plan as given, and compare it with today."""
    rng = trial.rng
    text, settings = scenario_text(rng), settings_of(rng)
    sites = (
        SITES.replace("b,North road,10.2,50.2,police", "b,North road,10.2,50.2,customs")
        if "customs" in text
        else SITES
    )
    method, gap = (
        rng.choice(["cuts", "cuts", "cuts", "greedy", "mixed"]),
        rng.choice([0.0, 1e-4, 0.05]),
    )
    options = {"method": method, "gap": gap, "threads": 1, "time_limit": 20.0}
    changes = Changes(change_at_most=rng.randint(0, 3) if rng.random() < 0.3 else None)
    with TemporaryDirectory() as place:
        folder = Path(place)
        path = write_scenario(folder, text)
        (folder / "sites.csv").write_text(sites, encoding="utf-8")
        try:
            planned = plan_scenario(
                path,
                folder / "out",
                options=options,
                settings=settings,
                changes=changes,
                report=False,
            )
        except InfeasibleError:
            return  # the problem of a scenario has no file where it is refused
        referee = Referee(
            json.loads((folder / "out" / "instance.json").read_text(encoding="utf-8"))
        )
        result = planned.result
        if method == "mixed":
            yield from false_mixture(referee, result, Told(), None)
        else:
            yield from faults(referee, result, gap)
        yield from _false_mobility(path, settings, referee)
        plan = json.loads((folder / "out" / "plan.json").read_text(encoding="utf-8"))
        given = plan_scenario(
            path,
            folder / "given",
            given=folder / "out",
            settings=settings,
            changes=changes,
            report=False,
        )
        assert given.result.plan is not None
        assert given.result.upper is not None
        yield from (
            f"given: {each}" for each in false_plan(referee, given.result.plan, given.result.upper)
        )
        if set(plan["options"]) != set(given.plan.options):
            yield f"false plan: {given.plan.options} where {plan['options']} was given"
        compared = compare_plans([folder / "out", "today"])
        for each in compared.plans:
            value = referee.value(placed(each.matched.plan))
            if not math.isclose(value, each.value, rel_tol=1e-9):
                yield f"compare: false value: {each.value!r} of {value!r}"
        if compared.lower > referee.least * (1 + 1e-9):
            yield f"compare: false bound: {compared.lower!r} above {referee.least!r}"


def _false_mobility(path: Path, settings: dict[str, Any], mobile: Referee) -> Iterator[str]:
    """Yield what is false about the values of a scenario with mobile loads: each takes
    the gateway that is best for it after the way there.
    """
    share = settings.get("evaders.mobility", 0.0)
    fixed = settings | {"evaders.mobility": 0.0}
    file = path.parent / "fixed.json"
    write_instance(file, compile_scenario(path, settings=fixed).instance)
    content = json.loads(file.read_text(encoding="utf-8"))
    gates = [name for name in ("west-port", "east-port", "ford") if name in content["nodes"]["id"]]
    for options in (
        [],
        [o["id"] for o in content["options"][::2]],
        [o["id"] for o in content["options"]],
    ):
        plan, total = Placed(frozenset(options)), []
        for evader in content["evaders"]:
            alone = _value(content, evader, plan)
            if evader.get("routes"):
                total.append(evader["weight"] * alone)
                continue
            best = max(
                _cost(settings, evader["origin"], gate)
                * _value(content, evader | {"origin": gate}, plan)
                for gate in gates
            )
            total.append(evader["weight"] * ((1 - share) * alone + share * best))
        value = mobile.value(plan)
        if not math.isclose(math.fsum(total), value, rel_tol=1e-9):
            yield f"mobility: false value: {value!r} of {math.fsum(total)!r}: {options}"


def _value(content: dict[str, Any], evader: dict[str, Any], plan: Placed) -> float:
    return Referee(content | {"evaders": [evader | {"weight": 1.0}]}).value(plan)


def _cost(settings: dict[str, Any], own: str, other: str) -> float:
    if own == other:
        return 1.0
    (a, b), (c, d) = ([math.radians(x) for x in PLACES[name]] for name in (own, other))
    half = math.sin((d - b) / 2) ** 2 + math.cos(b) * math.cos(d) * math.sin((c - a) / 2) ** 2
    km = 2 * EARTH_KM * math.asin(math.sqrt(half))
    return float(
        (1 - settings.get("evaders.switching_loss", 0.05))
        * math.exp(-km / settings.get("evaders.switching_km", math.inf))
    )
