"""Bytes that come in any portions: the samples of the file, and a name for every break."""

from __future__ import annotations

import io
import struct
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from audio_rnn.audio import read_audio
from audio_rnn.errors import AudioError, ConfigError
from audio_rnn.inference.live import read_live
from audio_rnn.inference.microphone import read_microphone
from audio_rnn.inference.wav import PcmFormat
from tests.small_model import RATE, sound

PCM = PcmFormat(RATE)
SUBTYPES = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW")


class Pipe(io.BufferedIOBase):
    """Gives bytes in portions of random sizes, as a pipe does."""

    name = "<pipe>"

    def __init__(self, data: bytes, largest: int = 5000) -> None:
        self.data, self.random, self.largest = data, np.random.default_rng(0), largest

    def read1(self, size: int = -1) -> bytes:
        count = min(size, int(self.random.integers(1, self.largest)))
        piece, self.data = self.data[:count], self.data[count:]
        return piece


def wav(signal: np.ndarray, rate: int = RATE, subtype: str = "PCM_16", **options: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, signal, rate, subtype, format=options.get("format", "WAV"))
    return file.getvalue()


def pcm(signal: np.ndarray) -> bytes:
    return (signal * 32768).round().astype("<i2").tobytes()


def with_size(data: bytes, size: int) -> bytes:
    """A WAV whose header was written before the size of its samples was known."""
    place = data.index(b"data") + 4
    return (
        data[:4]
        + struct.pack("<I", size)
        + data[8:place]
        + struct.pack("<I", size)
        + data[place + 4 :]
    )


def until_error(data: bytes, form: PcmFormat | None = None) -> tuple[np.ndarray, str]:
    """What came, and why no more."""
    blocks = []
    with pytest.raises(AudioError) as caught:
        for block in read_live(Pipe(data), RATE, form):
            blocks.append(block)
    return np.concatenate([np.zeros(0, np.float32), *blocks]), str(caught.value)


@pytest.mark.parametrize("subtype", SUBTYPES)
def test_a_wav_in_portions_gives_the_samples_of_the_file(subtype):
    data = wav(sound(0.7), subtype=subtype)
    joined = np.concatenate(list(read_live(Pipe(data), RATE)))
    np.testing.assert_array_equal(joined, read_audio(io.BytesIO(data), RATE))


@pytest.mark.parametrize("container", ["WAV", "WAVEX"])
@pytest.mark.parametrize("channel", [None, 0, 1])
def test_channels_rates_and_extensible_headers(container, channel):
    stereo = np.stack([sound(1.0, 1), sound(1.0, 2)], 1)
    data = wav(stereo, 44100, "PCM_24", format=container)
    joined = np.concatenate(list(read_live(Pipe(data), RATE, channel=channel)))
    np.testing.assert_allclose(joined, read_audio(io.BytesIO(data), RATE, channel), atol=1e-6)


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF - 44])
def test_sizes_that_were_not_known_are_not_believed(size):
    signal = sound(0.5)
    joined = np.concatenate(list(read_live(Pipe(with_size(wav(signal), size)), RATE)))
    np.testing.assert_allclose(joined, signal, atol=1e-4)


def test_bare_samples_in_single_bytes():
    signal = sound(0.1)
    joined = np.concatenate(list(read_live(Pipe(pcm(signal), 2), RATE, PCM)))
    np.testing.assert_allclose(joined, signal, atol=1e-4)


def test_samples_come_before_the_stream_ends():
    """All but the few bytes that could begin a header."""
    pipe = Pipe(pcm(sound(1.0)), 400)
    blocks = read_live(pipe, RATE, PCM)
    came = sum(len(next(blocks)) for _ in range(20))
    assert 2 * came >= 2 * RATE - len(pipe.data) - 16


def test_what_follows_the_samples_is_no_sound():
    data = wav(sound(0.2))
    joined = np.concatenate(
        list(read_live(Pipe(data + b"LIST" + struct.pack("<I", 4) + b"INFO"), RATE))
    )
    assert len(joined) == 0.2 * RATE


def test_an_end_inside_a_sample():
    came, error = until_error(pcm(sound(0.25)) + b"\1", PCM)
    assert len(came) == 4000
    assert "<pipe>: ends in the middle of a sample: found 1 bytes after 0.250 s" in error


def test_an_end_before_what_the_header_promised():
    came, error = until_error(wav(sound(0.25))[:-1001])
    assert len(came) == 4000 - 501
    assert "truncated: found 6999 bytes of samples, expected 8000" in error


@pytest.mark.parametrize("size", [None, 0, 0xFFFFFFFF])
@pytest.mark.parametrize("rate", [8000, RATE])
def test_another_header_is_another_format(size, rate):
    first = wav(sound(0.25))
    first = first if size is None else with_size(first, size)
    came, error = until_error(first + wav(sound(0.5), rate))
    np.testing.assert_allclose(came, sound(0.25), atol=1e-4)
    assert "found a WAV header after 0.250 s, expected more samples of 16000 Hz" in error


def test_a_header_where_bare_samples_were_announced():
    came, error = until_error(wav(sound(0.25)), PCM)
    assert len(came) == 0
    assert "found a WAV header after 0.000 s" in error
    assert "no --pcm-rate" in error


def test_what_was_resampled_before_a_break_comes_out():
    pipe = Pipe(pcm(sound(0.25)) + b"\1")
    blocks = []
    with pytest.raises(AudioError, match="middle of a sample"):
        for block in read_live(pipe, 8000, PCM):
            blocks.append(block)
    assert sum(map(len, blocks)) == 2000


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found an end inside the header"),
        (wav(sound(0.1))[:30], "found an end inside the header"),
        (b"fLaC" + bytes(40), "found no WAV header, expected RIFF and WAVE; give --pcm-rate"),
        (wav(sound(0.1), subtype="IMA_ADPCM"), "found samples of 4 bits and format tag 17"),
        (wav(sound(0.1))[:12] + b"LIST" + b"\xff\xff\xff\x7f", "header is damaged"),
        (wav(sound(0.1))[:12] + b"data" + bytes(99), "found samples without a format"),
        (with_size(wav(sound(0.1)), 0)[:44], "found no samples, expected sound"),
        (wav(np.array([0.1, np.nan]), subtype="FLOAT"), "found sample nan at 0.000 s"),
    ],
)
def test_streams_that_cannot_be_used_are_named(data, message):
    assert message in until_error(data)[1]


def test_no_bare_samples_at_all():
    assert "found no samples" in until_error(b"", PCM)[1]


def test_wrong_rates_and_channels_are_named():
    with pytest.raises(ConfigError, match="sample_rate: found 5, expected 100 to 1000000 Hz"):
        PcmFormat(5)
    with pytest.raises(AudioError, match="found no channel 1, expected 0 to 0"):
        next(read_live(Pipe(pcm(sound(0.1))), RATE, PCM, channel=1))


class Microphone:
    """What sounddevice gives, from a signal instead of the air."""

    def __init__(self, rate: int, size: int, channels: int, dtype: str) -> None:
        self.signal, self.blocks = sound(1.0), iter(range(100))
        assert (rate, channels, dtype) == (RATE, 1, "float32")

    def __enter__(self) -> Microphone:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, size: int) -> tuple[np.ndarray, bool]:
        start = next(self.blocks) * size
        if start >= len(self.signal):
            raise PortAudioError("Device unavailable")
        return self.signal[start : start + size, None], start == 0


class PortAudioError(Exception):
    pass


def test_a_microphone_gives_blocks_and_its_loss_is_named(monkeypatch, caplog):
    module = SimpleNamespace(InputStream=Microphone, PortAudioError=PortAudioError)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    blocks = []
    with pytest.raises(AudioError, match="microphone: Device unavailable; is one connected"):
        for block in read_microphone(RATE):
            blocks.append(block)
    np.testing.assert_array_equal(np.concatenate(blocks), sound(1.0))
    assert "sound was lost" in caplog.text


def test_a_missing_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ConfigError, match=r"pip install 'audio-rnn\[microphone\]'"):
        next(read_microphone(RATE))
