"""The library: problems of the benchmark with all that is known of them, as one archive that needs no part of this package.

A search that a time limit ends may differ from run to run. So certificates are made first, into a folder, and an accepted one is not made
again; the archive follows from instance files, known solutions and certificates alone, to the last byte.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.base.errors import InfeasibleError, InputError, Problem, SolverError
from optimizer.base.files.readwrite import sha256, written_whole
from optimizer.base.version import package_version
from optimizer.certificate import check as checker
from optimizer.certificate.check import Fault, check
from optimizer.lab.benchmark.benchmark import GAP, TIME_LIMIT
from optimizer.lab.benchmark.best_known import PUBLISHED_OPTIMA, TOLERANCE, BestKnown, check_known, read_known
from optimizer.lab.benchmark.bilevel import bilevel_program
from optimizer.lab.benchmark.families import SUFFIX, cases, instance_file, known_file
from optimizer.lab.pages import PageTable, fixed, page_text, thousands
from optimizer.problem.files.instance_file import read_instance
from optimizer.solvers.branch_and_cut.proof.certificate import CERTIFICATE_SUFFIX, write_certificate
from optimizer.solvers.branch_and_cut.proof.record import SearchRecord
from optimizer.solvers.params import SolveOptions
from optimizer.solvers.place import place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from optimizer.lab.benchmark.rows import RunOptions
    from optimizer.lab.rows import Case
    from optimizer.problem.instance.instance import Instance

LARGEST_MPS = 20_000_000
"""Bytes of an MPS file beyond which it is left out."""
MADE = (1980, 1, 1, 0, 0, 0)
"""Time of every file in the archive: the earliest that the format knows."""


@dataclass(frozen=True)
class LibraryProblem:
    """A problem of the library.

    Attributes
    ----------
    family, instance, file
        What it is, and its instance file.
    known
        Its best-known solution; None where none is kept.
    certificate, certified, fault
        Its certificate with the bounds that the checker found it to prove; or why there is none.
    """

    family: str
    instance: Instance
    file: Path
    known: BestKnown | None
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
    """Yield problems of some families, each with a certificate: that of the folder if the checker accepts it, else one that is made.

    Parameters
    ----------
    families, large, snip_dir, instances
        As for a benchmark.
    folder
        Receives certificates, in `certificates`, and the instance files of problems that have none of their own.
    options
        `only`, and gap, time limit and first seed of a search that makes a certificate.

    Raises
    ------
    InputError
        If a family is not known, two problems have one name, or a best-known solution is not what it says.
    """
    found = cases(families, only=options.only, large=large, snip_dir=snip_dir, instances=instances)
    twice = [name for name, count in Counter(case.name for case in found).items() if count > 1]
    if twice:  # certificates and bilevel files are named by the problem alone
        raise InputError(Problem("--family", f"several problems named {', '.join(twice)}", "names that differ"))
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
                Problem(f"{solution}, sha256", known.sha256, expected, "Leave the file out, or make it anew")
            )
        check_known(known, instance, str(solution))
    certificate, bounds, fault = folder / "certificates" / f"{case.name}{CERTIFICATE_SUFFIX}", None, ""
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
    if known is not None and bounds is not None and known.bound > bounds[1] * (1 + Fraction(TOLERANCE)):
        proven = f"at most {float(bounds[1])!r}, which a plan is proven to have"
        raise InputError(Problem(f"{solution}, bound", f"{known.bound!r}", proven))
    return LibraryProblem(case.family, instance, file, known, None if bounds is None else certificate, bounds, fault)


@dataclass(frozen=True)
class Library:
    """What an archive holds, counted: its bytes, its files, and the problems that have bilevel files."""

    size: int
    files: int
    bilevel: int


def write_library(
    archive: Path, problems: Sequence[LibraryProblem], on_problem: Callable[[str], None] = lambda _: None
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
            content[f"{place_of}.sol.json"] = (problem.known.model_dump_json(indent=2) + "\n").encode()
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
    content["README.md"] = page_text("library.md.j2", version=version, table=str(table), **counts).encode()
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
    return {} if len(mps) > LARGEST_MPS else {".mps": mps, ".aux": program.auxiliary(problem.name).encode()}


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
