"""Text and log-probabilities whose answer is known: times, missing text, speech without text."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.decoding.alignment.lines import spell
from audio_rnn.decoding.alignment.text import DOUBTFUL, align
from audio_rnn.errors import AlignmentError, DecodingError
from tests.decoding.alignment.spoken import LETTERS, STEP, flat, sentences, speak


def run(posteriors, texts):
    return align(posteriors, flat(posteriors), spell(texts, posteriors.vocabulary))


def symbol_steps(utterance) -> list[int]:
    return [round(symbol.start / STEP) for symbol in utterance.symbols]


def without_spaces(text: str, steps: list[int]) -> list[int]:
    return [step for letter, step in zip(text, steps) if letter != " "]


words = st.text(st.sampled_from("abcx'"), min_size=1, max_size=6).filter(
    lambda w: w.strip("'") == w
)
lines = st.lists(words, min_size=1, max_size=5).map(" ".join)


@settings(max_examples=40)
@given(
    st.lists(st.text(st.sampled_from("ab"), min_size=1, max_size=3), min_size=2, max_size=8),
    st.data(),
)
def test_short_lines_in_a_row_have_their_own_steps(texts, data):
    count = len(texts) + 1
    pauses = data.draw(st.lists(st.integers(1, 3), min_size=count, max_size=count))
    posteriors, steps = speak(texts, pauses)
    utterances, gaps = run(posteriors, texts)
    assert [symbol_steps(u) for u in utterances] == steps
    assert not gaps


def test_short_lines_beside_a_long_one_have_their_own_steps():
    texts = ["a aa aab a", "a", "a"]
    posteriors, steps = speak(texts, [1, 1, 1, 1])
    utterances, _ = run(posteriors, texts)
    assert [symbol_steps(u) for u in utterances] == [without_spaces(*p) for p in zip(texts, steps)]


@settings(max_examples=40)
@given(st.lists(lines, min_size=1, max_size=6), st.data())
def test_every_symbol_is_found_in_its_step(texts, data):
    count = len(texts) + 1
    pauses = data.draw(st.lists(st.integers(1, 60), min_size=count, max_size=count))
    posteriors, steps = speak(texts, pauses)
    utterances, gaps = run(posteriors, texts)
    for utterance, text, expected in zip(utterances, texts, steps, strict=True):
        assert symbol_steps(utterance) == without_spaces(text, expected)
        assert "".join(symbol.text for symbol in utterance.symbols) == text.replace(" ", "")
        assert [word.text for word in utterance.words] == text.split()
        assert utterance.end == utterance.words[-1].end == pytest.approx((expected[-1] + 1) * STEP)
        assert utterance.confidence > 0.5
    assert not gaps


def test_words_have_the_times_of_their_symbols_and_are_spelled_as_in_the_text():
    posteriors, [steps] = speak(["we'll ring two bells"], [5, 5])
    [utterance], _ = run(posteriors, ["“We’ll ring -- two bells!”"])
    assert [word.text for word in utterance.words] == ["“We’ll", "ring", "two", "bells!”"]
    ends = [steps[4], steps[9], steps[13], steps[19]]
    assert [word.end for word in utterance.words] == pytest.approx([(s + 1) * STEP for s in ends])
    assert utterance.words[0].start == pytest.approx(steps[0] * STEP)
    assert utterance.text == "“We’ll ring -- two bells!”"


def test_confidences_are_the_posteriors():
    posteriors, [steps] = speak(["abc def"], [4, 4])
    [utterance], _ = run(posteriors, ["abc def"])
    values = np.exp(posteriors.log_probs)
    expected = [values[s, LETTERS.ids[c]] for s, c in zip(steps, "abc def")]
    assert [s.confidence for s in utterance.symbols] == pytest.approx(expected[:3] + expected[4:])
    assert utterance.words[1].confidence == pytest.approx(np.mean(expected[4:]))
    path = posteriors.log_probs.max(axis=1)[steps[0] : steps[-1] + 1]
    assert utterance.confidence == pytest.approx(np.exp(path.mean()), rel=1e-4)


def test_forty_minutes_are_found_to_the_step_around_a_long_stretch_without_text():
    texts = sentences(900)
    pauses = [int(n) for n in np.random.default_rng(0).integers(0, 40, 901)]
    posteriors, steps = speak(texts, pauses)
    assert posteriors.duration > 2400
    utterances, gaps = run(posteriors, texts[:300] + texts[420:])
    expected = [without_spaces(t, s) for t, s in zip(texts, steps)]
    assert [*map(symbol_steps, utterances)] == expected[:300] + expected[420:]
    [gap] = gaps
    assert (gap.start, gap.end) == pytest.approx(
        (steps[300][0] * STEP, (steps[419][-1] + 1) * STEP), abs=0.01
    )
    assert gap.heard.startswith(texts[300])


def test_lines_around_one_that_is_not_spoken_do_not_overlap():
    texts = sentences(40)
    posteriors, _ = speak(texts, [6] * 41)
    lines = [line for pair in zip(texts, sentences(40, seed=9)) for line in pair]
    loudness = np.random.default_rng(0).normal(0, 9, len(flat(posteriors))).astype(np.float32)
    utterances, _ = align(posteriors, loudness, spell(lines, posteriors.vocabulary))
    right = [u for u in utterances if u.confidence >= DOUBTFUL]
    assert [u.text for u in right] == texts
    assert all(before.end <= after.start for before, after in pairwise(right))


def test_a_line_that_is_not_spoken_or_is_another_one_spoils_no_neighbour():
    texts = sentences(60)
    others = sentences(10, seed=9)
    posteriors, steps = speak(texts, [12] * 61)
    given_lines = [*texts]
    given_lines[5], given_lines[33], given_lines[59] = others[:3]  # instead
    given_lines[20:20] = others[3:5]  # as well
    utterances, _ = run(posteriors, given_lines)
    wrong = [i for i, u in enumerate(utterances) if u.confidence < DOUBTFUL]
    assert wrong == [5, 20, 21, 35, 61]
    right = [u for i, u in enumerate(utterances) if i not in wrong]
    kept = [i for i in range(60) if i not in (5, 33, 59)]
    assert [*map(symbol_steps, right)] == [without_spaces(texts[i], steps[i]) for i in kept]
    assert [u.line for u in utterances] == list(range(1, 63))


def test_another_text_is_doubtful_everywhere():
    posteriors, _ = speak(sentences(80), [10] * 81)
    utterances, _ = run(posteriors, sentences(70, seed=5))
    assert np.mean([u.confidence < DOUBTFUL for u in utterances]) > 0.9
    assert max(u.confidence for u in utterances) < 0.1


def test_speech_before_between_and_after_the_text_is_named():
    texts = [
        "nothing of this",
        "good morning to you",
        "and not that",
        "good night to all",
        "nor any of it",
    ]
    posteriors, steps = speak(texts, [10] * 6)
    _, gaps = run(posteriors, [texts[1], texts[3]])
    assert [gap.heard for gap in gaps] == [texts[0], texts[2], texts[4]]
    assert gaps[1].start == pytest.approx(steps[2][0] * STEP)
    assert gaps[1].end == pytest.approx((steps[2][-1] + 1) * STEP)


def test_a_text_of_repeated_lines_is_taken_in_order():
    posteriors, steps = speak(["no no no"] * 8, [9] * 9)
    utterances, gaps = run(posteriors, ["no no no"] * 8)
    assert [*map(symbol_steps, utterances)] == [without_spaces("no no no", s) for s in steps]
    assert not gaps


def test_a_text_that_the_recording_cannot_hold_is_refused():
    posteriors, _ = speak(["a bc"], [2, 2])
    message = r"text: found 2 lines that take 0\.\d+ s at the very least, expected no more than"
    with pytest.raises(AlignmentError, match=message):
        run(posteriors, ["a long line", "and one more"])


def test_a_line_without_room_is_not_found_and_keeps_its_place():
    texts = ["the first of the lines", "the last of the lines"]
    posteriors, steps = speak(texts, [0, 1, 200])
    between = "squeezed in where there is a step or two"
    utterances, _ = run(posteriors, [texts[0], between, texts[1]])
    assert utterances[1].confidence < DOUBTFUL
    assert [*map(symbol_steps, utterances[::2])] == [
        without_spaces(t, s) for t, s in zip(texts, steps)
    ]


def test_broken_log_probs_are_named():
    posteriors, _ = speak(["abc"], [5, 5])
    broken = posteriors.log_probs.copy()
    broken[7, 2] = np.nan
    with pytest.raises(DecodingError, match="found NaN at step 7"):
        run(replace(posteriors, log_probs=broken), ["abc"])
    with pytest.raises(DecodingError, match="found shape"):
        run(replace(posteriors, log_probs=broken[:, :5]), ["abc"])
