"""The store of results: one row a run, keyed by what was run, appended so that a crash
costs at most the row being written.

A key holds the version of this package, a digest of the content that was worked on, the
method and its options. It holds no path and no source code: moving a file does not make
results stale, and a new version of the package does.

What is run: one case of a family, and how it is made.

The machine, versions and processes that a run was made with.
"""

from __future__ import annotations

import contextlib
import platform
import shutil
import signal
import subprocess
from abc import abstractmethod
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, Generic, Protocol, TypeVar

import psutil
from pydantic import Field

from optimizer.base.files.json_lines import append_json_lines, read_json_lines
from optimizer.base.schema import Strict
from optimizer.base.version import package_version
from optimizer.base.work.executor import cores


@dataclass(frozen=True, slots=True)
class RunKey:
    """What was run: two rows with equal keys are rows of the same run."""

    #: Version of this package.
    version: str
    #: Digest of what was worked on: an instance, a road network.
    content: str
    #: Name of the method.
    method: str
    #: Name and value of each option, by name.
    options: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, version: str, content: str, method: str, **options: object) -> RunKey:
        """Return the key of a run."""
        return cls(version, content, method, tuple(sorted(options.items())))


class StoredRow(Strict):
    """What every stored row says, whatever was run."""

    version: str = Field(description="of this package")
    python: str
    cpu: str = Field(description="empty where it was not recorded")
    date: str = Field(description="when the run ended, in UTC; empty where it was not recorded")
    commit: str = Field(
        "",
        description=(
            "of the checkout that was run; `up to X`: of X or one before it; empty where it was not"
            " recorded"
        ),
    )

    @property
    @abstractmethod
    def key(self) -> RunKey:
        """What was run."""

    @property
    def summary(self) -> str:
        """What was run, in a line."""
        options = "".join(f", {name} {value}" for name, value in self.key.options)
        return f"{self.key.content[:24]}, {self.key.method}{options}"


AnyRow = TypeVar("AnyRow", bound=StoredRow)


@dataclass(frozen=True, slots=True)
class RowStore(Generic[AnyRow]):
    """A file of rows of one kind."""

    #: The file; it need not exist.
    path: Path
    #: Model of its rows.
    kind: type[AnyRow]

    def read(self) -> list[AnyRow]:
        """Return the rows, the latest of each key, in the order in which the keys were
        first written.

        Raises
        ------
        InputError
            If a line other than an unfinished last one is no such row.
        """
        return list({row.key: row for row in read_json_lines(self.path, self.kind)}.values())

    def keys(self) -> set[RunKey]:
        """Return the keys of the rows."""
        return {row.key for row in self.read()}

    def append(self, *rows: AnyRow) -> None:
        """Add rows; they are on disk when this returns. Without rows, check that the
        file can be written.

        Raises
        ------
        InputError
            If it cannot.
        """
        append_json_lines(self.path, rows)


@dataclass(frozen=True, slots=True)
class PlannedRow(Generic[AnyRow]):
    """A row to make."""

    #: What is to be run.
    key: RunKey
    #: Runs it and returns its row, whose key is `key`.
    make: Callable[[], AnyRow]


def add_missing(store: RowStore[AnyRow], planned: Iterable[PlannedRow[AnyRow]]) -> Iterator[AnyRow]:
    """Make the planned rows that a store lacks, and yield each once it is on disk.

    Raises
    ------
    KeyboardInterrupt
        When it comes, also where a solver would take it for the end of its time: the
        run it ends leaves no row.
    """
    done = store.keys()
    store.append()
    for one in planned:
        if one.key in done:
            continue
        with _interrupts_kept():
            row = one.make()
        if row.key != one.key:
            raise ValueError(f"a row of {row.key} where {one.key} was to be run")
        store.append(row)
        yield row


@contextmanager
def _interrupts_kept() -> Iterator[None]:
    """Raise an interrupt again that a solver took for the end of its time."""
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def newest_version(rows: Sequence[AnyRow]) -> list[AnyRow]:
    """Return the rows of the version that the newest row has."""
    newest = max(rows, key=lambda row: row.date, default=None)
    return [row for row in rows if newest is not None and row.version == newest.version]


def distinct(values: Iterable[str]) -> str:
    """Return the distinct values in order, with commas."""
    return ", ".join(sorted(set(values)))


def date_range(rows: Iterable[StoredRow]) -> str:
    """Return the days of the rows: one, or the first and the last; empty where none is recorded."""
    days = sorted(row.date[:10] for row in rows if row.date)
    return " to ".join(dict.fromkeys((days[0], days[-1]))) if days else ""


def when_made(rows: Iterable[StoredRow]) -> str:
    """Return the days of the rows and the commits that they are of, or that some have
    none: every page says it.
    """
    rows = list(rows)
    commits = sorted({row.commit for row in rows if row.commit})
    unknown = sum(not row.commit for row in rows)
    said = [f"commit{'s' if len(commits) > 1 else ''} {', '.join(commits)}"] if commits else []
    said += (
        [f"commit of {unknown} rows not recorded" if commits else "commit not recorded"]
        if unknown
        else []
    )
    return "; ".join(filter(None, [date_range(rows), *said]))


MADE_WITH = ("version", "python", "cpu", "cores", "ortools", "numpy", "pyvrp")
"""Fields of rows that say what they were made with; a kind of rows has some of them."""


def made_with(rows: Iterable[StoredRow]) -> dict[str, str]:
    """Return what a page says of the making of its rows: what they were made with, by
    field, and under `dates` when and by which commits.
    """
    rows = list(rows)
    said = (
        [str(getattr(row, name)) for row in rows if getattr(row, name, "")] for name in MADE_WITH
    )
    return {name: distinct(values) for name, values in zip(MADE_WITH, said, strict=True)} | {
        "dates": when_made(rows)
    }


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Case(Generic[T]):
    """One problem of a benchmark."""

    #: `family`, `name`: What it is called.
    family: str
    name: str
    #: Makes or reads it; the same each time.
    make: Callable[[], T]
    #: Its file; None when it is made on demand.
    path: Path | None = None
    #: Whether making it takes minutes: then a file made earlier is used again.
    slow: bool = False
    #: Whether it is a scenario of the repository.
    shipped: bool = False
    #: What it is, in a few words.
    about: str = ""


class HasName(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...


N = TypeVar("N", bound=HasName)


def matching(cases: Iterable[N], patterns: Sequence[str]) -> list[N]:
    """Return the cases whose name matches one of some patterns with * and ?; all
    without a pattern.
    """
    return [
        case
        for case in cases
        if not patterns or any(fnmatchcase(case.name, pattern) for pattern in patterns)
    ]


def cpu_model() -> str:
    """Return the processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown"


def stamp() -> dict[str, Any]:
    """Return what every `StoredRow` says of its run: version, Python, processor, time
    and commit.
    """
    return {
        "version": package_version(),
        "python": platform.python_version(),
        "cpu": cpu_model(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": checkout(),
    }


def solver_stamp() -> dict[str, Any]:
    """Return the same for rows of solvers, which say the cores and the version of
    OR-Tools as well.
    """
    return stamp() | {"ortools": package_version("ortools"), "cores": cores()}


@cache
def checkout() -> str:
    """Return the commit of the checkout that this package lies in, with `-dirty` where
    its files differ from it; empty where there is none.
    """
    git, package = shutil.which("git"), Path(__file__).parents[1]
    if git is None or not (package.parent / ".git").exists():
        return ""
    commit = _git(git, package, "rev-parse", "--short=7", "HEAD")
    return (
        f"{commit}-dirty" if commit and _git(git, package, "status", "--porcelain", ".") else commit
    )


def _git(git: str, folder: Path, *arguments: str) -> str:
    asked = [git, "-C", str(folder), *arguments]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - fixed arguments


def family_of(root: int) -> dict[int, float]:
    """Return the resident size, MB, of a process and of all its descendants still
    alive, by process id.
    """
    sizes = {}
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(root)
        for each in (top, *top.children(recursive=True)):
            with contextlib.suppress(psutil.Error):  # it ended while we looked
                sizes[each.pid] = each.memory_info().rss / 2**20
    return sizes


def kill_family(root: subprocess.Popen[bytes]) -> None:
    """Kill a process and all its descendants."""
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(root.pid)
        for each in (top, *top.children(recursive=True)):
            with contextlib.suppress(psutil.Error):  # it may have ended by itself
                each.kill()
    root.wait()


def own_peak_mb() -> float | None:
    """Return the largest resident size, MB, this process ever had; None where the
    system does not tell.

    Not `getrusage`: on Linux a new process inherits that peak from the one that started
    it.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return None
