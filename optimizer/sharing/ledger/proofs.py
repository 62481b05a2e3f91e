"""Two states of a ledger side by side, what each proves of an entry, and proofs as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from optimizer.base.errors import InputError, Problem
from optimizer.base.files.readwrite import existing_file, read_bytes, sha256
from optimizer.sharing.ledger.merkle import WIDTH, MerkleTree, included, leaf_hash
from optimizer.sharing.ledger.notes import Checkpoint, VerifierKey, decoded, encoded, written_number
from optimizer.sharing.ledger.store import LedgerFolder, read_entry


@dataclass(frozen=True)
class LedgerDifference:
    """How two states of a ledger stand to each other."""

    #: `equal`, `older`, `newer` (the first is) or `forked`.
    relation: str
    #: `size`, `other_size`: Entries of each.
    size: int
    other_size: int
    #: Entries at the begin that are the same; None where the other is a checkpoint that
    #: contradicts the ledger.
    common: int | None
    #: `first`, `first_other`: The entry where they part, of each, as text; empty where
    #: there is none.
    first: str = ""
    first_other: str = ""


def difference(path: Path, other: Path) -> LedgerDifference:
    """Compare a ledger with another copy of it, or with a checkpoint of it.

    Raises
    ------
    InputError
        If either is none.
    """
    lines = LedgerFolder.opened(path).lines()
    if other.is_file():
        held = Checkpoint.parsed(read_bytes(other, "a checkpoint"), str(other))
        if held.size <= len(lines):
            same = MerkleTree.of(lines).root(held.size) == held.root
            relation = "forked" if not same else "equal" if held.size == len(lines) else "newer"
            return LedgerDifference(relation, len(lines), held.size, held.size if same else None)
        return LedgerDifference("older", len(lines), held.size, None)
    theirs = LedgerFolder.opened(other).lines()
    shorter = min(len(lines), len(theirs))
    common = next((place for place in range(shorter) if lines[place] != theirs[place]), shorter)
    if common < shorter:
        texts = [side[common].decode(errors="replace") for side in (lines, theirs)]
        return LedgerDifference("forked", len(lines), len(theirs), common, *texts)
    relation = (
        "equal" if len(lines) == len(theirs) else "newer" if len(lines) > len(theirs) else "older"
    )
    return LedgerDifference(relation, len(lines), len(theirs), common)


def prove_entry(ledger: LedgerFolder, what: str) -> InclusionProof:
    """Return the proof that an entry is covered by the newest checkpoint.

    Parameters
    ----------
    ledger
        The ledger.
    what
        Place of the entry, or path of a file that an entry records; of several the
        last.

    Raises
    ------
    InputError
        If there is no such entry, or no checkpoint covers it.
    """
    newest, lines = ledger.checkpoint(), ledger.lines()
    number = written_number(what)
    index = _index_of(lines, Path(what)) if number is None else number
    if newest is None or index >= newest.size:
        found = f"entry {index}, which no checkpoint covers"
        raise InputError(
            Problem(str(ledger.path), found, "an entry that is signed", "First: ledger checkpoint")
        )
    tree = _tree_of(ledger, newest, lines)
    return InclusionProof(index, tree.inclusion(index, newest.size), newest, lines[index])


def prove_extension(ledger: LedgerFolder, held: Path) -> ConsistencyProof:
    """Return the proof that the newest checkpoint extends one that another agency
    holds.

    Raises
    ------
    InputError
        If it does not, or there is none.
    """
    newest, lines = ledger.checkpoint(), ledger.lines()
    old = Checkpoint.parsed(read_bytes(held, "a checkpoint"), str(held))
    if newest is None:
        raise InputError(
            Problem(str(ledger.path), "no checkpoint", "one to prove", "First: ledger checkpoint")
        )
    tree = _tree_of(ledger, newest, lines)
    if old.origin != newest.origin or old.size > newest.size or tree.root(old.size) != old.root:
        found = (
            f"a checkpoint of {old.size} entries of {old.origin}, which this ledger does not extend"
        )
        raise InputError(Problem(str(held), found, f"an earlier checkpoint of {newest.origin}"))
    return ConsistencyProof(old.size, tree.consistency(old.size, newest.size), newest)


def check_proof(path: Path, key: VerifierKey, content: Path | None = None) -> list[Problem]:
    """Return what does not hold of a proof file.

    Parameters
    ----------
    path
        File that `ledger prove` made of an entry.
    key
        Public key of the log.
    content
        File that the entry should record.

    Raises
    ------
    InputError
        If it is no proof of an entry.
    """
    proof = InclusionProof.parsed(read_bytes(path, "a proof"), str(path))
    state, problems = proof.checkpoint, []
    if not key.signed(state.note):
        found = f"no signature of {key.name}+{key.key_id.hex()} that holds"
        problems.append(Problem(str(path), found, "a checkpoint signed by the log"))
    if not included(leaf_hash(proof.entry), proof.index, state.size, proof.hashes, state.root):
        problems.append(
            Problem(str(path), "hashes that do not lead to the root", "a proof of this entry")
        )
    entry = read_entry(proof.entry)
    if content is not None and (
        entry is None or sha256(content) not in {file.sha256 for file in entry.files}
    ):
        problems.append(
            Problem(
                str(content), "a file that the entry does not record", "the file as it was recorded"
            )
        )
    return problems


def is_proof(path: Path) -> bool:
    """Return whether a file is a proof of an entry, by its first line."""
    with path.open("rb") as stream:
        return stream.read(len(HEADER)) == HEADER.encode()


def _tree_of(ledger: LedgerFolder, newest: Checkpoint, lines: list[bytes]) -> MerkleTree:
    tree = MerkleTree.of(lines)
    if newest.size > tree.size or tree.root(newest.size) != newest.root:
        found = "entries that contradict the newest checkpoint"
        raise InputError(
            Problem(str(ledger.path), found, "a ledger that holds", "Run `ledger verify` on it")
        )
    return tree


def _index_of(lines: list[bytes], path: Path) -> int:
    existing_file(path, "a file that an entry records, or the place of an entry")
    digest = sha256(path).encode()
    for place in range(len(lines) - 1, -1, -1):
        entry = read_entry(lines[place]) if digest in lines[place] else None
        if entry is not None and any(file.sha256.encode() == digest for file in entry.files):
            return place
    found = "a file that no entry records"
    raise InputError(
        Problem(
            str(path), found, "a recorded file, as it was then", "It was changed, or never appended"
        )
    )


HEADER = "c2sp.org/tlog-proof@v1"

MOST_HASHES = 128


@dataclass(frozen=True)
class InclusionProof:
    """That an entry stands at a place of a log."""

    #: Its place, from 0.
    index: int
    #: As `MerkleTree.inclusion` makes them.
    hashes: tuple[bytes, ...]
    #: The signed state of the log.
    checkpoint: Checkpoint
    #: The entry itself; empty where the file leaves it out.
    entry: bytes = b""

    @property
    def content(self) -> str:
        """The proof as a file holds it."""
        extra = f"extra {encoded(self.entry)}\n" if self.entry else ""
        return (
            f"{HEADER}\n{extra}index"
            f" {self.index}\n{_lines(self.hashes)}\n{self.checkpoint.note.content}"
        )

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
    """That a log extends an earlier state of it."""

    #: Entries of the earlier state.
    old: int
    #: As `MerkleTree.consistency` makes them.
    hashes: tuple[bytes, ...]
    #: The signed later state.
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
    """Return the number behind a word at the begin of the first line; None where it
    does not stand there.
    """
    return (
        written_number(lines[0].removeprefix(word)) if lines and lines[0].startswith(word) else None
    )


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
