"""Versions of installed packages."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def package_version(package: str = "border-interdiction") -> str:
    """Return the version of an installed package, this one if not given; `unknown`
    where it is not installed.
    """
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
