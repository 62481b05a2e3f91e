"""Names that are code to what people open: formulas, tags, lines of a calendar, paths,
escapes. They are refused, or are text in every file that is written and on the console.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from xml.etree.ElementTree import Element

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from optimizer.base.errors import OptimizerError, printable
from optimizer.base.files.readwrite import toml_value
from tests.golden_scenarios import PEOPLE
from tests.marathon.judge import Said, commanded, refusal
from tests.marathon.samples import RECORD
from tests.marathon.tally import HangError, Tally, at_most, last_frame
from tests.test_scenario_patrols import BASE, TEAM
from tests.tiny import SCENARIO, SEIZURES, SITES, write_scenario

SECONDS = 900
NAMES = (
    *('=HYPERLINK("http://x","y")', "=1+1", "+1+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0"),
    *("@SUM(1+1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\N{FULLWIDTH EQUALS SIGN}1+1"),
    *("<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "<!--", "]]>", "&x;"),
    *('" onmouseover="alert(1)', "' onclick='alert(1)", "{{ 7*7 }}", "${7*7}", "javascript:alert(1)"),
    *("x\r\nATTENDEE:mailto:x@example.org", "END:VEVENT", "a,b;c", "[a](javascript:b) `c` *d*"),
    *("../../../etc/passwd", "/etc/passwd", "a/b\\c:d*e?f|g", "CON", "a.", "..", "-rf", "~", "%00"),
    *("a\x1b[2Jb", "a\x07b", "a\x00b", "\u202eevil", "a\u2028b", "\ud800", "x" * 10_000, "x" * 250),
    *("\N{PILE OF POO}" * 60, "e\u0301" * 90, "'", '"', "NULL", "nan", "1e999", "0x1F", "٣"),
)  # fmt: skip
"""What a site, an agency, a drug may be called in a file of somebody else."""

FORMULA = re.compile("[=+\\-@\t\r\n\N{FULLWIDTH EQUALS SIGN}]")
"""Begin of a cell that a spreadsheet may run."""
TAGS = ("<img src=x", "</script><script>")
"""What stands in a page as it is only where a name has become a part of the page."""

INPUTS = "scenario.zip"
"""The user's own files, as they are."""

STEPS = (
    "plan {in}/scenario.toml --method greedy --no-report --out {out}/plan",
    "export {out}/plan --no-figures --out {out}/layers",
    "roster {out}/plan --from 2026-12-01 --weeks 1 --time-limit 5 --out {out}/roster",
    "compare {out}/plan {out}/plan --out {out}/compared",
    "explain {out}/plan --out {out}/explained",
    "release {in}/record.csv --to customs --out {out}/released",
    "import csv {in}/record.csv --date time --lon lon --lat lat --drug drug --out {out}/imported",
    "exchange {in}/seizures.csv {out}/seizures.geojson",
    "exchange {in}/seizures.csv {out}/seizures.json",
    "exchange {out}/seizures.json {out}/again.csv",
    "risk look {in}/scenario.toml --effort 5 --unit hours --out {out}/look",
    "check {in}/scenario.toml",
)
"""Commands that write what people open."""


def run_names(tally: Tally, count: int, seed: int, only: Sequence[str] = ()) -> None:
    """Give everything in a scenario that has a name one of `NAMES`, and look at all
    that is written: `count` names from the one of that number on, 0 for each once.
    """
    for number in range(seed, seed + (count or len(NAMES))):
        if tally.stopped:
            return
        name = NAMES[number % len(NAMES)]
        with TemporaryDirectory(prefix="marathon-") as place:
            inputs, out = Path(place).resolve() / "in", Path(place).resolve() / "out"
            _write(inputs, name, number)
            out.mkdir()
            for step in STEPS:
                if only and step.split()[0] not in only:
                    continue
                if "{out}/plan" in step and step[:4] != "plan" and not (out / "plan").exists():
                    continue  # the name was refused
                words = [word.format_map({"in": inputs, "out": out}) for word in step.split()]
                _step(step, words, name, out, tally)


def _step(step: str, words: list[str], name: str, out: Path, tally: Tally) -> None:
    case = f"{step.split(maxsplit=1)[0]}, the name {name[:60]!r}"
    group = " ".join(word for word in step.split()[:2] if word.isalpha())
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    try:
        with at_most(SECONDS):
            said = commanded(words)
    except OptimizerError as error:
        outcome, why = refusal(error, [""])
        tally.add(group, outcome, f"{case}: {why}")
        return
    except HangError:
        tally.add(group, "hang", case)
        return
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        tally.add(group, "traceback", f"{case}: {last_frame(error)}")
        return
    new = [path for path in out.rglob("*") if before.get(path) != path.stat().st_mtime_ns]
    faults = [*_faults_of_lines(said), *(fault for path in new for fault in _faults(path, out))]
    if faults:
        tally.add(group, "silent", f"{case}: {faults[0]}, and {len(faults) - 1} more")
    else:
        tally.add(group, "accepted")


def _write(folder: Path, name: str, number: int) -> None:
    """Write a scenario and records in which everything is called that; ids stay."""
    text = (
        SCENARIO + BASE + (TEAM if number % 2 else "") + PEOPLE.replace("number = 6", "number = 20")
    )
    for old in ('name = "Tiny border"', 'name = "Police"', 'source = "made up"'):
        key = old.partition(" ")[0]
        text = text.replace(old, f"{key} = {toml_value(name)}")
    text = re.sub(
        r'^label = ".*"$', lambda _: f"label = {toml_value(name)}", text, flags=re.MULTILINE
    )
    write_scenario(folder, text)
    safe = name.encode("utf-8", "replace").decode()
    for file, content, column in (
        ("sites.csv", SITES, 1),
        ("seizures.csv", SEIZURES, 3),
        ("record.csv", RECORD, 3),
    ):
        rows = list(csv.reader(io.StringIO(content)))
        for row in rows[1:]:
            row[column] = safe
        written = io.StringIO(newline="")
        csv.writer(written, lineterminator="\n").writerows(rows)
        (folder / file).write_text(written.getvalue(), encoding="utf-8", newline="")


def _faults_of_lines(said: Said) -> Iterator[str]:
    """Yield lines of the console that steer a terminal."""
    yield from (f"the console: {line[:80]!r}" for line in said.lines if printable(line) != line)


def _faults(path: Path, out: Path) -> Iterator[str]:
    """Yield what is code in a file, or in its name."""
    if not path.is_file() or path.name == INPUTS:
        return
    if not path.resolve().is_relative_to(out) or printable(path.name) != path.name:
        yield f"a file {path.name!r}"
    yield from (f"{path.name}: {fault}" for fault in _in(path.suffix, path.read_bytes()))


def _in(suffix: str, content: bytes) -> Iterator[str]:
    check = CHECKS.get(suffix)
    if check is None:
        return
    try:
        yield from check(content)
    except (ValueError, ParseError, DefusedXmlException, csv.Error) as error:
        yield f"cannot be read: {error}"


def _table(content: bytes) -> Iterator[str]:
    for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True):
        for cell in row:
            if FORMULA.match(cell) and not re.fullmatch(r"[+-]?[\d.,:eE+\-]+( .*)?", cell):
                yield f"the cell {cell[:60]!r}"


def _page(content: bytes) -> Iterator[str]:
    text = content.decode()
    yield from (f"the tag {tag}" for tag in TAGS if tag in text)
    reader = _Attributes()
    reader.feed(text)
    yield from (f"the attribute {name}" for name in reader.found)


class _Attributes(HTMLParser):
    """Finds attributes of a page that run what a name says."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {key}" for key, value in attrs if (value or "") == "alert(1)"]


def _calendar(content: bytes) -> Iterator[str]:
    lines = content.decode().replace("\r\n ", "").split("\r\n")
    known = ("BEGIN", "END", "VERSION", "PRODID", "UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY")
    more = ("DESCRIPTION", "LOCATION", "GEO", "CALSCALE", "METHOD", "NAME", "X-", "TZ", "RRULE")
    for line in lines:
        if (
            "\n" in line
            or "\r" in line
            or (
                line
                and not line.startswith(
                    (
                        *known,
                        *more,
                        "CATEGORIES",
                        "SEQUENCE",
                        "TRANSP",
                        "COMMENT",
                        "REFRESH",
                        "SOURCE",
                        "URL",
                        "COLOR",
                        "STATUS",
                        "LAST-",
                        "CREATED",
                    )
                )
            )
        ):
            yield f"the line {line[:60]!r}"


def _xml(content: bytes) -> Iterator[str]:
    root: Element = fromstring(content, forbid_dtd=False)
    if any(part.tag in {"img", "script"} for part in root.iter()):
        yield "a tag of a name"


def _json(content: bytes) -> Iterator[str]:
    json.loads(content)
    yield from ()


def _archive(content: bytes) -> Iterator[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or printable(name) != name or "\\" in name:
                yield f"the part {name!r}"
            yield from _in(path.suffix, archive.read(name))


CHECKS: dict[str, Callable[[bytes], Iterator[str]]] = {
    ".csv": _table,
    **dict.fromkeys((".html", ".htm"), _page),
    ".ics": _calendar,
    **dict.fromkeys((".gpx", ".kml", ".svg", ".qml", ".qgs", ".xml"), _xml),
    **dict.fromkeys((".json", ".geojson"), _json),
    **dict.fromkeys((".zip", ".qgz", ".kmz"), _archive),
}
"""Suffix -> what finds code in a file."""
