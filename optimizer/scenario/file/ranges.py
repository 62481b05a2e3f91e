"""Chances that are not known exactly: given as a range in a scenario, or measured by audits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, WithJsonSchema
from pydantic.functional_validators import PlainValidator

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import existing_file, read_json, sha256
from optimizer.base.schema import Id, Strict, validated
from optimizer.base.text.messages import message

if TYPE_CHECKING:
    from optimizer.scenario.file.kinds import KindModel
    from optimizer.scenario.file.model import ScenarioModel, TeamModel


DETECTION = 0.2
"""Relative change of a detection chance that is stated as a number, where its range is
wanted: assumed.
"""
EXPECTED = "a chance from 0 to 1, or a range of two with the smaller first, such as [0.2, 0.5]"


def _chance_or_range(value: Any) -> float | tuple[float, float]:  # noqa: ANN401 - any TOML value
    """Return a chance as a number, and a range of two as a pair; a range of nothing is a number."""
    numbers = list(value) if isinstance(value, (list, tuple)) else [value]
    if not all(
        isinstance(each, (int, float)) and not isinstance(each, bool) and 0 <= each <= 1
        for each in numbers
    ):
        raise ValueError(EXPECTED)
    if not isinstance(value, (list, tuple)):
        return float(value)
    if len(numbers) != 2 or numbers[0] > numbers[1]:
        raise ValueError(f"{EXPECTED}; not {numbers[:3]}")
    low, high = map(float, numbers)
    return low if low == high else (low, high)


_CHANCE = {"type": "number", "minimum": 0, "maximum": 1}
ChanceOrRange = Annotated[
    float | tuple[float, float],
    PlainValidator(_chance_or_range),
    WithJsonSchema({"anyOf": [_CHANCE, {"type": "array", "prefixItems": [_CHANCE, _CHANCE]}]}),
]
"""A chance, or the two ends of the range that it lies in."""


RANGE = (
    "; `[low, high]` where only a range is known: `plan --draws` plans over it, all else takes its"
    " middle"
)
"""What the description of a detection chance ends with."""


def detection_field(description: str) -> Any:  # noqa: ANN401 - what pydantic's Field returns
    """Return the field of a detection chance, which may be a range."""
    return Field(description=f"{description}{RANGE}")


def middle(chance: float | tuple[float, float]) -> float:
    """Return a chance, or the middle of its range."""
    return sum(chance) / 2 if isinstance(chance, tuple) else chance


def detection_ranges(scenario: ScenarioModel) -> dict[str, tuple[float, float]]:
    """Return the ranges of detection chances, and of the effects of measures, by their
    path in the file, such as `kinds.tactical.detection`.
    """
    found = {
        f"{table}.{entry.id}.detection": chance
        for table, entry in _entries(scenario)
        if isinstance(chance := getattr(entry, "detection", None), tuple)
    }
    measures = {f"measures.{m.id}.reduction": m.reduction for m in scenario.measures}
    return found | {path: chance for path, chance in measures.items() if isinstance(chance, tuple)}


def detection_chances(scenario: ScenarioModel) -> dict[str, float | tuple[float, float]]:
    """Return the detection chances and ranges of kinds and teams by their path, but
    those of 0; one less the survival, where that is stated.
    """
    return {
        f"{table}.{entry.id}.detection": chance
        for table, entry in _entries(scenario)
        if (
            chance := (
                1 - entry.survival
                if hasattr(entry, "survival")
                else getattr(entry, "detection", None)
            )
        )
    }


def detection_range(chance: float | tuple[float, float]) -> tuple[float, float]:
    """Return the ends of a detection chance: those of its range, or a fifth less and
    more where it is one number.
    """
    return (
        chance
        if isinstance(chance, tuple)
        else (chance * (1 - DETECTION), min(chance * (1 + DETECTION), 1.0))
    )


def with_detection(
    scenario: ScenarioModel, chances: Mapping[str, float | tuple[float, float]]
) -> ScenarioModel:
    """Return a scenario with other detection chances, by path; chances of paths that it
    does not have are not used.
    """
    changed: dict[str, list[KindModel | TeamModel]] = {"kinds": [], "teams": []}
    for table, entry in _entries(scenario):
        chance = chances.get(f"{table}.{entry.id}.detection")
        if chance is None:
            changed[table].append(entry)
        else:
            survival = {"survival": 1 - middle(chance)} if hasattr(entry, "survival") else {}
            changed[table].append(entry.model_copy(update={"detection": chance, **survival}))
    return scenario.model_copy(update=changed)


def range_warnings(scenario: ScenarioModel) -> Iterator[str]:
    """Yield what is used of each range where nobody draws from it."""
    for path, (low, high) in detection_ranges(scenario).items():
        yield message(
            "{path} is known as a range alone, {low:g} to {high:g}: its middle, {middle:g}, is used"
            " (plan --draws N plans over the range).",
            path=path,
            low=low,
            high=high,
            middle=middle((low, high)),
        )


def _entries(scenario: ScenarioModel) -> Iterator[tuple[str, KindModel | TeamModel]]:
    yield from (("kinds", kind) for kind in scenario.kinds)
    yield from (("teams", team) for team in scenario.teams)


# Chances that audits measured: a beta posterior for each kind, which a scenario reads
# in place of what it states.


PRIOR = 0.5
"""Both parameters of Jeffreys' prior of a chance."""


class AuditedKind(Strict):
    """The detection chance of a kind by an audit: Beta(alpha, beta), Jeffreys' prior included."""

    kind: Id = Field(description="id of the entry of [[kinds]]")
    alpha: float = Field(gt=0)
    beta: float = Field(gt=0)
    found: int = Field(ge=0, description="loads that ordinary inspection found")
    loads: float = Field(ge=0, description="loads that it is estimated to have inspected")


class _Audited(Strict):
    rows: list[AuditedKind]


def read_audited(path: Path) -> list[AuditedKind]:
    """Return the kinds whose detection chance an audit measured, from the
    audit-results.json that `audit results` wrote.

    Raises
    ------
    InputError
        If the file is no such file, or has none.
    """
    content = read_json(existing_file(path, "results of an audit"), "results of an audit")
    rows = content.get("detection") if isinstance(content, dict) else None
    if not rows:
        found = "no detection chance" if isinstance(content, dict) else "no results"
        expected = "audit-results.json with `detection`, as `audit results` writes it"
        remedy = "Fill in `passed` and `found` of counts.csv, and read the sheets again"
        raise InputError(Problem(str(path), found, expected, remedy))
    return validated(_Audited, {"rows": rows}, f"{path}, detection").rows


def with_audits(scenario: ScenarioModel, folder: Path) -> tuple[ScenarioModel, list[str]]:
    """Return a scenario whose kinds have the 90 % ranges that its audits found, and a
    sentence for each.

    Parameters
    ----------
    scenario
        The scenario; `records.audits` names the files.
    folder
        Folder of its file.

    Raises
    ------
    InputError
        As `read_audited`; if two files are alike, so that an audit would count twice.
    """
    posterior: dict[str, list[AuditedKind]] = {}
    read: dict[str, Path] = {}
    for file in scenario.records.audits:
        rows = read_audited(folder / file)
        content = sha256(folder / file)
        if content in read:
            found = f"the content of {read[content]} again"
            raise InputError(
                Problem(
                    str(folder / file), found, "each audit once", "Take one of them out of `audits`"
                )
            )
        read[content] = file
        for row in rows:
            posterior.setdefault(row.kind, []).append(row)
    kinds = {kind.id: kind for kind in scenario.kinds}
    chances: dict[str, tuple[float, float]] = {}
    told: list[str] = []
    for name, rows in posterior.items():
        stated = getattr(kinds.get(name), "detection", None)
        # that of all who pass: an audit measures those who are inspected
        if hasattr(kinds.get(name), "survival"):
            told.append(
                message(
                    "Audits measured the detection chance of {kind}. It is not used: the scenario"
                    " states a survival of it.",
                    kind=kinds[name].label or name,
                )
            )
            continue
        if stated is None:
            told.append(
                message(
                    "Audits measured the detection chance of {kind!r}, which no kind of the"
                    " scenario has.",
                    kind=name,
                )
            )
            continue
        from scipy import stats  # takes longer to load than all else of a file

        # Each file holds a posterior of its own: their prior counts once.
        alpha, beta = (
            PRIOR + sum(getattr(row, part) - PRIOR for row in rows) for part in ("alpha", "beta")
        )
        low, high = (
            float(stats.beta.ppf(level, max(alpha, 1e-3), max(beta, 1e-3)))
            for level in (0.05, 0.95)
        )
        chances[f"kinds.{name}.detection"] = (low, high)
        told.append(
            message(
                "Audits: the detection chance of {kind} is taken as {low:.2f} to {high:.2f} (90 %),"
                " as ordinary inspection found {found} of about {loads:.0f} loads. The scenario"
                " states {stated}.",
                kind=kinds[name].label or name,
                low=low,
                high=high,
                found=sum(row.found for row in rows),
                loads=sum(row.loads for row in rows),
                stated="\N{EN DASH}".join(
                    f"{end:g}" for end in (stated if isinstance(stated, tuple) else (stated,))
                ),
            )
        )
    return with_detection(scenario, chances), told
