"""Many recordings at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.batch_search import search_all
from audio_rnn.decoding.beam.decoder import BeamDecoder
from audio_rnn.decoding.beam.search import BROKEN, RAN
from audio_rnn.decoding.beam.tables import Neural, make_room
from audio_rnn.decoding.decoder import check_log_probs, check_shape, decode
from audio_rnn.decoding.hypothesis import Hypothesis

Recordings = Sequence[
    NDArray[np.float32]
]  # log-probabilities (steps, symbols) of each, blank first


def decode_many(decoder: BeamDecoder, recordings: Recordings, threads: int = 1) -> list[Hypothesis]:
    """What `decode` makes of whole recordings, on several threads. Raises DecodingError."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda log_probs: decode(decoder, log_probs), recordings))


def decode_texts(decoder: BeamDecoder, recordings: Recordings) -> list[str]:
    """The texts that `decode` finds in whole recordings, many times faster: without times and
    confidences, and in one compiled call where no neural model is asked. Raises DecodingError."""
    if decoder.neural or decoder.rescorer or not recordings:
        return [decode(decoder, log_probs).text for log_probs in recordings]
    for log_probs in recordings:
        check_shape(log_probs, len(decoder.model))
    symbols, reasons = _search(decoder, recordings)
    return [
        text if why == RAN else _alone(decoder, log_probs, why)
        for text, log_probs, why in zip(decoder.write(symbols), recordings, reasons.tolist())
    ]


def _search(
    decoder: BeamDecoder, recordings: Recordings
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Symbols of all recordings, as `decoder.write` reads them, and why the search of each ended."""
    log_probs = decoder.heard(np.concatenate(recordings, dtype=np.float32))
    symbols = log_probs.shape[1]
    no_model = Neural(np.zeros((0, symbols), np.float32), np.zeros(0, np.int32))
    return search_all(
        log_probs, np.cumsum([len(one) for one in recordings]), decoder.origin, decoder.end,
        make_room(decoder.config.beam_width, symbols, decoder.pruning.symbols), decoder.fusion,
        no_model, decoder.pruning, decoder.pause, decoder.longest,
    )  # fmt: skip


def _alone(decoder: BeamDecoder, log_probs: NDArray[np.float32], why: int) -> str:
    """The text of a recording that has no pause for too long, or is broken."""
    if why == BROKEN:
        check_log_probs(log_probs, len(decoder.model))
    return decode(decoder, log_probs).text
