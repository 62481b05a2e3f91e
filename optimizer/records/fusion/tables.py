"""The tables that a fused record is written as, and what became of every row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.base.formatting import plural
from optimizer.records.fusion.feeds import MARKS
from optimizer.records.importers.spans import span_text
from optimizer.records.importers.summary import ImportSummary
from optimizer.records.importers.writing import ScenarioEntries, filters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from optimizer.records.fusion.effort import EffortOverlap
    from optimizer.records.fusion.feeds import Feed
    from optimizer.records.fusion.matching import FeedPairs
    from optimizer.records.fusion.merging import MergedRecords
    from optimizer.records.fusion.reports import Reports
    from optimizer.records.fusion.review import Decisions

    Ints = NDArray[np.int64]

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
    seizures: pd.DataFrame, effort: pd.DataFrame, label: Ints, merged: MergedRecords, on_effort: Decisions
) -> dict[str, pd.DataFrame]:
    """Return `seizures.csv`, `effort.csv`, `unplaced.csv` (records of either that have no place on the map), `provenance.csv`, `reports.csv`.

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
    owner[np.maximum(on_effort.same.one, on_effort.same.other)] = np.minimum(on_effort.same.one, on_effort.same.other)
    while (owner[owner] != owner).any():
        owner = owner[owner]
    name = np.array([f"E{at + 1:06d}" for at in range(len(effort))], dtype=object)
    kept = np.flatnonzero(owner == np.arange(len(effort)))
    written = {"seizures.csv": _seizures(records), "effort.csv": _effort(effort.iloc[kept], name[kept])}
    placed = {file: _placed(table) for file, table in written.items()}
    tables = {file: _trimmed(table[placed[file]]) for file, table in written.items() if placed[file].any()}
    lost = pd.concat([table[~placed[file]] for file, table in written.items()], ignore_index=True)
    if len(lost):
        tables["unplaced.csv"] = _trimmed(lost)
    alone = effort.assign(record=name[owner], field="*", value="", others="")
    alone["others"] = np.where(owner == np.arange(len(effort)), "", "counted with the record, by a decision")
    tables["provenance.csv"] = pd.concat([merged.provenance, alone[list(merged.provenance.columns)]], ignore_index=True)
    of_report = records["record"].to_numpy()[np.searchsorted(records.index.to_numpy(), label)]
    both = pd.concat([seizures.assign(record=of_report), effort.assign(record=name[owner])], ignore_index=True)
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
            **{column: effort[column].to_numpy() for column in (*PLACE, "amount", "agency", "source", "unit", *MARKS)},
        }
    )
    pointed = table["lon"].notna() | table["segment"].notna()
    return table.assign(segment=table["segment"].astype("Int64"), area=table["area"].where(~pointed, ""))


def _times(frame: pd.DataFrame) -> pd.Series[str]:
    pairs = frame[["start", "end"]].drop_duplicates()
    text = {key: span_text(*key) for key in zip(pairs["start"], pairs["end"], strict=True)}
    return pd.Series([text[key] for key in zip(frame["start"], frame["end"], strict=True)], index=frame.index)


def _trimmed(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the columns that no row fills."""
    empty = [name for name in table.columns if (table[name].isna() | (table[name] == "")).all()]
    return table.drop(columns=empty)


def record_entries(tables: dict[str, pd.DataFrame]) -> ScenarioEntries:
    """Return the entries of a scenario that read the record: one for each agency, or group of them, and unit of effort."""
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
            {"file": "effort.csv", "source": pair["agency"], "where": filters(**pair), "unit": pair["unit"]}
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
    notes += [*_skews(feeds, found), *merged.notes, *overlap.notes, *_totals(reports), *_nowhere(tables)]
    if undecided:
        notes.append(
            f"{plural(undecided, 'pair')} to review in review.csv: write same or different under decision, and run again with --review."
        )
    files = tuple(
        dict.fromkeys(name for feed in feeds for part in (feed.seizures, feed.effort) for name in part["file"].unique())
    )
    return ImportSummary("fusion", files, rows, dropped, rows - sum(dropped.values()), counts, tuple(notes))


def _skews(feeds: Sequence[Feed], found: Sequence[FeedPairs]) -> list[str]:
    notes = []
    for each in found:
        if each.learnt.skew:
            first, second = feeds[each.first].agency, feeds[each.second].agency
            side = "after" if each.learnt.skew > 0 else "before"
            notes.append(
                f"Clocks: times of {second} are {abs(each.learnt.skew):.1f} hours {side} those of {first} (median of "
                f"{each.learnt.skew_pairs} sure pairs). The comparison allows for it; the record keeps times as written. If one "
                "of them writes another time zone, correct its times."
            )
    return notes


def _totals(reports: Reports) -> list[str]:
    total = int((~reports.event).sum())
    note = (
        f"{plural(total, 'row')} of seizures stand for several events, or for more than a week: they are not compared. If two agencies total "
        "the same events, these count twice; leave one of them out."
    )
    return [note] if total else []


def _nowhere(tables: dict[str, pd.DataFrame]) -> list[str]:
    lost = len(tables.get("unplaced.csv", ()))
    note = (
        f"{plural(lost, 'record')} without a point, segment or area are in unplaced.csv, which no scenario reads, as `plan` and `risk` cannot "
        "place them. Give points, or areas of the scenario, and fuse again."
    )
    return [note] if lost else []
