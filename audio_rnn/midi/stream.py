"""A MIDI file that is written while its notes come, whole after every bar."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from audio_rnn.midi.midi_file import TICKS
from audio_rnn.midi.piece import QUARTER, Key, Meter, Note, Tempo

HEADER = b"MThd" + bytes((0, 0, 0, 6, 0, 0, 0, 1)) + TICKS.to_bytes(2, "big") + b"MTrk"
END = b"\x00\xff\x2f\x00"
CHANNELS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15)  # 9 is for drums


class MidiStream:
    """One track, a channel a voice (the 16th shares one); memory holds only notes that sound."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._file.write(HEADER + bytes(4))
        self._tick = 0  # of the last event
        self._size = 0  # bytes of the track without its end
        self._events: list[tuple[int, int, int, bytes]] = []  # a heap, in order of time
        self._count = 0

    def program(self, voice: int, program: int) -> None:
        """The instrument of a voice, from 0."""
        self._push(0, 0, bytes((0xC0 | _channel(voice), program)))

    def change(self, mark: Meter | Tempo | Key) -> None:
        """A meter, tempo or key."""
        self._push(mark.start, 1, _meta(mark))

    def notes(self, voice: int, notes: Sequence[Note]) -> None:
        """Notes of a voice."""
        channel = _channel(voice)
        for note in notes:
            self._push(note.start, 2, bytes((0x90 | channel, note.pitch, note.velocity)))
            self._push(note.end, 0, bytes((0x80 | channel, note.pitch, 0)))

    def write(self, before: int | None) -> None:
        """Write what happens before a step (None: all); the file is then a whole one."""
        while self._events and (before is None or self._events[0][0] < before):
            step, _, _, message = heapq.heappop(self._events)
            tick = step * (TICKS // QUARTER)
            data = _number(tick - self._tick) + message
            self._file.write(data)
            self._tick, self._size = tick, self._size + len(data)
        self._file.write(END)
        self._file.seek(len(HEADER))
        self._file.write((self._size + len(END)).to_bytes(4, "big"))
        self._file.seek(len(HEADER) + 4 + self._size)
        self._file.flush()

    def close(self) -> None:
        """Write the rest."""
        self.write(None)
        self._file.close()

    def _push(self, step: int, order: int, message: bytes) -> None:
        self._count += 1  # what comes first of two at a time stays first
        heapq.heappush(self._events, (step, order, self._count, message))


def _channel(voice: int) -> int:
    return CHANNELS[voice % len(CHANNELS)]


def _meta(mark: Meter | Tempo | Key) -> bytes:
    if isinstance(mark, Meter):
        return bytes((0xFF, 0x58, 4, mark.beats, mark.unit.bit_length() - 1, 24, 8))
    if isinstance(mark, Key):
        return bytes((0xFF, 0x59, 2, mark.fifths & 0xFF, mark.minor))
    return b"\xff\x51\x03" + round(60_000_000 / mark.bpm).to_bytes(3, "big")


def _number(value: int) -> bytes:
    """In seven bits a byte, the last without the eighth."""
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(value & 0x7F | 0x80)
    return bytes(reversed(parts))
