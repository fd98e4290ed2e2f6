"""Decoders that benchmarks.decoding compares, and the settings that it searches for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.batch import decode_texts
from audio_rnn.decoding.beam.config import BeamConfig
from audio_rnn.decoding.beam.decoder import BeamDecoder
from audio_rnn.decoding.beam.knowledge import Knowledge, Weights
from audio_rnn.decoding.decoder import decode
from benchmarks._corpus import Corpus, Spoken
from benchmarks._peers import Peers

WIDTH = 50  # beam of all decoders
ALL = 1000  # symbols a step
OURS, OURS_CLOSED, OURS_TIMED = "ours", "ours, lexicon", "ours, times too"

Settings = dict[str, Any]
Run = Callable[[str, Settings], tuple[float, list[str]]]  # set, settings -> seconds, texts


@dataclass(frozen=True, eq=False)
class Contender:
    """A decoder with what may be chosen for it; the first search is its default."""

    name: str
    run: Run
    searches: list[Settings]
    weights: list[Settings]  # empty without a language model
    like: str = ""  # decoder whose settings it takes


def contenders(
    corpus: Corpus, sets: Mapping[str, Sequence[Spoken]], peers: Peers, with_lm: bool
) -> list[Contender]:
    """Ours first, for texts alone and with all that is found; with a language model also ours with
    its words as the only ones."""
    knowledge = Knowledge(corpus.lm) if with_lm else Knowledge()
    found = [ours(OURS, corpus, sets, knowledge), timed(corpus, sets, knowledge)]
    if with_lm:
        closed = Knowledge(corpus.lm, lexicon=corpus.words)
        found.append(ours(OURS_CLOSED, corpus, sets, closed))
    for name in peers.names:
        searches = PYCTCDECODE if name == "pyctcdecode" else FLASHLIGHT
        weights = PYCTCDECODE_WEIGHTS if name == "pyctcdecode" else FLASHLIGHT_WEIGHTS
        run = _peer(peers, name, with_lm)
        like = "flashlight" if name == "torchaudio" else ""  # which calls that library
        found.append(Contender(name, run, searches, weights if with_lm else [], like))
    return found


def ours(
    name: str, corpus: Corpus, sets: Mapping[str, Sequence[Spoken]], knowledge: Knowledge
) -> Contender:
    """Our decoder when texts are all that is wanted, as the peers are asked for texts."""
    run = _ours(corpus, sets, knowledge, decode_texts)
    searches = OUR_SEARCHES if knowledge.lexicon is None else OUR_SEARCHES_CLOSED
    return Contender(name, run, searches, OUR_WEIGHTS if knowledge.lm else [])


def timed(corpus: Corpus, sets: Mapping[str, Sequence[Spoken]], knowledge: Knowledge) -> Contender:
    """Our decoder with times and confidences of all words, one recording after the other."""

    def texts(decoder: BeamDecoder, recordings: Sequence[NDArray[np.float32]]) -> list[str]:
        return [decode(decoder, recording).text for recording in recordings]

    run = _ours(corpus, sets, knowledge, texts)
    return Contender(OURS_TIMED, run, OUR_SEARCHES, [], like=OURS)


def _ours(
    corpus: Corpus,
    sets: Mapping[str, Sequence[Spoken]],
    knowledge: Knowledge,
    texts_of: Callable[[BeamDecoder, Sequence[NDArray[np.float32]]], list[str]],
) -> Run:
    made: dict[str, BeamDecoder] = {}

    def run(split: str, settings: Settings) -> tuple[float, list[str]]:
        key = repr(settings)
        if key not in made:
            made.clear()
            made[key] = make_decoder(corpus, knowledge, settings)
        recordings = [one.log_probs for one in sets[split]]
        began = time.process_time()
        texts = texts_of(made[key], recordings)
        return time.process_time() - began, texts

    return run


def make_decoder(corpus: Corpus, knowledge: Knowledge, settings: Settings) -> BeamDecoder:
    """Ours with weights and search from `settings`, a beam of WIDTH."""
    chosen = {"word_bonus": 0.0, **settings}
    names = ("lm_weight", "word_bonus", "unknown_cost")
    weights = Weights(**{name: chosen[name] for name in names if name in chosen})
    search = {key: value for key, value in settings.items() if key not in names}
    config = BeamConfig(WIDTH, **search)
    return BeamDecoder(corpus.vocabulary, corpus.step_seconds, knowledge, weights, config)


def _peer(peers: Peers, name: str, with_lm: bool) -> Run:
    return lambda split, settings: peers.run(
        name, split, {"beam_width": WIDTH, "lm": with_lm, **settings}
    )


def _grid(**values: Sequence[Any]) -> list[Settings]:
    return [dict(zip(values, row)) for row in product(*values.values())]


def _rows(names: str, *rows: tuple[Any, ...]) -> list[Settings]:
    return [dict(zip(names.split(), row)) for row in rows]


OUR_SEARCHES = _rows(
    "step_symbols symbol_floor beam_threshold",
    (16, -6.0, 10.0),
    (16, -9.0, 15.0),
    (16, -6.0, 25.0),
    (12, -9.0, 10.0),
    (12, -9.0, 8.0),
    (8, -6.0, 8.0),
    (8, -5.0, 8.0),
    (8, -5.0, 6.0),
    (8, -4.0, 6.0),
    (6, -4.0, 5.0),
    (6, -3.0, 4.0),
    (6, -3.0, 3.0),
    (4, -3.0, 2.0),
    (4, -2.0, 1.0),
    (2, -3.0, 1.0),
    (2, -1.0, 1.0),
)
OUR_SEARCHES_CLOSED = _rows(  # a word may need an unlikely letter, so the floor stays low
    "step_symbols symbol_floor beam_threshold",
    (32, -9.0, 15.0),
    (32, -9.0, 10.0),
    (16, -6.0, 10.0),
    (8, -9.0, 8.0),
    (8, -6.0, 8.0),
    (8, -6.0, 6.0),
    (8, -6.0, 4.0),
    (6, -6.0, 3.0),
    (4, -6.0, 2.0),
    (2, -6.0, 1.0),
)
FLASHLIGHT = _rows(
    "beam_size_token beam_threshold log_add",
    (ALL, 50.0, False),  # torchaudio's
    (ALL, 50.0, True),
    (12, 25.0, False),
    (12, 25.0, True),
    (12, 10.0, True),
    (8, 10.0, True),
    (8, 10.0, False),
    (8, 8.0, True),
    (8, 6.0, True),
    (8, 4.0, True),
    (6, 3.0, True),
    (4, 2.0, True),
    (4, 1.0, True),
    (2, 1.0, True),
)
PYCTCDECODE = _rows(
    "token_min_logp beam_prune_logp",
    (-5.0, -10.0),
    (-7.0, -15.0),
    (-5.0, -7.0),
    (-5.0, -5.0),
    (-4.0, -7.0),
    (-4.0, -5.0),
    (-3.0, -4.0),
    (-3.0, -3.0),
    (-2.0, -2.0),
    (-2.0, -1.0),
    (-1.0, -1.0),
)
BONUSES = (-1.0, 0.0, 1.0, 2.0, 3.0)
OUR_WEIGHTS = _grid(  # as far as flashlight's, whose scores are logarithms to base 10
    lm_weight=(0.2, 0.3, 0.5, 0.8, 1.2), word_bonus=BONUSES, unknown_cost=(5.0, 8.0, 11.0)
)
FLASHLIGHT_WEIGHTS = _grid(lm_weight=(0.5, 1.0, 1.5, 2.0, 3.0), word_bonus=BONUSES)
PYCTCDECODE_WEIGHTS = _grid(
    lm_weight=(0.2, 0.3, 0.5, 0.8), word_bonus=BONUSES, unknown_offset=(-6.0, -10.0, -14.0)
)
