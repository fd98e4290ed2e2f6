"""`audio-rnn transcribe`: audio files to text with times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from audio_rnn.cli.bulk import BulkOptions, check_bulk, run_bulk
from audio_rnn.cli.files import FileOptions, collect_files, work_through
from audio_rnn.config import to_dict
from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.errors import InputError

if TYPE_CHECKING:
    from audio_rnn.inference.transcriber import Transcriber

NAMED = ("json", "ctm")  # formats that carry the name of the recording themselves


@dataclass(frozen=True)
class Options:
    """Transcribe audio files with a trained model: audio-rnn transcribe recordings --model RUN

    With several inputs on standard output, a line of txt begins with the file's name, json is one
    object a line, ctm names the recording, and other formats come after a line `==> name <==`.
    The exit status is 1 when any input failed. For sound that is still being made, such as that
    of a microphone, see audio-rnn transcribe --stream --help.
    """

    model: Path
    """Run folder of a training, or the model folder inside it."""
    files: Annotated[FileOptions, tyro.conf.arg(name="")] = field(default_factory=FileOptions)
    bulk: Annotated[BulkOptions, tyro.conf.arg(name="")] = field(default_factory=BulkOptions)
    format: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="{txt,json,srt,vtt,tsv,ctm,TextGrid} [...]")
    ] = ("txt",)
    """One or several; name the inputs before it."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes the GPU when there is one."""
    batch_seconds: float | None = None
    """Seconds of audio, padding included, a batch; the result is the same for all.
    None: 60 on the CPU, 1200 on a GPU."""
    channel: int | None = None
    """Channel to hear, from 0; without it, all are mixed."""
    decoding: Annotated[DecodingConfig, tyro.conf.arg(name="")] = field(
        default_factory=DecodingConfig
    )


def main(arguments: Sequence[str]) -> int:
    """Run the subcommand; returns the exit status. Raises InputError."""
    if not arguments:
        raise InputError(
            "found no arguments, expected inputs and a model, as in audio-rnn transcribe recordings "
            "--model runs/default; see audio-rnn transcribe --help"
        )
    if "--stream" in arguments:
        from audio_rnn.cli import stream

        return stream.main([argument for argument in arguments if argument != "--stream"])
    return run(tyro.cli(Options, prog="audio-rnn transcribe", args=arguments))


def run(options: Options) -> int:
    """Transcribe, report on standard error, return the exit status. Raises InputError."""
    from audio_rnn.cli.outputs import Format, Results, formats_of
    from audio_rnn.inference.transcript import Transcript
    from audio_rnn.inference.writers import WRITERS

    known: dict[str, Format[Transcript]] = {
        name: Format(write, name, name in NAMED) for name, write in WRITERS.items()
    }
    formats, files = formats_of(options.format, known), options.files
    check_bulk(options.bulk, files, options.format)
    if options.bulk.manifest and files.output:
        settings = {"channel": options.channel, "decoding": to_dict(options.decoding)}
        work = _load(options).transcribe_many
        return run_bulk(options.bulk, files.output, options.model, settings, work, "transcribed")
    inputs = collect_files(files)
    results = Results(inputs, formats, "transcribed", files.output, files.overwrite)
    transcriber = _load(options)
    return work_through(inputs, results, transcriber.transcribe_many, "transcribing")


def _load(options: Options) -> Transcriber:
    from audio_rnn.inference.transcriber import Transcriber

    return Transcriber.load(
        options.model,
        options.device,
        options.batch_seconds,
        options.channel,
        options.decoding,
    )
