"""Sealed forecasts: where the finds of a period will be, hashed into a ledger before it
begins, and scored after it has ended.

A forecast gives each segment s a share q_s of the next find. That of the risk map is
proportional to its mean index times the length, as if every metre were searched alike.
Two baselines are sealed with it: uniform by length, and the finds of the period before
with one more find spread by length. Each is scored by the mean of log q over the finds
(natural logarithm, higher is better), and by the share of finds on the 5 % of road
length with the largest q a metre, of which ties count in part. Intervals are
percentiles of bootstrap draws of the finds.

Every sealed period is scored, or said to be open: one that is missing between two, or
whose files are gone or changed, is a fault.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import FileProblems, InputError, Problem, ProblemList
from optimizer.base.files.output_folder import OutputFolder
from optimizer.base.files.readwrite import sha256
from optimizer.base.files.tables import WantedColumns, read_csv
from optimizer.base.text.messages import counted_message, message
from optimizer.base.work.listener import SILENT, Listener
from optimizer.plans.plan_folder import PlanFolder
from optimizer.records.model import Seizures
from optimizer.report.geodata.files import write_csv
from optimizer.scenario.check.check import read_evidence
from optimizer.scenario.compile.compile import compile_scenario
from optimizer.sharing.ledger.store import Entry, EntryFile, LedgerFolder, read_entry, time_of
from optimizer.sharing.ledger.verifying import verify_ledger
from optimizer.sharing.recording import append_entries, hashed

Floats = NDArray[np.float64]

FORECAST = "forecast.csv"
FACT = "forecast"
"""Fact of an entry that seals a forecast: its period."""
MODELS = ("risk map", "uniform by length", "last period")
COLUMNS = ("segment", "length_m", *(name.replace(" ", "_") for name in MODELS))
TOP = 0.05
FEW = 20
"""Finds below which a bootstrap interval says little."""


@dataclass(frozen=True, slots=True)
class ForecastPeriod:
    """A month such as 2027-02, or a quarter such as 2027-Q1: its first day, and the day
    after its last.
    """

    name: str
    begin: np.datetime64
    end: np.datetime64

    @classmethod
    def parsed(cls, text: str, where: str = "--period") -> ForecastPeriod:
        """Return the period that a text names.

        Raises
        ------
        InputError
            If it names none.
        """
        found = re.fullmatch(r"((?:19|20|21)[0-9]{2})-(?:Q([1-4])|(0[1-9]|1[0-2]))", text)
        if found is None:
            raise InputError(
                Problem(where, repr(text), "a quarter or month, such as 2027-Q1 or 2027-02")
            )
        year, quarter, month = found.groups()
        first = np.datetime64(f"{year}-{3 * int(quarter) - 2 if quarter else int(month):02d}", "M")
        return cls(
            text,
            first.astype("datetime64[D]"),
            (first + np.timedelta64(3 if quarter else 1, "M")).astype("datetime64[D]"),
        )

    @classmethod
    def next_quarter(cls, now: datetime) -> ForecastPeriod:
        """Return the quarter that begins next."""
        quarter = (now.month - 1) // 3 + 1
        return cls.parsed(f"{now.year}-Q{quarter + 1}" if quarter < 4 else f"{now.year + 1}-Q1")

    def finds(self, records: Seizures, back: bool = False) -> tuple[NDArray[np.int64], int]:
        """Return the segment of each find in the period, or the one before, and the
        number of those of an area or a longer time.
        """
        months = (self.end.astype("datetime64[M]") - self.begin.astype("datetime64[M]")).astype(int)
        begin, end = self.begin, self.end
        if back:
            begin, end = (
                (self.begin.astype("datetime64[M]") - months).astype("datetime64[D]"),
                self.begin,
            )
        inside = (records.start >= begin) & (records.end <= end)
        placed = inside & (records.segment >= 0)
        segments = np.repeat(records.segment[placed], records.count[placed].astype(np.int64))
        touching = (records.start < end) & (records.end > begin)
        return segments, int(records.count[touching & ~placed].sum())


@dataclass(frozen=True, slots=True)
class SealedForecast:
    """A forecast in a ledger: its period, when it was sealed, and the hash of its file."""

    period: ForecastPeriod
    time: datetime
    sha256: str


@dataclass(frozen=True, slots=True)
class ForecastScore:
    """The score of a model in a period, or that the period has not ended: numbers are
    then None, as without finds.
    """

    #: `period`, `model`: Which.
    period: str
    model: str
    #: Seizures with a place; None before the end of the period.
    finds: int | None
    #: `log_score`, `share_top5`: Value, low and high end of a 90 % interval.
    log_score: tuple[float, float, float] | None
    share_top5: tuple[float, float, float] | None

    def line(self) -> dict[str, Any]:
        """Return the row of `--json`; `low` and `high` are those of `share_top5`."""
        log, top = self.log_score or (None,) * 3, self.share_top5 or (None,) * 3
        line: dict[str, Any] = {
            "period": self.period,
            "model": self.model,
            "finds": self.finds,
            "log_score": log[0],
        }
        line |= {"log_score_low": log[1], "log_score_high": log[2]}
        return line | {"share_top5": top[0], "low": top[1], "high": top[2]}


def seal_forecast(
    plan_folder: str | os.PathLike[str],
    ledger: Path,
    out: Path,
    *,
    period: str | None = None,
    now: datetime | None = None,
    listener: Listener = SILENT,
) -> tuple[ForecastPeriod, Path]:
    """Write the forecast of a period, and seal it in a ledger with the plan and all
    that the risk model read.

    Parameters
    ----------
    plan_folder
        Folder that `plan` wrote, of a scenario with a record of seizures.
    ledger
        Folder of the ledger.
    out
        Folder of all forecasts; this one goes into a folder of its period.
    period
        Such as 2027-Q1 or 2027-02; the next quarter if None.
    now
        The time; that of the clock, in UTC, if None.
    listener
        Told of the steps.

    Returns
    -------
    tuple[ForecastPeriod, Path]
        The period, and the folder that was written.

    Raises
    ------
    InputError
        If the period has begun, is sealed already or leaves a gap, or a file is at
        fault; then nothing is written.
    """
    now = datetime.now(UTC) if now is None else now
    asked = ForecastPeriod.next_quarter(now) if period is None else ForecastPeriod.parsed(period)
    if np.datetime64(now.date()) >= asked.begin:
        found = f"{asked.name}, which began on {asked.begin}"
        raise InputError(
            Problem("--period", found, "a period to come", "A forecast is sealed before its period")
        )
    opened, folder = PlanFolder(plan_folder), LedgerFolder.ready(ledger)
    before = sealed_forecasts(folder)
    _check_gaps([*(one.period for one in before), asked], str(ledger))
    place = OutputFolder(
        out / asked.name, "forecast seal", (opened.path,), (FORECAST,), overwrite=False
    )
    place.check()
    compiled = compile_scenario(
        opened.scenario_told(listener.noted),
        settings=opened.settings,
        skip_unreachable=True,
        listener=listener,
    )
    if compiled.risk is None or compiled.records is None:
        raise InputError(
            Problem(
                str(opened.scenario),
                "no record of seizures",
                "a scenario with a risk map",
                "Add [[records.seizures]]",
            )
        )
    network = compiled.region.network
    length = network.length_m[network.segment_arc]
    shares = forecast_shares(
        compiled.risk.mean, length, asked.finds(compiled.records, back=True)[0]
    )
    rows = [
        dict(zip(COLUMNS, (k, *values), strict=True))
        for k, values in enumerate(
            zip(length.tolist(), *(share.tolist() for share in shares), strict=True)
        )
    ]
    with place.written() as new:
        write_csv(new / FORECAST, rows)
        files = [EntryFile.of(new / FORECAST), *hashed(*opened.recorded, *compiled.inputs)]
        entry = Entry("model", f"forecast of {asked.name}", files, {FACT: asked.name}, time=now)
        append_entries(folder, [entry], listener)
    return asked, out / asked.name


def forecast_shares(
    index: Floats, length: Floats, finds: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Return the share of the next find that each of m segments has: by the risk map,
    by length, by the finds of the period before.

    Parameters
    ----------
    index
        (m,) mean risk index, > 0.
    length
        (m,) metres, > 0.
    finds
        (n,) segments of the finds of the period before.
    """
    uniform = length / length.sum()
    last = (np.bincount(finds, minlength=length.size) + uniform) / (finds.size + 1)
    return index * length / (index @ length), uniform, last


def sealed_forecasts(ledger: LedgerFolder) -> list[SealedForecast]:
    """Return every forecast that a ledger seals, in the order of their periods.

    Raises
    ------
    InputError
        If an entry that seals one is not as `forecast seal` writes it.
    """
    found = []
    for line in ledger.lines():
        entry = read_entry(line)
        if entry is None or FACT not in entry.facts:
            continue
        where, time = f"{ledger.path}, entry {entry.index}", time_of(entry)
        hashes = [file.sha256 for file in entry.files if file.name == FORECAST]
        if time is None or len(hashes) != 1:
            raise InputError(
                Problem(where, "no time, or not one forecast", "what `forecast seal` records")
            )
        found.append(
            SealedForecast(ForecastPeriod.parsed(str(entry.facts[FACT]), where), time, hashes[0])
        )
    return sorted(found, key=lambda one: one.period.begin)


def _check_gaps(periods: Sequence[ForecastPeriod], where: str) -> None:
    """Refuse periods that leave one out, overlap, or come twice."""
    problems, ordered = ProblemList(), sorted(periods, key=lambda one: one.begin)
    for one, other in pairwise(ordered):
        if one.name == other.name:
            problems.add(
                where, f"{one.name} twice", "each period sealed once", "The first forecast stands"
            )
        elif one.end != other.begin:
            found = f"{other.name} after {one.name}"
            remedy = "Seal what lies between; if that has begun, begin another ledger and say why"
            problems.add(where, found, "periods that follow each other, none left out", remedy)
    problems.raise_if_any()


def score_forecasts(
    scenario: str | os.PathLike[str],
    ledger: Path,
    sealed: Path,
    *,
    now: datetime | None = None,
    listener: Listener = SILENT,
) -> tuple[tuple[ForecastScore, ...], tuple[str, ...]]:
    """Score every sealed forecast whose period has ended; the others are named as open.

    Parameters
    ----------
    scenario
        Scenario whose record of seizures now holds the periods.
    ledger, sealed
        Folder of the ledger, and that of all forecasts.
    now
        The time; that of the clock, in UTC, if None.
    listener
        Told of the steps.

    Returns
    -------
    tuple[tuple[ForecastScore, ...], tuple[str, ...]]
        A row for each period and model, in order, and warnings.

    Raises
    ------
    InputError
        If the ledger does not hold, a period is left out or was sealed after it began,
        or a file is gone or changed.
    """
    folder, today = (
        LedgerFolder.opened(ledger),
        np.datetime64((datetime.now(UTC) if now is None else now).date()),
    )
    verified = verify_ledger(ledger)
    if not verified.ok:
        raise InputError(*verified.problems)
    found = _checked(folder, sealed)
    ended = [one for one in found if one.period.end <= today]
    warnings: list[str] = list(verified.warnings)
    rows: list[ForecastScore] = []
    if ended:
        evidence = read_evidence(scenario, skip_unreachable=True, listener=listener)
        network = evidence.region.network
        if evidence.records is None:
            raise InputError(
                Problem(str(scenario), "no record of seizures", "one that holds the ended periods")
            )
        length = network.length_m[network.segment_arc]
        for one in ended:
            shares = _shares(sealed / one.period.name / FORECAST, length)
            finds, elsewhere = one.period.finds(evidence.records)
            warnings += _remarks(one.period, finds.size, elsewhere)
            rows += [
                score(one.period.name, model, share, length, finds)
                for model, share in zip(MODELS, shares, strict=True)
            ]
    still = [one.period.name for one in found if one.period.end > today]
    rows += [ForecastScore(name, model, None, None, None) for name in still for model in MODELS]
    return tuple(rows), tuple(warnings)


def _shares(path: Path, length: Floats) -> Floats:
    """Return the (models, m) shares of a forecast of segments of some length (m,)."""
    table, problems = read_csv(path, "a forecast", WantedColumns(COLUMNS)), FileProblems(path)
    columns = np.full((len(COLUMNS) - 1, len(table)), np.nan)
    for row, name in zip(columns, COLUMNS[1:], strict=True):
        for k, (line, text) in enumerate(zip(table.number, table.text[name], strict=True)):
            row[k] = value = _above_zero(text)
            if not value > 0:
                problems.add(line, repr(text), "a finite number above 0", column=name)
    problems.raise_if_any()
    every = [str(k) for k in range(length.size)]
    if list(table.text[COLUMNS[0]]) != every or not np.allclose(columns[0], length):
        raise InputError(
            Problem(str(path), "the roads of another network", "those of the scenario")
        )
    return columns[1:]


def _above_zero(text: str) -> float:
    """Return the finite number above 0 that a text is; NaN for anything else."""
    try:
        value = float(text)
    except ValueError:
        return float("nan")
    return value if 0 < value < float("inf") else float("nan")


def _checked(ledger: LedgerFolder, sealed: Path) -> list[SealedForecast]:
    """Return the forecasts of a ledger, each sealed in time, none left out, its file as
    it was sealed.
    """
    found = sealed_forecasts(ledger)
    if not found:
        raise InputError(
            Problem(
                str(ledger.path),
                "no sealed forecast",
                "at least one",
                "Seal one with `forecast seal`",
            )
        )
    _check_gaps([one.period for one in found], str(ledger.path))
    problems = ProblemList()
    for one in found:
        path = sealed / one.period.name / FORECAST
        if np.datetime64(one.time.date()) >= one.period.begin:
            told = f"{one.period.name} sealed on {one.time:%Y-%m-%d}"
            problems.add(
                str(ledger.path),
                told,
                f"a day before {one.period.begin}",
                "Begin another ledger and say why",
            )
        if not path.is_file():
            problems.add(
                str(path),
                "no such file",
                "the forecast that was sealed",
                "Restore it: none can be left out",
            )
        elif sha256(path) != one.sha256:
            problems.add(
                str(path),
                "another file than was sealed",
                "the one in the ledger",
                "Restore it from a copy",
            )
    problems.raise_if_any()
    return found


def score(
    period: str,
    model: str,
    share: Floats,
    length: Floats,
    finds: NDArray[np.int64],
    draws: int = 2000,
) -> ForecastScore:
    """Return the score of shares (m,) of segments of some length (m,) by the segments
    (n,) of the finds.
    """
    if not finds.size:
        return ForecastScore(period, model, 0, None, None)
    values = np.stack([np.log(share), in_top(share, length)])[:, finds]
    drawn = np.random.default_rng(0).integers(finds.size, size=(draws, finds.size))
    low, high = np.quantile(values[:, drawn].mean(axis=2), (0.05, 0.95), axis=1)
    (log, top), ends = values.mean(axis=1).tolist(), np.stack([low, high], axis=1).tolist()
    return ForecastScore(period, model, finds.size, (log, *ends[0]), (top, *ends[1]))


def in_top(share: Floats, length: Floats) -> Floats:
    """Return (m,) how much of each segment lies on the share `TOP` of the length with
    the largest share a metre; ties count alike.
    """
    density = np.round(np.log(share / length), 9)
    levels, level = np.unique(-density, return_inverse=True)
    metres = np.bincount(level, length, levels.size)
    left = TOP * length.sum() - (np.cumsum(metres) - metres)
    return np.asarray(np.clip(left / metres, 0, 1)[level], dtype=np.float64)


def _remarks(period: ForecastPeriod, finds: int, elsewhere: int) -> list[str]:
    found: list[str] = []
    if elsewhere:
        rows = counted_message("{count} find", "{count} finds", elsewhere)
        found.append(
            message(
                "{period}: {finds} of an area, or of a longer time, are not scored.",
                period=period.name,
                finds=rows,
            )
        )
    if finds < FEW:
        rows = counted_message("{count} find", "{count} finds", finds)
        found.append(
            message(
                "{period}: {finds} with a road. The intervals of so few say little; check that the"
                " record goes on to {end}.",
                period=period.name,
                finds=rows,
                end=str(period.end),
            )
        )
    return found
