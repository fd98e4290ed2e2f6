from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.speech_recognition.text import normalise, plain, spell_number


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (59, "fifty nine"),
        (100, "one hundred"),
        (1250, "one thousand two hundred fifty"),
        (2_000_017, "two million seventeen"),
        (999_999_999_999, spell_number(999) + " billion " + spell_number(999_999_999)),
    ],
)
def test_numbers(number: int, words: str) -> None:
    assert spell_number(number) == words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the trail, Philip Steels, etc.", "the trail philip steels et cetera"),
        ("Mr. O’Brien & I: 50% off!", "mister o'brien and i fifty percent off"),
        ("orange-green, -- 'em", "orange green em"),
        ("$1,250 or 3.5", "one thousand two hundred fifty or three point five"),
        ("agent 007, room 4b", "agent zero zero seven room four b"),
        ("  ...  ", ""),
    ],
)  # fmt: skip
def test_normalise(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_plain_keeps_other_languages() -> None:
    assert plain("Größe: ÇA VA?  L’été 2024") == "größe ça va l'été 2024"
    assert plain("हिन्दी") == "हिन्दी"


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = plain(text)
    assert plain(once) == once
    assert "  " not in once and once == once.strip()
