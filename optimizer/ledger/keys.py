"""Private keys: made outside of ledgers, readable by their owner alone, and refused otherwise."""

from __future__ import annotations

import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import existing_file, read_text, written_whole
from optimizer.ledger.notes import COSIGNATURE, ED25519, SigningKey, VerifierKey, checked_name
from optimizer.ledger.store import SETTINGS

OTHERS = stat.S_IRWXG | stat.S_IRWXO
PUBLIC = ".pub"
"""Ending of the file of public keys."""


@dataclass(frozen=True)
class MadeKey:
    """A new key: the file that must stay secret, and the one to give to others."""

    private: Path
    public: Path
    log: VerifierKey
    cosigner: VerifierKey


def make_key(path: Path, name: str) -> MadeKey:
    """Make a private key, readable by its owner alone, and beside it a file with the public keys for checkpoints and for cosignatures.

    Raises
    ------
    InputError
        If there is such a file, it would lie in a ledger, or the name cannot be a key's.
    """
    key = SigningKey(checked_name(name, "--name"), secrets.token_bytes(32))
    _check_apart(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    except FileExistsError:
        raise InputError(Problem(str(path), "a file", "no file yet", "Name another file")) from None
    except OSError as error:
        raise InputError(Problem(str(path), error.strerror or str(error), "a place for a key")) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(key.text + "\n")
        file.flush()
        os.fsync(file.fileno())
    made = MadeKey(path, path.with_name(path.name + PUBLIC), key.verifier(ED25519), key.verifier(COSIGNATURE))
    with written_whole(made.public) as temporary:
        temporary.write_text(f"{made.log.text}\n{made.cosigner.text}\n", encoding="utf-8")
    return made


def read_signing_key(path: Path) -> SigningKey:
    """Return the private key of a file.

    Raises
    ------
    InputError
        If there is none, it lies in a ledger, or others can read it.
    """
    existing_file(path, "a private key")
    _check_apart(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name != "nt" and mode & OTHERS:
        expected = "600: a key that its owner alone can read"
        raise InputError(Problem(str(path), f"the permissions {mode:o}", expected, f"Set them: chmod 600 {path}"))
    return SigningKey.parsed(read_text(path, "a private key"), str(path))


def read_verifier_key(text: str, algorithm: int, option: str) -> VerifierKey:
    """Return the public key of a file, or that is written down, for a type of signatures.

    Parameters
    ----------
    text
        Path of a file of public keys, or the key itself.
    algorithm
        `ED25519` or `COSIGNATURE`.
    option
        Where it was given, for messages.

    Raises
    ------
    InputError
        If there is no key for such signatures.
    """
    path = Path(text)
    lines = [text]
    where = option
    if path.is_file():
        lines, where = read_text(path, "a file of public keys").split("\n"), str(path)
    elif "+" not in text:
        existing_file(path, "a file of public keys")
    if any(line.startswith("PRIVATE+KEY+") for line in lines):
        found, expected = "a private key", f"a public key: the file ending in {PUBLIC}"
        raise InputError(Problem(where, found, expected, "Never give the private key to anybody"))
    keys = [VerifierKey.parsed(line, where) for line in lines if line.strip()]
    for key in keys:
        if key.algorithm == algorithm:
            return key
    use = "cosignatures" if algorithm == COSIGNATURE else "checkpoints"
    raise InputError(Problem(where, "no key for " + use, "a public key for " + use, f"Name the whole {PUBLIC} file"))


def _check_apart(path: Path) -> None:
    """Refuse a key in a ledger: who copies the ledger would copy the key."""
    for folder in path.resolve().parents:
        if (folder / SETTINGS).is_file():
            found, expected = f"a place in the ledger {folder.name}", "a place outside of every ledger"
            raise InputError(Problem(str(path), found, expected, "Keep keys where nobody copies them with the ledger"))
