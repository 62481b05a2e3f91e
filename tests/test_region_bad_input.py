"""Files that cannot be read: one clear message each, and no traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import osmium
import pytest

from optimizer.base.errors import InputError
from optimizer.region import read_region
from tests.shared_data import DATA, needs
from tests.standin import World, sample_world

if TYPE_CHECKING:
    from pathlib import Path

ANDORRA = DATA / "osm" / "andorra-2025-01.osm.pbf"


def pbf(folder: Path) -> Path:
    """Return a binary extract of many blocks."""
    world = World()
    for number in range(1, 30_001):
        world.node(number, 10 + number * 1e-5, 45.0, note=f"node number {number * 7919 % 30_011}")
    world.way(1, list(range(1, 2001)), highway="primary")
    path = folder / "long.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for each in osmium.FileProcessor(str(world.save(folder / "long.osm"))):
            writer.add(each)
    return path


def message(path: Path, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read_region(path, **options)  # type: ignore[arg-type] # options vary by test
    text = str(caught.value)
    assert path.name in text
    assert "\n" not in text
    return text


@pytest.mark.parametrize("name", ["a.osm", "a.osm.pbf", "a.graphml", "a.gpkg"])
def test_a_missing_file(tmp_path: Path, name: str) -> None:
    assert "no such file" in message(tmp_path / name)


@pytest.mark.parametrize("name", ["a.osm", "a.osm.pbf", "a.graphml", "a.gpkg"])
def test_a_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert "a folder" in message(tmp_path / name)


def test_an_unknown_suffix_names_the_known(tmp_path: Path) -> None:
    (tmp_path / "roads.shp").touch()
    text = message(tmp_path / "roads.shp")
    assert all(suffix in text for suffix in (".osm", ".osm.pbf", ".graphml", ".gpkg"))


@pytest.mark.parametrize("name", ["a.osm", "a.osm.pbf", "a.osm.gz", "a.osm.bz2", "a.graphml", "a.gpkg"])
@pytest.mark.parametrize("content", [b"", b"garbage", b"\x00" * 64, b"PK\x03\x04" + b"x" * 500])
def test_garbage(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    message(tmp_path / name)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_binary_extract(tmp_path: Path, share: float) -> None:
    path = pbf(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "cannot be read" in message(path)


@needs("osm", "andorra-2025-01.osm.pbf")
def test_a_truncated_real_extract(tmp_path: Path) -> None:
    path = tmp_path / "andorra.osm.pbf"
    content = ANDORRA.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "cannot be read" in message(path)


def test_a_truncated_text_extract(tmp_path: Path) -> None:
    path = sample_world().save(tmp_path / "world.osm")
    path.write_text(path.read_text(encoding="utf-8")[:-200], encoding="utf-8")
    assert "cannot be read" in message(path)


def test_an_xml_bomb(tmp_path: Path) -> None:
    levels = "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE osm [<!ENTITY x0 "ha">{levels}]>'
    path = tmp_path / "bomb.osm"
    path.write_text(
        sample_world().xml().replace("<?xml version='1.0' encoding='UTF-8'?>", bomb).replace("Main Road", "&x9;")
    )
    assert "cannot be read" in message(path)


def test_an_extract_with_impossible_values(tmp_path: Path) -> None:
    path = tmp_path / "odd.osm"
    for old, new in (('lon="10.0"', 'lon="abc"'), ('ref="5"', 'ref="x"'), ('id="100"', 'id="99999999999999999999"')):
        path.write_text(sample_world().xml().replace(old, new), encoding="utf-8")
        assert "cannot be read" in message(path)


def test_an_empty_extract(tmp_path: Path) -> None:
    assert "no roads" in message(World().save(tmp_path / "empty.osm"))


def test_an_extract_without_roads_of_the_modes(tmp_path: Path) -> None:
    text = message(sample_world().save(tmp_path / "world.osm"), modes=["service"])
    assert "service" in text
    assert "more modes" in text


def test_an_extract_whose_roads_have_no_nodes(tmp_path: Path) -> None:
    world = sample_world()
    assert "no roads" in message(World({}, world.ways, {}).save(tmp_path / "world.osm"))


def test_an_unknown_mode(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="drive, service, track, foot, ferry"):
        read_region(sample_world().save(tmp_path / "world.osm"), modes=["fly"])
