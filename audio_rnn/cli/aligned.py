"""What `audio-rnn align` says and writes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from audio_rnn.audio import Source
from audio_rnn.cli.writing import make_folder, replace_file
from audio_rnn.decoding.alignment.utterance import Utterance
from audio_rnn.errors import InputError
from audio_rnn.inference.aligner import Alignment
from audio_rnn.inference.alignment_writers import ALIGNMENT_WRITERS, AlignmentFormat

SHOWN = 60  # characters of what is heard in a gap


class Output:
    """Files in a folder, or standard output."""

    def __init__(
        self,
        source: Source,
        formats: Sequence[AlignmentFormat],
        folder: Path | None,
        overwrite: bool,
    ) -> None:
        """Raises InputError when there can be no folder, or when outputs exist."""
        stem = source.stem if isinstance(source, Path) else "stdin"
        self.paths = {name: folder / f"{stem}.{name}" for name in formats} if folder else None
        self.formats = formats
        if folder and self.paths:
            make_folder(folder)
            existing = [path for path in self.paths.values() if os.path.lexists(path)]
            if existing and not overwrite:
                raise InputError(
                    f"--output: found {existing[0]}, expected none; choose another folder, or "
                    "replace it by --overwrite"
                )

    def write(self, alignment: Alignment) -> None:
        """Every format; several on standard output come after a line `==> name (format) <==`."""
        for name in self.formats:
            text = ALIGNMENT_WRITERS[name](alignment)
            if self.paths:
                replace_file(self.paths[name], text)
            else:
                head = f"==> {alignment.path} ({name}) <==\n" if len(self.formats) > 1 else ""
                print(head + text, end="", flush=True)


def split(alignment: Alignment, threshold: float) -> tuple[Alignment, list[Utterance]]:
    """What reaches the threshold, and the utterances that do not, or are not found."""
    kept = [u for u in alignment.utterances if u.words and u.confidence >= threshold]
    dropped = [u for u in alignment.utterances if u not in kept]
    return replace(alignment, utterances=tuple(kept)), dropped


def report(alignment: Alignment, dropped: Sequence[Utterance], threshold: float) -> None:
    """Name on standard error where text and sound do not fit."""
    for u in dropped:
        if u.words:
            place = f"confidence {u.confidence:.4f} at {u.start:.2f}-{u.end:.2f} s"
            why = f"{place}, expected {threshold:g} or more"
        else:
            why = f"not found; there is no room for it at {u.start:.2f} s"
        print(f"dropped: line {u.line}: {why}: {u.text}", file=sys.stderr)
    for gap in alignment.gaps:
        heard = gap.heard if len(gap.heard) <= SHOWN else gap.heard[:SHOWN] + "..."
        print(
            f"gap: {gap.start:.2f}-{gap.end:.2f} s: speech without text, heard as: {heard}",
            file=sys.stderr,
        )


def summary(alignment: Alignment, dropped: Sequence[Utterance], elapsed: float) -> str:
    """One line on the whole run, which took `elapsed` seconds."""
    counts = f"{len(alignment.utterances)} utterances aligned, {len(dropped)} dropped"
    gaps = f"{len(alignment.gaps)} stretches of speech without text"
    return f"{counts}, {gaps} ({alignment.duration:.1f} s of audio in {elapsed:.1f} s)"
