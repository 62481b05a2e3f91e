"""The report's tables as plain text: the template adds the markup, autoescaped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from optimizer.base.formatting import DASH, amounts, clock, decimal, known, letter, number, percent, plain, sentence
from optimizer.report.classes import interval_ratio, two_digits
from optimizer.report.geography import segment_names
from optimizer.report.record import sureness
from optimizer.report.values import difference, difference_unit, value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from optimizer.report.content import BeatRow, CountRow, OpenRow, ReportContent, RouteRow, SiteRow

Row = TypeVar("Row")

RISKIEST = 20
"""Roads in the table of the riskiest."""


@dataclass(frozen=True, slots=True)
class Column:
    """Header of a column, and whether numbers stand in it (set to the right)."""

    header: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready to be set.

    Attributes
    ----------
    id
        Unique on the page.
    caption
        What the rows are, with what a reader needs to know of the columns.
    columns
        Headers; units stand in them.
    rows
        One text a column.
    """

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


def riskiest_table(content: ReportContent) -> Table:
    """List the riskiest roads with how sure that is, searched or not: a road and its nearest town stand for their riskiest segment."""
    risk, network = content.risk, content.network
    if risk is None:
        return Table("riskiest", "", (), ())
    length = network.length_m[network.segment_arc] / 1000
    ratio = interval_ratio(risk)
    first = _riskiest(content)
    never = sum(not risk.searched[segment] for segment in first.values())
    interval = f"{percent(risk.interval, 0)} interval"

    def cells(name: str, segment: int) -> tuple[str, ...]:
        searched = bool(risk.searched[segment])
        return (
            plain(name, 80),
            number(float(length[segment]), 2),
            number(float(risk.median[segment]), 2),
            f"{number(float(risk.low[segment]), 2)} {DASH} {number(float(risk.high[segment]), 2)}",
            f"{number(two_digits(float(ratio[segment])))} times",
            sureness(float(ratio[segment])) if searched else "unknown: a guess from elsewhere",
            "yes" if searched else "never",
            *(
                number(float(effort.amount[segment] / length[segment]), 2) if effort.amount[segment] else "none"
                for effort in risk.efforts
            ),
        )

    return Table(
        "riskiest",
        f"Most risky, and how sure: the riskiest roads by the middle of their interval, searched or not ({never} of these "
        f"{len(first)} were never searched). A road near one town has one line, that of its riskiest segment.",
        (
            Column("Road"),
            Column("Segment (km)", numeric=True),
            Column(f"Risk ({plain(risk.unit, 60)})", numeric=True),
            Column(interval, numeric=True),
            Column("Upper over lower end", numeric=True),
            Column("How sure"),
            Column("Searched"),
            *(Column(f"{sentence(plain(effort.unit, 40))} per km", numeric=True) for effort in risk.efforts),
        ),
        tuple(cells(name, segment) for name, segment in first.items()),
    )


def look_next_table(content: ReportContent) -> Table:
    """List where a search would teach most, lettered as on the maps."""
    advice = content.look_next
    return Table(
        "look-next",
        "Where to look next, numbered as on the interactive map: what a search would teach, not where risk is highest.",
        (
            Column("No."),
            Column("Road"),
            Column(sentence(plain(advice.score_unit, 60)) if advice is not None else "", numeric=True),
            Column("Why"),
        ),
        tuple(
            (str(place), plain(row.label, 80), number(row.score), plain(row.reason))
            for place, row in enumerate(content.look_first, 1)
        ),
    )


def layouts_table(content: ReportContent) -> Table:
    """Compare layouts: nothing placed, today's, this plan, everything placed."""
    summary = content.summary
    patrolled = any(row.beats for row in content.layouts)
    return Table(
        "layouts",
        "Layouts on the same model. A smaller value is better for the defender.",
        (
            Column("Layout"),
            Column(_value_header(content), numeric=True),
            Column(f"Less than with nothing placed ({difference_unit(summary)})", numeric=True),
            Column("Sites", numeric=True),
            *([Column("Beats", numeric=True)] if patrolled else []),
            Column("Uses"),
            Column("Note"),
        ),
        tuple(
            (
                plain(row.name),
                value(summary, row.value),
                difference(summary, _minus(summary.nothing, row.value)),
                number(row.sites),
                *([number(row.beats)] if patrolled else []),
                amounts(row.costs),
                plain(row.note),
            )
            for row in content.layouts
        ),
    )


def chosen_table(content: ReportContent) -> Table:
    """List the sites of the plan, numbered as on the maps."""
    unit = plain(content.summary.unit)
    return Table(
        "sites-chosen",
        f"Sites in the plan, numbered as on the maps. Worth: how much the {unit} rises without the site.",
        (Column("No."), *_site_columns(), Column(f"Worth ({difference_unit(content.summary)})", numeric=True)),
        tuple(
            (str(place), *_site_cells(site), difference(content.summary, site.worth))
            for place, site in enumerate(content.chosen, 1)
        ),
    )


def not_chosen_table(content: ReportContent) -> Table:
    """List the sites the plan leaves out, those in use today first."""
    unit = plain(content.summary.unit)
    return Table(
        "sites-not-chosen",
        f"Sites not in the plan. Would add: how much the {unit} falls with the site on top of the plan, beyond the budget.",
        (*_site_columns(), Column(f"Would add ({difference_unit(content.summary)})", numeric=True)),
        tuple((*_site_cells(site), difference(content.summary, site.worth)) for site in content.not_chosen),
    )


def beats_table(content: ReportContent) -> Table:
    """List the beats of the plan, lettered as on the maps, with where each team stands when."""
    unit = plain(content.summary.unit)

    def cells(place: int, beat: BeatRow) -> tuple[str, ...]:
        return (
            letter(place),
            plain(beat.team),
            plain(beat.base),
            plain(beat.agency) or DASH,
            "; ".join(stop_words(beat, letter(place))),
            clock(beat.drive_s),
            clock(beat.dwell_s),
            clock(beat.back_s),
            amounts(beat.costs),
            difference(content.summary, beat.worth),
        )

    return Table(
        "beats",
        f"Beats in the plan, lettered as on the maps, base by base. Times count from the start of the shift (h:mm). Worth: how much the {unit} "
        "rises without the beat.",
        (
            Column("Beat"),
            Column("Team"),
            Column("Base"),
            Column("Agency"),
            Column("Posts, in order"),
            Column("Driving (h:mm)", numeric=True),
            Column("At posts (h:mm)", numeric=True),
            Column("Back at (h:mm)", numeric=True),
            Column("Uses"),
            Column(f"Worth ({difference_unit(content.summary)})", numeric=True),
        ),
        tuple(cells(place, beat) for place, beat in enumerate(content.driven)),
    )


def stop_words(beat: BeatRow, name: str) -> list[str]:
    """Return for each post of a beat of a letter where the team stands from when to when."""
    return [
        f"{name}{place} {plain(stop.label, 80)}, {clock(stop.arrive_s)} to {clock(stop.leave_s)}"
        for place, stop in enumerate(beat.stops, 1)
    ]


def budgets_table(content: ReportContent) -> Table:
    """Show what each agency may use and what the plan uses."""
    return Table(
        "budgets",
        "Budgets, and what the plan uses of them.",
        (
            Column("Resource"),
            Column("Agency"),
            Column("Unit"),
            Column("Used", numeric=True),
            Column("Budget", numeric=True),
            Column("Left", numeric=True),
        ),
        tuple(
            (
                plain(row.resource),
                plain(row.agency) or DASH,
                plain(row.unit) or DASH,
                number(row.used),
                "no limit" if row.budget is None else number(row.budget),
                number(_minus(row.budget, row.used)),
            )
            for row in content.budgets
        ),
    )


def open_ends_table(content: ReportContent) -> Table:
    """List the evaders the plan leaves a way through, those who contribute most first."""
    summary = content.summary

    def cells(row: OpenRow) -> tuple[str, ...]:
        places = (plain(row.start), plain(row.end), plain(row.kind))
        return (
            *places,
            _weight(content, row.weight),
            percent(row.before),
            percent(row.after),
            value(summary, row.contribution),
        )

    return Table(
        "open-ends",
        "Who still gets through, the largest contributions first. Chances are per load.",
        (
            Column("From"),
            Column("To"),
            Column("Kind of evader"),
            Column("Weight", numeric=True),
            Column("Chance with nothing placed", numeric=True),
            Column("Chance with the plan", numeric=True),
            Column(f"Adds to the {plain(summary.unit)}", numeric=True),
        ),
        tuple(cells(row) for row in _largest(content.open_ends, lambda row: row.contribution)),
    )


def routes_table(content: ReportContent) -> Table:
    """List the main routes with their lengths and chances without and with the plan."""

    def cells(row: RouteRow) -> tuple[str, ...]:
        kilometres = [
            number(_length_km(content, arcs)) if len(arcs) else "no route" for arcs in (row.arcs_before, row.arcs_after)
        ]
        return (
            plain(row.start),
            plain(row.end),
            _weight(content, row.weight),
            *kilometres,
            percent(row.before),
            percent(row.after),
        )

    return Table(
        "routes",
        "Main routes without and with the plan, the heaviest first. Chances are per load.",
        (
            Column("From"),
            Column("To"),
            Column("Weight", numeric=True),
            Column("Length with nothing placed (km)", numeric=True),
            Column("Length with the plan (km)", numeric=True),
            Column("Chance with nothing placed", numeric=True),
            Column("Chance with the plan", numeric=True),
        ),
        tuple(cells(row) for row in _largest(content.routes, lambda row: row.weight)),
    )


def displacement_table(content: ReportContent) -> Table:
    """List roads and crossings that carry more under the plan."""
    return Table(
        "displacement",
        "Roads and crossings that more evaders choose under the plan than with nothing placed (share of all loads that set out).",
        (
            Column("Road or crossing"),
            Column("Before", numeric=True),
            Column("With the plan", numeric=True),
            Column("Rise (percentage points)", numeric=True),
        ),
        tuple(
            (plain(row.name), percent(row.before), percent(row.after), decimal((row.after - row.before) * 100))
            for row in _largest(content.displacement, lambda row: row.after - row.before)
        ),
    )


def unused_table(content: ReportContent) -> Table:
    """Count the records that were not used, by reason."""
    return _counts("unused", "Records that were read and not used.", "Records", content.unused)


def dropped_table(content: ReportContent) -> Table:
    """Count the roads and places that did not reach the network, by reason."""
    return _counts(
        "dropped", "Roads and places of the source that did not reach the network.", "Count", content.dropped
    )


def steps_table(content: ReportContent) -> Table:
    """Show how long each step took."""
    rows = tuple((plain(row.name), decimal(row.seconds)) for row in content.steps)
    return Table("steps", "Steps of the run.", (Column("Step"), Column("Time (s)", numeric=True)), rows)


def provenance_table(content: ReportContent) -> Table:
    """Show what it takes to make the report again."""
    source = content.provenance
    facts = (
        ("Created", plain(content.created)),
        ("Program version", plain(source.version) or DASH),
        ("Method", plain(content.summary.method) or DASH),
        ("Seed", DASH if source.seed is None else str(source.seed)),
        *((plain(name), plain(setting)) for name, setting in source.options.items()),
        *((f"SHA-256 of {plain(file.name)}", plain(file.sha256)) for file in source.inputs),
    )
    return Table(
        "provenance",
        "Version, settings and inputs: what it takes to make this report again.",
        (Column("What"), Column("Value")),
        facts,
    )


def _riskiest(content: ReportContent) -> dict[str, int]:
    """Return the riskiest segment of each road and nearest town, by name, the riskiest first."""
    if content.risk is None:
        return {}
    shown = np.flatnonzero(np.isfinite(content.risk.median))
    order = shown[np.argsort(-content.risk.median[shown], kind="stable")]
    first: dict[str, int] = {}
    for name, segment in zip(segment_names(content.network, content.settlements, order), order.tolist(), strict=True):
        first.setdefault(name, segment)
        if len(first) == RISKIEST:
            break
    return first


def _counts(table: str, caption: str, header: str, counts: Iterable[CountRow]) -> Table:
    columns = (Column("Reason"), Column(header, numeric=True), Column("For example"))
    rows = tuple((plain(row.reason), number(row.count), plain("; ".join(row.examples))) for row in counts)
    return Table(table, caption, columns, rows)


def _site_columns() -> tuple[Column, ...]:
    headers = ("Site", "Id", "Kind", "Agency", "Standing", "Costs")
    return (*(Column(header) for header in headers), Column("Chance to pass undetected", numeric=True))


def _site_cells(site: SiteRow) -> tuple[str, ...]:
    texts = (plain(site.label), plain(site.id), plain(site.kind), plain(site.agency) or DASH, _standing(site))
    return (*texts, amounts(site.costs), percent(site.survival))


def _standing(site: SiteRow) -> str:
    rules = [word for word, holds in (("had to be used", site.forced), ("not allowed", site.forbidden)) if holds]
    words = {"kept": "in use today, kept", "given up": "in use today, given up"}.get(site.standing, site.standing)
    return "; ".join((words, *rules))


def _value_header(content: ReportContent) -> str:
    return sentence(plain(content.summary.unit))


def _weight(content: ReportContent, weight: float) -> str:
    return percent(weight) if content.summary.share else number(weight)


def _length_km(content: ReportContent, arcs: NDArray[np.integer]) -> float:
    return float(content.network.length_m[arcs].sum()) / 1000


def _minus(a: float | None, b: float | None) -> float | None:
    return a - b if a is not None and b is not None and known(a) and known(b) else None


def _largest(rows: Iterable[Row], size: Callable[[Row], float | None]) -> list[Row]:
    """Sort by size, the largest first; rows whose size is not known come last."""

    def key(row: Row) -> float:
        number_or_none = size(row)
        return -number_or_none if number_or_none is not None and known(number_or_none) else float("inf")

    return sorted(rows, key=key)
