"""Vocabularies: text -> ids -> text in every unit, and every way a vocabulary can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_rnn.errors import VocabularyError
from audio_rnn.vocabulary import BLANK, BLANK_SYMBOL, Vocabulary, split

texts = st.lists(st.text(max_size=20), max_size=4)


def saved(vocabulary: Vocabulary, folder: Path) -> Vocabulary:
    vocabulary.save(folder / "vocabulary.txt")
    return Vocabulary.load(folder / "vocabulary.txt")


def test_characters_with_the_space():
    vocabulary = Vocabulary.from_texts(["A CAB", "B"])
    assert vocabulary.symbols == (BLANK_SYMBOL, " ", "A", "B", "C")
    assert vocabulary.encode(" A  CAB\n") == [2, 1, 4, 2, 3]
    assert vocabulary.decode([2, 1, 4, 2, 3]) == "A CAB"
    assert [vocabulary.starts_word(i) for i in (1, 2)] == [True, False]


def test_symbols_between_spaces():
    vocabulary = Vocabulary.from_texts(["HH AH L OW", "AH"], "symbol")
    assert vocabulary.symbols == (BLANK_SYMBOL, "AH", "HH", "L", "OW")
    assert vocabulary.encode("HH  AH") == [2, 1]
    assert vocabulary.decode([2, 1]) == "HH AH"
    assert all(vocabulary.starts_word(i) for i in range(1, 5))


def test_pieces_take_the_longest_match():
    vocabulary = Vocabulary((BLANK_SYMBOL, "▁", "▁GO", "▁G", "O", "ING"), "piece")
    assert vocabulary.encode("GOING  GO") == [2, 5, 1, 2]
    assert vocabulary.decode([2, 5, 2]) == "GOING GO"
    assert [vocabulary.starts_word(i) for i in (1, 2, 5)] == [True, True, False]


@pytest.mark.parametrize("unit", ["character", "symbol"])
@given(texts=texts)
def test_text_comes_back_with_single_spaces(unit, texts):
    vocabulary = Vocabulary.from_texts([t.replace(BLANK_SYMBOL, "") for t in texts], unit)
    for text in texts:
        text = " ".join(text.replace(BLANK_SYMBOL, "").split())
        ids = vocabulary.encode(text)
        assert BLANK not in ids
        assert vocabulary.decode(ids) == text


@pytest.mark.parametrize("unit", ["character", "symbol"])
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=4))
def test_saving_keeps_every_symbol(tmp_path_factory, unit, texts):
    vocabulary = Vocabulary.from_texts([t.replace(BLANK_SYMBOL, "") for t in texts], unit)
    assert saved(vocabulary, tmp_path_factory.getbasetemp()) == vocabulary


@pytest.mark.parametrize(
    "symbols", [(" ",), (" ", "A"), ("A", " "), ("\u2028", "\x85", "\x0b"), ()]
)
def test_spaces_and_odd_separators_survive_saving(tmp_path, symbols):
    vocabulary = Vocabulary((BLANK_SYMBOL, *symbols))
    assert saved(vocabulary, tmp_path) == vocabulary


def test_pieces_survive_saving(tmp_path):
    vocabulary = Vocabulary((BLANK_SYMBOL, "▁", "▁GO", "ING"), "piece")
    assert saved(vocabulary, tmp_path) == vocabulary


def test_a_file_with_windows_line_ends_is_read(tmp_path):
    path = tmp_path / "vocabulary.txt"
    path.write_bytes(b"<blank> character\r\n \r\nA\r\n")
    assert Vocabulary.load(path).symbols == (BLANK_SYMBOL, " ", "A")


@pytest.mark.parametrize(
    ("unit", "symbols", "text", "unknown"),
    [
        ("character", ("A", " "), "A BA", "'B'"),
        ("symbol", ("AH",), "AH OW", "'OW'"),
        ("piece", ("▁A",), "A B", "'▁'"),
        ("symbol", ("AH",), "AH <blank>", "'<blank>'"),
    ],
)
def test_an_unknown_symbol_is_named_with_its_text(unit, symbols, text, unknown):
    with pytest.raises(VocabularyError) as error:
        Vocabulary((BLANK_SYMBOL, *symbols), unit).encode(text)
    assert unknown in str(error.value)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        ((), "first symbol"),
        (("A", "B"), "first symbol"),
        ((BLANK_SYMBOL, "A", "A"), "'A' stands twice"),
        ((BLANK_SYMBOL, "A", BLANK_SYMBOL), "'<blank>' stands twice"),
        ((BLANK_SYMBOL, ""), "symbol ''"),
        ((BLANK_SYMBOL, "A\nB"), r"symbol 'A\\nB'"),
    ],
)
def test_impossible_vocabularies_are_refused(symbols, message):
    with pytest.raises(VocabularyError, match=message):
        Vocabulary(symbols)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "first line"),
        (b"A\nB\n", "first line: found 'A'"),
        (b"<blank>\nA\n", "first line"),
        (b"<blank> letter\nA\n", "first line"),
        (b"<blank> character\nA\nA\n", "'A' stands twice"),
        (b"<blank> character\nA\n\n", "symbol ''"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, content, message):
    path = tmp_path / "vocabulary.txt"
    path.write_bytes(content)
    with pytest.raises(VocabularyError, match=message) as error:
        Vocabulary.load(path)
    assert str(path) in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(VocabularyError, match=r"none\.txt: cannot be read"):
        Vocabulary.load(tmp_path / "none.txt")


def test_split_takes_any_white_space_for_one_space():
    assert split(" a\t b\n", "character") == ["a", " ", "b"]
    assert split(" a\t bc\n", "symbol") == ["a", "bc"]
    assert split("", "character") == split(" ", "symbol") == []
