"""The programs that the gate runs to compare two models, also on a new test set."""

import importlib.util
import json
import logging
import signal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows import gate
from flows.dvc_command import HYPOTHESES, METRICS
from flows.gate import Gate, Judgement, judge

TAG = "champion/0001"
COMPARED = {
    "champion": 0.25,
    "candidate": 0.125,
    "probability_better": 0.5,
    "speakers": [{"champion": 0.25, "candidate": 0.125}],
}


class Workplace:
    """A clone with a candidate, a champion's hypotheses, and a log of the programs run."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project, self.clone = folder / "project", folder / "runs" / "clone"
        self.champion = folder / "champion.parquet"
        self.commands: list[tuple[list[str], Path]] = []
        for path in (HYPOTHESES, Path("data/features/of")):
            (self.clone / path).parent.mkdir(parents=True)
        (self.clone / "stages").mkdir()
        (self.clone / METRICS).write_text(json.dumps({"blank_ratio": 0.5}))
        self.inputs("data/raw/none")
        checkpoint = folder / "kept.ckpt"
        checkpoint.write_bytes(b"weights")
        asked = {TAG: {Path("artifacts/train/best.ckpt"): checkpoint}}
        monkeypatch.setattr(gate.champion, "metrics", lambda tag, _: {TAG: {"blank_ratio": 0.25}}[tag])
        monkeypatch.setattr(gate.champion, "file", lambda tag, path, _: asked[tag][path])
        monkeypatch.setattr(gate, "_run", self.run)
        monkeypatch.setattr(gate, "get_run_logger", logging.getLogger)

    def run(self, command: list[str], folder: Path) -> str:
        self.commands.append((command, folder))
        return json.dumps(COMPARED) if "--json" in command else "as people read it"

    def inputs(self, folder: str) -> None:
        (self.clone / "params.yaml").write_text(f"evaluate: {{inputs: {folder}}}\n")

    def ask(self, champion: dict[str, str], candidate: dict[str, str]) -> None:
        """References by id."""
        for path, asked in ((self.champion, champion), (self.clone / HYPOTHESES, candidate)):
            pq.write_table(pa.table({"id": [*asked], "reference": [*asked.values()]}), path)

    def judge(self, **values: Any) -> Judgement:
        return judge.fn(Gate(**values), TAG, self.champion, self.clone, self.project)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    return Workplace(tmp_path, monkeypatch)


def test_the_comparison_is_made_in_the_clone_by_the_metric_and_the_margin(workplace: Workplace) -> None:
    workplace.ask({"a": "go"}, {"a": "go", "b": "stop"})  # the champion lacks b
    found = workplace.judge(metric="cer", margin=0.01)
    (first, where), (second, again) = workplace.commands
    assert where == again == workplace.clone
    assert first == [*second, "--json"]
    module, *others = second
    assert importlib.util.find_spec(module)
    assert others == [str(workplace.champion), str(HYPOTHESES), "--metric", "cer", "--margin", "0.01"]
    assert found.text == "as people read it"
    assert found.rates == "cer 0.2500 -> 0.1250: better by more than 0.01 with probability 0.500"
    blank = "blank ratio 0.2500 -> 0.5000, up by more than 0.1"
    assert found.refusals == [f"{found.rates}, less than 0.95", blank]


@pytest.mark.parametrize("now", [{"b": "go"}, {"a": "stop"}], ids=["another utterance", "another reference"])
def test_on_another_test_set_the_champion_is_scored_anew(
    workplace: Workplace, now: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    workplace.ask({"a": "go"}, now)
    for _ in range(2):  # files of the first time do not disturb the second
        workplace.commands.clear()
        workplace.judge()
        (evaluation, folder), *comparisons = workplace.commands
        assert evaluation == ["stages.evaluate"]
        assert [(folder / HYPOTHESES).as_posix()] * 2 == [command[1] for command, _ in comparisons]
    for name in ("stages", "params.yaml", "data/features", "data/raw/none"):
        assert (folder / name).readlink() == workplace.clone / name
    assert (folder / "artifacts/train/best.ckpt").read_bytes() == b"weights"
    assert folder.parent == workplace.clone.parent
    assert "the test set has changed: scoring champion/0001 on it, too" in caplog.text


def test_inputs_elsewhere_are_read_where_they_are(workplace: Workplace, tmp_path: Path) -> None:
    workplace.ask({"a": "go"}, {})
    workplace.inputs(str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    workplace.judge()
    assert not (tmp_path / "models").is_symlink()


DIES_WITH_PARENT = 2  # Linux: PR_GET_PDEATHSIG
PROGRAM = f"""
import ctypes, os, sys
signal = ctypes.c_int()
ctypes.CDLL(None).prctl({DIES_WITH_PARENT}, ctypes.byref(signal))
print(os.getcwd(), signal.value)
sys.exit(*sys.argv[1:])
"""


def test_what_a_program_prints_is_its_answer_its_complaint_is_told_and_it_dies_with_the_run(
    tmp_path: Path,
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    assert gate._run(["program"], tmp_path) == f"{tmp_path.resolve()} {signal.SIGKILL.value}\n"
    with pytest.raises(ValueError, match=r"\Anot the same test set\Z"):
        gate._run(["program", "not the same test set"], tmp_path)


def test_the_gate_has_these_bounds_unless_others_are_given() -> None:
    assert Gate() == Gate(
        metric="wer",
        margin=0.0,
        confidence=19 / 20,
        max_blank_ratio_rise=1 / 10,
        max_worst_speaker_rise=1 / 10,
        max_distribution_distance=1 / 2,
        max_new_characters=1 / 50,
    )


def test_shares_are_at_most_1() -> None:
    Gate(confidence=1.0, max_blank_ratio_rise=0.0)
    for name in ("confidence", "max_blank_ratio_rise", "max_distribution_distance", "max_new_characters"):
        with pytest.raises(ValueError, match=name):
            Gate(**{name: 1.01})
