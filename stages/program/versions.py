"""Versions of installed packages."""

from importlib.metadata import PackageNotFoundError, version


def installed(package: str) -> str:
    """Of one package; empty where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
