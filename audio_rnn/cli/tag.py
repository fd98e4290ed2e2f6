"""`audio-rnn tag`: audio files to what is heard in them."""

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
from audio_rnn.config import to_dict
from audio_rnn.errors import InputError

if TYPE_CHECKING:
    from audio_rnn.inference.tagger import Tagger
    from audio_rnn.inference.tags import Tags


@dataclass(frozen=True)
class Options:
    """Tell what is heard in audio files, with a trained model: audio-rnn tag recordings --model RUN

    txt is for people: the tags of a file on one line, each with its probability. json is one object
    a line; csv and tsv have the columns path, onset, offset, label, probability, and several inputs
    on standard output share one header. The exit status is 1 when any input failed.
    """

    model: Path
    """Run folder of a training, or the model folder inside it."""
    also: Annotated[tuple[Path, ...], tyro.conf.UseAppendAction] = ()
    """Another training of the same config: both tell the mean of their probabilities."""
    files: Annotated[FileOptions, tyro.conf.arg(name="")] = field(default_factory=FileOptions)
    bulk: Annotated[BulkOptions, tyro.conf.arg(name="")] = field(default_factory=BulkOptions)
    format: Annotated[tuple[str, ...], tyro.conf.arg(metavar="{txt,json,csv,tsv} [...]")] = ("txt",)
    """One or several; name the inputs before it."""
    top: int = 3
    """The most probable classes, so many."""
    above: float = 0.0
    """Of these, only what has this probability or more."""
    window: float | None = None
    """Seconds; every stretch of a recording that is so long gets tags of its own."""
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
            "found no arguments, expected inputs and a model, as in audio-rnn tag recordings "
            "--model runs/sounds; see audio-rnn tag --help"
        )
    return run(tyro.cli(Options, prog="audio-rnn tag", args=arguments))


def run(options: Options) -> int:
    """Tag, report on standard error, return the exit status. Raises InputError."""
    from audio_rnn.cli.outputs import Format, Results, formats_of
    from audio_rnn.inference.sound_writers import TAG_WRITERS
    from audio_rnn.inference.tagger import Tagger
    from audio_rnn.inference.tags import TagConfig

    known: dict[str, Format[Tags]] = {
        name: Format(write, name, named=name != "txt", headed=name in ("csv", "tsv"))
        for name, write in TAG_WRITERS.items()
    }
    formats, files = formats_of(options.format, known), options.files
    config = TagConfig(options.top, options.above, options.window)
    load = partial(Tagger.load, options.model, options.device, options.channel, others=options.also)
    check_bulk(options.bulk, files, options.format, options.picture.plot)
    if options.bulk.manifest and files.output:
        settings = {"channel": options.channel, "tags": to_dict(config)} | with_models(options.also)
        tagger = load()
        return run_bulk(
            options.bulk, files.output, options.model, settings,
            lambda paths: tagger.tag_many(paths, config), "tagged",
        )  # fmt: skip
    inputs = collect_files(files)
    path = pictured(options.picture, inputs)
    results = Results(inputs, formats, "tagged", files.output, files.overwrite)
    tagger = load()
    status = work_through(inputs, results, lambda paths: tagger.tag_many(paths, config), "tagging")
    if path and results.last:
        _draw(tagger, path, results.last, options.picture)
    return status


def _draw(tagger: Tagger, path: Path, tags: Tags, options: PictureOptions) -> None:
    from audio_rnn.inference.plot.sounds import save_sounds
    from audio_rnn.inference.plot.spectrogram import read_span

    assert options.plot, "asked for"
    shown = options.plot_from, options.plot_to
    span = read_span(path, tags.duration, *shown, tagger.channel)
    rows = {tag.label: f"{tag.label}  {tag.probability:.2f}" for tag in tags.tags}
    save_sounds(options.plot, span, tagger.track(path, span.start, span.end), rows)
