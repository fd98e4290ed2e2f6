"""n-gram language models in ARPA files, plain or gzip: what they hold, and how it is written."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audio_rnn.decoding.ngram.arpa_lines import Ngrams, format_lines
from audio_rnn.drafts import replacing

START, END, UNKNOWN = "<s>", "</s>", "<unk>"


@dataclass(frozen=True)
class Arpa:
    """What an ARPA file holds. Unigram i is of word i."""

    words: tuple[str, ...]
    orders: tuple[Ngrams, ...]
    first_lines: tuple[int, ...] = ()  # of the n-grams of each order, from 1


def write_arpa(path: Path, arpa: Arpa) -> None:
    """Replace `path` at once, gzip by its suffix. Raises OSError and leaves the old file."""
    with replacing(path) as file:
        if path.suffix == ".gz":  # without name and time, so that equal models are equal files
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                _write(packed, arpa)
        else:
            _write(file, arpa)


def _write(file: Any, arpa: Arpa) -> None:
    counts = [f"ngram {n}={len(ngrams.words)}\n" for n, ngrams in enumerate(arpa.orders, 1)]
    file.write(("\\data\\\n" + "".join(counts)).encode())
    for n, ngrams in enumerate(arpa.orders, 1):
        file.write(f"\n\\{n}-grams:\n".encode())
        file.writelines(line.encode() for line in format_lines(arpa.words, ngrams))
    file.write(b"\n\\end\\\n")
