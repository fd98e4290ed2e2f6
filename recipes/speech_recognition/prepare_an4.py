"""Prepare CMU AN4 (Census): the Sphinx feature release, or the audio release.

SOURCE is the folder `an4` with etc/ and feat/ (13 MFCC a frame, 100 frames a second), or with
etc/ and wav/ (.sph, .raw or .wav, 16 kHz), or the .tar.gz archive of one of them. Training and
test set are the official ones; the validation set is some speakers of the training set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError, reason
from recipes.prepare import Source, inside, require_folder, run
from recipes.speech_recognition.archive import extract, is_archive
from recipes.speech_recognition.corpus import write_corpus
from recipes.speech_recognition.recordings import Said, match, utterances
from recipes.speech_recognition.splits import hold_out

COEFFICIENTS = 13
FRAMES_PER_SECOND = 100
RAW_RATE = 16000  # Hz, of the .raw files: 16 bits, big-endian, no header
LINE = re.compile(r"(.*)\(([^()\s]+)\)")
MARK = re.compile(r"</?s>|<sil>|\+\+\w+\+\+")


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder or .tar.gz archive of the corpus."""
    output: Path = Path("data/an4")
    """Folder for manifests and vocabulary."""
    valid_share: float = 0.1
    """Share of the training set held out for validation, by speaker; 0 for none."""


def prepare(options: Options) -> None:
    """Write the manifests. Raises: InputError."""
    if not 0 <= options.valid_share < 1:
        raise InputError(f"--valid-share: found {options.valid_share}, expected 0 up to 1")
    root = find_root(options.source, options.output)
    train = read_set(root, "train", options.output)
    test = read_set(root, "test", options.output)
    train, valid = hold_out(train, options.valid_share)
    write_corpus(options.output, {"train": train, "valid": valid, "test": test}, root)


def find_root(source: Path, output: Path) -> Path:
    """The folder that holds etc/ and feat/ or wav/, after unpacking an archive."""
    if is_archive(source):
        source = extract(source, output / "extracted")
    require_folder(source, "the AN4 folder or its .tar.gz archive")
    for root in (source, source / "an4"):
        if (root / "etc").is_dir() and ((root / "feat").is_dir() or (root / "wav").is_dir()):
            return root
    raise InputError(f"{source}: found no etc/ with feat/ or wav/, expected the AN4 release")


def read_set(root: Path, split: str, output: Path) -> list[Utterance]:
    """The utterances of the official split, every transcript with its file."""
    files = {Path(line).name: line for line in _lines(root / "etc" / f"an4_{split}.fileids")}
    texts = read_transcription(root / "etc" / f"an4_{split}.transcription")
    present = {name: found for name, line in files.items() if (found := _find(root, line))}
    names = match(texts, present, root / "etc" / f"an4_{split}.transcription")
    if present and next(iter(present.values())).suffix == ".mfc":
        return [_from_features(root, present[name], texts[name], output) for name in names]
    said = {name: Said(texts[name], present[name].parent.name) for name in names}
    sound = {name: convert_raw(present[name], output / "audio") for name in names}
    return utterances(said, sound, root, output)


def read_transcription(path: Path) -> dict[str, str]:
    """Id -> words. A line is `<s> YES </s> (an251-fash-b)`; the marks are dropped."""
    texts = {}
    for number, line in enumerate(_lines(path), 1):
        found = LINE.fullmatch(line)
        if not found:
            raise InputError(f"{path}:{number}: found {line!r}, expected WORDS (utterance-id)")
        texts[found[2]] = " ".join(MARK.sub(" ", found[1]).split())
    return texts


def feature_seconds(path: Path) -> float:
    """Length of a Sphinx .mfc file: int32 count, then float32, both big-endian."""
    size = path.stat().st_size
    count = int(np.fromfile(path, ">i4", 1)[0]) if size >= 4 else -1
    if count <= 0 or size != 4 + 4 * count or count % COEFFICIENTS:
        raise InputError(
            f"{path}: header {count} in a file of {size} bytes, expected a multiple of "
            f"{COEFFICIENTS} and 4 bytes for each value after the first 4"
        )
    return count // COEFFICIENTS / FRAMES_PER_SECOND


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read: {reason(error)}; expected AN4's own list"
        ) from error


def _find(root: Path, name: str) -> Path | None:
    """The file of an utterance; features where the release has them."""
    places = [root / "feat" / f"{name}.mfc"]
    places += [root / "wav" / f"{name}{suffix}" for suffix in (".sph", ".wav", ".flac", ".raw")]
    return next((place for place in places if place.is_file()), None)


def _from_features(root: Path, path: Path, text: str, output: Path) -> Utterance:
    where, speaker = inside(path, root, output), path.parent.name
    return Utterance(path.stem, feature_seconds(path), features=where, text=text, speaker=speaker)


def convert_raw(path: Path, folder: Path) -> Path:
    """A headerless recording as FLAC in `folder`, kept when it is there; others as they are."""
    if path.suffix != ".raw":
        return path
    samples = np.fromfile(path, ">i2")
    target = folder / f"{path.stem}.flac"
    if not target.is_file() or soundfile.info(target).frames != len(samples):
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(target, samples.astype(np.int16), RAW_RATE)
    return target


if __name__ == "__main__":
    run(prepare, Options, __doc__)
