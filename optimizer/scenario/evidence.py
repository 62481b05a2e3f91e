"""What a scenario's files know before anything is placed: region, records, search effort, who travels where, and the fitted risk model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files import existing_file
from optimizer.base.listener import SILENT, step
from optimizer.risk.demand import travel_hours
from optimizer.scenario.demand import Demand
from optimizer.scenario.model import read_scenario
from optimizer.scenario.region_source import obtain_region
from optimizer.scenario.risk_model import MODELS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.base.listener import Listener
    from optimizer.problem.network import Network
    from optimizer.problem.places import Gateway, Settlement
    from optimizer.records import Effort, Seizures
    from optimizer.region.model import Region
    from optimizer.risk import RiskModel
    from optimizer.scenario.model import ScenarioModel


@dataclass(frozen=True)
class ScenarioEvidence:
    """What a scenario's files know.

    Attributes
    ----------
    scenario
        The file.
    region
        Roads and places.
    demand
        Where loads come from and go to: the gateways and settlements that evaders use, and what gravity expects between them.
    records, effort
        What the files say; None where the scenario names none.
    inputs
        Every file that was read, the scenario first.
    warnings
        Sentences for the planner.
    skipped
        Ids of the settlements that no gateway reaches.
    """

    scenario: ScenarioModel
    region: Region
    demand: Demand
    records: Seizures | None
    effort: Effort | None
    inputs: tuple[Path, ...]
    warnings: tuple[str, ...]
    skipped: tuple[str, ...] = ()

    def risk_model(self) -> RiskModel:
        """Return the risk model that the scenario chooses, fitted to nothing yet."""
        terms = self.scenario.risk
        return MODELS[terms.model].make(self.demand.prior(), terms.interval)


def read_evidence(path: Path) -> ScenarioEvidence:
    """Read a scenario file and what it names of region and records.

    Parameters
    ----------
    path
        The TOML file; paths in it are relative to its folder.

    Raises
    ------
    InputError
        With every problem of the file at fault.
    """
    return gather(read_scenario(path), path)


def gather(scenario: ScenarioModel, path: Path, *, listener: Listener = SILENT) -> ScenarioEvidence:
    """Read what a scenario names of region and records; parameters and errors as in `read_evidence`.

    `listener` is told of each step.
    """
    _check_files(scenario, path)
    with step(listener, "reading the network"):
        region, inputs = obtain_region(scenario.region, path)
    with step(listener, "reading the records"):
        records, effort, files = _records(scenario, path, region.network)
    gateways, settlements = _ends(scenario, region, path)
    hours = travel_hours(region.network, gateways, settlements)
    warnings: list[str] = []
    skipped = _check_reach(gateways, settlements, hours, scenario.evaders.unreachable, str(path), warnings)
    demand = Demand(scenario.evaders, gateways, settlements, hours)
    with np.errstate(divide="ignore", invalid="ignore"):
        check_loads(demand.prior().weight, 0.0, str(path))
    return ScenarioEvidence(
        scenario, region, demand, records, effort, (path, *inputs, *files), tuple(warnings), skipped
    )


def _check_files(scenario: ScenarioModel, path: Path) -> None:
    """Check that every file the scenario names is there, before any is read.

    Raises
    ------
    InputError
        Naming each that is missing.
    """
    region = scenario.region
    named = [(source.file, "records") for source in (*scenario.records.seizures, *scenario.records.effort)]
    named += [
        (file, what)
        for file, what in ((region.network, "a network"), (region.areas, "areas"), (scenario.sites.file, "sites"))
        if file
    ]
    problems = ProblemList()
    for file, what in dict(named).items():
        try:
            existing_file(path.parent / file, what)
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()


def _records(
    scenario: ScenarioModel, path: Path, network: Network
) -> tuple[Seizures | None, Effort | None, list[Path]]:
    from optimizer.records import load_areas, read_effort, read_seizures

    folder = path.parent
    files = [folder / source.file for source in (*scenario.records.seizures, *scenario.records.effort)]
    areas_file = scenario.region.areas
    areas = load_areas(folder / areas_file) if areas_file is not None else ()
    if areas_file is not None:
        files.append(folder / areas_file)
    records = (
        read_seizures(scenario.records.seizures, network, areas, folder=folder) if scenario.records.seizures else None
    )
    effort = read_effort(scenario.records.effort, network, areas, folder=folder) if scenario.records.effort else None
    return records, effort, files


def check_loads(shares: NDArray[np.float64], smallest: float, where: str) -> None:
    """Refuse terms under which no load sets out or none arrives: shares for kinds of gateway that are not there, a pull that ends at once."""
    if not (shares > smallest).any():
        raise InputError(
            Problem(
                f"{where}, evaders",
                f"no pair of a gateway and a settlement with more than a share of {smallest:g} of all loads",
                "loads between some",
                "Look at shares, decay_minutes and smallest_share",
            )
        )


def _ends(scenario: ScenarioModel, region: Region, path: Path) -> tuple[tuple[Gateway, ...], tuple[Settlement, ...]]:
    """Return the gateways of the kinds asked for and the settlements on the defended side."""
    gateways = tuple(g for g in region.gateways if g.kind in scenario.evaders.gateways)
    settlements = tuple(s for s in region.settlements if s.domestic)
    problems = ProblemList()
    if not gateways:
        kinds = Counter(g.kind for g in region.gateways)
        found = ", ".join(f"{n} of kind {k}" for k, n in kinds.items()) or "none"
        problems.add(f"{path}, evaders.gateways", found, f"a gateway of kind {' or '.join(scenario.evaders.gateways)}")
    if not settlements:
        problems.add(
            f"{path}, region",
            "no settlement on the defended side",
            "at least one destination",
            "Check border and modes",
        )
    problems.raise_if_any()
    return gateways, settlements


def _check_reach(
    gateways: Sequence[Gateway],
    settlements: Sequence[Settlement],
    hours: NDArray[np.float64],
    unreachable: str,
    where: str,
    warnings: list[str],
) -> tuple[str, ...]:
    """Refuse, or mention, destinations that no gateway reaches, and return their ids; gateways that lead out only are mentioned."""
    open_way = np.isfinite(hours)
    arrives: list[bool] = np.asarray(open_way.any(axis=0)).tolist()
    leaves: list[bool] = np.asarray(open_way.any(axis=1)).tolist()
    lost = [s.name or s.id for s, reached in zip(settlements, arrives, strict=True) if not reached]
    shut = [g.name or g.id for g, reaches in zip(gateways, leaves, strict=True) if not reaches]
    if lost and (unreachable == "error" or len(lost) == len(settlements)):
        others = (
            "" if len(lost) == len(settlements) else ', set evaders.unreachable = "skip", or give --skip-unreachable'
        )
        raise InputError(
            Problem(
                f"{where}, evaders",
                f"no road from any gateway to {listed(lost)}",
                "destinations that can be reached",
                "Add modes or mend the network" + others,
            )
        )
    if lost:
        warnings.append(f"No road leads from any gateway to {listed(lost)}: left out.")
    if shut:
        warnings.append(f"No road leads inward from {listed(shut)}: no evader enters there.")
    return tuple(s.id for s, reached in zip(settlements, arrives, strict=True) if not reached)


def listed(names: Sequence[str]) -> str:
    """Return the first few names for a sentence, and how many more there are."""
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
