"""`audio-rnn generate`: music from a trained model."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from audio_rnn.cli.piece_report import report
from audio_rnn.cli.wanted import Flag, Wanted, make_plan
from audio_rnn.cli.writing import require_folder
from audio_rnn.errors import InputError

if TYPE_CHECKING:
    from audio_rnn.decoding.plan import Plan
    from audio_rnn.decoding.sampling import SamplingConfig
    from audio_rnn.inference.generator import Generator
    from audio_rnn.metrics.copying import Melodies
    from audio_rnn.midi.piece import Piece

SAMPLING = ("temperature", "top_k", "top_p", "repetition")
EXCLUDES = {  # an option -> those that would do nothing beside it
    "harmonize": ("primer", "beam", "endless"),
    "endless": ("beam", "bars", "wav", "plot"),
    "beam": SAMPLING,
}


@dataclass(frozen=True)
class Options:
    """Generate music with a trained model: audio-rnn generate -m runs/nottingham -o tune.mid --bars 16

    Writes MIDI files, and a table on standard error: how consistent they are in scale and rhythm, and
    the longest passage that each shares with the training set, in any key.
    """

    model: Annotated[Path, tyro.conf.arg(aliases=["-m"])]
    """Run folder of a training, or the model folder inside it."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """MIDI file; with --count 8, tune.mid becomes tune-1.mid to tune-8.mid."""
    primer: Path | None = None
    """MIDI, ABC or MusicXML file that the pieces begin with."""
    harmonize: Path | None = None
    """MIDI, ABC or MusicXML file whose first voice is kept as it is; the others are drawn around it."""
    wanted: tyro.conf.OmitArgPrefixes[Wanted] = field(default_factory=Wanted)
    temperature: float = 1.0
    """Under 1: more of what is likely; over 1: more surprise."""
    top_k: int | None = None
    """Only so many of the likeliest symbols at each step."""
    top_p: float = 1.0
    """Only the likeliest symbols that together have this probability."""
    repetition: float = 1.0
    """The odds of pitches that sounded just now are divided by this."""
    beam: int | None = None
    """Beam search of this width for the likeliest piece, instead of drawing one."""
    seed: int = 0
    """Of the first piece; the next one has the next seed."""
    count: int = 1
    """Number of pieces."""
    endless: Flag = False
    """Go on until Ctrl-C, written as it comes; memory stays the same."""
    wav: Flag = False
    """Write the sound, too, beside each MIDI file."""
    soundfont: Path | None = None
    """A .sf2 or .sf3 file to render with; without it, a small synthesizer of plucked strings."""
    plot: Flag = False
    """Write a picture of the piano roll, too, beside each MIDI file."""
    overwrite: Flag = False
    """Replace files that exist already."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit status. Raises InputError."""
    return run(tyro.cli(Options, prog="audio-rnn generate", args=arguments))


def run(options: Options) -> int:
    """Generate, write, report on standard error. Raises InputError."""
    from audio_rnn.decoding.sampling import SamplingConfig
    from audio_rnn.inference.generator import Generator
    from audio_rnn.midi.files import read_piece

    paths = _outputs(options)
    sampling = SamplingConfig(options.temperature, options.top_k, options.top_p, options.repetition)
    plan = make_plan(options.wanted, options.endless)
    _check_together(options)
    primer = read_piece(options.primer) if options.primer else None
    melody = read_piece(options.harmonize) if options.harmonize else None
    if options.soundfont:
        from audio_rnn.inference.synthesizer import load_soundfont

        load_soundfont(options.soundfont)
    if melody is not None:
        from audio_rnn.cli.around import harmonize

        pieces, melodies = harmonize(
            options.model, melody, plan, sampling, options.seed, options.count
        )
        return _finish(paths, pieces, melodies, options)
    generator = Generator.load(options.model)
    if options.endless:
        return _stream(generator, options, plan, sampling, primer)
    if options.beam is not None:
        pieces = [generator.likeliest(plan, _width(options), primer)]
    else:
        pieces = generator.generate(plan, sampling, options.seed, options.count, primer)
    return _finish(paths, pieces, generator.training.melodies, options)


def _finish(
    paths: Sequence[Path], pieces: Sequence[Piece], melodies: Melodies | None, options: Options
) -> int:
    """Write the files, then report."""
    from audio_rnn.midi.files import write_midi

    for path, piece in zip(paths, pieces):
        write_midi(path, piece)
        _extras(path, piece, options)
    report(melodies, paths, pieces)
    return 0


def _check_together(options: Options) -> None:
    """Raises: InputError for an option that would do nothing beside another one."""
    defaults = {f.name: f.default for f in fields(options)} | {"bars": None}
    values = {name: getattr(options, name, options.wanted.bars) for name in defaults}
    for name, others in EXCLUDES.items():
        found = [other for other in others if values[other] != defaults[other]]
        if values[name] and found:
            raise InputError(
                f"--{name}: found --{found[0].replace('_', '-')} beside it, expected one of them; "
                "leave one out"
            )
    if options.soundfont and not options.wav:
        raise InputError("--soundfont: found no --wav beside it, expected one; add it")


def _width(options: Options) -> int:
    if options.beam is None or options.beam < 1 or options.count != 1:
        raise InputError(
            f"--beam {options.beam} --count {options.count}: expected a width of 1 or more, and one "
            "piece, as the likeliest is always the same"
        )
    return options.beam


def _outputs(options: Options) -> list[Path]:
    """The MIDI file of each piece. Raises: InputError when one is there, or cannot be."""
    path, count = options.output, options.count
    if options.seed < 0:
        raise InputError(f"--seed: found {options.seed}, expected 0 or more")
    if count < 1 or (options.endless and count > 1):
        raise InputError(f"--count: found {count}, expected 1 or more, and 1 with --endless")
    if path.suffix.lower() not in (".mid", ".midi"):
        raise InputError(f"--output: found {path}, expected a name that ends in .mid")
    require_folder(path, "--output")
    names = [path] if count == 1 else [path.with_stem(f"{path.stem}-{n + 1}") for n in range(count)]
    suffixes = [".mid"] + [".wav"] * options.wav + [".png"] * options.plot
    wanted = [name if s == ".mid" else name.with_suffix(s) for name in names for s in suffixes]
    there = [str(name) for name in wanted if os.path.lexists(name)]
    if there and not options.overwrite:
        raise InputError(
            f"--output: found {there[0]}, expected none; choose another name, or replace it by "
            "--overwrite"
        )
    return names


def _extras(path: Path, piece: Piece, options: Options) -> None:
    if options.wav:
        from audio_rnn.audio import write_audio
        from audio_rnn.inference.synthesizer import SAMPLE_RATE, render

        write_audio(path.with_suffix(".wav"), render(piece, options.soundfont), SAMPLE_RATE)
    if options.plot:
        from audio_rnn.inference.plot.roll import plot_roll

        plot_roll(piece, path.with_suffix(".png"))


def _stream(
    generator: Generator,
    options: Options,
    plan: Plan,
    sampling: SamplingConfig,
    primer: Piece | None,
) -> int:
    from audio_rnn.inference.endless import write_endless

    bars = write_endless(options.output, generator, plan, sampling, options.seed, primer)
    print(f"{options.output}: {bars} bars", file=sys.stderr)
    return 0
