"""Cooperation of agencies: coalitions against brute force, Shapley values against all
orders of joining, intervals that hold every game.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.analysis.cooperation.cooperation import (
    Cooperation,
    agency_gains,
    cooperate,
    cooperation_digest,
)
from optimizer.analysis.cooperation.output import cooperation_page, interval, reaches
from optimizer.base.errors import InputError
from optimizer.base.files.json_lines import FinishedTasks
from optimizer.base.text.formatting import DASH
from optimizer.base.work.executor import Executor
from optimizer.plans.plan_folder import OwnWords
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.instance.evaders import Evader, Route
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Resource
from optimizer.problem.plan.agencies import (
    CoalitionGame,
    agencies_of,
    coalition_problem,
    coalitions_on,
    every_coalition,
    owners_of,
    sampled_orders,
)
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Plan, make_beat, violations, with_plan
from optimizer.problem.plan.result import ProvenInterval
from optimizer.scenario.file.model import SolveModel
from optimizer.solvers.branch_and_cut.improve.feasible_start import plan_made_to_fit
from tests.cases import Recorder, brute_force, random_instance, side_by_side
from tests.command import Outcome
from tests.test_joint import small_case

TERMS = SolveModel(gap=1e-6, time_limit=None)
NAMES = ("police", "customs", "guard")


def with_agencies(seed: int, count: int = 3) -> Instance:
    """Return a random problem of several agencies, each with teams of its own, money
    that all share, and one joint option.
    """
    instance = random_instance(seed, n_options=7)
    rng = np.random.default_rng(seed)
    names = NAMES[:count]
    options = []
    for j, option in enumerate(instance.options):
        agency = names[j % count]
        run_by = agency if j else ""  # of several where it uses resources of several
        uses = {f"teams@{agency}": float(rng.integers(1, 3)), "money": float(rng.uniform(0, 2))}
        if j == 0:
            uses[f"teams@{names[1]}"] = 1.0
        options.append(
            replace(
                option,
                agency=run_by,
                uses=uses,
                existing=j in {1, 3},
                forced=False,
                forbidden=j == 5,
            )
        )
    teams = tuple(
        Resource(f"teams@{name}", float(rng.integers(2, 5)), agency=name, name="teams")
        for name in names
    )
    return replace(
        instance,
        options=tuple(options),
        resources=(*teams, Resource("money", 4.0)),
        requirements=(),
    )


def by_orders(worth: Callable[[frozenset[int]], float], players: int) -> list[float]:
    """Return Shapley values as the mean over every order of joining."""
    shares = [0.0] * players
    orders = list(permutations(range(players)))
    for order in orders:
        for place, i in enumerate(order):
            before = frozenset(order[:place])
            shares[i] += (worth(before | {i}) - worth(before)) / len(orders)
    return shares


@pytest.mark.parametrize("seed", [2, 5, 8])
@pytest.mark.parametrize("others", ["absent", "today"])
def test_every_coalition_has_its_best_plan_and_the_split_is_shapleys(
    seed: int, others: str
) -> None:
    instance = with_agencies(seed)
    found = cooperate(instance, TERMS, others=others)  # type: ignore[arg-type]
    assert agencies_of(instance) == NAMES
    assert [each.members for each in found.coalitions] == [
        tuple(NAMES[k] for k in sorted(members)) for members in every_coalition(3)
    ]
    before = np.array([o.existing and others == "today" for o in instance.options])
    assert found.nobody == pytest.approx(plan_value(instance, before))
    optimum: dict[frozenset[int], float] = {frozenset(): found.nobody}
    for each in found.coalitions:
        case = coalition_problem(instance, each.members, found.others)
        for option, plain in zip(case.options, instance.options, strict=True):
            if not owners_of(instance, plain.uses, plain.agency) <= set(each.members):
                assert option.forced == (others == "today" and plain.existing)
                assert option.forced != option.forbidden
        best, _ = brute_force(case)
        optimum[frozenset(NAMES.index(name) for name in each.members)] = best
        assert each.lower <= best * (1 + 1e-9)
        assert each.upper == pytest.approx(best, rel=2e-6)
        assert not violations(case, case.placed(each.plan.options))
    shares = by_orders(lambda members: found.nobody - optimum[members], 3)
    for share, expected in zip(found.shares, shares, strict=True):
        assert share.share.low - 1e-9 <= expected <= share.share.high + 1e-9
        assert share.share.found == pytest.approx(expected, abs=1e-5)
    total = found.nobody - found.together.upper
    assert math.fsum(each.share.found for each in found.shares) == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize(
    ("others", "value", "plan"), [("absent", 1.03, ("o1",)), ("today", 1.1, ())]
)
def test_a_plan_of_few_is_none_of_more_where_today_may_not_stay_or_go(
    others: Any, value: float, plan: tuple[str, ...]
) -> None:
    """Customs' site takes as much to close as to keep, so that police, who could pay
    for theirs alone, cannot beside it; or it may not stay.
    """
    roads = side_by_side([{"money": 1.0}, {"money": 1.0}], [Resource("money", 1.0)])
    first, second = (
        replace(o, agency=name)
        for o, name in zip(roads.options, ("police", "customs"), strict=True)
    )
    second = replace(second, existing=True, forbidden=others == "today", change={"money": 1.0})
    if others == "today":
        first = replace(first, forbidden=True)
    habits = tuple(Evader(f"h{k}", 0, 1, 0.1**k, (Route((k, 2 + k), 1.0),)) for k in (0, 1))
    case = replace(roads, reliability=np.ones(4), evaders=habits, options=(first, second))
    together = cooperate(case, TERMS, others=others).together
    assert (together.lower, together.upper) == pytest.approx((value, value))
    assert together.plan.options == plan


def test_names_of_agencies_do_not_mix_coalitions_up(tmp_path: Path) -> None:
    instance = with_agencies(5)
    joint = OwnWords({"police": "A", "customs": "B", NAMES[2]: "A + B"})
    finished = FinishedTasks(tmp_path / "pieces.jsonl", "same")
    first, again = (
        values_of(cooperate(instance, TERMS, own_words=joint, finished=finished)) for _ in range(2)
    )
    assert first == again
    swapped = OwnWords({"police": "B", "customs": "A"})
    given, other = (
        cooperation_digest(instance, TERMS, "absent", 16, None, own_words=words)
        for words in (OwnWords({"police": "A", "customs": "B"}), swapped)
    )
    assert given != other  # else the pieces of an interrupted command would go to the wrong agency


def values_of(found: Cooperation) -> list[tuple[float, float]]:
    return [(each.lower, each.upper) for each in found.coalitions]


def test_alone_a_joint_option_is_nobodys() -> None:
    instance = with_agencies(5)
    assert owners_of(instance, instance.options[0].uses, "") == {"police", "customs"}
    for names, allowed in (
        (("police",), False),
        (("police", "guard"), False),
        (("police", "customs"), True),
    ):
        assert coalition_problem(instance, names).options[0].forbidden != allowed


def test_a_plan_of_all_made_to_fit_a_coalition_has_its_teams_alone() -> None:
    instance, _ = small_case(1)
    assert instance.patrols is not None
    patrol = instance.patrols.patrols[0]
    teams = [replace(patrol.team, id=name, agency=name) for name in ("north", "south")]
    field = replace(instance.patrols, patrols=tuple(replace(patrol, team=team) for team in teams))
    both = Plan(tuple(make_beat(field, q, (1,), (1,), f"beat-{q}") for q in (0, 1)))
    south = coalition_problem(replace(instance, patrols=field), ["south"])
    (beat,) = plan_made_to_fit(south, both).beats
    assert (beat.id, beat.team.id, beat.patrol) == ("beat-1", "south", 0)
    case = with_plan(south, Plan((beat,)))
    assert not violations(case, case.placed([beat.id]))


@pytest.mark.slow
def test_teams_are_their_agencys() -> None:
    instance, _ = small_case(1)
    assert instance.patrols is not None
    field = instance.patrols
    (team,) = {patrol.team.id: patrol.team for patrol in field.patrols}.values()
    own = replace(team, agency="north")
    patrols = tuple(replace(patrol, team=own) for patrol in field.patrols)
    options = tuple(replace(option, agency="south") for option in instance.options)
    whole = replace(instance, patrols=replace(field, patrols=patrols), options=options)
    assert agencies_of(whole) == ("south", "north")
    assert coalition_problem(whole, ["south"]).patrols is None
    assert all(option.forbidden for option in coalition_problem(whole, ["north"]).options)
    found = cooperate(whole, TERMS.model_copy(update={"gap": 0.01}))
    assert not found.coalitions[0].plan.beats
    assert not found.coalitions[1].plan.fixed
    for each in found.coalitions:
        case = with_plan(coalition_problem(whole, each.members), each.plan)
        assert not violations(case, case.placed(each.plan.options))
        assert plan_value(case, case.placed(each.plan.options)) == pytest.approx(each.upper)


@pytest.mark.slow
def test_gains_are_what_a_site_brings_and_joint_sites_have_several_owners() -> None:
    seen = 0
    for seed in (2, 5, 8):
        instance = with_agencies(seed)
        found = cooperate(instance, TERMS)
        placed = instance.placed(found.together.plan.options)
        assert len(found.gains) == placed.sum()
        for gain in found.gains:
            without = placed.copy()
            without[instance.option_index[gain.placement.id]] = False
            fall = plan_value(instance, without) - plan_value(instance, placed)
            assert gain.total == pytest.approx(fall, abs=1e-9)
            assert set(gain.gains) <= {*NAMES, ""}
            seen += len(gain.owners) == 2
        for group in agency_gains(instance, found.together.plan):
            without = placed & np.array(
                [
                    set(owners_of(instance, o.uses, o.agency)) != set(group.owners)
                    for o in instance.options
                ]
            )
            assert group.placements == placed.sum() - without.sum()
            assert group.total == pytest.approx(
                plan_value(instance, without) - plan_value(instance, placed), abs=1e-9
            )
    assert seen


def random_game(
    rng: np.random.Generator, players: int, *, width: float
) -> tuple[CoalitionGame, dict[frozenset[int], float]]:
    """Return a rising game with worths known as intervals, and one that lies in them."""
    true: dict[frozenset[int], float] = {frozenset(): 0.0}
    for members in every_coalition(players):
        true[members] = max(true[members - {i}] for i in members) + float(rng.exponential())
    worths: dict[frozenset[int], ProvenInterval] = {}
    for members in every_coalition(players):
        less = [worths[members - {i}].low for i in members if len(members) > 1]
        # plans are passed on to more members
        low = max(true[members] - width * rng.random(), 0.0, *less)
        worths[members] = ProvenInterval(low, low, true[members] + width * rng.random())
    return CoalitionGame(players, worths), true


@given(st.integers(1, 5), st.integers(0, 10_000), st.sampled_from([0.0, 0.3, 2.0]))
def test_intervals_hold_the_true_game(players: int, seed: int, width: float) -> None:
    game, true = random_game(np.random.default_rng(seed), players, width=width)
    shares = by_orders(lambda members: true[members], players)
    for own, share in zip(game.shapley(), shares, strict=True):
        assert own.low - 1e-9 <= share <= own.high + 1e-9
        assert own.low - 1e-9 <= own.found <= own.high + 1e-9
        if width == 0:
            assert own.low == pytest.approx(own.high)
    whole = frozenset(range(players))
    assert math.fsum(each.found for each in game.shapley()) == pytest.approx(
        game.worth(whole).found, abs=1e-9
    )
    worth = true[whole] - sum(true[frozenset({i})] for i in range(players))
    assert game.cooperation().low - 1e-9 <= worth <= game.cooperation().high + 1e-9
    excesses = {
        each: true[each] - sum(shares[i] for i in each) for each in every_coalition(players)
    }
    for members, excess in excesses.items():
        assert game.excess(members).low - 1e-9 <= excess <= game.excess(members).high + 1e-9
    stable = all(excess <= 1e-9 for members, excess in excesses.items() if members != whole)
    if (
        width == 0 and not any(0 < abs(each) < 1e-7 for each in excesses.values())
    ) or game.in_core() is not None:
        assert game.in_core() == stable


def test_a_known_game() -> None:
    # gloves: one has a left one, two have a right one; a pair is worth 1 (Shapley 1953:
    # 2/3, 1/6, 1/6)
    worths = {
        each: ProvenInterval(
            float(0 in each and len(each) > 1),
            float(0 in each and len(each) > 1),
            float(0 in each and len(each) > 1),
        )
        for each in every_coalition(3)
    }
    game = CoalitionGame(3, worths)
    assert [each.found for each in game.shapley()] == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    assert game.in_core() is False
    assert frozenset({0, 1}) in game.better_apart()


def test_sampled_orders_agree_with_all_and_sum_to_the_whole() -> None:
    _, true = random_game(np.random.default_rng(4), 9, width=0.0)
    exact = CoalitionGame(9, {s: ProvenInterval(v, v, v) for s, v in true.items() if s}).shapley()
    orders = sampled_orders(9, 400, seed=1)
    worths = {
        each: ProvenInterval(true[each], true[each], true[each]) for each in coalitions_on(orders)
    }
    game = CoalitionGame(9, worths, orders)
    sampled = game.shapley()
    assert math.fsum(each.found for each in sampled) == pytest.approx(
        true[frozenset(range(9))], abs=1e-9
    )
    inside = sum(s.low <= e.found <= s.high for s, e in zip(sampled, exact, strict=True))
    assert inside >= 7
    assert game.in_core() is None


def test_stopped_early_the_intervals_still_hold() -> None:
    instance = with_agencies(8)
    whole = cooperate(instance, TERMS)
    told = Recorder(patience=14)
    part = cooperate(instance, TERMS, time_limit=600, listener=told)
    assert told.searches == [(abs(instance.weight.sum() - 1) < 1e-9, 600)]
    assert whole.complete
    assert not part.complete
    for early, late in zip(part.coalitions, whole.coalitions, strict=True):
        assert early.lower <= late.upper * (1 + 1e-9)
        assert early.upper >= late.lower * (1 - 1e-9)
    for share, exact in zip(part.shares, whole.shares, strict=True):
        assert share.share.low <= exact.share.found + 1e-6
        assert share.share.high >= exact.share.found - 1e-6


def test_what_no_search_has_shown_is_not_yet_known() -> None:
    instance = with_agencies(8)
    found = cooperate(instance, TERMS, listener=Recorder(patience=2))
    unknown = [each for each in found.coalitions if each.upper == found.nobody > each.lower]
    assert unknown
    assert all(reaches(found, each).startswith("not yet known: between 0 and") for each in unknown)
    wide = next(each for each in found.shares if each.share.low <= 0 < each.share.high)
    assert interval(found, wide.share).startswith("not yet known: between")
    whole = cooperate(instance, TERMS)
    assert not any("not yet known" in reaches(whole, each) for each in whole.coalitions)


@pytest.mark.slow
def test_processes_make_the_same_split() -> None:
    instance = with_agencies(2)
    here, there = cooperate(instance, TERMS), cooperate(instance, TERMS, executor=Executor(2))
    assert [(c.lower, c.upper, c.plan) for c in here.coalitions] == [
        (c.lower, c.upper, c.plan) for c in there.coalitions
    ]
    assert here.shares == there.shares


def test_input_that_is_none() -> None:
    with pytest.raises(InputError, match="one agency, 'north'"):
        cooperate(random_instance(3), TERMS)
    crowded = with_agencies(2)
    crowded = replace(
        crowded, options=tuple(replace(option, existing=True) for option in crowded.options)
    )
    with pytest.raises(InputError, match="today's sites"):
        cooperate(crowded, TERMS, others="today")
    with pytest.raises(InputError, match="orders of joining"):
        cooperate(with_agencies(2), TERMS, orders=1)


def test_where_nothing_is_proven_the_page_does_not_say_that_no_plan_goes_below_nothing() -> None:
    found = cooperate(with_agencies(2), TERMS)
    coalitions = tuple(replace(each, lower=0.0) for each in found.coalitions)
    page = cooperation_page(
        replace(found, coalitions=coalitions, better_apart=(NAMES[:2], NAMES[2:]), in_core=None)
    )
    assert "how much better a plan could be is not known" in page.headline
    assert "no plan brings it below" not in page.headline
    (table,) = page.sections[1].tables
    assert {row[2] for row in table.rows} == {DASH}
    assert f"By the plans found {NAMES[0]} + {NAMES[1]}; {NAMES[2]} would" in " ".join(
        page.sections[0].sentences
    )


def test_a_site_names_the_agencies_whose_roads_it_relieves_most() -> None:
    found = cooperate(with_agencies(2), TERMS)
    gain = replace(found.gains[0], gains=dict(zip(NAMES, (0.2, 0.5, 0.1), strict=True)) | {"": 0.3})
    (table,) = cooperation_page(replace(found, gains=(gain,))).sections[2].tables
    assert table.rows[0][-1] == f"{NAMES[1]} 0.5; {NAMES[0]} 0.2; others 0.1"


@pytest.mark.slow
def test_the_command(command: Callable[..., Outcome], tmp_path: Path) -> None:
    file = tmp_path / "three.json"
    write_instance(file, with_agencies(5))
    called = {name: f"The {name} of the north" for name in NAMES}
    (tmp_path / "run.json").write_text(json.dumps({"agencies": called}))
    outcome = command("cooperate", file, "--out", tmp_path / "out", "--json", "--sites")
    assert outcome.code == 0
    coalitions = [line for line in outcome.objects if "coalition" in line]
    shares: list[Mapping[str, Any]] = [line for line in outcome.objects if "agency" in line]
    assert len(coalitions) == 7
    assert all({"coalition", "lower", "upper"} <= set(line) for line in coalitions)
    assert [line["agency"] for line in shares] == list(NAMES)
    assert sum(line["share"] for line in shares) == pytest.approx(shares[0]["total"], abs=1e-9)
    assert all(line["share_low"] <= line["share"] <= line["share_high"] for line in shares)
    assert any("gains" in line for line in outcome.objects)
    content = json.loads((tmp_path / "out/cooperation.json").read_text())
    assert len(content["shares"]) == 3
    page = (tmp_path / "out/cooperation.html").read_text()
    assert all(
        name in page for name in (*called.values(), "Fair share", "Whose roads each site relieves")
    )
    assert (tmp_path / "out/shares.png").stat().st_size > 1000
    assert (tmp_path / "out/coalitions.csv").read_text().count("\n") == 8
    assert not (tmp_path / "out.pieces.jsonl").exists()
    shown = command("cooperate", file, "--others", "today")
    assert "Fair share" in shown.out
    assert "The police of the north" in shown.out
    assert "what stands today" in shown.out
    assert "apart" in shown.out
    wrong = command("cooperate", file, "--budget", "teams@polise=3", "--out", tmp_path / "none")
    assert wrong.code == 1
    assert "Did you mean 'teams@police'" in wrong.err
    assert not (tmp_path / "none").exists()
