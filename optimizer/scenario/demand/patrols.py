"""The patrols of a scenario: bases on their nodes, posts on the roads that evaders use,
and what each team could do.

Travel times, routes and elements are worked out once on the roads: the field of
patrols.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, hstack

from optimizer.base.arguments import checked
from optimizer.base.errors import InputError, Problem, ProblemList
from optimizer.problem.instance.detection import drive_meeting, dwell_meeting, patrol_survival
from optimizer.problem.instance.evaders import Evader, best_responses
from optimizer.problem.instance.teams import (
    NO_WAY,
    Elements,
    Patrol,
    PatrolField,
    Post,
    TeamBase,
    TeamType,
)
from optimizer.problem.network.arrays import float_column
from optimizer.problem.network.geodesy import great_circle_m
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.risk.demand import SegmentLoads
from optimizer.scenario.file.ranges import middle
from optimizer.scenario.sites.options import owned, run_by

if TYPE_CHECKING:
    from optimizer.problem.network.network import Network
    from optimizer.scenario.demand.travel import ScenarioTravel
    from optimizer.scenario.file.model import ScenarioModel, TeamModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def compile_patrols(travel: ScenarioTravel) -> PatrolField | None:
    """Return what the scenario's teams could do; None where it has none. They pass no
    crossing and no gateway.

    Parameters
    ----------
    travel
        The scenario, and who travels its roads.

    Raises
    ------
    InputError
        Naming each team whose shift is too short to reach any post from a base.
    """
    evidence = travel.evidence
    scenario, region = evidence.scenario, evidence.region
    if not scenario.teams:
        return None
    network = region.network
    bases = {
        base.id: TeamBase(base.id, node, base.lon, base.lat, base.label or base.id)
        for base, node in zip(scenario.bases, evidence.base_nodes, strict=True)
    }
    closed = sorted({c.node for c in region.crossings} | {g.node for g in region.gateways})
    traffic = _traffic(
        scenario, network, None if evidence.counted is None else evidence.counted.of_segments
    )
    posts: dict[
        int,
        Post,
        # by segment, in the order found: teams that choose one segment share its post and
        # so its elements
    ] = {}
    number: dict[int, int] = {}
    assigned = []
    problems = ProblemList()
    flows = EvaderFlows(network, travel.evaders.evaders)
    for model in scenario.teams:
        team = _team(model, scenario)
        for name in model.bases or [b.id for b in scenario.bases if b.agency in {"", model.agency}]:
            time = driving_time(network, team, np.array(closed))
            near = _within_a_shift(model, bases[name], network, time)
            allowed = near & evidence.jurisdictions.allowed(model.agency, model.id)
            chosen = choose_posts(
                network,
                travel.reliability,
                flows,
                allowed,
                model.posts,
                model.spacing_m,
                traffic,
            )
            if not chosen:
                shift = f"a shift of {model.shift_hours:,.10g} hours"
                reach = (
                    f"there, {model.slot_minutes:,.10g} minutes of dwelling and back take more than"
                    f" {shift}"
                )
                if model.farthest_minutes is not None:
                    reach = (
                        f"the drive takes more than {model.farthest_minutes:,.10g} minutes"
                        f" (farthest_minutes), or {reach}"
                    )
                problems.add(
                    f"{evidence.path}, team {model.id!r}",
                    f"no post within reach of base {name!r}: on every road that evaders use and on"
                    f" which it may stand, {reach}",
                    "at least one post that can be reached",
                    "Lengthen the shift or farthest_minutes, shorten the slot or move the base",
                )
            for post in chosen:
                number.setdefault(post.segment, len(number))
                posts.setdefault(post.segment, post)
            assigned.append((team, bases[name], [number[post.segment] for post in chosen]))
    problems.raise_if_any()
    field = patrol_field(network, list(posts.values()), assigned, closed)
    return replace(field, teams_at_post=scenario.teams_at_post)


def _team(model: TeamModel, scenario: ScenarioModel) -> TeamType:
    uses = owned(model.uses, model.agency, scenario)
    return TeamType(
        id=model.id,
        number=model.number,
        shift_s=round(3600 * model.shift_hours),
        slot_s=round(60 * model.slot_minutes),
        most_slots=model.most_slots,
        detection=middle(model.detection),
        uses=uses,
        agency=run_by(model.agency, uses, scenario),
        label=model.label or model.id,
        speed=model.speed_kmh,
        passing=model.passing,
        capacity=np.inf if model.capacity is None else model.capacity,
        shifts=tuple(model.shifts),
    )


def _traffic(scenario: ScenarioModel, network: Network, measured: Floats | None) -> Floats:
    """(segments,) vehicles an hour in one direction, counted or by road class; where
    they are not known 1, so that a team inspects all.
    """
    classes = network.road_class[network.segment_arc]
    hourly = {
        name: scenario.traffic.past(None, name).hourly(1.0) for name in np.unique(classes).tolist()
    }
    by_class = np.array([hourly[name] for name in classes.tolist()])
    if measured is None:
        return by_class
    return np.where(np.isfinite(measured), measured / scenario.traffic.busy_hours, by_class)


def _within_a_shift(
    model: TeamModel, base: TeamBase, network: Network, time: Floats
) -> NDArray[np.bool_]:
    """Return the (segments,) mask of roads that a team may use: near enough to drive
    there, dwell one slot and be back in a shift.
    """
    there, back = (
        cost_graph(network.n_nodes, network.tail, network.head, time, reverse=reverse).distances(
            [base.node]
        )[0]
        for reverse in (False, True)
    )
    stand = network.tail[network.segment_arc]
    farthest = np.inf if model.farthest_minutes is None else 60 * model.farthest_minutes
    fits = there[stand] + back[stand] + 60 * model.slot_minutes <= 3600 * model.shift_hours
    return np.asarray(fits & (there[stand] <= farthest))


FAINTEST = 1e-9
"""Chance of being found out below which a meeting is left out."""

ROUNDING = 1e-9
"""Allowance for sums of times in another order, relative to them: how often a stretch
is driven must never be counted too low.
"""


def driving_time(network: Network, team: TeamType, closed: NDArray[np.int64]) -> Floats:
    """Return the (m,) seconds in which a team drives each arc; infinity to or from a
    closed node.
    """
    limit = np.array([team.speed.get(name, np.inf) for name in network.road_class.tolist()])
    shut = np.isin(network.tail, closed) | np.isin(network.head, closed)
    return np.where(shut, np.inf, np.maximum(network.time_s, network.length_m / limit * 3.6))


def patrol_field(
    network: Network,
    posts: Sequence[Post],
    assigned: Sequence[tuple[TeamType, TeamBase, Sequence[int]]],
    closed: Sequence[int] = (),
) -> PatrolField:
    """Return what teams could do.

    Parameters
    ----------
    network
        The roads.
    posts
        Places where somebody could stand.
    assigned
        For each team type and base the positions of the posts it may use; those that it
        cannot reach and be back from within a shift, with one slot of dwelling, are
        left out.
    closed
        Nodes that no team passes: crossings of the border.
    """
    making = _Making(network, posts, np.asarray(closed, dtype=np.int64))
    patrols = tuple(
        making.patrol(team, base, np.asarray(chosen, dtype=np.int64))
        for team, base, chosen in assigned
    )
    return making.finished(tuple(posts), patrols)


class _Making:
    """Elements gathered patrol by patrol."""

    def __init__(self, network: Network, posts: Sequence[Post], closed: Ints) -> None:
        self._network = network
        self._posts = posts
        self._closed = closed
        self._parts: list[tuple[Ints, Ints, Floats]] = []
        self._post: list[int] = []
        self._times: list[int] = []
        arcs = np.lexsort((network.tail, network.segment))
        self._back = _opposite(network, arcs)

    def patrol(self, team: TeamType, base: TeamBase, chosen: Ints) -> Patrol:
        time = driving_time(self._network, team, self._closed)
        nodes = np.array(
            [base.node, *(self._posts[p].node for p in chosen.tolist())], dtype=np.int64
        )
        graph = cost_graph(self._network.n_nodes, self._network.tail, self._network.head, time)
        seconds, before = graph.trees(nodes)
        travel = np.where(
            np.isfinite(seconds[:, nodes]), np.ceil(seconds[:, nodes]), NO_WAY
        ).astype(np.int64)
        near = travel[0] + team.slot_s + travel[:, 0] <= team.shift_s
        near[0] = True
        kept = np.flatnonzero(near)
        routes = {
            (i, j): arcs
            for i, row in enumerate(kept.tolist())
            for j, arcs in enumerate(graph.paths(before[row], nodes[kept].tolist()))
            if i != j and travel[row, kept[j]] < NO_WAY
        }
        posts = chosen[kept[1:] - 1]
        dwell = self._dwelling(team, posts)
        return Patrol(
            team,
            base,
            posts,
            travel[np.ix_(kept, kept)],
            routes,
            dwell,
            self._driving(team, time, kept.size, routes),
        )

    def finished(self, posts: tuple[Post, ...], patrols: tuple[Patrol, ...]) -> PatrolField:
        size = len(self._post)
        element, arc, survival = (
            np.concatenate(column) if self._parts else np.empty(0)
            for column in (zip(*self._parts, strict=True) if self._parts else ((), (), ()))
        )
        elements = Elements(
            element.astype(np.int64),
            arc.astype(np.int64),
            survival.astype(np.float64),
            np.array(self._post, dtype=np.int64),
            np.array(self._times, dtype=np.int64),
        )
        wide = []
        for patrol in patrols:
            beyond = csr_array((patrol.drives.shape[0], size - patrol.drives.shape[1]))
            wide.append(replace(patrol, drives=csr_array(hstack((patrol.drives, beyond)))))
        return PatrolField(posts, tuple(wide), elements)

    def _new(self, post: int, times: int, arcs: Ints, survival: Floats) -> int:
        number = len(self._post)
        there = 1 - survival > FAINTEST
        self._parts.append((np.full(int(there.sum()), number), arcs[there], survival[there]))
        self._post.append(post)
        self._times.append(times)
        return number

    def _dwelling(self, team: TeamType, posts: Ints) -> Ints:
        """(n, L) elements of dwelling 1 to L slots at each post."""
        dwell = np.empty((posts.size, team.most_slots), dtype=np.int64)
        for row, post in enumerate(posts.tolist()):
            arcs = np.flatnonzero(self._network.segment == self._posts[post].segment)
            looked_at = min(1.0, team.capacity / self._posts[post].traffic)
            for slots in range(1, team.most_slots + 1):
                meeting = float(dwell_meeting(slots * team.slot_s, team.shift_s))
                survival = np.full(
                    arcs.size, float(patrol_survival(meeting, looked_at * team.detection))
                )
                dwell[row, slots - 1] = self._new(post, 1, arcs, survival)
        return dwell

    def _driving(
        self,
        team: TeamType,
        time: Floats,
        places: int,
        routes: dict[tuple[int, int], tuple[int, ...]],
    ) -> csr_array:
        """((n + 1)^2, e) how often each leg drives each element: arcs that are always
        driven together are one.
        """
        leg = np.array(
            [i * places + j for (i, j), arcs in routes.items() for _ in arcs], dtype=np.int64
        )
        arc = np.array([a for arcs in routes.values() for a in arcs], dtype=np.int64)
        driven = np.unique(arc)
        table = csr_array(
            (np.ones(arc.size), (np.searchsorted(driven, arc), leg)), shape=(driven.size, places**2)
        )
        table.sum_duplicates()
        table.sort_indices()
        groups: dict[bytes, list[int]] = {}
        for row in range(driven.size):
            groups.setdefault(
                table.indices[table.indptr[row] : table.indptr[row + 1]].tobytes(), []
            ).append(row)
        rows: list[Ints] = []
        columns: list[Ints] = []
        for key, members in groups.items():
            together = driven[members]
            legs = np.frombuffer(key, dtype=table.indices.dtype)
            often = max(
                1, min(places, int(team.shift_s / max(time[together].sum(), 1.0) * (1 + ROUNDING)))
            )
            number = self._new(-1, often, *self._met(team, time, together))
            rows.append(legs.astype(np.int64))
            columns.append(np.full(legs.size, number))
        at = np.concatenate([*rows, np.empty(0, dtype=np.int64)])
        element = np.concatenate([*columns, np.empty(0, dtype=np.int64)])
        return csr_array((np.ones(at.size), (at, element)), shape=(places**2, len(self._post)))

    def _met(self, team: TeamType, time: Floats, driven: Ints) -> tuple[Ints, Floats]:
        """Return the arcs on which a team that drives these meets evaders, and the
        chance that it does not find them out.
        """
        network = self._network
        back = self._back[driven]
        two_way = back >= 0
        _, same = drive_meeting(time[driven], network.time_s[driven], team.shift_s)
        opposing, _ = drive_meeting(
            time[driven[two_way]], network.time_s[back[two_way]], team.shift_s
        )
        arcs = np.concatenate((driven, back[two_way]))
        survival = patrol_survival(np.concatenate((same, opposing)), team.passing)
        arcs, entry = np.unique(arcs, return_inverse=True)
        together = np.ones(arcs.size)
        # a stretch that turns back on itself meets both ways
        np.multiply.at(together, entry, survival)
        return arcs, together


def _opposite(network: Network, order: Ints) -> Ints:
    """(m,) the arc that runs the other way on the same segment; -1 where there is none."""
    back = np.full(network.n_arcs, -1, dtype=np.int64)
    segment = network.segment[order]
    pairs = np.flatnonzero(segment[1:] == segment[:-1])
    for first, second in ((order[pairs], order[pairs + 1]), (order[pairs + 1], order[pairs])):
        reversed_ = (network.tail[first] == network.head[second]) & (
            network.head[first] == network.tail[second]
        )
        back[first[reversed_]] = second[reversed_]
    return back


# Where a patrol might stand: on the roads that evaders take, and on those they would
# take if the first were watched.


def choose_posts(
    network: Network,
    reliability: NDArray[np.float64],
    evaders: Sequence[Evader] | EvaderFlows,
    allowed: NDArray[np.bool_],
    count: int,
    spacing_m: float,
    traffic: NDArray[np.float64] | None = None,
) -> list[Post]:
    """Return up to `count` posts on the segments that carry most evaders.

    Parameters
    ----------
    network, reliability, evaders
        The problem: (m,) chance to pass each arc undetected. Evaders of whom posts are
        chosen again and again as their flows, which are kept.
    allowed
        (segments,) where a post may stand.
    count
        How many, >= 0.
    spacing_m
        Least distance between two.
    traffic
        (segments,) vehicles an hour, > 0; 1 where None.
    """
    flows = evaders if isinstance(evaders, EvaderFlows) else EvaderFlows(network, evaders)
    kept = _candidates(network, reliability, flows, count, spacing_m, allowed, ROUNDS)
    return [
        post_on(network, segment, traffic=1.0 if traffic is None else float(traffic[segment]))
        for segment in kept.tolist()
    ]


FROM_JUNCTION_M = 300.0
"""Metres of its road from the junction to where a team stands, at most half of the
segment: clear of the other roads there, and under half a minute's drive, which times
leave out. Assumed.
"""


def post_on(network: Network, segment: int, traffic: float = 1.0) -> Post:
    """Return a post on a segment: a little way along it from the junction at which its
    first arc begins, and named by that place.

    Teams drive to the junction in the model. Posts on two roads of one junction stand
    on their own roads.
    """
    arc = int(network.segment_arc[segment])
    along = min(0.5, FROM_JUNCTION_M / max(float(network.length_m[arc]), 1.0))
    place = shapely.line_interpolate_point(network.lines[segment], along, normalized=True)
    lon, lat = float(place.x), float(place.y)
    road = str(network.name[arc]) or str(network.road_class[arc])
    return Post(
        segment, int(network.tail[arc]), lon, lat, f"{road} ({lat:.3f}, {lon:.3f})", traffic
    )


ROUNDS = 4
"""Times that evaders are asked for their answer, each with what was chosen before watched."""

WATCHED = 0.5
"""Survival on a segment chosen in an earlier round: evaders look for other roads, and
do not give up.
"""


@checked
def candidate_segments(
    network: Network,
    reliability: ArrayLike,
    evaders: Sequence[Evader],
    count: int,
    *,
    spacing_m: float = 0.0,
    allowed: ArrayLike | None = None,
    rounds: int = ROUNDS,
) -> NDArray[np.int64]:
    """Return up to `count` segments on good routes of evaders, the busiest first.

    Evaders are asked for their best routes; the segments that carry most of them are
    taken, then they are asked again with these watched, so that the ways round are
    among the candidates too.

    Parameters
    ----------
    network
        The roads.
    reliability
        (m,) chance in (0, 1] to pass each arc undetected with nothing placed, or one
        for all.
    evaders
        Who travels.
    count
        How many segments, >= 0.
    spacing_m
        Least great-circle distance between the middles of two.
    allowed
        (segments,) mask of where an option may stand; anywhere where None.
    rounds
        How often evaders are asked, >= 1.

    Returns
    -------
    (k,) segments, each once; fewer than `count` where evaders use no more.

    Raises
    ------
    InputError
        If a parameter is out of range or of another shape.
    """
    survival = float_column("reliability", reliability, network.n_arcs)
    mask = np.ones(network.n_segments, dtype=bool) if allowed is None else np.asarray(allowed)
    for name, wrong, found, expected in (
        ("count", count < 0, f"{count}", "a number from 0"),
        ("rounds", rounds < 1, f"{rounds}", "a number from 1"),
        ("spacing_m", not spacing_m >= 0, f"{spacing_m:.10g}", "metres from 0"),
        (
            "allowed",
            mask.shape != (network.n_segments,),
            f"shape {mask.shape}",
            f"shape ({network.n_segments},)",
        ),
        (
            "reliability",
            not ((survival > 0) & (survival <= 1)).all(),
            "a value out of range",
            "chances in (0, 1]",
        ),
    ):
        if wrong:
            raise InputError(Problem(f"candidate_segments, {name}", found, expected))
    flows = EvaderFlows(network, evaders)
    return _candidates(network, survival, flows, count, spacing_m, mask, rounds)


class EvaderFlows:
    """How many evaders travel each segment when they answer what is watched; what was
    asked before is known.

    Parameters
    ----------
    network
        The roads.
    evaders
        Who travels them.
    """

    def __init__(self, network: Network, evaders: Sequence[Evader]) -> None:
        self._network, self._evaders = network, evaders
        self._loads = SegmentLoads(network, evaders)
        self._known: dict[bytes, NDArray[np.float64]] = {}

    def under(self, survival: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (segments,) weights under the (m,) chances to pass each arc."""
        key = survival.tobytes()
        if key not in self._known:
            roads = self._network
            self._known[key] = self._loads.under(
                best_responses(roads.n_nodes, roads.tail, roads.head, survival, self._evaders)
            )
        return self._known[key]


def _candidates(
    network: Network,
    base: NDArray[np.float64],
    flows: EvaderFlows,
    count: int,
    spacing_m: float,
    allowed: NDArray[np.bool_],
    rounds: int,
) -> NDArray[np.int64]:
    """Return what `candidate_segments` does, of arguments that are right."""
    kept: list[int] = []
    survival, middle = base, network.segment_midpoint
    for step in range(rounds):
        wanted = count * (step + 1) // rounds
        flow = np.where(allowed, flows.under(survival), 0.0)
        _take(kept, wanted, flow, middle, spacing_m)
        survival = np.where(np.isin(network.segment, kept), WATCHED * base, base)
    return np.array(kept, dtype=np.int64)


def _take(
    kept: list[int],
    wanted: int,
    flow: NDArray[np.float64],
    middle: NDArray[np.float64],
    spacing_m: float,
) -> None:
    """Add the segments that carry most, none too near to one that is kept, until there
    are `wanted`.
    """
    for segment in np.argsort(-flow, kind="stable").tolist():
        if len(kept) >= wanted or flow[segment] <= 0:
            break
        if segment in kept:
            continue
        lon, lat = middle[segment]
        if kept and great_circle_m(middle[kept, 0], middle[kept, 1], lon, lat).min() < spacing_m:
            continue
        kept.append(segment)
