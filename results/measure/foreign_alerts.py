"""Alerts on records of a second simulator (`results.measure.foreign_world`): found share of
planted changes, and false alarms a year.

Roads within 600 m of one that searches look at carry twice, half or a tenth of the
loads in the last three months; or roads within 300 m of one that hardly anybody uses
become as busy as the busiest twentieth. Searches follow what is found there. The whole
record is drawn anew with each change. `python -m results.measure foreign_alerts ROWS.jsonl
MAP.gpkg --seeds 10` adds rows and prints what they come to; `--without sheets` makes
records without a fault, to see which one alarms come of.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import chi2

import optimizer as opt
from optimizer.analysis.search_advice.search_advice import field_model, seizures_of
from optimizer.risk.alerts.monitor import AlertMonitor
from optimizer.risk.alerts.places import crossing_places, places_of_every_scale, segment_places
from optimizer.risk.numerics.likelihood import clopper_pearson
from optimizer.scenario.check.check import read_evidence
from results.measure.foreign import choose_sites, write_scenario
from results.measure.foreign_world import FAULTS, MONTHS, WINDOW, Change, Roads, Truth, write_record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from optimizer.risk.alerts.monitor import Alerts

CASES: dict[str, float | None] = {
    "nothing": 1.0,
    "doubled": 2.0,
    "halved": 0.5,
    "a tenth": 0.1,
    "new place": None,
}
"""What becomes of the loads."""
SINCE = f"2024-{MONTHS - 12 - WINDOW + 1:02d}"
BINS = (0, 3, 10, 30, np.inf)


def measured(
    network: Path, roads: Roads, seed: int, cases: Collection[str], without: Collection[str]
) -> Iterator[dict[str, Any]]:
    """Yield a row of each change and kind of place in one truth."""
    truth = Truth(roads, seed, 0.5 if seed % 2 else 0.0)
    sites, today = choose_sites(roads, np.random.default_rng([78, seed, roads.net.n_nodes]))
    rng = np.random.default_rng([79, seed, roads.net.n_nodes])
    flow, quiet = truth.flows(roads.arcs_of(today))
    seldom = np.flatnonzero(flow + quiet <= np.median(flow + quiet))
    new = _around(roads, int(rng.choice(seldom)), 300)
    looked = np.arange(0)
    for case, factor in CASES.items():
        change = Change(new if factor is None else looked, factor)
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            faults = [fault for fault in FAULTS if fault not in without]
            made = write_record(
                truth, today, folder, np.random.default_rng([80, seed]), change, faults
            )
            if not looked.size:
                near = np.array(
                    [
                        made.expected[_around(roads, s, 600)].sum()
                        for s in range(roads.net.n_segments)
                    ]
                )
                looked = _around(roads, int(rng.choice(np.flatnonzero(near > 3))), 600)
            if case not in cases:
                continue
            scenario = write_scenario(folder, network, roads, sites, today)
            for by, found in _alerts(scenario):
                wanted = "fewer" if factor is not None and factor < 1 else "more"
                right = [
                    bool(np.isin(alarm.place.segments, change.segments).any())
                    and alarm.direction == wanted
                    for alarm in found.alarms
                ]
                false = [
                    alarm for alarm, holds in zip(found.alarms, right, strict=True) if not holds
                ]
                yield {
                    "map": network.stem,
                    "seed": seed,
                    "without": sorted(without),
                    "case": case,
                    "by": by,
                    "seizures": made.seizures,
                    "expected": float(made.expected[change.segments].sum()),
                    "found": any(right),
                    "more": sum(alarm.direction == "more" for alarm in false),
                    "fewer": sum(alarm.direction == "fewer" for alarm in false),
                    "false": [
                        [alarm.place.segments.size, alarm.observed, round(alarm.expected, 2)]
                        for alarm in false
                    ],
                }


def _alerts(scenario: Path) -> Iterator[tuple[str, Alerts]]:
    """Yield what `risk alerts` finds by segment and by every; both from one fit."""
    evidence = read_evidence(scenario)
    network = evidence.region.network
    monitor = AlertMonitor(
        field_model(evidence).model,
        seizures_of(evidence),
        evidence.effort,
        network,
        since=np.datetime64(SINCE, "D"),
    )
    yield "segment", monitor.test(segment_places(network))
    places = (*places_of_every_scale(network), *crossing_places(network, evidence.demand.gateways))
    yield "every", monitor.test(places, false_a_year=1.0)


def _around(roads: Roads, segment: int, metres: float) -> Any:
    return np.flatnonzero(np.hypot(roads.x - roads.x[segment], roads.y - roads.y[segment]) < metres)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def tables(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return tables: `false` alarms a year with exact 95 % intervals, and `found`
    shares by the seizures that were to be expected.
    """
    lines = [
        (
            "| record | places | planted | records | any false alarm | more, fewer | false alarms a"
            " year |"
        ),
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    kinds = sorted({tuple(row["without"]) for row in rows}, key=lambda kind: (len(kind), kind))
    for kind, by, case in (
        (kind, by, case) for kind in kinds for by in ("segment", "every") for case in CASES
    ):
        some = _chosen(rows, kind, by, case)
        if some:
            more, fewer = (sum(row[side] for row in some) for side in ("more", "fewer"))
            years = len(some) * WINDOW / 12
            called = _share([row["more"] + row["fewer"] > 0 for row in some])
            name = "without " + ", ".join(kind) if kind else "all faults"
            lines.append(
                f"| {name} | {by} | {case} | {len(some)} | {called} | {more}, {fewer} |"
                f" {_a_year(more + fewer, years)} |"
            )
    false = "\n".join(lines)
    ends = [
        f"{low} to {high}" if np.isfinite(high) else f"{low} or more"
        for low, high in pairwise(BINS)
    ]
    lines = [
        f"| places | planted | {' | '.join(f'{end} expected' for end in ends)} |",
        "| --- | --- " + "| --- " * len(ends) + "|",
    ]
    for by, case in ((by, case) for by in ("segment", "every") for case in list(CASES)[1:]):
        some = _chosen(rows, (), by, case)
        shares = [
            _share([row["found"] for row in some if low <= row["expected"] < high])
            for low, high in pairwise(BINS)
        ]
        lines.append(f"| {by} | {case} | {' | '.join(shares)} |")
    return {"false": false, "found": "\n".join(lines)}


def _chosen(
    rows: list[dict[str, Any]], kind: tuple[str, ...], by: str, case: str
) -> list[dict[str, Any]]:
    return [
        row for row in rows if (tuple(row["without"]), row["by"], row["case"]) == (kind, by, case)
    ]


def _share(true: list[bool]) -> str:
    if not true:
        return "none"
    low, high = clopper_pearson(sum(true), len(true), 0.05)
    return f"{sum(true)} of {len(true)} [{low:.0%}, {high:.0%}]"


def _a_year(count: int, years: float) -> str:
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return (
        f"{count / years:.2f} [{low / years:.2f}, {chi2.ppf(0.975, 2 * count + 2) / 2 / years:.2f}]"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("rows", type=Path)
    parser.add_argument("maps", type=Path, nargs="*", help="saved regions")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=101)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--without", nargs="+", choices=FAULTS, default=[])


def main(asked: argparse.Namespace) -> None:
    """Make the rows that are asked for, and print what all rows come to."""
    rows = read_rows(asked.rows) if asked.rows.exists() else []
    done = {(row["map"], row["seed"], row["case"], *row["without"]) for row in rows}
    for path in asked.maps:
        roads = Roads(opt.read_region(path))
        for seed in range(asked.first, asked.first + asked.seeds):
            cases = [
                c for c in asked.cases if (path.stem, seed, c, *sorted(asked.without)) not in done
            ]
            made = (
                [
                    json.loads(json.dumps(row))
                    for row in measured(path, roads, seed, cases, asked.without)
                ]
                if cases
                else []
            )
            rows += made
            with asked.rows.open("a") as file:
                file.writelines(f"{json.dumps(row)}\n" for row in made)
    print("\n\n".join(tables(rows).values()))
