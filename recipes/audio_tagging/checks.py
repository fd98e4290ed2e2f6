"""What is wrong with the clips of a corpus, and what is worth a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from audio_rnn.classes import Classes
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError, ManifestError
from recipes.prepare import listed, warn

Parts = Mapping[str, Sequence[Utterance]]  # by the name of the split or fold


def check(parts: Parts, expected: Collection[str] = ()) -> None:
    """Raises: InputError for no clips, an id or file that stands twice, a class without clips or
    without a training clip, names that cannot be classes, a recording in several parts."""
    every = [clip for part in parts.values() for clip in part]
    if not every or not parts.get("train", every):
        raise InputError("found no clip to train on, expected some")
    _check_twice(every)
    labels = {label for clip in every for label in clip.labels or ()}
    if not labels:
        raise InputError(f"found {len(every)} clips in which nothing is heard, expected some tags")
    Classes.of(labels)
    if silent := set(expected) - labels:
        raise InputError(
            f"{len(silent)} classes have no clip: {listed(silent)}; expected one at least, add "
            "clips or leave the class out"
        )
    _check_trained(parts, labels)
    _check_leaks(parts)


def point_out(parts: Parts) -> None:
    """Say on standard error which classes stand in one clip, and which in one part alone."""
    counts = Counter(x for part in parts.values() for c in part for x in set(c.labels or ()))
    rare = [name for name, count in counts.items() if count == 1]
    if rare:
        warn(f"{len(rare)} classes have one clip, which is hardly enough: {listed(rare)}")
    heard = {name: labels_of(part) for name, part in parts.items()}
    if "train" in parts:
        untested = heard["train"] - heard["test"] if parts["test"] else set()
        if untested:
            warn(f"{len(untested)} classes have no test clip: {listed(untested)}")
        return
    alone = {x for x in counts if sum(x in found for found in heard.values()) == 1} - set(rare)
    if alone and len(parts) > 1:
        warn(
            f"{len(alone)} classes are in one fold alone, never trained and tested: {listed(alone)}"
        )


def labels_of(clips: Sequence[Utterance]) -> set[str]:
    """All that is heard in clips."""
    return {label for clip in clips for label in clip.labels or ()}


def _check_twice(clips: Sequence[Utterance]) -> None:
    for what, names in (("ids", [c.id for c in clips]), ("files", [c.source for c in clips])):
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise InputError(
                f"{len(twice)} {what} stand more than once: {listed(twice)}; expected each once"
            )


def _check_trained(parts: Parts, labels: set[str]) -> None:
    if "train" in parts and (never := labels - labels_of(parts["train"])):
        raise InputError(
            f"{len(never)} classes have no training clip: {listed(never)}; expected one at least, "
            "move clips to the split 'train' or leave the class out"
        )


def _check_leaks(parts: Parts) -> None:
    """A model that has heard another part of a test recording is tested on what it knows."""
    places: dict[str, set[str]] = {}
    for name, part in parts.items():
        for clip in part:
            if clip.recording is not None:
                places.setdefault(clip.recording, set()).add(name)
    leaks = [f"{r} ({', '.join(sorted(found))})" for r, found in places.items() if len(found) > 1]
    if leaks:
        kind = "splits" if "train" in parts else "folds"
        raise InputError(
            f"{len(leaks)} recordings are in several {kind}, so that training would hear what is "
            f"tested: {listed(leaks)}; put all clips of a recording into one of the {kind}"
        )


def check_several(classes: Classes, path: Path) -> None:
    """Raises: ManifestError for a single class, which a model of one class a clip always names."""
    if len(classes) == 1:
        raise ManifestError(
            f"{path}: found one class, {classes.names[0]!r}, expected two or more for a model of one "
            "class a clip; to find one class, add clips without it and set --model.labels several"
        )


def check_single(clips: Sequence[Utterance], path: Path) -> None:
    """Raises: ManifestError for a clip without just one tag."""
    for u in clips:
        if len(set(u.labels or ())) != 1:
            raise ManifestError(
                f"{path}: {u.id!r}: found {len(set(u.labels or ()))} tags "
                f"({', '.join(u.labels or ()) or 'none'}), expected one for a model of one class a "
                "clip; for several, or none, set --model.labels several"
            )
