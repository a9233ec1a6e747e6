"""Build the pages as a site, build/docs/site: make docs

The sources are copied to build/docs/source: README.md becomes the first page, and each family of parts gets a
page of its classes. docs/reference/params.md is generated from the code and updated in this folder.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from docs.classes_page import FAMILIES, page_of_classes
from docs.params_page import PAGE, page_of_params

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BUILD = ROOT / "build" / "docs"
PAGES = ("*.md", "*.png", "*.css")
CLASSES = {"Classes": "reference/classes"}  # in zensical.toml: replaced by the pages of the families


def prepare(source: Path) -> None:
    """Make the folder that Zensical builds."""
    shutil.rmtree(source, ignore_errors=True)
    for pattern in PAGES:
        for path in DOCS.rglob(pattern):
            copied = source / "docs" / path.relative_to(DOCS)
            copied.parent.mkdir(parents=True, exist_ok=True)
            text = path.suffix == ".md"
            copied.write_bytes(_on_site(path.read_text("utf-8")).encode() if text else path.read_bytes())
    readme = (ROOT / "README.md").read_text("utf-8").replace("](docs/", "](")
    (source / "docs" / "index.md").write_text(readme, "utf-8")
    classes = source / "docs" / "reference" / "classes"
    classes.mkdir()
    for family in FAMILIES:
        (classes / f"{family}.md").write_text(page_of_classes(family), "utf-8")
    (source / "zensical.toml").write_text(_settings(), "utf-8")


def _on_site(text: str) -> str:
    return text.replace("](../README.md", "](index.md").replace("](../../README.md", "](../index.md")


def _settings() -> str:
    """Return zensical.toml with a page for each family."""
    (name, folder), *_ = CLASSES.items()
    pages = [f'{{ "{title}" = "{folder}/{family}.md" }}' for family, title in FAMILIES.items()]
    settings = (DOCS / "zensical.toml").read_text("utf-8")
    return settings.replace(f'"{name}" = "{folder}"', f'"{name}" = [{", ".join(pages)}]')


def main() -> int:
    PAGE.write_text(page_of_params(), "utf-8")
    prepare(BUILD / "source")
    shutil.rmtree(BUILD / "site", ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "-f", "zensical.toml"]
    failed = subprocess.run(command, cwd=BUILD / "source", check=False).returncode
    if not failed:
        (BUILD / "source" / "site").rename(BUILD / "site")
    return failed


if __name__ == "__main__":
    sys.exit(main())
