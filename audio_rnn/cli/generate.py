"""`audio-rnn generate`: music from a trained model."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from audio_rnn.errors import InputError, MusicError

if TYPE_CHECKING:
    from audio_rnn.decoding.planned import Plan
    from audio_rnn.decoding.sampling import SamplingConfig
    from audio_rnn.inference.generator import Generator
    from audio_rnn.metrics.copying import Melodies, SharedPassage
    from audio_rnn.midi.piece import Key, Piece

Flag = tyro.conf.FlagCreatePairsOff[bool]
SAMPLING = ("temperature", "top_k", "top_p", "repetition")
EXCLUDES = {  # an option -> those that would do nothing beside it
    "harmonize": ("primer", "beam", "endless"),
    "endless": ("beam", "bars", "wav", "plot"),
    "beam": SAMPLING,
}


@dataclass(frozen=True)
class Wanted:
    """What the pieces shall be; what is not named is left to the model."""

    key: str | None = None
    """G, Eb, F#m ..."""
    meter: str | None = None
    """3/4, 6/8 ..."""
    tempo: int | None = None
    """Quarter notes a minute; the nearest mark of a metronome is taken."""
    bars: int | None = None
    """How many, those of a primer included."""
    density: str | None = None
    """Notes of the melody, 0 (few) to 1 (many): the share of the training set that has fewer;
    0.3:0.7 goes from one to the other."""
    register: str | None = None
    """How high the melody is, 0 (low) to 1 (high): the share of the training set that is lower;
    0.4:0.6 goes from one to the other."""
    guidance: float = 2.0
    """How much more than it learned a model follows density and register; 1 for as much."""
    range: str | None = None
    """Lowest and highest pitch that may sound, as MIDI numbers: 48:84."""
    scale: Flag = False
    """Only pitches of the key (in minor with both sixths and sevenths)."""


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
    _report(melodies, paths, pieces)
    return 0


def make_plan(wanted: Wanted, endless: bool = False) -> Plan:
    """What was asked for, checked. Raises: InputError."""
    from audio_rnn.decoding.planned import Plan

    low, high = _pair(wanted.range, "--range", "48:84", int) or (0, 127)
    return Plan(
        key=parse_key(wanted.key) if wanted.key else None,
        meter=_meter(wanted.meter) if wanted.meter else None,
        tempo=wanted.tempo,
        bars=float("inf") if endless else wanted.bars,
        density=_pair(wanted.density, "--density", "0.3:0.7", float),
        register=_pair(wanted.register, "--register", "0.4:0.6", float),
        lowest=int(low),
        highest=int(high),
        scale=wanted.scale,
        guidance=wanted.guidance,
    )


def parse_key(name: str) -> Key:
    """G, Eb, F#m ... Raises: MusicError."""
    from audio_rnn.midi.symbols import KEYS

    for key in KEYS:
        if key.name.lower() == name.lower():
            return key
    names = ", ".join(key.name for key in KEYS)
    raise MusicError(f"--key: found {name!r}, expected one of {names}")


def _meter(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if not match:
        raise MusicError(f"--meter: found {text!r}, expected such as 3/4 or 6/8")
    return int(match[1]), int(match[2])


def _pair(
    text: str | None, name: str, example: str, number: type[int] | type[float]
) -> tuple[float, float] | None:
    """One number, or two with a colon between them."""
    if text is None:
        return None
    try:
        parts = [number(part) for part in text.split(":")]
    except ValueError:
        parts = []
    if len(parts) not in (1, 2):
        raise MusicError(f"{name}: found {text!r}, expected a number, or two such as {example}")
    return parts[0], parts[-1]


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
    if not path.parent.is_dir():
        raise InputError(f"--output: found no folder {path.parent}, expected one; make it first")
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


def _report(melodies: Melodies | None, paths: Sequence[Path], pieces: Sequence[Piece]) -> None:
    """A table on standard error, with what is copied of the melodies of the training set."""
    from rich.console import Console
    from rich.table import Table

    from audio_rnn.metrics.copying import melody_of
    from audio_rnn.metrics.music import measure_music

    measures = ("scale", "entropy", "groove", "polyphony", "repetition")
    copied = ["copied"] if melodies else []
    table = Table("file", "bars", "notes", "s", *measures, *copied, box=None)
    for path, piece in zip(paths, pieces):
        found = measure_music(piece)
        shared = melodies.longest_shared(melody_of(piece)) if melodies else None
        values = (found.scale_consistency, found.pitch_class_entropy, found.groove_consistency)
        table.add_row(
            path.name,
            *map(str, (found.bars, found.notes)),
            f"{found.seconds:.1f}",
            *(f"{value:.3f}" for value in values),
            f"{found.polyphony:.2f}",
            f"{found.repetition:.2f}",
            *([_copied(shared)] if shared else []),
        )
    Console(stderr=True, width=None if sys.stderr.isatty() else 140).print(table)


def _copied(shared: SharedPassage) -> str:
    return f"{shared.notes} notes of {shared.source}" if shared.notes else "nothing"
