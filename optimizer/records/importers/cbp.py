"""CBP nationwide drug seizures (events and pounds by month, component, field office or
sector, and drug), and a proxy of their effort.

The files carry no search effort. A proxy is required (`Proxy`) and is named in a column
of every table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.text.formatting import number
from optimizer.base.text.names import close_match, unknown_name
from optimizer.records.areas import name_key
from optimizer.records.importers.frames import (
    FILE,
    LINE,
    SNIPPET,
    DropCounts,
    Imported,
    ImportSummary,
    ScenarioEntries,
    add_rows,
    filters,
    numbers,
    read_columns,
    span_text,
    spans,
)

WHAT = "a file of CBP nationwide drug seizures"

FISCAL = "FY"
MONTH = "Month (abbv)"
COMPONENT = "Component"
OFFICE = "Area of Responsibility"

DRUG = "Drug Type"
EVENTS = "Count of Event"
POUNDS = "Sum Qty (lbs)"
LAND = "Land Filter"

REQUIRED = (FISCAL, MONTH, COMPONENT, OFFICE, DRUG, EVENTS, POUNDS)

KEY = [FISCAL, MONTH, COMPONENT, "Region", LAND, OFFICE, DRUG]
"""What tells one figure from another; the file has each once."""

NAMES_OF_MONTHS = (
    "JAN",
    "FEB",
    "MAR",
    "APR",
    "MAY",
    "JUN",
    "JUL",
    "AUG",
    "SEP",
    "OCT",
    "NOV",
    "DEC",
)

MONTHS = {name: number for number, name in enumerate(NAMES_OF_MONTHS, start=1)}

LAND_ONLY = "Land Only"

NO_PROXY = "none"

VEHICLES = ("Passenger Vehicles", "Commercial Trucks", "Buses")
"""Modes of crossing that an officer at a road port looks into."""

OFFICE_OF_REGION = {
    "El Paso": "EL PASO FIELD OFFICE",
    "Laredo": "LAREDO FIELD OFFICE",
    "Rio Grande Valley": "LAREDO FIELD OFFICE",
}
"""CBP field office of the ports in each region of the Texas-Mexico crossing table."""


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
        Files; together they hold each figure once (a row that equals an earlier one is
        dropped and counted).
    crossings, staffing, constant
        The proxy: yearly traffic at the crossings, a table of staff, or one amount for
        every area and month.
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
        If there is no proxy or several, with the problems of the files, if two rows
        give different figures for one thing, or if a name is not in the files.
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
        rows,
        drops,
        {
            "--component": (COMPONENT, components),
            "--area": (OFFICE, areas),
            "--drug": (DRUG, drugs),
        },
    )
    if land_only:
        other = rows[LAND] != LAND_ONLY
        drops.drop("not by land", other.sum())
        rows = rows[~other]
    if rows.empty:
        raise InputError(
            Problem(
                "CBP seizures", "no row left by the choices together", "at least one", "Choose less"
            )
        )
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
                f"the proxy ({proxy.label})",
                "no area and month of the records",
                "at least one",
                "Choose another proxy",
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
            parts.append(
                read_columns(path, WHAT, REQUIRED, KEY, numeric=(EVENTS, POUNDS), remarks=remarks)
            )
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
            f"the {earlier[EVENTS]} and {earlier[POUNDS]} of {earlier[FILE]}, line {earlier[LINE]},"
            " or no such row"
        )
        problems.of_file(str(row[FILE])).add(
            int(row[LINE]), found, expected, "Give each month in one file only"
        )
    problems.raise_if_any()
    return rows


def _chosen(
    rows: pd.DataFrame, drops: DropCounts, choices: Mapping[str, tuple[str, Sequence[str]]]
) -> pd.DataFrame:
    for option, (column, names) in choices.items():
        if not names:
            continue
        there = {name_key(name): name for name in sorted(set(rows[column]))}
        for name in names:
            if name_key(name) not in there:
                expected = "a name that the files have"
                raise InputError(
                    unknown_name(option, name_key(name), there, found=repr(name), expected=expected)
                )
        kept = rows[column].map(name_key).isin({name_key(name) for name in names})
        drops.drop(f"left out by {option}", (~kept).sum())
        rows = rows[kept]
    return rows


def _seizures(rows: pd.DataFrame, effort: pd.DataFrame, proxy: Proxy) -> pd.DataFrame:
    by = ["start", OFFICE, COMPONENT, DRUG]
    sums = rows.groupby(by, as_index=False)[["count", "quantity"]].sum()
    sums["count"] = sums["count"].astype(np.int64)
    sums = sums.rename(columns={OFFICE: "area", COMPONENT: "component", DRUG: "drug"})
    sums = sums.merge(
        covered_months(effort).assign(effort_proxy=proxy.label), on=["area", "start"], how="left"
    )
    sums["effort_proxy"] = sums["effort_proxy"].fillna(NO_PROXY)
    sums["time"] = sums["start"].dt.strftime("%Y-%m")
    return sums[["time", "area", "component", "drug", "count", "quantity", "effort_proxy"]]


def _notes(proxy: Proxy, counts: Mapping[str, Any], rows: pd.DataFrame) -> tuple[str, ...]:
    notes = [
        f"CBP publishes no search effort. A proxy stands in for it: {proxy.label}.",
        *proxy.notes,
    ]
    if counts["events_without_effort"]:
        notes.append(
            f"{counts['events_without_effort']} events have no proxy for their area and month"
            f" ({len(counts['areas_without_effort'])} areas have none at all); they are written"
            f" with effort_proxy = {NO_PROXY}, and {SNIPPET} leaves them out."
        )
    if (rows[LAND] != LAND_ONLY).any() and counts["effort_proxy"].startswith("northbound"):
        notes.append(
            "Some events are not by land, where the traffic of land crossings says nothing:"
            " consider --land-only."
        )
    notes.append(
        "Areas are field offices and sectors: a scenario needs a polygon of each area that is named"
        " (region.areas)."
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


# What stands in for the search effort that CBP does not publish: traffic, staffing or a
# constant, always stated.
#
# A proxy is no effort. It is taken at its word by the risk model, so its name goes into
# every file that is written.

YEAR = "Year"
REGION = "Region"
MODE = "Modes"
CROSSED = "Northbound Crossing"

AREA = "area"
TIME = "time"
STAFF = "staff"


@dataclass(frozen=True)
class Proxy:
    """A stand-in for effort."""

    #: What it is, in one phrase.
    label: str
    #: Unit of its amounts, which says that it is a proxy.
    unit: str
    #: One row an area and span: area, start, end (datetime64, end excluded), amount >=
    #: 0 over the whole span.
    rows: pd.DataFrame
    #: What a user of it must know.
    notes: tuple[str, ...]


def crossings_proxy(
    path: Path,
    areas: Sequence[str],
    *,
    modes: Sequence[str] = VEHICLES,
    office_of: Mapping[str, str] = OFFICE_OF_REGION,
    remarks: list[str] | None = None,
) -> Proxy:
    """Read yearly northbound traffic (columns Year, Region, Modes, Northbound Crossing)
    as effort of the ports' field offices.

    Parameters
    ----------
    path
        The table.
    areas
        Areas of the records.
    modes
        Modes to add up.
    office_of
        Region of the table -> area of the records.
    remarks
        As in `optimizer.base.files.tables.read_csv`.

    Raises
    ------
    InputError
        If the table cannot be read, a mode is not in it, or a region or area is not
        known.
    """
    wanted = (YEAR, REGION, MODE, CROSSED)
    table = read_columns(
        path, "a table of yearly crossings", wanted, numeric=(CROSSED,), remarks=remarks
    )
    there = sorted(set(table[MODE]))
    for mode in modes:
        if mode not in there:
            raise InputError(unknown_name("--mode", mode, there))
    table = table[table[MODE].isin(list(modes))].copy()
    problems = ProblemList()
    table[AREA] = table[REGION].map(dict(office_of))
    strange = table[AREA].isna()
    add_rows(
        problems,
        table[strange],
        REGION,
        f"one of {', '.join(office_of)}",
        "State its field office with --office",
    )
    table["amount"] = numbers(table, CROSSED, problems)
    add_rows(problems, table[table[CROSSED] == ""], CROSSED, "a number of crossings, 0 for none")
    table[["start", "end"]] = spans(table, YEAR, problems)
    add_rows(problems, table[table[YEAR] == ""], YEAR, "a year")
    problems.raise_if_any()
    stated = [name for region, name in office_of.items() if OFFICE_OF_REGION.get(region) != name]
    _check_areas("--office", stated, areas)
    spelling = {name_key(name): name for name in areas}
    # offices that the records do not name drop out of the sums
    table[AREA] = table[AREA].map(name_key).map(spelling)
    rows = table.groupby([AREA, "start", "end"], as_index=False)[["amount"]].sum()
    label = f"northbound crossings ({', '.join(modes)}) of {path.name}"
    note = (
        "Traffic says how much was there to be looked at, not how hard anybody looked; crossings"
        " outside the table (other states of the same field office, air and sea) are not in it."
    )
    return Proxy(label, "northbound crossings (proxy)", rows, (note,))


def staffing_proxy(path: Path, areas: Sequence[str], *, remarks: list[str] | None = None) -> Proxy:
    """Read a table of staff (columns area, time, staff) as staff-months.

    Parameters
    ----------
    path
        The table; time is a month, a year, a fiscal year or first/last of these, staff
        the mean number over it.
    areas
        Areas of the records.
    remarks
        As in `optimizer.base.files.tables.read_csv`.

    Raises
    ------
    InputError
        If the table cannot be read, an area is not known or named twice at one time, or
        a number is negative or none.
    """
    table = read_columns(
        path, "a table of staff", (AREA, TIME, STAFF), numeric=(STAFF,), remarks=remarks
    )
    problems = ProblemList()
    keys = {name_key(name): name for name in areas}
    table["known"] = table[AREA].map(name_key).map(keys)
    strange = table["known"].isna()
    near = next(
        (hint for text in table.loc[strange, AREA] if (hint := close_match(text.upper(), areas))),
        "",
    )
    add_rows(problems, table[strange], AREA, "an area of the records", near)
    staff = numbers(table, STAFF, problems)
    add_rows(problems, table[table[STAFF] == ""], STAFF, "a number of staff, 0 for none")
    add_rows(problems, table[table[TIME] == ""], TIME, "a month, year or fiscal year")
    table[["start", "end"]] = spans(table, TIME, problems)
    start, end = table["start"].dt, table["end"].dt
    months = (end.year - start.year) * 12 + end.month - start.month
    broken = table["start"].notna() & ((start.day != 1) | (end.day != 1))
    add_rows(problems, table[broken], TIME, "whole months")
    table = table.sort_values(["known", "start"], kind="stable")
    overlapping = (table["known"] == table["known"].shift()) & (
        table["start"] < table.groupby("known")["end"].cummax().shift()
    )
    add_rows(
        problems,
        table[overlapping],
        TIME,
        "times of one area that do not overlap",
        "Count each month once",
    )
    problems.raise_if_any()
    rows = pd.DataFrame(
        {
            AREA: table["known"],
            "start": table["start"],
            "end": table["end"],
            "amount": (staff * months).loc[table.index],
        }
    )
    notes = ("Staff says who could have looked: leave, office work and other duties are in it.",)
    return Proxy(
        f"staff of {path.name}", "staff-months (proxy)", rows.reset_index(drop=True), notes
    )


def constant_proxy(
    amount: float, areas: Sequence[str], first: pd.Timestamp, after: pd.Timestamp
) -> Proxy:
    """Return the same effort for every area and month from `first` up to and without
    `after`, both first days of months.

    Raises
    ------
    InputError
        If the amount is not a number above zero.
    """
    if not 0 < amount < np.inf:
        raise InputError(Problem("--constant", str(amount), "a number above zero"))
    start = pd.date_range(first, after, freq="MS", inclusive="left")
    rows = pd.DataFrame({AREA: list(areas)}).merge(
        pd.DataFrame(
            {"start": start, "end": start + pd.DateOffset(months=1), "amount": float(amount)}
        ),
        how="cross",
    )
    notes = (
        (
            "A constant says that every area was searched alike: seizures then show where people"
            " looked as much as where drugs pass."
        ),
    )
    return Proxy(
        f"a constant of {number(amount, 6)} an area and month", "area-months (proxy)", rows, notes
    )


@dataclass(frozen=True)
class ProxyEffort:
    """A proxy as the effort that a scenario reads."""

    #: Columns area, time, amount, unit, effort_proxy; and start, end for the caller.
    rows: pd.DataFrame
    #: How many spans were cut to their share of days.
    spans_cut: int


def effort_table(proxy: Proxy, first: pd.Timestamp, after: pd.Timestamp) -> ProxyEffort:
    """Return effort within the records' time, `first` up to and without `after`; spans
    wholly outside are left out.
    """
    rows = proxy.rows[(proxy.rows["end"] > first) & (proxy.rows["start"] < after)].copy()
    days = (rows["end"] - rows["start"]).dt.days
    cut = (rows["start"] < first) | (rows["end"] > after)
    rows["start"] = rows["start"].where(rows["start"] > first, first)
    rows["end"] = rows["end"].where(rows["end"] < after, after)
    rows["amount"] *= (rows["end"] - rows["start"]).dt.days / days
    rows["time"] = [
        span_text(start, end) for start, end in zip(rows["start"], rows["end"], strict=True)
    ]
    rows["unit"], rows["effort_proxy"] = proxy.unit, proxy.label
    return ProxyEffort(
        rows[[AREA, TIME, "amount", "unit", "effort_proxy", "start", "end"]], int(cut.sum())
    )


def covered_months(effort: pd.DataFrame) -> pd.DataFrame:
    """Return every area and first day of a month (columns area, start) for which there
    is effort.
    """
    effort = effort[effort["amount"] > 0]
    first = effort["start"].dt.year * 12 + effort["start"].dt.month - 1
    length = (effort["end"].dt.year * 12 + effort["end"].dt.month - 1 - first).to_numpy()
    # 0, 1, ... in each span
    within = np.arange(length.sum()) - np.repeat(length.cumsum() - length, length)
    month = np.repeat(first.to_numpy(), length) + within
    start = pd.to_datetime(pd.DataFrame({"year": month // 12, "month": month % 12 + 1, "day": 1}))
    return pd.DataFrame(
        {AREA: np.repeat(effort[AREA].to_numpy(), length), "start": start}
    ).drop_duplicates()


def _check_areas(where: str, names: Sequence[str], areas: Sequence[str]) -> None:
    keys = {name_key(area) for area in areas}
    for name in names:
        if name_key(name) not in keys:
            raise InputError(unknown_name(where, name, areas, expected="an area of the records"))
