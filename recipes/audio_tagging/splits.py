"""Held-out clips where a corpus gives no splits: whole recordings, the same share of each class."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError

NEGATIVE = ""  # stands for the class of clips in which nothing is heard
Groups = dict[str, list[Utterance]]  # clips by their recording


def divide(clips: Sequence[Utterance], valid_share: float, test_share: float) -> list[Utterance]:
    """The clips, each with its split; one recording of every class at least stays in training.

    Deterministic: recordings are taken in the order of their hashes, of the rarest class first.
    Clips of one tag whose class has three recordings are in every split. Raises: InputError.
    """
    check_shares(valid_share, test_share)
    groups: Groups = {}
    for clip in sorted(clips, key=lambda clip: _hash(_group(clip))):
        groups.setdefault(_group(clip), []).append(clip)
    totals = _counts(clips)
    splits = dict.fromkeys(_hold_out(groups, totals, test_share), "test")
    rest = {name: part for name, part in groups.items() if name not in splits}
    splits |= dict.fromkeys(_hold_out(rest, totals, valid_share), "valid")
    return [replace(clip, split=splits.get(_group(clip), "train")) for clip in clips]


def check_shares(valid_share: float, test_share: float) -> None:
    """Raises: InputError."""
    if not (valid_share >= 0 and test_share >= 0 and valid_share + test_share < 1):
        raise InputError(
            f"--valid-share {valid_share} and --test-share {test_share}: expected 0 or more, "
            "together under 1"
        )


def _hold_out(groups: Groups, totals: Counter[str], share: float) -> list[str]:
    """Names of groups that hold about `share` of the clips of each class."""
    if not share:
        return []
    counts = {name: _counts(part) for name, part in groups.items()}
    left = Counter(label for count in counts.values() for label in count)  # groups of a class
    held: Counter[str] = Counter()
    chosen = dict[str, None]()
    for label in sorted(totals, key=lambda name: (totals[name], name)):
        for name, count in counts.items():
            if name in chosen or not count[label]:
                continue
            if held[label] and held[label] + count[label] / 2 > share * totals[label]:
                break
            if all(left[other] > 1 for other in count):
                chosen[name] = None
                held += count
                left -= Counter(count.keys())
    return list(chosen)


def _counts(clips: Iterable[Utterance]) -> Counter[str]:
    """In how many clips each class is heard."""
    return Counter(label for clip in clips for label in set(clip.labels or (NEGATIVE,)))


def _group(clip: Utterance) -> str:
    return clip.recording or clip.id


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
