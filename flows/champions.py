"""The page of champions: every promotion, refusal and rollback, and the trend of the error rate.

python -m flows.champions

Prints the champions and writes artifacts/logs/champions.html; every retraining does, and shows it in the UI.
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
    """What git tags and records tell."""
    return succession(project, list(kept(project / RECORDS)))


def write(found: Succession, project: Path) -> Path:
    """The page, as one file that needs nothing else."""
    write_whole(project / PAGE, html(found, run_page.png_uri(draw(found))).encode())
    return PAGE


def show(found: Succession, project: Path) -> None:
    """In the Prefect UI."""
    trend = f"![{found.metric} of the champions]({run_page.png_uri(draw(found))})"
    told = f"Every champion, and who was refused; as a page of its own: {project / PAGE}"
    create_markdown_artifact(f"{trend}\n\n{markdown(found)}", "champions", told)


def main() -> None:
    try:
        found = found_in(PROJECT)
        print(markdown(found))
        print(f"with the trend as a picture: {write(found, PROJECT)}")
    except (ValueError, RuntimeError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
