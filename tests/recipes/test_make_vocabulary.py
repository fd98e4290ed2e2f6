from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_rnn.data.manifest import Utterance, write_manifest
from audio_rnn.errors import VocabularyError
from audio_rnn.vocabulary import Vocabulary
from recipes.speech_recognition.make_vocabulary import Options, make

TEXTS = [
    "set a timer for ten minutes",
    "turn the light on",
    "turn the radio off",
    "set an alarm for ten",
] * 5


@pytest.fixture
def data(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 8000)
    write_manifest(
        tmp_path / "train.jsonl",
        [Utterance(f"u{i}", 0.1, audio="a.wav", text=text) for i, text in enumerate(TEXTS)],
    )
    return tmp_path


@pytest.mark.parametrize("unit", ["character", "symbol", "piece"])
def test_every_text_survives_the_vocabulary(data: Path, unit: str) -> None:
    make(Options(data, unit, size=40))  # type: ignore[arg-type]
    vocabulary = Vocabulary.load(data / "vocabulary.txt")
    assert vocabulary.unit == unit
    assert [vocabulary.decode(vocabulary.encode(text)) for text in TEXTS] == TEXTS


def test_pieces_are_longer_than_letters_and_open_words(data: Path) -> None:
    make(Options(data, "piece", size=80))
    vocabulary = Vocabulary.load(data / "vocabulary.txt")
    ids = vocabulary.encode("turn the light on")
    assert len(ids) < len("turn the light on")
    assert sum(map(vocabulary.starts_word, ids)) == 4


def test_a_model_that_is_none_is_named(data: Path) -> None:
    (data / "broken.model").write_bytes(b"nothing")
    with pytest.raises(VocabularyError, match="give a readable model"):
        make(Options(data, "piece", sentencepiece_model=data / "broken.model"))
    with pytest.raises(VocabularyError, match=r"not found|No such"):
        make(Options(data, "piece", sentencepiece_model=data / "none.model"))
