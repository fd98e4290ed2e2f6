"""Hotwords: how many rare words they bring back, and what that costs the others.

    python -m benchmarks.hotwords
    python -m benchmarks.hotwords --models runs/an4_s0 runs/an4_s1 --data data/an4 data/an4

The hotwords are 30 words of the test set that the training transcripts have least often; where more
are as rare, 30 of them, drawn --draws times. Recall is the share of their occurrences that are
recognised. The rest is all other words; a hotword where none was said is an error of the rest. One
boost for all models of a corpus and all draws is chosen with such words of the validation set, of
those that make the rest worse by 0.2 points at most: the lowest that finds half of what was missing,
or else the one that finds the most. The weights of the language model are chosen there too, for each
model; it is a 3-gram of the training transcripts, or of order 1 and of the list of their words. Without
one, `transcribe` knows that list as soon as there are hotwords, with its usual weights: "none" is before
and after that, "letters" with hotwords alone. A validation set of less than 2,000 words is heard several
times, with noise on the logits: of 500, one error is 0.2 points.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.table import Table

from audio_rnn.config import from_command_line
from audio_rnn.decoding.beam.batch import decode_texts
from audio_rnn.decoding.beam.knowledge import Knowledge, Weights
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.decoding.ngram.uniform import uniform
from benchmarks._choice import choose_weights
from benchmarks._contenders import Settings, make_decoder, ours
from benchmarks._corpus import Corpus, load

COUNT = 30
SETS = ("tuning", "test")
ENOUGH = 0.5  # of the missing occurrences
PRICE = 0.002  # what the word error rate of the rest may rise
USUAL: Settings = {"word_bonus": Weights().word_bonus}
Lms = tuple[NgramModel | None, NgramModel | None]  # without hotwords, and beside them
LMS: dict[str, Callable[[Corpus], Lms]] = {
    "letters": lambda _: (None, None),
    "none": lambda corpus: (None, uniform(corpus.words)),
    "words": lambda corpus: (lm := train(corpus.words, order=1), lm),
    "3-gram": lambda corpus: (corpus.lm, corpus.lm),
}
BOOSTS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)  # nats a letter


@dataclass(frozen=True)
class Arguments:
    """What to decode."""

    models: tuple[Path, ...] = (Path("runs/an4"), Path("runs/kathleen"))  # run folders
    data: tuple[Path, ...] = (Path("data/an4"), Path("data/kathleen"))  # manifests of each model
    draws: int = 5  # of hotwords


@dataclass(frozen=True)
class Score:
    """Counts of words."""

    found: int = 0  # of the occurrences of hotwords
    hot: int = 0
    wrong: int = 0  # of the rest
    rest: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.found + other.found,
            self.hot + other.hot,
            self.wrong + other.wrong,
            self.rest + other.rest,
        )

    @property
    def recall(self) -> float:
        """Per cent of the hotwords that are recognised."""
        return 100 * self.found / self.hot

    @property
    def wer(self) -> float:
        """Per cent of the rest that is wrong."""
        return 100 * self.wrong / self.rest


def main() -> int:
    """One table for all corpora."""
    arguments = from_command_line(Arguments, "What hotwords bring, and what they cost.")
    table = Table("data", "models", "LM", "boost", "recall", "of what was missing", "WER of rest")
    pairs = list(zip(arguments.models, arguments.data, strict=True))
    for data in dict.fromkeys(arguments.data):
        corpora = [corpus for model, d in pairs if d == data and (corpus := load(model, d))]
        for name, lm_of in LMS.items() if corpora else ():
            cells = row([Trial.of(c, lm_of(c), arguments.draws) for c in corpora])
            table.add_row(str(data), f"{len(corpora)}", name, *cells)
    if table.rows:
        Console(width=None if sys.stdout.isatty() else 120).print(table)
    return 0


@dataclass(frozen=True, eq=False)
class Trial:
    """A model with the hotwords that it is tried with."""

    corpus: Corpus
    lms: Lms
    weights: Settings
    hotwords: dict[str, list[list[str]]]  # of each set, by draw

    @classmethod
    def of(cls, corpus: Corpus, lms: Lms, draws: int) -> Trial:
        """With weights that suit the validation set, or the usual ones where hotwords bring a list."""
        weights = USUAL
        if lms[0] is lms[1]:
            contender = ours("ours", corpus, corpus.sets, Knowledge(lms[0]))
            weights = choose_weights(contender, "tuning", corpus.sets)
        words = {name: [rare_words(corpus, name, n) for n in range(draws)] for name in SETS}
        return cls(corpus, lms, weights, words)

    def scores(self, split: str, boost: float) -> list[Score]:
        """Of each draw; a boost of 0 is none."""
        return [self._score(split, words, boost) for words in self.hotwords[split]]

    def _score(self, split: str, words: list[str], boost: float) -> Score:
        hotwords = dict.fromkeys(words, boost) if boost else {}
        knowledge = Knowledge(self.lms[bool(hotwords)], hotwords=hotwords)
        decoder = make_decoder(self.corpus, knowledge, self.weights)
        spoken = self.corpus.sets[split]
        texts = decode_texts(decoder, [one.log_probs for one in spoken])
        found = [score(one.text, text, set(words)) for one, text in zip(spoken, texts)]
        return sum(found, Score())


def row(trials: Sequence[Trial]) -> list[str]:
    """Means over models and draws, lowest and highest in brackets."""
    boost = choose_boost(trials)
    before, after = (
        [score for trial in trials for score in trial.scores("test", b)] for b in (0.0, boost)
    )
    gained = [100 * (a.found - b.found) / max(1, b.hot - b.found) for b, a in zip(before, after)]
    changes = [a.wer - b.wer for b, a in zip(before, after)]
    return [
        f"{boost:g}",
        f"{_mean([b.recall for b in before])} to {_mean([a.recall for a in after])}",
        f"{_mean(gained)} %",
        f"{np.mean([b.wer for b in before]):.2f} {_mean(changes, '+.2f')}",
    ]


def choose_boost(trials: Sequence[Trial]) -> float:
    """The lowest boost that finds enough words of the validation set at the price that is allowed,
    or else the one that finds the most."""
    before, *after = (
        sum((score for trial in trials for score in trial.scores("tuning", boost)), Score())
        for boost in (0.0, *BOOSTS)
    )
    limit = before.wrong + PRICE * before.rest
    enough = before.found + ENOUGH * (before.hot - before.found)
    allowed = [(-min(s.found, enough), b) for s, b in zip(after, BOOSTS) if s.wrong <= limit]
    return min(allowed, default=(0, BOOSTS[0]))[1]


def rare_words(corpus: Corpus, split: str, draw: int) -> list[str]:
    """COUNT words of a set, among those that the training transcripts have least often."""
    seen = Counter(word for text in corpus.train_texts for word in text.split())
    words = sorted({word for one in corpus.sets[split] for word in one.text.split()})
    limit = sorted(seen[word] for word in words)[min(COUNT, len(words)) - 1]
    fewer = [word for word in words if seen[word] < limit]
    equal = [word for word in words if seen[word] == limit]
    return fewer + random.Random(draw).sample(equal, min(COUNT, len(words)) - len(fewer))


def score(reference: str, text: str, hotwords: set[str]) -> Score:
    """Counts of one text."""
    said, written = reference.split(), text.split()
    found = [False] * len(said)
    inserted = 0
    for edit in Levenshtein.opcodes(said, written):
        if edit.tag == "equal":
            found[edit.src_start : edit.src_end] = [True] * (edit.src_end - edit.src_start)
        elif edit.tag == "insert":
            inserted += edit.dest_end - edit.dest_start
    hot = [ok for word, ok in zip(said, found) if word in hotwords]
    rest = [ok for word, ok in zip(said, found) if word not in hotwords]
    return Score(sum(hot), len(hot), len(rest) - sum(rest) + inserted, len(rest))


def _mean(values: Sequence[float], form: str = ".0f") -> str:
    return f"{np.mean(values):{form}} ({min(values):{form}} to {max(values):{form}})"


if __name__ == "__main__":
    sys.exit(main())
