"""A foreign problem as an instance file: what the commands `convert ...` do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optimizer.base.files.readwrite import check_file
from optimizer.problem.files.instance_file import write_instance

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from optimizer.problem.instance.instance import Instance


@dataclass(frozen=True)
class ConvertedInstance:
    """An instance that was made of a foreign problem.

    Attributes
    ----------
    file
        Where it lies.
    instance
        The problem.
    skipped
        Ids of the evaders without a path, which were left out.
    remarks
        How tables were read, where that is not plain.
    """

    file: Path
    instance: Instance
    skipped: tuple[str, ...]
    remarks: tuple[str, ...]


def save_converted(
    out: str | os.PathLike[str],
    convert: Callable[[Callable[[Sequence[str]], None] | None, list[str]], Instance],
    *,
    skip_unreachable: bool = False,
) -> ConvertedInstance:
    """Check that a file can be written, make an instance, and write it there.

    Parameters
    ----------
    out
        Instance file (JSON).
    convert
        Makes the instance; it receives what to give to a converter as `on_unreachable` and as `remarks`.
    skip_unreachable
        Leave out evaders without a path; without it they are a fault.

    Raises
    ------
    InputError
        If the file cannot be written or the foreign problem is at fault.
    """
    file = Path(out)
    check_file(file)
    skipped: list[str] = []
    remarks: list[str] = []
    instance = convert(skipped.extend if skip_unreachable else None, remarks)
    write_instance(file, instance)
    return ConvertedInstance(file, instance, tuple(skipped), tuple(remarks))
