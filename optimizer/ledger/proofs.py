"""Proofs as files: that an entry is in a log (C2SP `tlog-proof`), and that a log extends what another agency holds (C2SP `tlog-witness`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from optimizer.base.errors import InputError, Problem
from optimizer.ledger.checkpoints import Checkpoint
from optimizer.ledger.merkle import WIDTH
from optimizer.ledger.notes import decoded, encoded, written_number

HEADER = "c2sp.org/tlog-proof@v1"
MOST_HASHES = 128


@dataclass(frozen=True)
class InclusionProof:
    """That an entry stands at a place of a log.

    Attributes
    ----------
    index
        Its place, from 0.
    hashes
        As `MerkleTree.inclusion` makes them.
    checkpoint
        The signed state of the log.
    entry
        The entry itself; empty where the file leaves it out.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Checkpoint
    entry: bytes = b""

    @property
    def content(self) -> str:
        """The proof as a file holds it."""
        extra = f"extra {encoded(self.entry)}\n" if self.entry else ""
        return f"{HEADER}\n{extra}index {self.index}\n{_lines(self.hashes)}\n{self.checkpoint.note.content}"

    @classmethod
    def parsed(cls, content: bytes, where: str) -> InclusionProof:
        """Return the proof of a file.

        Raises
        ------
        InputError
            If it is none.
        """
        lines, checkpoint = _parts(content, where)
        rest = lines[1:] if lines[:1] == [HEADER] else []
        entry: bytes | None = b""
        if rest and rest[0].startswith("extra "):
            entry, rest = decoded(rest[0][6:]), rest[1:]
        index = _numbered("index ", rest)
        if entry is None or index is None:
            raise InputError(_no_proof(where))
        return cls(index, _hashes(rest[1:], where), checkpoint, entry)


@dataclass(frozen=True)
class ConsistencyProof:
    """That a log extends an earlier state of it.

    Attributes
    ----------
    old
        Entries of the earlier state.
    hashes
        As `MerkleTree.consistency` makes them.
    checkpoint
        The signed later state.
    """

    old: int
    hashes: tuple[bytes, ...]
    checkpoint: Checkpoint

    @property
    def content(self) -> str:
        """The proof as a file holds it: the request of the witness protocol."""
        return f"old {self.old}\n{_lines(self.hashes)}\n{self.checkpoint.note.content}"

    @classmethod
    def parsed(cls, content: bytes, where: str) -> ConsistencyProof:
        """Return the proof of a file.

        Raises
        ------
        InputError
            If it is none.
        """
        lines, checkpoint = _parts(content, where)
        old = _numbered("old ", lines)
        if old is None:
            raise InputError(_no_proof(where))
        return cls(old, _hashes(lines[1:], where), checkpoint)


class _ProofParts(NamedTuple):
    """Lines before the first blank one, and the checkpoint after it."""

    lines: list[str]
    checkpoint: Checkpoint


def _parts(content: bytes, where: str) -> _ProofParts:
    head, _, note = content.partition(b"\n\n")
    try:
        lines = head.decode().split("\n")
    except UnicodeDecodeError:
        raise InputError(_no_proof(where)) from None
    return _ProofParts(lines, Checkpoint.parsed(note, where))


def _numbered(word: str, lines: list[str]) -> int | None:
    """Return the number behind a word at the begin of the first line; None where it does not stand there."""
    return written_number(lines[0].removeprefix(word)) if lines and lines[0].startswith(word) else None


def _lines(hashes: tuple[bytes, ...]) -> str:
    return "".join(f"{encoded(one)}\n" for one in hashes)


def _hashes(lines: list[str], where: str) -> tuple[bytes, ...]:
    found = [decoded(line) for line in lines]
    hashes = tuple(one for one in found if one is not None and len(one) == WIDTH)
    if len(hashes) < len(found) or len(found) > MOST_HASHES:
        raise InputError(_no_proof(where))
    return hashes


def _no_proof(where: str) -> Problem:
    expected = "a proof of a ledger (C2SP tlog-proof, or tlog-witness)"
    return Problem(where, "text of another form", expected, "Make it again with `ledger prove`")
