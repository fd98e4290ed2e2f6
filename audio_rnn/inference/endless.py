"""Music without end, written to a file as it comes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from audio_rnn.decoding.plan import Plan
from audio_rnn.decoding.sampling import SamplingConfig
from audio_rnn.errors import MusicError
from audio_rnn.inference.generator import Generator
from audio_rnn.midi.decoding import completed
from audio_rnn.midi.home import Home
from audio_rnn.midi.piece import Meter, Piece, Tempo
from audio_rnn.midi.state import PieceState
from audio_rnn.midi.stream import MidiStream
from audio_rnn.midi.symbols import FIRST, KEYS, METERS, TEMPOS, Kind


def write_endless(
    path: Path,
    generator: Generator,
    plan: Plan,
    sampling: SamplingConfig,
    seed: int = 0,
    primer: Piece | None = None,
    bars: int | None = None,
) -> int:
    """Write bars until Ctrl-C, or so many; returns how many. The file is whole after each.

    Raises: MusicError, DecodingError.
    """
    try:
        stream = MidiStream(path)
    except OSError as error:
        raise MusicError(f"{path}: cannot be written: {error.strerror}") from error
    done = 0
    with closing(stream):
        try:
            home, symbols = generator.stream(plan, sampling, seed, primer)
            for state, symbol in symbols:
                _write(stream, state, symbol, home)
                if state.last is Kind.BAR:
                    stream.write(state["start"])
                    done = state["bar"] - 1
                    if done == bars:
                        break
        except KeyboardInterrupt:
            pass  # the way to end it
    return done


def _write(stream: MidiStream, state: PieceState, symbol: int, home: Home) -> None:
    kind, index, now = state.last, symbol - FIRST[state.last], state["now"]
    if kind is Kind.LENGTH:
        notes = [replace(n, pitch=n.pitch + home.semitones) for n in completed(state)]
        stream.notes(state["voice"], notes)
    elif kind is Kind.PROGRAM:
        stream.program(state["voices"] - 1, index)
    elif kind is Kind.METER:
        stream.change(Meter(now, *METERS[index]))
    elif kind is Kind.TEMPO:
        stream.change(Tempo(now, TEMPOS[index]))
    elif kind is Kind.KEY:
        stream.change(replace(home.lead_key(KEYS[index]), start=now))
