"""JSON-lines manifests: one utterance, clip or piece a line.

    {"id": "f-07", "audio": "wav/f-07.flac", "duration": 2.31, "text": "GO", "speaker": "fash"}
    {"id": "yard", "audio": "yard.wav", "duration": 10.0, "tags": ["dog", "rain"], "fold": 2}
    {"id": "street", "audio": "street.wav", "duration": 10.0,
     "events": [{"onset": 1.25, "offset": 2.5, "label": "dog"}]}

`audio` (or `features`: a .npy of shape (frames, coefficients), or a Sphinx .mfc) is relative to
the manifest's folder and cannot leave it; a recipe links the corpus into that folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from audio_rnn.config import from_dict
from audio_rnn.errors import ConfigError, ManifestError, reason
from audio_rnn.events import Event, labels_of

LONGEST = 1e7  # seconds, 115 days: more is a mistake
BEYOND = 0.1  # seconds by which an event may outlast its clip: annotations are rounded


@dataclass(frozen=True)
class Utterance:
    """One line of a manifest. Exactly one of `audio` and `features` is given."""

    id: str
    duration: float  # seconds
    audio: str | None = None
    features: str | None = None
    text: str | None = None
    tags: tuple[str, ...] | None = None  # what is heard in it
    events: tuple[Event, ...] | None = None  # what is heard when; all of it
    speaker: str | None = None
    split: str | None = None
    fold: int | None = None  # of a cross-validation, from 1
    recording: str | None = None  # what the clip was cut from

    def __post_init__(self) -> None:
        if (self.audio is None) == (self.features is None):
            raise ConfigError("found both or neither of 'audio' and 'features', expected one")
        if not 0 < self.duration < LONGEST:
            raise ConfigError(
                f"duration: found {self.duration}, expected seconds above 0, below {LONGEST:.0e}"
            )
        for event in self.events or ():
            if event.offset > self.duration + BEYOND:
                raise ConfigError(
                    f"events: found {event.label!r} until {event.offset} s, expected an end within "
                    f"the clip's {self.duration} s"
                )
        path = PurePosixPath(self.source)
        if path.is_absolute() or ".." in path.parts:
            raise ConfigError(
                f"path {self.source!r} leaves the manifest's folder; expected one inside it"
            )

    @property
    def labels(self) -> tuple[str, ...] | None:
        """What is heard in it, by its tags or else its events; None when nothing is said of it."""
        if self.tags is None and self.events is not None:
            return labels_of(self.events)
        return self.tags

    @property
    def source(self) -> str:
        """The path that is given, relative to the manifest."""
        return self.audio or self.features or ""


def read_manifest(path: Path) -> list[Utterance]:
    """All lines of a manifest, each checked, every file present.

    Raises: ManifestError naming file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(
            f"{path}: cannot be read: {reason(error)}; run the recipe's prepare script first"
        ) from error
    utterances = {
        n: parse_line(line, f"{path}:{n}") for n, line in enumerate(lines, 1) if line.strip()
    }
    if not utterances:
        raise ManifestError(f"{path}: found no line, expected at least one utterance")
    _check_files(utterances, path)
    return list(utterances.values())


def write_manifest(path: Path, utterances: Iterable[Utterance]) -> None:
    """Write a manifest; fields without a value are left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps({k: v for k, v in asdict(u).items() if v is not None}, ensure_ascii=False)
        for u in utterances
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def parse_line(line: str, where: str) -> Utterance:
    """One line; messages begin with `where`. Raises: ManifestError."""
    try:
        return from_dict(Utterance, json.loads(line), where)
    except ValueError as error:
        raise ManifestError(
            f"{where}: not JSON: {error}; expected a line of a manifest, which prepare scripts write"
        ) from error
    except ConfigError as error:
        raise ManifestError(str(error)) from error


def _check_files(utterances: dict[int, Utterance], path: Path) -> None:
    """Check utterances, by line number, for ids that stand twice and files that are missing."""
    seen: dict[str, int] = {}
    for n, utterance in utterances.items():
        if utterance.id in seen:
            raise ManifestError(
                f"{path}:{n}: id {utterance.id!r} already stands in line {seen[utterance.id]}"
            )
        seen[utterance.id] = n
        source, folder = utterance.source, path.parent
        if not _is_file(folder / source):
            raise ManifestError(
                f"{path}:{n}: file {source!r} is missing below {folder}{_links(folder, source)}"
            )


def _links(folder: Path, source: str) -> str:
    """Where the links on the way to a missing file point."""
    parts = PurePosixPath(source).parts
    places = [folder.joinpath(*parts[:n]) for n in range(1, len(parts) + 1)]
    try:
        told = "".join(
            f"; {link} points to {link.readlink()}" for link in filter(Path.is_symlink, places)
        )
    except OSError:  # a name too long
        return ""
    return f"{told}: if the recordings have moved, run the prepare script again" if told else ""


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long, or a folder that may not be entered
        return False
