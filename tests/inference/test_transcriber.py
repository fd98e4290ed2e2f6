"""A model on files: the same text in every batch, silence, failures, memory."""

from __future__ import annotations

import tempfile
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from audio_rnn.audio import read_audio, write_audio
from audio_rnn.decoding.decoder import decode
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.errors import AudioError, ConfigError, InputError, ModelError
from audio_rnn.inference.failure import Failure
from audio_rnn.inference.transcriber import Transcriber
from audio_rnn.inference.transcript import Transcript
from tests.small_model import RATE, save_small_model, sound, write_sounds

LENGTHS = (2.0, 0.5, 3.7, 0.02, 1.1, 3.6, 0.9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    return write_sounds(tmp_path_factory.mktemp("audio"), *LENGTHS)


def load(folder: Path, **options) -> Transcriber:
    return Transcriber.load(folder, device="cpu", **options)


def test_a_file_gives_what_the_model_gives_for_its_waveform(folder, files):
    transcriber = load(folder)
    transcript = transcriber.transcribe(files[0])
    waveform = torch.from_numpy(read_audio(files[0], RATE))[None]
    with torch.inference_mode():
        log_probs, _ = transcriber.model(waveform, torch.tensor([waveform.shape[1]]))
    model = transcriber.model
    expected = decode(GreedyDecoder(model.vocabulary, model.step_seconds), log_probs[0].numpy())
    assert transcript.text == expected.text
    assert len(transcript.text) > 5
    times = [(word.start, word.end) for word in transcript.words]
    assert times == [
        pytest.approx((word.start, min(word.end, 2.0)), abs=0.001) for word in expected.words
    ]
    assert transcript.duration == pytest.approx(2.0)
    assert transcript.path == str(files[0])


@pytest.mark.parametrize("batch_seconds", [0.01, 1.5, 5.0, 7.5, 60.0])
def test_the_batch_size_changes_nothing(folder, files, batch_seconds):
    alone = [load(folder).transcribe(path) for path in files]
    together = list(load(folder, batch_seconds=batch_seconds).transcribe_many(files))
    assert len({transcript.text for transcript in alone}) > len(files) // 2
    for one, other in zip(alone, together, strict=True):
        assert isinstance(other, Transcript)
        assert (one.path, one.text, one.duration) == (other.path, other.text, other.duration)
        assert [(w.text, w.start, w.end) for w in one.words] == [
            (w.text, w.start, w.end) for w in other.words
        ]
        assert one.confidence == pytest.approx(other.confidence, abs=2e-4)
        for before, after in pairwise(one.words):
            assert 0 <= before.start < before.end <= after.start < after.end <= one.duration


def test_a_bad_file_is_a_failure_and_stops_no_other(folder, files, tmp_path):
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    missing = tmp_path / "missing.wav"
    cut = tmp_path / "cut.flac"
    write_audio(cut, sound(3), RATE)
    cut.write_bytes(cut.read_bytes()[:30000])
    paths = [text, files[0], missing, cut, files[1]]
    results = list(load(folder).transcribe_many(paths))
    assert [result.path for result in results] == list(map(str, paths))
    assert [type(result) for result in results] == [
        Failure,
        Transcript,
        Failure,
        Failure,
        Transcript,
    ]
    assert results[0].reason.startswith("found no audio format")
    assert results[2].reason.startswith("cannot be read: No such file")
    assert "truncated" in results[3].reason
    assert results[4].text == load(folder).transcribe(files[1]).text


def test_one_bad_file_alone_raises(folder, tmp_path):
    with pytest.raises(AudioError, match=r"missing\.wav: cannot be read"):
        load(folder).transcribe(tmp_path / "missing.wav")


@pytest.mark.parametrize("level", [0.0, 5e-5])
def test_silence_gives_empty_text_alone_and_beside_others(folder, files, tmp_path, level):
    silence = tmp_path / "silence.wav"
    write_audio(silence, np.full(3 * RATE, level, np.float32), RATE)
    results = list(load(folder).transcribe_many([files[0], silence, files[2]]))
    assert (results[1].text, results[1].words, results[1].duration) == ("", (), 3.0)
    assert results[0].text == load(folder).transcribe(files[0]).text
    assert load(folder).transcribe(silence) == results[1]


@pytest.mark.parametrize("batch_seconds", [5.0, 60.0])
def test_sound_after_silence_is_heard_and_the_silence_is_not(folder, tmp_path, batch_seconds):
    path = tmp_path / "late.wav"
    write_audio(path, np.concatenate([np.zeros(25 * RATE, np.float32), sound(1.0)]), RATE)
    transcript = load(folder, batch_seconds=batch_seconds).transcribe(path)
    assert transcript.text
    assert all(word.end >= 24.0 for word in transcript.words)


def test_a_full_disk_fails_the_long_file_only(folder, files, monkeypatch):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    expected = [load(folder).transcribe(path) for path in files]
    monkeypatch.setattr(tempfile, "TemporaryFile", partial(full.open, "r+b"))
    results = list(load(folder, batch_seconds=3.65).transcribe_many(files))
    assert [type(r) for r in results] == [Failure if s == 3.7 else Transcript for s in LENGTHS]
    assert "No space left on device" in results[2].reason
    assert [r.text for r in results[3:]] == [r.text for r in expected[3:]]


def test_a_channel_can_be_named(folder, tmp_path):
    import soundfile

    left, right = sound(2, seed=1), sound(2, seed=2)
    stereo, mono = tmp_path / "stereo.wav", tmp_path / "mono.wav"
    soundfile.write(stereo, np.stack([left, right], 1), RATE)
    write_audio(mono, right, RATE)
    expected = load(folder).transcribe(mono).text
    assert load(folder, channel=1).transcribe(stereo).text == expected
    assert load(folder).transcribe(stereo).text != expected
    [failure] = load(folder, channel=2).transcribe_many([stereo])
    assert "found no channel 2" in failure.reason


def test_the_transcript_of_a_long_file_does_not_wait_for_all_others(folder, files):
    asked = []
    transcripts = load(folder, batch_seconds=0.5).transcribe_many(
        asked.append(path) or path for path in files
    )
    assert next(transcripts).path == str(files[0])  # four times as long as a batch
    assert asked == files[:1]


def test_names_are_as_good_as_paths(folder, files):
    transcriber = Transcriber.load(str(folder), "cpu")
    transcript = transcriber.transcribe(str(files[0]))
    assert transcript == load(folder).transcribe(files[0])
    assert list(transcriber.transcribe_many([str(files[0])])) == [transcript]
    [failure] = transcriber.transcribe_many(["none.wav"])
    assert failure == Failure(
        "none.wav", "cannot be read: No such file or directory; check the name"
    )
    with pytest.raises(InputError, match=r"found 'a\.wav', expected several files"):
        list(transcriber.transcribe_many("a.wav"))


def test_no_files_no_transcripts(folder):
    assert list(load(folder).transcribe_many([])) == []


def test_a_batch_that_does_not_fit_into_the_gpu_is_halved(folder, files, monkeypatch):
    transcriber = load(folder)
    whole, sizes = transcriber._files.together, []

    def small_gpu(batch):
        sizes.append(len(batch))
        if len(batch) > 2 or batch[0].meter.duration > 3.65:
            raise torch.OutOfMemoryError
        return whole(batch)

    monkeypatch.setattr(transcriber._files, "together", small_gpu)
    results = list(transcriber.transcribe_many(files))
    assert max(sizes) == len(files)
    assert [type(r) for r in results] == [Failure if s == 3.7 else Transcript for s in LENGTHS]
    assert "more than fits into the memory of the GPU" in results[2].reason
    assert results[0].text == load(folder).transcribe(files[0]).text


def test_wrong_options_and_folders_are_named(folder, tmp_path):
    for seconds in (0.0, -1.0, float("nan")):
        with pytest.raises(ConfigError, match="batch_seconds: found"):
            load(folder, batch_seconds=seconds)
    with pytest.raises(ModelError, match="no such folder"):
        load(tmp_path / "none")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="device: found 'cuda', but no NVIDIA GPU"):
            Transcriber.load(folder, device="cuda")
