"""Risk models by the names that a scenario gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer import risk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optimizer.risk import OdTable, RiskModel
    from optimizer.scenario.model import RiskName


@dataclass(frozen=True)
class RiskModelEntry:
    """A risk model that a scenario can choose.

    Attributes
    ----------
    description
        What it estimates from, to be read after "Estimated from".
    make
        Makes one from the flows that gravity expects and the probability of the intervals.
    numbers
        Returns the numbers built into it that change what it estimates, as a phrase.
    """

    description: str
    make: Callable[[OdTable, float], RiskModel]
    numbers: Callable[[], str]


def _field_numbers() -> str:
    from optimizer.risk.field_flow.averaging import FAULTS_SD, WIDENING, WIDENING_FAULTY
    from optimizer.risk.field_flow.field import ACROSS_CLASSES
    from optimizer.risk.field_flow.latent import LEVEL_SD
    from optimizer.risk.field_flow.model_averaging import CLASS_PRIOR_SD, HYPER_MEAN, HYPER_SD

    hyper = ", ".join(f"{mean:g} ({sd:g})" for mean, sd in zip(HYPER_MEAN, HYPER_SD, strict=True))
    return (
        f"prior standard deviations {CLASS_PRIOR_SD:g} of the log rate of a road class and {LEVEL_SD:g} of the log level of a unit of effort; "
        f"roads of unlike class that meet tell {ACROSS_CLASSES:g} of what those of one class tell; prior means (and "
        f"standard deviations) of log tau, log kappa squared and log nugget {hyper}; posterior standard deviations widened by {WIDENING:g}, "
        f"and where seizures lie where no effort is recorded by {WIDENING_FAULTY:g} and, independently, to {FAULTS_SD:g} more"
    )


def _flow_numbers() -> str:
    from optimizer.risk.field_flow.averaging import WIDENING_WITH_FLOWS
    from optimizer.risk.field_flow.masses import MASS_SD
    from optimizer.risk.field_flow.model import THETAS
    from optimizer.risk.field_flow.model_averaging import ALIKE_BESIDE_FLOWS, FLOW_PRIOR

    tried = ", ".join(f"1/{1 / theta:.0f}" for theta in THETAS)
    return (
        f"{_field_numbers()}, with flows by {WIDENING_WITH_FLOWS:g}; preferences for short times that are tried {tried} a second; prior mean "
        f"{FLOW_PRIOR[0]:g} and standard deviation {FLOW_PRIOR[1]:g} of the exponent of flow; prior standard deviation {MASS_SD:g} of the "
        f"log mass of a gateway or settlement; prior weight of roads all alike {ALIKE_BESIDE_FLOWS:g} of that of the other models"
    )


def _shrunk_numbers() -> str:
    from optimizer.risk.rate import REACHES
    from optimizer.risk.shrinkage import SPREAD

    reaches, spread = (", ".join(f"{value:g}" for value in values) for values in (REACHES, SPREAD))
    return f"reaches that are tried {reaches} mean lengths of a segment; prior standard deviations of the log parameters {spread}"


def _regression_numbers() -> str:
    model = risk.FlowRegression()
    return f"preference for short times 1/{1 / model.theta:.0f} a second; prior standard deviation {model.ridge:g} of each coefficient"


def _plain_numbers() -> str:
    from optimizer.risk.baselines import HALF

    return f"{HALF:g} seizures on each road before any evidence"


def _density_numbers() -> str:
    return f"{_plain_numbers()}; seizures spread {risk.KernelDensity().reach_km:g} km along the roads"


MODELS: Mapping[RiskName, RiskModelEntry] = {
    "field-flow": RiskModelEntry(
        "seizures per unit of search effort on a road and on those that meet it, and from where loads would pass between gateways and "
        "settlements, as far as the record supports that",
        lambda flows, level: risk.FieldFlow(flows, level=level),
        _flow_numbers,
    ),
    "field": RiskModelEntry(
        "seizures per unit of search effort on a road and on those that meet it",
        lambda _, level: risk.FieldFlow(level=level),
        _field_numbers,
    ),
    "flow-regression": RiskModelEntry(
        "seizures per unit of search effort, explained by where loads would pass between gateways and settlements and by road class alone",
        lambda flows, level: risk.FlowRegression(flows, level=level),
        _regression_numbers,
    ),
    "shrunk": RiskModelEntry(
        "seizures per unit of search effort, shrunk along the network",
        lambda _, level: risk.ShrunkRate(level=level),
        _shrunk_numbers,
    ),
    "counts-over-effort": RiskModelEntry(
        "seizures over search effort, each segment by itself",
        lambda _, level: risk.CountsOverEffort(level=level),
        _plain_numbers,
    ),
    "kernel-density": RiskModelEntry(
        "seizures alone, spread along the roads, as if all roads had been searched alike",
        lambda _, level: risk.KernelDensity(level=level),
        _density_numbers,
    ),
    "raw-counts": RiskModelEntry(
        "seizures alone, as if all roads had been searched alike",
        lambda _, level: risk.RawCounts(level=level),
        _plain_numbers,
    ),
}
"""The first is the default; the last three are what is drawn today, to compare with."""
