"""Plans side by side on one model: values, by group of evaders, by origin and by
agency, and what differs, site by site.

Plans from anywhere as plans of one instance: plan folders, today's layout, and plans
drawn by hand.

What a plan of another instance has is matched by option, then by site; points and lines
are snapped to sites. What does not match is kept as a list.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from optimizer.analysis.explain.explain import ExplainedEvader, evaders_left
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.base.files.readwrite import geometry_type, read_features
from optimizer.base.files.tables import WantedColumns, read_csv
from optimizer.base.text.formatting import ValueText
from optimizer.base.text.messages import message
from optimizer.base.text.names import unknown_name
from optimizer.base.work.listener import SILENT, Listener, step
from optimizer.plans.plan_folder import OwnWords, PlanFolder
from optimizer.plans.problem_source import problem_source
from optimizer.problem.instance.changes import Ordered, ordered
from optimizer.problem.instance.evaders import Evader, best_responses
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import Option, named_options
from optimizer.problem.network.geodesy import METRES_PER_DEGREE
from optimizer.problem.plan.evaluation import evader_values, plan_value
from optimizer.problem.plan.plan import Beat, Placement, Plan, violations, with_plan
from optimizer.scenario.compile.compile import Compiled
from optimizer.scenario.demand.source_measures import on_roads


@dataclass(frozen=True)
class ComparedPlan:
    """A plan on the common model."""

    #: The plan, and how it was matched.
    matched: MatchedPlan
    #: What gets through.
    value: float
    #: What of the model it breaks, a sentence each: its value is exact all the same.
    violations: tuple[str, ...]
    #: What gets through of habitual and of informed evaders; sums to `value`.
    by_kind: Mapping[str, float]
    #: What gets through by crossing, gateway or other origin; sums to `value`.
    by_origin: Mapping[str, float]
    #: By how much the value would rise without all that an agency has placed; "" is
    #: what belongs to none.
    by_agency: Mapping[str, float]
    #: What gets through by drug, as far as the record of a scenario tells what evaders
    #: carry; sums to `value`, empty without one.
    by_drug: Mapping[str, float]
    #: The evaders of whom most gets through, with the routes left to them.
    open_evaders: tuple[ExplainedEvader, ...]
    #: `comes`, `goes`: What it has and the first plan has not, and the other way round;
    #: of equal beats the surplus.
    comes: tuple[Placement, ...]
    goes: tuple[Placement, ...]

    @property
    def differs(self) -> tuple[Placement, ...]:
        """What differs from the first plan."""
        return (*self.comes, *self.goes)

    @property
    def order(self) -> Ordered:
        """What an order says of the sites that differ from the first plan; beats are none."""
        comes, goes = (
            [each.option for each in part if not isinstance(each, Beat)]
            for part in (self.comes, self.goes)
        )
        return ordered(comes, goes)


@dataclass(frozen=True)
class ComparisonModel:
    """What plans are compared on."""

    #: `model`, `instance`: Its name, and itself.
    model: str
    instance: Instance
    #: Proven: no feasible plan of the model lets less through. 0 where nothing is
    #: known.
    lower: float
    #: Where its options stand.
    places: SitePlaces
    #: What its evaders carry; None where nothing tells it.
    drugs: DrugShares | None
    #: Language of the model's pages.
    language: str
    #: What the model's scenario calls its agencies and other terms.
    own_words: OwnWords


@dataclass(frozen=True, kw_only=True)
class PlanComparison(ComparisonModel):
    """Plans on one model, in the order that was asked for; the others are compared with
    the first.
    """

    plans: tuple[ComparedPlan, ...]

    @property
    def text(self) -> ValueText:
        """How its values are written."""
        return ValueText.of(self.instance.weight)


def compare_plans(
    plans: Sequence[str | os.PathLike[str]],
    *,
    on: str | os.PathLike[str] | None = None,
    evaders: int = 3,
    skip_unreachable: bool = False,
    listener: Listener = SILENT,
) -> PlanComparison:
    """Value plans on one model.

    Parameters
    ----------
    plans
        `today`, plan folders, plan files, tables of sites (CSV) or points and lines
        (GeoJSON), as `matched_plan` has them.
    on
        The model: a scenario, an instance file or a plan folder; by default the first
        plan folder among the plans.
    evaders
        For how many evaders the routes left are sought in each plan: those of whom most
        gets through.
    skip_unreachable
        Leave out evaders without a path.
    listener
        Told of each step.

    Raises
    ------
    InputError
        If there is no model, or a plan cannot be read or matched.
    """
    names = [str(plan) for plan in plans]
    if on is None:
        folder = next((name for name in names if PlanFolder(name).instance_path.is_file()), None)
        if folder is None:
            found = "no plan folder with its instance.json"
            remedy = "Give a scenario, an instance or a plan folder with --on"
            raise InputError(
                Problem("plans to compare", found, "a model to compare them on", remedy)
            )
        on = folder
    with step(listener, f"reading {on}"):
        model = _model(Path(on), skip_unreachable=skip_unreachable, listener=listener)
    matched = []
    for name in names:
        with step(listener, f"reading {name}"):
            matched.append(matched_plan(name, model.instance, model.places))
    first = matched[0].plan
    compared = []
    for each in matched:
        with step(listener, f"valuing {each.name}"):
            compared.append(_compared(model, each, first, evaders, listener))
    return PlanComparison(**vars(model), plans=tuple(compared))


def seen_from_today(comparison: PlanComparison) -> PlanComparison:
    """Return a comparison with today's layout first, and the others against it, as
    whoever orders changes begins there; as it is where today's layout is not compared.
    """
    plans = comparison.plans
    today = next((each for each in plans if each.matched.name == TODAY), None)
    if today is None or today is plans[0]:
        return comparison
    first = today.matched.plan
    ordered = (today, *(each for each in plans if each is not today))
    against = (
        replace(
            each,
            comes=_surplus(each.matched.plan, first),
            goes=_surplus(first, each.matched.plan),
        )
        for each in ordered
    )
    return replace(comparison, plans=tuple(against))


def _model(path: Path, *, skip_unreachable: bool, listener: Listener) -> ComparisonModel:
    """Read the model, with the bound that is known of it: that of its plan, or the
    value with everything placed where there are no teams.
    """
    source = problem_source(path, skip_unreachable=skip_unreachable, listener=listener)
    lower, rows = 0.0, []
    if source.folder is not None and source.folder.plan_path.is_file():
        lower, rows = source.folder.known.lower, source.folder.site_rows
    if not lower and source.instance.patrols is None:
        allowed = np.array([not option.forbidden for option in source.instance.options], dtype=bool)
        lower = plan_value(source.instance, allowed)
    drugs = None if source.compiled is None else drug_shares(source.compiled)
    places = SitePlaces.of(source.instance, rows)
    return ComparisonModel(
        str(path), source.instance, lower, places, drugs, source.language, source.own_words
    )


def _compared(
    model: ComparisonModel, matched: MatchedPlan, first: Plan, evaders: int, listener: Listener
) -> ComparedPlan:
    whole = with_plan(model.instance, matched.plan)
    placed = whole.placed(matched.plan.options)
    weights = np.array([evader.weight for evader in whole.evaders])
    through = weights * evader_values(whole, placed)
    value = float(through.sum())
    agencies = dict.fromkeys(
        option.agency for option, x in zip(whole.options, placed, strict=True) if x
    )
    without = {
        name: placed & np.array([o.agency != name for o in whole.options], dtype=bool)
        for name in agencies
    }
    return ComparedPlan(
        matched=matched,
        value=value,
        violations=tuple(violations(whole, placed)),
        by_kind=_sums([evader.kind for evader in whole.evaders], through),
        by_origin=_sums([origin_name(whole, evader) for evader in whole.evaders], through),
        by_agency={name: plan_value(whole, rest) - value for name, rest in without.items()},
        by_drug={} if model.drugs is None else _by_drug(model.drugs, through),
        open_evaders=evaders_left(
            whole, placed, {beat.id for beat in matched.plan.beats}, evaders, listener
        ),
        comes=_surplus(matched.plan, first),
        goes=_surplus(first, matched.plan),
    )


def _by_drug(drugs: DrugShares, through: NDArray[np.float64]) -> dict[str, float]:
    amounts = dict(zip(drugs.names, (through @ drugs.share).tolist(), strict=True))
    return dict(sorted(amounts.items(), key=lambda item: -item[1]))


def origin_name(instance: Instance, evader: Evader) -> str:
    """Return where an evader comes from: the first part of its label `FROM > TO`, else
    the id of its node.
    """
    start, arrow, _ = evader.label.partition(" > ")
    return start if arrow else str(instance.node_id[evader.origin])


def _sums(names: Sequence[str], amounts: NDArray[np.float64]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for name, amount in zip(names, amounts.tolist(), strict=True):
        sums[name] = sums.get(name, 0.0) + amount
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def _surplus(plan: Plan, other: Plan) -> tuple[Placement, ...]:
    """Return the placements of a plan that another has not, or not as often: a plan may
    have several equal beats.
    """
    left = Counter(_key(placement) for placement in other.placements)
    found = []
    for placement in plan.placements:
        key = _key(placement)
        left[key] -= 1
        if left[key] < 0:
            found.append(placement)
    return tuple(found)


def _key(placement: Placement) -> Hashable:
    """Return what tells placements apart: beats of two plans may have one id and be
    different tours.
    """
    if isinstance(placement, Beat):
        return (placement.team.id, placement.base.id, placement.posts, placement.slots)
    return placement.id


# What each evader carries, as far as a record tells: the mix of what was seized along
# his routes.
UNKNOWN = "not stated"
"""Name of what a record does not say."""


@dataclass(frozen=True)
class DrugShares:
    """The share of each drug in what evaders carry: an estimate from the record, beside
    the model, which knows no drugs.
    """

    #: The drugs.
    names: tuple[str, ...]
    #: (evaders, drugs) shares; each row sums to 1.
    share: NDArray[np.float64]


def drug_shares(compiled: Compiled) -> DrugShares | None:
    """Return what each evader of a scenario carries; None where its record names no
    drug.

    A seizure counts for an evader by the share of its segments, one or those of its
    area, that his routes travel: the habitual ones by their shares, or the best one
    with nothing placed. An evader along whose routes nothing was seized carries the mix
    of the whole record.
    """
    records, network = compiled.records, compiled.region.network
    if records is None or not (records.drug != "").any():
        return None
    names, drug = np.unique(
        np.where(records.drug == "", UNKNOWN, records.drug), return_inverse=True
    )
    found = np.zeros((network.n_segments, names.size))
    for row in np.flatnonzero(records.count > 0).tolist():
        area = int(records.area[row])
        segments = records.area_segment[area] if area >= 0 else records.segment[row : row + 1]
        if segments.size:
            found[segments, drug[row]] += records.count[row] / segments.size
    mix = _segment_shares(compiled) @ found
    total = mix.sum(axis=1, keepdims=True)
    whole = np.bincount(drug, records.count, names.size)
    known = np.where(total > 0, mix / np.where(total > 0, total, 1.0), whole / whole.sum())
    return DrugShares(tuple(str(name) for name in names), known)


def _segment_shares(compiled: Compiled) -> csr_array:
    """Return the (evaders, segments) share of each evader that travels each segment."""
    instance, network = compiled.instance, compiled.region.network
    best = best_responses(
        instance.n_nodes, instance.tail, instance.head, instance.reliability, instance.evaders
    )
    rows = []
    columns = []
    shares = []
    for k, evader in enumerate(instance.evaders):
        routes = [(route.arcs, route.share) for route in evader.routes] or [(best[k], 1.0)]
        for arcs, share in routes:
            segments = np.unique(network.segment[list(on_roads(arcs, network))])
            rows.append(np.full(segments.size, k))
            columns.append(segments)
            shares.append(np.full(segments.size, share))
    place = (
        np.concatenate(rows or [np.empty(0, int)]),
        np.concatenate(columns or [np.empty(0, int)]),
    )
    shape = (len(instance.evaders), network.n_segments)
    return csr_array((np.concatenate(shares or [np.empty(0)]), place), shape=shape)


TODAY = "today"
"""What a planner writes for what stands today."""

FARTHEST_M = 2000.0
"""Metres from what is drawn to a site beyond which it means none. Assumed: more than
the error of drawing on a map of a county.
"""

BESIDE_LINE_M = 500.0
"""Metres from a drawn line up to which it means every site. Assumed: a line is drawn
along roads, across which no site lies so far.
"""


@dataclass(frozen=True)
class SitePlaces:
    """Where options stand: (options,) degrees; NaN where that is not known."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]

    @classmethod
    def of(cls, instance: Instance, rows: Iterable[Mapping[str, Any]] = ()) -> SitePlaces:
        """Return the places that rows of a plan file give, else the middle between the
        ends of the first arc that each option watches.
        """
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
    """A plan as one of an instance."""

    #: What was asked for.
    name: str
    #: What of it the instance has.
    plan: Plan = field(default_factory=lambda: Plan(()))
    #: How it was matched, a sentence each: kinds and points taken for others, with the
    #: distance.
    notes: list[str] = field(default_factory=list)
    #: What of it is no option of the instance.
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
        `today`, a plan folder, a plan file (JSON), a table with a column `site` and
        perhaps `kind` (CSV), or points and lines (GeoJSON), whose property `kind` says
        what stands there. A point means the nearest site, a line every site near it.
    instance
        The problem.
    places
        Where its options stand.

    Raises
    ------
    InputError
        If the file is at fault, a name is no site, a point or line is too far from any,
        or nothing of a plan matches.
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
        raise InputError(
            Problem(
                TODAY, "no option that is marked as existing", "an instance with sites that exist"
            )
        )
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
        here = [
            option for option in instance.options if option.site and option.site == row.get("site")
        ]
        if not here:
            found.unmatched.append(each)
            continue
        same = (
            [option for option in here if row.get("type") == option.type]
            or _of_kind(here, row.get("kind"))
            or here
        )
        _take(found, same, each, told=True)
    if ids and not found.plan.placements:
        expected = f"a plan with sites of {instance.name!r}"
        raise InputError(
            Problem(
                str(folder.plan_path),
                f"none of its {len(ids)} placements is an option there",
                expected,
            )
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
            _choose(
                found, [instance.options[j] for j in here], kind, f"{path}, line {line}", problems
            )
    problems.raise_if_any()
    return found


def _from_drawing(name: str, path: Path, instance: Instance, places: SitePlaces) -> MatchedPlan:
    found, problems = MatchedPlan(name), ProblemList()
    known = np.flatnonzero(np.isfinite(places.lon) & np.isfinite(places.lat))
    if not known.size:
        raise InputError(
            Problem(
                str(path), "a drawing, for an instance without places", "an instance with a map"
            )
        )
    features = read_features(path)
    # it has every site on offer, and no beats
    if any("chosen" in feature["properties"] for feature in features):
        raise InputError(
            Problem(
                str(path), "the map layer of a plan", "a drawing", "Name the plan's folder instead"
            )
        )
    for number, feature in enumerate(features, start=1):
        where = f"{path}, feature {number}"
        shapes = drawn_shapes(feature["geometry"])
        if not shapes:
            problems.add(where, geometry_type(feature["geometry"]) or "no geometry", EXPECTED)
        for shape in shapes:
            metres = dict(
                zip(
                    known.tolist(),
                    shape.metres_to(places.lon[known], places.lat[known]).tolist(),
                    strict=True,
                )
            )
            for site, away in _snapped(instance, metres, shape, where, problems).items():
                found.notes.append(
                    message(
                        "Line {number} is taken for {site}, {away:.0f} m away.",
                        number=number,
                        site=site,
                        away=away,
                    )
                    if shape.is_line
                    else message(
                        "Point {number} is taken for {site}, {away:.0f} m away.",
                        number=number,
                        site=site,
                        away=away,
                    )
                )
                here = [o for o in instance.options if (o.site or o.id) == site]
                _choose(found, here, str(feature["properties"].get("kind") or ""), where, problems)
    problems.raise_if_any()
    return found


def _snapped(
    instance: Instance,
    metres: dict[int, float],
    shape: DrawnShape,
    where: str,
    problems: ProblemList,
) -> dict[str, float]:
    """Return the sites that a shape means with their distance: the nearest, and for a
    line all near it, in the order of the distance.
    """
    order = sorted(metres, key=lambda j: metres[j])
    sites: dict[str, float] = {}
    for j in order:
        sites.setdefault(instance.options[j].site or instance.options[j].id, metres[j])
    nearest, away = next(iter(sites.items()))
    if away > FARTHEST_M:
        far = (
            f"a {'line' if shape.is_line else 'point'} {away / 1000:.1f} km from the nearest site,"
            f" {nearest!r}"
        )
        problems.add(
            where, far, f"one within {FARTHEST_M / 1000:,.10g} km of a site", "Move it to a site"
        )
        return {}
    near = {site: each for site, each in sites.items() if each <= BESIDE_LINE_M}
    return near if shape.is_line and near else {nearest: away}


def _choose(
    found: MatchedPlan, here: list[Option], kind: str, where: str, problems: ProblemList
) -> None:
    """Add the option of the kind that was asked for at a site; where none was, what
    exists there, else the first.
    """
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
    """A point or a line."""

    #: (k, 2) longitude and latitude in degrees; one row for a point.
    corners: NDArray[np.float64]

    @property
    def is_line(self) -> bool:
        """Whether it is a line."""
        return len(self.corners) > 1

    def metres_to(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the metres from places to the nearest point of the shape.

        Each place is the centre of a plane of equal scale both ways: exact to the metre
        within the distances at which sites are taken.
        """
        scale = METRES_PER_DEGREE
        east = (self.corners[:, 0] - lon[:, None] + 180) % 360 - 180
        x, y = (
            scale * east * np.cos(np.radians(lat))[:, None],
            scale * (self.corners[:, 1] - lat[:, None]),
        )
        if not self.is_line:
            return np.asarray(np.hypot(x[:, 0], y[:, 0]))
        dx, dy = np.diff(x, axis=1), np.diff(y, axis=1)
        length = np.maximum(dx**2 + dy**2, np.finfo(np.float64).tiny)
        along = np.clip(-(x[:, :-1] * dx + y[:, :-1] * dy) / length, 0, 1)
        return np.asarray(np.hypot(x[:, :-1] + along * dx, y[:, :-1] + along * dy).min(axis=1))


def drawn_shapes(geometry: dict[str, Any] | None) -> tuple[DrawnShape, ...]:
    """Return the points and lines of a geometry of GeoJSON, one each; none where it is
    no geometry that can be drawn, in degrees.
    """
    kind, positions = geometry_type(geometry), (geometry or {}).get("coordinates")
    depth = TYPES.get(kind, -1)
    if depth < 0 or not isinstance(positions, list):
        return ()
    parts = [[[positions]], [positions], positions][depth]
    if kind == "MultiPoint":
        parts = [[each] for each in positions]
    found = [_corners(part, line=kind.endswith("LineString")) for part in parts]
    return (
        tuple(DrawnShape(each) for each in found if each is not None)
        if all(each is not None for each in found)
        else ()
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
