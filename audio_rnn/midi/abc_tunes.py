"""ABC tunes -> pieces. Chord symbols are played, as abc2midi plays them."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from audio_rnn.errors import MusicError
from audio_rnn.midi.midi_file import on_grid
from audio_rnn.midi.piece import Piece, Voice
from audio_rnn.midi.tidy import tidy

if TYPE_CHECKING:
    from symusic import Score

ERROR = re.compile(r"Error in line-char (\d+)-\d+ : (.*)")
SETTING = "%%MIDI chordattack 0"  # written behind the first line: chords are no arpeggios
FIELD = re.compile(r"[A-Za-z]:")
BAR_LINE = re.compile(r'"[^"]*"|\[[A-Za-z]:[^\]]*\]|(\|)')  # outside chord symbols and fields


@dataclass(frozen=True)
class Tune:
    """One tune of a file."""

    text: str
    line: int  # its first one, from 1
    title: str


def read_abc(path: Path) -> Piece:
    """The only tune of an ABC file, tidy. Raises: MusicError."""
    tunes = read_tunes(path)
    if len(tunes) != 1:
        raise MusicError(
            f"{path}: found {len(tunes)} tunes, expected one; split the file at its X: lines"
        )
    return parse_tunes({str(path): tunes[0]})[str(path)]


def read_tunes(path: Path) -> list[Tune]:
    """The tunes of an ABC file. Raises: MusicError."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise MusicError(f"{path}: cannot be read: {error.strerror}; check the name") from error
    starts = [i for i, line in enumerate(lines) if line.startswith("X:")]
    if not starts:
        raise MusicError(f"{path}: found no line X:, expected ABC, in which one begins each tune")
    return [_tune(lines, *span) for span in zip(starts, [*starts[1:], len(lines)])]


def _tune(lines: list[str], start: int, end: int) -> Tune:
    kept = lines[start:end]
    titles = [line[2:].strip() for line in kept if line.startswith("T:")]
    return Tune("\n".join(kept).rstrip() + "\n", start + 1, titles[0] if titles else "")


def parse_tunes(
    tunes: Mapping[str, Tune], failures: dict[str, MusicError] | None = None
) -> dict[str, Piece]:
    """Tidy pieces by name; a broken tune goes to `failures`, if there is such a mapping.

    Raises: MusicError for a broken tune.
    """
    pieces = {}
    whole, heads = (
        _convert([text(tune) for tune in tunes.values()]) for text in (_text, _pickup_text)
    )
    for (name, tune), (data, messages), (head, _) in zip(tunes.items(), whole, heads):
        try:
            _check(name, tune, data, messages)
            pieces[name] = _tidy(_score(data), _pickup(head), name)
        except MusicError as error:
            if failures is None:
                raise
            failures[name] = error
    return pieces


def _text(tune: Tune) -> str:
    first, rest = tune.text.split("\n", 1)
    return f"{first}\n{SETTING}\n{rest}"


def _pickup_text(tune: Tune) -> str:
    """The tune up to its first bar line."""
    lines = tune.text.splitlines()
    body = next((i for i, line in enumerate(lines) if line.startswith("K:")), len(lines)) + 1
    music = [line for line in lines[body:] if not FIELD.match(line) and not line.startswith("%")]
    for match in BAR_LINE.finditer("\n".join(music)):
        if match.group(1):
            start = "\n".join(music)[: match.start()]
            return "\n".join([*lines[:body], start, ""])
    return ""


def _score(data: bytes) -> Score:
    """abc2midi writes changes of meter twice, first too early into the track of chords."""
    from symusic import Score

    score = Score.from_midi(data)
    marks = sorted(score.time_signatures, key=lambda mark: mark.time)
    for mark, following in pairwise(marks):
        if (mark.numerator, mark.denominator) == (following.numerator, following.denominator):
            score.time_signatures.remove(mark)
    return score


def _pickup(head: bytes) -> int:
    """Steps of the notes before the first bar line."""
    return on_grid(_score(head)).end if head else 0


def _tidy(score: Score, pickup: int, name: str) -> Piece:
    try:
        return tidy(_align(on_grid(score), pickup))
    except MusicError as error:
        raise MusicError(f"{name}: {error}") from None


def _align(piece: Piece, pickup: int) -> Piece:
    """A tune whose first bar is not whole, with that bar's missing part as a rest before."""
    bar = piece.meters[0].bar
    rest = -pickup % bar
    later = {
        name: tuple(
            replace(m, start=m.start + rest if m.start else 0) for m in getattr(piece, name)
        )
        for name in ("meters", "tempos", "keys")
    }
    voices = tuple(
        Voice(tuple(replace(n, start=n.start + rest) for n in v.notes), v.program)
        for v in piece.voices
    )
    return replace(piece, voices=voices, **later)


def _check(name: str, tune: Tune, data: bytes, messages: str) -> None:
    for line, text in ERROR.findall(messages):
        place = tune.line + max(int(line) - 2, 0)
        raise MusicError(f"{name}:{place}: {text.strip()}; expected ABC, correct this line")
    if not data:
        raise MusicError(f"{name}:{tune.line}: found no tune, expected ABC with X:, M:, L: and K:")


def _convert(texts: list[str]) -> list[tuple[bytes, str]]:
    """MIDI and messages of each text."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for i, text in enumerate(texts):
            (folder / f"{i:06}.abc").write_text(text, encoding="utf-8")
        command = [sys.executable, "-P", str(Path(__file__).with_name("abc_child.py")), str(folder)]
        subprocess.run(command, check=False, capture_output=True)
        return [_result(folder / f"{i:06}") for i in range(len(texts))]


def _result(path: Path) -> tuple[bytes, str]:
    midi, messages = path.with_suffix(".mid"), path.with_suffix(".txt")
    return (
        midi.read_bytes() if midi.exists() else b"",
        messages.read_text(encoding="utf-8", errors="replace") if messages.exists() else "",
    )
