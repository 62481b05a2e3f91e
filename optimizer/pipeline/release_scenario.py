"""The scenario of one agency: what it has and may do, on the rows that it may see; nothing of what the others have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from optimizer.base.toml_text import toml_comment, toml_value
from optimizer.records.areas import load_areas
from optimizer.records.sources import EffortSource
from optimizer.region import save_region

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pydantic import BaseModel

    from optimizer.pipeline.release_rows import ReleasedTable
    from optimizer.scenario.check import ScenarioCheck
    from optimizer.scenario.model import ScenarioModel

NETWORK, AREAS, SCENARIO = "network.gpkg", "areas.geojson", "scenario.toml"
PASSED_ON = ("risk", "background", "evaders", "traffic", "solve")
"""Tables that go over as they are."""
NOTHING = {
    "resources": [{"name": "teams", "budget": 0}],
    "kinds": [{"id": "post", "survival": 0.5, "uses": {"teams": 1}}],
}
"""What an agency plans with for which the scenario has nothing."""


def entry_of(table: ReleasedTable, name: str) -> dict[str, Any]:
    """Return the entry of a scenario that reads a released file."""
    source = table.source
    content = source.model_dump(mode="json", exclude_defaults=True)
    for gone in ("columns", "where", "owner", "tlp", "released_to"):
        content.pop(gone, None)
    if isinstance(source, EffortSource) and "amount" in table.columns:
        content.pop("amount_per_row", None)
    return content | {"file": name}


def write_agency_scenario(
    folder: Path, check: ScenarioCheck, scenario: ScenarioModel, agency: str, files: Mapping[str, ReleasedTable]
) -> list[str]:
    """Write the scenario of an agency, its roads and its areas; return the names of the files.

    Parameters
    ----------
    folder
        Where to.
    check
        The whole scenario, read without a fault.
    scenario
        Its file.
    agency
        Id of the agency.
    files
        Name of each released file in the folder, with what it holds.
    """
    assert check.region is not None  # noqa: S101 - read without a fault
    save_region(check.region, folder / NETWORK)
    written, region = [NETWORK], {"network": NETWORK}
    used = {text for table in files.values() for text in table.columns.get("area", ()) if text}
    own = [one for one in scenario.agencies if one.id == agency]
    used |= {name for one in own if one.jurisdiction for name in one.jurisdiction.areas}
    if used and scenario.region.areas is not None:
        _write_areas(check.path.parent / scenario.region.areas, used, folder / AREAS)
        written, region = [*written, AREAS], region | {"areas": AREAS}
    content: dict[str, Any] = {
        "schema_version": 1,
        "name": f"{scenario.name}, as released to {agency}",
        "region": region,
    }
    for kind in ("seizures", "effort"):
        entries = [entry_of(table, name) for name, table in files.items() if table.kind == kind]
        content |= {f"records.{kind}": entries} if entries else {}
    content |= {name: _dumped(getattr(scenario, name)) for name in PASSED_ON}
    content |= _of_agency(scenario, check, agency)
    (folder / SCENARIO).write_text(_text(content, agency), encoding="utf-8")
    return [*written, SCENARIO]


def _of_agency(scenario: ScenarioModel, check: ScenarioCheck, agency: str) -> dict[str, Any]:
    """Return the tables of what can be placed: the agency's own and what all share."""
    mine = {"", agency}
    resources = [one for one in scenario.resources if one.agency in mine]
    names = {one.name for one in resources}
    kinds = [kind for kind in scenario.kinds if _needs(kind.model_dump()) <= names]
    teams = [team for team in scenario.teams if team.agency in mine and set(team.uses) <= names]
    if not resources or not (kinds or teams):
        return {name: list(rows) for name, rows in NOTHING.items()}
    ids = {kind.id for kind in kinds}
    sites = []
    for placed in check.sites[: check.n_listed]:
        site = placed.site
        if site.agency not in mine and agency not in site.manned_by:
            continue
        fields = _dumped(site) | {"manned_by": [], "agency": site.agency if site.agency in mine else agency}
        fields["kinds"] = [name for name in site.kinds if name in ids]
        if site.existing not in ids or site.agency not in mine:
            fields.pop("existing", None)
        if not site.kinds or fields["kinds"]:
            sites.append({name: value for name, value in fields.items() if value not in ([], "")})
    there = {site["id"] for site in sites}
    offered = scenario.sites if scenario.sites.agency in mine else None
    groups = [[name for name in group if name in there] for group in scenario.exclusions]
    bases = [_dumped(base) for base in scenario.bases if base.agency in mine]
    found: dict[str, Any] = {"exclusions": [group for group in groups if len(group) > 1]}
    found |= {"agencies": [_dumped(one) for one in scenario.agencies if one.id == agency]}
    found |= {"resources": [_dumped(one) for one in resources], "kinds": [_dumped(kind) for kind in kinds]}
    if offered is not None:
        places = {name: value for name, value in _dumped(offered).items() if name not in {"file", "columns"}}
        found["sites"] = places | ({"kinds": [name for name in offered.kinds if name in ids]} if offered.kinds else {})
    found |= {"site": sites, "bases": bases if teams else [], "teams": [_dumped(team) for team in teams]}
    found["shifts"] = [_dumped(shift) for shift in scenario.shifts]
    return {name: value for name, value in found.items() if value}


def _needs(kind: Mapping[str, Any]) -> set[str]:
    """Return the names of the resources that a kind uses."""
    beside = (kind[part]["resource"] for part in ("delay", "alarms") if kind.get(part))
    return {*kind.get("uses", {}), *beside}


def _dumped(model: BaseModel) -> dict[str, Any]:
    content = model.model_dump(mode="json", exclude_defaults=True)
    kind = getattr(model, "kind", None)
    return content | ({"kind": kind} if isinstance(kind, str) else {})


def _write_areas(source: Path, names: Iterable[str], target: Path) -> None:
    """Write the polygons that released rows name, and no other property than their names and classes."""
    wanted = {name.casefold() for name in names}
    features = [
        {
            "type": "Feature",
            "properties": {"name": area.name} | ({"classes": list(area.classes)} if area.classes else {}),
            "geometry": area.geometry.__geo_interface__,
        }
        for area in load_areas(source)
        if area.name.casefold() in wanted
    ]
    content = {"type": "FeatureCollection", "features": features}
    target.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def _text(content: Mapping[str, Any], agency: str) -> str:
    """Return a scenario as TOML."""
    plain = {name: value for name, value in content.items() if not _is_table(value)}
    lines = [toml_comment(f"What was released to {agency}: its own options, on the rows that it may see.")]
    lines += [f"{name} = {toml_value(value)}" for name, value in plain.items()]
    for name, value in content.items():
        if isinstance(value, dict) and value:
            lines += ["", f"[{name}]", *_fields(value)]
        elif _is_table(value):
            lines += [line for entry in value for line in ("", f"[[{name}]]", *_fields(entry))]
    return "\n".join(lines) + "\n"


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _fields(content: Mapping[str, Any]) -> Sequence[str]:
    return [f"{name} = {toml_value(value)}" for name, value in content.items() if value is not None]
