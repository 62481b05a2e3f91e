"""What a desk reads and writes: a plan folder, and variants of its plan in folders within it."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.analysis.compare.matching import SitePlaces
from optimizer.analysis.desk.desk import tour_name
from optimizer.base.errors import InputError, Problem
from optimizer.base.files.output_folder import new_folder
from optimizer.base.text.messages import joined, message
from optimizer.base.version import package_version
from optimizer.plans.changes import plan_command, whole_changes
from optimizer.plans.plan_content import straight_geojson
from optimizer.plans.plan_folder import PlanFolder, provenance
from optimizer.problem.files.plan_file import (
    DIGITS,
    SCHEMA_VERSION,
    PlanFile,
    PlanSite,
    PlanValues,
    beat_entries,
    resource_entries,
    site_entry,
)
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.result import relative_gap

if TYPE_CHECKING:
    from optimizer.analysis.desk.desk import Desk

VARIANTS = "variants"
"""Folder within a plan folder that holds its variants."""
VARIANT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


def save_variant(desk: Desk, opened: PlanFolder, name: str) -> Path:
    """Write the plan shown, with its problem, into a new folder `variants/NAME` of the plan folder: whole, or not at all.

    Parameters
    ----------
    desk
        The plan shown.
    opened
        The plan folder.
    name
        Letters, digits, `_` and `-`, at most 60.

    Returns
    -------
    Path
        The new folder.

    Raises
    ------
    InputError
        If the plan breaks a budget or demand, the name is none, a variant of that name exists, or the folder cannot be written.
    """
    where = message("name of the variant")
    if not VARIANT_NAME.fullmatch(name):
        expected = message("1 to 60 letters, digits, `_` and `-`, a letter or digit first")
        raise InputError(Problem(where, repr(name[:80]), expected))
    if desk.shortfalls:
        expected = message("a plan that keeps every budget and demand")
        remedy = message("Ask for the best plan from here, or change the budgets")
        raise InputError(Problem(message("plan to save"), joined(desk.shortfalls, " "), expected, remedy))
    place = opened.path / VARIANTS / name
    if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(opened.path)):
        raise InputError(Problem(str(place), "a place outside of the plan folder", "one within it", "Remove the link"))
    if place.exists():
        raise InputError(
            Problem(
                where,
                message("{name}, which exists", name=repr(name)),
                message("a new name"),
                message("Choose another"),
            )
        )
    original = opened.file
    plan = variant_content(desk, original, f"{original.name if original else desk.base.name} ({name})")
    with new_folder(place) as new:
        PlanFolder(new).write(plan, straight_geojson(plan, desk.base), desk.case, _run_content(desk, opened, place))
    return place


def variant_content(desk: Desk, original: PlanFile | None, title: str) -> PlanFile:
    """Return what plan.json of the plan shown holds; what the desk does not know of a site is taken from the plan that was opened."""
    instance, placed, result = desk.model.instance, desk.placed, desk.state.result
    places, rows = SitePlaces.of(desk.base), {row.id: row for row in _rows(original)}
    own = range(len(desk.base.options))
    sites = [_site(desk, j, places, rows.get(desk.base.options[j].id)) for j in own]
    overlay = desk.model.overlay
    today = np.array([option.existing for option in instance.options], dtype=bool)
    allowed = np.array([not o.forbidden for o in desk.case.options] + [True] * (placed.size - len(own)), dtype=bool)
    worth = {beat.id: _worth(desk, instance.option_index[beat.id]) for beat in desk.state.plan.beats}
    beats = beat_entries(desk.base, [desk.state.plan], worth)
    budgets = {resource.id: resource.budget for resource in desk.case.resources}
    # Demands on beats are resources of the model that the case does not have.
    resources = [replace(each, budget=budgets.get(each.id, each.budget)) for each in instance.resources]
    lower = min(desk.lower, desk.value)
    return PlanFile(
        schema_version=SCHEMA_VERSION,
        name=title,
        method="desk" if result is None else result.method,
        status="feasible" if result is None else result.status,
        limit=None if result is None else result.limit,
        lower=lower,
        upper=plan_value(instance, placed),
        gap=relative_gap(lower, desk.value),
        seconds=0.0 if result is None else round(result.seconds, 3),
        pricing_proven=result is None or result.pricing_proven,
        weighed_beats=None,
        options=list(desk.state.plan.options),
        seed=0 if result is None else result.seed,
        version=package_version(),
        values=PlanValues(
            nothing=overlay.value(np.zeros_like(placed)),
            existing=overlay.value(today) if today.any() else None,
            plan=desk.value,
            everything=overlay.value(allowed),
        ),
        resources=resource_entries(resources, desk.used().tolist()),
        sites=[site for j, site in zip(own, sites, strict=True) if placed[j]],
        beats=beats,
        candidates=[site for j, site in zip(own, sites, strict=True) if not placed[j]],
    )


def _rows(original: PlanFile | None) -> list[PlanSite]:
    return [] if original is None else [*original.sites, *original.candidates]


def _site(desk: Desk, j: int, places: SitePlaces, row: PlanSite | None) -> PlanSite:
    option, worth = desk.case.options[j], _worth(desk, j)
    if row is not None:
        return row.model_copy(update={"forced": option.forced, "forbidden": option.forbidden, "worth": worth})
    if not np.isfinite(places.lon[j]):
        return site_entry(option, worth)
    return site_entry(option, worth, lon=round(float(places.lon[j]), DIGITS), lat=round(float(places.lat[j]), DIGITS))


def _worth(desk: Desk, j: int) -> float:
    return max(0.0, desk.option_adds([j]))


def _run_content(desk: Desk, opened: PlanFolder, place: Path) -> dict[str, Any]:
    """Return what it takes to make the variant again: the run of the plan that was opened, and what was changed."""
    result, run = desk.state.result, opened.run
    changes = whole_changes(run, desk.state.changes, desk.base)
    kept = {name: run[name] for name in ("packages", "inputs", "settings", "options", "language") if name in run}
    return provenance(
        seed=0 if result is None else result.seed,
        statistics={} if result is None else dict(result.statistics),
        changes=changes.content,
        again=plan_command(place, changes, opened.settings),
        desk=list(desk.actions),
        beats={
            "must": [tour_name(beat) for beat in desk.state.beats.must],
            "must_not": [tour_name(beat) for beat in desk.state.beats.banned],
        },
        start=Path(os.path.realpath(opened.path)).name,
        warnings=[*run.get("warnings", ()), "Made at the desk from another plan: " + "; ".join(desk.actions) + "."],
        **kept,
    )
