"""Files that would crash a reader, fill memory or spoil what is printed: each ends in
one message, or is shown as text.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from optimizer.base.errors import InputError
from optimizer.cli import app
from optimizer.lab.converters.snip import snip_instance
from optimizer.lab.pages import PageTable, markdown
from optimizer.region.extract import check_expansion, read_extract
from optimizer.solvers.mip.backend import stdout_closed

OSM = (
    '<osm version="0.6"><node id="1" lat="50" lon="10" version="1"/><node id="2" lat="50.1"'
    ' lon="10" version="1"/><way id="1" version="1"><nd ref="1"/><nd ref="2"/><tag k="highway"'
    ' v="primary"/><tag k="name" v="NAME"/></way></osm>'
)


@pytest.mark.parametrize("node", ["inf", "nan", "3.5", "-1", "1e300"])
def test_snip_nodes_that_are_none_are_faults(tmp_path: Path, node: str) -> None:
    (tmp_path / "arcgain0.txt").write_text(f"1 2 0.5\n{node} 3 0.5\n")
    (tmp_path / "intd_arc0.txt").write_text("1 3 0.5 0.2\n")
    (tmp_path / "Scenarios.txt").write_text("1 3 1.0\n")
    with pytest.raises(
        InputError,
        match=r"arcgain0.txt, row 2(, number 1)?: found .*; expected (a node|two node numbers)",
    ):
        snip_instance(tmp_path, number=0, snipno=1, budget=1)


def test_a_compressed_extract_that_unpacks_too_far_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.osm.gz"
    with gzip.open(path, "wb", compresslevel=9) as stream:
        for _ in range(64):
            stream.write(b" " * (1 << 20))
    assert path.stat().st_size < 1 << 17
    with pytest.raises(InputError, match="unpack to more than 200 times their size"):
        read_extract(path)
    check_expansion(path, "a file", 2000)


def test_damaged_compressed_data_are_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "cut.osm.gz"
    path.write_bytes(gzip.compress(OSM.encode() * 10)[:-10])
    with pytest.raises(InputError, match="damaged compressed data"):
        read_extract(path)


@pytest.mark.slow
def test_a_pbf_with_text_that_is_not_utf8_is_a_fault(tmp_path: Path) -> None:
    import osmium

    (tmp_path / "x.osm").write_text(OSM.replace("NAME", "aaaaaaaa"))
    path = tmp_path / "x.osm.pbf"
    writer = osmium.SimpleWriter(osmium.io.File(str(path), "pbf,pbf_compression=none"))
    for each in osmium.FileProcessor(str(tmp_path / "x.osm")):
        writer.add(each)
    writer.close()
    content = path.read_bytes()
    assert content.count(b"aaaaaaaa") == 1
    path.write_bytes(content.replace(b"aaaaaaaa", b"aaa\xff\xfeaaa"))
    with pytest.raises(InputError, match="text that is not UTF-8"):
        read_extract(path)
    # what a library keeps of it must not end the process later
    code = (
        "import gc, sys, pathlib; from optimizer.region.extract import read_extract; from"
        " optimizer.base.errors import InputError\n"
    )
    code += (
        "try: read_extract(pathlib.Path(sys.argv[1]))\nexcept InputError: gc.collect();"
        " print('still here')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "still here\n"), done.stderr


def test_what_a_library_prints_does_not_reach_standard_output(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with stdout_closed():
        os.write(1, b"from C\n")
    os.write(1, b"after\n")
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("after\n", "")


def test_names_from_records_are_text_on_a_page() -> None:
    hostile = "<img src=x>[a](b) `c` *d* _e_ | \x1b[31m\n# f"
    shown = markdown(hostile)
    assert "<" not in shown
    assert "\x1b" not in shown
    assert "\n" not in shown
    table = str(PageTable.of(["force"], [[shown]], {}))
    assert table.splitlines()[2].count("|") == 3
    assert "\\|" in table.splitlines()[2]


def test_an_interrupt_within_a_library_ends_as_any_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()

    monkeypatch.setattr(app, "app", interrupted)
    monkeypatch.setattr(sys, "argv", ["cli.py"])
    with pytest.raises(SystemExit) as stop:
        app.main()
    assert stop.value.code == 3
    assert "Interrupted" in capsys.readouterr().err
