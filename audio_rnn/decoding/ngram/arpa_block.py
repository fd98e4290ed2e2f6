"""Lines of an ARPA file to arrays in compiled code, for the plain ones that nearly all are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.ngram.arpa_lines import Ngrams, to_natural

NONE = -1
SPACE, NEWLINE, POINT, MINUS, ZERO = (ord(c) for c in " \n.-0")
DIGITS = 15  # as many as a float64 holds exactly
POWERS = 10.0 ** np.arange(DIGITS + 1)


class Lexicon(NamedTuple):
    """Words by their bytes."""

    letters: NDArray[np.uint8]  # of all words
    first: NDArray[np.int64]  # (words + 1,) where each word's begin
    slots: NDArray[np.int32]  # hash table of word ids, NONE in a free one


def make_lexicon(words: Iterable[bytes]) -> Lexicon:
    """Tables of words, whose ids are their places."""
    known = list(words)
    first = np.cumsum([0, *map(len, known)])
    slots = np.full(2 * len(known) + 1, NONE, np.int32)
    lexicon = Lexicon(_bytes(known), first, slots)
    _enter(lexicon)
    return lexicon


def parse_block(lines: Sequence[bytes], order: int, lexicon: Lexicon, last: bool) -> Ngrams | None:
    """What `arpa_lines.parse` makes of the lines; None if any is broken or out of the ordinary."""
    words = np.empty((len(lines), order), np.int32)
    log_probs, backoffs = np.empty(len(lines)), np.zeros(len(lines))
    if not _parse(_bytes(lines), lexicon, words, log_probs, backoffs):
        return None
    if (log_probs > 0).any() or (last and backoffs.any()):
        return None
    return Ngrams(words, to_natural(log_probs), to_natural(backoffs))


def _bytes(parts: Sequence[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(bytearray(b"".join(parts)), np.uint8)


@numba.njit(cache=True, nogil=True)
def _parse(
    text: NDArray[np.uint8],
    lexicon: Lexicon,
    words: NDArray[np.int32],
    log_probs: NDArray[np.float64],
    backoffs: NDArray[np.float64],
) -> bool:
    """Fill the arrays; whether every line is plain."""
    at = 0
    for i in range(len(words)):
        log_probs[i], at = _number(text, _skip(text, at))
        for j in range(words.shape[1]):
            start = _skip(text, at)
            at = start
            while at < len(text) and not _is_space(text[at]):
                at += 1
            words[i, j] = lexicon.slots[_slot(lexicon, text[start:at])]
            if words[i, j] == NONE:
                return False
        at = _skip(text, at)
        if at < len(text) and text[at] != NEWLINE:
            backoffs[i], at = _number(text, at)
            at = _skip(text, at)
        if np.isnan(log_probs[i] + backoffs[i]) or (at < len(text) and text[at] != NEWLINE):
            return False
        at += 1
    return True


@numba.njit(cache=True, nogil=True)
def _number(text: NDArray[np.uint8], at: int) -> tuple[float, int]:
    """A number without exponent that ends before white space, and its end; NaN for any other."""
    negative = at < len(text) and text[at] == MINUS
    at += negative
    value, digits, decimals, point = np.int64(0), 0, 0, False
    while at < len(text) and not _is_space(text[at]):
        if text[at] == POINT and not point:
            point = True
        elif ZERO <= text[at] < ZERO + 10 and digits < DIGITS:
            value = 10 * value + np.int64(text[at] - ZERO)
            digits += 1
            decimals += point
        else:
            return np.nan, at
        at += 1
    magnitude = value / POWERS[decimals] if digits else np.nan
    return (-magnitude if negative else magnitude), at


@numba.njit(cache=True, nogil=True)
def _skip(text: NDArray[np.uint8], at: int) -> int:
    """The next place that is not white space, or is the end of the line."""
    while at < len(text) and text[at] != NEWLINE and _is_space(text[at]):
        at += 1
    return at


@numba.njit(cache=True, nogil=True)
def _is_space(letter: int) -> bool:
    return letter == SPACE or 9 <= letter <= 13


@numba.njit(cache=True, nogil=True)
def _enter(lexicon: Lexicon) -> None:
    for word in range(len(lexicon.first) - 1):
        letters = lexicon.letters[lexicon.first[word] : lexicon.first[word + 1]]
        lexicon.slots[_slot(lexicon, letters)] = word


@numba.njit(cache=True, nogil=True)
def _slot(lexicon: Lexicon, letters: NDArray[np.uint8]) -> int:
    """The slot of a word, or the free one where it would be."""
    mixed = np.uint64(0xCBF29CE484222325)  # FNV-1a
    for letter in letters:
        mixed = (mixed ^ np.uint64(letter)) * np.uint64(0x100000001B3)
    size = np.uint64(len(lexicon.slots))
    slot = int(np.int64(mixed % size))
    while lexicon.slots[slot] != NONE and not _is_word(lexicon, lexicon.slots[slot], letters):
        slot = slot + 1 if slot + 1 < len(lexicon.slots) else 0
    return slot


@numba.njit(cache=True, nogil=True)
def _is_word(lexicon: Lexicon, word: int, letters: NDArray[np.uint8]) -> bool:
    first = lexicon.first[word]
    if lexicon.first[word + 1] - first != len(letters):
        return False
    same = 0
    while same < len(letters) and lexicon.letters[first + same] == letters[same]:
        same += 1
    return same == len(letters)
