"""What readers of MIDI pass over in silence: cut tracks, other types of file, notes without end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from audio_rnn.errors import MusicError

DATA_BYTES = {0x8: 2, 0x9: 2, 0xA: 2, 0xB: 2, 0xC: 1, 0xD: 1, 0xE: 2}  # of channel messages
META, SYSEX = 0xFF, (0xF0, 0xF7)


def check_midi(data: bytes, name: str) -> None:
    """Raises: MusicError for bytes that are no whole MIDI file of type 0 or 1 on a beat's grid."""
    if len(data) < 14 or data[:4] != b"MThd":
        found = "an empty file" if not data else "no MIDI header"
        raise MusicError(f"{name}: found {found}, expected a MIDI file; export it again")
    kind, tracks, division = (int.from_bytes(data[i : i + 2], "big") for i in (8, 10, 12))
    if kind not in (0, 1):
        raise MusicError(
            f"{name}: found a MIDI file of type {kind}, whose tracks are songs of their own, "
            "expected type 0 or 1; save each track as a file"
        )
    if division & 0x8000 or division == 0:
        raise MusicError(
            f"{name}: found times in film frames, expected ticks of a quarter note; export it with "
            "musical time"
        )
    whole = sum(_check_track(data, start, end, n, name) for n, start, end in _chunks(data, name))
    if whole < tracks:
        raise MusicError(
            f"{name}: truncated: found {whole} tracks, expected {tracks} by its header; copy it again"
        )


def _chunks(data: bytes, name: str) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of each track."""
    place, number = 8 + int.from_bytes(data[4:8], "big"), 0
    while place + 8 <= len(data):
        kind, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "big")
        place += 8
        if kind == b"MTrk":
            number += 1
            if place + size > len(data):
                raise MusicError(
                    f"{name}: truncated: found {len(data) - place} bytes of track {number}, expected "
                    f"{size}; copy it again"
                )
            yield number, place, place + size
        place += size


@dataclass
class _Events:
    """A walk through the bytes of a track."""

    data: bytes
    place: int
    end: int

    def byte(self) -> int:
        if self.place >= self.end:
            raise IndexError
        self.place += 1
        return self.data[self.place - 1]

    def number(self) -> int:
        value = 0
        while True:
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value

    def messages(self) -> Iterator[tuple[int, int, int]]:
        """Status, first and second byte of the messages of channels."""
        status = 0
        while self.place < self.end:
            self.number()
            byte = self.byte()
            if byte == META or byte in SYSEX:
                if byte == META:
                    self.byte()
                size = self.number()
                self.place += size
                continue
            if byte >= 0x80:
                status, byte = byte, self.byte()
            second = self.byte() if DATA_BYTES[status >> 4] == 2 else 0
            if byte >= 0x80 or second >= 0x80:
                raise IndexError
            yield status, byte, second


def _check_track(data: bytes, start: int, end: int, number: int, name: str) -> int:
    """1, for counting. Raises: MusicError."""
    sounding: Counter[tuple[int, int]] = Counter()
    events = _Events(data, start, end)
    try:
        for status, pitch, velocity in events.messages():
            key = status & 0xF, pitch
            if status >> 4 == 0x9 and velocity:
                sounding[key] += 1
            elif status >> 4 in (0x8, 0x9) and sounding[key]:
                sounding[key] -= 1
    except (IndexError, KeyError):
        raise MusicError(
            f"{name}: damaged: found bytes that are no event in track {number} at byte "
            f"{events.place}, expected events; copy or export it again"
        ) from None
    hanging = [key for key, count in sounding.items() if count]
    if hanging:
        raise MusicError(
            f"{name}: found {len(hanging)} hanging notes in track {number}, the first of pitch "
            f"{hanging[0][1]}, expected an end for each; repair it in a MIDI editor"
        )
    return 1
