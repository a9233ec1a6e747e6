"""The page of champions: every promotion, refusal and rollback, and the trend of the error rate.

python -m flows.champions

Prints the champions and writes artifacts/logs/champions.html. Each retraining also writes it, and shows it in
the UI.
"""

import sys
from pathlib import Path

from prefect.artifacts import create_markdown_artifact

from flows import run_page
from flows.champion import RECORDS
from flows.champions_page import html, markdown
from flows.dvc_command import PROJECT
from flows.record import kept
from flows.succession import Succession, succession
from flows.trend_picture import draw
from stages.program.outputs import write_whole

PAGE = Path("artifacts/logs/champions.html")


def found_in(project: Path) -> Succession:
    """Read git tags and records."""
    return succession(project, list(kept(project / RECORDS)))


def write(found: Succession, project: Path) -> Path:
    """Write the page as one self-contained file, and return its path."""
    write_whole(project / PAGE, html(found, run_page.png_uri(draw(found))).encode())
    return PAGE


def show(found: Succession, project: Path) -> None:
    """Show the page in the Prefect UI."""
    trend = f"![{found.metric} of the champions]({run_page.png_uri(draw(found))})"
    description = f"All champions and refused candidates; as a separate page: {project / PAGE}"
    create_markdown_artifact(f"{trend}\n\n{markdown(found)}", "champions", description)


def main() -> None:
    try:
        found = found_in(PROJECT)
        print(markdown(found))
        print(f"page with the trend as a picture: {write(found, PROJECT)}")
    except (ValueError, RuntimeError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
