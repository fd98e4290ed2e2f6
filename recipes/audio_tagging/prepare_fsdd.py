"""Prepare the Free Spoken Digit Dataset as keywords: the digit is the tag of a recording.

SOURCE is the dataset's folder, with recordings/{digit}_{speaker}_{take}.wav (or .flac). The test
set is the official one, takes 0 to 4; the validation set is the takes after it. With --negatives
there are clips without a digit as well, which a model that listens to a stream must have met: noise
of random colours, and parts of the recordings in --others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audio_rnn.audio import EXTENSIONS, write_audio
from audio_rnn.errors import InputError
from audio_rnn.files import files_below
from recipes.audio_tagging.corpus import SPLITS, clear, write_corpus
from recipes.audio_tagging.excerpts import excerpt
from recipes.audio_tagging.recordings import Heard, clips
from recipes.audio_tagging.scenes import background
from recipes.audio_tagging.sounding import Waveform
from recipes.prepare import Source, require_folder, run
from recipes.speech_recognition.prepare_fsdd import find_recordings, said_in, split_of

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SAMPLE_RATE = 8000  # that of the corpus: a wider band would tell the negatives
NEGATIVE_SECONDS = (0.3, 1.5)
PEAKS = (0.005, 0.7)  # of negatives
NOISE_SHARE = 0.3  # of negatives, where there are other recordings
HELD_OUT = {"valid": 10, "test": 20}  # percent of the other recordings, up to which


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder of the dataset."""
    output: Path = Path("data/fsdd_keywords")
    """Folder for manifests and classes."""
    valid_takes: int = 3
    """Takes of each digit and speaker held out for validation, from take 5 on; 0 for none."""
    keywords: tuple[str, ...] = DIGITS
    """The digits to find; the others are negatives."""
    negatives: float = 0.0
    """Clips without a digit, for each recording of the corpus."""
    others: Path | None = None
    """Folder of recordings without digits, from which negatives are cut."""
    negative_class: str | None = None
    """A tag of the negatives, for a model of one class a clip; unless given they have none."""
    seed: int = 0
    """Another seed makes other negatives."""


def prepare(options: Options) -> None:
    """Write the manifests. Raises: InputError."""
    _check(options)
    recordings = find_recordings(options.source)
    heard = {name: _heard(options, name) for name in recordings}
    others = find_others(options.others)
    clear(options.output)
    made = dict(make_negatives(options, heard, others))
    files = recordings | {name: options.output / "audio" / f"{name}.flac" for name in made}
    found = clips(heard | made, files, options.source, options.output)
    write_corpus(options.output, found, options.source, options.keywords)


def make_negatives(
    options: Options, heard: dict[str, Heard], others: dict[str, list[Path]]
) -> Iterator[tuple[str, Heard]]:
    """Write clips without a digit, a share of the clips of each split."""
    for split in SPLITS:
        count = sum(what.split == split for what in heard.values())
        for number in range(round(options.negatives * count)):
            name = f"{split}-{number:05}"
            draw = np.random.default_rng([options.seed, *name.encode()])
            sound = _negative(others[split], draw)
            sound *= np.exp(draw.uniform(*np.log(PEAKS))) / (np.abs(sound).max() + 1e-9)
            path = options.output / "audio" / f"{name}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_audio(path, sound, SAMPLE_RATE)
            yield name, Heard(_tags(options, None), split=split, recording=name)


def _negative(others: list[Path], draw: np.random.Generator) -> Waveform:
    seconds = draw.uniform(*NEGATIVE_SECONDS)
    if others and draw.uniform() > NOISE_SHARE:
        return excerpt(others[draw.integers(len(others))], seconds, SAMPLE_RATE, draw)
    return background(round(seconds * SAMPLE_RATE), draw)


def find_others(folder: Path | None) -> dict[str, list[Path]]:
    """The other recordings of each split: what training hears is not tested. Raises: InputError."""
    parts: dict[str, list[Path]] = {split: [] for split in SPLITS}
    if folder is None:
        return parts
    require_folder(folder, "recordings without digits")
    for path in files_below(folder, EXTENSIONS):
        name = path.relative_to(folder).as_posix()
        percent = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 100
        split = next((split for split, most in HELD_OUT.items() if percent < most), "train")
        parts[split].append(path)
    if not parts["train"]:
        raise InputError(f"{folder}: found no audio file to train on, expected some")
    return parts


def _heard(options: Options, name: str) -> Heard:
    said = said_in(name)
    split = split_of(int(name.split("_")[2]), options.valid_takes)
    tags = _tags(options, said.text if said.text in options.keywords else None)
    return Heard(tags, split=split, speaker=said.speaker, recording=name)


def _tags(options: Options, keyword: str | None) -> tuple[str, ...]:
    tag = keyword or options.negative_class
    return (tag,) if tag else ()


def _check(options: Options) -> None:
    if options.valid_takes < 0 or options.negatives < 0:
        raise InputError(
            f"--valid-takes {options.valid_takes} and --negatives {options.negatives}: expected 0 "
            "or more"
        )
    unknown = set(options.keywords) - set(DIGITS)
    if unknown or not options.keywords:
        raise InputError(
            f"--keywords: found {sorted(unknown) or 'none'}, expected some of {DIGITS}"
        )
    if options.others and not options.negatives:
        raise InputError("--others: found with --negatives 0, expected a number of negatives")
    if options.negative_class in DIGITS:
        raise InputError(f"--negative-class: found {options.negative_class!r}, expected no digit")


if __name__ == "__main__":
    run(prepare, Options, __doc__)
