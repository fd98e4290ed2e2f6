"""`audio-rnn transcribe`: audio files to text with times."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.errors import InputError

if TYPE_CHECKING:
    from rich.progress import Progress

    from audio_rnn.cli.inputs import Inputs
    from audio_rnn.cli.outputs import Results
    from audio_rnn.inference.transcriber import Transcriber


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
    inputs: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[INPUT ...]")
    ] = ()
    """Audio files, folders (all audio below them), patterns in quotes, - for standard input."""
    list: Path | None = None
    """File that names one more input a line."""
    format: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="{txt,json,srt,vtt,tsv,ctm,TextGrid} [...]")
    ] = ("txt",)
    """One or several; name the inputs before it."""
    output: Path | None = None
    """Folder for NAME.FORMAT files; below it, a folder that is an input keeps its sub-folders.
    Without it, standard output."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace files that exist already."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes the GPU when there is one."""
    batch_seconds: float | None = None
    """Seconds of audio, padding included, a batch; the result is the same for all. Default: 60 on
    the CPU, 1200 on a GPU."""
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
    from audio_rnn.cli.inputs import collect
    from audio_rnn.cli.outputs import Results, formats_of
    from audio_rnn.inference.transcriber import Transcriber

    formats = formats_of(options.format)
    inputs = collect(options.inputs, options.list)
    results = Results(inputs, formats, options.output, options.overwrite)
    transcriber = Transcriber.load(
        options.model,
        options.device,
        options.batch_seconds,
        options.channel,
        options.decoding,
    )
    began = time.monotonic()
    try:
        _transcribe(transcriber, inputs, results)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(results.interrupted()) from None
    print(results.summary(time.monotonic() - began), file=sys.stderr)
    return 1 if results.failed else 0


def _transcribe(transcriber: Transcriber, inputs: Inputs, results: Results) -> None:
    for failure in inputs.failures:
        results.fail(failure)
    sources = [recording.source for recording in inputs.recordings]
    with _progress() as progress:
        task = progress.add_task("transcribing", total=len(sources))
        for outcome in transcriber.transcribe_many(sources):
            results.add(outcome)
            progress.advance(task)


def _progress() -> Progress:
    """A bar on standard error when that is a terminal, nothing otherwise."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining()
    return Progress(
        *columns,
        console=console,
        disable=not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),  # text in a pipe must not come out on the terminal
    )
