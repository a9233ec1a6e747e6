"""The page of champions from git tags and records, also records of the last version."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from git_folder import git

from flows import champion, champions, own_server, publication, retrain, rollback, run_page, terminal
from flows.champion import RECORDS
from flows.champions_page import html, markdown
from flows.record import Record, keep, kept
from flows.succession import Succession, succession
from flows.trend_picture import draw, events


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A champion, and the record of a refused candidate."""
    git(tmp_path, "init", "-q")
    promote(tmp_path, 0.5, utterances=1000, lr=0.1, said="there was no champion")
    (tmp_path / RECORDS).mkdir(parents=True)
    old = "# Refused, 2025-01-02 03:04\n\n- wer 0.5000 -> 0.6000\n- champion/0001 stays\n"
    (tmp_path / RECORDS / "20250102-030405-refused.md").write_text(old)
    return tmp_path


def promote(
    folder: Path, wer: float, utterances: int, lr: float, said: str, test: dict[str, float] | None = None
) -> None:
    train = {"hours": utterances / 1000, "utterances": utterances}
    files: dict[str, str] = {
        "artifacts/evaluate/metrics.json": json.dumps(
            {"wer": wer, "wer_ci_low": wer / 2, "wer_ci_high": wer * 2}
        ),
        "artifacts/manifest/metrics.json": json.dumps({"rejected": 0, "train": train, "test": test}),
        "params.yaml": f"lr: {lr}\n",
        "stages/train.py": f"# of {utterances}\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", *files)
    git(folder, "commit", "-qm", "model")
    tag = champion.next_tag(folder)
    git(folder, "tag", "-a", "-m", f"{tag}: {said}", tag)


def refuse(folder: Path, **facts: Any) -> None:
    record = Record(started="2026-03-04T05:06:07", name="Refused", reasons=["wer 0.25 -> 0.75"], **facts)
    keep(record, "# Refused", folder / RECORDS)


def found(project: Path) -> Succession:
    return succession(project, list(kept(project / RECORDS)))


def test_every_champion_has_its_rate_its_interval_its_data_what_changed_and_why(project: Path) -> None:
    promote(project, 0.25, utterances=1500, lr=0.2, said="wer 0.5 -> 0.25, better than champion/0001")
    refuse(project, comparison={"metric": "wer", "candidate": 0.75}, commit="c0ffee")
    text = markdown(found(project)).splitlines()
    newest, oldest = text[4], text[5]
    assert newest.startswith("| champion/0002 | ")
    assert "| 0.2500 | 0.1250 to 0.5000 | 1.50 | " in newest
    assert "lr: 0.1 -> 0.2; code: stages (1 file); data: train +500 utterances, +0.50 h" in newest
    assert newest.endswith("| wer 0.5 -> 0.25, better than champion/0001 |")
    assert oldest.startswith("| champion/0001 | ")
    assert oldest.endswith("| 1.00 | - | there was no champion |")
    assert text[-2:] == [
        "| 2026-03-04 05:06 | Refused | wer 0.25 -> 0.75 | c0ffee |",
        "| 2025-01-02 03:04 | Refused | wer 0.5000 -> 0.6000; champion/0001 stays | - |",
    ]


def test_a_rollback_is_recorded_notified_and_on_the_page(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(project, 0.25, utterances=1500, lr=0.2, said="better than champion/0001")
    told: list[str] = []
    monkeypatch.setattr(rollback, "PROJECT", project)
    monkeypatch.setattr(rollback, "notify", lambda text: told.append(text))
    rollback.roll_back("")
    record = list(kept(project / RECORDS))[-1]
    assert record.name == "RolledBack"
    assert (record.before, record.champion) == ("champion/0002", "champion/0003")
    assert record.commit == git(project, "rev-parse", "champion/0001^{}").strip()
    assert record.params == {"lr": [0.2, 0.1]}
    assert record.started_by.startswith("a terminal, ")
    assert told == [
        "Earshot retraining: RolledBack. the champion is champion/0003 now, the model of champion/0001 again;"
        " rolled back from champion/0002 to the model of champion/0001"
    ]
    row = markdown(found(project)).splitlines()[4]
    assert row.startswith("| champion/0003 = champion/0001 | ")
    assert "| 0.5000 |" in row
    assert row.endswith("| rolled back from champion/0002 to the model of champion/0001 |")
    assert champion.current(project) == "champion/0003"


def test_the_trend_shows_promotions_rollbacks_and_refusals_in_their_order(project: Path) -> None:
    promote(project, 0.25, utterances=1500, lr=0.2, said="better")
    champion.restore(champion.to_return_to("", project), "worse in use", project)
    refuse(project, comparison={"metric": "wer", "candidate": 0.75})
    happened = events(found(project))
    assert sorted((event.kind, event.name, event.rate, event.ends) for event in happened) == [
        ("promoted", "0001", 0.5, (0.25, 1.0)),
        ("promoted", "0002", 0.25, (0.125, 0.5)),
        ("refused", "", 0.75, None),
        ("rolled back", "0003", 0.5, (0.25, 1.0)),
    ]
    assert draw(found(project)).axes[0].get_ylabel() == "wer"


def test_rates_of_different_test_sets_are_kept_apart(project: Path) -> None:
    first = {"utterances": 10, "hours": 0.1, "characters": 90}
    others = {**first, "characters": 91}
    promote(project, 0.25, utterances=1000, lr=0.1, said="better", test=first)
    promote(project, 0.2, utterances=1000, lr=0.1, said="better", test=first)
    promote(project, 0.6, utterances=1000, lr=0.1, said="better", test=others)
    assert [reign.has_other_test for reign in found(project).reigns] == [False, True, False, True]
    axes = draw(found(project)).axes[0]
    lines = {line.get_linestyle(): [] for line in axes.lines}
    for line in axes.lines:
        lines[line.get_linestyle()].append(list(line.get_xdata()))
    assert lines["-"] == [[0], [1, 2], [3]]
    assert lines[":"] == [[0.5, 0.5], [2.5, 2.5]]
    assert "data: test other utterances, same number" in markdown(found(project)).splitlines()[4]


def test_the_page_links_every_record_that_was_kept(project: Path) -> None:
    promote(project, 0.25, utterances=1500, lr=0.2, said="better")
    record = Record(started="2026-03-04T05:06:08", name="Promoted", champion="champion/0002")
    keep(record, "# Promoted", project / RECORDS)
    refuse(project)
    page = champions.write(found(project), project)
    links = re.findall('<a href="(.*?)">', (project / page).read_text())
    assert len(links) == 3
    assert all((project / page.parent / link).is_file() for link in links)


def test_the_page_is_one_file_in_which_nothing_of_the_data_is_markup(project: Path) -> None:
    promote(project, 0.25, utterances=1500, lr=0.2, said="<script>alert(1)</script>")
    written = (project / champions.write(found(project), project)).read_text()
    assert "<script" not in written
    assert "&lt;script&gt;" in written
    assert 'src="data:image/png;base64,' in written
    assert "http" not in written.replace('http-equiv="', "")


def test_without_a_champion_the_page_says_so(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    none = found(tmp_path)
    assert "No model was promoted yet." in markdown(none)
    assert "No model was promoted yet." in html(none, "data:,")
    assert draw(none)


def test_a_champion_of_a_project_from_before_there_were_figures_is_shown_without_them(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "by hand")
    git(tmp_path, "tag", "champion/0001")
    promote(tmp_path, 0.25, utterances=10, lr=0.1, said="better")
    newest, oldest = markdown(found(tmp_path)).splitlines()[4:6]
    assert "params unknown" in newest
    assert oldest.split("|")[3:7] == [" - "] * 4


def test_a_picture_on_a_runs_page_is_no_image_artifact_which_would_print_its_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[tuple[str, ...]] = []
    monkeypatch.setattr(run_page, "create_markdown_artifact", lambda *given: shown.append(given))
    run_page.show_picture(run_page.uri_of(b"PNG"), "trend", "the trend")
    assert shown == [("![the trend](data:image/png;base64,UE5H)", "trend", "the trend")]


def test_a_retraining_that_has_no_server_leaves_a_record_and_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    monkeypatch.setattr(publication, "FOLDER", tmp_path)
    monkeypatch.setattr(publication, "notify", told.append)

    @contextlib.contextmanager
    def running() -> Iterator[None]:
        raise own_server.NoServer("no Prefect server started in 3 tries")
        yield

    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(own_server, "running", running)
    monkeypatch.setattr(terminal.os, "_exit", leave)
    with pytest.raises(SystemExit, match="1"):
        terminal.run(retrain.retrain, lost=publication.publish_lost)
    assert "no Prefect server started in 3 tries" in capsys.readouterr().err
    (record,) = kept(tmp_path)
    assert (record.name, record.reasons) == ("Failed", ["no Prefect server started in 3 tries"])
    assert told == ["Earshot retraining: Failed. no Prefect server started in 3 tries"]
