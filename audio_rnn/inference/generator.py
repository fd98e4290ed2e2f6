"""A trained model of music at work: pieces, streams of notes without end, likelihoods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from audio_rnn.config import require
from audio_rnn.data.sequences import BOUNDARY
from audio_rnn.decoding.likeliest import find_likeliest
from audio_rnn.decoding.particles import draw_around
from audio_rnn.decoding.planned import Plan, Planned
from audio_rnn.decoding.sampling import Sampler, SamplingConfig
from audio_rnn.errors import DecodingError, ModelError
from audio_rnn.inference.given_music import check_primer, prepare_melody
from audio_rnn.inference.training_music import TrainingMusic
from audio_rnn.midi.controls import encode_with_controls
from audio_rnn.midi.decoding import read_symbols
from audio_rnn.midi.piece import Note, Piece
from audio_rnn.midi.state import PieceState
from audio_rnn.midi.symbols import KIND, Kind, event_vocabulary
from audio_rnn.midi.tidy import tidy
from audio_rnn.models.folder import kind_of
from audio_rnn.models.rolls import KIND as ROLLS
from audio_rnn.models.sequence import PIECE, SequenceModel
from audio_rnn.models.stepper import Stepper

TOGETHER = 64  # pieces that are drawn side by side
PARTICLES = 16  # voices that are tried side by side around a melody
LONGEST = 50_000  # symbols of a piece whose number of bars is left to the model


@dataclass(frozen=True)
class NoteScore:
    """One note of a piece, and how surprising it is."""

    voice: int  # from 0
    note: Note
    nats: float  # its pitch, and its share of what tells when its chord begins and ends


@dataclass(frozen=True)
class Score:
    """The likelihood of a piece under a model."""

    notes: tuple[NoteScore, ...]
    nats: float  # of all symbols, the end included
    symbols: int


class Generator:
    """Writes music, and tells how likely music is."""

    def __init__(self, model: SequenceModel, training: TrainingMusic) -> None:
        self.model, self.training = model, training
        self.stepper = Stepper(model)

    @classmethod
    def load(cls, folder: str | Path) -> Generator:
        """From a run folder, or the model folder inside it. Raises: ModelError."""
        return cls(load_music_model(folder), TrainingMusic.load(Path(folder)))

    def generate(
        self,
        plan: Plan | None = None,
        sampling: SamplingConfig | None = None,
        seed: int = 0,
        count: int = 1,
        primer: Piece | None = None,
    ) -> list[Piece]:
        """Draw pieces; the n-th has the seed `seed + n`, and is the same in any number of others.

        A primer is a tidy piece that all of them begin with.

        Raises: MusicError, DecodingError.
        """
        pieces: list[Piece] = []
        for first in range(0, count, TOGETHER):
            seeds = range(seed + first, seed + min(first + TOGETHER, count))
            rows = self._sample(plan or Plan(), sampling or SamplingConfig(), seeds, primer)
            pieces += [tidy(read_symbols(ids).piece()) for ids in rows]
        return pieces

    def stream(
        self,
        plan: Plan | None = None,
        sampling: SamplingConfig | None = None,
        seed: int = 0,
        primer: Piece | None = None,
    ) -> Iterator[tuple[PieceState, int]]:
        """Symbols as they are drawn, each with the state of the piece behind it.

        Memory stays the same however many are taken; `Plan(bars=math.inf)` never ends.
        """
        constraint, given = self._prepare(plan or Plan(), primer)
        sampler = self._sampler(sampling or SamplingConfig())
        for drawn in sampler.sample([constraint], [seed], given):
            yield constraint.grammar.state, drawn[0][1]

    def likeliest(self, plan: Plan, width: int, primer: Piece | None = None) -> Piece:
        """The piece that beam search finds the likeliest. Raises: MusicError, DecodingError."""
        constraint, given = self._prepare(plan, primer)
        best = find_likeliest(self.stepper, constraint, width, LONGEST, given)
        return tidy(read_symbols([*given, *best.symbols]).piece())

    def harmonize(
        self,
        melody: Piece,
        plan: Plan | None = None,
        sampling: SamplingConfig | None = None,
        seed: int = 0,
        count: int = 1,
        particles: int = PARTICLES,
        progress: Callable[[float], object] = lambda share: None,
    ) -> list[Piece]:
        """Other voices around the first voice of a tidy piece, which stays as it is.

        The n-th has the seed `seed + n`. A plan's key, meter and tempo are put in place of those of
        the melody; its range and scale are for the other voices. More particles look further ahead
        in the melody, and take longer (see `decoding/particles.py`).
        `progress` is told the share of each piece that is drawn.

        Raises: MusicError, DecodingError.
        """
        require(particles >= 1, "particles", particles, "1 or more")
        constraint = prepare_melody(melody, plan or Plan(), self.training.known)
        sampler = self._sampler(sampling or SamplingConfig())
        bars = constraint.grammar.bars or 1

        def begun(bar: int) -> None:  # all before it are drawn
            progress((bar - 1) / bars)

        drawn = (draw_around(sampler, constraint, seed + n, particles, begun) for n in range(count))
        return [tidy(read_symbols(ids).piece()) for ids in drawn]

    @torch.no_grad()
    def score(self, piece: Piece) -> Score:
        """The likelihood of a tidy piece, note by note."""
        ids = encode_with_controls(piece)
        nats = self._nats(ids)
        return Score(tuple(_share(ids, nats)), float(nats.sum()), len(nats))

    def _nats(self, ids: Sequence[int]) -> np.ndarray:
        """(symbols + 1,) of each symbol and of the end."""
        inputs, targets = torch.tensor([[BOUNDARY, *ids]]), torch.tensor([[*ids, BOUNDARY]])
        parts, state = [], None
        for start in range(0, inputs.shape[1], PIECE):
            piece, told = (tensor[:, start : start + PIECE] for tensor in (inputs, targets))
            log_probs, state = self.model(piece, torch.tensor([piece.shape[1]]), state)
            parts.append(-log_probs.gather(2, told.unsqueeze(2)).flatten().double().numpy())
        return np.concatenate(parts)

    def _sampler(self, sampling: SamplingConfig) -> Sampler:
        return Sampler(self.stepper, sampling, np.equal(KIND, Kind.PITCH))

    def _prepare(self, plan: Plan, primer: Piece | None) -> tuple[Planned, list[int]]:
        if primer is not None:
            check_primer(primer, plan, self.training.known)
        key = primer.keys[-1] if primer and primer.keys else None
        constraint = Planned(plan, self.training.known, key)
        given = encode_with_controls(primer) if primer else []
        for symbol in given:
            constraint.take(symbol)
        return constraint, given

    def _sample(
        self, plan: Plan, sampling: SamplingConfig, seeds: Sequence[int], primer: Piece | None
    ) -> list[list[int]]:
        prepared = [self._prepare(plan, primer) for _ in seeds]
        given = prepared[0][1]
        rows = [list(given) for _ in seeds]
        constraints = [constraint for constraint, _ in prepared]
        for drawn in self._sampler(sampling).sample(constraints, seeds, given):
            for row, symbol in drawn:
                rows[row].append(symbol)
            if len(rows[drawn[0][0]]) > LONGEST:
                raise DecodingError(
                    f"found no end within {LONGEST} symbols, expected one; name a number of bars"
                )
        return rows


def load_music_model(folder: str | Path) -> SequenceModel:
    """The model of event symbols in a folder. Raises: ModelError, also for a model of text or rolls."""
    if kind_of(Path(folder)) == ROLLS:
        raise ModelError(
            f"{folder}: found a model of piano rolls, expected one of event symbols, as python -m "
            "recipes.music_generation.train makes; one of four voices takes --harmonize, no more"
        )
    model = SequenceModel.load(folder)
    if model.vocabulary != event_vocabulary():
        raise ModelError(
            f"{folder}: found a model of {len(model.vocabulary)} other symbols, expected one of music "
            f"with the {len(event_vocabulary())} event symbols; train one with recipes.music_generation"
        )
    return model


def _share(ids: Sequence[int], nats: np.ndarray) -> Iterator[NoteScore]:
    """What a chord's symbols cost, from the end of the chord before on, among its notes."""
    reader = read_symbols(())
    pitches: list[float] = []
    others = 0.0
    for symbol, cost in zip(ids, nats.tolist()):
        if KIND[symbol] == Kind.PITCH:
            pitches.append(cost)
        else:
            others += cost
        notes = reader.take(symbol)
        if notes:
            for note, own in zip(notes, pitches):
                yield NoteScore(reader.grammar.state.voice, note, own + others / len(notes))
            pitches, others = [], 0.0
