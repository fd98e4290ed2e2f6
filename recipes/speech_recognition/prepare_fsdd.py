"""Prepare the Free Spoken Digit Dataset: one spelled digit a recording.

SOURCE is the dataset's folder, with recordings/{digit}_{speaker}_{take}.wav (or .flac). The
test set is the official one, takes 0 to 4; the validation set is the takes after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from audio_rnn.audio import EXTENSIONS
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError
from recipes.prepare import Source, listed, require_folder, run
from recipes.speech_recognition.corpus import write_corpus
from recipes.speech_recognition.recordings import Said, utterances
from recipes.speech_recognition.text import spell_number

NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<take>\d+)")
TEST_TAKES = 5


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder of the dataset."""
    output: Path = Path("data/fsdd")
    """Folder for manifests and vocabulary."""
    valid_takes: int = 3
    """Takes of each digit and speaker held out for validation, from take 5 on; 0 for none."""


def prepare(options: Options) -> None:
    """Write the manifests. Raises: InputError."""
    if options.valid_takes < 0:
        raise InputError(f"--valid-takes: found {options.valid_takes}, expected 0 or more")
    recordings = find_recordings(options.source)
    said = {name: said_in(name) for name in recordings}
    splits: dict[str, list[Utterance]] = {"train": [], "valid": [], "test": []}
    for utterance in utterances(said, recordings, options.source, options.output):
        take = int(utterance.id.split("_")[2])
        splits[split_of(take, options.valid_takes)].append(utterance)
    write_corpus(options.output, splits, options.source)


def find_recordings(source: Path) -> dict[str, Path]:
    """Id -> file, sorted. Raises: InputError for another layout."""
    require_folder(source, "the folder of the Free Spoken Digit Dataset")
    folder = source / "recordings" if (source / "recordings").is_dir() else source
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in EXTENSIONS)
    strange = [path.name for path in files if not NAME.fullmatch(path.stem)]
    if strange or not files:
        raise InputError(
            f"{folder}: found {listed(strange) or 'no audio file'}, "
            "expected names like 7_jackson_32.wav (digit_speaker_take)"
        )
    return {path.stem: path for path in files}


def said_in(name: str) -> Said:
    """What the name of a recording tells of it."""
    digit, speaker, _ = name.split("_")
    return Said(spell_number(int(digit)), speaker)


def split_of(take: int, valid_takes: int) -> str:
    """The split a take belongs to."""
    if take < TEST_TAKES:
        return "test"
    return "valid" if take < TEST_TAKES + valid_takes else "train"


if __name__ == "__main__":
    run(prepare, Options, __doc__)
