"""Gravity on a scenario's terms: what each pair of a gateway and a settlement carries, before and after the record has spoken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.risk import OdTable
from optimizer.risk.demand import gateway_masses, gravity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.problem.places import Gateway, Settlement
    from optimizer.scenario.model import EvadersModel


@dataclass(frozen=True)
class Demand:
    """Where loads come from and go to.

    Attributes
    ----------
    terms
        What the scenario says of evaders.
    gateways, settlements
        Origins and destinations, at least one of each.
    hours
        (gateways, settlements) travel times; infinity where there is no way.
    """

    terms: EvadersModel
    gateways: tuple[Gateway, ...]
    settlements: tuple[Settlement, ...]
    hours: NDArray[np.float64]

    def shares(self, index: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (gateways, settlements) share of all loads on each pair.

        Parameters
        ----------
        index
            (gateways,) risk index at each gateway, >= 0.
        """
        masses = gateway_masses(
            self.gateways,
            np.where(np.isfinite(self.hours).any(axis=1), index, 0.0),
            {str(kind): share for kind, share in self.terms.shares.items()},
        )
        populations = np.array([place.population for place in self.settlements], dtype=np.float64)
        decay_hours = self.terms.decay_minutes / 60
        return gravity(masses, populations, self.hours, decay_hours=decay_hours, power=self.terms.population_power)

    def prior(self) -> OdTable:
        """Return the flows that gravity expects before any record, when each gateway is as risky as the next."""
        origins = np.array([gateway.node for gateway in self.gateways], dtype=np.int64)
        destinations = np.array([place.node for place in self.settlements], dtype=np.int64)
        return OdTable(origins, destinations, self.shares(np.ones(origins.size)))
