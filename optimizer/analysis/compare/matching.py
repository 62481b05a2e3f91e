"""Plans from anywhere as plans of one instance: plan folders, today's layout, and plans drawn by hand.

What a plan of another instance has is matched by option, then by site; points and lines are snapped to sites. What does not match is kept
as a list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.geojson import geometry_type, read_features
from optimizer.base.files.tables import WantedColumns, read_csv
from optimizer.base.text.messages import message
from optimizer.base.text.names import unknown_name
from optimizer.plans.plan_folder import PlanFolder
from optimizer.problem.instance.option_names import named_options
from optimizer.problem.network.geodesy import METRES_PER_DEGREE
from optimizer.problem.plan.plan import Placement, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from optimizer.problem.instance.instance import Instance
    from optimizer.problem.instance.options import Option

TODAY = "today"
"""What a planner writes for what stands today."""

FARTHEST_M = 2000.0
"""Metres from what is drawn to a site beyond which it means none. Assumed: more than the error of drawing on a map of a county."""

BESIDE_LINE_M = 500.0
"""Metres from a drawn line up to which it means every site. Assumed: a line is drawn along roads, across which no site lies so far."""


@dataclass(frozen=True)
class SitePlaces:
    """Where options stand: (options,) degrees; NaN where that is not known."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]

    @classmethod
    def of(cls, instance: Instance, rows: Iterable[Mapping[str, Any]] = ()) -> SitePlaces:
        """Return the places that rows of a plan file give, else the middle between the ends of the first arc that each option watches."""
        lon, lat = np.full(len(instance.options), np.nan), np.full(len(instance.options), np.nan)
        for j, option in enumerate(instance.options):
            if instance.lonlat is not None and option.arcs:
                ends = [instance.tail[option.arcs[0]], instance.head[option.arcs[0]]]
                lon[j], lat[j] = instance.lonlat[ends].mean(axis=0)
        for row in rows:
            j = instance.option_index.get(row.get("id", ""), -1)
            if j >= 0 and isinstance(row.get("lon"), float) and isinstance(row.get("lat"), float):
                lon[j], lat[j] = row["lon"], row["lat"]
        return cls(lon, lat)


@dataclass
class MatchedPlan:
    """A plan as one of an instance.

    Attributes
    ----------
    name
        What was asked for.
    plan
        What of it the instance has.
    notes
        How it was matched, a sentence each: kinds and points taken for others, with the distance.
    unmatched
        What of it is no option of the instance.
    """

    name: str
    plan: Plan = field(default_factory=lambda: Plan(()))
    notes: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)

    def add(self, option: Option) -> None:
        """Add an option, once."""
        if option.id not in self.plan.options:
            self.plan = Plan((*self.plan.placements, Placement(option)))


def matched_plan(name: str, instance: Instance, places: SitePlaces) -> MatchedPlan:
    """Return a plan as one of an instance.

    Parameters
    ----------
    name
        `today`, a plan folder, a plan file (JSON), a table with a column `site` and perhaps `kind` (CSV), or points and lines (GeoJSON),
        whose property `kind` says what stands there. A point means the nearest site, a line every site near it.
    instance
        The problem.
    places
        Where its options stand.

    Raises
    ------
    InputError
        If the file is at fault, a name is no site, a point or line is too far from any, or nothing of a plan matches.
    """
    if name == TODAY and not Path(name).exists():
        return _today(instance)
    path = Path(name)
    if path.is_dir():
        return _from_plan_file(name, PlanFolder(path), instance)
    if path.suffix == ".csv":
        return _from_table(name, path, instance)
    if path.suffix == ".geojson":
        return _from_drawing(name, path, instance, places)
    return _from_plan_file(name, PlanFolder(path), instance)


def _today(instance: Instance) -> MatchedPlan:
    found = MatchedPlan(TODAY)
    for option in instance.options:
        if option.existing:
            found.add(option)
    if not found.plan.placements:
        raise InputError(Problem(TODAY, "no option that is marked as existing", "an instance with sites that exist"))
    return found


def _from_plan_file(name: str, folder: PlanFolder, instance: Instance) -> MatchedPlan:
    ids = folder.ids
    try:
        return MatchedPlan(name, folder.plan_of(instance))
    except InputError:  # a plan of another instance
        found = MatchedPlan(name)
    rows = {row.get("id"): row for row in folder.site_rows}
    for each in ids:
        row: dict[str, Any] = rows.get(each, {})
        if each in instance.option_index:
            found.add(instance.options[instance.option_index[each]])
            continue
        here = [option for option in instance.options if option.site and option.site == row.get("site")]
        if not here:
            found.unmatched.append(each)
            continue
        same = [option for option in here if row.get("type") == option.type] or _of_kind(here, row.get("kind")) or here
        _take(found, same, each, told=True)
    if ids and not found.plan.placements:
        expected = f"a plan with sites of {instance.name!r}"
        raise InputError(
            Problem(str(folder.plan_path), f"none of its {len(ids)} placements is an option there", expected)
        )
    return found


def _from_table(name: str, path: Path, instance: Instance) -> MatchedPlan:
    wanted = WantedColumns(("site",), ("kind",), aliases={"site": ("id", "name", "option")})
    table = read_csv(path, "a table of sites", wanted)
    kinds = table.text.get("kind", [""] * len(table))
    found, problems = MatchedPlan(name), ProblemList()
    for line, site, kind in zip(table.number, table.text["site"], kinds, strict=True):
        here = named_options(instance.options, site, f"{path}, line {line}, site", problems)
        if here:
            _choose(found, [instance.options[j] for j in here], kind, f"{path}, line {line}", problems)
    problems.raise_if_any()
    return found


def _from_drawing(name: str, path: Path, instance: Instance, places: SitePlaces) -> MatchedPlan:
    found, problems = MatchedPlan(name), ProblemList()
    known = np.flatnonzero(np.isfinite(places.lon) & np.isfinite(places.lat))
    if not known.size:
        raise InputError(Problem(str(path), "a drawing, for an instance without places", "an instance with a map"))
    for number, feature in enumerate(read_features(path), start=1):
        where = f"{path}, feature {number}"
        shapes = drawn_shapes(feature["geometry"])
        if not shapes:
            problems.add(where, geometry_type(feature["geometry"]) or "no geometry", EXPECTED)
        for shape in shapes:
            metres = dict(
                zip(known.tolist(), shape.metres_to(places.lon[known], places.lat[known]).tolist(), strict=True)
            )
            for site, away in _snapped(instance, metres, shape, where, problems).items():
                found.notes.append(
                    message(
                        "Line {number} is taken for {site}, {away:.0f} m away.", number=number, site=site, away=away
                    )
                    if shape.is_line
                    else message(
                        "Point {number} is taken for {site}, {away:.0f} m away.", number=number, site=site, away=away
                    )
                )
                here = [o for o in instance.options if (o.site or o.id) == site]
                _choose(found, here, str(feature["properties"].get("kind") or ""), where, problems)
    problems.raise_if_any()
    return found


def _snapped(
    instance: Instance, metres: dict[int, float], shape: DrawnShape, where: str, problems: ProblemList
) -> dict[str, float]:
    """Return the sites that a shape means with their distance: the nearest, and for a line all near it, in the order of the distance."""
    order = sorted(metres, key=lambda j: metres[j])
    sites: dict[str, float] = {}
    for j in order:
        sites.setdefault(instance.options[j].site or instance.options[j].id, metres[j])
    nearest, away = next(iter(sites.items()))
    if away > FARTHEST_M:
        far = f"a {'line' if shape.is_line else 'point'} {away / 1000:.1f} km from the nearest site, {nearest!r}"
        problems.add(where, far, f"one within {FARTHEST_M / 1000:,.10g} km of a site", "Move it to a site")
        return {}
    near = {site: each for site, each in sites.items() if each <= BESIDE_LINE_M}
    return near if shape.is_line and near else {nearest: away}


def _choose(found: MatchedPlan, here: list[Option], kind: str, where: str, problems: ProblemList) -> None:
    """Add the option of the kind that was asked for at a site; where none was, what exists there, else the first."""
    same = _of_kind(here, kind) if kind else here
    if not same:
        known = dict.fromkeys(each for o in here for each in (o.type, o.kind) if each)
        problems.append(unknown_name(f"{where}, kind", kind, list(known)))
        return
    _take(found, same, here[0].site or here[0].id, told=not kind)


def _of_kind(options: list[Option], kind: object) -> list[Option]:
    return [option for option in options if kind in {option.type, option.kind}]


def _take(found: MatchedPlan, options: list[Option], name: str, *, told: bool) -> None:
    option = next((one for one in options if one.existing), options[0])
    if told and (len(options) > 1 or name not in {option.id, option.site}):
        found.notes.append(message("{name} is taken for {option}.", name=name, option=option.id))
    found.add(option)


# Points and lines that a planner draws on a map, and how far sites lie from them.

TYPES = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2}
"""Depth of the list of positions of each geometry that can be drawn."""

EXPECTED = "a Point, MultiPoint, LineString or MultiLineString of longitude and latitude in degrees"


@dataclass(frozen=True, slots=True)
class DrawnShape:
    """A point or a line.

    Attributes
    ----------
    corners
        (k, 2) longitude and latitude in degrees; one row for a point.
    """

    corners: NDArray[np.float64]

    @property
    def is_line(self) -> bool:
        """Whether it is a line."""
        return len(self.corners) > 1

    def metres_to(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the metres from places to the nearest point of the shape.

        Each place is the centre of a plane of equal scale both ways: exact to the metre within the distances at which sites are taken.
        """
        scale = METRES_PER_DEGREE
        east = (self.corners[:, 0] - lon[:, None] + 180) % 360 - 180
        x, y = scale * east * np.cos(np.radians(lat))[:, None], scale * (self.corners[:, 1] - lat[:, None])
        if not self.is_line:
            return np.asarray(np.hypot(x[:, 0], y[:, 0]))
        dx, dy = np.diff(x, axis=1), np.diff(y, axis=1)
        length = np.maximum(dx**2 + dy**2, np.finfo(np.float64).tiny)
        along = np.clip(-(x[:, :-1] * dx + y[:, :-1] * dy) / length, 0, 1)
        return np.asarray(np.hypot(x[:, :-1] + along * dx, y[:, :-1] + along * dy).min(axis=1))


def drawn_shapes(geometry: dict[str, Any] | None) -> tuple[DrawnShape, ...]:
    """Return the points and lines of a geometry of GeoJSON, one each; none where it is no geometry that can be drawn, in degrees."""
    kind, positions = geometry_type(geometry), (geometry or {}).get("coordinates")
    depth = TYPES.get(kind, -1)
    if depth < 0 or not isinstance(positions, list):
        return ()
    parts = [[[positions]], [positions], positions][depth]
    if kind == "MultiPoint":
        parts = [[each] for each in positions]
    found = [_corners(part, line=kind.endswith("LineString")) for part in parts]
    return (
        tuple(DrawnShape(each) for each in found if each is not None) if all(each is not None for each in found) else ()
    )


def _corners(part: object, *, line: bool) -> NDArray[np.float64] | None:
    """Return positions as (k, 2) degrees; None where they are none."""
    if not isinstance(part, list) or len(part) < (2 if line else 1):
        return None
    for each in part:
        if not isinstance(each, list) or len(each) < 2 or not all(_is_number(x) for x in each[:2]):
            return None
    corners = np.array([each[:2] for each in part], dtype=np.float64)
    inside = np.isfinite(corners).all() and (np.abs(corners) <= (180, 90)).all()
    return corners if inside else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
