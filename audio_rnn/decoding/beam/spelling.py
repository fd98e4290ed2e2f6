"""How words are written in the vocabulary's symbols, letter by letter.

A letter is a character, or a whole symbol where symbols are words or phones, or spell words. Words are compared by
letters, because a word of pieces can be cut in several ways.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.pronunciations import PronouncedVocabulary
from audio_rnn.errors import DecodingError
from audio_rnn.vocabulary import BLANK, SPACE, Vocabulary

CONTINUES, OPENS, SPACES = 0, 1, 2  # what a symbol does to words: goes on, opens one, parts two
WORD_START = "▁"


class Spelling:
    """Letters of symbols and of words."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        texts = [[] if s == BLANK else self._text(s) for s in range(len(vocabulary))]
        alphabet = sorted({letter for text in texts for letter in text})
        self._letters = {letter: i for i, letter in enumerate(alphabet)}
        self.symbols = [[self._letters[letter] for letter in text] for text in texts]

    def __len__(self) -> int:
        """Number of letters."""
        return len(self._letters)

    def word(self, word: str) -> list[int]:
        """Letters of a word. Raises DecodingError."""
        try:
            return [self._letters[letter] for letter in self._split(word)]
        except KeyError as error:
            raise DecodingError(
                f"word {word!r}: {error.args[0]!r} is not among what the model writes, such as "
                f"{' '.join(list(self._letters)[:40])}; write the word as the training texts do"
            ) from None

    def ways(self, word: str) -> list[list[int]]:
        """Letters of a word, for each of its pronunciations. Raises DecodingError."""
        if not isinstance(self.vocabulary, PronouncedVocabulary):
            return [self.word(word)]
        return [[self.symbols[s][0] for s in way] for way in self.vocabulary.spellings(word)]

    def kinds(self) -> NDArray[np.int8]:
        """(symbols,) CONTINUES, OPENS or SPACES."""
        kinds = np.full(len(self.vocabulary), CONTINUES, np.int8)
        for s in range(1, len(kinds)):
            if self.vocabulary.starts_word(s):
                kinds[s] = SPACES if self.vocabulary.symbols[s] == SPACE else OPENS
        return kinds

    def flat(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Letters of all symbols in one array, and where each symbol's begin (symbols + 1,)."""
        first = np.cumsum([0, *map(len, self.symbols)]).astype(np.int32)
        return np.array([i for letters in self.symbols for i in letters], np.int32), first

    def _text(self, symbol: int) -> list[str]:
        text = self.vocabulary.symbols[symbol]
        return [] if text == SPACE else self._split(text.removeprefix(WORD_START))

    def _split(self, text: str) -> list[str]:
        return [text] if self.vocabulary.unit == "symbol" else list(text)
