"""The page of a desk: widgets and a map that show what lies there, and pass on what the
planner does. It decides nothing.

Text of a plan reaches the page by three ways alone: as HTML that `texts.escaped` has
made harmless, as text of a native list, and as text of the map and its tooltips, which
bokeh paints or escapes. Titles of widgets, which bokeh takes for HTML, are our own
texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import (
    Button,
    ColumnDataSource,
    Div,
    InlineStyleSheet,
    NumericInput,
    RadioButtonGroup,
    Select,
    Slider,
    TextInput,
)
from jinja2 import Environment, FileSystemLoader

import optimizer.report
from optimizer.analysis.desk.page import texts
from optimizer.analysis.desk.view import DeskActions, DeskMapContent, DeskView
from optimizer.base.errors import OptimizerError
from optimizer.base.text.formatting import plain
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked, markup, spoken
from optimizer.report.interactive.layers import PointLayer
from optimizer.report.interactive.map import HEIGHT, DrawnMap, first_view, plan_plot, roads_note
from optimizer.report.maps.geography import plane_of
from optimizer.report.maps.map_layers import MapLayers, map_layers
from optimizer.report.page import script_texts
from optimizer.report.palette import MUST, MUST_NOT
from optimizer.report.styles import read_together

HERE = Path(__file__).parent

SECONDS = 30
"""Seconds of a search, at first."""

WORK_SECONDS = 0.15
"""Seconds at a time that the page may wait for what sites add."""

CLICKS = (marked("look"), marked("in turn"), marked("must"), marked("must not"), marked("free"))
"""What a click on a site of the map does beside showing it: nothing, goes on to the
next demand, asks for one, or takes all back.
"""

ANY = marked("any kind")


def template(name: str = "desk.html", *folders: Path, style: str = "") -> Any:  # noqa: ANN401 - jinja's
    """Return the page around the widgets: a template of this folder or of others, with
    more style.
    """
    environment = Environment(loader=FileSystemLoader([*folders, HERE]), autoescape=True)
    found = environment.get_template(name)
    found.globals.update(
        style=_text(Path(optimizer.report.__file__).parent / "colours.css")
        + _text(HERE / "desk.css")
        + style,
        language=spoken().code,
        _=markup,
    )
    return found


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


class ActingPage:
    """A page in one window, whose widgets pass on what people do, and say what came of
    it.

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
        return Div(
            text="", disable_math=True, sizing_mode="stretch_width", stylesheets=[self._style]
        )

    def _button(self, label: str, action: Callable[[], object], kind: str = "default") -> Any:  # noqa: ANN401 - bokeh has no types
        button = Button(
            label=label, button_type=kind, sizing_mode="stretch_width", stylesheets=[self._widgets]
        )
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
        super().__init__(
            "title",
            "value",
            "outcome",
            "message",
            "detail",
            "beat",
            "progress",
            "last",
            "list",
            "note",
        )
        self._actions = actions
        view, shown = actions.view(), actions.map()
        self._seen = -1
        self._looked_at = next(
            (site.name for site in (*(s for s in view.sites if s.number == "1"), *view.sites)), ""
        )
        self._beat_looked_at = ""
        self._map, self._drawn = None if shown is None else DeskMap(shown), actions.on_map
        self._waiting = self._drawn
        said = (
            _("This problem has no map; choose sites from the list.")
            if self._map is None
            else self._map.note
        )
        self._texts["note"].update(text=texts.paragraph(said, "quiet"), visible=bool(said))
        self._chosen_on_page = ColumnDataSource(
            {"name": [""], "mark": [""], "clicked": [False]}, name="chosen"
        )
        self._texts["list"].tags = [self._chosen_on_page]
        self._texts["message"].tags = [0, False]
        self._make_controls()
        self._make_budgets(view)
        self._say("", wrong=False)
        self.refresh()

    def _do(self, action: Callable[[], object]) -> None:
        """Act; the page's script is told that it is done, and whether the map is still
        to be drawn.
        """
        super()._do(action)
        self._texts["message"].tags = [
            self._texts["message"].tags[0] + 1,
            self._map is not None and self._drawn != self._actions.on_map,
        ]

    @property
    def title(self) -> str:
        """What the window is called."""
        return _("Planner's desk")

    @property
    def template(self) -> Any:  # noqa: ANN401 - jinja's
        """The page around the widgets."""
        found = template(style=read_together("interactive/map.css"))
        found.globals.update(
            map_script=read_together("interactive/map.js"),
            map_texts=script_texts()
            | {
                "change": _("Change this site"),
                "found": _("{left} of {count} sites"),
                "keys": _("Arrow keys go from site to site."),
                "working": _("Working\N{HORIZONTAL ELLIPSIS}"),
                "map_follows": _("The map follows\N{HORIZONTAL ELLIPSIS}"),
            },
            first_view="" if self._map is None else self._map.first_view,
            has_map=self._map is not None,
            north=_("N"),
        )
        return found

    @property
    def roots(self) -> list[Any]:
        """The parts, by whose names the template places them."""
        parts = {
            "title": self._texts["title"],
            "value": self._texts["value"],
            "outcome": self._texts["outcome"],
            "message": self._texts["message"],
            "click": self._click,
            "map": self._texts["note"] if self._map is None else self._map.plot,
            "note": self._texts["note"] if self._map is not None else self._div(),
            "site": column(
                self._kind,
                self._texts["detail"],
                row(*self._marks, sizing_mode="stretch_width"),
                sizing_mode="stretch_width",
            ),
            "beats": column(
                self._beat,
                row(*self._beat_marks, sizing_mode="stretch_width"),
                self._texts["beat"],
                sizing_mode="stretch_width",
            ),
            "budgets": column(
                *(part for pair in self._budgets.values() for part in pair),
                sizing_mode="stretch_width",
            ),
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
        now = self._actions.on_map
        waited, self._waiting = now == self._waiting, now
        if self._drawn != now:
            # actions that follow one another quickly are answered by one map, that of
            # the last
            if waited:
                self._draw()
        else:
            self._actions.work(WORK_SECONDS)
        if self._actions.version != self._seen:
            self.refresh()
        elif (progress := self._actions.progress()) is not None:
            self._texts["progress"].text = texts.progress(progress, self._values)

    def refresh(self) -> None:
        """Show what lies on the desk."""
        view = self._actions.view()
        self._seen, self._values = self._actions.version, view.values
        busy = view.progress is not None
        with self._quietly():
            self._texts["title"].text = texts.paragraph(_("Plan: {name}").format(name=view.title))
            self._texts["value"].text = texts.value(view)
            self._texts["outcome"].text = texts.outcome(view)
            self._texts["progress"].text = texts.progress(view.progress, view.values)
            last = _("Last: {action}").format(action=view.last)
            self._texts["last"].text = texts.paragraph(last) if view.last else ""
            for name in ("progress", "last"):
                self._texts[name].visible = bool(self._texts[name].text)
            self._texts["list"].text = texts.listed(view)
            for budget in view.budgets:
                words, slider = self._budgets[budget.id]
                words.text = texts.budget(budget, view.values)
                slider.value = budget.budget
                slider.disabled = busy
            for part in (*self._marks, *self._beat_marks, self._search, self._save, self._seconds):
                part.disabled = busy
            self._stop.disabled = view.progress is None or view.progress.stopping
            self._undo.disabled, self._redo.disabled = (
                busy or not view.can_undo,
                busy or not view.can_redo,
            )
            self._show_site(view)
            self._show_beat(view, busy=busy)

    def _draw(self) -> None:
        """Show the plan on the map; that comes after its value, which is there at once."""
        self._drawn = self._actions.on_map
        if self._map is not None and (shown := self._actions.map()) is not None:
            self._map.show(shown)

    def _make_controls(self) -> None:
        wide = {"sizing_mode": "stretch_width", "stylesheets": [self._widgets]}
        self._click = RadioButtonGroup(labels=[_(each) for each in CLICKS], active=0, **wide)
        self._kind = Select(title=_("Kind"), options=[("", _(ANY))], value="", **wide)
        self._marks = [
            self._button(_("Must be used"), lambda: self._actions.force(self._chosen)),
            self._button(_("Must not be used"), lambda: self._actions.forbid(self._chosen)),
            self._button(_("No demand"), lambda: self._actions.release(self._chosen)),
        ]
        self._beat = Select(title=_("Beat"), options=[], value="", **wide)
        self._beat_marks = [
            self._button(
                _("Must be driven"), lambda: self._actions.demand_beat(self._beat_looked_at, True)
            ),
            self._button(
                _("Must not be driven"),
                lambda: self._actions.demand_beat(self._beat_looked_at, False),
            ),
            self._button(
                _("No demand"), lambda: self._actions.demand_beat(self._beat_looked_at, None)
            ),
        ]
        self._seconds = NumericInput(
            title=_("Seconds of searching, at most"), low=1, high=86_400, value=SECONDS, **wide
        )
        self._search = self._button(_("Best plan from here"), self._begin_search, "primary")
        self._stop = self._button(_("Stop"), self._actions.stop, "warning")
        self._undo = self._button(_("Undo"), self._actions.undo)
        self._redo = self._button(_("Redo"), self._actions.redo)
        self._name = TextInput(
            title=_("Name of the variant (letters, digits, _ and -)"), value="variant-1", **wide
        )
        self._save = self._button(_("Save as a plan folder"), self._save_variant, "success")
        self._chosen_on_page.on_change("data", lambda _attribute, _before, data: self._choose(data))
        self._beat.on_change("value", lambda _attribute, _before, name: self._look_at_beat(name))

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
                "value_throttled",
                lambda _attribute, _before, amount, name=budget.id: self._budget(name, amount),
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

    def _look_at_beat(self, name: str) -> None:
        if not self._showing:
            self._beat_looked_at = name
            self.refresh()

    def _choose(self, data: Mapping[str, Sequence[Any]]) -> None:
        """Show a site that was chosen in the list or on the map, and act on a click on the map."""
        name, mark, clicked = (
            str(data.get(field, ("",))[0]) for field in ("name", "mark", "clicked")
        )
        found = name or self._actions.site_at(mark)
        if self._showing or not any(site.name == found for site in self._actions.view().sites):
            return
        self._looked_at = found
        actions = self._actions
        done = (None, actions.turn, actions.force, actions.forbid, actions.release)[
            self._click.active
        ]
        if done is not None and clicked == "True":
            self._do(lambda: done(found))
        else:
            self.refresh()

    def _show_site(self, view: DeskView) -> None:
        found = next((site for site in view.sites if site.name == self._looked_at), None)
        if found is None:
            return
        several = len(found.kinds) > 1
        options = [("", _(ANY)), *(found.kinds if several else ())]
        if self._kind.options != options:
            self._kind.options, self._kind.value = options, ""
        self._kind.visible = several
        self._texts["detail"].text = texts.site_line(found, self._actions.detail(found.name))

    def _show_beat(self, view: DeskView, *, busy: bool) -> None:
        """Show the beats to choose from, and the one chosen; a plan without any has
        none of that.
        """
        found = next((beat for beat in view.beats if beat.name == self._beat_looked_at), None)
        if found is None and view.beats:
            found = view.beats[0]
        self._beat_looked_at = "" if found is None else found.name
        options = [(beat.name, plain(texts.called(beat), LABEL)) for beat in view.beats]
        if self._beat.options != options:
            self._beat.options = options
        self._beat.value = self._beat_looked_at
        for part in (self._beat, *self._beat_marks):
            part.disabled = busy or found is None
        self._texts["beat"].text = (
            texts.paragraph(_("The plan shown has no beats."))
            if found is None
            else texts.beat_line(found)
        )


def page_sheets() -> tuple[InlineStyleSheet, InlineStyleSheet]:
    """Return the styles of widgets and of texts."""
    return InlineStyleSheet(css=_text(HERE / "widgets.css")), InlineStyleSheet(
        css=_text(HERE / "text.css")
    )


LABEL = 80
"""Characters of a name that the map shows."""


MAP_HEIGHT = 600
"""Height of the map on a desk, in pixels."""


class DeskMap:
    """The report's map of the plan shown.

    Parameters
    ----------
    shown
        What it shows at first.
    """

    def __init__(self, shown: DeskMapContent) -> None:
        content, layers = shown.content, map_layers(shown.content)
        self._drawn = self._made(shown, layers)
        self.plot = self._drawn.plot
        self.plot.update(
            height=self.plot.height + MAP_HEIGHT - HEIGHT, tags=[*(self.plot.tags or [0]), 0]
        )
        self.first_view = first_view(content, layers)
        straight = _(
            "The scenario of this plan is not where its folder says, or has changed: the map has"
            " straight roads, no border and no towns."
        )
        left_out = roads_note(self._drawn.roads.segments.size, content.network.n_segments)
        sources = "; ".join(plain(each) for each in content.sources)
        credit = _("Map data: {sources}.").format(sources=sources) if sources else ""
        self.note = " ".join(filter(None, (straight if shown.bare else "", left_out, credit)))

    def show(self, shown: DeskMapContent) -> None:
        """Draw it again over the same roads; the page's script waits for its tags,
        which change last.
        """
        page, layers = self.plot.document, map_layers(shown.content)
        # freezing saves looking through all models at each new layer, and does it once
        # where there is none
        grows = any(("tour", beat.letter) not in self._drawn for beat in layers.beats)
        with page.models.freeze() if page is not None and grows else nullcontext():
            self._made(shown, layers, self._drawn)
        height, times = self.plot.tags
        self.plot.tags = [height, times + 1]

    @staticmethod
    def _made(shown: DeskMapContent, layers: MapLayers, drawn: DrawnMap | None = None) -> DrawnMap:
        plane = plane_of(shown.content)
        under = [
            PointLayer(
                symbol,
                dict(
                    zip(
                        "xy", plane.project(np.array(places).reshape(-1, 2)).T.tolist(), strict=True
                    )
                ),
                (),
            )
            for symbol, places in ((MUST, shown.must), (MUST_NOT, shown.must_not))
        ]
        return plan_plot(
            shown.content, layers, drawn=drawn, numbers=shown.numbers, changing=True, under=under
        )
