"""The words that beam search may write: spelled in a trie, with what each is worth and costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.knowledge import Knowledge, Weights
from audio_rnn.decoding.beam.pronunciations import Pronunciations
from audio_rnn.decoding.beam.spelling import Spelling
from audio_rnn.decoding.beam.trie import Trie, make_trie
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.errors import DecodingError, LanguageModelError, LexiconError

SPECIAL = ("<s>", "</s>", "<unk>")
FEWEST_SPELLED = 0.5  # share of an LM's words that the model can write; less is another language


@dataclass(frozen=True, eq=False)
class WordList:
    """One entry for each way to spell a word."""

    trie: Trie
    texts: NDArray[np.int32]  # (entries,) number of the word
    ids: NDArray[np.int32]  # (entries,) of the language model
    costs: NDArray[np.float32]  # (entries,) nats for being unknown to it
    outside: float  # what a word that is not among them is worth, without its context

    @property
    def worst(self) -> float:
        """What the least likely word is worth."""
        ahead = self.trie.lookahead
        return min(self.outside, float(ahead.min(where=ahead > -np.inf, initial=0.0)))


def make_word_list(
    spelling: Spelling,
    knowledge: Knowledge,
    lm: NgramModel | None,
    weights: Weights,
    bonus: float,
) -> WordList:
    """Words of the lexicon, else of `lm`, and hotwords; `bonus` is what each of them earns.

    Raises: DecodingError for a hotword that cannot be spelled, LexiconError for such a word; LanguageModelError for a model of
        other words.
    """
    words = known_words(spelling, knowledge, lm)
    spelled = [(word, way) for word, ways in words.items() for way in ways]
    ids, costs = _lm_words([word for word, _ in spelled], knowledge, lm, weights)
    trie = make_trie([way for _, way in spelled], _worth(ids, costs, lm, weights) + bonus)
    texts = np.repeat(np.arange(len(words), dtype=np.int32), [len(w) for w in words.values()])
    unknown = weights.lm_weight * float(lm.unigrams[lm.unknown]) - weights.unknown_cost if lm else 0
    return WordList(trie, texts, ids, costs, unknown + bonus)


def known_words(
    spelling: Spelling, knowledge: Knowledge, lm: NgramModel | None
) -> dict[str, list[list[int]]]:
    """The words of the trie with their spellings: of the lexicon, else of the LM; and hotwords."""
    known: dict[str, list[list[int]]] = {}
    if knowledge.lexicon is not None:
        check_some(knowledge.lexicon)
        known = {word: _spelled(word, spelling) for word in knowledge.lexicon}
    elif lm is not None:
        known = lm_spellings(spelling, lm.words)
    if known:
        hot = {word for phrase in knowledge.hotwords for word in phrase.split()}
        known |= {word: spelling.ways(word) for word in sorted(hot)}
    return known


def check_some(lexicon: Sequence[str] | Pronunciations) -> None:
    if not lexicon:
        raise LexiconError("lexicon: found no word, expected one at least")


def _spelled(word: str, spelling: Spelling) -> list[list[int]]:
    try:
        ways = spelling.ways(word)
    except DecodingError as error:
        raise LexiconError(f"lexicon: {error}") from None
    if not all(ways):
        raise LexiconError("lexicon: found an empty word, expected letters; take it out")
    return ways


def lm_spellings(spelling: Spelling, words: Sequence[str]) -> dict[str, list[list[int]]]:
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


def _worth(
    ids: NDArray[np.int32], costs: NDArray[np.float32], lm: NgramModel | None, weights: Weights
) -> NDArray[np.float32]:
    """What each word is worth without its context: what is looked ahead to while it is spelled."""
    if lm is None:
        return np.zeros(len(ids), np.float32)
    return (weights.lm_weight * lm.unigrams[ids] - costs).astype(np.float32)
