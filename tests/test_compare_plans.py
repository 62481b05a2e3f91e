"""Plans side by side: values and their parts from the definition, and plans that come
from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optimizer.analysis.compare.compare import DrawnShape, SitePlaces, compare_plans, drug_shares
from optimizer.analysis.compare.output import (
    breakdown_rows,
    compare_folder,
    comparison_page,
    order_sentence,
    write_comparison,
)
from optimizer.analysis.explain.explain import SitesOnArcs, routes_left
from optimizer.base.errors import InputError
from optimizer.plans import comparison
from optimizer.plans.comparison import compare
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.files.plan_file import beat_entries
from optimizer.problem.instance.evaders import Route, best_responses
from optimizer.problem.instance.instance import Instance
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.places import Gateway, with_unique_labels
from optimizer.problem.plan.evaluation import evader_values, plan_value
from optimizer.problem.plan.plan import Plan, make_beat
from optimizer.scenario.compile.compile import compile_scenario
from tests.cases import brute_force, enumerated_value, random_instance, simple_paths
from tests.command import Outcome
from tests.test_joint import small_case
from tests.tiny import SCENARIO, SEIZURES, write_scenario


def on_a_map(seed: int) -> Instance:
    """Return a random instance whose options have sites, agencies, kinds and places
    some kilometres apart; `o3` stands today.
    """
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
    lonlat = np.column_stack(
        (10 + 0.1 * np.arange(instance.n_nodes), np.full(instance.n_nodes, 50.0))
    )
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
    folder = written(
        tmp_path / "best",
        instance,
        [o.id for o, x in zip(instance.options, best, strict=True) if x],
    )
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
    assert {each.id for each in today.differs} == set(first.matched.plan.options) ^ {"o3"}


def test_a_plan_that_places_nothing_is_a_plan(tmp_path: Path) -> None:
    """It was refused before, as if its list of options held something else than texts."""
    instance = on_a_map(1)
    (nothing,) = compare_plans([written(tmp_path / "nothing", instance, [])]).plans
    assert nothing.value == pytest.approx(
        plan_value(instance, np.zeros(len(instance.options), dtype=bool))
    )


def test_agencies_have_their_names_on_the_page_and_their_ids_in_tables(tmp_path: Path) -> None:
    instance = on_a_map(1)
    instance = replace(
        instance, options=tuple(replace(option, agency="p1") for option in instance.options)
    )
    instance = replace(
        instance, resources=tuple(replace(resource, agency="p1") for resource in instance.resources)
    )
    folder = written(tmp_path / "here", instance, ["o3"])
    run = {
        "agencies": {"p1": "Police, North"},
        "translations": {"es": {"Police, North": "Policía, Norte"}},
    }
    (folder / "run.json").write_text(json.dumps(run))
    comparison = compare_plans([folder, "today"])
    assert breakdown_rows(comparison, "by_agency")[0][0] == "added by Police, North"
    assert breakdown_rows(comparison, "by_agency", ids=True)[0][0] == "added by p1"
    write_comparison(
        compare_folder(tmp_path / "out", [str(folder)], None, overwrite=False), comparison, "es"
    )
    assert "Policía, Norte" in (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert "added by p1" in (tmp_path / "out" / "compare.csv").read_text(encoding="utf-8")


def test_agencies_of_one_name_have_rows_that_differ(tmp_path: Path) -> None:
    instance = on_a_map(1)
    owners = ["p1", "p2"]
    options = tuple(
        replace(option, agency=owners[k % 2]) for k, option in enumerate(instance.options)
    )
    resources = tuple(replace(resource, agency="", budget=1e3) for resource in instance.resources)
    folder = written(
        tmp_path / "here", replace(instance, options=options, resources=resources), ["o2", "o3"]
    )
    (folder / "run.json").write_text(json.dumps({"agencies": dict.fromkeys(owners, "Police")}))
    rows = breakdown_rows(compare_plans([folder, "today"]), "by_agency")
    assert {name for name, _ in rows} == {"added by Police (p1)", "added by Police (p2)"}


def test_a_plan_of_another_instance_is_matched_by_site_and_the_rest_is_listed(
    tmp_path: Path,
) -> None:
    instance = on_a_map(1)
    folder = written(tmp_path / "here", instance, ["o3"])
    sites = [
        {"id": "x", "site": "a", "type": "post"},
        {"id": "y", "site": "elsewhere", "type": "post"},
    ]
    other = written(tmp_path / "there", instance, ["x", "o2", "y"], sites=sites)
    plan = compare_plans([folder, other]).plans[1]
    assert set(plan.matched.plan.options) == {"o1", "o2"}
    assert plan.matched.unmatched == ["y"]
    assert plan.matched.notes == ["x is taken for o1."]
    assert [each.id for each in plan.comes] == ["o1", "o2"]
    assert [each.id for each in plan.goes] == ["o3"]
    strange = written(tmp_path / "strange", instance, ["q"])
    with pytest.raises(InputError, match="none of its 1 placements"):
        compare_plans([folder, strange])


def drawn(path: Path, *points: tuple[float, float], **properties: str) -> Path:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": list(point)},
            "properties": properties,
        }
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


def test_the_map_layer_of_a_plan_is_no_drawing_as_it_has_every_site_on_offer(
    tmp_path: Path,
) -> None:
    folder = written(tmp_path / "here", on_a_map(1), ["o3"])
    layer = line(tmp_path / "plan.geojson", "Point", [10.05, 50.0], chosen=False)
    with pytest.raises(InputError, match=r"map layer of a plan.*Name the plan's folder"):
        compare_plans([folder, layer])


def line(path: Path, kind: str, coordinates: object, **properties: object) -> Path:
    feature = {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


def test_a_line_means_every_site_near_it(tmp_path: Path) -> None:
    instance = on_a_map(1)
    folder = written(tmp_path / "here", instance, ["o3"])
    places = SitePlaces.of(instance)
    at = np.column_stack((places.lon, places.lat))
    beside = 0.003  # degrees of latitude: 334 m
    ends = sorted({tuple(at[j]) for j in (2, 3)})
    long = [[ends[0][0] - 0.01, ends[0][1] + beside], [ends[-1][0] + 0.01, ends[-1][1] + beside]]
    expected = {
        o.site
        for o, (x, _) in zip(instance.options, at, strict=True)
        if long[0][0] <= x <= long[1][0]
    }
    for kind, shape in (("LineString", long), ("MultiLineString", [long])):
        plan = compare_plans([folder, line(tmp_path / "a.geojson", kind, shape)]).plans[1].matched
        assert {placement.site for placement in plan.plan.placements} == expected
        assert all("334 m away" in note for note in plan.notes if note.startswith("Line"))
    x, y = at[2]
    short = [[x, y + 0.009], [x, y + 0.02]]  # 1.0 km away: as a point
    plan = (
        compare_plans([folder, line(tmp_path / "b.geojson", "LineString", short)]).plans[1].matched
    )
    assert "1001 m away" in plan.notes[0]
    assert {p.site for p in plan.plan.placements} == {instance.options[2].site}
    far = [[x, y + 0.03], [x + 0.001, y + 0.04]]
    with pytest.raises(InputError, match=r"a line 3\.3 km from the nearest site"):
        compare_plans([folder, line(tmp_path / "c.geojson", "LineString", far)])
    points = (
        compare_plans([folder, line(tmp_path / "d.geojson", "MultiPoint", [[x, y], list(at[3])])])
        .plans[1]
        .matched
    )
    assert {p.site for p in points.plan.placements} == {
        instance.options[2].site,
        instance.options[3].site,
    }


@pytest.mark.parametrize(
    ("kind", "coordinates"),
    [
        ("LineString", [[10, 50]]),
        ("LineString", [[10, 50], [10, "x"]]),
        ("LineString", [10, 50]),
        ("LineString", None),
        ("LineString", [[500_000, 5_500_000], [500_001, 5_500_000]]),
        ("MultiLineString", [[[10, 50], [10, 51]], [[10, 50]]]),
        ("Polygon", [[[10, 50], [11, 50], [10, 51], [10, 50]]]),
        ("Point", [10, True]),
        ("MultiPoint", []),
        ("Point", []),
    ],
)
def test_what_is_no_drawing_is_refused(tmp_path: Path, kind: str, coordinates: object) -> None:
    folder = written(tmp_path / "here", on_a_map(1), ["o3"])
    with pytest.raises(InputError, match="feature 1: found"):
        compare_plans([folder, line(tmp_path / "x.geojson", kind, coordinates)])


def test_distances_to_lines_are_those_of_the_sphere() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        corners = np.array([10.0, 50.0]) + rng.uniform(-0.05, 0.05, (4, 2))
        lon, lat = (np.array([at]) for at in np.array([10.0, 50.0]) + rng.uniform(-0.05, 0.05, 2))
        fine = np.vstack(
            [
                a + (b - a) * t
                for a, b in pairwise(corners)
                for t in np.linspace(0, 1, 2001)[:, None]
            ]
        )
        nearest = great_circle_m(fine[:, 0], fine[:, 1], lon, lat).min()
        assert DrawnShape(corners).metres_to(lon, lat)[0] == pytest.approx(
            nearest, rel=2e-3, abs=1.5
        )


@pytest.mark.parametrize("seed", [1, 4])
def test_the_routes_left_are_those_of_whom_most_gets_through(tmp_path: Path, seed: int) -> None:
    instance = on_a_map(seed)
    folder = written(tmp_path / "here", instance, ["o3"])
    first, second = compare_plans([folder, "today"], evaders=2).plans
    placed = instance.placed(["o3"])
    through = [
        w.weight * v for w, v in zip(instance.evaders, evader_values(instance, placed), strict=True)
    ]
    assert [e.evader.weight * e.through for e in first.open_evaders] == pytest.approx(
        sorted(through, reverse=True)[:2]
    )
    for each in first.open_evaders:
        best = max(route.through for route in each.left.routes)
        assert best >= each.through - 1e-12
    assert [e.evader.id for e in second.open_evaders] == [e.evader.id for e in first.open_evaders]
    assert compare_plans([folder], evaders=0).plans[0].open_evaders == ()


def test_drugs_are_split_by_what_was_seized_along_routes(tmp_path: Path) -> None:
    scenario = write_scenario(
        tmp_path, SCENARIO.replace("decay_minutes = 60", "decay_minutes = 60\nhabitual_share = 0.4")
    )
    compiled = compile_scenario(scenario)
    found = drug_shares(compiled)
    assert found is not None
    assert found.names == ("cocaine", "heroin")
    assert found.share.sum(axis=1) == pytest.approx(np.ones(len(compiled.instance.evaders)))
    network, records = compiled.region.network, compiled.records
    assert records is not None
    best = best_responses(
        compiled.instance.n_nodes,
        compiled.instance.tail,
        compiled.instance.head,
        compiled.instance.reliability,
        compiled.instance.evaders,
    )
    differing = 0
    for k, evader in enumerate(compiled.instance.evaders):
        met = {"cocaine": 0.0, "heroin": 0.0}
        for route in evader.routes or (Route(best[k], 1.0),):
            travelled = set(network.segment[list(route.arcs)].tolist())
            for drug, segment in zip(records.drug, records.segment.tolist(), strict=True):
                met[str(drug)] += route.share * (segment in travelled)
        total = sum(met.values())
        expected = met["heroin"] / total if total else float(np.mean(records.drug == "heroin"))
        assert found.share[k, 1] == pytest.approx(expected)
        differing += 0 < expected < 1 or expected == 1
    assert differing
    (tmp_path / "mine.csv").write_text("site\nb\n")
    compared = compare_plans([tmp_path / "mine.csv", "today"], on=scenario)
    for plan in compared.plans:
        assert sum(plan.by_drug.values()) == pytest.approx(plan.value)
    (tmp_path / "seizures.csv").write_text(SEIZURES.replace("cocaine", "").replace("heroin", ""))
    assert drug_shares(compile_scenario(scenario)) is None


def test_tables_of_sites_name_what_is_unknown(tmp_path: Path) -> None:
    folder = written(tmp_path / "here", on_a_map(1), ["o3"])
    table = tmp_path / "mine.csv"
    table.write_text("site,kind\na,camera\nb,\n")
    assert set(compare_plans([folder, table]).plans[1].matched.plan.options) == {"o0", "o2"}
    table.write_text("site\nnowhere-site\n")
    with pytest.raises(InputError, match=r"line 2, site.*nowhere-site"):
        compare_plans([folder, table])


def labelled(instance: Instance, labels: dict[str, str]) -> Instance:
    return replace(
        instance, options=tuple(replace(o, label=labels.get(o.id, "")) for o in instance.options)
    )


def test_labels_as_they_are_printed_mean_their_site(tmp_path: Path) -> None:
    labels = {
        "o0": "US 90 (camera)",
        "o1": "US 90 (post)",
        "o2": "Ford  Road",
        "o4": "Ford road",
        "o3": "Bridge",
    }
    instance = labelled(on_a_map(1), labels)
    folder, table = written(tmp_path / "here", instance, ["o3"]), tmp_path / "mine.csv"

    def read(*rows: str) -> set[str]:
        table.write_text("site,kind\n" + "\n".join(rows))
        return set(compare_plans([folder, table], evaders=0).plans[1].matched.plan.options)

    assert read("us 90 (post),") == {"o1"}
    assert read("US 90,camera", "bridge [o3],") == {"o0", "o3"}
    with pytest.raises(
        InputError, match=r"'ford road', as 2 sites are called; expected the id of one: b, d"
    ):
        read("ford road,post")


def test_equal_beats_are_counted_one_by_one(tmp_path: Path) -> None:
    instance, field = small_case(3, teams=3)
    beats = [make_beat(field, 0, [1], [1], f"b{k}") for k in range(3)]
    write_instance(model := tmp_path / "model.json", instance)
    files = []
    for count in (1, 3):
        entries = [
            each.model_dump(mode="json")
            for each in beat_entries(instance, [Plan(tuple(beats[:count]))])
        ]
        content = {
            "options": [beat.id for beat in beats[:count]],
            "beats": entries,
            "schema_version": 2,
        }
        files.append(tmp_path / f"{count}.json")
        files[-1].write_text(json.dumps(content))
    one, three = compare_plans(files, on=model, evaders=0).plans
    assert three.value <= one.value
    assert len(three.comes) == 2
    assert not three.goes
    again = compare_plans(files[::-1], on=model, evaders=0).plans[1]
    assert len(again.goes) == 2


def test_what_differs_is_said_as_an_order(tmp_path: Path) -> None:
    instance, _ = small_case(3)
    at = tuple(
        replace(option, label=f"{name} ({kind})", site=name)
        for option, name, kind in zip(
            (instance.options[0], instance.options[0], *instance.options), ("A", "A", "B", "C"), ("post", "lane", "post", "post"),
            strict=True,
        )
    )  # fmt: skip
    options = tuple(replace(option, id=f"o{k}") for k, option in enumerate(at))
    write_instance(
        model := tmp_path / "model.json", replace(instance, options=options, patrols=None)
    )
    files = []
    for name, chosen in (("now", "o0 o2"), ("then", "o1 o3")):
        files.append(tmp_path / f"{name}.csv")
        files[-1].write_text("site\n" + "\n".join(chosen.split()))
    first, other = compare_plans(files, on=model, evaders=0).plans
    assert (
        order_sentence(other, first)
        == "From now.csv to then.csv: open C (post); change A (lane); close B (post)."
    )
    assert order_sentence(first, first) == "From now.csv to now.csv: nothing to order."


def test_gateways_and_sites_that_share_a_name_are_numbered() -> None:
    gateways = [
        Gateway(f"g{k}", k, 10.0 + k, 50.0, "port", name=name)
        for k, name in enumerate(("US 90", "SH 1", "US 90"))
    ]
    assert [each.label for each in with_unique_labels(gateways)] == [
        "US 90 (1)",
        "SH 1",
        "US 90 (2)",
    ]


def test_sites_of_a_table_that_share_a_label_are_numbered(tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    sites = scenario.parent / "sites.csv"
    sites.write_text(sites.read_text().replace("Ford track", "North road"))
    names = [option.label for option in compile_scenario(scenario).instance.options]
    assert {"North road (1)", "North road (2)"} < set(names)
    assert len(set(names)) == len(names)


def test_without_a_model_there_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"options": []}')
    with pytest.raises(InputError, match="--on"):
        compare_plans([tmp_path / "plan.json", "today"])


def test_the_commands_keep_their_keys(command: Callable[..., Outcome], tmp_path: Path) -> None:
    folder = written(tmp_path / "here", on_a_map(1), ["o3"])
    compared = command("compare", folder, "today", "--json").objects
    assert [line["plan"] for line in compared] == [str(folder), "today"]
    assert all(
        {"plan", "value", "lower", "differs", "by_drug", "open_routes"} <= set(line)
        for line in compared
    )
    explained = command("explain", folder, "--others", "1", "--json").objects
    assert [line["chosen"] for line in explained] == [True, False]
    assert all(
        {"option", "chosen", "lower", "upper", "substitute"} <= set(line) for line in explained
    )
    assert "o3" in command("explain", folder, "--site", "o3").out
    other = written(tmp_path / "other", on_a_map(1), ["o2"])
    assert "open o2; close o3" in command("compare", folder, other).out


@pytest.mark.parametrize("seed", range(25))
def test_additions_equal_an_evaluation_of_each_option(seed: int) -> None:
    instance = random_instance(seed, n_options=8)
    placed = np.random.default_rng(seed).random(len(instance.options)) < 0.3
    found = compare(instance, Plan.from_mask(instance, placed)).marginal_values
    value = plan_value(instance, placed)
    for j in np.flatnonzero(~placed).tolist():
        option = instance.options[j]
        changed = placed & np.array(
            [not option.site or other.site != option.site for other in instance.options]
        )
        changed[j] = True
        assert found[option.id] == pytest.approx(
            max(0.0, value - plan_value(instance, changed)), abs=1e-15
        )


def test_options_that_nobody_passes_are_not_evaluated_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance = random_instance(3, n_options=8)
    calls: list[int] = []

    def counted(*arguments: object) -> float:
        calls.append(1)
        return plan_value(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(comparison, "plan_value", counted)
    twice = np.concatenate((np.arange(len(instance.options)), np.arange(len(instance.options))))
    many = replace(
        instance,
        options=tuple(
            replace(instance.options[j], id=f"o{k}", site="") for k, j in enumerate(twice)
        ),
        exclusions=(),
    )
    compare(many, Plan.of(many, set()))
    assert len(calls) <= 2 + len(instance.options)


@pytest.mark.parametrize("seed", range(25))
def test_each_route_is_the_best_that_avoids_a_site_of_every_better_one(seed: int) -> None:
    instance = random_instance(seed)
    sites = SitesOnArcs.of(instance.options)
    placed = np.random.default_rng(seed).random(len(instance.options)) < 0.4
    survival = instance.survival(placed)
    for evader in instance.evaders:
        left = routes_left(instance, survival, evader, sites)
        assert left.complete
        if evader.routes:
            through = [
                float(np.prod(survival[list(route.arcs)])) * route.share for route in evader.routes
            ]
            assert [r.through * r.share for r in left.routes] == pytest.approx(
                sorted(filter(None, through))[::-1]
            )
            continue
        paths = [tuple(path) for path in simple_paths(instance, evader.origin, evader.destination)]
        allowed = [path for path in paths if np.prod(survival[list(path)]) > 0]
        for route in left.routes:
            assert route.through == pytest.approx(
                max(float(np.prod(survival[list(path)])) for path in allowed)
            )
            assert route.through == pytest.approx(float(np.prod(survival[list(route.arcs)])))
            allowed = [path for path in allowed if not set(route.sites) <= set(sites.along(path))]
        assert len(left.routes) == 3 or not allowed


def test_where_no_site_lies_on_the_best_route_it_is_the_only_one() -> None:
    instance = random_instance(2)
    instance = replace(instance, options=())
    survival = instance.survival(np.zeros(0, dtype=bool))
    informed = [evader for evader in instance.evaders if not evader.routes]
    assert informed
    for evader in informed:
        assert (
            len(routes_left(instance, survival, evader, SitesOnArcs.of(instance.options)).routes)
            == 1
        )


def test_what_is_ordered_begins_at_todays_layout_wherever_it_is_named(tmp_path: Path) -> None:
    """Whoever asks for a plan and today wants to know what to open, not how to undo it."""
    instance = on_a_map(1)
    folder = written(tmp_path / "new", instance, ["o4"])
    named = compare_plans([folder, "today"])
    first = comparison_page(compare_plans(["today", folder]))
    page = comparison_page(named)
    assert page.sections[0].sentences == first.sections[0].sentences
    assert page.sections[0].tables == first.sections[0].tables
    (said,) = page.sections[0].sentences
    assert said.startswith("From today's layout to new: ")
    assert "budgets of new" in page.headline
    assert [plan.matched.name for plan in named.plans] == [str(folder), "today"]
    kinds = [row[0] for row in breakdown_rows(named, "by_kind")]
    assert set(kinds) <= {"of those who know the sites", "of those who keep to their routes"}
