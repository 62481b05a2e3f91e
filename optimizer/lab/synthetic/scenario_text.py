"""The scenario that reads an exercise's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.toml_text import toml_value

if TYPE_CHECKING:
    from optimizer.lab.synthetic.ground import Ground


def scenario_text(ground: Ground, source: str) -> str:
    """Return a scenario as TOML: the exercise's region and record, the terms on evaders that its truth was made about, a post to place."""
    terms = ground.terms.model_dump(exclude_defaults=True) | {
        "decay_minutes": ground.terms.decay_minutes,
        "unreachable": "skip",
    }
    evaders = "\n".join(f"{name} = {toml_value(value)}" for name, value in terms.items())
    return f"""\
# An exercise: the record is simulated, its truth stands in truth.csv. Whatever can be placed is assumed: change it.
schema_version = 1
name = {toml_value(f"{ground.name} (simulated record)")}

[region]
network = "region.gpkg"

[[records.seizures]]
file = "seizures.csv"
source = {toml_value(source)}

[[records.effort]]
file = "effort.csv"
source = {toml_value(source)}
columns = {{ amount = "searches" }}
unit = "searches"

[evaders]
{evaders}

[[resources]]
name = "teams"
budget = 5

[[kinds]]
id = "post"
label = "road post"
survival = 0.6
uses = {{ teams = 1 }}

[sites]
crossings = "all"
roads = 20

[solve]
gap = 0.01
time_limit = 30

[report]
cannot_say = ["The seizures and the search effort are simulated: the plan is an exercise."]
"""
