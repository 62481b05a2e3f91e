"""Report: what a commander reads. The only package beside `lab` and the desk's page
that imports matplotlib and bokeh.

`ReportContent` and `write_report` load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimizer.report.content.report_content import ReportContent
    from optimizer.report.page import write_report

__all__ = ["ReportContent", "write_report"]


def __getattr__(name: str) -> object:
    """Import what is first asked for."""
    if name == "write_report":
        from optimizer.report.page import write_report

        return write_report
    if name == "ReportContent":
        from optimizer.report.content.report_content import ReportContent

        return ReportContent
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
