"""The words of the training texts, kept in the run folder for decoding with hotwords."""

from __future__ import annotations

from pathlib import Path

from audio_rnn.data.manifest import read_manifest
from audio_rnn.decoding.ngram.uniform import uniform
from audio_rnn.runs.folder import writing
from audio_rnn.vocabulary import Vocabulary
from recipes.prepared import in_shards


def keep_words(path: Path, data: Path, vocabulary: Vocabulary) -> None:
    """Write the words of a training manifest as a language model, where the vocabulary parts words.

    Not those of shards, whose texts are not read before their turn has come. Raises TrainingError.
    """
    parts = any(vocabulary.starts_word(symbol) for symbol in range(1, len(vocabulary)))
    if path.exists() or in_shards(data) or vocabulary.unit == "symbol" or not parts:
        return
    words = {word for utterance in read_manifest(data) for word in (utterance.text or "").split()}
    with writing(path):
        uniform(words).save(path)
