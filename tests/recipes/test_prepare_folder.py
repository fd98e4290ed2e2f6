from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

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


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_a_table_of_a_spreadsheet(tmp_path: Path, delimiter: str) -> None:
    source = table(tmp_path / "own.csv", header="path,text")
    lines = ["Path,Text", *source.read_text("utf-8-sig").splitlines()[1:]]
    changed = [line.replace(",", delimiter, 1) for line in lines]
    source.write_text("\r\n".join(changed) + "\r\n", encoding="utf-8-sig")
    prepare(Options(source, tmp_path / "out"))
    assert "well 3" in {u.text for part in read_all(tmp_path / "out").values() for u in part}


def test_whole_paths_below_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a link leads to the table's folder, or the table is named from within it."""
    source = table(tmp_path / "own/own.csv", header="path,text")
    (tmp_path / "link").symlink_to(tmp_path / "own")
    for folder in (tmp_path / "own", tmp_path / "link"):
        lines = source.read_text("utf-8-sig").splitlines()
        names = [line.rpartition("wav/")[2] for line in lines[1:]]
        rows = [f"{folder}/wav/{name}" for name in names]
        source.write_text("\n".join([lines[0], *rows]) + "\n")
        monkeypatch.chdir(tmp_path / "own")
        prepare(Options(Path("own.csv"), tmp_path / "out"))
        assert sum(map(len, read_all(tmp_path / "out").values())) == 20


def test_bad_tables(tmp_path: Path, capsys) -> None:
    source, output = table(tmp_path / "own/own.csv", header="path,text"), tmp_path / "out"
    whole = source.read_text("utf-8-sig")
    source.write_text(whole.replace("wav/3.wav", "", 1))
    (tmp_path / "own/wav/3.wav").unlink()
    with pytest.raises(
        InputError, match=r"1 rows without a path: .*own\.csv:5; .*--skip-unmatched"
    ):
        prepare(Options(source, output))
    prepare(Options(source, output, skip_unmatched=True))
    assert sum(map(len, read_all(output).values())) == 19
    for outside in (write_sound(tmp_path / "a.wav"), "../a.wav"):
        source.write_text(whole.replace("wav/3.wav", str(outside), 1))
        with pytest.raises(InputError, match=r"own\.csv:5: path .* leaves .*; move the table to a"):
            prepare(Options(source, output))
    source.write_text(whole.replace("path,text", "Text,text", 1))
    with pytest.raises(
        InputError, match=r"found the columns text, text; expected .* path, text, ea"
    ):
        prepare(Options(source, output))
    source.write_text(whole.replace("Well", "Añ", 1), encoding="latin-1")
    with pytest.raises(InputError, match="save it as CSV in UTF-8"):
        prepare(Options(source, output))


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
    with pytest.raises(InputError, match=r"1 empty .*/speaker0/take 0\.txt; .* --skip-unmatched"):
        prepare(Options(folder, output))
    (folder / "speaker1/take 1.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(
        InputError, match=r"UTF-8; --skip-unmatched .*\n.*take 1\.txt: 'utf-8' codec"
    ):
        prepare(Options(folder, output))
    with pytest.raises(
        InputError, match=r"take 0\.wav: found a file of another kind, .* the folder"
    ):
        prepare(Options(folder / "speaker0/take 0.wav", output))
    write_sound(folder / "speaker0/take 0.flac")
    with pytest.raises(InputError, match="lies beside it"):
        prepare(Options(folder, output))


def test_texts_without_words_are_left_out(folder: Path, tmp_path: Path, capsys) -> None:
    (folder / "speaker0/take 0.txt").write_text("?!")
    (folder / "speaker1/take 1.txt").write_text("")
    (folder / "speaker2/take 2.txt").write_bytes(b"\xff\xfe\xfa")
    prepare(Options(folder, tmp_path / "out", skip_unmatched=True))
    assert sum(map(len, read_all(tmp_path / "out").values())) == 17
    told = capsys.readouterr().err
    assert all(f"take {number}.txt" in told for number in range(3))


def test_sound_that_training_could_not_read_is_named_with_its_reason(
    folder: Path, tmp_path: Path, capsys
) -> None:
    """The header is whole in each of them."""
    nan = np.full(8000, np.nan, np.float32)
    soundfile.write(folder / "speaker0/take 0.wav", nan, 16000, subtype="FLOAT")
    cut = folder / "speaker1/take 1.wav"
    cut.write_bytes(cut.read_bytes()[:-5000])
    damaged = write_sound(folder / "speaker2/take 2.flac", 2.0)
    (folder / "speaker2/take 2.wav").unlink()
    data = damaged.read_bytes()
    damaged.write_bytes(data[: len(data) // 2] + bytes(300) + data[len(data) // 2 + 300 :])
    soundfile.write(folder / "speaker3/take 3.wav", np.zeros(1), 44100)
    with pytest.raises(InputError) as error:
        prepare(Options(folder, tmp_path / "out"))
    head, *reasons = str(error.value).split("\n")
    assert head == "4 of 20 recordings cannot be used; --skip-unmatched leaves these out"
    expected = ("found sample nan at 0.000 s", "truncated", "damaged", "less than 0.1 ms")
    assert all(what in reason for what, reason in zip(expected, reasons, strict=True))
    prepare(Options(folder, tmp_path / "out", skip_unmatched=True))
    assert sum(map(len, read_all(tmp_path / "out").values())) == 16
    assert "left out: 4 of 20 recordings" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["prepared/deep", "."])
def test_the_output_may_lie_inside_the_source(folder: Path, output: str) -> None:
    options = Options(folder, folder / output)
    prepare(options)
    before = files(folder / output)
    prepare(options)
    assert files(folder / output) == before
    assert sum(map(len, read_all(folder / output).values())) == 20


def test_the_source_may_lie_inside_the_output(folder: Path, tmp_path: Path) -> None:
    for _ in range(2):
        prepare(Options(folder, tmp_path))
    assert sum(map(len, read_all(tmp_path).values())) == 20


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
