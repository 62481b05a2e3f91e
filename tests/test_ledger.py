"""The ledger: known vectors of its formats, proofs against the definition, every change
found, and what a kill leaves.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.base.errors import InputError
from optimizer.sharing.ledger.merkle import EMPTY_ROOT, MerkleTree, consistent, included, leaf_hash
from optimizer.sharing.ledger.notes import (
    COSIGNATURE,
    ED25519,
    Checkpoint,
    Note,
    SigningKey,
    VerifierKey,
    decoded,
)
from optimizer.sharing.ledger.proofs import ConsistencyProof, InclusionProof
from optimizer.sharing.ledger.signing import (
    cosign,
    cosign_proof,
    make_checkpoint,
    make_key,
    read_signing_key,
    read_verifier_key,
)
from optimizer.sharing.ledger.store import Entry, EntryFile, LedgerFolder, read_entry
from optimizer.sharing.ledger.verifying import verify_ledger
from results.measure.ledger import QUICK, SLOW, attack, case, write
from tests.children import started
from tests.command import Outcome, run

ROOT = Path(__file__).parents[1]
LEAVES = [
    *(b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43"),
    *(bytes(range(0x50, 0x58)), bytes(range(0x60, 0x70))),
]
"""Test data of Certificate Transparency for RFC 6962 (transparency-dev/merkle, testonly)."""
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
N = {
    "1": "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "23": "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "4567": "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    "4": "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "45": "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "67": "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
}
INCLUSIONS = [
    (0, 1, []),
    (0, 2, [N["1"]]),
    (1, 2, [ROOTS[0]]),
    (2, 3, [ROOTS[1]]),
    (1, 5, [ROOTS[0], N["23"], N["4"]]),
    (0, 8, [N["1"], N["23"], N["4567"]]),
    (5, 8, [N["4"], N["67"], ROOTS[3]]),
]
CONSISTENCIES = [
    (1, 1, []),
    (1, 8, [N["1"], N["23"], N["4567"]]),
    (2, 5, [N["23"], N["4"]]),
    (6, 8, [N["45"], N["67"], ROOTS[3]]),
]


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    return lambda *arguments: run(capsys, monkeypatch, "ledger", *arguments)


def defined(leaves: list[bytes]) -> bytes:
    """Return the root by the definition of RFC 6962."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + defined(leaves[:split]) + defined(leaves[split:])).digest()


def test_roots_and_proofs_are_those_of_certificate_transparency() -> None:
    tree = MerkleTree.of(LEAVES)
    assert [tree.root(size + 1).hex() for size in range(8)] == ROOTS
    assert MerkleTree.of([]).root().hex() == hashlib.sha256(b"").hexdigest()
    for index, size, proof in INCLUSIONS:
        assert [one.hex() for one in tree.inclusion(index, size)] == proof
    for old, size, proof in CONSISTENCIES:
        assert [one.hex() for one in tree.consistency(old, size)] == proof


@given(st.integers(1, 70), st.data())
def test_proofs_hold_and_no_other_does(size: int, data: st.DataObject) -> None:
    leaves = [bytes([k]) * k for k in range(size)]
    tree = MerkleTree.of(leaves)
    assert tree.root() == defined(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    proof = tree.inclusion(index)
    assert included(leaf_hash(leaves[index]), index, size, proof, tree.root())
    extension = tree.consistency(old)
    before = tree.root(old)
    assert consistent(old, before, size, tree.root(), extension)
    other = (
        data.draw(st.integers(0, size - 1).filter(lambda one: one != index))
        if size > 1
        else index + 1
    )
    assert not included(leaf_hash(leaves[index]), other, size, proof, tree.root())
    assert not included(leaf_hash(b"x"), index, size, proof, tree.root())
    assert not included(leaf_hash(leaves[index]), index, size, (*proof, b"x" * 32), tree.root())
    assert not consistent(old, hashlib.sha256(before).digest(), size, tree.root(), extension)
    assert old == 0 or not consistent(old, before, size, hashlib.sha256(b"x").digest(), extension)
    if extension:
        k = data.draw(st.integers(0, len(extension) - 1))
        wrong = [*extension[:k], b"y" * 32, *extension[k + 1 :]]
        assert not consistent(old, before, size, tree.root(), wrong)
        assert not consistent(old, before, size, tree.root(), extension[:-1])
    if proof:
        assert not included(leaf_hash(leaves[index]), index, size, proof[:-1], tree.root())


def test_an_empty_tree_and_sizes_that_there_are_not() -> None:
    tree = MerkleTree.of([b"a", b"b"])
    assert tree.root(0) == EMPTY_ROOT
    assert consistent(0, EMPTY_ROOT, 2, tree.root(), ())
    for wrong in (lambda: tree.root(3), lambda: tree.inclusion(2), lambda: tree.consistency(3)):
        with pytest.raises(ValueError, match="not"):
            wrong()


PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your"
    " problem is.\n\n"
    "— PeterNeumann"
    " x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
"""Keys and note of golang.org/x/mod/sumdb/note, on which C2SP signed-note rests."""
SPEC = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo"
    " Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
"""The example of C2SP signed-note."""
SUM = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
SUM_CHECKPOINT = (
    "go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— sum.golang.org"
    " Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
"""The example of C2SP tlog-checkpoint, which is a checkpoint of the Go checksum
database under another name, under its own.
"""
COSIGNED = (
    "arche2025h1.staging.ct.transparency.dev\n1432088532\nU7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n\n"
    "— arche2025h1.staging.ct.transparency.dev "
    "ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n"
    "— remora.n621.de"
    " 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==\n"
)
"""A checkpoint of a public log, with its signature and a public witness' cosignature."""
ARCHE = (
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
)
REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
SPEC_COSIGNATURE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— witness.example.com/w1"
    " jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
"""The example of C2SP tlog-cosignature, whose time the page states; its key is not published."""


@pytest.mark.parametrize(
    ("key", "content"),
    [(PETER, PETER_NOTE), (SPEC, SPEC_NOTE), (SUM, SUM_CHECKPOINT), (ARCHE, COSIGNED)],
)
def test_notes_of_other_programs_hold_byte_for_byte(key: str, content: str) -> None:
    verifier, note = VerifierKey.parsed(key, "x"), Note.parsed(content.encode(), "x")
    assert (verifier.text, note.content) == (key, content)
    assert verifier.signed(note)
    assert not verifier.signed(Note(note.text.replace("a", "b", 1), note.signatures))


def test_our_signature_is_that_of_another_program() -> None:
    key = SigningKey.parsed(PETER_PRIVATE, "x")
    assert (key.text, key.verifier().text) == (PETER_PRIVATE, PETER)
    text = Note.parsed(PETER_NOTE.encode(), "x").text
    assert Note(text, (key.signature(text),)).content == PETER_NOTE


def test_cosignatures_of_other_programs() -> None:
    witness, state = VerifierKey.parsed(REMORA, "x"), Checkpoint.parsed(COSIGNED.encode(), "x")
    assert (state.origin, state.size) == ("arche2025h1.staging.ct.transparency.dev", 1432088532)
    assert state.cosignature_time(witness) == 0x6A122120
    later = Checkpoint(
        state.origin,
        state.size + 1,
        state.root,
        Note(state.note.text.replace("532", "533"), state.note.signatures),
    )
    assert later.cosignature_time(witness) is None
    (line,) = Checkpoint.parsed(SPEC_COSIGNATURE.encode(), "x").note.signatures
    assert int.from_bytes(line.signature[:8], "big") == 1679315147
    assert len(line.signature) == 72


@pytest.mark.parametrize(
    "content",
    [
        PETER_NOTE[:-1],
        PETER_NOTE.partition("\n\n")[0] + "\n",
        PETER_NOTE + "Unexpected line.\n",
        "\x01" + PETER_NOTE,
        PETER_NOTE.replace("— PeterNeumann", "— Bad Name"),
        PETER_NOTE.replace("nAM=", "nAN="),
        PETER_NOTE.replace("—", "-"),
        "\n\n" + PETER_NOTE.partition("\n\n")[2],
        PETER_NOTE + PETER_NOTE.partition("\n\n")[2] * 80,
    ],
)
def test_what_is_no_note_is_refused(content: str) -> None:
    with pytest.raises(InputError, match="signed note"):
        Note.parsed(content.encode(), "x")


def test_every_piece_of_a_key_is_refused() -> None:
    for text, parse in ((PETER, VerifierKey.parsed), (PETER_PRIVATE, SigningKey.parsed)):
        for k in range(len(text)):
            with pytest.raises(InputError):
                parse(text[:k] + chr(ord(text[k]) + 1) + text[k + 1 :], "x")
            with pytest.raises(InputError):
                parse(text[:k], "x")


@pytest.mark.slow
def test_no_change_of_a_ledger_goes_unnoticed() -> None:
    """A slice of `python -m results.measure ledger`, of which 10,000 are in results/sharing.md."""
    tried, missed = attack(400, seed=7)
    assert set(tried) >= {change.__name__ for change in QUICK}
    assert missed.total() == 0, missed


def test_forks_are_seen_by_who_holds_a_checkpoint_and_by_nobody_else(tmp_path: Path) -> None:
    made, draw = case(tmp_path), random.Random(1)  # noqa: S311 - no secret
    for change in SLOW:
        folder = write(tmp_path / "changed", change(made, draw))
        assert verify_ledger(folder).ok  # in order by itself: a log alone cannot show a split view
        assert not made.verify(folder).ok
    older = write(tmp_path / "changed", made.earlier[0])
    assert verify_ledger(older, key=made.log.verifier()).ok
    assert "set back" in str(made.verify(older).problems)


@pytest.mark.slow
def test_a_kill_loses_at_most_the_entry_that_was_not_acknowledged(tmp_path: Path) -> None:
    LedgerFolder.made(tmp_path / "ledger")
    code = (
        "import sys; from pathlib import Path\n"
        "from optimizer.sharing.ledger.store import Entry\n"
        "from optimizer.sharing.ledger.store import LedgerFolder\n"
        f"ledger = LedgerFolder.opened(Path({str(tmp_path / 'ledger')!r}))\n"
        "for k in range(10**6):\n"
        "    print(ledger.append([Entry('file', 'x' * 20000)]).first, flush=True)\n"
    )
    acknowledged = 0
    for pause in (0.02, 0.11, 0.23):
        with started(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        ) as process:
            assert process.stdout is not None
            told = process.stdout.readline()
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
            told += process.stdout.read()
        acknowledged = max(int(line) for line in told.split("\n")[:-1] if line)
        ledger = LedgerFolder.opened(tmp_path / "ledger")
        assert len(ledger.lines()) >= acknowledged + 1
        ledger.append([Entry("file", "after the kill")])
        entries = [read_entry(line) for line in ledger.lines()]
        assert [entry.index for entry in entries if entry is not None] == list(range(len(entries)))
        assert verify_ledger(ledger.path).ok
    assert acknowledged > 0


def test_an_unfinished_entry_is_told_and_removed_by_the_next_append(tmp_path: Path) -> None:
    ledger = LedgerFolder.made(tmp_path / "ledger")
    ledger.append([Entry("file", "a")])
    with ledger.entries.open("ab") as stream:
        stream.write(b'{"index":2,"kind":"fi')
    (problem,) = verify_ledger(ledger.path).problems
    assert "21 bytes of an unfinished entry" in str(problem)
    added = ledger.append([Entry("file", "b")])
    assert (added.first, added.size) == (2, 3)
    assert "never finished" in added.warnings[0]
    assert verify_ledger(ledger.path).ok


def test_clocks_that_are_off_are_told(tmp_path: Path) -> None:
    made = case(tmp_path)
    ledger = LedgerFolder.opened(made.folder)
    added = ledger.append([Entry("file", "x", time=datetime(2020, 1, 1, tzinfo=UTC))])
    assert "set the clock" in added.warnings[0]
    found = made.verify(made.folder)
    assert found.ok
    assert any("a clock was off" in warning for warning in found.warnings)
    key, witness = made.log.verifier(), made.witness.verifier(COSIGNATURE)
    early = verify_ledger(made.folder, key=key, witnesses=[witness], now=time.time() - 3600)
    assert "in the future" in str(early.problems)


def test_entries_are_read_back_as_they_were_written() -> None:
    texts = ['a "quoted" \\ text ', "Río \x1b[31m Grande\n", "\ud800", "\u2028"]
    for name in texts:
        line = Entry(
            "file",
            name,
            (EntryFile(name, "0" * 64, 1),),
            {"x": None, "y": 1.5, "z": name[:1]},
            name,
        ).line(3)
        assert b"\n" not in line
        entry = read_entry(line)
        assert entry is not None
        assert entry.name == name.encode(errors="replace").decode()
    assert read_entry(b'{"index": 3}') is None
    with pytest.raises(InputError, match="at most 65,536 bytes"):
        Entry("file", "x" * 70_000).line(0)


def test_keys_stay_apart_and_secret(command: Callable[..., Outcome], tmp_path: Path) -> None:
    LedgerFolder.made(tmp_path / "ledger")
    inside = command("key", tmp_path / "ledger" / "key", "--name", "x")
    assert (inside.code, "outside of every ledger" in inside.err) == (1, True)
    made = make_key(tmp_path / "key", "x")
    assert made.private.stat().st_mode & 0o777 == 0o600
    secret = made.private.read_text()
    assert secret.strip().split("+", 4)[4] not in made.public.read_text()
    made.private.chmod(0o640)
    shown = command("checkpoint", tmp_path / "ledger", "--key", made.private)
    assert (shown.code, "chmod 600" in shown.err) == (1, True)
    assert command("key", made.private, "--name", "x").code == 1
    assert command("key", tmp_path / "other", "--name", "two words").code == 1
    wrong = command("verify", tmp_path / "ledger", "--key", made.private)
    assert "Never give the private key" in wrong.err
    assert secret.strip() not in wrong.err
    assert read_verifier_key(str(made.public), COSIGNATURE, "x").algorithm == COSIGNATURE
    assert read_verifier_key(made.log.text, ED25519, "x") == made.log
    with pytest.raises(InputError, match="no key for cosignatures"):
        read_verifier_key(made.log.text, COSIGNATURE, "x")


@pytest.mark.slow
def test_two_agencies_hold_each_other_to_their_history(
    command: Callable[..., Outcome], tmp_path: Path
) -> None:
    log, police, held = tmp_path / "log", tmp_path / "police", tmp_path / "held.txt"
    record = tmp_path / "seizures.csv"
    record.write_text("time,lon,lat\n", encoding="utf-8")
    ours = make_key(tmp_path / "a", "customs.example/ledger").public
    theirs = make_key(tmp_path / "b", "police.example").public
    assert command("init", log, "--origin", "customs.example/ledger").code == 0
    assert command("append", log, record, "--kind", "records", "--json").objects[0]["index"] == 1
    first = command("verify", log, "--json")
    assert first.code == 0
    assert list(first.objects[0])[:4] == ["ok", "size", "root", "signed"]
    assert first.objects[0]["problems"] == []
    signed = command(
        "checkpoint", log, "--key", tmp_path / "a", "--out", police / "state.txt", "--json"
    ).objects[0]
    assert signed["size"] == 3
    ask = ("cosign", log, "--key", tmp_path / "b", "--held", held, "--log-key", ours)
    assert "add --first" in command(*ask).err
    assert command(*ask, "--first").code == 0
    assert command("checkpoint", log, "--key", tmp_path / "a").out.startswith("Nothing new")
    command("append", log, record)
    command("checkpoint", log, "--key", tmp_path / "a")
    extension, cosigned = tmp_path / "extension.txt", tmp_path / "cosigned.txt"
    assert command("prove", log, "--since", held, "--out", extension).code == 0
    given = ("cosign", extension, "--key", tmp_path / "b", "--held", held, "--log-key", ours)
    assert command(*given).code == 2
    assert command(*given, "--out", cosigned, "--json").objects[0]["size"] == 5
    assert command("cosign", log, "--add", cosigned).code == 0
    whole = ("verify", log, "--key", ours, "--held", held, "--witness", theirs)
    assert command(*whole, "--json").objects[0]["cosigned_by"] == ["police.example"]
    proof = tmp_path / "p.tlog-proof"
    assert command("prove", log, record, "--out", proof).code == 0
    assert command("verify", proof, "--key", ours, "--file", record).code == 0
    record.write_text("time,lon,lat\nchanged", encoding="utf-8")
    assert command("verify", proof, "--key", ours, "--file", record).code == 1
    assert command("prove", log, record).code == 1
    assert command("diff", log, held, "--json").objects[0]["relation"] == "equal"
    entries = log / "entries.jsonl"
    entries.write_bytes(entries.read_bytes().replace(b"seizures", b"seizure5"))
    broken = command(*whole, "--json")
    assert (broken.code, broken.objects[0]["ok"]) == (1, False)
    assert set(broken.objects[0]["problems"][0]) == {"where", "found", "expected", "remedy"}
    assert command("diff", log, held).code == 1
    assert "contradict" in command("checkpoint", log, "--key", tmp_path / "a").err


def test_a_witness_signs_no_fork(tmp_path: Path) -> None:
    made, draw = case(tmp_path), random.Random(2)  # noqa: S311 - no secret
    before = made.held.read_bytes()
    for files in (SLOW[0](made, draw), made.earlier[0]):
        ledger = LedgerFolder.opened(write(tmp_path / "changed", files))
        with pytest.raises(InputError, match="History was changed"):
            cosign(ledger, made.log.verifier(), made.witness, made.held)
    assert made.held.read_bytes() == before
    with pytest.raises(InputError, match="key of the log itself"):
        cosign(LedgerFolder.opened(made.folder), made.log.verifier(), made.log, made.held)


COSIGN = """
import os, sys
from pathlib import Path
from optimizer.sharing.ledger.notes import ED25519
from optimizer.sharing.ledger.signing import cosign, read_signing_key, read_verifier_key
from optimizer.sharing.ledger.store import LedgerFolder

place, history, kill_at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
steps = 0


def counted(call):
    def step(*arguments, **named):
        global steps
        steps += 1
        if steps == kill_at:
            os._exit(9)
        return call(*arguments, **named)
    return step


log, own = read_verifier_key(place / "log.pub", ED25519, "--log-key"), read_signing_key(place / "witness.key")
ledger = LedgerFolder.opened(place / history)
os.fsync, os.replace, os.rename = counted(os.fsync), counted(os.replace), counted(os.rename)
print("ready", flush=True)
sys.stdin.readline()
cosign(ledger, log, own, place / "held.txt", out=place / f"{history}.txt")
"""
"""Cosigns one of two histories once it is told to; its process is killed at a step of writing."""


def two_histories(place: Path) -> tuple[Path, bytes]:
    """Return a folder with one history of a ledger and a fork of it, both newer than
    what a witness holds, and what that is.
    """
    made, draw = case(place / "case"), random.Random(3)  # noqa: S311 - no secret
    held = made.earlier[0]["checkpoints/000000000014.txt"]
    fork = LedgerFolder.opened(write(place / "fork", made.earlier[0]))
    fork.append([Entry("file", f"another history {draw.random()}")])
    make_checkpoint(fork, made.log)
    write(place / "first", made.files)
    (place / "log.pub").write_text(made.log.verifier().text + "\n")
    (place / "witness.key").write_bytes((place / "case" / "keys" / "witness").read_bytes())
    (place / "witness.key").chmod(0o600)
    return place, held


def cosigning(
    place: Path, history: str, kill_at: int = 0
) -> AbstractContextManager[subprocess.Popen[str]]:
    command = [sys.executable, "-c", COSIGN, str(place), history, str(kill_at)]
    pipe = subprocess.PIPE
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return started(
        command,
        stdin=pipe,
        stdout=pipe,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env=environment,
    )


@pytest.mark.slow
def test_a_witness_that_is_killed_at_any_step_signs_no_fork(tmp_path: Path) -> None:
    place, held = two_histories(tmp_path)
    for kill_at in range(1, 40):
        for name in ("first.txt", "fork.txt"):
            (place / name).unlink(missing_ok=True)
        (place / "held.txt").write_bytes(held)
        for history, kill in (("first", kill_at), ("fork", 0)):
            with cosigning(place, history, kill) as process:
                process.communicate("now\n")
            if history == "first" and process.returncode == 0:
                assert kill_at > 4  # files and folders, flushed and renamed
                return
        assert not ((place / "first.txt").exists() and (place / "fork.txt").exists()), kill_at
    pytest.fail("the child was killed at each of its steps")


@pytest.mark.slow
def test_of_two_histories_cosigned_at_once_one_is(tmp_path: Path) -> None:
    place, held = two_histories(tmp_path)
    for _ in range(5):
        for name in ("first.txt", "fork.txt"):
            (place / name).unlink(missing_ok=True)
        (place / "held.txt").write_bytes(held)
        with cosigning(place, "first") as one, cosigning(place, "fork") as other:
            for process in (one, other):
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
            for process in (one, other):
                assert process.stdin is not None
                process.stdin.write("now\n")
                process.stdin.flush()
            ended = sorted(process.wait() for process in (one, other))
        assert ended == [0, 1]
        assert (place / "first.txt").exists() != (place / "fork.txt").exists()


def test_a_cosignature_that_was_not_written_is_made_again(tmp_path: Path) -> None:
    made = case(tmp_path)
    ledger, log = LedgerFolder.opened(made.folder), made.log.verifier()
    newest = ledger.checkpoint()
    assert newest is not None
    held = made.held.read_bytes()
    again = cosign(ledger, log, made.witness, made.held, out=tmp_path / "again.txt")
    assert again.checkpoint.note.text.encode() in held
    assert (tmp_path / "again.txt").is_file()


def test_a_new_key_is_asked_for_and_recorded(tmp_path: Path) -> None:
    made = case(tmp_path)
    ledger = LedgerFolder.opened(made.folder)
    other = read_signing_key(make_key(tmp_path / "new", "log.example/ledger").private)
    ledger.append([Entry("file", "x")])
    with pytest.raises(InputError, match="--new-key"):
        make_checkpoint(ledger, other)
    make_checkpoint(ledger, other, new_key=True)
    assert verify_ledger(ledger.path, key=other.verifier()).ok
    assert not verify_ledger(ledger.path, key=made.log.verifier()).ok


def test_proofs_read_back(tmp_path: Path) -> None:
    made = case(tmp_path)
    state = Checkpoint.parsed(made.held.read_bytes(), "x")
    tree = MerkleTree.of(LedgerFolder.opened(made.folder).lines())
    proof = InclusionProof(4, tree.inclusion(4), state, b"entry")
    assert InclusionProof.parsed(proof.content.encode(), "x") == proof
    extension = ConsistencyProof(7, tree.consistency(7), state)
    assert ConsistencyProof.parsed(extension.content.encode(), "x") == extension
    for content in (
        b"",
        b"old x\n\n",
        proof.content.encode()[:-9],
        extension.content.replace("old 7", "old 07").encode(),
        extension.content.replace("old 7", "old " + "7" * 5000).encode(),
        proof.content.replace("index 4", "index " + "4" * 5000).encode(),
    ):
        for kind in (InclusionProof, ConsistencyProof):
            with pytest.raises(InputError):
                kind.parsed(content, "x")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "ledger.json").unlink(), "ledger.json"),
        (lambda folder: (folder / "ledger.json").write_text("{}"), "settings of a ledger"),
        (lambda folder: (folder / "entries.jsonl").unlink(), "no such file"),
        (lambda folder: (folder / "entries.jsonl").write_bytes(b""), "no begin of a ledger"),
        (lambda folder: (folder / "checkpoints" / "x.txt").write_text("x"), "signed note"),
    ],
)
def test_damaged_folders_have_one_message_each(
    command: Callable[..., Outcome], tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    made = case(tmp_path, entries=2)
    damage(made.folder)
    found = command("verify", made.folder, "--json")
    assert found.code == 1
    assert message in json.dumps(found.objects[0]["problems"])
    assert "Traceback" not in found.err


@pytest.mark.parametrize(
    "line",
    [
        b'{"index":%d,"kind":"file","time":"2026-01-01T00:00:00Z","agency":"","name":"\\ud800","files":[],"facts":{}}',
        b'{"index":%d,"kind":"file","time":"2026-01-01T00:00:00Z","agency":"","name":"x","files":[],"facts":{"a":1e999}}',
        b'{"index":%d,"kind":"file","time":"2026-01-01T00:00:00Z","agency":"","name":"x","files":[],"facts":{"a":'
        + b"9" * 5000
        + b"}}",
        b"[" * 60_000 + b"%d",
    ],
)
def test_a_hostile_entry_is_a_problem_and_no_crash(line: bytes, tmp_path: Path) -> None:
    made = case(tmp_path, entries=2)
    lines = len(LedgerFolder.opened(made.folder).lines())
    with (made.folder / "entries.jsonl").open("ab") as stream:
        stream.write(line.replace(b"%d", str(lines).encode()) + b"\n")
    assert "bytes that are no entry" in str(made.verify(made.folder).problems)
    with pytest.raises(InputError, match="an end that is no entry"):
        LedgerFolder.opened(made.folder).append([Entry("file", "x")])


def test_an_entry_whose_checkpoint_has_no_size_records_none(tmp_path: Path) -> None:
    made = case(tmp_path, entries=2)
    LedgerFolder.opened(made.folder).append(
        [
            Entry("checkpoint", "x", (EntryFile("x", "0" * 64, 1),), {"size": size})
            for size in (True, "7", None, 7.0)
        ]
    )
    assert made.verify(made.folder).ok


def test_clocks_that_creep_back_are_told(tmp_path: Path) -> None:
    """Four minutes at a time, none of which is more than clocks may differ by."""
    made = case(tmp_path, entries=2)
    times = [datetime(2040, 1, 1, 12, 60 - 4 * k, tzinfo=UTC) for k in range(1, 5)]
    LedgerFolder.opened(made.folder).append([Entry("file", "x", time=one) for one in times])
    assert any("2 entries" in warning for warning in made.verify(made.folder).warnings)


def test_a_witness_holds_the_log_of_one_name(tmp_path: Path) -> None:
    made = case(tmp_path)
    tree, old = (
        MerkleTree.of(LedgerFolder.opened(made.folder).lines()),
        Checkpoint.parsed(made.held.read_bytes(), "x"),
    )
    renamed = Checkpoint.signed("other.example/ledger", tree.size, tree.root(), made.log)
    proof = ConsistencyProof(old.size, tree.consistency(old.size), renamed)
    with pytest.raises(InputError, match="Keep a file for each log"):
        cosign_proof(proof, made.log.verifier(), made.witness, made.held, out=tmp_path / "out.txt")
    assert not (tmp_path / "out.txt").exists()


def test_base64_has_one_form() -> None:
    assert decoded(base64.b64encode(b"abcd").decode()) == b"abcd"
    assert decoded("YWJjZB==") is None
    assert decoded("YWJj\n") is None
