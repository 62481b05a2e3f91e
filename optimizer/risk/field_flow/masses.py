"""The candidate in which what each origin sends and each destination draws is fitted too.

    F = F(delta): pairs (o, d) times exp(delta_o + delta_d),      delta ~ N(0, MASS_SD^2)

made linear around the mode: d log (F + local) / d delta is the share of o (or d) in F + local. Around which point is found on the part of
the roads on which hyperparameters are fitted; the candidate itself has one column a mass on the whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.risk.field_flow.laplace import draw_points, find_mode
from optimizer.risk.field_flow.latent import Design, LatentPoint
from optimizer.risk.field_flow.model_averaging import candidate_at_mode, with_flow
from optimizer.risk.field_flow.subgraph import learning_subgraph, restrict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.risk.field_flow.flow import PathFlows
    from optimizer.risk.field_flow.model_averaging import Candidate, FittedFlow
    from optimizer.risk.od import OdTable

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MASS_SD = 1.0
MOST_MASSES = 16
"""Origins and destinations, each the largest, whose masses are fitted; the others keep the prior's."""
MASS_ROUNDS = 4


@dataclass(frozen=True)
class _Linear:
    """Around which point the masses' flow is made linear: (masses,) delta, and b1."""

    masses: Floats
    slope: float


def with_masses(plain: Candidate, base: Design, choice: FittedFlow) -> Candidate | None:
    """Return the candidate in which what origins send and destinations draw is fitted, at its mode; None where that is nothing.

    Parameters
    ----------
    plain
        The candidate with the flow of the prior table, at its mode.
    base
        Its covariates without the flow.
    choice
        The flow of the prior table.
    """
    movable = Masses.of(choice)
    if movable is None:
        return None
    p = base.columns.shape[1]
    beta = plain.mode.point.beta
    around = _Linear(np.zeros(movable.size), float(beta[p]))
    segments = learning_subgraph(plain.latent)
    small = restrict(plain.latent, segments)
    small_base = replace(base, columns=base.columns[segments], offset=base.offset[segments])
    whole = plain.mode.point
    here = LatentPoint(
        whole.u[segments], whole.v[segments], np.concatenate((beta[: p + 1], around.masses, beta[p + 1 :]))
    )
    for _ in range(MASS_ROUNDS):
        latent = replace(small, design=movable.design(small_base, around, segments))
        here = find_mode(latent, plain.hyper, here, close=1e-2, most=2).expansion.point
        found = here.beta[p + 1 : p + 1 + movable.size]
        moved = found - around.masses
        around = _Linear(around.masses + np.clip(moved, -1.5, 1.5), max(float(here.beta[p]), 0.05))
        here = replace(
            here, beta=np.concatenate((here.beta[: p + 1], around.masses, here.beta[p + 1 + movable.size :]))
        )
        if np.abs(moved).max() < 0.05:
            break
    table = choice.flows.table.with_weight(movable.weight(around.masses))
    latent = replace(plain.latent, design=movable.design(base, around))
    start = here if segments.size == whole.u.size else LatentPoint(whole.u, whole.v, here.beta)
    fitted = candidate_at_mode("field + flow, masses", latent, plain.hyper, start, plain.theta, table, plain.log_volume)
    return replace(fitted, masses=movable)


def draw_tables(
    candidates: Sequence[Candidate], weights: Floats, n: int, rng: np.random.Generator
) -> list[OdTable] | None:
    """Return n draws of the table from the average of the candidates; None where no candidate has masses fitted.

    The candidate with masses draws them from the normal distribution around its mode. That with the flows of the prior table takes it as
    right. Those without flows say nothing of the table: masses are drawn from their prior.
    """
    movable = next((one.masses for one in candidates if one.masses is not None), None)
    if movable is None:
        return None
    prior = movable.flows.table
    tables: list[OdTable] = []
    for one, count in zip(candidates, rng.multinomial(n, weights).tolist(), strict=True):
        if one.masses is not None:
            first = one.latent.design.columns.shape[1] - movable.size
            points = draw_points(one.latent, one.hyper, one.mode, count, rng) if count else []
            masses = [(one.mode.point.beta + point.beta)[first : first + movable.size] for point in points]
            tables += [prior.with_weight(movable.weight(drawn)) for drawn in masses]
        elif one.flows:
            tables += [prior] * count
        else:
            unknown = MASS_SD * rng.standard_normal((count, movable.size))
            tables += [prior.with_weight(movable.weight(drawn)) for drawn in unknown]
    return [tables[place] for place in rng.permutation(n)]


@dataclass(frozen=True)
class Masses:
    """The flow of a table whose masses can move.

    Attributes
    ----------
    flows, local
        The paths, and what passes everywhere over the mean flow.
    origins, destinations
        Whose masses move.
    mean, centre
        Mean of the prior flow, and of the logarithm of it over that and `local`: both of the whole.
    """

    flows: PathFlows
    local: float
    origins: Ints
    destinations: Ints
    mean: float
    centre: float

    @classmethod
    def of(cls, choice: FittedFlow) -> Masses | None:
        """Return the flow of a choice; None where there is nothing to move."""
        prior = choice.flows.table.shares()
        origins, destinations = _largest(prior.sum(axis=1)), _largest(prior.sum(axis=0))
        flow = choice.flows.net(prior).sum(axis=0)
        mean = float(flow.mean())
        if origins.size + destinations.size < 2 or mean <= 0:
            return None
        centre = float(np.log(flow / mean + choice.local).mean())
        return cls(choice.flows, choice.local, origins, destinations, mean, centre)

    @property
    def size(self) -> int:
        """How many masses there are."""
        return self.origins.size + self.destinations.size

    def weight(self, masses: Floats) -> Floats:
        """Return the (g, s) table under (size,) log masses."""
        prior = self.flows.table.shares()
        sent, drawn = np.zeros(prior.shape[0]), np.zeros(prior.shape[1])
        sent[self.origins], drawn[self.destinations] = masses[: self.origins.size], masses[self.origins.size :]
        return np.asarray(prior * np.exp(sent[:, None] + drawn))

    def design(self, base: Design, around: _Linear, segments: Ints | None = None) -> Design:
        """Return the covariates: those without flow, the flow, and one column a mass, on all or some segments."""
        thick, shares = self._parts(self.weight(around.masses), base.offset.size, segments)
        flowed = with_flow(base, np.log(thick) - self.centre)
        return Design(
            np.column_stack((flowed.columns, around.slope * shares)),
            np.concatenate((flowed.prior_mean, np.zeros(self.size))),
            np.concatenate((flowed.prior_sd, np.full(self.size, MASS_SD))),
            flowed.offset - around.slope * (shares @ around.masses),
        )

    def _parts(self, weight: Floats, m: int, segments: Ints | None) -> tuple[Floats, Floats]:
        """Return the (m,) flow over its mean and what passes everywhere, and the (m, size) share of each mass in it."""
        of_destination = np.zeros((m, self.destinations.size))
        of_origin = np.empty((m, weight.shape[0]))
        for g in range(len(weight)):
            part = self.flows.by_pair(g, weight, segments)
            of_origin[:, g] = part.sum(axis=1)
            of_destination += part[:, self.destinations]
        thick = of_origin.sum(axis=1) / self.mean + self.local
        return thick, np.column_stack((of_origin[:, self.origins], of_destination)) / self.mean / thick[:, None]


def _largest(mass: Floats) -> Ints:
    order = np.argsort(-mass, kind="stable")[:MOST_MASSES]
    return np.sort(order[mass[order] > 0])
