"""Where kilograms were found in Parana in 2024, as marks of a Poisson process: `python
instances/foz-do-iguacu/fit.py [FOLDER]`.

    finds in municipality i and a month ~ Poisson(lambda_i), each with a mark      P(a month with at least q kg) = 1 - exp(-lambda_i)
    log lambda_i = a + b1 log(population) + b2 log(km to the nearer crossing) + b3 log(eps + share of the flow that passes)

Finds of less than q, which the month's sum hides, are left out: a thinned Poisson
process is one again. The kilograms of a month with a find are its mark: log-normal
around the same covariates with coefficients of their own. There is no effort: lambda is
what was found where police looked as they did, not what passes. The flow is a model's:
loads from two bridges to the destinations of `facts/destinations.csv` by their people,
on the roads of the scenario, by the routes that the package gives creatures of habit.

Without FOLDER the months of `facts/municipalities.csv` are fitted. With the folder of
the monthly figures each month is held out; then each month in a tenth of the
municipalities at a time, so that nothing is known of a place but its size and position.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))
from take_facts import LARGE_KG
from take_facts import monthly as read_months

from optimizer.problem.network.geodesy import great_circle_m
from optimizer.region import RegionTerms, read_region
from optimizer.risk.demand import habitual_routes

Floats = NDArray[np.float64]

HERE = Path(__file__).parent
DRUGS = ("cannabis", "cocaine", "crack")
CROSSINGS = ("FOZ DO IGUACU", "GUAIRA")
"""Where loads enter, half each: the bridges to Ciudad del Este and Salto del Guaira."""
BRIDGES = ("w1-1", "w2-1")
"""The same in the scenario's network."""
BESIDE_KM = 15.0
"""A load passes a municipality where its route has the middle of a piece of road nearer
to its town than to others, and within so far.
"""
LEAST_FLOW = 0.01
"""eps: share of the flow that a municipality without a listed road counts as having."""
MODELS = {
    "population": ("population",),
    "population and distance": ("population", "distance"),
    "population, distance, flow": ("population", "distance", "flow"),
}
NAMED_FIRST = 20
"""Municipalities whose share of a month's kilograms is told: a twentieth of all."""


@dataclass(frozen=True)
class Facts:
    """Municipalities: names, (n,) covariates by name, and by drug (n,) kilograms of
    2024 and months with a find and with a large one.
    """

    names: list[str]
    covariate: dict[str, Floats]
    kg: dict[str, Floats]
    months: dict[str, Floats]
    large: dict[str, Floats]


def read_facts() -> Facts:
    """Return what is known of each municipality."""
    with (HERE / "facts" / "municipalities.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [row["municipality"] for row in rows]
    lon, lat, people = (
        np.array([float(row[c]) for row in rows]) for c in ("lon", "lat", "population")
    )
    at = [names.index(name) for name in CROSSINGS]
    km = np.min([great_circle_m(lon[k], lat[k], lon, lat) for k in at], axis=0) / 1000
    covariate = {
        "population": np.log(people),
        "distance": np.log(np.maximum(km, 10.0)),
        "flow": np.log(LEAST_FLOW + passing(lon, lat)),
    }
    kg = {drug: np.array([float(row[f"{drug}_kg"]) for row in rows]) for drug in DRUGS}
    months = {drug: np.array([float(row[f"{drug}_months"]) for row in rows]) for drug in DRUGS}
    large = {drug: np.array([float(row[f"{drug}_large_months"]) for row in rows]) for drug in DRUGS}
    return Facts(names, covariate, kg, months, large)


def passing(lon: Floats, lat: Floats) -> Floats:
    """Return the (n,) share of all loads that pass each municipality on the roads of
    the scenario.
    """
    region = read_region(
        HERE / "roads.osm.gz",
        border=HERE / "border.geojson",
        modes=("drive", "service", "track", "foot"),
        terms=RegionTerms(speed_kmh={"track": 25.0, "path": 3.0}),
    )
    network = region.network
    middle = network.segment_midpoint
    km = great_circle_m(middle[:, :1], middle[:, 1:], lon[None], lat[None]) / 1000
    town = np.where(km.min(axis=1) <= BESIDE_KM, km.argmin(axis=1), -1)
    goals = [place.node for place in region.settlements]
    pull = np.array([place.population for place in region.settlements])
    starts = [gateway.node for gateway in region.gateways if gateway.id in BRIDGES]
    share = np.zeros(len(lon))
    rng = np.random.default_rng(0)
    for start in starts:
        every = habitual_routes(
            network, network.time_s, start, goals, draws=50, spread=0.3, rng=rng
        )
        for routes, weight in zip(every, pull / pull.sum() / len(starts), strict=True):
            for route in routes:
                near = set(town[network.segment[list(route.arcs)]].tolist()) - {-1}
                share[list(near)] += weight * route.share
    return share


def design(facts: Facts, model: tuple[str, ...]) -> Floats:
    """Return the (n, 1 + covariates) columns of a model."""
    return np.column_stack([np.ones(len(facts.names)), *(facts.covariate[name] for name in model)])


def finds(x: Floats, months: Floats, of: int) -> sm.GLM:
    """Return the Poisson process fitted to (n,) months with a find, of so many: a
    binomial model with a complementary log-log link.
    """
    family = sm.families.Binomial(link=sm.families.links.CLogLog())
    return sm.GLM(np.column_stack((months, of - months)), x, family=family).fit()


def chance(x: Floats, made: sm.GLM) -> Floats:
    """Return the (n,) chance of a month with a find, off 0 and 1."""
    return np.asarray(np.clip(-np.expm1(-np.exp(x @ made.params)), 1e-6, 1 - 1e-6))


def monthly(folder: Path, drug: str, names: list[str]) -> Floats:
    """Return the (n, 12) kilograms of the months."""
    rows = read_months(folder, drug)
    return np.array([rows[name] for name in names])


def held_out(facts: Facts, kg: Floats, least: float, folds: int) -> dict[str, Floats]:
    """Return for each model the (12, 3) scores of each month held out, and with several
    folds of the months of a fold's municipalities too.

    Scores: the logarithmic loss of whether a month has a find, natural logarithm, a
    municipality; the part of the variance of the logarithm of the kilograms of a find
    that is explained; the share of the month's kilograms in the municipalities named
    first.
    """
    fold = np.random.default_rng(0).permutation(len(facts.names)) % folds
    found: dict[str, list[tuple[float, float, float]]] = {}
    for month in range(12):
        rest = np.delete(kg, month, axis=1)
        seen, now = (rest >= least).sum(axis=1).astype(float), kg[:, month] >= least
        row, column = np.nonzero(rest >= least)
        marks = np.log(rest[row, column])
        for name, columns in MODELS.items():
            x = design(facts, columns)
            likely, mark = np.empty(len(x)), np.empty(len(x))
            for k in range(folds):
                train, test = (fold != k, fold == k) if folds > 1 else (np.ones(len(x), bool),) * 2
                likely[test] = chance(x[test], finds(x[train], seen[train], 11))
                used = train[row]
                mark[test] = x[test] @ np.linalg.lstsq(x[row[used]], marks[used], rcond=None)[0]
            found.setdefault(name, []).append(
                _scores(likely, mark, now, kg[:, month], marks.mean())
            )
        if folds == 1:
            last = likely  # a municipality's own other months, beside one month of the last model
            own = (seen + last) / 12
            at = np.bincount(row, marks, len(own)) + mark
            found.setdefault("its own other months", []).append(
                _scores(
                    own,
                    at / (np.bincount(row, minlength=len(own)) + 1),
                    now,
                    kg[:, month],
                    marks.mean(),
                )
            )
    return {name: np.array(rows) for name, rows in found.items()}


def _scores(
    likely: Floats, mark: Floats, now: NDArray[np.bool_], kg: Floats, mean: float
) -> tuple[float, float, float]:
    likely = np.clip(likely, 1e-6, 1 - 1e-6)
    loss = -np.where(now, np.log(likely), np.log1p(-likely)).mean()
    y = np.log(kg[now])
    explained = 1 - float(((y - mark[now]) ** 2).sum() / ((y - mean) ** 2).sum())
    first = np.argsort(-likely * np.exp(mark))[:NAMED_FIRST]
    return float(loss), explained, float(kg[first].sum() / kg.sum())


def main(folder: Path | None) -> None:
    """Print the tables."""
    facts = read_facts()
    for drug in DRUGS:
        for label, least, months in (
            ("any find", 1e-9, facts.months[drug]),
            ("large", LARGE_KG[drug], facts.large[drug]),
        ):
            print(
                f"\n{drug}, {label}: {months.sum():.0f} of {12 * months.size} months,"
                f" {facts.kg[drug].sum():.0f} kg in all"
            )
            for name, columns in MODELS.items():
                made = finds(design(facts, columns), months, 12)
                parts = zip(columns, made.params[1:], made.bse[1:], strict=True)
                print(
                    f"  {name}: deviance {made.deviance:.0f}; "
                    + ", ".join(f"{c} {b:.2f} ({s:.2f})" for c, b, s in parts)
                )
            if folder is None:
                continue
            kg = monthly(folder, drug, facts.names)
            for held, folds in (("months", 1), ("months and municipalities", 10)):
                scores = held_out(facts, kg, least, folds)
                base = scores["population and distance"]
                for name, rows in scores.items():
                    loss, explained, first = rows.mean(axis=0).tolist()
                    better = int((rows[:, 0] < base[:, 0]).sum())
                    print(
                        f"  held out {held}: {name}: {loss:.4f} ({better} of 12), {explained:.3f},"
                        f" {first:.3f}"
                    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
