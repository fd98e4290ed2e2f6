"""Alignments as text: `ALIGNMENT_WRITERS[format](alignment)` is the content of one file."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import PurePath
from typing import Literal

from audio_rnn.decoding.hypothesis import Hypothesis, Word
from audio_rnn.inference import writers
from audio_rnn.inference.aligner import Alignment
from audio_rnn.inference.subtitles import cues, srt_cues, vtt_cues
from audio_rnn.inference.textgrid import textgrid_tiers
from audio_rnn.inference.transcript import Transcript

AlignmentFormat = Literal["segments", "json", "ctm", "tsv", "srt", "vtt", "TextGrid"]


def segments(alignment: Alignment) -> str:
    """A line for each utterance: its name, the recording, start, end, confidence, text.

    The first four fields are those of Kaldi's file of this name.
    """
    recording = "_".join(PurePath(alignment.path).stem.split()) or "recording"
    return "".join(
        f"{recording}-{u.line:05} {recording} {u.start:.3f} {u.end:.3f} {u.confidence:.4f} {u.text}\n"
        for u in alignment.utterances
    )


def json(alignment: Alignment) -> str:
    """All fields on one line."""
    return jsonlib.dumps(asdict(alignment), ensure_ascii=False) + "\n"


def transcript(alignment: Alignment) -> Transcript:
    """Its words, as if they had been heard."""
    words = [word for utterance in alignment.utterances for word in utterance.words]
    best = Hypothesis.of(words)
    return Transcript(alignment.path, best.text, tuple(words), alignment.duration, best.confidence)


def srt(alignment: Alignment) -> str:
    """SubRip: no cue holds words of two utterances."""
    return srt_cues(cue for u in alignment.utterances for cue in cues(u.words))


def vtt(alignment: Alignment) -> str:
    """WebVTT: no cue holds words of two utterances."""
    return vtt_cues(cue for u in alignment.utterances for cue in cues(u.words))


def textgrid(alignment: Alignment) -> str:
    """Praat's TextGrid with a tier of utterances, one of words and one of symbols."""
    tiers = {
        "utterances": [
            Word(u.text, u.start, u.end, u.confidence) for u in alignment.utterances if u.words
        ],
        "words": [word for u in alignment.utterances for word in u.words],
        "symbols": [symbol for u in alignment.utterances for symbol in u.symbols],
    }
    return textgrid_tiers(tiers, alignment.duration)


ALIGNMENT_WRITERS: dict[AlignmentFormat, Callable[[Alignment], str]] = {
    "segments": segments,
    "json": json,
    "ctm": lambda alignment: writers.ctm(transcript(alignment)),
    "tsv": lambda alignment: writers.tsv(transcript(alignment)),
    "srt": srt,
    "vtt": vtt,
    "TextGrid": textgrid,
}
