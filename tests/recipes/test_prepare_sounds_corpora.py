"""UrbanSound8K, Speech Commands, DESED and FSDD as keywords, in folders of their layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_rnn.audio import read_audio
from audio_rnn.classes import Classes
from audio_rnn.errors import InputError
from audio_rnn.events import Event
from recipes.audio_tagging import (
    prepare_desed,
    prepare_fsdd,
    prepare_speech_commands,
    prepare_urbansound8k,
)
from tests.recipes.prepared import files, shared, write_sound
from tests.recipes.sounds import read_parts


def noise(path: Path, seconds: float, seed: int = 0, rate: int = 16000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * rate))
    soundfile.write(path, samples, rate)
    return path


@pytest.fixture
def city(tmp_path: Path) -> Path:
    lines = ["slice_file_name,fsID,start,end,salience,fold,classID,class"]
    for fold in range(1, 11):
        for number, name in ((3, "dog_bark"), (8, "siren")):
            for part in range(2):
                file = f"{100 * fold + number}-{number}-0-{part}.wav"
                noise(tmp_path / f"us8k/audio/fold{fold}/{file}", 0.1, fold + number + part)
                lines.append(f"{file},{100 * fold + number},0.0,0.1,1,{fold},{number},{name}")
    (tmp_path / "us8k/metadata").mkdir()
    (tmp_path / "us8k/metadata/UrbanSound8K.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "us8k"


def test_urbansound8k(city: Path, tmp_path: Path) -> None:
    prepare_urbansound8k.prepare(prepare_urbansound8k.Options(city, tmp_path / "out"))
    clips = read_parts(tmp_path / "out")["all"]
    assert len(clips) == 40 and {c.fold for c in clips} == set(range(1, 11))
    assert clips[0].audio == "source/audio/fold1/103-3-0-0.wav"
    assert (clips[0].tags, clips[0].recording) == (("dog_bark",), "103")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1,1,3,dog", "1,11,3,dog", r"UrbanSound8K\.csv:2: fold: found '11', expected 1 to 10"),
        ("1,1,3,dog", "1,2,3,dog", r"1 of the 40 files .* missing: fold2/103-3-0-0\.wav"),
        ("203,0.0", "103,0.0", r"recordings are in several folds.*: 103 \(fold 1, fold 2\)"),
        ("fsID", "id", r"UrbanSound8K\.csv:1: found the columns .* expected .* fsid"),
    ],
)
def test_urbansound8k_of_another_kind(
    city: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    table = city / "metadata/UrbanSound8K.csv"
    table.write_text(table.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        prepare_urbansound8k.prepare(prepare_urbansound8k.Options(city, tmp_path / "out"))


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """Ten commands and two other words by 13 speakers, of whom two are for validation and test."""
    root, lists = tmp_path / "commands", {11: "validation_list.txt", 12: "testing_list.txt"}
    names: dict[int, list[str]] = {speaker: [] for speaker in range(13)}
    for n, word in enumerate((*prepare_speech_commands.COMMANDS, "bed", "cat")):
        for speaker in range(13):
            name = f"{word}/{speaker:08x}_nohash_0.wav"
            noise(root / name, 0.1, 100 * n + speaker)
            names[speaker].append(name)
    for speaker, file in lists.items():
        (root / file).write_text("\n".join(names[speaker]) + "\n")
    ramp = np.linspace(0, 0.9, 20 * 16000)
    (root / "_background_noise_").mkdir()
    soundfile.write(root / "_background_noise_/ramp.wav", ramp, 16000)
    return root


def test_twelve_classes(commands: Path, tmp_path: Path) -> None:
    options = prepare_speech_commands.Options(commands, tmp_path / "out")
    prepare_speech_commands.prepare(options)
    parts = read_parts(tmp_path / "out")
    assert len(Classes.load(tmp_path / "out/classes.txt")) == 12
    for split, count in (("train", 110), ("valid", 10), ("test", 10)):
        tags = [c.tags for c in parts[split]]
        others = [tags.count((name,)) for name in ("unknown", "silence")]
        assert len(tags) == count + sum(others) and others == [count // 10] * 2
    speakers = [{c.speaker for c in part if c.speaker} for part in parts.values()]
    assert sum(map(len, speakers)) == len(set.union(*speakers)) == 13
    before = files(tmp_path / "out")
    prepare_speech_commands.prepare(options)
    assert files(tmp_path / "out") == before
    prepare_speech_commands.prepare(replace(options, seed=1))
    assert files(tmp_path / "out") != before


def test_silences_of_each_split_are_other_parts_of_the_noise(
    commands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare_speech_commands, "VOLUMES", (1.0, 1.0))
    prepare_speech_commands.prepare(prepare_speech_commands.Options(commands, tmp_path / "out"))
    for split, (first, end) in prepare_speech_commands.PARTS.items():
        for clip in read_parts(tmp_path / "out")[split]:
            if clip.tags == ("silence",):
                sound = read_audio(tmp_path / "out" / clip.source, 16000)
                assert len(sound) == 16000
                assert 0.9 * first - 1e-3 <= sound.min() and sound.max() <= 0.9 * end + 1e-3


def test_all_words(commands: Path, tmp_path: Path) -> None:
    options = prepare_speech_commands.Options(commands, tmp_path / "out", 35)
    prepare_speech_commands.prepare(options)
    parts = read_parts(tmp_path / "out")
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 132,
        "valid": 12,
        "test": 12,
    }
    assert ("bed",) in {c.tags for c in parts["test"]}


def test_speech_commands_that_are_not_whole(commands: Path, tmp_path: Path) -> None:
    options = prepare_speech_commands.Options(commands, tmp_path / "out")
    (commands / "go/0000000b_nohash_0.wav").unlink()
    with pytest.raises(InputError, match=r"1 files of its lists missing: go/0000000b_nohash_0"):
        prepare_speech_commands.prepare(options)
    (commands / "validation_list.txt").unlink()
    with pytest.raises(InputError, match=r"validation_list\.txt: cannot be read"):
        prepare_speech_commands.prepare(options)
    with pytest.raises(InputError, match="found nothing, expected the folder of Speech Commands"):
        prepare_speech_commands.prepare(prepare_speech_commands.Options(tmp_path / "none"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = tmp_path / "desed"
    tables = {
        "train/weak.tsv": "filename\tevent_labels\nY1.wav\tDog,Running_water\nY2.wav\tDog\n",
        "train/synthetic/scenes.tsv": (
            "filename\tonset\toffset\tevent_label\n1.wav\t0.5\t1.0\tDog\n1.wav\t0.0\t2.05\tSpeech\n"
            "2.wav\t\t\t\n"
        ),
        "validation/validation.tsv": "filename\tonset\toffset\tevent_label\nY3.wav\t0\t1\tDog\n",
        "validation/durations.tsv": "filename\tduration\nY3.wav\t2.0\n",
        "eval/public.tsv": "filename\tonset\toffset\tevent_label\nY4.wav\t1\t1.5\tSpeech\n",
    }
    for name, text in tables.items():
        (root / "metadata" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "metadata" / name).write_text(text)
    for n, name in enumerate(
        ("train/weak/Y1", "train/weak/Y2", "train/synthetic/scenes/1", "train/synthetic/scenes/2")
    ):
        noise(root / f"audio/{name}.wav", 2.0, n)
    noise(root / "audio/validation/Y3.wav", 2.0, 5)
    noise(root / "audio/eval/public/Y4.wav", 2.0, 6)
    return root


def test_desed(home: Path, tmp_path: Path, capsys) -> None:
    prepare_desed.prepare(prepare_desed.Options(home, tmp_path / "out"))
    parts = read_parts(tmp_path / "out")
    clips = {c.id: c for c in parts["train"]}
    assert clips["audio/train/weak/Y1.wav"].tags == ("Dog", "Running_water")
    assert clips["audio/train/synthetic/scenes/1.wav"].events == (
        Event(0.0, 2.0, "Speech"), Event(0.5, 1.0, "Dog"),
    )  # fmt: skip
    assert clips["audio/train/synthetic/scenes/2.wav"].events == ()
    assert [c.id for c in parts["valid"]] == ["audio/validation/Y3.wav"]
    assert [c.source for c in parts["test"]] == ["source/audio/eval/public/Y4.wav"]
    assert "left out: 1 tables without labels" in capsys.readouterr().err
    weak = prepare_desed.Options(home, tmp_path / "out", ("train/weak.tsv",))
    prepare_desed.prepare(weak)
    assert list(read_parts(tmp_path / "out")) == ["train"]


def test_desed_that_is_not_whole(home: Path, tmp_path: Path, capsys) -> None:
    options = prepare_desed.Options(home, tmp_path / "out")
    (home / "audio/train/weak/Y2.wav").unlink()
    with pytest.raises(InputError, match=r"1 of the 2 files .*Y2\.wav.*; --skip-missing leaves"):
        prepare_desed.prepare(options)
    prepare_desed.prepare(replace(options, skip_missing=True))
    assert "left out: 1 of the 2 recordings of" in capsys.readouterr().err
    assert len(read_parts(tmp_path / "out")["train"]) == 3
    with pytest.raises(InputError, match=r"--tables: found no train/strong\.tsv"):
        prepare_desed.prepare(replace(options, tables=("train/strong.tsv",)))
    (home / "metadata/other").mkdir()
    weak = home / "metadata/train/weak.tsv"
    weak.rename(home / "metadata/other/weak.tsv")
    with pytest.raises(InputError, match=r"other/weak\.tsv: found no .*audio/other/weak"):
        prepare_desed.prepare(options)
    (home / "metadata/other/weak.tsv").unlink()
    table = home / "metadata/validation/validation.tsv"
    table.write_text(table.read_text().replace("0\t1\tDog", "1\t0.5\tDog"))
    with pytest.raises(InputError, match=r"validation\.tsv:2: offset: found 0\.5"):
        prepare_desed.prepare(options)


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    for n, digit in enumerate((0, 7)):
        for take in range(12):
            noise(
                tmp_path / f"fsdd/recordings/{digit}_jackson_{take}.wav", 0.3, 50 * n + take, 8000
            )
    return tmp_path / "fsdd"


def test_digits_as_keywords(digits: Path, tmp_path: Path) -> None:
    keywords = ("zero", "seven")
    options = prepare_fsdd.Options(digits, tmp_path / "out", keywords=keywords)
    prepare_fsdd.prepare(options)
    parts = read_parts(tmp_path / "out")
    takes = {name: {int(c.id.split("_")[2]) for c in part} for name, part in parts.items()}
    assert takes == {"test": set(range(5)), "valid": {5, 6, 7}, "train": {8, 9, 10, 11}}
    assert {c.tags for c in parts["test"]} == {("zero",), ("seven",)}


@pytest.mark.parametrize("tag", [None, "background"])
def test_negatives(digits: Path, tmp_path: Path, tag: str | None) -> None:
    for seed in range(30):
        write_sound(tmp_path / f"others/{seed}.wav", 1.0)
    options = prepare_fsdd.Options(
        digits,
        tmp_path / "out",
        keywords=("seven",),
        negatives=2.0,
        others=tmp_path / "others",
        negative_class=tag,
    )
    prepare_fsdd.prepare(options)
    expected = (tag,) if tag else ()
    for part in read_parts(tmp_path / "out").values():
        made = [c for c in part if c.source.startswith("audio/")]
        assert len(made) == 2 * (len(part) - len(made))
        assert {c.tags for c in made} == {expected} and {
            c.tags for c in part if c.id[0] == "0"
        } == {expected}
        sounds = [read_audio(tmp_path / "out" / c.source, 8000) for c in made]
        assert all(np.abs(sound).max() < 0.71 for sound in sounds)
    before = files(tmp_path / "out/audio")
    prepare_fsdd.prepare(options)
    assert files(tmp_path / "out/audio") == before


def test_other_recordings_are_heard_in_one_split(tmp_path: Path) -> None:
    for n in range(60):
        write_sound(tmp_path / f"{n}.wav", 0.1)
    parts = prepare_fsdd.find_others(tmp_path)
    assert sum(map(len, parts.values())) == len({p for part in parts.values() for p in part}) == 60
    assert len(parts["train"]) > 35 and parts["valid"] and parts["test"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"negatives": -1.0}, r"--negatives -1\.0: expected 0 or more"),
        ({"keywords": ("ten",)}, r"--keywords: found \['ten'\], expected some of"),
        ({"keywords": ()}, "--keywords: found none"),
        ({"others": Path("x")}, "--others: found with --negatives 0"),
        ({"negative_class": "one"}, "--negative-class: found 'one', expected no digit"),
        ({"others": Path("x"), "negatives": 1.0}, "x: found nothing, expected recordings without"),
        ({}, "8 classes have no clip: eight"),
    ],
)
def test_what_keywords_cannot_be(digits: Path, tmp_path: Path, wrong: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepare_fsdd.prepare(prepare_fsdd.Options(digits, tmp_path / "out", **wrong))


def test_the_real_digits(tmp_path: Path) -> None:
    prepare_fsdd.prepare(prepare_fsdd.Options(shared("fsdd"), tmp_path))
    parts = read_parts(tmp_path)
    assert {n: len(p) for n, p in parts.items()} == {"train": 2520, "valid": 180, "test": 300}
    assert len(Classes.load(tmp_path / "classes.txt")) == 10
