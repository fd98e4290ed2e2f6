"""`audio-rnn transcribe --stream`: sound to text while it comes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from audio_rnn.cli.listening import ListeningOptions, listen
from audio_rnn.decoding.settings import DecodingConfig

if TYPE_CHECKING:
    from audio_rnn.inference.stream import Segment, SpeechStream


@dataclass(frozen=True)
class Options:
    """Transcribe sound while it comes: audio-rnn transcribe --stream talk.wav --model RUN

    INPUT is - for standard input, or a file that is read as if it came live. A line of standard
    output is what was said up to a pause. Ctrl-C ends the sound; what was begun is finished.
    """

    model: Path
    """Run folder of a training, or the model folder inside it."""
    format: Literal["txt", "json"] = "txt"
    """json has words with times and confidences, one object a line."""
    partial: tyro.conf.FlagCreatePairsOff[bool] = False
    """Also tell what may still change; txt lines then begin with partial or final and a tab."""
    sound: Annotated[ListeningOptions, tyro.conf.arg(name="")] = field(
        default_factory=ListeningOptions
    )
    decoding: Annotated[DecodingConfig, tyro.conf.arg(name="")] = field(
        default_factory=DecodingConfig
    )


def main(arguments: Sequence[str]) -> int:
    """Run the subcommand; returns the exit status. Raises InputError."""
    return run(tyro.cli(Options, prog="audio-rnn transcribe --stream", args=arguments))


def run(options: Options) -> int:
    """Transcribe to the end of the sound. Raises InputError, after all that came was shown."""

    def show(segments: Sequence[Segment]) -> None:
        for segment in segments:
            if segment.final or options.partial:
                print(_line(segment, options), flush=True)

    return listen(options.sound, _open(options), show)


def _open(options: Options) -> SpeechStream:
    from audio_rnn.device import choose_device
    from audio_rnn.inference.decoders import make_decoder
    from audio_rnn.inference.stream import SpeechStream
    from audio_rnn.models.speech import SpeechModel

    config = options.sound.stream_config()
    model = SpeechModel.load(options.model).to(choose_device(options.sound.device))
    return SpeechStream(model, make_decoder(model, options.model, options.decoding), config)


def _line(segment: Segment, options: Options) -> str:
    if options.format == "json":
        return json.dumps(asdict(segment), ensure_ascii=False)
    kind = "final" if segment.final else "partial"
    return f"{kind}\t{segment.text}" if options.partial else segment.text
