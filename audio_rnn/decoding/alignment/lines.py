"""Text as people write it -> the symbols of a model, word by word, the original kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from audio_rnn.errors import VocabularyError
from audio_rnn.vocabulary import SPACE, Vocabulary

APOSTROPHES = dict.fromkeys(map(ord, "‘’ʼ`´"), "'")
SPOKEN = frozenset("&%@#")  # punctuation to Unicode, words to a reader


@dataclass(frozen=True)
class Token:
    """A word as it is written, and what is spoken of it: no ids for a lone dash."""

    text: str
    ids: tuple[int, ...]


@dataclass(frozen=True)
class Line:
    """One utterance of a text; `separator` is the id of the space, or None."""

    number: int  # from 1
    text: str
    tokens: tuple[Token, ...]
    separator: int | None

    @property
    def ids(self) -> list[int]:
        """The symbols of the whole line, a space between words where the model writes one."""
        ids: list[int] = []
        for token in self.tokens:
            if ids and self.separator is not None:
                ids.append(self.separator)
            ids += token.ids
        return ids


def spell(lines: Iterable[str], vocabulary: Vocabulary) -> list[Line]:
    """Every line that is not blank.

    Letters take the case that the vocabulary has, when it has one only. Punctuation outside the
    vocabulary parts words and is not spoken; an apostrophe inside a word is spelled where the
    vocabulary has it and left out where not.

    Raises: VocabularyError for a line with nothing to speak, or with a symbol (such as a digit)
        that the vocabulary lacks; it names the line.
    """
    speller = _Speller(vocabulary)
    return [
        speller.line(number, text.strip()) for number, text in enumerate(lines, 1) if text.strip()
    ]


class _Speller:
    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        known = vocabulary.symbols[1:]
        self.characters = frozenset("".join(known)) - {SPACE}
        self.upper = any(symbol != symbol.lower() for symbol in known)
        self.lower = any(symbol != symbol.upper() for symbol in known)
        self.separator = vocabulary.ids.get(SPACE) if vocabulary.unit == "character" else None

    def line(self, number: int, text: str) -> Line:
        try:
            tokens = [Token(written, self._ids(written)) for written in text.split()]
        except VocabularyError as error:
            raise VocabularyError(f"line {number}: {error}") from None
        spoken = tuple(token for token in tokens if token.ids)
        if not spoken:
            raise VocabularyError(
                f"line {number}: found {text!r}, expected words to speak; remove the line"
            )
        return Line(number, text, spoken, self.separator)

    def _ids(self, written: str) -> tuple[int, ...]:
        text = unicodedata.normalize("NFC", written)
        if self.vocabulary.unit == "symbol" and text in self.vocabulary.ids:
            return (self.vocabulary.ids[text],)
        text = self._cased(text).translate(APOSTROPHES)
        parts = "".join(self._spoken(c, written) for c in text).split()
        inside = (part.strip("'") for part in parts)  # at the edges they are quotation marks
        spoken = SPACE.join(part for part in inside if part)
        if "'" not in self.characters:
            spoken = spoken.replace("'", "")
        return tuple(self.vocabulary.encode(spoken)) if spoken else ()

    def _cased(self, text: str) -> str:
        if self.upper == self.lower:
            return text
        return text.upper() if self.upper else text.lower()

    def _spoken(self, character: str, written: str) -> str:
        if character in self.characters or character == "'":
            return character
        if unicodedata.category(character)[0] == "P" and character not in SPOKEN:
            return SPACE
        if self.vocabulary.unit == "symbol":
            return character  # of a word that may be unknown as a whole
        raise VocabularyError(
            f"found {character!r} in {written!r}, which this model cannot spell; "
            "write it as it is spoken, with the letters of the model"
        )
