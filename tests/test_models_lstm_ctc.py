"""LstmCTC against the model whose checkpoints it reads, at full and at small size.

B batch, T frames, F features, V vocabulary.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from speech_recognition import ALPHABET, RENAME, TOKENS, SpeechRecognition, lightning_checkpoint
from torch import Tensor

from stages.batching.batch import Batch
from stages.models.lstm_ctc import LstmCTC
from stages.schema.families import Schedule
from stages.schema.feature_table import FeatureMetadata
from stages.schema.params import InitFrom
from stages.schema.part import Part
from stages.tasks.checkpoint import Recipe
from stages.tasks.initialization import initialize
from stages.tasks.optimization import Optimization
from stages.tasks.optimizer_state import OptimizerState
from stages.tasks.task import Task

SETTINGS: dict[str, Any] = {
    "path": "speechrecognition.ckpt", "prefix": "model.", "rename": RENAME, "tokens": TOKENS,
}  # fmt: skip
SMALL = 12


def recipe(hidden_size: int = SMALL, num_features: int = 81) -> Recipe:
    encoder = {"class_path": "stages.models.lstm_ctc.LstmCTC", "init_args": {"hidden_size": hidden_size}}
    return Recipe(
        task=Part(class_path="stages.tasks.ctc.CTC", init_args={"encoder": encoder}),
        tokens=Part(
            class_path="stages.tokens.characters.Characters",
            init_args={"alphabet": ALPHABET, "blank": "last"},
        ),
        vocabulary=TOKENS,
        features=FeatureMetadata(
            frontend=Part(class_path="stages.frontends.log_mel.LogMel", init_args={"num_mels": num_features}),
            sample_rate=8000,
            feature_size=num_features,
            frame_shift_seconds=0.01,
            domain="features",
            dtype="float16",
        ),
        frontend=None,
    )


def start(
    folder: Path, content: Any, trained: Recipe | None = None, **settings: Any
) -> tuple[Task, OptimizerState | None]:
    torch.save(content, folder / "speechrecognition.ckpt")
    trained = trained or recipe()
    task = trained.build().eval()
    chosen = InitFrom(**{**SETTINGS, **settings})
    return task, initialize(task, trained, chosen, folder, folder / "init_from.json")


def log_mel(num_frames: int = 300) -> Tensor:
    return torch.randn(2, num_frames, 81, generator=torch.Generator().manual_seed(0))


def test_at_its_own_size_it_has_the_parameters_of_the_original() -> None:
    task = recipe(hidden_size=1024).build()
    assert sum(parameter.numel() for parameter in task.parameters()) == 4_851_930
    shapes = [list(parameter.shape) for parameter in task.parameters()]
    assert shapes == [list(parameter.shape) for parameter in SpeechRecognition().parameters()]


def test_at_its_own_size_it_takes_a_step_and_learns() -> None:
    torch.manual_seed(0)
    task = recipe(hidden_size=1024).build()
    target = [3, 3, 9, 1, 4]
    batch = Batch(
        ids=["a", "b"], texts=["", ""], features=log_mel(60), feature_lengths=torch.tensor([60, 41]),
        targets=torch.tensor([target, target]), target_lengths=torch.tensor([5, 4]),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(task.parameters(), 1e-3)
    losses = []
    for _ in range(3):
        total, _ = task.loss(task.encode(batch), batch)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(total.item())
    assert losses[2] < losses[0]


@pytest.mark.parametrize(("num_frames", "counted"), [(1, 1), (2, 2), (3, 2), (299, 150), (300, 151)])
def test_frames_are_counted_by_the_formula_of_the_convolution(num_frames: int, counted: int) -> None:
    assert LstmCTC().output_lengths(torch.tensor([num_frames])).item() == counted


def test_it_hears_no_more_than_five_frames_ahead() -> None:
    encoder = LstmCTC().eval()
    features, lengths = log_mel(100), torch.tensor([100, 100])
    changed = features.clone()
    changed[:, 45:] += 1.0
    before, after = (encoder(values, lengths)[0] for values in (features, changed))
    assert before[:, :21].equal(after[:, :21])  # frame 20 sees 35 to 44
    assert not before[:, 21].equal(after[:, 21])


@pytest.mark.parametrize("hidden_size", [SMALL, 1024])
def test_a_checkpoint_of_the_original_computes_the_same_here(tmp_path: Path, hidden_size: int) -> None:
    original = SpeechRecognition(hidden_size=hidden_size).eval()
    checkpoint = lightning_checkpoint(original)
    task, _ = start(tmp_path, checkpoint, recipe(hidden_size))
    with torch.no_grad():
        expected = original(log_mel().transpose(1, 2).unsqueeze(1)).log_softmax(-1).transpose(0, 1)
        found, counts = task.exportable()(log_mel(), torch.tensor([300, 300]))
    assert counts.tolist() == [151, 151]
    torch.testing.assert_close(found, expected)


def test_optimizer_and_schedule_come_along_only_on_request(tmp_path: Path) -> None:
    checkpoint = lightning_checkpoint(SpeechRecognition(hidden_size=SMALL), num_steps=3, lr=0.05)
    assert start(tmp_path, checkpoint)[1] is None
    task, state = start(tmp_path, checkpoint, restore_optimizer=True, restore_schedule=True)
    plateau = Schedule(
        class_path="torch.optim.lr_scheduler.ReduceLROnPlateau", init_args={"factor": 0.5, "patience": 6},
        interval="epoch", monitor="val_loss",
    )  # fmt: skip
    adamw = Part(class_path="torch.optim.AdamW")
    configured = Optimization(1e-3, adamw, plateau, state=state).configure(task, 100, 10)
    restored = configured["optimizer"].state_dict()
    saved = checkpoint["optimizer_states"][0]
    assert len(restored["state"]) == len(saved["state"]) == 20
    assert all(restored["state"][i]["exp_avg"].equal(saved["state"][i]["exp_avg"]) for i in range(20))
    assert restored["param_groups"][0]["lr"] == 0.05
    assert configured["lr_scheduler"]["scheduler"].num_bad_epochs == 2


def test_the_other_order_of_letters_is_refused_side_by_side(tmp_path: Path) -> None:
    order = [" ", *"abcdefghijklmnopqrstuvwxyz", "'", "<blank>"]  # a fork's, with the same number of classes
    checkpoint = lightning_checkpoint(SpeechRecognition(hidden_size=SMALL))
    with pytest.raises(ValueError, match=r"29 tokens.*has 29\): token 0 is ' ' there and \"'\" here"):
        start(tmp_path, checkpoint, tokens=order)


@pytest.mark.parametrize(
    ("trained", "expected"),
    [
        (
            recipe(num_features=80),
            r"encoder\.cnn\.0\.bias is \[81\] there and \[80\] here, encoder\.cnn\.0\.weight is"
            r" \[81, 81, 10\] there and \[80, 80, 10\] here",
        ),
        (
            recipe(hidden_size=16),
            r"encoder\.lstm\.weight_hh_l0 is \[48, 12\] there and \[64, 16\] here",
        ),
    ],
)
def test_another_size_is_refused_side_by_side(tmp_path: Path, trained: Recipe, expected: str) -> None:
    checkpoint = lightning_checkpoint(SpeechRecognition(hidden_size=SMALL))
    with pytest.raises(ValueError, match=expected):
        start(tmp_path, checkpoint, trained)
