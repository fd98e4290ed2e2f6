"""A trained model of music at work: pieces, streams of notes without end, likelihoods."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import numpy as np
import torch

from audio_rnn.config import require
from audio_rnn.data.sequences import collate
from audio_rnn.decoding.guidance import GuidedStepper
from audio_rnn.decoding.likeliest import find_likeliest
from audio_rnn.decoding.particles import draw_around
from audio_rnn.decoding.plan import Plan
from audio_rnn.decoding.planned import Planned
from audio_rnn.decoding.sampling import Sampler, SamplingConfig
from audio_rnn.errors import DecodingError
from audio_rnn.inference.given_music import check_primer, prepare_melody, with_key
from audio_rnn.inference.music_model import load_music_model
from audio_rnn.inference.note_scores import Score, score_notes
from audio_rnn.inference.shares import share
from audio_rnn.inference.training_music import TrainingMusic
from audio_rnn.midi.controls import encode_with_controls
from audio_rnn.midi.decoding import read_symbols
from audio_rnn.midi.hints import hints_of
from audio_rnn.midi.home import Home
from audio_rnn.midi.piece import Piece
from audio_rnn.midi.state import PieceState
from audio_rnn.midi.symbols import KIND, Kind
from audio_rnn.midi.tidy import tidy
from audio_rnn.models.sequence import PIECE, SequenceModel
from audio_rnn.models.stepper import Stepper

PARTICLES = 16  # voices that are tried side by side around a melody
LONGEST = 50_000  # symbols of a piece whose number of bars is left to the model


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
        plan, sampling = plan or Plan(), sampling or SamplingConfig()

        def draw(numbers: range, stop: Event) -> list[Piece]:
            seeds = range(seed + numbers.start, seed + numbers.stop)
            return self._sample(plan, sampling, seeds, primer, stop)

        return share(draw, count)

    def stream(
        self,
        plan: Plan | None = None,
        sampling: SamplingConfig | None = None,
        seed: int = 0,
        primer: Piece | None = None,
    ) -> tuple[Home, Iterator[tuple[PieceState, int]]]:
        """Symbols as they are drawn, each with the state of the piece behind it, the primer's too.

        They are those of the piece at home; the way from there is told, too. Memory stays the same
        however many are taken; `Plan(bars=math.inf)` never ends.
        """
        prepared = self._prepare(plan or Plan(), seed, primer)
        steps = self._sampler(sampling or SamplingConfig(), plan).sample(
            [prepared.constraint], [seed], prepared.given
        )
        return prepared.home, _follow(prepared, steps)

    def likeliest(self, plan: Plan, width: int, primer: Piece | None = None) -> Piece:
        """The piece that beam search finds the likeliest. Raises: MusicError, DecodingError."""
        prepared = self._prepare(plan, 0, primer)
        best = find_likeliest(self.stepper, prepared.constraint, width, LONGEST, prepared.given)
        return _read([*prepared.given, *best.symbols], prepared.home)

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
        constraint, home = prepare_melody(melody, plan or Plan(), self.training.known)
        sampler = self._sampler(sampling or SamplingConfig())
        bars = constraint.grammar.bars or 1

        def begun(bar: int) -> None:  # all before it are drawn
            progress((bar - 1) / bars)

        drawn = (draw_around(sampler, constraint, seed + n, particles, begun) for n in range(count))
        return [_read(ids, home) for ids in drawn]

    @torch.no_grad()
    def score(self, piece: Piece) -> Score:
        """The likelihood of a tidy piece, note by note; the first symbol tells where it stands, too."""
        home = Home.of(piece)
        ids = encode_with_controls(home.bring(piece))
        nats = self._nats(ids)
        nats[0] += self.training.surprise(home)
        return Score(tuple(score_notes(ids, nats, home)), float(nats.sum()), len(nats))

    def _nats(self, ids: Sequence[int]) -> np.ndarray:
        """(symbols + 1,) of each symbol and of the end."""
        parts, state = [], None
        batch = collate({"piece": ids}, hints_of).to(self.model.embedding.weight.device)
        for piece in batch.pieces(PIECE):
            log_probs, state = self.model(piece.inputs, piece.lengths, state)
            told = log_probs.gather(2, piece.targets.unsqueeze(2))
            parts.append(-told.flatten().double().cpu().numpy())
        return np.concatenate(parts)

    def _sampler(self, sampling: SamplingConfig, plan: Plan | None = None) -> Sampler:
        stepper: Stepper | GuidedStepper = self.stepper
        if plan and plan.guidance != 1 and (plan.density or plan.register):
            stepper = GuidedStepper(self.stepper, self.training.usual(), plan.guidance)
        return Sampler(stepper, sampling, np.equal(KIND, Kind.PITCH))

    def _prepare(self, plan: Plan, seed: int, primer: Piece | None) -> Prepared:
        known, told = self.training.known, self.training.told
        if primer is None:
            random = np.random.default_rng([seed, 1])  # another one than that of the symbols
            home = Home.of_key(plan.key) if plan.key else self.training.draw_home(random)
            return Prepared(Planned(plan, known, None, home, told, random.random()), [], home)
        primer = with_key(primer, plan.key, known)
        home = Home.of(primer)
        check_primer(primer, plan, known, home)
        key = primer.keys[-1] if primer.keys else None
        prepared = Prepared(
            Planned(plan, known, key, home, told),
            encode_with_controls(home.bring(primer), plan.bars or math.inf),
            home,
        )
        for symbol in prepared.given:
            prepared.constraint.take(symbol)
        return prepared

    def _sample(
        self,
        plan: Plan,
        sampling: SamplingConfig,
        seeds: Sequence[int],
        primer: Piece | None,
        stop: Event,
    ) -> list[Piece]:
        prepared = [self._prepare(plan, seed, primer) for seed in seeds]
        given = prepared[0].given
        rows = [list(given) for _ in seeds]
        constraints = [entry.constraint for entry in prepared]
        for drawn in self._sampler(sampling, plan).sample(constraints, seeds, given):
            if stop.is_set():
                return []
            for row, symbol in drawn:
                rows[row].append(symbol)
            if len(rows[drawn[0][0]]) > LONGEST:
                raise DecodingError(
                    f"found no end within {LONGEST} symbols, expected one; name a small number of bars"
                )
        return [_read(ids, entry.home) for ids, entry in zip(rows, prepared)]


@dataclass(frozen=True)
class Prepared:
    """A piece that is about to be drawn."""

    constraint: Planned  # has taken what is given
    given: list[int]  # symbols that it begins with
    home: Home  # the way from home, where it is drawn


def _read(symbols: Sequence[int], home: Home) -> Piece:
    """A piece that was drawn at home, where it shall stand."""
    return home.lead(tidy(read_symbols(symbols).piece()))


def _follow(
    prepared: Prepared, steps: Iterator[list[tuple[int, int]]]
) -> Iterator[tuple[PieceState, int]]:
    state = PieceState()
    for symbol in prepared.given:
        state.take(symbol)
        yield state, symbol
    for ((_, symbol),) in steps:
        state.take(symbol)
        yield state, symbol
