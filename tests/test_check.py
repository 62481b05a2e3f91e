"""One pass over a scenario: every fault of every table in one run, before anything
slow; what would be used and what is assumed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.base.errors import InputError, Problem
from optimizer.base.schema import validated
from optimizer.pipeline.check import check_scenario_file
from optimizer.problem.instance.methods import MIXED
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.scenario.file.model import SolveModel, scenario_schema
from optimizer.scenario.sites.options import compile_options
from optimizer.solvers.place import METHODS
from tests.command import Outcome
from tests.golden_scenarios import PEOPLE
from tests.referees.compact import COMPACT
from tests.test_scenario_patrols import BASE
from tests.tiny import AREAS, EFFORT, SCENARIO, SEIZURES, SITES, write_scenario

ROOT = Path(__file__).parents[1]
EXTRACT = ROOT.parent / "shared" / "data" / "osm" / "andorra-2025-01.osm.pbf"
REST = """
[[bases]]
id = "yard"
lon = 10.2
lat = 50.1
agency = "police"

[[teams]]
id = "mobile"
agency = "police"
number = 2
detection = 0.6
uses = { teams = 1 }

[roster]
time_zone = "Europe/Madrid"
people = "teams"

[[shifts]]
id = "day"
start = "06:00"
hours = 8

[[crews]]
id = "first"
agency = "police"
base = "yard"
can = ["checkpoint", "post", "mobile"]
"""
WHOLE = SCENARIO + REST
EXCLUDED = 'name = "Tiny border"\nexclusions = [["a", "b"]]\n'


def whole(folder: Path) -> Path:
    return write_scenario(folder, WHOLE.replace('name = "Tiny border"\n', EXCLUDED))


CHANGES = [  # file, what stands there, what is put, where the fault is said to be, what is found
    (
        "scenario.toml",
        'time_zone = "Europe/Madrid"',
        'time_zone = "Europe/Madird"',
        "roster.time_zone",
        "'Europe/Madird'",
    ),
    ("scenario.toml", "[evaders]", '[risk]\nmodel = "shrnk"\n\n[evaders]', "risk.model", "'shrnk'"),
    ("scenario.toml", "budget = 3", 'budget = "three"', "resources[0].budget", "'three'"),
    (
        "scenario.toml",
        'exclusions = [["a", "b"]]',
        'exclusions = [["a", "bb"]]',
        "exclusions[0]",
        "'bb'",
    ),
    (
        "scenario.toml",
        "uses = { teams = 1 }\n\n[sites]",
        "uses = { taems = 1 }\n\n[sites]",
        "kind 'post', uses",
        "'taems'",
    ),
    (
        "scenario.toml",
        'file = "sites.csv"',
        'file = "sites.csv"\nagency = "polise"',
        "sites, agency",
        "'polise'",
    ),
    (
        "scenario.toml",
        "lon = 10.2\nlat = 50.1\n",
        "lon = 17.2\nlat = 50.1\n",
        "base 'yard'",
        "km from the nearest junction",
    ),
    (
        "scenario.toml",
        "number = 2",
        'number = 2\nbases = ["yrad"]',
        "team 'mobile', bases",
        "'yrad'",
    ),
    (
        "scenario.toml",
        "hours = 8\n",
        'hours = 8\n[[shifts]]\nid = "day"\nstart = "14:00"\nhours = 8\n',
        "shifts[1]",
        "'day' again",
    ),
    (
        "scenario.toml",
        'can = ["checkpoint", "post"',
        'can = ["checkpoint", "pots"',
        "crew 'first', can",
        "'pots'",
    ),
    ("scenario.toml", 'base = "yard"', 'base = "yadr"', "crew 'first', base", "'yadr'"),
    ("scenario.toml", 'people = "teams"', 'people = "agents"', "roster, people", "'agents'"),
    (
        "scenario.toml",
        'unit = "hours"',
        'unit = "hours"\nduplicates = "dorp"',
        "records.effort[0].duplicates",
        "'dorp'",
    ),
    (
        "scenario.toml",
        'file = "seizures.csv"',
        'file = "seizures.csv"\neffort_unit = "huors"',
        "records.seizures[0].effort_unit",
        "'huors'",
    ),
    (
        "sites.csv",
        "10.05,police,,300,post".replace("10.05", "50.05"),
        "50.05,police,,300,pots",
        "sites.csv, line 4, site 'c', kinds",
        "'pots'",
    ),
    (
        "sites.csv",
        "10.4,50.05,police",
        "50.05,10.4,police",
        "sites.csv, line 5, site 'd'",
        "km from the nearest road",
    ),
    (
        "sites.csv",
        "10.2,50.05,police,,40",
        "10.2,50.05,police,,-40",
        "sites.csv, line 6, column 'traffic'",
        "'-40'",
    ),
    (
        "seizures.csv",
        "10.2,50.21,heroin",
        "10.2,950.21,heroin",
        "seizures.csv, line 4, column 'lat'",
        "'950.21'",
    ),
]


def problem_at(problems: tuple[Problem, ...], where: str) -> Problem:
    (found,) = [problem for problem in problems if problem.where.endswith(where)]
    return found


def test_faults_of_all_tables_are_given_in_one_run(tmp_path: Path) -> None:
    scenario = whole(tmp_path)
    for name, old, new, _, _ in CHANGES:
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert old in text, old
        (tmp_path / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    checked = check_scenario_file(scenario)
    assert not checked.ok
    for _, _, _, where, found in CHANGES:
        problem = problem_at(checked.problems, where)
        assert found in problem.found
        assert problem.expected
    assert len(checked.problems) == len(CHANGES)
    misspelt = [
        where
        for _, _, _, where, found in CHANGES
        if found.startswith("'") and where.endswith((", base", ", can", ", kinds", ", uses"))
    ]
    assert all("Did you mean" in problem_at(checked.problems, where).remedy for where in misspelt)
    with pytest.raises(InputError) as raised:
        compile_scenario(scenario)
    assert raised.value.problems == checked.problems


@pytest.mark.parametrize(
    ("name", "old", "new", "where", "found"), CHANGES, ids=[change[3] for change in CHANGES]
)
def test_a_fault_alone_is_one_problem(
    tmp_path: Path, name: str, old: str, new: str, where: str, found: str
) -> None:
    scenario = whole(tmp_path)
    text = (tmp_path / name).read_text(encoding="utf-8")
    (tmp_path / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    (problem,) = check_scenario_file(scenario).problems
    assert problem.where.endswith(where)
    assert found in problem.found


def test_a_scenario_without_a_fault_has_none(tmp_path: Path) -> None:
    checked = check_scenario_file(whole(tmp_path))
    assert checked.ok
    assert not checked.problems
    assert [(team.id, team.bases) for team in checked.teams] == [("mobile", ("yard",))]
    assert [(crew.id, crew.number, crew.people) for crew in checked.crews] == [("first", 1, 1)]


@pytest.mark.parametrize(
    ("old", "new", "where", "found"),
    [
        ("[[crews]]", "[[crows]]", "scenario.toml", "[roster] and [[shifts]] without [[crews]]"),
        ('agency = "police"\nbase = "yard"', 'agency = "police"', "crew 'first', base", "nothing"),
        (
            'agency = "police"\nnumber = 2',
            "number = 2\nbases = ['yard']",
            "team 'mobile'",
            "resource 'teams', which police alone has",
        ),
        (
            '[[crews]]\nid = "first"',
            '[[crews]]\nid = "x-2"\nbase = "yard"\n[[crews]]\nid = "x"\nnumber = 2',
            "crews[1]",
            "'x-2' again",
        ),
        (
            "uses = { teams = 1 }\n\n[sites]",
            'uses = { teams = 1 }\nshifts = ["dya"]\n\n[sites]',
            "kind 'post', shifts",
            "'dya'",
        ),
        (
            "[[resources]]",
            '[[resources]]\nname = "teams"\nagency = "police"\nbudget = 1\n[[resources]]',
            "resources[1]",
            "'teams' again, of agency 'police'",
        ),
        (
            "[[records.effort]]",
            (
                '[[records.effort]]\nfile = "effort.csv"\nsource = "other"\nunit ='
                ' "days"\n[[records.effort]]'
            ),
            "records.seizures[0].effort_unit",
            "nothing",
        ),
        ('areas = "areas.geojson"', 'areas = "aeras.geojson"', "aeras.geojson", "no such file"),
        (
            "[[bases]]",
            (
                '[[site]]\nid = "f"\nlon = 10.2\nlat = 50.2\nagency = "police"\nforced ='
                ' true\n[[kinds]]\nid = "k"\nsurvival = 0.5\n[[bases]]'
            ),
            "site 'f'",
            "forced, with several kinds to choose from",
        ),
        (
            "[[bases]]",
            '[[site]]\nid = "f"\nlon = 10.2\nlat = 50.2\n[[bases]]',
            "site 'f', kind 'post'",
            "resource 'teams', which police alone has",
        ),
        (
            "[[bases]]",
            '[[site]]\nid = "a"\nlon = 10.2\nlat = 50.2\nagency = "police"\n[[bases]]',
            "sites.csv, line 2, site 'a'",
            "'a' again",
        ),
        (
            "[[bases]]",
            '[[site]]\nid = "f"\ntail = "farm"\nhead = "ford"\nagency = "police"\n[[bases]]',
            "site 'f'",
            "no segment from farm to ford",
        ),
    ],
)
def test_references_that_join_tables(
    tmp_path: Path, old: str, new: str, where: str, found: str
) -> None:
    assert old in WHOLE
    problems = check_scenario_file(write_scenario(tmp_path, WHOLE.replace(old, new, 1))).problems
    assert any(problem.where.endswith(where) and found in problem.found for problem in problems), (
        problems
    )
    assert len(problems) == (2 if "crows" in new else 1)


def test_a_crossing_that_is_offered_may_be_excluded_and_a_road_too(tmp_path: Path) -> None:
    offered = 'crossings = "all"\nroads = 2\nagency = "police"'
    text = SCENARIO.replace('file = "sites.csv"', offered)
    for name, fine in (
        ("crossing-x-ford", True),
        ("crossing-x-nowhere", False),
        ("road-5", True),
        ("road-99", False),
    ):
        excluded = text.replace(
            'name = "Tiny border"\n', f'name = "Tiny border"\nexclusions = [["{name}"]]\n'
        )
        assert check_scenario_file(write_scenario(tmp_path, excluded)).ok == fine, name


def test_without_its_network_the_rest_of_a_scenario_is_checked(tmp_path: Path) -> None:
    scenario = whole(tmp_path)
    (tmp_path / "network.gpkg").write_text("no network", encoding="utf-8")
    scenario.write_text(
        scenario.read_text().replace('base = "yard"', 'base = "yadr"'), encoding="utf-8"
    )
    checked = check_scenario_file(scenario)
    assert len(checked.problems) == 2
    assert any(problem.where.endswith("network.gpkg") for problem in checked.problems)
    assert problem_at(checked.problems, "crew 'first', base").remedy == "Did you mean 'yard'?"
    assert any("are not checked" in sentence for sentence in checked.missing)


def test_risk_is_not_estimated_before_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_early(*_: object) -> None:
        raise AssertionError("risk was estimated")

    monkeypatch.setattr("optimizer.scenario.demand.travel._fitted_risk", too_early)
    with pytest.raises(InputError, match=r"base 'yard': found .* km from the nearest junction"):
        compile_scenario(
            write_scenario(
                tmp_path, WHOLE.replace("lon = 10.2\nlat = 50.1\n", "lon = 17.2\nlat = 50.1\n")
            )
        )


def test_what_would_be_used_is_what_a_plan_uses(tmp_path: Path) -> None:
    scenario = whole(tmp_path)
    checked = check_scenario_file(scenario)
    compiled = compile_scenario(scenario)
    assert sum(option.count for option in checked.options) == len(compiled.instance.options)
    assert (
        checked.resources
        == compile_options(
            [*compiled.sites.values()], compiled.scenario, compiled.region.network
        ).resources
    )
    rows = {file.what: file.rows for file in checked.files}
    assert rows == {
        "scenario": None,
        "region": None,
        "areas": None,
        "sites": SITES.count("\n") - 1,
        "seizures, made up": SEIZURES.count("\n") - 2,  # one lies far from every road
        "effort, made up": EFFORT.count("\n") - 1,
    }
    (unused,) = [item for item in checked.unused if item.what == "seizures.csv"]
    assert (unused.count, "farther than" in unused.reason) == (1, True)


def test_what_nothing_refers_to_is_named(tmp_path: Path) -> None:
    text = (
        WHOLE
        + '\n[[resources]]\nname = "money"\nbudget = 1\n[[kinds]]\nid = "camera"\nsurvival = 0.8\n'
    )
    text += "[background]\nby_class = { primray = 0.1 }\n"
    unused = {
        item.what: item.reason
        for item in check_scenario_file(write_scenario(tmp_path, text)).unused
    }
    assert unused["kind 'camera'"] == "no site offers it"
    assert unused["resource 'money'"] == "no kind and no team uses it"
    assert unused["background.by_class, primray"] == "the network has no road of this class"


def test_defaults_and_built_in_tables_are_named(tmp_path: Path) -> None:
    checked = check_scenario_file(whole(tmp_path))
    assumed = {item.what: item.value for item in checked.assumed}
    assert assumed["evaders.habitual_share"] == "0.3"
    assert "evaders.decay_minutes" not in assumed  # the scenario says it
    assert assumed["crews.rest_hours"] == "11 (1 of 1 entries)"
    without = SITES.replace(",400,", ",,")
    (tmp_path / "sites.csv").write_text(without, encoding="utf-8")
    (traffic,) = [
        item
        for item in check_scenario_file(tmp_path / "scenario.toml").assumed
        if "traffic past" in item.what
    ]
    assert traffic.what == "traffic past 1 of 5 sites"
    assert "inspects every vehicle" in traffic.value


def test_methods_of_a_scenario_are_those_of_the_solvers() -> None:
    assert set(scenario_schema()["$defs"]["SolveModel"]["properties"]["method"]["enum"]) == {
        *METHODS,
        MIXED,
    } - {COMPACT}
    with pytest.raises(InputError, match=r"method.*Did you mean 'cuts'"):
        validated(SolveModel, {"method": "cust"}, "test")


def test_the_command_prints_one_object_and_ends_with_1_on_a_fault(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = whole(tmp_path)
    outcome = command("check", scenario, "--json")
    assert outcome.code == 0
    (line,) = outcome.objects
    assert {"ok", "used", "unused", "assumed", "problems"} <= line.keys()
    assert (line["ok"], line["problems"]) == (True, [])
    (line,) = command("check", scenario, "--json", "--set", "evaders.habitual_share=3").objects
    assert "evaders.habitual_share" in line["problems"][0]["where"]
    scenario.write_text(
        scenario.read_text().replace('base = "yard"', 'base = "yadr"'), encoding="utf-8"
    )
    outcome = command("check", scenario, "--json")
    assert outcome.code == 1
    (line,) = outcome.objects
    (problem,) = line["problems"]
    assert list(problem) == ["where", "found", "expected", "remedy"]
    assert "Did you mean 'yard'?" in outcome.err


@pytest.mark.parametrize("content", [None, "[[["])
def test_a_file_that_is_no_scenario_is_a_problem(
    command: Callable[..., Outcome], tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "s.toml").write_text(content, encoding="utf-8")
    outcome = command("check", tmp_path / "s.toml", "--json")
    assert outcome.code == 1
    assert json.loads(outcome.out)["ok"] is False
    assert "Traceback" not in outcome.err


def test_files_that_stand_under_the_wrong_table_are_told(tmp_path: Path) -> None:
    swapped = (
        SCENARIO.replace("effort.csv", "x.csv")
        .replace("seizures.csv", "effort.csv")
        .replace("x.csv", "seizures.csv")
    )
    scenario = write_scenario(
        tmp_path, swapped.replace('"hours"', '"kg"\ncolumns = { amount = "quantity" }')
    )
    (tmp_path / "seizures.csv").write_text(SEIZURES.replace("heroin,\n", "heroin,3\n"))
    said = " ".join(check_scenario_file(scenario).warnings)
    assert "effort.csv: it stands under [[records.seizures]]" in said
    assert (
        "seizures.csv: it stands under [[records.effort]], with the columns drug, quantity" in said
    )
    assert "stands under" not in " ".join(check_scenario_file(write_scenario(tmp_path)).warnings)


def test_people_of_an_agency_without_a_duty_are_told(tmp_path: Path) -> None:
    guard = (
        '[[agencies]]\nid = "guard"\n[[crews]]\nid = "others"\nagency = "guard"\nbase ='
        ' "yard"\nnumber = 3\npeople = 2\n'
    )
    warned = check_scenario_file(
        write_scenario(tmp_path, SCENARIO + BASE + PEOPLE + guard)
    ).warnings
    (said,) = (text for text in warned if "no duty" in text)
    assert said.startswith(
        "6 people in crews of guard have no duty: no team and no site of theirs needs people"
    )
    assert not any(
        "no duty" in text
        for text in check_scenario_file(write_scenario(tmp_path, SCENARIO + BASE + PEOPLE)).warnings
    )


def test_people_get_tables_and_the_faults(command: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = command("check", whole(tmp_path))
    assert outcome.code == 0
    for text in (
        "Files used",
        "Options at known sites",
        "teams@police",
        "Not used",
        "Assumed",
        "no fault",
    ):
        assert text in outcome.out
    value = max(
        (
            item["value"]
            for item in command("check", whole(tmp_path), "--json").objects[0]["assumed"]
        ),
        key=len,
    )
    assert value.split()[-1] not in outcome.out, "a value of many lines is cut"
    assert "a value that ends in … is whole" in outcome.out


def test_each_file_is_called_what_it_is(tmp_path: Path) -> None:
    text = 'translations_file = "words.csv"\n' + SCENARIO.replace(
        "[evaders]", '[records]\ntips = "tips.csv"\n\n[evaders]'
    )
    scenario = write_scenario(tmp_path, text)
    (tmp_path / "words.csv").write_text("term,es\npolice,policía\n", encoding="utf-8")
    (tmp_path / "tips.csv").write_text(
        "time,lon,lat,grade\n2024-03-01,10.0,50.05,B2\n", encoding="utf-8"
    )
    called = {Path(file.file).name: file.what for file in check_scenario_file(scenario).files}
    assert (called["words.csv"], called["tips.csv"], called["network.gpkg"]) == (
        "translations",
        "tips",
        "region",
    )


def test_faults_stand_alone(command: Callable[..., Outcome], tmp_path: Path) -> None:
    scenario = whole(tmp_path)
    (tmp_path / "sites.csv").write_text(SITES.replace(",400,post", ",400,pots"), encoding="utf-8")
    outcome = command("check", scenario)
    assert (outcome.code, outcome.out) == (1, "")
    assert "found 'pots'" in outcome.err
    (line,) = command("check", scenario, "--json").objects
    assert line["assumed"], "who reads JSON gets all"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "rio-grande",
        pytest.param(
            "andorra",
            marks=pytest.mark.skipif(not EXTRACT.is_file(), reason=f"{EXTRACT.name} is not there"),
        ),
    ],
)
def test_the_shipped_scenarios_have_no_fault(name: str) -> None:
    checked = check_scenario_file(ROOT / "instances" / name / "scenario.toml")
    assert checked.ok, checked.problems
    assert checked.options
    assert {file.what.split(",")[0] for file in checked.files} >= {
        "scenario",
        "region",
        "seizures",
        "effort",
    }


def printed(command: Callable[..., Outcome], folder: Path, **files: str) -> Outcome:
    scenario = write_scenario(folder)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content, encoding="utf-8")
    return command("check", scenario)


def test_rows_that_are_used_are_counted_on_the_console(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    outcome = printed(command, tmp_path)
    assert "seizures.csv: 3 of 4\xa0rows used\n" in outcome.err
    assert "effort.csv: 2 of 2\xa0rows used\n" in outcome.err
    assert "sites.csv: 5\xa0sites; placed today: post 1\n" in outcome.err
    assert (
        "Note: seizures.csv: 1 of 4 rows are not used: farther than 500 m from every segment."
        in outcome.out
    )


def test_columns_that_nothing_reads_are_named_once_a_file_those_about_people_first(
    tmp_path: Path,
) -> None:
    one_file = SCENARIO.replace(
        '"effort.csv"\n', '"seizures.csv"\ncolumns = { amount = "hours" }\n'
    )
    others = ",".join(f"note {k}" for k in range(9))
    head, *rows = SEIZURES.splitlines()
    lines = [f"{head},hours,\x1b[31m{'x' * 99},{others},driver_name"]
    lines += [f"{row},3,{',' * 9},Somebody" for row in rows]
    (tmp_path / "there").mkdir()
    write_scenario(tmp_path / "there", one_file)
    (tmp_path / "there/seizures.csv").write_text("\n".join(lines), encoding="utf-8")
    checked = check_scenario_file(tmp_path / "there/scenario.toml")
    (unread,) = [item for item in checked.unused if "nothing reads" in item.reason]
    assert (unread.what, unread.count) == ("seizures.csv", 11)
    assert unread.reason.startswith("columns that nothing reads: 'driver_name', '[31mxxx")
    assert unread.reason.endswith("and 3 more")
    assert len(unread.reason) < 200
    assert "hours" not in unread.reason
    assert "Somebody" not in str(checked)


def test_properties_of_points_that_nothing_reads_are_named(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    points = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [10.0, 50.05]},
            "properties": {"time": "2024-03-01", "drug": "heroin", "suspect": "Somebody"},
        }
    ]
    path = write_scenario(tmp_path, SCENARIO.replace("seizures.csv", "seizures.geojson"))
    text = json.dumps({"type": "FeatureCollection", "features": points})
    (tmp_path / "seizures.geojson").write_text(text, encoding="utf-8")
    assert "seizures.geojson: columns that nothing reads: 'suspect'\n" in command("check", path).err


def test_points_under_other_names_are_read_and_those_that_are_not_are_named(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    rows = [f"2024-03-{k % 28 + 1:02d},10.0,50.05,,heroin" for k in range(40)]
    rows += [f"2024-04-{k % 28 + 1:02d},,,south,heroin" for k in range(20)]
    aliased = printed(
        command, tmp_path, seizures__csv="\n".join(["time,lng,latitude,area,drug", *rows])
    )
    assert "seizures.csv: 60 of 60\xa0rows used" in aliased.err
    assert "read with the column 'lng' for 'lon', the column 'latitude' for 'lat'" in aliased.out
    other = printed(command, tmp_path, seizures__csv="\n".join(["time,x,y,area,drug", *rows]))
    assert "seizures.csv: 20 of 60\xa0rows used" in other.err
    assert "40 of 60 rows are not used: no place. Columns that are not read: 'x', 'y'" in other.out


@pytest.mark.parametrize(
    ("content", "found", "remedy"),
    [
        (SITES.splitlines()[0] + "\n", "sites.csv: found no site", "Add sites"),
        ("foo,bar\n1,2\n3,4\n", "no column 'id' among 'foo', 'bar'", "Correct sites.columns"),
        (
            SITES.replace("lon,lat", "x,y"),
            "no place among 'x', 'y'",
            'sites.columns = { lon = "x", lat = "y" }',
        ),
        (
            SITES.replace("10.1,50.1", "456789.0,5550000.5"),
            (
                "line 2: found lon '456789.0', lat '5550000.5': metres?; expected longitude and"
                " latitude in degrees, not"
            ),
            "EPSG:4326",
        ),
    ],
)
def test_a_sites_file_without_sites_is_a_fault_of_that_file(
    command: Callable[..., Outcome], tmp_path: Path, content: str, found: str, remedy: str
) -> None:
    outcome = printed(command, tmp_path, sites__csv=content)
    assert outcome.code == 1
    (line,) = [
        line for line in outcome.err.splitlines() if "sites.csv" in line and "expected" in line
    ]
    assert found in line
    assert remedy in line
    assert "scenario.toml" not in line


def test_sites_with_semicolons_and_decimal_commas_are_read(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    outcome = printed(command, tmp_path, sites__csv=SITES.replace(",", ";").replace(".", ","))
    assert outcome.code == 0
    assert "sites.csv: 5\xa0sites" in outcome.err
    assert "Note: sites.csv: read with semicolons between cells, decimal commas." in outcome.out


def test_one_agency_that_is_missing_is_one_fault(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    rows = "".join(f"s{k},10.1,50.1,army,post\n" for k in range(62))
    outcome = printed(command, tmp_path, sites__csv="id,lon,lat,agency,kinds\n" + rows)
    (line,) = [
        line for line in outcome.err.splitlines() if "'army'" in line and "one of police" in line
    ]
    assert "and 61 more places" in line


def test_areas_elsewhere_are_a_fault(command: Callable[..., Outcome], tmp_path: Path) -> None:
    far = AREAS.replace("[9.9,", "[19.9,").replace("[10.5,", "[20.5,")
    outcome = printed(command, tmp_path, areas__geojson=far)
    assert outcome.code == 1
    assert "no area that holds a road of the network: south, north" in outcome.err


def test_text_of_records_cannot_steer_the_terminal(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    sites = SITES.replace("\na,", "\na\x1b[31m\u202e,").replace("10.1,50.1", "10.1,95")
    outcome = printed(command, tmp_path, sites__csv=sites)
    assert outcome.code == 1
    assert not {"\x1b", "\u202e"} & set(outcome.err + outcome.out)
