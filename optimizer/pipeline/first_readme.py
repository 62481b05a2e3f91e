"""The files beside a first scenario: tables for records, and what to fill in first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from optimizer.base.formatting import plain
from optimizer.region import border_warnings

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.pipeline.first_scenario import FirstTerms
    from optimizer.region.model import Region

SEIZURES = "time,lon,lat,drug,quantity,quantity_unit,count,example\n2024-03-11,{lon},{lat},cocaine,2.5,kg,1,yes\n"
EFFORT = "time,lon,lat,amount,example\n2024-03,{lon},{lat},40,yes\n"


def first_readme(region: Region, terms: FirstTerms, source: str, folder: Path) -> str:
    """Return README.md: what was found, how to plan, and what to fill in, most important first."""
    official = sum(crossing.official for crossing in region.crossings)
    kinds = Counter(gateway.kind for gateway in region.gateways)
    gateways = ", ".join(f"{count} {name}" for name, count in sorted(kinds.items()))
    warnings = "".join(f"\n**{_text(sentence)}**\n" for sentence in border_warnings(region))
    assumed = sum(place.population_assumed for place in region.settlements)
    base = "none" if terms.base is None else _code(terms.base.label)
    command = _code(str(folder / "scenario.toml"))
    attribution = f"\nMap data: {_text(region.attribution)}.\n" if region.attribution else ""
    return f"""\
# A first scenario

Made by `init` from {_code(source)}. It can be planned as it stands, to see what a plan looks like. **The roads, the border and the
places are those of the map. All other numbers are guesses until you replace them**: each is marked `ASSUMED` in `scenario.toml`. Do not act
on a plan before.
{warnings}
| file | what |
|---|---|
| `scenario.toml` | the scenario, with a comment at each line |
| `network.gpkg` | roads, border, crossings, gateways, settlements; opens in QGIS |
| `seizures.csv`, `effort.csv` | tables for your records: headers, and one example row each, which never counts |

| found | |
|---|---|
| nodes, arcs | {region.network.n_nodes}, {region.network.n_arcs} |
| border | {"none" if region.border is None else "yes"} |
| crossings | {official} official, {len(region.crossings) - official} unofficial |
| gateways, by kind | {gateways} |
| settlements | {len(region.settlements)}; the population of {assumed} is assumed |

## Check and plan

In the folder of the program, with the scenario at {command}:

- `python cli.py check SCENARIO` says what a plan would use, what is missing, and what is assumed.
- `python cli.py plan SCENARIO --out OUT` plans; open `report.html` in OUT.

## What to fill in, most important first

1. **The border.** Open `network.gpkg` in QGIS and look at its layers `border`, `crossings` and `gateways`. If a crossing is official that is
   not marked so, or the border is wrong, use the lines under `[region]` that make the network again.
2. **What you have**: `[[agencies]]`, and the budgets under `[[resources]]`, which are now {terms.officers} officers a shift and
   {terms.posts} cameras.
3. **What it does**: `[[kinds]]` (how many vehicles are inspected, what is found, officers it takes) and `[traffic.by_class]` from counts of
   vehicles.
4. **Records.** Put your seizures into `seizures.csv` and how much was searched into `effort.csv`, one row each, with the column `example`
   left empty, and delete the example row. Then take the `# ` off the lines of `[[records.seizures]]` and `[[records.effort]]` in
   `scenario.toml`. Seizures without search effort say little: roads that nobody searched look safe.
5. **Where evaders enter**: `[evaders.exposure]` and `shares`.
6. **Patrols**: `[[bases]]` (now: {base}) and `[[teams]]`. Delete both if you have none.
7. **Sites**: places of your own as `[[site]]`, with `existing` where something stands today, so that the report compares with today's layout.
8. **A roster** needs `[roster]`, `[[shifts]]` and `[[crews]]`.

Take the sentence under `[report] assumptions` off when none of its numbers is ours.
{attribution}"""


def _code(text: str) -> str:
    """Return text from outside as code of Markdown, which nothing in it can end."""
    return "`" + plain(text).replace("`", "'") + "`"


def _text(text: str) -> str:
    """Return text from outside as text of Markdown, without markup."""
    return "".join("\\" + mark if mark in "\\`*_[]<>#|" else mark for mark in plain(text))
