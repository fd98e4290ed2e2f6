"""`audio-rnn lm`: train n-gram language models, and score texts with them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Literal, cast

import tyro

from audio_rnn.cli.writing import require_folder
from audio_rnn.errors import InputError, LanguageModelError, reason

STANDARD_INPUT = "-"
MANIFEST = ".jsonl"
Text = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TEXT")]


@dataclass(frozen=True)
class Train:
    """Train an n-gram model with modified Kneser-Ney smoothing; writes an ARPA file.

    Says on standard error what it made, and for which orders the text was too small to compute
    discounts from.
    """

    text: Text
    """Text file in UTF-8, a sentence a line, plain or gzip; - for standard input.
    Of a manifest (.jsonl) of a recipe of speech recognition, the texts."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """ARPA file; gzip if its name ends in .gz."""
    order: int = 3
    """Words in the longest n-grams."""
    unit: Literal["word", "character"] = "word"
    """character makes a model of letters, in which ▁ is the space."""
    vocabulary: Path | None = None
    """File of the words to know, between white space; any other counts as <unk>. Without it, all."""
    prune: Annotated[tuple[int, ...], tyro.conf.arg(help_behavior_hint="(default: none)")] = ()
    """For each order, n-grams that occur this often or less are left out: 0 0 1.
    The last number holds for all orders above."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace an output that exists already."""


@dataclass(frozen=True)
class Score:
    """Score a text: log-probability, unknown words, perplexity with and without them."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """ARPA file, plain or gzip."""
    text: Text
    """As in audio-rnn lm train."""
    unit: Literal["word", "character"] = "word"
    """character for a model of letters."""
    per_line: tyro.conf.FlagCreatePairsOff[bool] = False
    """Before that, a line for each sentence: its log10-probability, unknown words, text."""


Options = (
    Annotated[Train, tyro.conf.subcommand("train")]
    | Annotated[Score, tyro.conf.subcommand("score")]
)


def main(arguments: Sequence[str]) -> int:
    """Run the subcommand; returns the exit status. Raises InputError."""
    options = tyro.cli(Options, prog="audio-rnn lm", args=arguments)
    return _train(options) if isinstance(options, Train) else _score(options)


def _train(options: Train) -> int:
    from audio_rnn.decoding.ngram.kneser_ney import train

    if os.path.lexists(options.output) and not options.overwrite:
        raise InputError(
            f"--output: found {options.output}, expected none; choose another name, or replace it "
            "by --overwrite"
        )
    require_folder(options.output, "--output")
    vocabulary = _read_words(options.vocabulary) if options.vocabulary else None
    texts = _read_lines(options.text, options.unit)
    try:
        model = train(texts, options.order, vocabulary, options.prune)
    except LanguageModelError as error:
        raise LanguageModelError(f"{options.text}: {error}") from None
    model.save(options.output)
    counts = ", ".join(f"{count} {n}-grams" for n, count in enumerate(model.counts, 1))
    print(f"{options.output}: {counts}", file=sys.stderr)
    return 0


def _score(options: Score) -> int:
    from audio_rnn.decoding.ngram.model import NgramModel
    from audio_rnn.decoding.ngram.perplexity import Scores, score_text

    model = NgramModel.load(options.model)
    total = Scores()
    for text in _read_lines(options.text, options.unit):
        if text.strip():
            scores = score_text(model, text.split())
            total += scores
            if options.per_line:
                print(f"{scores.log10:.4f}\t{scores.unknown}\t{text.strip()}")
    if not total.sentences:
        raise LanguageModelError(f"{options.text}: found no text, expected a sentence a line")
    print(total.report())
    return 0


def _read_words(path: Path) -> list[str]:
    words = [word for line in _read_lines(str(path), "word") for word in line.split()]
    if not words:
        raise LanguageModelError(f"{path}: found no word, expected words between white space")
    return words


def _read_lines(name: str, unit: Literal["word", "character"]) -> Iterator[str]:
    """Lines of a text, spelled if they are to be. Raises InputError with the line."""
    from audio_rnn.decoding.ngram.model import spell

    lines = _read_text(name)
    texts = _texts(lines, name) if name.endswith(MANIFEST) else lines
    yield from map(spell, texts) if unit == "character" else texts


def _texts(lines: Iterator[str], name: str) -> Iterator[str]:
    """Those of a manifest's lines."""
    from audio_rnn.data.manifest import parse_line

    for number, line in enumerate(lines, 1):
        if line.strip():
            yield " ".join((parse_line(line, f"{name}:{number}").text or "").split())


def _read_text(name: str) -> Iterator[str]:
    from audio_rnn.decoding.ngram.packed import READ_ERRORS, unpack

    try:
        with _opened(name) as file:
            for number, line in enumerate(unpack(file), 1):
                try:
                    yield line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise InputError(f"{name}:{number}: {error}; expected text in UTF-8") from None
    except READ_ERRORS as error:
        raise InputError(
            f"{name}: cannot be read: {reason(error)}; expected a text file, plain or gzip"
        ) from error


def _opened(name: str) -> AbstractContextManager[BufferedReader]:
    if name == STANDARD_INPUT:
        return nullcontext(cast("BufferedReader", sys.stdin.buffer))
    return Path(name).open("rb")
