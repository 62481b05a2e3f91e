"""Finds known by area alone: the posterior against a long Markov chain, and what a
fitted model makes of them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from optimizer.risk import FieldFlow
from optimizer.risk.field_flow.area_posterior import expected_rates, log_sums, rake
from optimizer.risk.field_flow.field import Field, road_neighbours
from optimizer.risk.field_flow.laplace import Design, Hyperparameters, LatentModel, draw
from optimizer.risk.field_flow.model_averaging import Candidate, candidate_at_mode, with_posterior
from optimizer.risk.numerics.likelihood import AreaCount, Cells, count_terms
from optimizer.scenario.check.check import read_evidence
from tests.risk_cases import effort_of, line_network, records_of
from tests.tiny import write_scenario

Floats = NDArray[np.float64]

NETWORK = line_network(10)
AREAS = {"west": list(range(5)), "east": list(range(5, 10))}
FIRST: dict[int | str, float] = {"west": 20.0, "east": 20.0}


def latent_of(
    counts: tuple[float, float], units: int = 1, own: dict[int, float] | None = None
) -> LatentModel:
    """Return two areas of five segments in a row, and cells with counts of their own."""
    own = own or {}
    k = len(own)
    at, found = np.array(list(own), dtype=np.int64), np.array(list(own.values()), dtype=np.float64)
    cells = Cells(
        at, np.zeros(k, dtype=np.int64), found, np.ones(k), np.ones(k), np.full(k, np.nan)
    )
    areas = tuple(
        AreaCount(np.arange(5) + 5 * n, np.ones(5), n % units, np.full(5, count / 5), 1.0)
        for n, count in enumerate(counts)
    )
    design = Design(np.ones((10, 1)), np.zeros(1), np.full(1, 10.0), np.zeros(10))
    return LatentModel(Field(road_neighbours(NETWORK)), cells, areas, design, units)


def chain(
    latent: LatentModel,
    hyper: Hyperparameters,
    chains: int = 250,
    steps: int = 300,
    burnt: int = 120,
) -> Floats:
    """Return draws of the (10,) log rates, exact but for chance: elliptical slices
    (Murray, Adams and MacKay 2010) in many chains.
    """
    rng = np.random.default_rng(0)
    m, extra = 10, latent.levels
    precision = np.column_stack(
        [latent.field.times(hyper.tau, hyper.kappa2, unit) for unit in np.eye(m)]
    )
    covariance = np.eye(m + extra)
    covariance[:m, :m] = np.linalg.inv(precision) + hyper.nugget * np.eye(m) + 100.0
    root = np.linalg.cholesky(covariance)
    cells = latent.cells

    def log_chance(z: Floats) -> Floats:
        w = z @ root.T
        x = np.log(cells.expected) + w[:, cells.segment] + (w[:, m + cells.unit] if extra else 0)
        total = count_terms(cells.count, x, np.full(cells.count.size, np.inf)).value.sum(axis=1)
        for area in latent.areas:
            x = logsumexp(np.log(area.expected) + w[:, area.segment], axis=1) + (
                w[:, m + area.unit] if extra else 0
            )
            total += area.count * x - np.exp(np.minimum(x, 50.0))
        return np.asarray(total)

    z = 0.1 * rng.standard_normal((chains, m + extra))
    here, kept = log_chance(z), []
    for step in range(steps):
        other, bar = rng.standard_normal(z.shape), here + np.log(rng.random(chains))
        angle = 2 * np.pi * rng.random(chains)
        low, high, left = angle - 2 * np.pi, angle.copy(), np.arange(chains)
        moved = z.copy()
        while left.size:
            tried = (
                z[left] * np.cos(angle[left])[:, None] + other[left] * np.sin(angle[left])[:, None]
            )
            there = log_chance(tried)
            good = there > bar[left]
            moved[left[good]], here[left[good]] = tried[good], there[good]
            left = left[~good]
            low[left] = np.where(angle[left] < 0, angle[left], low[left])
            high[left] = np.where(angle[left] < 0, high[left], angle[left])
            angle[left] = low[left] + rng.random(left.size) * (high[left] - low[left])
        z = moved
        if step >= burnt and step % 5 == 0:
            kept.append((z @ root.T)[:, :m])
    return np.concatenate(kept)


def fitted(latent: LatentModel, hyper: Hyperparameters) -> Candidate:
    return with_posterior(candidate_at_mode("field", latent, hyper, None))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("counts", "units", "own"),
    [
        ((3.0, 1.0), 1, None),
        ((30.0, 6.0), 1, None),
        ((8.0, 2.0), 1, {2: 4.0, 6: 0.0, 7: 0.0}),
        ((8.0, 2.0), 2, None),
    ],
)
def test_the_posterior_of_areas_is_that_of_a_long_chain(
    counts: tuple[float, float], units: int, own: dict[int, float] | None
) -> None:
    latent, hyper = latent_of(counts, units, own), Hyperparameters(0.5, 0.05, 0.4)
    exact = chain(latent, hyper)
    one = fitted(latent, hyper)
    assert one.area_posterior is not None
    assert one.summary is not None
    eta = one.area_posterior.resampled(2000, np.random.default_rng(1)).eta
    sums, referee = log_sums(latent.areas, eta), log_sums(latent.areas, exact)
    np.testing.assert_allclose(sums.mean(axis=0), referee.mean(axis=0), atol=0.12)
    np.testing.assert_allclose(sums.std(axis=0), referee.std(axis=0), rtol=0.15)
    np.testing.assert_allclose(one.mean, exact.mean(axis=0), atol=0.25)
    np.testing.assert_allclose(one.sd, exact.std(axis=0), rtol=0.15)
    assert one.summary.effective > 300


def test_areas_that_are_one_and_the_same_are_drawn() -> None:
    latent = latent_of((6.0, 6.0))
    twice = replace(latent, areas=(latent.areas[0], latent.areas[0]))
    one = fitted(twice, Hyperparameters(0.5, 0.05, 0.4))
    assert one.area_posterior is not None
    sums = np.exp(
        log_sums(twice.areas, one.area_posterior.resampled(2000, np.random.default_rng(2)).eta)
    )
    np.testing.assert_allclose(sums[:, 0], sums[:, 1])
    # twelve finds in two looks at the same sum
    np.testing.assert_allclose(sums[:, 0].mean(), 6.0, rtol=0.1)


def test_sums_that_overlap_are_raked_and_expectations_add_up() -> None:
    areas = tuple(
        AreaCount(np.arange(4) + 2 * n, np.full(4, 0.5), 0, np.full(4, 0.75), 1.0) for n in range(2)
    )
    wanted = np.log([[4.0, 6.0]])
    eta = np.random.default_rng(3).normal(size=(1, 6))
    np.testing.assert_allclose(log_sums(areas, rake(areas, eta, wanted)), wanted, atol=1e-3)
    expected = expected_rates(areas, eta[0], np.full(6, 1.5), wanted[0])
    np.testing.assert_allclose(
        [0.5 * expected[:4].sum(), 0.5 * expected[2:].sum()], [4.0, 6.0], rtol=1e-3
    )


def model_of(counts: dict[int | str, float]) -> FieldFlow:
    return FieldFlow(season=False).fit(records_of(counts, AREAS), effort_of(FIRST, AREAS), NETWORK)


@pytest.mark.parametrize("finds", [(3, 4, 3), (2, 5, 3), (4, 1, 4)])
def test_few_finds_by_area_are_foretold_no_worse_than_by_the_global_rate(
    finds: tuple[int, ...], tmp_path: Path
) -> None:
    """All in one of two areas: at most .05 nats a find lost (by the normal distribution
    .19 for the first of these).
    """
    months = [f"2024-{month:02}" for month in range(1, 1 + len(finds))]
    effort = [
        f"{month},{area},{hours}"
        for month in months
        for area, hours in (("south", 90), ("north", 30))
    ]
    path = write_scenario(tmp_path)
    (tmp_path / "effort.csv").write_text("\n".join(["time,area,amount", *effort]) + "\n")
    found = [f"{month},south,{count}" for month, count in zip(months, finds, strict=True)]
    (tmp_path / "seizures.csv").write_text("\n".join(["time,area,count", *found]) + "\n")
    known = read_evidence(path)
    assert known.records is not None
    assert known.effort is not None
    network = known.region.network
    gain = 0.0
    for number in range(1, len(finds)):
        start = np.datetime64(months[number], "D")
        end = (np.datetime64(months[number], "M") + np.timedelta64(1, "M")).astype("datetime64[D]")
        model = FieldFlow().fit(
            known.records.take(known.records.end <= start),
            known.effort.take(known.effort.end <= start),
            network,
        )
        found_later = known.records.take(
            (known.records.start >= start) & (known.records.end <= end)
        )
        effort_later = known.effort.take((known.effort.start >= start) & (known.effort.end <= end))
        south, north = 90 * model.evidence_.global_rate[0], 30 * model.evidence_.global_rate[0]
        plain = finds[number] * np.log(south) - south - north - gammaln(finds[number] + 1)
        gain += model.score(found_later, effort_later) * finds[number] - plain
    assert gain / sum(finds[1:]) > -0.05


def test_many_finds_by_area_tell_the_sum_and_not_the_road() -> None:
    model = model_of({"west": 400.0, "east": 100.0})
    draws = model.sample(300, np.random.default_rng(4))
    index = np.exp(draws)[:, :5].mean(axis=1)
    assert np.quantile(index, 0.05) < 1.6 < np.quantile(index, 0.95)
    assert index.std() < 0.2
    assert model.predict().mean[:5].mean() == pytest.approx(1.6, rel=0.03)
    assert np.exp(draws)[:, 2].std() > 0.3


def test_a_record_without_areas_never_meets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answers are those of the normal distribution to the last digit."""
    monkeypatch.setattr("optimizer.risk.field_flow.model_averaging.AreaPosterior", None)
    monkeypatch.setattr("optimizer.risk.field_flow.model.rake", None)
    monkeypatch.setattr("optimizer.risk.field_flow.model.expected_rates", None)
    model = FieldFlow(season=False).fit(
        records_of({0: 4.0, 7: 1.0}), effort_of(dict.fromkeys(range(10), 2.0)), NETWORK
    )
    np.testing.assert_array_equal(model.predict().mean, np.exp(model.mean_ + model.sd_**2 / 2))
    rng, again = np.random.default_rng(5), np.random.default_rng(5)
    counts = again.multinomial(50, model.weights_)
    drawn = np.concatenate(
        [
            one.mean + draw(one.latent, one.hyper, one.mode, count, again)
            for one, count in zip(model.candidates_, counts.tolist(), strict=True)
            if count
        ]
    )
    expected = model.mean_ + model.widening * (again.permutation(drawn) - model.mean_)
    np.testing.assert_array_equal(model.sample_found(50, rng), expected)


def test_too_few_draws_that_count_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of({"west": 4.0, "east": 2.0})
    assert not any("rough" in warning for warning in model.predict().warnings)
    monkeypatch.setattr("optimizer.risk.field_flow.model.LEAST_EFFECTIVE", 1e9)
    assert any("rough" in warning for warning in model.predict().warnings)
