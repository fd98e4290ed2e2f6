"""The n-grams of one order: lines of an ARPA file <-> arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ZERO = -99.0  # log10 of nothing, as the field writes it
NATURAL_ZERO = np.float32(ZERO * np.log(10))


@dataclass(frozen=True)
class Ngrams:
    """The n-grams of one order, with natural logarithms."""

    words: NDArray[np.int32]  # (n-grams, order) ids
    log_probs: NDArray[np.float32]  # (n-grams,)
    backoffs: NDArray[np.float32]  # (n-grams,)


def join(parts: Sequence[Ngrams], order: int) -> Ngrams:
    """One after another; none are none."""
    empty = Ngrams(np.zeros((0, order), np.int32), np.zeros(0, np.float32), np.zeros(0, np.float32))
    whole = [empty, *parts]
    return Ngrams(
        np.concatenate([part.words for part in whole]),
        np.concatenate([part.log_probs for part in whole]),
        np.concatenate([part.backoffs for part in whole]),
    )


def parse(lines: Sequence[bytes], order: int, ids: Mapping[bytes, int], last: bool) -> Ngrams:
    """Lines in the form `log10-probability word ... [log10-backoff]`.

    Args:
        ids: of the words; those of unigrams must be there already.
        last: whether this is the highest order, whose n-grams have no back-off.

    Raises: ValueError for a line that is broken; `find_fault` says which.
    """
    # bytes.split knows no white space but ASCII's: a no-break space belongs to its word.
    rows = [line.split() for line in lines]
    if not {len(row) for row in rows} <= {order + 1, order + 2}:
        raise ValueError("columns")
    try:
        words = [[ids[word] for word in row[1 : order + 1]] for row in rows]
    except KeyError as error:
        raise ValueError("word") from error
    log_probs = np.array([float(row[0]) for row in rows])
    backoffs = np.array([float(row[-1]) if len(row) == order + 2 else 0.0 for row in rows])
    if not (log_probs <= 0).all() or not (backoffs < np.inf).all() or (last and backoffs.any()):
        raise ValueError("range")
    return Ngrams(
        np.array(words, np.int32).reshape(-1, order), to_natural(log_probs), to_natural(backoffs)
    )


def to_natural(log10: NDArray[np.float64]) -> NDArray[np.float32]:
    """Logarithms of the file to those of the model, -inf to the field's zero."""
    return (np.where(np.isneginf(log10), ZERO, log10) * np.log(10)).astype(np.float32)


def find_fault(
    lines: Sequence[bytes], order: int, ids: Mapping[bytes, int], last: bool
) -> tuple[int, str]:
    """The first line that `parse` cannot take, and what is wrong with it."""
    for place, line in enumerate(lines):
        try:
            parse([line], order, ids, last)
        except ValueError:
            return place, _describe(line, order, ids, last)
    raise AssertionError("no line is broken")


def format_lines(words: Sequence[str], ngrams: Ngrams) -> Iterator[str]:
    """What `parse` reads; a back-off of 0 is left out."""
    log_probs, backoffs = _log10(ngrams.log_probs), _log10(ngrams.backoffs)
    for row, log_prob, backoff in zip(ngrams.words.tolist(), log_probs, backoffs):
        end = f"\t{backoff:.9g}\n" if backoff else "\n"
        yield f"{log_prob:.9g}\t{' '.join([words[word] for word in row])}{end}"


def show(line: bytes) -> str:
    """A line in a message."""
    text = line.decode(errors="replace").strip()
    return repr(text if len(text) <= 60 else text[:60] + "...").replace("\\\\", "\\")


def _log10(natural: NDArray[np.float32]) -> list[float]:
    log10 = natural.astype(np.float64) / np.log(10)
    return np.where(natural == NATURAL_ZERO, ZERO, log10).tolist()  # -99, as tools compare it


def _describe(line: bytes, order: int, ids: Mapping[bytes, int], last: bool) -> str:
    row = line.split()
    if len(row) not in (order + 1, order + 2) or row[0].startswith(b"\\"):
        return (
            f"found {show(line)}, expected a log10-probability, "
            f"{order} word{'s' * (order > 1)} and a back-off or none"
        )
    unknown = [word for word in row[1 : order + 1] if word not in ids]
    if unknown:
        return f"found {show(unknown[0])}, which is not among the 1-grams"
    return _describe_numbers(row, order, last)


def _describe_numbers(row: Sequence[bytes], order: int, last: bool) -> str:
    for value in (row[0], *row[order + 1 :]):
        try:
            number = float(value)
        except ValueError:
            number = np.nan
        if np.isnan(number) or number == np.inf:
            return f"found {show(value)}, expected a number"
    if float(row[0]) > 0:
        return f"found log10-probability {show(row[0])}, expected at most 0"
    assert last
    return f"found back-off {show(row[-1])} in the highest order, expected none"
