"""Words spelled by phones: exact scores against all paths and all ways to read them as words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.decoding.beam.config import BeamConfig
from audio_rnn.decoding.beam.decoder import BeamDecoder
from audio_rnn.decoding.beam.knowledge import Knowledge, Weights
from audio_rnn.decoding.decoder import decode
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.errors import DecodingError, LanguageModelError
from audio_rnn.vocabulary import BLANK, BLANK_SYMBOL, Vocabulary
from tests.decoding.beam.test_beam import (
    EVERYTHING,
    LETTERS,
    PHONES,
    STEP,
    WEIGHTS,
    assert_same,
    found,
    random_log_probs,
    segments,
    sharp_log_probs,
)
from tests.decoding.beam.test_neural import log_prob, make_model

Lexicon = Mapping[str, Sequence[Sequence[str]]]
Score = Callable[[tuple[str, ...]], float]
LEXICON = {
    "cub": [["K", "AH", "B"], ["K", "B"]],
    "a": [["AH"]],
    "uh": [["AH"]],  # sounds like "a"
    "bub": [["B", "AH", "B"]],
    "be": [["B"]],
}
TEXTS = ["a cub", "be a bub", "cub cub", "uh be", "a a be"]


@pytest.fixture(scope="module")
def words_lm() -> NgramModel:
    return train(TEXTS, order=2)


def readings(phones: tuple[str, ...], lexicon: Lexicon) -> Iterator[tuple[str, ...]]:
    """All ways to read phones as words."""
    if not phones:
        yield ()
    for word, ways in lexicon.items():
        for way in ways:
            if phones[: len(way)] == tuple(way):
                yield from ((word, *rest) for rest in readings(phones[len(way) :], lexicon))


def all_readings(
    log_probs: np.ndarray,
    score: Score,
    score_phones: Callable[[tuple[int, ...]], float],
    lexicon: Lexicon = LEXICON,
) -> dict[tuple[str, ...], float]:
    """Words -> log-probability of all paths and readings that write them, plus their score."""
    found: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for path in product(range(log_probs.shape[1]), repeat=len(log_probs)):
        ids = tuple(symbol for symbol, _ in groupby(path) if symbol != BLANK)
        sound = float(log_probs[np.arange(len(path)), path].sum()) + score_phones(ids)
        for words in readings(tuple(PHONES.symbols[s] for s in ids), lexicon):
            found[words].append(sound)
    return {words: float(np.logaddexp.reduce(p)) + score(words) for words, p in found.items()}


@pytest.mark.parametrize("seed", range(3))
def test_scores_are_exact(words_lm, seed):
    def score(words: tuple[str, ...]) -> float:
        return 0.7 * sum(words_lm.score(words)) + 0.9 * len(words)

    log_probs = random_log_probs(seed)
    decoder = BeamDecoder(PHONES, STEP, Knowledge(words_lm, LEXICON), WEIGHTS, EVERYTHING)
    assert_same(found(decoder, log_probs), all_readings(log_probs, score, lambda ids: 0.0))


def test_scores_with_everything_are_exact(words_lm):
    phones, judge = make_model(PHONES), make_model(Vocabulary.from_texts(TEXTS))
    weights = Weights(0.7, 0.9, neural_weight=0.6, rescorer_weight=0.3)

    lexicon = {**LEXICON, "cub": [["K", "B"]]}  # with two, it would not have one boost

    def score(words: tuple[str, ...]) -> float:
        judged = float(judge.score_texts([" ".join(words)], True)[0])
        told = 0.7 * sum(words_lm.score(words)) + 0.9 * len(words) + 0.3 * judged
        return told + 2 * 1.5 * words.count("cub")

    knowledge = Knowledge(words_lm, lexicon, {"cub": 1.5}, phones, judge)
    log_probs = random_log_probs(4, steps=5)
    decoder = BeamDecoder(PHONES, STEP, knowledge, weights, EVERYTHING)
    truth = all_readings(log_probs, score, lambda ids: 0.6 * log_prob(phones, ids), lexicon)
    assert_same(found(decoder, log_probs), truth)


def test_every_pronunciation_of_a_hotword_is_favoured():
    for path in ([3, 1, 2], [3, 2]):
        log_probs = sharp_log_probs([*path, 0], best=0.7)
        plain = BeamDecoder(PHONES, STEP, Knowledge(lexicon=LEXICON), WEIGHTS, EVERYTHING)
        hot = Knowledge(lexicon=LEXICON, hotwords={"cub": 1.0})
        raised = BeamDecoder(PHONES, STEP, hot, WEIGHTS, EVERYTHING)
        gain = found(raised, log_probs)[("cub",)] - found(plain, log_probs)[("cub",)]
        assert 2.0 < gain < 3.0 or gain == pytest.approx(2.0) or gain == pytest.approx(3.0)


def test_phones_that_meet_at_words_need_a_blank_between_them():
    apart, joined = sharp_log_probs([2, 0, 2], best=0.99), sharp_log_probs([2, 2, 2], best=0.99)
    decoder = BeamDecoder(PHONES, STEP, Knowledge(lexicon=LEXICON))
    assert decode(decoder, apart).text == "be be"
    assert decode(decoder, joined).text == "be"


def test_words_that_sound_alike_are_told_apart_by_the_language_model():
    lm = train(["uh be", "cub a", "uh cub"], order=2)
    decoder = BeamDecoder(PHONES, STEP, Knowledge(lm, LEXICON), Weights(2.0, 0.0))
    assert decode(decoder, sharp_log_probs([1, 2, 0])).text == "uh be"
    assert decode(decoder, sharp_log_probs([3, 1, 2, 1, 0])).text == "cub a"


def test_words_have_times():
    decoder = BeamDecoder(PHONES, STEP, Knowledge(lexicon=LEXICON))
    words = decode(decoder, sharp_log_probs([0, 3, 1, 2, 0, 0, 2, 0])).words
    assert [(w.text, round(w.start / STEP), round(w.end / STEP)) for w in words] == [
        ("cub", 1, 4),
        ("be", 6, 7),
    ]


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(0, 300), max_size=5))
def test_pieces_give_the_segments_of_the_whole(words_lm, seed, cuts):
    log_probs = random_log_probs(seed, steps=300, sharp=3.0)
    log_probs[100:140] = sharp_log_probs([0] * 40, best=0.999)
    knowledge = Knowledge(words_lm, LEXICON, {"bub": 1.0})
    decoder = BeamDecoder(PHONES, STEP, knowledge, WEIGHTS, BeamConfig(8))
    whole = segments(decoder, [log_probs])
    assert len(whole) > 1
    assert segments(decoder, np.split(log_probs, sorted(cuts))) == whole
    assert {word.text for segment in whole for word in segment.words} <= set(LEXICON)


def test_other_spellings_for_a_model_of_letters():
    lexicon = {"abba": [["A", "B", "B", "A"]], "bee": [["B"]]}
    decoder = BeamDecoder(LETTERS, STEP, Knowledge(lexicon=lexicon))
    said = sharp_log_probs([2, 3, 0, 3, 2, 1, 3, 0, 1, 0, 3, 0], best=0.97)
    assert decode(decoder, said).text == "abba bee bee"


@pytest.mark.parametrize(
    ("lexicon", "message"),
    [
        ({}, "lexicon: found no word"),
        ({"cab": [["K", "AE", "B"]]}, "word 'cab': found symbol 'AE', expected those .* AH B K"),
        ({"cab": [[]]}, r"word 'cab': found \[\], expected symbols"),
    ],
)
def test_bad_lexicons_are_refused(lexicon, message):
    with pytest.raises(DecodingError, match=message):
        BeamDecoder(PHONES, STEP, Knowledge(lexicon=lexicon))


def test_a_hotword_without_pronunciation_is_refused():
    with pytest.raises(DecodingError, match="'cab': found no pronunciation; add it to the lexicon"):
        BeamDecoder(PHONES, STEP, Knowledge(lexicon=LEXICON, hotwords={"cab": 1.0}))


def test_a_rescorer_that_cannot_spell_the_words_is_refused():
    judge = make_model(Vocabulary((BLANK_SYMBOL, " ", "x")))
    with pytest.raises(LanguageModelError, match="rescorer: symbol 'c' in 'cub' is not among"):
        BeamDecoder(PHONES, STEP, Knowledge(lexicon=LEXICON, rescorer=judge))
