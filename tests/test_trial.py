"""Trials: the interval and p-value by enumeration, arms from a seed, a round through
the command line, and what is refused.
"""

from __future__ import annotations

import itertools
import json
import stat
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from optimizer.base.errors import InputError
from optimizer.operations.trial import (
    _block_schedules,
    _imbalance,
    design_trial,
    least_ratio,
    read_trial,
    trial_setting,
    write_design,
)
from optimizer.operations.trial_analysis import analyse_trial
from optimizer.operations.trial_inference import (
    TrialSetting,
    doses,
    effects_of,
    exposures,
    hajek_weights,
    nearby_share,
    trial_powers,
    without_means,
)
from optimizer.operations.trial_terms import TrialTerms, TrialWorld
from optimizer.pipeline.roster.draw import draw_from_plan
from optimizer.problem.files.plan_file import PLAN_FILE
from optimizer.sharing.ledger.store import LedgerFolder
from tests.command import run
from tests.operations_cases import keeps_contract
from tests.output_cases import csv_rows, csv_text
from tests.test_compare_plans import on_a_map, written
from tests.test_draws import folder, seed_file  # noqa: F401 - fixtures

FIRST = "2027-01-04"
BEFORE = datetime(2026, 12, 1, tzinfo=UTC)


def plain(text: str) -> str:
    """Return a sentence with plain spaces."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def halves(cells: int) -> np.ndarray:
    """Return every schedule with an arm in half of the cells."""
    chosen = list(itertools.combinations(range(cells), cells // 2))
    return np.array([[int(c in each) for c in range(cells)] for each in chosen], dtype=np.int8)


def test_the_p_value_is_that_of_the_permutation_test() -> None:
    rng = np.random.default_rng(3)
    every, y = halves(8), rng.normal(size=8)
    chance = np.full((2, 8), 0.5)
    weights = hajek_weights(every, chance, np.ones(8))
    for k in (0, 17, 40):
        found = effects_of(
            weights[k], [np.delete(weights, k, axis=0)], y, every[k][None].astype(float)
        )
        assert found is not None
        arms = y[every[k] == 1], y[every[k] == 0]
        assert found[0].effect == pytest.approx(arms[0].mean() - arms[1].mean())
        referee = stats.permutation_test(arms, lambda a, b: a.mean() - b.mean(), n_resamples=10_000)
        assert found[0].p == pytest.approx(float(referee.pvalue))


def test_the_interval_holds_every_value_that_the_test_does_not_reject() -> None:
    rng = np.random.default_rng(4)
    every, y = halves(8), rng.normal(size=8)
    k, chance = 11, np.full((2, 8), 0.5)
    weights, dose = hajek_weights(every, chance, np.ones(8)), every[11] * np.linspace(0.4, 1.0, 8)
    others = np.delete(weights, k, axis=0)
    (found,) = effects_of(weights[k], [others], y, dose[None]) or []
    for tau in np.linspace(found.low - 1, found.high + 1, 41):
        left = y - tau * dose
        own, drawn = float(weights[k, 0] @ left), others[:, 0] @ left
        tails = 1 + np.sum(drawn >= own - 1e-12), 1 + np.sum(drawn <= own + 1e-12)
        assert (min(tails) / len(weights) > 0.05) == (found.low <= tau <= found.high)


def test_the_interval_holds_the_truth_at_its_level_by_enumeration() -> None:
    every, y = halves(8), np.random.default_rng(5).gamma(2, size=8)
    weights = hajek_weights(every, np.full((2, 8), 0.5), np.ones(8))
    held = 0
    for k, arms in enumerate(every):
        (found,) = (
            effects_of(
                weights[k],
                [np.delete(weights, k, axis=0)],
                y + 0.7 * arms,
                arms[None].astype(float),
            )
            or []
        )
        held += found.low - 1e-9 <= 0.7 <= found.high + 1e-9
    assert 0.9 <= held / len(every) <= 0.95


def test_false_alarms_of_two_exposures_are_near_their_level_by_enumeration() -> None:
    ring = np.roll(np.eye(5, dtype=bool), 1, axis=0) | np.roll(np.eye(5, dtype=bool), -1, axis=0)
    plans = np.array(
        [[1, 0, 0, 0, 0], [0, 1, 0, 0, 1], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]], dtype=np.int8
    )
    every = plans[np.array(list(itertools.product(range(4), repeat=4)))].transpose(0, 2, 1)
    of_plan = exposures(plans.T, ring, nearby=True).reshape(5, 4)
    chance = np.stack([np.repeat((of_plan == k).mean(axis=1), 4) for k in range(3)])
    amount, y = np.ones((5, 4)), np.random.default_rng(5).gamma(1, size=(5, 4))
    weights = hajek_weights(exposures(every, ring, nearby=True), chance, amount.ravel())
    p = []
    for k, arms in enumerate(every):
        values = np.concatenate([y[None], doses(arms.astype(float), ring, nearby=True)])
        left = without_means(values, amount, periods=True).reshape(3, -1)
        found = effects_of(weights[k], [np.delete(weights, k, axis=0)], left[0], left[1:])
        p.append([1.0, 1.0] if found is None else [one.p for one in found])
    for level in (0.05, 0.1, 0.2):
        assert (np.mean(np.array(p) <= level + 1e-9, axis=0) <= level + 0.01).all()


def test_means_are_taken_out() -> None:
    rng = np.random.default_rng(6)
    amount = rng.integers(0, 4, (5, 7)).astype(float)
    values = rng.normal(size=(5, 1)) + rng.normal(size=(1, 7))
    assert np.abs(without_means(values, amount, periods=True)).max() < 1e-9
    assert without_means(values[:, :1] * np.ones(7), amount, periods=False) == pytest.approx(
        np.zeros((5, 7))
    )


def test_neighbours_by_hand() -> None:
    near = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0]], dtype=bool)
    arms = np.array([[1.0, 0], [1, 1], [0, 1]])
    assert nearby_share(arms, near).tolist() == [[0.5, 1.0], [1.0, 0.0], [0.0, 0.0]]


def test_the_table_of_ratios() -> None:
    assert least_ratio(60, alpha=0.05) == pytest.approx(1.6, abs=0.08)
    assert least_ratio(150, alpha=0.05) == pytest.approx(1.35, abs=0.04)
    assert least_ratio(400, alpha=0.05) == pytest.approx(1.2, abs=0.03)


def test_simulated_trials_hold_their_effect() -> None:
    rng = np.random.default_rng(7)
    first = rng.integers(0, 2, (100, 6, 4)).astype(np.int8)
    arms = np.stack([first, 1 - first], axis=-1).reshape(100, 6, 8)
    setting = TrialSetting(
        arms, ~np.eye(6, dtype=bool), False, np.full((2, 48), 0.5), 42, 28, at_once=False
    )
    none, large = trial_powers(
        setting, TrialWorld(rate=0.05, amount=400), effects=(0.0, 0.4), runs=60
    )
    assert none.power < 0.25
    assert large.power > 0.9
    assert abs(large.bias) < 0.12
    assert large.holds > 0.75


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    """Return a plan folder whose plan differs from today's layout, with a seed beside it."""
    place = written(tmp_path / "plan", on_a_map(1), ["o1", "o2"])
    (tmp_path / "seed").write_text("a secret of the tests")
    (tmp_path / "seed").chmod(0o600)
    return place


def sectors(tmp_path: Path) -> Path:
    path = tmp_path / "sectors.csv"
    path.write_text(
        "cluster,risk,effort\n" + "".join(f"S{k},{1 + k % 3},{2 + k % 2}\n" for k in range(6))
    )
    return path


QUICK = TrialWorld(rate=0.05, amount=200)


def test_arms_of_a_switch_back_follow_from_the_seed_and_are_balanced(
    planned: Path, tmp_path: Path
) -> None:
    terms = TrialTerms(clusters=sectors(tmp_path), world=QUICK, redrawn=199, runs=20)
    one, same = (
        design_trial(planned, "switch-back", FIRST, tmp_path / "seed", terms=terms)
        for _ in range(2)
    )
    assert one.file == same.file
    arms = np.array(one.file.arms)
    assert (arms[:, ::2] + arms[:, 1::2] == 1).all()
    assert one.file.limit is not None
    assert _imbalance(one.file, arms[None])[0] <= one.file.limit + 1e-9
    every = _imbalance(one.file, _block_schedules(one.file, np.random.default_rng(1).random, 400))
    assert 0.2 < (every <= one.file.limit).mean() < 0.8
    assert str(one.file.periods[0].begin) == "2027-02-01"
    assert [row.effect for row in one.power] == [0.1, 0.2, 0.3]
    assert one.power[0].power <= one.power[2].power
    (tmp_path / "other").write_text("another secret of the tests")
    (tmp_path / "other").chmod(0o600)
    assert (
        design_trial(planned, "switch-back", FIRST, tmp_path / "other", terms=terms).file.arms
        != one.file.arms
    )


def test_steps_of_a_roll_out_come_in_random_order_and_stay(planned: Path, tmp_path: Path) -> None:
    terms = TrialTerms(clusters=sectors(tmp_path), blocks=4, redrawn=199, runs=20, world=QUICK)
    made = design_trial(planned, "stepped", FIRST, tmp_path / "seed", terms=terms)
    file = made.file
    arms = np.array(file.arms)
    assert (arms[:, 0] == 0).all()
    assert (arms[:, -1] == 1).all()
    assert (np.diff(arms, axis=1) >= 0).all()
    assert arms.sum(axis=0).tolist() == [0, 2, 4, 6]
    assert made.expected == pytest.approx(6 * QUICK.rate * QUICK.amount)


def fill(path: Path, outcome: Callable[[dict[str, str], int], dict[str, Any]]) -> None:
    """Fill in a form."""
    rows = csv_rows(path)
    for k, row in enumerate(rows):
        row |= {name: str(value) for name, value in outcome(row, k).items()}
    path.write_text(csv_text(rows), newline="")


@pytest.fixture
def switched(
    planned: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Return the folder of a sealed switch-back whose form is filled in: a third fewer
    finds under the plan.
    """
    LedgerFolder.made(tmp_path / "log")
    words = (
        "--clusters",
        sectors(tmp_path),
        "--from",
        "2099-01-05",
        "--seed-file",
        tmp_path / "seed",
        "--redrawn",
        199,
    )
    more = (
        "--out",
        tmp_path / "trial",
        "--ledger",
        tmp_path / "log",
        "--rate",
        0.05,
        "--amount",
        200,
        "--json",
    )
    made = run(
        capsys, monkeypatch, "trial", "design", planned, "--kind", "switch-back", *words, *more
    )
    assert made.code == 0, made.err
    assert [row["effect"] for row in made.objects[:3]] == [0.1, 0.2, 0.3]
    assert made.objects[3]["rows"] == 36
    for name in ("trial.json", "schedule.csv"):
        assert stat.S_IMODE((tmp_path / "trial" / name).stat().st_mode) == 0o600
    file, rng = read_trial(tmp_path / "trial"), np.random.default_rng(8)
    ids, begins = [unit.id for unit in file.units], [str(p.begin) for p in file.periods]

    def outcome(row: dict[str, str], _: int) -> dict[str, Any]:
        arm = file.arms[ids.index(row["place"])][begins.index(row["begin"])]
        return {"found": rng.poisson(60 * (1 - 0.33 * arm)), "of": 1000}

    fill(tmp_path / "trial" / "outcomes.csv", outcome)
    return tmp_path / "trial"


def test_a_switch_back_from_design_to_effect(
    switched: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = (
        switched / "outcomes.csv",
        "--ledger",
        tmp_path / "log",
        "--seed-file",
        tmp_path / "seed",
    )
    done = run(
        capsys,
        monkeypatch,
        "trial",
        "analyse",
        switched,
        *words,
        "--out",
        tmp_path / "found",
        "--json",
    )
    keeps_contract("trial analyse", done)
    (line,) = done.objects
    assert line["low"] < -0.02 < line["high"] < 0
    assert line["p"] <= 0.02
    assert line["without"] == pytest.approx(0.06, rel=0.1)
    assert "No ledger" not in done.err
    assert len(LedgerFolder.opened(tmp_path / "log").lines()) == 3
    assert json.loads((tmp_path / "found" / "trial-results.json").read_text())["rows"] == [line]
    shown = run(capsys, monkeypatch, "trial", "analyse", switched, switched / "outcomes.csv")
    # of a heading that may be broken into lines
    assert {"today's", "layout"} <= set(shown.out.split())
    assert "No ledger is named" in shown.err


def arms_of(trial: Path) -> dict[tuple[str, str], int]:
    """Return the arm of each unit and first day of a period."""
    file = read_trial(trial)
    begins = [str(period.begin) for period in file.periods]
    return {
        (u.id, begin): arm
        for u, row in zip(file.units, file.arms, strict=True)
        for begin, arm in zip(begins, row, strict=True)
    }


def test_what_was_delivered_in_part_has_a_larger_effect(switched: Path) -> None:
    form = switched / "outcomes.csv"
    by_plan = analyse_trial(switched, [form]).rows[0]
    arms = arms_of(switched)
    fill(
        switched / "outcomes.csv",
        lambda row, _: {"delivered": 0.5 * arms[row["place"], row["begin"]]},
    )
    rows = analyse_trial(switched, [switched / "outcomes.csv"]).rows
    assert rows[0] == by_plan
    assert rows[1].effect == pytest.approx(2 * by_plan.effect)
    assert (rows[1].low, rows[1].p) == pytest.approx((2 * by_plan.low, by_plan.p))
    fill(
        switched / "outcomes.csv",
        lambda row, _: {"delivered": max(0.1, arms[row["place"], row["begin"]])},
    )
    assert any(
        "18 rows say in `delivered`" in plain(text)
        for text in analyse_trial(switched, [form]).warnings
    )


def test_ways_round_that_are_found_late_are_said(
    switched: Path, planned: Path, tmp_path: Path
) -> None:
    terms = TrialTerms(
        clusters=sectors(tmp_path), redrawn=199, runs=20, world=replace(QUICK, half_life=90.0)
    )
    made = design_trial(planned, "switch-back", FIRST, tmp_path / "seed", terms=terms)
    assert made.power[-1].bias < -0.3
    assert any("larger than what lasts" in text for text in made.warnings)
    for warnings_of in (
        made.warnings,
        analyse_trial(switched, [switched / "outcomes.csv"]).warnings,
    ):
        assert any("begin 28 days after a change" in plain(text) for text in warnings_of)


def test_effort_that_follows_the_arm_is_said(switched: Path) -> None:
    arms = arms_of(switched)
    fill(
        switched / "outcomes.csv",
        lambda row, _: {"of": 1000 + 500 * arms[row["place"], row["begin"]]},
    )
    assert any(
        "differ between arms" in text
        for text in analyse_trial(switched, [switched / "outcomes.csv"]).warnings
    )


BAD_CELLS = (
    ("place", "S9-9", "one of S0-1"),
    ("begin", "2099-01-06", "a row of this trial's form"),
    ("found", "some", "a count"),
    ("found", "2000", "no more than were inspected"),
    ("of", "-4", "above 0"),
    ("delivered", "2", "from 0 to 1"),
    ("driver_name", "X", "columns about people"),
)


def _changed(column: str, cell: str, everywhere: bool, _: dict[str, str], k: int) -> dict[str, Any]:
    return {column: cell} if everywhere or k == 1 else {}


def test_forms_that_cannot_be_used_are_refused(switched: Path) -> None:
    form = switched / "outcomes.csv"
    good = form.read_text()
    for column, cell, words in BAD_CELLS:
        form.write_text(good)
        everywhere = column not in good.splitlines()[0]
        fill(form, partial(_changed, column, cell, everywhere))
        with pytest.raises(InputError) as refused:
            analyse_trial(switched, [form])
        assert words in str(refused.value)
    form.write_text("Sector South\n" + form.read_text())  # of people still, below a title
    with pytest.raises(InputError, match="columns about people"):
        analyse_trial(switched, [form])


def test_a_row_twice_a_changed_trial_and_another_secret_are_refused(
    switched: Path, tmp_path: Path
) -> None:
    form = switched / "outcomes.csv"
    with pytest.raises(InputError, match="each row of the form once"):
        analyse_trial(switched, [form, form])
    (tmp_path / "other").write_text("another secret of the tests")
    (tmp_path / "other").chmod(0o600)
    with pytest.raises(InputError, match="not that of the trial"):
        analyse_trial(switched, [form], seed_file=tmp_path / "other")
    trial = switched / "trial.json"
    trial.write_text(trial.read_text().replace('"redrawn": 199', '"redrawn": 200'))
    with pytest.raises(InputError, match="the ledger does not hold"):
        analyse_trial(switched, [form], ledger=tmp_path / "log")


def test_outcomes_that_rise_with_effort_are_refused_or_warned_of(
    planned: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        InputError,
        match="finds: finds at the places themselves, which rise with effort; expected one of",
    ):
        design_trial(
            planned, "switch-back", FIRST, tmp_path / "seed", terms=TrialTerms(outcome="finds")
        )
    terms = TrialTerms(
        outcome="finds",
        accept_biased=True,
        clusters=sectors(tmp_path),
        redrawn=199,
        runs=20,
        world=QUICK,
    )
    made = design_trial(planned, "switch-back", FIRST, tmp_path / "seed", terms=terms)
    assert any("rise with effort" in text for text in made.warnings)


def test_a_trial_is_sealed_before_it_begins(planned: Path, tmp_path: Path) -> None:
    made = design_trial(
        planned,
        "switch-back",
        FIRST,
        tmp_path / "seed",
        terms=TrialTerms(clusters=sectors(tmp_path), redrawn=199, runs=20),
    )
    LedgerFolder.made(tmp_path / "log")
    late = datetime(2027, 1, 4, tzinfo=UTC)
    with pytest.raises(InputError, match="sealed before it"):
        write_design(tmp_path / "trial", made, planned, ledger=tmp_path / "log", now=late)
    assert not (tmp_path / "trial").exists()
    write_design(tmp_path / "trial", made, planned, ledger=tmp_path / "log", now=BEFORE)


def test_arguments_at_fault_are_named_together(planned: Path, tmp_path: Path) -> None:
    terms = TrialTerms(blocks=1, washout=50, world=TrialWorld(rate=0))
    with pytest.raises(InputError) as refused:
        design_trial(planned, "draws", FIRST, terms=terms)
    for word in ("--blocks", "--washout", "--rate", "--draws"):
        assert word in str(refused.value)
    unread = TrialTerms(
        outcome="flow", draws=tmp_path / "draws.json", clusters=tmp_path / "sectors.csv"
    )
    with pytest.raises(InputError) as refused:
        design_trial(planned, "risk", FIRST, tmp_path / "seed", terms=unread)
    for word in ("--draws", "--clusters", "--outcome"):
        assert word in str(refused.value)
    with pytest.raises(InputError, match="--seed-file"):
        design_trial(planned, "switch-back", FIRST)
    with pytest.raises(InputError, match="3 or more"):
        design_trial(planned, "stepped", FIRST, tmp_path / "seed")


@pytest.mark.slow
def test_draws_are_analysed_by_other_draws(
    folder: Path,  # noqa: F811
    seed_file: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("optimizer.operations.trial.DRAWN_POOL", 30)
    drawn = draw_from_plan(folder, FIRST, seed_file, days=60)
    (folder / PLAN_FILE).write_text(json.dumps({"options": ["o0", "o1"]}))
    terms = TrialTerms(draws=drawn.path, redrawn=99, runs=20, world=TrialWorld(rate=0.1, amount=50))
    made = design_trial(folder, "draws", FIRST, terms=terms)
    write_design(tmp_path / "trial", made, folder)
    file = read_trial(tmp_path / "trial")
    assert [unit.id for unit in file.units] == [f"road-{k}" for k in range(5)]
    setting = trial_setting(file, 40)
    on = setting.schedules.mean(axis=(0, 2))
    marginal = [drawn.draws.marginals[f"o{k}"] for k in range(5)]
    assert on == pytest.approx(marginal, abs=0.04)
    assert setting.chance[1].reshape(5, 60)[:, 0] == pytest.approx(marginal)
    rng, arms = np.random.default_rng(9), np.array(file.arms)

    def outcome(_: dict[str, str], k: int) -> dict[str, Any]:
        return {"found": rng.binomial(100, 0.3 - 0.1 * arms[k % 5, k // 5]), "of": 100}

    fill(tmp_path / "trial" / "outcomes.csv", outcome)
    (row,) = analyse_trial(tmp_path / "trial", [tmp_path / "trial" / "outcomes.csv"]).rows
    assert row.low <= -0.1 <= row.high < -0.05
    assert row.p < 0.05


def test_a_roll_out_agrees_with_a_mixed_model(planned: Path, tmp_path: Path) -> None:
    import pandas as pd
    import statsmodels.formula.api as smf

    path = tmp_path / "many.csv"
    path.write_text("cluster\n" + "".join(f"S{k}\n" for k in range(12)))
    terms = TrialTerms(clusters=path, blocks=5, redrawn=400, runs=20, world=QUICK)
    made = design_trial(planned, "stepped", FIRST, tmp_path / "seed", terms=terms)
    write_design(tmp_path / "trial", made, planned)
    arms, rng = np.array(made.file.arms), np.random.default_rng(10)
    level = 300 + rng.normal(0, 40, 12)[:, None] + rng.normal(0, 20, 5)[None] - 60 * arms
    found = rng.poisson(level)
    fill(
        tmp_path / "trial" / "outcomes.csv",
        lambda _, k: {"found": found[k % 12, k // 12], "of": 1000},
    )
    (row,) = analyse_trial(tmp_path / "trial", [tmp_path / "trial" / "outcomes.csv"]).rows
    cells = [(u, t, arms[u, t], found[u, t] / 1000) for u in range(12) for t in range(5)]
    table = pd.DataFrame(cells, columns=["unit", "period", "arm", "y"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        referee = smf.mixedlm("y ~ arm + C(period)", table, groups="unit").fit()
    assert row.effect == pytest.approx(referee.params["arm"], abs=0.6 * referee.bse["arm"])
    low, high = referee.conf_int(alpha=0.1).loc["arm"]
    assert row.high - row.low == pytest.approx(high - low, rel=0.5)
    assert row.low <= -0.06 <= row.high


def test_decoys_say_what_is_detected(planned: Path, tmp_path: Path) -> None:
    site = {"label": "", "kind": "checkpoint", "type": "post", "survival": 0.4}
    content = {
        "schema_version": 2, "name": "Map", "method": "greedy", "status": "feasible", "limit": None, "lower": 0.0,
        "upper": 1.0, "gap": 1.0, "seconds": 0.0, "options": ["o1", "o2"], "seed": 0, "version": "0",
        "values": {"nothing": 1.0, "plan": 1.0, "everything": 0.0}, "resources": [],
        "sites": [site | {"id": "o1"}, site | {"id": "o2"}],
    }  # fmt: skip
    (planned / PLAN_FILE).write_text(json.dumps(content))
    made = design_trial(planned, "decoys", FIRST, tmp_path / "seed", terms=TrialTerms(visits=10))
    made = replace(made, file=made.file.model_copy(update={"outcome": "sentinel"}))
    write_design(tmp_path / "trial", made, planned)
    form = tmp_path / "trial" / "outcomes.csv"
    fill(form, lambda _, k: {"found": int(k % 4 == 0), "of": 1})
    good = form.read_text()
    faults: dict[str, dict[str, float]] = {
        "no more than were inspected": {"found": 2},
        "a count of runs": {"found": 0, "of": 0.5},
    }
    for words, cells in faults.items():
        fill(form, partial(lambda cells, _, k: cells if k == 1 else {}, cells))
        with pytest.raises(InputError, match=words):
            analyse_trial(tmp_path / "trial", [form])
        form.write_text(good)
    (row,) = analyse_trial(tmp_path / "trial", [form]).rows
    assert (row.contrast, row.effect) == ("post", 0.25)
    assert row.without == pytest.approx(0.6)
    assert (row.low, row.high) == pytest.approx(stats.binomtest(5, 20).proportion_ci(0.9), abs=1e-9)
    assert row.p == pytest.approx(stats.binomtest(5, 20, 0.6).pvalue)
