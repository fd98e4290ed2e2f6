"""Prepare any corpus that Lhotse has manifests of.

SOURCE is the folder that holds the corpus' audio. Each split is a file of cuts, or a file of
recordings and one of supervisions (.jsonl or .jsonl.gz). Every supervision with a text becomes
an utterance; one that is a part of its recording, or one channel of several, is written as FLAC.
Needs Lhotse: pip install audio-rnn[lhotse]
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import soundfile
import yaml

from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError, reason
from recipes.prepare import NONE, Source, inside, require_folder, run
from recipes.speech_recognition.corpus import write_corpus
from recipes.speech_recognition.recordings import match

TOLERANCE = 0.01  # seconds a cut may lack of its recording and still be all of it
UNREADABLE = (OSError, EOFError, zlib.error, ValueError, yaml.YAMLError)  # no file, or damage in it
IMPOSSIBLE = (AssertionError, TypeError, AttributeError)  # from Lhotse's checks of what it read


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder of the audio; relative paths in the manifests start here."""
    train: tuple[Path, ...]
    """Cuts, or recordings and supervisions, to train on."""
    valid: Annotated[tuple[Path, ...], NONE] = ()
    """The same to validate on."""
    test: Annotated[tuple[Path, ...], NONE] = ()
    """The same to test on."""
    output: Path = Path("data/lhotse")
    """Folder for manifests and vocabulary."""


def prepare(options: Options) -> None:
    """Write the manifests. Raises: InputError."""
    require_folder(options.source, "the folder that holds the audio")
    chosen = {"train": options.train, "valid": options.valid, "test": options.test}
    splits = {
        split: [convert(cut, options) for cut in read_cuts(paths)] if paths else []
        for split, paths in chosen.items()
    }
    write_corpus(options.output, splits, options.source)


def read_cuts(paths: tuple[Path, ...]) -> Any:
    """A CutSet with one supervision a cut. Raises: InputError."""
    try:
        import lhotse
    except ImportError as error:
        raise InputError(
            "Lhotse is missing, expected it to read its manifests; pip install audio-rnn[lhotse]"
        ) from error
    manifests = [read_manifest(path) for path in paths]
    kinds = {type(manifest).__name__: manifest for manifest in manifests}
    if set(kinds) == {"CutSet"} and len(paths) == 1:
        return kinds["CutSet"].trim_to_supervisions(keep_overlapping=False)
    if set(kinds) != {"RecordingSet", "SupervisionSet"} or len(paths) != 2:
        raise InputError(
            f"{', '.join(map(str, paths))}: found {', '.join(kinds)}; "
            "expected one CutSet, or a RecordingSet and a SupervisionSet"
        )
    told = {supervision.recording_id for supervision in kinds["SupervisionSet"]}
    match(told, {recording.id for recording in kinds["RecordingSet"]}, paths[0])
    cuts = lhotse.CutSet.from_manifests(kinds["RecordingSet"], kinds["SupervisionSet"])
    return cuts.trim_to_supervisions(keep_overlapping=False)


def read_manifest(path: Path) -> Any:
    """A RecordingSet, SupervisionSet or CutSet that passes Lhotse's checks. Raises: InputError."""
    import lhotse

    try:
        manifest = lhotse.load_manifest(path)
    except UNREADABLE as error:
        raise InputError(
            f"{path}: cannot be read by Lhotse: {reason(error)}; expected a whole manifest (.jsonl, "
            ".jsonl.gz) of recordings, supervisions or cuts"
        ) from error
    try:
        lhotse.validate(manifest)
    except IMPOSSIBLE as error:
        raise InputError(
            f"{path}: refused by Lhotse's checks: {error}; repair the manifest"
        ) from error
    return manifest


def convert(cut: Any, options: Options) -> Utterance:
    """The utterance of a cut with one supervision. Raises: InputError."""
    path, supervision = _file(cut, options.source), cut.supervisions[0]
    whole = cut.start < TOLERANCE and cut.duration > cut.recording.duration - TOLERANCE
    if not (whole and cut.recording.num_channels == 1):
        path = write_piece(cut, path, options.output / "audio" / _file_name(supervision.id))
    where = inside(path, options.source, options.output)
    return Utterance(
        supervision.id,
        round(cut.duration, 4),
        audio=where,
        text=supervision.text,
        speaker=supervision.speaker,
    )


def write_piece(cut: Any, path: Path, target: Path) -> Path:
    """The part of the file, and the channel, that the cut covers, as FLAC. Raises: InputError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        rate = soundfile.info(path).samplerate
        first, last = round(cut.start * rate), round((cut.start + cut.duration) * rate)
        waveform, _ = soundfile.read(path, start=first, stop=last, always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise InputError(f"{path}: cannot be read as audio: {reason(error)}") from error
    soundfile.write(target, waveform[:, cut.recording.channel_ids.index(cut.channel)], rate)
    return target


def _file(cut: Any, source: Path) -> Path:
    """The one audio file behind a cut, as it was recorded."""
    if type(cut).__name__ != "MonoCut" or cut.recording is None:
        raise InputError(
            f"cut {cut.id!r}: found a {type(cut).__name__}, expected a MonoCut with a recording"
        )
    recording = cut.recording
    if recording.transforms:
        raise InputError(f"cut {cut.id!r}: found transforms, expected the recording as it is")
    kinds = [source.type for source in recording.sources]
    if kinds != ["file"]:
        raise InputError(f"recording {recording.id!r}: found sources {kinds}, expected one file")
    path = source / recording.sources[0].source
    if not path.is_file():
        raise InputError(f"recording {recording.id!r}: {path} is missing; check SOURCE")
    return path


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]", "_", name) + ".flac"


if __name__ == "__main__":
    run(prepare, Options, __doc__)
