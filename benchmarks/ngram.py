"""n-gram language model: reading an ARPA file and asking for words, against KenLM's Python module.

    pip install -e '.[peers]'
    python -m benchmarks.ngram
    python -m benchmarks.ngram --tokens 100000 --rounds 3

The model is a 3-gram one, trained here on a random walk through 20,000 words. Every round runs all
sides; the log-probabilities are compared before anything is timed. "A word at a time" is how a
decoder asks: from Python with KenLM, from compiled code with ours.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import numba
import numpy as np
from numpy.typing import NDArray

from audio_rnn.config import from_command_line
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.ngram.model import NgramModel, NgramTables, advance

try:
    import kenlm
except ImportError:
    raise SystemExit("found no kenlm; pip install -e '.[peers]', which needs a compiler") from None

WORDS, FOLLOWERS, LENGTH = 20_000, 40, 20
ORDER, TOLERANCE = 3, 1e-5

Side = Callable[[], object]


@dataclass(frozen=True)
class Arguments:
    """What to time."""

    tokens: int = 700_000  # of the text to train on, which make about as many n-grams
    scored: int = 100_000  # tokens that are asked for
    rounds: int = 7  # each runs every side once


def main() -> None:
    """Train, check that the values are equal, then print times and ratios."""
    arguments = from_command_line(Arguments, "n-gram model against KenLM's Python module.")
    texts = random_walk(arguments.tokens + arguments.scored)
    scored = texts[arguments.tokens // LENGTH :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "walk.arpa"
        start = time.perf_counter()
        train(texts[: arguments.tokens // LENGTH], ORDER).save(path)
        print(f"trained and written in {time.perf_counter() - start:.1f} s")
        compare(path, scored, arguments.rounds)


def compare(path: Path, texts: list[str], rounds: int) -> None:
    """Time both, in turn."""
    ours, theirs = NgramModel.load(path), kenlm.Model(str(path))
    print(f"{sum(ours.counts):,} n-grams, {path.stat().st_size / 1e6:.0f} MB as ARPA")
    print(f"{sum(table.nbytes for table in ours.tables) / 1e6:.0f} MB of tables")
    ids = [np.append(ours.encode(text.split()), ours.end).astype(np.int32) for text in texts]
    tokens = np.concatenate(ids)
    _check_equal(ours, theirs, texts)
    tasks: dict[str, tuple[int, Side, Side]] = {
        "read": (
            sum(ours.counts),
            partial(NgramModel.load, path),
            partial(kenlm.Model, str(path)),
        ),
        "a sentence at a time": (
            len(tokens),
            partial(_our_sentences, ours, texts),
            partial(_their_sentences, theirs, texts),
        ),
        "a word at a time": (
            len(tokens),
            partial(_walk, ours.tables, ours.start, ours.end, tokens),
            partial(_their_words, theirs, [[*text.split(), "</s>"] for text in texts]),
        ),
    }
    for name, (count, our, their) in tasks.items():
        _report(name, count, *_times(our, their, rounds))


def random_walk(tokens: int) -> list[str]:
    """Sentences in which few words are frequent, and each goes to a few others most of the time."""
    numbers = np.random.default_rng(0)
    frequency = 1 / np.arange(1, WORDS + 1)
    frequency /= frequency.sum()
    followers = numbers.choice(WORDS, (WORDS, FOLLOWERS), p=frequency)
    word = numbers.choice(WORDS, tokens // LENGTH, p=frequency)  # of every sentence
    rows = [word]
    for _ in range(LENGTH - 1):
        likely = followers[word, numbers.integers(0, FOLLOWERS, len(word))]
        other = numbers.choice(WORDS, len(word), p=frequency)
        word = np.where(numbers.random(len(word)) < 0.7, likely, other)
        rows.append(word)
    return [" ".join(f"w{word}" for word in row) for row in np.stack(rows, 1)]


def _times(our: Side, their: Side, rounds: int) -> tuple[list[float], list[float]]:
    our(), their()  # once untimed: compilation, caches
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for side, own in zip((our, their), times):
            start = time.perf_counter()
            side()
            own.append(time.perf_counter() - start)
    return times


def _report(name: str, count: int, ours: list[float], theirs: list[float]) -> None:
    ratios = [b / a for a, b in zip(ours, theirs)]
    print(
        f"{name:22} ours {median(ours) / count * 1e9:6.0f} ns each, KenLM "
        f"{median(theirs) / count * 1e9:6.0f}; ours is {median(ratios):.2f} times as fast "
        f"({min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} rounds)"
    )


def _check_equal(ours: NgramModel, theirs: kenlm.Model, texts: list[str]) -> None:
    worst = 0.0
    for text in texts:
        expected = [log10 * np.log(10) for log10, *_ in theirs.full_scores(text)]
        worst = max(worst, float(np.abs(np.subtract(ours.score(text.split()), expected)).max()))
    print(f"largest difference of a log-probability: {worst:.2g}")
    if not worst < TOLERANCE:
        raise SystemExit("values differ from KenLM's; the times would mean nothing")


def _our_sentences(model: NgramModel, texts: list[str]) -> float:
    return sum(sum(model.score(text.split())) for text in texts)


def _their_sentences(model: kenlm.Model, texts: list[str]) -> float:
    return sum(model.score(text) for text in texts)


def _their_words(model: kenlm.Model, texts: list[list[str]]) -> float:
    total, start, state, after = 0.0, kenlm.State(), kenlm.State(), kenlm.State()
    model.BeginSentenceWrite(start)
    for words in texts:
        state = start
        for word in words:
            total += model.BaseScore(state, word, after)
            state, after = after, kenlm.State()
    return total


@numba.njit(nogil=True)
def _walk(tables: NgramTables, start: int, end: int, tokens: NDArray[np.int32]) -> float:
    total, state = 0.0, start
    for token in tokens:
        log_prob, state = advance(tables, state, token)
        total += log_prob
        if token == end:
            state = start
    return total


if __name__ == "__main__":
    main()
