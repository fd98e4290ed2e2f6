"""Perplexity on held-out text: a trained language model against n-grams of the same text.

    python -m benchmarks.language_model --data data/an4_text --model runs/an4_text
    python -m benchmarks.language_model

Without --data, both are trained on the embedded sentences. The n-grams are interpolated modified
Kneser-Ney over the same symbols, their order chosen on the validation set. Both are asked for the
same events: every symbol of a text and its end; a word outside a vocabulary of words is <unk> to
both. Perplexity is given for each word, ends counted.
"""

from __future__ import annotations

import logging
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from audio_rnn.config import from_command_line, require
from audio_rnn.data.sequences import SequenceBatchConfig
from audio_rnn.data.texts import UNKNOWN, Texts, encode_texts, read_texts
from audio_rnn.decoding.ngram.kneser_ney import train as train_ngrams
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.models.sequence import SequenceConfig, SequenceModel
from audio_rnn.vocabulary import BLANK_SYMBOL, SPACE, Vocabulary
from recipes.language_model.evaluate import measure
from recipes.language_model.prepare_default import Options, prepare
from recipes.language_model.train import RecipeConfig, train


@dataclass(frozen=True)
class Arguments:
    """What to compare on what."""

    data: Path | None = None  # folder that a prepare script of recipes.language_model wrote
    model: Path | None = None  # run folder of a training on it
    orders: tuple[int, ...] = (2, 3, 4, 6, 8, 10)  # of n-grams, to choose from

    def __post_init__(self) -> None:
        both = (self.data is None) == (self.model is None)
        require(both, "--data, --model", self.data or self.model, "both or none")


def main() -> None:
    """Train what is missing, print both perplexities."""
    arguments = from_command_line(Arguments, "Perplexity of a language model against n-grams.")
    logging.disable(logging.WARNING)  # of few counts, at orders that will not be chosen
    if arguments.data and arguments.model:
        compare(arguments.data, arguments.model, arguments.orders)
        return
    with tempfile.TemporaryDirectory() as name:
        data, run = Path(name) / "data", Path(name) / "run"
        prepare(Options(data))
        train(default_training(data, run))
        compare(data, run, arguments.orders)


def default_training(data: Path, run: Path) -> RecipeConfig:
    """Seconds on one core."""
    model, batches = SequenceConfig(hidden=128), SequenceBatchConfig(1000)
    return RecipeConfig(data, run, model, batches, TrainingConfig(epochs=8, rate=5e-3))


def compare(data: Path, run: Path, orders: tuple[int, ...]) -> None:
    """Print a table of both on each split."""
    model = SequenceModel.load(run)
    splits = [split for split in ("train", "valid", "test") if (data / f"{split}.txt").exists()]
    texts = {split: read_texts(data / f"{split}.txt") for split in splits}
    words = {s: sum(len(t.split()) + 1 for t in found.values()) for s, found in texts.items()}
    ngrams = best_ngrams(model.vocabulary, texts["train"], texts["valid"], orders)
    table = Table("split", "words", f"{ngrams.order}-grams", "network", "ratio")
    for split in splits[1:]:
        theirs = math.exp(ngram_nats(ngrams, model.vocabulary, texts[split]) / words[split])
        ours = measure(model, texts[split]).word_perplexity
        row = (f"{theirs:.2f}", f"{ours:.2f}", f"{ours / theirs:.3f}")
        table.add_row(split, str(words[split]), *row)
    console = Console()
    kind = f"{model.vocabulary.unit}s, {len(model.vocabulary)} with the end"
    console.print(f"{data}: perplexity per word; symbols: {kind}", highlight=False)
    console.print(table)


def best_ngrams(
    vocabulary: Vocabulary, train: Texts, valid: Texts, orders: tuple[int, ...]
) -> NgramModel:
    """The model whose order tells the validation texts best."""
    known = [shown(s) for s in vocabulary.symbols if s not in (BLANK_SYMBOL, UNKNOWN)]
    lines = [" ".join(symbols) for symbols in spelled(vocabulary, train)]
    models = [train_ngrams(lines, order, known) for order in orders]
    return min(models, key=lambda model: ngram_nats(model, vocabulary, valid))


def ngram_nats(model: NgramModel, vocabulary: Vocabulary, texts: Texts) -> float:
    """Of all texts, ends included."""
    return -sum(sum(model.score(symbols)) for symbols in spelled(vocabulary, texts))


def spelled(vocabulary: Vocabulary, texts: Texts) -> list[list[str]]:
    """The symbols of each text, as words of an n-gram model."""
    rows = encode_texts(vocabulary, texts).values()
    return [[shown(vocabulary.symbols[i]) for i in row] for row in rows]


def shown(symbol: str) -> str:
    """A symbol without white space."""
    return symbol.replace(SPACE, "▁")


if __name__ == "__main__":
    main()
