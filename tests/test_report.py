"""The findings of the report on a corpus, and that its page escapes them.

With EARSHOT_PICTURES=FOLDER and AN4 in EARSHOT_AN4 the picture of the page on it is made.
"""

import os
import re
import shutil
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from manifest_project import (
    Row,
    Run,
    metrics,
    one_in_each_split,
    page,
    recorded,
    written,
)

from stages import manifest
from stages.listing.admission import LEFT_OUT, Rejected
from stages.pages.markup import shown, standing_alone
from stages.preflight.reading import read_params
from stages.program.inputs import Inputs
from stages.report.rejections import Rejections
from stages.schema.manifest_row import RejectedRow

CHROMIUM = shutil.which("chromium")
PICTURES = Path(os.environ["EARSHOT_PICTURES"]).resolve() if "EARSHOT_PICTURES" in os.environ else None


def filler(count: int, text: str = "GO") -> list[Row]:
    return [recorded(f"filler-{number}.wav", text, split="train") for number in range(count)]


def test_metrics_are_the_figures_of_the_whole_and_of_every_split(run: Run) -> None:
    run([*one_in_each_split(), recorded("a.wav", "AB", seconds=0.4, split="train", speaker="B")])
    found = metrics()
    assert found["train"] == {
        "hours": round(0.6 / 3600, 4), "utterances": 2, "speakers": 2, "median_seconds": 0.3,
        "characters_per_second": 7.5,
    }  # fmt: skip
    assert found["test"]["transcripts_in_train"] == 1.0
    assert (found["rejected"], found["characters"], found["unseen_characters"]) == (0, 4, 0)
    assert all(isinstance(value, int | float | dict) for value in found.values())


def test_rejected_rows_are_counted_by_reason_with_examples(run: Run) -> None:
    run([*one_in_each_split(), {"id": "gone", "audio_filepath": "none.wav", "text": "GO", "split": "train"}])
    assert metrics()["rejected"] == 1
    assert re.search(r"No such file or directory\s+1\s+gone\s*:\s+none\.wav", page())


def test_however_many_reasons_there_are_only_what_is_wrong_counts_against_the_limit() -> None:
    rejections = Rejections(["train"])
    for reason in [*(f"reason {number}" for number in range(300)), *[LEFT_OUT] * 5]:
        rejections.add(Rejected("train", RejectedRow(id="a", reason=reason, value="")))
    assert (len(rejections), rejections.num_left_out) == (305, 5)
    assert rejections.said()[0] == "105 x other reasons"
    assert len(rejections.said()) == 9


def test_characters_that_training_never_sees_or_hardly_are_named(run: Run) -> None:
    rows = [
        *filler(12),
        recorded("rare.wav", "GO\u0451", split="train"),
        recorded("test2.wav", "\u00d8", split="test"),
    ]
    run([*one_in_each_split(), *rows])
    assert (metrics()["rare_characters"], metrics()["unseen_characters"]) == (1, 1)
    assert re.search(r"U\+0451\s+Cyrillic small letter io\s+1\s+rare\.wav", page())
    assert re.search(r"U\+00D8\s+Latin capital letter o with stroke\s+1\s+test2\.wav", page())


ODD = {
    "Invisible characters": "G\u200bO",
    "Two writing systems in a word": "G\u041e",
    "Digits, which the other transcripts spell": "GO 7",
    "Brackets and marks": "GO [x]",
    "Too many characters for the duration": "GO GO GO",
}


@pytest.mark.parametrize("kind", ODD)
def test_a_transcript_unlike_the_others_is_suspicious(run: Run, kind: str) -> None:
    run([*one_in_each_split(), *filler(30), recorded("odd.wav", ODD[kind], split="train")])
    assert metrics()["suspicious_transcripts"] >= 1
    assert re.search(rf"{kind}.*odd\.wav", page(), re.DOTALL)


@pytest.mark.parametrize("word", ["5\u00b5m", "1\u00aa", "\uff27O", "O\ufb01"])
def test_other_forms_of_a_letter_are_no_second_writing_system(run: Run, word: str) -> None:
    run([*one_in_each_split(), *filler(30), recorded("odd.wav", word, split="train")])
    assert "Two writing systems" not in page()


def test_a_transcript_is_suspicious_however_its_accents_are_encoded(run: Run) -> None:
    odd = unicodedata.normalize("NFD", "G\u0419")
    run([*one_in_each_split(), *filler(30), recorded("odd.wav", odd, split="train")])
    assert re.search(r"Two writing systems in a word.*odd\.wav", page(), re.DOTALL)


def test_what_all_transcripts_have_is_how_the_corpus_is_written(run: Run) -> None:
    run([*one_in_each_split(), *filler(30, "G7")])
    assert metrics()["suspicious_transcripts"] == 0


def test_formats_are_counted(run: Run) -> None:
    run([*one_in_each_split(), written("a.flac", np.zeros((4410, 2)) + 0.1, 44100, subtype="PCM_24")])
    assert re.search(r"FLAC PCM_24\s+44,100\s+2\s+1\s", page())
    assert re.search(r"WAV PCM_16\s+16,000\s+1\s+3\s", page())
    assert "Sample rates differ" in page()


def test_nothing_in_the_data_is_markup() -> None:
    assert shown("<b>&'\"") == "<bdi>&lt;b&gt;&amp;&#39;&#34;</bdi>"
    assert shown("a\u202eb") == '<bdi>a<b class="code">U+202E</b>b</bdi>'
    assert standing_alone("\u0301") == "<bdi>◌\u0301</bdi>"


def test_a_name_cannot_turn_or_hide_what_the_report_advises(run: Run) -> None:
    voice = "B\u202eob\x1b[2J"
    run([*one_in_each_split(), *(recorded(f"{n}.wav", split="test", speaker=voice) for n in range(2))])
    text = Path("data/manifest/report.html").read_text(encoding="utf-8")
    assert '<bdi>B<b class="code">U+202E</b>ob<b class="code">U+001B</b>[2J speaks 67% of test.</bdi>' in text
    assert "\u202e" not in text


def test_a_voice_that_says_most_of_a_split_is_named_split_by_split(run: Run) -> None:
    many = [recorded(f"{n}.wav", split="train", speaker=f"s{n}") for n in range(9)]
    half = [recorded(f"t{n}.wav", split="test", speaker=f"t{n % 2}") for n in range(3)]
    run([*one_in_each_split(), *many, *half])
    assert re.findall(r"(\S+) speaks (\d+)% of (\w+)", page()) == [
        ("validation", "100", "validation"),
        ("t0", "50", "test"),
    ]


def test_the_page_is_whole_and_asks_nobody_for_anything(run: Run) -> None:
    run(one_in_each_split())
    text = Path("data/manifest/report.html").read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=(?!\"#)|@import|url\(|<script", text)
    opened: list[str] = []

    class Balance(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            if tag not in ("meta", "br", "rect", "line"):
                opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if tag not in ("rect", "line"):
                assert opened.pop() == tag

    Balance().feed(text)
    assert opened == []


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: apt-get install chromium")
def test_the_page_in_a_browser(run: Run, tmp_path: Path, write_params: Callable[..., Path]) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    if corpus := os.environ.get("EARSHOT_AN4"):
        changes = {"manifest.root": corpus}
        manifest.run(read_params(write_params(changes, "an4")), Inputs([]))
    else:
        run([*one_in_each_split(), *filler(20)])
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_page(viewport={"width": 1240, "height": 1180})
        errors: list[str] = []
        opened.on("console", lambda message: errors.append(message.text))
        opened.goto(Path("data/manifest/report.html").resolve().as_uri())
        assert opened.locator("h2").count() == 11
        assert opened.locator("svg rect").first.is_visible()
        # Nothing is wider than the window.
        assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        opened.set_viewport_size({"width": 420, "height": 900})
        assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        opened.set_viewport_size({"width": 1240, "height": 1180})
        if PICTURES:
            opened.screenshot(path=PICTURES / "report.png")
        browser.close()
    assert errors == []
