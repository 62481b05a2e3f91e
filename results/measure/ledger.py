"""A ledger attacked and measured: `python -m results.measure ledger` changes a ledger's
folder in many ways, and times a large one.

Whoever checks holds what docs/ledger.md tells an agency to hold: the log's public key,
the newest checkpoint with its cosignature, and the public key of who cosigned it. Every
change of any byte of the folder, and every older, forked or newly signed history, must
be found.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from optimizer.sharing.ledger.merkle import included, leaf_hash
from optimizer.sharing.ledger.notes import COSIGNATURE, ED25519, SigningKey
from optimizer.sharing.ledger.proofs import prove_entry
from optimizer.sharing.ledger.signing import cosign, make_checkpoint, make_key, read_signing_key
from optimizer.sharing.ledger.store import Entry, EntryFile, LedgerFolder
from optimizer.sharing.ledger.verifying import Verified, verify_ledger

Files = dict[str, bytes]


@dataclass(frozen=True)
class Case:
    """A ledger with three cosigned checkpoints, and what another agency holds of it."""

    folder: Path
    held: Path
    log: SigningKey
    witness: SigningKey
    files: Files
    earlier: tuple[Files, ...]

    def verify(self, folder: Path) -> Verified:
        """Check a copy of it with what the other agency holds."""
        key, witness = self.log.verifier(ED25519), self.witness.verifier(COSIGNATURE)
        return verify_ledger(folder, key=key, held=[self.held], witnesses=[witness])


def case(place: Path, entries: int = 12) -> Case:
    """Make the ledger, three times `entries` long."""
    keys = [
        make_key(place / "keys" / name, f"{name}.example/ledger").private
        for name in ("log", "witness")
    ]
    log, witness = (read_signing_key(key) for key in keys)
    ledger, held, earlier = (
        LedgerFolder.made(place / "ledger", "log.example/ledger"),
        place / "held.txt",
        [],
    )
    for part in range(3):
        ledger.append([_entry(f"part {part}", k) for k in range(entries)])
        make_checkpoint(ledger, log)
        cosign(ledger, log.verifier(), witness, held, first=part == 0)
        earlier.append(read(ledger.path))
    return Case(ledger.path, held, log, witness, earlier[-1], tuple(earlier[:-1]))


def _entry(name: str, k: int) -> Entry:
    file = EntryFile(f"{k}.csv", f"{k:064x}", k)
    return Entry(
        "records", f"{name}, file {k}", (file,), {"rows": k, "value": k / 7}, agency="customs"
    )


def read(folder: Path) -> Files:
    """Return the content of every file of a folder, by its path from there."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def write(folder: Path, files: Files) -> Path:
    """Make a folder hold these files and no other."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "checkpoints").mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def _one(case: Case, draw: random.Random) -> str:
    """Return a file, the entries more often than the others."""
    return draw.choice([*case.files, *["entries.jsonl"] * 3])


def flipped_bit(case: Case, draw: random.Random) -> Files:
    name = _one(case, draw)
    content = bytearray(case.files[name])
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return case.files | {name: bytes(content)}


def cut_out(case: Case, draw: random.Random) -> Files:
    name = _one(case, draw)
    content = case.files[name]
    begin = draw.randrange(len(content))
    return case.files | {name: content[:begin] + content[begin + draw.randint(1, 200) :]}


def put_in(case: Case, draw: random.Random) -> Files:
    name = _one(case, draw)
    content, begin = case.files[name], draw.randint(0, len(case.files[name]))
    added = draw.choice(
        [b"\n", b" ", b"\0", draw.randbytes(draw.randint(1, 40)), content[: draw.randint(1, 300)]]
    )
    return case.files | {name: content[:begin] + added + content[begin:]}


def truncated(case: Case, draw: random.Random) -> Files:
    name = _one(case, draw)
    return case.files | {name: case.files[name][: draw.randrange(len(case.files[name]))]}


def changed_lines(case: Case, draw: random.Random) -> Files:
    """Remove, repeat, exchange or move whole lines."""
    name = _one(case, draw)
    lines = case.files[name].splitlines(keepends=True)
    first, second = draw.randrange(len(lines)), draw.randrange(len(lines))
    how = draw.randrange(4)
    if how == 0:
        del lines[first]
    elif how == 1:
        lines.insert(second, lines[first])
    elif how == 2:
        lines[first], lines[second] = lines[second], lines[first]
    else:
        lines.insert(second, lines.pop(first))
    return case.files | {name: b"".join(lines)}


def edited_entry(case: Case, draw: random.Random) -> Files:
    """Change what an entry says, as the ledger itself would have written it."""
    lines = case.files["entries.jsonl"].split(b"\n")[:-1]
    place = draw.randrange(len(lines))
    content = json.loads(lines[place])
    field = draw.choice(["kind", "time", "agency", "name", "facts", "files"])
    other = {
        "kind": "plan",
        "time": "2020-01-01T00:00:00Z",
        "agency": "x",
        "name": "x",
        "facts": {"x": 1},
        "files": [],
    }
    content[field] = other[field]
    lines[place] = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return case.files | {"entries.jsonl": b"".join(line + b"\n" for line in lines)}


def without_a_file(case: Case, draw: random.Random) -> Files:
    gone = draw.choice(list(case.files))
    return {name: content for name, content in case.files.items() if name != gone}


def with_another_file(case: Case, draw: random.Random) -> Files:
    name = draw.choice(
        ["entries.jsonl.bak", "checkpoints/000000000001.txt", "checkpoints/x.txt", "x"]
    )
    return case.files | {name: draw.choice([b"", b"x\n", *case.files.values()])}


def exchanged_files(case: Case, draw: random.Random) -> Files:
    first, second = draw.sample(list(case.files), 2)
    return case.files | {first: case.files[second], second: case.files[first]}


def set_back(case: Case, draw: random.Random) -> Files:
    """Return an earlier state of the whole folder, which is in order by itself."""
    return draw.choice(case.earlier)


def mixed_with_an_earlier_state(case: Case, draw: random.Random) -> Files:
    earlier = draw.choice(case.earlier)
    return {
        name: earlier.get(name, content) if draw.random() < 0.5 else content
        for name, content in case.files.items()
    }


def forked(case: Case, draw: random.Random) -> Files:
    """Return another history from an earlier state on, signed with the log's own key;
    whoever keeps the log can do that.
    """
    with tempfile.TemporaryDirectory() as place:
        ledger = LedgerFolder.opened(write(Path(place) / "ledger", draw.choice(case.earlier)))
        ledger.append(
            [_entry(f"another history {draw.random()}", k) for k in range(draw.randint(1, 30))]
        )
        make_checkpoint(ledger, case.log)
        return read(ledger.path)


def signed_anew(case: Case, draw: random.Random) -> Files:
    """Return a whole ledger of the same name that somebody else signed."""
    with tempfile.TemporaryDirectory() as place:
        ledger = LedgerFolder.made(Path(place) / "ledger", "log.example/ledger")
        ledger.append([_entry("part 0", k) for k in range(draw.randint(1, 60))])
        make_checkpoint(ledger, SigningKey(case.log.name, draw.randbytes(32)))
        return read(ledger.path)


QUICK = (
    *(
        flipped_bit,
        cut_out,
        put_in,
        truncated,
        changed_lines,
        edited_entry,
        without_a_file,
        with_another_file,
    ),
    *(exchanged_files, set_back, mixed_with_an_earlier_state),
)
SLOW = (forked, signed_anew)


def mutations(case: Case, count: int, seed: int) -> Iterator[tuple[str, Files]]:
    """Yield so many changed ledgers, each with the name of its change."""
    draw, made = random.Random(seed), 0  # noqa: S311 - no secret
    while made < count:
        change = draw.choice(SLOW if draw.random() < 0.01 else QUICK)
        files = change(case, draw)
        if files != case.files:
            made += 1
            yield change.__name__, files


def attack(count: int, seed: int) -> tuple[Counter[str], Counter[str]]:
    """Return how many changes of each kind were made, and how many were not found."""
    tried: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        made = case(Path(place))
        assert made.verify(made.folder).ok, made.verify(made.folder)
        for name, files in mutations(made, count, seed):
            tried[name] += 1
            missed[name] += made.verify(write(Path(place) / "changed", files)).ok
    return tried, missed


def large(entries: int) -> dict[str, float]:
    """Build and verify a ledger of so many entries; processor seconds, and bytes of a proof."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        log = read_signing_key(make_key(place / "key", "log.example/ledger").private)
        ledger = LedgerFolder.made(place / "ledger", "log.example/ledger")
        made = [_entry("one", k) for k in range(entries - 2)]
        began = time.process_time()
        ledger.append(made)
        appended = time.process_time()
        make_checkpoint(ledger, log)
        signed = time.process_time()
        found = verify_ledger(ledger.path, key=log.verifier())
        done = time.process_time()
        assert found.ok
        assert found.size == entries
        proof = prove_entry(ledger, str(entries // 3))
        assert included(leaf_hash(proof.entry), proof.index, found.size, proof.hashes, found.root)
        text, state = proof.content, proof.checkpoint.note.content
        return {
            "append": appended - began,
            "checkpoint": signed - appended,
            "verify": done - signed,
            "hashes": len(proof.hashes),
            "proof_bytes": len(text.encode()) - len(state.encode()) - text.index("index"),
            "proof_with_checkpoint_bytes": len(text.encode()),
            "megabytes": ledger.entries.stat().st_size / 1e6,
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the measurement takes."""
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--entries", type=int, default=1_000_000)


def main(asked: argparse.Namespace) -> None:
    """Print what was missed, and what a large ledger takes."""
    tried, missed = attack(asked.count, asked.seed)
    for name, count in sorted(tried.items()):
        print(f"{name}: {count} changes, {missed[name]} not found")
    print(f"{sum(tried.values())} changes, {sum(missed.values())} not found")
    for name, value in large(asked.entries).items():
        print(f"{name}: {value:.2f}")
