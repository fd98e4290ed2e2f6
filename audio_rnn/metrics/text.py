"""Error counts first, ratios last: counts of parts can be added, ratios cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jiwer


@dataclass(frozen=True)
class ErrorCounts:
    """Edit operations between references and hypotheses."""

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    def __add__(self, other: ErrorCounts) -> ErrorCounts:
        return ErrorCounts(
            self.hits + other.hits,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )

    @property
    def errors(self) -> int:
        """All operations that are not hits."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def references(self) -> int:
        """Number of units in the references."""
        return self.hits + self.substitutions + self.deletions

    @property
    def rate(self) -> float:
        """Errors per reference unit; of empty references, the number of errors."""
        return self.errors / max(self.references, 1)


def word_errors(references: Sequence[str], hypotheses: Sequence[str]) -> ErrorCounts:
    """Counts over words, by Levenshtein alignment of each pair."""
    return _count(jiwer.process_words, references, hypotheses)


def character_errors(references: Sequence[str], hypotheses: Sequence[str]) -> ErrorCounts:
    """Counts over characters, spaces included."""
    return _count(jiwer.process_characters, references, hypotheses)


def _count(
    process: Callable[[list[str], list[str]], jiwer.WordOutput | jiwer.CharacterOutput],
    references: Sequence[str],
    hypotheses: Sequence[str],
) -> ErrorCounts:
    if not references and not hypotheses:
        return ErrorCounts()
    out = process(list(references), list(hypotheses))
    return ErrorCounts(out.hits, out.substitutions, out.deletions, out.insertions)
