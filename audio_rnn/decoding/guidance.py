"""A model that follows what it is asked more than it learned to.

It reads twice: what is asked, and in its place what is usual. Where the two expect different symbols, the
difference is enlarged, as classifier-free guidance does (Ho & Salimans 2022), with the usual for the
unconditional.
"""

from __future__ import annotations

import numpy as np

from audio_rnn.models.stepper import Layer, Stepper


class GuidedStepper:
    """Steps as a `Stepper` does, of twice the state."""

    def __init__(self, model: Stepper, usual: np.ndarray, guidance: float) -> None:
        """
        Args:
            usual: (symbols,) ids of what is read in place of each symbol.
            guidance: 1 for what the model learned, 2 for twice the difference.
        """
        self.model, self.usual, self.guidance = model, usual, np.float32(guidance)

    def start(self, batch: int) -> tuple[np.ndarray, list[Layer]]:
        """As that of `Stepper`."""
        logits, state = self.model.start(batch)
        return logits, [*state, *state]

    def step(self, symbols: np.ndarray, state: list[Layer]) -> tuple[np.ndarray, list[Layer]]:
        """As that of `Stepper`."""
        half = len(state) // 2
        asked, after = self.model.step(symbols, state[:half])
        usual, after_usual = self.model.step(self.usual[symbols], state[half:])
        return usual + self.guidance * (asked - usual), [*after, *after_usual]
