"""Word errors and time by what decoding knows: n-grams, a neural language model, or both.

    python -m benchmarks.neural_fusion --models runs/an4_s0 runs/an4_s1 --data data/an4 \\
        --characters runs/an4_text --words runs/an4_words
    python -m benchmarks.neural_fusion --models runs/kathleen --data data/kathleen \\
        --characters runs/kathleen_text --words runs/kathleen_words

Word n-grams are trained here on the texts of train.jsonl. Characters join the search (shallow
fusion) or judge its texts, words judge them only. Every line chooses its weights on valid.jsonl, as
`evaluate --tune` does; test.jsonl is decoded with those alone. Times are of the decoder by itself on
one thread: every round decodes the test set with all lines in turn.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from audio_rnn.config import from_command_line
from audio_rnn.data.manifest import read_manifest
from audio_rnn.decoding.beam.decoder import BeamDecoder
from audio_rnn.decoding.beam.knowledge import Knowledge, Weights
from audio_rnn.decoding.decoder import Decoder, decode
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.metrics.text import word_errors
from audio_rnn.models.language import LanguageModel
from audio_rnn.models.speech import SpeechModel
from recipes.held_out import held_out
from recipes.speech_recognition.hearing import listen
from recipes.speech_recognition.weights import expected_errors, search


@dataclass(frozen=True)
class Arguments:
    """What to decode, and with what."""

    models: tuple[Path, ...] = (Path("runs/default"),)  # recognisers, such as one for each seed
    data: Path = Path("data/default")  # folder with train.jsonl, valid.jsonl and test.jsonl
    characters: Path | None = None  # run of a language model of the recogniser's symbols
    words: Path | None = None  # run of a language model of words
    order: int = 3  # of the n-grams
    rounds: int = 5


@dataclass(frozen=True)
class Line:
    """A decoder to be tuned."""

    name: str
    knowledge: Knowledge
    names: Sequence[str]  # of the weights to be tuned

    def decoder(self, model: SpeechModel, weights: Weights) -> Decoder:
        """With these weights."""
        if self.name == "greedy":
            return GreedyDecoder(model.vocabulary, model.step_seconds)
        return BeamDecoder(model.vocabulary, model.step_seconds, self.knowledge, weights)


@dataclass(frozen=True)
class Heard:
    """What a recogniser makes of a manifest."""

    references: list[str]
    log_probs: list[np.ndarray]

    def wrong(self, decoder: Decoder) -> float:
        """Share of words."""
        return word_errors(self.references, [decode(decoder, x).text for x in self.log_probs]).rate

    def expected(self, decoder: Decoder) -> float:
        """Share of words that are expected to be wrong."""
        assert isinstance(decoder, BeamDecoder), "with a language model there is a search"
        words = [reference.split() for reference in self.references]
        return expected_errors(decoder, self.log_probs, words)


def main() -> None:
    """A table for every recogniser."""
    arguments = from_command_line(Arguments, "Word errors and time by language model.")
    torch.set_num_threads(1)
    lines = list(make_lines(arguments))
    for folder in arguments.models:
        model = SpeechModel.load(folder)
        valid, test = (hear(model, arguments.data, name) for name in ("valid", "test"))
        Console().print(tabulate(str(folder), model, lines, valid, test, arguments.rounds))


def make_lines(arguments: Arguments) -> Iterator[Line]:
    """All that the arguments allow."""
    texts = [u.text or "" for u in read_manifest(arguments.data / "train.jsonl")]
    ngrams, name = train(texts, arguments.order), f"{arguments.order}-grams"
    within, fused, judged = "lm_weight", "neural_weight", "rescorer_weight"
    yield Line("greedy", Knowledge(), [])
    yield Line("beam", Knowledge(), [])
    yield Line(name, Knowledge(ngrams), [within])
    if arguments.characters:
        letters = LanguageModel.load(arguments.characters)
        both, after = Knowledge(ngrams, neural=letters), Knowledge(ngrams, rescorer=letters)
        yield Line("characters", Knowledge(neural=letters), [fused])
        yield Line(f"{name}, characters", both, [within, fused])
        yield Line(f"{name}, then characters", after, [within, judged])
    if arguments.words:
        words = LanguageModel.load(arguments.words)
        after = Knowledge(ngrams, rescorer=words)
        yield Line(f"{name}, then words", after, [within, judged])


def hear(model: SpeechModel, data: Path, split: str) -> Heard:
    """The log-probabilities of a manifest's utterances."""
    answers = [*listen(model, held_out(data / f"{split}.jsonl"))]
    texts = [" ".join((utterance.text or "").split()) for utterance, _ in answers]
    return Heard(texts, [log_probs for _, log_probs in answers])


def tabulate(
    title: str, model: SpeechModel, lines: list[Line], valid: Heard, test: Heard, rounds: int
) -> Table:
    """Tune every line, then score and time all."""
    chosen = [tuned(line, model, valid) for line in lines]
    decoders = [line.decoder(model, weights) for line, weights in zip(lines, chosen)]
    seconds = time_all(decoders, test.log_probs, rounds)
    table = Table(
        "", "n-gram", "neural", "bonus", "valid", "test", "ms each", "to beam", title=title
    )
    for i, (line, weights, decoder) in enumerate(zip(lines, chosen, decoders)):
        ratios = sorted(a / b for a, b in zip(seconds[i], seconds[1]))
        table.add_row(
            line.name,
            *shown(line, weights),
            f"{valid.wrong(decoder):.2%}",
            f"{test.wrong(decoder):.2%}",
            f"{1e3 * median(seconds[i]) / len(test.log_probs):.2f}",
            f"{median(ratios):.1f} ({ratios[0]:.1f}-{ratios[-1]:.1f})",
        )
    return table


def tuned(line: Line, model: SpeechModel, valid: Heard) -> Weights:
    """The weights that `evaluate --tune` would find."""

    @cache
    def errors(weights: Weights) -> float:
        return valid.expected(line.decoder(model, weights))

    return search(line.names, errors)


def shown(line: Line, weights: Weights) -> list[str]:
    """Weights of the n-grams and of the network, and the word's bonus, as far as there are any."""
    network = "rescorer_weight" if line.knowledge.rescorer else "neural_weight"
    names = ("lm_weight", network, "word_bonus")
    tuned = [*line.names, "word_bonus"] if line.names else []
    return [f"{getattr(weights, name):g}" if name in tuned else "" for name in names]


def time_all(
    decoders: list[Decoder], recordings: list[np.ndarray], rounds: int
) -> list[list[float]]:
    """Seconds of processor that each decoder takes in each round; one before is not counted."""
    seconds: list[list[float]] = [[] for _ in decoders]
    for number in range(rounds + 1):
        for decoder, taken in zip(decoders, seconds):
            start = time.process_time()
            for log_probs in recordings:
                decode(decoder, log_probs)
            if number:
                taken.append(time.process_time() - start)
    return seconds


if __name__ == "__main__":
    main()
