"""Make an older model the champion again: a new tag on its commit, a record and a notification.

It needs no server and does not wait for a retraining: one in progress does not promote over it.
"""

from datetime import datetime

from flows import champion, record_page
from flows.candidate import params_at
from flows.dvc_command import PROJECT
from flows.notification import notify
from flows.params_file import params_changes
from flows.record import Record, keep
from flows.starter import terminal


def roll_back(name: str) -> Record:
    """Roll back to the champion of that name, or to the previous one; ValueError if there is none."""
    chosen, before = champion.to_return_to(name, PROJECT), champion.newest(PROJECT)
    assert before
    reason = f"rolled back from {before} to the model of {chosen.model}"
    record = Record(
        started=datetime.now().isoformat(timespec="seconds"),
        started_by=terminal(),
        name="RolledBack",
        before=before.tag,
        commit=chosen.commit,
        params=params_changes(params_at(before.tag, PROJECT), params_at(chosen.tag, PROJECT)),
    )
    record.champion = champion.restore(chosen, reason, PROJECT)
    record.reasons = [f"the champion is {record.champion} now, the model of {chosen.model} again", reason]
    keep(record, record_page.markdown(record), PROJECT / champion.RECORDS)
    notify(f"Earshot retraining: {record.name}. {record.said}")
    return record
