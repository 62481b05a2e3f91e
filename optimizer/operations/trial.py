"""Trials: did the plan work? Arms that chance draws, sealed before the first day, and
analysed by what else could have been drawn.

| kind | what chance draws | what is compared |
|---|---|---|
| draws | the plan of a mixture of each day or shift, as `draw` wrote it | sites that stand, or do at a neighbour alone, with none |
| switch-back | plan or today's layout of each sector: one of each in every two blocks | the two layouts, after a wash-out |
| stepped | the order in which sectors take over the plan, for good | sectors that have and have not, at the same time |
| risk | the order of equal visits to roads of high, middle and low index | finds for each hour, by class |
| decoys | places and days of runs with known loads | the share that is found, and what the plan states |

Effects, intervals and p-values of the first four are those of `randomisation`. Of roads
the classes themselves are permuted: the null hypothesis is that a class says nothing of
a road. Decoys have the interval of Clopper and Pearson, and an exact binomial test of
the stated chance.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import os
import re
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import stats

from optimizer.base.choices import TrialKind, TrialOutcome
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import sha256
from optimizer.base.files.tables import WantedColumns, read_csv
from optimizer.base.schema import ComposedId, Strict, read_model
from optimizer.base.text.messages import message
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.operations.trial_inference import (
    ALPHA,
    TrialPower,
    TrialSetting,
    exposures,
    trial_powers,
)
from optimizer.operations.trial_terms import TrialTerms
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.instance.options import Option
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.records.personal import refuse_personal
from optimizer.report.answer import Answer, AnswerFiles, AnswerTable, write_answer
from optimizer.roster.calendar import first_day
from optimizer.roster.draws import (
    DrawPeriod,
    SecretNumbers,
    balanced_block,
    block_length,
    draws_since,
    read_draws,
    read_secret,
)
from optimizer.roster.model import safe_cell
from optimizer.sharing.ledger.store import Entry, LedgerFolder
from optimizer.sharing.recording import append_entries, hashed

Floats = NDArray[np.float64]
Ints = NDArray[np.int8]

TRIAL = "trial.json"
FORM = "outcomes.csv"
SCHEDULE = "schedule.csv"
DESIGN_FILES = AnswerFiles("trial design", (TRIAL, FORM, SCHEDULE))
RESULT_FILES = AnswerFiles("trial analyse", ("trial-results.csv", "trial-results.json"))
FORM_COLUMNS = ("place", "label", "lon", "lat", "begin", "end", "shift", "found", "of", "delivered")
READ_COLUMNS = ("place", "begin", "shift", "found", "of", "delivered")
FACT = "trial"
"""Fact of the entry of a ledger that seals a trial: its kind."""
MOST_CELLS = 50_000
POOL = 300
"""Other schedules of the simulated runs of a design."""
DRAWN_POOL = 100
"""The same of a trial of draws, which take long to draw."""
CANDIDATES = 200
"""Schedules among which the better half by balance may be drawn, where sectors have
columns to balance.
"""
FEWEST_NONE = 0.5
"""Share of the cells that must have a chance of no site nearby for neighbours to be told apart."""
CLASSES = ("low", "middle", "high")
RISES = frozenset(["finds"])
"""Outcomes that rise with effort."""
COUNTED: dict[TrialOutcome, str] = {
    "audited": "finds for each vehicle that an audit inspected",
    "sentinel": "finds for each hour of constant effort at sentinel sites",
    "flow": "loads or vehicles that are measured, for each hour",
    "finds": "finds at the places themselves",
}
ANALYSIS = (
    "Hajek contrasts weighted by inverse chances, means of units (and of periods, with three units"
    " or more) taken out; 90 % interval and p-value by {redrawn} other schedules drawn as this one"
    " was; by plan, and by what was delivered. Version 1."
)


class TrialUnit(Strict):
    """What is given an arm: a site, a sector, or a road."""

    id: ComposedId
    label: str = ""
    lon: float | None = None
    lat: float | None = None
    options: list[ComposedId] = Field(
        default_factory=list, description="options of the plan that belong to it"
    )
    neighbours: list[int] = Field(
        default_factory=list, description="positions of units to which its loads may go"
    )
    balance: list[float] = Field(
        default_factory=list, description="what arms are balanced on, with mean 1"
    )
    group: str = Field(
        "", description="class of a road, or kind of a site, by which it is compared"
    )
    stated: float | None = Field(None, description="detection chance that the plan states")


class TrialPeriod(Strict):
    """Days that count, from `begin` to the day before `end`; of one shift where it is named."""

    begin: dt.date
    end: dt.date
    shift: str = ""


class TrialVisit(Strict):
    """A visit to a unit, or a run by it."""

    unit: int = Field(ge=0)
    period: int = Field(ge=0)


class TrialPlan(Strict):
    """A plan of the mixture."""

    probability: float = Field(gt=0, le=1)
    options: list[ComposedId]


class TrialFile(Strict):
    """A trial, version 1: what `trial design` writes. Who may not know the arms may not read it."""

    schema_version: Literal[1] = 1
    kind: TrialKind
    name: str
    outcome: TrialOutcome
    analysis: str
    redrawn: int = Field(ge=99, le=100_000)
    key: str = Field(
        "",
        description=(
            "HMAC-SHA-256 of this trial's name under the secret, so that the arms can be shown to"
            " follow from it"
        ),
    )
    days: float = Field(gt=0, description="of a period with its wash-out")
    washout: float = Field(0, ge=0, description="days at the begin of a period that do not count")
    units: list[TrialUnit] = Field(min_length=1)
    periods: list[TrialPeriod] = Field(min_length=1)
    arms: list[list[int]] = Field(
        default_factory=list, description="a row a unit, a column a period: 1 where it stands"
    )
    changed: list[TrialVisit] = Field(
        default_factory=list, description="cells in which somebody changed what was drawn"
    )
    visits: list[TrialVisit] = Field(
        default_factory=list, description="of roads, or runs of decoys, in order of time"
    )
    plans: list[TrialPlan] = Field(
        default_factory=list, description="the mixture that was drawn from"
    )
    begun: dt.date | None = None
    shifts: int = Field(1, ge=1)
    stay: int = Field(1, ge=1)
    steps: int = Field(0, ge=0, description="of a roll-out")
    limit: float | None = Field(None, description="imbalance that no schedule exceeds")

    @property
    def first(self) -> dt.date:
        """The first day, of the first wash-out where there is one."""
        return self.periods[0].begin - timedelta(days=self.washout)

    @property
    def cells(self) -> list[TrialVisit]:
        """The rows of the form: visits, or every unit in every period."""
        every = range(len(self.units)), range(len(self.periods))
        return self.visits or [TrialVisit(unit=u, period=t) for t in every[1] for u in every[0]]


@dataclass(frozen=True)
class TrialDesign:
    """A trial, what it can show, and what the reader must know."""

    file: TrialFile
    power: tuple[TrialPower, ...]
    expected: float
    ratio: float
    warnings: tuple[str, ...]


def design_trial(
    plan_folder: str | os.PathLike[str],
    kind: TrialKind,
    first: str,
    seed_file: str | os.PathLike[str] | None = None,
    *,
    terms: TrialTerms = TrialTerms(),
    new_seed: bool = False,
    listener: Listener = SILENT,
) -> TrialDesign:
    """Draw the arms of a trial, and simulate what it can show.

    Parameters
    ----------
    plan_folder
        Folder that `plan` wrote.
    kind
        Of the trial.
    first
        First day, such as 2026-12-01.
    seed_file
        Secret of the arms, of at least 16 bytes; not of `draws`, whose arms are those
        of the file of draws.
    terms
        What is asked for.
    new_seed
        Make the secret; the file must not exist.
    listener
        Told of the steps.

    Raises
    ------
    InputError
        If an argument or file is at fault, or the outcome rises with effort.
    """
    opened, day = PlanFolder(plan_folder), first_day(first)
    _check_terms(kind, terms)
    warnings = [bias_of_effort()] if terms.outcome in RISES else []
    secret = b""
    if kind != "draws":
        if seed_file is None:
            expected = "the file of a secret, from which the arms follow"
            raise InputError(
                Problem("--seed-file", "none", expected, "Name one, and make it with --new-seed")
            )
        secret = read_secret(Path(seed_file), opened.path, new=new_seed)
    name = opened.path.name if opened.file is None else opened.file.name
    key = trial_key(secret, kind, name, day) if secret else ""
    base = TrialFile.model_construct(
        kind=kind,
        name=name,
        outcome="sentinel" if kind == "risk" else terms.outcome,
        analysis=ANALYSIS.format(redrawn=terms.redrawn),
        redrawn=terms.redrawn,
        key=key,
        units=[],
        periods=[],
        days=1.0,
    )
    numbers = SecretNumbers(secret, f"trial|{kind}|{sha256(opened.plan_path)}|{day}")
    if kind == "draws":
        file = _draws_design(opened, day, terms, base)
    elif kind in {"switch-back", "stepped"}:
        file = _blocks_design(opened, day, terms, base, numbers, warnings)
    elif kind == "risk":
        file = _risk_design(opened, day, terms, base, numbers, listener)
    else:
        file = _decoys_design(opened, day, terms, base, numbers)
    if len(file.cells) > MOST_CELLS:
        found = f"{len(file.cells):,} rows of outcomes"
        raise InputError(
            Problem(
                "trial design", found, f"at most {MOST_CELLS:,}", "Ask for fewer days or places"
            )
        )
    file = TrialFile.model_validate(file.model_dump())
    finds = terms.world.rate * terms.world.amount * _fewest_rows(file)
    power: tuple[TrialPower, ...] = ()
    if file.arms and kind != "risk":
        with step(listener, "simulating the trial with traffickers who learn"):
            power = trial_powers(
                trial_setting(file, DRAWN_POOL if kind == "draws" else POOL),
                terms.world,
                runs=terms.runs,
            )
        warnings += _power_warnings(power)
    if kind == "switch-back":
        warnings.append(what_lasts(file.washout))
    return TrialDesign(file, power, finds, least_ratio(finds), tuple(warnings))


def _fewest_rows(file: TrialFile) -> int:
    """Return the rows of the arm that has fewest; of a roll-out those of periods that have both."""
    if file.kind == "risk":
        return len(file.visits) // len(CLASSES)
    if not file.arms:
        return len(file.cells)
    arms = np.array(file.arms)[:, 1:-1] if file.kind == "stepped" else np.array(file.arms)
    return int(min(arms.sum(), (1 - arms).sum()))


def least_ratio(expected: float, alpha: float = ALPHA) -> float:
    """Return the ratio of two Poisson means that is seen with a power of .8, where
    `expected` finds are in the arm with fewer.

    The logarithm of the ratio r of two counts has the variance 1 / N + 1 / (r N) nearly
    (delta method).
    """
    need = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(0.8))
    ratio = 2.0
    for _ in range(100):
        ratio = float(np.exp(min(need * np.sqrt((1 + 1 / ratio) / max(expected, 1e-9)), 50.0)))
    return ratio


def _check_terms(kind: TrialKind, terms: TrialTerms) -> None:
    problems, world = ProblemList(), terms.world
    for name, value, fits, expected in (
        ("--near", terms.near_km, 0 <= terms.near_km <= 20_000, "kilometres, 0 or more"),
        ("--blocks", terms.blocks, 2 <= terms.blocks <= 200, "2 to 200"),
        ("--block-days", terms.block_days, 1 <= terms.block_days <= 366, "1 to 366"),
        (
            "--washout",
            terms.washout,
            0 <= terms.washout < terms.block_days,
            "0 to less than the days of a block",
        ),
        ("--places", terms.places, 2 <= terms.places <= 1000, "2 to 1,000"),
        ("--visits", terms.visits, 1 <= terms.visits <= 1000, "1 to 1,000"),
        ("--days", terms.days, 1 <= terms.days <= 366, "1 to 366"),
        ("--redrawn", terms.redrawn, 99 <= terms.redrawn <= 100_000, "99 to 100,000"),
        ("--runs", terms.runs, 10 <= terms.runs <= 100_000, "10 to 100,000"),
        ("--rate", world.rate, 0 < world.rate < 1e6, "finds for each vehicle or hour, above 0"),
        ("--amount", world.amount, 0 < world.amount < 1e9, "vehicles or hours, above 0"),
        ("--half-life", world.half_life, 0 < world.half_life < 1e5, "days, above 0"),
        ("--displaced", world.displaced, 0 <= world.displaced <= 1, "a share from 0 to 1"),
        ("--delivered", world.delivered, 0 <= world.delivered <= 1, "a share from 0 to 1"),
    ):
        if not fits:
            problems.add(name, value, expected)
    for name, given, kinds in (
        ("--draws", terms.draws, {"draws"}),
        ("--clusters", terms.clusters, {"switch-back", "stepped"}),
        (
            "--outcome",
            None if terms.outcome == "audited" else terms.outcome,
            {"draws", "switch-back", "stepped"},
        ),
    ):
        if given is not None and kind not in kinds:
            problems.add(
                name,
                given,
                f"none with --kind {kind}",
                f"It is read with --kind {', '.join(sorted(kinds))}",
            )
    if kind == "draws" and terms.draws is None:
        problems.add(
            "--draws", "none", "the file of draws that is carried out", "Name what `draw` wrote"
        )
    if terms.outcome in RISES and not terms.accept_biased:
        problems.add(
            "--outcome",
            f"{terms.outcome}: {COUNTED[terms.outcome]}, which rise with effort",
            f"one of {', '.join(sorted(set(COUNTED) - RISES))}",
            "Measure one of these, or take the biased one with --accept-biased",
        )
    problems.raise_if_any()


def bias_of_effort() -> str:
    """Return what to say of an outcome that rises with effort."""
    return message(
        "Finds at the places themselves rise with effort: more are found where more is looked, even"
        " if fewer loads come. An effect on them says nothing of what passes."
    )


def what_lasts(washout: float) -> str:
    """Return what to say of ways round that are found late, which neither a block nor
    the simulated traffickers show.
    """
    return message(
        "The effect is that of the days that count, which begin {washout:.0f} days after a change."
        " If traffickers find other ways later, less of it lasts, or nothing.",
        washout=washout,
    )


def _power_warnings(power: Sequence[TrialPower]) -> Iterator[str]:
    last = power[-1]
    if not last.power >= 0.5:
        yield message(
            "An effect of {effect:.0%} would be found in {power:.0%} of such trials alone. Ask for"
            " more units, days or vehicles, or do not start.",
            effect=last.effect,
            power=last.power,
        )
    if abs(last.bias) > 0.1:
        yield message(
            "In simulated runs the estimate misses an effect of {effect:.0%} by {bias:+.0%} of it."
            " Where traffickers learn slowly, lengthen --washout; where they go to neighbouring"
            " sectors, join these. Simulated traffickers find no ways round: if yours find some"
            " after the wash-out, the estimate is larger than what lasts.",
            effect=last.effect,
            bias=last.bias,
        )


def _draws_design(
    opened: PlanFolder, day: dt.date, terms: TrialTerms, base: TrialFile
) -> TrialFile:
    assert terms.draws is not None  # noqa: S101 - `_check_terms` has looked
    draws = read_draws(terms.draws)
    mixture = opened.mixture
    instance = opened.instance
    where = str(terms.draws)
    if draws.mixture != sha256(opened.mixture_path):
        raise InputError(
            Problem(
                where, "draws of another mixture", f"those of {opened.mixture_path}", "Draw again"
            )
        )
    if draws.change is not None and draws.change < 1:
        found = f"draws that follow from one another (--change {draws.change:g})"
        raise InputError(
            Problem(
                where, found, "draws of which each has its chance alone", "Draw without --change"
            )
        )
    rows = draws.rows
    if rows[0].date != day:
        raise InputError(
            Problem("--from", day.isoformat(), f"the first day of the draws, {rows[0].date}")
        )
    if any(row.drawn >= len(mixture.plans) for row in rows):
        raise InputError(
            Problem(
                where,
                "a plan that the mixture does not have",
                "draws of this mixture",
                "Draw again",
            )
        )
    by_site: dict[str, list[str]] = defaultdict(list)
    for option in instance.options:
        if 0 < mixture.marginals.get(option.id, 0) < 1:
            by_site[option.site or option.id].append(option.id)
    if not by_site:
        found = "no site that stands on some days and not on others"
        raise InputError(Problem(str(opened.mixture_path), found, "a mixture of several plans"))
    known = {option.id: option for option in instance.options}
    units = []
    for site, ids in by_site.items():
        lon, lat = (None, None) if instance.lonlat is None else _middle(known[ids[0]], instance)
        units.append(
            TrialUnit(id=site, label=known[ids[0]].label or site, lon=lon, lat=lat, options=ids)
        )
    units = _with_neighbours(units, terms.near_km)
    drawn = np.array([_stand(mixture.plans[row.drawn].options, units) for row in rows]).T
    made = np.array([_stand(row.plan, units) for row in rows]).T
    changed = [TrialVisit(unit=u, period=t) for u, t in np.argwhere(drawn != made).tolist()]
    every = len({row.shift for row in rows})
    plans = [
        TrialPlan(probability=p, options=list(plan.options))
        for plan, p in zip(mixture.plans, mixture.probabilities, strict=True)
    ]
    one = timedelta(days=1)
    return base.model_copy(
        update={
            "units": units,
            "periods": [
                TrialPeriod(begin=row.date, end=row.date + one, shift=row.shift or "")
                for row in rows
            ],
            "arms": drawn.tolist(),
            "changed": changed,
            "plans": plans,
            "begun": draws.begun,
            "shifts": every,
            "stay": draws.stay,
            "days": 1 / every,
        }
    )


def _middle(option: Option, instance: Any) -> tuple[float, float]:  # noqa: ANN401 - an Instance with a map
    ends = instance.lonlat[
        np.concatenate((instance.tail[list(option.arcs)], instance.head[list(option.arcs)]))
    ]
    lon, lat = ends.mean(axis=0).tolist()
    return lon, lat


def _stand(placed: Iterable[str], units: Sequence[TrialUnit]) -> list[int]:
    names = set(placed)
    return [int(not names.isdisjoint(unit.options)) for unit in units]


def _with_neighbours(units: Sequence[TrialUnit], near_km: float) -> list[TrialUnit]:
    """Return units with the positions of those within some kilometres; none where
    places are not known.
    """
    if any(unit.lon is None or unit.lat is None for unit in units):
        return list(units)
    lon, lat = (
        np.array([getattr(unit, name) for unit in units], dtype=np.float64)
        for name in ("lon", "lat")
    )
    near = great_circle_m(lon[:, None], lat[:, None], lon[None], lat[None]) <= 1000 * near_km
    np.fill_diagonal(near, val=False)
    return [
        unit.model_copy(update={"neighbours": np.flatnonzero(row).tolist()})
        for unit, row in zip(units, near, strict=True)
    ]


def _blocks_design(
    opened: PlanFolder,
    day: dt.date,
    terms: TrialTerms,
    base: TrialFile,
    numbers: SecretNumbers,
    warnings: list[str],
) -> TrialFile:
    units = _sectors(opened, terms.clusters)
    stepped = base.kind == "stepped"
    if stepped and len(units) < 3:
        raise InputError(
            Problem("--clusters", f"{len(units)} sectors", "3 or more for a roll-out by steps")
        )
    if not stepped and terms.blocks % 2:
        raise InputError(
            Problem(
                "--blocks", str(terms.blocks), "an even number: one of each layout in every two"
            )
        )
    others = list(range(len(units)))
    units = [
        unit.model_copy(update={"neighbours": [k for k in others if k != u]})
        for u, unit in enumerate(units)
    ]
    length, washout = timedelta(days=terms.block_days), timedelta(days=terms.washout)
    begins = [day + k * length for k in range(terms.blocks)]
    periods = [TrialPeriod(begin=begin + washout, end=begin + length) for begin in begins]
    more = {
        "units": units,
        "periods": periods,
        "days": float(terms.block_days),
        "washout": float(terms.washout),
    }
    file = base.model_copy(
        update=more | {"steps": min(terms.blocks - 1, len(units)) if stepped else 0}
    )
    if units[0].balance and len(units) > 3:
        tried = _block_schedules(file, np.random.default_rng(0).random, CANDIDATES)
        file = file.model_copy(update={"limit": float(np.median(_imbalance(file, tried)))})
    arms = _restricted(file, lambda size: np.array([numbers.next() for _ in range(size)]), 1)[0]
    if not stepped and len(units) * terms.blocks // 2 < 7:
        warnings.append(
            message(
                "{count} such schedules are possible: no p-value can be below {least:.2g}. Ask for"
                " more blocks or sectors.",
                count=2 ** (len(units) * terms.blocks // 2),
                least=2 / 2 ** (len(units) * terms.blocks // 2),
            )
        )
    return file.model_copy(update={"arms": arms.tolist()})


def _sectors(opened: PlanFolder, clusters: Path | None) -> list[TrialUnit]:
    """Return the sectors of a table, or the agencies of the options that plan and
    today's layout do not share.
    """
    instance = opened.instance
    today = {option.id for option in instance.options if option.existing}
    moved = {*opened.ids} ^ today
    if not moved:
        found = "a plan that equals today's layout"
        raise InputError(
            Problem(str(opened.plan_path), found, "a plan that changes something", "Plan again")
        )
    if clusters is None:
        ids: dict[str, list[str]] = defaultdict(list)
        for option in instance.options:
            if option.id in moved:
                ids[option.agency or "all"].append(option.id)
        ids = ids or {"all": sorted(moved)}
        return [TrialUnit(id=name, label=name, options=part) for name, part in ids.items()]
    columns = WantedColumns(
        ("cluster",), ("risk", "effort"), show_header=True, numeric=("risk", "effort")
    )
    table, problems = (
        read_csv(clusters, "a table of sectors", columns, typed_by_hand=True),
        ProblemList(),
    )
    refuse_personal(clusters, table.unread, "sectors, and nothing about people")
    faults, names = problems.of_file(clusters), table.text["cluster"]
    balance = {
        name: _numbers(table.text[name]) for name in ("risk", "effort") if name in table.text
    }
    for k, line in enumerate(table.number):
        if not names[k] or names[k] in names[:k]:
            faults.add(line, repr(names[k]), "the name of a sector, each once", column="cluster")
        for name, values in balance.items():
            if not 0 <= values[k] < float("inf"):
                faults.add(line, repr(table.text[name][k]), "a number, 0 or more", column=name)
    if not names:
        faults.add(0, "no row", "a row for each sector")
    problems.raise_if_any()
    scaled = [np.array(values) / max(float(np.mean(values)), 1e-300) for values in balance.values()]
    return [
        TrialUnit(id=_id(name, k), label=name, balance=[float(part[k]) for part in scaled])
        for k, name in enumerate(names)
    ]


def _id(name: str, number: int) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:60]
    return f"{words or 'sector'}-{number + 1}"


def _numbers(texts: Sequence[str]) -> list[float]:
    return [number_of(text) for text in texts]


def number_of(text: str) -> float:
    """Return the number that a text is; NaN for anything else."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _block_schedules(file: TrialFile, uniform: Callable[[int], Floats], count: int) -> Ints:
    """Return (count, units, periods) arms of a switch-back or roll-out, each alike likely."""
    units, periods = len(file.units), len(file.periods)
    if file.kind == "stepped":
        rank = np.argsort(uniform(count * units).reshape(count, units), axis=1).argsort(axis=1)
        step_of = 1 + rank * file.steps // units
        begin = np.rint(step_of * (periods - 1) / file.steps).astype(int)
        return np.asarray(np.arange(periods) >= begin[..., None], dtype=np.int8)
    first = (
        uniform(count * units * periods // 2).reshape(count, units, periods // 2) < 0.5
    ).astype(np.int8)
    return np.stack([first, 1 - first], axis=-1).reshape(count, units, periods)


def _imbalance(file: TrialFile, arms: Ints) -> Floats:
    """Return (schedules,) the largest share by which arms miss what is balanced, over
    periods and columns.
    """
    balance = np.array([unit.balance for unit in file.units])
    if not balance.size:
        return np.zeros(len(arms))
    part = np.einsum("ub,sut->sbt", balance, arms) / balance.sum(axis=0)[:, None]
    return np.asarray(np.abs(part - arms.mean(axis=1)[:, None]).max(axis=(1, 2)))


def _restricted(file: TrialFile, uniform: Callable[[int], Floats], count: int) -> Ints:
    """Return schedules whose imbalance keeps to the limit."""
    found: list[Ints] = []
    while sum(map(len, found)) < count:
        drawn = _block_schedules(file, uniform, count)
        found.append(
            drawn if file.limit is None else drawn[_imbalance(file, drawn) <= file.limit + 1e-12]
        )
    return np.concatenate(found)[:count]


def _risk_design(
    opened: PlanFolder,
    day: dt.date,
    terms: TrialTerms,
    base: TrialFile,
    numbers: SecretNumbers,
    listener: Listener,
) -> TrialFile:
    from optimizer.scenario.compile.compile import compile_scenario

    compiled = compile_scenario(
        opened.scenario_told(listener.noted),
        settings=opened.settings,
        skip_unreachable=True,
        listener=listener,
    )
    if compiled.risk is None:
        raise InputError(
            Problem(str(opened.scenario), "no record of seizures", "a scenario with a risk map")
        )
    network, index = compiled.region.network, compiled.risk.mean
    third = np.argsort(np.argsort(index, kind="stable"), kind="stable") * 3 // index.size
    units = []
    for level, name in enumerate(CLASSES):
        roads = np.flatnonzero(third == level).tolist()
        if len(roads) < terms.places:
            found = f"{len(roads)} roads of {name} index"
            raise InputError(
                Problem("--places", str(terms.places), f"at most {len(roads)}: there are {found}")
            )
        for road in numbers.shuffled(roads)[: terms.places]:
            lon, lat = network.segment_midpoint[road].tolist()
            label = str(network.name[network.segment_arc[road]]) or f"road {road}"
            units.append(TrialUnit(id=f"road-{road}", label=label, lon=lon, lat=lat, group=name))
    units = [units[k] for k in numbers.shuffled(range(len(units)))]
    order = [unit for _ in range(terms.visits) for unit in numbers.shuffled(range(len(units)))]
    arms = [[CLASSES.index(unit.group)] for unit in units]
    return base.model_copy(update=_spread(order, day, terms.days) | {"units": units, "arms": arms})


def _decoys_design(
    opened: PlanFolder, day: dt.date, terms: TrialTerms, base: TrialFile, numbers: SecretNumbers
) -> TrialFile:
    sites = (
        []
        if opened.file is None
        else [site for site in opened.file.sites if site.survival is not None]
    )
    if not sites:
        found = "no site with a detection chance"
        raise InputError(
            Problem(str(opened.plan_path), found, "a plan of sites", "Plan from a scenario")
        )
    units = [
        TrialUnit(
            id=site.id, label=site.label or site.id, lon=site.lon, lat=site.lat, group=site.type or site.kind,
            stated=1 - (site.survival or 0.0),
        )
        for site in sites
    ]  # fmt: skip
    order = numbers.shuffled([unit for _ in range(terms.visits) for unit in range(len(units))])
    return base.model_copy(update=_spread(order, day, terms.days) | {"units": units})


def _spread(order: Sequence[int], day: dt.date, days: int) -> dict[str, object]:
    """Return visits in some order over days, as evenly as whole numbers allow."""
    one = timedelta(days=1)
    periods = [TrialPeriod(begin=day + k * one, end=day + (k + 1) * one) for k in range(days)]
    visits = [TrialVisit(unit=unit, period=k * days // len(order)) for k, unit in enumerate(order)]
    return {"periods": periods, "visits": visits}


def write_design(
    out: Path,
    design: TrialDesign,
    *sources: Path,
    ledger: Path | None = None,
    overwrite: bool = False,
    now: datetime | None = None,
    listener: Listener = SILENT,
) -> tuple[str, ...]:
    """Write a trial, the form of its outcomes and its schedule, all or none, and seal
    it; return the names.

    Parameters
    ----------
    out
        Folder to write.
    design
        The trial.
    sources
        What it was made of.
    ledger
        Folder of the ledger that seals it; none if None.
    overwrite
        Replace files of these names.
    now
        The time; that of the clock, in UTC, if None.
    listener
        Told of the entry.

    Raises
    ------
    InputError
        If the folder or ledger cannot be written, or the trial has begun before it
        could be sealed.
    """
    file, now = design.file, datetime.now(UTC) if now is None else now
    sealed = None if ledger is None else LedgerFolder.ready(ledger)
    if sealed is not None and now.date() >= file.first:
        raise InputError(
            Problem(
                "--from",
                f"{file.first}, which has come",
                "a day to come",
                "A trial is sealed before it",
            )
        )
    folder = DESIGN_FILES.folder(out, *sources, overwrite=overwrite)
    tables = {FORM.removesuffix(".csv"): AnswerTable(list(_form_rows(file)), FORM_COLUMNS)}
    if file.kind in {"switch-back", "stepped"}:
        tables[SCHEDULE.removesuffix(".csv")] = AnswerTable(list(_schedule_rows(file)))
    content = {TRIAL.removesuffix(".json"): file.model_dump(mode="json")}
    write_answer(folder, Answer(tables=tables, content=content))
    for name in (TRIAL, SCHEDULE):
        if (out / name).exists():
            os.chmod(out / name, stat.S_IRUSR | stat.S_IWUSR)  # noqa: PTH101 - arms to come are for few
    if sealed is not None:
        entry = Entry(
            "file", f"trial of {file.name}", hashed(out / TRIAL), {FACT: file.kind}, time=now
        )
        append_entries(sealed, [entry], listener)
    return (TRIAL, *(f"{name}.csv" for name in tables))


def _form_rows(file: TrialFile) -> Iterator[dict[str, object]]:
    """Yield the rows of the form, in order of time; they do not say which arm."""
    for cell in file.cells:
        unit, period = file.units[cell.unit], file.periods[cell.period]
        row = (
            safe_cell(unit.id),
            safe_cell(unit.label),
            unit.lon,
            unit.lat,
            period.begin.isoformat(),
        )
        more = ((period.end - timedelta(days=1)).isoformat(), safe_cell(period.shift), "", "", "")
        yield dict(zip(FORM_COLUMNS, (*row, *more), strict=True))


def _schedule_rows(file: TrialFile) -> Iterator[dict[str, object]]:
    """Yield what stands where from when: who carries out the trial reads it."""
    washout = timedelta(days=file.washout)
    for t, period in enumerate(file.periods):
        for unit, arms in zip(file.units, file.arms, strict=True):
            stands = "plan" if arms[t] else "today's layout"
            row = {
                "place": safe_cell(unit.id),
                "label": safe_cell(unit.label),
                "begin": period.begin - washout,
            }
            yield row | {
                "end": period.end - timedelta(days=1),
                "counts_from": period.begin,
                "stands": stands,
            }


def read_trial(path: Path) -> TrialFile:
    """Read a trial.

    Raises
    ------
    InputError
        With every fault of the file.
    """
    place = path / TRIAL if path.is_dir() else path
    file = read_model(place, TrialFile, "a trial, as `trial design` writes it")
    shape = len(file.units), 1 if file.kind == "risk" else len(file.periods)
    fits = file.kind == "decoys" or (
        len(file.arms) == shape[0] and all(len(row) == shape[1] for row in file.arms)
    )
    inside = all(
        c.unit < shape[0] and c.period < len(file.periods) for c in (*file.visits, *file.changed)
    )
    near = all(0 <= k < shape[0] for unit in file.units for k in unit.neighbours)
    known = {arm for row in file.arms for arm in row} <= (
        {0, 1, 2} if file.kind == "risk" else {0, 1}
    )
    if not (fits and inside and near and known) or (
        file.kind == "draws" and (not file.plans or file.begun is None)
    ):
        raise InputError(
            Problem(
                str(place), "parts that do not fit", "what `trial design` wrote", "Design it again"
            )
        )
    return file


def trial_key(secret: bytes, kind: TrialKind, name: str, first: dt.date) -> str:
    """Return what shows that arms follow from a secret, and does not tell the secret."""
    return hmac.new(secret, f"trial|{kind}|{name}|{first}".encode(), hashlib.sha256).hexdigest()


def _schedules(file: TrialFile, count: int) -> Ints:
    """Return (count, units, periods) arms drawn as those of the trial were, each time the same."""
    if file.kind == "draws":
        return _redrawn_plans(file, count)
    rng = np.random.default_rng(
        1
    )  # who repeats an analysis finds the same; the trial's own arms follow from its secret
    if file.kind == "risk":
        arms = np.array(file.arms, dtype=np.int8)
        return np.stack([rng.permutation(arms) for _ in range(count)])
    return _restricted(file, rng.random, count)


def _redrawn_plans(file: TrialFile, count: int) -> Ints:
    """Return draws of the mixture. Blocks of draws are independent: of each block
    `count` are drawn, and put together in random orders.
    """
    assert file.begun is not None  # noqa: S101 - `read_trial` has looked
    periods = [DrawPeriod(period.begin, period.shift or None) for period in file.periods]
    length = block_length(file.shifts, file.stay)
    numbers = np.array(draws_since(file.begun, periods, shifts=file.shifts, stay=file.stay))
    ids = sorted({name for plan in file.plans for name in plan.options})
    placed = np.array(
        [[name in set(plan.options) for plan in file.plans] for name in ids], dtype=bool
    )
    share = [plan.probability for plan in file.plans]
    pool = np.array(
        [
            balanced_block(share, placed, length, SecretNumbers(b"redrawn", f"{k}"))
            for k in range(count)
        ],
        dtype=np.int64,
    )
    rng, drawn = np.random.default_rng(1), np.empty((count, len(periods)), dtype=np.int64)
    block, place = numbers // length, numbers % length
    for one in np.unique(block):
        order = rng.permutation(count)
        drawn[:, block == one] = pool[np.ix_(order, place[block == one])]
    stands = np.array([_stand(plan.options, file.units) for plan in file.plans], dtype=np.int8)
    return np.ascontiguousarray(stands[drawn].transpose(0, 2, 1))


def trial_setting(file: TrialFile, count: int) -> TrialSetting:
    """Return how a trial is analysed: other schedules, neighbours and chances."""
    units = len(file.units)
    neighbours = np.zeros((units, units), dtype=bool)
    for u, unit in enumerate(file.units):
        neighbours[u, unit.neighbours] = True
    schedules = _schedules(file, count)
    periods = schedules.shape[2]
    if file.kind == "risk":
        chance = np.stack([np.full(units, float((schedules[0] == k).mean())) for k in range(3)])
        return TrialSetting(
            schedules, neighbours, True, chance, file.days, file.washout, at_once=False
        )
    nearby = file.kind == "draws" and bool(neighbours.any())
    if file.kind == "draws":
        stands = np.array(
            [_stand(plan.options, file.units) for plan in file.plans], dtype=np.int8
        ).T
        share = np.array([plan.probability for plan in file.plans])

        def chances(*, nearby: bool) -> Floats:
            found = exposures(stands, neighbours, nearby=nearby).reshape(units, -1)
            kinds = [(found == k) @ share / share.sum() for k in range(3 if nearby else 2)]
            return np.stack([np.repeat(each, periods) for each in kinds])

        chance = chances(nearby=nearby)
        if nearby and (chance >= 0.01).all(axis=0).mean() < FEWEST_NONE:
            nearby, chance = False, chances(nearby=False)
    else:
        on = schedules.mean(axis=0).ravel()
        chance = (
            np.full((2, on.size), 0.5) if file.kind == "switch-back" else np.stack([1 - on, on])
        )
    at_once = file.kind == "draws"
    return TrialSetting(schedules, neighbours, nearby, chance, file.days, file.washout, at_once)
