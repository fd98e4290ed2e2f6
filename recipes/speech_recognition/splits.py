"""Training, validation and test set."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError

SPLITS = ("train", "valid", "test")


def by_split(utterances: Iterable[Utterance]) -> dict[str, list[Utterance]]:
    """Utterances under the name of their split."""
    splits: dict[str, list[Utterance]] = {split: [] for split in SPLITS}
    for utterance in utterances:
        splits[utterance.split or "train"].append(utterance)
    return splits


def hold_out(
    utterances: Sequence[Utterance], share: float
) -> tuple[list[Utterance], list[Utterance]]:
    """(kept, held out): whole speakers, or utterances where no speaker is known.

    Deterministic: in the order of their hashes, at least one, until `share` of all is held out.

    Raises: InputError when there is nothing to choose from.
    """
    if share == 0:
        return list(utterances), []
    groups = Counter(_group(u) for u in utterances)
    if len(groups) < 2:
        raise InputError(
            f"found {len(groups)} speaker or utterance, expected at least 2 to hold some out; "
            "give the splits yourself, or a share of 0"
        )
    wanted, held = share * len(utterances), set[str]()
    count = 0
    for group in sorted(groups, key=lambda name: hashlib.sha256(name.encode()).digest()):
        if held and count + groups[group] / 2 > wanted:
            break
        held.add(group)
        count += groups[group]
    kept = [u for u in utterances if _group(u) not in held]
    return kept, [u for u in utterances if _group(u) in held]


def _group(utterance: Utterance) -> str:
    return utterance.speaker or utterance.id
