"""Text as people write it against what vocabularies of all kinds can spell."""

from __future__ import annotations

import pytest

from audio_rnn.decoding.alignment.lines import spell
from audio_rnn.errors import VocabularyError
from audio_rnn.vocabulary import BLANK_SYMBOL, Vocabulary

LOWER = Vocabulary.from_texts(["abcdefghijklmnopqrstuvwxyz '"])
UPPER = Vocabulary.from_texts(["ABCDEFGHIJKLMNOPQRSTUVWXY Z"])
PIECES = Vocabulary((BLANK_SYMBOL, "▁", "▁the", "▁c", "at", "s", "a", "t", "c"), "piece")
WORDS = Vocabulary.from_texts(["one two THREE"], "symbol")


def spelled(text: str, vocabulary: Vocabulary) -> str:
    [line] = spell([text], vocabulary)
    return vocabulary.decode(line.ids)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", "hello world"),
        ("“It’s — he said — ‘fine’.”", "it's he said fine"),
        ("a well-known  one\tend…", "a well known one end"),
        ("U.S.A.", "u s a"),
        ("rock 'n' roll's", "rock n roll's"),
    ],
)
def test_punctuation_and_case_are_left_to_the_eye(text, expected):
    assert spelled(text, LOWER) == expected


def test_letters_take_the_case_of_the_vocabulary_and_apostrophes_only_if_it_has_them():
    assert spelled("Don't go", UPPER) == "DONT GO"
    both = Vocabulary.from_texts(["abc ABC"])
    assert spelled("Abc aBC", both) == "Abc aBC"


def test_punctuation_of_the_vocabulary_is_kept():
    assert spelled("abc, cab.", Vocabulary.from_texts(["abc, a"])) == "abc, cab"


def test_pieces_and_whole_symbols():
    assert spelled("The cats", PIECES) == "the cats"
    lower = Vocabulary.from_texts(["one two three"], "symbol")
    assert spelled("One, THREE two.", lower) == "one three two"
    assert spelled("one THREE", WORDS) == "one THREE"


def test_tokens_keep_what_is_written_and_what_is_spoken_of_it():
    [first, second] = spell(["“Twenty-one — yes”", "", "  ", "No."], LOWER)
    assert [token.text for token in first.tokens] == ["“Twenty-one", "yes”"]
    assert [LOWER.decode(token.ids) for token in first.tokens] == ["twenty one", "yes"]
    assert (first.number, second.number) == (1, 4)
    assert second.text == "No."


@pytest.mark.parametrize(
    ("text", "found"),
    [("room 42", "'4' in '42'"), ("fish & chips", "'&' in '&'"), ("Zoë", "'ë' in 'Zoë'")],
)
def test_what_cannot_be_spelled_is_named_with_its_line(text, found):
    with pytest.raises(VocabularyError, match=f"line 3: found {found}, which this model cannot"):
        spell(["fine", "", text], LOWER)


def test_a_word_outside_a_vocabulary_of_words_is_named():
    with pytest.raises(VocabularyError, match="line 1: symbol 'four'"):
        spell(["one four"], WORDS)


def test_a_line_with_nothing_to_speak_is_named():
    with pytest.raises(VocabularyError, match=r"line 2: found '\* \* \*', expected words"):
        spell(["fine", "* * *"], LOWER)
