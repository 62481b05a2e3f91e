"""The certificate of a bound, from what a search has written down (`record`); its
format is in docs/certificates.md.

The tree of the certificate is put together from the steps that lead to the nodes at
which the search ended. Every bound in it is proven anew by the checker, from paths on
the network itself: the overlay of the search appears nowhere. So nothing here has to be
right for a certificate to be true; what is wrong here gives one that is refused, and
the checker reads it before it is handed out.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.base.errors import SolverError
from optimizer.base.files.readwrite import written_whole
from optimizer.certificate.check import ONE, VERSION, Fault, InstanceFile, check, down, mixture_of
from optimizer.problem.instance.evaders import arc_costs
from optimizer.problem.instance.instance import Instance
from optimizer.problem.instance.options import BUDGET_TOLERANCE
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.problem.plan.result import Result
from optimizer.solvers.branch_and_cut.cuts.budget_hull import BudgetCuts
from optimizer.solvers.branch_and_cut.cuts.separation import (
    CHORD,
    STAR,
    STEEPEST,
    Cuts,
    best_of_each,
)
from optimizer.solvers.branch_and_cut.paths.detours import next_in_series, series_from
from optimizer.solvers.branch_and_cut.proof.record import (
    Duals,
    End,
    Fixing,
    GroupRows,
    PathCutRows,
    SearchRecord,
    Split,
    Step,
    Strategy,
)
from optimizer.solvers.overlay.overlay import Overlay

Line = list[Any]
Way = tuple[tuple[int, int], tuple[int, ...]]
Mask = NDArray[np.bool_]

CERTIFICATE_SUFFIX = ".jsonl.gz"
"""Of a certificate beside the instance file of the same name."""
ALLOWANCES = (1e-9, 1e-8, 1e-7, 1e-6)
"""By how much, relative, the bound that is claimed is below that of the search:
rounding of both. The first with which the checker agrees is taken: where multipliers of
budgets and requirements are large, what these may be exceeded by counts for more.
"""
DIGITS = 44
"""Binary digits of the multipliers of rows on values, which are at most 1: they are
rounded down, so that a file is smaller.
"""
WEIGHTS = 1e-12
"""By how much, relative, weights of paths are lowered, so that for rounding they are no
more together than their evaders have.
"""
RISE = 1e-10
"""Relative rise of a floor from which on the paths that show it are written."""
GAINED = 1e-9
"""Share of its right side by which multipliers must prove a floor under the budgets."""


def write_certificate(
    file: str | os.PathLike[str],
    instance_file: str | os.PathLike[str],
    instance: Instance,
    record: SearchRecord,
    result: Result,
) -> tuple[Fraction, Fraction]:
    """Write the certificate of a result, and return the bounds that the checker has
    found it to prove.

    Parameters
    ----------
    file
        The certificate, which is replaced whole or not at all.
    instance_file, instance
        The problem that was solved, as it is.
    record, result
        What the search has written down, and its result.

    Raises
    ------
    SolverError
        If the checker refuses it. The result is no less good; the sentence says what
        could not be shown.
    InputError
        If the file cannot be written.
    """
    assert result.plan is not None  # noqa: S101 - the caller has looked
    told: SolverError | None = None
    for proof in _proofs(Path(instance_file).read_bytes(), record):
        try:
            return _written(Path(file), Path(instance_file), instance, proof, result)
        except SolverError as error:
            told = told or error
    raise told or SolverError(
        "the bound has no certificate: time or an interrupt came before the search that it is made"
        " from began"
    )


def _proofs(content: bytes, record: SearchRecord) -> list[_SearchProof]:
    """Return the proofs that a search has left, that of the highest bound first; of a
    mixture also that of its relaxation.
    """
    found: list[_SearchProof] = []
    if record.begun and (record.relaxed is None or record.strategy is not None):
        network = NetworkWalks(record.instance, record.overlay)
        found.append(_SearchProof(_Writer(InstanceFile(content), network, record.strategy), record))
    if (relaxed := record.relaxed) is not None and relaxed.ends:
        network = NetworkWalks(relaxed.instance, relaxed.overlay)
        found.append(_RelaxationProof(_Writer(InstanceFile(content), network), relaxed))
    return sorted(
        found,
        key=lambda each: -(each.record.lower if each.strategy is None else each.strategy.lower),
    )


def _written(
    file: Path, instance_file: Path, instance: Instance, proof: _SearchProof, result: Result
) -> tuple[Fraction, Fraction]:
    """Write the certificate of a proof, and return the bounds that the checker has
    found it to prove.
    """
    strategy, problem = proof.strategy, proof.writer.problem
    said = (
        _of_mixture(problem, instance, strategy, result) if strategy else _of_plan(instance, result)
    )
    lines: list[Line] = [["certificate", VERSION, {"instance": problem.digest} | said]]
    if strategy is not None:
        lines.append(["strategy", [[list(arcs), y.hex()] for arcs, y in strategy.paths]])
        problem.take(lines[1][1])
    lines += proof.writer.lines(proof.lines())
    bound, told = min(float.fromhex(said["lower"]), proof.record.lower), ""
    with written_whole(file) as part:
        for allowance in ALLOWANCES:
            lines[0][2]["lower"] = (bound * (1 - allowance)).hex()
            text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
            part.write_bytes(gzip.compress(text.encode(), mtime=0))
            try:
                return check(str(instance_file), str(part))
            except Fault as fault:
                told = told or str(fault)
        raise SolverError(
            f"the bound has no certificate: what the search wrote down proves less ({told})"
        )


def _of_plan(instance: Instance, result: Result) -> dict[str, Any]:
    """Return what a certificate says of a plan."""
    assert result.plan is not None  # noqa: S101 - the caller has looked
    assert result.lower is not None  # noqa: S101
    assert result.upper is not None  # noqa: S101
    plan = np.flatnonzero(instance.placed(result.plan.options)).tolist()
    return {"plan": plan, "value": float(result.upper).hex(), "lower": float(result.lower).hex()}


def _of_mixture(
    problem: InstanceFile, instance: Instance, strategy: Strategy, result: Result
) -> dict[str, Any]:
    """Return what a certificate says of a mixture; its value is what the checker's own
    search finds.
    """
    assert result.mixed is not None  # noqa: S101 - there is a strategy
    mixture = result.mixed.mixture
    plans = [np.flatnonzero(instance.placed(plan.options)).tolist() for plan in mixture.plans]
    said = {
        "mixture": [
            [part.hex(), plan] for part, plan in zip(mixture.probabilities, plans, strict=True)
        ]
    }
    value = problem.value(mixture_of(said)) / ONE
    return said | {"value": value.hex(), "lower": float(strategy.lower).hex()}


class _Branch:
    """A node of the tree of steps: where the search ended, or a step and what follows, by child."""

    def __init__(self) -> None:
        self.end: End | None = None
        self.step: Step | None = None
        self.children: dict[bool, _Branch] = {}


def _tree(record: SearchRecord) -> _Branch:
    """Return the steps that lead to the ends of a search as a tree; what was tried
    below an end that is still open is left out.
    """
    root = _Branch()
    for end in sorted(record.ends, key=lambda end: len(end.trail)):
        here = root
        for step in end.trail:
            if here.end is not None:
                break
            here.step = here.step or step
            if here.step.made.number != step.made.number:
                raise SolverError("the bound has no certificate: a node was split in two ways")
            here = here.children.setdefault(step.closed, _Branch())
        here.end = here.end or end
    return root


class _Around(NamedTuple):
    """A detour: its way, and the options on it that count as placed (`paths.detours`)."""

    way: Way
    counted: tuple[int, ...]


class _PathFound(NamedTuple):
    """A path: its way, by watched arc of it the detour around it, and what it is worth
    in the search.
    """

    way: Way
    around: dict[int, _Around]
    worth: float


class _Writer:
    """The lines of one certificate: paths, cuts and rows as they are asked for, each once."""

    def __init__(
        self, problem: InstanceFile, network: NetworkWalks, strategy: Strategy | None = None
    ) -> None:
        self.problem = problem
        self.network = network
        self.strategy = strategy
        self.paths: dict[Any, int] = {}
        self.found: list[Any] = []
        self.cuts: dict[Any, int] = {}
        self.rows: dict[tuple[int, ...], int] = {}
        self.lemmas: dict[int, int] = {}
        self.proofs: list[list[Line]] = []

    def lines(self, proof: list[Line]) -> list[Line]:
        """Return all lines but the first, by those of the main tree."""
        paths = [what for what in self.found if not isinstance(what, list)]
        walks, parts = self.network.walks(
            [
                way
                for path in paths
                for way in (path.way, *(each.way for each in path.around.values()))
            ]
        )
        declared: list[Line] = [["segment", arcs] for arcs in walks]
        declared += [
            self._routes(what) if isinstance(what, list) else self._path(what, parts, walks)
            for what in self.found
        ]
        declared += [["cut", *cut] for cut in self.cuts]
        declared += [["row", list(row)] for row in self.rows]
        first = len(self.rows)
        for line in (line for each in (*self.proofs, proof) for line in each):
            for part in line:
                if isinstance(part, dict):
                    part.update(
                        {
                            "row": [
                                [k if k >= 0 else first - 1 - k, y] for k, y in part.get("row", ())
                            ]
                        }
                    )
        return [
            *declared,
            *(line for each in self.proofs for line in each),
            ["proof"],
            *proof,
            ["end"],
        ]

    def _path(self, path: _PathFound, parts: dict[Way, list[int]], walks: list[list[int]]) -> Line:
        segments = parts[path.way]
        found = {
            k: path.around[walks[part][0]]
            for k, part in enumerate(segments)
            if walks[part][0] in path.around
        }
        around = {k: (parts[each.way], list(each.counted)) for k, each in found.items()}
        value, left = self.problem.survival_around(
            [walks[part] for part in segments],
            {
                k: ([walks[part] for part in detour], counted)
                for k, (detour, counted) in around.items()
            },
        )
        # There may be a better walk over the same watched arcs than the search has found.
        # Its rows are of the lower value: with the higher one a star takes less for the
        # options of the path before, and more for those of this one.
        if path.worth * ONE < value * (1 - RISE):
            value = down(path.worth)
        line = [
            "path",
            segments,
            _hex(value),
            [[j, _hex(s)] for j, s in sorted(left.items()) if s < ONE],
        ]
        return [*line, [[k, *each] for k, each in around.items()]] if around else line

    def _routes(self, routes: list[tuple[int, int]]) -> Line:
        total, shares = 0, dict[int, int]()
        for key in routes:
            weight, arcs = self.problem.routes[key]
            value, left = self.problem.survival(arcs, down(weight))
            total += value
            for j, s in left.items():
                shares[j] = min(s, shares.get(j, ONE))
        return [
            "routes",
            [list(key) for key in routes],
            _hex(total),
            [[j, _hex(s)] for j, s in sorted(shares.items()) if s < ONE],
        ]

    def path(self, path: _PathFound) -> int:
        """Return the number of a path."""
        return self._number((path.way, tuple(path.around.items()), path.worth), path)

    def fixed_route(self, number: int | tuple[str, int], routes: list[tuple[int, int]]) -> int:
        """Return the number of a fixed route, by its position in the overlay, or of a
        path of a strategy, by its place.
        """
        return self._number(number, routes)

    def _number(self, key: Any, what: Any) -> int:  # noqa: ANN401 - of paths and of fixed routes
        if key not in self.paths:
            self.paths[key] = len(self.found)
            self.found.append(what)
        return self.paths[key]

    def cut(self, family: str, placed: tuple[int, ...], paths: tuple[int, ...], at: str) -> int:
        """Return the number of a cut."""
        return self.cuts.setdefault((family, placed, paths, at), len(self.cuts))

    def row(self, cuts: tuple[int, ...]) -> int:
        """Return the number of a row."""
        return self.rows.setdefault(cuts, len(self.rows))


def _hex(value: int) -> str:
    """Return the largest double up to a value in the checker's unit, as its hexadecimal digits."""
    nearest = value / ONE
    return (nearest if down(nearest) <= value else float(np.nextafter(nearest, 0.0))).hex()


class _SearchProof:
    """The tree of one search."""

    def __init__(self, writer: _Writer, record: SearchRecord) -> None:
        self.writer = writer
        self.record = record
        self.instance = record.instance
        self.strategy = writer.strategy
        self.master, self.overlay = record.master, record.overlay
        self.commodities = self.master.commodities
        self.n_informed = self.commodities.searches.row.size
        overlay = self.overlay
        self.following = next_in_series(overlay)
        ends = np.unique(overlay.origin * overlay.n_nodes + overlay.destination)
        node = writer.network.node
        self.ends = [
            (node[end // overlay.n_nodes], node[end % overlay.n_nodes]) for end in ends.tolist()
        ]
        self.routes = _parts_of_routes(record, writer.strategy)
        self.steps: dict[int, list[int]] = {}
        self.numbers: dict[int, int] = {}
        self.read = 0
        self.shown: set[bytes] = set()

    def lines(self) -> list[Line]:
        """Return the lines of the tree."""
        lines: list[Line] = []
        hull: dict[Any, int] = {}
        self._floors_under_budgets(lines, hull)
        self._show(self.record.master.overlay.free & False)
        stack: list[Any] = [(_tree(self.record), hull, [])]
        while stack:
            branch, hull, splits = stack.pop()
            if branch.end is not None:
                self._show(branch.end.zeros)
                lines += self._hulls(branch.end.duals, hull)
                lines.append(["leaf", self._duals(branch.end.duals, hull, splits)])
                continue
            assert branch.step is not None  # noqa: S101 - it is no end
            made, zeros = branch.step.made, branch.step.zeros
            if isinstance(made, Fixing):
                fixing = made
                self._show(zeros)
                lines += self._hulls(fixing.duals, hull)
                fixed = (
                    np.flatnonzero(fixing.ones).tolist(),
                    np.flatnonzero(fixing.zeros).tolist(),
                )
                lines.append(["fix", self._duals(fixing.duals, hull, splits), *fixed])
                stack.append((branch.children[False], hull, splits))
                continue
            if len(branch.children) < 2:
                raise SolverError("the bound has no certificate: a child of a split is missing")
            self._show_open(made, zeros)
            lines.append(["split", [member.tolist() for member in made.members]])
            # the closed child is popped, and written, first
            stack += [
                (branch.children[closed], dict(hull), [*splits, made]) for closed in (False, True)
            ]
        return lines

    # Paths.

    def _path(self, place: int) -> int:
        """Return the number in the certificate of a path of the pool."""
        if place not in self.numbers:
            way = self._way(place)
            around: dict[int, _Around] = {}
            for arc, detour in self.master.pool.around.get(place, {}).items():
                (own,) = self.writer.network.arcs(series_from(self.following, arc))
                met = self.writer.network.arcs(
                    [b for b in detour.arcs if self.overlay.option[b] >= 0]
                )
                ends = int(self.instance.tail[own]), int(self.instance.head[own])
                around[own] = _Around((ends, met), tuple(detour.counted))
            worth = float(self.master.pool.paths.value[place])
            self.numbers[place] = self.writer.path(_PathFound(way, around, worth))
        return self.numbers[place]

    def _way(self, place: int) -> Way:
        """Return the ends and watched arcs of a path of the pool."""
        pool = self.master.pool
        assert pool.steps is not None  # noqa: S101 - the record has asked for them
        for steps in pool.steps[self.read :]:
            for path, arc in steps.T.tolist():
                self.steps.setdefault(path, []).append(arc)
        self.read = len(pool.steps)
        arcs = self.steps.get(place, [])
        watched = self.writer.network.arcs(
            arcs if self.commodities.searches.reverse else arcs[::-1]
        )
        return self.ends[int(pool.paths.commodity[place])], watched

    def _show(self, zeros: Mask) -> None:
        """Have the certificate hold the best path of each commodity with all options
        placed but some.
        """
        if zeros.tobytes() in self.shown:
            return
        self.shown.add(zeros.tobytes())
        allowed = self.overlay.free & ~zeros
        self.master.pool.grow(allowed.astype(np.float64), allowed)
        paths = self.master.pool.paths
        for place in best_of_each(
            paths.commodity, paths.values(np.append(allowed, False))
        ).tolist():
            self._path(place)
        if not zeros.any():
            for number, routes in enumerate(self.routes):
                self.writer.fixed_route(number, routes)

    def _show_open(self, split: Split, zeros: Mask) -> None:
        """Have the certificate hold the paths that show floors where one path of a
        split is open.
        """
        if len(split.members) == 1:
            return
        paths, allowed = self.master.pool.paths, self.overlay.free & ~zeros
        most = np.zeros(self.commodities.weight.size)
        best = best_of_each(paths.commodity, plain := paths.values(np.append(allowed, False)))
        most[paths.commodity[best]] = plain[best]
        least, places = np.full(most.size, np.inf), []
        for member in split.members:
            without = np.append(allowed, False)
            without[member] = False
            best = best_of_each(paths.commodity, values := paths.values(without))
            here, place = np.zeros(most.size), np.full(most.size, -1)
            here[paths.commodity[best]], place[paths.commodity[best]] = values[best], best
            least = np.minimum(least, here)
            places.append(place)
        for u in np.flatnonzero(least > most * (1 + RISE)).tolist():
            for place in places:
                self._path(int(place[u]))

    # Duals.

    def _hulls(self, duals: Duals | None, hull: dict[Any, int]) -> list[Line]:
        """Return the budget cuts that duals need and that are not known yet, and note
        them as known.
        """
        lines = []
        for name in duals.name.tolist() if duals is not None else ():
            made = self.record.made_of(name)
            if made is not None and isinstance(made[0], BudgetCuts):
                key = _hull_key(made[0], made[1])
                if key is not None and key not in hull:
                    hull[key] = len(hull)
                    lines.append(["hull", [list(term) for term in key[0]], key[1]])
        return lines

    def _duals(  # noqa: C901, PLR0912 - one loop over kinds of rows
        self, duals: Duals | None, hull: dict[Any, int], splits: list[Split]
    ) -> dict[str, Any]:
        """Return duals as the certificate names them; those of rows that it cannot show
        are left out, which weakens the bound.
        """
        if duals is None:
            return {}
        found: dict[str, list[Any]] = {}
        rows: dict[Any, list[tuple[int, float]]] = {}
        order = {split.number: k for k, split in enumerate(splits)}
        for name, value in zip(duals.name.tolist(), duals.value.tolist(), strict=True):
            made = self.record.made_of(name)
            if made is None:
                self._side(name, value, found)
                continue
            what, at = made
            # The master divides the rows of a group by its scale, and so must their
            # duals be. A commodity may be used with multipliers of at most 1 together:
            # those of one group are gathered under its key.
            if isinstance(what, PathCutRows):
                if at < what.groups.size:
                    group = int(what.groups[at])
                    for key, number, part in self._rows(
                        what, group, value / self.master.scale[group]
                    ):
                        rows.setdefault(key, []).append((number, part))
            elif isinstance(what, GroupRows):
                if at < what.cuts.side.size:
                    group = int(what.cuts.commodity[at])
                    rows.setdefault(group, []).append(
                        (self._lemma(what.cuts, at), value / self.master.scale[group])
                    )
            elif isinstance(what, list):
                row = what[at] if at < len(what) else None
                if row is not None and row.split.number in order:
                    k = order[row.split.number]
                    found.setdefault("open" if row.member is None else "closed", []).append(
                        [k, value.hex()] if row.member is None else [k, row.member, value.hex()]
                    )
            elif (key := _hull_key(what, at)) in hull:
                found.setdefault("hull", []).append([hull[key], value.hex()])
        kept = []
        # The checker adds multipliers exactly. Those of a linear program may exceed 1
        # by its tolerance: they are scaled down, and rounded down to a grid on which no
        # sum rounds up.
        for own in rows.values():
            excess = max(1.0, sum(y for _, y in own) * (1 + 2.0**-50))
            for k, y in own:
                part = np.floor(y / excess * 2.0**DIGITS) / 2.0**DIGITS
                if part > 0:
                    kept.append([k, float(part).hex()])
        return found | ({"row": kept} if kept else {})

    def _side(self, name: int, value: float, found: dict[str, list[Any]]) -> None:
        """Add the dual of a budget, a conflict or a requirement."""
        n_budgets, n_conflicts = len(self.instance.resources), len(self.instance.conflicts)
        if name < n_budgets:
            budget = float(self.instance.budget[name])
            if budget > 0:
                found.setdefault("budget", []).append([name, (value / budget).hex()])
        elif name < n_budgets + n_conflicts:
            found.setdefault("conflict", []).append([name - n_budgets, value.hex()])
        elif (k := name - n_budgets - n_conflicts) < len(self.instance.requirements):
            size = max(map(abs, self.instance.requirements[k].coefficients), default=1.0) or 1.0
            found.setdefault("requirement", []).append([k, (value / size).hex()])

    def _rows(self, rows: PathCutRows, group: int, part: float) -> list[tuple[Any, int, float]]:
        """Return the row of a group and its multiplier, with a key: multipliers of rows
        of one key are at most 1 together.
        """
        return [(group, self.writer.row(tuple(cut for _, cut in self._cuts(rows, group))), part)]

    def _cuts(self, rows: PathCutRows, group: int) -> list[tuple[int, int]]:
        """Return the positions of the cuts that make up the row of a group, and their numbers."""
        bases = self.master.bases(rows.point)
        numbers = []
        for at in np.flatnonzero(self.commodities.group[rows.commodity] == group).tolist():
            family, base, count, *paths = rows.made_of[at].tolist()
            commodity = int(rows.commodity[at])
            if commodity >= self.n_informed:
                table, own = self.commodities.fixed_routes, (commodity - self.n_informed,)
                numbered = tuple(
                    self.writer.fixed_route(route, self.routes[route]) for route in own
                )
            else:
                table, own = self.master.pool.paths, tuple(paths[:count])
                numbered = tuple(map(self._path, own))
            met = np.unique(table.option[list(own)])
            met = met[met < self.overlay.free.size]
            placed = () if family not in (STAR, CHORD) else tuple(met[bases[base][met]].tolist())
            word = {STAR: "star", CHORD: "chord"}.get(family, "tangent")
            at_point = float(0).hex()
            if word == "tangent":
                option, survival = table.option[own[0]], table.survival[own[0]]
                with np.errstate(divide="ignore"):
                    depth = np.minimum(-np.log(survival), STEEPEST)
                at_point = float((depth * np.append(rows.point, 0.0)[option]).sum()).hex()
            numbers.append((at, self.writer.cut(word, placed, numbered, at_point)))
        return numbers

    def _lemma(self, cuts: Cuts, at: int) -> int:
        """Return the number, below 0, of the row of a group, whose search is written as
        a proof of its own.
        """
        group = int(cuts.commodity[at])
        if group not in self.writer.lemmas:
            proof = _SearchProof(self.writer, self.record.groups[group])
            tree, own = proof.lines(), cuts.row == at
            paths = proof.master.pool.paths
            best = best_of_each(paths.commodity, paths.value).tolist()
            prices = [
                [j, p.hex()]
                for j, p in zip(cuts.option[own].tolist(), cuts.entry[own].tolist(), strict=True)
            ]
            lemma = [
                "lemma",
                [proof._path(place) for place in best],
                prices,
                float(cuts.side[at]).hex(),
            ]
            self.writer.lemmas[group] = -1 - len(self.writer.proofs)
            self.writer.proofs.append([lemma, *tree])
        return self.writer.lemmas[group]

    # Floors under the budgets.

    def _floors_under_budgets(self, lines: list[Line], hull: dict[Any, int]) -> None:
        """Write the floors of the root that the budgets prove, with multipliers that a
        linear program proposes (Proposition 10).
        """
        root = self.record.raised
        if root is None:
            return
        instance = self.instance
        cuts = self.master.budget_cuts
        floors = root.floor
        paths, placed = self.master.pool.paths, np.append(root.ones, False)
        value = paths.values(placed)
        undecided = np.append(root.undecided, False)
        use = np.column_stack((instance.use, cuts.coefficient.toarray().T))
        left = np.append(instance.budget * (1 + 2 * BUDGET_TOLERANCE), cuts.side) - root.ones @ use
        usable = (left > 0) & (use[root.undecided] > 0).any(axis=0)
        for u in np.flatnonzero(floors > self.commodities.floor * (1 + RISE)).tolist():
            # Witnesses are paths that are worth the floor or more at the root: a plan
            # below it would have to lower each of them, and pay.
            own = np.flatnonzero((paths.commodity == u) & (value >= floors[u]))
            witness = _multipliers(
                paths.option[own],
                paths.survival[own],
                value[own],
                floors[u],
                undecided,
                use[:, usable],
                left[usable],
            )
            if witness is None:
                continue
            y, mu = witness
            budgets, hulls = [], []
            # Columns of `use` are the budgets, then the budget cuts, of which the
            # certificate states those that it needs once.
            for r, part in zip(np.flatnonzero(usable).tolist(), mu.tolist(), strict=True):
                if part > 0 and r < instance.budget.size:
                    budgets.append([r, part.hex()])
                elif part > 0:
                    key = _hull_key(cuts, r - instance.budget.size)
                    if key not in hull:
                        hull[key] = len(hull)
                        lines.append(["hull", [list(term) for term in key[0]], key[1]])
                    hulls.append([hull[key], part.hex()])
            shown = [
                [self._path(place), part.hex()]
                for place, part in zip(own.tolist(), y.tolist(), strict=True)
                if part > 0
            ]
            lines.append(["floor", float(floors[u]).hex(), shown, budgets, hulls])


class _RelaxationProof(_SearchProof):
    """The bound of the marginal relaxation of mixtures, as one leaf.

    Each of its rows is of paths of informed evaders alone. So with the multipliers that
    the duals give the cuts of a path for its weight, and the rest on the best path with
    everything placed, the same duals bound every plan against that strategy
    (Proposition 18), and nothing is left to be searched.
    """

    def __init__(self, writer: _Writer, record: SearchRecord) -> None:
        super().__init__(writer, record)
        self.weights: dict[int, float] = {}
        (end,) = record.ends
        duals, left = self._duals_of_groups(end.duals), np.ones(self.n_informed)
        whole: dict[int, float] = {}
        for _, group, part in duals:
            whole[group] = whole.get(group, 0.0) + part
        for rows, group, part in duals:
            for at in np.flatnonzero(self.commodities.group[rows.commodity] == group).tolist():
                if (u := int(rows.commodity[at])) < self.n_informed:
                    self._weigh(int(rows.made_of[at, 3]), u, part / max(1.0, whole[group]), left)
        allowed, pool = self.overlay.free.copy(), self.master.pool
        pool.grow(allowed.astype(np.float64), allowed)
        values = pool.paths.values(np.append(allowed, False))
        for place in best_of_each(pool.paths.commodity, values).tolist():
            u = int(pool.paths.commodity[place])
            self._weigh(place, u, max(float(left[u]), 0.0), left)
        ways = {place: self._way(place) for place in self.weights}
        walks, parts = writer.network.walks(ways.values())
        arcs = {
            place: tuple(arc for part in parts[way] for arc in walks[part])
            for place, way in ways.items()
        }
        self.order = {
            place: n for n, place in enumerate(place for place, path in arcs.items() if path)
        }
        paths = tuple((arcs[place], self.weights[place]) for place in self.order)
        self.strategy = Strategy(paths, (), record.lower)

    def _weigh(self, place: int, commodity: int, share: float, left: NDArray[np.float64]) -> None:
        """Give a path a share of the weight of its commodity."""
        most = float(self.commodities.weight[commodity]) * (1 - WEIGHTS)
        self.weights[place] = self.weights.get(place, 0.0) + most * share
        left[commodity] -= share

    def _duals_of_groups(self, duals: Duals | None) -> list[tuple[PathCutRows, int, float]]:
        """Return the rows on values that have a dual, with the group and the multiplier of each."""
        found: list[tuple[PathCutRows, int, float]] = []
        if duals is None:
            return found
        for name, value in zip(duals.name.tolist(), duals.value.tolist(), strict=True):
            made = self.record.made_of(name)
            if (
                made is not None
                and isinstance(made[0], PathCutRows)
                and made[1] < made[0].groups.size
            ):
                group = int(made[0].groups[made[1]])
                found.append((made[0], group, value / float(self.master.scale[group])))
        return found

    def _path(self, place: int) -> int:
        """Return the number of a path of the strategy."""
        return self.writer.fixed_route(("strategy", place), [(-1, self.order[place])])

    def _show(self, zeros: Mask) -> None:  # noqa: ARG002 - the root alone
        """Have the certificate hold the routes of habitual evaders and the paths of the
        strategy.
        """
        for number, routes in enumerate(self.routes):
            self.writer.fixed_route(number, routes)
        for place in self.order:
            self._path(place)

    def _rows(self, rows: PathCutRows, group: int, part: float) -> list[tuple[Any, int, float]]:
        """Return each cut of a group as a row of its own, with its share of what its
        path weighs.
        """
        found: list[tuple[Any, int, float]] = []
        for at, cut in self._cuts(rows, group):
            u, place = int(rows.commodity[at]), int(rows.made_of[at, 3])
            if u < self.n_informed:
                share = float(self.commodities.weight[u]) * part / self.weights[place]
                found.append((("strategy", place), self.writer.row((cut,)), share))
            else:
                found.append((u, self.writer.row((cut,)), part))
        return found


def _hull_key(cuts: BudgetCuts, at: int) -> Any:  # noqa: ANN401 - terms and a side
    """Return the terms of a budget cut and its side; None where there is no such row."""
    if at >= cuts.side.size:
        return None
    row = cuts.coefficient[[at]].tocoo()
    terms = tuple(
        sorted((j, int(k)) for j, k in zip(row.col.tolist(), row.data.tolist(), strict=True) if k)
    )
    return terms, int(cuts.side[at])


def _multipliers(
    option: NDArray[np.int64],
    survival: NDArray[np.float64],
    value: NDArray[np.float64],
    level: float,
    undecided: Mask,
    use: NDArray[np.float64],
    left: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return (paths,) y and (rows,) mu of Proposition 10 that prove a level; None where
    no such are found.

    maximise sum y - mu b - sum s   such that   s_j >= sum_P c_Pj y_P - (mu A)_j,   sum y <= 1,   all >= 0.
    """
    # it takes a tenth of a second, and few searches are asked for a certificate
    from scipy.optimize import linprog

    n, rows = option.shape[0], left.size
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = np.minimum(-np.log(survival), STEEPEST) * undecided[option]
        share = np.where(depth > 0, np.minimum(1.0, depth / np.log(value / level)[:, None]), 0.0)
    met = np.unique(option[share > 0])
    table = np.zeros((n, undecided.size))
    np.maximum.at(table, (np.arange(n)[:, None], option), share)
    # scaled: rows whose right side is 1
    scaled = use / left
    a = np.hstack((table[:, met].T, -scaled[met], -np.eye(met.size)))
    a = np.vstack((a, np.concatenate((np.ones(n), np.zeros(rows + met.size)))))
    cost = np.concatenate((-np.ones(n), np.ones(rows), np.ones(met.size)))
    found = linprog(cost, A_ub=a, b_ub=np.append(np.zeros(met.size), 1.0), method="highs")
    if found.x is None or found.fun is None or found.fun > -GAINED:
        return None
    return np.maximum(found.x[:n], 0.0), np.maximum(found.x[n : n + rows], 0.0) / left


def _parts_of_routes(
    record: SearchRecord, strategy: Strategy | None
) -> list[list[tuple[int, int]]]:
    """Return for each fixed route of the overlay the evaders and numbers of the routes
    that it stands for, as the checker names them.
    """
    fixed = record.overlay.fixed_routes
    if not fixed.value.size:
        return []
    assert fixed.of_route is not None  # noqa: S101 - the overlay is that of the whole instance
    routes: list[list[tuple[int, int]]] = [[] for _ in range(fixed.value.size)]
    count: dict[int, int] = {}
    for k, route in zip(
        record.instance.habits.evader.tolist(), fixed.of_route.tolist(), strict=True
    ):
        count[k] = count.get(k, -1) + 1
        if route >= 0:
            evader, first = (k, 0) if strategy is None else strategy.routes[k]
            routes[route].append((evader, first + count[k]))
    return routes


class NetworkWalks:
    """From arcs of an overlay to walks of the network.

    Parameters
    ----------
    instance, overlay
        The problem, and the overlay of the whole of it.
    """

    def __init__(self, instance: Instance, overlay: Overlay) -> None:
        self.instance, self.overlay = instance, overlay
        assert overlay.node is not None  # noqa: S101 - the overlay is that of the whole instance
        self.node = overlay.node.tolist()
        self.base = instance.survival(instance.forced)
        option, arc, _ = instance.effects
        watching = overlay.free[option] & (self.base[arc] > 0)
        self.watched = np.unique(arc[watching])
        options: dict[int, set[int]] = {}
        for j, a in zip(option[watching].tolist(), arc[watching].tolist(), strict=True):
            options.setdefault(a, set()).add(j)
        self.between: dict[Any, list[int]] = {}
        for a in self.watched.tolist():
            key = int(instance.tail[a]), int(instance.head[a]), frozenset(options[a])
            self.between.setdefault(key, []).append(a)

    def arcs(self, series: list[int]) -> tuple[int, ...]:
        """Return the arcs of the network that arcs of the overlay with options stand
        for, in order of travel.
        """
        overlay = self.overlay
        found = []
        some = []
        for k in series:
            some.append(k)
            if (head := self.node[overlay.head[k]]) >= 0:
                key = (
                    self.node[overlay.tail[some[0]]],
                    head,
                    frozenset(overlay.option[some].tolist()),
                )
                wanted = float(overlay.reliability[some].prod() * overlay.survival[some].prod())
                found.append(
                    min(self.between[key], key=lambda arc: abs(self._all_placed(arc) - wanted))
                )
                some = []
        return tuple(found)

    def _all_placed(self, arc: int) -> float:
        option, arcs, survival = self.instance.effects
        here = (arcs == arc) & self.overlay.free[option]
        return float(self.base[arc] * survival[here].prod())

    def walks(self, ways: Iterable[Way]) -> tuple[list[list[int]], dict[Way, list[int]]]:
        """Return walks, and of which of them each way (ends, watched arcs) is made:
        between watched arcs the best ones without.
        """
        instance, numbers = self.instance, dict[Any, int]()
        parts: dict[Way, list[Any]] = {}
        wanted: dict[int, dict[int, None]] = {}
        for way in ways:
            (here, last), arcs = way
            parts[way] = []
            for arc in (*arcs, None):
                there = last if arc is None else int(instance.tail[arc])
                if here != there:
                    parts[way].append((here, there))
                    wanted.setdefault(here, {})[there] = None
                if arc is not None:
                    parts[way].append(arc)
                    here = int(instance.head[arc])
        cost = arc_costs(self.base)
        cost[self.watched] = np.inf
        graph = cost_graph(instance.n_nodes, instance.tail, instance.head, cost)
        walks: list[list[int]] = []
        for source, targets in wanted.items():
            before = graph.trees([source])[1][0]
            for target, arcs in zip(targets, graph.paths(before, targets), strict=True):
                numbers[source, target] = len(walks)
                walks.append([int(arc) for arc in arcs])
        for arc in {part for each in parts.values() for part in each if isinstance(part, int)}:
            numbers[arc] = len(walks)
            walks.append([arc])
        return walks, {way: [numbers[part] for part in each] for way, each in parts.items()}
