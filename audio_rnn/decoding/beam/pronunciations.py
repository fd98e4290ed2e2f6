"""Words that are spelled otherwise than they are written: by phones, or any symbols of a model.

The search tells apart what sounds alike by variants of the model's symbols: one that opens a word,
where the model has no mark for that, and one for each word at the end of words that sound the same.
Variants of a symbol share its probability, and are the same symbol to CTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from audio_rnn.errors import DecodingError, LexiconError
from audio_rnn.vocabulary import BLANK, BLANK_SYMBOL, SPACE, Vocabulary

Pronunciations = Mapping[str, Sequence[Sequence[str]]]  # word -> its ways to be spelled
Way = tuple[int, ...]  # variants that spell a word


@dataclass(frozen=True, kw_only=True)
class PronouncedVocabulary(Vocabulary):
    """Variants of a model's symbols; only words with a pronunciation are written."""

    model: Vocabulary
    sounds: tuple[int, ...]  # symbol of the model that each is a variant of
    openers: frozenset[int]
    words: Mapping[Way, str]
    ways: Mapping[str, Sequence[Way]]

    def decode(self, ids: Sequence[int]) -> str:
        """Ids without blanks -> the words that are complete."""
        return SPACE.join(filter(None, map(self.words.get, self._cut(ids))))

    def starts_word(self, symbol: int) -> bool:
        """Whether this variant opens a new word, or parts two."""
        return symbol in self.openers

    def spellings(self, word: str) -> Sequence[Way]:
        """All ways to spell a word. Raises DecodingError when there is none."""
        if word not in self.ways:
            raise DecodingError(f"word {word!r}: found no pronunciation; add it to the lexicon")
        return self.ways[word]

    def _cut(self, ids: Sequence[int]) -> list[Way]:
        """Ids cut into words."""
        numbers, word = [], 0
        for symbol in ids:
            word += symbol in self.openers
            numbers.append(word)
        groups = groupby(zip(numbers, ids), key=lambda pair: pair[0])
        return [tuple(s for _, s in group if self.symbols[s] != SPACE) for _, group in groups]


def pronounced(model: Vocabulary, lexicon: Pronunciations) -> PronouncedVocabulary:
    """What `model` writes, read as words of `lexicon`. Raises LexiconError."""
    alike: dict[Way, list[str]] = {}
    for word, ways in lexicon.items():
        for way in dict.fromkeys(_sounds(word, symbols, model) for symbols in ways):
            alike.setdefault(way, []).append(word)
    variants = _Variants(model)
    words = {
        variants.spell(way, rank): word
        for way, homophones in alike.items()
        for rank, word in enumerate(homophones)
    }
    return variants.vocabulary(words)


def _sounds(word: str, symbols: Sequence[str], model: Vocabulary) -> Way:
    if not word or not symbols:
        raise LexiconError(f"lexicon: word {word!r}: found {symbols!r}, expected symbols")
    unknown = [s for s in symbols if s not in model.ids or s == SPACE]
    if unknown:
        raise LexiconError(
            f"lexicon: word {word!r}: found symbol {unknown[0]!r}, expected those that the model "
            f"writes, such as {' '.join([s for s in model.ids if s != SPACE][:40])}"
        )
    return tuple(model.ids[s] for s in symbols)


class _Variants:
    """Variants that some word needs: (symbol of the model, opens a word, rank of a homophone)."""

    def __init__(self, model: Vocabulary) -> None:
        self.model = model
        self.marked = model.unit != "symbol"  # the model tells itself where words begin
        self.ids = {(BLANK, False, 0): BLANK}
        if self.marked and SPACE in model.ids:
            self._id(model.ids[SPACE], True)

    def spell(self, sounds: Way, rank: int) -> Way:
        """A word, the one of this rank among those that sound alike."""
        last = len(sounds) - 1
        return tuple(
            self._id(sound, self._opens(sound, place), rank if place == last else 0)
            for place, sound in enumerate(sounds)
        )

    def vocabulary(self, words: Mapping[Way, str]) -> PronouncedVocabulary:
        """All that were needed."""
        ways: dict[str, list[Way]] = {}
        for way, word in words.items():
            ways.setdefault(word, []).append(way)
        return PronouncedVocabulary(
            symbols=tuple(map(self._name, self.ids)),
            unit="symbol",
            model=self.model,
            sounds=tuple(sound for sound, _, _ in self.ids),
            openers=frozenset(id_ for (_, opens, _), id_ in self.ids.items() if opens),
            words=words,
            ways=ways,
        )

    def _opens(self, sound: int, place: int) -> bool:
        return self.model.starts_word(sound) if self.marked else place == 0

    def _id(self, sound: int, opens: bool, rank: int = 0) -> int:
        return self.ids.setdefault((sound, opens, rank), len(self.ids))

    def _name(self, variant: tuple[int, bool, int]) -> str:
        sound, opens, rank = variant
        symbol = self.model.symbols[sound]
        return (
            symbol if symbol in (SPACE, BLANK_SYMBOL) else f"{'+' if opens else '-'}{rank}{symbol}"
        )
