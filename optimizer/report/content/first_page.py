"""The first page: what to keep, open, change and close, which beats to drive, what that
buys, what stays open, and how sure it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from optimizer.base.text.formatting import (
    DASH,
    SPACE,
    amount_with_unit,
    known,
    larger_unit,
    letter,
    number,
    percent,
    plain,
    sentence,
)
from optimizer.base.text.language import counted, marked
from optimizer.base.text.language import gettext as _
from optimizer.problem.instance.teams import TEAMS_A_SHIFT
from optimizer.report.content.comparison import (
    BudgetRow,
    beats_worth_sentences,
    changing_sentences,
    first_changes_sentences,
    shown_mobility,
)
from optimizer.report.content.mixture import ALWAYS, MixtureRow, mixture_order
from optimizer.report.content.placements import BeatRow, SiteRow, beat_times
from optimizer.report.content.report_content import ReportContent
from optimizer.report.content.report_table import largest_first
from optimizer.report.content.risk import record_doubts
from optimizer.report.content.routes import ResidualRoute
from optimizer.report.content.summary import (
    difference,
    difference_in_points,
    difference_short,
    gains,
    less,
    ordered,
    over_local,
    value,
)
from optimizer.report.maps.place_names import PlaceNames
from optimizer.report.words import word

ACTIONS = {"new": "open", "changed": "change", "given up": "close", "kept": "keep"}
"""What is ordered for a site of each standing, in the order of the summary."""
STEPS = {"close": 0, "keep": 2}
"""What is done before, and after, all changes that bring something."""
SMALL = 0.0015
"""Share of loads below which a line is worth .1 points or less, as it is shown."""
FLOOR = 0.0005
"""Share of loads below which a line is done last or not at all: it never stands alone."""
VERBS = {
    "open": marked("open"),
    "change": marked("change"),
    "close": marked("close"),
    "keep": marked("keep"),
    "drive": marked("drive"),
}
"""What the page says for each."""
NAME, PLACE = 80, 60
"""Characters of a name or place that a line of the order holds."""
MOST_EXAMPLES = 2
"""Examples in a sentence."""

LETTERS = 46
"""Letters of a row of a column on paper."""

COLUMNS = 3
"""Columns of a sheet."""

ROWS = 60
"""Rows that one sheet (A4, Letter) holds beside heading, figures and signature."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line of the order: what to do, the number or letter on the maps (may be empty),
    where, and what stands or is done there.

    `mark` is the id of its mark on the interactive map; empty where it has none.
    `without` is how much more would get through without it, and `worth` the same
    unrounded; a dash, and None, where it is not known. For what is closed it is what
    that frees. `brief` says in a few words what stands or is done there. A line of
    several things of little worth has them as its `parts`, and says in `place` what
    they are.
    """

    action: str
    number: str
    place: str
    details: str
    mark: str
    worth: float | None = None
    without: str = DASH
    brief: str = ""
    parts: tuple[OrderLine, ...] = ()

    @property
    def text(self) -> str:
        """All that it says."""
        said = f"{self.verb} {self.number} {self.place} {self.details} {self.without}"
        return " ".join((said, *(f"{p.number} {p.place} {p.brief};" for p in self.parts)))

    @property
    def verb(self) -> str:
        """What to do, in the language that is spoken."""
        return _(VERBS[self.action])


@dataclass(frozen=True, slots=True)
class OrderGroup:
    """The lines of one agency: what is closed first, as that frees what the others need;
    then what brings most; then what is kept.
    """

    agency: str
    lines: tuple[OrderLine, ...]

    @property
    def changes(self) -> tuple[OrderLine, ...]:
        """What is done: all but what is kept."""
        return tuple(line for line in self.lines if line.action != "keep")

    @property
    def kept(self) -> tuple[OrderLine, ...]:
        """What stays as it is."""
        return tuple(line for line in self.lines if line.action == "keep")


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """A figure of the first page: what it is of, the figure itself, sentences that
    explain it, and what stands beside it in smaller letters.

    `over` is its range, or what there is today and the limit; empty where that is not
    known. `further` are those of the sentences that a small screen leaves to the folded
    part.
    """

    title: str
    figure: str
    sentences: tuple[str, ...]
    over: str = ""
    further: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FirstPage:
    """The first page."""

    #: What is ordered, in one sentence.
    summary: str
    #: What gets through, what that costs, and how far it is from the best possible.
    figures: tuple[KeyFigure, ...]
    #: By which roads most gets through, in one sentence; empty where that is not known.
    hole: str
    #: What the record does not show, and which sites rest on it, in sentences.
    record: tuple[str, ...]
    #: In which order the lines stand, and what their figures are, in sentences.
    reading: tuple[str, ...]
    #: Lines by agency; the agency whose change brings most comes first.
    groups: tuple[OrderGroup, ...]
    #: `buys`, `open`, `sure`: Sentences on what it buys, what stays open and how sure
    #: that is.
    buys: tuple[str, ...]
    open: tuple[str, ...]
    sure: tuple[str, ...]

    @property
    def length(self) -> int:
        """Number of lines of all agencies."""
        return sum(len(group.lines) for group in self.groups)

    @property
    def verbs(self) -> dict[str, str]:
        """What the lines order, each once: the action and its verb."""
        return {line.action: line.verb for group in self.groups for line in group.lines}

    @property
    def kept(self) -> int:
        """Number of sites that stay as they are."""
        return sum(len(line.parts) or 1 for group in self.groups for line in group.kept)

    @property
    def long(self) -> bool:
        """Whether the order takes more than one sheet of paper, by the letters of its
        lines.
        """
        texts = [line.text for group in self.groups for line in group.lines]
        headings = sum(bool(group.changes) + bool(group.kept) for group in self.groups)
        return (_rows((*self.reading, *texts)) + 2 * headings) / COLUMNS > ROWS


def _rows(texts: Iterable[str]) -> int:
    """Return how many rows of a column texts take."""
    return sum(math.ceil(len(text) / LETTERS) for text in texts)


def command_order(content: ReportContent) -> FirstPage:
    """Return the order that a plan comes to."""
    groups = _groups(content)
    return FirstPage(
        summary=_summary(content),
        figures=(_through(content), _cost(content), _short_of_best(content)),
        hole=_hole(content),
        record=(*record_doubts(content), *_rests(content)),
        reading=_reading(content) if groups else (),
        groups=groups,
        buys=_buys(content),
        open=_open(content),
        sure=_sure(content),
    )


def _summary(content: ReportContent) -> str:
    if content.mixture is not None and content.mixture.alternates:
        return mixture_order(content.mixture)
    counts = {
        action: sum(site.standing == standing for site in content.sites)
        for standing, action in ACTIONS.items()
    }
    said = {
        "open": _("open {count}"),
        "change": _("change {count}"),
        "close": _("close {count}"),
        "keep": _("keep {count}"),
    }
    parts = ", ".join(
        said[action].format(count=number(count)) for action, count in counts.items() if count
    )
    driven = len(content.beats)
    beats = ""
    if driven:
        beats = counted(
            "drive {count} beat (a team's tour) each shift",
            "drive {count} beats (tours of teams) each shift",
            driven,
        )
    if parts:
        parts = _("{actions} of the sites below").format(actions=parts)
    if parts and beats:
        return sentence(_("{sites}; {beats}.").format(sites=parts, beats=beats))
    if parts or beats:
        return sentence(f"{parts or beats}.")
    return _("No order: the plan places nothing and closes nothing.")


def _groups(content: ReportContent) -> tuple[OrderGroup, ...]:
    lines: dict[str, list[OrderLine]] = {}
    if _alternates(content) and content.mixture is not None:
        for row in content.mixture.rows:
            lines.setdefault(plain(row.agency), []).append(_share_line(row))
        stays = {row.id for row in content.mixture.rows}
        for site in (*content.chosen, *content.not_chosen):
            if site.entry.existing and site.id not in stays:
                closed = replace(
                    _site_line(content, site, ""), action="close", worth=None, without=_frees(site)
                )
                lines.setdefault(plain(site.agency), []).append(closed)
    else:
        numbers = content.numbers
        for site in (*content.chosen, *content.not_chosen):
            if site.standing in ACTIONS:
                line = _site_line(content, site, str(numbers[site.id]))
                lines.setdefault(plain(site.agency), []).append(line)
        for place, beat in enumerate(content.driven):
            lines.setdefault(plain(beat.agency), []).append(
                _beat_line(content, beat, letter(place))
            )
    groups = [
        OrderGroup(agency or _("All"), _folded(content, _in_order(found)))
        for agency, found in sorted(lines.items())
    ]
    return tuple(
        largest_first(
            groups, lambda group: max((_brings(line) for line in group.lines), default=0.0)
        )
    )


def _reading(content: ReportContent) -> tuple[str, ...]:
    if _alternates(content):  # shares of days stand in the order of the mixture
        return ()
    return (
        _(
            "Numbered in the order in which to act: closing first, as it frees what the next lines"
            " need, then what brings most."
        )
        if any(site.standing == "given up" for site in content.not_chosen)
        else _("Numbered in the order in which to act: what brings most first."),
        *_closing(content),
        *([beat_times(content.beats)] if content.beats else []),
        _(
            "If left out: what more gets through without that line alone; it can exceed the whole"
            " gain, so do not add up."
        ),
    )


def _closing(content: ReportContent) -> Iterator[str]:
    """Yield that closing comes first, where the plan would break a budget while what it
    closes is in use, and what for the first that opens.
    """
    closed = [site for site in content.not_chosen if site.standing == "given up"]
    opened = [site for site in content.chosen if site.standing == "new"]
    short: dict[str, float] = {}
    first: dict[str, tuple[int, list[int]]] = {}
    for row in content.budgets:
        freed = {
            content.numbers[site.id]: _takes(site, row) for site in closed if _takes(site, row) > 0
        }
        missing = (
            -math.inf
            if row.budget is None or not freed
            else row.used + sum(freed.values()) - row.budget
        )
        if missing <= 0:
            continue
        unit = plain(row.unit or row.resource)
        short[unit] = short.get(unit, 0.0) + missing
        takes = [
            (content.numbers[site.id], _takes(site, row))
            for site in opened
            if _takes(site, row) > 0
        ]
        if takes and min(takes)[0] < first.get(unit, (math.inf,))[0]:
            first[unit] = min(takes)[0], _enough(freed, min(takes)[1])
    for unit, amount in list(short.items())[:1]:
        said = _("Close before you open: until then {amount} are missing.")
        opens, closes = first.get(unit, (0, []))
        if closes:
            said = _(
                "Close before you open, {closed} before {opened}: until all are closed {amount} are"
                " missing."
            )
        yield said.format(
            amount=amount_with_unit(amount, unit),
            closed=", ".join(map(number, closes)),
            opened=number(opens),
        )


def _takes(site: SiteRow, row: BudgetRow) -> float:
    """Return what a site takes of a budget; nothing of that of another agency."""
    return sum(
        amount
        for amount, unit in site.costs.values()
        if unit == row.unit and row.agency in {"", site.agency}
    )


def _enough(freed: Mapping[int, float], wanted: float) -> list[int]:
    """Return the numbers of the fewest closings that free what is wanted; none where
    all of them do not, or nothing is.
    """
    most_first = sorted(freed, key=lambda k: (-freed[k], k))
    count = next(
        (
            k
            for k in range(len(most_first) + 1)
            if sum(freed[each] for each in most_first[:k]) >= wanted
        ),
        0,
    )
    return sorted(most_first[:count])


def _in_order(lines: list[OrderLine]) -> tuple[OrderLine, ...]:
    """Return what is closed, then what is done by what it brings, then what is kept."""
    ranked = largest_first(lines, lambda line: line.worth)
    return tuple(sorted(ranked, key=lambda line: STEPS.get(line.action, 1)))


def _folded(content: ReportContent, lines: Sequence[OrderLine]) -> tuple[OrderLine, ...]:
    """Return lines with those of one action that are worth little as one, after the
    others of their step; also one alone that is worth next to nothing.
    """
    scale = 1.0 if content.summary.share else content.summary.nothing or 0.0
    limit = SMALL * scale
    small: dict[str, list[OrderLine]] = {}
    for line in lines:
        if line.worth is not None and known(line.worth) and line.worth < limit:
            small.setdefault(line.action, []).append(line)
    small = {
        action: parts
        for action, parts in small.items()
        if len(parts) > 1 or (action != "keep" and (parts[0].worth or 0.0) < FLOOR * scale)
    }
    folded: list[OrderLine] = []
    for step in (0, 1, 2):
        own = [line for line in lines if STEPS.get(line.action, 1) == step]
        folded += [line for line in own if line not in small.get(line.action, ())]
        for action in dict.fromkeys(line.action for line in own):
            if parts := small.get(action, []):
                folded.append(_several(content, action, parts))
    return tuple(folded)


def _several(content: ReportContent, action: str, parts: Sequence[OrderLine]) -> OrderLine:
    """Return the line of several beats or sites that are worth little."""
    what = (
        counted("{count} beat", "{count} beats", len(parts))
        if action == "drive"
        else counted("{count} site", "{count} sites", len(parts))
    )
    most = max(line.worth or 0.0 for line in parts)
    points = difference_short(content.summary, max(most, 0.001 if content.summary.share else most))
    said = _("{what} of {points} or less each:").format(what=what, points=points)
    if content.summary.share and most < FLOOR and action != "keep":
        said = _("{what}, each of less than {points} points, last or not at all:").format(
            what=what, points=number(100 * FLOOR)
        )
    return OrderLine(action, "", said, "", "", without="", parts=tuple(parts))


def _brings(line: OrderLine) -> float:
    """Return what a change brings; nothing where it is kept, closed or not known."""
    return (
        line.worth
        if line.action != "keep" and line.worth is not None and known(line.worth)
        else 0.0
    )


def _site_line(content: ReportContent, site: SiteRow, number: str) -> OrderLine:
    kind = plain(site.type or word(site.entry.kind), 40)
    if site.standing == "changed":
        kind = _("from {other} to {kind}").format(kind=kind, other=plain(site.other_type, 40))
    road = plain(site.road, NAME)
    name = plain(site.place or site.label, NAME)
    known_road = road.partition(", ")[0].partition("; ")[0]
    where = plain(site.where, PLACE)
    details = [
        kind,
        "" if known_road and known_road in name else road,
        "" if PlaceNames.in_degrees(where) else where,
    ]
    worth = site.entry.worth if site.chosen else None
    without = _more(content, worth) if site.chosen else _frees(site)
    return OrderLine(
        ACTIONS[site.standing],
        number,
        name,
        "; ".join(filter(None, details)),
        f"site-{site.id}",
        worth,
        without,
        kind,
    )


def _more(content: ReportContent, worth: float | None) -> str:
    """Return how much more gets through without a line, with a sign."""
    said = difference(content.summary, worth)
    return f"+{said}" if said[:1].isdigit() and worth != 0 else said


def _frees(site: SiteRow) -> str:
    """Return what closing a site frees: the first of its costs; a dash where it takes nothing."""
    costs = [
        amount_with_unit(amount, unit or name)
        for name, (amount, unit) in site.costs.items()
        if amount
    ]
    return _("frees {amount}").format(amount=costs[0]) if costs else DASH


def _share_line(row: MixtureRow) -> OrderLine:
    """Return the line of a placement of a mixture: on what share of days it stands."""
    share = (
        _("always")
        if row.share >= ALWAYS
        else _("on {share} of days").format(share=percent(row.share))
    )
    action = "drive" if row.beat else "keep" if row.today else "open"
    return OrderLine(
        action, "", plain(row.label, NAME), f"{plain(word(row.kind), 40)}; {share}", ""
    )


def _beat_line(content: ReportContent, beat: BeatRow, name: str) -> OrderLine:
    stops = [
        f"{beat.time(stop.arrive_s)}{DASH}{beat.time(stop.leave_s)} "
        + PlaceNames.joined(plain(stop.label, NAME).partition(" (")[0], plain(stop.where, PLACE))
        for stop in beat.stops
    ]
    said = _("{team} from {base}, out {leaves}{dash}{back}; {stops}")
    details = said.format(
        team=plain(beat.team, NAME),
        base=plain(beat.home.label, NAME),
        leaves=beat.time(beat.sets_out_s),
        dash=DASH,
        back=beat.time(beat.back_s),
        stops="; ".join(stops),
    )
    brief = f"{beat.time(beat.sets_out_s)}{DASH}{beat.time(beat.back_s)}"
    worth = beat.entry.worth
    return OrderLine(
        "drive", name, beat.place, details, f"beat-{name}", worth, _more(content, worth), brief
    )


def _through(content: ReportContent) -> KeyFigure:
    """Say by how much less gets through than now, or than with nothing placed where
    nothing stands today.
    """
    summary = ordered(content)
    today = known(summary.existing)
    before = summary.existing if today else summary.nothing
    fewer = less(summary, before, summary.upper)
    weighing = (summary.weighing,) if summary.weighing else ()
    if before is None or fewer is None:
        title = (
            _("What gets through")
            if summary.weighing
            else _("Loads (vehicles with drugs) that get through")
        )
        return KeyFigure(title, value(summary, summary.upper), weighing)
    title = {
        (True, True): _("What the plan gains on today"),
        (True, False): _("What the plan LOSES against today"),
        (False, True): _("What the plan gains on nothing placed"),
        (False, False): _("What the plan LOSES against nothing placed"),
    }[today, fewer >= 0]
    both = (
        _("{before} of loads get through today, {after} with the plan.")
        if today
        else _("{before} of loads get through with nothing placed, {after} with the plan.")
    )
    if not summary.share or summary.weighing:
        both = (
            _("{before} get through today, {after} with the plan.")
            if today
            else _("{before} get through with nothing placed, {after} with the plan.")
        )
    lines = [both.format(before=value(summary, before), after=value(summary, summary.upper))]
    nothing: tuple[str, ...] = ()
    if today and known(summary.nothing):
        nothing = (
            _("With nothing placed: {value}.").format(value=value(summary, summary.nothing)),
        )
    least, most = gains(content, fewer)
    over = ""
    if least < most and fewer >= 0:
        ends = (
            _("(a loss of {least} to a gain of {most})") if least < 0 else _("({least} to {most})")
        )
        over = ends.format(least=difference(summary, abs(least)), most=difference(summary, most))
        lines.append(
            _("Range: by changes of gateway, detection, and how many loads keep to a place.")
            if over_local(content)
            else _("Range: by changes of gateway, and by detection.")
        )
    figure = difference_short(summary, abs(fewer))
    return KeyFigure(title, figure, (*lines, *weighing, *nothing), over, nothing)


def _cost(content: ReportContent) -> KeyFigure:
    """Say what the plan takes of each unit, over all agencies, what today's layout
    takes, and what there is of it.
    """
    used: dict[str, float] = {}
    most: dict[str, float | None] = {}
    today: dict[str, float] = {}
    for row in content.budgets:
        unit = plain(row.unit or row.resource)
        used[unit] = used.get(unit, 0.0) + row.used
        if row.today is not None:
            today[unit] = today.get(unit, 0.0) + row.today
        before = most.get(unit, 0.0)
        most[unit] = None if before is None or row.budget is None else before + row.budget
    texts = []
    for unit, amount in used.items():
        limit = most[unit]
        said, by = larger_unit(unit, amount, limit)
        beside = (
            [_("{today} today").format(today=number(today[unit] / by))] if unit in today else []
        )
        beside += [] if limit is None else [_("limit {most}").format(most=number(limit / by))]
        texts.append((f"{number(amount / by)}{SPACE}{said}", ", ".join(beside).replace(" ", SPACE)))
    figure, over = texts[0] if texts else (DASH, "")
    main = next(iter(used), "")
    taken = sum(
        amount
        for beat in content.beats
        for amount, unit in beat.costs.values()
        if plain(unit) == main
    )
    rest = []
    for unit, (text, around) in list(zip(used, texts, strict=True))[1:]:
        said = f"{text} ({around})" if around else text
        if taken and unit == plain(_(TEAMS_A_SHIFT)):
            said = _("{teams}, with {count} of the {all}").format(
                teams=said, count=number(taken), all=number(used[main])
            )
        rest.append(sentence(f"{said}."))
    if not texts:
        rest = [_("No budget was given.")]
    elif _alternates(content):
        rest.append(_("These are of the best single plan."))
    return KeyFigure(_("What it costs in all"), figure, tuple(rest), over and f"({over})")


def _short_of_best(content: ReportContent) -> KeyFigure:
    """Say how far the plan may be from the best possible."""
    summary = ordered(content)
    if summary.left is None:
        figure = _("not known")
    elif summary.proved:
        figure = _("nothing: proven")
    else:
        said = (
            _("at most {points}")
            if summary.searched_enough
            else _("not yet known: at most {points}")
        )
        figure = said.format(points=difference_short(summary, summary.left_shown))
    said, *beside = _proof(content, titled=True)
    holds = _("All this is by the model; how far it is right is not known.")
    return KeyFigure(
        _("Short of the best plan by"), figure, (said, *beside, holds), further=(said,)
    )


def _hole(content: ReportContent) -> str:
    if _alternates(content) or not content.residual_routes:
        return ""
    way = content.residual_routes[0]
    texts = {
        "loads": _loads(content, way),
        "past": _past(way),
        "end": plain(way.end, PLACE),
    }
    if not way.entry:
        said = _("{loads} get through, such as from {start} to {end} by {roads}, {past}.")
        return said.format(start=plain(way.start, PLACE), roads=_roads(way.roads), **texts)
    said = (
        _(
            "{loads} get through like this: enter at {entry} (reached by {outside}), then {roads}"
            " to {end}, {past}."
        )
        if way.outside
        else _("{loads} get through like this: enter at {entry}, then {roads} to {end}, {past}.")
    )
    return said.format(
        entry=plain(way.entry, PLACE),
        outside=_roads(way.outside),
        roads=_roads(way.inland),
        **texts,
    )


def _buys(content: ReportContent) -> tuple[str, ...]:
    summary = ordered(content)
    lines = []
    for amount, less_said, more_said in (
        (
            summary.existing,
            _(
                "Against today\N{RIGHT SINGLE QUOTATION MARK}s layout ({value}): {points} less gets"
                " through{relative}."
            ),
            _(
                "Against today\N{RIGHT SINGLE QUOTATION MARK}s layout ({value}): {points} MORE gets"
                " through{relative}."
            ),
        ),
        (
            summary.nothing,
            _("Against nothing placed ({value}): {points} less gets through{relative}."),
            _("Against nothing placed ({value}): {points} MORE gets through{relative}."),
        ),
    ):
        fewer = less(summary, amount, summary.upper)
        if amount is None or fewer is None:
            continue
        relative = (
            _(", {share} of it").format(share=percent(abs(fewer) / amount, 0)) if amount else ""
        )
        points = difference_in_points(summary, abs(fewer))
        said = less_said if fewer >= 0 else more_said
        lines.append(said.format(value=value(summary, amount), points=points, relative=relative))
    if not known(summary.existing):
        lines.append(
            _("No site is marked as in use today, so there is no layout of today to compare with.")
        )
    if _alternates(content):  # facts of the best single plan
        return (*lines, *changing_sentences(content))
    more = (
        *changing_sentences(content),
        *first_changes_sentences(content),
        *beats_worth_sentences(content),
    )
    return (*lines, *more)


def _open(content: ReportContent) -> tuple[str, ...]:
    # these are routes past the best single plan, which is not the one ordered
    if _alternates(content):
        return ()
    return (*_failing(content), *(_way(content, way) for way in content.holes))


def _failing(content: ReportContent) -> tuple[str, ...]:
    """Say what it costs at most if one site of the plan is out of work: its marginal
    value, as those who know the plan answer that too.
    """
    sites = content.chosen
    if not sites or not all(known(site.entry.worth) for site in sites):
        return ()
    worst = sites[0]
    said = _(
        "If one site is out of work, at most {points} more gets through, also where everybody knows"
        " it: that is {site}."
    )
    return (
        said.format(
            points=difference_in_points(content.summary, worst.entry.worth),
            site=plain(worst.place or worst.label, NAME),
        ),
    )


def _alternates(content: ReportContent) -> bool:
    """Return whether the order is of a mixture; facts of the best single plan are then
    none of it.
    """
    return content.mixture is not None and content.mixture.alternates


def _way(content: ReportContent, way: ResidualRoute) -> str:
    return _(
        "{start} to {end} by {roads}, {past}: {through} of the loads on it get through; these are,"
        " with others by these roads, {loads}."
    ).format(
        start=plain(way.start, 2 * PLACE),
        end=plain(way.end, PLACE),
        roads=_roads(way.roads),
        past=_past(way),
        through=percent(way.through, 0),
        loads=_loads(content, way),
    )


def _roads(names: Iterable[str]) -> str:
    return ", ".join(plain(road, NAME) for road in names) or _("roads without a name")


def _past(way: ResidualRoute) -> str:
    if not way.past:
        return _("past no site of the plan")
    return _("past {sites}").format(sites=_listed([plain(name, NAME) for name in way.past]))


def _loads(content: ReportContent, way: ResidualRoute) -> str:
    """Return how many loads get through by the roads of a way."""
    said = _("{share} of all loads") if content.summary.share else _("{share} loads")
    return said.format(share=value(content.summary, way.contribution))


def _sure(content: ReportContent) -> tuple[str, ...]:
    return (
        " ".join(_proof(content)),
        *_longer(content),
        *_mobile(content),
        *record_doubts(content),
        *_rests(content),
        *_others(content),
        *_draws(content),
    )


def _proof(content: ReportContent, *, titled: bool = False) -> list[str]:
    """Say how much better another plan could be; without the figure where it stands
    above as a title, then whether that is much.
    """
    summary = ordered(content)
    left = summary.left_shown
    if not summary.bound_asked:
        return [_("How much better another plan could be is not known: no bound was asked for.")]
    if left is None:
        return [_("How much better another plan could be was not proven.")]
    if summary.proved:
        return [_("No plan within these budgets does better in the model: that is proven.")]
    gained = less(summary, summary.existing, summary.upper)
    said = _("A plan within these budgets that lets up to {points} less through is not ruled out.")
    if titled:
        said = _("No plan within these budgets gains more than that on this one, by the model.")
    beside = (
        [_("That is more than this plan gains on today.")]
        if gained is not None and left > gained
        else []
    )
    return [said.format(points=difference_in_points(summary, left)), *beside]


def _longer(content: ReportContent) -> list[str]:
    """Say how to search longer, where that is wanted."""
    summary = ordered(content)
    if summary.searched_enough or not summary.bound_asked:
        return []
    return [_("To search longer, give the command plan more seconds: --time-limit.")]


def _mobile(content: ReportContent) -> list[str]:
    """Say what becomes of the gain on today's layout if traffickers may change gateway:
    what is proven holds for the assumed share alone.
    """
    own = next((row for row in content.mobility if row.assumed), None)
    if own is None or _alternates(content):
        return []
    lines = []
    if known(content.summary.bound):
        said = (
            _(
                "What is proven holds where {share} of the informed loads may change gateway, as"
                " the scenario assumes."
            )
            if own.entry.mobility
            else _(
                "What is proven holds where every load keeps its gateway, as the scenario assumes."
            )
        )
        lines.append(said.format(share=percent(own.entry.mobility, 0)))
    gain = less(content.summary, own.entry.existing, own.entry.plan)
    others = [
        (row, less(content.summary, row.entry.existing, row.entry.plan))
        for row in content.mobility
        if not row.assumed
    ]
    rest = "; ".join(
        _("{share}: {points}").format(
            share=shown_mobility(row), points=difference_short(content.summary, other)
        )
        for row, other in others
        if other is not None
    )
    if gain is not None and rest:
        points = difference_in_points(content.summary, gain)
        lines.append(
            _(
                "With the share of loads that the scenario lets change gateway the gain on today is"
                " {points}."
            ).format(points=points)
        )
        lines.append(_("If other shares may change, it is: {gains}.").format(gains=rest))
        lines.append(_("How wrong the record and the assumed flows may be is in none of these."))
    return [" ".join(lines)] if lines else []


def _rests(content: ReportContent) -> tuple[str, ...]:
    """Say which sites rest on the record; nothing of a mixture, whose best single plan
    is not the one ordered.
    """
    return () if _alternates(content) else content.rests_on[:1]


def _others(content: ReportContent) -> list[str]:
    facts, sites = content.swaps, len(content.chosen)
    if facts is None or _alternates(content):
        return []
    examples = [
        _("{out} for {into}").format(out=plain(out, NAME), into=plain(into, NAME))
        for out, into in facts.sites[:MOST_EXAMPLES]
    ]
    rise = difference_short(content.summary, facts.close)
    if not examples:
        firm = _(
            "Each of the {tried} exchanges of one site for another that were tried lets over {rise}"
            " more through; others were not tried."
        )
        return [firm.format(tried=facts.tried, rise=rise)]
    close = _(
        "Other plans are nearly as good: {count} of {sites} can each be exchanged for another at a"
        " loss of {rise} at most, such as {examples}."
    )
    return [
        close.format(
            count=len(facts.sites),
            sites=counted("{count} site", "{count} sites", sites),
            rise=rise,
            examples="; ".join(examples),
        )
    ]


def _draws(content: ReportContent) -> list[str]:
    facts = content.doubt
    shares = [row.beats_today for row in facts.rows[:1]] if facts is not None else []
    better = _(
        "In {share} of {draws} draws of what is not known it is better than"
        " today\N{RIGHT SINGLE QUOTATION MARK}s layout."
    )
    return [
        better.format(share=percent(share, 0), draws=facts.draws)
        for share in shares
        if share is not None and facts is not None
    ]


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_EXAMPLES
    first = _(" and ").join(names[:MOST_EXAMPLES])
    return _("{names} and {count} more").format(names=first, count=more) if more > 0 else first
