"""Files of an encrypted connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Security


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files of an encrypted connection as `dask worker` takes them; without any, dask's own configuration holds.

    Attributes
    ----------
    ca_file
        Certificates of the authorities that are trusted (PEM).
    cert, key
        Certificate and private key of this client (PEM).
    """

    ca_file: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def security(self) -> Security:
        """Return them as dask's object.

        Raises
        ------
        InputError
            If one is not there.
        """
        from distributed import Security

        given = {"--tls-ca-file": self.ca_file, "--tls-cert": self.cert, "--tls-key": self.key}
        problems = [
            Problem(option, f"no such file: {file}", "a PEM file")
            for option, file in given.items()
            if file is not None and not file.is_file()
        ]
        if problems:
            raise InputError(*problems)
        files = {"tls_ca_file": self.ca_file, "tls_client_cert": self.cert, "tls_client_key": self.key}
        named = {name: str(file) for name, file in files.items() if file is not None}
        return Security(**named, require_encryption=True) if named else Security()


NO_TLS = TlsFiles()
"""Nothing given: dask's own configuration holds."""
