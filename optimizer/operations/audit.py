"""Audits: vehicles that chance chooses are inspected in full, so that what passes
undetected can be stated with an exact interval.

A stratum is a site in a shift: N vehicles that pass there in the period, and n times
drawn for it. The times are drawn alike and independently over all its shifts; the
vehicle that comes next is inspected. So the finds are binomial with the share p of
vehicles that carry a load, and Clopper and Pearson's interval holds p at its level at
least, whatever p is. A vehicle's chance follows the gap before it: it is assumed that
the gaps before loads are those of others.

Over strata the loads are estimated by Horvitz and Thompson with the known chances n / N
of a vehicle: sum of k N / n. Their interval is the sum of N times the ends of each
stratum's interval at the level 1 - alpha / H, of H strata. With a chance of at least 1
- alpha all of these hold together (Bonferroni), and then the sum holds too. It is
conservative, the more so the more strata.
"""

from __future__ import annotations

import math
import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, NaiveDatetime
from scipy import special, stats

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.files.readwrite import check_place, sha256, write_json, written_whole
from optimizer.base.files.tables import TextTable, WantedColumns, read_csv
from optimizer.base.schema import ComposedId, Strict, read_model
from optimizer.base.text.messages import counted_message, message
from optimizer.base.text.names import unknown_name
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.files.plan_file import PlanSite
from optimizer.records.personal import refuse_personal
from optimizer.report.answer import Answer, AnswerFiles, AnswerTable, write_answer
from optimizer.risk.numerics.likelihood import clopper_pearson
from optimizer.roster.calendar import first_day, span
from optimizer.roster.draws import SecretNumbers, read_secret
from optimizer.roster.model import read_duties, safe_cell
from optimizer.scenario.file.ranges import PRIOR, AuditedKind
from optimizer.scenario.file.roster_model import Shift

ALPHA = 0.1
"""Intervals are of 90 %."""
MOST_DAYS, MOST_VEHICLES = 366, 20_000
SHEET_COLUMNS = (
    "audit",
    "site",
    "place",
    "shift",
    "drawn",
    "done",
    "audited",
    "found",
    "vehicle_class",
)
READ_COLUMNS = ("audit", "site", "drawn", "done", "audited", "found")
COUNT_COLUMNS = ("site", "shift", "passed", "found")
COUNTS = "counts.csv"
SHEETS = AnswerFiles("audit sheets", ("sheet-*.csv", COUNTS))
RESULTS = AnswerFiles("audit results", ("audit-results.csv", "audit-results.json"))
CLOCK = "%Y-%m-%d %H:%M"
CHANCE_DRAWS = 4000
"""Draws of the loads behind a detection chance."""
ON_TIME = 15.0
"""Minutes after a drawn time within which the next vehicle counts as the one that was drawn."""


class AuditStratum(Strict):
    """A site in a shift: `passing` vehicles are expected there in the period, and
    `vehicles` of them are inspected.
    """

    site: ComposedId
    label: str
    shift: str
    passing: float = Field(gt=0)
    vehicles: int = Field(ge=1)
    kind: str = Field("", description="id of the entry of [[kinds]] that stands there")
    inspected: float | None = Field(
        None, ge=0, le=1, description="share of the vehicles that it inspects"
    )


class AuditRow(Strict):
    """One drawn time, by the clock of the place: the next vehicle is inspected, before
    the shift ends.
    """

    audit: int = Field(ge=1)
    site: ComposedId
    shift: str
    drawn: NaiveDatetime
    end: NaiveDatetime


class AuditFile(Strict):
    """An audit, version 1: what `audit plan` writes; who may not know the times may not read it."""

    schema_version: Literal[1] = 1
    name: str
    begin: str = Field(description="first day")
    days: int = Field(ge=1)
    minutes: float = Field(ge=0, description="that an inspection takes")
    strata: list[AuditStratum] = Field(min_length=1)
    rows: list[AuditRow] = Field(min_length=1, description="by site, in order of time")


@dataclass(frozen=True)
class AuditPlan:
    """An audit that was drawn, and what can be expected of it."""

    #: The audit.
    file: AuditFile
    #: Expected width of the interval of the share of vehicles with a load, by stratum.
    width: tuple[float, ...]
    #: `rate`, `change`: Assumed share, and the factor by which it changes.
    rate: float
    change: float
    #: Chance to see that change between two such audits at 10 %, all strata together.
    power: float
    #: What the reader must know.
    warnings: tuple[str, ...]

    @property
    def delay(self) -> float:
        """Vehicle-minutes that those who are inspected lose."""
        return self.file.minutes * len(self.file.rows)


def expected_width(vehicles: int, rate: float) -> float:
    """Return the mean width of the interval of n binomial trials."""
    k = _likely(vehicles, rate)
    low, high = clopper_pearson(k, vehicles, ALPHA)
    chance = stats.binom.pmf(k, vehicles, rate)
    return float(chance @ (high - low) / chance.sum())


def power_of_change(vehicles: int, rate: float, change: float) -> float:
    """Return the chance that Fisher's exact test, two-sided at 10 %, tells two audits
    of n vehicles apart.
    """
    rates = rate, min(1.0, rate * change)
    one, other = (_likely(vehicles, p) for p in rates)
    a, b = np.meshgrid(one, other, indexing="ij")
    totals = np.arange(one[0] + other[0], one[-1] + other[-1] + 1)
    most = np.array([_most_uneven(vehicles, int(total)) for total in totals])
    seen = np.minimum(a, b) <= most[a + b - totals[0]]
    chances = [stats.binom.pmf(k, vehicles, p) for k, p in zip((one, other), rates, strict=True)]
    return float(chances[0] @ seen @ chances[1])


def _most_uneven(n: int, total: int) -> int:
    """Return the largest count of one of two audits of n vehicles, among finds of both,
    at which the test rejects; -1 for none.
    """
    # ten standard deviations and more: what lies below is of no account
    width = 5 * math.sqrt(total) + 5
    k = np.arange(max(0, total - n, math.floor(total / 2 - width)), total // 2 + 1)
    ways = [_log_ways(n, k), _log_ways(n, total - k), -_log_ways(2 * n, np.array(total))]
    return (
        int(k[0]) - 1 + int(np.searchsorted(np.cumsum(np.exp(sum(ways))), ALPHA / 2, side="right"))
    )


def _log_ways(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the logarithm of the number of ways to choose k of n."""
    return np.asarray(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))


def _likely(n: int, p: float) -> NDArray[np.int64]:
    low, high = (int(stats.binom.ppf(level, n, p)) for level in (1e-7, 1 - 1e-7))
    return np.arange(max(0, low), high + 1)


def plan_audit(
    plan_folder: str | os.PathLike[str],
    first: str,
    seed_file: str | os.PathLike[str],
    *,
    days: int = 28,
    vehicles: int = 400,
    rate: float = 0.01,
    change: float = 2.0,
    minutes: float = 10.0,
    new_seed: bool = False,
) -> AuditPlan:
    """Draw the times of an audit at the sites of a plan; the same secret gives the same
    times.

    Parameters
    ----------
    plan_folder
        Folder that `plan` wrote; its sites with traffic are audited, in its shifts, or
        over the whole day where it has none.
    first
        First day, such as 2026-12-01.
    seed_file
        Secret of at least 16 bytes, as of `draw`.
    days
        How many, 1 to 366.
    vehicles
        In all, 1 to 20,000; shared by the traffic of site and shift, one at least.
    rate
        Assumed share of vehicles with a load, for widths and power, in (0, 1).
    change
        Factor of the rate whose power is wanted, > 0, not 1.
    minutes
        That an inspection takes, >= 0.
    new_seed
        Make the secret; the file must not exist.

    Raises
    ------
    InputError
        If an argument or file is at fault, or no site has traffic.
    """
    opened, day = PlanFolder(plan_folder), first_day(first)
    problems = ProblemList()
    for name, value, fits, expected in (
        ("--days", days, 1 <= days <= MOST_DAYS, f"1 to {MOST_DAYS}"),
        ("--vehicles", vehicles, 1 <= vehicles <= MOST_VEHICLES, f"1 to {MOST_VEHICLES:,}"),
        ("--rate", rate, 0 < rate < 1, "a share above 0 and below 1, such as 0.01"),
        (
            "--change",
            change,
            0 < change < 1000 and change != 1,
            "a factor above 0, not 1, such as 2",
        ),
        ("--minutes", minutes, 0 <= minutes <= 1440, "minutes from 0 to 1440"),
    ):
        if not fits:
            problems.add(name, value, expected)
    problems.raise_if_any()
    sites, warnings = _sites(opened)
    spans = _spans(opened, [site.id for site in sites], day, days)
    secret = read_secret(Path(seed_file), opened.path, new=new_seed)
    strata, remarks = _strata(sites, spans, vehicles)
    if not strata:
        raise InputError(
            Problem(
                "--days", str(days), "days on which a shift of the plan is worked", "Give more days"
            )
        )
    rows = _drawn_rows(strata, spans, secret, f"audit|{sha256(opened.plan_path)}|{day}|{days}")
    name = opened.path.name if opened.file is None else opened.file.name
    file = AuditFile(
        name=name, begin=day.isoformat(), days=days, minutes=minutes, strata=strata, rows=rows
    )
    widths = {n: expected_width(n, rate) for n in {one.vehicles for one in strata}}
    power = power_of_change(len(rows), rate, change)
    width = tuple(widths[one.vehicles] for one in strata)
    return AuditPlan(file, width, rate, change, power, (*warnings, *remarks))


def _sites(opened: PlanFolder) -> tuple[list[PlanSite], list[str]]:
    """Return the placed sites with traffic, and what to say of the others."""
    if opened.file is None:
        raise InputError(
            Problem(str(opened.plan_path), "options alone", "a plan with sites", "Plan again")
        )
    every = opened.file.sites
    found = [site for site in every if site.traffic]
    if not found:
        expected = "at least one site whose traffic is known"
        remedy = (
            "Add `traffic` to the sites, or [traffic], to the scenario (docs/honest.md), and plan"
            " again"
        )
        raise InputError(
            Problem(
                str(opened.plan_path), f"{len(every)} sites, none with traffic", expected, remedy
            )
        )
    if len(found) == len(every):
        return found, []
    return found, [
        message(
            "Left out, as no traffic is known there: {sites} of the plan. Add `traffic` to audit"
            " them.",
            sites=counted_message("{count} site", "{count} sites", len(every) - len(found)),
        )
    ]


Spans = Mapping[str, Mapping[str, list[tuple[datetime, datetime]]]]
"""Begin and end of each time that a site is manned, by site and shift."""


def _spans(opened: PlanFolder, sites: Sequence[str], first: date, days: int) -> Spans:
    """Return begin and end, by the clock of the place, of each shift in which a site is
    manned; of the whole day where there are none.
    """
    every = [first + timedelta(days=k) for k in range(days)]
    if not opened.has_duties:
        midnight = [datetime(day.year, day.month, day.day) for day in every]  # noqa: DTZ001 - by the clock of the place
        return {
            site: {"": [(begin, begin + timedelta(days=1)) for begin in midnight]} for site in sites
        }
    duties = read_duties(opened.path)

    def local(day: date, shift: Shift, zone: ZoneInfo) -> tuple[datetime, datetime]:
        begin, end = (
            moment.astimezone(zone).replace(tzinfo=None) for moment in span(day, shift, duties.zone)
        )
        return begin, max(end, begin + timedelta(minutes=1))

    manned = {(duty.option, duty.shift): duties.zone_at(duty) for duty in duties.duties}
    return {
        site: {
            shift.id: [
                local(day, shift, manned[site, shift.id])
                for day in every
                if day.weekday() in shift.weekdays
            ]
            for shift in duties.shifts
            if (site, shift.id) in manned
        }
        for site in sites
    }


def _strata(
    sites: Sequence[PlanSite], spans: Spans, vehicles: int
) -> tuple[list[AuditStratum], list[str]]:
    """Return the sites and shifts with traffic, each with its part of the vehicles, and
    what to say of these parts.
    """
    passing = {
        (site.id, shift): (
            (site.traffic or 0.0) * sum((end - start) / timedelta(days=1) for start, end in times)
        )
        for site in sites
        for shift, times in spans[site.id].items()
    }
    passing = {key: amount for key, amount in passing.items() if amount > 0}
    by_id, shares = {site.id: site for site in sites}, _shared(vehicles, list(passing.values()))
    strata = [
        AuditStratum(
            site=name,
            label=by_id[name].label or name,
            shift=shift,
            passing=amount,
            vehicles=n,
            kind=by_id[name].type,
            inspected=by_id[name].inspected,
        )
        for ((name, shift), amount), n in zip(passing.items(), shares, strict=True)
    ]
    remarks = list[str]()
    if sum(shares) > vehicles:
        remarks.append(
            message(
                "{drawn} vehicles are drawn where {asked} were asked for: each of {strata} has one"
                " at least.",
                drawn=sum(shares),
                asked=vehicles,
                strata=counted_message(
                    "{count} site and shift", "{count} sites and shifts", len(shares)
                ),
            )
        )
    remarks += [
        message(
            "{site}, {shift}: {vehicles} of {passing:n} vehicles are a tenth and more. Ask for fewer, or for more days.",
            site=one.label, shift=one.shift or "all day", vehicles=one.vehicles, passing=one.passing,
        )
        for one in strata
        if one.vehicles > one.passing / 10
    ]  # fmt: skip
    return strata, remarks


def _drawn_rows(
    strata: Sequence[AuditStratum], spans: Spans, secret: bytes, purpose: str
) -> list[AuditRow]:
    """Return the drawn times of all strata, by site and in order of time."""
    drawn = sorted(
        (one.site, *when, one.shift)
        for one in strata
        for when in _times(
            secret, f"{purpose}|{one.site}|{one.shift}", one.vehicles, spans[one.site][one.shift]
        )
    )
    return [
        AuditRow(audit=k, site=site, shift=shift, drawn=when, end=end)
        for k, (site, when, end, shift) in enumerate(drawn, 1)
    ]


def _shared(vehicles: int, passing: Sequence[float]) -> list[int]:
    """Return the vehicles of each stratum by its traffic, largest remainders first, one
    at least.
    """
    exact = np.array(passing) * vehicles / sum(passing)
    whole = np.floor(exact).astype(int)
    whole[np.argsort(whole - exact, kind="stable")[: vehicles - whole.sum()]] += 1
    return [int(n) for n in np.maximum(whole, 1)]


def _times(
    secret: bytes, purpose: str, count: int, spans: Sequence[tuple[datetime, datetime]]
) -> Iterable[tuple[datetime, datetime]]:
    """Yield drawn minutes, alike over all shifts of a stratum, with the end of their shift."""
    numbers = SecretNumbers(secret, purpose)
    minutes = np.cumsum([(end - begin) // timedelta(minutes=1) for begin, end in spans])
    for _ in range(count):
        drawn = int(numbers.next() * minutes[-1])
        place = int(np.searchsorted(minutes, drawn, side="right"))
        begin, end = spans[place]
        yield begin + timedelta(minutes=drawn - int(minutes[place - 1] if place else 0)), end


def check_audit_file(path: Path, *, overwrite: bool = False) -> None:
    """Check before the work that an audit can be written to a file.

    Raises
    ------
    InputError
        If there is a file that may not be replaced, or none can be written.
    """
    if path.exists() and not overwrite:
        raise InputError(
            Problem(
                str(path), "a file", "no file yet", "Add --overwrite, or name another with --out"
            )
        )
    check_place(path)


def write_audit(path: Path, audit: AuditFile, *, overwrite: bool = False) -> None:
    """Write an audit, whole or not at all, for its owner's eyes alone.

    Raises
    ------
    InputError
        As `check_audit_file`.
    """
    check_audit_file(path, overwrite=overwrite)
    with written_whole(path) as temporary:
        write_json(temporary, audit.model_dump(mode="json"))
        os.chmod(temporary, stat.S_IRUSR | stat.S_IWUSR)  # noqa: PTH101 - times to come are for few


def read_audit(path: Path) -> AuditFile:
    """Read an audit.

    Raises
    ------
    InputError
        With every fault of the file.
    """
    audit = read_model(path, AuditFile, "an audit, as `audit plan` writes it")
    strata = {(one.site, one.shift) for one in audit.strata}
    if (
        len({row.audit for row in audit.rows}) < len(audit.rows)
        or {(r.site, r.shift) for r in audit.rows} != strata
    ):
        raise InputError(
            Problem(
                str(path),
                "rows that do not fit its strata",
                "what `audit plan` wrote",
                "Plan it again",
            )
        )
    return audit


def write_sheets(folder: OutputFolder, audit: AuditFile) -> tuple[str, ...]:
    """Write a sheet for each post and one for the counts, all or none; return their
    names.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    labels = {one.site: one.label for one in audit.strata}
    tables = {
        _sheet_name(k, labels[site]): AnswerTable(
            [
                {
                    "audit": row.audit,
                    "site": safe_cell(site),
                    "place": safe_cell(labels[site]),
                    "shift": safe_cell(row.shift),
                    "drawn": f"{row.drawn:{CLOCK}}",
                    **dict.fromkeys(SHEET_COLUMNS[5:], ""),
                }
                for row in audit.rows
                if row.site == site
            ],
            SHEET_COLUMNS,
        )
        for k, site in enumerate(labels, 1)
    }
    counts = [
        {"site": safe_cell(one.site), "shift": safe_cell(one.shift), "passed": "", "found": ""}
        for one in audit.strata
    ]
    tables[COUNTS.removesuffix(".csv")] = AnswerTable(counts, COUNT_COLUMNS)
    write_answer(folder, Answer(tables=tables))
    return tuple(f"{name}.csv" for name in tables)


def _sheet_name(number: int, label: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", label.casefold()).strip("-")[:40]
    return f"sheet-{number:02d}-{words}" if words else f"sheet-{number:02d}"


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit says of a site, or of all."""

    #: `site`, `label`: Id and name; "all" and "All sites" for the sum.
    site: str
    label: str
    #: `drawn`, `audited`, `found`: Times that were drawn; vehicles inspected in time;
    #: loads among them.
    drawn: int
    audited: int
    found: int
    #: `late`, `missed`: Drawn times at which a vehicle was inspected too late, or none.
    late: int
    #: Loads found in the vehicles that were inspected too late: no part of any rate,
    #: and not undetected.
    late_found: int
    #: `late`, `missed`: Drawn times at which a vehicle was inspected too late, or none.
    missed: int
    #: Vehicles.
    passed: float
    #: Loads that ordinary inspection found; None where nobody counted.
    ordinary: int | None
    #: `rate`, `rate_low`, `rate_high`: Share of vehicles with a load; NaN where none
    #: was audited.
    rate: float
    rate_low: float
    rate_high: float
    #: `any_low`, `any_high`: Its interval whatever the vehicles of late and missed
    #: times carried.
    any_low: float
    any_high: float

    def undetected(self, rate: float) -> float:
        """Return the loads that nobody found at some rate."""
        return max(0.0, self.passed * rate - self.found - self.late_found - (self.ordinary or 0))

    def effectiveness(self, rate: float) -> float | None:
        """Return the share of loads that ordinary inspection found, at some rate; None
        where it is not known.
        """
        if self.ordinary is None:
            return None
        return min(1.0, self.ordinary / (self.passed * rate)) if self.passed * rate > 0 else 1.0

    def line(self) -> dict[str, Any]:
        """Return the row of `--json` and of the table."""
        known = self.ordinary is not None
        return {
            "site": self.site,
            "label": self.label,
            "drawn": self.drawn,
            "audited": self.audited,
            "found": self.found,
            "late": self.late,
            "found_late": self.late_found,
            "missed": self.missed,
            "passed": self.passed,
            "found_without_audit": self.ordinary,
            "rate": None if self.rate != self.rate else self.rate,
            "rate_low": self.rate_low,
            "rate_high": self.rate_high,
            "rate_low_any": self.any_low,
            "rate_high_any": self.any_high,
            "passed_undetected_low": self.undetected(self.rate_low) if known else 0.0,
            "passed_undetected_high": self.undetected(self.rate_high),
            "effectiveness_low": self.effectiveness(self.rate_high),
            "effectiveness_high": self.effectiveness(self.rate_low),
        }


@dataclass(frozen=True)
class AuditResults:
    """The results by site, all of them last, what the reader must know, and detection
    chances for the next plan.
    """

    rows: tuple[AuditResult, ...]
    warnings: tuple[str, ...]
    detection: tuple[AuditedKind, ...] = ()


def audit_results(
    audit_path: Path, sheets: Sequence[Path], *, on_time: float = ON_TIME
) -> AuditResults:
    """Read filled sheets of an audit, and estimate what passes.

    Parameters
    ----------
    audit_path
        What `audit plan` wrote.
    sheets
        Filled sheets, and that of the counts, or folders of them: they are told apart
        by their columns.
    on_time
        Minutes after the drawn time within which a vehicle counts as drawn, >= 0.

    Raises
    ------
    InputError
        With every fault of the sheets.
    """
    audit = read_audit(audit_path)
    if not sheets:
        raise InputError(Problem("sheets", "no file", "the filled sheets of the audit"))
    problems = ProblemList()
    remarks = list[str]()
    filled = FilledSheets({}, {})
    for path in [
        file
        for given in sheets
        for file in (sorted(given.glob("*.csv")) if given.is_dir() else [given])
    ]:
        with problems.collected():
            table, is_counts = _table(path, remarks)
            if is_counts:
                _read_counts(path, table, audit, filled, problems)
            else:
                _read_sheet(path, table, audit, on_time, filled, problems)
    strata = filled.strata(audit)
    for one in strata:
        inspected = len(one.on_time) + len(one.late)
        if one.passed is not None and one.passed < inspected:
            where = f"{COUNTS}, {one.stratum.site}, {one.stratum.shift}"
            problems.add(where, f"{one.passed} passed, {inspected} audited", "no more than passed")
    problems.raise_if_any()
    return AuditResults(
        tuple(_estimates(strata)), (*remarks, *_remarks(strata)), tuple(_detection(strata))
    )


@dataclass(frozen=True)
class FilledStratum:
    """What filled sheets say of a site in a shift."""

    #: Site and shift.
    stratum: AuditStratum
    #: How many times were drawn.
    drawn: int
    #: `on_time`, `late`: Loads found in each vehicle that was inspected in time, and
    #: too late.
    on_time: list[int]
    late: list[int]
    #: `passed`, `ordinary`: Vehicles that passed, and loads that ordinary inspection
    #: found; None where nobody counted.
    passed: int | None
    ordinary: int | None


@dataclass(frozen=True)
class FilledSheets:
    """What filled sheets say."""

    #: Whether in time, and the loads found, by the number of the drawn time.
    done: dict[int, tuple[bool, int]]
    #: `passed` and `ordinary` of a stratum, by site and shift.
    counts: dict[tuple[str, str], tuple[int | None, int | None]]

    def strata(self, audit: AuditFile) -> list[FilledStratum]:
        """Return the same by stratum, in the order of the audit."""
        mine: defaultdict[tuple[str, str], list[tuple[bool, int] | None]] = defaultdict(list)
        for row in audit.rows:
            mine[row.site, row.shift].append(self.done.get(row.audit))
        found = []
        for one in audit.strata:
            key = one.site, one.shift
            on_time, late = (
                [each[1] for each in mine[key] if each and each[0] is wanted]
                for wanted in (True, False)
            )
            found.append(
                FilledStratum(
                    one, len(mine[key]), on_time, late, *self.counts.get(key, (None, None))
                )
            )
        return found


def _table(path: Path, remarks: list[str]) -> tuple[TextTable, bool]:
    """Return a table, and whether it is that of the counts; a column about people is refused."""
    wanted = (
        ("site", "found"),
        tuple(name for name in (*READ_COLUMNS, *COUNT_COLUMNS) if name not in {"site", "found"}),
    )
    columns = WantedColumns(
        *wanted, remedy="Take a sheet that `audit sheets` wrote", show_header=True
    )
    told: list[str] = []
    table = read_csv(path, "a filled sheet of an audit", columns, typed_by_hand=True, remarks=told)
    refuse_personal(path, table.unread, "vehicles, and nothing about people")
    is_counts = "passed" in table.text and "audit" not in table.text
    missing = [
        name for name in (COUNT_COLUMNS if is_counts else READ_COLUMNS) if name not in table.text
    ]
    if missing:
        found = f"no column {', '.join(map(repr, missing))}"
        raise InputError(
            Problem(
                f"{path}, line 1", found, "the columns of a sheet", "Take what `audit sheets` wrote"
            )
        )
    remarks += [f"{path}: {remark}" for remark in told]
    return table, is_counts


def _count(text: str) -> int | None:
    """Return a whole number; None for no text, -1 for what is no count."""
    if not text:
        return None
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else -1


def _read_sheet(
    path: Path,
    table: TextTable,
    audit: AuditFile,
    on_time: float,
    filled: FilledSheets,
    problems: ProblemList,
) -> None:
    """Add what each drawn time gave."""
    rows, sites = (
        {row.audit: row for row in audit.rows},
        {safe_cell(one.site) for one in audit.strata},
    )
    faults = problems.of_file(path)
    for k, line in enumerate(table.number):
        number, site, drawn, at, audited, found = (table.text[name][k] for name in READ_COLUMNS)
        row = rows.get(_count(number) or 0)
        if site not in sites:
            problems.append(
                unknown_name(f"{path}, line {line}, column 'site'", site, sorted(sites))
            )
        elif row is None or safe_cell(row.site) != site or _clock(drawn, row.drawn) != row.drawn:
            one = f"audit {number or '(empty)'} of {site} at {drawn or 'no time'}"
            faults.add(
                line,
                one,
                "a drawn time of this audit",
                "Take out vehicles that chance did not choose",
            )
        elif row.audit in filled.done:
            faults.add(line, f"audit {row.audit} again", "each drawn time once")
        elif (
            fault := _fault(row, at, _count(audited), _count(found), (audited, found))
        ) is not None:
            column, said, expected = fault
            faults.add(line, said, expected, column=column)
        elif _count(audited) and (when := _clock(at, row.drawn)) is not None:
            filled.done[row.audit] = when - row.drawn <= timedelta(minutes=on_time), int(found)


def _fault(
    row: AuditRow, at: str, audited: int | None, found: int | None, texts: tuple[str, str]
) -> list[str] | None:
    """Return the column at fault of a filled row, what stands there, and what is
    expected; None where it is well.
    """
    when = _clock(at, row.drawn) if audited else row.drawn
    inside = when is not None and row.drawn <= when <= row.end
    rules = (
        (
            audited in {None, 0, 1},
            "audited",
            repr(texts[0]),
            "0 or 1: one vehicle for a drawn time",
        ),
        (found != -1, "found", repr(texts[1]), "a count: 0 or 1"),
        (
            (found or 0) <= (audited or 0),
            "found",
            f"{found} of {audited or 0} audited",
            "no more than were audited",
        ),
        (not audited or found is not None, "found", "a vehicle without a result", "0 or 1"),
        (when is not None, "done", repr(at), "when it was done, such as 06:30"),
        (
            inside,
            "done",
            f"{at}, where {row.drawn:{CLOCK}} was drawn",
            f"from then to the end of the shift, {row.end:{CLOCK}}",
        ),
    )
    return next((fault for holds, *fault in rules if not holds), None)


def _clock(text: str, near: datetime) -> datetime | None:
    """Return a time by the clock of the place; of an hour and minute alone the first
    not before the drawn one by more than half a day.
    """
    for form in (CLOCK, "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%H:%M", "%H:%M:%S"):
        try:
            found = datetime.strptime(text, form)  # noqa: DTZ007 - by the clock of the place
        except ValueError:
            continue
        if form.startswith("%H"):
            found = datetime.combine(near.date(), found.time())
            found += timedelta(days=1) if near - found > timedelta(hours=12) else timedelta()
        return found
    return None


def _read_counts(
    path: Path, table: TextTable, audit: AuditFile, filled: FilledSheets, problems: ProblemList
) -> None:
    """Add vehicles that passed, and loads that ordinary inspection found, by stratum."""
    strata = {(safe_cell(one.site), safe_cell(one.shift)): one for one in audit.strata}
    sites, faults = {site for site, _ in strata}, problems.of_file(path)
    for k, line in enumerate(table.number):
        site, shift, *texts = (table.text[name][k] for name in COUNT_COLUMNS)
        passed, found = map(_count, texts)
        one = strata.get((site, shift))
        if site not in sites:
            problems.append(
                unknown_name(f"{path}, line {line}, column 'site'", site, sorted(sites))
            )
        elif one is None:
            known = [other for at, other in strata if at == site]
            problems.append(unknown_name(f"{path}, line {line}, column 'shift'", shift, known))
        elif passed == -1:
            faults.add(line, repr(texts[0]), "a count", column="passed")
        elif found == -1:
            faults.add(line, repr(texts[1]), "a count", column="found")
        elif passed is not None and (found or 0) > passed:
            faults.add(
                line,
                f"{found} found of {passed} that passed",
                "no more than passed",
                column="found",
            )
        elif (one.site, one.shift) in filled.counts:
            faults.add(line, f"{site}, {shift} again", "each site and shift once")
        else:
            filled.counts[one.site, one.shift] = passed, found


def _estimates(strata: Sequence[FilledStratum]) -> Iterable[AuditResult]:
    """Yield the result of each site, and of all together."""
    for site in dict.fromkeys(one.stratum.site for one in strata):
        here = [one for one in strata if one.stratum.site == site]
        yield _sum(site, here[0].stratum.label, here)
    yield _sum("all", "All sites", strata)


def _detection(strata: Iterable[FilledStratum]) -> Iterable[AuditedKind]:
    """Yield the detection chance of each kind whose vehicles and ordinary finds were
    counted.

    Of a stratum the share of vehicles with a load is Beta(k + 1/2H, n - k + 1/2H),
    where a kind has H strata: Jeffreys' prior once a kind, as the half load of each of
    many small strata would outweigh what is found. Ordinary inspection could find the
    loads that no audit found, times the share q of vehicles that it inspects. Given the
    sum L of these over the strata of a kind, of which it found x, the chance is Beta(x
    + 1/2, L - x + 1/2). Over draws of L that is a mixture, stated as the beta
    distribution of its mean and variance.
    """
    rng = np.random.default_rng(0)
    by_kind: defaultdict[str, list[tuple[FilledStratum, int, int]]] = defaultdict(list)
    for one in strata:
        if one.stratum.kind and one.passed is not None and one.ordinary is not None and one.on_time:
            by_kind[one.stratum.kind].append((one, one.passed, one.ordinary))
    for kind, parts in by_kind.items():
        prior, loads = PRIOR / len(parts), np.zeros(CHANCE_DRAWS)
        for one, passed, _ in parts:
            seen = sum(one.on_time)
            share = rng.beta(seen + prior, len(one.on_time) - seen + prior, CHANCE_DRAWS)
            could = np.maximum(passed * share - seen - sum(one.late), 0.0)
            loads += could * (1.0 if one.stratum.inspected is None else one.stratum.inspected)
        finds = sum(ordinary for *_, ordinary in parts)
        alpha, beta = finds + PRIOR, np.maximum(loads - finds, 0.0) + PRIOR
        drawn = rng.beta(alpha, beta)
        mean, variance = float(drawn.mean()), float(drawn.var())
        size = mean * (1 - mean) / variance - 1
        a, b = (max(float(part), 1e-3) for part in (mean * size, (1 - mean) * size))
        yield AuditedKind(kind=kind, alpha=a, beta=b, found=finds, loads=float(np.median(loads)))


def _sum(site: str, label: str, rows: Sequence[FilledStratum]) -> AuditResult:
    """Return the result of some strata together, as the formulation above says."""
    drawn = np.array([row.drawn for row in rows])
    audited = np.array([len(row.on_time) for row in rows])
    late = np.array([len(row.late) for row in rows])
    found = np.array([sum(row.on_time) for row in rows])
    passed = np.array(
        [row.stratum.passing if row.passed is None else row.passed for row in rows],
        dtype=np.float64,
    )
    share = passed / passed.sum() if passed.sum() > 0 else np.full(len(rows), 1 / len(rows))
    low, high = clopper_pearson(found, audited, ALPHA / len(rows))
    any_low, any_high = (
        clopper_pearson(found, drawn, ALPHA / len(rows))[0],
        clopper_pearson(found + drawn - audited, drawn, ALPHA / len(rows))[1],
    )
    rate = share @ (found / np.maximum(audited, 1)) if (audited > 0).all() else float("nan")
    known = [row.ordinary for row in rows if row.ordinary is not None]
    return AuditResult(
        site=site,
        label=label,
        drawn=int(drawn.sum()),
        audited=int(audited.sum()),
        found=int(found.sum()),
        late=int(late.sum()),
        late_found=sum(sum(row.late) for row in rows),
        missed=int((drawn - audited - late).sum()),
        passed=float(passed.sum()),
        ordinary=sum(known) if len(known) == len(rows) else None,
        rate=float(rate),
        rate_low=float(share @ low),
        rate_high=float(share @ high),
        any_low=float(share @ any_low),
        any_high=float(share @ any_high),
    )


def _remarks(strata: Sequence[FilledStratum]) -> list[str]:
    found: list[str] = []
    drawn, late = sum(one.drawn for one in strata), sum(len(one.late) for one in strata)
    missed = drawn - late - sum(len(one.on_time) for one in strata)
    if late or missed:
        found.append(
            message(
                "Of {drawn} drawn times, {missed} have no inspection and {late} a late one. Both"
                " are left out. The intervals hold if it does not depend on the vehicle;"
                " rate_low_any and rate_high_any hold whatever those vehicles carried.",
                drawn=drawn,
                missed=missed,
                late=late,
            )
        )
    if unknown := sum(one.passed is None for one in strata):
        found.append(
            message(
                "Nobody counted the vehicles of {strata}: those that the plan expects stand in."
                " Fill in `passed` of counts.csv.",
                strata=counted_message(
                    "{count} site and shift", "{count} sites and shifts", unknown
                ),
            )
        )
    if any(one.ordinary is None for one in strata):
        found.append(
            message(
                "Finds of ordinary inspection are not known everywhere: at least 0 and at most all"
                " estimated loads pass. Fill in `found` of counts.csv."
            )
        )
    return found


def write_results(folder: OutputFolder, found: AuditResults) -> None:
    """Write the results as CSV and JSON, all or none.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    lines = [row.line() for row in found.rows]
    content = {
        "schema_version": 1,
        "level": 1 - ALPHA,
        "warnings": [str(each) for each in found.warnings],
        "rows": lines,
        "detection": [one.model_dump() for one in found.detection],
    }
    write_answer(
        folder,
        Answer(tables={"audit-results": AnswerTable(lines)}, content={"audit-results": content}),
    )
