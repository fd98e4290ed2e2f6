"""Waveforms to frames: MFCC and log-mel in four dialects, deltas, normalisation."""

from audio_rnn.features.config import FeatureConfig
from audio_rnn.features.pipeline import Features
from audio_rnn.features.spectral import LogMel, Mfcc
from audio_rnn.features.temporal import Deltas, Normalizer, valid_frames

__all__ = ["Deltas", "FeatureConfig", "Features", "LogMel", "Mfcc", "Normalizer", "valid_frames"]
