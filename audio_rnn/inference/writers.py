"""Transcripts as text: `WRITERS[format](transcript)` is the content of one file."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import PurePath
from typing import Literal

from audio_rnn.inference.subtitles import srt, vtt
from audio_rnn.inference.textgrid import textgrid
from audio_rnn.inference.transcript import Transcript

Format = Literal["txt", "json", "srt", "vtt", "tsv", "ctm", "TextGrid"]


def txt(transcript: Transcript) -> str:
    """The text on one line."""
    return transcript.text + "\n"


def json(transcript: Transcript) -> str:
    """All fields on one line, so that several joined are JSON lines."""
    return jsonlib.dumps(asdict(transcript), ensure_ascii=False) + "\n"


def tsv(transcript: Transcript) -> str:
    """A header, then one word a line; seconds."""
    rows = (f"{w.start:.3f}\t{w.end:.3f}\t{w.confidence:.4f}\t{w.text}\n" for w in transcript.words)
    return "start\tend\tconfidence\tword\n" + "".join(rows)


def ctm(transcript: Transcript) -> str:
    """NIST's time-marked words: recording, channel, start, duration, word, confidence."""
    recording = "_".join(PurePath(transcript.path).stem.split()) or "recording"
    return "".join(
        f"{recording} 1 {w.start:.3f} {w.end - w.start:.3f} {w.text} {w.confidence:.4f}\n"
        for w in transcript.words
    )


WRITERS: dict[Format, Callable[[Transcript], str]] = {
    "txt": txt,
    "json": json,
    "srt": srt,
    "vtt": vtt,
    "tsv": tsv,
    "ctm": ctm,
    "TextGrid": textgrid,
}
