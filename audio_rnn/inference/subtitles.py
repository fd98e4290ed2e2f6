"""Transcripts as subtitles: SubRip (srt) and WebVTT (vtt)."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audio_rnn.decoding.hypothesis import Word
from audio_rnn.inference.transcript import Transcript

LINE_CHARACTERS = 42
LINES = 2
LONGEST_SECONDS = 7.0
PAUSE_SECONDS = 0.8  # a silence after which a new cue begins


@dataclass(frozen=True)
class Cue:
    """Lines shown from `start` to `end` seconds."""

    start: float
    end: float
    lines: tuple[str, ...]


def srt(transcript: Transcript) -> str:
    """SubRip."""
    return srt_cues(cues(transcript.words))


def vtt(transcript: Transcript) -> str:
    """WebVTT."""
    return vtt_cues(cues(transcript.words))


def srt_cues(cues: Iterable[Cue]) -> str:
    """SubRip: numbered cues, comma before the milliseconds."""
    return "".join(
        f"{number}\n{_time(cue.start, ',')} --> {_time(cue.end, ',')}\n{_text(cue)}\n\n"
        for number, cue in enumerate(cues, 1)
    )


def vtt_cues(cues: Iterable[Cue]) -> str:
    """WebVTT, https://www.w3.org/TR/webvtt1/ ; &, < and > are escaped as it asks."""
    blocks = (
        f"\n{_time(cue.start, '.')} --> {_time(cue.end, '.')}\n{html.escape(_text(cue), False)}\n"
        for cue in cues
    )
    return "WEBVTT\n" + "".join(blocks)


def cues(words: Sequence[Word]) -> list[Cue]:
    """Words grouped into cues: split at pauses, and where lines or seconds run out."""
    groups: list[list[Word]] = []
    for word in words:
        if not groups or not _belongs(word, groups[-1]):
            groups.append([])
        groups[-1].append(word)
    return [Cue(group[0].start, group[-1].end, _wrap(group)) for group in groups]


def _belongs(word: Word, group: list[Word]) -> bool:
    return (
        word.start - group[-1].end < PAUSE_SECONDS
        and word.end - group[0].start <= LONGEST_SECONDS
        and len(_wrap([*group, word])) <= LINES
    )


def _wrap(words: Iterable[Word]) -> tuple[str, ...]:
    text = " ".join(word.text for word in words)
    lines = textwrap.wrap(text, LINE_CHARACTERS, break_long_words=False, break_on_hyphens=False)
    return tuple(lines)


def _text(cue: Cue) -> str:
    return "\n".join(cue.lines)


def _time(seconds: float, mark: str) -> str:
    """12.3456 -> 00:00:12,346."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{mark}{rest % 1000:03}"
