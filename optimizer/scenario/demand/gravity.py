"""Gravity on a scenario's terms: the share of all loads on each pair of a gateway and a
settlement, before and after records count.

A gateway's loads are its exposure times its risk index. The index of a model that
explains seizures by flows contains the exposure already: the flows it starts from are
proportional to exposure. What those flows explain, b1 log F, is therefore taken out
first. Otherwise exposure would count twice, and of two bridges the larger would gain on
the smaller without any seizure that distinguishes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.text.messages import joined, message, shortened
from optimizer.base.text.names import unknown_name
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.places import Gateway, Settlement, with_unique_labels
from optimizer.region.model import Region, border_warnings
from optimizer.risk import OdTable, RiskEstimate, RiskModel
from optimizer.risk.demand import gateway_masses, gravity, travel_hours
from optimizer.risk.estimate import ExplainsByFlows

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network
    from optimizer.scenario.file.model import EvadersModel


@dataclass(frozen=True)
class GravityDemand:
    """Where loads come from and go to."""

    #: What the scenario says of evaders.
    terms: EvadersModel
    #: `gateways`, `settlements`: Origins and destinations, at least one of each.
    gateways: tuple[Gateway, ...]
    settlements: tuple[Settlement, ...]
    #: (gateways, settlements) travel times; infinity where there is no path.
    hours: NDArray[np.float64]
    #: Ids of the settlements that no gateway reaches.
    skipped: tuple[str, ...] = ()
    #: Sentences for the planner.
    warnings: tuple[str, ...] = ()

    def shares(self, index: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (gateways, settlements) share of all loads on each pair.

        Parameters
        ----------
        index
            (gateways,) risk index at each gateway, >= 0.
        """
        masses = gateway_masses(
            self.gateways,
            np.where(np.isfinite(self.hours).any(axis=1), index, 0.0),
            {str(kind): share for kind, share in self.terms.shares.items()},
        )
        populations = np.array([place.population for place in self.settlements], dtype=np.float64)
        decay_hours = self.terms.decay_minutes / 60
        return gravity(
            masses,
            populations,
            self.hours,
            decay_hours=decay_hours,
            power=self.terms.population_power,
        )

    def prior(self) -> OdTable:
        """Return the flows that gravity expects before any record, when all gateways
        are equally risky.
        """
        origins = np.array([gateway.node for gateway in self.gateways], dtype=np.int64)
        destinations = np.array([place.node for place in self.settlements], dtype=np.int64)
        return OdTable(origins, destinations, self.shares(np.ones(origins.size)))


def make_demand(terms: EvadersModel, region: Region, where: str) -> GravityDemand:
    """Return the demand between the gateways of the kinds that a scenario chooses and
    the settlements on the defended side.

    Parameters
    ----------
    terms
        What the scenario says of evaders.
    region
        Roads and places.
    where
        The scenario file, for messages.

    Raises
    ------
    InputError
        If there is no gateway or no settlement, a settlement cannot be reached and
        `unreachable` is "error", or no load would travel.
    """
    gateways = with_unique_labels(
        _with_exposure(g, terms.exposure.get(g.id, g.exposure))
        for g in region.gateways
        if g.kind in terms.gateways
    )
    settlements = with_unique_labels(s for s in region.settlements if s.domestic)
    problems = ProblemList()
    known = [g.id for g in region.gateways]
    for name in terms.exposure if known else ():  # without any the fault below says why
        if name not in known:
            problems.append(unknown_name(f"{where}, evaders.exposure", name, known))
    if not gateways:
        kinds = Counter(g.kind for g in region.gateways)
        found = ", ".join(f"{n} of kind {k}" for k, n in kinds.items()) or "none"
        expected = f"a gateway of kind {' or '.join(terms.gateways)}"
        remedy = (
            " ".join(border_warnings(region)) or "Choose other kinds, or check border and modes"
        )
        problems.add(f"{where}, evaders.gateways", found, expected, remedy)
    if not settlements:
        found, expected = "no settlement on the defended side", "at least one destination"
        problems.add(f"{where}, region", found, expected, "Check border and modes")
    warnings = _check_exposures(terms, gateways, where, problems)
    problems.raise_if_any()
    hours = travel_hours(region.network, gateways, settlements)
    lost = _check_reach(settlements, hours, terms.unreachable, where)
    demand = GravityDemand(
        terms,
        gateways,
        settlements,
        hours,
        tuple(place.id for place in lost),
        (
            *warnings,
            *_assumed_warnings(terms, gateways),
            *_reach_warnings(
                lost,
                [g for g, row in zip(gateways, hours, strict=True) if not np.isfinite(row).any()],
            ),
            *_mobility_warnings(terms, gateways, settlements, np.isfinite(hours)),
        ),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        check_loads(demand.prior().weight, 0.0, where)
    return demand


def _check_exposures(
    terms: EvadersModel, gateways: Sequence[Gateway], where: str, problems: ProblemList
) -> list[str]:
    """Add a fault where no load can be shared out: exposures, of all gateways or of a
    kind with a share, that sum to nothing.

    Returns
    -------
    A sentence for each kind with a share that has no gateway.
    """
    warnings: list[str] = []
    total: dict[str, float] = {}
    for gateway in gateways:
        total[gateway.kind] = total.get(gateway.kind, 0.0) + gateway.exposure
    remedy = "Give one of them an exposure above 0 under evaders.exposure"
    if total and not any(total.values()):
        problems.add(
            f"{where}, evaders.exposure", "0 for every gateway", "at least one above 0", remedy
        )
        return []
    for kind, share in ((str(kind), share) for kind, share in terms.shares.items() if share > 0):
        if kind not in total:
            warnings.append(
                message(
                    "No gateway is of kind {kind}: its share of {share:.0%} of all loads goes to"
                    " the other kinds.",
                    kind=kind,
                    share=share,
                )
            )
        elif not total[kind]:
            found, expected = (
                f"0 for every gateway of kind {kind}",
                f"at least one above 0, for shares gives them {share:.0%}",
            )
            problems.add(f"{where}, evaders.exposure", found, expected, remedy)
    return warnings


def _with_exposure(gateway: Gateway, exposure: float) -> Gateway:
    """Return a gateway with what the scenario says of its exposure: one other than that
    of the region is no assumption.
    """
    assumed = gateway.exposure_assumed and exposure == gateway.exposure
    return replace(gateway, exposure=exposure, exposure_assumed=assumed)


FIRST_COUNTS = 5
"""Most gateways that are named as those to count first."""


def _assumed_warnings(terms: EvadersModel, gateways: Sequence[Gateway]) -> Iterator[str]:
    """Yield which gateways to count first, where exposures are assumed."""
    assumed = [at for at, gateway in enumerate(gateways) if gateway.exposure_assumed]
    if not assumed:
        return
    kinds = {str(kind): share for kind, share in terms.shares.items()}
    with np.errstate(divide="ignore", invalid="ignore"):  # no load at all is refused later
        shares = gateway_masses(gateways, np.ones(len(gateways)), kinds)
    first = sorted(assumed, key=lambda at: -shares[at])[:FIRST_COUNTS]
    if not shares[first].sum() > 0:
        return
    yield message(
        "Vehicles through {assumed} of {count} gateways are assumed by the class of the road:"
        " {share:.0%} of all exposure. Count these first, which carry {first:.0%} of it: {names}."
        " Write the counts under [evaders.exposure].",
        assumed=len(assumed),
        count=len(gateways),
        share=float(shares[assumed].sum()),
        first=float(shares[first].sum()),
        names=joined((gateways[at].label for at in first), ", "),
    )


def check_loads(shares: NDArray[np.float64], smallest: float, where: str) -> None:
    """Refuse terms under which no load travels: shares for kinds of gateway that do not
    exist, a decay that leaves no destination.

    Raises
    ------
    InputError
        If no (gateways, settlements) share is above the smallest that counts.
    """
    if not (shares > smallest).any():
        raise InputError(
            Problem(
                f"{where}, evaders",
                f"no pair of a gateway and a settlement with more than a share of {smallest:g} of"
                " all loads",
                "loads between some",
                "Look at shares, decay_minutes and smallest_share",
            )
        )


def _check_reach(
    settlements: Sequence[Settlement], hours: NDArray[np.float64], unreachable: str, where: str
) -> list[Settlement]:
    """Return the settlements that no gateway reaches; raise InputError where they are
    not to be skipped, or none is left.
    """
    reached: list[bool] = np.asarray(np.isfinite(hours).any(axis=0)).tolist()
    lost = [place for place, arrives in zip(settlements, reached, strict=True) if not arrives]
    if lost and (unreachable == "error" or len(lost) == len(settlements)):
        skip = ', set evaders.unreachable = "skip", or give --skip-unreachable'
        remedy = "Add modes or correct the network" + (
            "" if len(lost) == len(settlements) else skip
        )
        found = f"no road from any gateway to {shortened([place.label for place in lost])}"
        raise InputError(
            Problem(f"{where}, evaders", found, "destinations that can be reached", remedy)
        )
    return lost


def _reach_warnings(lost: Sequence[Settlement], shut: Sequence[Gateway]) -> list[str]:
    warnings: list[str] = []
    if lost:
        names = shortened([f"{place.label} ({place.id})" for place in lost])
        warnings.append(
            message("No road leads from any gateway to {places}: left out.", places=names)
        )
    if shut:
        names = shortened([gateway.label for gateway in shut])
        warnings.append(
            message("No road leads inward from {gateways}: no evader enters there.", gateways=names)
        )
    return warnings


def switching_reliability(gateways: Sequence[Gateway], terms: EvadersModel) -> NDArray[np.float64]:
    """Return the (gateways, gateways) share of loads that reaches each gateway from
    each one's own, 1 on the diagonal.
    """
    lon, lat = (
        np.array([getattr(gateway, name) for gateway in gateways]) for name in ("lon", "lat")
    )
    km = great_circle_m(lon[:, None], lat[:, None], lon[None, :], lat[None, :]) / 1000
    share = (1 - terms.switching_loss) * np.exp(-km / (terms.switching_km or np.inf))
    np.fill_diagonal(share, 1.0)
    return np.asarray(share)


LEAST_SWITCHED = 1e-3
"""Share of its loads that must reach some other gateway, for a gateway's traffickers to
be able to change at all.
"""


def _mobility_warnings(
    terms: EvadersModel,
    gateways: Sequence[Gateway],
    settlements: Sequence[Settlement],
    reached: NDArray[np.bool_],
) -> list[str]:
    """Return in which cases `mobility` moves nobody: no other gateway is worth the way
    there, or none leads to a destination.
    """
    if not terms.mobility:
        return []
    elsewhere = switching_reliability(gateways, terms)[~np.eye(len(gateways), dtype=bool)]
    most = float(elsewhere.max(initial=0.0))
    # where there is one gateway, no cost of changing it is at fault
    if elsewhere.size and most < LEAST_SWITCHED:
        return [
            message(
                "evaders.mobility is {mobility:g}, but at most {share:.1%} of a load reaches"
                " another gateway: nobody changes gateway, and the plan is made as if mobility were"
                " 0. Lower evaders.switching_loss ({loss:g}), or give a larger"
                " evaders.switching_km.",
                mobility=terms.mobility,
                share=most,
                loss=terms.switching_loss,
            )
        ]
    alone = [
        place
        for place, ways in zip(settlements, reached.sum(axis=0).tolist(), strict=True)
        if ways == 1
    ]
    if not alone:
        return []
    return [
        message(
            "One gateway alone leads to {places}: loads to there keep it, whatever evaders.mobility"
            " says. If other gateways lead there in truth, roads are missing.",
            places=shortened([place.label for place in alone]),
        )
    ]


def gateway_index(
    model: RiskModel, estimate: RiskEstimate, network: Network, gateways: Sequence[Gateway]
) -> NDArray[np.float64]:
    """Return the expected risk index of the segments that meet at each gateway, over
    what the prior flows expect there; (gateways,), > 0.

    The mean is used, not the median, because loads add up; where nobody searched, the
    median can be close to 0 and the weight would vanish.

    Parameters
    ----------
    model
        Fitted.
    estimate
        What it predicts.
    network
        The roads it was fitted on.
    gateways
        Where evaders enter.
    """
    beyond = estimate.mean * np.exp(-explained_by_flows(model, network))
    total, count = np.zeros(network.n_nodes), np.zeros(network.n_nodes)
    segment_arc = network.segment_arc
    for end in (network.tail[segment_arc], network.head[segment_arc]):
        np.add.at(total, end, beyond)
        np.add.at(count, end, 1.0)
    nodes = [gateway.node for gateway in gateways]
    return np.asarray(total[nodes] / count[nodes])


def explained_by_flows(model: RiskModel, network: Network) -> NDArray[np.float64]:
    """Return the (m,) part of a fitted model's log index that its prior flows stand
    for; 0 where it knows of none.
    """
    return (
        model.explained_by_flows()
        if isinstance(model, ExplainsByFlows)
        else np.zeros(network.n_segments)
    )
