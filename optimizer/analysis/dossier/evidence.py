"""What folders hold that answers a form: a statement with its figure, its date, its
file, and the command that makes it. What no folder holds is not said.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from optimizer.analysis.dossier.forms import Topic
from optimizer.base.errors import InputError, Problem
from optimizer.base.files.output_folder import MARKER, command_of
from optimizer.base.files.readwrite import read_json
from optimizer.base.files.tables import csv_text
from optimizer.base.text.formatting import amount_with_unit, decimal, percent, plain, plural
from optimizer.plans.plan_folder import CERTIFICATE_FILE, RUN_FILE, PlanFolder
from optimizer.problem.files.plan_file import PLAN_FILE, PlanFile


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of evidence, and where it stands."""

    #: What it is about.
    topic: Topic
    #: The sentence, with its figure.
    text: str
    #: The file that holds it, with its folder.
    file: str
    #: Day of the file, as 2026-12-04.
    date: str
    #: What makes it again.
    command: str


@dataclass(frozen=True, slots=True)
class AnswerKind:
    """What an answer of one command tells an authority."""

    #: What it is about.
    topics: tuple[Topic, ...]
    #: The file that is read.
    file: str
    #: Makes the sentence of what the file holds; raises KeyError, TypeError, ValueError
    #: or IndexError where that is something else.
    sentence: Callable[[Any], str]


def _passes(content: Any) -> str:  # noqa: ANN401 - JSON; faults of it are told by the caller
    last = max(content["finds"])
    whole = next(row for row in content["rows"] if row["kind"] == "all" and row["quarter"] == last)
    low, high = (percent(float(whole[f"rate_{end}"])) for end in ("low", "high"))
    return (
        f"In {last} the interdiction rate was {percent(float(whole['rate']))}"
        f" ({low} to {high}), if the assumptions on the page hold."
    )


def _audit(content: Any) -> str:  # noqa: ANN401 - as above
    whole = content["rows"][-1]
    low, high = percent(float(whole["rate_low"])), percent(float(whole["rate_high"]))
    return (
        f"{plural(int(whole['audited']), 'inspection')} at times that chance chose: {low} to {high}"
        " of vehicles that passed carried a load."
    )


def _trial(content: Any) -> str:  # noqa: ANN401 - as above
    first = content["rows"][0]
    low, high = first["low"], first["high"]
    ends = [decimal(None if end is None else float(end), 3) for end in (low, high)]
    return (
        f"A randomised trial ({plain(content['kind'])}), {plain(first['outcome'])},"
        f" {plain(first['contrast'])}: {decimal(float(first['effect']), 3)}"
        f" ({' to '.join(ends)}), p {decimal(float(first['p']), 3)}."
    )


def _delivered(content: Any) -> str:  # noqa: ANN401 - as above
    return (
        f"From {plain(content['from'])} to {plain(content['to'])},"
        f" {decimal(float(content['effort_hours']))} hours of search effort were delivered."
    )


def _backtest(content: Any) -> str:  # noqa: ANN401 - as above
    judged, left = len(content["judged"]), len(content["excluded"])
    gains = []
    for one in content["judged"]:
        gain = next(iter(one["gain"].values()))
        gains.append(f"{plain(one['name'])} {decimal(float(gain['value']))}")
    per = "search" if all(one["outcome"] == "search" for one in content["judged"]) else "outcome"
    return (
        f"The risk model foretold searches that it had not seen, of {plural(judged, 'record')}"
        f" ({left} left out). Gain over one rate for all, in thousandths of a nat a {per}:"
        f" {'; '.join(gains) or 'none judged'}."
    )


ANSWERS: Final[dict[str, AnswerKind]] = {
    "risk backtest": AnswerKind((Topic.TESTING,), "backtest.json", _backtest),
    "trial analyse": AnswerKind((Topic.TESTING,), "trial-results.json", _trial),
    "audit results": AnswerKind((Topic.TESTING, Topic.MONITORING), "audit-results.json", _audit),
    "passes": AnswerKind((Topic.MONITORING,), "passes.json", _passes),
    "delivered": AnswerKind((Topic.MONITORING,), "delivered.json", _delivered),
    "forecast seal": AnswerKind(
        (Topic.MONITORING,),
        "forecast.csv",
        lambda rows: f"A forecast of finds was sealed before its period: {len(rows)} rows.",
    ),
    "risk alerts": AnswerKind(
        (Topic.MONITORING,),
        "alerts.csv",
        lambda rows: f"{plural(len(rows), 'place')} tested for departures from what is expected.",
    ),
    "compare": AnswerKind(
        (Topic.ALTERNATIVES,),
        "compare.json",
        lambda content: f"{plural(len(content['plans']), 'plan')} compared.",
    ),
    "frontier": AnswerKind(
        (Topic.ALTERNATIVES,),
        "frontier.csv",
        lambda rows: f"{plural(len(rows), 'budget')} computed, each with its bound.",
    ),
    "explain": AnswerKind(
        (Topic.ALTERNATIVES,),
        "explain.csv",
        lambda rows: f"What each placement brings, and what would replace it: {len(rows)} rows.",
    ),
    "adapt": AnswerKind(
        (Topic.IMPACTS,),
        "rows.csv",
        lambda rows: f"What happens once traffickers learn: {plural(len(rows), 'simulated row')}.",
    ),
    "release": AnswerKind(
        (Topic.SHARING,),
        "release.json",
        lambda content: (
            f"Rows released to {plain(content['to'])}; totals of others of at least"
            f" {int(content['minimum'])} rows."
        ),
    ),
}
"""By the command in the mark of its folder."""


def statements(plan: PlanFolder, answers: list[Path]) -> Iterator[Statement]:
    """Yield what a plan and the answers about it hold, in this order.

    Raises
    ------
    InputError
        If a folder is of no command that a form asks about, or a file of it is at
        fault.
    """
    yield from _of_tool()
    yield from _of_plan(plan)
    for folder in answers:
        yield from _of_ledger(folder) if (folder / "ledger.json").is_file() else _of_answer(folder)


def _of_tool() -> Iterator[Statement]:
    """Yield what is so of every plan: what the program is for, reads, and does not read."""
    for topic, text, file in (
        (
            Topic.PURPOSE,
            (
                "Where to put checkpoints and patrols on the roads of a border, so that as few"
                " loads as possible get through when traffickers know the plan."
            ),
            "docs/accountability.md",
        ),
        (
            Topic.PEOPLE,
            (
                "None: road segments are scored, never persons. No column about a person is read;"
                " tests/test_importers.py and tests/test_check.py hold this."
            ),
            "docs/accountability.md",
        ),
    ):
        yield Statement(topic, text, file, "", "")


def _of_plan(plan: PlanFolder) -> Iterator[Statement]:
    file = plan.file
    if file is None:
        raise InputError(Problem(str(plan.plan_path), "a list of options", "a plan of `plan`"))
    here = _InPlan(plan)
    yield here.said(Topic.NAME, plain(file.name))
    yield from _value(file, here)
    yield from _burden(file, here)
    if (plan.path / CERTIFICATE_FILE).is_file():
        yield here.said(
            Topic.REVIEW,
            "A certificate of the bound is beside the plan: `verify` checks it without the solver.",
            CERTIFICATE_FILE,
        )
    yield from _making(file, here)


@dataclass(frozen=True, slots=True)
class _InPlan:
    """Where statements of a plan stand."""

    plan: PlanFolder

    def said(self, topic: Topic, text: str, name: str = PLAN_FILE) -> Statement:
        """Return a statement of a file of the folder."""
        path = self.plan.path / name
        return Statement(topic, text, _shown(path), _day(path), "plan")


def _value(file: PlanFile, here: _InPlan) -> Iterator[Statement]:
    """Yield what the plan lets through, its bound, and what today's layout lets through."""
    placed = f"{plural(len(file.sites), 'site')} and {plural(len(file.beats), 'beat')}"
    if file.upper is None or file.lower is None:
        yield here.said(Topic.OUTPUTS, f"A recommendation: {placed}. Its bound is not yet known.")
    else:
        yield here.said(
            Topic.OUTPUTS,
            f"A recommendation: {placed}. {percent(file.upper)} of loads get through in the model;"
            f" proven: no plan of these resources lets through less than {percent(file.lower)}.",
        )
    existing = file.values.existing
    if existing is None:
        return
    yield here.said(
        Topic.FALLBACK,
        f"Today's layout stands if the plan is withdrawn: {percent(existing)} of loads get through"
        " in the model.",
    )
    if file.upper is not None:
        change = "less" if file.upper <= existing else "more"
        yield here.said(
            Topic.ALTERNATIVES,
            f"Than under today's layout, {decimal(100 * abs(existing - file.upper))} percentage"
            f" points of loads {change} get through in the model.",
        )


def _burden(file: PlanFile, here: _InPlan) -> Iterator[Statement]:
    """Yield what honest travellers lose."""
    for resource in file.resources:
        if resource.id.split("@")[0] == "delay":
            used, most = (
                amount_with_unit(amount, resource.unit)
                for amount in (resource.used, resource.budget)
            )
            yield here.said(Topic.IMPACTS, f"Delay: {used}, of at most {most}.")


def _making(file: PlanFile, here: _InPlan) -> Iterator[Statement]:
    """Yield what the plan was made of, and by which version."""
    run = here.plan.run
    inputs, warnings = run.get("inputs"), run.get("warnings")
    if isinstance(inputs, list):
        yield here.said(
            Topic.DATA, f"{plural(len(inputs), 'input file')}, each with its SHA-256.", RUN_FILE
        )
    if isinstance(warnings, list) and warnings:
        text = f"{plural(len(warnings), 'warning')} on the data, listed there."
        yield here.said(Topic.DATA, text, RUN_FILE)
    if run:
        yield here.said(
            Topic.MODEL,
            f"border-interdiction {plain(file.version)}, method {plain(file.method)}, seed"
            f" {file.seed}; versions of every package are listed there.",
            RUN_FILE,
        )


def _of_ledger(folder: Path) -> Iterator[Statement]:
    entries = folder / "entries.jsonl"
    with entries.open("rb") as lines:
        count = sum(1 for line in lines if line.strip())
    yield Statement(
        Topic.REVIEW,
        f"A signed log of {plural(count, 'entry', 'entries')} that others can check"
        " (`ledger verify`).",
        _shown(entries),
        _day(entries),
        "ledger append",
    )


def _of_answer(folder: Path) -> Iterator[Statement]:
    command = command_of(folder)
    kind = ANSWERS.get(command or "")
    if command is None or kind is None:
        found = "no mark of a command" if command is None else f"what `{command}` made"
        expected = "an answer of " + ", ".join(f"`{name}`" for name in ANSWERS) + "; or a ledger"
        raise InputError(Problem(str(folder / MARKER), found, expected))
    path = folder / kind.file
    content = (
        list(csv.DictReader(io.StringIO(csv_text(path, f"what `{command}` makes").text)))
        if path.suffix == ".csv"
        else read_json(path, f"what `{command}` makes")
    )
    try:
        text = kind.sentence(content)
    except (KeyError, TypeError, ValueError, IndexError, StopIteration, AttributeError):
        raise InputError(
            Problem(
                str(path),
                "another content",
                f"what `{command}` of this version writes",
                f"Run {command} again",
            )
        ) from None
    for topic in kind.topics:
        yield Statement(topic, text, _shown(path), _day(path), command)


def _shown(path: Path) -> str:
    """Return a file with its folder: a dossier is handed on, and says nothing of disks."""
    return f"{path.resolve().parent.name}/{path.name}"


def _day(path: Path) -> str:
    return (
        datetime.fromtimestamp(path.stat().st_mtime, tz=UTC).date().isoformat()
        if path.is_file()
        else ""
    )
