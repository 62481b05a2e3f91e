"""What the report says of the records: the effort on each segment, and the facts that limit what the record can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.report.content import RecordFacts, UnitEffort
from optimizer.risk.evidence import KeepsEvidence, gather_evidence

if TYPE_CHECKING:
    from optimizer.records.exposure import Exposure
    from optimizer.records.model import Effort, Seizures
    from optimizer.risk.evidence import Evidence
    from optimizer.scenario.compile import Compiled


def evidence_of(compiled: Compiled) -> Evidence | None:
    """Return the evidence that the risk model was fitted to, gathered anew only where the model does not keep it; None without records."""
    if compiled.records is None:
        return None
    if isinstance(compiled.model, KeepsEvidence):
        return compiled.model.evidence_
    return gather_evidence(compiled.records, compiled.effort, compiled.region.network)


def known_effort(exposure: Exposure) -> tuple[UnitEffort, ...]:
    """Return the effort on every segment, unit by unit; none where none was recorded."""
    if not exposure.recorded:
        return ()
    return tuple(
        UnitEffort(unit=unit, amount=amount) for unit, amount in zip(exposure.units, exposure.amount, strict=True)
    )


def record_facts(records: Seizures, effort: Effort | None, evidence: Evidence) -> RecordFacts:
    """Return what must be known of the record to say what it cannot tell.

    Parameters
    ----------
    records, effort
        What the files say.
    evidence
        The two set against each other.
    """
    seizures = float(records.count.sum())
    known = effort is not None and len(effort) > 0
    return RecordFacts(
        seizures=seizures,
        without_effort=round(seizures - float(evidence.count.sum()), 6) if known else 0.0,
        area_only=round(sum(area.count for area in evidence.area_counts), 6),
        areas=len(np.unique(records.area[records.area >= 0])),
        seizure_sources=records.source_name,
        effort_sources=tuple(zip(effort.source_name, effort.unit, strict=True)) if effort is not None and known else (),
        effort_by_area=effort is not None and known and bool((effort.segment < 0).all()),
    )
