"""The page of assumptions: every default that changes a plan, and every built-in table,
with the values of the code.
"""

from __future__ import annotations

from typing import Any, get_args

from optimizer.records.sources import KILOGRAMS
from optimizer.region import MODES
from optimizer.region.places import ASSUMED_POPULATION
from optimizer.scenario.check.assumptions import DEFAULTS
from optimizer.scenario.file.model import ScenarioModel


def assumptions_page() -> str:
    """Return the page."""
    lines = [
        "# Assumptions",
        "",
        (
            "What the program takes for granted where a scenario says nothing. `interdict check"
            " SCENARIO.toml` lists what applies to"
        ),
        "a scenario.",
        "",
        "## Defaults that change a plan",
        "",
        "| field | default | what |",
        "|---|---|---|",
        *(f"| `{table}.{field}` | {value} | {what} |" for table, field, value, what in defaults()),
        "",
        "## Classes and speeds of roads",
        "",
        (
            "Where a road states no speed (`optimizer.region.MODES`; sources in"
            " [regions](../region.md#modes-classes-and-speeds))."
        ),
        "",
        "| mode | class | km/h |",
        "|---|---|---|",
        *(
            f"| `{mode}` | `{name}` | {speed:g} |"
            for mode, classes in MODES.items()
            for name, speed in classes.items()
        ),
        "",
        "## Populations of settlements",
        "",
        "Inhabitants where OpenStreetMap states none (after the definitions of Key:place).",
        "",
        "| `place` | inhabitants |",
        "|---|---|",
        *(f"| `{name}` | {people:,} |" for name, people in ASSUMED_POPULATION.items()),
        "",
        "## Units of quantity",
        "",
        "| unit | kilograms |",
        "|---|---|",
        *(f"| `{unit}` | {kilograms!r} |" for unit, kilograms in KILOGRAMS.items()),
        "",
    ]
    return "\n".join(lines)


def defaults() -> list[tuple[str, str, str, str]]:
    """Return table, field, default and description of each default that changes a plan."""
    rows = []
    for table, fields in DEFAULTS.items():
        model = _model_of(ScenarioModel.model_fields[table].annotation)
        for field in fields:
            info = model.model_fields[field]
            value = info.get_default(call_default_factory=True)
            rows.append((table, field, _shown(value), (info.description or "").replace("|", "\\|")))
    return rows


def _model_of(annotation: Any) -> Any:  # noqa: ANN401 - annotations of a model
    """Return the model inside a list or an optional."""
    if hasattr(annotation, "model_fields"):
        return annotation
    return (
        next(model for part in get_args(annotation) if (model := _model_of(part)) is not None)
        if get_args(annotation)
        else None
    )


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(f"`{each}`" for each in value)
    return f"`{value:g}`" if isinstance(value, int | float) else f"`{value}`"
