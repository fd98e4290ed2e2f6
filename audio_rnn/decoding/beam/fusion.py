"""Language model, lexicon and hotwords in the form that beam search reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.hotwords import make_hotwords
from audio_rnn.decoding.beam.neural import NeuralFusion, SymbolModel
from audio_rnn.decoding.beam.pronunciations import (
    PronouncedVocabulary,
    Pronunciations,
    pronounced,
)
from audio_rnn.decoding.beam.rescoring import TextModel, check_spells
from audio_rnn.decoding.beam.spelling import WORD_START, Spelling
from audio_rnn.decoding.beam.tables import Fusion
from audio_rnn.decoding.beam.trie import NONE, make_trie
from audio_rnn.decoding.ngram.model import NgramModel, no_tables
from audio_rnn.errors import DecodingError, LanguageModelError
from audio_rnn.vocabulary import SPACE, Vocabulary

SPECIAL = ("<s>", "</s>", "<unk>")
LARGEST = 500.0  # nats that a symbol may earn: what a floating-point number holds, with room
FEWEST_SPELLED = 0.5  # share of an LM's words that the model can write; less is another language


@dataclass(frozen=True)
class Knowledge:
    """What decoding may know beside the sound."""

    lm: NgramModel | None = None  # of words, or of the model's symbols with ▁ for the space
    lexicon: Sequence[str] | Pronunciations | None = None  # the only words that may be written
    hotwords: Mapping[str, float] = field(default_factory=dict)  # phrase -> boost, nats a letter
    neural: SymbolModel | None = None  # a language model of the symbols, beside `lm` or without
    rescorer: TextModel | None = None  # a language model that judges whole texts after the search


@dataclass(frozen=True)
class Weights:
    """How much knowledge counts against the sound; `evaluate --tune` finds them."""

    lm_weight: float = 0.5  # of the n-gram model's log-probabilities
    word_bonus: float = 1.0  # nats a word, against the liking of language models for few
    unknown_cost: float = 8.0  # nats, for a word the n-gram model does not know
    neural_weight: float = 0.5  # of the neural language model's
    rescorer_weight: float = 0.5  # of the rescorer's

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not np.isfinite(value):
                raise DecodingError(f"{name}: found {value}, expected a finite number")
        for name in ("lm_weight", "unknown_cost", "neural_weight"):
            if getattr(self, name) < 0:
                raise DecodingError(f"{name}: found {getattr(self, name)}, expected 0 or more")


def make_fusion(vocabulary: Vocabulary, knowledge: Knowledge, weights: Weights) -> Fusion:
    """Tables for the search.

    Raises: DecodingError for a hotword or word of the lexicon that cannot be spelled;
        LanguageModelError for a model of other words or symbols.
    """
    spelling = Spelling(vocabulary)
    lm = knowledge.lm
    by_symbol = lm is not None and is_symbol_lm(lm, vocabulary)
    word_lm = None if by_symbol else lm
    words = _known_words(spelling, knowledge, word_lm)
    spelled = [(word, way) for word, ways in words.items() for way in ways]
    ids, costs = _lm_words([word for word, _ in spelled], knowledge, word_lm, weights)
    letters, first_letter = spelling.flat()
    unknown = word_lm.unknown if word_lm else 0
    hotwords = make_hotwords(knowledge.hotwords, spelling)
    models = (knowledge.lm, knowledge.neural, knowledge.rescorer)
    bonus = float(weights.word_bonus) if any(model is not None for model in models) else 0.0
    scores = _best_scores(ids, costs, word_lm, weights) + bonus
    trie = make_trie([way for _, way in spelled], scores)
    outside = _unigram(word_lm, unknown, weights) - (weights.unknown_cost if word_lm else 0.0)
    outside += bonus
    worst = min(outside, float(trie.lookahead.min(where=trie.lookahead > -np.inf, initial=0.0)))
    start = hotwords.highest + max(0.0, bonus)
    most = start - worst + bonus
    if most > LARGEST:
        raise DecodingError(
            f"hotwords and weights: found {most:.0f} nats that a symbol can earn at once, expected "
            f"{LARGEST:.0f} at most; lower the boosts, or the weights and costs of language models"
        )
    return Fusion(
        kind=spelling.kinds(),
        sounds=_sounds(vocabulary),
        letters=letters,
        first_letter=first_letter,
        trie=trie,
        closed=knowledge.lexicon is not None,
        outside=outside,
        texts=np.repeat(np.arange(len(words), dtype=np.int32), [len(w) for w in words.values()]),
        word_ids=ids,
        word_costs=costs,
        symbol_ids=_symbol_ids(lm, vocabulary) if lm and by_symbol else np.zeros(0, np.int32),
        space=vocabulary.ids.get(SPACE, NONE),
        ngram=lm.tables if lm else no_tables(),
        has_words=word_lm is not None,
        unknown=unknown,
        lm_weight=float(weights.lm_weight),
        word_bonus=bonus,
        unknown_cost=float(weights.unknown_cost),
        hotwords=hotwords,
        highest=math.exp(hotwords.highest),
        highest_start=math.exp(start),
        highest_end=math.exp(most),
    )


def writing(model: Vocabulary, lexicon: Sequence[str] | Pronunciations | None) -> Vocabulary:
    """What the search writes: the model's symbols, or variants of them that spell a lexicon's words.

    Raises: DecodingError for a pronunciation of other symbols, or a lexicon without words.
    """
    if not isinstance(lexicon, Mapping):
        return model
    _check_some(lexicon)
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
            _lm_spellings(Spelling(vocabulary), knowledge.rescorer.words)
    return knowledge.rescorer


def is_symbol_lm(lm: NgramModel, vocabulary: Vocabulary) -> bool:
    """Whether the model's words are symbols of the vocabulary, ▁ standing for the space."""
    marked = any(word.startswith(WORD_START) for word in lm.words)
    return marked and vocabulary.unit != "symbol"


def _known_words(
    spelling: Spelling, knowledge: Knowledge, lm: NgramModel | None
) -> dict[str, list[list[int]]]:
    """The words of the trie with their spellings: of the lexicon, else of the LM; and hotwords."""
    known: dict[str, list[list[int]]] = {}
    if knowledge.lexicon is not None:
        _check_some(knowledge.lexicon)
        known = {word: _spelled(word, spelling, "lexicon") for word in knowledge.lexicon}
    elif lm is not None:
        known = _lm_spellings(spelling, lm.words)
    if known:
        hot = {word for phrase in knowledge.hotwords for word in phrase.split()}
        known |= {word: _spelled(word, spelling, "hotwords") for word in sorted(hot)}
    return known


def _check_some(lexicon: Sequence[str] | Pronunciations) -> None:
    if not lexicon:
        raise DecodingError("lexicon: found no word, expected one at least")


def _spelled(word: str, spelling: Spelling, where: str) -> list[list[int]]:
    try:
        ways = spelling.ways(word)
    except DecodingError as error:
        raise DecodingError(f"{where}: {error}") from None
    if not all(ways):
        raise DecodingError(f"{where}: found an empty word, expected letters; take it out")
    return ways


def _sounds(vocabulary: Vocabulary) -> NDArray[np.int32]:
    """(symbols + 1,) what CTC takes for one symbol; the last place is that of no symbol."""
    alike = vocabulary.sounds if isinstance(vocabulary, PronouncedVocabulary) else None
    return np.array([*(alike or range(len(vocabulary))), NONE], np.int32)


def _lm_spellings(spelling: Spelling, words: Sequence[str]) -> dict[str, list[list[int]]]:
    """Words of the LM that the model can write; the others cannot occur."""
    words = [word for word in words if word not in SPECIAL]
    known = {}
    failure = "no word"
    for word in words:
        try:
            known[word] = spelling.ways(word)
        except DecodingError as error:
            failure = str(error)
    if len(known) < FEWEST_SPELLED * len(words) or not known:
        raise LanguageModelError(
            f"language model: found {len(known)} of {len(words)} words that the model can write, "
            f"expected most; train it on texts of the model's own alphabet ({failure})"
        )
    return known


def _lm_words(
    words: list[str], knowledge: Knowledge, lm: NgramModel | None, weights: Weights
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """LM ids of the trie's words, and what each costs for being unknown; a hotword nothing."""
    if lm is None:
        return np.zeros(len(words), np.int32), np.zeros(len(words), np.float32)
    hot = {word for phrase in knowledge.hotwords for word in phrase.split()}
    if not any(word in lm.ids for word in words):
        raise LanguageModelError(
            f"language model: found none of the {len(words)} words that may be written, such as "
            f"{words[0]!r}, among its {len(lm.words)}; train it on texts of these words"
        )
    ids = np.array([lm.ids.get(word, lm.unknown) for word in words], np.int32)
    free = np.array([word in hot for word in words], bool)
    costs = np.where((ids == lm.unknown) & ~free, weights.unknown_cost, 0.0)
    return ids, costs.astype(np.float32)


def _best_scores(
    ids: NDArray[np.int32], costs: NDArray[np.float32], lm: NgramModel | None, weights: Weights
) -> NDArray[np.float32]:
    """What each word is worth without its context: what is looked ahead to while it is spelled."""
    if lm is None:
        return np.zeros(len(ids), np.float32)
    return (weights.lm_weight * lm.unigrams[ids] - costs).astype(np.float32)


def _unigram(lm: NgramModel | None, word: int, weights: Weights) -> float:
    return weights.lm_weight * float(lm.unigrams[word]) if lm else 0.0


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
