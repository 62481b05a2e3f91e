"""The posterior by Markov chain Monte Carlo: NumPyro's No-U-Turn sampler on the dense
model, hyperparameters sampled too.

`python -m tests.referees nuts` runs it. JAX starts threads of its own, so the tests run
it in a process of its own as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from optimizer.risk import FieldFlow
from optimizer.risk.field_flow.model_averaging import LOCAL_SHARES, Candidate, with_posterior
from optimizer.risk.params import USUAL
from tests.referees.cases import SmallCase, small_case
from tests.referees.dense import HYPER_MEAN, HYPER_SD, DenseModel

Floats = NDArray[np.float64]

LEVEL = 0.9
CANDIDATES = ("field", "field + flow")


@dataclass(frozen=True)
class SampledPosterior:
    """Draws of the log rates, (n, m), the largest R-hat of any of them, and the share
    of transitions that diverged.
    """

    rates: Floats
    r_hat: float
    diverged: float


@dataclass(frozen=True)
class NutsRow:
    """One candidate against the sampler; segments are compared on the log rate."""

    #: `seed`, `candidate`: Which record and which model.
    seed: int
    candidate: str
    #: `segments`, `seizures`: Its size.
    segments: int
    seizures: float
    #: `r_hat`, `diverged`: Of the sampler.
    r_hat: float
    diverged: float
    #: `median_off`, `worst_off`: Distance of the medians in the sampler's standard
    #: deviations, its median and its largest over segments.
    median_off: float
    worst_off: float
    #: `width`, `narrowest`: Width of the 90 % intervals, not widened, over the
    #: sampler's: median and least over segments.
    width: float
    narrowest: float
    #: `held`, `held_widened`: Share of the sampler's draws inside the 90 % intervals,
    #: not widened and widened as the product does, mean over segments.
    held: float
    held_widened: float


def sample_posterior(
    model: DenseModel, *, warmup: int, draws: int, chains: int, seed: int
) -> SampledPosterior:
    """Return draws of the log rates of a Poisson model, from `chains` chains one after
    the other.
    """
    import jax
    import jax.numpy as jnp
    import numpyro
    from numpyro import distributions as law

    jax.config.update("jax_enable_x64", True)
    value, vector = np.linalg.eigh(model.laplacian)
    value = np.maximum(value, 0.0)
    m = len(model.columns)

    def record() -> None:
        z = numpyro.sample(
            "hyper", law.Normal(jnp.array(HYPER_MEAN), jnp.array(HYPER_SD)).to_event(1)
        )
        beta = numpyro.sample(
            "beta", law.Normal(jnp.array(model.prior_mean), jnp.array(model.prior_sd)).to_event(1)
        )
        smooth = numpyro.sample("smooth", law.Normal(jnp.zeros(m), 1.0).to_event(1))
        alone = numpyro.sample("alone", law.Normal(jnp.zeros(m), 1.0).to_event(1))
        field = vector @ (smooth * jnp.exp(-0.5 * (z[0] + jnp.log(jnp.exp(z[1]) + value))))
        rate = model.columns @ beta + field + alone * jnp.sqrt(jnp.exp(z[2]) * model.own)
        numpyro.deterministic("rate", rate)
        mean = model.expected * jnp.exp(rate[model.segment])
        numpyro.sample("count", law.Poisson(mean), obs=model.count)

    kernel = numpyro.infer.NUTS(record, target_accept_prob=0.95)
    sampler = numpyro.infer.MCMC(
        kernel,
        num_warmup=warmup,
        num_samples=draws,
        num_chains=chains,
        chain_method="sequential",
        progress_bar=False,
    )
    sampler.run(jax.random.PRNGKey(seed), extra_fields=("diverging",))
    by_chain = np.asarray(sampler.get_samples(group_by_chain=True)["rate"], dtype=np.float64)
    r_hat = float(np.max(numpyro.diagnostics.split_gelman_rubin(by_chain)))
    return SampledPosterior(
        by_chain.reshape(-1, m), r_hat, float(np.mean(sampler.get_extra_fields()["diverging"]))
    )


def compare(
    case: SmallCase,
    seed: int,
    *,
    names: Sequence[str] = CANDIDATES,
    warmup: int,
    draws: int,
    chains: int,
) -> list[NutsRow]:
    """Return a row for the field alone and one for the field with flows, at the theta
    and local share that the product chose.
    """
    model = FieldFlow(case.table, season=False, masses=False, shape=np.inf)
    model.fit(*case.records, case.network)
    rows = []
    for candidate in (one for one in model.candidates_ if one.name in names):
        dense = dense_of(case, candidate)
        sampled = sample_posterior(dense, warmup=warmup, draws=draws, chains=chains, seed=seed)
        ours = candidate if candidate.unit_mean is not None else with_posterior(candidate)
        rows.append(_row(case, seed, ours, sampled))
    return rows


def dense_of(case: SmallCase, candidate: Candidate) -> DenseModel:
    """Return the dense model of a candidate with or without the flows of the prior table."""
    if not candidate.flows:
        return case.dense()
    column = candidate.latent.design.columns[:, -1]
    tried = [case.dense((candidate.theta, local)) for local in LOCAL_SHARES]
    return min(tried, key=lambda one: float(np.abs(one.columns[:, -1] - column).max()))


def _row(case: SmallCase, seed: int, ours: Candidate, sampled: SampledPosterior) -> NutsRow:
    low, middle, high = np.quantile(sampled.rates, [0.5 - LEVEL / 2, 0.5, 0.5 + LEVEL / 2], axis=0)
    off = np.abs(ours.mean - middle) / sampled.rates.std(axis=0)
    reach = float(ndtri(0.5 + LEVEL / 2)) * ours.sd
    widening = USUAL.widening_with_flows if ours.flows else USUAL.widening
    width = 2 * reach / (high - low)
    return NutsRow(
        seed,
        ours.name,
        case.network.n_segments,
        float(case.count.sum()),
        sampled.r_hat,
        sampled.diverged,
        float(np.median(off)),
        float(off.max()),
        float(np.median(width)),
        float(width.min()),
        *(
            float((np.abs(sampled.rates - ours.mean) <= factor * reach).mean())
            for factor in (1.0, widening)
        ),
    )


def run_nuts(
    seeds: range, *, names: Sequence[str] = CANDIDATES, warmup: int, draws: int, chains: int
) -> list[dict[str, Any]]:
    """Return the rows of small records, one for each of the candidates named, as dictionaries."""
    return [
        {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(row).items()
        }
        for seed in seeds
        for row in compare(
            small_case(4, seed), seed, names=names, warmup=warmup, draws=draws, chains=chains
        )
    ]
