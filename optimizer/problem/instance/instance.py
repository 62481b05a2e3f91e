"""The compiled problem: arcs with reliabilities, evaders, options, resources.

An instance is pure mathematics. Arc a is passed undetected with probability r_a; a
placed option j multiplies that by s_ja on each of its arcs; informed evader k is worth
f_k(x) = max over paths P of prod_{a in P} r_a prod_{j: a in A_j} s_ja^{x_j}, a habitual
one the mean of that product over its routes. A plan x minimises sum_k p_k f_k(x) within
the resource budgets, at most one option a site, none beside an option it excludes, all
forced and no forbidden ones, and every requirement reached.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from optimizer.base.errors import InputError, Problem
from optimizer.base.read_only import ReadOnlyFields, cached_read_only
from optimizer.base.summary import Facts, Summarised, first_names
from optimizer.base.text.formatting import plain
from optimizer.base.text.names import unknown_name
from optimizer.base.version import package_version
from optimizer.problem.instance.checks import budget_problems, instance_problems
from optimizer.problem.instance.evaders import ContractedNetwork, Evader, Habits, Route, Searches
from optimizer.problem.instance.options import BUDGET_TOLERANCE, Option, Resource, stands_for
from optimizer.problem.instance.requirements import Requirement, RequirementTable
from optimizer.problem.instance.teams import Elements, PatrolField


@dataclass(frozen=True, repr=False)
class Instance(Summarised, ReadOnlyFields):
    """An interdiction problem; see the module for its mathematics.

    Build one with `optimizer.problem.files.instance_file.read_instance`, a converter or
    a scenario: these check what this class takes for granted.
    """

    #: What people call it.
    name: str
    #: (n,) integers or strings, unique.
    node_id: NDArray[Any]
    #: `tail`, `head`: (m,) node positions; arcs may run in parallel.
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    #: (m,) r_a in (0, 1].
    reliability: NDArray[np.float64]
    #: `evaders`, `options`, `resources`: The rest of the problem; arcs and nodes named
    #: by position.
    evaders: tuple[Evader, ...]
    options: tuple[Option, ...]
    resources: tuple[Resource, ...]
    #: Sets of option positions of which at most one can be placed, beyond those that
    #: share a site.
    exclusions: tuple[tuple[int, ...], ...] = ()
    #: (n, 2) degrees for drawing; None when the problem has no map.
    lonlat: NDArray[np.float64] | None = None
    #: What patrol teams could do; None where there are none. A plan then also chooses
    #: beats, each an option that is not among `options`.
    patrols: PatrolField | None = None
    #: Sums over options that every plan must reach.
    requirements: tuple[Requirement, ...] = ()

    def _facts(self) -> Facts:
        today = sum(option.existing for option in self.options)
        informed = sum(not evader.routes for evader in self.evaders)
        budgets = [f"{plain(r.name or r.id)} {r.budget:g}" for r in self.resources]
        facts = [
            ("name", plain(self.name)),
            ("nodes", f"{self.n_nodes:,}"),
            ("arcs", f"{self.tail.size:,}"),
            ("evaders", f"{len(self.evaders):,} ({informed:,} informed)"),
            ("options", f"{len(self.options):,} ({today:,} in place today)"),
            ("budgets", first_names(budgets)),
        ]
        if self.patrols is not None:
            facts.append(("teams", f"{sum(team.number for team in self.patrols.teams):,}"))
        return facts

    @property
    def n_nodes(self) -> int:
        """Number of nodes n."""
        return self.node_id.size

    @cached_read_only
    def option_index(self) -> dict[str, int]:
        """Position of each option by its id."""
        return {option.id: j for j, option in enumerate(self.options)}

    @property
    def forced(self) -> NDArray[np.bool_]:
        """(options,) mask of the options every plan must contain."""
        return np.array([option.forced for option in self.options], dtype=bool)

    @cached_read_only
    def informed(self) -> NDArray[np.int64]:
        """Positions of the informed evaders."""
        return np.array(
            [k for k, evader in enumerate(self.evaders) if not evader.routes], dtype=np.int64
        )

    @cached_read_only
    def weight(self) -> NDArray[np.float64]:
        """(evaders,) weights."""
        return np.array([evader.weight for evader in self.evaders], dtype=np.float64)

    @cached_read_only
    def searches(self) -> Searches:
        """How the answers of the informed evaders are found."""
        return Searches.of([self.evaders[k] for k in self.informed])

    @cached_read_only
    def through(self) -> ContractedNetwork:
        """The network as the searches of the informed evaders need it."""
        return ContractedNetwork.of(self.n_nodes, self.tail, self.head, self.searches)

    @cached_read_only
    def habits(self) -> Habits:
        """The routes of the habitual evaders."""
        return Habits.of(self.evaders, self.tail.size)

    @cached_read_only
    def effects(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Option position, arc position and survival of every (option, arc) pair: three
        (e,) arrays.
        """
        count = [len(option.arcs) for option in self.options]
        arcs = [arc for option in self.options for arc in option.arcs]
        survival = [s for option in self.options for s in option.survival]
        return (
            np.repeat(np.arange(len(count)), count).astype(np.int64),
            np.asarray(arcs, dtype=np.int64),
            np.asarray(survival, dtype=np.float64),
        )

    @cached_read_only
    def use(self) -> NDArray[np.float64]:
        """(options, resources) amounts used, with what opening takes, and less what
        closing would take; see `options.stands_for`.
        """
        use, change = (
            self._amounts([o.uses for o in self.options]),
            self._amounts([o.change for o in self.options]),
        )
        if not change.any():
            return use
        today = stands_for(self.options)
        new = np.array([j not in today for j in range(len(self.options))], dtype=bool)
        use[new] += change[new]
        use[list(today)] -= change[list(today.values())]
        return use

    @cached_read_only
    def budget(self) -> NDArray[np.float64]:
        """(resources,) budgets, less what closing all that stands today would take.

        A budget may be overrun by its tolerance, which is of the amount stated: the
        part of what is taken off stays. Else a plan that meets the budget would be
        refused for the rounding of sums where little or nothing is left.
        """
        stated = np.array([resource.budget for resource in self.resources], dtype=np.float64)
        return stated - self.closing * (1 - BUDGET_TOLERANCE)

    @property
    def closing(self) -> NDArray[np.float64]:
        """(resources,) amounts that closing all that stands today would take."""
        today = [option.change for option in self.options if option.existing and option.change]
        return np.array(
            [math.fsum(each.get(r.id, 0.0) for each in today) for r in self.resources],
            dtype=np.float64,
        )

    def amounts(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (resources,) amounts that an (options,) mask takes, changes of
        today's layout included: at most the budgets stated.
        """
        total: NDArray[np.float64] = placed @ self.use + self.closing
        return total

    def changed(self, placed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the (options,) mask of what an (options,) mask opens, and of what
        stands today that it closes.
        """
        today = stands_for(self.options)
        kept = {e for j, e in today.items() if placed[j]}
        return np.array(
            [
                o.existing and j not in kept if j in today else placed[j]
                for j, o in enumerate(self.options)
            ],
            dtype=bool,
        )

    def _amounts(self, named: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
        """Return the (options, resources) amounts by resource of the amounts by name."""
        names = [resource.id for resource in self.resources]
        return np.array(
            [[each.get(name, 0.0) for name in names] for each in named], dtype=np.float64
        ).reshape(len(named), len(names))

    @cached_read_only
    def conflicts(self) -> tuple[tuple[int, ...], ...]:
        """Every set of option positions of which at most one can be placed: those that
        share a site, then the named exclusions.
        """
        sites: dict[str, list[int]] = {}
        for j, option in enumerate(self.options):
            if option.site:
                sites.setdefault(option.site, []).append(j)
        return (*(tuple(group) for group in sites.values() if len(group) > 1), *self.exclusions)

    @cached_read_only
    def conflict_table(self) -> csr_array:
        """(conflicts, options) 1 for each member of a set of `conflicts`."""
        size = [len(group) for group in self.conflicts]
        place = (
            np.repeat(np.arange(len(size)), size),
            np.array([j for group in self.conflicts for j in group], dtype=int),
        )
        return csr_array((np.ones(sum(size)), place), shape=(len(size), len(self.options)))

    @cached_read_only
    def requirement_table(self) -> RequirementTable:
        """The requirements as rows."""
        return RequirementTable.of(self.requirements)

    @cached_read_only
    def problems(self) -> tuple[Problem, ...]:
        """Every fault of shapes, positions, chances, amounts and ids, found once; not
        whether evaders reach their destinations.
        """
        return instance_problems(self)

    def check(self) -> None:
        """Refuse an instance with faults; `solve` and `evaluate` do so before they
        begin.

        Raises
        ------
        InputError
            With every problem of `problems`.
        """
        if self.problems:
            raise InputError(*self.problems)

    def with_budget(self, resource: str, amount: float) -> Instance:
        """Return the instance with another budget of a resource, without compiling
        anything again.

        Raises
        ------
        InputError
            If there is no such resource, or the amount is not a number from 0 to 1e15.
        """
        names = [each.id for each in self.resources]
        if resource not in names:
            raise InputError(unknown_name(f"{self.name}, resources", resource, names))
        changed = replace(self.resources[names.index(resource)], budget=float(amount))
        resources = tuple(changed if each.id == resource else each for each in self.resources)
        return self._checked(replace(self, resources=resources))

    def with_forced(self, *options: str, forced: bool = True) -> Instance:
        """Return the instance in which every plan must contain these options, by id;
        with `forced=False` no longer must.

        A forced option is no longer forbidden.

        Raises
        ------
        InputError
            If an id is none of this instance's.
        """
        return self._with_options(options, forced=forced, forbidden=False if forced else None)

    def with_forbidden(self, *options: str, forbidden: bool = True) -> Instance:
        """Return the instance in which no plan may contain these options, by id; with
        `forbidden=False` again may.

        A forbidden option is no longer forced.

        Raises
        ------
        InputError
            If an id is none of this instance's.
        """
        return self._with_options(options, forbidden=forbidden, forced=False if forbidden else None)

    def _with_options(self, ids: Iterable[str], **marks: bool | None) -> Instance:
        chosen = set(ids)
        unknown = [name for name in chosen if name not in self.option_index]
        if unknown:
            raise InputError(
                *(
                    unknown_name(f"{self.name}, options", name, list(self.option_index))
                    for name in sorted(unknown)
                )
            )
        changes: Any = {name: mark for name, mark in marks.items() if mark is not None}
        options = tuple(
            replace(each, **changes) if each.id in chosen else each for each in self.options
        )
        return self._checked(replace(self, options=options))

    def _checked(self, changed: Instance) -> Instance:
        """Return an instance that differs from this one in budgets and marks alone,
        checked; where this one has no fault, by its budgets.
        """
        if not self.problems:
            changed.__dict__["problems"] = budget_problems(changed)
        changed.check()
        for name in (
            "searches",
            "habits",
            "informed",
            "option_index",
            "effects",
            "use",
            "conflicts",
            "conflict_table",
            "requirement_table",
        ):
            # what was computed already depends on neither budgets nor marks
            if name in self.__dict__:
                changed.__dict__[name] = self.__dict__[name]
        return changed

    def placed(self, options: Iterable[str]) -> NDArray[np.bool_]:
        """Return the (options,) mask of a set of option ids.

        Raises
        ------
        InputError
            If an id is none of this instance's.
        """
        mask = np.zeros(len(self.options), dtype=bool)
        names = list(options)
        try:
            mask[[self.option_index[name] for name in names]] = True
        except (KeyError, TypeError) as error:
            known = self.option_index
            wrong = [name for name in names if not (isinstance(name, str) and name in known)]
            where = f"{self.name}, options"
            problems = [unknown_name(where, str(name), list(known)) for name in wrong]
            raise InputError(*problems) from error
        return mask

    def ids_of(self, placed: NDArray[np.bool_]) -> tuple[str, ...]:
        """Return the ids of the options in a (options,) mask: the reverse of `placed`."""
        return tuple(self.options[j].id for j in np.flatnonzero(placed).tolist())

    def survival(self, placed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the (m,) chance to pass each arc undetected when the options in the
        mask are placed.
        """
        option, arc, survival = self.effects
        chosen = placed[option]
        result = self.reliability.copy()
        np.multiply.at(result, arc[chosen], survival[chosen])
        return result


def layered_instance(instances: Sequence[Instance]) -> Instance:
    """Return one instance whose value is the sum of the values of several.

    Arc a of the network in copy l is arc a + l m, node v is v + l n; an option watches
    its arcs in every copy, with its survival there.

    Parameters
    ----------
    instances
        At least one; network, evaders, resources and options are the same but for the
        arcs that options and beats watch, and how well.
    """
    first = instances[0]
    if len(instances) == 1:
        return first
    m, n = first.tail.size, first.n_nodes
    count = range(len(instances))
    names = [str(name) for name in first.node_id.tolist()]
    return replace(
        first,
        node_id=np.array([f"{name} [{k + 1}]" for k in count for name in names]),
        tail=np.concatenate([first.tail + k * n for k in count]).astype(np.int32),
        head=np.concatenate([first.head + k * n for k in count]).astype(np.int32),
        reliability=np.concatenate([each.reliability for each in instances]),
        evaders=tuple(
            _moved(evader, k, n, m) for k, each in enumerate(instances) for evader in each.evaders
        ),
        options=tuple(
            _joined([each.options[j] for each in instances], m) for j in range(len(first.options))
        ),
        lonlat=None if first.lonlat is None else np.tile(first.lonlat, (len(instances), 1)),
        patrols=_field([each.patrols for each in instances if each.patrols is not None], m),
    )


def _moved(evader: Evader, copy: int, n: int, m: int) -> Evader:
    routes = tuple(
        Route(tuple(a + copy * m for a in route.arcs), route.share) for route in evader.routes
    )
    origin, destination = evader.origin + copy * n, evader.destination + copy * n
    return replace(
        evader,
        id=f"{evader.id} [{copy + 1}]",
        origin=origin,
        destination=destination,
        routes=routes,
    )


def _joined(options: Sequence[Option], m: int) -> Option:
    return replace(
        options[0],
        arcs=tuple(arc + k * m for k, option in enumerate(options) for arc in option.arcs),
        survival=tuple(s for option in options for s in option.survival),
    )


def _field(fields: Sequence[PatrolField], m: int) -> PatrolField | None:
    if not fields:
        return None
    parts = [each.elements for each in fields]
    element = np.concatenate([part.element for part in parts])
    order = np.argsort(element, kind="stable")  # readers find an element by its first entry
    elements = Elements(
        element[order],
        np.concatenate([part.arc + k * m for k, part in enumerate(parts)])[order],
        np.concatenate([part.survival for part in parts])[order],
        parts[0].post,
        parts[0].times,
    )
    return replace(fields[0], elements=elements)


def content_digest(instance: Instance) -> str:
    """Return the SHA-256 of an instance's network, evaders, options, resources,
    exclusions and requirements, and of what its teams can do.

    Names of the instance and labels, coordinates and kinds, which change no value, do
    not count.
    """
    digest = hashlib.sha256()
    for array in (instance.tail, instance.head):
        digest.update(_bytes(array, np.int64))
    digest.update(_bytes(instance.reliability, np.float64))
    digest.update(_text(instance.node_id.tolist()))
    for evader in instance.evaders:
        routes = [[list(map(int, route.arcs)), float(route.share)] for route in evader.routes]
        digest.update(
            _text(
                [
                    evader.id,
                    int(evader.origin),
                    int(evader.destination),
                    float(evader.weight),
                    routes,
                ]
            )
        )
    for option in instance.options:
        digest.update(
            _text([option.id, list(map(int, option.arcs)), list(map(float, option.survival))])
        )
        digest.update(_text([_amounts(option.uses), option.site, option.forced, option.forbidden]))
        if option.change:
            digest.update(
                _text([_amounts(option.change), option.existing, option.type, option.agency])
            )
    digest.update(_text([[resource.id, float(resource.budget)] for resource in instance.resources]))
    digest.update(_text([list(map(int, group)) for group in instance.exclusions]))
    for each in instance.requirements:
        digest.update(
            _text(
                [
                    list(map(int, each.options)),
                    list(map(float, each.coefficients)),
                    float(each.least),
                ]
            )
        )
    for part in () if instance.patrols is None else _of_field(instance.patrols):
        digest.update(part)
    return digest.hexdigest()


def series_digest(instance: Instance, *terms: object) -> str:
    """Return the digest of an instance with what a series of solves asks of it, as JSON
    can hold it, and of this package's version.
    """
    return hashlib.sha256(_text([package_version(), content_digest(instance), *terms])).hexdigest()


def _of_field(field: PatrolField) -> Iterable[bytes]:
    for patrol in field.patrols:
        team = patrol.team
        yield _text(
            [team.id, team.number, team.shift_s, team.slot_s, team.most_slots, _amounts(team.uses)]
        )
        yield from (
            _bytes(table, np.float64)
            for table in (patrol.travel_s, patrol.dwell, patrol.drives.data)
        )
        yield from (
            _bytes(table, np.int64) for table in (patrol.drives.indices, patrol.drives.indptr)
        )
    if field.teams_at_post is not None:
        yield _text(["teams at a post", field.teams_at_post])
    elements = field.elements
    yield from (_bytes(table, np.int64) for table in (elements.element, elements.arc))
    yield from (_bytes(table, np.float64) for table in (elements.survival, elements.times))


def _amounts(uses: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted((name, float(amount)) for name, amount in uses.items())


def _bytes(values: ArrayLike, kind: type[np.generic]) -> bytes:
    return np.ascontiguousarray(values, dtype=kind).tobytes()


def _text(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
