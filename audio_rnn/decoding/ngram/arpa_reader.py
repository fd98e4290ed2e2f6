"""Reading of ARPA files.

Read as the field's tools write them: tabs or spaces, no back-off column where it is 0, CRLF,
anything before \\data\\, <UNK> for <unk>. Whatever contradicts itself is an error.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from audio_rnn.decoding.ngram.arpa import END, START, UNKNOWN, Arpa
from audio_rnn.decoding.ngram.arpa_block import make_lexicon, parse_block
from audio_rnn.decoding.ngram.arpa_lines import Ngrams, find_fault, join, parse, show
from audio_rnn.decoding.ngram.packed import READ_ERRORS, unpack
from audio_rnn.errors import LanguageModelError, reason

UNKNOWN_FLOOR = -100.0  # log10 p(<unk>) of a model that has none; KenLM's value
CHUNK = 1 << 16  # lines that are split at a time
END_LINE = b"\\end\\"

log = logging.getLogger(__name__)


def read_arpa(path: Path) -> Arpa:
    """Read a file; logs a warning when it has no <unk>, which then gets UNKNOWN_FLOOR.

    Raises: LanguageModelError with the line.
    """
    with _opened(path) as file:
        return _read(_Lines(path, file))


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked; what goes wrong with the file while reading is named."""
    try:
        with path.open("rb") as file:
            yield unpack(file)  # type: ignore[misc]
    except READ_ERRORS as error:
        raise LanguageModelError(
            f"{path}: cannot be read: {reason(error)}; expected an ARPA file, plain or gzip"
        ) from error


class _Lines:
    """Lines of a file, counted."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path, self._file, self.number = path, file, 0

    def take(self, count: int) -> list[bytes]:
        """The next lines, fewer at the end."""
        lines = list(islice(self._file, count))
        self.number += len(lines)
        return lines

    def filled(self) -> bytes:
        """The next line with something on it, stripped. Raises LanguageModelError at the end."""
        while lines := self.take(1):
            if line := lines[0].strip():
                return line
        raise self.cut()

    def cut(self) -> LanguageModelError:
        """A complaint about the end of the file."""
        return self.error("the file ends here, expected it to end with \\end\\; copy it again")

    def error(self, message: str, number: int | None = None) -> LanguageModelError:
        """A complaint about a line, without a number the last one."""
        return LanguageModelError(f"{self.path}:{number or self.number}: {message}")


def _read(lines: _Lines) -> Arpa:
    counts, line = _read_counts(lines)
    first, orders = [], []
    ids: dict[bytes, int] = {}
    for order, count in enumerate(counts, 1):
        if line != b"\\%d-grams:" % order:
            raise lines.error(f"found {show(line)}, expected \\{order}-grams:")
        first.append(lines.number + 1)
        orders.append(_read_order(lines, order, counts, ids))
        line = lines.filled()
        if not line.startswith(b"\\"):
            raise lines.error(
                f"found {show(line)} after {count} {order}-grams, as many as \\data\\ announces; "
                "the counts are wrong, make the file again"
            )
    if line != END_LINE:
        raise lines.error(f"found {show(line)}, expected \\end\\")
    while lines.take(CHUNK):  # to the end, where gzip finds out whether it is whole
        pass
    return _with_unknown(
        lines.path, Arpa(_words(lines, ids, first[0]), tuple(orders), tuple(first))
    )


def _read_counts(lines: _Lines) -> tuple[list[int], bytes]:
    """n-grams of each order as announced, and the first line after that."""
    while (taken := lines.take(1)) and taken[0].strip() != b"\\data\\":
        pass
    if not taken:
        raise LanguageModelError(
            f"{lines.path}: found no line \\data\\, expected an ARPA file; audio-rnn lm train makes one "
            "of a text, and of a binary model, give the one that it was made from"
        )
    counts: list[int] = []
    while found := re.fullmatch(rb"ngram\s+(\d+)\s*=\s*(\d+)", line := lines.filled()):
        order, count = map(int, found.groups())
        if order != len(counts) + 1:
            raise lines.error(f"found {show(line)}, expected ngram {len(counts) + 1}")
        counts.append(count)
    if not counts:
        raise lines.error(f"found {show(line)}, expected ngram 1=COUNT")
    return counts, line


def _read_order(lines: _Lines, order: int, counts: list[int], ids: dict[bytes, int]) -> Ngrams:
    """The n-grams of one order; unigrams are entered into `ids`."""
    parts = []
    last = order == len(counts)
    lexicon = make_lexicon(ids)
    for done in range(0, counts[order - 1], CHUNK):
        wanted = min(CHUNK, counts[order - 1] - done)
        taken = lines.take(wanted)
        before = lines.number - len(taken)
        if len(taken) < wanted and END_LINE not in map(bytes.strip, taken):
            raise lines.cut()
        if order == 1:
            _enter_words(lines, taken, before, ids)
        try:
            plain = parse_block(taken, order, lexicon, last) if order > 1 else None
            parts.append(plain or parse(taken, order, ids, last))
        except ValueError:
            place, message = find_fault(taken, order, ids, last)
            where = f"{order}-gram {done + place + 1} of the {counts[order - 1]} that \\data\\ announces"
            raise lines.error(f"{message} ({where})", before + place + 1) from None
    return join(parts, order)


def _enter_words(lines: _Lines, taken: list[bytes], before: int, ids: dict[bytes, int]) -> None:
    """New words get the next ids. Raises LanguageModelError for one that stands twice."""
    for number, line in enumerate(taken, before + 1):
        row = line.split(maxsplit=2)
        if len(row) > 1:
            if row[1] in ids:
                raise lines.error(f"{show(row[1])} stands twice, expected it once", number)
            ids[row[1]] = len(ids)


def _words(lines: _Lines, ids: dict[bytes, int], first: int) -> tuple[str, ...]:
    words = []
    for place, word in enumerate(ids):
        try:
            words.append(word.decode())
        except UnicodeDecodeError as error:
            raise lines.error(f"{show(word)}: {error}; expected UTF-8", first + place) from None
    return tuple(words)


def _with_unknown(path: Path, arpa: Arpa) -> Arpa:
    """With <s>, </s> and <unk> among the words. Raises LanguageModelError."""
    for special in (START, END):
        if special not in arpa.words:
            raise LanguageModelError(
                f"{path}: found no {special} among the 1-grams, expected {START} and {END}; "
                "make the file again from sentences with their ends"
            )
    if UNKNOWN in arpa.words:
        return arpa
    if (other := UNKNOWN.upper()) in arpa.words:
        words = tuple(UNKNOWN if word == other else word for word in arpa.words)
        return Arpa(words, arpa.orders, arpa.first_lines)
    log.warning(
        "%s: found no %s among the 1-grams; unknown words get log10-probability %g",
        path, UNKNOWN, UNKNOWN_FLOOR,
    )  # fmt: skip
    floor = Ngrams(
        np.full((1, 1), len(arpa.words), np.int32),
        np.full(1, UNKNOWN_FLOOR * np.log(10), np.float32),
        np.zeros(1, np.float32),
    )
    unigrams = join([arpa.orders[0], floor], 1)
    return Arpa((*arpa.words, UNKNOWN), (unigrams, *arpa.orders[1:]), arpa.first_lines)
