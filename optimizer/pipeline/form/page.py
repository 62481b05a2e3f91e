"""The page of the form: widgets and a map that show what was chosen, and pass on what
the planner does. It decides nothing.

What each field means is said under it, by the reference of the scenario file. Text of
maps and records reaches the page as that of plans reaches the desk: escaped, as text of
a native list, or as text of the map and its tooltips.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from bokeh.layouts import column
from bokeh.models import (
    CheckboxGroup,
    ColumnDataSource,
    HoverTool,
    NumericInput,
    Select,
    TapTool,
    TextInput,
    WheelZoomTool,
)
from bokeh.plotting import figure

from optimizer.analysis.desk.page import texts
from optimizer.analysis.desk.page.page import LABEL, ActingPage, template
from optimizer.analysis.desk.page.texts import escaped, paragraph
from optimizer.base.errors import InputError, OptimizerError, Problem
from optimizer.base.text.formatting import number, plain
from optimizer.base.text.language import gettext as _
from optimizer.base.text.language import marked
from optimizer.base.text.messages import message, translated
from optimizer.pipeline.form.form import (
    BASE,
    BUDGETS,
    EACH_ROW,
    EXPOSURE,
    LISTS,
    NAME,
    RECORDS,
    Asked,
    FirstForm,
    ReadMap,
    RecordChoice,
    explained,
)
from optimizer.pipeline.init import FirstTerms
from optimizer.problem.network.road_classes import WORD_OF
from optimizer.report.interactive.map import name_tools
from optimizer.report.maps.geography import Plane, StraightRoads, border_parts
from optimizer.report.palette import BASE as BASE_SYMBOL
from optimizer.report.palette import BORDER, FAINT, OFFICIAL, ROAD, SETTLEMENT, UNOFFICIAL
from optimizer.scenario.file.model import RegionModel

HERE = Path(__file__).parent

MODES = ("drive", "service", "track", "foot", "ferry")
MODE_WORDS = (
    marked("roads"),
    marked("service roads"),
    marked("tracks"),
    marked("footpaths"),
    marked("ferries"),
)

KINDS = {
    "port": marked("official crossing"),
    "unofficial": marked("crossing without a border control"),
    "edge": marked("road that enters the map"),
}
"""Kinds of gateways, in words."""

LIST_WORDS = {
    "kinds": (marked("Kind of post"), marked("Add a kind of post")),
    "bases": (marked("Base"), marked("Add a base")),
    "teams": (marked("Teams"), marked("Add teams")),
}

RECORD_WORDS = {"seizures": marked("File of seizures"), "effort": marked("File of search effort")}

FIELD_WORDS = {
    "time": marked("Column of the day"),
    "lon": marked("Column of the longitude"),
    "lat": marked("Column of the latitude"),
    "drug": marked("Column of the drug"),
    "quantity": marked("Column of the quantity"),
    "count": marked("Column of the number of seizures"),
    "amount": marked("Column of how much was searched"),
}

SAID_WORDS = {
    "source": marked("Who keeps the record"),
    "unit": marked("Unit of the search effort"),
    "date_format": marked("How days are written"),
    "period": marked("Time of all rows, where no column has it"),
}

STEPS = 7
"""Steps of the page; all but the first need a map."""

LISTED = 60
"""Crossings, and faults, that a list shows; the others are counted."""


class FormPage(ActingPage):
    """The form in one window.

    Parameters
    ----------
    form
        The scenario under way.
    """

    def __init__(self, form: FirstForm) -> None:
        super().__init__("title", "message", "map", "crossing", "crossings", "check", "next")
        self._form = form
        self._seen = -1
        self._wide = {"sizing_mode": "stretch_width", "stylesheets": [self._widgets]}
        self._shape: dict[str, object] = {}
        self._inputs: dict[str, tuple[Any, Any, Asked]] = {}
        self._map: FormMap | None = None
        self._looked_at = ""
        self._parts = {
            name: column(sizing_mode="stretch_width")
            for name in ("source", "budgets", "kinds", "bases", "teams", "seizures", "effort")
        }
        self._map_root = column(self._div(), sizing_mode="stretch_both")
        self._make_source()
        self._make_crossing()
        self._agree = CheckboxGroup(
            labels=[_("Replace the files that stand there")], active=[], **self._wide
        )  # a `Checkbox` ties no label to its box
        self._write = self._button(_("Write the scenario"), self._write_file, "success")
        self._say("", wrong=False)
        self.refresh()

    @property
    def title(self) -> str:
        """What the window is called."""
        return _("First scenario")

    @property
    def template(self) -> Any:  # noqa: ANN401 - jinja's
        """The page around the widgets."""
        return template("form.html", HERE, style=(HERE / "form.css").read_text(encoding="utf-8"))

    @property
    def roots(self) -> list[Any]:
        """The parts, by whose names the template places them."""
        parts = {
            "title": self._texts["title"],
            "message": self._texts["message"],
            "map": self._map_root,
            "crossing": column(
                self._gateway,
                self._exposure,
                self._texts["crossing"],
                self._texts["crossings"],
                sizing_mode="stretch_width",
            ),
            "check": self._texts["check"],
            "write": column(
                self._agree, self._write, self._texts["next"], sizing_mode="stretch_width"
            ),
            **self._parts,
        }
        for name, part in parts.items():
            part.name = name
        return list(parts.values())

    def poll(self) -> None:
        """Take what came of the background, and what other windows did."""
        try:
            said = self._form.poll()
        except OptimizerError as error:
            self._say(texts.fault(error), wrong=True)
        else:
            if said:
                self._say(translated(said), wrong=False)
        if self._form.version != self._seen:
            self.refresh()

    def refresh(self) -> None:
        """Show what stands in the form."""
        form = self._form
        self._seen = form.version
        with self._quietly():
            target = _("It becomes the file {file}.").format(file=form.target)
            self._texts["title"].text = paragraph(target)
            # the last step that can be done, for the page's script
            self._texts["title"].tags = [1 if form.terms is None else STEPS]
            self._show_source()
            self._show_crossings()
            self._show_lists()
            self._show_records()
            self._texts["check"].text = self._checked()
            there = form.existing
            self._agree.visible = bool(there) and form.terms is not None
            self._write.disabled = form.terms is None or form.reading
            self._show_next(there)

    def _show_next(self, there: tuple[str, ...]) -> None:
        written = self._form.written
        if written is not None:
            files = _("Written: {files}.").format(
                files=", ".join(str(file) for file in written.files)
            )
            then = _("Next, in a terminal: {command}").format(command=written.command)
            said = paragraph(files, "done") + paragraph(then, "done command")
        elif there and self._form.terms is not None:
            said = paragraph(
                _("There stands already: {files}.").format(files=", ".join(there)), "quiet"
            )
        else:
            said = ""
        self._texts["next"].update(text=said, visible=bool(said))

    def _write_file(self) -> str:
        self._form.write(replaced=bool(self._agree.active))
        with self._quietly():
            self._agree.active = []
        return _("The scenario is written.")

    # What is asked for, each with its meaning under it.

    def _field(self, path: str, asked: Asked, value: object) -> list[Any]:
        """Return the widget of a field, and its meaning."""
        title = _(asked.title)
        if isinstance(value, str):
            widget: Any = TextInput(title=title, value=plain(value), max_length=200, **self._wide)
        else:
            widget = NumericInput(title=title, value=value, mode="float", **self._wide)
        widget.on_change("value", lambda _attribute, _before, new: self._set(path, new))
        says = self._div()
        self._inputs[path] = (widget, says, asked)
        return [widget, says]

    def _set(self, path: str, value: object) -> None:
        if not self._showing:
            self._do(lambda: self._form.set(path, value))

    def _value(self, path: str) -> Any:  # noqa: ANN401 - text or a number
        found: Any = self._form.terms
        for part in path.split("."):
            found = found[int(part)] if part.isdecimal() else getattr(found, part)
        return found

    def _show_fields(self) -> None:
        terms = self._form.terms
        if terms is None:
            return
        for path, (widget, says, asked) in self._inputs.items():
            value = self._value(path)
            if widget.value != value:
                widget.value = value
            amount = not isinstance(value, str)
            says.text = meaning(asked.explained, assumed=amount and path not in terms.stated)

    def _show_lists(self) -> None:
        """Show budgets, kinds, bases and teams: widgets are made anew where one was
        added or taken out.
        """
        form, terms = self._form, self._form.terms
        shape = (
            None
            if terms is None
            else {name: tuple(row.id for row in getattr(terms, name)) for name in LISTS}
        )
        if shape is None or terms is None:
            for name in ("budgets", *LISTS):
                self._parts[name].children = [self._note(_("First read a map."))]
            return
        if self._shape.get("lists") != (shape, id(None if form.map is None else form.map.roads)):
            self._shape["lists"] = (shape, id(None if form.map is None else form.map.roads))
            self._inputs = {}
            self._parts["budgets"].children = [
                part
                for asked in (NAME, *BUDGETS)
                for part in self._field(asked.name, asked, self._value(asked.name))
            ]
            self._bases: list[tuple[Any, Any]] = []
            for name in LISTS:
                self._parts[name].children = self._rows(name, len(getattr(terms, name)))
        self._show_fields()
        for k, (choice, says) in enumerate(self._bases):
            at = terms.bases[k]
            choice.value = next(
                (key for key, label in choice.options if label == plain(at.label, LABEL)), ""
            )
            says.text = meaning(BASE.explained, assumed=f"bases.{k}" not in terms.stated)

    def _rows(self, name: str, count: int) -> list[Any]:
        """Return the rows of a list, with buttons that add and take out."""
        one, add = LIST_WORDS[name]
        parts: list[Any] = []
        for k in range(count):
            head = self._div()
            head.text = f"<h3>{escaped(f'{_(one)} {k + 1}')}</h3>"
            parts.append(head)
            parts += self._base(k) if name == "bases" else []
            for asked in LISTS[name]:
                path = f"{name}.{k}.{asked.name}"
                parts += self._field(path, asked, self._value(path))
            out = _("Take out {what} {number}").format(what=_(one), number=k + 1)
            parts.append(self._button(out, partial(self._form.remove, name, k)))
        return [*parts, self._button(_(add), partial(self._form.add, name))]

    def _base(self, k: int) -> list[Any]:
        found = self._form.map
        options = [
            (place.id, plain(place.label, LABEL))
            for place in (found.settlements() if found else ())
        ]
        choice, says = Select(title=_(BASE.title), options=options, **self._wide), self._div()
        choice.on_change(
            "value",
            lambda _attribute, _before, new: self._quiet_do(lambda: self._form.set_base(k, new)),
        )
        self._bases.append((choice, says))
        return [choice, says]

    def _quiet_do(self, action: Callable[[], object]) -> None:
        if not self._showing:
            self._do(action)

    def _note(self, text: str) -> Any:  # noqa: ANN401 - bokeh has no types
        note = self._div()
        note.text = paragraph(text, "quiet")
        return note

    # Where the roads come from.

    def _make_source(self) -> None:
        self._file = Select(title=_("Map: an extract of OpenStreetMap, or a network"), **self._wide)
        self._border_file = Select(title=_("Border: a file"), **self._wide)
        self._country = TextInput(
            title=_("or the name of the country in the extract"), max_length=200, **self._wide
        )
        self._modes = CheckboxGroup(
            labels=[_(word) for word in MODE_WORDS], active=[0], **self._wide
        )
        self._read = self._button(_("Read the map"), self._read_map, "primary")
        look = self._button(_("Look again which files there are"), self._form.refresh_files)
        says = {name: self._div() for name in ("network", "border", "modes")}
        for name, div in says.items():
            div.text = meaning(explained(RegionModel, "file" if name == "network" else name))
        self._parts["source"].children = [
            *(self._file, says["network"], self._border_file, self._country, says["border"]),
            *(self._modes, says["modes"], self._read, look, self._texts["map"]),
        ]

    def _show_source(self) -> None:
        files = self._form.files
        for choice, names in ((self._file, files.maps), (self._border_file, files.borders)):
            options = [("", _("none")), *((name, plain(name, LABEL)) for name in names)]
            if choice.options != options:
                choice.options = options
                kept = choice.value if choice.value in dict(options) else ""
                alone = names[0] if choice is self._file and len(names) == 1 else ""
                choice.value = kept or alone
        self._read.disabled = self._form.reading
        folder = _("Files of {folder} and of the folders in it are offered.").format(
            folder=self._form.start
        )
        none = _("There is no map (.osm, .osm.pbf, .gpkg, .graphml).") if not files.maps else ""
        more = _("There are more files than the list holds.") if files.left_out else ""
        busy = paragraph(_(self._form.busy) + " ...") if self._form.reading else ""
        self._texts["map"].text = (
            paragraph(" ".join(filter(None, (folder, none, more))), "quiet") + busy
        )

    def _read_map(self) -> None:
        border, country = self._border_file.value, self._country.value.strip()
        if border and country:
            found = message("a border file and the name of a country")
            raise InputError(
                Problem(
                    message("border"), found, message("one of them"), message("Leave one empty")
                )
            )
        modes = tuple(MODES[k] for k in sorted(self._modes.active))
        self._form.read_map(self._file.value, border or country, modes)

    # Crossings.

    def _make_crossing(self) -> None:
        self._gateway = Select(title=_("Crossing"), options=[], **self._wide)
        self._gateway.on_change("value", lambda _attribute, _before, new: self._look(new))
        self._exposure = NumericInput(
            title=_(EXPOSURE.title), mode="float", disabled=True, **self._wide
        )
        self._exposure.on_change("value", lambda _attribute, _before, new: self._expose(new))

    def _look(self, name: str) -> None:
        if not self._showing:
            self._looked_at = name
            self.refresh()

    def _expose(self, value: object) -> None:
        self._quiet_do(lambda: self._form.set_exposure(self._looked_at, value))

    def _show_crossings(self) -> None:
        found, terms = self._form.map, self._form.terms
        if found is None or terms is None:
            note = _("The map shows the crossings once it is read.")
            self._map_root.children[0].text = paragraph(note)
            self._texts["crossings"].text = ""
            return
        region = found.region
        if self._shape.get("map") != id(found.roads):
            self._shape["map"] = id(found.roads)
            self._map = FormMap(found, self._tapped)
            self._map_root.children = [self._map.plot]
            self._looked_at = region.gateways[0].id if region.gateways else ""
        options = [(gateway.id, plain(gateway.label, LABEL)) for gateway in region.gateways]
        if self._gateway.options != options:
            self._gateway.options = options
        at = next(
            (k for k, gateway in enumerate(region.gateways) if gateway.id == self._looked_at), None
        )
        self._exposure.disabled = at is None
        if at is not None:
            gateway = region.gateways[at]
            self._gateway.value, self._exposure.value = gateway.id, gateway.exposure
            assumed = f"exposure.{gateway.id}" not in terms.stated
            lines = paragraph(crossing_words(found, at)) + meaning(
                EXPOSURE.explained, assumed=assumed
            )
            self._texts["crossing"].text = lines
        self._texts["crossings"].text = crossings_table(found, terms)
        if self._map is not None:
            self._map.show(found, terms, self._looked_at)

    def _tapped(self, indices: list[int]) -> None:
        """Look at the crossing that was clicked, and forget that it was."""
        if self._showing or not indices or self._map is None:
            return
        name = self._map.gateways.data["name"][indices[-1]]
        with self._quietly():
            self._map.gateways.selected.indices = []
        self._looked_at = name
        self.refresh()

    # Records.

    def _show_records(self) -> None:
        for table in RECORDS:
            choice = self._form.records[table]
            files = self._form.files.tables
            shape = (files, choice.file if choice is not None else "")
            if self._shape.get(table) != shape:
                self._shape[table] = shape
                self._parts[table].children = self._record(table, choice)
            if choice is not None:
                self._show_record(table, choice)

    def _record(self, table: str, choice: RecordChoice | None) -> list[Any]:
        form = self._form
        options = [("", _("none")), *((name, plain(name, LABEL)) for name in form.files.tables)]
        chosen = "" if choice is None else choice.file
        file = Select(title=_(RECORD_WORDS[table]), options=options, value=chosen, **self._wide)
        file.on_change("value", lambda _attribute, _before, new: self._choose_record(table, new))
        model, columns, names = RECORDS[table]
        says = self._div()
        says.text = meaning(explained(model, "file"))
        if choice is None:
            return [file, says]
        head = self._div()
        parts = {"head": head}
        children = [file, says, head]
        for name in names:
            known = [("", _("none")), *((each, plain(each, LABEL)) for each in choice.head.header)]
            each_row = name == "amount" and EACH_ROW not in choice.head.header
            known += [(EACH_ROW, _("no column: each row counts 1"))] if each_row else []
            match = Select(title=_(FIELD_WORDS[name]), options=known, **self._wide)
            match.on_change(
                "value",
                lambda _attribute, _before, new, name=name: self._quiet_do(
                    partial(form.match, table, name, new)
                ),
            )
            parts[name] = match
            note = self._div()
            note.text = meaning(explained(columns, name))
            children += [match, note]
        for name in [each for each in SAID_WORDS if each in model.model_fields]:
            text = TextInput(
                title=_(SAID_WORDS[name]),
                value=choice.said.get(name, ""),
                max_length=200,
                **self._wide,
            )
            text.on_change(
                "value",
                lambda _attribute, _before, new, name=name: self._quiet_do(
                    partial(form.say, table, name, new)
                ),
            )
            parts[name] = text
            note = self._div()
            note.text = meaning(explained(model, name))
            children += [text, note]
        self._shape[f"{table} parts"] = parts
        return children

    def _choose_record(self, table: str, file: str) -> None:
        if self._showing:
            return
        self._do(lambda: self._form.choose_record(table, file))
        self._shape.pop(table, None)
        self.refresh()

    def _show_record(self, table: str, choice: RecordChoice) -> None:
        parts: Any = self._shape[f"{table} parts"]
        parts["head"].text = head_table(choice)
        for name in RECORDS[table][2]:
            parts[name].value = choice.columns.get(name, "")
        for name in SAID_WORDS:
            if name in parts:
                parts[name].value = choice.said.get(name, "")

    # What check says.

    def _checked(self) -> str:
        form, found = self._form, self._form.checked
        if form.terms is None:
            return paragraph(_("There is nothing to check before a map is read."), "quiet")
        if found is None or not form.up_to_date:
            return paragraph(_("Checking") + " ...", "quiet")
        parts = []
        if found.ok:
            parts.append(paragraph(_("No fault: the scenario can be planned."), "done"))
        else:
            count = _("{count} to mend:").format(count=number(len(found.problems)))
            said = [texts.fault(InputError(each)) for each in found.problems[:LISTED]]
            faults = "".join(f"<li>{escaped(self._short(each))}</li>" for each in said)
            parts.append(
                f'<div class="faults"><strong>{escaped(count)}</strong><ul>{faults}</ul></div>'
            )
        warnings = [self._short(translated(sentence)) for sentence in found.warnings]
        parts += [
            _list(_("Worth knowing"), warnings),
            _list(_("Left out by the scenario"), found.missing),
        ]
        unused = [
            f"{self._short(row.what)}: {translated(row.reason)} ({number(row.count)})"
            for row in found.unused
        ]
        assumed = _(
            "{count} lines of the file are marked ASSUMED: each is a guess until you state it."
        )
        parts += [
            _list(_("Not used"), unused),
            paragraph(assumed.format(count=number(form.assumed())), "assumed"),
        ]
        return "".join(parts)

    def _short(self, text: str) -> str:
        """Return a text with paths from the folder that the form was started in."""
        return text.replace(f"{self._form.start}{os.sep}", "")


CODE = re.compile(r"`([^`]+)`")


def meaning(text: str, *, assumed: bool = False) -> str:
    """Return what a field means, as the reference says it; marked where its number is assumed."""
    word = escaped(_("ASSUMED"))
    mark = f'<strong class="assumed">{word}</strong> ' if assumed else ""
    said = CODE.sub(r"<code>\1</code>", escaped(_(text)))
    return f'<p class="quiet">{mark}{said}</p>'


def _list(title: str, sentences: Any) -> str:  # noqa: ANN401 - sentences
    """Return sentences under a heading; nothing where there is none."""
    rows = [escaped(translated(sentence)) for sentence in sentences]
    more = (
        [escaped(_("{count} more are not listed.").format(count=number(len(rows) - LISTED)))]
        if len(rows) > LISTED
        else []
    )
    items = "".join(f"<li>{row}</li>" for row in (*rows[:LISTED], *more))
    return f"<h3>{escaped(title)}</h3><ul>{items}</ul>" if rows else ""


def crossing_words(found: ReadMap, place: int) -> str:
    """Return what a crossing is: its kind, the class of its road, and which others are
    on the same road.
    """
    gateway, others = found.region.gateways[place], found.same_road(place)
    names = ", ".join(each.label for each in others[:5])
    one = (
        _("One road with {others}: its traffic is shared out.").format(others=names)
        if others
        else ""
    )
    said = (
        f"{gateway.label}: {_(KINDS.get(gateway.kind, gateway.kind))}, {_road_words(found, place)}."
    )
    return " ".join(filter(None, (said, one)))


def _road_words(found: ReadMap, place: int) -> str:
    return ", ".join(_(WORD_OF.get(name, name)) for name in found.roads[place].classes)


def crossings_table(found: ReadMap, terms: FirstTerms) -> str:
    """Return the crossings with road and traffic, the busiest first."""
    order = sorted(
        range(len(found.region.gateways)), key=lambda k: -found.region.gateways[k].exposure
    )
    rows = "".join(_crossing_row(found, terms, k) for k in order[:LISTED])
    head = "".join(
        f"<th>{escaped(name)}</th>" for name in (_("Crossing"), _("Road"), _("Vehicles a day"))
    )
    more = (
        _("{count} more are not listed.").format(count=number(len(order) - LISTED))
        if len(order) > LISTED
        else ""
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" + (
        paragraph(more) if more else ""
    )


def _crossing_row(found: ReadMap, terms: FirstTerms, place: int) -> str:
    gateway = found.region.gateways[place]
    several = (
        _("road {number}").format(number=found.roads[place].group + 1)
        if found.same_road(place)
        else ""
    )
    assumed = _("assumed") if f"exposure.{gateway.id}" not in terms.stated else ""
    road = ", ".join(filter(None, (_road_words(found, place), several)))
    cells = (gateway.label, road, f"{number(gateway.exposure, 6)} {assumed}")
    return f"<tr>{''.join(f'<td>{escaped(cell)}</td>' for cell in cells)}</tr>"


def head_table(choice: RecordChoice) -> str:
    """Return the first rows of a file of records, with what each column is taken for."""
    fields = {column: name for name, column in choice.columns.items()}
    names = [
        (name, _(FIELD_WORDS[fields[name]]) if name in fields else "")
        for name in choice.head.header
    ]
    head = "".join(
        f"<th>{escaped(name[:LABEL])}{f'<br><em>{escaped(taken)}</em>' if taken else ''}</th>"
        for name, taken in names
    )
    rows = "".join(
        f"<tr>{''.join(f'<td>{escaped(cell[:LABEL])}</td>' for cell in row)}</tr>"
        for row in choice.head.rows
    )
    hidden = _("Columns about people are not shown, and never read: {names}.").format(
        names=", ".join(choice.hidden)
    )
    said = "; ".join(translated(each) for each in choice.head.remarks)
    notes = [hidden] if choice.hidden else []
    notes += [_("Read with {remarks}.").format(remarks=said)] if said else []
    table = (
        "<div"
        f' class="head"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )
    return table + "".join(paragraph(note, "quiet") for note in notes)


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


class FormMap:
    """The map of the form: roads, border, towns, crossings, bases.

    Parameters
    ----------
    found
        The map that was read.
    tapped
        Called with the positions of crossings that were clicked.
    """

    def __init__(self, found: ReadMap, tapped: Callable[[list[int]], None]) -> None:
        roads, region = found.drawn(), found.region
        self._plane = plane_around(roads)
        self.plot = plot = road_map(roads, self._plane)
        lines = [
            self._plane.project(shapely.get_coordinates(part))
            for part in border_parts(region.border)
        ]
        plot.multi_line(
            [line[:, 0] for line in lines],
            [line[:, 1] for line in lines],
            line_color=BORDER,
            line_width=3,
        )
        self.gateways = ColumnDataSource(
            {"x": [], "y": [], "name": [], "label": [], "says": [], "fill": [], "line": []}
        )
        self._ring = ColumnDataSource({"x": [], "y": []})
        self._bases = ColumnDataSource({"x": [], "y": [], "label": []})
        places = region.settlements
        at = self._plane.project(
            np.array([(each.lon, each.lat) for each in places], dtype=np.float64).reshape(-1, 2)
        )
        towns = ColumnDataSource(
            {"x": at[:, 0], "y": at[:, 1], "label": [plain(each.label, LABEL) for each in places]}
        )
        drawn = [
            plot.scatter(
                "x", "y", source=towns, marker="circle", size=SETTLEMENT.size, color=SETTLEMENT.fill
            ),
            plot.scatter(
                "x",
                "y",
                source=self._ring,
                marker="circle",
                size=34,
                fill_alpha=0,
                line_color="#000000",
            ),
            plot.scatter(
                *("x", "y"),
                source=self._bases,
                marker=BASE_SYMBOL.bokeh,
                size=BASE_SYMBOL.size,
                fill_color=BASE_SYMBOL.fill,
                line_color=BASE_SYMBOL.line,
            ),
        ]
        crossings = plot.scatter(
            *("x", "y"),
            source=self.gateways,
            marker=OFFICIAL.bokeh,
            size=18,
            fill_color="fill",
            line_color="line",
            line_width=2,
            name="crossings",
        )
        for each in (*drawn, crossings):
            each.nonselection_glyph = each.selection_glyph = None
        plot.add_tools(TapTool(renderers=[crossings]))
        for renderer, rows in (
            (crossings, [(_("crossing"), "@label"), ("", "@says")]),
            (drawn[0], [(_("town"), "@label")]),
            (drawn[2], [(_("base"), "@label")]),
        ):
            plot.add_tools(HoverTool(renderers=[renderer], tooltips=rows, limit=1, visible=False))
        self.gateways.selected.on_change(
            "indices", lambda _attribute, _before, which: tapped(which)
        )

    def show(self, found: ReadMap, terms: FirstTerms, looked_at: str) -> None:
        """Show what stands in the form."""
        gateways = found.region.gateways
        at = self._at([(each.lon, each.lat) for each in gateways])
        symbols = [OFFICIAL if each.kind == "port" else UNOFFICIAL for each in gateways]
        self.gateways.data = {
            "x": at[:, 0],
            "y": at[:, 1],
            "name": [each.id for each in gateways],
            "label": [plain(each.label, LABEL) for each in gateways],
            "says": [plain(crossing_words(found, k), 2 * LABEL) for k in range(len(gateways))],
            "fill": [symbol.fill for symbol in symbols],
            "line": [OFFICIAL.fill for _each in gateways],
        }
        here = [k for k, each in enumerate(gateways) if each.id == looked_at]
        self._ring.data = {"x": at[here, 0], "y": at[here, 1]}
        placed = self._at([(base.lon, base.lat) for base in terms.bases])
        self._bases.data = {
            "x": placed[:, 0],
            "y": placed[:, 1],
            "label": [plain(base.label, LABEL) for base in terms.bases],
        }

    def _at(self, lonlat: list[tuple[float, float]]) -> Any:  # noqa: ANN401 - an array
        return self._plane.project(np.array(lonlat, dtype=np.float64).reshape(-1, 2))
