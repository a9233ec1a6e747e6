"""Build the pages as a site, build/docs/site: make docs

The sources are copied to build/docs/source: README.md becomes the first page, and each family of parts gets a
page of its classes. docs/reference/params.md is generated from the code and updated in this folder.
"""

import json
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
    """zensical.toml with a page for each family, and where the code lies."""
    (name, folder), *_ = CLASSES.items()
    pages = [f'{{ "{title}" = "{folder}/{family}.md" }}' for family, title in FAMILIES.items()]
    settings = (DOCS / "zensical.toml").read_text("utf-8")
    settings = settings.replace('paths = ["."]', f"paths = [{json.dumps(str(ROOT))}]")
    return settings.replace(f'"{name}" = "{folder}"', f'"{name}" = [{", ".join(pages)}]')


def build(folder: Path) -> bool:
    """Whether it succeeds, without warnings: FOLDER/source as FOLDER/site."""
    source = folder / "source"
    prepare(source)
    shutil.rmtree(folder / "site", ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "-f", "zensical.toml"]
    if subprocess.run(command, cwd=source, check=False).returncode:
        return False
    (source / "site").rename(folder / "site")
    return True


def main() -> int:
    PAGE.write_text(page_of_params(), "utf-8")
    if not build(BUILD):
        return 1
    print(BUILD / "site" / "index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
