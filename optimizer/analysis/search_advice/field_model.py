"""The risk model of a scenario for commands that need the joint uncertainty of all segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.risk.field_flow.model import FieldFlow

if TYPE_CHECKING:
    from optimizer.records.model import Seizures
    from optimizer.scenario.check.check import ScenarioEvidence


@dataclass(frozen=True)
class FieldModel:
    """A model with joint uncertainty.

    Attributes
    ----------
    model
        The scenario's own where it has joint uncertainty, else the default one.
    warnings
        What a reader must know.
    """

    model: FieldFlow
    warnings: tuple[str, ...]


def field_model(evidence: ScenarioEvidence) -> FieldModel:
    """Return the scenario's risk model, not fitted yet, if it has joint uncertainty; else the default model and a warning."""
    model = evidence.risk_model()
    if isinstance(model, FieldFlow):
        return FieldModel(model, evidence.warnings)
    remark = (
        f"The scenario's risk model, {evidence.scenario.risk.model}, has no joint uncertainty; field-flow is used here."
    )
    return FieldModel(FieldFlow(evidence.demand.prior()), (*evidence.warnings, remark))


def fitted_field_model(evidence: ScenarioEvidence) -> FieldModel:
    """Return the field model of a scenario, fitted to its records.

    Raises
    ------
    InputError
        If the scenario has no seizures, or no search effort.
    """
    if evidence.effort is None or not (evidence.effort.amount > 0).any():
        expected = "search effort, from which the expected seizures of a patrol are computed"
        raise InputError(Problem(f"{evidence.inputs[0]}, records.effort", "none", expected, "Add [[records.effort]]"))
    chosen = field_model(evidence)
    fitted = chosen.model.fit(seizures_of(evidence), evidence.effort, evidence.region.network)
    return FieldModel(fitted, (*chosen.warnings, *fitted.predict().warnings))


def seizures_of(evidence: ScenarioEvidence) -> Seizures:
    """Return the seizures of a scenario.

    Raises
    ------
    InputError
        If it names none.
    """
    if evidence.records is None:
        where = f"{evidence.inputs[0]}, records.seizures"
        raise InputError(Problem(where, "none", "at least one file", "Add [[records.seizures]]"))
    return evidence.records
