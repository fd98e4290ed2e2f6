"""Every format against a strict reader of it."""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_rnn.decoding.hypothesis import Word
from audio_rnn.inference.subtitles import LINE_CHARACTERS, LONGEST_SECONDS, PAUSE_SECONDS, cues
from audio_rnn.inference.transcript import Transcript
from audio_rnn.inference.writers import WRITERS

STAMP = re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d)[,.](\d{3})")


def transcript(*words: Word, duration: float = 10.0, path: str = "talks/my talk.wav") -> Transcript:
    return Transcript(path, " ".join(w.text for w in words), words, duration, 0.5)


TALK = transcript(
    Word("good", 0.12, 0.40, 0.9), Word("morning", 0.40, 0.9, 0.8), Word('"all"', 3.0, 3.3, 0.75)
)


@st.composite
def transcripts(draw) -> Transcript:
    """Words in order, as a decoder gives them: on a grid of steps, none without a length."""
    letters = st.text(st.sampled_from("abcäß\"<>&-'"), min_size=1, max_size=60)
    parts = draw(st.lists(st.tuples(letters, st.integers(0, 400), st.integers(1, 60)), max_size=40))
    words, done = [], 0
    for text, gap, length in parts:
        start = done + gap
        done = start + length
        words.append(Word(text, start * 0.03, done * 0.03, draw(st.floats(0, 1))))
    extra = draw(st.floats(-0.02, 30))  # a last step may reach beyond the file
    return transcript(*words, duration=max(0.001, done * 0.03 + extra))


def test_txt():
    assert WRITERS["txt"](TALK) == 'good morning "all"\n'
    assert WRITERS["txt"](transcript()) == "\n"


@given(transcripts())
def test_json_is_one_line_that_gives_the_transcript_back(given_transcript):
    text = WRITERS["json"](given_transcript)
    assert text.count("\n") == 1
    fields = json.loads(text)
    words = tuple(Word(**word) for word in fields["words"])
    assert Transcript(**{**fields, "words": words}) == given_transcript
    assert list(fields) == ["path", "text", "words", "duration", "confidence"]


def test_tsv():
    header, *rows = WRITERS["tsv"](TALK).splitlines()
    assert header.split("\t") == ["start", "end", "confidence", "word"]
    assert [row.split("\t") for row in rows] == [
        ["0.120", "0.400", "0.9000", "good"],
        ["0.400", "0.900", "0.8000", "morning"],
        ["3.000", "3.300", "0.7500", '"all"'],
    ]


def test_ctm():
    rows = [row.split(" ") for row in WRITERS["ctm"](TALK).splitlines()]
    assert rows[0] == ["my_talk", "1", "0.120", "0.280", "good", "0.9000"]
    assert [len(row) for row in rows] == [6, 6, 6]


@given(transcripts())
def test_srt_holds_every_word_in_numbered_cues_that_do_not_overlap(given_transcript):
    text = WRITERS["srt"](given_transcript)
    blocks = text.split("\n\n")
    assert blocks.pop() == ""
    spoken, previous = [], 0
    for number, block in enumerate(blocks, 1):
        first, times, *lines = block.split("\n")
        assert int(first) == number
        start, end = parse_times(times)
        assert previous <= start < end
        previous = end
        spoken += " ".join(lines).split()
    assert spoken == [word.text for word in given_transcript.words]


@given(transcripts())
def test_vtt_holds_every_word_escaped(given_transcript):
    head, *blocks = WRITERS["vtt"](given_transcript).removesuffix("\n").split("\n\n")
    assert head == "WEBVTT"
    spoken, previous = [], 0
    for block in blocks:
        times, *lines = block.split("\n")
        start, end = parse_times(times)
        assert previous <= start < end
        previous = end
        text = " ".join(lines)
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", text)
        spoken += re.sub("&gt;", ">", re.sub("&lt;", "<", text)).replace("&amp;", "&").split()
    assert spoken == [word.text for word in given_transcript.words]


def parse_times(line: str) -> tuple[int, int]:
    """Milliseconds of `00:00:01,000 --> 00:00:02,000`."""
    match = re.fullmatch(f"{STAMP.pattern} --> {STAMP.pattern}", line)
    assert match, line
    hours, minutes, seconds, milliseconds = (list(map(int, match.groups()[i::4])) for i in range(4))
    starts = [
        ((h * 60 + m) * 60 + s) * 1000 + ms
        for h, m, s, ms in zip(hours, minutes, seconds, milliseconds)
    ]
    return starts[0], starts[1]


def test_times_of_a_long_recording():
    late = transcript(Word("late", 36_000.0, 36_000.9996, 1.0), duration=40_000)
    assert "10:00:00,000 --> 10:00:01,000" in WRITERS["srt"](late)
    assert "10:00:00.000 --> 10:00:01.000" in WRITERS["vtt"](late)


@given(transcripts())
def test_cues_respect_lines_seconds_and_pauses(given_transcript):
    made = cues(given_transcript.words)
    for cue in made:
        words = " ".join(cue.lines).split()
        assert len(cue.lines) <= 2 or len(words) == 1
        assert cue.end - cue.start <= LONGEST_SECONDS or len(words) == 1
        for line in cue.lines:
            assert len(line) <= LINE_CHARACTERS or " " not in line
    for before, after in pairwise(given_transcript.words):
        if after.start - before.end >= PAUSE_SECONDS:
            assert any(math.isclose(cue.start, after.start) for cue in made)


def test_cues_are_filled_before_they_are_split():
    words = [Word("word", i * 0.3, i * 0.3 + 0.25, 1.0) for i in range(16)]
    [cue] = cues(words)
    assert [len(line) for line in cue.lines] == [39, 39]
    assert len(cues([*words, Word("word", 4.8, 5.0, 1.0)])) == 2


@given(transcripts())
def test_textgrid_is_contiguous_and_holds_every_word(given_transcript):
    end, intervals = parse_textgrid(WRITERS["TextGrid"](given_transcript))
    assert intervals[0][0] == 0
    assert intervals[-1][1] == end
    assert end >= given_transcript.duration - 0.001
    assert all(start < stop for start, stop, _ in intervals)
    assert all(one[1] == other[0] for one, other in pairwise(intervals))
    assert [text for *_, text in intervals if text] == [w.text for w in given_transcript.words]
    spoken = [interval for interval in intervals if interval[2]]
    for (start, stop, _), word in zip(spoken, given_transcript.words):
        assert (start, stop) == pytest.approx((word.start, word.end), abs=0.0011)


@pytest.mark.parametrize("words", [(), (Word("x", 1.0, 1.0, 1.0), Word("y", 1.0, 1.0, 1.0))])
def test_textgrid_has_no_interval_without_a_length(words):
    _, intervals = parse_textgrid(WRITERS["TextGrid"](transcript(*words)))
    assert all(start < stop for start, stop, _ in intervals)
    assert [text for *_, text in intervals if text] == [word.text for word in words]


def parse_textgrid(text: str) -> tuple[float, list[tuple[float, float, str]]]:
    """As Praat reads: in order, the numbers, <flags> and quoted strings that stand free."""
    tokens = re.findall(r'(?<=[ =])(?:-?\d+(?:\.\d+)?(?=\n)|<exists>|"(?:[^"]|"")*"(?=\n))', text)
    assert tokens[:2] == ['"ooTextFile"', '"TextGrid"']
    start, end, exists, tiers, kind, name, tier_start, tier_end, size, *rest = tokens[2:]
    assert (float(start), exists, tiers, kind) == (0, "<exists>", "1", '"IntervalTier"')
    assert (name, tier_start, tier_end) == ('"words"', start, end)
    assert len(rest) == 3 * int(size)
    return float(end), [
        (float(a), float(b), label[1:-1].replace('""', '"'))
        for a, b, label in zip(rest[::3], rest[1::3], rest[2::3])
    ]
