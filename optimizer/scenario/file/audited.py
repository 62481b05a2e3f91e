"""Detection chances that audits measured: a beta posterior for each kind, read by a scenario in place of what it states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field
from scipy import stats

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import existing_file, read_json, sha256
from optimizer.base.schema import Id, Strict, validated
from optimizer.base.text.messages import message
from optimizer.scenario.file.ranges import with_detection

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.scenario.file.model import ScenarioModel

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
    """Return the kinds whose detection chance an audit measured, from the audit-results.json that `audit results` wrote.

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
    """Return a scenario whose kinds have the 90 % ranges that its audits found, and a sentence for each.

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
            raise InputError(Problem(str(folder / file), found, "each audit once", "Take one of them out of `audits`"))
        read[content] = file
        for row in rows:
            posterior.setdefault(row.kind, []).append(row)
    kinds = {kind.id: kind for kind in scenario.kinds}
    chances: dict[str, tuple[float, float]] = {}
    told: list[str] = []
    for name, rows in posterior.items():
        stated = getattr(kinds.get(name), "detection", None)
        if stated is None:
            told.append(
                message(
                    "Audits measured the detection chance of {kind!r}, which no kind of the scenario has.", kind=name
                )
            )
            continue
        # Each file holds a posterior of its own: their prior counts once.
        alpha, beta = (PRIOR + sum(getattr(row, part) - PRIOR for row in rows) for part in ("alpha", "beta"))
        low, high = (float(stats.beta.ppf(level, max(alpha, 1e-3), max(beta, 1e-3))) for level in (0.05, 0.95))
        chances[f"kinds.{name}.detection"] = (low, high)
        told.append(
            message(
                "Audits: the detection chance of {kind} is taken as {low:.2f} to {high:.2f} (90 %), as ordinary inspection found {found} of "
                "about {loads:.0f} loads. The scenario states {stated}.",
                kind=kinds[name].label or name,
                low=low,
                high=high,
                found=sum(row.found for row in rows),
                loads=sum(row.loads for row in rows),
                stated="\N{EN DASH}".join(f"{end:g}" for end in (stated if isinstance(stated, tuple) else (stated,))),
            )
        )
    return with_detection(scenario, chances), told
