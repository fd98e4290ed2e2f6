"""Symbols of many recordings -> their texts."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.pronunciations import PronouncedVocabulary
from audio_rnn.vocabulary import BLANK, SPACE, Vocabulary

END = BLANK  # what ends a recording among symbols, where no blanks are
LINE = "\n"  # no symbol has it
CODE = f"utf-32-{sys.byteorder[0]}e"

Writer = Callable[[NDArray[np.int32]], list[str]]


def make_writer(vocabulary: Vocabulary) -> Writer:
    """A function from symbols to texts: END is after each recording, and the number of all symbols
    after each of its segments."""
    between = chr(len(vocabulary))

    def by_segment(letters: str) -> str:
        parts = letters.split(between)
        return SPACE.join(vocabulary.decode([ord(letter) for letter in part]) for part in parts)

    def write(symbols: NDArray[np.int32]) -> list[str]:
        letters = symbols.tobytes().decode(CODE, "surrogatepass")  # each symbol as a letter
        if isinstance(vocabulary, PronouncedVocabulary):
            texts = [by_segment(part) for part in letters.split(chr(END))]
        else:
            texts = letters.translate(added).split(LINE)
        return [SPACE.join(text.split()) for text in texts[:-1]]

    added = {symbol: _added(symbol, vocabulary) for symbol in range(len(vocabulary))}
    added |= {END: LINE, len(vocabulary): SPACE}
    return write


def _added(symbol: int, vocabulary: Vocabulary) -> str:
    """What a symbol adds to a text, the space before a word included."""
    return SPACE * vocabulary.starts_word(symbol) + vocabulary.decode([symbol]).strip()
