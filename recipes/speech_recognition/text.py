"""Transcripts as a network can spell them: lower case, no punctuation, numbers as words."""

from __future__ import annotations

import re
import unicodedata

ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = ((1_000_000_000, "billion"), (1_000_000, "million"), (1000, "thousand"), (100, "hundred"))

ABBREVIATIONS = {
    "etc.": "et cetera",
    "mr.": "mister",
    "mrs.": "missus",
    "dr.": "doctor",
    "st.": "saint",
    "&": "and",
    "%": "percent",
}
APOSTROPHES = str.maketrans("‘’ʼ`´", "'''''")


def spell_number(number: int) -> str:
    """A whole number from 0 to 999,999,999,999 in English words, no hyphen and no "and"."""
    if number < 20:
        return ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return TENS[tens] + (f" {ONES[ones]}" if ones else "")
    size, name = next((size, name) for size, name in SCALES if number >= size)
    head, rest = divmod(number, size)
    return f"{spell_number(head)} {name}" + (f" {spell_number(rest)}" if rest else "")


def plain(text: str) -> str:
    """Any language: lower case, letters, digits and apostrophes inside words; the rest is a space.

    A hyphen or dash parts words. Accents stay, composed (Unicode NFC).
    """
    text = unicodedata.normalize("NFC", text).lower().translate(APOSTROPHES)
    kept = "".join(c if c == "'" or unicodedata.category(c)[0] in "LMN" else " " for c in text)
    words = (word.strip("'") for word in kept.split())
    return " ".join(word for word in words if word)


def normalise(text: str) -> str:
    """English: `plain`, after abbreviations ("etc.") and numbers ("1,250") are spelled.

    An apostrophe stays inside a word and is lost at its edge: "'em" becomes "em".
    """
    words = text.lower().replace("&", " & ").replace("%", " % ").split()
    text = " ".join(ABBREVIATIONS.get(word.rstrip(',;:!?")'), word) for word in words)
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"(?<=\d)\.(?=\d)", " point ", text)
    return plain(re.sub(r"\d+", _spell_digits, text))


def _spell_digits(found: re.Match[str]) -> str:
    digits = found[0]
    if len(digits) > 12 or (len(digits) > 1 and digits[0] == "0"):  # a code, not a quantity
        return " ".join(ONES[int(digit)] for digit in digits)
    return f" {spell_number(int(digits))} "
