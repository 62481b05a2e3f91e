"""`risk look`: where a patrol would teach most, beside where risk is highest."""

from __future__ import annotations

import json
import math
from pathlib import Path  # noqa: TC003 - typer reads annotations while the program runs
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.arguments import Json  # noqa: TC001 - typer reads annotations while the program runs
from optimizer.cli.console import ProgressPrinter, print_json, print_table, to_people

if TYPE_CHECKING:
    from collections.abc import Sequence

    import shapely
    from numpy.typing import NDArray

    from optimizer.problem.network import Network
    from optimizer.risk.field_flow.model import FieldFlow
    from optimizer.risk.information_gain import Outlook
    from optimizer.scenario.evidence import ScenarioEvidence

FILES = ("look.csv", "look.geojson")


def look(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    effort: Annotated[
        float | None, typer.Option(help="Effort of one patrol; by default the usual amount of a row of the record.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of it; by default the first that the record has.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many roads to name.")] = 15,
    out: Annotated[Path | None, typer.Option(help="Folder to write: look.csv and look.geojson, every road.")] = None,
    as_json: Json = False,
) -> None:
    """Say on which roads one more patrol would teach most, and which may be among the worst though nobody knows."""
    from optimizer.base.errors import InputError, Problem
    from optimizer.base.files import check_folder
    from optimizer.risk.information_gain import outlook
    from optimizer.scenario.evidence import read_evidence

    if effort is not None and not 0 < effort < math.inf:
        raise InputError(Problem("--effort", f"{effort:g}", "an amount above 0"))
    if out is not None:
        check_folder(out, FILES)
    printer = ProgressPrinter(silent=as_json)
    printer.message("reading the scenario")
    evidence = read_evidence(scenario)
    if unit is not None and evidence.effort is not None and unit not in evidence.effort.unit:
        raise InputError(Problem("--unit", repr(unit), " or ".join(map(repr, dict.fromkeys(evidence.effort.unit)))))
    printer.message("estimating risk")
    model, notes = fitted_field(evidence)
    amount = effort if effort is not None else _usual_amount(evidence, unit or model.evidence_.units[0])
    printer.message("asking what a patrol would teach")
    view = outlook(model, evidence.region.network, amount, unit)
    rows = _rows(evidence.region.network, view)
    if out is not None:
        save_places(out, "look", rows, list(evidence.region.network.lines))
    if as_json:
        head = {"scenario": str(scenario), "effort": view.amount, "unit": view.unit}
        tail = {"roads": rows[:top], "warnings": notes, "out": None if out is None else str(out)}
        print_json(head | tail)
        return
    _show(rows[:top], view, notes)
    if out is not None:
        to_people().print(f"Saved {out}", markup=False, soft_wrap=True)


def fitted_field(evidence: ScenarioEvidence) -> tuple[FieldFlow, list[str]]:
    """Return the field model of a scenario fitted to its record, and what a reader must know.

    Raises
    ------
    InputError
        If the scenario has no seizures, or no search effort.
    """
    from optimizer.base.errors import InputError, Problem

    if evidence.effort is None or not (evidence.effort.amount > 0).any():
        path = str(evidence.inputs[0])
        expected = "search effort: without it nothing says what a patrol finds"
        raise InputError(Problem(f"{path}, records.effort", "none", expected, "Add [[records.effort]]"))
    model, notes = field_of(evidence)
    records = seizures_of(evidence)
    model.fit(records, evidence.effort, evidence.region.network)
    return model, [*notes, *model.predict().warnings]


def field_of(evidence: ScenarioEvidence) -> tuple[FieldFlow, list[str]]:
    """Return the scenario's risk model if it is a field, else the default, and a remark on that."""
    from optimizer.risk.field_flow.model import FieldFlow

    model = evidence.risk_model()
    if isinstance(model, FieldFlow):
        return model, list(evidence.warnings)
    remark = (
        f"The scenario's risk model, {evidence.scenario.risk.model}, has no joint uncertainty; field-flow is used here."
    )
    return FieldFlow(evidence.demand.prior()), [*evidence.warnings, remark]


def seizures_of(evidence: ScenarioEvidence) -> Any:  # noqa: ANN401 - records of the risk room, which must not be imported for --help
    """Return the seizures of a scenario.

    Raises
    ------
    InputError
        If it names none.
    """
    from optimizer.base.errors import InputError, Problem

    if evidence.records is None:
        path = str(evidence.inputs[0])
        raise InputError(Problem(f"{path}, records.seizures", "none", "at least one file", "Add [[records.seizures]]"))
    return evidence.records


def _usual_amount(evidence: ScenarioEvidence, unit: str) -> float:
    """Return the median amount of the rows of effort in a unit that have a place, else the mean over area, segment and month."""
    import numpy as np

    effort = evidence.effort
    assert effort is not None  # noqa: S101 - `fitted_field` has refused it
    mine = np.array([name == unit for name in effort.unit])[effort.source] & (effort.amount > 0)
    located = mine & (effort.segment >= 0)
    if located.any():
        return float(np.median(effort.amount[located]))
    months = (effort.end - effort.start)[mine] / np.timedelta64(1, "D") / (365.25 / 12)
    sizes = np.array([max(members.size, 1) for members in effort.area_segment])[effort.area[mine]]
    return float(np.median(effort.amount[mine] / months / sizes)) if mine.any() else 1.0


def _rows(network: Network, view: Outlook) -> list[dict[str, Any]]:
    """Return a row a segment, the most instructive first."""
    import numpy as np

    from optimizer.risk.alerts.places import segment_label
    from optimizer.risk.information_gain import reason

    rank_of = {name: _ranks(getattr(view, name)) for name in ("around", "top", "median")}
    return [
        {
            "segment": s,
            "road": segment_label(network, s),
            "road_class": str(network.road_class[network.segment_arc[s]]),
            "known": "searched" if view.searched[s] else "unknown",
            "risk_index": float(view.median[s]),
            "risk_rank": int(rank_of["median"][s]),
            "expected_finds": float(view.finds[s]),
            "information_nats": float(view.information[s]),
            "around_nats": float(view.around[s]),
            "look_rank": int(rank_of["around"][s]),
            "chance_among_worst": float(view.top[s]),
            "thompson_rank": int(rank_of["top"][s]),
            "reason": reason(view, s),
        }
        for s in np.argsort(-view.around, kind="stable").tolist()
    ]


def _ranks(values: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    ranks = np.empty(values.size, dtype=np.int64)
    ranks[np.argsort(-values, kind="stable")] = np.arange(1, values.size + 1)
    return ranks


def save_places(out: Path, name: str, rows: Sequence[dict[str, Any]], lines: Sequence[shapely.Geometry]) -> None:
    """Write rows that have a `segment` as CSV and as GeoJSON lines, all or none; text is safe to open in a spreadsheet."""
    from optimizer.base.files import folder_written_whole

    with folder_written_whole(out) as folder:
        write_csv(folder / f"{name}.csv", rows)
        write_geojson(folder / f"{name}.geojson", rows, [lines[row["segment"]] for row in rows])


def write_csv(path: Path, rows: Sequence[dict[str, Any]], columns: Sequence[str] | None = None) -> None:
    """Write rows as CSV in which no cell of text is taken for a formula; `columns` head the table where there is no row."""
    import pandas as pd

    from optimizer.records.importers.writing import safe_text

    table = pd.DataFrame(rows, columns=None if columns is None else list(columns))
    for column in table.columns[[not pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]]:
        table[column] = safe_text(table[column].map(lambda cell: "" if cell is None else str(cell)).astype(object))
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def write_geojson(path: Path, rows: Sequence[dict[str, Any]], shapes: Sequence[shapely.Geometry]) -> None:
    """Write rows as features in longitude and latitude."""
    import shapely

    from optimizer.base.files import write_json

    features = [
        {"type": "Feature", "geometry": json.loads(shapely.to_geojson(shape)), "properties": row}
        for row, shape in zip(rows, shapes, strict=True)
    ]
    write_json(path, {"type": "FeatureCollection", "features": features}, indent=None)


def _show(rows: Sequence[dict[str, Any]], view: Outlook, notes: Sequence[str]) -> None:
    print_table(
        f"Where {view.amount:g} {view.unit} would teach most",
        ["road", "finds", "nats", "around", "worst 5 %", "risk rank", "why"],
        [
            [
                row["road"],
                f"{row['expected_finds']:.2g}",
                f"{row['information_nats']:.2g}",
                f"{row['around_nats']:.2g}",
                f"{row['chance_among_worst']:.0%}",
                str(row["risk_rank"]),
                row["reason"],
            ]
            for row in rows
        ],
    )
    for note in notes:
        to_people().print(f"- {note}", markup=False, soft_wrap=True)
