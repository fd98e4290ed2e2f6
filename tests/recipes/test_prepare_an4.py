from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_rnn.errors import InputError
from recipes.speech_recognition.prepare_an4 import Options, feature_seconds, prepare
from tests.recipes.prepared import files, read_all, shared, write_sound

SPEAKERS = ("fash", "mblw", "mkem", "fjmd")


def lists(root: Path, split: str, folder: str, speakers: tuple[str, ...]) -> list[str]:
    names = [f"{folder}/{speaker}/an{n}-{speaker}-b" for speaker in speakers for n in (1, 2)]
    (root / "etc").mkdir(parents=True, exist_ok=True)
    (root / "etc" / f"an4_{split}.fileids").write_text("\n".join(names) + "\n")
    lines = [f"<s> YES ++uh++ GO </s> ({Path(name).name})" for name in names]
    (root / "etc" / f"an4_{split}.transcription").write_text("\n".join(lines) + "\n")
    return names


def write_mfc(path: Path, frames: int = 80) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros(13 * frames, ">f4")
    path.write_bytes(np.array([len(values)], ">i4").tobytes() + values.tobytes())


@pytest.fixture
def features(tmp_path: Path) -> Path:
    root = tmp_path / "an4"
    names = lists(root, "train", "an4_clstk", SPEAKERS)
    for name in names + lists(root, "test", "an4test_clstk", ("fcaw",)):
        write_mfc(root / "feat" / f"{name}.mfc")
    return root


def audio(root: Path, suffix: str) -> Path:
    names = lists(root, "train", "an4_clstk", SPEAKERS)
    for name in names + lists(root, "test", "an4test_clstk", ("fcaw",)):
        path = root / "wav" / f"{name}{suffix}"
        if suffix == ".raw":
            path.parent.mkdir(parents=True, exist_ok=True)
            np.arange(-4000, 4000).astype(">i2").tofile(path)
        else:
            write_sound(path, format="NIST" if suffix == ".sph" else None)
    return root


def test_features(features: Path, tmp_path: Path) -> None:
    prepare(Options(features, tmp_path / "out", valid_share=0.25))
    splits = read_all(tmp_path / "out")
    assert [len(splits[name]) for name in ("train", "valid", "test")] == [6, 2, 2]
    assert not {u.speaker for u in splits["train"]} & {u.speaker for u in splits["valid"]}
    first = splits["test"][0]
    assert (first.text, first.duration, first.speaker) == ("YES GO", 0.8, "fcaw")
    assert first.features == "source/feat/an4test_clstk/fcaw/an1-fcaw-b.mfc"


def test_no_validation_set_removes_an_older_one(features: Path, tmp_path: Path) -> None:
    prepare(Options(features, tmp_path / "out"))
    prepare(Options(features, tmp_path / "out", valid_share=0))
    assert sorted(read_all(tmp_path / "out")) == ["test", "train"]


def test_again_gives_the_same(features: Path, tmp_path: Path) -> None:
    prepare(Options(features, tmp_path / "out"))
    before = files(tmp_path / "out")
    prepare(Options(features, tmp_path / "out"))
    assert files(tmp_path / "out") == before


@pytest.mark.parametrize("suffix", [".sph", ".wav", ".raw"])
def test_audio(tmp_path: Path, suffix: str) -> None:
    prepare(Options(audio(tmp_path / "an4", suffix), tmp_path / "out"))
    first = read_all(tmp_path / "out")["test"][0]
    assert first.duration == 0.5 and first.text == "YES GO" and first.speaker == "fcaw"
    assert first.audio is not None
    samples, rate = soundfile.read(tmp_path / "out" / first.audio, dtype="int16")
    assert rate == 16000
    if suffix == ".raw":
        assert first.audio == "audio/an1-fcaw-b.flac"
        np.testing.assert_array_equal(samples, np.arange(-4000, 4000))


def test_archive(features: Path, tmp_path: Path) -> None:
    archive = tmp_path / "an4_sphinx.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(features, "an4")
    for _ in range(2):
        prepare(Options(archive, tmp_path / "out"))
        splits = read_all(tmp_path / "out")
        assert splits["test"][0].features.startswith("extracted/an4_sphinx/an4/feat/")
    assert not (tmp_path / "out" / "source").exists()


@pytest.mark.parametrize("kind", ["escape", "link", "broken"])
def test_archive_that_is_refused(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / "an4.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("../outside" if kind == "escape" else "an4/x")
        member.type = tarfile.SYMTYPE if kind == "link" else tarfile.REGTYPE
        member.linkname = "y"
        member.size = 0 if kind == "link" else 2
        tar.addfile(member, io.BytesIO(b"ab"))
    if kind == "broken":
        archive.write_bytes(archive.read_bytes()[:40])
    with pytest.raises(InputError, match="cannot be unpacked"):
        prepare(Options(archive, tmp_path / "out"))
    assert not list((tmp_path / "out" / "extracted").iterdir())
    assert not (tmp_path / "out" / "outside").exists()


def test_transcript_without_file_and_file_without_transcript(
    features: Path, tmp_path: Path
) -> None:
    (features / "feat/an4_clstk/fash/an1-fash-b.mfc").unlink()
    transcription = features / "etc/an4_train.transcription"
    transcription.write_text("\n".join(transcription.read_text().splitlines()[:-1]))
    with pytest.raises(InputError) as error:
        prepare(Options(features, tmp_path / "out"))
    assert "1 transcripts without audio: an1-fash-b" in str(error.value)
    assert "1 audio without transcript: an2-fjmd-b" in str(error.value)


def test_bad_input(features: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(InputError, match="found nothing"):
        prepare(Options(tmp_path / "nowhere", output))
    with pytest.raises(InputError, match="found no etc/"):
        prepare(Options(features / "etc", output))
    with pytest.raises(InputError, match=r"--valid-share: found 1\.5"):
        prepare(Options(features, output, valid_share=1.5))
    damaged = features / "feat/an4_clstk/fash/an1-fash-b.mfc"
    damaged.write_bytes(damaged.read_bytes()[:-4])
    with pytest.raises(InputError, match=r"an1-fash-b\.mfc: header 1040 in a file of 4160 bytes"):
        prepare(Options(features, output))
    damaged.write_bytes(b"")
    with pytest.raises(InputError, match="header -1"):
        feature_seconds(damaged)
    (features / "etc/an4_test.transcription").write_text("YES an1-fcaw-b\n")
    write_mfc(damaged)
    with pytest.raises(InputError, match=r"an4_test\.transcription:1: found 'YES an1-fcaw-b'"):
        prepare(Options(features, output))


def test_empty_transcript(features: Path, tmp_path: Path) -> None:
    transcription = features / "etc/an4_train.transcription"
    lines = ["<s> <sil> </s> (an1-fash-b)", *transcription.read_text().splitlines()[1:]]
    transcription.write_text("\n".join(lines))
    with pytest.raises(InputError, match="1 empty transcripts: an1-fash-b"):
        prepare(Options(features, tmp_path / "out"))


def test_something_else_stands_where_the_link_goes(features: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "source").mkdir(parents=True)
    with pytest.raises(InputError, match="expected a free place for the link"):
        prepare(Options(features, tmp_path / "out"))


def test_the_real_corpus(tmp_path: Path) -> None:
    prepare(Options(shared("an4_mfcc"), tmp_path))
    splits = read_all(tmp_path)
    assert len(splits["train"]) + len(splits["valid"]) == 948
    assert 80 <= len(splits["valid"]) <= 110
    assert len(splits["test"]) == 130
    assert sum(len(u.text.split()) for u in splits["test"]) == 773
    assert not {u.speaker for u in splits["train"]} & {u.speaker for u in splits["valid"]}
