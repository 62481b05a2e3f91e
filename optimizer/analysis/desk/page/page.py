"""The page of a desk: widgets and a map that show what lies there, and pass on what the planner does. It decides nothing.

Text of a plan reaches the page by three ways alone: as HTML that `texts.escaped` has made harmless, as text of a native list, and as text of
the map and its tooltips, which bokeh paints or escapes. Titles of widgets, which bokeh takes for HTML, are our own texts.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import (
    Button,
    ColumnDataSource,
    Div,
    HoverTool,
    InlineStyleSheet,
    NumericInput,
    RadioButtonGroup,
    Select,
    Slider,
    TapTool,
    TextInput,
    WheelZoomTool,
)
from bokeh.plotting import figure
from jinja2 import Environment, FileSystemLoader

import optimizer.report
from optimizer.analysis.desk.page import texts
from optimizer.base.errors import OptimizerError
from optimizer.base.text.formatting import number, plain
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked, markup, spoken
from optimizer.report.interactive.map import name_tools
from optimizer.report.maps.geography import Plane
from optimizer.report.palette import BEATS, FAINT, ROAD, SITES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from optimizer.analysis.desk.view import DeskActions, DeskSite, DeskView
    from optimizer.report.maps.geography import StraightRoads

HERE = Path(__file__).parent

SECONDS = 30
"""Seconds of a search, at first."""

CLICKS = (marked("in turn"), marked("must"), marked("must not"), marked("free"), marked("look"))
"""What a click on a site does: goes on to the next demand, asks for one, takes all back, or nothing but show the site."""

ANY = marked("any kind")


def template(name: str = "desk.html", *folders: Path, style: str = "") -> Any:  # noqa: ANN401 - jinja's
    """Return the page around the widgets: a template of this folder or of others, with more style."""
    environment = Environment(loader=FileSystemLoader([*folders, HERE]), autoescape=True)
    found = environment.get_template(name)
    found.globals.update(
        style=_text(Path(optimizer.report.__file__).parent / "colours.css") + _text(HERE / "desk.css") + style,
        language=spoken().code,
        _=markup,
    )
    return found


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


class ActingPage:
    """A page in one window, whose widgets pass on what people do, and say what came of it.

    Parameters
    ----------
    names
        Of its texts; `message` is among them.
    """

    def __init__(self, *names: str) -> None:
        self._showing = False
        self._widgets, self._style = page_sheets()
        self._texts = {name: self._div() for name in names}

    def refresh(self) -> None:
        """Show what there is."""
        raise NotImplementedError

    def _div(self) -> Any:  # noqa: ANN401 - bokeh has no types
        """Return a place for HTML of `texts`, in which nothing is taken for mathematics."""
        return Div(text="", disable_math=True, sizing_mode="stretch_width", stylesheets=[self._style])

    def _button(self, label: str, action: Callable[[], object], kind: str = "default") -> Any:  # noqa: ANN401 - bokeh has no types
        button = Button(label=label, button_type=kind, sizing_mode="stretch_width", stylesheets=[self._widgets])
        button.on_click(lambda: self._do(action))
        return button

    def _do(self, action: Callable[[], object]) -> None:
        """Act; say what came of it."""
        try:
            said = action()
        except OptimizerError as error:
            self._say(texts.fault(error), wrong=True)
        else:
            self._say(said if isinstance(said, str) else "", wrong=False)
        self.refresh()

    def _say(self, said: str, *, wrong: bool) -> None:
        self._texts["message"].update(text=texts.message(said, wrong=wrong), visible=bool(said))

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Set widgets without taking that for what a planner does."""
        before, self._showing = self._showing, True
        try:
            yield
        finally:
            self._showing = before


class DeskPage(ActingPage):
    """The page of the desk in one window.

    Parameters
    ----------
    actions
        The desk.
    """

    def __init__(self, actions: DeskActions) -> None:
        super().__init__("title", "outcome", "message", "detail", "beat", "progress", "last", "list")
        self._actions = actions
        view, roads = actions.view(), actions.roads()
        self._seen = -1
        self._looked_at = view.sites[0].name if view.sites else ""
        self._beat_looked_at = ""
        self._map = None if roads is None else DeskMap(roads, view.sites)
        self._note = self._div()
        if roads is None:
            self._note.text = texts.paragraph(_("This problem has no map; choose sites from the list."))
        elif roads.left_out:
            left = _("The map leaves out {count} pieces of road, to stay quick.").format(count=number(roads.left_out))
            self._note.text = texts.paragraph(left)
        self._note.visible = bool(self._note.text)
        self._make_controls(view)
        self._make_budgets(view)
        self._say("", wrong=False)
        self.refresh()

    @property
    def title(self) -> str:
        """What the window is called."""
        return _("Planner's desk")

    @property
    def template(self) -> Any:  # noqa: ANN401 - jinja's
        """The page around the widgets."""
        return template()

    @property
    def roots(self) -> list[Any]:
        """The parts, by whose names the template places them."""
        parts = {
            "title": self._texts["title"],
            "outcome": self._texts["outcome"],
            "message": self._texts["message"],
            "click": self._click,
            "map": self._note if self._map is None else column(self._map.plot, self._note, sizing_mode="stretch_both"),
            "site": column(
                self._site,
                self._kind,
                row(*self._marks, sizing_mode="stretch_width"),
                self._texts["detail"],
                sizing_mode="stretch_width",
            ),
            "beats": column(
                self._beat,
                row(*self._beat_marks, sizing_mode="stretch_width"),
                self._texts["beat"],
                sizing_mode="stretch_width",
            ),
            "budgets": column(*(part for pair in self._budgets.values() for part in pair), sizing_mode="stretch_width"),
            "search": column(
                self._seconds,
                row(self._search, self._stop, sizing_mode="stretch_width"),
                self._texts["progress"],
                sizing_mode="stretch_width",
            ),
            "history": column(
                row(self._undo, self._redo, sizing_mode="stretch_width"),
                self._texts["last"],
                sizing_mode="stretch_width",
            ),
            "save": column(self._name, self._save, sizing_mode="stretch_width"),
            "list": self._texts["list"],
        }
        for name, part in parts.items():
            part.name = name
        return list(parts.values())

    def poll(self) -> None:
        """Look at the search, and at what other windows did."""
        try:
            said = self._actions.poll()
        except OptimizerError as error:
            self._say(texts.fault(error), wrong=True)
        else:
            if said:
                self._say(said, wrong=False)
        if self._actions.version != self._seen:
            self.refresh()
        elif (progress := self._actions.view().progress) is not None:
            self._texts["progress"].text = texts.progress(progress)

    def refresh(self) -> None:
        """Show what lies on the desk."""
        view = self._actions.view()
        self._seen = self._actions.version
        busy = view.progress is not None
        with self._quietly():
            self._texts["title"].text = texts.paragraph(_("Plan: {name}").format(name=view.title))
            self._texts["outcome"].text = texts.outcome(view)
            self._texts["progress"].text = texts.progress(view.progress)
            last = _("Last: {action}").format(action=view.last)
            self._texts["last"].text = texts.paragraph(last) if view.last else ""
            for name in ("progress", "last"):
                self._texts[name].visible = bool(self._texts[name].text)
            self._texts["list"].text = texts.listed(view)
            for budget in view.budgets:
                words, slider = self._budgets[budget.id]
                words.text, slider.value, slider.disabled = texts.budget(budget), budget.budget, busy
            for part in (*self._marks, *self._beat_marks, self._search, self._save, self._seconds):
                part.disabled = busy
            self._stop.disabled = view.progress is None or view.progress.stopping
            self._undo.disabled, self._redo.disabled = busy or not view.can_undo, busy or not view.can_redo
            self._show_site(view)
            self._show_beat(view, busy=busy)
            if self._map is not None:
                self._map.show(view)
                self._map.look_at(self._looked_at)

    def _make_controls(self, view: DeskView) -> None:
        wide = {"sizing_mode": "stretch_width", "stylesheets": [self._widgets]}
        choices = [
            (site.name, plain(site.label, LABEL)) for site in sorted(view.sites, key=lambda s: s.label.casefold())
        ]
        self._click = RadioButtonGroup(labels=[_(each) for each in CLICKS], active=0, **wide)
        self._site = Select(title=_("Site"), options=choices, value=self._looked_at, **wide)
        self._kind = Select(title=_("Kind"), options=[("", _(ANY))], value="", **wide)
        self._marks = [
            self._button(_("Must be used"), lambda: self._actions.force(self._chosen)),
            self._button(_("Must not be used"), lambda: self._actions.forbid(self._chosen)),
            self._button(_("No demand"), lambda: self._actions.release(self._chosen)),
        ]
        self._beat = Select(title=_("Beat"), options=[], value="", **wide)
        self._beat_marks = [
            self._button(_("Must be driven"), lambda: self._actions.demand_beat(self._beat_looked_at, True)),
            self._button(_("Must not be driven"), lambda: self._actions.demand_beat(self._beat_looked_at, False)),
            self._button(_("No demand"), lambda: self._actions.demand_beat(self._beat_looked_at, None)),
        ]
        self._seconds = NumericInput(
            title=_("Seconds of searching, at most"), low=1, high=86_400, value=SECONDS, **wide
        )
        self._search = self._button(_("Best plan from here"), self._begin_search, "primary")
        self._stop = self._button(_("Stop"), self._actions.stop, "warning")
        self._undo = self._button(_("Undo"), self._actions.undo)
        self._redo = self._button(_("Redo"), self._actions.redo)
        self._name = TextInput(title=_("Name of the variant (letters, digits, _ and -)"), value="variant-1", **wide)
        self._save = self._button(_("Save as a plan folder"), self._save_variant, "success")
        self._site.on_change("value", lambda _attribute, _before, name: self._look(name))
        self._beat.on_change("value", lambda _attribute, _before, name: self._look_at_beat(name))
        if self._map is not None:
            self._map.sites.selected.on_change("indices", lambda _attribute, _before, found: self._tapped(found))

    def _make_budgets(self, view: DeskView) -> None:
        self._budgets: dict[str, tuple[Any, Any]] = {}
        for budget in view.budgets:
            slider = Slider(
                start=0,
                end=budget.most,
                step=budget.step,
                value=budget.budget,
                title=None,
                name=f"budget-{len(self._budgets)}",
                tags=[
                    plain(_("Budget of {name}").format(name=budget.name), LABEL)
                ],  # the page's script names the handle so
                show_value=False,
                tooltips=False,
                sizing_mode="stretch_width",
                stylesheets=[self._widgets],
                margin=(0, 18, 12, 18),
            )
            slider.on_change(
                "value_throttled", lambda _attribute, _before, amount, name=budget.id: self._budget(name, amount)
            )
            self._budgets[budget.id] = (self._div(), slider)

    @property
    def _chosen(self) -> str:
        """The site, or the option of it, that the buttons are about."""
        return self._kind.value or self._looked_at

    def _begin_search(self) -> None:
        self._actions.search(float(self._seconds.value or 0))

    def _save_variant(self) -> str:
        return _("Saved: {folder}").format(folder=self._actions.save(self._name.value))

    def _budget(self, resource: str, amount: float) -> None:
        if not self._showing:
            self._do(lambda: self._actions.set_budget(resource, amount))

    def _look(self, name: str) -> None:
        if self._showing:
            return
        self._looked_at = name
        self.refresh()

    def _look_at_beat(self, name: str) -> None:
        if not self._showing:
            self._beat_looked_at = name
            self.refresh()

    def _tapped(self, indices: list[int]) -> None:
        """Act on a click on the map, and forget that it was one."""
        if self._showing or not indices or self._map is None:
            return
        name = self._map.sites.data["name"][indices[-1]]
        with self._quietly():
            self._map.sites.selected.indices = []
        self._looked_at = name
        actions = self._actions
        done = (actions.turn, actions.force, actions.forbid, actions.release)
        which = self._click.active
        if which < len(done):
            self._do(lambda: done[which](name))
        else:
            self.refresh()

    def _show_site(self, view: DeskView) -> None:
        found = next((site for site in view.sites if site.name == self._looked_at), None)
        if found is None:
            return
        several = len(found.kinds) > 1
        self._site.value = found.name
        options = [("", _(ANY)), *(found.kinds if several else ())]
        if self._kind.options != options:
            self._kind.options, self._kind.value = options, ""
        self._kind.visible = several
        self._texts["detail"].text = texts.site_line(found, self._actions.detail(found.name))

    def _show_beat(self, view: DeskView, *, busy: bool) -> None:
        """Show the beats to choose from, and the one chosen; a plan without any has none of that."""
        found = next((beat for beat in view.beats if beat.name == self._beat_looked_at), None)
        if found is None and view.beats:
            found = view.beats[0]
        self._beat_looked_at = "" if found is None else found.name
        options = [(beat.name, plain(f"{k}. {beat.label}", LABEL)) for k, beat in enumerate(view.beats, start=1)]
        if self._beat.options != options:
            self._beat.options = options
        self._beat.value = self._beat_looked_at
        for part in (self._beat, *self._beat_marks):
            part.disabled = busy or found is None
        self._texts["beat"].text = (
            texts.paragraph(_("The plan shown has no beats.")) if found is None else texts.beat_line(found)
        )


def page_sheets() -> tuple[InlineStyleSheet, InlineStyleSheet]:
    """Return the styles of widgets and of texts."""
    return InlineStyleSheet(css=_text(HERE / "widgets.css")), InlineStyleSheet(css=_text(HERE / "text.css"))


MUST, MUST_NOT = "#b34700", "#a3002b"
"""Outline of what must be used, and colour of what must not."""

LABEL = 80
"""Characters of a name that the map shows."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a site is drawn: bokeh's marker, pixels across, and colours."""

    marker: str
    size: int
    fill: str
    line: str
    width: float


LOOKS = {
    ("used", True): Look("circle", 18, SITES["kept"].fill, "#ffffff", 1.5),
    ("must", True): Look("square", 19, SITES["kept"].fill, MUST, 4),
    ("must", False): Look("square", 19, "#ffffff", MUST, 4),
    ("must not", False): Look("x", 15, MUST_NOT, MUST_NOT, 4),
    ("must not", True): Look("square_x", 17, "#ffffff", MUST_NOT, 3),
    ("not used", False): Look("circle", 11, "#ffffff", "#4d4d4d", 1.5),
}
"""By standing, and whether the plan shown uses the site."""


def plane_around(roads: StraightRoads) -> Plane:
    """Return the plane that roads are drawn in."""
    ends = np.vstack((roads.begin, roads.end))
    middle = ends.mean(axis=0) if ends.size else np.zeros(2)
    return Plane(float(middle[0]), float(middle[1]))


def road_map(roads: StraightRoads, plane: Plane) -> Any:  # noqa: ANN401 - bokeh has no types
    """Return a plot of roads, with tools that have names."""
    wheel = WheelZoomTool(description=_("Zoom with the wheel"))
    plot = figure(
        name="plot",
        sizing_mode="stretch_both",
        min_height=320,
        match_aspect=True,
        tools="pan,zoom_in,zoom_out,reset",
        toolbar_location="above",
        outline_line_color=FAINT,
    )
    plot.add_tools(wheel)
    plot.toolbar.active_scroll = wheel
    name_tools(plot)
    plot.toolbar.logo = None
    plot.axis.visible = False
    plot.grid.visible = False
    begin, end = plane.project(roads.begin), plane.project(roads.end)
    plot.segment(begin[:, 0], begin[:, 1], end[:, 0], end[:, 1], line_color=ROAD, line_width=1)
    return plot


class DeskMap:
    """The map, with what can be put on it.

    Parameters
    ----------
    roads
        The roads.
    sites
        Those with a place are on the map.
    """

    def __init__(self, roads: StraightRoads, sites: tuple[DeskSite, ...]) -> None:
        self._plane = plane_around(roads)
        self.sites = ColumnDataSource(_site_columns(self._plane, sites))
        self.ring = ColumnDataSource({"x": [], "y": []})
        self.posts = ColumnDataSource({"x": [], "y": [], "colour": [], "label": []})
        self.plot = self._drawn(roads)

    def show(self, view: DeskView) -> None:
        """Show what lies on the desk."""
        self.sites.data = _site_columns(self._plane, view.sites)
        points = [
            (lon, lat, BEATS[k % len(BEATS)], plain(beat.label, LABEL))
            for k, beat in enumerate(beat for beat in view.beats if beat.used)
            for lon, lat in zip(beat.lon, beat.lat, strict=True)
        ]
        at = self._plane.project(np.array([point[:2] for point in points]).reshape(-1, 2))
        self.posts.data = {
            "x": at[:, 0],
            "y": at[:, 1],
            "colour": [point[2] for point in points],
            "label": [point[3] for point in points],
        }

    def look_at(self, name: str) -> None:
        """Put the ring around a site; none where it has no place."""
        data = self.sites.data
        here = [k for k, each in enumerate(data["name"]) if each == name]
        self.ring.data = {axis: [data[axis][k] for k in here] for axis in ("x", "y")}

    def _drawn(self, roads: StraightRoads) -> Any:  # noqa: ANN401 - bokeh has no types
        plot = road_map(roads, self._plane)
        posts = plot.scatter(
            "x", "y", source=self.posts, marker="diamond", size=12, fill_color="colour", line_color="#ffffff"
        )
        ring = plot.scatter("x", "y", source=self.ring, marker="circle", size=32, fill_alpha=0, line_color="#000000")
        ring.glyph.line_width = 2
        sites = plot.scatter(
            "x",
            "y",
            source=self.sites,
            marker="marker",
            size="size",
            fill_color="fill",
            line_color="line",
            line_width="width",
            name="sites",
        )
        for drawn in (posts, ring, sites):
            drawn.nonselection_glyph = drawn.selection_glyph = None
        plot.add_tools(TapTool(renderers=[sites]))
        plot.add_tools(
            HoverTool(renderers=[sites], tooltips=[(_("site"), "@label"), ("", "@says")], limit=1, visible=False)
        )
        plot.add_tools(HoverTool(renderers=[posts], tooltips=[(_("beat"), "@label")], limit=1, visible=False))
        return plot


def _site_columns(plane: Plane, sites: tuple[DeskSite, ...]) -> dict[str, Any]:
    """Return what the map shows of each site; those that are used lie on top."""
    placed = sorted((s for s in sites if s.lon is not None), key=lambda site: (site.used, site.standing == "must"))
    at = plane.project(np.array([(site.lon, site.lat) for site in placed], dtype=np.float64).reshape(-1, 2))
    looks = [LOOKS[site.standing, site.used] for site in placed]
    return {
        "x": at[:, 0],
        "y": at[:, 1],
        "name": [site.name for site in placed],
        "label": [plain(site.label, LABEL) for site in placed],
        "says": [plain(site.says, 2 * LABEL) for site in placed],
        **{field: [getattr(look, field) for look in looks] for field in ("marker", "size", "fill", "line", "width")},
    }
