"""How far a beam search looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from audio_rnn.decoding.beam.tables import Pruning
from audio_rnn.errors import DecodingError

WIDEST = 10_000  # prefixes; no search gains from so many


@dataclass(frozen=True)
class BeamConfig:
    """How far the search looks."""

    beam_width: int = 50  # prefixes kept
    step_symbols: int = 16  # symbols tried at most in a step
    symbol_floor: float = -6.0  # log-probability below which a symbol is not tried
    beam_threshold: float = 10.0  # nats below the best prefix at which one is dropped

    @classmethod
    def for_lexicon(cls, beam_width: int = 50) -> BeamConfig:
        """Farther, because a word of a lexicon may need a symbol that is unlikely."""
        return cls(beam_width, step_symbols=32, symbol_floor=-9.0, beam_threshold=15.0)

    def __post_init__(self) -> None:
        """Raises DecodingError."""
        for name in ("beam_width", "step_symbols"):
            value = getattr(self, name)
            if value < 1:
                raise DecodingError(f"{name}: found {value}, expected 1 or more")
        if self.beam_width > WIDEST:
            raise DecodingError(
                f"beam_width: found {self.beam_width}, expected {WIDEST} at most; beyond some "
                "hundreds a search finds hardly more and takes ever longer"
            )
        if not self.symbol_floor < 0:
            raise DecodingError(f"symbol_floor: found {self.symbol_floor}, expected below 0")
        if not self.beam_threshold > 0:
            raise DecodingError(f"beam_threshold: found {self.beam_threshold}, expected above 0")

    @property
    def pruning(self) -> Pruning:
        """As the search reads it."""
        return Pruning(self.step_symbols, self.symbol_floor, math.exp(-self.beam_threshold))
