"""Commands that listen: where the sound comes from, the loop, and what is said at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Protocol, TypeVar, cast

import tyro

from audio_rnn.config import require

if TYPE_CHECKING:
    import numpy as np

    from audio_rnn.inference.ear import Ear, StreamConfig

BLOCK_SECONDS = 0.05  # of a file that is read as if it came live

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class ListeningOptions:
    """Sound that comes, and how it is cut."""

    input: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[INPUT]")] = "-"
    """A WAV that grows, or bare samples with --pcm-rate; as a file also other formats."""
    pcm_rate: int | None = None
    """The input is bare samples of so many Hz: 16 bits, little-endian, one channel."""
    microphone: tyro.conf.FlagCreatePairsOff[bool] = False
    """Listen to the microphone; needs pip install 'audio-rnn[microphone]'."""
    live: tyro.conf.FlagCreatePairsOff[bool] = False
    """Take as long for a file as its sound does."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes the GPU when there is one."""
    channel: int | None = None
    """Channel to hear, from 0; without it, all are mixed."""
    chunk_seconds: float | None = None
    """Seconds that are computed at once; None: 0.15, for a model with two directions 0.5."""
    right_seconds: float | None = None
    """Seconds of future that a model with two directions sees; None: 0.5."""

    def __post_init__(self) -> None:
        name = self.input
        require(not self.microphone or name == "-", "microphone", name, "no other input")
        require(not self.live or name != "-", "live", name, "a file", "others are live anyway")

    def stream_config(self) -> StreamConfig:
        """How the stream is cut. Raises ConfigError."""
        from audio_rnn.inference.ear import StreamConfig

        return StreamConfig(self.chunk_seconds, self.right_seconds)


class Stream(Protocol[T_co]):
    """A model that listens."""

    @property
    def ear(self) -> Ear:
        """What it listens with."""

    @property
    def latency(self) -> float:
        """Seconds from a sound to the news of it, computing left out."""

    def feed(self, samples: np.ndarray) -> Sequence[T_co]:
        """The next samples (samples,) -> what is new."""

    def finish(self) -> Sequence[T_co]:
        """What is left when the sound is over."""


def listen(
    options: ListeningOptions, stream: Stream[T_co], show: Callable[[Sequence[T_co]], None]
) -> int:
    """To the end of the sound; returns the exit status.

    Raises: InputError, after all that came was shown.
    """
    from audio_rnn.cli.waiting import Waiting
    from audio_rnn.errors import InputError

    failure = None
    with Waiting() as waiting:
        try:
            for block in waiting.each(_blocks(options, stream.ear.meter.sample_rate)):
                show(stream.feed(block))
        except InputError as error:
            failure = error
        show(stream.finish())
    if stream.ear.meter.duration:
        print(summary(stream.ear, stream.latency), file=sys.stderr)
    if failure:
        raise failure
    if waiting.ended and not options.microphone:
        raise KeyboardInterrupt
    return 0


def _blocks(options: ListeningOptions, rate: int) -> Iterator[np.ndarray]:
    """Samples as they come."""
    from audio_rnn.audio import open_bytes, read_blocks
    from audio_rnn.inference.live import read_live
    from audio_rnn.inference.microphone import read_microphone
    from audio_rnn.inference.wav import PcmFormat

    pcm = None if options.pcm_rate is None else PcmFormat(options.pcm_rate)
    if options.microphone:
        yield from read_microphone(rate)
    elif options.input == "-":
        yield from read_live(cast(BufferedIOBase, sys.stdin.buffer), rate, pcm, options.channel)
    elif pcm:
        with open_bytes(options.input) as file:
            sound = read_live(cast(BufferedIOBase, file), rate, pcm, options.channel)
            yield from _paced(sound, rate, options.live)
    else:
        blocks = read_blocks(Path(options.input), rate, BLOCK_SECONDS, options.channel)
        yield from _paced(blocks, rate, options.live)


def _paced(blocks: Iterator[np.ndarray], rate: int, live: bool) -> Iterator[np.ndarray]:
    """Blocks when a microphone would have given them."""
    began, samples = time.monotonic(), 0
    for block in blocks:
        samples += len(block)
        if live:
            time.sleep(max(0.0, began + samples / rate - time.monotonic()))
        yield block


def summary(ear: Ear, latency: float) -> str:
    """Latencies and speed, for people, of some sound."""
    import numpy as np

    middle, high = np.percentile(ear.times, [50, 95]) * 1000
    sound = ear.meter.duration
    return (
        f"{sound:.1f} s of sound, computed in {ear.computing:.1f} s "
        f"({ear.computing / sound:.3f} x real time); latency {latency:.2f} s, "
        f"and computing of each chunk {middle:.1f} ms (median), {high:.1f} ms (95 %)"
    )
