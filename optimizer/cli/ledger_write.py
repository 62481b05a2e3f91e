"""The commands of `ledger` that write: `init`, `key`, `append`, `checkpoint`, `cosign`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import Json  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import print_json, print_line, print_note

if TYPE_CHECKING:
    from optimizer.ledger.signing import SignedState

Folder = Annotated[Path, typer.Argument(help="Folder of the ledger.")]
PrivateKey = Annotated[Path, typer.Option("--key", help="File of your private key, outside of the ledger.")]


class EntryKind(StrEnum):
    """What an entry is about."""

    FILE = "file"
    RECORDS = "records"
    MODEL = "model"
    PLAN = "plan"
    OVERRIDE = "override"
    RELEASE = "release"
    JOINT = "joint"


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make.")],
    origin: Annotated[
        str | None, typer.Option(help="Name of the log, such as customs.example/ledger; the folder's if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Begin a ledger: a folder whose first entry holds the hash of its settings."""
    from optimizer.ledger.store import LedgerFolder

    made = LedgerFolder.made(folder, origin)
    if as_json:
        print_json({"folder": str(folder), "origin": made.origin, "size": 1})
    else:
        print_line(f"Began the ledger {made.origin} in {folder}. Sign it with: ledger checkpoint {folder} --key FILE")


def key(
    file: Annotated[Path, typer.Argument(help="File to make for the private key, outside of the ledger.")],
    name: Annotated[str, typer.Option(help="Name of the key: for a log that of the log (--origin).")],
    as_json: Json = False,
) -> None:
    """Make a private key that you alone can read, and FILE.pub with the public keys to give to others."""
    from optimizer.ledger.keys import make_key

    made = make_key(file, name)
    if as_json:
        keys = {"log": made.log.text, "cosigner": made.cosigner.text}
        print_json({"private": str(made.private), "public": str(made.public), **keys})
    else:
        print_line(f"Keep {made.private} to yourself; give {made.public} to the other agencies.")


def append(
    folder: Folder,
    files: Annotated[list[Path], typer.Argument(help="Files to record: their hashes, not their content.")],
    kind: Annotated[EntryKind, typer.Option(help="What the files are.")] = EntryKind.FILE,
    name: Annotated[
        str | None, typer.Option(help="What it is about, in words; the names of the files if not given.")
    ] = None,
    agency: Annotated[str, typer.Option(help="Who records it.")] = "",
    as_json: Json = False,
) -> None:
    """Record files in a ledger; the entry is on disk when the command ends."""
    from optimizer.ledger.entries import Entry, EntryFile
    from optimizer.ledger.merkle import leaf_hash
    from optimizer.ledger.store import LedgerFolder

    ledger = LedgerFolder.opened(folder)
    entry = Entry(
        kind.value,
        name or ", ".join(file.name for file in files),
        [EntryFile.of(file) for file in files],
        agency=agency,
    )
    added = ledger.append([entry])
    for warning in added.warnings:
        print_note(f"Warning: {warning}")
    if as_json:
        print_json({"index": added.first, "size": added.size, "hash": leaf_hash(added.lines[0]).hex()})
    else:
        print_line(f"Entry {added.first}: {entry.name}")


def checkpoint(
    folder: Folder,
    key: PrivateKey,
    new_key: Annotated[bool, typer.Option("--new-key", help="The key is another than before.")] = False,
    out: Annotated[Path | None, typer.Option(help="File for a copy, to give to other agencies.")] = None,
    as_json: Json = False,
) -> None:
    """Sign the state of a ledger."""
    from optimizer.ledger.keys import read_signing_key
    from optimizer.ledger.signing import make_checkpoint
    from optimizer.ledger.store import LedgerFolder

    made = make_checkpoint(LedgerFolder.opened(folder), read_signing_key(key), new_key=new_key, out=out)
    _show(made, "Signed" if made.new else "Nothing new since the checkpoint", as_json=as_json)


def cosign(
    folder_or_proof: Annotated[
        Path,
        typer.Argument(help="The other agency's ledger, or what `prove --since` made of it."),
    ],
    key: Annotated[Path | None, typer.Option("--key", help="File of your private key.")] = None,
    held: Annotated[Path | None, typer.Option(help="File in which you keep the checkpoint you cosigned last.")] = None,
    log_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Public key of the ledger: FILE.pub, or the key itself.")
    ] = None,
    first: Annotated[bool, typer.Option("--first", help="You hold no checkpoint of it yet.")] = False,
    add: Annotated[
        Path | None, typer.Option(help="Take the cosignatures of this copy of the newest checkpoint instead.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File for the cosigned checkpoint; into the ledger if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Cosign another agency's checkpoint, if it extends the one you hold; or take their cosignature into yours (--add)."""
    from optimizer.base.files import existing_file
    from optimizer.ledger.keys import read_signing_key, read_verifier_key
    from optimizer.ledger.notes import ED25519
    from optimizer.ledger.proofs import ConsistencyProof
    from optimizer.ledger.signing import add_cosignature, cosign_proof
    from optimizer.ledger.signing import cosign as cosign_ledger
    from optimizer.ledger.store import LedgerFolder

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
        existing_file(what, "a ledger, or a proof that it extends what you hold")
        if out is None:
            raise typer.BadParameter("give --out: where to write the cosigned checkpoint")
        proof = ConsistencyProof.parsed(what.read_bytes(), str(what))
        made = cosign_proof(proof, log, own, held, out=out, first=first)
    _show(made, "Cosigned", as_json=as_json)


def _show(made: SignedState, done: str, *, as_json: bool) -> None:
    from optimizer.ledger.notes import encoded

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
