"""An older model is the champion again: a new tag on its commit, a record, and word to whoever wants to hear.

It needs no server, and waits for no retraining: one that is under way does not promote over it.
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
    """To the champion of that name, or the one before; ValueError when there is none."""
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
