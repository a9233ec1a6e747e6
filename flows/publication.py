"""Publish the result of a retraining: a record, a notification, and the page of the run."""

import shutil
from datetime import datetime

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.logging import get_run_logger

from flows import champion, champions, record_page, run_label, run_page, starter
from flows.candidacy import REPORT, REPORT_OF_FAILED
from flows.champion import RECORDS
from flows.dvc_command import PROJECT
from flows.exhibits import PICTURE, Exhibits
from flows.exhibits import REPORT as REPORT_NAME
from flows.notification import notify
from flows.record import Record, drop, keep, note, noted
from stages.schema.manifest_row import REJECTED

FOLDER = PROJECT / RECORDS


def prepare(record: Record, exhibits: Exhibits) -> None:
    """Note a promotion before its tag: if the retraining is killed then, the next one publishes it."""
    _keep_exhibits(record, exhibits)
    note(record, FOLDER)


def publish_noted() -> None:
    """Publish the promotion of a retraining that was killed before it did; drop the note if no tag exists."""
    champions_now = {(known.tag, known.commit) for known in champion.history(PROJECT)}
    for record in noted(FOLDER):
        if (record.champion, record.commit) in champions_now:
            record.reasons.append("reported by the next retraining, because this one was killed")
            run_page.make_all((_record, _notification), record, Exhibits())
        else:
            shutil.rmtree(record.place(FOLDER), ignore_errors=True)
            drop(record, FOLDER)


def leave_record(record: Record, exhibits: Exhibits) -> None:
    """Write a record, except for NothingNew."""
    get_run_logger().info("%s: %s", record.name, record.said)
    if record.name != "NothingNew":
        if record.name != "Promoted":  # ``prepare`` wrote those
            _keep_exhibits(record, exhibits)
        run_page.make_all((_record,), record, exhibits)


def publish(record: Record, exhibits: Exhibits) -> None:
    """Send a notification, except for NothingNew, and update the pages."""
    is_news = record.name != "NothingNew"
    news = (_notification, _report, _transcripts, _drift) if is_news else ()
    run_page.make_all((_champions, _label, _page, *news), record, exhibits)


def publish_lost(why: str) -> None:
    """Write a record and send a notification for a retraining that had no server or lost it."""
    record = Record(started=datetime.now().isoformat(timespec="seconds"), started_by=starter.terminal())
    record.name, record.reasons = "Failed", [why]
    keep(record, record_page.markdown(record), FOLDER)
    notify(f"Earshot retraining: {record.name}. {record.said}")


def _point_to_report(record: Record, exhibits: Exhibits) -> None:
    """Replace paths from the manifest stage's message, which the next retraining removes."""
    if exhibits.report and exhibits.report.is_file():
        place = record.place(RECORDS).as_posix()
        for folder in (REPORT_OF_FAILED.parent, REPORT.parent):
            for name in (REPORT_NAME, REJECTED):
                path = (folder / name).as_posix()
                record.reasons = [why.replace(path, f"{place}/{name}") for why in record.reasons]


def _keep_exhibits(record: Record, exhibits: Exhibits) -> None:
    """Write them to the record's folder; if this fails, the record is still written."""
    _point_to_report(record, exhibits)
    run_page.make_all((_exhibits,), record, exhibits)


def _exhibits(record: Record, exhibits: Exhibits) -> None:
    exhibits.write(record.place(FOLDER), record)


def _record(record: Record, exhibits: Exhibits) -> None:
    keep(record, record_page.markdown(record, record.place(FOLDER)), FOLDER)


def _notification(record: Record, exhibits: Exhibits) -> None:
    notify(f"Earshot retraining: {record.name}. {record.said}")


def _champions(record: Record, exhibits: Exhibits) -> None:
    found = champions.found_in(PROJECT)
    champions.write(found, PROJECT)
    champions.show(found, PROJECT)


def _label(record: Record, exhibits: Exhibits) -> None:
    names = {"Promoted": f"promoted {record.champion}", "NothingNew": "nothing new"}
    tags = [record.name.lower(), *([record.champion] if record.champion else [])]
    run_label.label(f"{names.get(record.name, record.name.lower())}, {record.when:%Y-%m-%d %H:%M}", tags)


def _page(record: Record, exhibits: Exhibits) -> None:
    text = record_page.markdown(record)
    create_markdown_artifact(text, "verdict", "The decision on the candidate, with reasons")


def _report(record: Record, exhibits: Exhibits) -> None:
    path = record.place(FOLDER) / REPORT_NAME
    if path.exists():
        create_link_artifact(path.as_uri(), "report.html", "corpus-report", f"Report on the corpus: {path}")


def _transcripts(record: Record, exhibits: Exhibits) -> None:
    if shown := record.transcripts.get("shown"):
        text = f"Utterances that got better or worse; all of them: {record.place(FOLDER)}/transcripts.csv"
        create_table_artifact(shown, "changed-transcripts", text)


def _drift(record: Record, exhibits: Exhibits) -> None:
    picture = record.place(FOLDER) / PICTURE
    if picture.exists():
        run_page.show_picture(
            run_page.uri_of(picture.read_bytes()),
            "drift",
            "New and old training data, and their distances so far",
        )
