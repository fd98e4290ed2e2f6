"""Texts to model: files of one text a line, and their symbols."""

from __future__ import annotations

from pathlib import Path

from audio_rnn.errors import InputError, VocabularyError, reason
from audio_rnn.vocabulary import Vocabulary

UNKNOWN = "<unk>"  # stands for every word that a vocabulary of words lacks, where it has this one

Texts = dict[str, str]  # FILE:LINE -> text, white space made single spaces


def read_texts(path: Path) -> Texts:
    """The lines of a text file in UTF-8 that are not blank, by their place.

    Raises: InputError for a file that cannot be read or holds no text.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read: {reason(error)}; expected text in UTF-8, a sentence a line"
        ) from error
    texts = {f"{path}:{n}": " ".join(line.split()) for n, line in enumerate(lines, 1)}
    texts = {place: text for place, text in texts.items() if text}
    if not texts:
        raise InputError(f"{path}: found no text, expected a sentence a line")
    return texts


def encode_texts(vocabulary: Vocabulary, texts: Texts) -> dict[str, list[int]]:
    """Symbol ids of each text. Raises: VocabularyError naming the place."""
    encoded = {}
    for place, text in texts.items():
        try:
            encoded[place] = encode(vocabulary, text)
        except VocabularyError as error:
            raise VocabularyError(f"{place}: {error}") from None
    return encoded


def encode(vocabulary: Vocabulary, text: str) -> list[int]:
    """Symbol ids of a text; a word that a vocabulary with UNKNOWN lacks becomes that.

    Raises: VocabularyError for an unknown symbol, where there is nothing that stands for it.
    """
    unknown = vocabulary.ids.get(UNKNOWN)
    if vocabulary.unit != "symbol" or unknown is None:
        return vocabulary.encode(text)
    return [vocabulary.ids.get(word, unknown) for word in text.split()]
