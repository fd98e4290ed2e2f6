"""Transcripts for Praat: one interval tier of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audio_rnn.decoding.hypothesis import Word
from audio_rnn.inference.transcript import Transcript

SHORTEST = 0.001  # seconds; Praat refuses intervals without a length

Interval = tuple[float, float, str]  # start, end, text


def textgrid(transcript: Transcript) -> str:
    """The words in one tier."""
    return textgrid_tiers({"words": transcript.words}, transcript.duration)


def textgrid_tiers(tiers: Mapping[str, Sequence[Word]], duration: float) -> str:
    """A TextGrid in Praat's long text format; silences are intervals without text.

    https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html
    """
    end = max(contiguous(words, duration)[-1][1] for words in tiers.values())
    lines = [
        'File type = "ooTextFile"\nObject class = "TextGrid"\n',
        f"xmin = 0\nxmax = {end:.6f}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:",
    ]
    for number, (name, words) in enumerate(tiers.items(), 1):
        lines += _tier(number, name, contiguous(words, end), end)
    return "\n".join(lines) + "\n"


def _tier(number: int, name: str, intervals: Sequence[Interval], end: float) -> list[str]:
    return [
        f'    item [{number}]:\n        class = "IntervalTier"\n        name = "{name}"',
        f"        xmin = 0\n        xmax = {end:.6f}\n        intervals: size = {len(intervals)}",
        *(_interval(number, *interval) for number, interval in enumerate(intervals, 1)),
    ]


def contiguous(words: Sequence[Word], duration: float) -> list[Interval]:
    """Words and the silences between them: each interval begins where the last one ended."""
    intervals: list[Interval] = []
    done = 0.0
    for word in words:
        start = word.start if word.start - done >= SHORTEST else done
        if start > done:
            intervals.append((done, start, ""))
        done = max(word.end, start + SHORTEST)
        intervals.append((start, done, word.text))
    if duration - done >= SHORTEST or not intervals:
        intervals.append((done, max(duration, SHORTEST), ""))
    return intervals


def _interval(number: int, start: float, end: float, text: str) -> str:
    quoted = text.replace('"', '""')
    return (
        f"        intervals [{number}]:\n            xmin = {start:.6f}\n"
        f'            xmax = {end:.6f}\n            text = "{quoted}"'
    )
