"""The decoder of a speech model, with the weights that tuning saved beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.calibration import CalibratedDecoder
from audio_rnn.decoding.decoder import Decoder, decode
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.decoding.settings import DecodingConfig, all_hotwords, check_used, read_lexicon
from audio_rnn.errors import LanguageModelError, LexiconError
from audio_rnn.inference.known_words import with_known_words
from audio_rnn.inference.tuned import WEIGHTS, find_tuned, warn_of_others
from audio_rnn.models.language import LanguageModel
from audio_rnn.models.speech import SpeechModel

if TYPE_CHECKING:
    from audio_rnn.decoding.beam.decoder import BeamDecoder
    from audio_rnn.decoding.beam.knowledge import Knowledge


def make_decoder(
    model: SpeechModel, folder: Path | None = None, config: DecodingConfig | None = None
) -> Decoder:
    """The decoder that `config` asks for; `folder` may hold what tuning has found for it, and the
    words that hotwords are weighed against where nothing else knows words.

    Raises: DecodingError, LanguageModelError, ModelError.
    """
    asked = config or DecodingConfig()
    config = with_known_words(asked, folder) if folder else asked
    check_used(config)
    knowledge = None if config.greedy else read_knowledge(config)
    tuned = find_tuned(folder, config) if folder else None
    if folder and not tuned:
        warn_of_others(folder, asked)
    decoder: Decoder = GreedyDecoder(model.vocabulary, model.step_seconds)
    if knowledge:
        decoder = make_beam_decoder(model, knowledge, tuned.weights if tuned else {}, config)
    return CalibratedDecoder(decoder, c) if tuned and (c := tuned.calibration) else decoder


def texts_of(decoder: Decoder, recordings: Sequence[NDArray[np.float32]]) -> list[str]:
    """The texts that `decode` finds in log-probabilities (steps, symbols) of whole recordings; those
    of a beam search many times faster. Raises DecodingError."""
    if isinstance(decoder, CalibratedDecoder):
        decoder = decoder.decoder  # texts are the same
    if isinstance(decoder, GreedyDecoder):
        return [decode(decoder, log_probs).text for log_probs in recordings]
    from audio_rnn.decoding.beam.batch import decode_texts
    from audio_rnn.decoding.beam.decoder import BeamDecoder

    assert isinstance(decoder, BeamDecoder)
    return decode_texts(decoder, recordings)


def read_knowledge(config: DecodingConfig) -> Knowledge:
    """All files that `config` names. Raises: DecodingError, LanguageModelError, ModelError."""
    from audio_rnn.decoding.beam.knowledge import Knowledge  # numba takes a while to load
    from audio_rnn.decoding.ngram.model import NgramModel

    return Knowledge(
        lm=NgramModel.load(config.lm) if config.lm else None,
        lexicon=read_lexicon(config.lexicon) if config.lexicon else None,
        hotwords=all_hotwords(config),
        neural=LanguageModel.load(config.neural_lm) if config.neural_lm else None,
        rescorer=LanguageModel.load(config.rescorer) if config.rescorer else None,
    )


def make_beam_decoder(
    model: SpeechModel, knowledge: Knowledge, weights: dict[str, float], config: DecodingConfig
) -> BeamDecoder:
    """A search with `knowledge`; `weights` by name, for those that `config` leaves open.

    Raises: DecodingError, LanguageModelError.
    """
    from audio_rnn.decoding.beam.config import BeamConfig
    from audio_rnn.decoding.beam.decoder import BeamDecoder
    from audio_rnn.decoding.beam.knowledge import Weights

    names = (*WEIGHTS, "unknown_cost", "letter_cost")
    given = {name: value for name in names if (value := getattr(config, name)) is not None}
    width = {} if config.beam_width is None else {"beam_width": config.beam_width}
    beam = BeamConfig(**width) if knowledge.lexicon is None else BeamConfig.for_lexicon(**width)
    chosen = Weights(**{**weights, **given})
    try:
        return BeamDecoder(model.vocabulary, model.step_seconds, knowledge, chosen, beam)
    except LanguageModelError as error:
        files = ", ".join(map(str, config.models))
        raise LanguageModelError(f"{files}: {error}" if files else str(error)) from None
    except LexiconError as error:
        raise LexiconError(f"{config.lexicon}: {error}") from None
