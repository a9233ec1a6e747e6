"""The chord task on handmade batches, and its checkpoint.

B batch, T frames, F bins, V vocabulary.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML

from stages.batching.batch import Batch, Example, collate
from stages.formats.waveform_model import WaveformModel
from stages.metrics.chord_accuracy import ChordAccuracy
from stages.models.pitch_class_heads import PitchClassHeads
from stages.schema.chords import PITCH_CLASSES, Chord
from stages.schema.feature_table import FeatureMetadata
from stages.schema.part import Part
from stages.tasks.checkpoint import Recipe, load, pack
from stages.tasks.chords import ChordRecognition
from stages.tokens.characters import Characters

RECIPE = Path(__file__).parents[1] / "flows" / "recipes" / "chords.yaml"
NUM_BINS = 24
TEXTS = ["C:major/C", "A#:min7/C#", "E:cluster_chromatic/B", "G:6/G"]
CQT = Part(class_path="stages.frontends.cqt.CQT", init_args={"num_bins": NUM_BINS, "min_hz": 110.0})
CONFORMER = Part(
    class_path="stages.models.conformer.Conformer",
    init_args={"width": 8, "num_layers": 1, "num_heads": 2, "kernel_size": 3, "subsampling_channels": 2},
)
PITCH = Part(
    class_path="stages.models.pitch_conformer.PitchConformer",
    init_args={"width": 8, "num_layers": 1, "num_heads": 2, "kernel_size": 3},
)
HEADS = {
    PITCH.class_path: Part(
        class_path="stages.models.pitch_class_heads.PitchClassHeads", init_args={"hidden_size": 16}
    ),
    CONFORMER.class_path: Part(class_path="stages.models.linear_heads.LinearHeads"),
}


def recipe(encoder: Part = PITCH, types: list[str] | None = None) -> Recipe:
    tokens = Part(class_path="stages.tokens.chords.Chords", init_args={"types": types} if types else {})
    fitted = tokens.build()
    fitted.fit([])
    cached = FeatureMetadata(
        frontend=CQT, sample_rate=8000, feature_size=NUM_BINS, frame_shift_seconds=512 / 8000,
        domain="features", dtype="float16",
    )  # fmt: skip
    parts = {"encoder": encoder.model_dump(), "heads": HEADS[encoder.class_path].model_dump()}
    task = Part(class_path="stages.tasks.chords.ChordRecognition", init_args=parts)
    return Recipe(task=task, tokens=tokens, vocabulary=fitted.vocabulary, features=cached, frontend=None)


def build(encoder: Part = PITCH, seed: int = 0, types: list[str] | None = None) -> ChordRecognition:
    torch.manual_seed(seed)
    task = recipe(encoder, types).build().eval()
    assert isinstance(task, ChordRecognition)
    return task


@pytest.fixture(params=[PITCH, CONFORMER], ids=["PitchConformer", "Conformer"])
def task(request: pytest.FixtureRequest) -> ChordRecognition:
    return build(request.param)


def batch(task: ChordRecognition) -> Batch:
    generator = np.random.default_rng(0)
    return collate([
        Example(
            id=str(number),
            values=generator.random((60 - 13 * number, NUM_BINS), np.float32),
            target=task.tokens.encode(text),
            text=text,
        )
        for number, text in enumerate(TEXTS)
    ])  # fmt: skip


def padded(batch: Batch, num_frames: int) -> Batch:
    longer = torch.nn.functional.pad(batch.features, (0, 0, 0, num_frames))
    return Batch(batch.ids, batch.texts, longer, batch.feature_lengths, batch.targets, batch.target_lengths)


@pytest.mark.parametrize("num_frames", [1, 7, 100])
def test_padding_changes_neither_the_chord_nor_the_loss(task: ChordRecognition, num_frames: int) -> None:
    own = batch(task)
    with torch.no_grad():
        plain, longer = task.encode(own), task.encode(padded(own, num_frames))
        torch.testing.assert_close(longer[0], plain[0], atol=1e-5, rtol=1e-5)
        assert task.decode(longer) == task.decode(plain)
        torch.testing.assert_close(task.loss(longer, own)[0], task.loss(plain, own)[0])


def test_a_batch_has_one_distribution_a_head_and_a_chord(task: ChordRecognition) -> None:
    log_probs, counts = task.encode(batch(task))
    assert log_probs.shape == (4, 1, 56)
    assert counts.tolist() == [1, 1, 1, 1]
    for own in log_probs.exp().split((32, 12, 12), dim=-1):
        torch.testing.assert_close(own.sum(-1), torch.ones(4, 1))


def test_the_loss_counts_chords(task: ChordRecognition) -> None:
    own = batch(task)
    assert own.targets.shape == (4, 3)
    total, count = task.loss(task.encode(own), own)
    assert count == 4
    # log 32 + log 12 + 0.5 log 12 for uniform predictions, and nearly so before training
    assert total.item() / 4 == pytest.approx(7.19, abs=2.0)


def test_alternatives_are_the_kth_best_of_each_head() -> None:
    log_probs = torch.zeros(1, 1, 56)
    log_probs[0, 0, [0, 3]] = torch.tensor([2.0, 1.0])  # major, augmented
    log_probs[0, 0, [32 + 9, 32 + 2]] = torch.tensor([2.0, 1.0])  # A, D
    log_probs[0, 0, [44 + 4, 44 + 11]] = torch.tensor([2.0, 1.0])  # E, B
    (found,) = build().decode((log_probs, torch.tensor([1])))
    assert found.text == "A:major/E"
    assert found.alternatives[:2] == ("A:major/E", "D:augmented/B")
    assert len(found.alternatives) == 5


@pytest.mark.parametrize("types", [["major"], ["major", "minor"], ["major", "minor", "6", "sus4"]])
def test_few_types_leave_the_other_heads_their_five_best(types: list[str]) -> None:
    log_probs = torch.zeros(1, 1, len(types) + 24)
    log_probs[0, 0, : len(types)] = -torch.arange(len(types)).float()  # in order
    log_probs[0, 0, len(types) : len(types) + 5] = torch.arange(5).float() + 1  # roots: E, D#, D, C#, C
    log_probs[0, 0, len(types) + 12 : len(types) + 17] = torch.arange(5).float() + 1  # basses are the same
    (found,) = build(types=types).decode((log_probs, torch.tensor([1])))
    chords = [Chord.parse(text) for text in found.alternatives]
    assert [chord.root for chord in chords] == [chord.bass_note for chord in chords]
    assert [chord.root for chord in chords] == ["E", "D#", "D", "C#", "C"]
    assert [chord.chord_type for chord in chords] == [*types, *[types[-1]] * (5 - len(types))]


def test_the_accuracies_of_the_best_are_each_heads_own() -> None:
    """Two types, but three alternatives of the twelve roots."""
    log_probs = torch.zeros(1, 1, 26)
    log_probs[0, 0, 2:5] = torch.tensor([1.0, 2.0, 3.0])  # roots D, C#, C
    (found,) = build(types=["major", "minor"]).decode((log_probs, torch.tensor([1])))
    accuracies = ChordAccuracy(top_k=[2, 3]).compute_ranked(["C:minor/B"], [found.alternatives])
    assert (accuracies["root_top2_acc"], accuracies["root_top3_acc"]) == (0.0, 1.0)
    assert accuracies["chord_type_top2_acc"] == accuracies["chord_type_top3_acc"] == 1.0


def test_chords_are_learned(task: ChordRecognition) -> None:
    own, losses = batch(task), []
    optimizer = torch.optim.Adam(task.parameters(), lr=1e-2)
    for _ in range(25):
        total, count = task.loss(task.encode(own), own)
        losses.append(total.item() / int(count))
        optimizer.zero_grad()
        (total / count).backward()
        optimizer.step()
    assert losses[-1] < 0.7 * losses[0]


def test_a_chord_moved_up_by_a_semitone_has_its_root_and_bass_a_class_higher() -> None:
    """Away from the edges, the same weights see nearly the same spectrum."""
    torch.manual_seed(0)
    encoder = PITCH.build(num_features=132)
    encoder.height.data.zero_()  # otherwise low bins are preferred
    heads = HEADS[PITCH.class_path].build(width=encoder.output_size)
    chord = torch.zeros(1, 16, 132)
    chord[..., 60:72] = torch.rand(12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        here, higher = (heads(*encoder(one, torch.tensor([16]))) for one in (chord, chord.roll(1, -1)))
    for head in (slice(32, 44), slice(44, 56)):
        unmoved = (higher[..., head] - here[..., head]).norm()
        moved = (higher[..., head] - here[..., head].roll(1, -1)).norm()
        assert moved < unmoved / 3
    assert (higher[..., :32] - here[..., :32]).norm() < 0.05 * here[..., :32].norm()


def test_heads_over_pitch_classes_begin_with_what_the_types_are_made_of() -> None:
    """For an unknown type, they start without evidence."""
    types = ["major", "minor", "my own"]
    heads = PitchClassHeads(width=2, types=types, hidden_size=4)
    for parameter in heads.parameters():
        parameter.data.zero_()
    heads.evidence.weight.data[0, 0] = 1.0
    heard = torch.full((1, 12, 2), -1.0)
    heard[0, [9, 0, 4]] = 1.0  # A, C and E
    log_probs = heads(heard, torch.tensor([12]))[0]
    assert types[int(log_probs[:3].argmax())] == "minor"
    assert PITCH_CLASSES[int(log_probs[3:15].argmax())] == "A"


def test_heads_over_pitch_classes_need_an_encoder_that_gives_them() -> None:
    parts = {"encoder": CONFORMER.model_dump(), "heads": HEADS[PITCH.class_path].model_dump()}
    task = Part(class_path="stages.tasks.chords.ChordRecognition", init_args=parts)
    with pytest.raises(ValueError, match=r"PitchClassHeads needs an encoder with 12 positions"):
        task.build(tokens=build().tokens, num_features=NUM_BINS)


@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_the_sizes_that_the_recipe_names_can_be_built_and_learn(size: str) -> None:
    lines = RECIPE.read_text(encoding="utf-8").splitlines()
    (named,) = [line.split(": ", 1)[1] for line in lines if line.strip().startswith(f"# {size}: ")]
    arguments = YAML(typ="safe", pure=True).load(named)
    task = build(Part(class_path="stages.models.conformer.Conformer", init_args=arguments))
    own = batch(task)
    total, _ = task.loss(task.encode(own), own)
    total.backward()
    assert all(weight.grad is not None for weight in task.parameters())


def test_other_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match=r"needs stages\.tokens\.chords\.Chords, found Characters"):
        ChordRecognition(Characters(), 24)  # type: ignore[arg-type]


def test_a_loaded_task_is_the_one_that_was_packed(tmp_path: Path) -> None:
    trained = build(seed=3)
    (tmp_path / "best.ckpt").write_bytes(pack(recipe(), trained.state_dict()))
    restored, task = load(tmp_path / "best.ckpt")
    assert restored == recipe()
    with torch.no_grad():
        assert task.encode(batch(trained))[0].equal(trained.encode(batch(trained))[0])


def test_weights_of_other_types_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "best.ckpt").write_bytes(pack(recipe(types=["major", "minor"]), build().state_dict()))
    with pytest.raises(ValueError, match=r"do not fit together: .*(\n.*)*size mismatch for heads\.types"):
        load(tmp_path / "best.ckpt")


def test_from_waveforms_there_is_one_chord() -> None:
    model = WaveformModel(recipe(), build()).eval()
    log_probs, counts = model(0.1 * torch.randn(2, 8000), torch.tensor([8000, 5000]))
    assert log_probs.shape == (2, 1, 56)
    assert counts.tolist() == [1, 1]
    assert model.frame_shift_seconds() is None
