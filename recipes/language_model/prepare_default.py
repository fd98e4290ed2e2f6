"""Prepare the embedded default: sentences of a small grammar, with no download.

They are those of the embedded corpus of speech recognition; no split says one of another's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audio_rnn.errors import InputError
from audio_rnn.vocabulary import Vocabulary
from recipes.language_model.corpus import write_corpus
from recipes.prepare import run
from recipes.speech_recognition import phrases


@dataclass(frozen=True)
class Options:
    output: Path = Path("data/default_text")
    """Folder for texts and vocabulary."""
    train_sentences: int = 2600
    """Number of training sentences."""
    valid_sentences: int = 150
    """Number of validation sentences."""
    test_sentences: int = 250
    """Number of test sentences."""
    seed: int = 0
    """Another seed gives other sentences."""


def prepare(options: Options) -> None:
    """Write the sentences, and their letters as vocabulary. Raises: InputError."""
    sizes = {
        "train": options.train_sentences,
        "valid": options.valid_sentences,
        "test": options.test_sentences,
    }
    for split, size in sizes.items():
        if size < 1:
            raise InputError(f"--{split}-sentences: found {size}, expected at least 1")
    splits = {split: phrases.draw(split, size, options.seed) for split, size in sizes.items()}
    letters = Vocabulary.from_texts([" ".join(phrases.words())])
    write_corpus(options.output, splits, letters)


if __name__ == "__main__":
    run(prepare, Options, __doc__)
