"""Symbols <-> ids. Id 0 is the CTC blank."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from audio_rnn.drafts import replacing
from audio_rnn.errors import VocabularyError, reason

BLANK = 0
BLANK_SYMBOL = "<blank>"
SPACE = " "

Unit = Literal["character", "symbol", "piece"]


@dataclass(frozen=True)
class Vocabulary:
    """The symbols a model writes, blank first.

    unit: "character" spells text letter by letter, space included; "symbol" takes text as
    symbols between spaces (phones, words); "piece" takes sentencepiece units, in which
    U+2581 opens a word.
    """

    symbols: tuple[str, ...]
    unit: Unit = "character"
    ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.symbols or self.symbols[0] != BLANK_SYMBOL:
            raise VocabularyError(
                f"first symbol: found {self.symbols[:1]}, expected {BLANK_SYMBOL!r}"
            )
        broken = [symbol for symbol in self.symbols if not symbol or {"\n", "\r"} & set(symbol)]
        if broken:
            raise VocabularyError(f"symbol {broken[0]!r}: expected text without line breaks")
        ids = {symbol: i for i, symbol in enumerate(self.symbols)}
        if len(ids) != len(self.symbols):
            twice = next(s for i, s in enumerate(self.symbols) if ids[s] != i)
            raise VocabularyError(f"symbol {twice!r} stands twice; expected every symbol once")
        del ids[BLANK_SYMBOL]  # no text means the blank
        object.__setattr__(self, "ids", ids)

    def __len__(self) -> int:
        return len(self.symbols)

    @classmethod
    def from_texts(
        cls, texts: Iterable[str], unit: Literal["character", "symbol"] = "character"
    ) -> Vocabulary:
        """Every symbol that occurs in `texts`, sorted."""
        found: set[str] = set()
        for text in texts:
            found.update(split(text, unit))
        return cls((BLANK_SYMBOL, *sorted(found)), unit)

    def encode(self, text: str) -> list[int]:
        """Text -> ids. Raises VocabularyError naming the symbol that is unknown."""
        symbols = self._pieces(text) if self.unit == "piece" else split(text, self.unit)
        try:
            return [self.ids[symbol] for symbol in symbols]
        except KeyError as error:
            raise VocabularyError(
                f"symbol {error.args[0]!r} in {text!r} is not among the "
                f"{len(self) - 1} of the vocabulary; "
                "normalise the text or build the vocabulary from it"
            ) from None

    def decode(self, ids: Sequence[int]) -> str:
        """Ids without blanks -> text."""
        symbols = [self.symbols[i] for i in ids]
        if self.unit == "symbol":
            return SPACE.join(symbols)
        text = "".join(symbols)
        return text.replace("▁", SPACE).strip() if self.unit == "piece" else text

    def starts_word(self, symbol: int) -> bool:
        """Whether this symbol opens a new word (a bare space opens the word after it)."""
        if self.unit == "symbol":
            return True
        text = self.symbols[symbol]
        return text == SPACE if self.unit == "character" else text.startswith("▁")

    def save(self, path: Path) -> None:
        """One symbol a line; the unit stands in the first line beside the blank."""
        lines = [f"{BLANK_SYMBOL} {self.unit}", *self.symbols[1:]]
        with replacing(path) as file:
            file.write("".join(f"{line}\n" for line in lines).encode())

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Read what `save` wrote. Raises VocabularyError."""
        try:
            lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise VocabularyError(
                f"{path}: cannot be read: {reason(error)}; run the recipe's prepare script first"
            ) from error
        head, _, unit = lines[0].partition(" ")
        if head != BLANK_SYMBOL or unit not in ("character", "symbol", "piece"):
            raise VocabularyError(
                f"{path}: first line: found {lines[0]!r}, "
                f"expected '{BLANK_SYMBOL} character' (or symbol, piece)"
            )
        try:
            return cls((BLANK_SYMBOL, *lines[1:]), unit)  # type: ignore[arg-type]
        except VocabularyError as error:
            raise VocabularyError(f"{path}: {error}") from None

    def _pieces(self, text: str) -> list[str]:
        """The longest pieces of the vocabulary that match, left to right."""
        rest = "▁" + text.strip().replace(SPACE, "▁")
        longest = max(map(len, self.symbols))
        pieces = []
        while rest:
            size = next(
                (n for n in range(min(longest, len(rest)), 0, -1) if rest[:n] in self.ids), 1
            )
            pieces.append(rest[:size])
            rest = rest[size:]
        return pieces


def split(text: str, unit: Literal["character", "symbol"]) -> list[str]:
    """Text into its symbols; runs of white space count as one space."""
    words = text.split()
    return words if unit == "symbol" else list(SPACE.join(words))
