"""`audio-rnn transcribe --stream`: sound to text while it comes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import tyro

from audio_rnn.config import require
from audio_rnn.decoding.settings import DecodingConfig

if TYPE_CHECKING:
    import numpy as np

    from audio_rnn.inference.stream import Segment, SpeechStream

BLOCK_SECONDS = 0.05  # of a file that is read as if it came live


@dataclass(frozen=True)
class Options:
    """Transcribe sound while it comes, with a trained model.

    INPUT is - for standard input, or a file that is read as if it came live. A line of standard
    output is what was said up to a pause. Ctrl-C ends the sound; what was begun is finished.
    """

    model: Path
    """Run folder of a training, or the model folder inside it."""
    input: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[INPUT]")] = "-"
    """A WAV that grows, or bare samples with --pcm-rate; as a file also other formats."""
    pcm_rate: int | None = None
    """The input is bare samples of so many Hz: 16 bits, little-endian, one channel."""
    microphone: bool = False
    """Listen to the microphone; needs pip install 'audio-rnn[microphone]'."""
    live: bool = False
    """Take as long for a file as its sound does."""
    format: Literal["txt", "json"] = "txt"
    """json has words with times and confidences, one object a line."""
    partial: bool = False
    """Also tell what may still change; txt lines then begin with partial or final and a tab."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes the GPU when there is one."""
    channel: int | None = None
    """Channel to hear, from 0; without it, all are mixed."""
    chunk_seconds: float | None = None
    """Seconds that are computed at once: 0.15, for a model with two directions 0.5."""
    right_seconds: float | None = None
    """Seconds of future that a model with two directions sees: 0.5."""
    decoding: Annotated[DecodingConfig, tyro.conf.arg(name="")] = field(
        default_factory=DecodingConfig
    )

    def __post_init__(self) -> None:
        name = self.input
        require(not self.microphone or name == "-", "microphone", name, "no other input")
        require(not self.live or name != "-", "live", name, "a file", "others are live anyway")


def main(arguments: Sequence[str]) -> int:
    """Run the subcommand; returns the exit status. Raises InputError."""
    return run(tyro.cli(Options, prog="audio-rnn transcribe --stream", args=arguments))


def run(options: Options) -> int:
    """Transcribe to the end of the sound. Raises InputError, after all that came was shown."""
    from audio_rnn.cli.waiting import Waiting
    from audio_rnn.errors import InputError

    stream = _open(options)
    failure = None
    with Waiting() as waiting:
        try:
            for block in waiting.each(_blocks(options, stream.meter.sample_rate)):
                _show(stream.feed(block), options)
        except InputError as error:
            failure = error
        _show(stream.finish(), options)
    print(summary(stream), file=sys.stderr)
    if failure:
        raise failure
    if waiting.ended and not options.microphone:
        raise KeyboardInterrupt
    return 0


def _open(options: Options) -> SpeechStream:
    from audio_rnn.device import choose_device
    from audio_rnn.inference.decoders import make_decoder
    from audio_rnn.inference.stream import SpeechStream, StreamConfig
    from audio_rnn.models.speech import SpeechModel

    config = StreamConfig(options.chunk_seconds, options.right_seconds)
    model = SpeechModel.load(options.model).to(choose_device(options.device))
    return SpeechStream(model, make_decoder(model, options.model, options.decoding), config)


def _blocks(options: Options, rate: int) -> Iterator[np.ndarray]:
    """Samples as they come."""
    from audio_rnn.audio import read_blocks
    from audio_rnn.inference.live import read_live
    from audio_rnn.inference.microphone import read_microphone
    from audio_rnn.inference.wav import PcmFormat

    pcm = None if options.pcm_rate is None else PcmFormat(options.pcm_rate)
    if options.microphone:
        yield from read_microphone(rate)
    elif options.input == "-":
        yield from read_live(cast(BufferedIOBase, sys.stdin.buffer), rate, pcm, options.channel)
    elif pcm:
        with Path(options.input).open("rb") as file:
            yield from _paced(read_live(file, rate, pcm, options.channel), rate, options.live)
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


def _show(segments: list[Segment], options: Options) -> None:
    for segment in segments:
        if segment.final or options.partial:
            print(_line(segment, options), flush=True)


def _line(segment: Segment, options: Options) -> str:
    if options.format == "json":
        return json.dumps(asdict(segment), ensure_ascii=False)
    kind = "final" if segment.final else "partial"
    return f"{kind}\t{segment.text}" if options.partial else segment.text


def summary(stream: SpeechStream) -> str:
    """Latencies and speed, for people."""
    import numpy as np

    middle, high = np.percentile(stream.times, [50, 95]) * 1000
    sound = stream.meter.duration
    return (
        f"{sound:.1f} s of sound, computed in {stream.computing:.1f} s "
        f"({stream.computing / max(sound, 1e-9):.3f} x real time); latency {stream.latency:.2f} s, "
        f"and computing of each chunk {middle:.1f} ms (median), {high:.1f} ms (95 %)"
    )
