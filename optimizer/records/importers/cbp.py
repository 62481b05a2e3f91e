"""CBP nationwide drug seizures: events and pounds by month, component, field office or sector, and drug.

The files carry no search effort. A proxy is required (`optimizer.records.importers.proxy`) and is named in a column of every table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.names import unknown_name
from optimizer.records.areas import name_key
from optimizer.records.importers.frames import FILE, LINE, add_rows, numbers, read_columns
from optimizer.records.importers.proxy import (
    OFFICE_OF_REGION,
    VEHICLES,
    constant_proxy,
    covered_months,
    crossings_proxy,
    effort_table,
    staffing_proxy,
)
from optimizer.records.importers.summary import DropCounts, ImportSummary
from optimizer.records.importers.writing import SNIPPET, Imported, ScenarioEntries, filters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from optimizer.records.importers.proxy import Proxy

WHAT = "a file of CBP nationwide drug seizures"
FISCAL, MONTH, COMPONENT, OFFICE = "FY", "Month (abbv)", "Component", "Area of Responsibility"
DRUG, EVENTS, POUNDS, LAND = "Drug Type", "Count of Event", "Sum Qty (lbs)", "Land Filter"
REQUIRED = (FISCAL, MONTH, COMPONENT, OFFICE, DRUG, EVENTS, POUNDS)
KEY = [FISCAL, MONTH, COMPONENT, "Region", LAND, OFFICE, DRUG]
"""What tells one figure from another; the file has each once."""
NAMES_OF_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
MONTHS = {name: number for number, name in enumerate(NAMES_OF_MONTHS, start=1)}
LAND_ONLY = "Land Only"
NO_PROXY = "none"


def import_cbp(
    paths: Sequence[Path],
    *,
    crossings: Path | None = None,
    staffing: Path | None = None,
    constant: float | None = None,
    modes: Sequence[str] = VEHICLES,
    office_of: Mapping[str, str] = OFFICE_OF_REGION,
    components: Sequence[str] = (),
    areas: Sequence[str] = (),
    drugs: Sequence[str] = (),
    land_only: bool = False,
) -> Imported:
    """Read nationwide drug seizures, with exactly one proxy of effort.

    Parameters
    ----------
    paths
        Files; together they hold each figure once (a row that equals an earlier one is dropped and counted).
    crossings, staffing, constant
        The proxy: yearly traffic at the crossings, a table of staff, or one amount for every area and month.
    modes, office_of
        For `crossings`: modes to add up, and the field office of each region.
    components, areas, drugs
        Names to keep, whatever their case; none keeps all.
    land_only
        Keep only what CBP calls land: without air and sea ports.

    Returns
    -------
    `seizures.csv` (time, area, component, drug, count, quantity in pounds, effort_proxy) and `effort.csv` (area, time, amount, unit,
    effort_proxy). Where the proxy says nothing about an area's month, `effort_proxy` of its seizures is "none".

    Raises
    ------
    InputError
        If there is no proxy or several, with the problems of the files, if two rows give different figures for one thing, or if a name
        is not in the files.
    """
    _check_one_proxy(crossings, staffing, constant)
    drops = DropCounts()
    remarks: list[str] = []
    rows = _read(paths, remarks)
    total, total_events = len(rows), int(rows["count"].sum())
    every = sorted(set(rows[OFFICE]))
    first, after = (
        rows["start"].min(),
        rows["start"].max() + pd.DateOffset(months=1),
    )  # a month without seizures was a month
    rows = _without_copies(rows, drops)
    rows = _chosen(
        rows, drops, {"--component": (COMPONENT, components), "--area": (OFFICE, areas), "--drug": (DRUG, drugs)}
    )
    if land_only:
        other = rows[LAND] != LAND_ONLY
        drops.drop("not by land", other.sum())
        rows = rows[~other]
    if rows.empty:
        raise InputError(Problem("CBP seizures", "no row left by the choices together", "at least one", "Choose less"))
    if crossings is not None:
        proxy = crossings_proxy(crossings, every, modes=modes, office_of=office_of, remarks=remarks)
    elif staffing is not None:
        proxy = staffing_proxy(staffing, every, remarks=remarks)
    else:
        proxy = constant_proxy(float(constant or 0), sorted(set(rows[OFFICE])), first, after)
    made = effort_table(proxy, first, after)
    effort = made.rows[made.rows["area"].isin(set(rows[OFFICE]))]
    seizures = _seizures(rows, effort, proxy)
    without = seizures["effort_proxy"] == NO_PROXY
    if without.all():
        raise InputError(
            Problem(
                f"the proxy ({proxy.label})", "no area and month of the records", "at least one", "Choose another proxy"
            )
        )
    counts = {
        "effort_proxy": proxy.label,
        "events_read": total_events,
        "events_kept": int(rows["count"].sum()),
        "pounds_kept": round(float(rows["quantity"].sum()), 3),
        "areas": int(rows[OFFICE].nunique()),
        "months": int(rows["start"].nunique()),
        "seizure_rows_written": len(seizures),
        "effort_rows_written": len(effort),
        "effort_spans_cut": made.spans_cut,
        "areas_without_effort": sorted(set(seizures["area"]) - set(effort["area"])),
        "events_without_effort": int(seizures.loc[without, "count"].sum()),
        "events_by_component": rows.groupby(COMPONENT)["count"].sum().astype(int).to_dict(),
        "events_by_drug": rows.groupby(DRUG)["count"].sum().astype(int).to_dict(),
    }
    summary = ImportSummary(
        "CBP nationwide drug seizures",
        tuple(path.name for path in paths),
        total,
        drops.dropped,
        len(rows),
        counts,
        (*remarks, *_notes(proxy, counts, rows)),
    )
    tables = {"seizures.csv": seizures, "effort.csv": effort.drop(columns=["start", "end"])}
    return Imported(tables, _entries(proxy, some_without=bool(without.any())), summary)


def _check_one_proxy(crossings: Path | None, staffing: Path | None, constant: float | None) -> None:
    given = {"--crossings": crossings, "--staffing": staffing, "--constant": constant}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise InputError(
            Problem(
                "search effort, which CBP's files do not carry",
                " and ".join(named) or "no proxy",
                "exactly one of --crossings FILE, --staffing FILE and --constant AMOUNT",
                "State one: it will be named in every file",
            )
        )


def _read(paths: Sequence[Path], remarks: list[str]) -> pd.DataFrame:
    parts = []
    problems = ProblemList()
    for path in paths:
        try:
            parts.append(read_columns(path, WHAT, REQUIRED, KEY, numeric=(EVENTS, POUNDS), remarks=remarks))
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    rows = pd.concat(parts, ignore_index=True)
    for name in ("Region", LAND):
        rows[name] = rows[name].fillna("") if name in rows else ""
    fiscal = rows[FISCAL].str.extract(r"^((?:19|20)[0-9]{2})(?: \(FYTD\))?$", expand=False)
    add_rows(problems, rows[fiscal.isna()], FISCAL, "a fiscal year such as 2019 or 2026 (FYTD)")
    month = rows[MONTH].str.upper().map(MONTHS)
    add_rows(problems, rows[month.isna()], MONTH, f"one of {', '.join(MONTHS)}")
    for name in (COMPONENT, OFFICE, DRUG):
        add_rows(problems, rows[rows[name] == ""], name, "a name")
    for name, column, whole in ((EVENTS, "count", True), (POUNDS, "quantity", False)):
        rows[column] = numbers(rows, name, problems, whole=whole)
        add_rows(problems, rows[rows[name] == ""], name, "a number, 0 for none")
    problems.raise_if_any()
    year = fiscal.astype(int) - (month >= 10)  # a fiscal year begins in October of the year before
    rows["start"] = pd.to_datetime({"year": year, "month": month.astype(int), "day": 1})
    rows[FISCAL] = fiscal
    return rows


def _without_copies(rows: pd.DataFrame, drops: DropCounts) -> pd.DataFrame:
    copies = rows.duplicated([*KEY, EVENTS, POUNDS])
    drops.drop("copy of an earlier row", copies.sum())
    rows = rows[~copies]
    revised = rows[rows.duplicated(KEY)]
    problems = ProblemList()
    first = rows.drop_duplicates(KEY).set_index(KEY)
    for row in revised.head(100).to_dict("records"):
        earlier = first.loc[tuple(row[name] for name in KEY)]
        found = f"{row[EVENTS]} events and {row[POUNDS]} pounds"
        expected = (
            f"the {earlier[EVENTS]} and {earlier[POUNDS]} of {earlier[FILE]}, line {earlier[LINE]}, or no such row"
        )
        problems.of_file(str(row[FILE])).add(int(row[LINE]), found, expected, "Give each month in one file only")
    problems.raise_if_any()
    return rows


def _chosen(rows: pd.DataFrame, drops: DropCounts, choices: Mapping[str, tuple[str, Sequence[str]]]) -> pd.DataFrame:
    for option, (column, names) in choices.items():
        if not names:
            continue
        there = {name_key(name): name for name in sorted(set(rows[column]))}
        for name in names:
            if name_key(name) not in there:
                expected = "a name that the files have"
                raise InputError(unknown_name(option, name_key(name), there, found=repr(name), expected=expected))
        kept = rows[column].map(name_key).isin({name_key(name) for name in names})
        drops.drop(f"left out by {option}", (~kept).sum())
        rows = rows[kept]
    return rows


def _seizures(rows: pd.DataFrame, effort: pd.DataFrame, proxy: Proxy) -> pd.DataFrame:
    by = ["start", OFFICE, COMPONENT, DRUG]
    sums = rows.groupby(by, as_index=False)[["count", "quantity"]].sum()
    sums["count"] = sums["count"].astype(np.int64)
    sums = sums.rename(columns={OFFICE: "area", COMPONENT: "component", DRUG: "drug"})
    sums = sums.merge(covered_months(effort).assign(effort_proxy=proxy.label), on=["area", "start"], how="left")
    sums["effort_proxy"] = sums["effort_proxy"].fillna(NO_PROXY)
    sums["time"] = sums["start"].dt.strftime("%Y-%m")
    return sums[["time", "area", "component", "drug", "count", "quantity", "effort_proxy"]]


def _notes(proxy: Proxy, counts: Mapping[str, Any], rows: pd.DataFrame) -> tuple[str, ...]:
    notes = [f"CBP publishes no search effort. A proxy stands in for it: {proxy.label}.", *proxy.notes]
    if counts["events_without_effort"]:
        notes.append(
            f"{counts['events_without_effort']} events have no proxy for their area and month ({len(counts['areas_without_effort'])} areas "
            f"have none at all); they are written with effort_proxy = {NO_PROXY}, and {SNIPPET} leaves them out."
        )
    if (rows[LAND] != LAND_ONLY).any() and counts["effort_proxy"].startswith("northbound"):
        notes.append(
            "Some events are not by land, where the traffic of land crossings says nothing: consider --land-only."
        )
    notes.append(
        "Areas are field offices and sectors: a scenario needs a polygon of each area that is named (region.areas)."
    )
    return tuple(notes)


def _entries(proxy: Proxy, *, some_without: bool) -> ScenarioEntries:
    seizures: dict[str, Any] = {
        "file": "seizures.csv",
        "source": "CBP",
        "quantity_unit": "lb",
        "effort_unit": proxy.unit,
    }
    if some_without:
        seizures["where"] = filters(effort_proxy=proxy.label)
    effort = {"file": "effort.csv", "source": f"proxy: {proxy.label}"[:200], "unit": proxy.unit}
    return ScenarioEntries((seizures,), (effort,))
