"""ESC-50 as distributed, its subset ESC-10, and the real ESC-10."""

from __future__ import annotations

from pathlib import Path

import pytest

from audio_rnn.errors import InputError
from recipes.audio_tagging.prepare_esc50 import Options, prepare
from tests.recipes.prepared import files, shared, write_sound
from tests.recipes.sounds import read_parts

CATEGORIES = {"dog": (0, True), "rooster": (1, True), "pig": (2, False)}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two clips a class and fold, both of one recording."""
    lines = ["filename,fold,target,category,esc10,src_file,take"]
    for fold in range(1, 6):
        for name, (target, esc10) in CATEGORIES.items():
            recording = 1000 * fold + target
            for take in "AB":
                file = f"{fold}-{recording}-{take}-{target}.wav"
                write_sound(tmp_path / "ESC-50/audio" / file, 0.1, rate=44100)
                lines.append(f"{file},{fold},{target},{name},{esc10},{recording},{take}")
    table = tmp_path / "ESC-50/meta/esc50.csv"
    table.parent.mkdir()
    table.write_text("\n".join(lines) + "\n")
    return tmp_path / "ESC-50"


@pytest.mark.parametrize(("subset", "classes"), [("esc10", 2), ("esc50", 3)])
def test_as_distributed(corpus: Path, tmp_path: Path, subset: str, classes: int) -> None:
    output = tmp_path / "out"
    for _ in range(2):
        prepare(Options(corpus, output, subset))
        clips = read_parts(output)["all"]
        assert len(clips) == 10 * classes
        assert {(c.fold, c.recording, c.tags) for c in clips} == {
            (fold, str(1000 * fold + target), (name,))
            for fold in range(1, 6)
            for name, (target, esc10) in CATEGORIES.items()
            if esc10 or subset == "esc50"
        }
        assert clips[0].audio == "source/audio/1-1000-A-0.wav" and clips[0].duration == 0.1
    before = files(output)
    prepare(Options(corpus, output, subset))
    assert files(output) == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1-1000-B-0.wav,1", "1-1000-B-0.wav,2", r"esc50\.csv:3: found '1-1000-B-0\.wav' in fold 2"),
        ("1-1000-B-0.wav,1", "dog.wav,1", r"esc50\.csv:3: found 'dog\.wav' in fold 1, expected a na"),
        ("1-1000-B-0.wav,1", "1-1000-A-0.wav,1", r":3: filename '1-1000-A-0\.wav' stands already"),
        ("1-1000-B-0.wav,1", "../x.wav,1", r"esc50\.csv:3: filename '\.\./x\.wav' leaves"),
        ("1-1000-B-0.wav,1", "1-1000-C-0.wav,1", r"1 of the 20 files .* missing: 1-1000-C-0\.wav"),
        ("category,", "label,", r"esc50\.csv:1: found the columns .*; expected .* category"),
        ("True", "no", "found no row of esc10"),
    ],
)  # fmt: skip
def test_another_table(corpus: Path, tmp_path: Path, old: str, new: str, message: str) -> None:
    table = corpus / "meta/esc50.csv"
    table.write_text(table.read_text().replace(old, new, 1 if "." in old else -1))
    if ".wav" in new and "-C-" not in new:
        write_sound(corpus / "audio" / new.split(",")[0])
    with pytest.raises(InputError, match=message):
        prepare(Options(corpus, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_recording_in_two_folds_is_named(corpus: Path, tmp_path: Path) -> None:
    table = corpus / "meta/esc50.csv"
    table.write_text(table.read_text().replace("2-2000-A-0.wav,2", "2-1000-A-0.wav,2"))
    write_sound(corpus / "audio/2-1000-A-0.wav")
    with pytest.raises(InputError, match=r"1 recordings are in several folds.*1000 \(fold 1, fold"):
        prepare(Options(corpus, tmp_path / "out"))


def test_what_is_no_corpus(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found nothing, expected the folder of ESC-50"):
        prepare(Options(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"found no meta/esc50\.csv, .*beside audio/"):
        prepare(Options(tmp_path))


def test_the_real_subset(tmp_path: Path) -> None:
    source = shared("esc10")
    prepare(Options(source, tmp_path))
    clips = read_parts(tmp_path)["all"]
    assert len(clips) == 400 and {c.duration for c in clips} == {5.0}
    assert all(sum(c.fold == n for c in clips) == 80 for n in range(1, 6))
    assert len({c.recording for c in clips}) == 304
    with pytest.raises(InputError, match=r"esc10\.csv: found no column esc10.* --subset esc10"):
        prepare(Options(source, tmp_path, "esc50"))
