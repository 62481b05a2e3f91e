"""What a plan places, rows and tables: sites that could be used, beats that teams
drive, and the order that numbers and letters them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from optimizer.base.text.formatting import (
    DASH,
    Amount,
    amounts,
    clock,
    letter,
    number,
    percent,
    plain,
)
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked, ngettext, term
from optimizer.report.content.report_table import Column, ReportTable
from optimizer.report.content.summary import difference, difference_unit, unit
from optimizer.report.maps.place_names import PlaceNames
from optimizer.report.words import word

if TYPE_CHECKING:
    from optimizer.problem.files.plan_file import PlanBeat, PlanSite, PlanStop
    from optimizer.report.content.report_content import ReportContent


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRow:
    """A site that could be used, as the plan file has it, and what people call what it
    says.
    """

    #: What plan.json says of the option.
    entry: PlanSite
    #: Whether it is in the plan.
    chosen: bool = False
    #: `label`, `place`: What people call it, and what they call its place without its
    #: kind; empty where there is one kind.
    label: str
    place: str = ""
    #: What people call its kind, such as `permanent checkpoint`.
    type: str = ""
    #: Kind that stands at the same place today (of a site in the plan), or under the
    #: plan (of one in use today); empty where there is none.
    other_type: str = ""
    #: Who would run it; empty where there is one agency.
    agency: str = ""
    #: Where it lies from the nearest place with a name.
    where: str = ""
    #: Name and class of its road, and how far off it the place given lies.
    road: str = ""
    #: Vehicles a day past it and who gives them; empty where it does not matter.
    traffic: str = ""
    #: Amount of each resource it takes, by what people call it.
    costs: Mapping[str, Amount] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Id of the option."""
        return self.entry.id

    @property
    def lon(self) -> float:
        """Degrees; NaN where it has no place."""
        return np.nan if self.entry.lon is None else self.entry.lon

    @property
    def lat(self) -> float:
        """Degrees; NaN where it has no place."""
        return np.nan if self.entry.lat is None else self.entry.lat

    @property
    def standing(self) -> str:
        """One of `new`, `changed` (its place stays, its kind does not), `kept`, `given
        up`, `not chosen`.
        """
        if self.chosen:
            return "kept" if self.entry.existing else "changed" if self.other_type else "new"
        return "given up" if self.entry.existing and not self.other_type else "not chosen"


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatBase:
    """Where a beat sets out from: what people call it, and where it is (degrees)."""

    label: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatStopRow:
    """A stay of a beat at a post, as the plan file has it; minutes after the start of
    the shift at which its team sets out; where in words.
    """

    entry: PlanStop
    sets_out_minute: float = 0.0
    where: str = ""

    @property
    def label(self) -> str:
        """What people call the post."""
        return term(self.entry.label)

    @property
    def lon(self) -> float:
        """Degrees."""
        return self.entry.lon

    @property
    def lat(self) -> float:
        """Degrees."""
        return self.entry.lat

    @property
    def arrive_s(self) -> float:
        """Seconds after the shift began at which the team comes."""
        return round(60 * (self.sets_out_minute + self.entry.arrive_minute))

    @property
    def leave_s(self) -> float:
        """Seconds after the shift began at which the team goes on."""
        return round(60 * (self.sets_out_minute + self.entry.leave_minute))


@dataclass(frozen=True, slots=True)
class ShiftClock:
    """The shift whose clock times a page says for beats, which are driven in others too."""

    #: What people call it.
    name: str
    #: Seconds after midnight at which it begins.
    begins_s: float
    #: How long it is.
    hours: float
    #: Clock times at which the other shifts begin, such as `14:00`.
    others: tuple[str, ...] = ()

    def at(self, seconds: float) -> str:
        """Return the clock time some seconds after it begins: `06:47`."""
        minutes = round((self.begins_s + seconds) / 60) % (24 * 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"


def shift_time(shift: ShiftClock | None, seconds: float) -> str:
    """Return a time of a shift: by the clock, or from its start where no clock is known."""
    return clock(seconds) if shift is None else shift.at(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatRow:
    """A beat of one team in the plan, as the plan file has it, and what people call
    what it says.
    """

    #: What plan.json says of the beat.
    entry: PlanBeat
    #: Who the team belongs to; empty where there is one agency.
    agency: str = ""
    #: Posts in order.
    stops: tuple[BeatStopRow, ...] = ()
    #: Amount of each resource it takes, by what people call it.
    costs: Mapping[str, Amount] = field(default_factory=dict)
    #: The shift whose clock its times follow; None where the scenario has no shifts:
    #: they count from the start of a shift then.
    shift: ShiftClock | None = None

    def time(self, seconds: float) -> str:
        """Return when something happens so many seconds after the shift began."""
        return shift_time(self.shift, seconds)

    @property
    def id(self) -> str:
        """Id of the placement."""
        return self.entry.id

    @property
    def team(self) -> str:
        """What people call the team."""
        return term(self.entry.team_label or self.entry.team)

    @property
    def place(self) -> str:
        """Its first post by road and town, and how many more there are; the team where
        it has none.
        """
        if not self.stops:
            return plain(self.team)
        first, more = self.stops[0], len(self.stops) - 1
        said = PlaceNames.joined(plain(first.label, 60).partition(" (")[0], plain(first.where, 60))
        if not more:
            return said
        return ngettext("{place}; {count} more post", "{place}; {count} more posts", more).format(
            place=said, count=more
        )

    @property
    def home(self) -> BeatBase:
        """The base it sets out from and comes back to."""
        return BeatBase(label=term(self.entry.place), lon=self.entry.lon, lat=self.entry.lat)

    @property
    def arcs(self) -> NDArray[np.int64]:
        """Arcs of the network in order of travel."""
        return np.array(self.entry.route, dtype=np.int64)

    @property
    def sets_out_s(self) -> float:
        """Seconds after the shift began at which the team sets out."""
        return round(60 * self.entry.sets_out_minute)

    @property
    def back_s(self) -> float:
        """Seconds after the shift began at which the team is back."""
        return round(60 * (self.entry.sets_out_minute + self.entry.back_minute))

    @property
    def dwell_s(self) -> float:
        """Seconds it stands at posts."""
        return sum(stop.leave_s - stop.arrive_s for stop in self.stops)

    @property
    def drive_s(self) -> float:
        """Seconds it drives."""
        return self.back_s - self.sets_out_s - self.dwell_s


def chosen_order(sites: Iterable[SiteRow]) -> tuple[SiteRow, ...]:
    """Return the sites in the plan, that of the largest marginal value first."""
    chosen = (site for site in sites if site.chosen)
    return tuple(sorted(chosen, key=lambda site: (_descending(site.entry.worth), site.label)))


def not_chosen_order(sites: Iterable[SiteRow]) -> tuple[SiteRow, ...]:
    """Return the sites not in the plan: those given up first, then by what they would add."""
    others = (site for site in sites if not site.chosen)
    return tuple(
        sorted(
            others,
            key=lambda site: (
                site.standing != "given up",
                _descending(site.entry.worth),
                site.label,
            ),
        )
    )


STEPS = {"given up": 0, "new": 1, "changed": 1, "kept": 2}
"""What is done first for sites of each standing: closing frees what the others need."""


def site_numbers(sites: Iterable[SiteRow], beats: Iterable[BeatRow]) -> dict[str, int]:
    """Return the number of each site that is ordered, by id, in the order in which to act.

    Agency by agency, that whose changes and beats bring most first: what closes, then
    what opens or changes, the largest marginal value first. What is kept follows, in
    the same order of agencies.
    """
    every = tuple(sites)
    brings: dict[str, float] = {}
    rows: list[SiteRow | BeatRow] = [*every, *beats]
    for row in rows:
        if isinstance(row, BeatRow) or row.standing in {"new", "changed"}:
            worth = -_descending(row.entry.worth)
            agency = plain(row.agency)
            brings[agency] = max(brings.get(agency, 0.0), worth if np.isfinite(worth) else 0.0)
    ranked = (*not_chosen_order(every), *chosen_order(every))
    ordered = sorted(
        (site for site in ranked if site.standing in STEPS),
        key=lambda site: (
            STEPS[site.standing] == STEPS["kept"],
            -brings.get(plain(site.agency), 0.0),
            plain(site.agency),
            STEPS[site.standing],
        ),
    )
    return {site.id: place for place, site in enumerate(ordered, 1)}


def driven_order(beats: Iterable[BeatRow]) -> tuple[BeatRow, ...]:
    """Return beats base by base, the base of the beat of largest marginal value first,
    and the largest first in each.
    """
    ranked = sorted(beats, key=lambda beat: (_descending(beat.entry.worth), beat.id))
    first = {beat.home: place for place, beat in reversed(list(enumerate(ranked)))}
    return tuple(sorted(ranked, key=lambda beat: first[beat.home]))


def _descending(amount: float | None) -> float:
    """Return a sort key that puts large amounts first and unknown ones last."""
    return -amount if amount is not None and np.isfinite(amount) else np.inf


RESTS_ON = {"record": marked("the record"), "gravity": marked("assumed flows")}
"""What is said of a site that rests on the record, or on gravity, assumed masses and roads."""


def chosen_table(content: ReportContent) -> ReportTable:
    """List the sites of the plan, that of the largest marginal value first, numbered as on
    the maps; what they rest on where that is known of one.
    """
    told, numbers = any(site.entry.rests_on for site in content.chosen), content.numbers

    def rests_on(site: SiteRow) -> tuple[str, ...]:
        on = site.entry.rests_on
        return (
            ()
            if not told
            else (_(RESTS_ON[on]),)
            if on
            else (DASH,)
            if site.entry.forced
            else (_("not told"),)
        )

    return ReportTable(
        "sites-chosen",
        _(
            "Sites in the plan, numbered as on the maps. Marginal value: how much the {unit} rises"
            " without the site."
        ).format(unit=unit(content.summary)),
        (
            Column(_("No.")),
            *_site_columns(),
            *((Column(_("Rests on")),) if told else ()),
            Column(
                _("Marginal value ({unit})").format(unit=difference_unit(content.summary)),
                numeric=True,
            ),
        ),
        tuple(
            (
                str(numbers[site.id]),
                *_site_cells(site),
                *rests_on(site),
                difference(content.summary, site.entry.worth),
            )
            for site in content.chosen
        ),
        tuple(f"site-{site.id}" for site in content.chosen),
    )


def not_chosen_table(content: ReportContent) -> ReportTable:
    """List the sites the plan leaves out, those in use today first."""
    return ReportTable(
        "sites-not-chosen",
        _(
            "Sites not in the plan. Would add: how much the {unit} falls with the site on top of"
            " the plan, beyond the budget."
        ).format(unit=unit(content.summary)),
        (
            *_site_columns(),
            Column(
                _("Would add ({unit})").format(unit=difference_unit(content.summary)), numeric=True
            ),
        ),
        tuple(
            (*_site_cells(site), difference(content.summary, site.entry.worth))
            for site in content.not_chosen
        ),
        tuple(f"site-{site.id}" for site in content.not_chosen),
    )


def beats_table(content: ReportContent) -> ReportTable:
    """List the beats of the plan, lettered as on the maps, with where each team stands when."""

    def cells(place: int, beat: BeatRow) -> tuple[str, ...]:
        return (
            letter(place),
            plain(beat.team),
            plain(beat.home.label),
            plain(beat.agency) or DASH,
            beat.time(beat.sets_out_s),
            "; ".join(_stop_texts(beat, letter(place))),
            clock(beat.drive_s),
            clock(beat.dwell_s),
            beat.time(beat.back_s),
            amounts(beat.costs),
            difference(content.summary, beat.entry.worth),
        )

    return ReportTable(
        "beats",
        _(
            "Beats in the plan, lettered as on the maps, base by base. {times} A team that sets out"
            " later works its whole shift from then. Marginal value: how much the {unit} rises"
            " without the beat."
        ).format(times=beat_times(content.beats), unit=unit(content.summary)),
        (
            Column(_("Beat")),
            Column(_("Team")),
            Column(_("Base")),
            Column(_("Agency"), paper=False),
            Column(_("Sets out at"), numeric=True),
            Column(_("Posts, in order")),
            Column(_("Driving (h:mm)"), numeric=True),
            Column(_("At posts (h:mm)"), numeric=True),
            Column(_("Back at"), numeric=True),
            Column(_("Uses"), paper=False),
            Column(
                _("Marginal value ({unit})").format(unit=difference_unit(content.summary)),
                numeric=True,
            ),
        ),
        tuple(cells(place, beat) for place, beat in enumerate(content.driven)),
        tuple(f"beat-{letter(place)}" for place in range(len(content.driven))),
    )


def beat_times(beats: Iterable[BeatRow]) -> str:
    """Return by which clock the times of beats are."""
    shift = next((beat.shift for beat in beats if beat.shift is not None), None)
    if shift is None:
        return _("Times of beats count from the start of the shift (h:mm).")
    said = (
        _(
            "Times of beats are those of the shift {name} (from {start}, {hours} hours); in the"
            " shifts from {others} they are as much later."
        )
        if shift.others
        else _("Times of beats are those of the shift {name} (from {start}, {hours} hours).")
    )
    return said.format(
        name=plain(shift.name, 40),
        start=shift.at(0),
        hours=number(shift.hours),
        others=_(" and ").join(shift.others),
    )


def _stop_texts(beat: BeatRow, name: str) -> list[str]:
    """Return for each post of a beat of a letter where the team stands from when to when."""
    return [
        _("{number} {post}, {arrive} to {leave}").format(
            number=f"{name}{place}",
            post=PlaceNames.joined(plain(stop.label, 80), plain(stop.where, 60)),
            arrive=beat.time(stop.arrive_s),
            leave=beat.time(stop.leave_s),
        )
        for place, stop in enumerate(beat.stops, 1)
    ]


def _site_columns() -> tuple[Column, ...]:
    headers = (
        _("Site"),
        _("Id"),
        _("Kind"),
        _("Agency"),
        _("Standing"),
        _("Costs"),
        _("Road watched"),
        _("Where"),
        _("Traffic (vehicles a day)"),
    )
    numbers = (_("Vehicles inspected"), _("Chance to pass undetected"))
    screen = {
        _("Id"),
        _("Agency"),
        _("Costs"),
    }  # on paper the order has the agencies, and the table of budgets the sums
    return (
        *(Column(header, paper=header not in screen) for header in headers),
        *(Column(header, numeric=True) for header in numbers),
    )


def _site_cells(site: SiteRow) -> tuple[str, ...]:
    texts = (
        plain(site.place or site.label),
        plain(site.id),
        plain(site.type or word(site.entry.kind)),
        plain(site.agency) or DASH,
        _standing(site),
    )
    place = (plain(site.road) or DASH, plain(site.where) or DASH, plain(site.traffic) or DASH)
    return (
        *texts,
        amounts(site.costs),
        *place,
        percent(site.entry.inspected),
        percent(site.entry.survival),
    )


def _standing(site: SiteRow) -> str:
    rules = [
        word
        for word, holds in (
            (_("had to be used"), site.entry.forced),
            (_("not allowed"), site.entry.forbidden),
        )
        if holds
    ]
    other = plain(site.other_type, 40)
    standing = {
        "new": _("new"),
        "kept": _("in use today, kept"),
        "given up": _("in use today, closed"),
        "changed": _("changed: {other} today").format(other=other),
        "not chosen": (
            _("in use today, becomes {other}").format(other=other)
            if site.entry.existing
            else _("not chosen: {other} there").format(other=other)
            if other
            else _("not chosen")
        ),
    }[site.standing]
    return "; ".join((standing, *rules))
