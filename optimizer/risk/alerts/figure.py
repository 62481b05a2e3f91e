"""Trends as a small picture that needs no drawing library: found against expected, quarter by quarter, as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.risk.alerts.trend import Trend

WIDTH, PANEL, MARGIN, HEAD = 640, 110, 16, 34
PLOT_LEFT, PLOT_HEIGHT = 46, 64
LONGEST_LABEL = 70
GREY, DARK, SHADE = "#c9c9c9", "#1f3b57", "#fdf3d8"


def trend_picture(trends: Sequence[Trend]) -> str:
    """Return an SVG with a panel for each trend: grey bars are expected seizures, dots are seizures, the shaded part is the window."""
    height = HEAD + PANEL * max(len(trends), 1) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="11" role="img">',
        "<title>Seizures and expected seizures by quarter</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{MARGIN}" y="20">Grey bars: expected seizures, given the search effort. Dots: seizures. Shaded: the recent window.</text>',
    ]
    for number, trend in enumerate(trends):
        parts += _panel(trend, HEAD + number * PANEL)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(trend: Trend, top: float) -> list[str]:
    quarters = trend.quarters
    base = top + 20 + PLOT_HEIGHT
    step = (WIDTH - PLOT_LEFT - MARGIN) / max(len(quarters), 1)
    most = max([1.0, *(max(one.observed, one.expected) for one in quarters)])
    label = (
        trend.place.label if len(trend.place.label) <= LONGEST_LABEL else trend.place.label[: LONGEST_LABEL - 1] + "…"
    )
    out = [f'<text x="{MARGIN}" y="{top + 14}" font-weight="bold">{_text(label)}</text>']
    for number, one in enumerate(quarters):
        left = PLOT_LEFT + number * step
        if one.recent:
            out.append(
                f'<rect x="{left:.1f}" y="{top + 18}" width="{step:.1f}" height="{PLOT_HEIGHT + 2}" fill="{SHADE}"/>'
            )
        tall = PLOT_HEIGHT * one.expected / most
        middle, at = left + step / 2, base - PLOT_HEIGHT * one.observed / most
        words = f"{one.span}: {one.observed:g} found, {one.expected:.1f} expected"
        out += [
            f'<rect x="{left + step * 0.15:.1f}" y="{base - tall:.1f}" width="{step * 0.7:.1f}" height="{tall:.1f}" fill="{GREY}"/>',
            f'<circle cx="{middle:.1f}" cy="{at:.1f}" r="4" fill="{DARK}"><title>{words}</title></circle>',
        ]
        if number in {0, len(quarters) - 1}:
            end = "start" if number == 0 else "end"
            x = left if number == 0 else left + step
            out.append(f'<text x="{x:.1f}" y="{base + 13:.1f}" text-anchor="{end}">{str(one.span.start)[:7]}</text>')
    out.append(f'<text x="{PLOT_LEFT - 6}" y="{top + 26}" text-anchor="end">{most:.0f}</text>')
    out.append(f'<text x="{PLOT_LEFT - 6}" y="{base}" text-anchor="end">0</text>')
    return out


def _text(words: str) -> str:
    return escape("".join(sign for sign in words if sign.isprintable()))
