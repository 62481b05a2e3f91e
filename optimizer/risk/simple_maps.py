"""Maps that are drawn today, behind the interface of a risk model.

RawCounts        seizures, as if everybody had looked everywhere alike
KernelDensity    the same, spread along the roads
CountsOverEffort seizures over effort, segment by segment
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from optimizer.records.model import Effort, Seizures
from optimizer.risk.estimate import GammaModel
from optimizer.risk.evidence import Evidence, gather_evidence
from optimizer.risk.location_error import fit_location_error
from optimizer.risk.shrunk_rate import walk

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network

Floats = NDArray[np.float64]


HALF = 0.5
"""Seizures that stand before any evidence, as in Jeffreys's prior for a Poisson's rate."""


@dataclass(frozen=True)
class _Counts:
    """By segment: (m,) seizures, and (m,) expected seizures as a baseline sees them."""

    count: Floats
    expected: Floats


class _Baseline(GammaModel):
    """A Gamma posterior with half a seizure before the evidence.

    Parameters
    ----------
    level
        Probability of the interval, in (0, 1).
    """

    def __init__(self, *, level: float = 0.9) -> None:
        self.level = level

    def fit(self, records: Seizures, effort: Effort | None, network: Network) -> Self:
        """Set seizures against what this model takes for effort.

        Raises
        ------
        InputError
            If seizures cannot be assigned to one unit of effort.
        """
        self._network = network
        self.evidence_ = fit_location_error(
            gather_evidence(records, effort, network), records, network
        )
        counts = self._seen(self.evidence_)
        self.shape_, self.rate_ = HALF + counts.count, HALF + counts.expected
        return self

    def _seen(self, evidence: Evidence) -> _Counts:
        raise NotImplementedError


class RawCounts(_Baseline):
    """Seizures, as if every segment had been searched alike: the hot-spot map that is
    an effort map.
    """

    def _seen(self, evidence: Evidence) -> _Counts:
        return _Counts(evidence.count, np.full(evidence.count.size, evidence.expected.mean()))


class CountsOverEffort(_Baseline):
    """Seizures over effort; where nobody searched, the rate of the whole."""

    def _seen(self, evidence: Evidence) -> _Counts:
        return _Counts(evidence.count, evidence.expected)


class KernelDensity(_Baseline):
    """Seizures spread along the roads by an exponential kernel, per kilometre of road.

    Parameters
    ----------
    reach_km
        Over which the kernel falls by a factor e on one long road, > 0.
    level
        Probability of the interval, in (0, 1).
    """

    def __init__(self, reach_km: float = 1.0, *, level: float = 0.9) -> None:
        super().__init__(level=level)
        self.reach_km = reach_km

    def _seen(self, evidence: Evidence) -> _Counts:
        length = self._network.length_m[self._network.segment_arc]
        kernel = walk(self._network, self.reach_km)
        around = np.maximum(kernel.gathered(np.column_stack((evidence.count, length))), 0)
        return _Counts(around[:, 0], around[:, 1] * evidence.expected.sum() / length.sum())
