"""What audio is read from, and by which names."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from audio_rnn.errors import AudioError

Source = str | Path | BinaryIO

EXTENSIONS = (
    ".wav",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".mp3",
    ".aiff",
    ".aif",
    ".au",
    ".w64",
    ".caf",
    ".sph",
)
# Sound and film to be converted first: what libsndfile does not read, or not in every such file.
OTHER_EXTENSIONS = (
    ".3gp", ".aac", ".ac3", ".aifc", ".amr", ".ape", ".asf", ".avi", ".dts", ".flv", ".m4a",
    ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp2", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv",
    ".ra", ".rm", ".snd", ".spx", ".voc", ".weba", ".webm", ".wma", ".wmv", ".wv",
)  # fmt: skip


def source_name(source: Source) -> str:
    """What messages and transcripts call this file or stream; bytes that are no UTF-8 become ?."""
    name = str(source if isinstance(source, str | Path) else getattr(source, "name", "stream"))
    return name.encode(errors="replace").decode()


def open_bytes(path: str | Path) -> BinaryIO:
    """A file to read. Raises AudioError."""
    try:
        return Path(path).open("rb")
    except IsADirectoryError as error:
        raise AudioError(f"{path}: found a directory, expected an audio file") from error
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        remedy = "check the name" if missing else "check its permissions"
        raise AudioError(f"{path}: cannot be read: {error.strerror}; {remedy}") from error
