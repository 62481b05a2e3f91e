"""The record that a history leaves: what a risk model is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.records.model import Effort, Seizures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from optimizer.risk.simulation.searching import History

    Floats = NDArray[np.float64]

FIRST_MONTH = np.datetime64("2023-01", "M")


def as_records(history: History) -> tuple[Seizures, Effort]:
    """Return what the record of a history shows: every seizure, and the effort that was written down, month by month."""
    return _finds(history.found), _searches(history.effort)


def _rows(at: NDArray[np.int64]) -> dict[str, object]:
    month = FIRST_MONTH + at[:, 0]
    return {
        "segment": at[:, 1].astype(np.int64),
        "area": np.full(len(at), -1, dtype=np.int64),
        "start": month.astype("datetime64[D]"),
        "end": (month + 1).astype("datetime64[D]"),
        "source": np.zeros(len(at), dtype=np.int64),
        "source_name": ("simulated",),
        "area_name": (),
        "area_segment": (),
        "unused": (),
        "warnings": (),
    }


def _finds(found: Floats) -> Seizures:
    at = np.argwhere(found > 0)
    return Seizures(
        **_rows(at),  # type: ignore[arg-type]  # fields of LocatedRecords by name
        count=found[at[:, 0], at[:, 1]],
        quantity_kg=np.full(len(at), np.nan),
        drug=np.full(len(at), ""),
        effort_unit=("searches",),
    )


def _searches(effort: Floats) -> Effort:
    at = np.argwhere(effort > 0)
    return Effort(**_rows(at), amount=effort[at[:, 0], at[:, 1]], unit=("searches",))  # type: ignore[arg-type]  # as above
