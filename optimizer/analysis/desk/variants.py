"""What a desk reads and writes: a plan folder, and variants of its plan in folders within it."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.analysis.compare.matching import SitePlaces
from optimizer.analysis.desk.desk import tour_name
from optimizer.base.errors import InputError, Problem
from optimizer.base.files.output_folder import new_folder
from optimizer.base.files.readwrite import read_json, write_json
from optimizer.base.text.messages import joined, message
from optimizer.base.version import package_version
from optimizer.plans.changes import plan_command, whole_changes
from optimizer.plans.plan_folder import read_known_plan
from optimizer.plans.plan_outputs import straight_geojson
from optimizer.problem.files.instance_file import write_instance
from optimizer.problem.files.plan_file import (
    DIGITS,
    SCHEMA_VERSION,
    PlanFile,
    PlanResource,
    PlanSite,
    PlanValues,
    beat_entry,
    read_plan_file,
)
from optimizer.problem.plan.evaluation import plan_value
from optimizer.problem.plan.result import relative_gap

if TYPE_CHECKING:
    from optimizer.analysis.desk.desk import Desk
    from optimizer.plans.plan_folder import KnownPlan

VARIANTS = "variants"
"""Folder within a plan folder that holds its variants."""
VARIANT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


def read_desk_plan(folder: str | os.PathLike[str], *, skip_unreachable: bool = False) -> KnownPlan:
    """Read a plan folder for the desk.

    Raises
    ------
    InputError
        As `read_known_plan`, and if the plan is of another version.
    """
    file = Path(folder) / "plan.json"
    if file.is_file():
        content = read_json(file, "a plan")
        version = content.get("schema_version", SCHEMA_VERSION) if isinstance(content, dict) else SCHEMA_VERSION
        if version != SCHEMA_VERSION:
            found = f"a plan of version {version!r}"
            expected = f"one of version {SCHEMA_VERSION}, as this version of the program writes it"
            raise InputError(Problem(str(file), found, expected, "Plan again"))
    return read_known_plan(folder, skip_unreachable=skip_unreachable)


def save_variant(desk: Desk, folder: Path, name: str) -> Path:
    """Write the plan shown, with its problem, into a new folder `variants/NAME` of the plan folder: whole, or not at all.

    Parameters
    ----------
    desk
        The plan shown.
    folder
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
    place = folder / VARIANTS / name
    if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(folder)):
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
    original = _original(folder)
    plan = variant_content(desk, original, f"{original.name if original else desk.base.name} ({name})")
    run = read_json(folder / "run.json", "a run") if (folder / "run.json").is_file() else {}
    with new_folder(place) as new:
        write_json(new / "plan.json", plan.model_dump(mode="json"))
        write_json(new / "plan.geojson", straight_geojson(plan, desk.base))
        write_instance(new / "instance.json", desk.case)
        write_json(new / "run.json", _run_content(desk, run if isinstance(run, dict) else {}, folder, place))
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
    beats = [
        beat_entry(desk.base, beat, _worth(desk, instance.option_index[beat.id])) for beat in desk.state.plan.beats
    ]
    used = desk.used().tolist()
    budgets = {resource.id: resource.budget for resource in desk.case.resources}
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
        resources=[
            PlanResource(
                id=r.id, name=r.name, agency=r.agency, unit=r.unit, used=amount, budget=budgets.get(r.id, r.budget)
            )
            for r, amount in zip(instance.resources, used, strict=True)
        ],
        sites=[site for j, site in zip(own, sites, strict=True) if placed[j]],
        beats=beats,
        candidates=[site for j, site in zip(own, sites, strict=True) if not placed[j]],
    )


def _original(folder: Path) -> PlanFile | None:
    """Return the plan file that was opened; None where it is only a list of options."""
    content = read_json(folder / "plan.json", "a plan")
    return read_plan_file(folder / "plan.json") if content.get("schema_version") == SCHEMA_VERSION else None


def _rows(original: PlanFile | None) -> list[PlanSite]:
    return [] if original is None else [*original.sites, *original.candidates]


def _site(desk: Desk, j: int, places: SitePlaces, row: PlanSite | None) -> PlanSite:
    option = desk.case.options[j]
    marks = {"forced": option.forced, "forbidden": option.forbidden, "worth": _worth(desk, j)}
    if row is not None:
        return row.model_copy(update=marks)
    known = bool(np.isfinite(places.lon[j]))
    return PlanSite(
        id=option.id,
        site=option.site,
        label=option.label,
        kind=option.kind,
        type=option.type,
        agency=option.agency,
        lon=round(float(places.lon[j]), DIGITS) if known else None,
        lat=round(float(places.lat[j]), DIGITS) if known else None,
        existing=option.existing,
        survival=option.survival[0] if option.survival else None,
        uses=dict(option.uses),
        **marks,
    )


def _worth(desk: Desk, j: int) -> float:
    return max(0.0, desk.option_adds([j]))


def _run_content(desk: Desk, run: dict[str, Any], folder: Path, place: Path) -> dict[str, Any]:
    """Return what it takes to make the variant again: the run of the plan that was opened, and what was changed."""
    result = desk.state.result
    changes, settings = whole_changes(run, desk.state.changes, desk.base), run.get("settings")
    kept = {name: run[name] for name in ("packages", "inputs", "settings", "options", "language") if name in run}
    warnings = [*run.get("warnings", ()), "Made at the desk from another plan: " + "; ".join(desk.actions) + "."]
    return {
        "schema_version": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": package_version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "seed": 0 if result is None else result.seed,
        "statistics": {} if result is None else dict(result.statistics),
        "changes": changes.content,
        "again": plan_command(place, changes, settings if isinstance(settings, dict) else {}),
        "desk": list(desk.actions),
        "beats": {
            "must": [tour_name(beat) for beat in desk.state.beats.must],
            "must_not": [tour_name(beat) for beat in desk.state.beats.banned],
        },
        "start": Path(os.path.realpath(folder)).name,
        "warnings": warnings,
    } | kept
