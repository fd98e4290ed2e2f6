"""The model of music in a run folder, if it is one."""

from __future__ import annotations

from pathlib import Path

from audio_rnn.errors import ModelError
from audio_rnn.midi.hints import HINTS
from audio_rnn.midi.symbols import event_vocabulary
from audio_rnn.models.folder import kind_of
from audio_rnn.models.rolls import KIND as ROLLS
from audio_rnn.models.sequence import SequenceModel


def load_music_model(folder: str | Path) -> SequenceModel:
    """The model of event symbols in a folder.

    Raises: ModelError, also for a model of text, of rolls, or of music as an earlier version wrote it.
    """
    if kind_of(Path(folder)) == ROLLS:
        raise ModelError(
            f"{folder}: found a model of piano rolls, expected one of event symbols, as python -m "
            "recipes.music_generation.train makes; one of four voices takes --harmonize, no more"
        )
    model = SequenceModel.load(folder)
    hints = 0 if model.hints is None else model.hints.num_embeddings
    if (model.vocabulary, hints) != (event_vocabulary(), HINTS):
        raise ModelError(
            f"{folder}: found a model of {len(model.vocabulary)} symbols and {hints} hints, expected one "
            f"of music with this version's {len(event_vocabulary())} event symbols and {HINTS} hints; "
            "train one with recipes.music_generation"
        )
    return model
