"""`audio-rnn align`: a recording and its text to times of utterances, words and symbols."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from audio_rnn.cli.picture import PictureOptions
from audio_rnn.config import require
from audio_rnn.errors import AlignmentError, InputError, VocabularyError

if TYPE_CHECKING:
    from audio_rnn.decoding.alignment.lines import Line
    from audio_rnn.inference.aligner import Aligner

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Options:
    """Find a text in its recording, of any length: audio-rnn align talk.wav talk.txt --model RUN

    What does not fit is named on standard error: lines whose confidence is below the threshold,
    which are left out of the output, and speech without text. The exit status is 1 when no line is
    left.
    """

    model: Path
    """Run folder of a training, or the model folder inside it."""
    audio: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="AUDIO")]
    """Audio file, or - for standard input."""
    text_file: Annotated[Path | None, tyro.conf.Positional, tyro.conf.arg(metavar="[TEXT]")] = None
    """Text file with one utterance a line."""
    text: str | None = None
    """The text itself, instead of a file."""
    format: tuple[Literal["segments", "json", "ctm", "tsv", "srt", "vtt", "TextGrid"], ...] = (
        "segments",
    )
    """One or several; name audio and text before it."""
    output: Path | None = None
    """Folder for NAME.FORMAT files; without it, standard output."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace outputs that exist."""
    threshold: float = 0.03
    """Confidence, 0 to 1, below which an utterance is left out."""
    picture: Annotated[PictureOptions, tyro.conf.arg(name="")] = field(
        default_factory=PictureOptions
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes the GPU when there is one."""
    channel: int | None = None
    """Channel to hear, from 0; without it, all are mixed."""

    def __post_init__(self) -> None:
        require(0 <= self.threshold <= 1, "--threshold", self.threshold, "0 to 1")
        require(self.format != (), "--format", self.format, "one or more formats")
        if self.text_file is None and self.text is None:
            raise InputError(
                "text: found none, expected a text file or --text; name the file after the audio"
            )
        one = self.text_file is None or self.text is None
        require(one, "--text", self.text, f"none beside the text file {self.text_file}")
        require(
            self.picture.plot is None or self.audio != STANDARD_INPUT,
            "--plot",
            self.audio,
            "a file, which can be read twice",
            "write the audio into a file",
        )


def main(arguments: Sequence[str]) -> int:
    """Run the subcommand; returns the exit status. Raises InputError."""
    return run(tyro.cli(Options, prog="audio-rnn align", args=arguments))


def run(options: Options) -> int:
    """Align, report on standard error, return the exit status. Raises InputError."""
    from audio_rnn.cli.aligned import Output, report, split, summary
    from audio_rnn.inference.aligner import Aligner

    source = sys.stdin.buffer if options.audio == STANDARD_INPUT else Path(options.audio)
    output = Output(source, options.format, options.output, options.overwrite)
    text = _text(options)
    aligner = Aligner.load(options.model, options.device, options.channel)
    lines = _spell(aligner, text, options)
    picture = options.picture
    if picture.plot:
        from audio_rnn.inference.plot.spectrogram import check_picture

        check_picture(picture.plot)
    began = time.monotonic()
    heard = aligner.hear(source)
    alignment, dropped = split(aligner.place(lines, heard), options.threshold)
    output.write(alignment)
    report(alignment, dropped, options.threshold)
    if picture.plot:
        from audio_rnn.inference.plot.alignment import save_plot
        from audio_rnn.inference.plot.spectrogram import read_span

        path, shown = Path(options.audio), (picture.plot_from, picture.plot_to)
        span = read_span(path, heard.duration, *shown, options.channel)
        save_plot(picture.plot, heard, alignment, span)
    print(summary(alignment, dropped, time.monotonic() - began), file=sys.stderr)
    return 0 if alignment.utterances else 1


def _text(options: Options) -> list[str]:
    if options.text_file is None:
        return (options.text or "").splitlines()
    try:
        return options.text_file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(
            f"{options.text_file}: cannot be read: {error.strerror}; expected a text file with one "
            "utterance a line"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{options.text_file}: found {error}, expected text in UTF-8; the audio comes first, then "
            "its text"
        ) from error


def _spell(aligner: Aligner, text: list[str], options: Options) -> list[Line]:
    try:
        return aligner.spell(text)
    except (VocabularyError, AlignmentError) as error:
        raise InputError(f"{options.text_file or '--text'}: {error}") from error
