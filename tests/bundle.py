"""Make an archive from which the program is installed and used on a machine without a
network.

`python -m tests.bundle` writes `build/interdict-bundle-<platform>-py<version>.zip`:
wheels of the last commit and of all it needs, for one platform and one version of
Python, the shipped scenario, the documentation's site where it was built
(`build/site`), the plugin for QGIS, a bill of materials (CycloneDX), checksums, and an
installation script. Wheels are downloaded by pip from the registry that pip is set to;
nothing is compiled. `--try` unpacks the archive in a temporary folder, cuts the network
off (`unshare -rn`, on Linux), installs and plans there.

    --platform linux|windows   for whom (default: linux)
    --python 3.12              of which version (default: this one)
    --out FOLDER               where the archive goes (default: build)
    --try                      install and plan from it with the network off
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from optimizer.base.files.readwrite import sha256, written_whole

ROOT = Path(__file__).parents[1]

PLATFORMS = {
    "linux": (
        "manylinux_2_28_x86_64",
        "manylinux_2_27_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
    ),
    "windows": ("win_amd64",),
}

MOST_MB = 400
"""Megabytes that an archive may have: it must go through slow lines and on small sticks."""

SCENARIO = "instances/rio-grande-roads"

INSTALL_LINUX = """#!/bin/sh
# Installs beside this file, from this folder alone. Another Python: PYTHON=python{version} ./install.sh
set -eu
cd "$(dirname "$0")"
sha256sum --quiet -c SHA256SUMS
"${{PYTHON:-python{version}}}" -m venv environment
environment/bin/python -I -m pip install -q --no-index --find-links wheels --only-binary :all: 'border-interdiction[sheets]'
echo "Installed. A first plan: environment/bin/interdict plan {scenario}/scenario.toml"
"""

INSTALL_WINDOWS = """@echo off
rem Installs beside this file, from this folder alone. It needs Python {version}.
cd /d "%~dp0"
py -{version} -m venv environment || exit /b 1
environment\\Scripts\\python -I -m pip install -q --no-index --find-links wheels --only-binary :all: "border-interdiction[sheets]" || exit /b 1
echo Installed. A first plan: environment\\Scripts\\interdict plan {scenario}\\scenario.toml
"""

README = """# {name} {version}, without a network

For {platform} with Python {python}. Run `{script}` in this folder: it makes `environment` beside it from the wheels in `wheels`.
{check}
`site/index.html` is the documentation{site}. `interdict-qgis.zip` is the plugin for QGIS. `bill-of-materials.json` (CycloneDX 1.6) names each
wheel with its version, licence and checksum.
"""


@dataclass(frozen=True)
class Wheel:
    """A wheel of the archive: file, name, version and licence as it states them."""

    path: Path
    name: str
    version: str
    licence: str

    @classmethod
    def read(cls, path: Path) -> Wheel:
        """Return what a wheel says of itself."""
        with zipfile.ZipFile(path) as archive:
            (metadata,) = (
                name
                for name in archive.namelist()
                if name.endswith(".dist-info/METADATA") and name.count("/") == 1
            )
            said = HeaderParser().parsestr(archive.read(metadata).decode("utf-8"))
        classified = [
            text.rpartition(":: ")[2]
            for text in said.get_all("Classifier", [])
            if text.startswith("License ::")
        ]
        stated = (
            said["License-Expression"]
            or " and ".join(classified)
            or (said["License"] or "not stated")
        )
        return cls(path, said["Name"], said["Version"], stated.splitlines()[0][:100])

    def component(self) -> dict[str, object]:
        """Return its entry in a bill of materials."""
        return {
            "type": "library",
            "name": self.name,
            "version": self.version,
            "purl": f"pkg:pypi/{self.name.lower().replace('_', '-')}@{self.version}",
            "licenses": [{"license": {"name": self.licence}}],
            "hashes": [{"alg": "SHA-256", "content": sha256(self.path)}],
        }


def main(arguments: list[str] | None = None) -> int:
    """Make the archive, say what it holds, and try it where asked."""
    parser = argparse.ArgumentParser(
        prog="tests.bundle", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--platform", choices=PLATFORMS, default="linux")
    parser.add_argument("--python", default=f"{sys.version_info.major}.{sys.version_info.minor}")
    parser.add_argument("--out", type=Path, default=ROOT / "build")
    parser.add_argument("--try", action="store_true", dest="tried")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        content = Path(folder) / f"interdict-bundle-{given.platform}-py{given.python}"
        (content / "wheels").mkdir(parents=True)
        wheels = fetched(content / "wheels", given.platform, given.python)
        write_beside(content, wheels, given.platform, given.python)
        archive = given.out / f"{content.name}.zip"
        with written_whole(archive) as temporary:
            pack(content, temporary)
    size = archive.stat().st_size / 1e6
    print(f"{archive}: {size:.0f} MB, {len(wheels)} wheels")
    if size > MOST_MB:
        print(f"It is larger than {MOST_MB} MB", file=sys.stderr)
        return 1
    return try_offline(archive) if given.tried else 0


def fetched(folder: Path, platform: str, python: str) -> list[Wheel]:
    """Build the package's wheel and download those of all it needs; return what is in
    the folder.
    """
    pip = [sys.executable, "-m", "pip"]
    with (
        tempfile.TemporaryDirectory() as source
    ):  # the last commit: `build` of a checkout may hold modules that are gone
        committed = subprocess.run(
            ["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", source], input=committed, check=True)
        subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", folder, source], check=True)
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*needed["dependencies"], *needed["optional-dependencies"]["sheets"]]
    names = [argument for name in PLATFORMS[platform] for argument in ("--platform", name)]
    of_target = [
        "--only-binary",
        ":all:",
        "--implementation",
        "cp",
        "--python-version",
        python,
        *names,
    ]
    command = [
        *pip,
        "download",
        "-q",
        "-d",
        folder,
        "-c",
        ROOT / "constraints.txt",
        *of_target,
        *wanted,
    ]
    subprocess.run(command, check=True)
    return [Wheel.read(path) for path in sorted(folder.glob("*.whl"))]


def write_beside(content: Path, wheels: list[Wheel], platform: str, python: str) -> None:
    """Write what stands beside the wheels: scenario, site, plugin, bill of materials,
    scripts, checksums.
    """
    from optimizer.report.qgis.archive import Contact, plugin_archive

    tracked = subprocess.run(
        ["git", "ls-files", "-z", SCENARIO], cwd=ROOT, capture_output=True, check=True
    ).stdout
    site = ROOT / "build" / "site"
    copied = [ROOT / name for name in tracked.decode().split("\0") if name]
    pages = (
        [path for path in site.rglob("*") if path.is_file() and ".doctrees" not in path.parts]
        if site.is_dir()
        else []
    )
    for path, target in [
        *((p, p.relative_to(ROOT)) for p in copied),
        *((p, Path("site") / p.relative_to(site)) for p in pages),
    ]:
        (content / target).parent.mkdir(parents=True, exist_ok=True)
        (content / target).write_bytes(path.read_bytes())
    (content / "interdict-qgis.zip").write_bytes(plugin_archive(Contact("", "", "")))
    (content / "bill-of-materials.json").write_text(
        json.dumps(bill_of_materials(wheels), indent=1), encoding="utf-8"
    )
    script, text = (
        ("install.sh", INSTALL_LINUX) if platform == "linux" else ("install.cmd", INSTALL_WINDOWS)
    )
    (content / script).write_text(text.format(version=python, scenario=SCENARIO), encoding="utf-8")
    (content / script).chmod(0o755)
    own = next(wheel for wheel in wheels if wheel.name == "border-interdiction")
    said = README.format(
        name=own.name,
        version=own.version,
        platform={"linux": "Linux (x86-64)", "windows": "Windows (x86-64)"}[platform],
        python=python,
        script=script,
        check=(
            "It checks `SHA256SUMS` first.\n"
            if platform == "linux"
            else "`SHA256SUMS` holds the checksums of all files.\n"
        ),
        site="" if pages else " (not in this archive: the site was not built)",
    )
    (content / "README.md").write_text(said, encoding="utf-8")
    files = sorted(path for path in content.rglob("*") if path.is_file())
    sums = "".join(f"{sha256(path)}  {path.relative_to(content).as_posix()}\n" for path in files)
    (content / "SHA256SUMS").write_text(sums, encoding="utf-8")


def bill_of_materials(wheels: list[Wheel]) -> dict[str, object]:
    """Return a bill of materials in the form of CycloneDX 1.6."""
    own = next(wheel for wheel in wheels if wheel.name == "border-interdiction")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": own.component() | {"type": "application"}},
        "components": [wheel.component() for wheel in wheels if wheel is not own],
    }


def pack(content: Path, archive: Path) -> None:
    """Write a folder as an archive, with its name as the folder in it; scripts stay executable."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(path for path in content.rglob("*") if path.is_file()):
            how = zipfile.ZIP_STORED if path.suffix == ".whl" else zipfile.ZIP_DEFLATED
            packed.write(path, f"{content.name}/{path.relative_to(content).as_posix()}", how)


def try_offline(archive: Path) -> int:
    """Unpack, install and plan with the network cut off; return the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["unzip", "-q", archive, "-d", folder], check=True)
        (content,) = Path(folder).iterdir()
        steps = {
            "no network": (
                "! python3 -c \"import socket; socket.create_connection(('192.0.2.1', 80), 3)\" 2>"
                " /dev/null"
            ),
            "installed": "./install.sh",
            "planned": (
                f"environment/bin/interdict plan {SCENARIO}/scenario.toml --time-limit 20 --out"
                " plan"
            ),
        }
        for name, command in steps.items():
            begun = time.monotonic()
            done = subprocess.run(
                ["unshare", "-rn", "sh", "-ec", command], cwd=content, check=False
            )
            print(f"{name}: exit {done.returncode}, {time.monotonic() - begun:.0f} s")
            if done.returncode:
                return done.returncode
        space = sum(
            path.stat().st_size for path in (content / "environment").rglob("*") if path.is_file()
        )
        print(f"environment: {space / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
