"""The planner's command on a tiny border: what it writes, what it prints, and how it fails."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.output_folder import MARKER
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.plan.evaluation import evaluate
from optimizer.problem.plan.plan import violations
from optimizer.scenario.demand.risk_model import MODELS
from tests.command import Outcome
from tests.output_cases import RESULT_KEYS
from tests.tiny import SCENARIO, SITES, write_scenario


@pytest.mark.slow
@pytest.mark.report
def test_plan_writes_a_whole_folder_that_agrees_with_itself(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = write_scenario(tmp_path)
    evil = SITES.replace("North road", "<script>alert(1)</script>")
    (tmp_path / "sites.csv").write_text(evil, encoding="utf-8")
    out = tmp_path / "out"
    outcome = command("plan", scenario, "--out", out, "--json", "--gap", 0)
    assert outcome.code == 0, outcome.err
    (line,) = outcome.objects
    assert list(line) == [*RESULT_KEYS, "out", "warnings"]
    assert line["status"] == "optimal"
    assert {p.name for p in out.iterdir()} == {
        *(
            MARKER,
            "plan.json",
            "plan.geojson",
            "instance.json",
            "run.json",
            "scenario.zip",
            "report.html",
            "sites-not-chosen.csv",
        ),
        *(
            "map-risk.png",
            "map-sure.png",
            "map-effort-1.png",
            "map-look-next.png",
            "map-plan.png",
            "sites.png",
            "layouts.png",
            "evaders.png",
        ),
    }
    plan = json.loads((out / "plan.json").read_text())
    assert plan["options"] == line["plan"]
    assert (plan["status"], plan["lower"], plan["upper"], plan["gap"]) == (
        *(line["status"], line["lower"], line["upper"]),
        line["gap"],
    )
    instance = read_instance(out / "instance.json")
    assert evaluate(instance, plan["options"]).value == pytest.approx(plan["upper"], abs=1e-12)
    assert not violations(instance, instance.placed(plan["options"]))
    assert (
        plan["values"]["everything"]
        <= plan["lower"] + 1e-9
        <= plan["upper"] + 2e-9
        <= plan["values"]["nothing"]
    )
    assert plan["values"]["existing"] > plan["upper"]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert f"Estimated from {MODELS['field-flow'].description}." in page
    assert "seizures.csv row 5" in page
    assert "<script>alert(1)</script>" not in page
    run_file = json.loads((out / "run.json").read_text())
    assert "qdldl" in run_file["packages"]
    recorded = {item["file"]: item["sha256"] for item in run_file["inputs"]}
    for name in (
        "scenario.toml",
        "network.gpkg",
        "areas.geojson",
        "seizures.csv",
        "effort.csv",
        "sites.csv",
    ):
        assert recorded[name] == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    assert run_file["options"]["gap"] == 0


@pytest.mark.slow
@pytest.mark.report
def test_without_a_report_every_other_file_is_the_same(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario, whole, bare = write_scenario(tmp_path), tmp_path / "whole", tmp_path / "bare"
    assert command("plan", scenario, "--out", whole).code == 0
    outcome = command("plan", scenario, "--out", bare, "--no-report")
    assert outcome.code == 0, outcome.err
    assert f"without a report: {bare}" in outcome.out
    assert "writing the report" not in outcome.err
    kept = {path.name for path in whole.iterdir() if path.suffix not in {".png", ".html", ".csv"}}
    assert {path.name for path in bare.iterdir()} == kept
    assert (bare / "instance.json").read_bytes() == (whole / "instance.json").read_bytes()
    # what its sites rest on is asked for a report alone
    changing = re.compile(r'"rests_on": (null|"\w+")|"seconds": [\d.]+')
    for name in ("plan.geojson", "plan.json"):
        assert len({changing.sub("", (folder / name).read_text()) for folder in (whole, bare)}) == 1
    runs = [json.loads((folder / "run.json").read_text()) for folder in (whole, bare)]
    assert [run.get("report") for run in runs] == [None, False]
    # again: the old report goes
    assert command("plan", scenario, "--out", whole, "--no-report").code == 0
    assert not [path.name for path in whole.iterdir() if path.suffix in {".png", ".html"}]


def test_the_plan_is_the_best_of_all_plans(command: Callable[..., Outcome], tmp_path: Path) -> None:
    from tests.cases import brute_force

    out = tmp_path / "out"
    (line,) = command(
        "plan", write_scenario(tmp_path), "--out", out, "--json", "--gap", 0, "--no-report"
    ).objects
    assert line["upper"] == pytest.approx(
        brute_force(read_instance(out / "instance.json"))[0], abs=1e-9
    )


def test_evaluate_agrees_with_the_plan_and_gives_routes(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (line,) = command(
        "plan", write_scenario(tmp_path), "--out", out, "--json", "--no-report"
    ).objects
    (judged,) = command("evaluate", out / "instance.json", out / "plan.json", "--json").objects
    assert judged["value"] == pytest.approx(line["upper"], abs=1e-12)
    assert sum(e["weight"] * e["value"] for e in judged["evaders"]) == pytest.approx(
        judged["value"], abs=1e-12
    )
    for evader in judged["evaders"]:
        assert list(evader) == ["id", "weight", "value", "route"]
        assert evader["id"].startswith(evader["route"][0])


@pytest.mark.slow
def test_same_seed_same_plan(command: Callable[..., Outcome], tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)
    lines = [
        command(
            "plan", scenario, "--out", tmp_path / f"out{k}", "--json", "--seed", 7, "--no-report"
        ).objects[0]
        for k in (0, 1)
    ]
    assert (tmp_path / "out0/instance.json").read_bytes() == (
        tmp_path / "out1/instance.json"
    ).read_bytes()
    assert lines[0]["plan"] == lines[1]["plan"]


@pytest.mark.slow
@pytest.mark.report
def test_people_get_a_table_and_progress(
    command: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what is drawn is not what is asked here
    monkeypatch.setattr("optimizer.report.write_report", lambda *_: None)
    outcome = command("plan", write_scenario(tmp_path), "--out", tmp_path / "out")
    assert "Ford track" in outcome.out
    assert "today's layout" in outcome.out
    for step in ("reading the network", "estimating risk", "solving", "writing the report"):
        assert step in outcome.err


def test_a_budget_of_nothing_is_feasible_with_a_warning(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = write_scenario(tmp_path, SCENARIO.replace("budget = 3", "budget = 0"))
    outcome = command("plan", scenario, "--out", tmp_path / "out", "--json", "--no-report")
    assert outcome.code == 0
    assert outcome.objects[0]["plan"] == []
    assert outcome.objects[0]["status"] == "optimal"
    assert "places nothing" in outcome.err


def test_existing_budget_is_what_todays_sites_use(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = write_scenario(tmp_path, SCENARIO.replace("budget = 3", 'budget = "existing"'))
    command("plan", scenario, "--out", tmp_path / "out", "--json", "--no-report")
    (resource,) = json.loads((tmp_path / "out/plan.json").read_text())["resources"]
    assert resource["budget"] == 1


def test_forced_sites_over_budget_end_with_3_and_name_the_resource(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = write_scenario(tmp_path, SCENARIO.replace("budget = 3", "budget = 1"))
    rows = SITES.replace("kinds\n", "kinds,forced\n", 1).replace(",post\n", ",post,true\n")
    (tmp_path / "sites.csv").write_text(rows, encoding="utf-8")
    outcome = command("plan", scenario, "--out", tmp_path / "out", "--json", "--no-report")
    assert outcome.code == 3
    assert "'teams@police' is over its budget: 5 of 1" in outcome.err
    (line,) = outcome.objects
    assert list(line) == [*RESULT_KEYS, "out"]
    assert (line["status"], line["upper"], line["out"]) == ("infeasible", None, None)
    assert not (tmp_path / "out").exists()


BROKEN = [
    (
        "misspelt field",
        lambda t: t.replace("decay_minutes", "decay_minuts"),
        "Did you mean 'decay_minutes'?",
    ),
    ("wrong type", lambda t: t.replace("budget = 3", 'budget = "three"'), "resources[0].budget"),
    ("negative cost", lambda t: t.replace("teams = 1", "teams = -1"), "kinds[0].uses.teams"),
    (
        "missing file",
        lambda t: t.replace("seizures.csv", "nowhere.csv"),
        "nowhere.csv: found no such file",
    ),
    ("no TOML", lambda t: t + "\n[[[", "a scenario as TOML"),
    (
        "two sources",
        lambda t: t.replace('areas = "', 'place = "X"\nareas = "'),
        "exactly one of network, file",
    ),
    (
        "unknown resource",
        lambda t: t.replace("uses = { teams", "uses = { team"),
        "Did you mean 'teams'?",
    ),
    (
        "unknown agency",
        lambda t: t.replace('agency = "police"', 'agency = "polise"'),
        "Did you mean 'police'?",
    ),
    (
        "kinds twice",
        lambda t: t + '\n[[kinds]]\nid = "post"\nsurvival = 0.8\n',
        "kinds[1]: found 'post' again",
    ),
    ("deep", lambda t: t.replace('name = "Tiny border"', "name = " + "[" * 5000), "too deep"),
    (
        "background",
        lambda t: t + "\n[background]\nper_hour = 1e6\n",
        "that nobody passes undetected",
    ),
    (
        "loads",
        lambda t: t.replace("decay_minutes = 60", "loads = 1e300"),
        "evaders.loads: found 1e+300",
    ),
    (
        "budget",
        lambda t: t.replace("budget = 3", "budget = 1e300"),
        "resources[0].budget: found 1e+300",
    ),
    (
        "no risk model",
        lambda t: t + '\n[risk]\nmodel = "shrnk"\n',
        "risk.model: found 'shrnk'; expected 'field-flow'",
    ),
    ("no method", lambda t: t + '\n[solve]\nmethod = "gredy"\n', "Did you mean 'greedy'?"),
    ("an old method", lambda t: t + '\n[solve]\nmethod = "compact"\n', "Use cuts"),
]


@pytest.mark.parametrize(
    ("change", "message"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN]
)
def test_a_broken_scenario_gets_one_clear_message(
    command: Callable[..., Outcome], tmp_path: Path, change: Callable[[str], str], message: str
) -> None:
    scenario = write_scenario(tmp_path, change(SCENARIO))
    outcome = command("plan", scenario, "--out", tmp_path / "out", "--json", "--no-report")
    assert outcome.code == 1
    assert message in outcome.err
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "out").exists()


def test_every_problem_of_a_file_is_reported_at_once(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    text = (
        SCENARIO.replace("decay_minutes", "decay_minuts")
        .replace("teams = 1", "teams = -1")
        .replace("schema_version = 1", "")
    )
    outcome = command("plan", write_scenario(tmp_path, text), "--out", tmp_path / "out")
    assert "3 problems" in outcome.err
    for field in ("schema_version", "decay_minuts", "kinds[0].uses.teams"):
        assert field in outcome.err


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("sites.csv", lambda t: t.replace("10.1,50.1", "50.1,10.1"), "Exchange lon and lat."),
        (
            "sites.csv",
            lambda t: t.replace("10.1,50.1", "10.1,950"),
            "line 2, column 'lat': found '950'",
        ),
        (
            "sites.csv",
            lambda t: t.replace("b,North", "a,North"),
            "sites.csv, line 3, site 'a': found 'a' again",
        ),
        ("sites.csv", lambda t: t.replace("police,post", "police,pst"), "Did you mean 'post'?"),
        ("sites.csv", lambda t: t + "f,short\n", "line 7"),
        ("sites.csv", lambda t: t.replace("agency", "agncy"), "Did you mean 'agency'?"),
        ("seizures.csv", lambda t: t.replace("2024-05-01", "the fifth"), "line 3"),
        ("seizures.csv", lambda t: t.replace("2.5", "much"), "line 2"),
        ("effort.csv", lambda t: t.replace("900", "-900"), "line 2"),
        ("effort.csv", lambda t: t.replace("south", "sooth"), "south"),
        ("areas.geojson", lambda t: t[:40], "areas.geojson"),
    ],
)
def test_a_broken_table_is_named_with_its_row(
    command: Callable[..., Outcome],
    tmp_path: Path,
    file: str,
    change: Callable[[str], str],
    message: str,
) -> None:
    scenario = write_scenario(tmp_path)
    (tmp_path / file).write_text(change((tmp_path / file).read_text()), encoding="utf-8")
    outcome = command("plan", scenario, "--out", tmp_path / "out", "--no-report")
    assert (outcome.code, outcome.out) == (1, "")
    assert message in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_way_of_the_folder(command: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    outcome = command("plan", write_scenario(tmp_path), "--out", tmp_path / "out", "--no-report")
    assert outcome.code == 1
    assert "a folder, or nothing yet" in outcome.err
    assert (tmp_path / "out").read_text() == "mine"


def test_the_folder_is_looked_at_before_the_work(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    (tmp_path / "out/report.html").mkdir(parents=True)
    outcome = command("plan", write_scenario(tmp_path), "--out", tmp_path / "out")
    assert outcome.code == 1
    assert "reading the network" not in outcome.err
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["report.html"]


def test_every_missing_file_is_named_at_once(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = write_scenario(tmp_path)
    for name in ("network.gpkg", "seizures.csv", "effort.csv"):
        (tmp_path / name).unlink()
    outcome = command("plan", scenario, "--out", tmp_path / "out", "--no-report")
    assert "3 problems" in outcome.err
    assert outcome.err.count("no such file") == 3


def test_an_interrupt_of_the_report_keeps_the_plan(
    command: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("optimizer.report.write_report", interrupted)
    outcome = command("plan", write_scenario(tmp_path), "--out", tmp_path / "out", "--json")
    assert outcome.code == 0
    assert (
        outcome.objects[0]["plan"]
        == json.loads((tmp_path / "out/plan.json").read_text())["options"]
    )
    assert not (tmp_path / "out/report.html").exists()


def test_a_record_under_which_no_load_travels_keeps_the_plan(
    command: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refused(*_: object, **given: object) -> None:
        asked.append(given["threads"])
        raise InputError(Problem("scenario.toml", "no load", "some"))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("optimizer.analysis.explain.record.quick_support", refused)
    monkeypatch.setattr("optimizer.report.write_report", interrupted)
    outcome = command("plan", write_scenario(tmp_path), "--out", tmp_path / "out", "--threads", 2)
    assert outcome.code == 0
    assert asked == [2]
    assert "What rests on the record could not be told" in outcome.err
    assert (tmp_path / "out/plan.json").exists()


def test_worths_of_sites_are_what_the_judge_finds(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command("plan", write_scenario(tmp_path), "--out", out, "--json", "--gap", 0, "--no-report")
    instance = read_instance(out / "instance.json")
    features = json.loads((out / "plan.geojson").read_text())["features"]
    sites = [f["properties"] for f in features if "worth" in f["properties"]]
    chosen = {site["id"] for site in sites if site["chosen"]}
    value = evaluate(instance, chosen).value
    assert len(sites) == len(instance.options) > len(chosen)
    for site in sites:
        change = evaluate(instance, chosen ^ {site["id"]}).value - value
        assert site["worth"] == pytest.approx(change if site["chosen"] else -change, abs=1e-9)


@pytest.mark.slow
def test_two_scenarios_of_one_folder_go_to_two_places(
    command: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny").mkdir()
    first = write_scenario(tmp_path / "tiny")
    second = first.with_name("night.toml")
    second.write_text(SCENARIO.replace("Tiny border", "Tiny border by night"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    places = [
        command("plan", path, "--json", "--no-report").objects[0]["out"] for path in (first, second)
    ]
    assert places == ["results/tiny", "results/tiny-night"]
    outcome = command("plan", second, "--json", "--out", places[0], "--no-report")
    assert outcome.code == 1
    assert "what `plan` made of ../../tiny/scenario.toml; expected" in outcome.err
    assert "another --out, or replace it with --overwrite" in outcome.err
    assert json.loads((tmp_path / places[0] / "plan.json").read_text())["name"] == "Tiny border"
    assert (
        command("plan", second, "--json", "--out", places[0], "--overwrite", "--no-report").code
        == 0
    )
    assert (
        json.loads((tmp_path / places[0] / "plan.json").read_text())["name"]
        == "Tiny border by night"
    )


@pytest.mark.parametrize("place", ["", ".", ".."])
def test_the_folder_one_is_in_is_not_written(
    command: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    scenario = write_scenario(tmp_path)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    outcome = command("plan", scenario, "--json", "--out", place, "--no-report")
    assert (outcome.code, outcome.out) == (1, "")
    assert "the folder you are in" in outcome.err
    assert "solving" not in outcome.err
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.slow
@pytest.mark.report
def test_ids_as_long_as_a_scenario_allows_are_written(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    kind, site, agency, resource = "k" * 200, "s" * 200, "a" * 200, "r" * 200
    text = SCENARIO.replace('"post"', f'"{kind}"').replace('"police"', f'"{agency}"')
    scenario = write_scenario(
        tmp_path, text.replace('"teams"', f'"{resource}"').replace("{ teams", f"{{ {resource}")
    )
    rows = SITES.replace("police", agency).replace("post", kind).replace("\na,", f"\n{site},")
    (tmp_path / "sites.csv").write_text(rows, encoding="utf-8")
    outcome = command("plan", scenario, "--out", tmp_path / "out", "--json", "--gap", 0)
    assert outcome.code == 0, outcome.err
    instance = read_instance(tmp_path / "out/instance.json")
    assert site in {option.id for option in instance.options}
    assert {resource.id for resource in instance.resources} == {f"{resource}@{agency}"}


def test_amounts_that_no_file_holds_are_found_before_the_solve(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    rows = SITES.replace("kinds\n", "kinds,lanes\n", 1).replace(",post\n", ",post,1e300\n")
    scenario = write_scenario(tmp_path)
    (tmp_path / "sites.csv").write_text(rows, encoding="utf-8")
    outcome = command("plan", scenario, "--out", tmp_path / "out", "--no-report")
    assert outcome.code == 1
    assert "as an instance, options[0].uses" in outcome.err
    assert "solving" not in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_plan_of_no_site_says_so_and_prints_no_empty_table(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario = write_scenario(tmp_path)
    outcome = command(
        "plan", scenario, "--budget", "teams@police=0", "--no-report", "--out", tmp_path / "out"
    )
    assert outcome.code == 0
    assert "The plan uses no site.\n" in outcome.out
    assert "adds (points)" not in outcome.out


def test_a_plan_begins_with_what_it_opens_and_closes_and_says_what_today_costs(
    command: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three posts stand today, and the budget is one: the plan is worse, and the order
    names what closes.
    """
    monkeypatch.setenv("COLUMNS", "200")
    scenario = write_scenario(tmp_path)
    sites = tmp_path / "sites.csv"
    text = sites.read_text().replace("police,,800,post", "police,post,800,post")
    sites.write_text(text.replace("police,,500,post", "police,post,500,post"))
    asked = ["--method", "greedy", "--no-report"]
    out = command(
        "plan", scenario, "--out", tmp_path / "out", *asked, "--budget", "teams@police=1"
    ).out
    rows = [line.split()[0] for line in out.splitlines() if line.strip()]
    order = [verb for verb in rows if verb in {"Open", "Change", "Close", "Keep"}]
    assert order.count("Close") >= 2
    assert order[:3] == sorted(order[:3], key=["Open", "Change", "Close", "Keep"].index)
    assert "more get through than today: that layout takes 3 of teams, 3 times this budget" in out
    assert "-" not in next(line for line in out.splitlines() if "more get through" in line)
    few = command("plan", scenario, "--out", tmp_path / "few", *asked, "--change-at-most", "1").out
    assert "of at most 1 changes: " in few


def test_a_plan_worse_than_today_says_what_todays_layout_breaks(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    """A hint at a longer search would be wrong where no search may keep that layout."""
    scenario, given = write_scenario(tmp_path), tmp_path / "given.json"
    given.write_text(json.dumps({"options": []}), encoding="utf-8")
    words = ("plan", scenario, "--given", given, "--no-report", "--out", tmp_path / "out")
    said = " ".join(command(*words).out.split())
    assert "keeps these budgets and every other demand: let the search run longer" in said
    said = " ".join(command(*words, "--forbid", "a").out.split())
    assert (
        "Today's layout breaks a demand that this plan must keep: West of the junction must not be"
        " used, and today's layout uses it." in said
    )
    assert "longer" not in said


def test_a_plan_that_is_todays_layout_says_so_in_place_of_gains_of_nothing(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    scenario, given = write_scenario(tmp_path), tmp_path / "given.json"
    given.write_text(json.dumps({"options": ["a"]}), encoding="utf-8")
    words = ("plan", scenario, "--given", given, "--no-report", "--out", tmp_path / "out")
    said = " ".join(command(*words).out.split())
    assert "The plan is today's layout: nothing changes, and as much gets through." in said
    assert "0.0 to 0.0" not in said


def test_what_adds_next_to_nothing_has_no_row(
    command: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = write_scenario(tmp_path)
    words = ("plan", scenario, "--gap", 0, "--no-report", "--out", tmp_path / "out")
    said = " ".join(command(*words).out.split())
    assert "Last or not at all" not in said
    (opened, *_others) = re.findall(r"Open (\w+ \w+)", said)
    monkeypatch.setattr("optimizer.cli.plan.FLOOR", 1.0)
    said = " ".join(command(*words).out.split())
    _, _, little = said.partition("Last or not at all, as each adds less than 100 points: ")
    assert opened in little.partition(". ")[0]
    assert f"Open {opened}" not in said
