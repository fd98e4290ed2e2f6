"""Log-probabilities and the text that was spoken -> times of utterances, words and symbols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.alignment.edges import with_edges
from audio_rnn.decoding.alignment.forced import steps_needed
from audio_rnn.decoding.alignment.gaps import Gap, find_gaps
from audio_rnn.decoding.alignment.lines import Line
from audio_rnn.decoding.alignment.segmentation import locate, sections, segment
from audio_rnn.decoding.alignment.utterance import Posteriors, Utterance, align_line
from audio_rnn.decoding.decoder import check_log_probs
from audio_rnn.decoding.greedy import best_path
from audio_rnn.errors import AlignmentError
from audio_rnn.vocabulary import SPACE

DOUBTFUL = 0.03  # a confidence that another text stays below (benchmarks/alignment.py)
MARGIN_SECONDS = 0.06  # that a first or last symbol may begin or last longer than segmentation says
RETRY_SECONDS = 60.0  # in which a doubtful utterance is searched for on its own


def align(
    posteriors: Posteriors, loudness: NDArray[np.float32], lines: Sequence[Line]
) -> tuple[list[Utterance], list[Gap]]:
    """Utterances in the order of the text, and the speech that none of them surely covers.

    Args:
        loudness: (values,) of the recording in dB, one for each `edges.HOP` seconds.

    Raises: AlignmentError when the text is longer than the recording can hold; DecodingError.
    """
    check_log_probs(posteriors.log_probs, len(posteriors.vocabulary))
    _check_room(posteriors, lines)
    path = best_path(posteriors.log_probs)
    space = posteriors.vocabulary.ids.get(SPACE)
    places = locate(posteriors.log_probs, [line.ids for line in lines], path, space)
    around = sections(places, _margin(posteriors), 0, len(posteriors.log_probs))
    found = [align_line(posteriors, line, section) for line, section in zip(lines, around)]
    utterances = _at_their_place(_with_edges(_retry(posteriors, lines, found), loudness))
    covered = [(u.start, u.end) for u in utterances if _sure(u)]
    return utterances, find_gaps(covered, path, posteriors.vocabulary, posteriors.step_seconds)


def _check_room(posteriors: Posteriors, lines: Sequence[Line]) -> None:
    needed = sum(steps_needed(line.ids) for line in lines)
    if needed > len(posteriors.log_probs):
        raise AlignmentError(
            f"text: found {len(lines)} lines that take {needed * posteriors.step_seconds:.1f} s at "
            f"the very least, expected no more than the {posteriors.duration:.1f} s of the "
            "recording; is it the text of another one?"
        )


def _margin(posteriors: Posteriors) -> int:
    return round(MARGIN_SECONDS / posteriors.step_seconds)


def _retry(
    posteriors: Posteriors, lines: Sequence[Line], found: Sequence[Utterance]
) -> list[Utterance]:
    """Doubtful utterances and those beside them once more, each on its own between sure ones.

    A line that is not spoken, or whose words are others, spoils those that were found with it.
    """
    found = list(found)
    doubtful = [u.confidence < DOUBTFUL for u in found]
    for i, utterance in enumerate(found):
        if any(doubtful[max(0, i - 1) : i + 2]):
            start = next((u.end for u in reversed(found[:i]) if _sure(u)), 0.0)
            end = next((u.start for u in found[i + 1 :] if _sure(u)), posteriors.duration)
            if end - start <= RETRY_SECONDS:
                again = _between(posteriors, lines[i], start, end)
                found[i] = max(utterance, again, key=lambda u: u.confidence)
    return found


def _sure(utterance: Utterance) -> bool:
    return utterance.confidence >= DOUBTFUL


def _between(posteriors: Posteriors, line: Line, start: float, end: float) -> Utterance:
    """The line where it fits best between two times."""
    first, last = round(start / posteriors.step_seconds), round(end / posteriors.step_seconds)
    places = segment(posteriors.log_probs, [line.ids], first, last)
    [section] = sections(places, _margin(posteriors), first, last)
    return align_line(posteriors, line, section)


def _with_edges(utterances: Sequence[Utterance], loudness: NDArray[np.float32]) -> list[Utterance]:
    """Utterances whose words have the times of their sound; doubtful ones, which may lie across
    others, those of their symbols."""
    sure = [u for u in utterances if _sure(u)]
    wide = iter(with_edges([word for u in sure for word in u.words], loudness))
    parts = ((u, tuple(next(wide) for _ in u.words) if _sure(u) else u.words) for u in utterances)
    return [
        replace(u, words=words, start=words[0].start, end=words[-1].end) if words else u
        for u, words in parts
    ]


def _at_their_place(utterances: Sequence[Utterance]) -> list[Utterance]:
    """Those that are not found stand at the end of the last one before that is."""
    placed: list[Utterance] = []
    for utterance in utterances:
        if not utterance.words:
            before = placed[-1].end if placed else 0.0
            utterance = replace(utterance, start=before, end=before)
        placed.append(utterance)
    return placed
