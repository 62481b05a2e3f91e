"""Formulas as MathML, which browsers draw themselves: no script, no picture, nothing to fetch."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert


def setup(app: Any) -> dict[str, Any]:  # noqa: ANN401 - Sphinx without stubs
    """Register the renderer for `html_math_renderer = "mathml"`."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def mathml(latex: str, display: str) -> str:
    """Return LaTeX as a MathML element; `aligned` and the set difference are written so
    that the converter and every browser know them.
    """
    latex = latex.replace("{aligned}", "{align*}")
    return str(convert(latex, display=display)).replace("<mi>&#x029F5;</mi>", "<mo>&#x02216;</mo>")


def _inline(translator: Any, node: Any) -> None:  # noqa: ANN401
    translator.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def _block(translator: Any, node: Any) -> None:  # noqa: ANN401
    translator.body.append(f'<div class="formula">{mathml(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode
