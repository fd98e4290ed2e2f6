"""Phrases that decoding shall favour, as an automaton over the vocabulary's symbols.

Every letter that continues a phrase earns its boost at once, so that the phrase survives pruning,
and loses it again if the phrase is not completed (Aho and Corasick 1975 for the matching). A
phrase begins and ends at the boundary of a word.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.spelling import Spelling
from audio_rnn.errors import DecodingError


class HotwordTables(NamedTuple):
    """The last column of both tables stands for the boundary of a word."""

    follow: NDArray[np.int32]  # (states, symbols + 1) next state
    gain: NDArray[np.float32]  # (states, symbols + 1) what the step earns, or gives back
    refund: NDArray[np.float32]  # (states,) what is given back when the text ends there
    highest: float  # highest gain of a single step


def make_hotwords(phrases: Mapping[str, float], spelling: Spelling) -> HotwordTables:
    """Phrases with their boost, in nats a letter. Raises DecodingError."""
    tree = _Tree(len(spelling))
    for phrase, boost in phrases.items():
        if not math.isfinite(boost):
            raise DecodingError(f"hotword {phrase!r}: found boost {boost}, expected a number")
        for letters in spell_phrase(phrase, spelling):
            tree.add(letters, boost)
    return _by_symbols(tree.tables(), spelling)


def spell_phrase(phrase: str, spelling: Spelling) -> list[list[int]]:
    """Letters of a phrase with the boundary, `len(spelling)`, before, between and after words; for
    each way to pronounce it.

    Raises: DecodingError for an empty phrase, or a letter that the model cannot write.
    """
    words = phrase.split()
    if not words:
        raise DecodingError(f"hotword: found {phrase!r}, expected a word or a phrase; take it out")
    boundary = [len(spelling)]
    try:
        spelled = [spelling.ways(word) for word in words]
    except DecodingError as error:
        raise DecodingError(f"hotword {phrase!r}: {error}") from None
    return [
        boundary + [letter for way in ways for letter in way + boundary]
        for ways in product(*spelled)
    ]


def _by_symbols(letters: HotwordTables, spelling: Spelling) -> HotwordTables:
    """Steps by symbols instead of letters: those of a symbol's letters one after the other."""
    states = len(letters.follow)
    follow = np.zeros((states, len(spelling.symbols) + 1), np.int32)
    gain = np.zeros(follow.shape, np.float32)
    for symbol, steps in enumerate([*spelling.symbols, [len(spelling)]]):
        state = np.arange(states)
        for letter in steps:
            gain[:, symbol] += letters.gain[state, letter]
            state = letters.follow[state, letter]
        follow[:, symbol] = state
    return HotwordTables(follow, gain, letters.refund, max(0.0, float(gain.max())))


class _Tree:
    """The phrases as a tree; `kept` is the credit of a completed phrase, never given back."""

    def __init__(self, letters: int) -> None:
        self.letters = letters
        self.children: list[dict[int, int]] = [{}]
        self.credit, self.kept = [0.0], [0.0]

    def add(self, phrase: list[int], boost: float) -> None:
        node = 0
        for letter in phrase:
            if letter not in self.children[node]:
                self.children[node][letter] = len(self.children)
                self.children.append({})
                self.credit.append(self.credit[node] + (boost if letter < self.letters else 0.0))
                self.kept.append(0.0)
            node = self.children[node][letter]
        self.kept[node] = self.credit[node]

    def tables(self) -> HotwordTables:
        """Steps of the whole automaton, failure links resolved breadth first."""
        shape = len(self.children), self.letters + 1
        follow, gain = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
        fail = [0] * shape[0]
        queue = deque([0])
        while queue:
            node = queue.popleft()
            if node:
                follow[node] = follow[fail[node]]
                lost = self._open_credit(node) - self._open_credit(fail[node])
                gain[node] = gain[fail[node]] - lost
            for letter, child in self.children[node].items():
                if node:
                    fail[child] = int(follow[node, letter])
                self.kept[child] = max(self.kept[child], self.kept[node])
                follow[node, letter] = child
                gain[node, letter] = self.credit[child] - self.credit[node]
                queue.append(child)
        refund = np.array([self._open_credit(node) for node in range(shape[0])], np.float32)
        return HotwordTables(follow, gain, refund, float(gain.max()))

    def _open_credit(self, node: int) -> float:
        return self.credit[node] - self.kept[node]
