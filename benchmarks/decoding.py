"""CTC beam search against flashlight-text, torchaudio's ctc_decoder and pyctcdecode.

    python -m venv peers
    peers/bin/pip install 'numpy<2' flashlight-text pyctcdecode kenlm  # kenlm needs a compiler
    python -m benchmarks.decoding --peers peers

With torch and torchaudio there too, torchaudio's ctc_decoder takes part, which calls flashlight-text.

All decode the same log-probabilities with the same n-gram model and a beam of 50, on one thread.
What they may choose besides is chosen on the validation set, for each decoder alone; one of less than
2,000 words is heard several times, with noise of deviation 1.5 on the logits. First come the
weights of its language model (their scales differ) by the fewest wrong words, then letters; then the
search. Three are compared: each at its default; each at the fastest whose word error rate is at most
0.1 above its own best; and, against the peers' fastest, ours at the widest search that takes at most 0.15
of the time of the faster of them. Even thousands of words hardly show what a narrow search loses, so the
fastest is a choice by chance; in the last comparison ours does not make it. On the test set rounds alternate: in each, every decoder runs for 0.05 s at least.
Time is processor time for texts, one recording after the other for the peers, all in a call for ours,
as each is fastest; "ours, times too" is a call a recording, with times and confidences of words.

"utterances" are those of the test set; "noisy" are ten minutes made of them: six in random order,
a step that says space between two, and normal noise of deviation 1.5 on all logits.

The decoders differ in what the language model can be: flashlight-text knows words only by a lexicon,
which is all words of the model, and wants a space after each, so that a step that is surely a space is
appended; ours and pyctcdecode write any word. "ours, lexicon" is bound to the same words as
flashlight-text.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean, median

import numpy as np
from rich.console import Console
from rich.table import Table

from audio_rnn.config import from_command_line
from audio_rnn.vocabulary import SPACE
from benchmarks._choice import (
    choose_weights,
    fastest,
    rate,
    try_searches,
    widest,
    words_in,
    wrong_words,
)
from benchmarks._contenders import (
    OURS,
    OURS_CLOSED,
    OURS_TIMED,
    Contender,
    Settings,
    contenders,
)
from benchmarks._corpus import SPLITS, Corpus, Spoken, load, noisy
from benchmarks._peers import Peers

NOISY_SECONDS = 600
LEAST = 0.05  # seconds that a decoder runs in a round, so that none starts cold
SHARE = 0.15  # of the faster peer's time, on the validation set
RESAMPLES = 2000  # of utterances, for the interval of a difference


@dataclass(frozen=True)
class Arguments:
    """What to compare, and on what."""

    peers: Path = Path("peers")  # virtual environment of the peers
    models: tuple[Path, ...] = (Path("runs/an4_s0"), Path("runs/kathleen"))  # run folders
    data: tuple[Path, ...] = (Path("data/an4"), Path("data/kathleen"))  # manifests of each
    rounds: int = 7  # each runs every decoder once
    seed: int = 0  # of the noise


@dataclass(frozen=True, eq=False)
class Result:
    """What a decoder did with a test set."""

    name: str
    settings: Settings
    seconds: list[float]  # of each round
    texts: list[str]


def main() -> int:
    """A table for each corpus."""
    arguments = from_command_line(Arguments, "CTC beam search against other decoders.")
    if not (arguments.peers / "bin" / "python").exists():
        print(f"skipped: no {arguments.peers}; the first lines of this script tell how to make it")
        return 0
    console = Console(width=None if sys.stdout.isatty() else 150)
    for model, data in zip(arguments.models, arguments.data, strict=True):
        corpus = load(model, data)
        if corpus:
            compare(corpus, arguments, console)
    return 0


def compare(corpus: Corpus, arguments: Arguments, console: Console) -> None:
    """Run all decoders on all sets of a corpus, with and without its language model."""
    sets = _all_sets(corpus, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        peers = Peers(arguments.peers, Path(folder), corpus, sets)
        for kind, with_lm in product(("utterances", "noisy"), (False, True)):
            title = f"{corpus.name}, {kind}, {'with' if with_lm else 'without'} language model"
            found, test = contenders(corpus, sets, peers, with_lm), f"{kind} test"
            for name, chosen in choose(found, f"{kind} valid", sets).items():
                results = race(found, chosen, test, arguments.rounds)
                console.print(_table(f"{title}, {name}", results, sets[test]))
        peers.close()


def choose(
    found: Sequence[Contender], name: str, sets: dict[str, list[Spoken]]
) -> dict[str, dict[str, Settings]]:
    """Settings of all decoders by name, for each of the three comparisons."""
    weights = {own.name: choose_weights(own, name, sets) for own in found if not own.like}
    defaults = {own: {**_named(found, own).searches[0], **w} for own, w in weights.items()}
    tried = {own: try_searches(_named(found, own), name, sets, w) for own, w in weights.items()}
    quick = {own: fastest(rows) for own, rows in tried.items()}
    limit = SHARE * min(one.seconds for own, one in quick.items() if own not in (OURS, OURS_CLOSED))
    wide = {own: widest(tried[own], limit) for own in tried if own in (OURS, OURS_CLOSED)}
    chosen = {
        "default search": defaults,
        "fastest search": {own: one.settings for own, one in quick.items()},
        f"{SHARE:g} of the time": {own: one.settings for own, one in (quick | wide).items()},
    }
    like = {own.name: own.like or own.name for own in found}
    return {kind: {own: of[like[own]] for own in like} for kind, of in chosen.items()}


def _named(found: Sequence[Contender], name: str) -> Contender:
    return next(own for own in found if own.name == name)


def race(
    found: Sequence[Contender], chosen: dict[str, Settings], name: str, rounds: int
) -> list[Result]:
    """Let all decode a set in turn, as often in a round as takes LEAST seconds."""
    first = [own.run(name, chosen[own.name]) for own in found]
    often = [math.ceil(LEAST / seconds) for seconds, _ in first]
    runs = [
        [
            mean([own.run(name, chosen[own.name])[0] for _ in range(times)])
            for own, times in zip(found, often)
        ]
        for _ in range(rounds)
    ]
    return [
        Result(own.name, chosen[own.name], list(seconds), texts)
        for own, seconds, (_, texts) in zip(found, zip(*runs), first)
    ]


def _all_sets(corpus: Corpus, seed: int) -> dict[str, list[Spoken]]:
    sets = {"utterances valid": corpus.sets["tuning"], "utterances test": corpus.sets["test"]}
    space, steps = corpus.vocabulary.ids[SPACE], round(NOISY_SECONDS / corpus.step_seconds)
    return sets | {
        f"noisy {split}": noisy(corpus.sets[split], space, steps, seed) for split in SPLITS
    }


def _table(title: str, results: Sequence[Result], spoken: Sequence[Spoken]) -> Table:
    steps = sum(len(one.log_probs) for one in spoken)
    ours = [result for result in results if result.name in (OURS, OURS_CLOSED)]
    table = Table("decoder", "word errors", "frames/s", title=f"{title}, {steps:,} steps")
    for own in ours:
        table.add_column(f"{own.name}: time / its")
        table.add_column(f"{own.name}: word errors more (95 %)")
    for result in results:
        speed = f"{steps / median(result.seconds):,.0f}"
        cells = [result.name, f"{100 * rate(spoken, result.texts):.2f} %", speed]
        for own in ours:
            mine = result.name in (OURS, OURS_CLOSED, OURS_TIMED)
            cells += ["", ""] if mine else _against(own, result, spoken)
        table.add_row(*cells)
    table.caption = "\n".join(f"{result.name}: {_said(result.settings)}" for result in results)
    return table


def _said(settings: Settings) -> str:
    return " ".join(f"{name}={value}" for name, value in settings.items())


def _against(ours: Result, theirs: Result, spoken: Sequence[Spoken]) -> list[str]:
    """Ratio of times with its spread, difference of word error rates with its interval."""
    ratios = [a / b for a, b in zip(ours.seconds, theirs.seconds, strict=True)]
    more = wrong_words(spoken, ours.texts) - wrong_words(spoken, theirs.texts)
    points, low, high = _difference(more, words_in(spoken))
    return [
        f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        f"{points:+.2f} ({low:+.2f} to {high:+.2f})",
    ]


def _difference(errors: np.ndarray, words: np.ndarray) -> tuple[float, float, float]:
    """Points of word error rate, with the interval of a bootstrap over utterances (Bisani and Ney
    2004)."""
    drawn = np.random.default_rng(0).integers(0, len(words), (RESAMPLES, len(words)))
    rates = 100 * errors[drawn].sum(axis=1) / words[drawn].sum(axis=1)
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(100 * errors.sum() / words.sum()), float(low), float(high)


if __name__ == "__main__":
    sys.exit(main())
