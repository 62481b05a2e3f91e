"""Report: what a commander reads. The only package beside `lab` that imports matplotlib and bokeh.

`write_report` loads on first use, so that filling a `ReportContent` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.report.content import ReportContent

if TYPE_CHECKING:
    from optimizer.report.writer import write_report

__all__ = ["ReportContent", "write_report"]


def __getattr__(name: str) -> object:
    """Import the writer, and with it matplotlib and bokeh, when it is first asked for."""
    if name == "write_report":
        from optimizer.report import writer

        return writer.write_report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
