"""What the loads of a scenario are weighed by: one each, their kilograms, or a harm
index of a kilogram by drug (`[evaders] weights_by`).

An evader of gateway g then weighs its share of the loads times the mean mark of a load
from there (`optimizer.risk.marks`), one that keeps to a place the mean mark of what no
flow explains. Which way is best for a load does not depend on what it carries, so the
loads of a pair stay one evader, and every method and bound holds as before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.text.messages import Message, counted_message, message, shortened
from optimizer.base.text.names import close_match
from optimizer.records.model import Seizures
from optimizer.risk.marks import MeanMarks, mean_marks

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network
    from optimizer.risk.evidence import Evidence
    from optimizer.scenario.demand.gravity import GravityDemand
    from optimizer.scenario.demand.record_demand import RecordDemand
    from optimizer.scenario.file.model import EvadersModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LoadMarks:
    """What the loads of a scenario carry, by the quantities of its record."""

    #: (drugs,) what a kilogram counts.
    worth: Floats
    #: `kg`, `count`, `drug`: (rows,) rows with a known quantity: mean kilograms of a
    #: seizure, seizures, and position of their drug in `worth`.
    kg: Floats
    count: Floats
    drug: Ints
    #: (rows, gateways + 1) chance that they set out at each gateway; the last is for
    #: what no flow explains.
    origin: Floats
    #: Seizures without a known quantity or drug, which count as the others do.
    unknown: float
    #: What these rows make of a load.
    marks: MeanMarks
    #: Share of the loads, each counted as one, that keep to a place.
    local_share: float

    def drawn(self, draws: int, rng: np.random.Generator) -> Floats:
        """Return (draws, gateways + 1) mean marks, each row of the record counting a
        Gamma draw of its seizures.
        """
        counts = np.maximum(rng.gamma(self.count, size=(draws, self.count.size)), 1e-9)
        return np.stack(
            [
                mean_marks(self.kg, each, self.drug, self.origin).of_load(self.worth)
                for each in counts
            ]
        )

    @property
    def seizures(self) -> float:
        """Seizures with a known quantity."""
        return float(self.count.sum())

    @property
    def top_share(self) -> float:
        """Share of all that they weigh that lies in the heaviest hundredth of the
        seizures, in [0, 1].
        """
        value = self.kg * self.worth[self.drug]
        order = np.argsort(-value, kind="stable")
        before = np.cumsum(self.count[order]) - self.count[order]
        part = np.clip(np.ceil(0.01 * self.seizures) - before, 0, self.count[order])
        return float(part @ value[order] / max(float(self.count @ value), 1e-300))


def check_weighing(
    terms: EvadersModel, records: Seizures | None, where: str, problems: ProblemList
) -> None:
    """Note a weighing that the record cannot bear: no record, no quantities, drugs and
    a harm index that do not fit.

    Parameters
    ----------
    terms
        What the scenario says of evaders.
    records
        The seizures; None where the scenario names none.
    where
        The scenario file, for messages.
    problems
        Takes the faults.
    """
    by = terms.weights_by
    here = f"{where}, evaders.weights_by"
    if by != "harm" and terms.harm:
        cure = 'Set weights_by = "harm", or remove the table'
        problems.add(
            f"{where}, evaders.harm",
            f'a harm index with weights_by = "{by}"',
            'weights_by = "harm"',
            cure,
        )
    if by == "loads":
        return
    if by == "harm" and not any(terms.harm.values()):
        cure = "Give the index of a kilogram of each drug under [evaders.harm]"
        problems.add(
            f"{where}, evaders.harm",
            "no index above 0",
            "an index above 0 of at least one drug",
            cure,
        )
        return
    cure = (
        "Name the column of quantities ([records.seizures.columns] quantity), or set weights_by ="
        ' "loads"'
    )
    if records is None:
        found = f"{by!r} without a record of seizures"
        problems.add(
            here,
            found,
            "a record with quantities",
            'Add [[records.seizures]], or set weights_by = "loads"',
        )
        return
    known = _weighed_rows(records)
    if not known.any():
        found = (
            f"{by!r}, and no quantity of a weight in {records.count.sum():g} seizures of the record"
        )
        problems.add(here, found, "at least one seizure with its quantity", cure)
        return
    if by == "harm":
        _check_index(terms, records, where, problems)


def _check_index(terms: EvadersModel, records: Seizures, where: str, problems: ProblemList) -> None:
    """Note drugs without an index, and indices of drugs that the record does not have."""
    names, index = _drug_names(records), _index(terms)
    there = {name for name in names if name}
    here = f"{where}, evaders.harm"
    if missing := sorted(there - index.keys()):
        seizures = {name: float(records.count[names == name].sum()) for name in missing}
        said = shortened([f"{name} ({seizures[name]:g} seizures)" for name in missing])
        found, cure = f"no index for drugs of the record: {said}", "Add them; 0 leaves a drug out"
        # `add` would cut names
        problems.append(Problem(here, found, "an index for each drug of the record", cure))
    strange = [written for written in terms.harm if _usual(written) not in there]
    if strange:
        close = close_match(strange[0], sorted(there))
        cure = f"Correct or remove it. {close}".strip()
        of_record = "drugs of the record: " + (shortened(sorted(there)) or "none is stated")
        problems.add(here, f"an index for {shortened(strange)}", of_record, cure)


def weighed_demand(
    record: RecordDemand,
    demand: GravityDemand,
    network: Network,
    records: Seizures | None,
    known: Evidence | None,
) -> RecordDemand:
    """Return weights by what loads carry; the record's as they are where each load
    counts as one.

    Parameters
    ----------
    record
        Weights by loads, and routes.
    demand
        Gateways, and what the scenario says of evaders.
    network
        The roads.
    records, known
        The seizures, and what they are set against; None only where each load counts as
        one.

    Raises
    ------
    InputError
        If what loads carry is worth nothing.
    """
    terms = demand.terms
    if terms.weights_by == "loads" or records is None or known is None:
        return record
    marks = _load_marks(record, terms, network, records, known)
    shares, local, mean = weighed(
        record.shares, np.asarray(record.local_share), marks.marks.of_load(marks.worth)
    )
    if not (np.isfinite(shares).all() and mean > 0):
        found = "seizures whose quantities are all 0, or of drugs with the index 0"
        raise InputError(
            Problem(
                "evaders.weights_by",
                found,
                "loads that carry something",
                "Look at harm and quantity",
            )
        )
    amount = 1.0 if terms.loads == 1.0 else float(mean)
    return replace(record, shares=shares, local_share=float(local), marks=marks, amount=amount)


def weighed(shares: Floats, local: Floats, mark: Floats) -> tuple[Floats, Floats, Floats]:
    """Return (..., gateways, settlements) shares, (...,) shares of what keeps to a
    place, and (...,) means, of what loads weigh.

    Parameters
    ----------
    shares
        (..., gateways, settlements) shares of the loads between places.
    local
        (...,) share of all loads that keeps to a place.
    mark
        (..., gateways + 1) what a load weighs on the mean; the last of those that keep
        to a place.
    """
    between = shares * mark[..., :-1, None]
    total = between.sum(axis=(-2, -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (1 - local) * total + local * mark[..., -1]
        return between / total[..., None, None], local * mark[..., -1] / mean, mean


def weighing_sentence(record: RecordDemand, terms: EvadersModel) -> Message | None:
    """Return what loads are weighed by, for whoever reads a value; None where each load
    counts as one and no find is left out.
    """
    least = ""
    if terms.least_quantity is not None:
        least = message(" Finds below {least} are left out.", least=terms.least_quantity)
    if record.marks is None:
        return None if not least else message("Each load counts as one.{least}", least=least)
    marks = record.marks
    each = marks.marks.of_load(marks.worth)[:-1]
    used = each[record.shares.sum(axis=1) > 0]
    counted = counted_message("{count} seizure", "{count} seizures", int(marks.seizures))
    unknown = ""
    if marks.unknown:
        unknown = message(
            " {unknown:n} more without a known quantity or drug count as these do.",
            unknown=marks.unknown,
        )
    said = {
        "quantity": message(
            "Loads are weighed by kilograms, {low:n} to {high:n} kg a load by gateway, from"
            " {seizures}; the largest hundredth of these (one at least) holds {top:.0%} of the"
            " weight.{unknown}{least} Where a share of loads is given, read kilograms.",
            low=float(used.min()),
            high=float(used.max()),
            seizures=counted,
            top=marks.top_share,
            unknown=unknown,
            least=least,
        ),
        "harm": message(
            "Loads are weighed by harm, kilograms times the scenario's index of each drug, {low:n}"
            " to {high:n} a load by gateway, from {seizures}; the largest hundredth of these (one"
            " at least) holds {top:.0%} of the harm.{unknown}{least} Where a share of loads is"
            " given, read harm.",
            low=float(used.min()),
            high=float(used.max()),
            seizures=counted,
            top=marks.top_share,
            unknown=unknown,
            least=least,
        ),
    }
    return said[terms.weights_by]


def _load_marks(
    record: RecordDemand, terms: EvadersModel, network: Network, records: Seizures, known: Evidence
) -> LoadMarks:
    """Return what loads carry, each seizure shared among the gateways whose flows pass
    where it was made.
    """
    names, index = _drug_names(records), _index(terms)
    rows = _weighed_rows(records)
    if terms.weights_by == "harm":
        rows &= names != ""
    drugs, drug = np.unique(names[rows], return_inverse=True)
    worth = np.array(
        [index[name] if terms.weights_by == "harm" else 1.0 for name in drugs.tolist()]
    )
    count = records.count[rows]
    kg = records.quantity_kg[rows] / count
    origin = _origins(_flows(record, network), records.take(rows), network, known)
    unknown = float(records.count.sum() - count.sum())
    marks = mean_marks(kg, count, drug, origin)
    return LoadMarks(worth, kg, count, drug, origin, unknown, marks, record.local_share)


def _flows(record: RecordDemand, network: Network) -> Floats:
    """Return (segments, gateways + 1) shares of all loads that pass; the last are those
    that keep to a place.
    """
    flow = np.zeros((network.n_segments, record.shares.shape[0] + 1))
    for (g, s), routes in record.routes.items():
        load = (1 - record.local_share) * record.shares[g, s]
        for route in routes:
            flow[network.segment[list(route.arcs)], g] += load * route.share
    for way, share in zip(record.local.ways, record.local.weight.tolist(), strict=True):
        flow[network.segment[list(way)], -1] += record.local_share * share
    return flow


def _origins(flow: Floats, records: Seizures, network: Network, known: Evidence) -> Floats:
    """Return (rows, gateways + 1) chances of where seizures set out: those of flows
    where they were made, of an area over its effort.
    """
    effort = known.expected_by_unit().sum(axis=0)
    length = network.length_m[network.segment_arc]
    passing = np.empty((len(records), flow.shape[1]))
    for area in np.unique(records.area[records.segment < 0]).tolist():
        members = records.area_segment[area]
        weight = effort[members] if effort[members].any() else length[members]
        passing[(records.segment < 0) & (records.area == area)] = weight @ flow[members]
    at = records.segment >= 0
    passing[at] = flow[records.segment[at]]
    total = passing.sum(axis=1, keepdims=True)
    nobody = np.zeros(flow.shape[1])
    nobody[-1] = 1.0  # a seizure that no flow passes tells of what keeps to a place
    return np.where(total > 0, passing / np.where(total > 0, total, 1.0), nobody)


def _weighed_rows(records: Seizures) -> NDArray[np.bool_]:
    return np.isfinite(records.quantity_kg) & (records.count > 0)


def _usual(name: str) -> str:
    from optimizer.records.fusion.reports import (
        drug_of,
    )  # with pandas, which a scenario without quantities does not need

    return drug_of(name)


def _drug_names(records: Seizures) -> NDArray[np.str_]:
    """Return the usual name of the drug of each row; empty where none is stated."""
    words, at = np.unique(records.drug, return_inverse=True)
    return np.array([_usual(word) for word in words.tolist()], dtype=np.str_)[at]


def _index(terms: EvadersModel) -> dict[str, float]:
    return {_usual(name): value for name, value in terms.harm.items()}
