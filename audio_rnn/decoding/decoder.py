"""What every CTC decoder offers: a recording whole, or piece by piece with the same result."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.hypothesis import Hypothesis, joined
from audio_rnn.errors import DecodingError

PAUSE = 0.8  # seconds of blanks that end a segment, and the word before it
LONGEST = 30.0  # seconds after which a segment ends with its next word


class Decoding(Protocol):
    """One recording being decoded. However it is cut into pieces, the segments are the same."""

    def feed(self, log_probs: NDArray[np.float32]) -> list[Hypothesis]:
        """The next steps (steps, symbols) -> segments that are final now; times from the start."""

    def partial(self) -> Hypothesis:
        """The open segment as it stands; later steps may change it."""

    def finish(self) -> list[Hypothesis]:
        """The segments left when the recording is over."""


class Decoder(Protocol):
    """Settings that many recordings are decoded with."""

    def start(self) -> Decoding:
        """Begin a recording."""


def decode(decoder: Decoder, log_probs: NDArray[np.float32]) -> Hypothesis:
    """A whole recording: log_probs (steps, symbols), blank first."""
    decoding = decoder.start()
    return joined([*decoding.feed(log_probs), *decoding.finish()])


def check_log_probs(log_probs: NDArray[np.float32], symbols: int) -> None:
    """Raises DecodingError when the shape is not (steps, symbols) or a value is not a number."""
    check_shape(log_probs, symbols)
    if np.isnan(log_probs).any():
        step = int(np.isnan(log_probs).any(axis=1).argmax())
        raise DecodingError(
            f"log_probs: found NaN at step {step}, expected logarithms; is the model broken?"
        )


def check_shape(log_probs: NDArray[np.float32], symbols: int) -> None:
    """Raises DecodingError when the shape is not (steps, symbols)."""
    if log_probs.ndim != 2 or log_probs.shape[1] != symbols:
        raise DecodingError(
            f"log_probs: found shape {log_probs.shape}, expected (steps, {symbols})"
        )
