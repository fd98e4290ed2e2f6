"""Music that a model goes on from: what begins a piece, and a melody to write voices around."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from audio_rnn.decoding.given_voice import GivenVoice
from audio_rnn.decoding.plan import Plan
from audio_rnn.decoding.usable import find_usable, names_of
from audio_rnn.errors import MusicError
from audio_rnn.midi.controls import encode_with_controls
from audio_rnn.midi.grammar import Grammar
from audio_rnn.midi.home import Home, estimate_key
from audio_rnn.midi.piece import Key, Meter, Piece, Tempo
from audio_rnn.midi.symbols import METERS, Kind, ids_of
from audio_rnn.midi.tidy import tidy


def with_key(piece: Piece, key: Key | None, known: np.ndarray) -> Piece:
    """A piece without key gets the one that is planned, or that fits best, if the model knows keys."""
    if piece.keys or not known[ids_of(Kind.KEY)].any():
        return piece
    return replace(piece, keys=(replace(key or estimate_key(piece), start=0),))


def check_primer(primer: Piece, plan: Plan, known: np.ndarray, home: Home) -> None:
    """Raises: MusicError for a primer that a model or a plan cannot go on from.

    known: (symbols,) bool, those that the model was trained on.
    """
    bars = len(list(primer.bars()))
    if plan.bars is not None and bars >= plan.bars:
        raise MusicError(
            f"primer: found {bars} bars, expected fewer than the {plan.bars:g} that are asked; "
            "ask for more, or shorten it"
        )
    _check_meters("primer", primer, known)
    _check_range("primer", primer, known, home, plan.lowest, plan.highest)


def prepare_melody(piece: Piece, plan: Plan, known: np.ndarray) -> tuple[GivenVoice, Home]:
    """A constraint by the first voice of a tidy piece, at home, and where that is. Raises: MusicError."""
    for name in ("bars", "density", "register"):
        if getattr(plan, name) is not None:
            raise MusicError(
                f"{name}: found {getattr(plan, name)} for a melody that is given and has its own, "
                "expected none; leave it out"
            )
    melody = with_key(_melody(piece, plan), None, known)
    home = Home.of(melody)
    _check_meters("melody", melody, known)
    _check_range("melody", melody, known, home)
    usable = find_usable(plan, known, melody.keys[0] if melody.keys else None, home)
    bars = list(melody.bars())
    symbols = encode_with_controls(home.bring(melody))
    return GivenVoice(symbols, Grammar(usable, len(bars), bars[-1].end)), home


def _melody(piece: Piece, plan: Plan) -> Piece:
    """The first voice, with what is planned in place of its own."""
    melody = replace(piece, voices=piece.voices[:1])
    if plan.key is not None:
        melody = replace(melody, keys=(plan.key,))
    if plan.meter is not None:
        melody = replace(melody, meters=(Meter(0, *plan.meter),))
    if plan.tempo is not None:
        melody = replace(melody, tempos=(Tempo(0, plan.tempo),))
    return tidy(melody)


def _check_meters(what: str, piece: Piece, known: np.ndarray) -> None:
    seen = known[ids_of(Kind.METER)]
    for meter in piece.meters:
        if not seen[METERS.index((meter.beats, meter.unit))]:
            raise MusicError(
                f"{what}: found meter {meter.beats}/{meter.unit}, which the model never saw; "
                f"expected one of {names_of(Kind.METER, np.flatnonzero(seen).tolist())}"
            )


def _check_range(
    what: str, piece: Piece, known: np.ndarray, home: Home, lowest: int = 0, highest: int = 127
) -> None:
    seen = np.flatnonzero(known[ids_of(Kind.PITCH)]) + home.semitones
    lowest, highest = max(lowest, int(seen[0])), min(highest, int(seen[-1]))
    pitches = [note.pitch for voice in piece.voices for note in voice.notes]
    outside = [pitch for pitch in pitches if not lowest <= pitch <= highest]
    if outside:
        raise MusicError(
            f"{what}: found pitch {outside[0]}, expected {lowest} to {highest}, which the model "
            "knows and the plan allows; transpose it"
        )
