"""Manifests: what is written comes back, and every bad line is named by file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_rnn.data.manifest import Utterance, read_manifest, write_manifest
from audio_rnn.errors import ManifestError

GOOD = {"id": "a", "audio": "wav/a.wav", "duration": 1.5, "text": "GO"}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest path beside wav/a.wav and wav/b.wav."""
    (tmp_path / "wav").mkdir()
    for name in "ab":
        (tmp_path / "wav" / f"{name}.wav").touch()
    return tmp_path / "train.jsonl"


def write(path: Path, *lines: object) -> None:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")


def without(**changes: object) -> dict[str, object]:
    """A good line with changes; None takes a field out."""
    return {k: v for k, v in {**GOOD, **changes}.items() if v is not None}


def test_lines_come_back(manifest):
    utterances = [
        Utterance("a", 1.5, audio="wav/a.wav", text="GO ON", speaker="s", split="train"),
        Utterance("b", 0.25, features="wav/b.wav", tags=("dog", "rain")),
    ]
    write_manifest(manifest, utterances)
    assert read_manifest(manifest) == utterances
    assert "speaker" not in manifest.read_text(encoding="utf-8").splitlines()[1]


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back(tmp_path_factory, text):
    folder = tmp_path_factory.getbasetemp()
    (folder / "a.wav").touch()
    utterances = [Utterance("a", 1.0, audio="a.wav", text=text)]
    write_manifest(folder / "any.jsonl", utterances)
    assert read_manifest(folder / "any.jsonl") == utterances


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (without(txt="GO"), "unknown field 'txt'; did you mean 'text'?"),
        ('{"id": "a", ', "not JSON"),
        ("9" * 5000, "not JSON"),
        ('"text"', "expected a mapping"),
        (without(id=3), "id: found 3 (int), expected str"),
        (without(duration=None), "field 'duration' is missing"),
        (without(duration="long"), "duration: found 'long'"),
        (without(duration=0), "duration: found 0.0, expected seconds above 0"),
        (without(duration=-1), "duration: found -1.0, expected seconds above 0"),
        (without(duration=float("nan")), "duration: found nan"),
        (without(duration=float("inf")), "duration: found inf"),
        (without(duration=1e300), "duration: found 1e+300"),
        (without(tags="dog"), "tags: found 'dog', expected a list"),
        (without(audio="/etc/passwd"), "path '/etc/passwd' leaves the manifest's folder"),
        (without(audio="wav/../../a.wav"), "path 'wav/../../a.wav' leaves the manifest's folder"),
        (without(audio="wav/none.wav"), "file 'wav/none.wav' is missing"),
        (without(audio="wav"), "file 'wav' is missing"),
        (without(audio=""), "file '' is missing"),
        (without(audio="w" * 5000), "is missing"),
        (without(audio="w\0"), "is missing"),
        (without(id="good"), "id 'good' already stands in line 1"),
        (without(features="wav/b.wav"), "both or neither of 'audio' and 'features'"),
        (without(audio=None), "both or neither of 'audio' and 'features'"),
    ],
)
def test_a_bad_line_is_named_by_file_and_line(manifest, line, message):
    write(manifest, without(id="good"), "", line)
    with pytest.raises(ManifestError) as error:
        read_manifest(manifest)
    assert str(error.value).startswith(f"{manifest}:3")
    assert message in str(error.value)


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_manifest_is_refused(manifest, content):
    manifest.write_bytes(content)
    with pytest.raises(ManifestError, match="found no line"):
        read_manifest(manifest)


def test_a_manifest_that_cannot_be_read_names_the_remedy(manifest):
    with pytest.raises(ManifestError, match=r"train\.jsonl: cannot be read.*prepare script"):
        read_manifest(manifest)
    manifest.write_bytes(b'{"id": "\xff"}')
    with pytest.raises(ManifestError, match="cannot be read"):
        read_manifest(manifest)


def test_a_corpus_that_has_moved_is_named_with_its_link(manifest):
    old = manifest.parent / "recordings"
    old.mkdir()
    (old / "a.wav").touch()
    (manifest.parent / "source").symlink_to(old)
    write(manifest, without(audio="source/a.wav"))
    assert len(read_manifest(manifest)) == 1
    old.rename(manifest.parent / "moved")
    with pytest.raises(ManifestError) as error:
        read_manifest(manifest)
    assert f"source points to {old}: if the recordings have moved, run the" in str(error.value)
