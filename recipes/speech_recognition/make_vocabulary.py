"""Choose other symbols for a prepared corpus: characters, words or phones, or sentence pieces.

    python -m recipes.speech_recognition.make_vocabulary data/an4 --unit piece --size 100

Overwrites vocabulary.txt. Pieces are those of a sentencepiece model trained on the texts, or
of a model of your own (`--sentencepiece-model`); the extra `sentencepiece` makes them, using the
vocabulary needs no library.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from audio_rnn.data.manifest import read_manifest
from audio_rnn.errors import InputError, VocabularyError
from audio_rnn.vocabulary import BLANK_SYMBOL, Vocabulary
from recipes.prepare import Source, run


@dataclass(frozen=True)
class Options:
    source: Source
    """Prepared folder with train.jsonl."""
    unit: Literal["character", "symbol", "piece"] = "character"
    """character: letters and space; symbol: words, or whatever stands between spaces; piece."""
    size: int = 200
    """Number of pieces."""
    sentencepiece_model: Path | None = None
    """Take the pieces of this model in place of training one."""


def make(options: Options) -> None:
    """Write vocabulary.txt and tell its size. Raises: InputError."""
    texts = [u.text or "" for path in manifests(options.source) for u in read_manifest(path)]
    if options.unit == "piece":
        vocabulary = from_pieces(options, texts)
    else:
        vocabulary = Vocabulary.from_texts(texts, options.unit)
    for text in texts:
        vocabulary.encode(text)  # names a symbol that the pieces lack
    path = options.source / "vocabulary.txt"
    vocabulary.save(path)
    print(f"{path}: {len(vocabulary) - 1} symbols and the blank")


def manifests(folder: Path) -> list[Path]:
    """Those whose texts training has to write: of training, and of validation if there is one."""
    valid = folder / "valid.jsonl"
    return [folder / "train.jsonl", *([valid] if valid.exists() else [])]


def from_pieces(options: Options, texts: list[str]) -> Vocabulary:
    """The pieces of the named model, or of one trained on `texts`."""
    library = _library()
    processor = library.SentencePieceProcessor()
    try:
        if options.sentencepiece_model:
            processor.Load(str(options.sentencepiece_model))
        else:
            processor.LoadFromSerializedProto(_train(library, texts, options.size))
    except (OSError, RuntimeError) as error:
        raise VocabularyError(
            f"sentencepiece: {error}; give a readable model, or a size that the texts allow"
        ) from error
    ids = range(processor.GetPieceSize())
    special = (processor.IsControl, processor.IsUnknown, processor.IsUnused, processor.IsByte)
    pieces = [processor.IdToPiece(i) for i in ids if not any(test(i) for test in special)]
    return Vocabulary((BLANK_SYMBOL, *pieces), "piece")


def _train(library: Any, texts: list[str], size: int) -> bytes:
    written = io.BytesIO()
    library.SentencePieceTrainer.Train(
        sentence_iterator=iter(texts),
        model_writer=written,
        vocab_size=size,
        character_coverage=1.0,
        normalization_rule_name="identity",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return written.getvalue()


def _library() -> Any:
    try:
        import sentencepiece
    except ImportError:
        raise InputError(
            "sentencepiece is missing, expected it for --unit piece; "
            "pip install 'audio-rnn[sentencepiece]'"
        ) from None
    return sentencepiece


if __name__ == "__main__":
    run(make, Options, __doc__)
