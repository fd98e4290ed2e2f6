"""Model folders: what is no model, or one for something else, is named with what helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from audio_rnn.errors import ModelError
from audio_rnn.models.folder import USES, kind_of, read_model
from audio_rnn.models.rolls import KIND as ROLLS
from audio_rnn.models.sequence import KIND as SEQUENCE
from audio_rnn.models.sound import KIND as SOUND
from audio_rnn.models.speech import KIND as SPEECH
from tests.small_model import save_small_model


def test_a_model_of_another_kind_tells_what_it_is_for(tmp_path: Path) -> None:
    save_small_model(tmp_path)
    expected = (
        "a model of kind 'speech', expected 'sound'; it is for audio-rnn transcribe and align"
    )
    with pytest.raises(ModelError, match=expected):
        read_model(tmp_path, SOUND)
    assert kind_of(tmp_path) == SPEECH
    assert USES.keys() == {SPEECH, SOUND, SEQUENCE, ROLLS}


def test_what_is_no_folder_is_told(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    with pytest.raises(ModelError, match="no such folder; expected the run folder"):
        read_model(file, SPEECH)
    file.touch()
    with pytest.raises(ModelError, match="found a file; expected the run folder"):
        read_model(file, SPEECH)


def test_a_folder_of_runs_names_one(tmp_path: Path) -> None:
    for name in ("later", "first"):
        save_small_model(tmp_path / name)
    message = f"found a folder of runs, expected one run; .* such as {tmp_path / 'first'}"
    with pytest.raises(ModelError, match=message):
        read_model(tmp_path, SPEECH)
