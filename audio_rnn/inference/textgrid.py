"""Transcripts for Praat: one interval tier of words."""

from __future__ import annotations

from collections.abc import Sequence

from audio_rnn.decoding.hypothesis import Word
from audio_rnn.inference.transcript import Transcript

SHORTEST = 0.001  # seconds; Praat refuses intervals without a length

Interval = tuple[float, float, str]  # start, end, text


def textgrid(transcript: Transcript) -> str:
    """A TextGrid in Praat's long text format; silences are intervals without text.

    https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html
    """
    intervals = contiguous(transcript.words, transcript.duration)
    end = intervals[-1][1]
    lines = [
        'File type = "ooTextFile"\nObject class = "TextGrid"\n',
        f"xmin = 0\nxmax = {end:.6f}\ntiers? <exists>\nsize = 1\nitem []:\n    item [1]:",
        '        class = "IntervalTier"\n        name = "words"',
        f"        xmin = 0\n        xmax = {end:.6f}\n        intervals: size = {len(intervals)}",
        *(_interval(number, *interval) for number, interval in enumerate(intervals, 1)),
    ]
    return "\n".join(lines) + "\n"


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
