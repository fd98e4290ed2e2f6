"""Many recordings at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.batch_search import search_all
from audio_rnn.decoding.beam.decoder import BeamDecoder
from audio_rnn.decoding.beam.search import BROKEN, RAN
from audio_rnn.decoding.beam.tables import Neural, make_room
from audio_rnn.decoding.decoder import check_log_probs, check_shape, decode
from audio_rnn.decoding.hypothesis import Hypothesis
from audio_rnn.vocabulary import SPACE

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
    symbols, parts, ends, reasons = _search(decoder, recordings)
    texts = [decoder.vocabulary.decode(symbols[a:b]) for a, b in pairwise([0, *parts])]
    whole = [SPACE.join(texts[a:b]) for a, b in pairwise([0, *ends])]
    return [
        SPACE.join(text.split()) if why == RAN else _alone(decoder, log_probs, why)
        for text, log_probs, why in zip(whole, recordings, reasons)
    ]


def _search(
    decoder: BeamDecoder, recordings: Recordings
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Symbols of all segments, where those of each end, the segments that end with each recording,
    and why the search stopped there."""
    log_probs = decoder.heard(np.concatenate(recordings, dtype=np.float32))
    steps, symbols = log_probs.shape
    room = make_room(decoder.config.beam_width, symbols, decoder.pruning.symbols)
    no_model = Neural(np.zeros((0, symbols), np.float32), np.zeros(0, np.int32))
    written = np.empty(steps, np.int32)
    parts, ends, why = search_all(
        log_probs, np.cumsum([len(one) for one in recordings]), decoder.origin, decoder.end, room,
        decoder.fusion, no_model, decoder.pruning, decoder.pause, decoder.longest, written,
    )  # fmt: skip
    used = int(parts[-1]) if len(parts) else 0
    return written[:used].tolist(), parts.tolist(), ends.tolist(), why.tolist()


def _alone(decoder: BeamDecoder, log_probs: NDArray[np.float32], why: int) -> str:
    """The text of a recording that has no pause for too long, or is broken."""
    if why == BROKEN:
        check_log_probs(log_probs, len(decoder.model))
    return decode(decoder, log_probs).text
