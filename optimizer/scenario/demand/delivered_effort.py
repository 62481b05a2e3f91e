"""What effort that `delivered` wrote says of a scenario: hours and roads for `check`,
and for `plan` what it changed of the risk.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from optimizer.base.errors import InputError
from optimizer.base.files.readwrite import read_json
from optimizer.base.text.messages import counted_message, message, shortened
from optimizer.base.work.listener import SILENT, Listener
from optimizer.scenario.demand.record_demand import FittedRisk, fitted_risk
from optimizer.scenario.demand.stages import ScenarioCheck, ScenarioEvidence

SUMMARY = "delivered.json"
"""Stands beside effort that `delivered` wrote."""
NAMED, LEAST_CHANGE = 3, 0.05
"""Roads whose change is named, and the least change of an index that is."""


@dataclass(frozen=True)
class DeliveredSource:
    """A source of effort that `delivered` wrote: its position, what to call it, its
    days, and the roads that were planned.
    """

    position: int
    name: str
    first: str
    last: str
    planned: tuple[int, ...]


def delivered_sources(check: ScenarioCheck) -> tuple[list[DeliveredSource], list[str]]:
    """Return the sources of a scenario's effort that `delivered` wrote, and what of its
    files cannot be used.
    """
    found, faults = list[DeliveredSource](), list[str]()
    roads = 0 if check.region is None else check.region.network.n_segments
    for position, source in enumerate(
        () if check.scenario is None else check.scenario.records.effort
    ):
        path = check.path.parent / source.file.parent / SUMMARY
        if not path.is_file():
            continue
        try:
            content = read_json(path, "what was delivered")
            planned = [operator.index(segment) for segment in content["planned_segments"]]
            first, last = (date.fromisoformat(content[name]).isoformat() for name in ("from", "to"))
        except (InputError, KeyError, TypeError, ValueError):
            faults.append(
                message(
                    "{file} beside the effort of {source} is not what `delivered` writes: which"
                    " roads were planned is not known. Run `delivered` again, or remove the file.",
                    file=SUMMARY,
                    source=source.source,
                )
            )
            continue
        here = tuple(segment for segment in planned if 0 <= segment < roads)
        if len(here) < len(planned):
            faults.append(
                message(
                    "{file} of {source}: {roads} not on this network, and left out. Run `delivered`"
                    " on this network again.",
                    file=SUMMARY,
                    source=source.source,
                    roads=counted_message(
                        "{count} planned road is",
                        "{count} planned roads are",
                        len(planned) - len(here),
                    ),
                )
            )
        found.append(DeliveredSource(position, source.source, first, last, here))
    return found, faults


def delivered_remarks(check: ScenarioCheck) -> Iterator[str]:
    """Yield what was delivered: hours, roads, and planned roads without any."""
    if check.effort is None or check.region is None:
        return
    sources, faults = delivered_sources(check)
    yield from faults
    for source in sources:
        mine = check.effort.source == source.position
        searched = set(check.effort.segment[mine].tolist())
        missed = [segment for segment in source.planned if segment not in searched]
        yield message(
            "{name}, {first} to {last}: {hours:n} {unit} on {roads}.",
            name=source.name,
            first=source.first,
            last=source.last,
            hours=float(check.effort.amount[mine].sum()),
            unit=check.effort.unit[source.position],
            roads=counted_message("{count} road", "{count} roads", len(searched)),
        )
        if missed:
            yield message(
                "{roads} that the plan watches had no delivered effort ({names}): the risk there"
                " rests on other roads.",
                roads=counted_message("{count} road", "{count} roads", len(missed)),
                names=shortened(_road_names(check, missed), 4),
            )


def delivered_changes(
    evidence: ScenarioEvidence, fitted: FittedRisk | None, listener: Listener = SILENT
) -> Iterator[str]:
    """Yield what delivered effort changed: the risk index with it against that without
    it, fitted anew.
    """
    sources, effort = delivered_sources(evidence)[0], evidence.effort
    yield from delivered_remarks(evidence)
    if not sources or fitted is None or evidence.records is None or effort is None:
        return
    others = ~np.isin(effort.source, [source.position for source in sources])
    if not others.any():
        yield message(
            "All effort of the record is delivered duty: there is nothing to compare the risk with."
        )
        return
    try:
        network = evidence.region.network
        before = fitted_risk(
            evidence.risk_model(), evidence.records, effort.take(others), network, listener
        )
    except InputError:
        return  # the seizures need the unit that is delivered
    old, new = before.estimate.median, fitted.estimate.median
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(old > 0, new / old, 1.0)
    moved = np.flatnonzero(np.abs(np.log(np.maximum(change, 1e-12))) > np.log1p(LEAST_CHANGE))
    order = moved[np.argsort(-np.abs(np.log(change[moved])), kind="stable")][:NAMED]
    named = [
        message("{road} {factor:.2f} times", road=name, factor=float(change[k]))
        for name, k in zip(_road_names(evidence, order.tolist()), order.tolist(), strict=True)
    ]
    yield message(
        "With the delivered effort the risk index of {roads} moves by more than"
        " {least:.0%}{named}.",
        roads=counted_message("{count} road", "{count} roads", int(moved.size)),
        least=LEAST_CHANGE,
        named=message(": {roads}", roads=shortened(named, NAMED, int(moved.size))) if named else "",
    )


def _road_names(check: ScenarioCheck, segments: list[int]) -> list[str]:
    assert check.region is not None  # noqa: S101 - segments come from it
    network = check.region.network
    arcs = network.segment_arc[segments] if segments else np.empty(0, dtype=np.int64)
    return [
        f"{name or road_class} ({segment})"
        for name, road_class, segment in zip(
            network.name[arcs].tolist(), network.road_class[arcs].tolist(), segments, strict=True
        )
    ]
