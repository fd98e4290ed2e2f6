"""Prepare texts to model: a text file, a sentence a line, or a folder with splits.

SOURCE is a text file, of which lines are held out; or a folder with train.txt, or with train.jsonl
as the recipes of speech recognition prepare it, and valid and test of the same kind if there are.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from audio_rnn.data.manifest import read_manifest
from audio_rnn.data.texts import UNKNOWN, read_texts
from audio_rnn.errors import InputError
from audio_rnn.vocabulary import BLANK_SYMBOL, Vocabulary
from recipes.language_model.corpus import SPLITS, write_corpus
from recipes.prepare import Source, run
from recipes.speech_recognition import make_vocabulary
from recipes.speech_recognition.prepare_folder import NORMALISERS


@dataclass(frozen=True)
class Options:
    source: Source
    """Text file, or folder with train.txt or train.jsonl."""
    output: Path = Path("data/text")
    """Folder for texts and vocabulary."""
    text: Literal["keep", "plain", "english"] = "keep"
    """plain: lower case, no punctuation; english: numbers and abbreviations spelled, too."""
    unit: Literal["character", "symbol", "piece"] = "character"
    """character: letters and space; symbol: words; piece: sentencepiece units."""
    minimum_count: int = 2
    """Words that training says less often become <unk> (unit symbol); 1 keeps all and knows no
    <unk>."""
    size: int = 200
    """Number of pieces (unit piece)."""
    vocabulary: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Take these symbols, as those of the recogniser that the model is to help; any unit."""
    valid_share: float = 0.05
    """Share of the lines of a text file held out for validation."""
    test_share: float = 0.05
    """Share of the lines of a text file held out for testing."""


def prepare(options: Options) -> None:
    """Write the texts and the vocabulary. Raises: InputError."""
    _check(options)
    splits = read_splits(options)
    normalise = NORMALISERS[options.text]
    plain = {split: [normalise(text) for text in texts] for split, texts in splits.items()}
    kept = {split: [text for text in texts if text] for split, texts in plain.items()}
    write_corpus(options.output, kept, choose_vocabulary(options, kept))


def read_splits(options: Options) -> dict[str, list[str]]:
    """The texts of each split, as they stand in the source. Raises: InputError."""
    source = options.source
    if source.is_file():
        texts = list(read_texts(source).values())
        return hold_out(texts, options.valid_share, options.test_share)
    kind = "jsonl" if (source / "train.jsonl").exists() else "txt"
    if not (source / f"train.{kind}").exists():
        raise InputError(
            f"{source}: found neither a text file nor a folder with train.txt or train.jsonl, "
            "expected one of them"
        )
    paths = {split: source / f"{split}.{kind}" for split in SPLITS}
    return {split: _texts(path) for split, path in paths.items() if path.exists()}


def hold_out(texts: list[str], valid_share: float, test_share: float) -> dict[str, list[str]]:
    """Texts by split, by their hashes, so that equal ones are together and none is in two.

    Raises: InputError when there is nothing to choose from.
    """
    distinct = sorted(set(texts), key=lambda text: hashlib.sha256(text.encode()).digest())
    test, valid = (
        max(1, round(share * len(distinct))) if share else 0 for share in (test_share, valid_share)
    )
    if test + valid >= len(distinct):
        raise InputError(
            f"found {len(distinct)} different texts, expected more than {test + valid} to hold "
            "some out; give splits in a folder, or shares of 0"
        )
    names = ["test"] * test + ["valid"] * valid + ["train"] * (len(distinct) - test - valid)
    split_of = dict(zip(distinct, names))
    return {split: [text for text in texts if split_of[text] == split] for split in SPLITS}


def choose_vocabulary(options: Options, splits: dict[str, list[str]]) -> Vocabulary:
    """The given one; or the characters of all texts, words or pieces of those of training."""
    train = splits["train"]
    if options.vocabulary:
        return Vocabulary.load(options.vocabulary)
    if options.unit == "symbol":
        return words(train, options.minimum_count)
    if options.unit == "piece":
        pieces = make_vocabulary.Options(options.source, unit="piece", size=options.size)
        return make_vocabulary.from_pieces(pieces, train)
    return Vocabulary.from_texts(text for texts in splits.values() for text in texts)


def words(texts: Iterable[str], minimum_count: int) -> Vocabulary:
    """The words that stand so often, sorted; and UNKNOWN, where some could be left out."""
    found = Counter(word for text in texts for word in text.split())
    kept = sorted(word for word in found.keys() - {UNKNOWN} if found[word] >= minimum_count)
    unknown = [UNKNOWN] if minimum_count > 1 or UNKNOWN in found else []
    return Vocabulary((BLANK_SYMBOL, *unknown, *kept), "symbol")


def _texts(path: Path) -> list[str]:
    if path.suffix == ".jsonl":
        return [utterance.text or "" for utterance in read_manifest(path)]
    return list(read_texts(path).values())


def _check(options: Options) -> None:
    valid, test = options.valid_share, options.test_share
    if not (valid >= 0 and test >= 0 and valid + test < 1):
        raise InputError(
            f"--valid-share {valid} and --test-share {test}: expected 0 or more, together under 1"
        )
    if options.minimum_count < 1:
        raise InputError(f"--minimum-count: found {options.minimum_count}, expected at least 1")


if __name__ == "__main__":
    run(prepare, Options, __doc__)
