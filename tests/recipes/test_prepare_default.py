from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_rnn.errors import InputError
from recipes.speech_recognition import espeak, phrases
from recipes.speech_recognition.prepare_default import (
    Options,
    coloured,
    disturb,
    plan,
    prepare,
)
from tests.recipes.prepared import files, read_all


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("espeakng_loader", reason="the extra [speech] is not installed")
    output = tmp_path_factory.mktemp("default")
    prepare(small(output))
    return output


def small(output: Path) -> Options:
    return Options(output, train_utterances=30, valid_utterances=6, test_utterances=6)


def test_what_is_made(corpus: Path) -> None:
    splits = read_all(corpus)
    assert {name: len(part) for name, part in splits.items()} == {
        "train": 30,
        "valid": 6,
        "test": 6,
    }
    for utterance in (u for part in splits.values() for u in part):
        waveform, rate = soundfile.read(corpus / utterance.audio)
        assert rate == 16000 and abs(len(waveform) / rate - utterance.duration) < 1e-3
        assert 0.5 < utterance.duration < 5 and 0.05 < np.abs(waveform).max() < 1
        assert set(utterance.text.split()) <= phrases.words()


def test_voices_and_sentences_are_held_out() -> None:
    jobs = [job for part in plan(Options()) for job in part]
    assert len({job.id for job in jobs}) == len(jobs)
    for what in (lambda job: job.voice.variant, lambda job: job.text):
        found = {
            split: {what(job) for job in jobs if job.id.startswith(split)}
            for split in ("train", "valid", "test")
        }
        assert not found["train"] & (found["valid"] | found["test"])
        assert not found["valid"] & found["test"]
    assert {len(job.text.split()) for job in jobs} <= set(range(2, 8))


def test_a_small_grammar() -> None:
    assert 60 <= len(phrases.words()) <= 120
    assert phrases.sentence(random.Random(3)) == phrases.sentence(random.Random(3))


def test_the_same_options_give_the_same_files(corpus: Path, tmp_path: Path) -> None:
    prepare(small(tmp_path))
    assert files(tmp_path) == files(corpus)
    assert files(tmp_path / "audio") == files(corpus / "audio")


def test_a_second_run_reuses_and_other_options_do_not(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra [speech] is not installed")
    options = Options(tmp_path, train_utterances=4, valid_utterances=1, test_utterances=1)
    prepare(options)
    sound = tmp_path / "audio" / "train-00000.flac"
    before, made = sound.read_bytes(), sound.stat().st_mtime_ns
    prepare(options)
    assert sound.stat().st_mtime_ns == made
    prepare(replace(options, seed=1, train_utterances=2))
    assert sound.read_bytes() != before
    assert len(list((tmp_path / "audio").iterdir())) == 4


@pytest.mark.parametrize("flag", ["train", "valid", "test"])
def test_sizes_are_checked(tmp_path: Path, flag: str) -> None:
    options = replace(Options(tmp_path), **{f"{flag}_utterances": 0})
    with pytest.raises(InputError, match=f"--{flag}-utterances: found 0"):
        prepare(options)


def test_without_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    espeak._library.cache_clear()
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(InputError, match=r"pip install audio-rnn\[speech\]"):
        espeak.Synthesiser()


def test_unknown_voice() -> None:
    pytest.importorskip("espeakng_loader", reason="the extra [speech] is not installed")
    with pytest.raises(InputError, match="voice 'en-nowhere\\+m1' is unknown"):
        espeak.Synthesiser().speak("hello", espeak.Voice("en-nowhere", "m1"))


def test_noise_keeps_to_its_snr() -> None:
    waveform = np.sin(np.arange(16000) / 10).astype(np.float32)
    for seed in range(12):
        mixed = disturb(waveform, [waveform[::-1].copy()], np.random.default_rng(seed))
        assert mixed.dtype == np.float32 and 0.09 < np.abs(mixed).max() < 0.9
        scale = mixed @ waveform / (waveform @ waveform)
        rest = mixed - scale * waveform
        snr = 10 * np.log10(np.mean((scale * waveform) ** 2) / np.mean(rest**2))
        assert snr > 9


def test_pink_noise_falls_three_decibels_an_octave() -> None:
    noise = coloured(1 << 16, 1.0, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(noise)) ** 2
    fall = 10 * np.log10(power[1000:2000].mean() / power[8000:16000].mean())
    assert abs(fall - 9.03) < 0.5
