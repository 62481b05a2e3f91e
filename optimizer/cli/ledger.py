"""`ledger`: an append-only, signed log of what was received, fitted, planned and released."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.base.choices import EntryKind
from optimizer.base.errors import Problem
from optimizer.cli.arguments import Json
from optimizer.cli.commands import command, group
from optimizer.cli.console import print_json, print_line, print_note

if TYPE_CHECKING:
    from optimizer.sharing.ledger.signing import SignedState

Folder = Annotated[Path, typer.Argument(help="Folder of the ledger.")]

PrivateKey = Annotated[
    Path, typer.Option("--key", help="File of your private key, outside of the ledger.")
]


group(
    "ledger",
    "Keep a signed log that other agencies can check.",
    "verify results/ledger --key customs.pub --held held/customs.txt",
)


@command("ledger init", "results/ledger --origin customs.example/ledger")
def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make.")],
    origin: Annotated[
        str | None,
        typer.Option(
            help="Name of the log, such as customs.example/ledger; the folder's if not given."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Begin a ledger: a folder whose first entry holds the hash of its settings."""
    from optimizer.sharing.ledger.store import LedgerFolder

    made = LedgerFolder.made(folder, origin)
    if as_json:
        print_json({"folder": str(folder), "origin": made.origin, "size": 1})
    else:
        print_line(
            f"Began the ledger {made.origin} in {folder}. Sign it with: ledger checkpoint {folder}"
            " --key FILE"
        )


@command("ledger key", "~/keys/customs.key --name customs.example/ledger")
def key(
    file: Annotated[
        Path, typer.Argument(help="File to make for the private key, outside of the ledger.")
    ],
    name: Annotated[
        str, typer.Option(help="Name of the key: for a log that of the log (--origin).")
    ],
    as_json: Json = False,
) -> None:
    """Make a private key that you alone can read, and FILE.pub with the public keys to
    give to others.
    """
    from optimizer.sharing.ledger.signing import make_key

    made = make_key(file, name)
    if as_json:
        keys = {"log": made.log.text, "cosigner": made.cosigner.text}
        print_json({"private": str(made.private), "public": str(made.public), **keys})
    else:
        print_line(f"Keep {made.private} to yourself; give {made.public} to the other agencies.")


@command(
    "ledger append",
    "results/ledger seizures.csv --kind records --agency customs",
    "results/ledger results/rio-grande/plan.json --kind plan",
)
def append(
    folder: Folder,
    files: Annotated[
        list[Path], typer.Argument(help="Files to record: their hashes, not their content.")
    ],
    kind: Annotated[EntryKind, typer.Option(help="What the files are.")] = "file",
    name: Annotated[
        str | None,
        typer.Option(help="What it is about, in words; the names of the files if not given."),
    ] = None,
    agency: Annotated[str, typer.Option(help="Who records it.")] = "",
    as_json: Json = False,
) -> None:
    """Record files in a ledger; the entry is on disk when the command ends."""
    from optimizer.sharing.ledger.merkle import leaf_hash
    from optimizer.sharing.ledger.store import Entry, EntryFile, LedgerFolder

    ledger = LedgerFolder.opened(folder)
    entry = Entry(
        kind,
        name or ", ".join(file.name for file in files),
        [EntryFile.of(file) for file in files],
        agency=agency,
    )
    added = ledger.append([entry])
    for warning in added.warnings:
        print_note(f"Warning: {warning}")
    if as_json:
        print_json(
            {"index": added.first, "size": added.size, "hash": leaf_hash(added.lines[0]).hex()}
        )
    else:
        print_line(f"Entry {added.first}: {entry.name}")


@command("ledger checkpoint", "results/ledger --key ~/keys/customs.key --out to-police.txt")
def checkpoint(
    folder: Folder,
    key: PrivateKey,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="The key is another than before.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="File for a copy, to give to other agencies.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Sign the state of a ledger."""
    from optimizer.sharing.ledger.signing import make_checkpoint, read_signing_key
    from optimizer.sharing.ledger.store import LedgerFolder

    made = make_checkpoint(
        LedgerFolder.opened(folder), read_signing_key(key), new_key=new_key, out=out
    )
    _show(made, "Signed" if made.new else "Nothing new since the checkpoint", as_json=as_json)


@command(
    "ledger cosign",
    "results/ledger --key ~/keys/police.key --held held/customs.txt --log-key customs.pub",
    "results/ledger --add from-police.txt",
)
def cosign(
    folder_or_proof: Annotated[
        Path, typer.Argument(help="The other agency's ledger, or what `prove --since` made of it.")
    ],
    key: Annotated[Path | None, typer.Option("--key", help="File of your private key.")] = None,
    held: Annotated[
        Path | None, typer.Option(help="File in which you keep the checkpoint you cosigned last.")
    ] = None,
    log_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Public key of the ledger: FILE.pub, or the key itself."),
    ] = None,
    first: Annotated[
        bool, typer.Option("--first", help="You hold no checkpoint of it yet.")
    ] = False,
    add: Annotated[
        Path | None,
        typer.Option(help="Take the cosignatures of this copy of the newest checkpoint instead."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File for the cosigned checkpoint; into the ledger if not given."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Cosign another agency's checkpoint, if it extends the one you hold; or take their
    cosignature into yours (--add).
    """
    from optimizer.base.files.readwrite import read_bytes
    from optimizer.sharing.ledger.notes import ED25519
    from optimizer.sharing.ledger.proofs import ConsistencyProof
    from optimizer.sharing.ledger.signing import (
        add_cosignature,
        cosign_proof,
        read_signing_key,
        read_verifier_key,
    )
    from optimizer.sharing.ledger.signing import cosign as cosign_ledger
    from optimizer.sharing.ledger.store import LedgerFolder

    what = folder_or_proof
    if add is not None:
        if key is not None or held is not None:
            raise typer.BadParameter("give --add alone, or --key, --held and --log-key")
        _show(add_cosignature(LedgerFolder.opened(what), add), "Cosigned", as_json=as_json)
        return
    if key is None or held is None or log_key is None:
        raise typer.BadParameter("give --key, --held and --log-key, or --add")
    log, own = read_verifier_key(log_key, ED25519, "--log-key"), read_signing_key(key)
    if what.is_dir():
        made = cosign_ledger(LedgerFolder.opened(what), log, own, held, first=first, out=out)
    else:
        if out is None:
            raise typer.BadParameter("give --out: where to write the cosigned checkpoint")
        proof = ConsistencyProof.parsed(
            read_bytes(what, "a ledger, or a proof that it extends what you hold"), str(what)
        )
        made = cosign_proof(proof, log, own, held, out=out, first=first)
    _show(made, "Cosigned", as_json=as_json)


def _show(made: SignedState, done: str, *, as_json: bool) -> None:
    from optimizer.sharing.ledger.notes import encoded

    state = made.checkpoint
    for warning in made.warnings:
        print_note(f"Warning: {warning}")
    if as_json:
        signed_by = [one.name for one in state.note.signatures]
        files = [str(file) for file in made.files]
        print_json(
            {
                "origin": state.origin,
                "size": state.size,
                "root": encoded(state.root),
                "signed_by": signed_by,
                "files": files,
            }
        )
    else:
        print_line(f"{done}: {state.size} entries of {state.origin}, root {encoded(state.root)}")
        for file in made.files:
            print_line(f"  {file}")


@command(
    "ledger prove",
    "results/ledger seizures.csv --out seizures.tlog-proof",
    "results/ledger --since held/customs.txt --out extension.txt",
)
def prove(
    folder: Annotated[Path, typer.Argument(help="Folder of the ledger.")],
    entry: Annotated[
        str | None, typer.Argument(help="Place of an entry, or a file that one records.")
    ] = None,
    since: Annotated[
        Path | None, typer.Option(help="Prove that the ledger extends this checkpoint instead.")
    ] = None,
    bare: Annotated[
        bool, typer.Option("--bare", help="Leave the entry itself out of the proof.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="File to write; printed if not given.")] = None,
    as_json: Json = False,
) -> None:
    """Prove that an entry is in a ledger, or that the ledger extends a checkpoint, to
    one who has no copy of it.
    """
    from dataclasses import replace

    from optimizer.sharing.ledger.proofs import prove_entry, prove_extension
    from optimizer.sharing.ledger.store import LedgerFolder, write_note

    if (entry is None) == (since is None):
        raise typer.BadParameter("give an entry, or --since a checkpoint")
    ledger = LedgerFolder.opened(folder)
    if since is not None:
        extension = prove_extension(ledger, since)
        content = extension.content
        hashes = len(extension.hashes)
        place = {"old": extension.old}
    else:
        proof = prove_entry(ledger, entry or "")
        proof = replace(proof, entry=b"") if bare else proof
        content = proof.content
        hashes = len(proof.hashes)
        place = {"index": proof.index}
    if out is not None:
        write_note(out, content)
    if as_json:
        size = {"hashes": hashes, "bytes": len(content.encode())}
        print_json({**place, **size, **({"proof": content} if out is None else {"out": str(out)})})
    elif out is None:
        typer.echo(content, nl=False)
    else:
        print_line(f"Proof of {hashes} hashes, {len(content.encode())} bytes: {out}")


@command(
    "ledger verify",
    "results/ledger --key customs.pub --held held/customs.txt --witness police.pub",
    "seizures.tlog-proof --key customs.pub --file seizures.csv",
)
def verify(
    folder_or_proof: Annotated[
        Path, typer.Argument(help="Folder of a ledger, or a proof of an entry.")
    ],
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Public key of the ledger: FILE.pub, or the key itself."),
    ] = None,
    held: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint of it that you keep. May be repeated.")
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY", help="Public key of an agency that must have cosigned. May be repeated."
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="With a proof: the file that the entry should record.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a ledger against its checkpoints, those you hold and cosignatures; or a
    proof. Exit code 1 where anything does not hold.
    """
    from optimizer.base.files.readwrite import read_bytes
    from optimizer.sharing.ledger.notes import COSIGNATURE, ED25519, encoded
    from optimizer.sharing.ledger.proofs import InclusionProof, check_proof, is_proof
    from optimizer.sharing.ledger.signing import read_verifier_key
    from optimizer.sharing.ledger.verifying import verify_ledger

    log = None if key is None else read_verifier_key(key, ED25519, "--key")
    what = folder_or_proof
    if what.is_file() and is_proof(what):
        if log is None:
            raise typer.BadParameter("give --key: a proof holds for a key that you know")
        problems = check_proof(what, log, file)
        proof = InclusionProof.parsed(read_bytes(what, "a proof"), str(what))
        state = proof.checkpoint
        line = {
            "ok": not problems,
            "size": state.size,
            "root": encoded(state.root),
            "index": proof.index,
        }
        summary = (
            f"entry {proof.index} of {state.size} of {state.origin}:"
            f" {proof.entry.decode(errors='replace')}"
        )
        _show_verdict(line, problems, summary, as_json=as_json)
        return
    witnesses = [read_verifier_key(one, COSIGNATURE, "--witness") for one in witness or ()]
    found = verify_ledger(what, key=log, held=held or (), witnesses=witnesses)
    line = {"ok": found.ok, "size": found.size, "root": encoded(found.root), "signed": found.signed}
    line |= {
        "checkpoints": found.checkpoints,
        "cosigned_by": list(found.cosigned_by),
        "warnings": list(found.warnings),
    }
    for warning in found.warnings:
        print_note(f"Warning: {warning}")
    by = f", cosigned by {', '.join(found.cosigned_by)}" if found.cosigned_by else ""
    summary = (
        f"{found.size} entries, {found.signed} of them signed in {found.checkpoints}"
        f" checkpoints{by}"
    )
    _show_verdict(line, found.problems, summary, as_json=as_json)


@command("ledger diff", "results/ledger copy/ledger")
def diff(
    folder: Annotated[Path, typer.Argument(help="Folder of the ledger.")],
    other: Annotated[Path, typer.Argument(help="Another copy of it, or a checkpoint.")],
    as_json: Json = False,
) -> None:
    """Compare a ledger with another copy of it, or with a checkpoint. Exit code 1 where
    neither extends the other.
    """
    from optimizer.sharing.ledger.proofs import difference

    found = difference(folder, other)
    if as_json:
        print_json(asdict(found))
    else:
        words = {
            "equal": "Both are the same.",
            "newer": f"{folder} extends {other}.",
            "older": f"{other} has entries that {folder} does not have yet.",
            "forked": "Neither extends the other: history was changed in one of them.",
        }
        print_line(f"{words[found.relation]} Entries: {found.size} and {found.other_size}.")
        if found.first:
            print_line(f"They part at entry {found.common}:")
            for line in (found.first, found.first_other):
                print_line(f"  {line}")
    if found.relation == "forked":
        raise typer.Exit(1)


def _show_verdict(
    line: dict[str, object], problems: Sequence[Problem], summary: str, *, as_json: bool
) -> None:
    if as_json:
        print_json({**line, "problems": [asdict(problem) for problem in problems]})
    else:
        print_line(f"{'Holds' if not problems else 'Does not hold'}: {summary}")
        for problem in problems:
            print_line(f"- {problem}")
    if problems:
        raise typer.Exit(1)
