"""The table of damages: what is done to a good file, to which kinds of files, and what
may come of it.

A damage that must be refused is `REFUSED`: the file holds nothing that anybody could
mean. Of one that is `SAME` the file may be refused, read as the undamaged one is, or
read otherwise with a word on it. A file with a damage that is `ANY` says something
else, and nobody can tell that it is not meant; it may be read.
"""

from __future__ import annotations

import base64
import bz2
import csv
import gzip
import io
import json
import os
import random
import re
import socket
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.marathon.mutations import damaged

REFUSED, SAME, ANY = "refused", "same", "any"
MOVED = "moved"
"""Name of a file whose place a link to it takes."""

Change = Callable[[bytes, random.Random], bytes]

TEXT = frozenset({"toml", "json", "csv", "xml", "lines"})
BINARY = frozenset({"xlsx", "sqlite", "gzip"})
EVERY = TEXT | BINARY
MARKED = frozenset({"toml", "json", "xml"})
"""Text with a grammar of its own."""


@dataclass(frozen=True)
class Damage:
    """One row of the table."""

    #: What was done.
    name: str
    #: Formats of the files it is done to.
    formats: frozenset[str]
    #: What may come of it: `REFUSED`, `SAME` or `ANY`.
    allowed: str
    #: Returns the damaged content.
    change: Change | None = None
    #: Puts something else in the place of the file, in place of `change`.
    place: Callable[[Path], object] | None = None
    #: How many variants are tried, each at a place of its own.
    times: int = 1

    def apply(self, path: Path, rng: random.Random) -> None:
        """Damage the file at a path."""
        if self.place is not None:
            self.place(path)
            return
        assert self.change is not None
        path.write_bytes(self.change(path.read_bytes(), rng))


# What stands in the place of the file.
def _instead(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def placed(path: Path) -> None:
        path.unlink()
        make(path)

    return placed


def _linked(target: str) -> Callable[[Path], object]:
    return _instead(lambda path: path.symlink_to(target))


def _link_to_fifo(path: Path) -> None:
    os.mkfifo(path.with_name("a fifo"))
    path.symlink_to("a fifo")


def _link_to_copy(path: Path) -> None:
    path.rename(path.with_name(MOVED))
    path.symlink_to(MOVED)


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # names of sockets have a hundred bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(path: Path) -> None:
    os.truncate(path, 3 << 30)


PLACES = (
    ("a folder", REFUSED, _instead(Path.mkdir)),
    ("nothing", SAME, Path.unlink),
    ("a link to /etc/passwd", REFUSED, _linked("/etc/passwd")),
    ("a link to itself", REFUSED, _instead(lambda path: path.symlink_to(path.name))),
    ("a link to nowhere", REFUSED, _linked("nowhere/at/all")),
    ("a link to a FIFO", REFUSED, _instead(_link_to_fifo)),
    ("a FIFO", REFUSED, _instead(os.mkfifo)),
    ("a socket", REFUSED, _instead(_socket)),
    ("a link to /dev/zero", REFUSED, _linked("/dev/zero")),
    ("a link to /dev/full", REFUSED, _linked("/dev/full")),
    ("a link to /dev/null", REFUSED, _linked("/dev/null")),
    ("a link to /dev/tty", REFUSED, _linked("/dev/tty")),
    ("a link to /proc/self/mem", REFUSED, _linked("/proc/self/mem")),
    ("a link to the file, which was moved", SAME, _link_to_copy),
    ("3 GB of zeros behind it", REFUSED, _sparse),
)


# Bytes of any file.
def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(1, max(2, len(content) - 1))]


def _flipped(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]


def _lost(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + content[at + rng.choice((1, 1, 7, 64)) :]


def _zeroed(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(max(1, len(content) // 2))
    return content[:at] + bytes(min(512, len(content) - at)) + content[at + 512 :]


def _other(content: bytes) -> Change:
    return lambda _content, _rng: content


def _html(_content: bytes, _rng: random.Random) -> bytes:
    return b"<!DOCTYPE html><html><head><title>404</title></head><body>Not found</body></html>"


def _zipped(content: bytes, _rng: random.Random) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../../../etc/cron.d/evil", content)
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return packed.getvalue()


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"


# Text, whatever it is about.
def _coded(encoding: str) -> Change:
    return lambda content, _rng: content.decode().encode(encoding, errors="replace")


def _ended(mark: bytes) -> Change:
    return lambda content, _rng: content.replace(b"\r\n", b"\n").replace(b"\n", mark)


def _within_text(added: bytes) -> Change:
    """Return what puts bytes behind a letter of a word."""

    def change(content: bytes, rng: random.Random) -> bytes:
        at = rng.choice([found.end() for found in re.finditer(rb"[A-Za-z]", content)])
        return content[:at] + added + content[at:]

    return change


def _conflict(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    at = rng.randrange(max(1, len(lines)))
    marks = [
        b"<<<<<<< HEAD",
        *lines[at : at + 1],
        b"=======",
        *lines[at : at + 1],
        b">>>>>>> other",
    ]
    return b"\n".join([*lines[:at], *marks, *lines[at + 1 :]])


NUMBER = re.compile(rb"(?<![\w.\-\"'])-?\d+(?:\.\d+)?(?![\w.\-:\"'])")
"""Numbers that are no part of a date, a name or a text."""


def _number(text: bytes) -> Change:
    def change(content: bytes, rng: random.Random) -> bytes:
        found = list(NUMBER.finditer(content[:400_000])) or list(re.finditer(rb"\d+", content))
        one = rng.choice(found) if found else None
        return content if one is None else content[: one.start()] + text + content[one.end() :]

    return change


def _random(content: bytes, rng: random.Random) -> bytes:
    return damaged(content, rng)


# Text with a grammar.
def _deep(content: bytes, rng: random.Random) -> bytes:
    del rng
    depth = 200_000
    if content.lstrip()[:1] in b"{[":
        return content[: content.rindex(b"}")] + b',"deep":' + b"[" * depth + b"]" * depth + b"}"
    if content.lstrip()[:1] == b"<":
        at = content.rindex(b"</")
        return content[:at] + b"<a>" * depth + b"</a>" * depth + content[at:]
    return b"deep = " + b"[" * depth + b"]" * depth + b"\n" + content


def _unknown_key(content: bytes, _rng: random.Random) -> bytes:
    if content.lstrip()[:1] == b"{":
        return content.replace(b"{", b'{"zzz": 1, ', 1)
    return b"zzz = 1\n" + content


def _tree(content: bytes, change: Callable[[Any], object]) -> bytes:
    tree = json.loads(content)
    change(tree)
    return json.dumps(tree).encode()


def _objects(tree: Any) -> list[dict[str, Any]]:
    found, left = [], [tree]
    while left:
        part = left.pop()
        if isinstance(part, dict):
            found.append(part)
            left += part.values()
        elif isinstance(part, list):
            left += part[:100]
    return [part for part in found if part]


def _twice(content: bytes, rng: random.Random) -> bytes:
    """Return JSON in which an object has one of its keys twice, the second with another value."""
    tree = json.loads(content)
    item = rng.choice(_objects(tree))
    key = rng.choice(list(item))
    value = item[key]
    item[key] = "@@"
    first = json.dumps(value)
    other = json.dumps(2 if value == 1 else 1)
    return json.dumps(tree).replace('"@@"', f"{first}, {json.dumps(key)}: {other}", 1).encode()


def _json_value(raw: str, kinds: tuple[type, ...] = (int, float)) -> Change:
    """Return what writes a text in place of a value of some types anywhere in JSON."""

    def change(content: bytes, rng: random.Random) -> bytes:
        tree = json.loads(content)
        places = [
            (item, key)
            for item in _objects(tree)
            for key, value in item.items()
            if type(value) in kinds
        ]
        if not places:
            item = rng.choice(_objects(tree))
            places = [(item, key) for key in item]
        item, key = rng.choice(places)
        item[key] = "@@"
        return json.dumps(tree).replace('"@@"', raw, 1).encode()

    return change


def _number_as_text(content: bytes, rng: random.Random) -> bytes:
    tree = json.loads(content)
    places = [
        (item, key)
        for item in _objects(tree)
        for key, value in item.items()
        if type(value) in {int, float}
    ]
    if places:
        item, key = rng.choice(places)
        item[key] = str(item[key])
    return json.dumps(tree).encode()


def _toml_value(raw: str, pattern: str = r"= *(-?\d[\d.]*)$") -> Change:
    """Return what writes a text in place of a value of TOML."""

    def change(content: bytes, rng: random.Random) -> bytes:
        text = content.decode()
        found = list(re.finditer(pattern, text, re.MULTILINE))
        if not found:
            return content
        one = rng.choice(found)
        return (text[: one.start(1)] + raw.replace("{}", one[1]) + text[one.end(1) :]).encode()

    return change


PATH = r'(?:file|network|areas|counts|tips|translations_file|review|audits) *= *\[?(".*?")'


# Tables.
def _rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def _as_csv(rows: Iterable[Iterable[str]], mark: str = ",") -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=mark, lineterminator="\n").writerows(rows)
    return written.getvalue().encode("utf-8", "surrogatepass")


def _table(change: Callable[[list[list[str]], random.Random], object], mark: str = ",") -> Change:
    def changed(content: bytes, rng: random.Random) -> bytes:
        rows = _rows(content)
        change(rows, rng)
        return _as_csv(rows, mark)

    return changed


def _is_number(cell: str) -> bool:
    try:
        return bool(cell) and abs(float(cell)) < 1e9
    except ValueError:
        return False


def _cell(text: str, *, number: bool = True) -> Change:
    """Return what writes a text into a cell, of a number where there is one."""

    def change(rows: list[list[str]], rng: random.Random) -> None:
        places = [
            (row, k)
            for row in rows[1:]
            for k, cell in enumerate(row)
            if _is_number(cell) or not number
        ]
        if places:
            row, k = rng.choice(places)
            row[k] = text

    return _table(change)


def _columns_moved(rows: list[list[str]], rng: random.Random) -> None:
    width = len(rows[0])
    order = rng.sample(range(width), width)
    rows[:] = [[row[k] for k in order] if len(row) == width else row for row in rows]


def _column_twice(rows: list[list[str]], rng: random.Random) -> None:
    k = rng.randrange(len(rows[0]))
    for row in rows:
        row.append(row[k] if k < len(row) else "")


def _column_lost(rows: list[list[str]], rng: random.Random) -> None:
    k = rng.randrange(len(rows[0]))
    for row in rows:
        del row[k : k + 1]


def _cell_more(rows: list[list[str]], rng: random.Random) -> None:
    rng.choice(rows[1:] or rows).append("1")


def _quote_open(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    at = rng.randrange(max(1, len(lines) - 2), len(lines))
    lines[at] = b'"' + lines[at]
    return b"\n".join(lines)


# XML.
LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + k, b"&%c;" % (97 + k) * 10) for k in range(12))
    + b"]>"
)


def _prolog(prolog: bytes, entity: bytes) -> Change:
    def change(content: bytes, _rng: random.Random) -> bytes:
        body = re.sub(rb"^<\?xml.*?\?>", b"", content.lstrip())
        at = body.index(b">") + 1
        return prolog + body[:at] + entity + body[at:]

    return change


READ_ELSEWHERE = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


# Workbooks.
CONTENT_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types'
    ' xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels"'
    ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default'
    ' Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8"?><Relationships'
    ' xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"'
    f' Type="{RELATION}/{{kind}}" Target="{{target}}"/></Relationships>'
)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
WORKBOOK = (
    f'<?xml version="1.0" encoding="UTF-8"?><workbook xmlns="{MAIN}" xmlns:r="{RELATION}"><sheets>'
    '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
)


def letters(column: int) -> str:
    """Return the letters of a column of a workbook, the first is 1."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def sheet_xml(rows: Iterable[Iterable[str]], more: str = "", dimension: str = "") -> str:
    """Return a sheet of texts, with more rows as they are written in XML."""
    body = "".join(
        f'<row r="{r}">'
        + "".join(
            f'<c r="{letters(c)}{r}" t="inlineStr"><is><t>{_escaped(cell)}</t></is></c>'
            for c, cell in enumerate(row, 1)
        )
        + "</row>"
        for r, row in enumerate(rows, 1)
    )
    size = f'<dimension ref="{dimension}"/>' if dimension else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{MAIN}">{size}'
        f"<sheetData>{body}{more}</sheetData></worksheet>"
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def workbook(sheet: str, part: str = "worksheets/sheet1.xml", **parts: str) -> bytes:
    """Return a workbook (.xlsx) of one sheet; `parts` are further ones by name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        types = CONTENT_TYPES.replace("worksheets/sheet1.xml", part)
        archive.writestr("[Content_Types].xml", types)
        document = RELATIONS.format(kind="officeDocument", target="xl/workbook.xml")
        archive.writestr("_rels/.rels", document)
        archive.writestr("xl/workbook.xml", WORKBOOK)
        sheets = RELATIONS.format(kind="worksheet", target=part)
        archive.writestr("xl/_rels/workbook.xml.rels", sheets)
        archive.writestr(f"xl/{part}", sheet)
        for name, text in parts.items():
            archive.writestr(name, text)
    return packed.getvalue()


def workbook_of(content: bytes) -> bytes:
    """Return a CSV file as a workbook."""
    return workbook(sheet_xml(_rows(content)))


def sheet_in(content: bytes) -> str:
    """Return the sheet of a workbook that `workbook` wrote."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = next(name for name in archive.namelist() if name.startswith("xl/worksheets/"))
        return archive.read(name).decode()


def _stray(cell: str, dimension: str = "", part: str = "worksheets/sheet1.xml") -> Change:
    """Return what puts a cell far off, with what the sheet says of its size."""
    row = re.sub(r"[A-Z]+", "", cell)

    def change(content: bytes, _rng: random.Random) -> bytes:
        more = f'<row r="{row}"><c r="{cell}" t="inlineStr"><is><t>x</t></is></c></row>'
        sheet = sheet_in(content).replace("</sheetData>", more + "</sheetData>")
        if dimension:
            sheet = sheet.replace("<sheetData>", f'<dimension ref="{dimension}"/><sheetData>', 1)
        return workbook(sheet, part)

    return change


def _rows_without_names(content: bytes, _rng: random.Random) -> bytes:
    """Put a cell without a name of its own into the last row that a sheet may have, and
    many beside it.
    """
    more = '<row r="1048576">' + '<c t="n"><v>1</v></c>' * 5000 + "</row>"
    return workbook(sheet_in(content).replace("</sheetData>", more + "</sheetData>"))


BOMB = 3 << 29
"""Bytes that a bomb has unpacked: 1.6 GB."""


def bomb(part: str, *, lying: bool = False) -> bytes:
    """Return a workbook one part of which has a gigabyte and a half; it may say that it
    is small.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in (
            ("[Content_Types].xml", CONTENT_TYPES),
            ("_rels/.rels", RELATIONS.format(kind="officeDocument", target="xl/workbook.xml")),
            ("xl/workbook.xml", WORKBOOK),
            (
                "xl/_rels/workbook.xml.rels",
                RELATIONS.format(kind="worksheet", target="worksheets/sheet1.xml"),
            ),
        ):
            archive.writestr(name, text)
        with archive.open(part, "w", force_zip64=True) as stream:
            stream.write(sheet_xml([["time", "lon", "lat"]]).partition("</sheetData>")[0].encode())
            for _ in range(BOMB >> 24):
                stream.write(b" " * (1 << 24))
            stream.write(b"</sheetData></worksheet>")
        if lying:
            for info in archive.infolist():
                info.file_size = min(info.file_size, 1000)
    return packed.getvalue()


_BOMBS: dict[tuple[str, bool], bytes] = {}


def _bomb(part: str, *, lying: bool = False) -> Change:
    def change(_content: bytes, _rng: random.Random) -> bytes:
        if (part, lying) not in _BOMBS:
            _BOMBS[part, lying] = bomb(part, lying=lying)
        return _BOMBS[part, lying]

    return change


def _sheet(change: Callable[[str], str]) -> Change:
    return lambda content, _rng: workbook(change(sheet_in(content)))


def _locked(content: bytes, _rng: random.Random) -> bytes:
    """Set the flag by which an archive says that it is encrypted, of every part."""
    changed = bytearray(content)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(mark, start)) >= 0:
            changed[start + at] |= 1
            start += 4
    return bytes(changed)


# SQLite.
def _in_database(script: str) -> Change:
    """Return what runs SQL on a copy of a database; `{table}` is a table of rows."""

    def change(content: bytes, rng: random.Random) -> bytes:
        with tempfile.NamedTemporaryFile(suffix=".gpkg") as file:
            path = Path(file.name)
            path.write_bytes(content)
            database = sqlite3.connect(path)
            database.create_function("ST_IsEmpty", 1, lambda _: 0)
            for name in ("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
                database.create_function(name, 1, lambda _: 0.0)
            tables = [
                name
                for (name,) in database.execute("SELECT table_name FROM gpkg_contents ORDER BY 1")
            ]
            triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in triggers.fetchall():
                database.execute(f'DROP TRIGGER "{name}"')
            database.executescript(script.format(table=rng.choice(tables)))
            database.commit()
            database.close()
            return path.read_bytes()

    return change


ENDLESS = (
    'ALTER TABLE "{table}" RENAME TO "away"; CREATE VIEW "{table}" AS WITH RECURSIVE n(x) AS'
    " (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT away.* FROM away, n;"
)


def _within_packed(change: Change) -> Change:
    return lambda content, rng: gzip.compress(change(gzip.decompress(content), rng))


def _line_lost(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    del lines[rng.randrange(len(lines))]
    return b"".join(lines)


def _line_twice(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    at = rng.randrange(len(lines))
    return b"".join([*lines[:at], lines[at], *lines[at:]])


def _table_of_damages() -> tuple[Damage, ...]:
    wide = frozenset({"csv"})
    rows: list[Damage] = [
        Damage(
            f"in its place {name}",
            TEXT | {"xlsx"} if "3 GB" in name else EVERY,
            allowed,
            place=place,
        )
        for name, allowed, place in PLACES
    ]
    rows += [
        Damage("empty", EVERY, SAME, _other(b"")),
        Damage("a blank and a line end", TEXT, REFUSED, _other(b" \n")),
        Damage("cut off", EVERY, ANY, _cut, times=4),
        Damage("a bit flipped", EVERY, ANY, _flipped, times=5),
        Damage("bytes lost", EVERY, ANY, _lost, times=3),
        Damage("512 bytes zeroed", TEXT, REFUSED, _zeroed),
        Damage("512 bytes zeroed", BINARY, ANY, _zeroed, times=3),
        Damage("zeros behind it", TEXT, REFUSED, lambda content, _: content + bytes(512)),
        Damage("random bytes", EVERY, REFUSED, lambda _, rng: rng.randbytes(5000)),
        Damage("a web page", EVERY, REFUSED, _html),
        Damage("a Git LFS pointer", EVERY, REFUSED, _other(POINTER)),
        Damage("gzip of it", EVERY, REFUSED, lambda content, _: gzip.compress(content)),
        Damage("bzip2 of it", EVERY, REFUSED, lambda content, _: bz2.compress(content)),
        Damage("an archive with paths upwards", EVERY, REFUSED, _zipped),
        Damage("base64 of it", EVERY, REFUSED, lambda content, _: base64.encodebytes(content)),
        Damage("twice", MARKED, REFUSED, lambda content, _: content + content),
        Damage("UTF-8 with a mark", TEXT, SAME, lambda content, _: b"\xef\xbb\xbf" + content),
        Damage("two marks", TEXT, SAME, lambda content, _: b"\xef\xbb\xbf" * 2 + content),
        Damage("UTF-16", TEXT, SAME, _coded("utf-16")),
        Damage("UTF-16 without its mark", TEXT, REFUSED, _coded("utf-16-le")),
        Damage("UTF-32", TEXT, REFUSED, _coded("utf-32")),
        Damage("EBCDIC", TEXT, REFUSED, _coded("cp500")),
        Damage("a letter of Latin-1", TEXT, ANY, _within_text("ñ".encode("latin-1")), times=2),
        Damage("letters of MS-DOS", TEXT, ANY, _within_text(b"\x82\x84\xe1")),
        Damage("a lone surrogate", TEXT, REFUSED, _within_text(b"\xed\xa0\x80")),
        Damage("an overlong code", TEXT, REFUSED, _within_text(b"\xc0\xaf")),
        Damage("a NUL in a word", TEXT, REFUSED, _within_text(b"\0"), times=2),
        Damage("an escape in a word", TEXT, ANY, _within_text(b"\x1b[2J")),
        Damage("a mark of direction", TEXT, ANY, _within_text("\u202e".encode())),
        Damage("10,000 letters more", TEXT, ANY, _within_text(b"x" * 10_000), times=2),
        Damage("../../etc in a word", TEXT, ANY, _within_text(b"../../etc/passwd")),
        Damage("line ends of Windows", TEXT, SAME, _ended(b"\r\n")),
        Damage("line ends of old Macs", TEXT, SAME, _ended(b"\r")),
        Damage("line ends that are no such", MARKED, ANY, _ended("\u2028".encode())),
        Damage("no line end at its end", TEXT, SAME, lambda content, _: content.rstrip(b"\n")),
        Damage("marks of a merge", TEXT, REFUSED, _conflict),
        Damage("at random", TEXT, ANY, _random, times=8),
        Damage("at random", BINARY, ANY, _random, times=3),
        Damage("a number of 10^400", TEXT, ANY, _number(b"1" + b"0" * 400)),
        Damage("a number of 5,000 digits", TEXT, ANY, _number(b"7" * 5000)),
        Damage("a number of 1e-400", TEXT, ANY, _number(b"1e-400")),
        Damage("a number -0", TEXT, ANY, _number(b"-0"), times=2),
        Damage("a number of another script", TEXT, ANY, _number("٣".encode())),
        Damage("brackets nested deep", MARKED, REFUSED, _deep),
        Damage("a key nobody knows", frozenset({"toml", "json"}), SAME, _unknown_key),
    ]
    json_only, toml_only = frozenset({"json"}), frozenset({"toml"})
    rows += [
        Damage("a key twice", json_only, REFUSED, _twice, times=4),
        Damage("NaN", json_only, REFUSED, _json_value("NaN"), times=2),
        Damage("-Infinity", json_only, REFUSED, _json_value("-Infinity")),
        Damage("1e400", json_only, REFUSED, _json_value("1e400"), times=2),
        Damage("a number as a text", json_only, SAME, _number_as_text, times=2),
        Damage("a truth for a number", json_only, SAME, _json_value("true"), times=2),
        Damage("null for a number", json_only, ANY, _json_value("null"), times=2),
        Damage("an object for a text", json_only, ANY, _json_value("{}", (str,)), times=2),
        Damage("a list for an object", json_only, ANY, _json_value("[1]", (dict, list)), times=2),
        Damage("a NUL as an escape", json_only, ANY, _json_value('"a\\u0000b"', (str,)), times=2),
        Damage("half a letter", json_only, ANY, _json_value('"a\\ud800b"', (str,)), times=2),
        Damage(
            "a path upwards", json_only, ANY, _json_value('"../../../etc/passwd"', (str,)), times=2
        ),
        Damage("a device", json_only, ANY, _json_value('"/dev/zero"', (str,)), times=2),
        Damage("a comment", json_only, REFUSED, lambda content, _: b"// a\n" + content),
        Damage("a comma too many", json_only, REFUSED, lambda c, _: c[: c.rindex(b"}")] + b",}"),
        Damage("nan", toml_only, REFUSED, _toml_value("nan"), times=3),
        Damage("inf", toml_only, REFUSED, _toml_value("inf"), times=3),
        Damage("1e400", toml_only, REFUSED, _toml_value("1e400"), times=3),
        Damage("a number as a text", toml_only, SAME, _toml_value('"{}"'), times=2),
        Damage("a truth for a number", toml_only, REFUSED, _toml_value("true"), times=2),
        Damage("a date for a value", toml_only, ANY, _toml_value("2024-02-30T25:61:00"), times=2),
        Damage("a list for a value", toml_only, ANY, _toml_value("[[1]]"), times=2),
        Damage("the first table twice", toml_only, ANY, lambda c, _: c + c[c.find(b"\n[") :]),
        *(
            Damage(f"a path: {name}", toml_only, REFUSED, _toml_value(raw, PATH), times=3)
            for name, raw in (
                ("/etc/passwd", '"/etc/passwd"'),
                ("/dev/zero", '"/dev/zero"'),
                ("empty", '""'),
                ("a NUL", '"a\\u0000b"'),
                ("10,000 letters", f'"{"x" * 10_000}"'),
                ("a folder", '"."'),
                ("of the network", '"https://example.org/a.csv"'),
                ("a line end", '"a\\nb"'),
                ("a home", '"~nobody/x"'),
            )
        ),
    ]
    rows += [
        Damage("NaN", wide, SAME, _cell("NaN"), times=2),
        Damage("inf", wide, SAME, _cell("inf"), times=2),
        Damage("1e400", wide, SAME, _cell("1e400"), times=2),
        Damage("a number in hexadecimal", wide, SAME, _cell("0x1F")),
        Damage("a number with an underline", wide, SAME, _cell("1_0")),
        Damage("#REF!", wide, SAME, _cell("#REF!")),
        Damage("text for a number", wide, SAME, _cell("many")),
        Damage("columns in another order", wide, SAME, _table(_columns_moved)),
        Damage("a column twice", wide, SAME, _table(_column_twice), times=2),
        Damage("a column lost", wide, ANY, _table(_column_lost), times=3),
        Damage("a cell more in a row", wide, REFUSED, _table(_cell_more)),
        Damage("no header", wide, REFUSED, _table(lambda rows, _: rows.pop(0))),
        Damage(
            "the header alone", wide, ANY, _table(lambda rows, _: rows.__delitem__(slice(1, None)))
        ),
        Damage("the header twice", wide, SAME, _table(lambda rows, _: rows.insert(1, rows[0]))),
        Damage("a quote that is not closed", wide, REFUSED, _quote_open),
        Damage("semicolons", wide, SAME, _table(lambda *_: None, ";")),
        Damage("tabs", wide, SAME, _table(lambda *_: None, "\t")),
        Damage(
            "rows of separators at its end", wide, SAME, lambda c, _: c.rstrip() + b"\n,,,\n,,,\n"
        ),
        Damage("100,000 columns", wide, ANY, lambda c, _: c.replace(b"\n", b"," * 100_000 + b"\n")),
        Damage("a cell of 10 MB", wide, ANY, _cell("x" * 10_000_000, number=False)),
        *(
            Damage(f"a cell that begins with {name}", wide, ANY, _cell(text, number=False))
            for name, text in (
                ("=", "=1+1"),
                ("+", "+1+cmd|' /C calc'!A0"),
                ("-", "-1+1"),
                ("@", "@SUM(1)"),
                ("a tab", "\t=1+1"),
                ("a carriage return", "\r=1+1"),
                ("a line end", "\n=1+1"),
            )
        ),
    ]
    tags, books, bases = frozenset({"xml"}), frozenset({"xlsx"}), frozenset({"sqlite"})
    rows += [
        Damage("a billion laughs", tags, REFUSED, _prolog(LAUGHS, b"&m;")),
        Damage("text of another file", tags, REFUSED, _prolog(READ_ELSEWHERE, b"&x;")),
        Damage("an entity nobody knows", tags, REFUSED, _prolog(b"", b"&zzz;")),
        Damage(
            "a false encoding", tags, ANY, _prolog(b'<?xml version="1.0" encoding="utf-16"?>', b"")
        ),
        Damage(
            "an encoding nobody knows",
            tags,
            REFUSED,
            _prolog(b'<?xml version="1.0" encoding="x"?>', b""),
        ),
    ]
    rows += [
        Damage("1.6 GB in the sheet", books, REFUSED, _bomb("xl/worksheets/sheet1.xml")),
        Damage("1.6 GB of shared texts", books, REFUSED, _bomb("xl/sharedStrings.xml")),
        Damage(
            "1.6 GB that says 1 kB", books, REFUSED, _bomb("xl/worksheets/sheet1.xml", lying=True)
        ),
        Damage(
            "1.6 GB of texts that say 1 kB",
            books,
            REFUSED,
            _bomb("xl/sharedStrings.xml", lying=True),
        ),
        Damage("a cell at XFD1048576", books, REFUSED, _stray("XFD1048576", "A1:XFD1048576")),
        Damage("one there, size not said", books, REFUSED, _stray("XFD1048576")),
        Damage("one there, a false size", books, REFUSED, _stray("XFD1048576", "A1:B2")),
        Damage(
            "one there, another part", books, REFUSED, _stray("XFD1048576", "", "worksheets/x.xml")
        ),
        Damage("one there, elsewhere", books, REFUSED, _stray("XFD1048576", "", "elsewhere/x.xml")),
        Damage("a cell at ZZZ9999999", books, REFUSED, _stray("ZZZ9999999")),
        Damage("a cell at A4294967297", books, REFUSED, _stray("A4294967297")),
        Damage("a cell at A0", books, ANY, _stray("A0")),
        Damage("cells without names far down", books, REFUSED, _rows_without_names),
        Damage(
            "a formula without a result",
            books,
            ANY,
            _sheet(lambda s: s.replace("<is><t>", "<f>1+1</f><is><t>", 3)),
        ),
        Damage(
            "a shared text that is not there",
            books,
            REFUSED,
            _sheet(
                lambda s: re.sub(
                    r't="inlineStr"><is><t>.*?</t></is>', 't="s"><v>99999</v>', s, count=4
                )
            ),
        ),
        Damage(
            "a billion laughs",
            books,
            ANY,
            _sheet(lambda s: LAUGHS.decode() + s.partition("?>")[2].replace("<t>", "<t>&m;", 1)),
        ),
        Damage("locked", books, REFUSED, _locked),
        Damage("a sheet without cells", books, REFUSED, _other(workbook(sheet_xml([])))),
        Damage(
            "paths upwards in the archive",
            books,
            SAME,
            lambda c, _: workbook(
                sheet_in(c), **{"../../../../evil.txt": "x", "/etc/cron.d/x": "x"}
            ),
        ),
        Damage("a table without end", bases, SAME, _in_database(ENDLESS), times=2),
        Damage("a table lost", bases, ANY, _in_database('DROP TABLE "{table}"'), times=3),
        Damage("an empty table", bases, ANY, _in_database('DELETE FROM "{table}"'), times=4),
        Damage(
            "the first row twice",
            bases,
            ANY,
            _in_database(
                'CREATE TABLE "t" AS SELECT * FROM "{table}"; INSERT INTO "{table}" SELECT * FROM "t" WHERE 0'
            ),
        ),
        Damage("no contents", bases, REFUSED, _in_database("DELETE FROM gpkg_contents")),
        Damage(
            "a trigger",
            bases,
            SAME,
            _in_database(
                'CREATE TRIGGER x AFTER INSERT ON "{table}" BEGIN DELETE FROM "{table}"; END'
            ),
        ),
    ]
    packed = frozenset({"gzip"})
    rows += [
        Damage("a line lost within", packed, ANY, _within_packed(_line_lost), times=4),
        Damage("a line twice within", packed, ANY, _within_packed(_line_twice), times=2),
        Damage("a bit flipped within", packed, ANY, _within_packed(_flipped), times=4),
        Damage("random bytes behind it", packed, ANY, lambda c, rng: c + rng.randbytes(5000)),
        Damage(
            "400 MB of zeros", packed, REFUSED, lambda _c, _r: gzip.compress(bytes(400_000_000), 1)
        ),
    ]
    return tuple(rows)


DAMAGES = _table_of_damages()
