"""Checkpoints (C2SP `tlog-checkpoint`) and their cosignatures (`tlog-cosignature`, Ed25519, `cosignature/v1`).

A checkpoint is a signed note of three lines: the log's name, how many entries it has, and the root of their Merkle tree. A cosignature is
another agency's statement that, at a stated time, this was the largest checkpoint it had seen of this log, and an extension of all before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from optimizer.base.errors import InputError, Problem
from optimizer.ledger.merkle import WIDTH
from optimizer.ledger.notes import (
    COSIGNATURE,
    Note,
    NoteSignature,
    SigningKey,
    VerifierKey,
    decoded,
    encoded,
    written_number,
)

SKEW_S = 300
"""Seconds by which clocks of two agencies may differ."""


@dataclass(frozen=True)
class Checkpoint:
    """A signed statement of how many entries a log has, and of all of them.

    Attributes
    ----------
    origin
        Name of the log.
    size
        Entries.
    root
        Root of their Merkle tree, 32 bytes.
    note
        The signed note that says so.
    """

    origin: str
    size: int
    root: bytes
    note: Note

    @classmethod
    def parsed(cls, content: bytes, where: str) -> Checkpoint:
        """Return the checkpoint of a file.

        Raises
        ------
        InputError
            If it is no checkpoint.
        """
        note = Note.parsed(content, where)
        origin, size, root = [*note.text.split("\n"), "", "", ""][:3]
        digest, entries = decoded(root), written_number(size)
        if note.text.count("\n") != 3 or not origin or digest is None or len(digest) != WIDTH or entries is None:
            expected = "a checkpoint (C2SP tlog-checkpoint): name, size and root of a log"
            raise InputError(Problem(where, "a note of another kind", expected, "Name the checkpoint's file"))
        return cls(origin, entries, digest, note)

    @classmethod
    def signed(cls, origin: str, size: int, root: bytes, key: SigningKey) -> Checkpoint:
        """Return a new checkpoint with the log's signature."""
        text = f"{origin}\n{size}\n{encoded(root)}\n"
        return cls(origin, size, root, Note(text, (key.signature(text),)))

    def cosigned(self, key: SigningKey, time: int) -> Checkpoint:
        """Return the checkpoint with one more cosignature, of a POSIX time in seconds; an earlier one of the same key gives way."""
        public = key.verifier(COSIGNATURE)
        signature = time.to_bytes(8, "big") + key.sign(_message(self.note.text, time))
        return self._with(NoteSignature(key.name, public.key_id, signature))

    def merged(self, other: Checkpoint) -> Checkpoint:
        """Return the checkpoint with the signatures of another copy of it, too."""
        found = self
        for signature in other.note.signatures:
            if signature not in found.note.signatures:
                found = found._with(signature)
        return found

    def cosignature_time(self, key: VerifierKey) -> int | None:
        """Return the POSIX time of a key's cosignature; None where it has none that holds."""
        own = self.note.by(key)
        if len(own) != 1 or len(own[0].signature) != 8 + 64:
            return None
        time = int.from_bytes(own[0].signature[:8], "big")
        holds = time < 1 << 63 and key.checks(_message(self.note.text, time), own[0].signature[8:])
        return time if holds else None

    def _with(self, signature: NoteSignature) -> Checkpoint:
        same = (signature.name, signature.key_id)
        others = tuple(one for one in self.note.signatures if (one.name, one.key_id) != same)
        return replace(self, note=replace(self.note, signatures=(*others, signature)))


def _message(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()
