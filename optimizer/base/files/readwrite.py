"""Files: read with a clear message, written whole or not at all, fingerprinted; and
what kind of file some bytes are.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import shlex
import shutil
import stat
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.base.errors import InputError, Problem, ProblemList, printable
from optimizer.base.files.temporary import folder_beside
from optimizer.base.text.names import close_match

LARGEST_FILE = 1 << 29
"""Bytes of a file that is read as a whole: what a larger one holds has no room in memory."""

LEAST_FREE = 10_000_000
"""Bytes of disk below which no work is begun: about what the folder of one plan takes."""

MAYBE_LARGE = re.compile(r"\d{300}|\d[eE]\+?0*\d{3}")
"""In a text of JSON with a number that floating point does not hold."""
MOST_DIGITS = 40
"""Digits from which on a message counts them."""

_NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}

_WRITE_ERRORS = _NO_ROOM | {
    *(
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.EIO,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EEXIST,
        errno.EISDIR,
    ),
    *(
        errno.ENAMETOOLONG,
        errno.ELOOP,
        errno.EBUSY,
        errno.ENOTEMPTY,
        errno.EXDEV,
        errno.EMFILE,
        errno.EINVAL,
    ),
}
"""What a system says of a place that cannot be written; anything else is a defect of ours."""


OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""Permissions of everybody but a file's owner."""


def check_private(path: Path, what: str) -> None:
    """Refuse a secret file that others than its owner can read or write.

    Windows has other permissions, which are not looked at.

    Raises
    ------
    InputError
        If the group or others have any permission.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name != "nt" and mode & OTHERS:
        raise InputError(
            Problem(
                str(path),
                f"the permissions {mode:o}",
                f"600: {what} that its owner alone can read",
                f"Set them: chmod 600 {shlex.quote(str(path))}. If somebody else may have read it,"
                " make a new one",
            )
        )


def existing_file(path: Path, what: str) -> Path:
    """Return `path` if it is a readable file.

    Raises
    ------
    InputError
        If there is no such file, it is a folder, or there is no permission to read it.
    """
    try:
        is_folder = path.is_dir()
    except OSError as error:  # a name that is too long
        raise InputError(
            Problem(str(path), error.strerror or str(error), what, "Correct the path")
        ) from None
    if is_folder:
        raise InputError(
            Problem(str(path), "a folder", f"a file ({what})", "Name the file inside it")
        )
    if (kind := _special_kind(path)) is not None:
        raise InputError(
            Problem(str(path), kind, f"a file ({what})", "Name a file that holds the data")
        )
    if not path.is_file():
        elsewhere = "Check the path; in a scenario it is relative to the scenario's folder"
        # the folder's name may be the misspelt one
        missing = path if path.parent.is_dir() else path.parent
        try:
            listed = sorted(
                each.name
                for each in missing.parent.iterdir()
                if each.is_file() == (missing is path)
            )
            near = close_match(missing.name, listed)
        except OSError:  # no such folder, or not ours to list
            near = ""
        raise InputError(Problem(str(path), "no such file", what, near or elsewhere))
    try:
        with path.open("rb") as stream:
            stream.read(1)
    except OSError as error:
        if error.errno != errno.EACCES:
            found = error.strerror or str(error)
            raise InputError(
                Problem(str(path), found, what, "Check the disk, or copy the file anew")
            ) from None
    if not os.access(path, os.R_OK):
        raise InputError(
            Problem(str(path), "no permission to read", what, "Change the permissions of the file")
        )
    return path


def _special_kind(path: Path) -> str | None:
    """Return what stands at a path that is neither file nor folder: reading a pipe or a
    device would never end. None where it is a file or nothing.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return "a link that leads to itself" if error.errno == errno.ELOOP else None
    except ValueError:  # a NUL in its name
        return None
    kinds = (
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((kind for is_kind, kind in kinds if is_kind(mode)), None)


def read_bytes(path: Path, what: str) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    InputError
        If the file is missing or cannot be read.
    """
    existing_file(path, what)
    try:
        if (size := path.stat().st_size) > LARGEST_FILE:
            raise InputError(
                Problem(
                    str(path),
                    f"{size / 1e6:,.0f} MB",
                    f"{what} of at most {LARGEST_FILE / 1e6:,.0f} MB",
                    "Check that it is the right file, or divide it",
                )
            )
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error, what) from None


def _unreadable(path: Path, error: OSError, expected: str) -> InputError:
    found = error.strerror or str(error)
    return InputError(Problem(str(path), found, expected, "Check the disk, or copy it anew"))


def read_text(path: Path, what: str) -> str:
    """Return the text of a UTF-8 file (a byte-order mark is dropped).

    Raises
    ------
    InputError
        If the file is missing, cannot be read, is of a kind that is no text, or is not
        UTF-8.
    """
    content = read_bytes(path, what)
    if (kind := binary_kind(content)) is not None:
        raise InputError(Problem(str(path), kind.name, what, kind.remedy))
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        where, remedy = f"{path}, byte {error.start}", "Save the file as UTF-8"
        raise InputError(Problem(where, not_utf8(error), f"{what} in UTF-8", remedy)) from None


def not_utf8(error: UnicodeDecodeError) -> str:
    """Return what to say of bytes that are not UTF-8: with the letter that Western
    European Windows would take the first for.
    """
    byte = error.object[error.start : error.start + 1]
    letter = byte.decode("cp1252", errors="ignore")
    return (
        "bytes that are not UTF-8"
        f" (0x{byte.hex().upper()}{f', {letter!r} in Windows-1252' if letter else ''})"
    )


def read_json(path: Path, what: str) -> Any:  # noqa: ANN401 - JSON is untyped until a schema has seen it
    """Return the parsed content of a JSON file; NaN and Infinity are refused.

    Raises
    ------
    InputError
        If the file is missing, is not UTF-8, or is not JSON; with every NaN and every
        key that stands twice in one object.
    """
    problems = ProblemList()
    content = json_in(read_text(path, what), path, what, problems)
    problems.raise_if_any()
    return content


def json_in(text: str, path: Path, what: str, problems: ProblemList, *, finite: bool = True) -> Any:  # noqa: ANN401 - as above
    """Return the parsed content of the text of a JSON file, noting each key that stands
    twice in one object and, with `finite`, each NaN or infinity, and each number that is
    one in floating point.

    Raises
    ------
    InputError
        If it is not JSON.
    """
    twice: list[tuple[dict[str, Any], list[str]]] = []
    constants: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        if len(content) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            twice.append((content, [key for key, count in counts.items() if count > 1]))
        return content

    def constant(word: str) -> float:
        constants.append(word)
        return float(word)

    hooks: dict[str, Any] = {"parse_constant": constant, "object_pairs_hook": unique}
    if MAYBE_LARGE.search(text):
        ordinary = _ordinary(constants)
        hooks |= {"parse_float": ordinary, "parse_int": ordinary}
    content = _parsed(text, path, what, hooks)
    place = dict(_places(content)) if twice else {}
    for item, keys in twice:
        for key in keys:
            found, remedy = f"the key {key!r} twice in one object", "Remove one"
            problems.add(f"{path}{place.get(id(item), '')}", found, "each key once", remedy)
    for word in constants if finite else ():
        expected = "a finite number, or null where it is unknown"
        problems.add(str(path), word, expected, "Replace it")
    return content


def _ordinary(constants: list[str]) -> Callable[[str], float]:
    """Return what reads a number of JSON, and notes one that floating point does not hold."""

    def number(word: str) -> float:
        try:
            value = int(word) if word.lstrip("-").isdigit() else float(word)
            if math.isfinite(float(value)):
                return value
        except OverflowError:
            pass
        constants.append(word if len(word) < MOST_DIGITS else f"a number of {len(word)} digits")
        return math.inf

    return number


def _parsed(
    text: str,
    path: Path,
    what: str,
    hooks: Mapping[str, Any],
) -> Any:  # noqa: ANN401 - as above
    """Return what `json.loads` does, or say where the text is no JSON."""
    try:
        return json.loads(text, **hooks)
    except json.JSONDecodeError as error:
        if (kind := text_kind(text)) is not None:
            remedy = kind.remedy or "Check that it is the right file"
            raise InputError(Problem(str(path), kind.name, f"{what} as JSON", remedy)) from None
        raise InputError(
            Problem(
                f"{path}, line {error.lineno}, column {error.colno}",
                f"text that is not JSON ({error.msg})" if text.strip() else "an empty file",
                f"{what} as JSON",
                "Mend the file there",
            )
        ) from None
    except RecursionError:
        raise InputError(
            Problem(
                str(path),
                "brackets nested too deep to read",
                f"{what} as JSON",
                "Check that it is the right file",
            )
        ) from None
    except ValueError as error:  # Python refuses integers of thousands of digits
        raise InputError(
            Problem(
                str(path),
                str(error),
                f"{what} as JSON, with numbers of ordinary size",
                "Check that it is the right file",
            )
        ) from None


def _places(content: object) -> Iterator[tuple[int, str]]:
    """Yield the identity of each object of parsed JSON, and where it lies in its file."""
    waiting = [(content, "")]
    while waiting:
        item, place = waiting.pop()
        if isinstance(item, dict):
            yield id(item), f", {place}" if place else ""
            waiting += [(each, f"{place}.{key}" if place else key) for key, each in item.items()]
        elif isinstance(item, list):
            waiting += [(each, f"{place}[{k}]") for k, each in enumerate(item)]


def _toml_remedy(path: Path, text: str, error: str) -> str:
    """Return what to do about text that is not TOML, by what stands in the line at fault."""
    if path.suffix.lower() != ".toml":
        beside = sorted(each.name for each in path.parent.glob("*.toml"))
        named = f", such as {beside[0]}" if beside else ""
        return f"Give a file whose name ends in .toml{named}"
    place = re.search(r"at line (\d+)", error)
    lines = text.splitlines()
    number = int(place[1]) - 1 if place else len(lines)
    line = lines[number] if number < len(lines) else ""
    for pattern, remedy in _TOML_SLIPS.items():
        if re.search(pattern, line):
            return remedy
    return (
        "Keep one of them"
        if " twice " in error or "overwrite" in error
        else "Correct the file there"
    )


_TOML_SLIPS = {
    "[\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{DOUBLE LOW-9 QUOTATION MARK}]": (
        'Write straight quotation marks (")'
    ),
    r"=\s*(True|False|TRUE|FALSE|yes|no|Yes|No)\b": "Write true or false, in small letters",
    r'"[^"]*\\[^"]*"': "Write / in place of \\ in paths, or single quotes around them",
    r"^\s*\w+\s*:": "Write = between a name and its value",
    r"=\s*-?\d+,\d": "Write decimals with a point, and thousands without a mark",
    r"=\s*\d[\d.]*\s*%": "Write a share as a decimal number, such as 0.5 for 50 %",
    r"=\s*[-\d.]+\s+[A-Za-z]": "Write the number without its unit",
    r"=\s*[A-Za-z][\w ]*$": "Write texts in quotation marks",
}
"""What stands in a line that is not TOML -> what to do."""


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Return the parsed content of a TOML file.

    Raises
    ------
    InputError
        If the file is missing, is not UTF-8, or is not TOML; with the place at fault,
        or with what the file is instead.
    """
    text = read_text(path, what)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise InputError(
            Problem(
                str(path),
                "brackets nested too deep to read",
                f"{what} as TOML",
                "Check that it is the right file",
            )
        ) from None
    # TOMLDecodeError, and Python's refusal of integers of thousands of digits
    except ValueError as error:
        kind = text_kind(text)
        found = f"text that is not TOML ({error})" if kind is None else kind.name
        remedy = (
            _toml_remedy(path, text, str(error))
            if kind is None
            else kind.remedy or "Check that it is the right file"
        )
        raise InputError(Problem(str(path), found, f"{what} as TOML", remedy)) from None


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it over `path` only if the block ends
    well.

    Raises
    ------
    InputError
        If the folder cannot be written, or its disk is full.
    """
    with write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with folder_beside(path) as folder:
            yield folder / path.name
            (folder / path.name).replace(path)


@contextmanager
def write_errors(path: Path, other: str = "choose another --out") -> Iterator[None]:
    """Turn what the system says of a place that cannot be written into one message,
    with what to do other than to make room.

    Raises
    ------
    InputError
        If there is no permission, no room, or no such place.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _WRITE_ERRORS:
            raise
        raise InputError(_unwritable(path, error, other)) from None


def check_file(path: Path) -> None:
    """Check that a file can be written, before the work whose outcome it is to hold.

    Raises
    ------
    InputError
        If a folder or a link that leads nowhere stands in its place, or it cannot be
        written.
    """
    check_place(path)
    if path.is_dir():
        raise InputError(
            Problem(str(path), "a folder", "a file, or nothing yet", "Choose another --out")
        )


def check_place(path: Path) -> None:
    """Check that a file or folder can be made, by making a folder of its name beside it
    for a moment.

    Raises
    ------
    InputError
        If a file stands where a folder is needed, a link leads nowhere, the place
        cannot be written, a name is too long, or the disk is full.
    """
    with write_errors(path):
        nearest = _nearest_folder(path.absolute())
        with folder_beside(nearest / path.name) as probe:
            (probe / path.absolute().relative_to(nearest)).mkdir(parents=True)
            free = shutil.disk_usage(probe).free
    if free < LEAST_FREE:
        found, expected = (
            f"{free / 1e6:.1f} MB free",
            f"a disk with at least {LEAST_FREE / 1e6:.0f} MB free",
        )
        raise InputError(
            Problem(str(nearest), found, expected, "Make room, or choose another --out")
        )


def _nearest_folder(place: Path) -> Path:
    """Return the innermost folder around a place that exists; it can be written."""
    if place.is_symlink() and not place.exists():
        raise InputError(_dangling(place))
    nearest = place.parent
    while not os.path.lexists(nearest):
        nearest = nearest.parent
    if nearest.is_symlink() and not nearest.exists():
        raise InputError(_dangling(nearest))
    if not nearest.is_dir():
        raise InputError(
            Problem(str(nearest), "a file", "a folder, or nothing yet", "Choose another --out")
        )
    if not os.access(nearest, os.W_OK):
        found, expected = "no permission to write", "a folder that can be written"
        raise InputError(Problem(str(nearest), found, expected, "Choose another --out"))
    return nearest


def write_json(path: Path, content: object, *, indent: int | None = 2) -> None:
    """Write `content` as UTF-8 JSON, whole or not at all; NaN is refused.

    Raises
    ------
    ValueError
        If `content` holds NaN or infinity: a caller writes None for an unknown number.
    """
    with written_whole(path) as temporary:
        temporary.write_text(_json_text(content, indent) + "\n", encoding="utf-8")


MANY = 1000
"""Entries from which on a list of a JSON file has one line an entry: Python indents a
hundred times slower than it writes lines.
"""


def _json_text(content: object, indent: int | None) -> str:
    """Return JSON; with `indent`, long lists that are fields of the outermost object
    have one line an entry.
    """
    encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode
    indented = json.JSONEncoder(allow_nan=False, ensure_ascii=False, indent=indent).encode
    fields = content if isinstance(content, dict) else {}
    if indent is None or not any(
        isinstance(rows, list) and len(rows) >= MANY for rows in fields.values()
    ):
        return indented(content)
    line = "\n" + indent * " "

    def text(value: object) -> str:
        if isinstance(value, list) and len(value) >= MANY:
            blank = line + indent * " "
            return f"[{blank}{f',{blank}'.join(map(encode, value))}{line}]"
        return indented(value).replace("\n", line)  # a line feed within a text is escaped

    return (
        "{"
        + line
        + f",{line}".join(f"{encode(str(key))}: {text(value)}" for key, value in fields.items())
        + "\n}"
    )


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error, "a file that can be read") from None


def _unwritable(path: Path, error: OSError, other: str = "choose another --out") -> Problem:
    reason = os.strerror(error.errno) if error.errno else str(error)
    remedy = f"Make room, or {other}" if error.errno in _NO_ROOM else other[:1].upper() + other[1:]
    return Problem(
        str(path), reason[:1].lower() + reason[1:], "a place that can be written", remedy
    )


def _dangling(path: Path) -> Problem:
    found = f"a link to {path.readlink()}, which does not exist"
    return Problem(
        str(path), found, "a link to what exists", "Remove the link, or choose another --out"
    )


# What kind of file some bytes or some JSON are, so that a message names what was found
# and not the first letter that did not fit.
@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file, as messages call it, and how to make another kind of it; the
    remedy may be empty.
    """

    name: str
    remedy: str = ""


_TO_GEOJSON = "Export it as GeoJSON in EPSG:4326"

_TO_CSV = "Save the sheet as CSV UTF-8"

_XLS = FileKind("an Excel workbook (.xls)", _TO_CSV)

_XLSX = FileKind("an Excel workbook (.xlsx)", _TO_CSV)

_ODS = FileKind("an OpenDocument spreadsheet (.ods)", _TO_CSV)

SPREADSHEETS = (_XLS, _XLSX, _ODS)

_SIGNATURES: tuple[tuple[bytes, FileKind], ...] = (
    (b"\x00\x00\x27\x0a", FileKind("a shapefile", _TO_GEOJSON)),
    (
        b"SQLite format 3\0",
        FileKind("a GeoPackage or another SQLite database", "Export its table as a text file"),
    ),
    (b"\xd0\xcf\x11\xe0", _XLS),
    (b"\x1f\x8b", FileKind("gzip data", "Unpack it")),
    (b"BZh", FileKind("bzip2 data", "Unpack it")),
    (b"7z\xbc\xaf\x27\x1c", FileKind("a 7z archive", "Unpack it")),
    (b"PAR1", FileKind("a Parquet file", "Export it as CSV")),
    (b"%PDF", FileKind("a PDF document", "Export the data itself")),
    (b"\x89PNG", FileKind("a picture")),
    (b"\xff\xd8\xff", FileKind("a picture")),
)

_IN_ZIP: tuple[tuple[bytes, FileKind], ...] = (
    (b"xl/", _XLSX),
    (b"opendocument.spreadsheet", _ODS),
    (b".shp", FileKind("a zipped shapefile", _TO_GEOJSON)),
)

_ZIP = FileKind("a ZIP archive", "Unpack it")

_WEB_PAGE = FileKind(
    "a web page", "Download the file itself; the server may have answered with an error page"
)

_XML = FileKind("an XML file")

_MOST_ZIP = 1 << 20
"""Bytes at either end of a ZIP archive in which its names are looked for."""

INSTANCE = "an instance"
PLAN = "a plan"
GEOJSON = "GeoJSON"

_COMMANDS = {INSTANCE: "Use `solve`, which takes instances"}


def binary_kind(content: bytes) -> FileKind | None:
    """Return the kind of a file that is no text, by its first bytes; None where they
    say nothing.
    """
    if content.startswith(b"PK\x03\x04"):
        ends = content[:_MOST_ZIP] + content[-_MOST_ZIP:]
        return next((kind for mark, kind in _IN_ZIP if mark in ends), _ZIP)
    return next((kind for mark, kind in _SIGNATURES if content.startswith(mark)), None)


def text_kind(text: str) -> FileKind | None:
    """Return the kind of a text that was taken for something else: XML, JSON or TOML;
    None where it is none of them.
    """
    start = text.lstrip()[:200].casefold()
    if start.startswith("<"):
        return _WEB_PAGE if "html" in start else _XML
    try:
        if start.startswith(("{", "[")):
            kind = json_kind(json.loads(text))
            return FileKind(f"JSON: {kind}", _COMMANDS.get(kind, ""))
        content: Mapping[str, object] = tomllib.loads(text)
    except (ValueError, RecursionError):
        return None
    if "schema_version" in content and "region" in content:
        return FileKind("a scenario (TOML)", "Use `plan`, which takes scenarios")
    return FileKind("TOML") if content else None


def json_kind(content: object) -> str:
    """Return what an object of JSON is, by its keys: an instance, a plan, GeoJSON, or
    an object or a list of something else.
    """
    if not isinstance(content, dict):
        return "a list" if isinstance(content, list) else "a bare value"
    if "nodes" in content and "arcs" in content:
        return INSTANCE
    if (
        isinstance(content.get("features"), list)
        or "coordinates" in content
        or content.get("type") == "Feature"
    ):
        return GEOJSON
    options = content.get("options")
    if isinstance(options, list) and not any(isinstance(option, dict) for option in options):
        return PLAN
    keys = ", ".join(str(key)[:30] for key in list(content)[:5])
    return f"an object with {keys}" if keys else "an empty object"


# Values as TOML writes them: text of maps and records cannot end its string, its
# comment or its line.
def toml_value(value: object) -> str:
    """Return a value on one line of TOML.

    Parameters
    ----------
    value
        Text, a number, a truth value, or lists and dicts of these; anything else goes
        as its text. Lone surrogates, which no file can hold, become U+FFFD.
    """
    if isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float):
        return repr(float(value))  # inf and nan are words of TOML, too
    if isinstance(value, dict):
        return (
            "{ "
            + ", ".join(
                f"{toml_value(str(name))} = {toml_value(item)}" for name, item in value.items()
            )
            + " }"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    text = str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_comment(text: str) -> str:
    """Return text as a comment on one line of TOML."""
    return f"# {printable(text)}".rstrip()


GEOJSON_SUFFIXES = frozenset({".geojson", ".json"})

IN_DEGREES = (
    "longitude and latitude in degrees, not coordinates of a projected reference system (CRS)"
)

TO_DEGREES = "Convert them to longitude and latitude in WGS 84 (EPSG:4326)"
"""What to do about positions in another coordinate reference system."""

LEAST_METRES = 1000.0
"""Size of a coordinate, beyond degrees, from which on it is taken for metres of a
projected system; below it, for a slip.
"""


def read_features(path: Path) -> list[dict[str, Any]]:
    """Return the features of a GeoJSON FeatureCollection in WGS 84, each with
    `properties`, an object, and `geometry`, an object or None.

    Raises
    ------
    InputError
        If the file is not a FeatureCollection, or names a reference system other than
        WGS 84 (RFC 7946 allows no other).
    """
    content = read_json(path, "a GeoJSON file")
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list):
        kind = json_kind(content)
        found = "GeoJSON that is no collection" if kind == GEOJSON else kind
        raise InputError(
            Problem(str(path), found, "a GeoJSON FeatureCollection", "Export it as GeoJSON")
        )
    for number, feature in enumerate(features, start=1):
        if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict | None):
            expected = "a Feature with a geometry, an object or null"
            raise InputError(
                Problem(
                    f"{path}, feature {number}",
                    json_kind(feature),
                    expected,
                    "Export it as GeoJSON",
                )
            )
    system = str(content.get("crs") or "CRS84")
    if "CRS84" not in system and "4326" not in system:
        raise InputError(
            Problem(
                f"{path}, crs", system, "longitude and latitude in WGS 84", "Export it in EPSG:4326"
            )
        )
    return [
        {
            **feature,
            "geometry": feature.get("geometry"),
            "properties": (
                feature["properties"] if isinstance(feature.get("properties"), dict) else {}
            ),
        }
        for feature in features
    ]


def feature(kind: str, coordinates: object, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return a feature with a geometry of some kind and its properties."""
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": dict(properties),
    }


def geometry_type(geometry: object) -> str:
    """Return the type of a geometry as its file gives it; empty where there is none, or
    it is no text.
    """
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    return kind if isinstance(kind, str) else ""


def looks_projected(*coordinates: float) -> bool:
    """Return whether coordinates that are no degrees are of the size of metres in a
    projected system.
    """
    return any(LEAST_METRES <= abs(value) < math.inf for value in coordinates)
