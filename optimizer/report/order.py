"""The first page: what to keep, open, change and close, which beats to drive, what that buys, what stays open, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.formatting import DASH, clock, known, letter, percent, plain, plural
from optimizer.report.place_names import PlaceNames
from optimizer.report.record import record_doubts
from optimizer.report.tables.report_table import minus
from optimizer.report.values import difference, value

if TYPE_CHECKING:
    from optimizer.report.content import BeatRow, OpenWay, ReportContent, SiteRow

ACTIONS = {"new": "open", "changed": "change", "given up": "close", "kept": "keep"}
"""What is ordered for a site of each standing, in the order of the page."""
NAME, PLACE = 80, 60
"""Characters of a name or place that a line of the order holds."""
NAMED = 2
"""Examples in a sentence."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line of the order: what to do, the number or letter on the maps (may be empty), where, and what stands or is done there.

    `mark` is the id of its mark on the interactive map; empty where it has none.
    """

    action: str
    number: str
    place: str
    details: str
    mark: str


@dataclass(frozen=True, slots=True)
class OrderGroup:
    """The lines of one agency."""

    agency: str
    lines: tuple[OrderLine, ...]


@dataclass(frozen=True, slots=True)
class FirstPage:
    """The first page: a summary, lines by agency, and sentences on what it buys, what stays open and how sure that is."""

    summary: str
    groups: tuple[OrderGroup, ...]
    buys: tuple[str, ...]
    open: tuple[str, ...]
    sure: tuple[str, ...]


def order_of(content: ReportContent) -> FirstPage:
    """Return the order that a plan comes to."""
    return FirstPage(
        summary=_summary(content),
        groups=_groups(content),
        buys=_buys(content),
        open=_open(content),
        sure=_sure(content),
    )


def _summary(content: ReportContent) -> str:
    counts = {action: sum(site.standing == standing for site in content.sites) for standing, action in ACTIONS.items()}
    parts = [f"{action} {count:,}" for action, count in counts.items() if count]
    text = ", ".join(parts).capitalize() + (" of the sites below" if parts else "")
    beats = f"{'drive' if text else 'Drive'} {plural(len(content.beats), 'beat')} each shift" if content.beats else ""
    return (
        "; ".join(filter(None, (text, beats))) + "."
        if text or beats
        else "No order: the plan places nothing and closes nothing."
    )


def _groups(content: ReportContent) -> tuple[OrderGroup, ...]:
    lines: dict[str, list[OrderLine]] = {}
    numbers = {site.id: str(place) for place, site in enumerate(content.chosen, 1)}
    for standing in ACTIONS:
        for site in (*content.chosen, *content.not_chosen):
            if site.standing == standing:
                lines.setdefault(plain(site.agency), []).append(_site_line(site, numbers.get(site.id, "")))
    for place, beat in enumerate(content.driven):
        lines.setdefault(plain(beat.agency), []).append(_beat_line(beat, letter(place)))
    return tuple(OrderGroup(agency or "All", tuple(found)) for agency, found in sorted(lines.items()))


def _site_line(site: SiteRow, number: str) -> OrderLine:
    kind = plain(site.type or site.kind, 40)
    if site.standing == "changed":
        kind = f"to {kind}, today {plain(site.other_type, 40)}"
    road = plain(site.road, NAME)
    name = plain(site.place or site.label, NAME)
    known_road = road.partition(", ")[0].partition("; ")[0]
    where = plain(site.where, PLACE)
    details = [kind, "" if known_road and known_road in name else road, "" if where.startswith("at ") else where]
    return OrderLine(ACTIONS[site.standing], number, name, "; ".join(filter(None, details)), f"site-{site.id}")


def _beat_line(beat: BeatRow, name: str) -> OrderLine:
    stops = [
        f"{clock(stop.arrive_s)}{DASH}{clock(stop.leave_s)} "
        + PlaceNames.joined(plain(stop.label, NAME).partition(" (")[0], plain(stop.where, PLACE))
        for stop in beat.stops
    ]
    details = f"from {plain(beat.base, NAME)}: {'; '.join(stops)}; back {clock(beat.back_s)}"
    return OrderLine("drive", name, plain(beat.team, NAME), details, f"beat-{name}")


def _buys(content: ReportContent) -> tuple[str, ...]:
    summary = content.summary
    lines = []
    for amount, name in (
        (summary.existing, "today\N{RIGHT SINGLE QUOTATION MARK}s layout"),
        (summary.nothing, "nothing placed"),
    ):
        less = minus(amount, summary.upper)
        if amount is None or less is None or not known(amount):
            continue
        points = f"{difference(summary, abs(less))}{' percentage points' if summary.share else ''}"
        relative = f", {percent(abs(less) / amount, 0)} of it" if amount else ""
        lines.append(
            f"Against {name} ({value(summary, amount)}): {points} {'less' if less >= 0 else 'MORE'} gets through{relative}."
        )
    if not known(summary.existing):
        lines.append("No site is marked as in use today, so there is no layout of today to compare with.")
    return tuple(lines)


def _open(content: ReportContent) -> tuple[str, ...]:
    return tuple(_way(content, way) for way in content.open_ways)


def _way(content: ReportContent, way: OpenWay) -> str:
    roads = ", ".join(plain(road, 40) for road in way.roads) or "roads without a name"
    past = f"past {_listed([plain(name, NAME) for name in way.past])}" if way.past else "past no site of the plan"
    route = f"{plain(way.start, PLACE)} to {plain(way.end, PLACE)} by {roads}, {past}"
    amount = value(content.summary, way.contribution)
    of_all = f"{amount} of all loads" if content.summary.share else f"{amount} loads"
    return f"{route}: {percent(way.through, 0)} of the loads on it get through; these are, with others by these roads, {of_all}."


def _sure(content: ReportContent) -> tuple[str, ...]:
    return (*_proof(content), *record_doubts(content), *_others(content), *_draws(content))


def _proof(content: ReportContent) -> list[str]:
    summary = content.summary
    left = minus(summary.upper, summary.bound)
    if left is None:
        return ["How much better another plan could be was not proven."]
    if left <= 1e-6:
        return ["No plan within these budgets does better in the model: that is proven."]
    points = f"{difference(summary, left)}{' percentage points' if summary.share else ''}"
    gained = minus(summary.existing, summary.upper)
    beside = " That is more than this plan gains on today." if gained is not None and left > gained else ""
    return [f"A plan within these budgets that lets up to {points} less through is not ruled out.{beside}"]


def _others(content: ReportContent) -> list[str]:
    facts, sites = content.exchanges, len(content.chosen)
    if facts is None:
        return []
    examples = [f"{plain(out, NAME)} for {plain(into, NAME)}" for out, into in facts.sites[:NAMED]]
    rise = f"{difference(content.summary, facts.close)}{' points' if content.summary.share else ''}"
    if not examples:
        return [
            f"Each of the {facts.tried} exchanges of one site that were tried lets over {rise} more through: the choice of sites is firm."
        ]
    share = f"{len(facts.sites)} of {plural(sites, 'site')}"
    return [
        f"Other plans are nearly as good: {share} can each be exchanged for another at a loss of {rise} at most, such as {'; '.join(examples)}."
    ]


def _draws(content: ReportContent) -> list[str]:
    facts = content.doubt
    shares = [row.beats_today for row in facts.rows[:1]] if facts is not None else []
    return [
        f"In {percent(share, 0)} of {facts.draws} draws of what is not known it is better than today\N{RIGHT SINGLE QUOTATION MARK}s layout."
        for share in shares
        if share is not None and facts is not None
    ]


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return " and ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
