"""The words of the training texts, kept in the run folder for decoding with hotwords."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from audio_rnn.data.manifest import read_manifest
from audio_rnn.decoding.ngram.uniform import uniform
from audio_rnn.inference.known_words import WORDS
from audio_rnn.runs.folder import writing
from audio_rnn.vocabulary import Vocabulary
from recipes.prepared import in_shards
from recipes.same_run import has_begun


def keep_words(path: Path, data: Path, vocabulary: Vocabulary) -> None:
    """Write the words of a training manifest as a language model, for a new run, and where the
    vocabulary parts words; of an index of shards, those that lie beside it. Raises TrainingError.
    """
    if path.exists() and has_begun(path.parent):
        return
    parts = any(vocabulary.starts_word(symbol) for symbol in range(1, len(vocabulary)))
    with writing(path):
        path.unlink(missing_ok=True)
        if not parts or vocabulary.unit == "symbol":
            return
        if not in_shards(data):
            save_words(path, (utterance.text or "" for utterance in read_manifest(data)))
        elif (data.parent / WORDS).exists():
            shutil.copyfile(data.parent / WORDS, path)


def save_words(path: Path, texts: Iterable[str]) -> None:
    """Write the words of texts, if there are any. Raises OSError."""
    words = {word for text in texts for word in text.split()}
    if words:
        uniform(words).save(path)
