"""Versions of installed packages."""

from importlib.metadata import PackageNotFoundError, version


def installed(package: str) -> str:
    """The version of a package; empty if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
