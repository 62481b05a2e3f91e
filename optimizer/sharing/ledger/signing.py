"""Checkpoints made and cosigned, by which two agencies hold each other to their
history; and the private keys that sign them.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import (
    check_private,
    existing_file,
    read_bytes,
    read_text,
    written_whole,
)
from optimizer.sharing.ledger.merkle import MerkleTree, consistent
from optimizer.sharing.ledger.notes import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    SigningKey,
    VerifierKey,
    checked_name,
)
from optimizer.sharing.ledger.proofs import ConsistencyProof
from optimizer.sharing.ledger.store import (
    SETTINGS,
    Entry,
    EntryFile,
    Fact,
    LedgerFolder,
    locked_folder,
    read_entry,
    write_note,
)

KEY_FACT = "key"
"""Fact of an entry of kind `key`: the public key, as it is written down."""


@dataclass(frozen=True)
class SignedState:
    """A checkpoint that was made or cosigned."""

    #: It.
    checkpoint: Checkpoint
    #: Where it was written.
    files: tuple[Path, ...]
    #: Whether it was not there before.
    new: bool
    #: What whoever signs should know.
    warnings: tuple[str, ...] = ()


def make_checkpoint(
    ledger: LedgerFolder, key: SigningKey, *, new_key: bool = False, out: Path | None = None
) -> SignedState:
    """Sign the state of a ledger; before it, record the checkpoint before with its
    cosignatures, and a key that is new.

    Parameters
    ----------
    ledger
        The ledger.
    key
        Its key.
    new_key
        Whether the key may be another than that of the checkpoints before.
    out
        File for a copy, to give to others.

    Raises
    ------
    InputError
        If the ledger contradicts its newest checkpoint, or the key is another one.
    """
    public = key.verifier()
    lines = ledger.lines()
    before = ledger.checkpoint()
    known = keys_of(lines)
    if known and known[-1] != public and not new_key:
        found, expected = (
            f"the key {public.name}+{public.key_id.hex()}",
            f"{known[-1].name}+{known[-1].key_id.hex()}",
        )
        raise InputError(
            Problem(
                "--key", found, f"the key of this ledger, {expected}", "To change it add --new-key"
            )
        )
    if before is not None:
        _check_extends(ledger, before, MerkleTree.of(lines))
    added = []
    if not known or known[-1] != public:
        added.append(
            Entry("key", f"checkpoints are signed by {public.name}", facts={KEY_FACT: public.text})
        )
    if (
        before is not None
        and len(lines) > before.size
        and before.size not in recorded_checkpoints(lines)
    ):
        added.append(_record_of(ledger, before))
    if before is not None and before.size == len(lines) and not added:
        return SignedState(before, _copied(before, out), new=False)
    warnings = list(ledger.append(added).warnings) if added else []
    if public.name != ledger.origin:
        warnings.append(
            f"The key is called {public.name} and the ledger {ledger.origin}; other programs expect"
            " one name."
        )
    tree = MerkleTree.of(ledger.lines())
    made = Checkpoint.signed(ledger.origin, tree.size, tree.root(), key)
    written = ledger.write_checkpoint(made)
    return SignedState(made, (written, *_copied(made, out)), new=True, warnings=tuple(warnings))


def keys_of(lines: Sequence[bytes]) -> list[VerifierKey]:
    """Return the keys that a ledger's entries name, in order; faulty ones are left to `verify`."""
    found = []
    for line in of_kind(lines, "key"):
        entry = read_entry(line)
        text = "" if entry is None else str(entry.facts.get(KEY_FACT, ""))
        try:
            found.append(VerifierKey.parsed(text, "ledger"))
        except InputError:
            continue
    return found


def recorded_checkpoints(lines: Sequence[bytes]) -> dict[int, str]:
    """Return the SHA-256 of each checkpoint that a later entry records, by its size."""
    found = {}
    for line in of_kind(lines, "checkpoint"):
        entry = read_entry(line)
        size = None if entry is None else entry.facts.get("size")
        if (
            entry is not None
            and len(entry.files) == 1
            and isinstance(size, int)
            and not isinstance(size, bool)
        ):
            found[size] = entry.files[0].sha256
    return found


def of_kind(lines: Sequence[bytes], kind: str) -> list[bytes]:
    """Return the entries of a kind, found by how the ledger writes them."""
    mark = f'"kind":"{kind}","time":"'.encode()
    return [line for line in lines if mark in line[:60]]


def cosign(
    ledger: LedgerFolder,
    log: VerifierKey,
    key: SigningKey,
    held: Path,
    *,
    first: bool = False,
    out: Path | None = None,
) -> SignedState:
    """Cosign the newest checkpoint of another agency's ledger, of which the whole
    folder is here, if it extends the one held.

    Parameters
    ----------
    ledger
        The ledger.
    log
        Its public key.
    key
        The key of who cosigns.
    held
        File of the checkpoint held so far; it receives the new one.
    first
        Whether none is held yet.
    out
        File for the cosigned checkpoint; into the ledger itself by default.

    Raises
    ------
    InputError
        If the ledger does not extend what is held, or the checkpoint does not hold.
    """
    newest = ledger.checkpoint()
    if newest is None:
        raise InputError(
            Problem(
                str(ledger.path),
                "no checkpoint",
                "a checkpoint to cosign",
                "Make one: ledger checkpoint",
            )
        )
    tree = MerkleTree.of(ledger.lines())
    _check_extends(ledger, newest, tree)
    with locked_folder(held.parent):
        old = held_checkpoint(held, log, first=first)
        if old is not None:
            _check_same_log(old, newest, held)
        if old is not None and (old.size > newest.size or tree.root(old.size) != old.root):
            raise InputError(_forked(str(ledger.path), old, newest))
        if out is None:
            _check_open(ledger, newest)
        return _cosigned(newest, log, key, held, out or ledger.checkpoint_file(newest.size))


def cosign_proof(
    proof: ConsistencyProof,
    log: VerifierKey,
    key: SigningKey,
    held: Path,
    *,
    out: Path,
    first: bool = False,
) -> SignedState:
    """Cosign the checkpoint of a consistency proof, if it proves that the log extends
    the checkpoint held; as `cosign`, without the entries.

    Parameters
    ----------
    proof, log, key, held, first
        As in `cosign`.
    out
        File for the cosigned checkpoint.
    """
    new = proof.checkpoint
    with locked_folder(held.parent):
        old = held_checkpoint(held, log, first=first)
        if old is not None:
            _check_same_log(old, new, held)
        if (
            old is not None and old.note.text != new.note.text
        ):  # the same one again: a run that ended before it wrote `out`
            if old.size != proof.old:
                found, expected = (
                    f"a proof from {proof.old} entries",
                    f"a proof from the {old.size} that are held",
                )
                remedy = "Have it made with `ledger prove --since` this file"
                raise InputError(Problem(str(held), found, expected, remedy))
            if not consistent(old.size, old.root, new.size, new.root, proof.hashes):
                raise InputError(_forked(new.origin, old, new))
        return _cosigned(new, log, key, held, out)


def held_checkpoint(held: Path, log: VerifierKey, *, first: bool) -> Checkpoint | None:
    """Return the checkpoint of a log that is held; None for the first.

    Raises
    ------
    InputError
        If the file is there although it is the first, or is not there although it is
        not, or is no checkpoint of the log.
    """
    if first and held.exists():
        raise InputError(
            Problem(str(held), "a checkpoint", "none yet, for --first", "Leave --first out")
        )
    if first:
        return None
    if not held.is_file():
        remedy = "Name the file that you keep, or add --first where it is the first of this ledger"
        raise InputError(Problem(str(held), "no such file", "the checkpoint that you hold", remedy))
    old = Checkpoint.parsed(read_bytes(held, "the checkpoint that you hold"), str(held))
    if not log.signed(old.note):
        found = f"no signature of {log.name}+{log.key_id.hex()} that holds"
        raise InputError(
            Problem(
                str(held),
                found,
                "a checkpoint of this log",
                "Compare the keys with the other agency",
            )
        )
    return old


def add_cosignature(ledger: LedgerFolder, file: Path) -> SignedState:
    """Take the cosignatures of a copy of the newest checkpoint into a ledger.

    Raises
    ------
    InputError
        If it is no copy of the newest checkpoint.
    """
    newest, other = (
        ledger.checkpoint(),
        Checkpoint.parsed(read_bytes(file, "a cosigned checkpoint"), str(file)),
    )
    if newest is None or newest.note.text != other.note.text:
        found = f"a checkpoint of {other.size} entries of {other.origin}"
        expected = (
            "none, as there is no checkpoint"
            if newest is None
            else f"the newest one, of {newest.size} entries"
        )
        raise InputError(
            Problem(str(file), found, expected, "Cosign before the next checkpoint is made")
        )
    _check_open(ledger, newest)
    merged = newest.merged(other)
    return SignedState(merged, (ledger.write_checkpoint(merged),), new=merged != newest)


def _check_open(ledger: LedgerFolder, newest: Checkpoint) -> None:
    """Refuse to change a checkpoint whose hash an entry holds already."""
    if newest.size in recorded_checkpoints(ledger.lines()):
        found, expected = (
            f"the checkpoint of {newest.size}, recorded as it is",
            "one that no later entry records",
        )
        raise InputError(
            Problem(
                str(ledger.path),
                found,
                expected,
                "Make the next checkpoint, and have that cosigned",
            )
        )


def _cosigned(
    new: Checkpoint, log: VerifierKey, key: SigningKey, held: Path, out: Path
) -> SignedState:
    if not log.signed(new.note):
        found = f"no signature of {log.name}+{log.key_id.hex()} that holds"
        raise InputError(
            Problem(
                new.origin,
                found,
                "a checkpoint signed by its log",
                "Compare the keys with the other agency",
            )
        )
    if key.verifier().public == log.public:
        found, expected = "the key of the log itself", "the key of another agency"
        raise InputError(
            Problem("--key", found, expected, "A log that cosigns itself proves nothing")
        )
    signed = new.cosigned(key, int(time.time()))
    # What is held comes first: a cosignature must not leave this machine before the
    # state it binds us to is kept for good. A run that ends between the two is run
    # again, and cosigns the same state.
    kept = write_note(held, signed.note.content)
    files = (write_note(out, signed.note.content), kept)
    public = key.verifier(COSIGNATURE)
    warnings = (
        ()
        if signed.cosignature_time(public) is not None
        else ("The clock of this machine is off.",)
    )
    return SignedState(signed, files, new=True, warnings=warnings)


def _check_extends(ledger: LedgerFolder, newest: Checkpoint, tree: MerkleTree) -> None:
    """Refuse to sign anything of a ledger that contradicts its own newest checkpoint."""
    if (
        newest.origin != ledger.origin
        or newest.size > tree.size
        or tree.root(newest.size) != newest.root
    ):
        raise InputError(
            Problem(
                str(ledger.path),
                f"entries that contradict the checkpoint of {newest.size}",
                "a ledger that extends its checkpoints",
                "Run `ledger verify` on it, and restore the folder from a copy",
            )
        )


def _check_same_log(old: Checkpoint, new: Checkpoint, held: Path) -> None:
    """Refuse to take the log of one name for that of another, whoever signed both."""
    if old.origin != new.origin:
        found, expected = f"a checkpoint of {old.origin}", f"one of {new.origin}"
        raise InputError(Problem(str(held), found, expected, "Keep a file for each log"))


def _forked(where: str, old: Checkpoint, new: Checkpoint) -> Problem:
    behind = f"{new.size} entries, fewer than the {old.size} that were signed"
    found = behind if new.size < old.size else f"other entries than the {old.size} that were signed"
    expected = f"a ledger that extends the checkpoint of {old.size} that is held"
    return Problem(
        where,
        found,
        expected,
        "History was changed: keep both files, sign nothing, and ask the other agency",
    )


def _record_of(ledger: LedgerFolder, checkpoint: Checkpoint) -> Entry:
    content = checkpoint.note.content.encode()
    file = EntryFile(
        ledger.checkpoint_file(checkpoint.size).name,
        hashlib.sha256(content).hexdigest(),
        len(content),
    )
    names = json.dumps([one.name for one in checkpoint.note.signatures], ensure_ascii=False)
    facts: dict[str, Fact] = {"size": checkpoint.size, "signatures": names}
    return Entry("checkpoint", f"the checkpoint of {checkpoint.size} entries", (file,), facts)


def _copied(checkpoint: Checkpoint, out: Path | None) -> tuple[Path, ...]:
    return () if out is None else (write_note(out, checkpoint.note.content),)


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
    """Make a private key, readable by its owner alone, and beside it a file with the
    public keys for checkpoints and for cosignatures.

    Raises
    ------
    InputError
        If there is such a file, it would lie in a ledger, or the name cannot be a
        key's.
    """
    key = SigningKey(checked_name(name, "--name"), secrets.token_bytes(32))
    _check_apart(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR
        )
    except FileExistsError:
        raise InputError(Problem(str(path), "a file", "no file yet", "Name another file")) from None
    except OSError as error:
        raise InputError(
            Problem(str(path), error.strerror or str(error), "a place for a key")
        ) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(key.text + "\n")
        file.flush()
        os.fsync(file.fileno())
    made = MadeKey(
        path, path.with_name(path.name + PUBLIC), key.verifier(ED25519), key.verifier(COSIGNATURE)
    )
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
    check_private(path, "a key")
    return SigningKey.parsed(read_text(path, "a private key"), str(path))


def read_verifier_key(text: str, algorithm: int, option: str) -> VerifierKey:
    """Return the public key of a file, or that is written down, for a type of
    signatures.

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
    raise InputError(
        Problem(
            where, "no key for " + use, "a public key for " + use, f"Name the whole {PUBLIC} file"
        )
    )


def _check_apart(path: Path) -> None:
    """Refuse a key in a ledger: who copies the ledger would copy the key."""
    for folder in path.resolve().parents:
        if (folder / SETTINGS).is_file():
            found, expected = (
                f"a place in the ledger {folder.name}",
                "a place outside of every ledger",
            )
            raise InputError(
                Problem(
                    str(path), found, expected, "Keep keys where nobody copies them with the ledger"
                )
            )
