"""A day of sound through a stream: memory, speed, latency, and the text of the file.

    python -m benchmarks.streaming --model runs/default_causal --manifest data/default/test.jsonl
    python -m benchmarks.streaming --hours 1 --chunk-seconds 0.15

The sound is utterances of a manifest, again and again, with pauses, fed as fast as it can be
computed. For the first hour the text is compared with that of the file.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from audio_rnn.audio import read_audio
from audio_rnn.cli.listening import summary
from audio_rnn.config import from_command_line
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.inference import Transcriber, Transcript
from audio_rnn.inference.ear import StreamConfig
from audio_rnn.inference.stream import SpeechStream
from audio_rnn.models.speech import SpeechModel
from benchmarks.long_audio import RATE, utterances, write

COMPARED_SECONDS = 3600
BLOCK_SECONDS = 60
REPORTS = 6  # of memory, evenly spread


@dataclass(frozen=True)
class Arguments:
    """What to listen to, and with what."""

    model: Path = Path("runs/default_causal")  # a run folder, one direction
    manifest: Path = Path("data/default/test.jsonl")  # of the utterances
    hours: float = 24.0  # of sound
    chunk_seconds: float = 3.0  # computed at once; large ones are faster


def main() -> None:
    """Compare the text, then listen for as long as was asked."""
    arguments = from_command_line(Arguments, "A day of sound through a stream.")
    torch.set_num_threads(1)
    model = SpeechModel.load(arguments.model)
    print(f"text of stream and file: {compare(model, arguments.manifest)}", flush=True)
    blocks = minutes(arguments.manifest)
    stream = start(model, arguments.chunk_seconds)
    began, count = time.monotonic(), round(arguments.hours * 60)
    words = 0
    for minute in range(1, count + 1):
        words += sum(len(s.words) for s in stream.feed(next(blocks)) if s.final)
        if minute % max(1, count // REPORTS) == 0:
            print(f"{minute / 60:6.2f} h: {resident() / 1e6:.0f} MB, {words} words", flush=True)
    words += sum(len(segment.words) for segment in stream.finish())
    wall = time.monotonic() - began
    print(
        f"{summary(stream.ear, stream.latency)}; {words} words, {stream.meter.duration / wall:.0f} x real time in all"
    )


def start(model: SpeechModel, chunk_seconds: float | None) -> SpeechStream:
    """A stream with the plainest decoder."""
    decoder = GreedyDecoder(model.vocabulary, model.step_seconds)
    return SpeechStream(model, decoder, StreamConfig(chunk_seconds))


def minutes(manifest: Path) -> Iterator[np.ndarray]:
    """The same hour of sound without end, minute by minute, from memory as 16-bit samples."""
    pieces, held = utterances(manifest), [np.zeros(0, np.float32)]
    size = BLOCK_SECONDS * RATE
    hour: list[np.ndarray] = []
    while len(hour) < 60:
        held.append(next(pieces))
        if sum(map(len, held)) >= size:
            joined = np.concatenate(held)
            hour.append((joined[:size] * 32767).astype(np.int16))
            held = [joined[size:]]
    while True:
        for block in hour:
            yield block.astype(np.float32) / 32768


def compare(model: SpeechModel, manifest: Path) -> str:
    """The first minutes as a file and as a stream in blocks of random sizes."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "sound.wav"
        write(path, utterances(manifest), COMPARED_SECONDS)
        transcript = Transcriber(model, device="cpu").transcribe(path)
        signal = read_audio(path, RATE)
    assert isinstance(transcript, Transcript)
    stream, random = start(model, None), np.random.default_rng(0)
    cuts = np.cumsum(random.integers(1, 2 * RATE, len(signal) // RATE))
    found = [s for block in np.split(signal, cuts) for s in stream.feed(block)] + stream.finish()
    words = [word for segment in found if segment.final for word in segment.words]
    equal = " ".join(word.text for word in words) == transcript.text
    return f"{'equal' if equal else 'differ'}, {len(words)} words; {summary(stream.ear, stream.latency)}"


def resident() -> int:
    """Bytes that this process holds in memory now."""
    fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
