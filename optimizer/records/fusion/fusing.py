"""Feeds made one record: reports compared, merged, effort held beside effort, and
tables written that a scenario reads.

A record has of each field the value of one report; whose it was, and who may see it,
stand beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.base.errors import InputError, Problem
from optimizer.base.text.formatting import number, plural
from optimizer.records.areas import Area, name_key
from optimizer.records.fusion.feeds import MARKS, TOGETHER, Feed
from optimizer.records.fusion.matching import (
    MOST_WINDOW,
    SURE,
    UNLIKELY,
    WINDOW,
    Candidates,
    FeedPairs,
    clusters,
    match_feeds,
)
from optimizer.records.fusion.reports import (
    Reports,
    comparable_reports,
    drug_of,
    km_between,
    places_of_areas,
)
from optimizer.records.fusion.review import (
    Decisions,
    ReviewFile,
    decisions_on,
    refuse_strange,
    report_names,
    review_table,
)
from optimizer.records.grades import UNGRADED_RANK, grades_conflict, learn_reliability, parse_grade
from optimizer.records.importers.frames import (
    Imported,
    ImportSummary,
    ScenarioEntries,
    filters,
    span_text,
)
from optimizer.records.marking import Marking, strictest

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class FusedFeeds:
    """One record of several feeds."""

    #: Tables, entries of a scenario, and what became of every row.
    imported: Imported
    #: Rows read.
    rows: int
    #: Reports that are counted with another: reports less records.
    merged: int
    #: Pairs in `review.csv` that nobody has decided.
    doubtful: int
    #: Records of seizures.
    records: int


def fuse(
    feeds: Sequence[Feed],
    *,
    areas: Sequence[Area] = (),
    review: ReviewFile | None = None,
    window: int = WINDOW,
) -> FusedFeeds:
    """Find the events that several feeds report, and make one record of them all.

    Parameters
    ----------
    feeds
        At least two.
    areas
        Polygons of areas that reports may name in place of a point.
    review
        Decisions on doubtful pairs.
    window
        Days between the days of two reports of one event at most, from 1 to
        `MOST_WINDOW`.

    Raises
    ------
    InputError
        If decisions are about reports that the feeds do not hold, or the window is out
        of range.
    """
    if not 1 <= window <= MOST_WINDOW:
        raise InputError(Problem("window", f"{window} days", f"from 1 to {MOST_WINDOW} days"))
    seizures = pd.concat([feed.seizures for feed in feeds], ignore_index=True)
    effort = pd.concat([feed.effort for feed in feeds], ignore_index=True)
    seizures["name"], effort["name"] = report_names(seizures), report_names(effort)
    if review is not None:
        refuse_strange(review, {*seizures["name"], *effort["name"]})
    reports = comparable_reports(feeds)
    on_seizures = decisions_on(review, _positions(seizures))
    found = match_feeds(reports, places_of_areas(reports, areas), on_seizures, window)
    label = clusters(reports, found, on_seizures.same)
    searched = {feed.agency: set(feed.effort["unit"]) for feed in feeds}
    merged = merge_reports(seizures, label, reports.feed, searched)
    of_feed = np.repeat(np.arange(len(feeds)), [len(feed.effort) for feed in feeds])
    overlap = effort_overlap(effort, of_feed)
    on_effort = decisions_on(review, _positions(effort))
    listed = pd.concat(
        [
            _doubtful_seizures(seizures, found, label, on_seizures),
            _doubtful_effort(effort, overlap, on_effort),
        ],
        ignore_index=True,
    )
    undecided = int((listed["decision"] == "").sum())
    listed = listed.iloc[
        np.lexsort((-listed["moves_rate"], listed["decision"] != ""))
    ]  # lexsort keeps the order of equal rows
    tables = record_tables(seizures, effort, label, merged, on_effort) | {"review.csv": listed}
    reliable = sources_table(seizures)
    if reliable is not None:
        tables["sources.csv"] = reliable
    joined = label.size - len(merged.records)
    summary = fusion_summary(feeds, reports, found, merged, overlap, tables, joined, undecided)
    rows = sum(feed.rows for feed in feeds)
    return FusedFeeds(
        Imported(tables, record_entries(tables), summary),
        rows,
        joined,
        undecided,
        len(merged.records),
    )


def _positions(frame: pd.DataFrame) -> dict[str, int]:
    return {name: at for at, name in enumerate(frame["name"].tolist())}


def _doubtful_seizures(
    frame: pd.DataFrame, found: Sequence[FeedPairs], label: Ints, decisions: Decisions
) -> pd.DataFrame:
    """Return the pairs whose probability lies between `UNLIKELY` and `SURE`, and those decided."""
    parts = []
    for decided, word in ((decisions.same, "same"), (decisions.different, "different")):
        sure = np.full(decided.size, word == "same")
        part = review_table(
            frame, decided, sure.astype(float), sure, "seizure", np.zeros(decided.size)
        )
        part["decision"] = word
        parts.append(part)
    share = _share_of_place(frame, label)
    for each in found:
        doubtful = np.flatnonzero((each.probability >= UNLIKELY) & (each.probability <= SURE))
        pairs = each.pairs.take(doubtful)
        one = label[pairs.one] == label[pairs.other]
        moves = np.maximum(share[pairs.one], share[pairs.other])
        parts.append(review_table(frame, pairs, each.probability[doubtful], one, "seizure", moves))
    return pd.concat(parts, ignore_index=True)


def _share_of_place(frame: pd.DataFrame, label: Ints) -> NDArray[np.float64]:
    """Return (n,) what part of the events at its place one event is, by the records as
    they stand.
    """
    place = pd.factorize(pd.Series(_places(frame)))[0]
    events = pd.DataFrame({"place": place, "record": label}).drop_duplicates()
    return np.asarray(1.0 / np.bincount(events["place"], minlength=place.max(initial=0) + 1)[place])


def _doubtful_effort(
    frame: pd.DataFrame, overlap: EffortOverlap, decisions: Decisions
) -> pd.DataFrame:
    """Return the rows of effort that may be one report, with what was decided."""
    alike = overlap.alike
    double = np.full(alike.size, False)
    share = _share_of_effort(frame)[alike.one]
    table = review_table(frame, alike, np.full(alike.size, 0.5), double, "effort", share)
    for pairs, word in ((decisions.same, "same"), (decisions.different, "different")):
        table.loc[np.isin(_codes(alike, len(frame)), _codes(pairs, len(frame))), "decision"] = word
    table["now"] = np.where(table["decision"] == "same", "one", "two")
    return table


def _share_of_effort(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return (n,) what part of the effort in its unit at its place one row is."""
    amount = frame["amount"].to_numpy(dtype=float)
    total = (
        pd.Series(amount)
        .groupby([frame["unit"].to_numpy(), _places(frame)])
        .transform("sum")
        .to_numpy()
    )
    return np.asarray(amount / np.maximum(total, 1e-300))


def _codes(pairs: Candidates, size: int) -> Ints:
    """Return (k,) a number for each pair, whichever report comes first."""
    return np.asarray(
        np.minimum(pairs.one, pairs.other) * size + np.maximum(pairs.one, pairs.other)
    )


CELL = 0.01
"""Size of the cells of the map whose points are taken as one place, degrees (about a kilometre)."""

EQUAL_AMOUNT = 0.01
"""Relative difference of two amounts up to which they are equal."""


@dataclass(frozen=True)
class EffortOverlap:
    """Effort of two agencies at the same places and times."""

    #: Rows of two agencies that are equal in unit, place, time and amount, one to one.
    alike: Candidates
    #: What overlaps, by unit and pair of agencies.
    notes: tuple[str, ...]


def effort_overlap(frame: pd.DataFrame, feed: Ints) -> EffortOverlap:
    """Find effort that two agencies report for the same place, time and unit.

    Parameters
    ----------
    frame
        Effort of all feeds (`optimizer.records.fusion.feeds.Feed.effort`).
    feed
        (n,) position of the feed of each row.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for at, key in enumerate(zip(frame["unit"].tolist(), _places(frame), strict=True)):
        groups.setdefault(key, []).append(at)
    start = frame["start"].to_numpy().astype("datetime64[D]").astype(np.int64)
    end = frame["end"].to_numpy().astype("datetime64[D]").astype(np.int64)
    amount = frame["amount"].to_numpy(dtype=float)
    within: dict[tuple[str, int, int], list[int]] = {}
    one, other = [], []
    for (unit, _), rows in groups.items():
        own = np.array(rows)
        present = np.unique(feed[own])
        for first in present.tolist():
            for second in present.tolist():
                if first == second:
                    continue
                mine, theirs = own[feed[own] == first], own[feed[own] == second]
                met = mine[_meets(start[mine], end[mine], start[theirs], end[theirs])]
                # Both directions: how much of the first agency's effort lies within the
                # second's is not the reverse. Equal rows count once.
                within.setdefault((unit, first, second), []).extend(met.tolist())
                if first < second:
                    for a, b in _equal(mine, theirs, start, end, amount):
                        one.append(a)
                        other.append(b)
    alike = Candidates(np.array(one, dtype=np.int64), np.array(other, dtype=np.int64))
    return EffortOverlap(alike, tuple(_notes(frame, feed, within, amount, alike)))


def _places(frame: pd.DataFrame) -> list[str]:
    """Return a key of each row's place: its segment, its cell of the map, its area or
    its place in words.
    """
    keys = []
    columns = [frame[name].tolist() for name in ("segment", "lon", "lat", "area", "place")]
    for segment, lon, lat, area, place in zip(*columns, strict=True):
        if segment == segment:  # noqa: PLR0124 - NaN is not itself
            keys.append(f"segment {segment:.0f}")
        elif lon == lon:  # noqa: PLR0124
            keys.append(f"{round(lon / CELL)} {round(lat / CELL)}")
        else:
            keys.append(name_key(area or place))
    return keys


def _meets(start: Ints, end: Ints, other_start: Ints, other_end: Ints) -> NDArray[np.bool_]:
    """Return (k,) whether each span meets one of the others."""
    begun = np.searchsorted(np.sort(other_start), end, side="left")
    over = np.searchsorted(np.sort(other_end), start, side="right")
    return np.asarray(begun > over)


def _equal(
    mine: Ints, theirs: Ints, start: Ints, end: Ints, amount: NDArray[np.float64]
) -> list[list[int]]:
    """Return pairs of rows that are equal in time and amount, each row in one at most."""
    left: dict[tuple[int, int], list[int]] = {}
    for at in theirs.tolist():
        left.setdefault((int(start[at]), int(end[at])), []).append(at)
    found = []
    for at in mine.tolist():
        if amount[at] <= 0:
            continue
        for other in left.get((int(start[at]), int(end[at])), []):
            if abs(amount[other] - amount[at]) <= EQUAL_AMOUNT * amount[at]:
                left[int(start[at]), int(end[at])].remove(other)
                found.append([at, other])
                break
    return found


def _notes(
    frame: pd.DataFrame,
    feed: Ints,
    within: dict[tuple[str, int, int], list[int]],
    amount: NDArray[np.float64],
    alike: Candidates,
) -> list[str]:
    agency = {int(of): str(name) for of, name in zip(feed, frame["agency"], strict=True)}
    notes = []
    for (unit, first, second), rows in within.items():
        if first > second or not rows:
            continue
        theirs = within[unit, second, first]
        same = int(
            (
                (feed[alike.one] == first)
                & (feed[alike.other] == second)
                & (frame["unit"].to_numpy()[alike.one] == unit)
            ).sum()
        )
        are = "is" if same == 1 else "are"
        equal = (
            f" {plural(same, 'pair')} of them {are} equal in place, time and amount, and may be one"
            " report: see review.csv."
        )
        sides = [
            f"{plural(len(own), 'row')} ({amount[own].sum():,.6g}) of {agency[of]}"
            for own, of in ((rows, first), (theirs, second))
        ]
        notes.append(
            f"Effort in {unit}: {' and '.join(sides)} are of the same places and times. Both are"
            f" counted, as two patrols.{equal * bool(same)}"
        )
    return notes


def sources_table(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Return one row a source with its usual grade: reports, confirmed, refuted,
    reliability with a 90 % interval; None where nothing is known.

    Parameters
    ----------
    frame
        Reports of all feeds (`optimizer.records.fusion.feeds.Feed.seizures`).
    """
    known = frame["confirmed"].notna()
    if not known.any():
        return None
    letter = {
        text: grade.source_class
        for text in frame["grade"].unique()
        if (grade := parse_grade(text)) is not None
    }
    graded = pd.DataFrame(
        {
            "agency": frame["agency"],
            "source": frame["source"],
            "class": [letter.get(text) or "unknown" for text in frame["grade"].tolist()],
            "reports": 1,
            "confirmed": (frame["confirmed"] == 1).astype(int),
            "refuted": (known & (frame["confirmed"] == 0)).astype(int),
        }
    )
    table = graded.groupby(["agency", "source", "class"], as_index=False, sort=True).sum()
    classes = [None if one == "unknown" else str(one) for one in table["class"].tolist()]
    confirmed = table["confirmed"].tolist()
    learnt = learn_reliability(classes, confirmed, (table["confirmed"] + table["refuted"]).tolist())
    return table.assign(
        reliability=learnt.median.round(3),
        low=learnt.low.round(3),
        high=learnt.high.round(3),
        interval=learnt.level,
    )


PLACE = ("lon", "lat", "segment", "area", "place")

REPORT = (
    "agency",
    "file",
    "line",
    "written_time",
    *PLACE,
    "count",
    "drug",
    "kg",
    "parcels",
    "amount",
    "unit",
    "source",
    "grade",
    "confirmed",
    *MARKS,
)
"""Columns of `reports.csv` behind the record's name."""


def record_tables(
    seizures: pd.DataFrame,
    effort: pd.DataFrame,
    label: Ints,
    merged: MergedRecords,
    on_effort: Decisions,
) -> dict[str, pd.DataFrame]:
    """Return `seizures.csv`, `effort.csv`, `unplaced.csv` (records of either that have
    no place on the map), `provenance.csv`, `reports.csv`.

    Parameters
    ----------
    seizures, effort
        Reports of all feeds.
    label
        (n,) number of each seizure's record.
    merged
        The records.
    on_effort
        Pairs of rows of effort that a person takes for one report: the first counts.
    """
    records = merged.records
    owner = np.arange(len(effort))
    owner[np.maximum(on_effort.same.one, on_effort.same.other)] = np.minimum(
        on_effort.same.one, on_effort.same.other
    )
    while (owner[owner] != owner).any():
        owner = owner[owner]
    name = np.array([f"E{at + 1:06d}" for at in range(len(effort))], dtype=object)
    kept = np.flatnonzero(owner == np.arange(len(effort)))
    written = {
        "seizures.csv": _seizures(records),
        "effort.csv": _effort(effort.iloc[kept], name[kept]),
    }
    placed = {file: _placed(table) for file, table in written.items()}
    tables = {
        file: _trimmed(table[placed[file]]) for file, table in written.items() if placed[file].any()
    }
    lost = pd.concat([table[~placed[file]] for file, table in written.items()], ignore_index=True)
    if len(lost):
        tables["unplaced.csv"] = _trimmed(lost)
    alone = effort.assign(record=name[owner], field="*", value="", others="")
    alone["others"] = np.where(
        owner == np.arange(len(effort)), "", "counted with the record, by a decision"
    )
    tables["provenance.csv"] = pd.concat(
        [merged.provenance, alone[list(merged.provenance.columns)]], ignore_index=True
    )
    of_report = records["record"].to_numpy()[np.searchsorted(records.index.to_numpy(), label)]
    both = pd.concat(
        [seizures.assign(record=of_report), effort.assign(record=name[owner])], ignore_index=True
    )
    whole = {name: both[name].astype("Int64") for name in ("count", "segment")}
    tables["reports.csv"] = _trimmed(both.assign(**whole)[["record", *REPORT]])
    return tables


def _seizures(records: pd.DataFrame) -> pd.DataFrame:
    pointed = records["lon"].notna() | records["segment"].astype(str).str.len().gt(0)
    return pd.DataFrame(
        {
            "record": records["record"],
            "time": _times(records),
            **{axis: records[axis] for axis in ("lon", "lat")},
            "segment": pd.to_numeric(records["segment"], errors="coerce").astype("Int64"),
            "area": records["area"].where(~pointed, ""),
            "place": records["place"],
            "count": records["count"].astype(np.int64),
            "drug": records["drug"],
            "quantity": records["kg"],
            "parcels": records["parcels"],
            "agency": records["agency"],
            "source": records["source"],
            "effort_unit": records["unit"],
            "grade": records["grade"],
            "confirmed": records["confirmed"],
            "reports": records["reports"],
            **{name: records[name] for name in MARKS},
        }
    )


def _placed(table: pd.DataFrame) -> pd.Series[bool]:
    return table["lon"].notna() | table["segment"].notna() | (table["area"].fillna("") != "")


def _effort(effort: pd.DataFrame, name: NDArray[np.object_]) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "record": name,
            "time": _times(effort).to_numpy(),
            **{
                column: effort[column].to_numpy()
                for column in (*PLACE, "amount", "agency", "source", "unit", *MARKS)
            },
        }
    )
    pointed = table["lon"].notna() | table["segment"].notna()
    return table.assign(
        segment=table["segment"].astype("Int64"), area=table["area"].where(~pointed, "")
    )


def _times(frame: pd.DataFrame) -> pd.Series[str]:
    pairs = frame[["start", "end"]].drop_duplicates()
    text = {key: span_text(*key) for key in zip(pairs["start"], pairs["end"], strict=True)}
    return pd.Series(
        [text[key] for key in zip(frame["start"], frame["end"], strict=True)], index=frame.index
    )


def _trimmed(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the columns that no row fills."""
    empty = [name for name in table.columns if (table[name].isna() | (table[name] == "")).all()]
    return table.drop(columns=empty)


def record_entries(tables: dict[str, pd.DataFrame]) -> ScenarioEntries:
    """Return the entries of a scenario that read the record: one for each agency, or
    group of them, and unit of effort.
    """
    seizures: list[dict[str, Any]] = []
    effort: list[dict[str, Any]] = []
    if "seizures.csv" in tables:
        table = tables["seizures.csv"]
        keys = [name for name in ("agency", "effort_unit") if name in table]
        for pair in _distinct(table, keys):
            unit = {"effort_unit": pair["effort_unit"]} if pair.get("effort_unit") else {}
            entry = {"file": "seizures.csv", "source": pair["agency"], "where": filters(**pair)}
            seizures.append(entry | unit | {"quantity_unit": "kg"})
    if "effort.csv" in tables:
        effort.extend(
            {
                "file": "effort.csv",
                "source": pair["agency"],
                "where": filters(**pair),
                "unit": pair["unit"],
            }
            for pair in _distinct(tables["effort.csv"], ["agency", "unit"])
        )
    return ScenarioEntries(tuple(seizures), tuple(effort))


def _distinct(table: pd.DataFrame, keys: list[str]) -> list[dict[str, str]]:
    rows = table[keys].drop_duplicates().sort_values(keys).to_dict("records")
    return [{str(name): str(value) for name, value in row.items()} for row in rows]


def fusion_summary(
    feeds: Sequence[Feed],
    reports: Reports,
    found: Sequence[FeedPairs],
    merged: MergedRecords,
    overlap: EffortOverlap,
    tables: dict[str, pd.DataFrame],
    joined: int,
    undecided: int,
) -> ImportSummary:
    """Return what became of every row, and what a user must know.

    Parameters
    ----------
    feeds, reports, found, merged, overlap, tables
        What was fused.
    joined
        Reports that are counted with another.
    undecided
        Pairs to review.
    """
    dropped: dict[str, int] = {}
    for feed in feeds:
        for reason, count in feed.dropped.items():
            dropped[f"{reason} ({feed.agency})"] = count
    rows = sum(feed.rows for feed in feeds)
    by_unit = {
        f"{unit}, {feed.agency}": float(own["amount"].sum())
        for feed in feeds
        for unit, own in feed.effort.groupby("unit")
    }
    counts: dict[str, Any] = {
        "seizure_reports": {feed.agency: len(feed.seizures) for feed in feeds},
        "records_of_seizures": len(merged.records),
        "records_of_several_agencies": int((merged.records["reports"] > 1).sum()),
        "reports_counted_with_another": joined,
        "pairs_to_review": undecided,
        "effort_by_unit_and_agency": by_unit,
    }
    notes = [f"{feed.agency}: {note}" for feed in feeds for note in feed.notes]
    notes += [
        *_learnt_notes(feeds, found),
        *merged.notes,
        *overlap.notes,
        *_totals(reports),
        *_nowhere(tables),
    ]
    if undecided:
        notes.append(
            f"{plural(undecided, 'pair')} to review in review.csv: write same or different under"
            " decision, and run again with --review."
        )
    files = tuple(
        dict.fromkeys(
            name
            for feed in feeds
            for part in (feed.seizures, feed.effort)
            for name in part["file"].unique()
        )
    )
    return ImportSummary(
        "fusion", files, rows, dropped, rows - sum(dropped.values()), counts, tuple(notes)
    )


SCALE_TOLD = 0.05
"""Logarithm of the factor of two feeds' weights from which it is told."""


def _learnt_notes(feeds: Sequence[Feed], found: Sequence[FeedPairs]) -> list[str]:
    notes = []
    for each in found:
        first, second = feeds[each.first].agency, feeds[each.second].agency
        if abs(each.learnt.scale) > SCALE_TOLD:
            factor = number(float(np.exp(each.learnt.scale)), 3)
            notes.append(
                f"Weights of {second} are {factor} times those of {first} (median of"
                f" {each.learnt.scale_pairs} sure pairs). The comparison allows for it; the record"
                " keeps weights as written. If it is not gross against net, correct the unit."
            )
        if each.learnt.skew:
            side = "after" if each.learnt.skew > 0 else "before"
            notes.append(
                f"Clocks: times of {second} are {abs(each.learnt.skew):.1f} hours {side} those of"
                f" {first} (median of {each.learnt.skew_pairs} sure pairs). The comparison allows"
                " for it; the record keeps times as written. If one of them writes another time"
                " zone, correct its times."
            )
    return notes


def _totals(reports: Reports) -> list[str]:
    total = int((~reports.event).sum())
    note = (
        f"{plural(total, 'row')} of seizures stand for several events, or for more than a week:"
        " they are not compared. If two agencies total the same events, these count twice; leave"
        " one of them out."
    )
    return [note] if total else []


def _nowhere(tables: dict[str, pd.DataFrame]) -> list[str]:
    lost = len(tables.get("unplaced.csv", ()))
    note = (
        f"{plural(lost, 'record')} without a point, segment or area are in unplaced.csv, which no"
        " scenario reads, as `plan` and `risk` cannot place them. Give points, or areas of the"
        " scenario, and fuse again."
    )
    return [note] if lost else []


FAR_KM, HEAVIER = 5.0, 1.5
"""Distance of two points, and ratio of two weights, of one event from which on they are
told as differing.
"""

FIELDS = {
    "time": ("start", "end"),
    "point": ("lon", "lat"),
    "segment": ("segment",),
    "area": ("area",),
    "place": ("place",),
    "drug": ("drug",),
    "quantity": ("kg",),
    "parcels": ("parcels",),
    "grade": ("grade",),
    "confirmed": ("confirmed",),
    "effort_unit": ("unit",),
    "count": ("count",),
}
"""Field of a record -> columns of the reports that are taken together."""


@dataclass(frozen=True)
class MergedRecords:
    """Records of seizures."""

    #: One row a record: `record` (its name), `agency`, `source`, the columns of
    #: `FIELDS`, `reports` (how many stand behind it).
    records: pd.DataFrame
    #: `record`, `field`, `value`, `agency`, `file`, `line` of the report it is from,
    #: and `others`, what the other reports say where it differs. A record of one report
    #: has one row, for every field (`*`).
    provenance: pd.DataFrame
    #: Differences between reports of one event, counted.
    notes: tuple[str, ...]


def merge_reports(
    frame: pd.DataFrame, label: Ints, feed: Ints, searched: dict[str, set[str]]
) -> MergedRecords:
    """Make one record of the reports of each label.

    Times come from the report that states the shortest span, an hour before a day.
    Every other field comes from the report with the best grade that has it (no grade
    counts as one of which nothing is known), of these the feed named first; counts are
    the greatest; the unit of effort is one in which its agency has effort, where there
    is one.

    Parameters
    ----------
    frame
        Reports of all feeds (`optimizer.records.fusion.feeds.Feed.seizures`).
    label
        (n,) number of the record of each.
    feed
        (n,) position of the feed of each.
    searched
        Agency -> units in which it reports effort.
    """
    frame = frame.assign(drug=[drug_of(text) for text in frame["drug"].tolist()])
    grades = {text: parse_grade(text) for text in frame["grade"].unique() if text}
    rank = (
        frame["grade"]
        .map({text: grade.rank for text, grade in grades.items() if grade})
        .fillna(UNGRADED_RANK)
    )
    span = (frame["end"] - frame["start"]).dt.days
    with_effort = [
        unit in searched.get(agency, ())
        for agency, unit in zip(frame["agency"], frame["unit"], strict=True)
    ]
    keys = {
        "time": (span, frame["hour"].isna(), rank),
        "count": (-frame["count"],),
        "confirmed": (-frame["confirmed"],),
        "effort_unit": (~np.array(with_effort, dtype=bool),),
    }
    own = np.unique(label)
    records = pd.DataFrame({"record": [f"S{one + 1:06d}" for one in own.tolist()]}, index=own)
    joined = frame.assign(label=label, feed=feed).sort_values(["label", "feed"], kind="stable")
    size = np.bincount(label)
    records["agency"] = _together(joined, "agency", size)
    records["source"] = _together(joined, "source", size)
    parts = [_alone(frame, label, size, records)]
    # Columns of a field are taken from one report together: a longitude of one and a
    # latitude of another would be a third place.
    for field, columns in FIELDS.items():
        order = np.lexsort(
            [
                np.asarray(feed),
                *(np.asarray(key) for key in reversed(keys.get(field, (rank,)))),
                label,
            ]
        )
        # lexsort's last key counts first: by record, then by the keys of the field,
        # then by the order in which feeds were named.
        has = frame[columns[0]].notna() & (frame[columns[0]] != "")
        order = order[has.to_numpy()[order]]
        first = order[np.unique(label[order], return_index=True)[1]]
        for column in columns:
            records[column] = pd.Series(frame[column].to_numpy()[first], index=label[first])
        parts.append(_told(frame, label, size, first, order, field, records))
    for column in ("segment", "area", "place", "drug", "grade", "unit"):
        records[column] = records[column].astype(object).where(records[column].notna(), "")
    records["reports"] = size[own]
    records = mark_records(records, frame, label)
    provenance = pd.concat(parts, ignore_index=True).sort_values(
        "record", kind="stable", ignore_index=True
    )
    return MergedRecords(records, provenance, _differences(frame, label, size))


def _together(joined: pd.DataFrame, column: str, size: Ints) -> pd.Series[str]:
    """Return by label the distinct values of a column, joined."""
    first = joined.drop_duplicates("label").set_index("label")[column].astype(object)
    several = joined[size[joined["label"].to_numpy()] > 1]
    names: dict[int, dict[str, None]] = {}
    for one, name in zip(several["label"].tolist(), several[column].tolist(), strict=True):
        names.setdefault(one, {})[name] = None
    return pd.Series(
        {one: TOGETHER.join(own) for one, own in names.items()}, dtype=object
    ).combine_first(first)


def _names(records: pd.DataFrame, label: Ints) -> NDArray[np.object_]:
    """Return the name of the record of each label."""
    return np.asarray(
        records["record"].to_numpy()[np.searchsorted(records.index.to_numpy(), label)]
    )


def _alone(frame: pd.DataFrame, label: Ints, size: Ints, records: pd.DataFrame) -> pd.DataFrame:
    single = np.flatnonzero(size[label] == 1)
    rows = frame.iloc[single]
    return pd.DataFrame(
        {
            "record": _names(records, label[single]),
            "field": "*",
            "value": "",
            "agency": rows["agency"].to_numpy(),
            "file": rows["file"].to_numpy(),
            "line": rows["line"].to_numpy(),
            "others": "",
        }
    )


def _told(
    frame: pd.DataFrame,
    label: Ints,
    size: Ints,
    first: Ints,
    order: Ints,
    field: str,
    records: pd.DataFrame,
) -> pd.DataFrame:
    """Return whose value each merged record has in a field, and what other reports say."""
    chosen = first[size[label[first]] > 1]
    text = _as_text(frame, field)
    others: dict[int, list[str]] = {}
    agency = frame["agency"].tolist()
    mine = dict(zip(label[chosen].tolist(), chosen.tolist(), strict=True))
    for at in order[size[label[order]] > 1].tolist():
        of = mine[int(label[at])]
        if at != of and text[at] != text[of]:
            others.setdefault(of, []).append(f"{agency[at]}: {text[at]}")
    rows = frame.iloc[chosen]
    return pd.DataFrame(
        {
            "record": _names(records, label[chosen]),
            "field": field,
            "value": [text[at] for at in chosen.tolist()],
            "agency": rows["agency"].to_numpy(),
            "file": rows["file"].to_numpy(),
            "line": rows["line"].to_numpy(),
            "others": ["; ".join(others.get(at, ())) for at in chosen.tolist()],
        }
    )


def _as_text(frame: pd.DataFrame, field: str) -> list[str]:
    """Return a field of each report as text."""
    if field == "time":
        return [str(one) for one in frame["written_time"].tolist()]
    if field == "point":
        return [
            f"lon {lon:.10g}, lat {lat:.10g}"
            for lon, lat in zip(frame["lon"], frame["lat"], strict=True)
        ]
    parts = [_cells(frame[column]) for column in FIELDS[field]]
    return (
        parts[0] if len(parts) == 1 else [", ".join(values) for values in zip(*parts, strict=True)]
    )


def _cells(column: pd.Series[Any]) -> list[str]:
    """Return a column as text, each distinct value written once."""
    code, values = pd.factorize(column, use_na_sentinel=False)
    written = [f"{one:.10g}" if isinstance(one, float) else str(one) for one in values.tolist()]
    return [written[at] for at in code.tolist()]


def _differences(frame: pd.DataFrame, label: Ints, size: Ints) -> tuple[str, ...]:
    """Return what reports of one event say differently, counted over records."""
    several = np.flatnonzero(size[label] > 1)
    several = several[np.argsort(label[several], kind="stable")]
    same = label[several][1:] == label[several][:-1]
    one, other = several[:-1][same], several[1:][same]
    lon, lat, kg = (frame[name].to_numpy(dtype=float) for name in ("lon", "lat", "kg"))
    drug, grade = frame["drug"].tolist(), frame["grade"].tolist()
    with np.errstate(divide="ignore", invalid="ignore"):
        far = km_between(lon[one], lat[one], lon[other], lat[other]) > FAR_KM
        heavy = np.abs(np.log(kg[one] / kg[other])) > np.log(HEAVIER)
    pairs = list(zip(one.tolist(), other.tolist(), strict=True))
    found = [
        (int(far.sum()), f"points more than {FAR_KM:g} km apart"),
        (int(heavy.sum()), f"weights that differ by more than {HEAVIER - 1:.0%}"),
        (
            sum(bool(drug[a] and drug[b] and drug[a] != drug[b]) for a, b in pairs),
            "different drugs",
        ),
    ]
    notes = [
        f"{plural(count, 'event')} reported with {what}: the report with the better grade, else of"
        " the feed named first, is taken; provenance.csv has both."
        for count, what in found
        if count
    ]
    conflicts = [pair for pair in pairs if _conflict(grade[pair[0]], grade[pair[1]])]
    if conflicts:
        told = [
            f"{grade[at]} by {one.agency} ({one.file}, line {one.line})"
            for at, one in zip(
                conflicts[0], frame.iloc[list(conflicts[0])].itertuples(), strict=True
            )
        ]
        notes.append(
            f"{plural(len(conflicts), 'event')} graded in contradiction, the first of them"
            f" {' and '.join(told)}: one holds good what the other holds bad. The better grade is"
            " the record's; provenance.csv has both. Ask the agencies."
        )
    return tuple(notes)


def _conflict(one: str, other: str) -> bool:
    first, second = parse_grade(one), parse_grade(other)
    return first is not None and second is not None and grades_conflict(first, second)


def mark_records(records: pd.DataFrame, frame: pd.DataFrame, label: Ints) -> pd.DataFrame:
    """Return records with `owner`, `tlp` and `released_to`.

    A record of one report is marked as the report. One of several has the strictest
    marking and all owners in one name, which no agency has; it is released to the
    agencies that may see each of its reports. A record with an unmarked report is
    unmarked, so that `release` refuses it.

    Parameters
    ----------
    records
        One row a record, indexed by its label.
    frame
        The reports.
    label
        (n,) number of the record of each report.
    """
    if not (frame[list(MARKS)] != "").to_numpy().any():
        return records.assign(**dict.fromkeys(MARKS, ""))
    of_label: dict[int, list[Marking]] = {}
    for own, owner, tlp, released in zip(
        label.tolist(), *(frame[name].tolist() for name in MARKS), strict=True
    ):
        of_label.setdefault(own, []).append(Marking(owner, tlp, frozenset(str(released).split())))
    marks = [_combined_marking(of_label[own]) for own in records.index.tolist()]
    return records.assign(
        owner=[mark.owner for mark in marks],
        tlp=[mark.tlp for mark in marks],
        released_to=[" ".join(sorted(mark.released_to)) for mark in marks],
    )


def _combined_marking(marks: list[Marking]) -> Marking:
    if len(marks) == 1:
        return marks[0]
    if not all(mark.owner and mark.tlp for mark in marks):
        return Marking("", "", frozenset())
    named = frozenset[str]().union(*({mark.owner} | mark.released_to for mark in marks))
    seen = frozenset(agency for agency in named if all(mark.seen_by(agency) for mark in marks))
    owner = TOGETHER.join(dict.fromkeys(mark.owner for mark in marks))
    return Marking(owner, strictest(mark.tlp for mark in marks), seen)
