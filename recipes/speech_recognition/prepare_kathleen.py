"""Prepare Kathleen: read sentences of one speaker.

SOURCE is a folder with manifest.tsv (columns path, split, text) and the audio it names.
Texts are normalised: lower case, no punctuation but apostrophes, abbreviations spelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from recipes.prepare import Source, require_folder, run
from recipes.speech_recognition.corpus import write_corpus
from recipes.speech_recognition.splits import by_split
from recipes.speech_recognition.table import read_utterances
from recipes.speech_recognition.text import normalise


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder of the corpus."""
    output: Path = Path("data/kathleen")
    """Folder for manifests and vocabulary."""


def prepare(options: Options) -> None:
    """Write the manifests. Raises: InputError."""
    folder = require_folder(options.source, "the folder of the corpus, with manifest.tsv")
    table = folder / "manifest.tsv"
    utterances = read_utterances(table, options.output, normalise, speaker="kathleen")
    write_corpus(options.output, by_split(utterances), folder)


if __name__ == "__main__":
    run(prepare, Options, __doc__)
