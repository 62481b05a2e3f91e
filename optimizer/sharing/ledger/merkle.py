"""Merkle trees of RFC 6962, section 2.1: roots, inclusion proofs and consistency
proofs, made and checked.

With D[a:b] the leaves from a to b - 1, and k the largest power of two below n = b - a,

    MTH(D[a:a+1]) = SHA-256(0x00 || D[a]),    MTH(D[a:b]) = SHA-256(0x01 || MTH(D[a:a+k]) || MTH(D[a+k:b])).

The prefixes keep a leaf from being taken for a node. The root of no leaves is SHA-256
of nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 32
"""Bytes of a hash."""
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf's content."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node from those of its children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class MerkleTree:
    """The tree of some leaves, from which the root of every earlier size can be read."""

    #: Leaves n.
    size: int
    #: For k = 0, 1, ... the hashes of D[i 2^k : (i+1) 2^k] for every i with (i+1) 2^k
    #: <= n, one after the other (32 bytes each).
    levels: tuple[bytes, ...]

    @classmethod
    def of(cls, contents: Iterable[bytes]) -> MerkleTree:
        """Return the tree of leaves with these contents, in order."""
        sha256 = hashlib.sha256
        level = b"".join([sha256(b"\x00" + content).digest() for content in contents])
        size, levels = len(level) // WIDTH, [level]
        while len(level) >= 2 * WIDTH:
            ends = range(2 * WIDTH, len(level) + 1, 2 * WIDTH)
            level = b"".join(
                [sha256(b"\x01" + level[end - 2 * WIDTH : end]).digest() for end in ends]
            )
            levels.append(level)
        return cls(size, tuple(levels))

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first `size` leaves, of all by default.

        Raises
        ------
        ValueError
            If there are not so many.
        """
        size = self.size if size is None else size
        if not 0 <= size <= self.size:
            raise ValueError(f"a size from 0 to {self.size}, not {size}")
        return self._hash(0, size) if size else EMPTY_ROOT

    def leaf(self, index: int) -> bytes:
        """Return the hash of a leaf."""
        return self.levels[0][index * WIDTH : (index + 1) * WIDTH]

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the proof that a leaf is at `index` among the first `size`: from the
        leaf's sibling up to the root's child (section 2.1.1).

        Raises
        ------
        ValueError
            If there is no such leaf.
        """
        size = self.size if size is None else size
        if not 0 <= index < size <= self.size:
            raise ValueError(f"a leaf below {size} of {self.size}, not {index}")
        return tuple(self._path(index, 0, size))

    def consistency(self, old: int, size: int | None = None) -> tuple[bytes, ...]:
        """Return the proof that the tree of the first `old` leaves is the beginning of
        that of the first `size` (section 2.1.2).

        Raises
        ------
        ValueError
            If there are not so many leaves.
        """
        size = self.size if size is None else size
        if not 0 <= old <= size <= self.size:
            raise ValueError(f"0 <= old <= size <= {self.size}, not {old} and {size}")
        return tuple(self._between(old, 0, size, known=True)) if old else ()

    def _hash(self, begin: int, end: int) -> bytes:
        count = end - begin
        level = count.bit_length() - 1
        # whole, and its begin is a multiple of its count wherever RFC 6962 splits
        if count == 1 << level:
            place = (begin >> level) * WIDTH
            return self.levels[level][place : place + WIDTH]
        middle = begin + _split(count)
        return node_hash(self._hash(begin, middle), self._hash(middle, end))

    def _path(self, index: int, begin: int, end: int) -> list[bytes]:
        if end - begin == 1:
            return []
        middle = begin + _split(end - begin)
        if index < middle:
            return [*self._path(index, begin, middle), self._hash(middle, end)]
        return [*self._path(index, middle, end), self._hash(begin, middle)]

    def _between(self, old: int, begin: int, end: int, *, known: bool) -> list[bytes]:
        if old == end:
            return [] if known else [self._hash(begin, end)]
        middle = begin + _split(end - begin)
        if old <= middle:
            return [*self._between(old, begin, middle, known=known), self._hash(middle, end)]
        return [*self._between(old, middle, end, known=False), self._hash(begin, middle)]


def _split(count: int) -> int:
    """Return the largest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether an inclusion proof holds.

    Parameters
    ----------
    leaf
        Hash of the leaf.
    index, size
        Its place, from 0, and the leaves of the tree.
    proof
        As `MerkleTree.inclusion` makes it.
    root
        Root of the tree.
    """
    if not 0 <= index < size:
        return False
    node = index
    last = size - 1
    found = leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            # levels without a sibling: a subtree that ends early moves up as it is
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def consistent(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether a consistency proof holds.

    Parameters
    ----------
    old, old_root
        Leaves and root of the earlier tree.
    size, root
        Those of the later one.
    proof
        As `MerkleTree.consistency` makes it.
    """
    if not 0 <= old <= size:
        return False
    if old in {0, size}:
        return not proof and (old_root == EMPTY_ROOT if old == 0 else old_root == root)
    # a whole subtree is the begin of its own proof
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    # RFC 6962, 2.1.4.2 (as in RFC 9162): climb from the last leaf of the old tree,
    # `node`, beside the last of the new one, `last`.
    node, last = old - 1, size - 1
    while node & 1:  # a right child: its parent is whole in both trees, and the proof begins there
        node, last = node >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:  # the sibling lies to the left, so it belongs to both trees
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:  # the sibling lies to the right: entries that the old tree did not have
            after = node_hash(after, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and before == old_root and after == root
