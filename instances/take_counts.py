"""Take the counts of crossings, agents and seizures from the tables that agencies
publish.

Run it from the repository root when those tables change. They are not in the
repository, so their folder is an argument:

    python -m instances.take_counts BORDER FOLDER [TRAFFIC]

BORDER is a folder of `instances`, such as rio-grande-roads; its `border.toml` says what
is taken. FOLDER holds `cbp/` (`bts-us-mexico-monthly-*.csv.gz`,
`cbp-nationwide-drugs-*.csv`, a yearly table of crossings where the border has one) and
`border-patrol/` (`jacobkap-border_patrol_staffing_*.csv`,
`jacobkap-sector_profile_*.csv`). It writes the tables `exposure`, `exposure_months`,
`port_years`, `agents`, `sector_years`, `effort` and `seizures` under `facts/`. TRAFFIC
is `traffic.csv` of `import aadt` on the roads of the border: the nearest count on the
road of each checkpoint site becomes the table `traffic`, with others along the roads
where `border.toml` wants them. The same tables always give the same facts.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from instances.borders import CountSource, counted_border
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.records.traffic_counts import RoadNumber, road_numbers

FIRST, LAST = "2018-10", "2025-12"
"""The months of the seizure record."""
EARLIEST, SECTOR_YEARS = "2010", range(2011, 2020)
"""The first year of crossings that is read, and the fiscal years of the table of sectors."""
MODES = {
    "passenger_vehicles": ("Passenger Vehicles", "Personal Vehicles"),
    "trucks": ("Commercial Trucks", "Trucks"),
    "buses": ("Buses", "Buses"),
    "pedestrians": ("Pedestrians/ Bicyclists", "Pedestrians"),
}
"""Column -> what the yearly and the monthly table call it."""
VEHICLES = ("passenger_vehicles", "trucks", "buses")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
LATE = "; a year known as a whole, shared out by the months of the year before"
WITHIN_KM = 30.0
"""How far a count may lie from a site on the same road."""
HARD = {"Cocaine", "Fentanyl", "Heroin", "Methamphetamine"}

Row = dict[str, str]


def main(arguments: Sequence[str]) -> int:
    """Write the tables; return 0, or 2 without a border and a folder."""
    if len(arguments) not in {2, 3}:
        print(__doc__, file=sys.stderr)
        return 2
    border, folder = counted_border(arguments[0]), Path(arguments[1])
    write_counts(border.counts, folder, border.facts)
    if len(arguments) == 3:
        write_traffic(border.counts, read(Path(arguments[2])), border.facts)
    return 0


def write_counts(counts: CountSource, folder: Path, facts: Path) -> None:
    """Write all tables but that of the traffic on the roads; `facts` holds `ports.csv`."""
    ports = read(facts / "ports.csv")
    months = monthly(counts, one(folder, "cbp/bts-us-mexico-monthly-*.csv.gz"))
    crossings = read(one(folder, f"cbp/{counts.yearly}")) if counts.yearly else []
    years = yearly(counts, crossings, ports, months)
    vehicles = exposure_months(counts, crossings, ports, years, months, spans())
    agents = staffing(counts, one(folder, "border-patrol/jacobkap-border_patrol_staffing_*.csv"))
    write_exposure(ports, years, vehicles, facts)
    staff = ([*key, amount] for key, amount in sorted(agents.items()))
    write(facts / "agents.csv", ["sector", "fiscal_year", "agents"], staff)
    fiscal = {year: spans(f"{year - 1}-10", f"{year}-09") for year in SECTOR_YEARS}
    early = exposure_months(
        counts, crossings, ports, years, months, [each for mine in fiscal.values() for each in mine]
    )
    rows = (
        [row["id"], year, f"{sum(early[row['id'], month] for month in mine):.0f}"]
        for row in ports
        for year, mine in fiscal.items()
    )
    write(facts / "port_years.csv", ["port", "fiscal_year", "vehicles"], rows)
    write_sector_years(counts, one(folder, "border-patrol/jacobkap-sector_profile_*.csv"), facts)
    write_effort(counts, ports, vehicles, agents, max(month for _, month, _ in months), facts)
    write_seizures(counts, sorted(folder.glob("cbp/cbp-nationwide-drugs-*.csv")), facts)


def one(folder: Path, pattern: str) -> Path:
    """Return the file that a pattern means."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"{folder}: {len(found)} files {pattern}, one is expected")
    return found[0]


def read(path: Path) -> list[Row]:
    """Return the rows of a CSV, which may be compressed."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table of facts."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def monthly(counts: CountSource, path: Path) -> dict[tuple[str, str, str], float]:
    """Return crossings by port, month and mode, of the Bureau of Transportation Statistics."""
    mode = {names[1]: column for column, names in MODES.items()}
    found: dict[tuple[str, str, str], float] = defaultdict(float)
    for row in read(path):
        if row["Measure"] in mode and row["State"] in counts.states:
            name, year = row["Date"].split()
            found[
                row["Port Name"],
                f"{year}-{MONTHS.index(name.upper()) + 1:02d}",
                mode[row["Measure"]],
            ] += float(row["Value"])
    return found


def yearly(
    counts: CountSource,
    crossings: Sequence[Row],
    ports: Sequence[Row],
    months: dict[tuple[str, str, str], float],
) -> dict[tuple[str, str, str], float]:
    """Return northbound crossings by port, year and mode, from 2010."""
    known = {row["name"]: row["id"] for row in ports}
    mode = {names[0]: column for column, names in MODES.items()}
    found: dict[tuple[str, str, str], float] = defaultdict(float)
    for row in crossings:
        if row["Crossing"] in known and row["Modes"] in mode and row["Year"] >= EARLIEST:
            found[known[row["Crossing"]], row["Year"], mode[row["Modes"]]] += float(
                row["Northbound Crossing"] or 0
            )
    for port, name in counts.monthly_ports.items():
        for year in sorted({month[:4] for _, month, _ in months if month >= EARLIEST}):
            for column in MODES:
                found[port, year, column] = sum(completed(months, (name,), year, column))
    return found


def completed(
    months: dict[tuple[str, str, str], float], names: Sequence[str], year: str, column: str
) -> list[float]:
    """Return the twelve months of a year; those that are not counted yet are those of
    the year before, in proportion to the months that are.
    """
    now, before = (
        [
            sum(months.get((name, f"{each}-{k:02d}", column), 0) for name in names)
            for k in range(1, 13)
        ]
        for each in (int(year), int(year) - 1)
    )
    known = len(months_counted(months, names, year))
    if not 0 < known < 12:
        return now
    grown = sum(now[:known]) / sum(before[:known]) if sum(before[:known]) else 0.0
    return now[:known] + [amount * grown for amount in before[known:]]


def months_counted(
    months: dict[tuple[str, str, str], float], names: Sequence[str], year: str
) -> list[str]:
    """Return the months of a year that the table has anything of."""
    return sorted({month for name, month, _ in months if name in names and month[:4] == year})


def exposure_months(
    counts: CountSource,
    crossings: Sequence[Row],
    ports: Sequence[Row],
    years: dict[tuple[str, str, str], float],
    months: dict[tuple[str, str, str], float],
    wanted: Sequence[str],
) -> dict[tuple[str, str], float]:
    """Return vehicles by port and wanted month: those of the ports of entry counted
    together, shared out by the port's part of the year.

    The yearly table counts each bridge, the monthly one each port of entry: it gives
    the months' parts of the year.
    """
    known = {row["name"]: row["id"] for row in ports}
    together_at = counts.ports_of_entry
    group = {
        known[row["Crossing"]]: tuple(together_at[row["POE"]])
        for row in crossings
        if row["Crossing"] in known
    }
    group |= {port: (name,) for port, name in counts.monthly_ports.items()}
    part = {
        (names, year, column): completed(months, names, year, column)
        for names in set(group.values())
        for year in {month[:4] for month in wanted}
        for column in VEHICLES
    }
    found: dict[tuple[str, str], float] = {}
    for port in group:
        together = [each for each in group if group[each] == group[port]]
        for month in wanted:
            amount = 0.0
            for column in VEHICLES:
                all_year = sum(years.get((each, month[:4], column), 0) for each in together)
                mine = years.get((port, month[:4], column), 0) / all_year if all_year else 0.0
                parts = part[group[port], month[:4], column]
                amount += (
                    mine
                    * all_year
                    * (parts[int(month[5:]) - 1] / sum(parts) if sum(parts) else 1 / 12)
                )
            found[port, month] = amount
    return found


def spans(first: str = FIRST, last: str = LAST) -> list[str]:
    """Return the months from one to another; those of the record by default."""
    months = [
        f"{year}-{month:02d}"
        for year in range(int(first[:4]), int(last[:4]) + 1)
        for month in range(1, 13)
    ]
    return [month for month in months if first <= month <= last]


def write_exposure(
    ports: Sequence[Row],
    years: dict[tuple[str, str, str], float],
    vehicles: dict[tuple[str, str], float],
    facts: Path,
) -> None:
    """Write what passes the ports, by year and by month."""
    rows = []
    for row in ports:
        for year in range(int(FIRST[:4]), int(LAST[:4]) + 1):
            amounts = [f"{years.get((row['id'], str(year), column), 0):.0f}" for column in MODES]
            rows.append([row["id"], row["field_office"], year, *amounts])
    write(facts / "exposure.csv", ["port", "field_office", "year", *MODES], rows)
    write(
        facts / "exposure_months.csv",
        ["port", "month", "vehicles"],
        (
            [row["id"], month, f"{vehicles[row['id'], month]:.0f}"]
            for row in ports
            for month in spans()
        ),
    )


def staffing(counts: CountSource, path: Path) -> dict[tuple[str, int], int]:
    """Return agents by sector and fiscal year."""
    name = {text: sector for sector, text in counts.sectors.items()} | counts.former_sectors
    return {
        (name[row["sector"]], int(row["fiscal_year"])): int(float(row["number_of_agents"]))
        for row in read(path)
        if row["sector"] in name and row["number_of_agents"] not in {"", "NA"}
    }


def write_sector_years(counts: CountSource, path: Path, facts: Path) -> None:
    """Write agents and pounds seized by sector and fiscal year."""
    name = {text: sector for sector, text in counts.sectors.items()}
    columns = ["number_of_agents", "marijuana_pounds", "cocaine_pounds"]
    rows = sorted(
        [name[row["sector"]], row["fiscal_year"], *(row[column] for column in columns)]
        for row in read(path)
        if row["sector"] in name
    )
    header = ["sector", "fiscal_year", "agents", "marijuana_pounds", "cocaine_pounds"]
    write(facts / "sector_years.csv", header, rows)


def write_effort(
    counts: CountSource,
    ports: Sequence[Row],
    vehicles: dict[tuple[str, str], float],
    agents: dict[tuple[str, int], int],
    counted: str,
    facts: Path,
) -> None:
    """Write search effort by area and month: vehicles at the ports of an office, a
    twelfth of the agents of a sector.

    `counted` is the last month of which crossings are counted.
    """
    rows: list[list[Any]] = []
    for office in counts.offices:
        mine = [row["id"] for row in ports if row["field_office"] == office]
        source = (
            "northbound vehicles (cars, trucks, buses) at the ports of the field office:"
            " exposure_months.csv summed"
        )
        for month in spans():
            late = month > counted
            amount = f"{sum(vehicles[port, month] for port in mine):.0f}"
            rows.append(
                [
                    office,
                    month,
                    amount,
                    "vehicles",
                    source + (LATE if late else ""),
                    "yes" if late else "no",
                ]
            )
    last = max(year for _, year in agents)
    for sector in counts.sectors:
        for month in spans():
            year = int(month[:4]) + (month[5:] >= "10")
            held = min(year, last)
            source = f"a twelfth of the agents of FY{held}: agents.csv" + (
                "" if held == year else ", the last year known"
            )
            amount = f"{agents[sector, held] / 12:.2f}"
            rows.append(
                [sector, month, amount, "agent-years", source, "no" if held == year else "yes"]
            )
    write(facts / "effort.csv", ["area", "time", "amount", "unit", "source", "assumed"], rows)


def write_seizures(counts: CountSource, paths: Sequence[Path], facts: Path) -> None:
    """Write seizures on land by component, area, month and drug."""
    found: dict[tuple[str, str, str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for path in paths:
        for row in read(path):
            area = row["Area of Responsibility"]
            if area in {*counts.sectors, *counts.offices} and row["Land Filter"] == "Land Only":
                month = MONTHS.index(row["Month (abbv)"].upper()) + 1
                year = int(row["FY"][:4]) - (month >= 10)
                cell = found[
                    row["Component"], area, f"{year}-{month:02d}", row["Drug Type"].rstrip("*")
                ]
                cell[0] += int(row["Count of Event"])
                cell[1] += float(row["Sum Qty (lbs)"])
    rows = []
    for (component, area, time, drug), (events, pounds) in sorted(found.items()):
        group = "hard" if drug in HARD else "marijuana" if drug == "Marijuana" else "other"
        if not counts.drugs or group in counts.drugs:
            rows.append([component, area, time, drug, group, f"{events:.0f}", f"{pounds:.2f}"])
    write(
        facts / "seizures.csv",
        ["component", "area", "time", "drug", "drug_group", "events", "pounds"],
        rows,
    )


def write_traffic(counts: CountSource, roads: Sequence[Row], facts: Path) -> None:
    """Write the count nearest to each site on its own road, where a source says nothing
    else of its traffic, and others far enough apart.
    """
    lon, lat = (np.array([float(each[axis]) for each in roads]) for axis in ("lon", "lat"))
    numbers = [set(road_numbers(each["road"])) for each in roads]
    chosen: list[tuple[str, int, str]] = []
    for site in read(facts / "checkpoints.csv"):
        own = set(road_numbers(site["road"]))
        mine = np.array(
            [
                position
                for position, each in enumerate(numbers)
                if any(same(one, own) for one in each)
            ]
        )
        if site["traffic_assumed"] == "no" or not mine.size:
            continue
        at = (np.array([float(site[axis])]) for axis in ("lon", "lat"))
        away = great_circle_m(lon[mine], lat[mine], *at) / 1000
        if away.min() <= WITHIN_KM:
            chosen.append((site["id"], int(mine[np.argmin(away)]), f"{away.min():.1f}"))
    if counts.thin_km:
        kept: dict[str, list[int]] = defaultdict(list)
        for _, position, _ in chosen:
            kept[roads[position]["road"]].append(position)
        for position, each in enumerate(roads):
            near = np.array(kept[each["road"]], dtype=int)
            if not (
                great_circle_m(lon[near], lat[near], lon[position], lat[position])
                < counts.thin_km * 1000
            ).any():
                kept[each["road"]].append(position)
                chosen.append(("", position, ""))
    rows = []
    for site_id, position, away_km in chosen:
        each = roads[position]
        source = f"{counts.road_counts}, station {each['station']}"
        if site_id:
            source += f": {float(each['counted']):.0f} vehicles a day in both directions"
        found = [
            site_id,
            each["station"],
            each["road"],
            each["lon"],
            each["lat"],
            each["vehicles_a_day"],
        ]
        rows.append([*found, each["year"], away_km, source])
    columns = ["site", "station", "road", "lon", "lat", "vehicles_a_day", "year", "km", "source"]
    write(facts / "traffic.csv", columns, rows)


def same(counted: RoadNumber, own: set[RoadNumber]) -> bool:
    """Whether the number of a count may be one of a site's road: without letters it is
    of any system.
    """
    return counted in own or (not counted.system and any(counted[1:] == each[1:] for each in own))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
