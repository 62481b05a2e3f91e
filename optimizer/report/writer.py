"""The report's files: the page and its figures, all or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.base.files import write_errors
from optimizer.base.temporary import folder_beside
from optimizer.report.figures import save_figures
from optimizer.report.map_layers import map_layers
from optimizer.report.page import page

if TYPE_CHECKING:
    from pathlib import Path

    from optimizer.report.content import ReportContent


def write_report(folder: Path, content: ReportContent) -> list[Path]:
    """Write `report.html` and its figures into `folder`; files of the same names are replaced, others stay.

    Parameters
    ----------
    folder
        Made where it does not exist (its parents too).
    content
        What the report says.

    Returns
    -------
    list of Path
        `report.html`, then `map-risk.png`, `map-plan.png`, `sites.png`, `layouts.png` and `evaders.png`.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with write_errors(folder), folder_beside(folder / "report.html") as temporary:
        layers = map_layers(content)
        images = save_figures(temporary, content, layers)
        html = page(content, {image.stem: image for image in images}, layers)
        (temporary / "report.html").write_text(html, encoding="utf-8", errors="replace", newline="\n")
        for item in sorted(temporary.iterdir()):
            item.replace(folder / item.name)
    return [folder / name for name in ("report.html", *(image.name for image in images))]
