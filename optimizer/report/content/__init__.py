"""What a report says: everything a commander reads, gathered by the pipeline and drawn by this package.

Missing numbers are None (or NaN inside arrays) and appear as a dash. A *value* is what evaders achieve against a layout, in the unit of
`PlanSummary.unit`; smaller is better for the defender. Texts may come from records: they are data, never markup.
"""

from optimizer.report.content.comparison import AgencyRow, AgencyRows, BudgetRow, BurdenRow, LayoutRow
from optimizer.report.content.doubt import DoubtFacts, DoubtRow, SensitivityFacts, SensitivityRow
from optimizer.report.content.evidence import LookNext, LookRow, RecordFacts, SegmentRisk, TipFacts, TipRow, UnitEffort
from optimizer.report.content.mixture import MixtureFacts, MixtureRow
from optimizer.report.content.placements import BeatBase, BeatRow, BeatStopRow, SiteRow, driven_order
from optimizer.report.content.report_content import ReportContent
from optimizer.report.content.routes import DisplacementRow, ExchangeFacts, OpenRow, OpenWay, RouteRow
from optimizer.report.content.run import CountRow, InputFile, Provenance, StepRow
from optimizer.report.content.summary import BeatBound, PlanSummary

__all__ = [
    "AgencyRow",
    "AgencyRows",
    "BeatBase",
    "BeatBound",
    "BeatRow",
    "BeatStopRow",
    "BudgetRow",
    "BurdenRow",
    "CountRow",
    "DisplacementRow",
    "DoubtFacts",
    "DoubtRow",
    "ExchangeFacts",
    "InputFile",
    "LayoutRow",
    "LookNext",
    "LookRow",
    "MixtureFacts",
    "MixtureRow",
    "OpenRow",
    "OpenWay",
    "PlanSummary",
    "Provenance",
    "RecordFacts",
    "ReportContent",
    "RouteRow",
    "SegmentRisk",
    "SensitivityFacts",
    "SensitivityRow",
    "SiteRow",
    "StepRow",
    "TipFacts",
    "TipRow",
    "UnitEffort",
    "driven_order",
]
