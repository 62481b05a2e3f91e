"""Two states of a ledger side by side, and what each proves of an entry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.base.errors import InputError, Problem
from optimizer.base.files import existing_file, sha256
from optimizer.ledger.checkpoints import Checkpoint
from optimizer.ledger.entries import read_entry
from optimizer.ledger.merkle import MerkleTree, included, leaf_hash
from optimizer.ledger.notes import written_number
from optimizer.ledger.proofs import HEADER, ConsistencyProof, InclusionProof
from optimizer.ledger.store import LedgerFolder

if TYPE_CHECKING:
    from optimizer.ledger.notes import VerifierKey


@dataclass(frozen=True)
class LedgerDifference:
    """How two states of a ledger stand to each other.

    Attributes
    ----------
    relation
        `equal`, `older`, `newer` (the first is) or `forked`.
    size, other_size
        Entries of each.
    common
        Entries at the begin that are the same; None where the other is a checkpoint that contradicts the ledger.
    first, first_other
        The entry where they part, of each, as text; empty where there is none.
    """

    relation: str
    size: int
    other_size: int
    common: int | None
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
        held = Checkpoint.parsed(other.read_bytes(), str(other))
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
    relation = "equal" if len(lines) == len(theirs) else "newer" if len(lines) > len(theirs) else "older"
    return LedgerDifference(relation, len(lines), len(theirs), common)


def prove_entry(ledger: LedgerFolder, what: str) -> InclusionProof:
    """Return the proof that an entry is covered by the newest checkpoint.

    Parameters
    ----------
    ledger
        The ledger.
    what
        Place of the entry, or path of a file that an entry records; of several the last.

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
        raise InputError(Problem(str(ledger.path), found, "an entry that is signed", "First: ledger checkpoint"))
    tree = _tree_of(ledger, newest, lines)
    return InclusionProof(index, tree.inclusion(index, newest.size), newest, lines[index])


def prove_extension(ledger: LedgerFolder, held: Path) -> ConsistencyProof:
    """Return the proof that the newest checkpoint extends one that another agency holds.

    Raises
    ------
    InputError
        If it does not, or there is none.
    """
    newest, lines = ledger.checkpoint(), ledger.lines()
    existing_file(held, "a checkpoint")
    old = Checkpoint.parsed(held.read_bytes(), str(held))
    if newest is None:
        raise InputError(Problem(str(ledger.path), "no checkpoint", "one to prove", "First: ledger checkpoint"))
    tree = _tree_of(ledger, newest, lines)
    if old.origin != newest.origin or old.size > newest.size or tree.root(old.size) != old.root:
        found = f"a checkpoint of {old.size} entries of {old.origin}, which this ledger does not extend"
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
    proof = InclusionProof.parsed(path.read_bytes(), str(path))
    state, problems = proof.checkpoint, []
    if not key.signed(state.note):
        found = f"no signature of {key.name}+{key.key_id.hex()} that holds"
        problems.append(Problem(str(path), found, "a checkpoint signed by the log"))
    if not included(leaf_hash(proof.entry), proof.index, state.size, proof.hashes, state.root):
        problems.append(Problem(str(path), "hashes that do not lead to the root", "a proof of this entry"))
    entry = read_entry(proof.entry)
    if content is not None and (entry is None or sha256(content) not in {file.sha256 for file in entry.files}):
        problems.append(Problem(str(content), "a file that the entry does not record", "the file as it was recorded"))
    return problems


def is_proof(path: Path) -> bool:
    """Return whether a file is a proof of an entry, by its first line."""
    with path.open("rb") as stream:
        return stream.read(len(HEADER)) == HEADER.encode()


def _tree_of(ledger: LedgerFolder, newest: Checkpoint, lines: list[bytes]) -> MerkleTree:
    tree = MerkleTree.of(lines)
    if newest.size > tree.size or tree.root(newest.size) != newest.root:
        found = "entries that contradict the newest checkpoint"
        raise InputError(Problem(str(ledger.path), found, "a ledger that holds", "Run `ledger verify` on it"))
    return tree


def _index_of(lines: list[bytes], path: Path) -> int:
    existing_file(path, "a file that an entry records, or the place of an entry")
    digest = sha256(path).encode()
    for place in range(len(lines) - 1, -1, -1):
        entry = read_entry(lines[place]) if digest in lines[place] else None
        if entry is not None and any(file.sha256.encode() == digest for file in entry.files):
            return place
    found = "a file that no entry records"
    raise InputError(Problem(str(path), found, "a recorded file, as it was then", "It was changed, or never appended"))
