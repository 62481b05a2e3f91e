"""Risk models by the names that a scenario gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer import risk
from optimizer.base.text.language import marked
from optimizer.base.text.messages import message

if TYPE_CHECKING:
    from optimizer.risk import OdTable, RiskModel
    from optimizer.risk.params import RiskParams
    from optimizer.scenario.file.model import RiskName


@dataclass(frozen=True)
class RiskModelEntry:
    """A risk model that a scenario can choose."""

    #: What it estimates from, to be read after "Estimated from".
    description: str
    #: Makes one from the flows that gravity expects, the probability of the intervals,
    #: and parameters where the model has any.
    make: Callable[[OdTable, float, RiskParams], RiskModel]
    #: Returns the numbers in it that change what it estimates, as a phrase.
    numbers: Callable[[RiskParams], str]


def _field_numbers(params: RiskParams) -> str:
    from optimizer.risk.field_flow.model_averaging import HYPER_MEAN, HYPER_SD

    hyper = ", ".join(f"{mean:g} ({sd:g})" for mean, sd in zip(HYPER_MEAN, HYPER_SD, strict=True))
    return message(
        "prior standard deviations {of_class:g} of the log rate of a road class and {level:g} of"
        " the log level of a unit of effort; roads of unlike class that meet tell {across:g} of"
        " what those of one class tell; prior means (and standard deviations) of log tau, log kappa"
        " squared and log nugget {hyper}; posterior standard deviations widened by {widening:g}; in"
        " a record with seizures where no effort is recorded {faults:g} added to them independently"
        " and both widened by {faulty:g}, {excess:g} taken off the logarithms of intervals,"
        " {doubt:g} posterior standard deviations off the log index, and two simpler maps weighing"
        " up to {simpler:g} in it",
        of_class=params.class_sd,
        level=params.unit_sd,
        across=params.across_classes,
        hyper=hyper,
        widening=params.widening,
        faulty=params.faulty_widening,
        faults=params.faults_sd,
        excess=params.faults_excess,
        doubt=params.doubt,
        simpler=params.simpler,
    )


def _flow_numbers(params: RiskParams) -> str:
    tried = ", ".join(f"1/{1 / theta:.0f}" for theta in params.thetas)
    return message(
        "{field}, with flows by {widening:g}; preferences for short times that are tried {tried} a"
        " second; prior mean {mean:g} and standard deviation {sd:g} of the exponent of flow; prior"
        " standard deviation {mass:g} of the log mass of a gateway or settlement; prior weight of"
        " roads all alike {alike:g} of that of the other models",
        field=_field_numbers(params),
        widening=params.widening_with_flows,
        tried=tried,
        mean=params.flow_mean,
        sd=params.flow_sd,
        mass=params.mass_sd,
        alike=params.alike_weight,
    )


MODELS: Mapping[RiskName, RiskModelEntry] = {
    "field-flow": RiskModelEntry(
        marked(
            "seizures per unit of search effort on a road and on those that meet it, and from where"
            " loads would pass between gateways and settlements, as far as the record supports that"
        ),
        lambda flows, level, params: risk.FieldFlow(flows, level=level, params=params),
        _flow_numbers,
    ),
    "field": RiskModelEntry(
        marked("seizures per unit of search effort on a road and on those that meet it"),
        lambda _, level, params: risk.FieldFlow(level=level, params=params),
        _field_numbers,
    ),
}
"""The first is the default."""
