"""Score a trained recogniser on a prepared manifest, or tune its decoder on one.

python -m recipes.speech_recognition.evaluate --model runs/an4 --manifest data/an4/test.jsonl

With language models, first find their weights on held-out data, which saves them with the model:

python -m recipes.speech_recognition.evaluate --model runs/an4 --lm an4.arpa --tune --manifest data/an4/valid.jsonl
python -m recipes.speech_recognition.evaluate --model runs/an4 --lm an4.arpa --manifest data/an4/test.jsonl
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from audio_rnn.cli.shell import run_command
from audio_rnn.data.manifest import Utterance
from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.device import choose_device
from audio_rnn.errors import ManifestError, VocabularyError
from audio_rnn.inference.decoders import make_decoder, texts_of
from audio_rnn.metrics.text import ErrorCounts, character_errors, word_errors
from audio_rnn.models.speech import SpeechModel
from audio_rnn.storage import write_text
from audio_rnn.vocabulary import Vocabulary
from recipes.command import program
from recipes.held_out import Recording, held_out
from recipes.speech_recognition.hearing import listen
from recipes.speech_recognition.tune import tune


@dataclass(frozen=True)
class Options:
    """What to score, and where to write it."""

    model: Path  # run folder or model folder
    manifest: Path  # the utterances and their true texts, or NAME.shards.jsonl of tar shards
    device: str = "auto"  # auto, cpu, cuda or cuda:N
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = (
        None  # JSON lines, one an utterance
    )
    batch_seconds: float = 200.0  # padded audio at once
    worst: int = 10  # utterances with the most errors to show
    source: str | None = None  # of shards, if not beside their index: a folder, or pipe:COMMAND
    tune: tyro.conf.FlagCreatePairsOff[bool] = False  # find and save weights and --word-bonus
    decoding: Annotated[DecodingConfig, tyro.conf.arg(name="")] = field(
        default_factory=DecodingConfig
    )


def evaluate(options: Options) -> tuple[ErrorCounts, ErrorCounts]:
    """Counts over words and over characters. Prints them, and the worst utterances."""
    parts = (_with_texts(part) for part in held_out(options.manifest, options.source))
    model = SpeechModel.load(options.model).to(choose_device(options.device))
    answers = [*listen(model, parts, options.batch_seconds)]
    utterances, log_probs = [u for u, _ in answers], [scores for _, scores in answers]
    references = [" ".join((u.text or "").split()) for u in utterances]
    warn_of_texts(model.vocabulary, references)
    if options.tune:
        tune(options.model, model, options.decoding, log_probs, utterances, options.manifest)
    decoder = make_decoder(model, options.model, options.decoding)
    texts = texts_of(decoder, log_probs)
    words, characters = word_errors(references, texts), character_errors(references, texts)
    show_scores(Console(), words, characters)
    show_worst(Console(), utterances, references, texts, options.worst)
    if options.output:
        rows = [
            {"id": u.id, "text": r, "recognised": t}
            for u, r, t in zip(utterances, references, texts)
        ]
        scores = {"words": asdict(words), "characters": asdict(characters)}
        lines = [json.dumps(row, ensure_ascii=False) for row in [scores, *rows]]
        write_text(options.output, "".join(line + "\n" for line in lines))
    return words, characters


def _with_texts(part: list[Recording]) -> list[Recording]:
    """The same. Raises: ManifestError for one of which no text is told."""
    for recording in part:
        if recording.utterance.text is None:
            raise ManifestError(
                f"{recording.utterance.id}: found no text, expected the one that is spoken; name a "
                "manifest of speech"
            )
    return part


def warn_of_texts(vocabulary: Vocabulary, references: list[str]) -> None:
    """Say on standard error which true texts the model cannot write: each counts as errors."""
    problems = []
    for text in references:
        try:
            if not vocabulary.encode(text):
                problems.append("a text is empty")
        except VocabularyError as error:
            problems.append(str(error).partition(";")[0])
    if problems:
        print(
            f"{len(problems)} of {len(references)} texts cannot be recognised without error, "
            f"such as: {problems[0]}; prepare them as the training texts were",
            file=sys.stderr,
        )


def show_scores(console: Console, words: ErrorCounts, characters: ErrorCounts) -> None:
    """A table of counts and rates."""
    table = Table("", "units", "substituted", "deleted", "inserted", "rate")
    for name, counts in (("words", words), ("characters", characters)):
        numbers = (counts.references, counts.substitutions, counts.deletions, counts.insertions)
        table.add_row(name, *map(str, numbers), f"{counts.rate:.2%}")
    console.print(table)


def show_worst(
    console: Console,
    utterances: list[Utterance],
    references: list[str],
    texts: list[str],
    count: int,
) -> None:
    """The utterances with the most word errors, true text above the recognised one."""
    errors = [word_errors([r], [t]).errors for r, t in zip(references, texts)]
    order = sorted(range(len(errors)), key=lambda i: -errors[i])[:count]
    for i in order:
        if errors[i]:
            console.print(
                f"{utterances[i].id} ({errors[i]} errors)\n  {references[i]}\n  {texts[i]}",
                highlight=False,
            )


def main() -> None:
    """Command line."""
    evaluate(tyro.cli(Options, prog=program(), description=__doc__))


if __name__ == "__main__":
    run_command(main)
