"""Every format of an alignment, and an alignment of nothing."""

from __future__ import annotations

import json

import pytest

from audio_rnn.decoding.alignment.gaps import Gap
from audio_rnn.decoding.alignment.utterance import Utterance
from audio_rnn.decoding.hypothesis import Word
from audio_rnn.inference.aligner import Alignment
from audio_rnn.inference.alignment_writers import ALIGNMENT_WRITERS


def utterance(line: int, text: str, start: float) -> Utterance:
    """Half a second a word, a tenth a letter."""
    words, symbols = [], []
    for i, word in enumerate(text.split()):
        begin = start + 0.5 * i
        words.append(Word(word, begin, begin + 0.5, 0.9))
        symbols += [
            Word(c, begin + 0.1 * k, begin + 0.1 * k + 0.06, 0.8) for k, c in enumerate(word[:5])
        ]
    return Utterance(line, text, start, words[-1].end, 0.7, tuple(words), tuple(symbols))


TALK = Alignment(
    "talks/my talk.wav",
    12.0,
    (utterance(1, "Good morning, all.", 0.5), utterance(3, 'He said "no".', 2.0)),
    (Gap(5.0, 7.0, "something else"),),
)
EMPTY = Alignment("x.wav", 3.0, (), ())


def test_segments_are_kaldis_with_confidence_and_text():
    lines = ALIGNMENT_WRITERS["segments"](TALK).splitlines()
    assert lines[0] == "my_talk-00001 my_talk 0.500 2.000 0.7000 Good morning, all."
    assert lines[1].split(maxsplit=5)[:4] == ["my_talk-00003", "my_talk", "2.000", "3.500"]


def test_json_holds_everything():
    values = json.loads(ALIGNMENT_WRITERS["json"](TALK))
    assert list(values) == ["path", "duration", "utterances", "gaps"]
    assert values["utterances"][1]["line"] == 3
    assert values["utterances"][0]["words"][1]["text"] == "morning,"
    assert len(values["utterances"][0]["symbols"]) == 13
    assert values["gaps"] == [{"start": 5.0, "end": 7.0, "heard": "something else"}]


def test_words_in_ctm_and_tsv():
    rows = [row.split() for row in ALIGNMENT_WRITERS["ctm"](TALK).splitlines()]
    assert rows[1] == ["my_talk", "1", "1.000", "0.500", "morning,", "0.9000"]
    assert len(ALIGNMENT_WRITERS["tsv"](TALK).splitlines()) == 7


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_no_cue_mixes_utterances(name):
    text = ALIGNMENT_WRITERS[name](TALK)
    assert "Good morning, all.\n" in text
    assert 'He said "no".\n' in text
    assert text.count("-->") == 2


def test_textgrid_has_three_tiers_of_one_length():
    text = ALIGNMENT_WRITERS["TextGrid"](TALK)
    assert [text.count(f'name = "{n}"') for n in ("utterances", "words", "symbols")] == [1] * 3
    assert "size = 3\nitem []:\n    item [1]:" in text
    assert text.count("xmax = 12.000000") == 1 + 3 + 3  # file, tiers, last intervals
    assert 'text = "He said ""no""."' in text


@pytest.mark.parametrize("name", ALIGNMENT_WRITERS)
def test_an_alignment_of_nothing_can_be_written(name):
    text = ALIGNMENT_WRITERS[name](EMPTY)
    assert text == "" or text.endswith("\n")
