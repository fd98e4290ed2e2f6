"""`audio-rnn detect --stream`: events while the sound comes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from audio_rnn.cli.listening import ListeningOptions, listen

if TYPE_CHECKING:
    from audio_rnn.inference.sound_stream import Sighting, SoundStream


@dataclass(frozen=True)
class Options:
    """Find sounds while they come, with a trained model.

    INPUT is - for standard input, or a file that is read as if it came live. A line of standard
    output is an event that has ended: onset and offset in seconds, class, mean probability. Ctrl-C
    ends the sound; what was begun is finished.
    """

    model: Path
    """Run folder of a training, or the model folder inside it."""
    format: Literal["txt", "json"] = "txt"
    """json is one object a line."""
    partial: bool = False
    """Also tell when an event begins; txt lines then begin with partial or final and a tab."""
    threshold: float | None = None
    """Probability from which on any class is heard. None: as evaluate --tune found it for each
    class, else 0.5."""
    sound: Annotated[ListeningOptions, tyro.conf.arg(name="")] = field(
        default_factory=ListeningOptions
    )


def main(arguments: Sequence[str]) -> int:
    """Run the subcommand; returns the exit status. Raises InputError."""
    return run(tyro.cli(Options, prog="audio-rnn detect --stream", args=arguments))


def run(options: Options) -> int:
    """Detect to the end of the sound. Raises InputError, after all that came was shown."""

    def show(sightings: Sequence[Sighting]) -> None:
        for sighting in sightings:
            if sighting.final or options.partial:
                print(_line(sighting, options), flush=True)

    return listen(options.sound, _open(options), show)


def _open(options: Options) -> SoundStream:
    from audio_rnn.inference.sound_stream import SoundStream
    from audio_rnn.inference.tagger import Tagger

    sound = options.sound
    tagger = Tagger.load(options.model, sound.device, threshold=options.threshold)
    return SoundStream(tagger.model, tagger.rules, sound.stream_config())


def _line(sighting: Sighting, options: Options) -> str:
    from audio_rnn.inference.sound_writers import event_line

    event = sighting.event
    if options.format == "json":
        return json.dumps({**asdict(event), "final": sighting.final}, ensure_ascii=False)
    if not options.partial:
        return event_line(event)
    if sighting.final:
        return f"final\t{event_line(event)}"
    return f"partial\t{event.onset:.2f} {event.label} {event.score:.2f}"
