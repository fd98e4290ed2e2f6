"""The words of the training texts, kept in the run folder for decoding with hotwords."""

from __future__ import annotations

from pathlib import Path

from audio_rnn.data.manifest import read_manifest
from audio_rnn.decoding.ngram.uniform import uniform
from audio_rnn.runs.folder import writing
from audio_rnn.vocabulary import Vocabulary
from recipes.prepared import in_shards
from recipes.same_run import has_begun


def keep_words(path: Path, data: Path, vocabulary: Vocabulary) -> None:
    """Write the words of a training manifest as a language model, for a new run, and where the
    vocabulary parts words.

    Not those of shards, whose texts are not read before their turn has come. Raises TrainingError.
    """
    if path.exists() and has_begun(path.parent):
        return
    parts = any(vocabulary.starts_word(symbol) for symbol in range(1, len(vocabulary)))
    with writing(path):
        path.unlink(missing_ok=True)
        if parts and vocabulary.unit != "symbol" and not in_shards(data):
            texts = (utterance.text or "" for utterance in read_manifest(data))
            uniform(word for text in texts for word in text.split()).save(path)
