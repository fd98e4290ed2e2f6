"""FSDD, Kathleen and LibriSpeech."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from audio_rnn.errors import InputError
from recipes.speech_recognition import prepare_fsdd, prepare_kathleen, prepare_librispeech
from tests.recipes.prepared import files, read_all, shared, write_sound


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    for digit in (0, 7):
        for take in range(10):
            suffix = ".wav" if take % 2 else ".flac"
            write_sound(tmp_path / f"fsdd/recordings/{digit}_jackson_{take}{suffix}", rate=8000)
    return tmp_path / "fsdd"


def test_fsdd(digits: Path, tmp_path: Path) -> None:
    prepare_fsdd.prepare(prepare_fsdd.Options(digits, tmp_path / "out"))
    splits = read_all(tmp_path / "out")
    takes = {name: {int(u.id.split("_")[2]) for u in part} for name, part in splits.items()}
    assert takes == {"test": set(range(5)), "valid": {5, 6, 7}, "train": {8, 9}}
    assert {u.text for u in splits["test"]} == {"zero", "seven"}
    before = files(tmp_path / "out")
    prepare_fsdd.prepare(prepare_fsdd.Options(digits, tmp_path / "out"))
    assert files(tmp_path / "out") == before


def test_fsdd_of_another_layout(digits: Path, tmp_path: Path) -> None:
    write_sound(digits / "recordings/seven.wav")
    with pytest.raises(InputError, match=r"found seven\.wav, expected names like"):
        prepare_fsdd.prepare(prepare_fsdd.Options(digits, tmp_path / "out"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="found no audio file"):
        prepare_fsdd.prepare(prepare_fsdd.Options(tmp_path / "empty", tmp_path / "out"))


def test_files_that_are_no_sound_are_all_named(digits: Path, tmp_path: Path) -> None:
    (digits / "recordings/7_jackson_1.wav").write_text("not a sound")
    (digits / "recordings/7_jackson_3.wav").write_bytes(b"")
    with pytest.raises(InputError, match=r"2 of 20 (.*\n.*)7_jackson_1\.wav: (.*\n.*)_3\.wav: "):
        prepare_fsdd.prepare(prepare_fsdd.Options(digits, tmp_path / "out"))


def test_fsdd_as_it_is(tmp_path: Path) -> None:
    prepare_fsdd.prepare(prepare_fsdd.Options(shared("fsdd"), tmp_path))
    splits = read_all(tmp_path)
    assert {name: len(part) for name, part in splits.items()} == {
        "train": 2520,
        "valid": 180,
        "test": 300,
    }


def sentences(root: Path, lines: list[str]) -> Path:
    for line in lines[1:]:
        write_sound(root / line.split("\t")[0])
    (root / "manifest.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


LINES = [
    "path\tsplit\tseconds\ttext",
    "audio/a.wav\ttrain\t0.5\tPhilip Steels, etc.",
    "audio/b.wav\tvalid\t0.5\tRed-Eye's -- O'Brien",
    "audio/c.wav\ttest\t0.5\tHurry 'em!",
]


def test_kathleen(tmp_path: Path) -> None:
    source = sentences(tmp_path / "kathleen", LINES)
    prepare_kathleen.prepare(prepare_kathleen.Options(source, tmp_path / "out"))
    texts = {name: part[0].text for name, part in read_all(tmp_path / "out").items()}
    assert texts == {
        "train": "philip steels et cetera",
        "valid": "red eye's o'brien",
        "test": "hurry em",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("train", "training"), "manifest.tsv:2: split: found 'training'"),
        (("audio/a.wav", "../a.wav"), "manifest.tsv:2: path '../a.wav' leaves"),
        (("audio/a.wav", "audio/d.wav"), "1 transcripts without audio: audio/d.wav"),
        (("\tseconds", "\t"), None),
        (("\ttext", "\twords"), "manifest.tsv:1: found the columns .* expected a header with path"),
        (("\t0.5\tPhilip", "\tPhilip"), "manifest.tsv:2: found 3 fields, expected 4"),
        (("Philip Steels, etc.", "..."), r"1 empty transcripts .*: .*manifest\.tsv:2"),
        (("audio/b.wav", "audio/a.wav"), "manifest.tsv:3: path 'audio/a.wav' stands already"),
    ],
)
def test_broken_tables(tmp_path: Path, change: tuple[str, str], message: str | None) -> None:
    source = sentences(tmp_path / "kathleen", LINES)
    table = source / "manifest.tsv"
    table.write_text(table.read_text().replace(*change, 1))
    options = prepare_kathleen.Options(source, tmp_path / "out")
    if message is None:
        return prepare_kathleen.prepare(options)
    with pytest.raises(InputError, match=message):
        prepare_kathleen.prepare(options)
    assert not (tmp_path / "out").exists()
    return None


def test_kathleen_as_it_is(tmp_path: Path) -> None:
    prepare_kathleen.prepare(prepare_kathleen.Options(shared("kathleen"), tmp_path))
    splits = read_all(tmp_path)
    assert sum(map(len, splits.values())) == 1620
    letters = {c for part in splits.values() for u in part for c in u.text}
    assert letters == set("abcdefghijklmnopqrstuvwxyz' ")


@pytest.fixture
def libri(tmp_path: Path) -> Path:
    root = tmp_path / "corpus" / "LibriSpeech"
    for subset, speaker in (("train-clean-100", 19), ("dev-clean", 84), ("test-clean", 61)):
        chapter = root / subset / str(speaker) / "198"
        names = [f"{speaker}-198-{n:04}" for n in range(3)]
        for name in names:
            write_sound(chapter / f"{name}.flac")
        lines = [f"{name} NORTHANGER ABBEY'S" for name in names]
        (chapter / f"{speaker}-198.trans.txt").write_text("\n".join(lines) + "\n")
    return root.parent


def test_librispeech_as_distributed(libri: Path, tmp_path: Path) -> None:
    for source in (libri, libri / "LibriSpeech"):
        prepare_librispeech.prepare(prepare_librispeech.Options(source, tmp_path / "out"))
        splits = read_all(tmp_path / "out")
        assert {name: part[0].speaker for name, part in splits.items()} == {
            "train": "19",
            "valid": "84",
            "test": "61",
        }
        assert splits["train"][0].text == "NORTHANGER ABBEY'S"


def test_librispeech_archives(libri: Path, tmp_path: Path) -> None:
    archives = tmp_path / "archives"
    archives.mkdir()
    for subset in ("train-clean-100", "dev-clean"):
        with tarfile.open(archives / f"{subset}.tar.gz", "w:gz") as tar:
            tar.add(libri / "LibriSpeech" / subset, f"LibriSpeech/{subset}")
    options = prepare_librispeech.Options(archives, tmp_path / "out", test=())
    for _ in range(2):
        prepare_librispeech.prepare(options)
        splits = read_all(tmp_path / "out")
        assert {name: len(part) for name, part in splits.items()} == {"train": 3, "valid": 3}
    one = prepare_librispeech.Options(
        archives / "dev-clean.tar.gz", tmp_path / "one", train=("dev-clean",), valid=(), test=()
    )
    prepare_librispeech.prepare(one)
    assert len(read_all(tmp_path / "one")["train"]) == 3


def test_librispeech_bad_input(libri: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    options = prepare_librispeech.Options(libri, output, train=("train-other-500",))
    with pytest.raises(InputError, match="found no train-other-500"):
        prepare_librispeech.prepare(options)
    (libri / "LibriSpeech/dev-clean/84/198/84-198-0001.flac").unlink()
    with pytest.raises(InputError, match="1 transcripts without audio: 84-198-0001"):
        prepare_librispeech.prepare(prepare_librispeech.Options(libri, output))
    (libri / "manifest.tsv").write_text("path\tsplit\ttext\n")
    with pytest.raises(InputError, match="leave out --train"):
        prepare_librispeech.prepare(options)


def test_librispeech_pieces(tmp_path: Path) -> None:
    source = shared("librispeech_mini")
    prepare_librispeech.prepare(prepare_librispeech.Options(source, tmp_path))
    splits = read_all(tmp_path)
    assert sum(map(len, splits.values())) == 615
    assert not {u.speaker for u in splits["train"]} & {u.speaker for u in splits["valid"]}
