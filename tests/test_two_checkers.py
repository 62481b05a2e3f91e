"""A second checker, written from the page of the format in another language, agrees with
the first: a slice of `tests.two_checkers`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.test_strict_files import ATTACKS, FIELDS, RAW, read_by_both, text_with
from tests.two_checkers import MAKERS, SECOND, compared, second


def node_version() -> int:
    """Return the major version of Node, which the second checker needs; 0 without it."""
    node = shutil.which("node")
    if node is None:
        return 0
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return int((re.findall(r"\d+", told) or ["0"])[0])


pytestmark = pytest.mark.skipif(node_version() < 20, reason="Node 20 is not here")


def test_both_judge_damaged_certificates_alike(tmp_path: Path) -> None:
    cases = [maker(k, tmp_path) for k, maker in enumerate(MAKERS)]
    counts, differ = compared(cases, 200, 1, tmp_path)
    assert not differ
    assert counts["both accept"] > 10
    assert counts["both refuse"] > 100


@pytest.mark.slow
def test_both_read_instance_files_alike(tmp_path: Path) -> None:
    """What the first reads, the second reads; the attacks on strictness are refused."""
    texts = [text_with(path, 0, raw) for path in FIELDS if path != "patrols" for raw in RAW]
    texts += [text_with(path, 0, raw) for path, raw in ATTACKS.values()]
    (tmp_path / "none.gz").write_bytes(b"")
    pairs, reads = [], []
    for k, text in enumerate(texts):
        (tmp_path / f"{k}.json").write_bytes(text.encode("utf-8", "surrogatepass"))
        pairs.append((tmp_path / f"{k}.json", tmp_path / "none.gz"))
        reads.append(read_by_both(text, tmp_path)[1] is not None)
    for told, text, read in zip(second(pairs), texts, reads, strict=True):
        # an instance that is read ends at its certificate, which is empty
        assert told.startswith("instance: cannot be read") == read or not read, (told, text)
        assert read or told.startswith("instance: "), (told, text)
    assert SECOND.is_file()
