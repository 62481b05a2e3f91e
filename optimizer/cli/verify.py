"""`verify`: a certificate of a bound is checked by a program that knows nothing of the search."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.arguments import Json  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import print_json, print_line

if TYPE_CHECKING:
    from fractions import Fraction


def verify(
    instance: Annotated[Path, typer.Argument(help="Instance file, or a plan folder with a certificate.")],
    certificate: Annotated[
        Path | None, typer.Argument(help="Certificate of `solve --certificate`; by default that of the plan folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a certificate: that its plan lets no more through than it says, and no plan less than its bound.

    The same as `python optimizer/certificate/check.py INSTANCE CERTIFICATE`, a program of one file that needs nothing but Python.
    """
    from optimizer.certificate.check import Fault, check, stated
    from optimizer.plans.plan_folder import CERTIFICATE_FILE, PlanFolder

    if certificate is None:
        folder = PlanFolder(instance)
        instance, certificate = folder.instance_path, folder.path / CERTIFICATE_FILE
    try:
        bounds = check(str(instance), str(certificate))
    except Fault as fault:
        if as_json:
            print_json({"certified": None, "fault": str(fault)})
        else:
            print_line(str(fault))
        raise typer.Exit(1) from None
    if as_json:
        print_json({"certified": certified_json(bounds)})
    else:
        print_line(stated(*bounds))


def certified_json(bounds: tuple[Fraction, Fraction] | None) -> dict[str, Any] | None:
    """Return the bounds that a certificate proves, for `--json`; null where there are none."""
    return None if bounds is None else {"lower": float(bounds[0]), "value": float(bounds[1])}
