"""Audio files <-> waveforms: (samples,) float32 in [-1, 1], numpy, one channel, one rate.

A float file may hold samples beyond 1; they are left as they are.
"""

from audio_rnn.audio.decoder import RATES
from audio_rnn.audio.files import (
    AudioInfo,
    audio_info,
    read_audio,
    read_blocks,
    read_excerpt,
    write_audio,
)
from audio_rnn.audio.integrity import check_channel, check_finite, means_unknown
from audio_rnn.audio.source import EXTENSIONS, OTHER_EXTENSIONS, Source, open_bytes, source_name
from audio_rnn.audio.waveform import mono, resample, resample_blocks

__all__ = [
    "EXTENSIONS",
    "OTHER_EXTENSIONS",
    "RATES",
    "AudioInfo",
    "Source",
    "audio_info",
    "check_channel",
    "check_finite",
    "means_unknown",
    "mono",
    "open_bytes",
    "read_audio",
    "read_blocks",
    "read_excerpt",
    "resample",
    "resample_blocks",
    "source_name",
    "write_audio",
]
