"""A thousand recordings that other programs wrote are read as ffmpeg reads them."""

import shutil
from pathlib import Path

import pytest

from tests.benchmarks.odd_recordings import TOOLS, check


@pytest.mark.slow
@pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason="needs ffmpeg, lame and sox")
def test_recordings_of_other_programs_are_read_to_their_end(tmp_path: Path) -> None:
    assert check(1000, 0, tmp_path) == []
