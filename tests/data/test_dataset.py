"""Utterances as arrays: Sphinx and numpy feature files, audio, and every way they can be broken."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from audio_rnn.audio import write_audio
from audio_rnn.data.dataset import SpeechDataset
from audio_rnn.data.inputs import read_frames
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import AudioError, ManifestError

FRAMES = np.random.default_rng(0).normal(size=(7, 13)).astype(np.float32)
AN4 = Path(__file__).parents[2] / ".." / "shared" / "data" / "an4_mfcc"


def sphinx(frames: np.ndarray, order: str, count: int | None = None) -> bytes:
    """The bytes of a Sphinx feature file: a count, then values, in one byte order."""
    header = np.array([frames.size if count is None else count], f"{order}i4")
    return header.tobytes() + frames.astype(f"{order}f4").tobytes()


@pytest.mark.parametrize("order", [">", "<"])
def test_sphinx_files_are_read_in_both_byte_orders(tmp_path, order):
    path = tmp_path / "a.mfc"
    path.write_bytes(sphinx(FRAMES, order))
    frames = read_frames(path)
    assert frames.dtype == np.float32
    np.testing.assert_array_equal(frames, FRAMES)


def test_a_sphinx_file_byte_by_byte(tmp_path):
    """One frame 1.0, 2.0, then zeros, big-endian, as CMU's tools write it."""
    path = tmp_path / "a.mfc"
    path.write_bytes(bytes.fromhex("0000000d 3f800000 40000000" + "00000000" * 11))
    assert read_frames(path).tolist() == [[1, 2, *[0] * 11]]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0",
        b"\0\0\0\0",
        sphinx(FRAMES, ">")[:-4],
        sphinx(FRAMES, ">")[:-2],
        sphinx(FRAMES, ">") + b"\0\0\0\0",
        sphinx(FRAMES, ">", count=7),
        sphinx(FRAMES[:, :12], ">"),
        sphinx(FRAMES * np.nan, ">"),
        b"RIFF, some text that is no feature file",
    ],
)
def test_a_broken_sphinx_file_is_named(tmp_path, content):
    path = tmp_path / "a.mfc"
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=r"a\.mfc: (cannot be read|found shape)"):
        read_frames(path)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16])
def test_numpy_files_become_float32(tmp_path, kind):
    array = (FRAMES * 100).astype(kind)
    np.save(tmp_path / "a.npy", array)
    frames = read_frames(tmp_path / "a.npy")
    assert frames.dtype == np.float32
    np.testing.assert_array_equal(frames, array.astype(np.float32))


@pytest.mark.parametrize(
    "array",
    [
        FRAMES[0],
        FRAMES[None],
        FRAMES[:0],
        FRAMES * np.inf,
        np.array([["a", "b"]]),
        np.array([[{}, []]], dtype=object),
        np.zeros((2, 2), dtype=[("x", "f4"), ("y", "f4")]),
    ],
)
def test_arrays_that_are_no_frames_are_named(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(ManifestError, match=r"a\.npy: (cannot be read|found shape)"):
        read_frames(tmp_path / "a.npy")


def test_files_that_are_no_arrays_are_named(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, FRAMES)
    truncated = path.read_bytes()[:-4]
    np.savez(tmp_path / "a.npz", FRAMES)
    zipped = (tmp_path / "a.npz").read_bytes()
    for content in (b"", b"text", truncated, zipped, zipped[:20], pickle.dumps(FRAMES)):
        path.write_bytes(content)
        with pytest.raises(ManifestError, match=r"a\.npy: cannot be read"):
            read_frames(path)


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / "none.npy", tmp_path / "none.mfc", tmp_path):
        with pytest.raises(ManifestError, match="cannot be read"):
            read_frames(path)


def test_examples_hold_audio_or_frames_and_their_target(tmp_path):
    write_audio(tmp_path / "a.wav", np.full(4000, 0.5, np.float32), 8000)
    (tmp_path / "b.mfc").write_bytes(sphinx(FRAMES, ">"))
    utterances = [Utterance("a", 0.5, audio="a.wav"), Utterance("b", 0.07, features="b.mfc")]
    dataset = SpeechDataset(tmp_path, utterances, [[1, 2], [3]], sample_rate=16000)
    assert len(dataset) == 2
    assert (dataset[0].id, dataset[0].inputs.shape, dataset[0].target) == ("a", (8000,), [1, 2])
    assert dataset[0].inputs.dtype == np.float32
    np.testing.assert_array_equal(dataset[1].inputs, FRAMES)


def test_broken_audio_is_named(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"no audio")
    dataset = SpeechDataset(tmp_path, [Utterance("a", 0.5, audio="a.wav")], [[1]], 16000)
    with pytest.raises(AudioError, match=r"a\.wav"):
        dataset[0]


def test_an4_as_it_is_distributed():
    if not AN4.is_dir():
        pytest.skip("AN4's feature files are not here")
    paths = sorted(AN4.glob("feat/**/*.mfc"))[:50]
    for path in paths:
        frames = read_frames(path)
        assert frames.shape == (path.stat().st_size // 4 // 13, 13)
        assert 0 < np.abs(frames).max() < 100
