"""A user's own sounds: folders of classes, tables of tags, tables of events."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audio_rnn.classes import Classes
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError
from audio_rnn.events import Event
from recipes.audio_tagging.prepare_folder import Options, prepare
from recipes.audio_tagging.splits import divide
from tests.recipes.prepared import files, write_sound
from tests.recipes.sounds import read_parts, recordings

NAMES = ("dog, big", "Vögel", "雨")


def noise(path: Path, seed: int, seconds: float = 0.2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * 8000))
    soundfile.write(path, samples, 8000)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(60):
        name = NAMES[number % 3]
        noise(tmp_path / "own" / name / ("deep" if number % 2 else "") / f"{number}.wav", number)
    return tmp_path / "own"


def table(path: Path, text: str, seconds: float = 2.0) -> Path:
    """A table with the clips a.wav, b.wav and c.wav beside it."""
    for seed, name in enumerate("abc"):
        noise(path.parent / f"{name}.wav", seed, seconds)
    path.write_text(text, encoding="utf-8")
    return path


def test_three_classes_of_twenty_clips(folder: Path, tmp_path: Path) -> None:
    options = Options(folder, tmp_path / "out")
    prepare(options)
    parts = read_parts(options.output)
    for split, count in (("train", 14), ("valid", 3), ("test", 3)):
        assert [sum(c.tags == (name,) for c in parts[split]) for name in NAMES] == [count] * 3
    assert Classes.load(options.output / "classes.txt").names == tuple(sorted(NAMES))
    before = files(options.output)
    prepare(options)
    assert files(options.output) == before


def test_folders_of_splits(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "split").mkdir()
    folder.rename(tmp_path / "split/train")
    noise(tmp_path / "split/dev/雨/x.wav", 100)
    prepare(Options(tmp_path / "split", tmp_path / "out"))
    parts = read_parts(tmp_path / "out")
    assert len(parts["train"]) == 60 and [c.tags for c in parts["valid"]] == [("雨",)]
    noise(tmp_path / "split/test/Schnee/x.wav", 101)
    with pytest.raises(InputError, match="1 classes have no training clip: Schnee"):
        prepare(Options(tmp_path / "split", tmp_path / "out"))


def test_the_output_may_lie_inside_the_source(folder: Path) -> None:
    for output in (folder / "prepared", folder):
        for _ in range(2):
            prepare(Options(folder, output))
            assert sum(map(len, read_parts(output).values())) == 60
    with pytest.raises(InputError, match=r"--output .*: lies inside a folder of"):
        prepare(Options(folder, folder / "雨/out"))


def test_clips_of_0_1_s_and_of_an_hour_and_a_name_decomposed(folder: Path, tmp_path: Path) -> None:
    (folder / "Vögel").rename(folder / unicodedata.normalize("NFD", "Vögel"))
    noise(folder / "雨/short.wav", 1, 0.1)
    soundfile.write(folder / "雨/hour.flac", np.tile(np.float32([0.1, -0.1]), 1800 * 1000), 1000)
    prepare(Options(folder, tmp_path / "out"))
    clips = [c for part in read_parts(tmp_path / "out").values() for c in part]
    assert {0.1, 3600.0} <= {c.duration for c in clips}
    assert ("Vögel",) in {c.tags for c in clips}


def test_the_same_sound_stays_in_one_split(folder: Path, tmp_path: Path, capsys) -> None:
    for number in range(12):
        noise(folder / f"雨/copy{number}.wav", 2)
    prepare(Options(folder, tmp_path / "out"))
    assert "1 sounds stand in several files, as one recording: 雨/2.wav = 雨/copy0.wav" in (
        capsys.readouterr().err.replace("\n", " ")
    )
    places = [name for name, part in read_parts(tmp_path / "out").items() if recordings(part)]
    assert len(places) == 1


def test_negatives_and_silence(folder: Path, tmp_path: Path, capsys) -> None:
    soundfile.write(folder / "雨/silent.wav", np.zeros(8000), 8000)
    prepare(Options(folder, tmp_path / "out", negatives="Vögel"))
    assert "1 clips are silent, though something is said to be heard: 雨/silent.wav" in (
        capsys.readouterr().err
    )
    parts = read_parts(tmp_path / "out")
    assert [sum(c.tags == () for c in parts[s]) for s in ("train", "valid", "test")] == [14, 3, 3]


def test_rare_and_empty_classes(folder: Path, tmp_path: Path, capsys) -> None:
    noise(folder / "once/x.wav", 200)
    prepare(Options(folder, tmp_path / "out"))
    assert "1 classes have one clip, which is hardly enough: once" in capsys.readouterr().err
    assert ("once",) in {c.tags for c in read_parts(tmp_path / "out")["train"]}
    (folder / "none").mkdir()
    with pytest.raises(InputError, match="none: found no audio file, expected clips of the class"):
        prepare(Options(folder, tmp_path / "out"))


def test_folders_that_are_none(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: found no folder; expected a folder a class"):
        prepare(Options(tmp_path / "empty", tmp_path / "out"))
    write_sound(folder / "loose.wav")
    with pytest.raises(InputError, match=r"own: found the files loose\.wav; expected a folder a"):
        prepare(Options(folder, tmp_path / "out"))
    with pytest.raises(InputError, match=r"loose\.wav: found a file of another kind"):
        prepare(Options(folder / "loose.wav", tmp_path / "out"))


def test_broken_files_are_named_or_left_out(folder: Path, tmp_path: Path, capsys) -> None:
    (folder / "雨/2.wav").write_text("no sound")
    with pytest.raises(InputError, match=r"1 of 60 .*--skip-broken leaves these out\n.*2\.wav: "):
        prepare(Options(folder, tmp_path / "out"))
    prepare(Options(folder, tmp_path / "out", skip_broken=True))
    assert "left out: 1 of 60" in capsys.readouterr().err
    for path in (folder / "雨").rglob("*.wav"):
        path.write_text("no sound")
    with pytest.raises(InputError, match="1 classes have no clip: 雨"):
        prepare(Options(folder, tmp_path / "out", skip_broken=True))


def test_a_table_of_tags(tmp_path: Path) -> None:
    text = 'path,tags,split\na.wav,"dog; rain, heavy/cold",train\nb.wav,,train\nc.wav,dog,test\n'
    prepare(Options(table(tmp_path / "own/own.csv", text), tmp_path / "out"))
    parts = read_parts(tmp_path / "out")
    assert [c.tags for c in parts["train"]] == [("dog", "rain, heavy/cold"), ()]
    assert [c.tags for c in parts["test"]] == [("dog",)] and parts["test"][0].events is None
    assert Classes.load(tmp_path / "out/classes.txt").names == ("dog", "rain, heavy/cold")


def test_a_table_with_folds_and_one_of_events(tmp_path: Path, capsys) -> None:
    text = "filename\tonset\toffset\tevent_label\tfold\n" + "".join(
        f"{row}\n"
        for row in (
            "a.wav\t1.0\t2.05\tdog\t1",
            "a.wav\t0.25\t0.5\tcat\t1",
            "a.wav\t1.5\t1.75\tdog\t1",
            "b.wav\t\t\t\t2",
            "c.wav\t0\t1\tdog\t2",
        )
    )
    prepare(Options(table(tmp_path / "own/own.tsv", text), tmp_path / "out"))
    first, second, _ = read_parts(tmp_path / "out")["all"]
    assert first.events == (
        Event(0.25, 0.5, "cat"), Event(1.0, 2.0, "dog"), Event(1.5, 1.75, "dog"),
    )  # fmt: skip
    assert second.events == () and second.fold == 2 and second.tags is None
    told = capsys.readouterr().err
    assert "1 events overlap an earlier one of their label" in told and "own.tsv:4" in told
    prepare(Options(table(tmp_path / "own/own.csv", "path,tags\na.wav,dog\n"), tmp_path / "out"))
    assert list(read_parts(tmp_path / "out")) == ["train"]


EVENTS = "path,onset,offset,label\na.wav,0.5,1,dog\nb.wav,0.5,1,dog\n"
TAGS = "path,tags,{}\na.wav,dog,1\nb.wav,dog,2\nc.wav,dog,1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (EVENTS.replace("0.5,1", "-0.5,1", 1), r"own\.csv:2: onset: found -0\.5, expected seconds"),
        (EVENTS.replace("0.5,1", "1.5,1", 1), r"own\.csv:2: offset: found 1\.0, expected .* 1\.5"),
        (
            EVENTS.replace("0.5,1", "0.5,9", 1),
            r":2: found 'dog' from 0\.5 to 9 s, .* 2 s of .*a\.w",
        ),
        (EVENTS.replace("0.5,1", "0.5,nan"), r"own\.csv:2: offset: found nan"),
        (EVENTS.replace("0.5,1", "0.5,end"), r"own\.csv:2: offset: found 'end', expected seconds"),
        (EVENTS.replace("dog", "", 1), r"own\.csv:2: found times without label"),
        (EVENTS + "a.wav,,,\n", r"own\.csv:4: path 'a\.wav' stands already in .*:2; .*only one"),
        (EVENTS + "d.wav,0,1,dog\n", r"1 of the 3 files .*own\.csv names are missing: d\.wav"),
        (EVENTS + "a.wav,2,3\n", r"own\.csv:4: found 3 fields, expected 4"),
        (EVENTS + "../x.wav,0,1,dog\n", r"own\.csv:4: path '\.\./x\.wav' leaves"),
        (EVENTS + ",0,1,dog\n", r"own\.csv:4: found no path, expected an audio file"),
        ("path,tags\na.wav,dog\na.wav,cat\n", r":3: path 'a\.wav' .* in .*:2; expected a row a fi"),
        ("path,what\na.wav,dog\n", r"own\.csv:1: found the columns path, what; expected path"),
        ("path,tags\n", r"found no row below the header"),
        ("path,tags\na.wav,\nb.wav,\n", "found 2 clips in which nothing is heard"),
        (TAGS.format("fold").replace("dog,1", "dog,one", 1), r"own\.csv:2: fold: found 'one', exp"),
        (TAGS.format("split"), r"own\.csv:2: split: found '1', expected train, valid or test"),
        (
            "path,tags,fold,recording\na.wav,dog,1,r7\nb.wav,dog,2,r7\nc.wav,dog,1,r8\n",
            r"1 recordings are in several folds, .*: r7 \(fold 1, fold 2\); put all clips",
        ),
        (
            "path,onset,offset,label,split\na.wav,0,1,dog,train\na.wav,1,2,dog,test\n",
            r"own\.csv:3: split: found 'test', expected 'train' as in .*own\.csv:2",
        ),
        (
            "path,tags,split,fold\na.wav,dog,train,1\nb.wav,dog,test,1\n",
            r"own\.csv:1: found the columns split and fold",
        ),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepare(Options(table(tmp_path / "own/own.csv", text), tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_the_same_sound_in_two_given_splits_is_a_leak(tmp_path: Path) -> None:
    source = table(tmp_path / "own.csv", "path,tags,split\na.wav,dog,train\nb.wav,dog,test\n")
    noise(tmp_path / "b.wav", 0, 2.0)
    with pytest.raises(InputError, match=r"recordings are in several splits.* a\.wav \(test, tr"):
        prepare(Options(source, tmp_path / "out"))


@given(
    st.lists(
        st.tuples(st.sets(st.sampled_from("abcd"), max_size=3), st.integers(0, 20)), min_size=1
    ),
    st.sampled_from([0.0, 0.1, 0.3, 0.5]),
    st.sampled_from([0.0, 0.1, 0.4]),
)
def test_held_out_clips(what: list[tuple[set[str], int]], valid: float, test: float) -> None:
    """Recordings stay whole, training hears every class, and a share of 0 holds nothing out."""
    clips = [
        Utterance(f"{n}", 1.0, audio="x.wav", tags=tuple(tags), recording=f"r{recording}")
        for n, (tags, recording) in enumerate(what)
    ]
    made = divide(clips, valid, test)
    assert [c.id for c in made] == [c.id for c in clips]
    splits = {c.recording: c.split for c in made}
    assert all(splits[c.recording] == c.split for c in made)
    heard = {tag for c in made for tag in c.tags or ()}
    assert heard == {tag for c in made if c.split == "train" for tag in c.tags or ()}
    assert valid or "valid" not in splits.values()
    assert test or "test" not in splits.values()


@pytest.mark.parametrize(("count", "expected"), [(1, "t"), (2, "t e"), (3, "t v e"), (20, "t v e")])
def test_splits_of_small_classes(count: int, expected: str) -> None:
    clips = [Utterance(f"{n}", 1.0, audio="x.wav", tags=("dog",)) for n in range(count)]
    found = {c.split for c in divide(clips, 0.15, 0.15)}
    assert found == {{"t": "train", "v": "valid", "e": "test"}[x] for x in expected.split()}


def test_command_line(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "recipes.audio_tagging.prepare_folder"]
    root = Path(__file__).parents[2]
    run = subprocess.run([*command, tmp_path / "x"], capture_output=True, text=True, cwd=root)
    assert run.returncode == 1 and run.stderr.startswith("error: ") and "Trace" not in run.stderr
    options = [str(folder), "--output", str(tmp_path / "out"), "--test-share", "0"]
    run = subprocess.run([*command, *options], capture_output=True, text=True, cwd=root)
    assert run.returncode == 0 and "dog, big" in run.stdout
    assert sorted(read_parts(tmp_path / "out")) == ["train", "valid"]
