"""Utterances joined: every one in every round, its sound and text in order, pauses between."""

from __future__ import annotations

import numpy as np
import pytest

from audio_rnn.audio import read_audio
from audio_rnn.data.manifest import Utterance, write_manifest
from audio_rnn.errors import InputError
from recipes.speech_recognition.prepare_joined import Options, plan, prepare
from tests.recipes.prepared import files, read_all, write_sound


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "single"
    for split, size in (("train", 20), ("valid", 5)):
        made = []
        for i in range(size):
            path = write_sound(folder / "audio" / f"{split}{i}.wav", 0.2 + 0.01 * i)
            relative = path.relative_to(folder).as_posix()
            made.append(Utterance(f"{split}{i}", 0.2, audio=relative, text=f"word {split}"))
        write_manifest(folder / f"{split}.jsonl", made)
    return folder


def test_all_utterances_are_heard_in_every_round(source, tmp_path):
    options = Options(source, tmp_path / "joined", most=3, rounds=2)
    for split, times, size in (("train", 2, 20), ("valid", 1, 5)):
        planned = list(plan(options, split))
        assert len({name for name, _ in planned}) == len(planned)
        assert {len(parts) for _, parts in planned} <= {1, 2, 3}
        ids = sorted(part.id for _, parts in planned for part in parts)
        assert ids == sorted([f"{split}{i}" for i in range(size)] * times)


def test_a_recording_holds_its_utterances_and_pauses(source, tmp_path):
    options = Options(source, tmp_path / "joined", most=4)
    prepare(options)
    splits = read_all(options.output)
    assert set(splits) == {"train", "valid"}
    for recording, (name, parts) in zip(splits["train"], plan(options, "train"), strict=True):
        assert recording.id == name
        assert recording.text == " ".join(part.text for part in parts)
        signal = read_audio(options.output / recording.source, 16000)
        assert len(signal) / 16000 == pytest.approx(recording.duration, abs=1e-3)
        spoken = [read_audio(source / part.source, 16000) for part in parts]
        loud = np.abs(signal) > 0.2
        assert loud.sum() == sum((np.abs(part) > 0.2).sum() for part in spoken)
        assert len(signal) >= sum(map(len, spoken))


def test_the_same_options_give_the_same_files(source, tmp_path):
    first, second = Options(source, tmp_path / "a"), Options(source, tmp_path / "b")
    prepare(first)
    prepare(second)
    assert files(first.output) == files(second.output)
    assert files(first.output / "audio") == files(second.output / "audio")


def test_what_cannot_be_joined_is_named(source, tmp_path):
    with pytest.raises(InputError, match="--most: found 0, expected 1 or more"):
        prepare(Options(source, tmp_path / "x", most=0))
    with pytest.raises(InputError, match="nothing, expected a folder that a prepare script wrote"):
        prepare(Options(tmp_path / "none", tmp_path / "x"))
    (source / "a.npy").write_bytes(b"")
    write_manifest(source / "test.jsonl", [Utterance("t", 1.0, features="a.npy", text="a")])
    with pytest.raises(InputError, match=r"test.jsonl: 't' has features, expected audio to join"):
        prepare(Options(source, tmp_path / "x"))
