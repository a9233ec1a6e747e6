"""The steps of a candidate through the gate: check the data, train, judge, export and tag."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from prefect import State

from flows import candidate, champion, incoming, run_page, transcript_changes, unreached
from flows.champion import Champion
from flows.drift import drift
from flows.dvc_command import HYPOTHESES, PROJECT, TRAIN_MANIFEST
from flows.exhibits import Exhibits
from flows.gate import Gate, judge
from flows.git_command import git
from flows.params_file import params_changes, read_yaml
from flows.record import STAMP, Record
from flows.stage_tasks import reason, run_stages, up_to_date
from stages.schema.manifest_row import read_manifest

REPORT = Path("data/manifest/report.html")
REPORT_OF_FAILED = Path("data/manifest.partial/report.html")


@dataclass
class Candidacy:
    """``clone`` is where the candidate is made. Results go to ``record`` and ``exhibits``."""

    record: Record
    gate: Gate
    before: Champion | None
    clone: Path
    exhibits: Exhibits = field(default_factory=Exhibits)

    def look_at_data(self) -> list[str]:
        """Make the manifest and return what looks wrong with its new rows."""
        shutil.rmtree(self.clone / REPORT_OF_FAILED.parent, ignore_errors=True)  # an earlier candidate's
        self.exhibits.report = self.clone / REPORT_OF_FAILED
        self._run(["manifest"], alone=False)
        self.exhibits.report = self.clone / REPORT
        now = read_manifest(self.clone / TRAIN_MANIFEST)
        old = read_manifest(self._champions(TRAIN_MANIFEST)) if self.before else []
        self.record.manifest = candidate.manifest_digest(self.clone)
        self.record.data = candidate.new_data(old, now)
        if not self.before:
            return []
        params = read_yaml(self.clone / "params.yaml")
        self.record.params = params_changes(candidate.params_at(self.before.tag, PROJECT), params)
        self.exhibits.drift = drift(old, now)
        self.record.distances = self.exhibits.drift.distances()
        return incoming.complaints(
            old, now, self.gate.max_distribution_distance, self.gate.max_new_characters
        )

    def train(self) -> None:
        """Run the stages up to evaluate."""
        self._run(self._waiting("evaluate"))
        self.record.metrics = run_page.metrics_table(self.clone)

    def decide(self) -> None:
        if not self.before:
            self._promote(["there was no champion"])
        elif same := candidate.same_model(self.clone, PROJECT):
            since = champion.fate(same.model, PROJECT)
            self.record.name, self.record.reasons = "NothingNew", [f"the result is {same.model}"]
            self.record.reasons += [since, f"the champion is {self.before}"] if since else []
        elif refusals := self._judge(self.before.tag):
            self.record.commit = self._commit()
            self.refuse(refusals)
        else:
            self._promote(self.record.reasons)

    def refuse(self, reasons: list[str]) -> None:
        """The champion comes last: the candidate is judged again when the champion is another model."""
        assert self.before
        self.record.name, self.record.reasons = "Refused", [*reasons, f"{self.before.tag} stays"]

    def _judge(self, tag: str) -> list[str]:
        """Compare it with the champion, fill in the record, and return the reasons against a promotion."""
        judgement = judge(self.gate, tag, self._champions(HYPOTHESES), self.clone, PROJECT)
        self.record.comparison, self.record.details = judgement.comparison, [judgement.text.strip()]
        own = self.clone / HYPOTHESES
        self.exhibits.transcripts = transcript_changes.changes(judgement.hypotheses, own, self.gate.metric)
        self.record.transcripts = transcript_changes.summary(
            self.exhibits.transcripts, judgement.comparison["num_utterances"]
        )
        self.record.reasons = [f"{judgement.rates}, compared with {tag}"]
        return judgement.refusals

    def _promote(self, reasons: list[str]) -> None:
        """Export first: a model that cannot be exported is not promoted. The tag follows once the record is
        written.
        """
        self._run(self._waiting())
        self.record.commit = self._commit()
        tag = self.record.champion = champion.next_tag(PROJECT)
        self.record.name, self.record.reasons = "Promoted", [f"{tag} is the champion now", *reasons]

    def tag(self) -> None:
        """Make the candidate the champion."""
        tag, commit = self.record.champion, self.record.commit
        assert tag
        assert commit
        if champion.current(PROJECT) != self.record.before:
            raise RuntimeError(
                f"the champion became {champion.newest(PROJECT)} after this candidate was compared with"
                f" {self.record.before}; the next retraining compares it again"
            )
        message = f"{tag}: {'; '.join(self.record.reasons[1:])}"
        git("tag", "--annotate", "--force", tag, commit, "--message", message, folder=self.clone)
        git("push", "--quiet", "origin", f"refs/tags/{tag}", folder=self.clone)  # git rejects one that exists

    def _run(self, names: list[str], alone: bool = True) -> None:
        """Run stages of the clone. RuntimeError if one fails, once the stages after it have ended as such."""
        states = run_stages(self.clone, names, alone=alone)
        self._note(states)
        if "evaluate" in names:
            run_page.show(self.clone, up_to_date(states))
        for failed, state in states.items():
            if state.is_failed():
                self._note(unreached.end(self._waiting(), failed))
                raise RuntimeError(reason(state))

    def _note(self, states: dict[str, State]) -> None:
        self.record.stages += [[name, str(state.name), state.message or ""] for name, state in states.items()]

    def _waiting(self, last: str | None = None) -> list[str]:
        """The stages that have not run yet, up to ``last``; with ``last``, imported data too."""
        names = list(read_yaml(self.clone / "dvc.yaml")["stages"])
        names = names[: names.index(last) + 1] if last else names
        data = git("ls-files", "*.dvc", folder=self.clone).splitlines() if last else []
        begun = {name for name, *_ in self.record.stages}
        return [name for name in [*data, *names] if name not in begun]

    def _champions(self, path: Path) -> Path:
        assert self.before
        return champion.file(self.before.tag, path, PROJECT)

    def _commit(self) -> str:
        return candidate.commit(self.clone, self.record.when.strftime(STAMP))
