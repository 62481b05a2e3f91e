"""A planner at a desk: the desk, the folder it was opened from, and the search that
runs in the background.

What a desk reads and writes: a plan folder, and variants of its plan in folders within
it.
"""

from __future__ import annotations

import math
import os
import re
import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from optimizer.analysis.compare.compare import SitePlaces
from optimizer.analysis.desk.desk import (
    NAME_LENGTH,
    Desk,
    DeskModel,
    option_name,
    resource_name,
    tour_name,
)
from optimizer.analysis.desk.shown import DeskGround, shown_beats, shown_content, shown_sites
from optimizer.analysis.desk.view import (
    DeskActions,
    DeskBeat,
    DeskBudget,
    DeskGain,
    DeskMapContent,
    DeskProgress,
    DeskSite,
    DeskView,
    Standing,
)
from optimizer.analysis.explain.replacements import swapped
from optimizer.base.errors import InfeasibleError, InputError, OptimizerError, Problem
from optimizer.base.files.output_folder import new_folder
from optimizer.base.text.formatting import Amount, ValueText, amounts, letter, number, plain
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked, term
from optimizer.base.text.messages import all_translated, joined, message, translated
from optimizer.base.version import package_version
from optimizer.base.work.listener import SILENT, Listener, SilentListener, is_interrupt, step
from optimizer.plans.changes import plan_command, whole_changes
from optimizer.plans.display_names import row_name
from optimizer.plans.plan_content import straight_geojson
from optimizer.plans.plan_folder import PlanFolder, provenance
from optimizer.problem.files.plan_file import (
    DIGITS,
    SCHEMA_VERSION,
    PlanFile,
    PlanSite,
    PlanValues,
    beat_entries,
    resource_entries,
    site_entry,
)
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import BUDGET_TOLERANCE, Resource
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.plan import Beat, Plan, with_beats, with_plan, with_teams
from optimizer.problem.plan.result import Result, relative_gap
from optimizer.report.content.placements import SiteRow, driven_order, site_numbers
from optimizer.report.maps.place_names import PlaceNames
from optimizer.report.words import word
from optimizer.solvers.branch_and_cut.improve.feasible_start import make_room
from optimizer.solvers.overlay.overlay import restricted
from optimizer.solvers.params import SolveOptions, SolveParams
from optimizer.solvers.patrols.beat_pool import with_tours
from optimizer.solvers.patrols.joint import solve_joint
from optimizer.solvers.place import place

BEAT = 300
"""Characters of a beat's name, which lists its stops."""

ENDS = {
    "time": marked("the time ended"),
    "interrupted": marked("it was stopped"),
    "memory": marked("the memory was used up"),
}
"""Why a search ended."""

PROVEN = marked("it is proven best within the gap asked for")

STEPS = 100
"""About how many steps a budget slider has up to its end."""


class DeskSession(DeskActions):
    """What the page asks of a desk.

    Parameters
    ----------
    folder
        The plan folder.
    params
        Parameters of the search to set by name, such as `tree.splits`; the others are
        those that the plan was made with.
    skip_unreachable
        Leave out evaders without a path.
    listener
        Told of each step.

    Raises
    ------
    InputError
        If the folder holds no plan with its instance.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        params: Mapping[str, Any] | None = None,
        skip_unreachable: bool = False,
        listener: Listener = SILENT,
    ) -> None:
        self.opened = PlanFolder(folder, skip_unreachable=skip_unreachable)
        self.folder = self.opened.path
        with step(listener, f"reading {self.folder}"):
            self.opened.check_version()
            known = self.opened.known
            self._params = self.opened.search_params(params)
        with step(listener, "contracting"):
            self.desk = Desk(known)
            # what an action changes is checked against it: not while a planner waits
            # for the first
            self.desk.base.check()
        self._places = SitePlaces.of(self.desk.base, self.opened.site_rows)
        rows = {row.id: row for row in _rows(self.opened.file)}
        self._entries = [
            _site(self.desk, j, self._places, rows.get(option.id)).model_copy(
                update={"label": option_name(option)}
            )
            for j, option in enumerate(self.desk.base.options)
        ]
        today = np.array([option.existing for option in self.desk.base.options], dtype=bool)
        self._today = plan_value(self.desk.base, today) if today.any() else None
        self._worth = DeskWorth(self.desk)
        self._numbers: dict[str, str] = {}
        self._beats: dict[str, str] = {}  # what each beat is called that was driven in a plan shown
        self._opened = (known.value, np.array([each.budget for each in self.desk.base.resources]))
        self._search: DeskSearch | None = None
        self._version = 0
        self.saved: list[Path] = []

    @property
    def version(self) -> int:
        """Goes up whenever something changes."""
        return self._version

    @cached_property
    def ground(self) -> DeskGround | None:
        """What the map shows whatever the plan, in the language that is spoken when it
        is first asked for; None without a map.
        """
        ground = DeskGround.of(self.opened, self.desk.base)
        if ground is not None and not ground.bare:
            self.desk.names = ground.names.resources
        return ground

    @property
    def on_map(self) -> Hashable:
        """What the map depends on: it changes with the plan shown and with demands on
        sites and beats.
        """
        state = self.desk.state
        beats = tuple(map(tour_name, state.beats.must)), tuple(map(tour_name, state.beats.banned))
        return (
            state.plan.options,
            tuple(map(tour_name, state.plan.beats)),
            state.changes.forced,
            state.changes.forbidden,
            beats,
        )

    def map(self) -> DeskMapContent | None:
        """Return what the map shows; None where there is none."""
        if self.ground is None:
            return None
        content = shown_content(self.ground, self.desk, self._entries, share=self._values.share)
        demands = {name: self._whole_demand(name) for name in self.desk.sites}
        must, must_not = (
            tuple(
                place
                for name, asked in demands.items()
                if asked is wanted
                for place in self._place(name)
            )
            for wanted in (True, False)
        )
        return DeskMapContent(content, self._numbered(), must, must_not, self.ground.bare)

    def _place(self, name: str) -> list[tuple[float, float]]:
        """Return where a site stands, in degrees; none where that is not known."""
        j = self.desk.sites[name][0]
        lon, lat = float(self._places.lon[j]), float(self._places.lat[j])
        return [(lon, lat)] if math.isfinite(lon) else []

    def work(self, seconds: float) -> bool:
        """Work out what sites of the plan shown add, for so long; return whether all of
        it has become known just now.
        """
        if self._search is not None or self._worth.known:
            return False
        self._worth.work(seconds)
        self._version += self._worth.known
        return self._worth.known

    def site_at(self, mark: str) -> str:
        """Return the name of the site whose mark it is on the map; empty for another mark."""
        j = (
            self.desk.base.option_index.get(mark.removeprefix("site-"), -1)
            if mark.startswith("site-")
            else -1
        )
        return next((name for name, options in self.desk.sites.items() if j in options), "")

    @property
    def _values(self) -> ValueText:
        return ValueText.of(self.desk.base.weight)

    def _numbered(self) -> dict[str, str]:
        """Return the number of each option that is used or closed in the plan shown, by
        id: once given, a site keeps it.
        """
        options = self.desk.base.options
        numbers = self._numbers
        placed = self.desk.placed
        here = {j: self.desk.sites[options[j].site or options[j].id] for j in range(len(options))}
        used = [j for j in here if placed[j]]
        closed = [j for j in here if options[j].existing and not any(placed[k] for k in here[j])]
        if not numbers:  # the plan as it was opened: as its report has them
            rows = shown_sites(self.ground, self.desk, self._entries)
            given = site_numbers(rows, shown_beats(self.ground, self.desk))
            numbers |= {name: str(place) for name, place in given.items()}
        for j in (*used, *closed):
            if options[j].id in numbers:
                continue
            peers = [options[k].id for k in here[j] if k != j and not placed[k]]
            before = next((numbers[name] for name in peers if name in numbers), None)
            numbers[options[j].id] = before or str(1 + max(map(int, numbers.values()), default=0))
        return {options[j].id: numbers[options[j].id] for j in (*used, *closed)}

    def view(self) -> DeskView:
        """Return what lies on the desk."""
        ground = self.ground
        desk = self.desk
        numbers = self._numbered()
        rows = {row.id: row for row in shown_sites(ground, desk, self._entries)}
        driven = driven_order(shown_beats(ground, desk))
        letters = {row.id: letter(k) for k, row in enumerate(driven)}
        self._beats |= {row.id: f"{row.team}: {row.place}" for row in driven}
        return DeskView(
            title=plain(self.folder.resolve().name, NAME_LENGTH),
            values=self._values,
            value=desk.value,
            opened_value=self._opened[0],
            today=self._today,
            lower=desk.lower,
            evaluation_ms=1000 * desk.evaluation_seconds,
            faults=all_translated(desk.shortfalls),
            sites=tuple(self._site(name, rows, numbers) for name in desk.sites),
            budgets=self._budgets(),
            beats=tuple(self._beat(name, beat, letters) for name, beat in desk.tours().items()),
            last=translated(desk.state.action) if desk.can_undo else "",
            can_undo=desk.can_undo,
            can_redo=desk.can_redo,
            progress=self.progress(),
        )

    def detail(self, name: str) -> str:
        """Return what a site does in the plan shown, in words."""
        desk = self.desk
        options = desk.options_of(name)
        adds, used = desk.adds(name), desk.placed[list(options)].any()
        effect = (
            _("Without it {value} would get through: it takes {adds} off. It needs {needs}.")
            if used
            else _(
                "With it as well, budgets aside, {value} would get through: {adds} less. It needs"
                " {needs}."
            )
        )
        as_kind = _("as {kind} {needs}") if len(options) > 1 else "{needs}"
        needs = [as_kind.format(kind=self._kind(j), needs=self._needs(j)) for j in options]
        value = desk.value + adds if used else desk.value - adds
        said = self._values
        return effect.format(
            value=said.value(value), adds=said.points(adds), needs="; ".join(needs)
        )

    def turn(self, name: str) -> None:
        """Go on to the next demand on a site: none, must be used, must not be used."""
        self._free().turn(name)
        self._version += 1

    def force(self, name: str) -> None:
        """Demand that a site, or one option of it, is used."""
        self._free().force(name)
        self._version += 1

    def forbid(self, name: str) -> None:
        """Demand that a site, or one option of it, is not used."""
        self._free().forbid(name)
        self._version += 1

    def release(self, name: str) -> None:
        """Take the demands on a site back."""
        self._free().release(name)
        self._version += 1

    def demand_beat(self, name: str, must: bool | None) -> None:
        """Demand that a beat is driven, or is not; None takes the demand back."""
        self._free().demand_beat(name, must)
        self._version += 1

    def set_budget(self, resource: str, amount: float) -> None:
        """Set a budget."""
        self._free().set_budget(resource, amount)
        self._version += 1

    def undo(self) -> None:
        """Take the last action back."""
        self._free().undo()
        self._version += 1

    def redo(self) -> None:
        """Do again what was taken back."""
        self._free().redo()
        self._version += 1

    def search(self, seconds: float) -> None:
        """Look for the best plan from here, in the background."""
        search = DeskSearch(self._free(), time_limit=seconds, params=self._params)
        self._search = search
        search.start()
        self._version += 1

    def stop(self) -> None:
        """End the search soon, with the best plan so far."""
        if self._search is not None:
            self._search.stop()
            self._version += 1

    def poll(self) -> str:
        """Lay the plan of a search that has ended on the desk; return what came of it,
        empty where nothing has ended.

        Raises
        ------
        InfeasibleError
            If it has ended without a plan, with the reason.
        """
        search = self._search
        if search is None or not search.done:
            return ""
        self._search = None
        self._version += 1
        if search.result is None or search.result.plan is None:
            raise InfeasibleError(message("No plan: {reason}", reason=search.failure))
        before, feasible = self.desk.value, self.desk.feasible
        search.take()
        gained = before - self.desk.value
        if not feasible:
            found = _("The best plan found lets {value} through; {why} after {seconds} s.")
        elif gained > 0:
            found = _(
                "The best plan found lets {value} through, {gained} less than the one that was"
                " shown; {why} after {seconds} s."
            )
        else:
            found = _(
                "The best plan found lets {value} through: the one that was shown; {why} after"
                " {seconds} s."
            )
        return found.format(
            value=self._values.value(self.desk.value),
            gained=self._values.points(gained),
            why=_(ENDS.get(search.result.limit or "", PROVEN)),
            seconds=number(search.seconds, 2),
        )

    def save(self, name: str) -> str:
        """Save the plan shown as a variant; return where it is, and what makes its report."""
        place = save_variant(self._free(), self.opened, name, self._worth)
        self.saved.append(place)
        again = PlanFolder(place).run["again"]
        return _("{folder}. Report, figures and duties are made by: {command}").format(
            folder=place, command=again
        )

    def close(self, seconds: float = 5.0) -> None:
        """Stop what runs, and wait for it."""
        if self._search is not None:
            self._search.stop()
            self._search.wait(seconds)

    def _free(self) -> Desk:
        """Return the desk, where no search needs it as it is."""
        if self._search is not None:
            raise InputError(
                Problem(
                    message("desk"),
                    message("a search that runs"),
                    message("its end"),
                    message("Stop it, or wait"),
                )
            )
        return self.desk

    def progress(self) -> DeskProgress | None:
        """Return how far the search is; None where none runs."""
        search = self._search
        if search is None:
            return None
        lower = max(search.lower, self.desk.lower)
        return DeskProgress(
            search.seconds, search.time_limit, search.step, lower, search.upper, search.cancelled()
        )

    def _whole_demand(self, name: str) -> bool | None:
        """Return whether a site must (or must not) be used; a demand for one of several
        kinds asks for the site.
        """
        options, marks = self.desk.sites[name], self.desk.mark(name)
        whole = marks.get(
            name, marks.get(self.desk.base.options[options[0]].id) if len(options) == 1 else None
        )
        return whole if whole is not None else (True if True in marks.values() else None)

    def _site(self, name: str, rows: Mapping[str, SiteRow], numbers: Mapping[str, str]) -> DeskSite:
        desk, options = self.desk, self.desk.sites[name]
        first = desk.base.options[options[0]]
        marks = desk.mark(name)
        must = self._whole_demand(name)
        used = [j for j in options if desk.placed[j]]
        standing: Standing = (
            "must" if must else "must not" if must is False else "used" if used else "not used"
        )
        alone = len(options) == 1
        asked = [
            self._asked(mark, None if each == name or alone else desk.base.option_index[each])
            for each, mark in marks.items()
        ]
        stands = [
            _("in the plan") if alone else _("in the plan as {kind}").format(kind=self._kind(j))
            for j in used
        ]
        today = [_("in use today")] if any(desk.base.options[j].existing for j in options) else []
        shown = rows[desk.base.options[(used or options)[0]].id]
        kept = [
            self._numbers[each]
            for j in options
            if (each := desk.base.options[j].id) in self._numbers
        ]
        called = option_name(first) if first.label or alone else plain(name, NAME_LENGTH)
        return DeskSite(
            name=name,
            label=plain(shown.place, NAME_LENGTH) or called,
            mark=f"site-{plain(shown.id)}" if math.isfinite(self._places.lon[options[0]]) else "",
            number=numbers.get(shown.id, kept[0] if kept else ""),
            road=plain(PlaceNames.joined(shown.road, shown.where), 2 * NAME_LENGTH),
            standing=standing,
            used=bool(used),
            existing=bool(today),
            says="; ".join([*asked, *(stands or [_("not in the plan")]), *today]),
            kinds=tuple((desk.base.options[j].id, self._kind(j)) for j in options),
            adds=self._worth.of_site(used or options),
        )

    def _asked(self, must: bool, option: int | None) -> str:
        """Return a demand in words; of an option, where it is not the whole site's."""
        if option is None:
            return _("must be used") if must else _("must not be used")
        said = _("must be used as {kind}") if must else _("must not be used as {kind}")
        return said.format(kind=self._kind(option))

    def _beat(self, name: str, beat: Beat, letters: Mapping[str, str]) -> DeskBeat:
        state = self.desk.state
        used = any(tour_name(each) == name for each in state.plan.beats)
        return DeskBeat(
            name=name,
            label=plain(self._beats.get(beat.id, beat.label), BEAT),
            letter=letters.get(beat.id, "") if used else "",
            must=state.beats.mark(name),
            used=used,
        )

    def _needs(self, option: int) -> str:
        uses = self.desk.base.options[option].uses
        said = [
            amount_of(r, uses[r.id], self.desk.names)
            for r in self.desk.base.resources
            if uses.get(r.id)
        ]
        return "; ".join(said) or _("nothing")

    def _kind(self, option: int) -> str:
        found = self.desk.base.options[option]
        called = (
            found.type
            if self.ground is None
            else self.ground.names.kinds.get(found.type, found.type)
        )
        return plain(called or word(found.kind), NAME_LENGTH)

    def _budgets(self) -> tuple[DeskBudget, ...]:
        desk, opened = self.desk, self._opened[1].tolist()
        used = dict(
            zip((r.id for r in desk.model.instance.resources), desk.used().tolist(), strict=True)
        )
        needs, more = desk.base.use, self._worth.more()
        return tuple(
            DeskBudget(
                id=resource.id,
                name=resource_name(resource, desk.names),
                unit=plain(term(resource.unit), NAME_LENGTH),
                used=used[resource.id],
                budget=resource.budget,
                opened=opened[r],
                most=(most := _end(opened[r], needs[:, r], whole)),
                step=(
                    1.0 if whole and most <= 10 * STEPS else 10.0 ** round(math.log10(most / STEPS))
                ),
                more=more.get(resource.id),
                known=self._worth.known,
            )
            for r, resource in enumerate(desk.case.resources)
            for whole in [float(opened[r]).is_integer() and bool(np.all(needs[:, r] % 1 == 0))]
        )


def _end(opened: float, needs: np.ndarray, whole: bool) -> float:
    """Return where the slider of a budget ends: twice the budget, and at least three of
    what needs most of it.
    """
    end = max(2.0 * opened, 3.0 * float(needs.max(initial=0.0)), 1.0 if whole else 1e-6)
    return float(math.ceil(end)) if end >= 1 else end


class DeskWorth:
    """What each site of the plan shown adds, worked out bit by bit, as that takes
    longer than an action may.

    Parameters
    ----------
    desk
        With the plan.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._state = desk.state
        self._worth = list[float]()
        self._more: dict[str, DeskGain] | None = None

    @property
    def known(self) -> bool:
        """Whether all of it is known, of the plan that is shown now."""
        return self._desk.state is self._state and len(self._worth) == len(self._desk.base.options)

    def of_site(self, options: Sequence[int]) -> float | None:
        """Return what the best of some options adds; None until all is known."""
        return max(self._worth[j] for j in options) if self.known else None

    def whole(self) -> Sequence[float]:
        """Return by how much less gets through with each option of the problem than
        without it; what is not known yet is worked out.
        """
        self.work(np.inf)
        return self._worth

    def work(self, seconds: float) -> None:
        """Go on for so long."""
        if self._desk.state is not self._state:
            self._state = self._desk.state
            self._worth = []
            self._more = None
        end = time.perf_counter() + seconds
        while not self.known and time.perf_counter() < end:
            self._worth.append(self._desk.option_adds([len(self._worth)]))

    def more(self) -> dict[str, DeskGain]:
        """Return what more of each budget pays for, by its id: the site that brings
        most for each unit, alone if possible.
        """
        if not self.known:
            return {}
        if self._more is None:
            self._more = self._priced()
        return self._more

    def _priced(self) -> dict[str, DeskGain]:
        desk, found = self._desk, dict[str, DeskGain]()
        budgets = {each.id: each.budget for each in desk.case.resources}
        resources = {each.id: each for each in desk.case.resources}
        instance = desk.model.instance
        better: Callable[[DeskGain, DeskGain], bool] = lambda one, other: (  # noqa: E731
            (not one.others, one.gain / one.amount) > (not other.others, other.gain / other.amount)
        )
        for j, gain in enumerate(self._worth):
            if desk.placed[j] or desk.case.options[j].forbidden or gain <= 0:
                continue
            used = dict(
                zip(
                    (r.id for r in instance.resources),
                    instance.amounts(swapped(instance, desk.placed, j)),
                    strict=True,
                )
            )
            short = {
                r: float(used[r] - most)
                for r, most in budgets.items()
                if used[r] > most * (1 + BUDGET_TOLERANCE)
            }
            for resource, amount in short.items():
                others = "; ".join(
                    amount_of(resources[r], more, desk.names)
                    for r, more in short.items()
                    if r != resource
                )
                option = desk.base.options[j]
                gained = DeskGain(amount, others, row_name(option) or option_name(option), gain)
                if resource not in found or better(gained, found[resource]):
                    found[resource] = gained
        return found


def amount_of(resource: Resource, amount: float, names: Mapping[str, str]) -> str:
    """Return an amount of a resource with its unit and agency; `names` are what people
    call resources, by id.
    """
    name = plain(term(resource.name or resource.id), NAME_LENGTH)
    agency = resource_name(resource, names).removeprefix(name)
    return amounts({name: Amount(amount, plain(term(resource.unit), NAME_LENGTH))}) + agency


# A search in the background: the best plan for the budgets and demands on a desk, from
# the plan shown.
BEATS_KEPT = 0.3
"""Share of the time of a search with teams that it first spends on sites alone, with
the beats of the plan shown.
"""

LEAST_SECONDS = 0.1
"""What is left for the search with other beats, at least."""


class DeskSearch(SilentListener):
    """A search for the best plan, in a thread of its own; it has the best plan so far
    when it is stopped.

    Parameters
    ----------
    desk
        What to search for, and where to begin. It must not change before `done`.
    time_limit, gap, params
        As in `optimizer.solvers.solve.solve`.

    Attributes
    ----------
    lower, upper
        Bound that is proven so far, and value of the best plan so far; infinite where
        none is known.
    step
        What is being done.
    done
        Whether it has ended.
    result
        What it found; None before the end, and where there is no plan.
    failure
        Why there is none, in words.

    Raises
    ------
    InputError
        If the time limit is no number of seconds above 0.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        time_limit: float,
        gap: float = 1e-4,
        params: SolveParams = SolveParams(),
    ) -> None:
        if not 0 < time_limit < math.inf:
            raise InputError(
                Problem(
                    message("time limit"), str(time_limit), message("a number of seconds above 0")
                )
            )
        self.desk = desk
        self.case = desk.case
        self.model = desk.model
        self.time_limit = time_limit
        self.gap = gap
        self.params = params
        self.lower = 0.0
        self.upper = math.inf
        self.step = marked("begins")
        self.result: Result | None = None
        self.failure: str = ""
        self.began = time.monotonic()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="desk search", daemon=True)

    @property
    def done(self) -> bool:
        """Whether the search has ended."""
        return self._thread.ident is not None and not self._thread.is_alive()

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end soon, with the best plan so far."""
        self._stopped = True

    def wait(self, seconds: float | None = None) -> None:
        """Wait for its end."""
        self._thread.join(seconds)

    def take(self) -> None:
        """Lay the plan that it found on the desk, or the one that was shown with what
        is proven now, where that is better.

        Raises
        ------
        InputError
            If it found none; `failure` says why.
        """
        if self.result is None:
            raise InputError(
                Problem(
                    "search",
                    self.failure or "no end yet",
                    "a plan that keeps every budget and demand",
                )
            )
        desk, found = self.desk, self.result
        if desk.feasible and found.upper is not None and desk.value < found.upper:
            kept = replace(found, plan=desk.state.plan, upper=desk.value)
            desk.show(kept, self.case, desk.model)
        else:
            desk.show(found, self.case, self.model)

    def step_started(self, name: str) -> None:
        """Keep the name."""
        self.step = name

    def bounds_moved(self, lower: float, upper: float) -> None:
        """Keep both."""
        self.lower, self.upper = lower, upper

    def cancelled(self) -> bool:
        """Return whether it was asked to end."""
        return self._stopped

    def _run(self) -> None:
        try:
            result = self._solved()
            if result.plan is not None and self.case.patrols is not None:
                self.model = DeskModel.of(self.desk.base, result.plan)
            self.result = result
            self.failure = (
                ""
                if result.plan is not None
                else message("no plan before the time ended: give it more")
            )
        except OptimizerError as error:
            self.failure = error.args[0] if error.args else ""
        except BaseException as error:  # noqa: BLE001 - a thread has nobody else to tell
            stopped = is_interrupt(error)
            self.failure = (
                message("stopped before there was a plan")
                if stopped
                else f"{type(error).__name__}: {error}"
            )

    def _solved(self) -> Result:
        """Search for sites with the beats of the plan shown; where there are teams,
        then for sites and beats together, from both plans.
        """
        case, state = self.case, self.desk.state
        if case.patrols is None:
            return self._placed(case, self.time_limit)
        demands, ids = state.beats, [beat.id for beat in state.beats.must]
        shown = demands.kept_in(state.plan)
        near = self._placed(with_plan(case, shown).with_forced(*ids), self.time_limit * BEATS_KEPT)
        beats = {beat.id: beat for beat in shown.beats}
        names = () if near.plan is None else near.plan.options
        fixed = Plan.of(case, [name for name in names if name in case.option_index])
        same = Plan((*fixed.placements, *(beats[name] for name in names if name in beats)))
        # what is proven there is so of these beats alone
        proven = min(self.desk.lower, near.upper or 0.0)
        near = replace(near, plan=same, lower=proven, weighed_lower=near.lower, status="feasible")
        if self._stopped:
            return near
        whole = with_beats(with_teams(case), demands.must).with_forced(*ids)
        found = solve_joint(
            whole,
            self._options(max(self.time_limit - self.seconds, LEAST_SECONDS)),
            starts=[demands.as_options(plan) for plan in (same, shown)],
            proven=self.desk.lower,
            banned=demands.banned,
            listener=self,
        )
        if found.plan is not None:
            found = replace(found, plan=with_tours(found.plan, demands.must))
        better = near.upper is not None and (found.upper is None or near.upper < found.upper)
        return replace(found, plan=near.plan, upper=near.upper) if better else found

    def _options(self, seconds: float) -> SolveOptions:
        return SolveOptions(gap=self.gap, time_limit=seconds, params=self.params)

    def _placed(self, case: Instance, seconds: float) -> Result:
        """Return the best plan found of the options of a case, from the plan shown."""
        start = self.desk.placed.copy()
        make_room(case, start, [])
        return place(
            case,
            self._options(seconds),
            listener=self,
            overlay=restricted(self.model.overlay, case),
            starts=[start],
            proven=self.desk.lower,
        )


VARIANTS = "variants"
"""Folder within a plan folder that holds its variants."""

VARIANT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


def save_variant(desk: Desk, opened: PlanFolder, name: str, worth: DeskWorth | None = None) -> Path:
    """Write the plan shown, with its problem, into a new folder `variants/NAME` of the
    plan folder: whole, or not at all.

    Parameters
    ----------
    desk
        The plan shown.
    opened
        The plan folder.
    name
        Letters, digits, `_` and `-`, at most 60.

    Returns
    -------
    Path
        The new folder.

    Raises
    ------
    InputError
        If the plan breaks a budget or demand, the name is none, a variant of that name
        exists, or the folder cannot be written.
    """
    where = message("name of the variant")
    if not VARIANT_NAME.fullmatch(name):
        expected = message("1 to 60 letters, digits, `_` and `-`, a letter or digit first")
        raise InputError(Problem(where, repr(name[:80]), expected))
    if desk.shortfalls:
        expected = message("a plan that keeps every budget and demand")
        remedy = message("Ask for the best plan from here, or change the budgets")
        raise InputError(
            Problem(message("plan to save"), joined(desk.shortfalls, " "), expected, remedy)
        )
    place = opened.path / VARIANTS / name
    if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(opened.path)):
        raise InputError(
            Problem(
                str(place), "a place outside of the plan folder", "one within it", "Remove the link"
            )
        )
    if place.exists():
        raise InputError(
            Problem(
                where,
                message("{name}, which exists", name=repr(name)),
                message("a new name"),
                message("Choose another"),
            )
        )
    original = opened.file
    plan = variant_content(
        desk, original, f"{original.name if original else desk.base.name} ({name})", worth
    )
    with new_folder(place) as new:
        PlanFolder(new).write(
            plan, straight_geojson(plan, desk.base), desk.case, _run_content(desk, opened, place)
        )
    return place


def variant_content(
    desk: Desk, original: PlanFile | None, title: str, known: DeskWorth | None = None
) -> PlanFile:
    """Return what plan.json of the plan shown holds; what the desk does not know of a
    site is taken from the plan that was opened.
    """
    instance = desk.model.instance
    placed = desk.placed
    result = desk.state.result
    places, rows = SitePlaces.of(desk.base), {row.id: row for row in _rows(original)}
    own = range(len(desk.base.options))
    sites = [
        _site(desk, j, places, rows.get(desk.base.options[j].id)).model_copy(
            update={"worth": max(0.0, adds)}
        )
        for j, adds in zip(own, (known or DeskWorth(desk)).whole(), strict=True)
    ]
    overlay = desk.model.overlay
    today = np.array([option.existing for option in instance.options], dtype=bool)
    allowed = np.array(
        [not o.forbidden for o in desk.case.options] + [True] * (placed.size - len(own)), dtype=bool
    )
    worth = {
        beat.id: max(0.0, desk.option_adds([instance.option_index[beat.id]]))
        for beat in desk.state.plan.beats
    }
    beats = beat_entries(desk.base, [desk.state.plan], worth)
    budgets = {resource.id: resource.budget for resource in desk.case.resources}
    # Demands on beats are resources of the model that the case does not have.
    resources = [
        replace(each, budget=budgets.get(each.id, each.budget)) for each in instance.resources
    ]
    lower = min(desk.lower, desk.value)
    return PlanFile(
        schema_version=SCHEMA_VERSION,
        name=title,
        method="desk" if result is None else result.method,
        status="feasible" if result is None else result.status,
        limit=None if result is None else result.limit,
        lower=lower,
        upper=plan_value(instance, placed),
        gap=relative_gap(lower, desk.value),
        seconds=0.0 if result is None else round(result.seconds, 3),
        pricing_proven=result is None or result.pricing_proven,
        weighed_beats=None,
        options=list(desk.state.plan.options),
        seed=0 if result is None else result.seed,
        version=package_version(),
        values=PlanValues(
            nothing=overlay.value(np.zeros_like(placed)),
            existing=overlay.value(today) if today.any() else None,
            plan=desk.value,
            everything=overlay.value(allowed),
        ),
        resources=resource_entries(resources, desk.used().tolist()),
        sites=[site for j, site in zip(own, sites, strict=True) if placed[j]],
        beats=beats,
        candidates=[site for j, site in zip(own, sites, strict=True) if not placed[j]],
    )


def _rows(original: PlanFile | None) -> list[PlanSite]:
    return [] if original is None else [*original.sites, *original.candidates]


def _site(desk: Desk, j: int, places: SitePlaces, row: PlanSite | None) -> PlanSite:
    """Return what is known of an option: from the plan that was opened, where that has
    it; what it adds was of that plan.
    """
    option = desk.case.options[j]
    if row is not None:
        return row.model_copy(update={"forced": option.forced, "forbidden": option.forbidden})
    if not np.isfinite(places.lon[j]):
        return site_entry(option, 0.0)
    return site_entry(
        option,
        0.0,
        lon=round(float(places.lon[j]), DIGITS),
        lat=round(float(places.lat[j]), DIGITS),
    )


def _run_content(desk: Desk, opened: PlanFolder, place: Path) -> dict[str, Any]:
    """Return what it takes to make the variant again: the run of the plan that was
    opened, and what was changed.
    """
    result, run = desk.state.result, opened.run
    changes = whole_changes(run, desk.state.changes, desk.base)
    kept = {
        name: run[name]
        for name in (
            "packages",
            "inputs",
            "settings",
            "options",
            "language",
            "agencies",
            "translations",
        )
        if name in run
    }
    return provenance(
        seed=0 if result is None else result.seed,
        statistics={} if result is None else dict(result.statistics),
        changes=changes.content,
        again=plan_command(place, changes, opened.settings),
        desk=list(desk.actions),
        beats={
            "must": [tour_name(beat) for beat in desk.state.beats.must],
            "must_not": [tour_name(beat) for beat in desk.state.beats.banned],
        },
        start=Path(os.path.realpath(opened.path)).name,
        warnings=[
            *run.get("warnings", ()),
            "Made at the desk from another plan: " + "; ".join(desk.actions) + ".",
        ],
        **kept,
    )
