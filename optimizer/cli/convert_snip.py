"""`convert snip`: the stochastic network interdiction benchmark."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from optimizer.cli.arguments import Json, SkipUnreachable  # noqa: TC001 - typer reads the annotations
from optimizer.cli.convert_arguments import Out, show_converted


def snip(
    directory: Annotated[Path, typer.Option("--dir", help="Folder with the SNIP files.")],
    instance: Annotated[int, typer.Option(help="Instance number N of the file names: 0 to 4.")],
    snipno: Annotated[int, typer.Option(min=1, max=4, help="Effect of a sensor.")],
    budget: Annotated[float, typer.Option(min=0, help="Number of sensors.")],
    out: Out,
    skip_unreachable: SkipUnreachable = False,
    as_json: Json = False,
) -> None:
    """Turn a problem of the stochastic network interdiction benchmark into an instance."""
    from optimizer.lab.converters.saving import save_converted
    from optimizer.lab.converters.snip import snip_instance

    saved = save_converted(
        out,
        lambda on_unreachable, _: snip_instance(
            directory, number=instance, snipno=snipno, budget=budget, on_unreachable=on_unreachable
        ),
        skip_unreachable=skip_unreachable,
    )
    show_converted(saved, directory, skip_unreachable=skip_unreachable, as_json=as_json)
