"""`audio-rnn detect`: audio files to what is heard in them, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from audio_rnn.cli.bulk import BulkOptions, check_bulk, run_bulk, with_models
from audio_rnn.cli.files import FileOptions, collect_files, work_through
from audio_rnn.cli.picture import PictureOptions, pictured
from audio_rnn.errors import InputError

if TYPE_CHECKING:
    from audio_rnn.inference.tagger import Tagger
    from audio_rnn.inference.tags import Detections

SUFFIXES = {"audacity": "labels.txt"}  # others are named like their format


@dataclass(frozen=True)
class Options:
    """Find sounds in audio files, with a trained model: audio-rnn detect recordings --model RUN

    txt is for people: an event a line, its onset and offset in seconds, class, and mean probability.
    json is one object a line; csv has the columns path, onset, offset, label, score; tsv is the table
    of DCASE with filename, onset, offset, event_label; several inputs on standard output share one
    header. audacity, NAME.labels.txt, is a label track. The exit status is 1 when any input failed.
    For sound that is still being made, such as that of a microphone, see audio-rnn detect --stream
    --help.
    """

    model: Path
    """Run folder of a training, or the model folder inside it."""
    also: Annotated[tuple[Path, ...], tyro.conf.UseAppendAction] = ()
    """Another training of the same config: both tell the mean of their probabilities."""
    files: Annotated[FileOptions, tyro.conf.arg(name="")] = field(default_factory=FileOptions)
    bulk: Annotated[BulkOptions, tyro.conf.arg(name="")] = field(default_factory=BulkOptions)
    format: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="{txt,json,csv,tsv,audacity} [...]")
    ] = ("txt",)
    """One or several; name the inputs before it."""
    threshold: float | None = None
    """Probability from which on any class is heard. None: as evaluate --tune found it for each
    class, else 0.5."""
    picture: Annotated[PictureOptions, tyro.conf.arg(name="")] = field(
        default_factory=PictureOptions
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes the GPU when there is one."""
    channel: int | None = None
    """Channel to hear, from 0; without it, all are mixed."""


def main(arguments: Sequence[str]) -> int:
    """Run the subcommand; returns the exit status. Raises InputError."""
    if not arguments:
        raise InputError(
            "found no arguments, expected inputs and a model, as in audio-rnn detect recordings "
            "--model runs/sounds; see audio-rnn detect --help"
        )
    if "--stream" in arguments:
        from audio_rnn.cli.detect_stream import main as stream

        return stream([argument for argument in arguments if argument != "--stream"])
    return run(tyro.cli(Options, prog="audio-rnn detect", args=arguments))


def run(options: Options) -> int:
    """Detect, report on standard error, return the exit status. Raises InputError."""
    from audio_rnn.cli.outputs import Format, Results, formats_of
    from audio_rnn.inference.sound_writers import EVENT_WRITERS
    from audio_rnn.inference.tagger import Tagger

    known: dict[str, Format[Detections]] = {
        name: Format(
            write,
            SUFFIXES.get(name, name),
            named=name in ("json", "csv", "tsv"),
            headed=name in ("csv", "tsv"),
        )
        for name, write in EVENT_WRITERS.items()
    }
    formats, files = formats_of(options.format, known), options.files
    load = partial(
        Tagger.load, options.model, options.device, options.channel, options.threshold,
        others=options.also,
    )  # fmt: skip
    check_bulk(options.bulk, files, options.format, options.picture.plot)
    if options.bulk.manifest and files.output:
        settings = {"channel": options.channel, "threshold": options.threshold}
        settings |= with_models(options.also)
        tagger = load()
        return run_bulk(
            options.bulk, files.output, options.model, settings, tagger.detect_many, "searched"
        )
    inputs = collect_files(files)
    path = pictured(options.picture, inputs)
    results = Results(inputs, formats, "searched", files.output, files.overwrite)
    tagger = load()
    status = work_through(inputs, results, tagger.detect_many, "detecting")
    if path and results.last:
        _draw(tagger, path, results.last, options.picture)
    return status


def _draw(tagger: Tagger, path: Path, found: Detections, options: PictureOptions) -> None:
    from audio_rnn.inference.plot.sounds import likely, save_sounds
    from audio_rnn.inference.plot.spectrogram import read_span

    assert options.plot, "asked for"
    span = read_span(path, found.duration, options.plot_from, options.plot_to, tagger.channel)
    track = tagger.track(path, span.start, span.end)
    events = [e for e in found.events if e.offset > span.start and e.onset < span.end]
    rows = {label: label for label in likely(track, events)}
    save_sounds(options.plot, span, track, rows, events)
