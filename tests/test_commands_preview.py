"""The page that shows recordings before and after augmentation."""

import re
from pathlib import Path

import pytest
import soundfile
from own_modules import COPIES, FRESH, SEVEN, STRETCHED
from training_project import Project, training_project

from stages.commands import preview
from stages.schema.manifest_row import read_manifest

SPEC_AUGMENT = {"class_path": "stages.augment.spec_augment.SpecAugment"}
PAGE = Path("artifacts/logs/augmentation/index.html")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return training_project(tmp_path, monkeypatch)


def files_of(page: Path) -> list[str]:
    return sorted(re.findall(r'src="([^"]+)"', page.read_text()))


def test_the_page_has_copies_and_some_epochs(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.set({**FRESH, "features.copies": COPIES, "train.augment": [*SEVEN, *STRETCHED, SPEC_AUGMENT]})
    preview.main([])
    assert capsys.readouterr().out.strip() == str(PAGE)
    text = PAGE.read_text()
    titles = ["original", "copy 1", "copy 2", "epoch 1", "epoch 2", "epoch 3", "epoch 4"]
    assert re.findall(r"<b>(.*?)</b>", text) == titles * 3
    assert "Speed" in text
    assert "SpecAugment" in text
    assert re.search(r"AddGaussianNoise amplitude 0\.00\d+", text)
    names = files_of(PAGE)
    assert len(names) == 2 * 7 * 3
    assert all((PAGE.parent / name).stat().st_size > 1000 for name in names)


def test_what_transforms_of_a_composition_drew_is_told(project: Project) -> None:
    noise, gain = ({"class_path": f"audiomentations.{name}"} for name in ("AddGaussianNoise", "Gain"))
    transforms = [noise | {"init_args": {"p": 1.0}}, gain | {"init_args": {"p": 0.0}}]
    project.set(
        {
            **FRESH,
            "train.augment": [
                {"class_path": "audiomentations.Compose", "init_args": {"transforms": transforms}}
            ],
        }
    )
    preview.main([])
    text = PAGE.read_text()
    assert re.search(r"AddGaussianNoise amplitude 0\.0\d+", text)
    assert "Gain" not in text


def test_the_same_page_is_written_again(project: Project, tmp_path: Path) -> None:
    project.set({**FRESH, "train.augment": [*SEVEN, SPEC_AUGMENT]})
    for folder in ("one", "two"):
        preview.main(["--out", folder])
    for name in [*files_of(Path("one/index.html")), "index.html"]:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_one_utterance_can_be_chosen(project: Project) -> None:
    name = sorted(row.id for row in read_manifest(Path("data/manifest/train.json")))[7]
    project.set({"features.copies": [COPIES[0]]})
    preview.main(["--utterance", name])
    assert re.findall(r"<h2><bdi>(.*?)</bdi></h2>", PAGE.read_text()) == [name]
    lengths = [soundfile.info(PAGE.parent / f"1-{version}.wav").frames for version in (0, 1)]
    assert lengths[1] == pytest.approx(lengths[0] / 0.9, abs=1)


def test_an_unknown_utterance_is_refused(project: Project) -> None:
    with pytest.raises(SystemExit, match="no training utterance 'nobody'; a valid id is, for example, '"):
        preview.main(["--utterance", "nobody"])


def test_without_a_manifest_the_stage_to_run_is_named(project: Project) -> None:
    Path("data/manifest/train.json").unlink()
    with pytest.raises(SystemExit, match="run the manifest stage"):
        preview.main([])


def test_a_file_is_no_folder_for_the_page(project: Project) -> None:
    Path("page.html").touch()
    with pytest.raises(SystemExit, match=r"preview: --out page\.html: is a file; name a folder"):
        preview.main(["--out", "page.html"])
