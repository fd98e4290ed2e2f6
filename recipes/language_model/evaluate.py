"""Score a trained language model on a text file, a sentence a line.

python -m recipes.language_model.evaluate --model runs/an4_text --text data/an4_text/test.txt
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table
from torch import tensor

from audio_rnn.cli.shell import run_command
from audio_rnn.data.sequences import SequenceBatchConfig, SequenceBatches
from audio_rnn.data.texts import UNKNOWN, Texts, encode_texts, read_texts
from audio_rnn.device import choose_device
from audio_rnn.models.sequence import SequenceModel
from recipes.command import program

TOGETHER = SequenceBatchConfig(symbols=10_000)


@dataclass(frozen=True)
class Options:
    """What to score."""

    model: Path  # run folder or model folder
    text: Path  # text file, a sentence a line
    device: str = "auto"  # auto, cpu, cuda or cuda:N


@dataclass(frozen=True)
class Likelihood:
    """How well texts were told. The end of each text counts as a symbol and as a word."""

    nats: float
    symbols: int
    words: int
    unknown: int  # words told as UNKNOWN only

    @property
    def symbol_perplexity(self) -> float:
        """Exponential of nats per symbol."""
        return float(tensor(self.nats / self.symbols).exp())

    @property
    def word_perplexity(self) -> float:
        """Exponential of nats per word, comparable between models of other symbols."""
        return float(tensor(self.nats / self.words).exp())


def evaluate(options: Options) -> Likelihood:
    """Score and print. Raises: InputError."""
    texts = read_texts(options.text)
    model = SequenceModel.load(options.model).to(choose_device(options.device))
    likelihood = measure(model, texts)
    show(Console(), likelihood, len(texts))
    return likelihood


def measure(model: SequenceModel, texts: Texts) -> Likelihood:
    """Sums over all texts. Raises: VocabularyError for a symbol that the model cannot tell."""
    sequences = encode_texts(model.vocabulary, texts)
    device = model.embedding.weight.device
    batches = SequenceBatches(sequences, TOGETHER).epoch(0)
    unknown = model.vocabulary.ids.get(UNKNOWN)
    return Likelihood(
        nats=-sum(float(model.score_batch(batch.to(device)).sum()) for batch in batches),
        symbols=sum(len(ids) + 1 for ids in sequences.values()),
        words=sum(len(text.split()) + 1 for text in texts.values()),
        unknown=sum(ids.count(unknown) for ids in sequences.values()) if unknown else 0,
    )


def show(console: Console, likelihood: Likelihood, texts: int) -> None:
    """A table of perplexities."""
    table = Table("", "count", "nats each", "perplexity", title=f"{texts} texts, ends counted")
    nats = likelihood.nats
    for name, count, perplexity in (
        ("symbols", likelihood.symbols, likelihood.symbol_perplexity),
        ("words", likelihood.words, likelihood.word_perplexity),
    ):
        table.add_row(name, str(count), f"{nats / count:.4f}", f"{perplexity:.3f}")
    console.print(table)
    if likelihood.unknown:
        console.print(
            f"{likelihood.unknown} words are outside the vocabulary and counted as {UNKNOWN}, "
            "which is easier to tell than the words themselves",
            highlight=False,
        )


def main() -> None:
    """Command line."""
    evaluate(tyro.cli(Options, prog=program(), description=__doc__))


if __name__ == "__main__":
    run_command(main)
