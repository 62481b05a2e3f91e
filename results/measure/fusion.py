"""What `fuse` and tips are worth, for researchers: `python -m results.measure fusion
match|tips|floods`.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.problem.network.geodesy import KM_PER_DEGREE
from optimizer.records.fusion.feeds import read_feeds
from optimizer.records.fusion.matching import WINDOW, match_feeds
from optimizer.records.fusion.reports import comparable_reports, places_of_areas
from optimizer.records.fusion.review import decisions_on

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pair = tuple[int, int]


@dataclass(frozen=True)
class MatchScore:
    """How well pairs were found."""

    #: Rows of both feeds.
    rows: int
    #: `precision`, `recall`, `f1`: Of the pairs that are one event.
    precision: float
    recall: float
    f1: float
    #: Wall seconds: files read, compared and matched.
    seconds: float
    #: The same in processor seconds of this process.
    processor_seconds: float


def scored(
    found: set[tuple[int, int]],
    truth: set[tuple[int, int]],
    rows: int,
    wall: float,
    processor: float,
) -> MatchScore:
    """Return the score of the pairs that were found."""
    right = len(found & truth)
    precision, recall = right / max(len(found), 1), right / max(len(truth), 1)
    return MatchScore(
        rows, precision, recall, 2 * right / max(len(found) + len(truth), 1), wall, processor
    )


def measured(made: TwoAgencies, window: int = WINDOW) -> MatchScore:
    """Return how well `fuse` finds the events of two made-up agencies, their files
    written and read.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = write_feeds(made, Path(folder))
        wall, processor = time.perf_counter(), time.process_time()
        feeds = read_feeds(paths)
        reports = comparable_reports(feeds)
        matched = match_feeds(reports, places_of_areas(reports, ()), decisions_on(None, {}), window)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    first, second = (feed.seizures["line"].to_numpy() - 2 for feed in feeds)
    found = {
        pair
        for each in matched
        for pair in zip(
            first[each.pairs.one[each.merged]].tolist(),
            second[each.pairs.other[each.merged] - first.size].tolist(),
            strict=True,
        )
    }
    return scored(found, made.true_pairs(), first.size + second.size, wall, processor)


# Two made-up agencies that report events of one border, each with its own habits and
# errors, and what is true.
#
# Events: places around hot spots along a border of 300 km x 80 km, days in bursts, five
# drugs, log-normal weights, round for a part. Each agency learns of an event by chance.
# The first writes points, hours and weights. The second rounds hours or writes days,
# some of them late; writes a town, often misspelt, or a sector, or a rough point; gives
# gross weights, or parcels; calls drugs by other words. How often it does which is
# drawn anew from the seed.
WEST, SOUTH, WIDE, HIGH = -100.5, 26.3, 3.0, 0.72

DRUGS = ("cannabis", "cocaine", "methamphetamine", "heroin", "fentanyl")

SHARES = (0.42, 0.26, 0.18, 0.08, 0.06)

MEDIAN_KG = (25.0, 4.0, 3.0, 1.0, 0.6)

PARCEL_KG = (5.0, 1.05, 0.9, 0.45, 0.25)

OTHER_WORDS = ("Marijuana", "Cocaine HCl", "Crystal meth", "Heroin", "Fentanyl pills")

_WORDS = "san el ro ma la fal cor mis sion hid al go wes co zap ta en ci no don na rio gran"

SYLLABLES = tuple(_WORDS.split())

ORIGIN = np.datetime64("2022-01-01")

YEARS = 3

DETECTED = 0.75
"""Chance that each agency reports an event."""


@dataclass(frozen=True)
class TwoAgencies:
    """What two agencies report."""

    #: `first`, `second`: Their tables, as they write them.
    first: pd.DataFrame
    second: pd.DataFrame
    #: `event_of_first`, `event_of_second`: The true event of each row, -1 for a row of
    #: something that the other cannot know.
    event_of_first: Ints
    event_of_second: Ints

    def true_pairs(self) -> set[Pair]:
        """Return (row of the first, row of the second) of the events that both report."""
        where = {event: at for at, event in enumerate(self.event_of_second.tolist())}
        return {
            (at, where[event])
            for at, event in enumerate(self.event_of_first.tolist())
            if event in where
        }


def two_agencies(rows: int = 30_000, seed: int = 1, *, skew_hours: float = 0.0) -> TwoAgencies:
    """Make the reports of two agencies.

    Parameters
    ----------
    rows
        Rows of both together, nearly.
    seed
        Seed of events and habits.
    skew_hours
        How far the second's clock is ahead.
    """
    rng = np.random.default_rng(seed)
    count = int(rows / (2 * DETECTED))
    towns = _towns(rng, 140)
    hour = _hours(rng, count)
    spot = rng.integers(0, 60, count)
    centre = rng.uniform(size=(60, 2)) * [WIDE, HIGH] + [WEST, SOUTH]
    local = rng.uniform(size=count) < 0.35
    place = np.where(
        local[:, None],
        rng.uniform(size=(count, 2)) * [WIDE, HIGH] + [WEST, SOUTH],
        centre[spot] + rng.normal(0, 0.035, (count, 2)),
    )
    drug = rng.choice(len(DRUGS), count, p=SHARES)
    kg = np.array(MEDIAN_KG)[drug] * np.exp(rng.normal(0, 1.2, count))
    kg = np.where(rng.uniform(size=count) < 0.3, np.maximum(np.round(kg), 1.0), kg)
    events = _Events(hour, place, drug, kg)
    seen = [np.flatnonzero(rng.uniform(size=count) < DETECTED) for _ in range(2)]
    seen[1] = rng.permutation(seen[1])
    return TwoAgencies(
        _first(events, seen[0], towns, rng),
        _second(events, seen[1], towns, rng, skew_hours),
        seen[0],
        seen[1],
    )


@dataclass(frozen=True)
class _Towns:
    name: NDArray[np.str_]
    place: Floats


@dataclass(frozen=True)
class _Events:
    hour: Floats
    place: Floats
    drug: Ints
    kg: Floats


def _towns(rng: np.random.Generator, count: int) -> _Towns:
    names: list[str] = []
    while len(names) < count:
        name = "".join(rng.choice(SYLLABLES, rng.integers(2, 4))).capitalize()
        if name not in names:
            names.append(name)
    return _Towns(np.array(names), rng.uniform(size=(count, 2)) * [WIDE, HIGH] + [WEST, SOUTH])


def _hours(rng: np.random.Generator, count: int) -> Floats:
    """Return hours since `ORIGIN`, a third of them in bursts of some days."""
    total = YEARS * 365 * 24
    burst = rng.uniform(0, total, 40)
    spread = rng.normal(0, 60, count)
    hour = np.where(
        rng.uniform(size=count) < 0.33,
        burst[rng.integers(0, 40, count)] + spread,
        rng.uniform(0, total, count),
    )
    return np.clip(hour, 0, total - 1)


def _km_jitter(rng: np.random.Generator, place: Floats, km: float) -> Floats:
    return np.asarray(place + rng.normal(0, km / KM_PER_DEGREE, place.shape))


def _first(events: _Events, seen: Ints, towns: _Towns, rng: np.random.Generator) -> pd.DataFrame:
    size = seen.size
    stamp = _stamped(events.hour[seen] + rng.normal(0, 0.15, size))
    point = _km_jitter(rng, events.place[seen], 0.15).round(5)
    kg = events.kg[seen] * np.exp(rng.normal(0, 0.01, size))
    drug = np.array(DRUGS, dtype=object)[events.drug[seen]]
    slip = rng.uniform(size=size)
    drug[slip < 0.01] = rng.choice(DRUGS, int((slip < 0.01).sum()))
    drug[slip > 0.97] = ""
    lost = rng.uniform(size=size) < 0.03
    lon, lat = point[:, 0].astype(object), point[:, 1].astype(object)
    lon[lost], lat[lost] = "", ""
    town = towns.name[_nearest(events.place[seen], towns)].astype(object)
    return pd.DataFrame(
        {
            "when": [f"{one}"[:16].replace("T", " ") for one in stamp],
            "longitude": lon,
            "latitude": lat,
            "near": np.where(rng.uniform(size=size) < 0.5, town, ""),
            "drug": drug,
            "kg": kg.round(2),
            "seizures": 1,
        }
    )


def _second(
    events: _Events, seen: Ints, towns: _Towns, rng: np.random.Generator, skew: float
) -> pd.DataFrame:
    size = seen.size
    day_only, late = rng.uniform(0.2, 0.35), rng.uniform(0.05, 0.12)
    by_town, by_sector = rng.uniform(0.4, 0.55), rng.uniform(0.15, 0.25)
    by_parcels, no_weight = rng.uniform(0.2, 0.35), rng.uniform(0.03, 0.08)
    hour = np.round(events.hour[seen] + skew + rng.normal(0, 0.2, size))
    hour += np.where(rng.uniform(size=size) < late, 24.0 * rng.choice([1, 1, 2], size), 0.0)
    stamp = _stamped(hour)
    text = np.array([f"{one}"[:16] for one in stamp], dtype=object)
    plain = rng.uniform(size=size) < day_only
    text[plain] = [one[:10] for one in text[plain]]
    kind = rng.uniform(size=size)
    town = towns.name[_nearest(events.place[seen], towns)].astype(object)
    wrong = np.flatnonzero(rng.uniform(size=size) < 0.12)
    town[wrong] = [_misspelt(one, rng) for one in town[wrong]]
    sector = np.array(
        [f"Sector {1 + int(6 * share)}" for share in (events.place[seen, 0] - WEST) / WIDE * 0.999],
        dtype=object,
    )
    rough = _km_jitter(rng, events.place[seen], 0.5).round(2)
    where = np.where(kind < by_town, town, np.where(kind < by_town + by_sector, sector, ""))
    pointed = kind >= by_town + by_sector
    lon, lat = rough[:, 0].astype(object), rough[:, 1].astype(object)
    lon[~pointed], lat[~pointed] = "", ""
    gross = (events.kg[seen] * np.exp(np.abs(rng.normal(0, 0.04, size)))).round(1).astype(object)
    parcel = np.array(PARCEL_KG)[events.drug[seen]] * np.exp(rng.normal(0, 0.12, size))
    parcels = np.maximum(np.round(events.kg[seen] / parcel), 1).astype(np.int64).astype(object)
    packed = rng.uniform(size=size) < by_parcels
    gross[packed | (rng.uniform(size=size) < no_weight)] = ""
    parcels[~packed] = ""
    drug = np.array(OTHER_WORDS, dtype=object)[events.drug[seen]]
    slip = rng.uniform(size=size)
    drug[slip < 0.015] = rng.choice(OTHER_WORDS, int((slip < 0.015).sum()))
    drug[slip > 0.95] = "Other"
    return pd.DataFrame(
        {
            "day": text,
            "x": lon,
            "y": lat,
            "place": where,
            "substance": drug,
            "gross": gross,
            "parcels": parcels,
            "n": 1,
        }
    )


def _stamped(hour: Floats) -> NDArray[np.datetime64]:
    return np.asarray(ORIGIN + np.round(np.maximum(hour, 0) * 60).astype("timedelta64[m]"))


def _nearest(place: Floats, towns: _Towns) -> Ints:
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(towns.place).query(place)[1], dtype=np.int64)


def _misspelt(name: str, rng: np.random.Generator) -> str:
    at = int(rng.integers(1, len(name)))
    kind = rng.integers(3)
    if kind == 0:
        return name[:at] + name[at + 1 :]
    if kind == 1:
        return name[:at] + name[at - 1] + name[at:]
    return name[: at - 1] + name[at : at + 1] + name[at - 1 : at] + name[at + 1 :]


# A second pair, by other rules: alike events at a few checkpoints. Most are small
# amounts of two drugs, in equal round weights, several a day at the busiest. The first
# is the log of the checkpoint: minutes, its name, gross weight. The second is a
# laboratory that books hours later, or by the day, or days later; it writes a town, the
# county or a rough point, net weight, and other words.
CHECKPOINTS, COUNTIES = 14, 6

LIKELY_KG = (0.03, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Weights that half of the events have, but for the scales."""


def checkpoint_agencies(rows: int = 30_000, seed: int = 1) -> TwoAgencies:
    """Make the reports of a checkpoint's log and of a laboratory; parameters as in
    `two_agencies`.
    """
    rng = np.random.default_rng([2, seed])
    count = int(rows / (2 * DETECTED))
    towns = _towns(rng, CHECKPOINTS)
    traffic = 1.0 / np.arange(1, CHECKPOINTS + 1)
    at = rng.choice(CHECKPOINTS, count, p=traffic / traffic.sum())
    between = rng.uniform(size=count) < 0.15
    roads = towns.place[at] + rng.uniform(-0.25, 0.25, (count, 2)) * [1, 0.3]
    place = np.where(between[:, None], roads, towns.place[at])
    hour = rng.uniform(0, YEARS * 365 * 24, count)
    drug = rng.choice(len(DRUGS), count, p=(0.55, 0.08, 0.3, 0.04, 0.03))
    kg = np.where(
        rng.uniform(size=count) < 0.5,
        rng.choice(LIKELY_KG, count),
        np.exp(rng.normal(0, 1.5, count)),
    )
    seen = [np.flatnonzero(rng.uniform(size=count) < DETECTED) for _ in range(2)]
    first, second = seen[0], rng.permutation(seen[1])
    log = pd.DataFrame(
        {
            "when": [f"{one}"[:16].replace("T", " ") for one in _stamped(hour[first])],
            "longitude": np.where(
                rng.uniform(size=first.size) < 0.5, towns.place[at[first], 0].round(4), np.nan
            ),
            "latitude": towns.place[at[first], 1].round(4),
            "near": towns.name[at[first]],
            "drug": np.array(DRUGS, dtype=object)[drug[first]],
            "kg": (kg[first] * np.exp(rng.normal(0.05, 0.03, first.size))).round(2),
            "seizures": 1,
        }
    )
    pointed = between[first]
    log.loc[pointed, ["longitude", "latitude"]] = _km_jitter(rng, place[first[pointed]], 0.2).round(
        4
    )
    log.loc[log["longitude"].isna(), "latitude"] = np.nan
    return TwoAgencies(
        log, _laboratory(_Events(hour, place, drug, kg), second, towns, rng), first, second
    )


def _laboratory(
    events: _Events, seen: Ints, towns: _Towns, rng: np.random.Generator
) -> pd.DataFrame:
    size = seen.size
    late = np.where(
        rng.uniform(size=size) < 0.04, 24.0 * rng.integers(3, 11, size), rng.exponential(3.0, size)
    )
    text = np.array([f"{one}"[:16] for one in _stamped(events.hour[seen] + late)], dtype=object)
    by_day = rng.uniform(size=size) < 0.3
    text[by_day] = [one[:10] for one in text[by_day]]
    county = [
        f"County {1 + int(COUNTIES * share)}"
        for share in np.clip((events.place[seen, 0] - WEST) / WIDE, 0, 0.999)
    ]
    town = towns.name[_nearest(events.place[seen], towns)].astype(object)
    wrong = np.flatnonzero(rng.uniform(size=size) < 0.05)
    town[wrong] = [_misspelt(one, rng) for one in town[wrong]]
    kind = rng.uniform(size=size)
    point = _km_jitter(rng, events.place[seen], 0.8).round(2).astype(object)
    point[kind < 0.75] = ""
    net = (events.kg[seen] * (1 - rng.uniform(0, 0.06, size))).round(3).astype(object)
    net[rng.uniform(size=size) < 0.05] = ""
    words = np.array(OTHER_WORDS, dtype=object)[events.drug[seen]]
    words[rng.uniform(size=size) < 0.03] = ""
    return pd.DataFrame(
        {
            "day": text,
            "x": point[:, 0],
            "y": point[:, 1],
            "place": np.where(kind < 0.45, town, np.where(kind < 0.75, county, "")),
            "substance": words,
            "gross": net,
            "parcels": "",
            "n": 1,
        }
    )


# A third pair, by an author who had not seen the two above: two years, half of the
# events at four posts on a road, six in a hundred alike to the one before. The first
# writes points and minutes, grams or kilograms, often no place. The second writes days,
# three in ten of them one early to three late; a place or the nearest town, misspelt,
# shortened or in capitals; gross weights, three in ten in pounds, some none.
VALLEY = """Sankt Veit,.02,.01 Ober-Muenster,.11,.07 Pont-du-Lac,.2,.03 Villanova,.31,.12 Gross Achen,.05,.17 Rio Seco,.38,.2
Santa Lucia,.27,.25 Kirchberg,.15,.28 La Quintana,.42,.05 Hohenstein,.48,.27"""
ROADSIDE = "A7 Bruecke,.01,0 Tunnel Nord,.19,.02 Col de Fer,.4,.21 Furt West,.3,.11"
STREET_WORDS = (
    ("Cannabis resin", "hashish", "CANNABIS", "marihuana"),
    ("cocaine", "Cocaine HCl", "cocaina"),
    ("heroin", "Heroin (brown)", "heroina"),
    ("amphetamine", "speed", "Amphetamine sulphate"),
)


def valley_agencies(rows: int = 30_000, seed: int = 1) -> TwoAgencies:
    """Make the reports of two agencies of a valley, by a third generator."""
    rng = np.random.default_rng([5, seed])
    towns, posts = (
        [_named(each) for each in re.findall(r"[^,]+,[\d.]+,[\d.]+", text)]
        for text in (VALLEY, ROADSIDE)
    )
    first, second, of_first, of_second = [], [], [], []
    day, place, drug, kg = 0.0, posts[0], 0, 1.0
    for event, at in enumerate(np.sort(rng.uniform(0, 730, round(rows / 1.5))).tolist()):
        if event and rng.random() < 0.06:
            day, kg = day + rng.uniform(0.02, 0.4), kg * rng.lognormal(0, 0.15)
        else:
            near = towns[rng.integers(len(towns))]
            aside = near[0], near[1] + rng.normal(0, 0.01), near[2] + rng.normal(0, 0.01)
            day, place = at, posts[rng.integers(len(posts))] if rng.random() < 0.5 else aside
            drug = int(rng.choice(4, p=[0.5, 0.25, 0.1, 0.15]))
            kg = float(
                rng.choice([0.1, 0.25, 0.5, 1, 2, 5])
                if rng.random() < 0.35
                else rng.lognormal(-0.5, 1.6)
            )
        words = STREET_WORDS[drug]
        when = np.datetime64("2024-01-01T00:00") + np.timedelta64(int(day * 1440), "m")
        if rng.random() < 0.8:
            lon, lat = 7 + place[1] + rng.normal(0, 0.0002), 46 + place[2] + rng.normal(0, 0.0002)
            said = f"{kg:.2f} kg" if kg >= 1 else f"{1000 * kg:.0f} g"
            near_by = place[0] if rng.random() < 0.6 else ""
            first.append(
                (str(when), f"{lon:.4f}", f"{lat:.4f}", near_by, rng.choice(words), said, 1)
            )
            of_first.append(event)
        if rng.random() < 0.7:
            late = 0 if rng.random() < 0.7 else int(rng.choice([1, 1, 1, 2, 3, -1]))
            town = min(towns, key=lambda town: np.hypot(town[1] - place[1], town[2] - place[2]))
            gross = kg * (1.08 if rng.random() < 0.6 else 1) * rng.lognormal(0, 0.03)
            pounds, none = rng.random() < 0.3, rng.random() < 0.08
            said = (
                f"{gross / 0.45359:.1f} lb"
                if pounds
                else f"{gross:.2f} kg"
                if gross > 0.3
                else f"{1000 * gross:.0f} g"
            )
            name = _shortened((place if rng.random() < 0.5 else town)[0], rng)
            stamp = str((when + np.timedelta64(late, "D")).astype("datetime64[D]"))
            second.append((stamp, "", "", name, rng.choice(words), "" if none else said, "", 1))
            of_second.append(event)
    columns = ["when", "longitude", "latitude", "near", "drug", "kg", "seizures"]
    others = ["day", "x", "y", "place", "substance", "gross", "parcels", "n"]
    one, other = rng.permutation(len(first)), rng.permutation(len(second))
    return TwoAgencies(
        pd.DataFrame(first, columns=columns).iloc[one].reset_index(drop=True),
        pd.DataFrame(second, columns=others).iloc[other].reset_index(drop=True),
        np.array(of_first)[one],
        np.array(of_second)[other],
    )


def _named(text: str) -> tuple[str, float, float]:
    name, east, north = text.split(",")
    return name.strip(), float(east), float(north)


def _shortened(name: str, rng: np.random.Generator) -> str:
    """Return a name as somebody in a hurry writes it."""
    if rng.random() < 0.15:
        at = int(rng.integers(1, len(name) - 1))
        name = (
            name[:at] + name[at + 1 :] if rng.random() < 0.5 else name[:at] + name[at] + name[at:]
        )
    if rng.random() < 0.1:
        name = name.upper()
    return (
        name.replace("Sankt", "St.").replace("Santa", "Sta.").replace("-", " ")
        if rng.random() < 0.1
        else name
    )


def write_feeds(made: TwoAgencies, folder: Path) -> list[Path]:
    """Write the two feeds, tables with their mappings, and return the files that `fuse` takes."""
    made.first.to_csv(folder / "customs.csv", index=False, lineterminator="\n")
    made.second.to_csv(folder / "police.csv", index=False, lineterminator="\n")
    paths = [folder / "customs-feed.toml", folder / "police-feed.toml"]
    paths[0].write_text(_FIRST, encoding="utf-8")
    paths[1].write_text(_SECOND, encoding="utf-8")
    return paths


_FIRST = """agency = "Customs"

[[files]]
file = "customs.csv"

[files.mapping.columns]
date = "when"
lon = "longitude"
lat = "latitude"
place = "near"
drug = "drug"
quantity = "kg"
count = "seizures"
"""

_SECOND = """agency = "Police"

[[files]]
file = "police.csv"

[files.mapping.columns]
date = "day"
lon = "x"
lat = "y"
place = "place"
drug = "substance"
quantity = "gross"
parcels = "parcels"
count = "n"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurements take."""
    what = parser.add_subparsers(dest="what", required=True)
    one = what.add_parser("match", help="precision, recall, F1 and seconds on made-up agencies")
    one.add_argument("--rows", type=int, default=30_000, help="rows of both agencies together")
    one.add_argument("--seeds", type=int, default=5, help="made-up pairs of agencies")
    one.add_argument(
        "--alike", action="store_true", help="the second generator: alike events, few checkpoints"
    )
    one.add_argument(
        "--valley",
        action="store_true",
        help="the third: names in a hurry, pounds and grams, days early and late",
    )
    one.add_argument(
        "--window", type=int, default=3, help="days between two reports of one event at most"
    )
    one.add_argument("--splink", action="store_true", help="beside Splink, where it is installed")
    one = what.add_parser("tips", help="maps of simulated worlds with and without tips")
    one.add_argument("--worlds", type=int, default=12, help="worlds of the family")
    one = what.add_parser("floods", help="what floods of tips cost plans, judged without tips")
    one.add_argument("scenarios", type=Path, nargs="+", help="scenarios with a record")
    one.add_argument("--tips", type=int, default=20_000, help="tips of each flood")
    one.add_argument("--seeds", type=int, default=1, help="floods of each kind")
    one.add_argument("--gap", type=float, default=0.001, help="gap at which each search stops")
    one.add_argument("--time-limit", type=float, default=60, help="seconds of each search")


def main(asked: argparse.Namespace) -> None:
    """Print what is asked for, a line at a time."""
    lines = {"match": _match, "tips": _tips, "floods": _floods}[asked.what](asked)
    for line in lines:
        print(line, flush=True)


def _match(asked: argparse.Namespace) -> Iterator[str]:
    for seed in range(1, asked.seeds + 1):
        make = (
            valley_agencies
            if asked.valley
            else checkpoint_agencies
            if asked.alike
            else two_agencies
        )
        made = make(asked.rows, seed)
        results = {"fuse": measured(made, asked.window)}
        if asked.splink:
            from results.measure.splink_peer import splink_measured

            results["Splink"] = splink_measured(made)
        for name, one in results.items():
            yield (
                f"seed {seed} {name}: {one.rows} rows, precision {one.precision:.4f}, recall"
                f" {one.recall:.4f}, F1 {one.f1:.4f}, {one.processor_seconds:.2f} processor s,"
                f" {one.seconds:.2f} s"
            )


def _tips(asked: argparse.Namespace) -> Iterator[str]:
    from results.measure.tips import ablation

    for one in ablation(asked.worlds):
        yield (
            f"{one.world}; {one.tips}; rel5 {one.rel5_without:.4f} {one.rel5_with:.4f}; error"
            f" {one.error_without:.4f} {one.error_with:.4f}; factor {one.factor:.4f}; clusters"
            f" {one.used}"
        )


def _floods(asked: argparse.Namespace) -> Iterator[str]:
    from results.measure.tips import floods

    for path in asked.scenarios:
        for seed in range(1, asked.seeds + 1):
            for one in floods(path, asked.tips, seed, asked.gap, asked.time_limit):
                yield (
                    f"{one.scenario}; seed {seed}; {one.flood}; clusters {one.counted}; best"
                    f" {one.lower:.5f} .. {one.best:.5f}; with the flood {one.flooded:.5f}; loss"
                    f" {one.loss:+.2%} (gaps up to {one.gap:.2%}); other options {one.moved}"
                )
