from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from audio_rnn.errors import InputError
from recipes.speech_recognition.prepare_folder import Options, prepare
from tests.recipes.prepared import files, read_all, write_sound


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(20):
        place = tmp_path / f"own/speaker{number % 5}/take {number}.wav"
        write_sound(place, rate=22050)
        place.with_suffix(".txt").write_text(f"Take nümber {number}!\n", encoding="utf-8")
    return tmp_path / "own"


def table(path: Path, rows: int = 20, header: str = "path,text,speaker") -> Path:
    lines = [header]
    for number in range(rows):
        write_sound(path.parent / f"wav/{number}.wav")
        values = {"path": f"wav/{number}.wav", "text": f'"Well, {number}"', "split": "train"}
        values["speaker"] = f"s{number % 4}"
        lines.append(",".join(values[column] for column in header.split(",")))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    return path


def test_twenty_files(folder: Path, tmp_path: Path) -> None:
    prepare(Options(folder, tmp_path / "out"))
    splits = read_all(tmp_path / "out")
    assert {name: len(part) for name, part in splits.items()} == {
        "train": 16,
        "valid": 2,
        "test": 2,
    }
    texts = {u.id: u.text for part in splits.values() for u in part}
    assert texts["speaker3/take 13"] == "take nümber 13"
    before = files(tmp_path / "out")
    prepare(Options(folder, tmp_path / "out"))
    assert files(tmp_path / "out") == before


def test_whole_speakers_are_held_out(folder: Path, tmp_path: Path) -> None:
    prepare(Options(folder, tmp_path / "out", text="english", speaker_folders=True))
    splits = read_all(tmp_path / "out")
    speakers = [{u.speaker for u in part} for part in splits.values()]
    assert [len(found) for found in speakers] == [3, 1, 1]
    assert len(set.union(*speakers)) == 5
    assert any(u.text == "take nümber twelve" for part in splits.values() for u in part)


def test_table_by_speaker(tmp_path: Path) -> None:
    prepare(Options(table(tmp_path / "own.csv"), tmp_path / "out"))
    splits = read_all(tmp_path / "out")
    assert [len({u.speaker for u in splits[name]}) for name in ("train", "valid", "test")] == [
        2,
        1,
        1,
    ]
    assert splits["train"][0].text.startswith("well ")


def test_two_formats_of_one_recording_are_named(tmp_path: Path) -> None:
    source = table(tmp_path / "own.csv", header="path,text")
    write_sound(tmp_path / "wav/3.flac")
    with source.open("a", encoding="utf-8") as file:
        file.write("wav/3.flac,three\n")
    with pytest.raises(InputError, match="1 ids stand more than once: wav/3"):
        prepare(Options(source, tmp_path / "out", valid_share=0, test_share=0))


def test_linked_folders_are_searched(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set/mine").symlink_to(folder)
    prepare(Options(tmp_path / "set", tmp_path / "out"))
    splits = read_all(tmp_path / "out")
    assert sum(map(len, splits.values())) == 20
    assert all(u.audio.startswith("source/mine/speaker") for u in splits["test"])


def test_table_with_splits(tmp_path: Path) -> None:
    source = table(tmp_path / "own.csv", header="path,text,split")
    source.write_text(source.read_text("utf-8-sig").replace("train", "dev", 3))
    prepare(Options(source, tmp_path / "out"))
    splits = read_all(tmp_path / "out")
    assert {name: len(part) for name, part in splits.items()} == {"train": 17, "valid": 3}


def test_what_has_no_partner_is_listed_or_left_out(folder: Path, tmp_path: Path, capsys) -> None:
    (folder / "speaker0/take 0.txt").unlink()
    (folder / "speaker1/take 1.wav").unlink()
    (folder / "speaker2/take 2.wav").write_text("no sound")
    with pytest.raises(InputError) as error:
        prepare(Options(folder, tmp_path / "out"))
    assert "1 transcripts without audio: speaker1/take 1" in str(error.value)
    assert "1 audio without transcript: speaker0/take 0" in str(error.value)
    prepare(Options(folder, tmp_path / "out", skip_unmatched=True))
    assert sum(map(len, read_all(tmp_path / "out").values())) == 17
    told = capsys.readouterr().err
    assert "speaker1/take 1" in told and "speaker0/take 0" in told and "take 2.wav" in told


def test_bad_input(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(InputError, match="found nothing"):
        prepare(Options(tmp_path / "nowhere", output))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="found no recording"):
        prepare(Options(tmp_path / "empty", output))
    with pytest.raises(InputError, match=r"--valid-share 0\.6 and --test-share 0\.5"):
        prepare(Options(folder, output, valid_share=0.6, test_share=0.5))
    (folder / "speaker0/take 0.txt").write_text("?!")
    with pytest.raises(InputError, match="1 empty transcripts: speaker0/take 0"):
        prepare(Options(folder, output))
    (folder / "speaker0/take 0.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InputError, match=r"take 0\.txt: cannot be read: .* expected text in UTF-8"):
        prepare(Options(folder, output))
    write_sound(folder / "speaker0/take 0.flac")
    with pytest.raises(InputError, match="lies beside it"):
        prepare(Options(folder, output))


def test_one_speaker_cannot_be_held_out(tmp_path: Path) -> None:
    source = table(tmp_path / "own.csv")
    source.write_text(
        source.read_text().replace("s1", "s0").replace("s2", "s0").replace("s3", "s0")
    )
    with pytest.raises(InputError, match="found 1 speaker"):
        prepare(Options(source, tmp_path / "out"))
    prepare(Options(source, tmp_path / "out", valid_share=0, test_share=0))
    assert list(read_all(tmp_path / "out")) == ["train"]


def test_speaker_folders_are_for_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column speaker"):
        prepare(Options(table(tmp_path / "own.csv"), tmp_path / "out", speaker_folders=True))


def test_command_line(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "recipes.speech_recognition.prepare_folder"]
    root = Path(__file__).parents[2]
    run = subprocess.run([*command, tmp_path / "x"], capture_output=True, text=True, cwd=root)
    assert run.returncode == 1
    assert run.stderr.startswith("error: ") and "Traceback" not in run.stderr
    options = [str(folder), "--output", str(tmp_path / "out"), "--text", "english"]
    run = subprocess.run([*command, *options], capture_output=True, text=True, cwd=root)
    assert run.returncode == 0 and "utterances" in run.stdout
    assert len(read_all(tmp_path / "out")["train"]) == 16
