"""What can be set of the risk models with a field (`FieldFlow`): prior standard
deviations, and by how much intervals are widened.

`--set risk.params.class_sd=0.5` on a command line, a table `[risk.params]` in a
scenario, `FieldFlow(params=RiskParams(...))` in Python. Factors of widening were chosen
in simulated worlds (results/risk/model.md). A researcher may turn these numbers;
planners need not. The report lists them among its assumptions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat

from optimizer.base.params import Params
from optimizer.base.schema import Count, Share


@dataclass(frozen=True)
class RiskParams(Params):
    """Parameters of the field and of what flows explain; formulas in
    `optimizer.risk.field_flow.model_averaging`.
    """

    class_sd: PositiveFloat = 1.0
    """prior standard deviation of the log rate of a road class; at 1, two standard
    deviations are a factor of 7
    """
    unit_sd: PositiveFloat = 1.0
    """prior standard deviation of the log level of detection of a unit of effort,
    relative to its own global rate
    """
    across_classes: Share = 0.3
    """weight in the field of a pair of roads of unlike class that meet, over that of a
    pair of one class
    """
    thetas: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = (1 / 30, 1 / 90, 1 / 300)
    """preferences for short times that are tried, per second; drivers who are near to
    the shortest have large ones
    """
    flow_mean: float = 1.0
    """prior mean of the exponent of flow; 1 is seizures in proportion to flow, unless
    the record says otherwise
    """
    flow_sd: PositiveFloat = 0.5
    """prior standard deviation of that exponent"""
    mass_sd: PositiveFloat = 1.0
    """prior standard deviation of the log mass of a gateway or settlement; at 1, one
    standard deviation is a factor of e
    """
    most_masses: Count = 16
    """gateways, and settlements, each the largest, whose masses are fitted; the others
    keep the prior's
    """
    masses_up_to: NonNegativeInt = 20_000
    """segments up to which masses are fitted unasked; beyond, they add half to the time
    of a fit (results/risk/model.md)
    """
    alike_weight: Share = 0.02
    """prior weight of roads all alike beside models with flows, over theirs: traffic is
    known to prefer some roads
    """
    widening: PositiveFloat = 1.1
    """factor on posterior standard deviations, so that 90 % intervals hold about as
    often in simulation as they promise
    """
    widening_with_flows: PositiveFloat = 1.3
    """the same of models with flows, which do not know how unsure it is which of
    several roads is taken
    """
    faulty_widening: PositiveFloat = 1.4
    """the same where seizures lie where nobody is recorded to have searched, of
    posterior and faults together: the record has faults
    """
    faults_sd: NonNegativeFloat = 0.6
    """standard deviation of log rates that such faults add, independently of the
    posterior's (results/risk/model.md)
    """
    faults_excess: Annotated[float, Field(ge=-3, le=3)] = 0.4
    """by how much the log index of such a record is too high on the whole: intervals
    lie so much lower (results/risk/model.md)
    """
    doubt: NonNegativeFloat = 1.5
    """what is taken off a segment's log index in such a record for each posterior
    standard deviation that it is less sure of than where is searched
    """
    simpler: Annotated[float, Field(ge=0, le=1)] = 0.2
    """weight of two simpler maps, the shrunk rate and kernel density, in the index of
    such a record where flows explain nothing of it
    """
    least_signal: NonNegativeFloat = 0.5
    """posterior probability that segments differ below which a record is said to hold
    no spatial signal
    """


USUAL = RiskParams()
