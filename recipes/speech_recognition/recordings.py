"""Recordings and what is said in them -> utterances of a manifest."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from audio_rnn.data.manifest import Utterance
from recipes.prepare import Complain, durations, inside, listed, refuse


@dataclass(frozen=True)
class Said:
    """What is known of a recording besides its sound."""

    text: str
    speaker: str | None = None
    split: str | None = None
    where: str | None = None  # file, or file and line, of the text


def match(
    transcripts: Collection[str],
    recordings: Collection[str],
    where: Path,
    complain: Complain = refuse,
) -> list[str]:
    """The ids that have both a transcript and a recording, sorted.

    Raises: InputError listing what has only one of the two, unless `complain` does not.
    """
    silent, untold = set(transcripts) - set(recordings), set(recordings) - set(transcripts)
    problems = [
        f"{len(ids)} {what}: {listed(ids)}"
        for ids, what in (
            (silent, "transcripts without audio"),
            (untold, "audio without transcript"),
        )
        if ids
    ]
    if problems:
        complain(f"{where}: {'; '.join(problems)}; expected one transcript a recording")
    return sorted(set(transcripts) & set(recordings))


def utterances(
    said: Mapping[str, Said],
    recordings: Mapping[str, Path],
    source: Path,
    output: Path,
    complain: Complain = refuse,
) -> list[Utterance]:
    """An utterance for each id of `said`, whose files lie below `source` or `output`.

    Every recording is read to its end. Raises: InputError listing empty texts, or recordings that
    cannot be read, unless `complain` does not: then they are left out.
    """
    told = with_words(said, complain)
    lengths = durations({name: recordings[name] for name in told}, complain)
    return [
        Utterance(
            name,
            seconds,
            audio=inside(recordings[name], source, output),
            text=told[name].text,
            speaker=told[name].speaker,
            split=told[name].split,
        )
        for name, seconds in lengths.items()
    ]


def with_words(said: Mapping[str, Said], complain: Complain) -> dict[str, Said]:
    """What has a text in which something is left when it is normalised."""
    empty = {name for name, what in said.items() if not what.text.strip()}
    if empty:
        places = [said[name].where or name for name in empty]
        complain(
            f"{len(empty)} empty transcripts (punctuation does not count): {listed(places)}; "
            "expected words in each"
        )
    return {name: what for name, what in said.items() if name not in empty}
