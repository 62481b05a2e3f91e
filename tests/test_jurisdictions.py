"""Agencies and where they may act: sites that several may man, jurisdictions, hot
pursuit, joint task forces, and what is wrong with them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from optimizer.analysis.cooperation.cooperation import cooperate
from optimizer.analysis.search_advice.search_advice import where_to_look
from optimizer.base.errors import InputError
from optimizer.pipeline.check import check_scenario_file
from optimizer.problem.instance.instance import Instance
from optimizer.problem.plan.agencies import agencies_of, coalition_problem, owners_of
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.compile.compile import compile_scenario
from tests.tiny import SCENARIO, write_scenario

CUSTOMS = """
[[agencies]]
id = "customs"
name = "Customs"
{jurisdiction}

[[resources]]
name = "teams"
agency = "customs"
budget = 2

[[resources]]
name = "dogs"
agency = "customs"
budget = 1
"""
SITES = """id,label,lon,lat,agency,manned_by,existing,traffic,kinds
a,West of the junction,10.1,50.1,{a},{by},{existing},400,{kinds}
b,North road,10.2,50.2,{b},,,800,{kinds}
"""


def scenario(
    folder: Path,
    *,
    police: str = "",
    customs: str = "",
    more: str = "",
    a: str = "police",
    by: str = "",
    b: str = "police",
    existing: str = "",
    kinds: str = "post",
) -> Path:
    """Write the tiny scenario with two agencies, their jurisdictions, and two sites:
    `a` in the south, `b` in the north.
    """
    text = SCENARIO.replace('name = "Police"\n', f'name = "Police"\n{police}\n', 1)
    text = text.replace("[sites]", CUSTOMS.format(jurisdiction=customs) + more + "\n[sites]")
    path = write_scenario(folder, text)
    (folder / "sites.csv").write_text(SITES.format(a=a, by=by, b=b, existing=existing, kinds=kinds))
    return path


def instance(folder: Path, **options: str) -> Instance:
    return compile_scenario(scenario(folder, **options)).instance


def area(name: str, more: str = "") -> str:
    return f'jurisdiction = {{ areas = ["{name}"]{more} }}'


def test_a_site_that_several_may_man_has_an_option_of_each(tmp_path: Path) -> None:
    found = instance(tmp_path, by="customs", existing="post")
    assert [(o.id, o.agency, dict(o.uses), o.existing) for o in found.options] == [
        ("a@police", "police", {"teams@police": 1.0}, True),
        ("a@customs", "customs", {"teams@customs": 1.0}, False),
        ("b", "police", {"teams@police": 1.0}, False),
    ]
    assert (0, 1) in found.conflicts
    split = cooperate(found, compile_scenario(tmp_path / "scenario.toml").scenario.solve)
    assert [each.members for each in split.coalitions] == [
        ("police",),
        ("customs",),
        ("police", "customs"),
    ]
    assert split.coalitions[1].plan.options == ("a@customs",)


def test_sites_without_an_agency_are_of_those_in_whose_jurisdiction_they_lie(
    tmp_path: Path,
) -> None:
    found = instance(
        tmp_path,
        police=area("south"),
        customs='jurisdiction = { road_classes = ["primary", "secondary"] }',
        a="",
        b="",
    )
    assert [option.id for option in found.options] == ["a@police", "a@customs", "b"]
    assert found.options[2].agency == "customs"
    by_road = instance(
        tmp_path, police=area("south"), customs='jurisdiction = { roads = ["r5"] }', a="", b=""
    )
    assert [(option.id, option.agency) for option in by_road.options] == [
        ("a", "police"),
        ("b", "customs"),
    ]


def test_hot_pursuit_is_an_option_of_the_kinds_that_may(tmp_path: Path) -> None:
    rule = ', pursuit_km = {km}, pursuit_kinds = ["chase"]'
    chase = '[[kinds]]\nid = "chase"\nsurvival = 0.8\nuses = { teams = 1 }\n'

    def options(km: float) -> list[tuple[str, str]]:
        police = area("south", rule.format(km=km))
        found = instance(
            tmp_path,
            police=police,
            more=chase,
            customs=area("north"),
            a="",
            b="",
            kinds="post chase",
        )
        return [(option.id, option.agency) for option in found.options]

    near = [("a:post", "police"), ("a:chase", "police"), ("b:chase@police", "police")]
    assert options(20) == [*near, ("b:post@customs", "customs"), ("b:chase@customs", "customs")]
    far = [
        ("a:post", "police"),
        ("a:chase", "police"),
        ("b:post", "customs"),
        ("b:chase", "customs"),
    ]
    assert options(5) == far


def test_a_joint_task_force_draws_on_several_agencies(tmp_path: Path) -> None:
    joint = (
        '[[kinds]]\nid = "joint"\nsurvival = 0.3\nuses = { teams = 1, "dogs@customs" = 1,'
        ' "teams@customs" = 1 }\n'
    )
    found = instance(tmp_path, more=joint, kinds="post joint")
    option = found.options[1]
    assert (option.id, option.agency) == ("a:joint", "")
    assert dict(option.uses) == {"teams@police": 1.0, "dogs@customs": 1.0, "teams@customs": 1.0}
    assert owners_of(found, option.uses, option.agency) == {"police", "customs"}
    assert agencies_of(found) == ("police", "customs")
    assert coalition_problem(found, ["police"]).options[1].forbidden
    assert not coalition_problem(found, ["police", "customs"]).options[1].forbidden
    checked = check_scenario_file(tmp_path / "scenario.toml")
    assert checked.ok
    assert not [item for item in checked.unused if "dogs" in item.what]


def test_of_one_agency_that_names_its_own_resource_amounts_add_up(tmp_path: Path) -> None:
    twice = '[[kinds]]\nid = "twice"\nsurvival = 0.3\nuses = { teams = 1, "teams@customs" = 2 }\n'
    found = instance(tmp_path, more=twice, a="customs", kinds="twice")
    assert (found.options[0].agency, dict(found.options[0].uses)) == (
        "customs",
        {"teams@customs": 3.0},
    )
    assert (found.options[1].agency, dict(found.options[1].uses)) == (
        "",
        {"teams@police": 1.0, "teams@customs": 2.0},
    )


def test_roads_that_are_offered_lie_in_a_jurisdiction_and_teams_stand_there(tmp_path: Path) -> None:
    teams = (
        '[[bases]]\nid = "home"\nlon = 10.2\nlat = 50.1\nagency = "police"\n[[teams]]\nid ='
        ' "cars"\nagency = "police"\nnumber = 1\ndetection = 0.3\nuses = { teams = 1 }\n'
    )
    path = scenario(
        tmp_path, police=area("south"), customs=area("south"), more=teams, b="customs", by="customs"
    )
    (tmp_path / "sites.csv").write_text(
        SITES.format(a="police", by="", b="police", existing="", kinds="post").rsplit("b,", 1)[0]
    )
    path.write_text(path.read_text() + 'roads = 20\ncrossings = "all"\n')
    found = compile_scenario(path)
    lat = found.instance.lonlat[:, 1]  # type: ignore[index]
    offered = [option for option in found.instance.options if option.id.startswith("road-")]
    assert offered
    for option in offered:
        assert lat[found.instance.tail[list(option.arcs)]].mean() < 50.15
    assert found.instance.patrols is not None
    assert {post.lat < 50.15 for post in found.instance.patrols.posts} == {True}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"police": area("south"), "customs": area("south"), "a": "", "b": ""},
            "site 'b': found a site on R5, primary, which is in nobody's",
        ),
        (
            {"police": area("south")},
            "a site of 'police' on R5, primary, which lies outside its jurisdiction",
        ),
        ({"police": area("sout")}, "Did you mean 'south'"),
        ({"police": 'jurisdiction = { roads = ["R9"] }'}, "'R9', which no road is called"),
        ({"police": 'jurisdiction = { road_classes = ["primry"] }'}, "Did you mean 'primary'"),
        (
            {"police": area("south", ', pursuit_km = 3, pursuit_kinds = ["pots"]')},
            "Did you mean 'post'",
        ),
        ({"police": area("south", ", pursuit_km = 3")}, "pursuit_km above 0 with pursuit_kinds"),
        ({"police": "jurisdiction = {}"}, "at least one of areas, roads, road_classes"),
        ({"by": "custms"}, "Did you mean 'customs'"),
        (
            {"more": '[[kinds]]\nid = "j"\nsurvival = 0.3\nuses = { "dogs@custom" = 1 }\n'},
            "Did you mean 'dogs@customs'",
        ),
        ({"more": '[[agencies]]\nid = "police"\n'}, "'police' again"),
        (
            {"more": '[[agencies]]\nid = "other"\nname = "police"\n'},
            "'police' again, the name of agency 'police'",
        ),
        (
            {"customs": area("north"), "by": "customs", "existing": "post", "a": ""},
            "outside its jurisdiction",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError) as error:
        compile_scenario(scenario(tmp_path, **options))
    assert message in str(error.value)


def test_one_agency_cannot_cooperate(tmp_path: Path) -> None:
    compiled = compile_scenario(write_scenario(tmp_path))
    with pytest.raises(InputError, match="one agency, 'police'; expected at least two"):
        cooperate(compiled.instance, compiled.scenario.solve)


def test_advice_where_to_search_keeps_to_roads_of_stated_jurisdictions(tmp_path: Path) -> None:
    bounded = scenario(
        tmp_path, police=area("south"), customs='jurisdiction = { roads = ["r5"] }', a="", b=""
    )
    ours = read_evidence(bounded).jurisdictions.stated
    assert 0 < ours.sum() < ours.size
    listed = {road.segment for road in where_to_look(bounded).roads}
    assert listed == set(np.flatnonzero(ours).tolist())
    half = scenario(tmp_path, police=area("south"), a="", b="")  # customs may act everywhere
    south = read_evidence(half).jurisdictions.stated
    look = where_to_look(half)
    assert {road.segment for road in look.roads} == set(np.flatnonzero(south).tolist())
    assert 0 < south.sum() < south.size
    assert not [text for text in look.warnings if "jurisdiction" in text]
    free = where_to_look(write_scenario(tmp_path))
    assert len(free.roads) == south.size
    assert [
        text for text in free.warnings if "No agency of the scenario has a jurisdiction" in text
    ]
