"""Prepare the embedded default: tunes with chords, composed by rules, with no download."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audio_rnn.errors import InputError
from recipes.music_generation.pieces import write_corpus
from recipes.music_generation.tunes import compose
from recipes.prepare import run


@dataclass(frozen=True)
class Options:
    output: Path = Path("data/default_music")
    """Folder for the pieces."""
    train_tunes: int = 600
    """Number of training tunes."""
    valid_tunes: int = 60
    """Number of validation tunes."""
    test_tunes: int = 60
    """Number of test tunes."""
    seed: int = 0
    """Another seed gives other tunes."""


def prepare(options: Options) -> None:
    """Write the tunes. Raises: InputError."""
    sizes = {
        "train": options.train_tunes,
        "valid": options.valid_tunes,
        "test": options.test_tunes,
    }
    for split, size in sizes.items():
        if size < 1:
            raise InputError(f"--{split}-tunes: found {size}, expected at least 1")
    write_corpus(
        options.output,
        {
            split: {
                f"{split}-{n:04}": compose(f"{options.seed}/{split}/{n}")
                for n in range(1, size + 1)
            }
            for split, size in sizes.items()
        },
    )


if __name__ == "__main__":
    run(prepare, Options, __doc__)
