"""The commands of `ledger` that check: `prove`, `verify`, `diff`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from optimizer.cli.arguments import Json  # noqa: TC001 - typer reads the annotations
from optimizer.cli.console import print_json, print_line, print_note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.base.errors import Problem


def prove(
    folder: Annotated[Path, typer.Argument(help="Folder of the ledger.")],
    entry: Annotated[str | None, typer.Argument(help="Place of an entry, or a file that one records.")] = None,
    since: Annotated[Path | None, typer.Option(help="Prove that the ledger extends this checkpoint instead.")] = None,
    bare: Annotated[bool, typer.Option("--bare", help="Leave the entry itself out of the proof.")] = False,
    out: Annotated[Path | None, typer.Option(help="File to write; printed if not given.")] = None,
    as_json: Json = False,
) -> None:
    """Prove that an entry is in a ledger, or that the ledger extends a checkpoint, to one who has no copy of it."""
    from dataclasses import replace

    from optimizer.ledger.comparing import prove_entry, prove_extension
    from optimizer.ledger.store import LedgerFolder, write_note

    if (entry is None) == (since is None):
        raise typer.BadParameter("give an entry, or --since a checkpoint")
    ledger = LedgerFolder.opened(folder)
    if since is not None:
        extension = prove_extension(ledger, since)
        content, hashes, place = extension.content, len(extension.hashes), {"old": extension.old}
    else:
        proof = prove_entry(ledger, entry or "")
        proof = replace(proof, entry=b"") if bare else proof
        content, hashes, place = proof.content, len(proof.hashes), {"index": proof.index}
    if out is not None:
        write_note(out, content)
    if as_json:
        size = {"hashes": hashes, "bytes": len(content.encode())}
        print_json({**place, **size, **({"proof": content} if out is None else {"out": str(out)})})
    elif out is None:
        typer.echo(content, nl=False)
    else:
        print_line(f"Proof of {hashes} hashes, {len(content.encode())} bytes: {out}")


def verify(
    folder_or_proof: Annotated[Path, typer.Argument(help="Folder of a ledger, or a proof of an entry.")],
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Public key of the ledger: FILE.pub, or the key itself.")
    ] = None,
    held: Annotated[list[Path] | None, typer.Option(help="A checkpoint of it that you keep. May be repeated.")] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Public key of an agency that must have cosigned. May be repeated."),
    ] = None,
    file: Annotated[Path | None, typer.Option(help="With a proof: the file that the entry should record.")] = None,
    as_json: Json = False,
) -> None:
    """Check a ledger against its checkpoints, those you hold and cosignatures; or a proof. Exit code 1 where anything does not hold."""
    from optimizer.ledger.comparing import check_proof, is_proof
    from optimizer.ledger.keys import read_verifier_key
    from optimizer.ledger.notes import COSIGNATURE, ED25519, encoded
    from optimizer.ledger.proofs import InclusionProof
    from optimizer.ledger.verifying import verify_ledger

    log = None if key is None else read_verifier_key(key, ED25519, "--key")
    what = folder_or_proof
    if what.is_file() and is_proof(what):
        if log is None:
            raise typer.BadParameter("give --key: a proof holds for a key that you know")
        problems = check_proof(what, log, file)
        proof = InclusionProof.parsed(what.read_bytes(), str(what))
        state = proof.checkpoint
        line = {"ok": not problems, "size": state.size, "root": encoded(state.root), "index": proof.index}
        summary = f"entry {proof.index} of {state.size} of {state.origin}: {proof.entry.decode(errors='replace')}"
        _show_verdict(line, problems, summary, as_json=as_json)
        return
    witnesses = [read_verifier_key(one, COSIGNATURE, "--witness") for one in witness or ()]
    found = verify_ledger(what, key=log, held=held or (), witnesses=witnesses)
    line = {"ok": found.ok, "size": found.size, "root": encoded(found.root), "signed": found.signed}
    line |= {"checkpoints": found.checkpoints, "cosigned_by": list(found.cosigned_by), "warnings": list(found.warnings)}
    for warning in found.warnings:
        print_note(f"Warning: {warning}")
    by = f", cosigned by {', '.join(found.cosigned_by)}" if found.cosigned_by else ""
    summary = f"{found.size} entries, {found.signed} of them signed in {found.checkpoints} checkpoints{by}"
    _show_verdict(line, found.problems, summary, as_json=as_json)


def diff(
    folder: Annotated[Path, typer.Argument(help="Folder of the ledger.")],
    other: Annotated[Path, typer.Argument(help="Another copy of it, or a checkpoint.")],
    as_json: Json = False,
) -> None:
    """Compare a ledger with another copy of it, or with a checkpoint. Exit code 1 where neither extends the other."""
    from optimizer.ledger.comparing import difference

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


def _show_verdict(line: dict[str, object], problems: Sequence[Problem], summary: str, *, as_json: bool) -> None:
    if as_json:
        print_json({**line, "problems": [asdict(problem) for problem in problems]})
    else:
        print_line(f"{'Holds' if not problems else 'Does not hold'}: {summary}")
        for problem in problems:
            print_line(f"- {problem}")
    if problems:
        raise typer.Exit(1)
