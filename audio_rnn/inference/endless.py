"""Music without end, written to a file as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from audio_rnn.decoding.planned import Plan
from audio_rnn.decoding.sampling import SamplingConfig
from audio_rnn.errors import MusicError
from audio_rnn.inference.generator import Generator
from audio_rnn.midi.controls import encode_with_controls
from audio_rnn.midi.decoding import completed
from audio_rnn.midi.piece import Key, Meter, Piece, Tempo
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
            for state, symbol in _symbols(generator, plan, sampling, seed, primer):
                _write(stream, state, symbol)
                if state.last is Kind.BAR:
                    stream.write(state.start)
                    done = state.bar - 1
                    if done == bars:
                        break
        except KeyboardInterrupt:
            pass  # the way to end it
    return done


def _symbols(
    generator: Generator, plan: Plan, sampling: SamplingConfig, seed: int, primer: Piece | None
) -> Iterator[tuple[PieceState, int]]:
    """Those of the primer, too."""
    state = PieceState()
    for symbol in encode_with_controls(primer) if primer else ():
        state.take(symbol)
        yield state, symbol
    yield from generator.stream(plan, sampling, seed, primer)


def _write(stream: MidiStream, state: PieceState, symbol: int) -> None:
    kind, index, now = state.last, symbol - FIRST[state.last], state.now
    if kind is Kind.LENGTH:
        stream.notes(state.voice, completed(state))
    elif kind is Kind.PROGRAM:
        stream.program(state.voices - 1, index)
    elif kind is Kind.METER:
        stream.change(Meter(now, *METERS[index]))
    elif kind is Kind.TEMPO:
        stream.change(Tempo(now, TEMPOS[index]))
    elif kind is Kind.KEY:
        stream.change(Key(now, KEYS[index].fifths, KEYS[index].minor))
