"""Chances that a scenario gives as a range: what is not known better than that it lies between two numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, WithJsonSchema
from pydantic.functional_validators import PlainValidator

from optimizer.base.text.messages import message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from optimizer.scenario.file.kinds import KindModel
    from optimizer.scenario.file.model import ScenarioModel, TeamModel

DETECTION = 0.2
"""Relative change of a detection chance that is stated as a number, where its range is wanted: assumed."""
EXPECTED = "a chance from 0 to 1, or a range of two with the smaller first, such as [0.2, 0.5]"


def _chance_or_range(value: Any) -> float | tuple[float, float]:  # noqa: ANN401 - any TOML value
    """Return a chance as a number, and a range of two as a pair; a range of nothing is a number."""
    numbers = list(value) if isinstance(value, (list, tuple)) else [value]
    if not all(isinstance(each, (int, float)) and not isinstance(each, bool) and 0 <= each <= 1 for each in numbers):
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


RANGE = "; `[low, high]` where only a range is known: `plan --draws` plans over it, all else takes its middle"
"""What the description of a detection chance ends with."""


def detection_field(description: str) -> Any:  # noqa: ANN401 - what pydantic's Field returns
    """Return the field of a detection chance, which may be a range."""
    return Field(description=f"{description}{RANGE}")


def middle(chance: float | tuple[float, float]) -> float:
    """Return a chance, or the middle of its range."""
    return sum(chance) / 2 if isinstance(chance, tuple) else chance


def detection_ranges(scenario: ScenarioModel) -> dict[str, tuple[float, float]]:
    """Return the ranges of detection chances, and of the effects of measures, by their path in the file, such as `kinds.tactical.detection`."""
    found = {
        f"{table}.{entry.id}.detection": chance
        for table, entry in _entries(scenario)
        if isinstance(chance := getattr(entry, "detection", None), tuple)
    }
    measures = {f"measures.{m.id}.reduction": m.reduction for m in scenario.measures}
    return found | {path: chance for path, chance in measures.items() if isinstance(chance, tuple)}


def detection_chances(scenario: ScenarioModel) -> dict[str, float | tuple[float, float]]:
    """Return the detection chances and ranges of kinds and teams by their path, but those of 0 and those that are not used."""
    return {
        f"{table}.{entry.id}.detection": chance
        for table, entry in _entries(scenario)
        if (chance := getattr(entry, "detection", None)) and not hasattr(entry, "survival")
    }


def detection_range(chance: float | tuple[float, float]) -> tuple[float, float]:
    """Return the ends of a detection chance: those of its range, or a fifth less and more where it is one number."""
    return chance if isinstance(chance, tuple) else (chance * (1 - DETECTION), min(chance * (1 + DETECTION), 1.0))


def with_detection(scenario: ScenarioModel, chances: Mapping[str, float | tuple[float, float]]) -> ScenarioModel:
    """Return a scenario with other detection chances, by path; chances of paths that it does not have are not used."""
    changed: dict[str, list[KindModel | TeamModel]] = {"kinds": [], "teams": []}
    for table, entry in _entries(scenario):
        chance = chances.get(f"{table}.{entry.id}.detection")
        changed[table].append(entry if chance is None else entry.model_copy(update={"detection": chance}))
    return scenario.model_copy(update=changed)


def range_warnings(scenario: ScenarioModel) -> Iterator[str]:
    """Yield what is used of each range where nobody draws from it."""
    for path, (low, high) in detection_ranges(scenario).items():
        yield message(
            "{path} is known as a range alone, {low:g} to {high:g}: its middle, {middle:g}, is used (plan --draws N plans over the range).",
            path=path,
            low=low,
            high=high,
            middle=middle((low, high)),
        )


def _entries(scenario: ScenarioModel) -> Iterator[tuple[str, KindModel | TeamModel]]:
    yield from (("kinds", kind) for kind in scenario.kinds)
    yield from (("teams", team) for team in scenario.teams)
