"""Compressed files: refused by their ratio before anybody unpacks a bomb."""

from __future__ import annotations

import bz2
import gzip
import zlib
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

SMALL = 1 << 20
"""Bytes that any compressed file may unpack to."""
CHUNK = 1 << 20


def check_expansion(path: Path, what: str, most: float) -> None:
    """Refuse a gzip or bzip2 file, by its suffix, that unpacks to more than `most` times its size; nothing is kept of what is unpacked.

    Raises
    ------
    InputError
        If it does, or its data are damaged.
    """
    suffix = path.suffix.lower()
    if suffix not in {".gz", ".bz2"}:
        return
    limit = SMALL + most * path.stat().st_size
    unpacked = 0
    try:
        with gzip.open(path, "rb") if suffix == ".gz" else bz2.open(path, "rb") as stream:
            while chunk := stream.read(CHUNK):
                unpacked += len(chunk)
                if unpacked > limit:
                    found = f"compressed data that unpack to more than {most:g} times their size"
                    raise InputError(Problem(str(path), found, what, "If the file is sound, unpack it yourself"))
    except (EOFError, OSError, zlib.error) as error:
        found = f"damaged compressed data ({error})"
        raise InputError(Problem(str(path), found, what, "Download it again")) from None
