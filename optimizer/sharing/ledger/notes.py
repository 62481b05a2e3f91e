"""Signed notes (C2SP `signed-note`): a text, a blank line, and a line for each
signature; keys as they are written down.

A signature line is an em dash, a key's name and the base64 of the key's id (4 bytes)
and the signature. A key's id is the begin of

    SHA-256(name || 0x0A || algorithm || public key),

with the algorithm 0x01 for Ed25519 over the text, and 0x04 for the timestamped
cosignatures of `checkpoints`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, replace

from optimizer.base.errors import InputError, Problem
from optimizer.sharing.ledger.merkle import WIDTH

ED25519, COSIGNATURE = 1, 4
"""Algorithm bytes of signature types."""

MOST_SIGNATURES, MOST_BYTES = 64, 100_000

DASH = "\N{EM DASH}"

_NAME = re.compile(r"[^\s+]{1,200}")


@dataclass(frozen=True)
class NoteSignature:
    """A line of a signed note."""

    #: Name of the key.
    name: str
    #: 4 bytes.
    key_id: bytes
    #: The other bytes, as the key's algorithm makes them.
    signature: bytes

    @property
    def line(self) -> str:
        """The line, without its end."""
        return f"{DASH} {self.name} {encoded(self.key_id + self.signature)}"


@dataclass(frozen=True)
class Note:
    """A signed note."""

    #: What is signed, with its last line end.
    text: str
    #: In the order of their lines; nothing is checked yet.
    signatures: tuple[NoteSignature, ...]

    @property
    def content(self) -> str:
        """The note as it stands in a file."""
        return self.text + "\n" + "".join(f"{signature.line}\n" for signature in self.signatures)

    @classmethod
    def parsed(cls, content: bytes, where: str) -> Note:
        """Return the note of a file.

        Raises
        ------
        InputError
            If it is no signed note, down to the last byte.
        """
        try:
            text = content.decode() if len(content) <= MOST_BYTES else ""
        except UnicodeDecodeError:
            text = ""
        head, blank, tail = text.rpartition("\n\n")
        if (
            not blank
            or not head
            or not tail.endswith("\n")
            or any(mark < " " for mark in text.replace("\n", ""))
        ):
            raise InputError(_no_note(where, "text without a blank line and signatures"))
        lines = tail[:-1].split("\n")
        if len(lines) > MOST_SIGNATURES:
            raise InputError(_no_note(where, f"{len(lines)} signatures"))
        return cls(head + "\n", tuple(_signature(line, where) for line in lines))

    def by(self, key: VerifierKey) -> tuple[NoteSignature, ...]:
        """Return the signatures that carry a key's name and id."""
        return tuple(
            one for one in self.signatures if (one.name, one.key_id) == (key.name, key.key_id)
        )


@dataclass(frozen=True)
class VerifierKey:
    """A public key, which checks signatures."""

    #: Without blanks and plus signs.
    name: str
    #: `ED25519` or `COSIGNATURE`.
    algorithm: int
    #: 32 bytes.
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that name the key in signatures."""
        content = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public
        return hashlib.sha256(content).digest()[:4]

    @property
    def text(self) -> str:
        """The key as it is written down: name, id and key with plus signs between them."""
        return f"{self.name}+{self.key_id.hex()}+{encoded(bytes([self.algorithm]) + self.public)}"

    @classmethod
    def parsed(cls, text: str, where: str) -> VerifierKey:
        """Return the key that is written down.

        Raises
        ------
        InputError
            If it is no key of an algorithm that is known, or its id is another key's.
        """
        name, number, material = [*text.strip().split("+", 2), "", ""][:3]
        content = _key_bytes(material, ED25519, COSIGNATURE)
        if not _NAME.fullmatch(name) or content is None:
            expected = "a public key NAME+ID+KEY of Ed25519 (the file ending in .pub)"
            raise InputError(
                Problem(where, "text that is no public key", expected, "Copy the line as it is")
            )
        key = cls(name, content[0], content[1:])
        if key.key_id.hex() != number:
            raise InputError(
                Problem(
                    where,
                    f"the id {number[:8]!r}",
                    f"the id of this key, {key.key_id.hex()}",
                    "Copy it again",
                )
            )
        return key

    def checks(self, message: bytes, signature: bytes) -> bool:
        """Return whether 64 bytes are this key's signature of a message."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def signed(self, note: Note) -> bool:
        """Return whether a note carries this key's signature of its text, and none of
        its that fails; for `ED25519`.
        """
        own = note.by(self)
        return bool(own) and all(self.checks(note.text.encode(), one.signature) for one in own)


@dataclass(frozen=True, repr=False)
class SigningKey:
    """A private key; it signs, and is never shown."""

    #: Name of the key.
    name: str
    #: 32 secret bytes.
    seed: bytes

    @property
    def text(self) -> str:
        """The key as its file holds it."""
        return f"PRIVATE+KEY+{self.name}+{self.verifier().key_id.hex()}+{encoded(bytes([ED25519]) + self.seed)}"

    @classmethod
    def parsed(cls, text: str, where: str) -> SigningKey:
        """Return the key that a file holds.

        Raises
        ------
        InputError
            If it is none; what stands there is not repeated.
        """
        parts = text.strip().split("+", 4)
        content = _key_bytes(parts[4], ED25519) if len(parts) == 5 else None
        if parts[:2] != ["PRIVATE", "KEY"] or content is None:
            expected = "a private key that `ledger key` made"
            raise InputError(
                Problem(
                    where, "text that is no private key", expected, "Make one with `ledger key`"
                )
            )
        key = cls(parts[2], content[1:])
        if key.verifier().key_id.hex() != parts[3]:
            raise InputError(
                Problem(
                    where, "a private key of another id", "the id of this key", "Restore the file"
                )
            )
        return key

    def verifier(self, algorithm: int = ED25519) -> VerifierKey:
        """Return the public key for a type of signatures."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return VerifierKey(self.name, algorithm, private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature of a message."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)

    def signature(self, text: str) -> NoteSignature:
        """Return the signature of a note's text."""
        return NoteSignature(self.name, self.verifier().key_id, self.sign(text.encode()))


def checked_name(name: str, where: str) -> str:
    """Return the name of a key or log.

    Raises
    ------
    InputError
        If it is empty, longer than 200 characters, has blanks, plus signs or characters
        that do not print, or feigns a cosignature.
    """
    if not _NAME.fullmatch(name) or not name.isprintable() or name.startswith("cosignature/"):
        expected = "a name without blanks and plus signs, such as customs.example/ledger"
        raise InputError(Problem(where, repr(name[:80]), expected, "Choose another name"))
    return name


def encoded(content: bytes) -> str:
    """Return bytes in base64."""
    return base64.b64encode(content).decode()


def decoded(text: str) -> bytes | None:
    """Return the bytes of base64 as one encoder writes it; None of any other text."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if encoded(content) == text else None


def written_number(text: str) -> int | None:
    """Return the number that a text is, as one writer writes it, below 10^18; None of
    any other text.
    """
    known = text.isascii() and text.isdigit() and len(text) <= 18 and str(int(text)) == text
    return int(text) if known else None


def _key_bytes(text: str, *algorithms: int) -> bytes | None:
    """Return the algorithm and the 32 bytes of a key as it is written down; None of any
    other text.
    """
    content = decoded(text)
    return (
        content if content is not None and len(content) == 33 and content[0] in algorithms else None
    )


def _signature(line: str, where: str) -> NoteSignature:
    dash, name, material = [*line.split(" "), "", ""][:3]
    content = decoded(material)
    if (
        dash != DASH
        or line.count(" ") != 2
        or not _NAME.fullmatch(name)
        or content is None
        or len(content) <= 4
    ):
        raise InputError(_no_note(where, f"the line {line[:60]!r}"))
    return NoteSignature(name, content[:4], content[4:])


def _no_note(where: str, found: str) -> Problem:
    return Problem(
        where, found, "a signed note (C2SP signed-note)", "Get the file again from who signed it"
    )


# Checkpoints (C2SP `tlog-checkpoint`) and their cosignatures (`tlog-cosignature`,
# Ed25519, `cosignature/v1`).
#
# A checkpoint is a signed note of three lines: the log's name, how many entries it has,
# and the root of their Merkle tree. A cosignature is another agency's statement that,
# at a stated time, this was the largest checkpoint it had seen of this log, and an
# extension of all before.

SKEW_S = 300
"""Seconds by which clocks of two agencies may differ."""


@dataclass(frozen=True)
class Checkpoint:
    """A signed statement of how many entries a log has, and of all of them."""

    #: Name of the log.
    origin: str
    #: Entries.
    size: int
    #: Root of their Merkle tree, 32 bytes.
    root: bytes
    #: The signed note that says so.
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
        if (
            note.text.count("\n") != 3
            or not origin
            or digest is None
            or len(digest) != WIDTH
            or entries is None
        ):
            expected = "a checkpoint (C2SP tlog-checkpoint): name, size and root of a log"
            raise InputError(
                Problem(where, "a note of another kind", expected, "Name the checkpoint's file")
            )
        return cls(origin, entries, digest, note)

    @classmethod
    def signed(cls, origin: str, size: int, root: bytes, key: SigningKey) -> Checkpoint:
        """Return a new checkpoint with the log's signature."""
        text = f"{origin}\n{size}\n{encoded(root)}\n"
        return cls(origin, size, root, Note(text, (key.signature(text),)))

    def cosigned(self, key: SigningKey, time: int) -> Checkpoint:
        """Return the checkpoint with one more cosignature, of a POSIX time in seconds;
        an earlier one of the same key gives way.
        """
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
