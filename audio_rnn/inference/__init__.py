"""Trained models at work on files."""

from audio_rnn.inference.transcriber import Transcriber
from audio_rnn.inference.transcript import Failure, Transcript

__all__ = ["Failure", "Transcriber", "Transcript"]
