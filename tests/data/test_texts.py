"""Text files and their symbols."""

from __future__ import annotations

from pathlib import Path

import pytest

from audio_rnn.data.texts import UNKNOWN, encode, encode_texts, read_texts
from audio_rnn.errors import InputError, VocabularyError
from audio_rnn.vocabulary import BLANK_SYMBOL, Vocabulary

WORDS = Vocabulary((BLANK_SYMBOL, UNKNOWN, "call", "ben"), "symbol")


def test_lines_are_texts_by_their_place(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfcall  ben\r\n \n\tnow\n")
    assert read_texts(path) == {f"{path}:1": "call ben", f"{path}:3": "now"}


@pytest.mark.parametrize(
    ("content", "message"),
    [(b" \n\n", "found no text, expected a sentence a line"), (b"\xff", "text in UTF-8")],
)
def test_a_file_that_is_no_text_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.txt: .*{message}"):
        read_texts(tmp_path / "a.txt")
    with pytest.raises(InputError, match=r"b\.txt: cannot be read"):
        read_texts(tmp_path / "b.txt")


def test_unknown_words_have_a_symbol_where_the_vocabulary_has_one() -> None:
    assert encode(WORDS, "call  anna ben") == [2, 1, 3]
    closed = Vocabulary((BLANK_SYMBOL, "call"), "symbol")
    with pytest.raises(VocabularyError, match="'anna'"):
        encode(closed, "call anna")


def test_an_unknown_character_is_named_with_its_place() -> None:
    letters = Vocabulary.from_texts(["abc"])
    assert encode_texts(letters, {"x:1": "cab"}) == {"x:1": [3, 1, 2]}
    with pytest.raises(VocabularyError, match=r"x:7: symbol 'é'"):
        encode_texts(letters, {"x:7": "é"})
