"""Language model, lexicon and hotwords in the form that beam search reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.hotwords import make_hotwords
from audio_rnn.decoding.beam.knowledge import Knowledge, Weights
from audio_rnn.decoding.beam.neural import NeuralFusion
from audio_rnn.decoding.beam.pronunciations import (
    PronouncedVocabulary,
    Pronunciations,
    pronounced,
)
from audio_rnn.decoding.beam.rescoring import TextModel, check_spells
from audio_rnn.decoding.beam.spelling import WORD_START, Spelling
from audio_rnn.decoding.beam.tables import Fusion
from audio_rnn.decoding.beam.trie import NONE
from audio_rnn.decoding.beam.word_list import (
    FEWEST_SPELLED,
    check_some,
    lm_spellings,
    make_word_list,
)
from audio_rnn.decoding.ngram.model import NgramModel, no_tables
from audio_rnn.errors import DecodingError, LanguageModelError
from audio_rnn.vocabulary import SPACE, Vocabulary

LARGEST = 500.0  # nats that a symbol may earn: what a floating-point number holds, with room


def make_fusion(vocabulary: Vocabulary, knowledge: Knowledge, weights: Weights) -> Fusion:
    """Tables for the search.

    Raises: DecodingError for a hotword that cannot be spelled, LexiconError for such a word;
        LanguageModelError for a model of other words or symbols.
    """
    spelling = Spelling(vocabulary)
    lm = knowledge.lm
    by_symbol = lm is not None and is_symbol_lm(lm, vocabulary)
    word_lm = None if by_symbol else lm
    bonus = float(weights.word_bonus) if knowledge.has_model else 0.0
    hotwords = make_hotwords(knowledge.hotwords, spelling)
    words = make_word_list(spelling, knowledge, word_lm, weights, bonus)
    letters, first_letter = spelling.flat()
    return Fusion(
        kind=spelling.kinds(),
        sounds=_sounds(vocabulary),
        letters=letters,
        first_letter=first_letter,
        trie=words.trie,
        closed=knowledge.lexicon is not None,
        outside=words.outside,
        texts=words.texts,
        word_ids=words.ids,
        word_costs=words.costs,
        symbol_ids=_symbol_ids(lm, vocabulary) if lm and by_symbol else np.zeros(0, np.int32),
        space=vocabulary.ids.get(SPACE, NONE),
        ngram=lm.tables if lm else no_tables(),
        has_words=word_lm is not None,
        unknown=word_lm.unknown if word_lm else 0,
        lm_weight=float(weights.lm_weight),
        word_bonus=bonus,
        unknown_cost=float(weights.unknown_cost),
        letter_cost=float(weights.letter_cost) if word_lm else 0.0,
        hotwords=hotwords,
        **_highest_factors(hotwords.highest, bonus, words.worst),
    )


def _highest_factors(boost: float, bonus: float, worst: float) -> dict[str, float]:
    """What a symbol inside, at the start and at the end of a word may multiply a chance by, with
    the highest boost of a hotword and the worth of the least likely word. Raises DecodingError."""
    start = boost + max(0.0, bonus)
    end = start - worst + bonus
    if end > LARGEST:
        raise DecodingError(
            f"hotwords and weights: found {end:.0f} nats that a symbol can earn at once, expected "
            f"{LARGEST:.0f} at most; lower the boosts, or the weights and costs of language models"
        )
    return {
        "highest": math.exp(boost),
        "highest_start": math.exp(start),
        "highest_end": math.exp(end),
    }


def writing(model: Vocabulary, lexicon: Sequence[str] | Pronunciations | None) -> Vocabulary:
    """What the search writes: the model's symbols, or variants of them that spell a lexicon's words.

    Raises: LexiconError for a pronunciation of other symbols, or a lexicon without words.
    """
    if not isinstance(lexicon, Mapping):
        return model
    check_some(lexicon)
    return pronounced(model, lexicon)


def make_neural(
    vocabulary: Vocabulary, knowledge: Knowledge, weights: Weights
) -> NeuralFusion | None:
    """The neural language model as the search asks it. Raises LanguageModelError."""
    if knowledge.neural is None:
        return None
    return NeuralFusion(knowledge.neural, vocabulary, weights.neural_weight)


def checked_rescorer(vocabulary: Vocabulary, knowledge: Knowledge) -> TextModel | None:
    """The model that judges texts. Raises LanguageModelError for one of other words or symbols."""
    if knowledge.rescorer is not None:
        check_spells(knowledge.rescorer, vocabulary)
        if knowledge.rescorer.words and not isinstance(vocabulary, PronouncedVocabulary):
            lm_spellings(Spelling(vocabulary), knowledge.rescorer.words)
    return knowledge.rescorer


def is_symbol_lm(lm: NgramModel, vocabulary: Vocabulary) -> bool:
    """Whether the model's words are symbols of the vocabulary, ▁ standing for the space."""
    marked = any(word.startswith(WORD_START) for word in lm.words)
    return marked and vocabulary.unit != "symbol"


def _sounds(vocabulary: Vocabulary) -> NDArray[np.int32]:
    """(symbols + 1,) what CTC takes for one symbol; the last place is that of no symbol."""
    alike = vocabulary.sounds if isinstance(vocabulary, PronouncedVocabulary) else None
    return np.array([*(alike or range(len(vocabulary))), NONE], np.int32)


def _symbol_ids(lm: NgramModel, vocabulary: Vocabulary) -> NDArray[np.int32]:
    """LM ids of the vocabulary's symbols. Raises LanguageModelError."""
    names = [symbol.replace(SPACE, WORD_START) for symbol in vocabulary.symbols]
    known = [name in lm.ids for name in names[1:]]
    if sum(known) < FEWEST_SPELLED * len(known):
        raise LanguageModelError(
            f"language model: found {sum(known)} of the {len(known)} symbols of the vocabulary in "
            "it, expected most; train it on texts spelled in this model's symbols"
        )
    return np.array([lm.ids.get(name, lm.unknown) for name in names], np.int32)
