"""Plans side by side: values and their parts from the definition, and plans that come from elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from optimizer.base.errors import InputError
from optimizer.pipeline.compare_plans import compare_plans
from optimizer.problem.instance_file import write_instance
from tests.cases import brute_force, enumerated_value, random_instance
from tests.command import Outcome, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from optimizer.problem.instance import Instance


def on_a_map(seed: int) -> Instance:
    """Return a random instance whose options have sites, agencies, kinds and places some kilometres apart; `o3` stands today."""
    instance = random_instance(seed)
    sites = ["a", "a", "b", "c", "d", "e"]
    options = tuple(
        replace(
            o,
            arcs=(j,),
            survival=(0.5,),
            site=site,
            type="post" if j else "camera",
            existing=j == 3,
            forced=False,
            forbidden=False,
        )
        for j, (o, site) in enumerate(zip(instance.options, sites, strict=True))
    )
    enough = tuple(replace(r, budget=2.0 if r.id == "teams" else 1e3) for r in instance.resources)
    lonlat = np.column_stack((10 + 0.1 * np.arange(instance.n_nodes), np.full(instance.n_nodes, 50.0)))
    return replace(instance, options=options, exclusions=(), resources=enough, lonlat=lonlat)


def written(folder: Path, instance: Instance, options: list[str], **more: Any) -> Path:
    folder.mkdir()
    write_instance(folder / "instance.json", instance)
    (folder / "plan.json").write_text(json.dumps({"options": options} | more))
    return folder


@pytest.mark.parametrize("seed", [1, 4, 7])
def test_values_and_their_parts_add_up(tmp_path: Path, seed: int) -> None:
    instance = on_a_map(seed)
    optimum, best = brute_force(instance)
    folder = written(tmp_path / "best", instance, [o.id for o, x in zip(instance.options, best, strict=True) if x])
    compared = compare_plans([folder, "today"])
    assert compared.lower <= optimum
    for plan in compared.plans:
        placed = instance.placed(plan.matched.plan.options)
        assert plan.value == pytest.approx(enumerated_value(instance, placed))
        assert sum(plan.by_kind.values()) == pytest.approx(plan.value)
        assert sum(plan.by_origin.values()) == pytest.approx(plan.value)
        for agency, adds in plan.by_agency.items():
            rest = placed & np.array([o.agency != agency for o in instance.options])
            assert plan.value + adds == pytest.approx(enumerated_value(instance, rest))
    first, today = compared.plans
    assert first.differs == ()
    assert set(today.differs) == set(first.matched.plan.options) ^ {"o3"}


def test_a_plan_of_another_instance_is_matched_by_site_and_the_rest_is_listed(tmp_path: Path) -> None:
    instance = on_a_map(1)
    folder = written(tmp_path / "here", instance, ["o3"])
    sites = [{"id": "x", "site": "a", "type": "post"}, {"id": "y", "site": "elsewhere", "type": "post"}]
    other = written(tmp_path / "there", instance, ["x", "o2", "y"], sites=sites)
    plan = compare_plans([folder, other]).plans[1]
    assert set(plan.matched.plan.options) == {"o1", "o2"}
    assert plan.matched.unmatched == ["y"]
    assert plan.matched.notes == ["x is taken for o1."]
    assert plan.comes == ("o1", "o2")
    assert plan.goes == ("o3",)
    strange = written(tmp_path / "strange", instance, ["q"])
    with pytest.raises(InputError, match="none of its 1 placements"):
        compare_plans([folder, strange])


def drawn(path: Path, *points: tuple[float, float], **properties: str) -> Path:
    features = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": list(point)}, "properties": properties}
        for point in points
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_points_are_snapped_to_sites_and_told_with_their_distance(tmp_path: Path) -> None:
    instance = on_a_map(1)
    folder = written(tmp_path / "here", instance, ["o3"])
    lonlat = instance.lonlat
    assert lonlat is not None
    lon, lat = lonlat[[instance.tail[0], instance.head[0]]].mean(axis=0).tolist()
    near = drawn(tmp_path / "near.geojson", (lon, lat + 0.001), kind="post")
    plan = compare_plans([folder, near]).plans[1]
    metres = 0.001 * np.pi / 180 * 6_371_000
    assert plan.matched.plan.options == ("o1",)
    assert f"{metres:.0f} m away" in plan.matched.notes[0]
    far = drawn(tmp_path / "far.geojson", (lon, lat + 3000 / 111_195))
    with pytest.raises(InputError, match=r"3\.0 km from the nearest site, 'a'"):
        compare_plans([folder, far])
    with pytest.raises(InputError, match=r"'psot'.*Did you mean 'post'"):
        compare_plans([folder, drawn(tmp_path / "kind.geojson", (lon, lat), kind="psot")])


def test_tables_of_sites_name_what_is_unknown(tmp_path: Path) -> None:
    folder = written(tmp_path / "here", on_a_map(1), ["o3"])
    table = tmp_path / "mine.csv"
    table.write_text("site,kind\na,camera\nb,\n")
    assert set(compare_plans([folder, table]).plans[1].matched.plan.options) == {"o0", "o2"}
    table.write_text("site\nnowhere-site\n")
    with pytest.raises(InputError, match=r"line 2, site.*nowhere-site"):
        compare_plans([folder, table])


def test_without_a_model_there_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"options": []}')
    with pytest.raises(InputError, match="--on"):
        compare_plans([tmp_path / "plan.json", "today"])


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    return lambda *arguments: run(capsys, monkeypatch, *arguments)


def test_the_commands_keep_their_keys(command: Callable[..., Outcome], tmp_path: Path) -> None:
    folder = written(tmp_path / "here", on_a_map(1), ["o3"])
    compared = command("compare", folder, "today", "--json").objects
    assert [line["plan"] for line in compared] == [str(folder), "today"]
    assert all({"plan", "value", "lower", "differs"} <= set(line) for line in compared)
    explained = command("explain", folder, "--others", "1", "--json").objects
    assert [line["chosen"] for line in explained] == [True, False]
    assert all({"option", "chosen", "lower", "upper", "substitute"} <= set(line) for line in explained)
    assert "o3" in command("explain", folder, "--site", "o3").out
    assert "only" in command("compare", folder, written(tmp_path / "other", on_a_map(1), ["o2"])).out
