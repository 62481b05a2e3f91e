"""What stands in for the search effort that CBP does not publish: traffic, staffing or a constant, always stated.

A proxy is no effort. It is taken at its word by the risk model, so its name goes into every file that is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.names import close_match, unknown_name
from optimizer.records.areas import name_key
from optimizer.records.importers.frames import add_rows, numbers, read_columns
from optimizer.records.importers.spans import span_text, spans

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

VEHICLES = ("Passenger Vehicles", "Commercial Trucks", "Buses")
"""Modes of crossing that an officer at a road port looks into."""
OFFICE_OF_REGION = {
    "El Paso": "EL PASO FIELD OFFICE",
    "Laredo": "LAREDO FIELD OFFICE",
    "Rio Grande Valley": "LAREDO FIELD OFFICE",
}
"""CBP field office of the ports in each region of the Texas-Mexico crossing table."""
YEAR, REGION, MODE, CROSSED = "Year", "Region", "Modes", "Northbound Crossing"
AREA, TIME, STAFF = "area", "time", "staff"


@dataclass(frozen=True)
class Proxy:
    """A stand-in for effort.

    Attributes
    ----------
    label
        What it is, in one phrase.
    unit
        Unit of its amounts, which says that it is a proxy.
    rows
        One row an area and span: area, start, end (datetime64, end excluded), amount >= 0 over the whole span.
    notes
        What a user of it must know.
    """

    label: str
    unit: str
    rows: pd.DataFrame
    notes: tuple[str, ...]


def crossings_proxy(
    path: Path,
    areas: Sequence[str],
    *,
    modes: Sequence[str] = VEHICLES,
    office_of: Mapping[str, str] = OFFICE_OF_REGION,
    remarks: list[str] | None = None,
) -> Proxy:
    """Read yearly northbound traffic (columns Year, Region, Modes, Northbound Crossing) as effort of the ports' field offices.

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
        As in `optimizer.base.tables.read_csv`.

    Raises
    ------
    InputError
        If the table cannot be read, a mode is not in it, or a region or area is not known.
    """
    wanted = (YEAR, REGION, MODE, CROSSED)
    table = read_columns(path, "a table of yearly crossings", wanted, numeric=(CROSSED,), remarks=remarks)
    there = sorted(set(table[MODE]))
    for mode in modes:
        if mode not in there:
            raise InputError(unknown_name("--mode", mode, there))
    table = table[table[MODE].isin(list(modes))].copy()
    problems = ProblemList()
    table[AREA] = table[REGION].map(dict(office_of))
    strange = table[AREA].isna()
    add_rows(problems, table[strange], REGION, f"one of {', '.join(office_of)}", "State its field office with --office")
    table["amount"] = numbers(table, CROSSED, problems)
    add_rows(problems, table[table[CROSSED] == ""], CROSSED, "a number of crossings, 0 for none")
    table[["start", "end"]] = spans(table, YEAR, problems)
    add_rows(problems, table[table[YEAR] == ""], YEAR, "a year")
    problems.raise_if_any()
    stated = [name for region, name in office_of.items() if OFFICE_OF_REGION.get(region) != name]
    _check_areas("--office", stated, areas)
    spelling = {name_key(name): name for name in areas}
    table[AREA] = table[AREA].map(name_key).map(spelling)  # offices that the records do not name drop out of the sums
    rows = table.groupby([AREA, "start", "end"], as_index=False)[["amount"]].sum()
    label = f"northbound crossings ({', '.join(modes)}) of {path.name}"
    note = (
        "Traffic says how much was there to be looked at, not how hard anybody looked; crossings outside the table (other states of "
        "the same field office, air and sea) are not in it."
    )
    return Proxy(label, "northbound crossings (proxy)", rows, (note,))


def staffing_proxy(path: Path, areas: Sequence[str], *, remarks: list[str] | None = None) -> Proxy:
    """Read a table of staff (columns area, time, staff) as staff-months.

    Parameters
    ----------
    path
        The table; time is a month, a year, a fiscal year or first/last of these, staff the mean number over it.
    areas
        Areas of the records.
    remarks
        As in `optimizer.base.tables.read_csv`.

    Raises
    ------
    InputError
        If the table cannot be read, an area is not known or named twice at one time, or a number is negative or none.
    """
    table = read_columns(path, "a table of staff", (AREA, TIME, STAFF), numeric=(STAFF,), remarks=remarks)
    problems = ProblemList()
    keys = {name_key(name): name for name in areas}
    table["known"] = table[AREA].map(name_key).map(keys)
    strange = table["known"].isna()
    near = next((hint for text in table.loc[strange, AREA] if (hint := close_match(text.upper(), areas))), "")
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
    add_rows(problems, table[overlapping], TIME, "times of one area that do not overlap", "Count each month once")
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
    return Proxy(f"staff of {path.name}", "staff-months (proxy)", rows.reset_index(drop=True), notes)


def constant_proxy(amount: float, areas: Sequence[str], first: pd.Timestamp, after: pd.Timestamp) -> Proxy:
    """Return the same effort for every area and month from `first` up to and without `after`, both first days of months.

    Raises
    ------
    InputError
        If the amount is not a number above zero.
    """
    if not 0 < amount < np.inf:
        raise InputError(Problem("--constant", str(amount), "a number above zero"))
    start = pd.date_range(first, after, freq="MS", inclusive="left")
    rows = pd.DataFrame({AREA: list(areas)}).merge(
        pd.DataFrame({"start": start, "end": start + pd.DateOffset(months=1), "amount": float(amount)}),
        how="cross",
    )
    notes = (
        "A constant says that every area was searched alike: seizures then show where people looked as much as where drugs pass.",
    )
    return Proxy(f"a constant of {amount:g} an area and month", "area-months (proxy)", rows, notes)


@dataclass(frozen=True)
class ProxyEffort:
    """A proxy as the effort that a scenario reads.

    Attributes
    ----------
    rows
        Columns area, time, amount, unit, effort_proxy; and start, end for the caller.
    spans_cut
        How many spans were cut to their share of days.
    """

    rows: pd.DataFrame
    spans_cut: int


def effort_table(proxy: Proxy, first: pd.Timestamp, after: pd.Timestamp) -> ProxyEffort:
    """Return effort within the records' time, `first` up to and without `after`; spans wholly outside are left out."""
    rows = proxy.rows[(proxy.rows["end"] > first) & (proxy.rows["start"] < after)].copy()
    days = (rows["end"] - rows["start"]).dt.days
    cut = (rows["start"] < first) | (rows["end"] > after)
    rows["start"] = rows["start"].where(rows["start"] > first, first)
    rows["end"] = rows["end"].where(rows["end"] < after, after)
    rows["amount"] *= (rows["end"] - rows["start"]).dt.days / days
    rows["time"] = [span_text(start, end) for start, end in zip(rows["start"], rows["end"], strict=True)]
    rows["unit"], rows["effort_proxy"] = proxy.unit, proxy.label
    return ProxyEffort(rows[[AREA, TIME, "amount", "unit", "effort_proxy", "start", "end"]], int(cut.sum()))


def covered_months(effort: pd.DataFrame) -> pd.DataFrame:
    """Return every area and first day of a month (columns area, start) for which there is effort."""
    effort = effort[effort["amount"] > 0]
    first = effort["start"].dt.year * 12 + effort["start"].dt.month - 1
    length = (effort["end"].dt.year * 12 + effort["end"].dt.month - 1 - first).to_numpy()
    within = np.arange(length.sum()) - np.repeat(length.cumsum() - length, length)  # 0, 1, ... in each span
    month = np.repeat(first.to_numpy(), length) + within
    start = pd.to_datetime(pd.DataFrame({"year": month // 12, "month": month % 12 + 1, "day": 1}))
    return pd.DataFrame({AREA: np.repeat(effort[AREA].to_numpy(), length), "start": start}).drop_duplicates()


def _check_areas(where: str, names: Sequence[str], areas: Sequence[str]) -> None:
    keys = {name_key(area) for area in areas}
    for name in names:
        if name_key(name) not in keys:
            raise InputError(unknown_name(where, name, areas, expected="an area of the records"))
