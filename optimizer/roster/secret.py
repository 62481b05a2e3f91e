"""The seed file: the secret from which draws and times of audits follow, that its owner alone can read."""

from __future__ import annotations

import os
import secrets
import stat
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import existing_file

if TYPE_CHECKING:
    from pathlib import Path

LEAST_SECRET = 16
"""Bytes of a secret below which it could be guessed."""


def read_secret(path: Path, plan_folder: Path, *, new: bool = False) -> tuple[bytes, tuple[str, ...]]:
    """Return the secret of a seed file, and warnings about who may read it.

    Parameters
    ----------
    path
        The file.
    plan_folder
        Folder of the plan, in which it must not lie.
    new
        Make it first; it must not exist.

    Raises
    ------
    InputError
        If the file lies in the plan folder, is missing, too short, or there already where it is to be made.
    """
    if path.resolve().is_relative_to(plan_folder.resolve()):
        found = "a file in the plan folder"
        expected = "a file elsewhere: who reads the plan must not read the draws"
        raise InputError(Problem("--seed-file", found, expected))
    if new:
        _make(path)
    if not path.exists():
        raise InputError(Problem(str(path), "no such file", "a seed file", "Make one with --new-seed"))
    secret = existing_file(path, "a seed file").read_bytes().strip()
    if len(secret) < LEAST_SECRET:
        expected = f"a secret of at least {LEAST_SECRET} bytes"
        raise InputError(Problem(str(path), f"{len(secret)} bytes", expected, "Make one with --new-seed"))
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return secret, (f"{path} can be read by others, who can then tell every draw. Make it yours alone: chmod 600.",)
    return secret, ()


def _make(path: Path) -> None:
    """Write a new secret that its owner alone can read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    except FileExistsError:
        raise InputError(Problem(str(path), "a file", "no file yet, for --new-seed", "Leave --new-seed out")) from None
    except OSError as error:
        raise InputError(Problem(str(path), error.strerror or str(error), "a place for a seed file")) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
