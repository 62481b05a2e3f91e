"""A post at any place, against the listed sites of the same scenario and against
enumeration.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from optimizer.analysis.explain.anywhere import worth_at
from optimizer.analysis.explain.anywhere_output import place_page
from optimizer.base.errors import InputError
from optimizer.pipeline.plan import plan_scenario
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.plan.evaluation import evaluate
from optimizer.problem.plan.plan import violations
from tests.command import Outcome
from tests.tiny import SCENARIO, SITES, write_scenario

TWO_KINDS = SCENARIO.replace(
    "[sites]",
    '[[kinds]]\nid = "camera"\nkind = "sensor"\ncapacity = 500\ndetection = 0.2\nuses = { teams = 1 }\n\n[sites]',
)
UNLISTED = "b,North road,10.2,50.2,police,,800,post\n"
NORTH = (10.2, 50.2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a plan whose scenario does not list the north road."""
    return planned(tmp_path / "unlisted", SCENARIO, SITES.replace(UNLISTED, ""))


def planned(place: Path, text: str, sites: str) -> Path:
    place.mkdir()
    scenario = write_scenario(place, text)
    (place / "sites.csv").write_text(sites, encoding="utf-8")
    plan_scenario(scenario, place / "plan", options={"method": "greedy"}, report=False)
    return place / "plan"


def test_a_place_is_worth_what_the_same_site_is_worth_once_it_is_listed(
    folder: Path, tmp_path: Path
) -> None:
    """The scenario that lists the site makes its own option of it, by its own way."""
    asked = worth_at(folder, *NORTH)
    listed = planned(tmp_path / "listed", SCENARIO, SITES.replace(",800,post", ",,post"))
    instance = PlanFolder(listed).instance
    known = PlanFolder(folder).known
    (post,) = asked.posts
    before = evaluate(instance, known.plan.options)
    after = evaluate(instance, [*known.plan.options, "b"])
    assert before.value == pytest.approx(known.value, rel=1e-12)
    assert post.value == pytest.approx(after.value, rel=1e-12)
    assert asked.listed == ()
    assert asked.distance_m < 1


def test_without_jurisdictions_the_agencies_of_the_nearest_site_run_it(
    folder: Path, command: Callable[..., Outcome]
) -> None:
    """And not those of the other end of the border that have people to spare."""
    scenario = folder.parent / "scenario.toml"
    text = scenario.read_text(encoding="utf-8")
    assert "jurisdictions" not in text
    other = '[[agencies]]\nid = "far"\n[[resources]]\nname = "teams"\nagency = "far"\nbudget = 9\n'
    scenario.write_text(text + other, encoding="utf-8")
    replanned = folder.parent / "again"
    plan_scenario(scenario, replanned, options={"method": "greedy"}, report=False)
    (post,) = worth_at(replanned, *NORTH).posts
    assert post.option.agency == "police"
    shown = command("explain", replanned, f"--at={NORTH[0]},{NORTH[1]}")
    assert "draws no jurisdictions: the post is taken to be run as the nearest" in shown.err


def test_what_makes_way_is_the_best_of_all_sites(folder: Path, tmp_path: Path) -> None:
    known = PlanFolder(folder).known
    (post,) = worth_at(folder, *NORTH).posts
    assert not post.fits
    assert [resource.id for resource, _ in post.lacks] == ["teams@police"]
    assert [amount for _, amount in post.lacks] == [1.0]
    listed = planned(tmp_path / "listed", SCENARIO, SITES.replace(",800,post", ",,post"))
    instance = PlanFolder(listed).instance
    ids = list(known.plan.options)
    tried = {
        gone: evaluate(instance, plan).value
        for gone in ids
        if not violations(instance, plan := [*(one for one in ids if one != gone), "b"])
    }
    assert tried
    assert post.swap is not None
    assert post.swap.goes.id == min(tried, key=lambda gone: tried[gone])
    assert post.swap.value == pytest.approx(min(tried.values()), rel=1e-12)


def test_a_plan_with_room_has_room(tmp_path: Path) -> None:
    """Four sites and five teams: what is asked about could come in addition."""
    text = SCENARIO.replace("budget = 3", "budget = 5")
    folder = planned(tmp_path / "room", text, SITES.replace(UNLISTED, ""))
    (post,) = worth_at(folder, *NORTH).posts
    assert post.fits
    assert "has room" in place_page(worth_at(folder, *NORTH)).headline


def test_ways_round_are_roads_that_were_not_taken_before(folder: Path) -> None:
    """With the north road watched, the tracks over the farm are the other way."""
    (post,) = worth_at(folder, *NORTH).posts
    known = PlanFolder(folder).known
    assert post.value < known.value
    assert post.by_habit >= 0
    informed = sum(one.evader.weight * (one.without - one.with_it) for one in post.responses)
    assert informed + post.by_habit <= known.value - post.value + 1e-12
    for one in post.responses:
        assert not one.evader.routes
        assert one.with_it < one.without
    assert any({"R6", "R7"} & set(one.roads) for one in post.responses)


def test_every_kind_is_asked_about_and_the_best_comes_first(tmp_path: Path) -> None:
    sites = SITES.replace(UNLISTED, "")
    folder = planned(tmp_path / "kinds", TWO_KINDS, sites)
    every = worth_at(folder, *NORTH)
    assert {post.option.type for post in every.posts} == {"post", "camera"}
    assert np.all(np.diff([post.value for post in every.posts]) >= 0)
    (camera,) = worth_at(folder, *NORTH, kinds=["camera"]).posts
    assert camera.value in {post.value for post in every.posts}


@pytest.mark.parametrize(
    ("at", "kinds", "words"),
    [
        ((10.2, 95.0), (), "latitude 95"),
        ((200.0, 50.0), (), "longitude 200"),
        ((float("nan"), 50.0), (), "longitude nan"),
        ((11.5, 50.0), (), "from the nearest road"),
        (NORTH, ("pst",), "Did you mean 'post'"),
    ],
)
def test_what_cannot_be_asked_is_told(
    folder: Path, at: tuple[float, float], kinds: tuple[str, ...], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        worth_at(folder, *at, kinds=kinds)


def test_a_site_that_is_listed_there_is_told(folder: Path) -> None:
    assert worth_at(folder, 10.0, 50.05).listed == ('=HYPERLINK("x")',)


def test_the_command_says_it_in_a_sentence_and_writes_it(
    command: Callable[..., Outcome], folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "there"
    told = command("explain", folder, "--at=10.2,50.2", "--out", out)
    assert told.code == 0, told.err
    assert "less through" in told.out
    assert "The plan has no room for it; in place of" in told.out
    assert "For it the plan lacks 1" in told.out.replace("\N{NO-BREAK SPACE}", " ")
    written = json.loads((out / "place.json").read_text(encoding="utf-8"))
    (line,) = command("explain", folder, "--at=10.2,50.2", "--json").objects
    assert written["posts"] == line["posts"]
    assert {path.suffix for path in out.glob("place.*")} == {".json", ".csv", ".html"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--at=10.2",), "longitude and latitude"),
        (("--at=1_0,50",), "longitude and latitude"),
        (("--at=10.2,50.2", "--routes"), "--at prices no sites"),
        (("--at=10.2,50.2", "--site", "a"), "--at prices no sites"),
        (("--kind", "post"), "add --at"),
    ],
)
def test_options_that_do_not_fit_are_told(
    command: Callable[..., Outcome], folder: Path, words: tuple[str, ...], told: str
) -> None:
    refused = command("explain", folder, *words)
    assert refused.code != 0
    assert told in " ".join((refused.err + refused.out).split())
