"""`fuse`: several agencies' records made one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from optimizer.cli.arguments import Json, Ledger, Overwrite  # noqa: TC001 - typer reads annotations while the program runs
from optimizer.cli.console import ProgressPrinter, print_json, print_line
from optimizer.cli.import_ import show_summary


def fuse(
    feeds: Annotated[
        list[Path],
        typer.Argument(
            help="Feed of each agency (TOML, docs/fusion.md), or CSV files with a mapping beside each (a.csv, a.toml)."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("results/fused"),
    review: Annotated[
        Path | None, typer.Option(help="review.csv of an earlier run with decisions: same or different.")
    ] = None,
    areas: Annotated[Path | None, typer.Option(help="GeoJSON of areas that reports name in place of a point.")] = None,
    ledger: Ledger = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Find the events that several agencies report, and make one record of them; doubtful pairs are listed for a person."""
    from optimizer.sharing.fuse import fuse_feeds

    fused = fuse_feeds(
        feeds,
        out,
        review=review,
        areas=areas,
        ledger=ledger,
        overwrite=overwrite,
        listener=ProgressPrinter(silent=as_json),
    )
    if as_json:
        print_json(
            {
                "out": str(fused.folder),
                "rows": fused.rows,
                "merged": fused.merged,
                "doubtful": fused.doubtful,
                "seconds": round(fused.seconds, 3),
            }
            | {key: value for key, value in fused.summary.as_json().items() if key != "rows"}
            | {"cells_made_safe": fused.cells_made_safe}
        )
        return
    show_summary(f"Saved {fused.folder}: {fused.summary.kind}", fused.summary, fused.cells_made_safe)
    print_line(f"{fused.seconds:.1f} s")
