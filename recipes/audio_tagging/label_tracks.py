"""Label tracks that lie beside recordings, as Audacity exports them -> what is heard when.

A line is onset, offset in seconds, and label, with tabs between them:
https://manual.audacityteam.org/man/importing_and_exporting_labels.html
"""

from __future__ import annotations

from pathlib import Path

from audio_rnn.config import ConfigError
from audio_rnn.errors import InputError, reason
from audio_rnn.events import Event
from recipes.audio_tagging.annotations import clean

SUFFIXES = (".txt", ".labels.txt")  # the second is that of audio-rnn detect --format audacity
FREQUENCIES = "\\"  # begins the line that tells those of the label above


def labels_beside(recording: Path) -> Path | None:
    """The label track of a recording, if it has one. Raises: InputError for two."""
    found = [p for p in (recording.with_suffix(suffix) for suffix in SUFFIXES) if p.is_file()]
    if len(found) > 1:
        raise InputError(
            f"{recording}: found {found[0].name} and {found[1].name} beside it, expected one label "
            "track; remove the other"
        )
    return found[0] if found else None


def tells_times(track: Path) -> bool:
    """Whether a text beside a recording begins like a label track, and not like a text of its own."""
    try:
        with track.open(encoding="utf-8-sig") as lines:
            _fields(next((line for line in lines if line.strip()), ""), str(track))
    except (OSError, UnicodeDecodeError, InputError):
        return False
    return True


def read_labels(track: Path) -> dict[str, Event]:
    """ "FILE:LINE" -> event; an empty track says that nothing is heard.

    Raises: InputError naming file and line.
    """
    try:
        lines = track.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{track}: cannot be read: {reason(error)}; expected labels as Audacity exports them"
        ) from error
    return {
        where: _event(line, where)
        for where, line in ((f"{track}:{number}", line) for number, line in enumerate(lines, 1))
        if line.strip() and not line.startswith(FREQUENCIES)
    }


def _event(line: str, where: str) -> Event:
    onset, offset, label = _fields(line, where)
    if onset == offset:
        raise InputError(
            f"{where}: found the label {label!r} at one point, {onset:g} s, expected a stretch; "
            "drag its end to where the sound ends"
        )
    if not label:
        raise InputError(f"{where}: found a label without text, expected what is heard; type it in")
    try:
        return Event(onset, offset, label)
    except ConfigError as error:
        raise InputError(f"{where}: {error}") from None


def _fields(line: str, where: str) -> tuple[float, float, str]:
    fields = [*line.split("\t", 2), ""]
    try:
        onset, offset = (float(field.replace(",", ".")) for field in fields[:2])
    except ValueError:
        raise InputError(
            f"{where}: found {line[:60]!r}, expected onset, offset and label with tabs between "
            "them, as Audacity exports labels"
        ) from None
    return onset, offset, clean(fields[2])
