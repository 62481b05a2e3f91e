"""Areas that records name in place of a point: sectors, districts, port field offices.

Where a record lies: on a segment, at a point near one, or somewhere in an area.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape

from optimizer.base.errors import ProblemList
from optimizer.base.files.readwrite import (
    IN_DEGREES,
    TO_DEGREES,
    geometry_type,
    looks_projected,
    read_features,
)
from optimizer.base.text.language import marked
from optimizer.base.text.messages import counted_message, listed, message
from optimizer.problem.network.exchanged import EXCHANGE, metres_if_exchanged
from optimizer.problem.network.places import DOUBTFUL_M
from optimizer.records.record_parser import RecordParser, plain_number, whole

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from optimizer.problem.network.network import Network


@dataclass(frozen=True, slots=True)
class Area:
    """A named polygon; areas may overlap."""

    #: How records call it; two areas never share a name, whatever the case of the
    #: letters.
    name: str
    #: Polygon or multipolygon in degrees (WGS 84).
    geometry: BaseGeometry
    #: Road classes that belong to it; empty means all.
    classes: tuple[str, ...] = ()

    def segments(self, network: Network) -> NDArray[np.int64]:
        """Return the sorted segments whose middle lies inside and whose class belongs
        to the area, (k,).
        """
        middle = network.segment_midpoint
        shapely.prepare(self.geometry)
        inside = np.asarray(shapely.contains_xy(self.geometry, middle[:, 0], middle[:, 1]))
        if self.classes:
            inside &= np.isin(network.road_class[network.segment_arc], self.classes)
        return np.flatnonzero(inside).astype(np.int64)


def exchanged_areas(areas: Iterable[Area], network: Network) -> list[str]:
    """Return the names of areas that hold no road of the network, and hold some once
    longitude and latitude are exchanged.
    """
    return [
        area.name
        for area in areas
        if not area.segments(network).size
        and replace(area, geometry=shapely.transform(area.geometry, lambda points: points[:, ::-1]))
        .segments(network)
        .size
    ]


def load_areas(path: Path) -> tuple[Area, ...]:
    """Read areas from the polygons of a GeoJSON file.

    Each feature needs a property `name`; a property `classes`, a list of road classes,
    limits the area to those roads.

    Raises
    ------
    InputError
        With every fault of the file: a feature without a name or with one already
        taken, a geometry that is no valid polygon, positions outside longitude and
        latitude, classes that are no list of words.
    """
    problems = ProblemList()
    areas: dict[str, Area] = {}
    features = read_features(path)
    for number, feature in enumerate(features, start=1):
        where = f"{path}, feature {number}"
        name = feature["properties"].get("name")
        geometry = _polygon(feature["geometry"], where, problems)
        classes = _classes(feature["properties"].get("classes"), where, problems)
        if not isinstance(name, str) or not name.strip():
            problems.add(f"{where}, name", repr(name), "the name by which records call the area")
        elif name_key(name) in areas:
            problems.add(
                f"{where}, name",
                repr(name),
                "a name no other area has",
                "Join its parts into one MultiPolygon",
            )
        elif geometry is not None:
            areas[name_key(name)] = Area(name.strip(), geometry, classes)
    if not features:
        problems.add(str(path), "no feature", "at least one polygon")
    problems.raise_if_any()
    return tuple(areas.values())


def name_key(name: str) -> str:
    """Return what two spellings of one name share: case, spacing and how an accent is
    coded do not matter.
    """
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def plain_key(name: str) -> str:
    """Return the key of a name without its accents: "cordoba" of "Córdoba"."""
    letters = unicodedata.normalize("NFD", name_key(name))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _polygon(
    geometry: dict[str, Any] | None, where: str, problems: ProblemList
) -> BaseGeometry | None:
    kind = geometry_type(geometry)
    if geometry is None or kind not in {"Polygon", "MultiPolygon"}:
        problems.add(
            where, kind or "no geometry", "a Polygon or MultiPolygon", "Draw the area as a polygon"
        )
        return None
    try:
        polygon = shape(geometry)
    except (
        ValueError,
        TypeError,
        IndexError,
        KeyError,
        AttributeError,
        shapely.errors.ShapelyError,
    ):
        problems.add(
            where,
            "coordinates that make no polygon",
            "rings of at least four positions, the last like the first",
        )
        return None
    if polygon.is_empty or not polygon.is_valid:
        problems.add(where, shapely.is_valid_reason(polygon), "a valid polygon", "Repair its rings")
        return None
    west, south, east, north = polygon.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        found = f"bounds {', '.join(f'{side:g}' for side in polygon.bounds)}"
        swapped = south >= -180 and north <= 180 and west >= -90 and east <= 90
        problems.add(where, found, IN_DEGREES, EXCHANGE if swapped else TO_DEGREES)
        return None
    return polygon


def _classes(value: object, where: str, problems: ProblemList) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return tuple(value)
    problems.add(
        f"{where}, classes", repr(value), 'a list of road classes such as ["trunk", "primary"]'
    )
    return ()


FARTHEST = 5
"""Points far from a road that a warning names."""


@dataclass(frozen=True)
class Gazetteer:
    """A network and the areas that records may name."""

    #: The road network.
    network: Network
    #: The areas.
    areas: tuple[Area, ...]

    @cached_property
    def members(self) -> tuple[NDArray[np.int64], ...]:
        """Segments of each area."""
        return tuple(area.segments(self.network) for area in self.areas)

    @cached_property
    def plain_number(self) -> dict[str, int]:
        """Area position by the key of its name without accents, where that is of one
        area alone.
        """
        keys = [plain_key(area.name) for area in self.areas]
        return {key: at for at, key in enumerate(keys) if keys.count(key) == 1}

    @cached_property
    def number(self) -> dict[str, int]:
        """Area position by the key of its name."""
        return {name_key(area.name): position for position, area in enumerate(self.areas)}


@dataclass(frozen=True, slots=True)
class RecordPlaces:
    """Where each of k rows lies."""

    #: `segment`, `area`: (k,) numbers of segments and positions of areas; -1 for none.
    segment: NDArray[np.int64]
    area: NDArray[np.int64]


def locate(rows: RecordParser, gazetteer: Gazetteer) -> RecordPlaces:
    """Return segment or area of each row.

    The most exact place that a row gives is the one that counts: its segment, else its
    point, else its area.
    """
    segment = np.full(rows.used.size, -1, dtype=np.int64)
    area = segment.copy()
    pointed = _has_point(rows)
    unaccented: dict[int, tuple[int, str]] = {}
    for position in np.flatnonzero(rows.used & ~pointed).tolist():
        if rows.has("segment") and rows.table.text["segment"][position]:
            segment[position] = _segment(rows, position, gazetteer.network)
        elif rows.has("area") and rows.table.text["area"][position]:
            area[position] = _area(rows, position, gazetteer, unaccented)
        else:
            rows.leave_out(position, marked("no place"))
    for number, (position, name) in unaccented.items():
        rows.warnings.append(
            message(
                "{file}, {unit} {line}: {name} is taken for the area {area}, which differs by"
                " accents alone.",
                file=rows.label,
                unit=rows.table.unit,
                line=rows.table.number[position],
                name=name,
                area=gazetteer.areas[number].name,
            )
        )
    positions = np.flatnonzero(rows.used & pointed)
    if positions.size:
        segment[positions] = _match(rows, positions, gazetteer.network)
    return RecordPlaces(segment, area)


def _has_point(rows: RecordParser) -> NDArray[np.bool_]:
    pointed = np.zeros(rows.used.size, dtype=bool)
    if rows.has("lon") and rows.has("lat"):
        lon, lat = rows.table.text["lon"], rows.table.text["lat"]
        pointed[:] = [bool(x and y) for x, y in zip(lon, lat, strict=True)]
    if rows.has("segment"):
        pointed &= [not text for text in rows.table.text["segment"]]
    return pointed


def _segment(rows: RecordParser, position: int, network: Network) -> int:
    try:
        number = int(whole(rows.table.text["segment"][position]))
    except ValueError:
        number = -1
    if 0 <= number < network.n_segments:
        return number
    rows.fault(position, "segment", f"a segment number from 0 to {network.n_segments - 1}")
    return -1


def _area(
    rows: RecordParser,
    position: int,
    gazetteer: Gazetteer,
    unaccented: dict[int, tuple[int, str]],
) -> int:
    """Return the position of the area that a row names; names that fit but for accents
    join `unaccented`, by area, with the first row.
    """
    name = rows.table.text["area"][position]
    number = gazetteer.number.get(name_key(name), -1)
    if number < 0 and (found := gazetteer.plain_number.get(plain_key(name))) is not None:
        number = found
        if found not in unaccented:
            unaccented[found] = (position, name)
    if number < 0:
        plain = [plain_key(area.name) for area in gazetteer.areas]
        close = dict.fromkeys(get_close_matches(plain_key(name), plain, n=3))
        shown = [
            area.name for key in close for area in gazetteer.areas if plain_key(area.name) == key
        ] or [a.name for a in gazetteer.areas[:8]]
        rows.fault(
            position,
            "area",
            (
                "an area of the scenario, such as " + ", ".join(shown)
                if shown
                else "no area: the scenario has none"
            ),
        )
    elif not gazetteer.members[number].size:
        rows.leave_out(
            position,
            marked("the area holds no segment of the network"),
            gazetteer.areas[number].name,
        )
    return number


def _match(rows: RecordParser, positions: NDArray[np.int64], network: Network) -> NDArray[np.int64]:
    """Return (len(positions),) nearest segments; leave out rows that are too far off."""
    limit = rows.source.max_distance_m
    point = np.column_stack([_numbers(rows, positions, name) for name in ("lon", "lat")])
    readable = np.isfinite(point).all(axis=1)
    valid = readable & (np.abs(point) <= (180, 90)).all(axis=1)
    segment = np.full(positions.size, -1, dtype=np.int64)
    distance = np.full(positions.size, np.inf)
    segment[valid], distance[valid] = network.nearest_segments(point[valid, 0], point[valid, 1])
    turned = (
        metres_if_exchanged(network, *point[readable].T)
        if not (distance <= limit).any()
        else np.empty(0)
    )
    if (turned <= limit).sum() * 2 > np.count_nonzero(readable):
        rows.problems.add(
            0,
            f"no point within {limit:,.10g} m of a road, but most if lon and lat are exchanged",
            f"points near {network.centre[0]:.3f}, {network.centre[1]:.3f} (longitude, latitude)",
            f"{EXCHANGE} in the columns mapping",
            column="lon, lat",
        )
        return segment
    outside = point[readable & ~valid].tolist()
    metres = [place for place in outside if looks_projected(*place)]
    if len(metres) * 2 > positions.size:
        found = f"{len(metres)} positions such as {metres[0][0]:.10g}, {metres[0][1]:.10g}"
        rows.problems.add(0, found, IN_DEGREES, TO_DEGREES, column="lon, lat")
        return segment
    for at in np.flatnonzero(readable & ~valid):
        wrong = "lat" if abs(point[at, 1]) > 90 else "lon"
        rows.fault(
            int(positions[at]),
            wrong,
            "a latitude in [-90, 90]" if wrong == "lat" else "a longitude in [-180, 180]",
        )
    _warn_of_mirrored(rows, positions, point, valid & (distance > limit), network)
    for at in np.flatnonzero(valid & (distance > limit)):
        rows.leave_out(
            int(positions[at]),
            message("farther than {metres:g} m from every segment", metres=limit),
            f"{distance[at]:.0f} m from the nearest",
        )
    _warn_of_distances(rows, positions, np.where(distance <= limit, distance, 0.0))
    return segment


MIRRORED = {
    marked("the sign of lon changed"): (-1, 1, False),
    marked("the sign of lat changed"): (1, -1, False),
    marked("both signs changed"): (-1, -1, False),
    marked("lon and lat exchanged"): (1, 1, True),
}
"""What people do to a position by mistake -> signs, and whether to exchange the two."""


def _warn_of_mirrored(
    rows: RecordParser,
    positions: NDArray[np.int64],
    point: NDArray[np.float64],
    far: NDArray[np.bool_],
    network: Network,
) -> None:
    """Warn of points far from every road that a changed sign, or an exchange of
    longitude and latitude, puts on one: the first of each kind, and their number.
    """
    for words, (east, north, exchanged) in MIRRORED.items():
        turned = (point[:, ::-1] if exchanged else point) * (east, north)
        at = np.flatnonzero(far & (np.abs(turned) <= (180, 90)).all(axis=1))
        near = network.nearest_segments(turned[at, 0], turned[at, 1])[1] if at.size else at
        fitting = at[near <= rows.source.max_distance_m]
        if fitting.size:
            first = int(fitting[0])
            rows.warnings.append(
                message(
                    "{file}, {unit} {line}: {lon:.10g}, {lat:.10g} is on no road of the map, but"
                    " with {mistake} it is; rows of that kind: {count}, which are left out. Correct"
                    " them in the file.",
                    file=rows.label,
                    unit=rows.table.unit,
                    line=rows.table.number[int(positions[first])],
                    lon=float(point[first, 0]),
                    lat=float(point[first, 1]),
                    mistake=message(words),
                    count=fitting.size,
                )
            )


def _warn_of_distances(
    rows: RecordParser, positions: NDArray[np.int64], distance: NDArray[np.float64]
) -> None:
    """Name the points that are used and lie so far from the nearest road that they may
    belong to another, the farthest first.
    """
    far = np.flatnonzero(distance > DOUBTFUL_M)
    if not far.size:
        return
    farthest = far[np.argsort(-distance[far], kind="stable")][:FARTHEST]
    numbers = [rows.table.number[position] for position in positions[farthest].tolist()]
    named = [
        message("{metres:.0f} m ({unit} {number})", metres=metres, unit=rows.table.unit, number=n)
        for metres, n in zip(distance[farthest], numbers, strict=True)
    ]
    points = (
        message("{points} and others", points=listed(named))
        if far.size > FARTHEST
        else listed(named)
    )
    used = int(rows.used[positions].sum())
    rows.warnings.append(
        message(
            "{file}: {far} of {used} lie more than {metres:g} m from the nearest road, which they"
            " count for: {points}. Check them and the modes of the region; max_distance_m ="
            " {metres:g} leaves them out.",
            file=rows.label,
            far=far.size,
            used=counted_message("{count} point", "{count} points", used),
            metres=DOUBTFUL_M,
            points=points,
        )
    )


def _numbers(rows: RecordParser, positions: NDArray[np.int64], name: str) -> NDArray[np.float64]:
    values = np.full(positions.size, np.nan)
    for at, position in enumerate(positions):
        try:
            values[at] = plain_number(rows.table.text[name][position])
        except ValueError:
            rows.fault(int(position), name, "degrees as a decimal number")
    return values
