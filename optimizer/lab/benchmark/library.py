"""The library: problems of the benchmark with all that is known of them, as one archive
that needs no part of this package.

A search that a time limit ends may differ from run to run. So certificates are made
first, into a folder, and an accepted one is not made again; the archive follows from
instance files, known solutions and certificates alone, to the last byte.

A placement problem as a bilevel linear program, in the two files that bilevel solvers
and libraries read: MPS, and an auxiliary file.

Sets      T destinations of informed evaders; V overlay nodes; A overlay arcs a = (i, j), some with an option j(a); C habitual routes
Data      r_a, s_a; d^t_i the weight of the evaders from i to t, D_t their sum; R_c, rho_cm of habitual routes and the options that they meet
Leader    x_j in {0, 1}: budgets, at most one option of each conflict set, requirements
Follower  y^t_a >= 0 what sets out on arc a for t past no option, and z^t_a >= 0 past its option placed; v_cm, w_cm >= 0 the same on routes

Minimise over x the largest of
          sum_t sum_{a into t} r_a (y^t_a + s_a z^t_a) + sum_c (what is left of R_c after its last option)
such that sum_{a out of i} (y^t_a + z^t_a) <= d^t_i + sum_{a into i} r_a (y^t_a + s_a z^t_a)       all t, i != t
          y^t_a <= D_t (1 - x_j(a))                                                                 option arcs
          v_c1 + w_c1 <= R_c,   v_cm + w_cm <= v_c,m-1 + rho_c,m-1 w_c,m-1,   v_cm <= R_c (1 - x_m)

What sets out from i is multiplied by the chance to pass each arc, so the most that
arrives is d^t_i times the best path's value: the follower's optimum is the value of
plan x. D_t is large enough because chances are at most 1, and a best flow runs in no
circle. Leader and follower have the same objective, with opposite senses; so which
optimum the follower takes makes no difference.

The auxiliary file is the name-based one of MibS and BOBILib: the follower's variables
with their costs, which it minimises, and its rows.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from optimizer.base.errors import InfeasibleError, InputError, Problem, SolverError
from optimizer.base.files.readwrite import sha256, written_whole
from optimizer.base.version import package_version
from optimizer.certificate import check as checker
from optimizer.certificate.check import Fault, check
from optimizer.lab.benchmark.benchmark import GAP, TIME_LIMIT
from optimizer.lab.benchmark.best_known import (
    PUBLISHED_OPTIMA,
    TOLERANCE,
    BestKnown,
    check_known,
    read_known,
)
from optimizer.lab.benchmark.families import SUFFIX, cases, instance_file, known_file
from optimizer.lab.benchmark.rows import RunOptions
from optimizer.lab.pages import PageTable, fixed, page_text, thousands
from optimizer.lab.rows import Case
from optimizer.problem.files.instance_file import read_instance
from optimizer.problem.instance.instance import Instance
from optimizer.problem.network.shortest_paths import cost_graph
from optimizer.solvers.branch_and_cut.proof.certificate import CERTIFICATE_SUFFIX, write_certificate
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.mip.rows import RowBuilder
from optimizer.solvers.overlay.overlay import FixedRoutes, Overlay, contract
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.place import place

LARGEST_MPS = 20_000_000
"""Bytes of an MPS file beyond which it is left out."""
MADE = (1980, 1, 1, 0, 0, 0)
"""Time of every file in the archive: the earliest that the format knows."""


@dataclass(frozen=True)
class LibraryProblem:
    """A problem of the library."""

    #: `family`, `instance`, `file`: What it is, and its instance file.
    family: str
    instance: Instance
    file: Path
    #: Its best-known solution; None where none is kept.
    known: BestKnown | None
    #: `certificate`, `certified`, `fault`: Its certificate with the bounds that the
    #: checker found it to prove; or why there is none.
    certificate: Path | None
    certified: tuple[Fraction, Fraction] | None
    fault: str = ""

    @property
    def name(self) -> str:
        """Name of the problem."""
        return self.instance.name

    @property
    def value(self) -> float | None:
        """The least value of a plan that is known."""
        found = [] if self.known is None else [self.known.value]
        found += [] if self.certified is None else [float(self.certified[1])]
        return min(found, default=PUBLISHED_OPTIMA.get(self.name))

    @property
    def bound(self) -> float | None:
        """The largest lower bound that is known."""
        found = [] if self.known is None else [self.known.bound]
        found += [] if self.certified is None else [float(self.certified[0])]
        return max(found, default=None)


def library_problems(
    families: Sequence[str],
    folder: Path,
    options: RunOptions,
    *,
    large: bool = False,
    snip_dir: Path | None = None,
    instances: Path,
) -> Iterator[LibraryProblem]:
    """Yield problems of some families, each with a certificate: that of the folder if
    the checker accepts it, else one that is made.

    Parameters
    ----------
    families, large, snip_dir, instances
        As for a benchmark.
    folder
        Receives certificates, in `certificates`, and the instance files of problems
        that have none of their own.
    options
        `only`, and gap, time limit and first seed of a search that makes a certificate.

    Raises
    ------
    InputError
        If a family is not known, two problems have one name, or a best-known solution
        is not what it says.
    """
    found = cases(families, only=options.only, large=large, snip_dir=snip_dir, instances=instances)
    twice = [name for name, count in Counter(case.name for case in found).items() if count > 1]
    if twice:  # certificates and bilevel files are named by the problem alone
        raise InputError(
            Problem("--family", f"several problems named {', '.join(twice)}", "names that differ")
        )
    for case in found:
        yield _problem(case, folder, options)


def _problem(case: Case[Instance], folder: Path, options: RunOptions) -> LibraryProblem:
    file = instance_file(case, folder / "instances")
    instance, solution = read_instance(file), known_file(case)
    known = read_known(solution) if solution is not None and solution.is_file() else None
    if known is not None:
        if known.sha256 != sha256(file):  # its bound is that of another problem
            expected = f"the solution of {file.name} as it is"
            raise InputError(
                Problem(
                    f"{solution}, sha256",
                    known.sha256,
                    expected,
                    "Leave the file out, or make it anew",
                )
            )
        check_known(known, instance, str(solution))
    certificate = folder / "certificates" / f"{case.name}{CERTIFICATE_SUFFIX}"
    bounds = None
    fault = ""
    try:
        bounds = check(str(file), str(certificate))
    except Fault as told:
        if instance.patrols is not None:  # the checker knows no teams
            return LibraryProblem(case.family, instance, file, known, None, None, str(told))
        search = SolveOptions(
            gap=GAP if options.gap is None else options.gap,
            time_limit=TIME_LIMIT if options.time_limit is None else options.time_limit,
            seed=next(iter(options.seeds), 0),
            threads=1,
        )
        record = SearchRecord()
        start = instance.placed(known.options if known is not None else [])
        try:
            result = place(instance, search, starts=(start,), record=record)
            bounds = write_certificate(certificate, file, instance, record, result)
        except (InfeasibleError, SolverError) as error:
            fault = str(error)
    if (
        known is not None
        and bounds is not None
        and known.bound > bounds[1] * (1 + Fraction(TOLERANCE))
    ):
        proven = f"at most {float(bounds[1])!r}, which a plan is proven to have"
        raise InputError(Problem(f"{solution}, bound", f"{known.bound!r}", proven))
    return LibraryProblem(
        case.family, instance, file, known, None if bounds is None else certificate, bounds, fault
    )


@dataclass(frozen=True)
class Library:
    """What an archive holds, counted: its bytes, its files, and the problems that have
    bilevel files.
    """

    size: int
    files: int
    bilevel: int


def write_library(
    archive: Path,
    problems: Sequence[LibraryProblem],
    on_problem: Callable[[str], None] = lambda _: None,
) -> Library:
    """Write the archive, whole or not at all; the same problems make the same bytes.

    Parameters
    ----------
    archive
        The ZIP file.
    problems
        What goes into it.
    on_problem
        Told the name of each problem before its bilevel files are made.
    """
    content: dict[str, bytes] = {}
    rows = []
    for problem in problems:
        on_problem(problem.name)
        place_of = f"instances/{problem.family}/{problem.name}"
        content[f"{place_of}{SUFFIX}"] = problem.file.read_bytes()
        if problem.known is not None:
            content[f"{place_of}.sol.json"] = (
                problem.known.model_dump_json(indent=2) + "\n"
            ).encode()
        if problem.certificate is not None:
            content[f"{place_of}{CERTIFICATE_SUFFIX}"] = problem.certificate.read_bytes()
        bilevel = _bilevel_files(problem)
        content |= {f"bilevel/{problem.name}{suffix}": text for suffix, text in bilevel.items()}
        rows.append(_row(problem, has_bilevel=bool(bilevel)))
    table = PageTable.of(COLUMNS, rows, FORMATS)
    counts = {
        "problems": len(problems),
        "certified": sum(problem.certified is not None for problem in problems),
        "bilevel": sum(name.endswith(".mps") for name in content),
    }
    version = package_version()
    content["problems.csv"] = table.frame.to_csv(index=False, lineterminator="\n").encode()
    content["check.py"] = Path(checker.__file__).read_bytes()
    content["CITATION.cff"] = page_text("library.cff.j2", version=version).encode()
    content["README.md"] = page_text(
        "library.md.j2", version=version, table=str(table), **counts
    ).encode()
    content["SHA256SUMS"] = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(content.items())
    ).encode()
    with written_whole(archive) as part, zipfile.ZipFile(part, "w") as out:
        for name, data in sorted(content.items()):
            entry = zipfile.ZipInfo(name, MADE)
            entry.external_attr = 0o644 << 16
            out.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
    return Library(archive.stat().st_size, len(content), counts["bilevel"])


def _bilevel_files(problem: LibraryProblem) -> dict[str, bytes]:
    program = bilevel_program(problem.instance)
    if program is None:
        return {}
    mps = program.mps(problem.name).encode()
    return (
        {}
        if len(mps) > LARGEST_MPS
        else {".mps": mps, ".aux": program.auxiliary(problem.name).encode()}
    )


COLUMNS = (
    *("problem", "family", "nodes", "arcs", "options", "evaders", "value", "bound"),
    *("certified value", "certified bound", "bilevel files"),
)
FORMATS = {
    **dict.fromkeys(("nodes", "arcs", "options", "evaders"), thousands),
    **dict.fromkeys(("value", "bound", "certified value", "certified bound"), fixed(6)),
}


def _row(problem: LibraryProblem, *, has_bilevel: bool) -> tuple[object, ...]:
    instance, certified = problem.instance, problem.certified
    return (
        *(problem.name, problem.family, instance.n_nodes, int(instance.tail.size)),
        *(len(instance.options), len(instance.evaders), problem.value, problem.bound),
        *((None, None) if certified is None else (float(certified[1]), float(certified[0]))),
        "yes" if has_bilevel else "no",
    )


CONSTANT = "const"
"""Variable fixed at 1 that carries what no plan changes: readers differ in the sign of
a constant on the right-hand side of the objective.
"""


@dataclass
class BilevelProgram:
    """The program: its rows, the leader's first, over the options and then the
    follower's variables.
    """

    #: All of them.
    rows: RowBuilder
    #: `lower`, `upper`: (options,) bounds of the leader's variables.
    lower: NDArray[np.bool_]
    upper: NDArray[np.bool_]
    constant: float = 0.0
    #: Follower variable and what a unit of it brings; constant is what is had without
    #: any.
    rewards: dict[int, float] = field(default_factory=dict)
    n_leader_rows: int = 0

    def add(self, side: float, columns: Sequence[int], values: Sequence[float]) -> None:
        """Add one row."""
        self.rows.add_row(
            side, np.array(columns, dtype=np.int64), np.array(values, dtype=np.float64)
        )

    def new_columns(self, count: int) -> NDArray[np.int64]:
        """Add variables of the follower."""
        return self.rows.new_columns(np.zeros(count))

    @property
    def names(self) -> list[str]:
        """Names of the variables."""
        leader = self.lower.size
        return [f"x{j}" for j in range(leader)] + [
            f"y{j}" for j in range(self.rows.n_columns - leader)
        ]

    @property
    def row_names(self) -> list[str]:
        """Names of the rows: u0, u1, ... of the leader, l0, l1, ... of the follower."""
        leader = self.n_leader_rows
        return [f"u{k}" for k in range(leader)] + [
            f"l{k}" for k in range(self.rows.n_rows - leader)
        ]

    def mps(self, name: str) -> str:
        """Return the file in free MPS. Numbers have all their digits, which the writer
        of OR-Tools cuts to six.
        """
        matrix = csc_array(self.rows.table())
        names = self.names
        rows = self.row_names
        lines = [f"NAME {name}", "ROWS", " N obj", *(f" G {row}" for row in rows), "COLUMNS"]
        lines += [" MARKER MARKER 'MARKER' 'INTORG'"]
        for j, column in enumerate(names):
            if j == self.lower.size:
                lines += [" MARKER MARKER 'MARKER' 'INTEND'"]
            part = slice(matrix.indptr[j], matrix.indptr[j + 1])
            entries = [
                (rows[k], value)
                for k, value in zip(matrix.indices[part], matrix.data[part].tolist(), strict=True)
            ]
            if j in self.rewards or not entries:
                entries.insert(0, ("obj", self.rewards.get(j, 0.0)))
            lines += [f" {column} {row} {value!r}" for row, value in entries]
        if len(names) == self.lower.size:
            lines += [" MARKER MARKER 'MARKER' 'INTEND'"]
        lines += [f" {CONSTANT} obj {self.constant!r}", "RHS"]
        lines += [
            f" rhs {row} {side!r}"
            for row, side in zip(rows, self.rows.sides.tolist(), strict=True)
            if side
        ]
        lines.append("BOUNDS")
        for column, low, high in zip(names, self.lower.tolist(), self.upper.tolist(), strict=False):
            lines += [f" UP bnd {column} 1"] if low != high else [f" FX bnd {column} {int(low)}"]
        return "\n".join([*lines, f" FX bnd {CONSTANT} 1", "ENDATA", ""])

    def auxiliary(self, name: str) -> str:
        """Return the auxiliary file: the follower minimises less what it gains."""
        leader, rows = self.lower.size, self.row_names[self.n_leader_rows :]
        costs = [
            f"{column} {-self.rewards.get(leader + j, 0.0)!r}"
            for j, column in enumerate(self.names[leader:])
        ]
        head = ["@NUMVARS", str(len(costs)), "@NUMCONSTRS", str(len(rows))]
        body = ["@VARSBEGIN", *costs, "@VARSEND", "@CONSTRSBEGIN", *rows, "@CONSTRSEND"]
        return "\n".join([*head, *body, "@NAME", name, "@MPS", f"{name}.mps", ""])


def bilevel_program(instance: Instance) -> BilevelProgram | None:
    """Return the program of an instance on its contracted network; None where it has no
    linear form.

    That is so with patrol teams, whose beats are not listed, and where options share
    parts, whose survivals multiply.
    """
    if instance.patrols is not None:
        return None
    overlay = contract(instance)
    if overlay.bundle is not None or overlay.scenario_weights is not None:
        return None
    forced = instance.forced
    program = BilevelProgram(RowBuilder(len(instance.options)), forced, forced | overlay.free)
    _add_leader(program, instance)
    for target in np.unique(overlay.destination).tolist():
        _add_destination(program, overlay, target)
    _add_routes(program, overlay.fixed_routes)
    return program


def _add_leader(program: BilevelProgram, instance: Instance) -> None:
    for use, budget in zip(instance.use.T, instance.budget.tolist(), strict=True):
        touched = np.flatnonzero(use)
        program.add(-budget, touched.tolist(), (-use[touched]).tolist())
    for group in instance.conflicts:
        program.add(-1.0, group, [-1.0] * len(group))
    for each in instance.requirements:
        program.add(each.least, each.options, each.coefficients)
    program.n_leader_rows = program.rows.n_rows


def _add_destination(program: BilevelProgram, overlay: Overlay, target: int) -> None:
    """Add what travels to one destination over arcs that lead from its origins to it."""
    here = overlay.destination == target
    demand = np.zeros(overlay.n_nodes)
    np.add.at(demand, overlay.origin[here], overlay.weight[here])
    free_of_cost = np.zeros(overlay.tail.size)
    from_origins = cost_graph(overlay.n_nodes, overlay.tail, overlay.head, free_of_cost)
    to_target = cost_graph(overlay.n_nodes, overlay.tail, overlay.head, free_of_cost, reverse=True)
    reached = np.asarray(
        np.isfinite(from_origins.distances(np.flatnonzero(demand))).any(axis=0), dtype=bool
    )
    leads = np.isfinite(to_target.distances(np.array([target]))[0])
    arcs = np.flatnonzero(reached[overlay.tail] & leads[overlay.head] & (overlay.tail != target))
    watched = overlay.option[arcs] >= 0
    passed = watched & (overlay.survival[arcs] > 0)
    plain = program.new_columns(arcs.size)
    under = program.new_columns(int(passed.sum()))
    tail = np.concatenate((overlay.tail[arcs], overlay.tail[arcs[passed]]))
    head = np.concatenate((overlay.head[arcs], overlay.head[arcs[passed]]))
    kept = np.concatenate(
        (overlay.reliability[arcs], (overlay.reliability * overlay.survival)[arcs[passed]])
    )
    column = np.concatenate((plain, under))
    arrive = head == target
    program.rewards.update(zip(column[arrive].tolist(), kept[arrive].tolist(), strict=True))
    program.constant += float(demand[target])
    out, into = _grouped(tail, overlay.n_nodes), _grouped(head, overlay.n_nodes)
    for node in np.unique(tail).tolist():
        arcs_out, arcs_in = out(node), into(node)
        columns = np.concatenate((column[arcs_out], column[arcs_in]))
        values = np.concatenate((-np.ones(arcs_out.size), kept[arcs_in]))
        program.add(-float(demand[node]), columns.tolist(), values.tolist())
    total = float(demand.sum())
    for own, option in zip(
        plain[watched].tolist(), overlay.option[arcs[watched]].tolist(), strict=True
    ):
        program.add(-total, (own, option), (-1.0, -total))


def _add_routes(program: BilevelProgram, routes: FixedRoutes) -> None:
    """Add the habitual routes: each a chain past the options that it meets."""
    for c, value in enumerate(routes.value.tolist()):
        links = np.flatnonzero(routes.route == c)
        before: Sequence[tuple[int, float]] = ()
        for option, rho in zip(
            routes.option[links].tolist(), routes.survival[links].tolist(), strict=True
        ):
            past, under = program.new_columns(2).tolist()
            side = 0.0 if before else -value
            program.add(
                side,
                (past, under, *(j for j, _ in before)),
                (-1.0, -1.0, *(kept for _, kept in before)),
            )
            program.add(-value, (past, option), (-1.0, -value))
            before = ((past, 1.0), (under, rho))
        if before:
            program.rewards.update(before)
        else:
            program.constant += value


def _grouped(key: NDArray[np.int32], count: int) -> Callable[[int], NDArray[np.int64]]:
    """Return what gives the positions of an (arcs,) array of nodes where a node stands."""
    order = np.argsort(key, kind="stable")
    first = np.searchsorted(key[order], np.arange(count + 1))
    return lambda k: order[first[k] : first[k + 1]]
