"""The scenario's table of the ledger, field by field; the reference in the documentation is made from the descriptions here."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from optimizer.base.schema import Strict


class LedgerModel(Strict):
    """The ledger that plans of the scenario, overrides and releases are recorded in: hashes and figures, never content."""

    folder: Path = Field(description="its folder; a new one is begun where there is none")
    origin: str | None = Field(
        None,
        description="name of a ledger that is begun, such as `customs.example/ledger`; by default that of its folder",
    )
    agency: str = Field("", description="who records")
