"""Whether a ledger holds: entries against the signed checkpoints in it, against those
that others hold, and the order of its parts.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import read_bytes, sha256
from optimizer.base.files.temporary import NEW
from optimizer.sharing.ledger.merkle import MerkleTree
from optimizer.sharing.ledger.notes import SKEW_S, Checkpoint, VerifierKey
from optimizer.sharing.ledger.signing import keys_of, recorded_checkpoints
from optimizer.sharing.ledger.store import (
    CHECKPOINTS,
    ENTRIES,
    SETTINGS,
    LedgerFolder,
    checkpoint_path,
    read_entry,
    time_of,
)

FAULTS_DESCRIBED = 10
"""Faulty entries that are described; the others are counted."""


@dataclass(frozen=True)
class Verified:
    """What was found in a ledger."""

    #: Entries.
    size: int
    #: Root of their Merkle tree, 32 bytes.
    root: bytes
    #: Entries that the newest checkpoint covers.
    signed: int
    #: Checkpoints in the folder.
    checkpoints: int
    #: Names of the witnesses asked for whose cosignature of the newest checkpoint
    #: holds.
    cosigned_by: tuple[str, ...]
    #: What does not hold.
    problems: tuple[Problem, ...]
    #: What holds, and is less than it could be.
    warnings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.problems


@dataclass
class _Findings:
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, where: object, found: str, expected: str, remedy: str = "") -> None:
        self.problems.append(Problem(str(where), found, expected, remedy))


def verify_ledger(
    folder: Path,
    *,
    key: VerifierKey | None = None,
    held: Sequence[Path] = (),
    witnesses: Sequence[VerifierKey] = (),
    now: float | None = None,
) -> Verified:
    """Check a ledger.

    Parameters
    ----------
    folder
        Its folder.
    key
        Its public key, as you know it; by default the one that its own entries name,
        which whoever writes the folder can replace.
    held
        Files of its checkpoints that were kept outside of it.
    witnesses
        Public keys of agencies that must have cosigned the newest checkpoint.
    now
        POSIX time; that of the clock by default.

    Raises
    ------
    InputError
        If there is no ledger at all, or a file that is held is no checkpoint.
    """
    if not folder.is_dir():
        raise InputError(Problem(str(folder), "no folder", "a ledger", "Check the path"))
    found = _Findings()
    origin = _settings(folder, found)
    lines = _entries(folder, found)
    tree = MerkleTree.of(lines)
    _check_bound_settings(folder, lines, found)
    checkpoints = _checkpoints(folder, found)
    covered = 0
    for checkpoint in checkpoints:
        if _extends(folder, origin, tree, checkpoint, found):
            covered = max(covered, checkpoint.size)
    _check_lines(
        folder, lines, 0 if covered < _largest(checkpoints) or found.problems else covered, found
    )
    _check_order(folder, lines, found)
    _check_signatures(folder, lines, checkpoints, key, found)
    _check_recorded(folder, lines, checkpoints, found)
    newest = checkpoints[-1] if checkpoints else None
    _check_held(folder, tree, checkpoints, held, key or _own_key(lines, len(lines)), found)
    cosigned = _cosigners(folder, newest, witnesses, time.time() if now is None else now, found)
    _say_what_is_missing(newest, len(lines), key, found)
    return Verified(
        tree.size,
        tree.root(),
        covered,
        len(checkpoints),
        cosigned,
        tuple(found.problems),
        tuple(found.warnings),
    )


def _settings(folder: Path, found: _Findings) -> str | None:
    """Return the name of the log; None, with a problem, where ledger.json is at fault."""
    try:
        return LedgerFolder.opened(folder).origin
    except InputError as error:
        found.problems.extend(error.problems)
        return None


def _entries(folder: Path, found: _Findings) -> list[bytes]:
    path = folder / ENTRIES
    try:
        content = read_bytes(path, "the entries of the ledger")
    except InputError as error:
        found.problems.extend(error.problems)
        return []
    lines = content.split(b"\n")
    if lines[-1]:
        remedy = (
            "The next `ledger append` removes it; where none was cut off, somebody changed the file"
        )
        found.add(
            path,
            f"{len(lines[-1])} bytes of an unfinished entry at its end",
            "whole entries",
            remedy,
        )
    return lines[:-1]


def _check_bound_settings(folder: Path, lines: Sequence[bytes], found: _Findings) -> None:
    """Hold ledger.json to the first entry."""
    first = read_entry(lines[0]) if lines else None
    path = folder / SETTINGS
    if first is None or first.kind != "ledger" or len(first.files) != 1:
        found.add(
            f"{folder / ENTRIES}, entry 0",
            "no begin of a ledger",
            "the entry that `ledger init` made",
        )
    elif path.is_file() and sha256(path) != first.files[0].sha256:
        found.add(
            path, "settings that were changed", "those that the first entry holds the hash of"
        )


def _checkpoints(folder: Path, found: _Findings) -> list[Checkpoint]:
    """Return the checkpoints in the order of their sizes; other files are problems."""
    known: list[Checkpoint] = []
    beside = {SETTINGS, ENTRIES, CHECKPOINTS}
    for path in sorted(folder.iterdir()):
        if path.name not in beside:
            found.add(
                path, "a file of something else", "a ledger's own files alone", "Move it elsewhere"
            )
    if not (folder / CHECKPOINTS).is_dir():
        found.add(
            folder / CHECKPOINTS,
            "no folder",
            "the checkpoints of the ledger",
            "Restore it from a copy",
        )
        return known
    for path in sorted((folder / CHECKPOINTS).iterdir()):
        if path.is_dir() and path.name.startswith(".") and path.name.endswith(NEW):
            continue  # of a run that was killed while it wrote
        try:
            checkpoint = Checkpoint.parsed(read_bytes(path, "a checkpoint"), str(path))
        except InputError as error:
            found.problems.extend(error.problems)
            continue
        if path != checkpoint_path(folder, checkpoint.size):
            found.add(
                path, f"the checkpoint of {checkpoint.size} entries", "a file named after its size"
            )
        known.append(checkpoint)
    return sorted(known, key=lambda one: one.size)


def _largest(checkpoints: Sequence[Checkpoint]) -> int:
    return max((one.size for one in checkpoints), default=0)


def _extends(
    folder: Path, origin: str | None, tree: MerkleTree, one: Checkpoint, found: _Findings
) -> bool:
    """Hold the entries to a checkpoint."""
    where = checkpoint_path(folder, one.size)
    if origin is not None and one.origin != origin:
        found.add(where, f"a checkpoint of {one.origin!r}", f"one of {origin!r}")
    elif one.size > tree.size:
        missing = (
            f"{tree.size} entries, where {one.size} were signed: {one.size - tree.size} are missing"
        )
        found.add(
            folder / ENTRIES,
            missing,
            "all entries that were signed",
            "Restore the file from a copy",
        )
    elif tree.root(one.size) != one.root:
        found.add(
            folder / ENTRIES,
            f"other entries than the {one.size} that were signed",
            "the entries that the checkpoint covers",
            "Compare with a copy: ledger diff",
        )
    else:
        return True
    return False


def _check_lines(folder: Path, lines: Sequence[bytes], begin: int, found: _Findings) -> None:
    """Check each entry that no checkpoint vouches for, and the place of every one."""
    faults = [
        place
        for place, line in enumerate(lines)
        if not line.startswith(b'{"index":%d,"kind":"' % place)
        or (place >= begin and read_entry(line) is None)
    ]
    for place in faults[:FAULTS_DESCRIBED]:
        entry = read_entry(lines[place])
        what = "bytes that are no entry" if entry is None else f"the entry of place {entry.index}"
        found.add(f"{folder / ENTRIES}, entry {place}", what, f"the entry of place {place}")
    if len(faults) > FAULTS_DESCRIBED:
        found.add(
            folder / ENTRIES,
            f"{len(faults) - FAULTS_DESCRIBED} more such entries, {len(faults)} in all",
            "none",
        )


def _check_order(folder: Path, lines: Sequence[bytes], found: _Findings) -> None:
    """Warn of entries that say to be older than one before them."""
    marks = [line[line.find(b'"time":"', 0, 80) + 8 :][:20] for line in lines]
    latest, back = 0, []
    for place, mark in enumerate(marks):
        if mark < marks[latest]:
            back.append((place, latest))
        else:
            latest = place
    times = [
        place for place, before in back[:1000] if (_behind(lines, place, before) or 0) > SKEW_S
    ]
    if times:
        found.warnings.append(
            f"{folder / ENTRIES}: {len(times)} entries, the first at place {times[0]}, say to be"
            f" older than one before them by more than {SKEW_S // 60} minutes: a clock was off."
            " Their order is that of the ledger."
        )


def _behind(lines: Sequence[bytes], place: int, before: int) -> float | None:
    """Return by how many seconds an entry says to be older than one before it."""
    here, there = read_entry(lines[place]), read_entry(lines[before])
    earlier, later = (None if entry is None else time_of(entry) for entry in (here, there))
    return None if earlier is None or later is None else (later - earlier).total_seconds()


def _own_key(lines: Sequence[bytes], size: int) -> VerifierKey | None:
    """Return the key that the first `size` entries name last."""
    keys = keys_of(lines[:size])
    return keys[-1] if keys else None


def _check_signatures(
    folder: Path,
    lines: Sequence[bytes],
    checkpoints: Sequence[Checkpoint],
    key: VerifierKey | None,
    found: _Findings,
) -> None:
    for one in checkpoints:
        where = checkpoint_path(folder, one.size)
        own = _own_key(lines, one.size)
        for known in {own, key} if one is checkpoints[-1] else {own}:
            if known is not None and not known.signed(one.note):
                found.add(
                    where,
                    f"no signature of {known.name}+{known.key_id.hex()} that holds",
                    "the log's signature",
                )
        if own is None:
            found.add(where, "no entry that names its key", "a key that an entry before it names")


def _check_recorded(
    folder: Path, lines: Sequence[bytes], checkpoints: Sequence[Checkpoint], found: _Findings
) -> None:
    """Hold each checkpoint to the hash that the next one covers; all but the newest are
    recorded so.
    """
    recorded = recorded_checkpoints(lines)
    there = {one.size: hashlib.sha256(one.note.content.encode()).hexdigest() for one in checkpoints}
    for size, digest in recorded.items():
        where = checkpoint_path(folder, size)
        if size not in there:
            found.add(
                where,
                "no such checkpoint",
                "the one that a later entry records",
                "Restore it from a copy",
            )
        elif there[size] != digest:
            found.add(where, "a checkpoint that was changed", "the one that a later entry records")
    found.problems += [
        Problem(
            str(checkpoint_path(folder, one.size)), "a checkpoint that no entry records", "none"
        )
        for one in checkpoints[:-1]
        if one.size not in recorded
    ]


def _check_held(
    folder: Path,
    tree: MerkleTree,
    checkpoints: Sequence[Checkpoint],
    held: Sequence[Path],
    key: VerifierKey | None,
    found: _Findings,
) -> None:
    """Hold the ledger to the checkpoints that were kept outside of it."""
    for path in held:
        one = Checkpoint.parsed(read_bytes(path, "a checkpoint that you hold"), str(path))
        where = f"{folder}, against {path}"
        # Faults are told apart, as they ask for different things: a checkpoint of
        # another log, a ledger that was set back, one whose history was changed, and
        # one that has only lost the checkpoint or a signature on it.
        if key is None or not key.signed(one.note):
            name = "any key" if key is None else f"{key.name}+{key.key_id.hex()}"
            found.add(
                where,
                f"no signature of {name} on the checkpoint held",
                "a checkpoint of this ledger",
            )
        if one.size > tree.size:
            behind = (
                f"{tree.size} entries, fewer than the {one.size} of the checkpoint held: the ledger"
                " was set back"
            )
            found.add(
                where, behind, "a ledger that extends it", "Keep both, and ask who keeps the ledger"
            )
        elif tree.root(one.size) != one.root:
            other = f"another history than that of the checkpoint of {one.size}: changed or forked"
            found.add(
                where, other, "a ledger that extends it", "Keep both, and ask who keeps the ledger"
            )
        same = [each for each in checkpoints if each.note.text == one.note.text]
        if not same:
            remedy = "Restore it: copy the file that you hold there"
            found.add(
                where, f"no checkpoint of {one.size} entries in the ledger", "the one held", remedy
            )
        elif (
            same[0] is checkpoints[-1]
        ):  # an older one takes in no further signatures: those held may have come too late for it
            there = [sign for sign in same[0].note.signatures if sign in one.note.signatures]
            if there != list(one.note.signatures):
                lost = {sign.name for sign in one.note.signatures} - {sign.name for sign in there}
                what = (
                    f"no signature of {', '.join(sorted(lost))}"
                    if lost
                    else "signatures in another order or number"
                )
                found.add(
                    where,
                    what,
                    "the signatures of the checkpoint held, in its order",
                    "Copy it there",
                )


def _cosigners(
    folder: Path,
    newest: Checkpoint | None,
    witnesses: Sequence[VerifierKey],
    now: float,
    found: _Findings,
) -> tuple[str, ...]:
    names = []
    for key in witnesses:
        moment = None if newest is None else newest.cosignature_time(key)
        if moment is None:
            remedy = "Have the other agency cosign it: ledger cosign"
            found.add(
                folder / CHECKPOINTS,
                f"no cosignature of {key.name} that holds on the newest checkpoint",
                "one",
                remedy,
            )
        elif moment > now + SKEW_S:
            late = f"a cosignature of {key.name} that is {moment - now:,.0f} s in the future"
            found.add(
                folder / CHECKPOINTS, late, "one of the past", "Compare the clocks of both agencies"
            )
        else:
            names.append(key.name)
    return tuple(names)


def _say_what_is_missing(
    newest: Checkpoint | None, size: int, key: VerifierKey | None, found: _Findings
) -> None:
    if newest is None:
        found.warnings.append(
            "No checkpoint: nothing is signed, and whoever writes the folder can change all of it."
        )
    elif newest.size < size:
        found.warnings.append(
            f"The last {size - newest.size} entries are not signed yet: ledger checkpoint."
        )
    if newest is not None and key is None:
        found.warnings.append(
            "The key is that of the folder itself: name the one that you were given with --key."
        )
