"""Records from reports: of each field the value of one report, whose it was, and who may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from optimizer.base.text.formatting import plural
from optimizer.records.fusion.feeds import MARKS, TOGETHER
from optimizer.records.fusion.reports import drug_of, km_between
from optimizer.records.grades import UNGRADED_RANK, grades_conflict, parse_grade
from optimizer.records.marking import Marking, strictest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

FAR_KM, HEAVIER = 5.0, 1.5
"""Distance of two points, and ratio of two weights, of one event from which on they are told as differing."""

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
    """Records of seizures.

    Attributes
    ----------
    records
        One row a record: `record` (its name), `agency`, `source`, the columns of `FIELDS`, `reports` (how many stand behind it).
    provenance
        `record`, `field`, `value`, `agency`, `file`, `line` of the report it is from, and `others`, what the other reports say where
        it differs. A record of one report has one row, for every field (`*`).
    notes
        Differences between reports of one event, counted.
    """

    records: pd.DataFrame
    provenance: pd.DataFrame
    notes: tuple[str, ...]


def merge_reports(frame: pd.DataFrame, label: Ints, feed: Ints, searched: dict[str, set[str]]) -> MergedRecords:
    """Make one record of the reports of each label.

    Times come from the report that states the shortest span, an hour before a day. Every other field comes from the report with the best grade
    that has it (no grade counts as one of which nothing is known), of these the feed named first; counts are the greatest; the unit of
    effort is one in which its agency has effort, where there is one.

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
    rank = frame["grade"].map({text: grade.rank for text, grade in grades.items() if grade}).fillna(UNGRADED_RANK)
    span = (frame["end"] - frame["start"]).dt.days
    with_effort = [
        unit in searched.get(agency, ()) for agency, unit in zip(frame["agency"], frame["unit"], strict=True)
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
    # Columns of a field are taken from one report together: a longitude of one and a latitude of another would be a third place.
    for field, columns in FIELDS.items():
        order = np.lexsort([np.asarray(feed), *(np.asarray(key) for key in reversed(keys.get(field, (rank,)))), label])
        # lexsort's last key counts first: by record, then by the keys of the field, then by the order in which feeds were named.
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
    provenance = pd.concat(parts, ignore_index=True).sort_values("record", kind="stable", ignore_index=True)
    return MergedRecords(records, provenance, _differences(frame, label, size))


def _together(joined: pd.DataFrame, column: str, size: Ints) -> pd.Series[str]:
    """Return by label the distinct values of a column, joined."""
    first = joined.drop_duplicates("label").set_index("label")[column].astype(object)
    several = joined[size[joined["label"].to_numpy()] > 1]
    names: dict[int, dict[str, None]] = {}
    for one, name in zip(several["label"].tolist(), several[column].tolist(), strict=True):
        names.setdefault(one, {})[name] = None
    return pd.Series({one: TOGETHER.join(own) for one, own in names.items()}, dtype=object).combine_first(first)


def _names(records: pd.DataFrame, label: Ints) -> NDArray[np.object_]:
    """Return the name of the record of each label."""
    return np.asarray(records["record"].to_numpy()[np.searchsorted(records.index.to_numpy(), label)])


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
    frame: pd.DataFrame, label: Ints, size: Ints, first: Ints, order: Ints, field: str, records: pd.DataFrame
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
        return [f"lon {lon:.10g}, lat {lat:.10g}" for lon, lat in zip(frame["lon"], frame["lat"], strict=True)]
    parts = [_cells(frame[column]) for column in FIELDS[field]]
    return parts[0] if len(parts) == 1 else [", ".join(values) for values in zip(*parts, strict=True)]


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
        (sum(bool(drug[a] and drug[b] and drug[a] != drug[b]) for a, b in pairs), "different drugs"),
    ]
    notes = [
        f"{plural(count, 'event')} reported with {what}: the report with the better grade, else of the feed named first, is taken; "
        "provenance.csv has both."
        for count, what in found
        if count
    ]
    conflicts = [pair for pair in pairs if _conflict(grade[pair[0]], grade[pair[1]])]
    if conflicts:
        told = [
            f"{grade[at]} by {one.agency} ({one.file}, line {one.line})"
            for at, one in zip(conflicts[0], frame.iloc[list(conflicts[0])].itertuples(), strict=True)
        ]
        notes.append(
            f"{plural(len(conflicts), 'event')} graded in contradiction, the first of them {' and '.join(told)}: one holds good what the other "
            "holds bad. The better grade is the record's; provenance.csv has both. Ask the agencies."
        )
    return tuple(notes)


def _conflict(one: str, other: str) -> bool:
    first, second = parse_grade(one), parse_grade(other)
    return first is not None and second is not None and grades_conflict(first, second)


def mark_records(records: pd.DataFrame, frame: pd.DataFrame, label: Ints) -> pd.DataFrame:
    """Return records with `owner`, `tlp` and `released_to`.

    A record of one report is marked as the report. One of several has the strictest marking and all owners in one name, which no agency has; it
    is released to the agencies that may see each of its reports. A record with an unmarked report is unmarked, so that `release` refuses it.

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
    for own, owner, tlp, released in zip(label.tolist(), *(frame[name].tolist() for name in MARKS), strict=True):
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
