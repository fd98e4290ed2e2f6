"""Trained models at work on files."""

from audio_rnn.inference.failure import Failure
from audio_rnn.inference.tagger import Tagger
from audio_rnn.inference.transcriber import Transcriber
from audio_rnn.inference.transcript import Transcript

__all__ = ["Failure", "Tagger", "Transcriber", "Transcript"]
