"""What the benchmark is asked for, and its rows: one model for each kind of run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from optimizer.base.schema import Strict
from optimizer.lab.rows import RunKey, StoredRow
from optimizer.solvers.params import ClockParams, SolveParams

FILE = "rows.jsonl"
RowStatus = Literal[
    "optimal", "feasible", "infeasible", "unknown", "memory", "time", "failed", "lost"
]
LimitBy = Literal["clock", "work"]
AGAIN = frozenset({"failed", "lost"})
"""A run that ended so says nothing of its method: it is done again when the benchmark
is resumed.
"""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What runs are to be made, and how."""

    #: Names of methods; every one of a suite where empty.
    methods: Sequence[str] = ()
    #: Seeds, >= 0; those of mixtures are the seeds of their cases.
    seeds: Sequence[int] = (0,)
    #: `gap`, `time_limit`, `threads`: As in `optimizer.solvers.solve.solve`; None for
    #: what a family or suite is asked for by itself.
    gap: float | None = None
    #: `gap`, `time_limit`, `threads`: As in `optimizer.solvers.solve.solve`; None for
    #: what a family or suite is asked for by itself.
    time_limit: float | None = None
    #: What the time limit counts: seconds by the clock, or work
    #: (`optimizer.solvers.params.ClockParams`); those of `mixed` are always work.
    limit_by: LimitBy = "clock"
    #: `gap`, `time_limit`, `threads`: As in `optimizer.solvers.solve.solve`; None for
    #: what a family or suite is asked for by itself.
    threads: int = 1
    #: MB that a run's processes may have resident together; of placement families.
    memory_limit: float | None = None
    #: Patterns with * and ? of which a case's name must match one; all cases without
    #: one.
    only: Sequence[str] = ()
    #: OpenStreetMap extract for the suite `commands` to measure as well; for `mixed` it
    #: may be a folder of them.
    extract: Path | None = None


class SolverRow(StoredRow):
    """A run of a solver."""

    ortools: str
    cores: int = Field(description="that the process could use")


class RunAsked(Strict):
    """What a run of a solver is asked for; its row says the same."""

    version: str = Field(description="of this package")
    content: str = Field(description="digest of what was worked on")
    method: str
    seed: int
    gap_asked: float
    time_limit: float
    limit_by: LimitBy = Field(
        "clock", description="what the time limit counts: seconds by the clock, or of work"
    )
    threads: int = Field(1, description="processes of the search")

    @property
    def key(self) -> RunKey:
        """What is to be run."""
        return RunKey.of(self.version, self.content, self.method, **self._options())

    def _options(self) -> dict[str, object]:
        asked: dict[str, object] = {
            "seed": self.seed,
            "gap": self.gap_asked,
            "time_limit": self.time_limit,
        }
        # rows from before there was a choice keep the keys that they had
        return (
            asked
            | {"threads": self.threads}
            | ({} if self.limit_by == "clock" else {"limit_by": self.limit_by})
        )

    @property
    def params(self) -> SolveParams:
        """The parameters of the search."""
        return SolveParams(clock=ClockParams(by_work=self.limit_by == "work"))

    @property
    def setting(self) -> tuple[object, ...]:
        """What must be equal for two rows to stand on one page: gap, time limit,
        threads, version.
        """
        return self.gap_asked, self.time_limit, self.threads, self.version


class PlacementAsked(RunAsked):
    """A method on an instance."""

    instance: str
    family: str
    package: str = Field(
        "", description="package of the method and its version; empty where it is this package"
    )
    memory_limit: float = Field(description="2^20 bytes, resident")

    def _options(self) -> dict[str, object]:
        outside = {"package": self.package} if self.package else {}
        return super()._options() | {"memory_limit": self.memory_limit} | outside

    @property
    def setting(self) -> tuple[object, ...]:
        """The same, and the memory limit."""
        return *super().setting, self.memory_limit


class PlacementRow(PlacementAsked, SolverRow):
    """One run of a method on an instance.

    `optimal` and `feasible` are the method's own status. `memory` and `time`: the run
    was killed at its memory limit, or long after its time limit; its bounds are the
    last it reported. `failed`: its process ended without a result. `lost`: the machine
    that ran it went away.
    """

    status: RowStatus
    limit: str | None = Field(None, description="what ended the search early: time, memory")
    lower: float | None = None
    upper: float | None = None
    gap: float | None = Field(None, description="(upper - lower) / upper")
    gap_to_best: float | None = Field(
        None, description="(upper - best known) / upper, as known when the row was written"
    )
    seconds: float | None = Field(
        None, description="wall-clock time of the search, without reading the instance"
    )
    processor_s: float | None = Field(
        None, description="processor seconds of the search and the processes that it started"
    )
    load: float | None = Field(
        None, description="of the machine when the run ended, a mean over its last minute"
    )
    peak_mb: float | None = Field(
        None, description="largest resident size of the run's processes together, 2^20 bytes"
    )
    plan: list[str] | None = None
    note: str = ""
    nodes: int | None = None
    arcs: int | None = None
    options: int | None = None
    evaders: int | None = None


PatrolMethod = Literal["checkpoints only", "patrols only", "joint", "pricing"]
PLANS: tuple[PatrolMethod, ...] = ("checkpoints only", "patrols only", "joint")
"""Methods that make a plan; `pricing` is the root of `joint` by itself, for the times
of its pricing problems.
"""


class PatrolRow(RunAsked, SolverRow):
    """One run on a case with patrols."""

    case: str
    about: str
    shipped: bool = Field(
        description="whether it is a scenario of the repository and not a generated one"
    )
    method: PatrolMethod
    status: str
    limit: str | None = Field(None, description="what ended the search early: time, memory")
    value: float | None = Field(
        None, description="value of the plan: share of the evaders that pass undetected"
    )
    lower: float | None = Field(
        None, description="proven for plans of the fixed options and the beats that were generated"
    )
    lower_all: float | None = Field(
        None,
        description=(
            "proven for plans of the fixed options and any beats; as `lower` where teams stay at"
            " home"
        ),
    )
    exact: bool | None = Field(
        None, description="whether pricing was solved to proof for `lower_all`; None without beats"
    )
    seconds: float
    checkpoints: list[str] | None = Field(None, description="fixed options of the plan")
    beats: int | None = Field(None, description="teams that drive a beat in the plan")
    used: dict[str, float] = Field({}, description="of each resource with a budget, without teams")
    budget: dict[str, float]
    made: int | None = Field(None, description="beats generated")
    pricings: int | None = Field(None, description="pricing problems solved to proof")
    pricing_median: float | None = Field(None, description="seconds of one")
    pricing_largest: float | None = Field(
        None, description="seconds; None where the solver reports the median alone"
    )
    nodes: int
    arcs: int
    options: int
    evaders: int
    teams: int
    bases: int
    posts: int = Field(description="of the largest pricing problem")
    load: float | None = Field(
        description="of the machine when the run ended, a mean over its last minute"
    )

    @property
    def summary(self) -> str:
        """What was run and what it came to, in a line."""
        value = "no plan" if self.value is None else f"{self.value:.4f}"
        return f"{self.case}, {self.method}, seed {self.seed}: {value} in {self.seconds:.1f} s"


class CommandRow(StoredRow):
    """One command of this program, in a process of its own."""

    cores: int
    command: str
    goal_s: float | None = Field(
        description="seconds that it should take at most on two cores; None without a goal"
    )
    seconds: float | None = Field(description="wall-clock time; None where it could not run")
    peak_mb: float | None = Field(
        description="largest resident size of any one process of the command"
    )
    note: str = ""

    @property
    def key(self) -> RunKey:
        """What was run."""
        return command_key(self.version, self.command)

    @property
    def summary(self) -> str:
        """What was run and what it came to, in a line."""
        return f"{self.command}: " + (
            self.note if self.seconds is None else f"{self.seconds:.1f} s"
        )


def command_key(version: str, command: str) -> RunKey:
    """Return the key of a command."""
    return RunKey.of(version, command, "command")


class MixedRow(SolverRow):
    """A mixture of plans by one method; all seconds are processor time."""

    case: str
    content: str = Field(description="digest of the case")
    method: str = Field(description="`mixed`, or a peer")
    options: int
    units: float
    arcs: int
    evaders: int
    gap_asked: float
    time_limit: float = Field(description="processor seconds")
    value: float | None = Field(
        description="exact value of the mixture; None where it was not proven in time"
    )
    lower: float | None = Field(description="proven by the method for every mixture")
    upper: float | None = Field(description="proven by the method for its own")
    pure_lower: float | None = Field(None, description="of `mixed`: proven for single plans")
    pure_upper: float | None = Field(None, description="of `mixed`: the best single plan")
    saturated: bool | None = Field(None, description="of `mixed`")
    support: int = Field(description="plans of the mixture")
    seconds: float = Field(description="without the contraction")
    contraction_s: float
    valuing_s: float
    reached: dict[str, float] = Field(
        description="gap in per cent -> seconds after which it was proven"
    )
    load: float | None = Field(
        description="of the machine when the run ended, a mean over its last minute"
    )

    @property
    def key(self) -> RunKey:
        """What was run."""
        return mixed_key(self.version, self.content, self.method, self.gap_asked, self.time_limit)

    @property
    def summary(self) -> str:
        """What was run and what it came to, in a line."""
        value = self.upper if self.value is None else self.value
        return (
            f"{self.case}, {self.method}: {'not proven' if value is None else f'{value:.5f}'} in"
            f" {self.seconds:.1f} s"
        )


def mixed_key(version: str, content: str, method: str, gap: float, time_limit: float) -> RunKey:
    """Return the key of a mixture."""
    return RunKey.of(version, content, method, gap=gap, time_limit=time_limit)
