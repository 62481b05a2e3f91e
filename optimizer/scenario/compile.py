"""From a scenario to an instance: region, records, risk, demand, sites, in that order, each step's leftovers kept for the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.demand import habitual_routes, travel_hours
from optimizer.errors import InputError, Problem, ProblemList
from optimizer.evaders import Evader
from optimizer.files import existing_file
from optimizer.instance import Instance
from optimizer.instance_file import check_evaders
from optimizer.scenario.candidates import crossing_sites, road_sites
from optimizer.scenario.demand import Demand
from optimizer.scenario.gateway_risk import gateway_index
from optimizer.scenario.model import ScenarioModel, SolveModel, read_scenario
from optimizer.scenario.options import check_definitions, compile_options
from optimizer.scenario.region_source import obtain_region
from optimizer.scenario.risk_model import MODELS
from optimizer.scenario.sites import PlacedSite, place_sites, read_sites
from optimizer.schema import validated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from optimizer.network import Network
    from optimizer.places import Gateway, Settlement
    from optimizer.region.model import Region
    from optimizer.risk.estimate import RiskEstimate
    from optimizer.risk.records import Effort, Records
    from optimizer.scenario.model import RiskModel


DOUBTFUL_M = 100.0
"""Metres from which on a site's road is named for a second look: more than a survey's or a map reader's error."""


@dataclass(frozen=True)
class Pair:
    """Where an evader enters and where it goes, by position in the gateways and settlements of `Compiled`."""

    gateway: int
    settlement: int


@dataclass(frozen=True)
class Compiled:
    """A scenario made ready to solve.

    Attributes
    ----------
    scenario
        The file.
    region
        Roads and places.
    gateways, settlements
        Those that evaders use.
    records, effort
        What the files say; None where the scenario names none.
    risk
        Rate of every segment; None without records.
    instance
        The problem; its arcs are the network's, in the same order.
    pairs
        One for each evader of the instance.
    sites
        One for each option of the instance.
    inputs
        Every file that was read.
    warnings
        Sentences for the planner.
    skipped
        Ids of the settlements that no gateway reaches, which have no evader.
    """

    scenario: ScenarioModel
    region: Region
    gateways: tuple[Gateway, ...]
    settlements: tuple[Settlement, ...]
    records: Records | None
    effort: Effort | None
    risk: RiskEstimate | None
    instance: Instance
    pairs: tuple[Pair, ...]
    sites: tuple[PlacedSite, ...]
    inputs: tuple[Path, ...]
    warnings: tuple[str, ...]
    skipped: tuple[str, ...] = ()


def compile_scenario(
    path: Path,
    *,
    solve: Mapping[str, object] | None = None,
    skip_unreachable: bool = False,
    on_step: Callable[[str], None] = lambda _: None,
) -> Compiled:
    """Read a scenario file and everything it names, and build its instance.

    Parameters
    ----------
    path
        The TOML file; paths in it are relative to its folder.
    solve
        Fields of `[solve]` to take in place of the scenario's.
    skip_unreachable
        Leave out destinations that no gateway reaches, whatever the scenario says under `[evaders] unreachable`.
    on_step
        Called with the name of each step as it begins.

    Raises
    ------
    InputError
        With every problem of the file at fault.
    """
    scenario = read_scenario(path)
    if solve:
        wanted = validated(SolveModel, scenario.solve.model_dump() | dict(solve), "options")
        scenario = scenario.model_copy(update={"solve": wanted})
    if skip_unreachable:
        evaders_model = scenario.evaders.model_copy(update={"unreachable": "skip"})
        scenario = scenario.model_copy(update={"evaders": evaders_model})
    check_definitions(scenario, str(path))
    _check_files(scenario, path)
    on_step("reading the network")
    region, inputs = obtain_region(scenario.region, path)
    warnings: list[str] = []
    on_step("reading the records")
    records, effort, files = _records(scenario, path, region.network)
    inputs += files
    on_step("estimating risk")
    gateways, settlements = _ends(scenario, region, path)
    hours = travel_hours(region.network, gateways, settlements)
    skipped = _check_reach(gateways, settlements, hours, scenario.evaders.unreachable, str(path), warnings)
    demand = Demand(scenario.evaders, gateways, settlements, hours)
    with np.errstate(divide="ignore", invalid="ignore"):
        _check_loads(demand.prior().weight, 0.0, str(path))
    risk, index = _risk(scenario.risk, records, effort, region.network, demand, warnings)
    shares = demand.shares(index)
    _check_loads(shares, scenario.evaders.smallest_share, str(path))
    on_step("choosing routes")
    cost = background_cost(region.network, scenario)
    evaders, pairs = _evaders(scenario, region.network, cost, shares, (gateways, settlements))
    on_step("placing sites")
    sites, files = _sites(scenario, path, region, (evaders, settlements), cost)
    inputs += files
    options, resources = compile_options(sites, scenario, region.network, str(path))
    site_of = {site.site.id: site for site in sites}
    network = region.network
    instance = Instance(
        name=scenario.name,
        node_id=network.node_id,
        tail=network.tail,
        head=network.head,
        reliability=np.exp(-cost),
        evaders=evaders,
        options=options,
        resources=resources,
        exclusions=_exclusions(scenario, [option.site for option in options], str(path)),
        lonlat=np.column_stack((network.lon, network.lat)),
    )
    check_evaders(instance, str(path))
    warnings.extend(_doubtful_places(sites, network))
    if not options:
        warnings.append("The scenario offers no site: nothing can be placed.")
    return Compiled(
        scenario,
        region,
        gateways,
        settlements,
        records,
        effort,
        risk,
        instance,
        pairs,
        tuple(site_of[option.site] for option in options),
        (path, *inputs),
        tuple(warnings),
        skipped,
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


def background_cost(network: Network, scenario: ScenarioModel) -> NDArray[np.float64]:
    """Return the (m,) generalised cost of each arc, -ln r_a: hazard by time and by length, and the inspections of its road class."""
    background = scenario.background
    cost = background.per_hour * network.time_s / 3600 + background.per_km * network.length_m / 1000
    for road_class, chance in background.by_class.items():
        cost = cost + np.where(network.road_class == road_class, -np.log1p(-chance), 0.0)
    return np.asarray(cost)


def _records(scenario: ScenarioModel, path: Path, network: Network) -> tuple[Records | None, Effort | None, list[Path]]:
    from optimizer.risk import load_areas, read_effort, read_seizures

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


def _check_loads(shares: NDArray[np.float64], smallest: float, where: str) -> None:
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


def _risk(
    model: RiskModel,
    records: Records | None,
    effort: Effort | None,
    network: Network,
    demand: Demand,
    warnings: list[str],
) -> tuple[RiskEstimate | None, NDArray[np.float64]]:
    """Return the rate of every segment, and the (gateways,) risk index at each gateway: 1 without a record."""
    if records is None:
        warnings.append(
            "The scenario names no seizure record: evaders' weights rest on gateways and populations alone."
        )
        return None, np.ones(len(demand.gateways))
    fitted = MODELS[model.model].make(demand.prior(), model.interval).fit(records, effort, network)
    estimate = fitted.predict()
    warnings.extend(estimate.warnings)
    return estimate, gateway_index(fitted, estimate, network, demand.gateways)


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


def _evaders(
    scenario: ScenarioModel,
    network: Network,
    cost: NDArray[np.float64],
    shares: NDArray[np.float64],
    ends: tuple[tuple[Gateway, ...], tuple[Settlement, ...]],
) -> tuple[tuple[Evader, ...], tuple[Pair, ...]]:
    """Return the evaders of every gateway and settlement, informed and habitual, for the (gateways, settlements) shares of all loads."""
    (gateways, settlements), model = ends, scenario.evaders
    loads = np.where(shares >= max(model.smallest_share, np.finfo(np.float64).tiny), shares, 0.0)
    loads *= model.loads / loads.sum()
    rng = np.random.default_rng(scenario.solve.seed)
    evaders: list[Evader] = []
    pairs: list[Pair] = []
    for g, gateway in enumerate(gateways):
        met = [s for s in np.flatnonzero(loads[g]).tolist() if settlements[s].node != gateway.node]
        habits = (
            habitual_routes(
                network,
                cost,
                gateway.node,
                [settlements[s].node for s in met],
                draws=model.habitual_draws,
                spread=model.habitual_spread,
                rng=rng,
            )
            if model.habitual_share > 0
            else [()] * len(met)
        )
        for s, routes in zip(met, habits, strict=True):
            for name, share, kept in (
                ("informed", 1 - model.habitual_share, ()),
                ("habitual", model.habitual_share, routes),
            ):
                if share > 0:
                    ids = f"{gateway.id} > {settlements[s].id}, {name}"
                    evaders.append(Evader(ids, gateway.node, settlements[s].node, float(share * loads[g, s]), kept))
                    pairs.append(Pair(g, s))
    return tuple(evaders), tuple(pairs)


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
                f"no road from any gateway to {_listed(lost)}",
                "destinations that can be reached",
                "Add modes or mend the network" + others,
            )
        )
    if lost:
        warnings.append(f"No road leads from any gateway to {_listed(lost)}: left out.")
    if shut:
        warnings.append(f"No road leads inward from {_listed(shut)}: no evader enters there.")
    return tuple(s.id for s, reached in zip(settlements, arrives, strict=True) if not reached)


def _sites(
    scenario: ScenarioModel,
    path: Path,
    region: Region,
    demand: tuple[tuple[Evader, ...], tuple[Settlement, ...]],
    cost: NDArray[np.float64],
) -> tuple[list[PlacedSite], list[Path]]:
    """Return the sites of the scenario, of its CSV, of the crossings and of the most travelled roads."""
    files = [path.parent / scenario.sites.file] if scenario.sites.file is not None else []
    given = [(site, str(path)) for site in scenario.site]
    given += [(site, str(file)) for file in files for site in read_sites(file, scenario.sites.columns)]
    placed = place_sites(given, region.network, scenario.sites.max_distance_m)
    evaders, settlements = demand
    placed += crossing_sites(scenario.sites, region, [s.node for s in settlements])
    placed += road_sites(scenario.sites, region.network, evaders, np.exp(-cost), taken=placed)
    return placed, files


def _doubtful_places(sites: Sequence[PlacedSite], network: Network) -> list[str]:
    """Return a sentence for the sites that lie far from the road they were put on: they may stand on the wrong one."""
    far = [
        f"{item.site.label or item.site.id} ({item.distance_m:.0f} m from {road})"
        for item in sites
        if item.distance_m > DOUBTFUL_M
        for arc in [network.segment_arc[item.segment]]
        for road in [str(network.name[arc]) or f"a road of class {network.road_class[arc]}"]
    ]
    return (
        [f"Some sites lie off the road they were put on; check that it is the right one: {_listed(far)}."]
        if far
        else []
    )


def _exclusions(scenario: ScenarioModel, site_of_option: list[str], where: str) -> tuple[tuple[int, ...], ...]:
    problems = ProblemList()
    known = set(site_of_option)
    for position, group in enumerate(scenario.exclusions):
        for site in group:
            if site not in known:
                problems.add(f"{where}, exclusions[{position}]", repr(site), "the id of a site")
    problems.raise_if_any()
    return tuple(tuple(j for j, site in enumerate(site_of_option) if site in group) for group in scenario.exclusions)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
