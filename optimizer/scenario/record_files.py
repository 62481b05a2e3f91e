"""The files of records that a scenario names: seizures, search effort and tips, read with the faults of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.said import said, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from optimizer.base.errors import ProblemList
    from optimizer.problem.network import Network
    from optimizer.records import Effort, Seizures
    from optimizer.records.areas import Area
    from optimizer.records.sources import EffortSource, SeizureSource
    from optimizer.records.tips import Tips

MOST_EMPTY = 0.1
"""Share of the areas that may hold no road before that is remarked on."""


@dataclass(frozen=True)
class RecordFiles:
    """Files that exist: sources of seizures and effort, the file of tips, and the folder that the sources' paths count from."""

    seizures: Sequence[SeizureSource]
    effort: Sequence[EffortSource]
    tips: Path | None
    folder: Path


@dataclass(frozen=True)
class ScenarioRecords:
    """What the files say; None where there is no file, or where it cannot be read. Remarks are for the planner."""

    seizures: Seizures | None = None
    effort: Effort | None = None
    tips: Tips | None = None
    remarks: tuple[str, ...] = ()


def read_records(
    files: RecordFiles, areas: Sequence[Area], areas_file: str, network: Network, problems: ProblemList
) -> ScenarioRecords:
    """Return the records, and note the faults of all their files.

    Parameters
    ----------
    files
        The files.
    areas, areas_file
        Areas that records may name, and where they come from.
    network
        The roads.
    problems
        Receives the faults.
    """
    from optimizer.records import read_effort, read_seizures
    from optimizer.records.tips import read_tips

    empty = [area.name for area in areas if not area.segments(network).size]
    remarks: tuple[str, ...] = ()
    if empty and len(empty) == len(areas):
        found = f"no area that holds a road of the network: {shortened(empty)}"
        problems.add(areas_file, found, "areas on the roads of this region", "Check that the file is of this region")
    elif len(empty) > MOST_EMPTY * len(areas):
        remarks = (
            said(
                "{count} of {areas} areas hold no road of the network: {names}.",
                count=len(empty),
                areas=len(areas),
                names=shortened(empty),
            ),
        )
    seizures: Seizures | None = None
    effort: Effort | None = None
    tips: Tips | None = None
    with problems.collected():
        seizures = read_seizures(files.seizures, network, areas, folder=files.folder) if files.seizures else None
    with problems.collected():
        effort = read_effort(files.effort, network, areas, folder=files.folder) if files.effort else None
    with problems.collected():
        tips = read_tips(files.tips) if files.tips is not None else None
    return ScenarioRecords(seizures, effort, tips, (*remarks, *(() if tips is None else tips.remarks)))
