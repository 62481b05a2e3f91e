"""A planner at a desk: the desk, the folder it was opened from, and the search that runs in the background."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from optimizer.base.errors import InfeasibleError, InputError, Problem
from optimizer.base.files import read_json
from optimizer.base.formatting import number, plain
from optimizer.base.language import gettext as _
from optimizer.base.language import marked
from optimizer.base.listener import SILENT, step
from optimizer.base.said import all_translated, said, translated
from optimizer.pipeline.desk import Desk
from optimizer.pipeline.desk_beats import tour_name
from optimizer.pipeline.desk_files import read_desk_plan, save_variant
from optimizer.pipeline.desk_search import DeskSearch
from optimizer.pipeline.desk_words import NAME, option_name, resource_name
from optimizer.pipeline.matched_plans import SitePlaces
from optimizer.pipeline.straight_roads import straight_roads
from optimizer.report.content.desk import DeskActions, DeskBeat, DeskBudget, DeskProgress, DeskSite, DeskView
from optimizer.report.words import word

if TYPE_CHECKING:
    import os

    from optimizer.base.listener import Listener
    from optimizer.problem.placements import Beat
    from optimizer.report.content.desk import Standing
    from optimizer.report.content.straight_roads import StraightRoads

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
        self, folder: str | os.PathLike[str], *, skip_unreachable: bool = False, listener: Listener = SILENT
    ) -> None:
        path = Path(folder)
        self.folder = path.parent if path.name == "plan.json" else path
        with step(listener, f"reading {self.folder}"):
            known = read_desk_plan(path, skip_unreachable=skip_unreachable)
        with step(listener, "contracting"):
            self.desk = Desk(known)
        self._places = SitePlaces.of(self.desk.base, self.folder / "plan.json")
        self._opened = (known.value, self.desk.base.budget.copy())
        self._search: DeskSearch | None = None
        self._version = 0
        self.saved: list[Path] = []

    @property
    def version(self) -> int:
        """Goes up whenever something changes."""
        return self._version

    def roads(self) -> StraightRoads | None:
        """Return the roads; None where there is no map."""
        return straight_roads(self.desk.base)

    def view(self) -> DeskView:
        """Return what lies on the desk."""
        desk = self.desk
        return DeskView(
            title=plain(self.folder.resolve().name, NAME),
            value=desk.value,
            opened_value=self._opened[0],
            lower=desk.lower,
            evaluation_ms=1000 * desk.evaluation_seconds,
            faults=all_translated(desk.shortfalls),
            sites=tuple(self._site(name) for name in desk.sites),
            budgets=self._budgets(),
            beats=tuple(self._beat(name, beat) for name, beat in desk.tours().items()),
            last=translated(desk.state.action) if desk.can_undo else "",
            can_undo=desk.can_undo,
            can_redo=desk.can_redo,
            progress=self._progress(),
        )

    def detail(self, name: str) -> str:
        """Return what a site does in the plan shown, in words."""
        desk = self.desk
        options = desk.options_of(name)
        adds, used = desk.adds(name), desk.placed[list(options)].any()
        effect = (
            _("Without it {value} would get through: it takes {adds} off. It needs {needs}.")
            if used
            else _("With it as well, budgets aside, {value} would get through: {adds} less. It needs {needs}.")
        )
        as_kind = _("as {kind} {needs}") if len(options) > 1 else "{needs}"
        needs = [as_kind.format(kind=self._kind(j), needs=self._needs(j)) for j in options]
        value = desk.value + adds if used else desk.value - adds
        return effect.format(value=number(value, 4), adds=number(adds, 3), needs="; ".join(needs))

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
        search = DeskSearch(self._free(), time_limit=seconds)
        self._search = search
        search.start()
        self._version += 1

    def stop(self) -> None:
        """End the search soon, with the best plan so far."""
        if self._search is not None:
            self._search.stop()

    def poll(self) -> str:
        """Lay the plan of a search that has ended on the desk; return what came of it, empty where nothing has ended.

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
            raise InfeasibleError(said("No plan: {reason}", reason=search.failure))
        before, feasible = self.desk.value, self.desk.feasible
        search.take()
        gained = before - self.desk.value
        if not feasible:
            found = _("The best plan found lets {value} through; {why} after {seconds} s.")
        elif gained > 0:
            found = _(
                "The best plan found lets {value} through, {gained} less than the one that was shown; {why} after {seconds} s."
            )
        else:
            found = _("The best plan found lets {value} through: the one that was shown; {why} after {seconds} s.")
        return found.format(
            value=number(self.desk.value, 4),
            gained=number(gained, 3),
            why=_(ENDS.get(search.result.limit or "", PROVEN)),
            seconds=number(search.seconds, 2),
        )

    def save(self, name: str) -> str:
        """Save the plan shown as a variant; return where it is, and what makes its report."""
        place = save_variant(self._free(), self.folder, name)
        self.saved.append(place)
        again = read_json(place / "run.json", "a run")["again"]
        return _("{folder}. Report, figures and duties are made by: {command}").format(folder=place, command=again)

    def close(self, seconds: float = 5.0) -> None:
        """Stop what runs, and wait for it."""
        if self._search is not None:
            self._search.stop()
            self._search.wait(seconds)

    def _free(self) -> Desk:
        """Return the desk, where no search needs it as it is."""
        if self._search is not None:
            raise InputError(
                Problem(said("desk"), said("a search that runs"), said("its end"), said("Stop it, or wait"))
            )
        return self.desk

    def _progress(self) -> DeskProgress | None:
        search = self._search
        if search is None:
            return None
        lower = max(search.lower, self.desk.lower)
        return DeskProgress(search.seconds, search.time_limit, search.step, lower, search.upper)

    def _site(self, name: str) -> DeskSite:
        desk, options = self.desk, self.desk.sites[name]
        first, marks = desk.base.options[options[0]], desk.mark(name)
        used = [j for j in options if desk.placed[j]]
        whole = marks.get(name, marks.get(first.id) if len(options) == 1 else None)
        must = whole if whole is not None else (True if True in marks.values() else None)
        standing: Standing = "must" if must else "must not" if must is False else "used" if used else "not used"
        alone = len(options) == 1
        asked = [
            self._asked(mark, None if each == name or alone else desk.base.option_index[each])
            for each, mark in marks.items()
        ]
        stands = [_("in the plan") if alone else _("in the plan as {kind}").format(kind=self._kind(j)) for j in used]
        today = [_("in use today")] if any(desk.base.options[j].existing for j in options) else []
        lon, lat = float(self._places.lon[options[0]]), float(self._places.lat[options[0]])
        return DeskSite(
            name=name,
            label=option_name(first) if first.label or len(options) == 1 else plain(name, NAME),
            lon=lon if math.isfinite(lon) else None,
            lat=lat if math.isfinite(lat) else None,
            standing=standing,
            used=bool(used),
            existing=bool(today),
            says="; ".join([*asked, *(stands or [_("not in the plan")]), *today]),
            kinds=tuple((desk.base.options[j].id, self._kind(j)) for j in options),
        )

    def _asked(self, must: bool, option: int | None) -> str:
        """Return a demand in words; of an option, where it is not the whole site's."""
        if option is None:
            return _("must be used") if must else _("must not be used")
        said = _("must be used as {kind}") if must else _("must not be used as {kind}")
        return said.format(kind=self._kind(option))

    def _beat(self, name: str, beat: Beat) -> DeskBeat:
        state = self.desk.state
        return DeskBeat(
            name=name,
            label=plain(beat.label, BEAT),
            lon=tuple(stop.post.lon for stop in beat.stops),
            lat=tuple(stop.post.lat for stop in beat.stops),
            must=state.beats.mark(name),
            used=any(tour_name(each) == name for each in state.plan.beats),
        )

    def _needs(self, option: int) -> str:
        uses = self.desk.base.options[option].uses
        named = [(resource_name(r), uses[r.id]) for r in self.desk.base.resources if uses.get(r.id)]
        return ", ".join(f"{number(amount)} {name}" for name, amount in named) or _("nothing")

    def _kind(self, option: int) -> str:
        found = self.desk.base.options[option]
        return plain(found.type or word(found.kind), NAME)

    def _budgets(self) -> tuple[DeskBudget, ...]:
        desk, opened = self.desk, self._opened[1].tolist()
        used = dict(zip((r.id for r in desk.model.instance.resources), desk.used().tolist(), strict=True))
        needs = desk.base.use
        return tuple(
            DeskBudget(
                id=resource.id,
                name=resource_name(resource),
                unit=plain(resource.unit, NAME),
                used=used[resource.id],
                budget=resource.budget,
                opened=opened[r],
                most=(most := _end(opened[r], needs[:, r], whole)),
                step=1.0 if whole and most <= 10 * STEPS else 10.0 ** round(math.log10(most / STEPS)),
            )
            for r, resource in enumerate(desk.case.resources)
            for whole in [float(opened[r]).is_integer() and bool(np.all(needs[:, r] % 1 == 0))]
        )


def _end(opened: float, needs: np.ndarray, whole: bool) -> float:
    """Return where the slider of a budget ends: twice the budget, and at least three of what needs most of it."""
    end = max(2.0 * opened, 3.0 * float(needs.max(initial=0.0)), 1.0 if whole else 1e-6)
    return float(math.ceil(end)) if end >= 1 else end
