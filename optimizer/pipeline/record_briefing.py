"""The report's section on the records: risk and effort on each segment, what the record cannot tell, and rows that were not used."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.language import gettext as _
from optimizer.base.said import translated
from optimizer.report.content import CountRow, RecordFacts, SegmentRisk, UnitEffort
from optimizer.risk.evidence import KeepsEvidence, gather_evidence
from optimizer.scenario.risk_model import MODELS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.records.exposure import Exposure
    from optimizer.records.model import Effort, Seizures
    from optimizer.risk.evidence import Evidence
    from optimizer.scenario.compile import Compiled

EXAMPLES = 3
"""Rows that are named for each reason."""


def fitted_evidence(compiled: Compiled) -> Evidence | None:
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
    """Return the facts of the record that limit what can be concluded from it.

    Parameters
    ----------
    records, effort
        The records that were read.
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


def segment_risk(compiled: Compiled, evidence: Evidence | None) -> SegmentRisk | None:
    """Return the risk of every segment with the effort behind it; None without records."""
    risk = compiled.risk
    if risk is None or evidence is None:
        return None
    return SegmentRisk(
        median=risk.median,
        low=risk.low,
        high=risk.high,
        searched=risk.searched,
        unit=_("finds per effort (1 = average)"),
        interval=risk.level,
        efforts=known_effort(evidence.exposure),
        average=1.0,
        how=_(MODELS[compiled.scenario.risk.model].description),
    )


def unused_rows(compiled: Compiled) -> tuple[CountRow, ...]:
    """Return the records that were not used, by reason."""
    records = [item for part in (compiled.records, compiled.effort) if part is not None for item in part.unused]
    example = _("{file} row {row}")
    return counted((item.reason, example.format(file=item.file, row=item.row)) for item in records)


def counted(items: Iterable[tuple[str, str]]) -> tuple[CountRow, ...]:
    """Return how many things share each reason, with the first few of them."""
    listed = list(items)
    counts = Counter(reason for reason, _ in listed)
    return tuple(
        CountRow(
            reason=_(translated(reason)),
            count=count,
            examples=tuple(what for r, what in listed if r == reason)[:EXAMPLES],
        )
        for reason, count in counts.most_common()
    )
