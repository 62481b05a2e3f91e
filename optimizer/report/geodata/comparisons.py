"""Tables of a plan that lie nowhere: what it is compared with, what it uses, who still gets through, what was left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from optimizer.base.language import gettext as _
from optimizer.base.language import marked
from optimizer.report.geodata.tables import LayerField, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from optimizer.problem.plan_file import PlanBeat, PlanFile, PlanSite
    from optimizer.report.content import ReportContent
    from optimizer.report.geodata.tables import GeoTable

NOTE = LayerField("note", "text", "what to keep in mind")
FIELDS = {
    "layouts": (
        LayerField("name", "text", "nothing placed, today's layout, this plan, parts of it, everything"),
        LayerField("value", "number", "what gets through, on the same model; smaller is better"),
        LayerField("sites", "whole", "sites in use"),
        LayerField("beats", "whole", "beats driven"),
        LayerField("costs", "text", "amount of each resource, as JSON"),
        NOTE,
    ),
    "budgets": (
        LayerField("resource", "text", "what is used"),
        LayerField("agency", "text", "whose it is; empty where all share it"),
        LayerField("unit", "text", "unit of the amounts"),
        LayerField("used", "number", "amount that the plan uses"),
        LayerField("budget", "number", "amount that a plan may use; empty for no limit"),
    ),
    "evaders": (
        LayerField("start", "text", "where the evader enters"),
        LayerField("end", "text", "where the evader goes"),
        LayerField("kind", "text", "informed (knows the layout) or habitual (keeps its route)"),
        LayerField("weight", "number", "share, or number, of loads"),
        LayerField("before", "number", "chance to get through with nothing placed"),
        LayerField("after", "number", "chance to get through with the plan"),
        LayerField("contribution", "number", "what it adds to the plan's value"),
    ),
    "displacement": (
        LayerField("name", "text", "road or crossing"),
        LayerField("before", "number", "share of all loads with nothing placed"),
        LayerField("after", "number", "share of all loads with the plan"),
    ),
    "look_next": (
        LayerField("segment", "whole", "segment of the road network"),
        LayerField("label", "text", "what people call it"),
        LayerField("score", "number", "expected information of a search there; higher is better"),
        LayerField("reason", "text", "why"),
    ),
    "unused": (
        LayerField("reason", "text", "why records were not used"),
        LayerField("count", "number", "how many"),
    ),
    "dropped": (
        LayerField("reason", "text", "why roads and places did not reach the network"),
        LayerField("count", "number", "how many"),
    ),
}
TITLES = {
    "layouts": marked("The plan and other layouts"),
    "budgets": marked("Budgets"),
    "evaders": marked("Evaders of whom most gets through"),
    "displacement": marked("Roads that more evaders choose under the plan"),
    "look_next": marked("Where to look next"),
    "unused": marked("Records that were not used"),
    "dropped": marked("Roads and places left out"),
}
USES = (
    LayerField("placement", "text", "id of the site's option or of the beat"),
    LayerField("chosen", "yes or no", "whether it is in the plan"),
    LayerField("resource", "text", "id of the resource"),
    LayerField("amount", "number", "what it takes of it"),
)


def comparison_tables(content: ReportContent, plan: PlanFile) -> list[GeoTable]:
    """Return the tables, those without rows among them."""
    rows: dict[str, Iterable[object]] = {
        "layouts": content.layouts,
        "budgets": content.budgets,
        "evaders": content.open_ends,
        "displacement": content.displacement,
        "look_next": content.look_first,
        "unused": content.unused,
        "dropped": content.dropped,
    }
    tables = [
        table(name, _(TITLES[name]), FIELDS[name], [_cells(row, FIELDS[name]) for row in own])
        for name, own in rows.items()
    ]
    placements: list[tuple[PlanSite | PlanBeat, bool]] = [(site, True) for site in plan.sites]
    placements += [(beat, True) for beat in plan.beats]
    placements += [(p, False) for p in plan.candidates]
    uses = [
        (placement.id, chosen, resource, amount)
        for placement, chosen in placements
        for resource, amount in placement.uses.items()
    ]
    return [*tables, table("uses", _("What each placement uses"), USES, uses)]


def _cells(row: object, fields: tuple[LayerField, ...]) -> tuple[object, ...]:
    cells = (getattr(row, field.name) for field in fields)
    return tuple(json.dumps(dict(cell), ensure_ascii=False) if isinstance(cell, dict) else cell for cell in cells)
