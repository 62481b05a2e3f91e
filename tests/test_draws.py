"""Draws of a mixture: frequencies, secrets, overrides, and rosters of what is drawn."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.base.errors import InputError
from optimizer.base.files.readwrite import sha256
from optimizer.base.text.formatting import SPACE
from optimizer.operations.planned import drawn_duties
from optimizer.pipeline.briefing.guarantees import plan_warnings
from optimizer.pipeline.roster import draw
from optimizer.pipeline.roster.draw import Override, draw_from_plan, draw_page
from optimizer.pipeline.roster.roster import roster_of_plan
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Resource
from optimizer.problem.plan.plan import Mixture, Plan
from optimizer.problem.plan.result import Randomised, Result
from optimizer.roster.draws import (
    SecretNumbers,
    balanced_block,
    dependent_rounding,
    draw_plans,
    frequencies,
    periods_of,
)
from optimizer.roster.model import Duties, Duty, read_duties, write_duties_file
from optimizer.scenario.file.roster_model import Crew, Shift
from tests.cases import side_by_side
from tests.command import Outcome

SECRET = b"a secret of the tests"
FIRST = "2026-12-01"
ROADS = 5
"""Roads side by side, an option on each; two may be watched at once."""
SHARES: dict[tuple[int, ...], float] = {
    (0, 1): 0.37,
    (1, 2): 0.21,
    (2, 3): 0.17,
    (3, 4): 0.16,
    (0, 4): 0.09,
}


def numbers(purpose: object) -> SecretNumbers:
    return SecretNumbers(SECRET, str(purpose))


def random_mixture(seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return probabilities of plans, and which placement is in which."""
    rng = np.random.default_rng(seed)
    plans, placements = int(rng.integers(1, 13)), int(rng.integers(2, 20))
    placed = np.zeros((placements, plans), dtype=bool)
    for plan in range(plans):
        placed[rng.choice(placements, min(placements, 4), replace=False), plan] = True
    return rng.dirichlet(np.ones(plans)), placed


@pytest.mark.parametrize("seed", range(30))
def test_every_plan_is_drawn_as_often_as_its_probability_rounded_up_or_down(seed: int) -> None:
    share, placed = random_mixture(seed)
    order = balanced_block(share.tolist(), placed, 30, numbers(seed))
    counts = np.bincount(order, minlength=share.size)
    assert len(order) == 30
    assert (np.abs(counts - 30 * share) < 1).all()


@pytest.mark.slow
def test_placements_keep_to_their_probability_better_than_by_chance() -> None:
    """Over 60 mixtures the worst placement of a month is off by less than two days;
    independent draws reach seven.
    """
    worst = []
    for seed in range(60):
        share, placed = random_mixture(seed)
        order = balanced_block(share.tolist(), placed, 30, numbers(seed))
        worst.append(np.abs(placed[:, order].sum(axis=1) - 30 * placed @ share).max())
    assert max(worst) < 2
    assert np.mean(np.array(worst) <= 1 + 1e-9) > 0.9


@pytest.mark.slow
def test_halves_of_a_block_are_balanced_too() -> None:
    share, placed = random_mixture(3)
    halves = [balanced_block(share.tolist(), placed, 32, numbers(k))[:16] for k in range(20)]
    off = [np.abs(placed[:, half].sum(axis=1) - 16 * placed @ share).max() for half in halves]
    assert max(off) < 3


@pytest.mark.slow
def test_the_mean_of_roundings_is_what_was_rounded() -> None:
    x = np.array([0.2, 0.7, 1.5, 0.35, 0.25])
    rows = np.array([[1, 1, 0, 0, 0], [0, 1, 1, 1, 0], [1, 0, 0, 0, 1]], dtype=bool)
    drawn = np.array([dependent_rounding(x, rows, numbers(k)) for k in range(4000)])
    assert (drawn.sum(axis=1) == 3).all()
    error = np.sqrt((x % 1) * (1 - x % 1) / len(drawn))
    assert (np.abs(drawn.mean(axis=0) - x) < 4.5 * error).all()


def test_a_sum_that_is_not_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="not whole"):
        dependent_rounding(np.array([0.5, 0.2]), np.zeros((0, 2), dtype=bool), numbers(0))


def test_draws_do_not_depend_on_which_days_are_asked_for() -> None:
    instance = border()
    mixture, begun = mixture_on(instance), date(2026, 12, 1)

    def drawn(first: date, days: int, secret: bytes = SECRET) -> list[int]:
        return draw_plans(
            mixture, secret, "m", begun, periods_of(first, days, ()), shifts=1, stay=1
        )

    whole = drawn(begun, 70)
    assert drawn(date(2026, 12, 29), 5) == whole[28:33]
    assert drawn(begun, 70, b"another secret, as long") != whole


def test_a_plan_stays_as_long_as_is_asked() -> None:
    mixture, begun = mixture_on(border()), date(2026, 12, 1)
    drawn = draw_plans(
        mixture, SECRET, "m", begun, periods_of(begun, 30, ("a", "b")), shifts=2, stay=6
    )
    runs = [set(drawn[k : k + 6]) for k in range(0, 60, 6)]
    assert all(len(plans) == 1 for plans in runs)
    assert len(set(drawn)) > 1


def border() -> Instance:
    """Return roads side by side from A to B, an option on each, and one evader who
    knows the mixture.
    """
    return side_by_side([{"units": 1.0}] * ROADS, [Resource("units", 2.0)])


def mixture_on(instance: Instance) -> Mixture:
    plans = [Plan.of(instance, [f"o{j}" for j in pair]) for pair in SHARES]
    return Mixture(tuple(plans), tuple(SHARES.values()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a plan with a mixture and duties."""
    place, instance = tmp_path / "plan", border()
    place.mkdir()
    mixture = mixture_on(instance)
    write_instance(place / "instance.json", instance)
    randomised = Randomised(mixture, pure_lower=0.9, pure_upper=0.95, saturated=False)
    result = Result("mixed", "feasible", None, mixture.plans[0], 0.6, 0.8, 1.0, 0, mixed=randomised)
    PlanFolder(place).write_mixture("Roads", instance, result)
    posts = [
        Duty(
            id=f"o{j}@{shift}",
            option=f"o{j}",
            kind="checkpoint",
            shift=shift,
            staff=2,
            lon=0,
            lat=0,
        )
        for j in range(ROADS)
        for shift in ("day", "night")
    ]
    rules = {"rest_hours": 8, "hours_a_week": 60, "most_days": 7, "days_off": 0}
    content: dict[str, Any] = {
        "schema_version": 1,
        "name": "Roads",
        "time_zone": "America/Chicago",
        "shifts": [
            Shift(id="day", start="06:00", hours=8),
            Shift(id="night", start="22:00", hours=8),
        ],
        "duties": posts,
        "crews": [Crew(id=f"c{k}", people=2, **rules) for k in range(8)],
    }
    write_duties_file(place, Duties(**content))
    return place


@pytest.mark.parametrize(
    "content",
    [
        b"short",
        b"\xef\xbb\xbf" + b"a" * 64,
        b"a line of words here\nand another of them",
        b"a NUL \0 in the middle of it",
        b"<html><body>an error page of a server</body></html>",
        b"x" * 5000,
    ],
)
def test_a_file_that_is_no_secret_is_refused(folder: Path, seed_file: Path, content: bytes) -> None:
    """Another file, or the same one as an editor saved it, would give other draws."""
    seed_file.write_bytes(content)
    with pytest.raises(InputError, match="one line of 16 to 4,095 letters of ASCII"):
        draw_from_plan(folder, FIRST, seed_file)


@pytest.fixture
def seed_file(tmp_path: Path) -> Path:
    path = tmp_path / "roads.seed"
    path.write_bytes(SECRET)
    path.chmod(0o600)
    return path


def test_a_mixture_file_comes_back_as_it_was(folder: Path) -> None:
    assert PlanFolder(folder).mixture == mixture_on(border())


def test_a_month_of_draws_keeps_every_frequency_to_a_day(folder: Path, seed_file: Path) -> None:
    drawn = draw_from_plan(folder, FIRST, seed_file, days=30)
    assert drawn.frequencies.worst <= 1 / 30 + 1e-9
    assert drawn.frequencies.worst_month == pytest.approx(drawn.frequencies.worst)
    assert stat.S_IMODE(drawn.path.stat().st_mode) == 0o600
    assert drawn.warnings == ()
    share = {row.placement: row.share for row in drawn.frequencies.rows}
    for name, often in share.items():
        assert often == pytest.approx(np.mean([name in row.plan for row in drawn.draws.rows]))


def test_the_same_secret_gives_the_same_draws(
    folder: Path, seed_file: Path, tmp_path: Path
) -> None:
    one, two = (
        draw_from_plan(folder, FIRST, seed_file, days=20, out=tmp_path / f"{k}.json") for k in "ab"
    )
    assert one.draws == two.draws
    later = draw_from_plan(
        folder, "2026-12-11", seed_file, days=10, begun=FIRST, out=tmp_path / "c.json"
    )
    assert later.draws.rows == one.draws.rows[10:]


def test_a_seed_is_made_for_its_owner_alone(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.seed"
    assert draw_from_plan(folder, FIRST, path, new_seed=True).warnings == ()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(InputError, match="no file yet"):
        draw_from_plan(folder, FIRST, path, new_seed=True, overwrite=True)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_seed_that_others_can_read_is_refused(folder: Path, seed_file: Path, mode: int) -> None:
    os.chmod(seed_file, mode)  # noqa: PTH101 - as a user would
    with pytest.raises(InputError, match=rf"the permissions {mode:o}.*chmod 600 ") as refused:
        draw_from_plan(folder, FIRST, seed_file)
    assert str(seed_file) in str(refused.value)
    os.chmod(seed_file, 0o600)  # noqa: PTH101 - as told
    assert draw_from_plan(folder, FIRST, seed_file).warnings == ()


def test_where_the_page_cannot_be_made_there_are_no_draws(
    folder: Path, seed_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(path.name for path in folder.iterdir())
    monkeypatch.setattr(draw, "draw_page", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        draw_from_plan(folder, "2027-03-01", seed_file)
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"days": 0}, "--days: found 0"),
        ({"stay": 31}, "--stay: found 31"),
        ({"begun": "2026-12-02"}, "not after 2026-12-01"),
        ({"first": "tomorrow"}, "a date, such as 2026-12-01"),
        ({"overrides": ["2027-03-01 +o1"]}, "no draw for it"),
        ({"overrides": ["2026-12-03 +o9"]}, "expected one of road-0"),
        ({"overrides": ["2026-12-03 +o0 +o1 +o2 +o3"]}, "units"),
        ({"overrides": ["2026-12-03 o1"]}, "2026-12-03 +zapata"),
    ],
)
def test_a_fault_is_one_clear_message_and_writes_nothing(
    folder: Path, seed_file: Path, given: dict[str, Any], words: str
) -> None:
    before = sorted(path.name for path in folder.iterdir())

    def draw(first: str = FIRST, overrides: Sequence[str] = (), **more: Any) -> None:
        draw_from_plan(
            folder,
            first,
            seed_file,
            overrides=[Override.parsed(text) for text in overrides],
            **more,
        )

    with pytest.raises(InputError) as refused:
        draw(**given)
    assert words in str(refused.value)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_secrets_that_are_none_are_refused(folder: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.seed"
    short.write_text("abc", encoding="ascii")
    short.chmod(0o600)
    inside = folder / "inside.seed"
    inside.write_bytes(SECRET)
    for path, words in (
        (short, "one line of 16 to"),
        (inside, "must not read the draws"),
        (tmp_path / "no", "--new-seed"),
    ):
        with pytest.raises(InputError, match=words):
            draw_from_plan(folder, FIRST, path)


def test_a_page_of_draws_says_placements_in_the_language_of_its_reader_and_each_day_on_one_line(
    folder: Path, seed_file: Path
) -> None:
    instance = border()
    named = replace(
        instance,
        options=tuple(replace(each, label=f"Bridge {each.id}") for each in instance.options),
    )
    write_instance(folder / "instance.json", named)
    mixture = mixture_on(named)
    randomised = Randomised(mixture, pure_lower=0.9, pure_upper=0.95, saturated=False)
    result = Result("mixed", "feasible", None, mixture.plans[0], 0.6, 0.8, 1.0, 0, mixed=randomised)
    PlanFolder(folder).write_mixture("Roads", named, result)
    own = {f"Bridge {each.id}": f"Puente {each.id}" for each in named.options}
    (folder / "run.json").write_text(json.dumps({"translations": {"es": own}}), encoding="utf-8")
    made = draw_from_plan(folder, FIRST, seed_file, days=10, language="es")
    page = made.page_path.read_text(encoding="utf-8")
    assert "Puente o0" in page
    assert "Bridge" not in page
    assert "1\N{NO-BREAK SPACE}dic" in page


def test_a_mixture_of_another_instance_is_refused(folder: Path, seed_file: Path) -> None:
    text = (folder / "instance.json").read_text(encoding="utf-8")
    (folder / "instance.json").write_text(text.replace('"roads"', '"streets"'), encoding="utf-8")
    with pytest.raises(InputError, match="a mixture of another instance"):
        draw_from_plan(folder, FIRST, seed_file)
    (folder / "mixture.json").unlink()
    with pytest.raises(InputError, match="plan --method mixed"):
        draw_from_plan(folder, FIRST, seed_file)


@pytest.mark.slow
def test_a_roster_of_draws_mans_what_is_drawn(folder: Path, seed_file: Path) -> None:
    drawn = draw_from_plan(folder, FIRST, seed_file, days=14)
    saved = roster_of_plan(folder, FIRST, weeks=2, draws=drawn.path, time_limit=600)
    manned: dict[tuple[date, str], set[str]] = {}
    for one in saved.roster.assignments:
        manned.setdefault((one.day, one.shift.id), set()).add(one.duty.option)
    for row in drawn.draws.rows:
        assert manned[row.date, "day"] == manned[row.date, "night"] == set(row.plan)
    assert saved.frequencies is not None
    assert saved.frequencies.worst == pytest.approx(drawn.frequencies.worst)


def test_a_roster_with_gaps_says_by_how_much_it_bends_the_frequencies(
    folder: Path, seed_file: Path
) -> None:
    content = json.loads((folder / "duties.json").read_text(encoding="utf-8"))
    content["crews"] = content["crews"][:3]
    (folder / "duties.json").write_text(json.dumps(content), encoding="utf-8")
    drawn = draw_from_plan(folder, FIRST, seed_file, days=7)
    saved = roster_of_plan(
        folder, FIRST, weeks=1, draws=drawn.path, allow_gaps=True, time_limit=600
    )
    assert saved.roster.gaps
    assert saved.frequencies is not None
    missing = sum(row.probability - row.share for row in saved.frequencies.rows)
    assert missing == pytest.approx(
        len({(g.day, g.shift.id, g.duty.option) for g in saved.roster.gaps}) / 14, abs=1e-9
    )


def test_a_mixture_has_no_roster_without_draws(folder: Path, seed_file: Path) -> None:
    with pytest.raises(InputError, match="--draws FILE"):
        roster_of_plan(folder, FIRST, weeks=1)
    short = draw_from_plan(folder, FIRST, seed_file, days=5)
    with pytest.raises(InputError, match="without 2026-12-06"):
        roster_of_plan(folder, FIRST, weeks=1, draws=short.path)
    (folder / "mixture.json").unlink()
    with pytest.raises(InputError, match="Leave --draws out"):
        roster_of_plan(folder, FIRST, weeks=1, draws=short.path)


def test_frequencies_count_runs_of_thirty_days() -> None:
    rows: Sequence[frozenset[str]] = [frozenset({"a"})] * 30 + [frozenset()] * 30
    found = frequencies({"a": 0.5}, rows, 1)
    assert found.worst == 0
    assert found.worst_month == pytest.approx(0.5)


def test_the_command_prints_a_line_a_draw(
    command: Callable[..., Outcome], folder: Path, seed_file: Path
) -> None:
    arguments = (
        "draw",
        folder,
        "--from",
        FIRST,
        "--days",
        3,
        "--every",
        "shift",
        "--seed-file",
        seed_file,
    )
    (folder / "plan.json").write_text("{}", encoding="utf-8")
    *rows, last = command(*arguments, "--json").objects
    assert [(row["date"], row["shift"]) for row in rows[:3]] == [
        (FIRST, "day"),
        (FIRST, "night"),
        ("2026-12-02", "day"),
    ]
    assert all(len(row["plan"]) == 2 for row in rows)
    assert last["worst_month"] is None
    assert command(*arguments).code == 1  # the file is there
    shown = command(*arguments, "--overwrite")
    assert shown.code == 0
    assert "No placement is off its probability by more than" in shown.out
    page = folder / f"draws-{FIRST}.html"
    assert page.stat().st_mode & 0o077 == 0
    text = page.read_text(encoding="utf-8").replace(SPACE, " ")
    assert text.count("Tue 1 Dec") == 2
    assert f"Plan {PlanFolder(folder).number}; " in text


def value_against(shares: Mapping[tuple[int, ...], float]) -> float:
    """Return what the evader of `border` achieves against placements with these
    probabilities: he takes one road.
    """
    return max(
        (1.0 - 0.7 * sum(share for pair, share in shares.items() if j in pair)) * float(reliability)
        for j, reliability in enumerate(np.linspace(1.0, 0.9, ROADS))
    )


def test_overrides_are_priced_over_all_draws(folder: Path, seed_file: Path, tmp_path: Path) -> None:
    plain = draw_from_plan(folder, FIRST, seed_file, days=10)
    texts, instead = [], []
    for row in (plain.draws.rows[1], plain.draws.rows[4]):
        removed = row.plan[0]
        added = next(f"o{j}" for j in range(ROADS) if f"o{j}" not in row.plan)
        texts.append(f"{row.date} +{added} -{removed}")
        instead.append(tuple(sorted(int(name[1:]) for name in (added, row.plan[1]))))
    drawn = draw_from_plan(
        folder,
        FIRST,
        seed_file,
        days=10,
        overrides=[Override.parsed(text) for text in texts],
        out=tmp_path / "o.json",
    )
    assert [row.overridden for row in drawn.draws.rows] == [k in {1, 4} for k in range(10)]
    price = drawn.price
    assert price is not None
    assert price.periods == 2
    assert price.before == pytest.approx(value_against(SHARES))
    after: dict[tuple[int, ...], float] = {pair: 0.8 * share for pair, share in SHARES.items()}
    for pair in instead:
        after[pair] = after.get(pair, 0.0) + 0.1
    assert price.after == pytest.approx(value_against(after))
    assert price.price == price.after - price.before
    assert price.known == pytest.approx(np.mean([value_against({pair: 1.0}) for pair in instead]))


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (1.0, "one plan: every draw"),
        (0.995, "is drawn 99.50\N{NO-BREAK SPACE}% of the time"),
        (0.98, ""),
    ],
)
def test_draws_and_their_roster_say_that_they_are_practically_one_plan(
    folder: Path, seed_file: Path, share: float, said: str
) -> None:
    instance = border()
    plans = [Plan.of(instance, names) for names in (["o0", "o1"], ["o1", "o2"])][
        : 1 if share == 1 else 2
    ]
    mixture = Mixture(tuple(plans), (share, 1 - share)[: len(plans)])
    result = Result(
        "mixed",
        "feasible",
        None,
        plans[0],
        0.6,
        0.8,
        1.0,
        0,
        mixed=Randomised(mixture, 0.9, 0.95, saturated=False),
    )
    PlanFolder(folder).write_mixture("Roads", instance, result)
    drawn = draw_from_plan(folder, FIRST, seed_file, days=7)
    saved = roster_of_plan(folder, FIRST, weeks=1, draws=drawn.path, time_limit=600)
    assert [said in each for each in drawn.warnings] == [True] * bool(said)
    page = draw_page(drawn)
    days = "draws" in {table.id for section in page.sections for table in section.tables}
    same = len({tuple(row.plan) for row in drawn.draws.rows}) == 1
    assert (page.headline.startswith("The same 2 placements stand from "), days) == (same, not same)
    assert any(said in each for each in saved.roster.notes) or not said
    assert (
        "practically one plan" in (saved.folder / "roster.html").read_text(encoding="utf-8")
    ) == (share == 0.995)


def test_a_mixture_that_is_one_plan_says_why() -> None:
    comparison = SimpleNamespace(
        existing=None, nothing=SimpleNamespace(value=1.0), instance=border()
    )
    plan = Plan.of(border(), ["o0"])
    randomised = Randomised(Mixture.pure(plan), pure_lower=0.5, pure_upper=0.9, saturated=False)
    done = {"rounds": 4.0, "plans": 158.0, "paths": 42181.0}
    result = Result("mixed", "feasible", "time", plan, 0.5, 0.9, 1.0, 0, done, mixed=randomised)
    (warning,) = plan_warnings(result, comparison)  # type: ignore[arg-type]
    said = warning.replace(SPACE, " ")
    assert "in 4 rounds the search weighed 158 plans against 42,181 routes of evaders" in said
    assert "A mixture may let up to 44.4 % of that less through" in said
    assert plan_warnings(replace(result, status="optimal"), comparison) == []  # type: ignore[arg-type]


def test_duties_of_draws_are_asked_for_when_they_are_drawn_and_once(
    folder: Path, seed_file: Path, tmp_path: Path
) -> None:
    one, other = (
        draw_from_plan(folder, FIRST, seed_file, days=days, out=tmp_path / f"{days}.json")
        for days in (3, 5)
    )
    duties, mixture = read_duties(folder), sha256(folder / "mixture.json")
    drawn = drawn_duties(duties, [one.path], mixture)
    for row in one.draws.rows:
        day = date.fromisoformat(str(row.date))
        asked = {duty.option for shift in duties.shifts for duty in drawn.duties_on(day, shift.id)}
        assert asked == set(row.plan) & {duty.option for duty in duties.duties}
    with pytest.raises(InputError, match="one draw a day and shift"):
        drawn_duties(duties, [one.path, other.path], mixture)
    with pytest.raises(InputError, match="draws of another mixture"):
        drawn_duties(duties, [one.path], "0" * 64)
