"""What can be set of the risk models with a field (`FieldFlow`): prior standard deviations, and by how much intervals are widened.

`--set risk.params.class_sd=0.5` on a command line, a table `[risk.params]` in a scenario, `FieldFlow(params=RiskParams(...))` in Python.
Factors of widening were chosen in simulated worlds (results/risk/model.md). A researcher may turn these numbers; planners need not. The report
lists them among its assumptions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from optimizer.base.params import Params

Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class RiskParams(Params):
    """Parameters of the field and of what flows explain; formulas in `optimizer.risk.field_flow.model_averaging`."""

    class_sd: Annotated[
        float,
        Field(
            gt=0,
            description="prior standard deviation of the log rate of a road class; at 1, two standard deviations are a factor of 7",
        ),
    ] = 1.0
    unit_sd: Annotated[
        float,
        Field(
            gt=0,
            description="prior standard deviation of the log level of detection of a unit of effort, relative to its own global rate",
        ),
    ] = 1.0
    across_classes: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="weight in the field of a pair of roads of unlike class that meet, over that of a pair of one class",
        ),
    ] = 0.3
    thetas: Annotated[
        tuple[Positive, ...],
        Field(
            min_length=1,
            description="preferences for short times that are tried, per second; drivers who are near to the shortest have large ones",
        ),
    ] = (1 / 30, 1 / 90, 1 / 300)
    flow_mean: Annotated[
        float,
        Field(
            description="prior mean of the exponent of flow; 1 is seizures in proportion to flow, unless the record says otherwise"
        ),
    ] = 1.0
    flow_sd: Annotated[float, Field(gt=0, description="prior standard deviation of that exponent")] = 0.5
    mass_sd: Annotated[
        float,
        Field(
            gt=0,
            description="prior standard deviation of the log mass of a gateway or settlement; at 1, one standard deviation is a factor of e",
        ),
    ] = 1.0
    most_masses: Annotated[
        int,
        Field(
            ge=1,
            description="gateways, and settlements, each the largest, whose masses are fitted; the others keep the prior's",
        ),
    ] = 16
    masses_up_to: Annotated[
        int,
        Field(
            ge=0,
            description="segments up to which masses are fitted unasked; beyond, they add half to the time of a fit (results/risk/model.md)",
        ),
    ] = 20_000
    alike_weight: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="prior weight of roads all alike beside models with flows, over theirs: traffic is known to prefer some roads",
        ),
    ] = 0.02
    widening: Annotated[
        float,
        Field(
            gt=0,
            description="factor on posterior standard deviations, so that 90 % intervals hold about as often in simulation as they promise",
        ),
    ] = 1.1
    widening_with_flows: Annotated[
        float,
        Field(
            gt=0,
            description="the same of models with flows, which do not know how unsure it is which of several roads is taken",
        ),
    ] = 1.3
    faulty_widening: Annotated[
        float,
        Field(
            gt=0,
            description="the same where seizures lie where nobody is recorded to have searched: the record has faults",
        ),
    ] = 1.1
    faults_sd: Annotated[
        float,
        Field(
            ge=0,
            description="standard deviation of log rates that such faults add, independently of the posterior's (results/risk/model.md)",
        ),
    ] = 1.2
    least_signal: Annotated[
        float,
        Field(
            ge=0,
            description="posterior probability that segments differ below which a record is said to hold no spatial signal",
        ),
    ] = 0.5


USUAL = RiskParams()
