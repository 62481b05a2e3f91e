"""The figures of the marathons that were run: rows in results/marathon/rows.jsonl, and
the page that is made of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from optimizer.base.files.json_lines import append_json_lines, read_json_lines
from optimizer.base.schema import Strict
from optimizer.base.version import package_version
from optimizer.lab.pages import PageTable, write_page
from optimizer.lab.rows import checkout
from tests.marathon.tally import Tally

RESULTS = Path(__file__).parents[2] / "results"
ROWS, PAGE = RESULTS / "marathon" / "rows.jsonl", RESULTS / "marathon.md"
WHAT = {
    "readers": "damaged files",
    "solvers": "instances",
    "features": "instances with features",
    "kills": "runs that are ended",
    "surroundings": "runs in faulty surroundings",
    "names": "commands on names that are code",
    "fuzz": "inputs of coverage-guided fuzzing",
}


class MarathonRow(Strict):
    """What one part of a marathon counted."""

    part: str
    date: str
    version: str
    count: int
    seed: int
    cases: int
    accepted: int
    refused: int
    tracebacks: int
    wrong: int
    half_written: int
    hangs: int
    unclear: int = 0
    silent: int = 0
    processes_left: int = 0
    other: int
    right: int | None = None
    too_late: int = 0
    processor_s: float
    commit: str = ""
    command: str = ""
    note: str = ""

    @classmethod
    def of(
        cls,
        part: str,
        count: int,
        seed: int,
        tally: Tally,
        processor_s: float,
        note: str = "",
        command: str = "",
    ) -> MarathonRow:
        """Return the row of a part that was run at the commit at hand by a command."""
        named = {
            "traceback",
            "wrong",
            "half-written",
            "hang",
            "unclear",
            "silent",
            "processes left",
        }
        return cls(
            part=part,
            date=datetime.now(UTC).date().isoformat(),
            version=package_version(),
            count=count,
            seed=seed,
            cases=tally.total(),
            accepted=tally.total("accepted"),
            refused=tally.total("refused"),
            tracebacks=tally.total("traceback"),
            wrong=tally.total("wrong"),
            half_written=tally.total("half-written"),
            hangs=tally.total("hang"),
            unclear=tally.total("unclear"),
            silent=tally.total("silent"),
            processes_left=tally.total("processes left"),
            other=len(tally.faults) - sum(tally.total(kind) for kind in named),
            right=tally.total("right") + tally.total("whole") + tally.total("absent"),
            too_late=tally.total("too late"),
            processor_s=round(processor_s, 1),
            commit=checkout(),
            command=command,
            note=note,
        )

    @property
    def line(self) -> str:
        """The counts in a sentence."""
        return (
            f"{self.part}: {self.count} {WHAT[self.part]} from seed {self.seed}, {self.cases}"
            f" outcomes: {self.refused} refused, {self.accepted} accepted, {self.tracebacks} tracebacks,"
            f" {self.silent} silent, {self.unclear} unclear, {self.processes_left} with processes left, {self.wrong} wrong bounds or plans,"
            f" {self.half_written} half-written, {self.hangs} hangs, {self.other} other faults,"
            f" {self.right} right, {self.too_late} too late;"
            f" {self.processor_s:g} processor s"
        )


def add_row(row: MarathonRow) -> None:
    """Keep the row of a part that was run."""
    append_json_lines(ROWS, [row])


def write_marathon_page() -> Path:
    """Write the page of all rows."""
    rows = read_json_lines(ROWS, MarathonRow)
    columns = [
        "part",
        "cases",
        "first seed",
        "refused with a clear message",
        "accepted, harmless or told",
        *("tracebacks", "silent", "unclear", "wrong", "half-written", "hangs", "processes left"),
        "other faults",
        "right, whole or absent",
        "ended before the signal",
        "processor s",
        "date",
        "commit",
        "command",
        "note",
    ]
    cells = [
        (
            WHAT[r.part],
            r.count,
            r.seed,
            r.refused,
            r.accepted,
            *(r.tracebacks, r.silent, r.unclear, r.wrong, r.half_written, r.hangs),
            r.processes_left,
            r.other,
            "" if r.right is None else r.right,
            "" if r.right is None else r.too_late,
            r.processor_s,
            r.date,
            r.commit,
            f"`{r.command}`" if r.command else "",
            r.note,
        )
        for r in rows
    ]
    return write_page(
        PAGE,
        "marathon.md.j2",
        table=PageTable.of(
            columns, cells, dict.fromkeys(columns[1:2] + columns[3:5], "{:,}".format)
        ),
    )
