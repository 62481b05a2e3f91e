"""The record that a history leaves: what a risk model is given, right or with errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from optimizer.problem.network.geodesy import METRES_PER_DEGREE
from optimizer.problem.network.network import Network
from optimizer.records.model import Effort, Seizures
from optimizer.risk.simulation.searching import History
from optimizer.risk.simulation.settings import AS_IT_WAS, RecordSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST_MONTH = np.datetime64("2023-01", "M")
UNITS = ("searches", "checks")
"""Unit of each source."""


@dataclass(frozen=True, slots=True)
class ObservationModel:
    """Who writes it down, with errors."""

    #: What goes wrong.
    settings: RecordSettings
    #: The roads.
    network: Network
    #: Source of chance.
    rng: np.random.Generator

    def seizures(self, found: Floats) -> Floats:
        """Return (months, m) seizures as they are written down."""
        kept = self.rng.binomial(found.astype(np.int64), 1 - self.settings.missing_seizures)
        late = self.rng.binomial(kept, self.settings.late)
        written = kept - late
        written[1:] += late[:-1]
        return self._misplaced(written)

    def effort(self, effort: Floats) -> Floats:
        """Return (months, m) searches as they are written down: whole rows are missing."""
        kept = np.where(
            self.rng.random(effort.shape) < self.settings.missing_effort, 0.0, effort
        ).astype(np.int64)
        return self._misplaced(kept) if self.settings.effort_misplaced else kept.astype(np.float64)

    def _misplaced(self, number: Ints) -> Floats:
        """Return (months, m) numbers, each counted where a point somewhere on its
        segment with an error comes to lie.
        """
        if self.settings.place_error_m == 0:
            return number.astype(np.float64)
        month, segment = np.nonzero(number)
        month, segment = (np.repeat(at, number[month, segment]) for at in (month, segment))
        lines = self.network.lines[segment]
        at = shapely.line_interpolate_point(lines, self.rng.random(segment.size), normalized=True)
        point = shapely.get_coordinates(at)
        metres = self.settings.place_error_m * self.rng.standard_normal(point.shape)
        lat = point[:, 1] + metres[:, 1] / METRES_PER_DEGREE
        lon = point[:, 0] + metres[:, 0] / (METRES_PER_DEGREE * np.cos(np.radians(point[:, 1])))
        nearest, _ = self.network.nearest_segments(lon, lat)
        out = np.zeros(number.shape)
        np.add.at(out, (month, nearest), 1.0)
        return out


def as_records(
    history: History, observation: ObservationModel | None = None
) -> tuple[Seizures, Effort]:
    """Return what is written down of a history, month by month and source by source;
    without a observation everything is, and right.
    """
    found, effort = [history.found], [history.effort]
    if history.second is not None:
        found = [history.found - history.second.found, history.second.found]
        effort = [history.effort - history.second.effort, history.second.effort]
    if observation is not None and observation.settings != AS_IT_WAS:
        found = [observation.seizures(one) for one in found]
        effort = [observation.effort(one) for one in effort]
    return _finds(found), _searches(effort)


def _rows(at: NDArray[np.int64], source: NDArray[np.int64], sources: int) -> dict[str, object]:
    month = FIRST_MONTH + at[:, 0] * np.timedelta64(1, "M")
    return {
        "segment": at[:, 1].astype(np.int64),
        "area": np.full(len(at), -1, dtype=np.int64),
        "start": month.astype("datetime64[D]"),
        "end": (month + np.timedelta64(1, "M")).astype("datetime64[D]"),
        "source": source,
        "source_name": ("simulated", "simulated too")[:sources],
        "area_name": (),
        "area_segment": (),
        "unused": (),
        "warnings": (),
    }


@dataclass(frozen=True, slots=True)
class _Stacked:
    """Numbers of all sources, one row each: month and segment, source, and how many."""

    at: NDArray[np.int64]
    source: NDArray[np.int64]
    number: Floats


def _stacked(numbers: list[Floats]) -> _Stacked:
    places = [np.argwhere(one > 0) for one in numbers]
    counts = [one[at[:, 0], at[:, 1]] for one, at in zip(numbers, places, strict=True)]
    source = np.repeat(np.arange(len(numbers)), [len(at) for at in places])
    return _Stacked(np.concatenate(places), source, np.concatenate(counts))


def _finds(found: list[Floats]) -> Seizures:
    rows = _stacked(found)
    effort_unit = UNITS[: len(found)]
    return Seizures.counted(
        rows.number, **_rows(rows.at, rows.source, len(found)), effort_unit=effort_unit
    )


def _searches(effort: list[Floats]) -> Effort:
    rows = _stacked(effort)
    return Effort(
        **_rows(rows.at, rows.source, len(effort)),  # type: ignore[arg-type]  # fields of LocatedRecords by name
        amount=rows.number,
        unit=UNITS[: len(effort)],
    )
