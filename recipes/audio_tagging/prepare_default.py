"""Prepare the embedded default: synthetic sounds of eight kinds, with no download.

Clips of one sound each with its kind as a tag, or with --soundscapes ten seconds of several sounds
with their onsets and offsets, over background noise of varied colour. The same options give the
same files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError
from recipes.audio_tagging.corpus import SPLITS, clear, write_corpus
from recipes.audio_tagging.scenes import Draw, SceneConfig, background, length, make_scene
from recipes.audio_tagging.sounding import Waveform, cut
from recipes.audio_tagging.synthesis import KINDS, RATE, synthesise
from recipes.prepare import run

CLIP_SECONDS = (1.5, 2.0, 2.5, 3.0)
CLIP = SceneConfig(events=(1, 1), event_seconds=(0.5, 1.5), polyphony=1, sample_rate=RATE)
SCENE = SceneConfig(events=(0, 6), event_seconds=(0.4, 4.0), sample_rate=RATE)


@dataclass(frozen=True)
class Options:
    output: Path | None = None
    """Folder for sound, manifests and classes; data/sounds or data/sounds_scenes unless given."""
    soundscapes: bool = False
    """Several sounds in ten seconds, with onset and offset, in place of clips of one sound."""
    train: int | None = None
    """Number of training clips (320 unless given) or soundscapes (120)."""
    valid: int | None = None
    """Number of validation clips (80) or soundscapes (24)."""
    test: int | None = None
    """Number of test clips (80) or soundscapes (40)."""
    seed: int = 0
    """Another seed gives other sounds."""


def prepare(options: Options) -> None:
    """Make the corpus. Raises: InputError."""
    output = options.output or Path("data/sounds_scenes" if options.soundscapes else "data/sounds")
    counts = _counts(options)
    clear(output)
    make = soundscapes if options.soundscapes else clips
    made = [c for split, count in counts.items() for c in make(output, split, count, options.seed)]
    write_corpus(output, made)


def clips(output: Path, split: str, count: int, seed: int) -> Iterator[Utterance]:
    """Clips of one sound, of each kind in turn."""
    kinds = list(KINDS)
    for n in range(count):
        config = replace(CLIP, seconds=CLIP_SECONDS[n // len(kinds) % len(CLIP_SECONDS)])
        draw = partial(_draw, config, [kinds[n % len(kinds)]])
        clip = make_scene(config, output, split, n, seed, draw, background)
        yield replace(clip, tags=clip.labels, events=None)


def soundscapes(output: Path, split: str, count: int, seed: int) -> Iterator[Utterance]:
    """Soundscapes of all kinds of sound."""
    draw = partial(_draw, SCENE, list(KINDS))
    for n in range(count):
        yield make_scene(SCENE, output, split, n, seed, draw, background)


def _draw(config: SceneConfig, kinds: list[str], draw: Draw) -> tuple[str, Waveform]:
    """A kind and its sound, which begins and ends with it."""
    kind, seconds = kinds[draw.integers(len(kinds))], length(config, draw)
    sound = synthesise(kind, seconds, draw)
    return kind, cut(sound, (0, len(sound)), seconds, RATE, draw)


def _counts(options: Options) -> dict[str, int]:
    counts = dict(zip(SPLITS, (120, 24, 40) if options.soundscapes else (320, 80, 80)))
    for name in SPLITS:
        given = getattr(options, name)
        if given is not None and given < len(KINDS):
            raise InputError(f"--{name}: found {given}, expected at least {len(KINDS)}, one a kind")
        counts[name] = counts[name] if given is None else given
    return counts


if __name__ == "__main__":
    run(prepare, Options, __doc__)
