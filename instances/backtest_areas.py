"""Hold what a border's model says of its sectors against what they seized, year by
year.

    python -m instances.backtest_areas BORDER

BORDER is a folder of `instances` whose facts have `sector_years` (pounds and agents of
a sector in a fiscal year), `port_years` (vehicles through a port) and `ports`. Each
year from the second is forecast for each sector s from the year before:

    pounds_st = x_st * (sum of the pounds of all sectors in t - 1) / (sum of x in t - 1)

so that what all sectors seize is known no better by one model than by another. Exposure
and effort of the year itself are given, as in `risk backtest`. The models differ in x:

    persistence                  the pounds of the sector in t - 1
    gateways                     loads that enter in the sector, by the vehicles of its ports and the kilometres of border between them
    gateways and effort          the same times its agents
    flow                         load-kilometres on the sector's roads, of all gateways, along randomised paths to the destinations
    flow and effort              the same times its agents
    fitted                       flow^a * agents^b, a and b by least squares on the logarithms of all years before, each year with its own level
    persistence, moved by both   the pounds of t - 1, times the growth of flow and agents since

The error is |ln(forecast / seized)|; its mean, as a factor, is printed with that of
persistence less it, and an interval from whole years drawn again.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from instances.borders import Border, counted_border
from optimizer.records.areas import load_areas
from optimizer.risk.demand import gateway_masses
from optimizer.risk.od_flows import path_flows
from optimizer.scenario.check.check import read_evidence

Floats = NDArray[np.float64]

THETA = 1 / 90
"""Preference for short times, per second: a way that takes 90 s longer is e times less likely."""
LEAST_POUNDS = 1.0
"""What stands for nothing seized, so that its logarithm is finite."""
DRAWS, LEVEL = 2000, 0.9
DRUGS = ("marijuana_pounds", "cocaine_pounds")


@dataclass(frozen=True)
class SectorYears:
    """n sectors in T fiscal years, in order; all values are > 0."""

    #: (T, n) of one drug.
    pounds: Floats
    #: (T, n) Border Patrol agents.
    agents: Floats
    #: (T, n) share of all loads that enters in the sector.
    entering: Floats
    #: (T, n) kilometres that loads travel on its roads, for one load that enters
    #: anywhere.
    flow: Floats


def main(arguments: Sequence[str]) -> int:
    """Print a table for each drug; return 0, or 2 without a border."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    border = counted_border(arguments[0])
    for drug, years in sector_years(border).items():
        print(
            f"\n| {drug.replace('_', ', ')} | typical factor | persistence less it | 90 %"
            " |\n|---|---|---|---|"
        )
        errors = errors_of(years)
        for name, error in errors.items():
            gain = (errors["persistence"] - error).mean(axis=1)
            low, high = interval(gain)
            print(
                f"| {name} | {np.exp(error.mean()):.2f} | {gain.mean():+.2f} | {low:+.2f} to"
                f" {high:+.2f} |"
            )
    return 0


def sector_years(border: Border) -> dict[str, SectorYears]:
    """Return what is known of the sectors of a border, by drug."""
    known = read_evidence(border.folder / "scenario.toml")
    network, gateways = known.region.network, known.demand.gateways
    areas = [
        area
        for area in load_areas(border.folder / "areas.geojson")
        if area.name in border.counts.sectors
    ]
    names = [area.name for area in areas]
    weight = known.demand.prior().weight
    each = known.demand.prior().with_weight(weight / weight.sum(axis=1, keepdims=True))
    net = path_flows(network, each, THETA).net(each.weight)
    kilometres = network.length_m[network.segment_arc] / 1000
    passing = np.column_stack(
        [(net * kilometres)[:, area.segments(network)].sum(axis=1) for area in areas]
    )
    away = [
        [shapely.distance(area.geometry, shapely.Point(each.lon, each.lat)) for area in areas]
        for each in gateways
    ]
    at_home = np.eye(len(areas))[np.argmin(away, axis=1)]
    port = {row["id"]: f"w{row['number']}-1" for row in read(border, "ports")}
    vehicles = {
        (int(row["fiscal_year"]), port[row["port"]]): float(row["vehicles"])
        for row in read(border, "port_years")
    }
    rows = {(int(row["fiscal_year"]), row["sector"]): row for row in read(border, "sector_years")}
    years = sorted({year for year, _ in rows})
    shares = {str(kind): share for kind, share in known.demand.terms.shares.items()}
    mass = np.array(
        [
            gateway_masses(
                [
                    replace(each, exposure=max(vehicles.get((year, each.id), each.exposure), 1.0))
                    for each in gateways
                ],
                np.ones(len(gateways)),
                shares,
            )
            for year in years
        ]
    )

    def column(name: str) -> Floats:
        return np.array([[float(rows[year, sector][name]) for sector in names] for year in years])

    agents = column("agents")
    return {
        drug: SectorYears(
            np.maximum(column(drug), LEAST_POUNDS), agents, mass @ at_home, mass @ passing
        )
        for drug in DRUGS
    }


def read(border: Border, name: str) -> list[dict[str, str]]:
    """Return the rows of a table of facts."""
    with (border.facts / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def errors_of(known: SectorYears) -> dict[str, Floats]:
    """Return the (T - 1, n) errors of each model, in logarithms."""
    pounds, agents, entering, flow = known.pounds, known.agents, known.entering, known.flow
    moved = pounds[:-1] * (flow[1:] * agents[1:]) / (flow[:-1] * agents[:-1])
    forecast = {
        "persistence": pounds[:-1],
        "gateways": levelled(entering, pounds),
        "gateways and effort": levelled(entering * agents, pounds),
        "flow": levelled(flow, pounds),
        "flow and effort": levelled(flow * agents, pounds),
        "fitted flow and effort": fitted(known),
        "persistence, moved by both": moved,
    }
    return {name: np.abs(np.log(values / pounds[1:])) for name, values in forecast.items()}


def levelled(x: Floats, pounds: Floats) -> Floats:
    """Return (T - 1, n) forecasts in proportion to x, at the level of the year before."""
    level = pounds[:-1].sum(axis=1, keepdims=True) / x[:-1].sum(axis=1, keepdims=True)
    return np.asarray(x[1:] * level)


def fitted(known: SectorYears) -> Floats:
    """Return (T - 1, n) forecasts with exponents of flow and agents that fit all years before."""
    logs = [np.log(values) for values in (known.pounds, known.flow, known.agents)]
    # a level of its own for each year
    centred = [values - values.mean(axis=1, keepdims=True) for values in logs]
    found = []
    for year in range(1, len(known.pounds)):
        wanted, *given = (values[:year].ravel() for values in centred)
        exponents = np.linalg.lstsq(np.column_stack(given), wanted, rcond=None)[0]
        x = known.flow ** exponents[0] * known.agents ** exponents[1]
        found.append(levelled(x[year - 1 : year + 1], known.pounds[year - 1 : year + 1])[0])
    return np.array(found)


def interval(gain: Floats) -> tuple[float, float]:
    """Return where the mean of the (T,) gains of years lies, whole years drawn again."""
    drawn = np.random.default_rng(28).integers(gain.size, size=(DRAWS, gain.size))
    low, high = np.quantile(gain[drawn].mean(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
