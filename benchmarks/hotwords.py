"""Hotwords: how many rare words they bring back, and what that costs the others.

    python -m benchmarks.hotwords
    python -m benchmarks.hotwords --models runs/an4 --data data/an4

The hotwords are 30 words of the test set that the training transcripts have least often; where more
are as rare, 30 of them, drawn --draws times. Recall is the share of their occurrences that are
recognised. The rest is all other words; a hotword where none was said is an error of the rest. The boost
is chosen with 30 such words of the validation set: the highest recall, then the lowest boost, of those
that make the rest worse by 0.2 points at most, or one word where that is more. The weights of the
language model are chosen there too.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.table import Table

from audio_rnn.config import from_command_line
from audio_rnn.decoding.beam.fusion import Knowledge
from audio_rnn.decoding.decoder import decode
from benchmarks._choice import choose_weights
from benchmarks._contenders import Settings, make_decoder, ours
from benchmarks._corpus import Corpus, Spoken, load

COUNT = 30
PRICE = 0.002  # what the word error rate of the rest may rise
BOOSTS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)  # nats a letter


@dataclass(frozen=True)
class Arguments:
    """What to decode."""

    models: tuple[Path, ...] = (Path("runs/an4"), Path("runs/kathleen"))  # run folders
    data: tuple[Path, ...] = (Path("data/an4"), Path("data/kathleen"))  # manifests of each
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
    table = Table(
        "model", "language model", "boost", "recall", "of what was missing", "WER of rest"
    )
    for model, data in zip(arguments.models, arguments.data, strict=True):
        corpus = load(model, data)
        for with_lm in (False, True) if corpus else ():
            table.add_row(str(model), "yes" if with_lm else "no", *row(corpus, with_lm, arguments))
    if table.rows:
        Console(width=None if sys.stdout.isatty() else 120).print(table)
    return 0


def row(corpus: Corpus | None, with_lm: bool, arguments: Arguments) -> list[str]:
    """Means over all draws of hotwords, lowest and highest in brackets."""
    assert corpus
    knowledge = Knowledge(corpus.lm) if with_lm else Knowledge()
    weights = choose_weights(ours("ours", corpus, corpus.sets, knowledge), "valid", corpus.sets)
    pairs, boosts = [], []
    for draw in range(arguments.draws):
        words = {split: rare_words(corpus, split, draw) for split in corpus.sets}
        boosts.append(choose_boost(corpus, words["valid"], with_lm, weights))
        test = corpus.sets["test"], words["test"]
        pairs.append(
            [recognise(corpus, *test, with_lm, weights, boost) for boost in (0.0, boosts[-1])]
        )
    gained = [
        100 * (after.found - before.found) / max(1, before.hot - before.found)
        for before, after in pairs
    ]
    changes = [after.wer - before.wer for before, after in pairs]
    return [
        f"{min(boosts):g} to {max(boosts):g}" if len(set(boosts)) > 1 else f"{boosts[0]:g}",
        f"{_mean([b.recall for b, _ in pairs])} to {_mean([a.recall for _, a in pairs])}",
        f"{_mean(gained)} %",
        f"{np.mean([b.wer for b, _ in pairs]):.2f} {_mean(changes, '+.2f')}",
    ]


def choose_boost(corpus: Corpus, words: Sequence[str], with_lm: bool, weights: Settings) -> float:
    """The boost that finds the most words of the validation set at the price that is allowed."""
    spoken = corpus.sets["valid"]
    before, *after = (
        recognise(corpus, spoken, words, with_lm, weights, boost) for boost in (0.0, *BOOSTS)
    )
    limit = before.wrong + max(1.0, PRICE * before.rest)
    allowed = [(-s.found, boost) for s, boost in zip(after, BOOSTS) if s.wrong <= limit]
    return min(allowed, default=(0, BOOSTS[0]))[1]


def rare_words(corpus: Corpus, split: str, draw: int) -> list[str]:
    """COUNT words of a set, among those that the training transcripts have least often."""
    seen = Counter(word for text in corpus.train_texts for word in text.split())
    words = sorted({word for one in corpus.sets[split] for word in one.text.split()})
    limit = sorted(seen[word] for word in words)[min(COUNT, len(words)) - 1]
    fewer = [word for word in words if seen[word] < limit]
    equal = [word for word in words if seen[word] == limit]
    return fewer + random.Random(draw).sample(equal, min(COUNT, len(words)) - len(fewer))


def recognise(
    corpus: Corpus,
    spoken: Sequence[Spoken],
    words: Sequence[str],
    with_lm: bool,
    weights: Settings,
    boost: float,
) -> Score:
    """Decode a set with these hotwords; a boost of 0 is none."""
    hotwords = dict.fromkeys(words, boost) if boost else {}
    knowledge = Knowledge(corpus.lm if with_lm else None, hotwords=hotwords)
    decoder = make_decoder(corpus, knowledge, weights)
    scores = [score(one.text, decode(decoder, one.log_probs).text, set(words)) for one in spoken]
    return sum(scores, Score())


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
