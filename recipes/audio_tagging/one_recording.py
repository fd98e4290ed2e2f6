"""A single recording whose events are known -> parts, so that some of them can be held out."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from audio_rnn.audio import audio_info, read_excerpt, write_audio
from audio_rnn.data.clips import Clip, cut
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError
from audio_rnn.events import Event
from recipes.audio_tagging.corpus import clear
from recipes.prepare import warn

PART_SECONDS = 30.0  # of a part at most, as long as training takes them


def in_parts(clip: Utterance, root: Path, output: Path) -> list[Utterance]:
    """The parts, written below `output`/audio; `root` is the folder of the clip's id.

    Raises: InputError where `output` is that folder.
    """
    if root.resolve() == output.resolve():
        raise InputError(
            f"--output {output}: found the folder of the recording, expected another: its parts "
            "are written there"
        )
    clear(output)
    (output / "audio").mkdir(parents=True, exist_ok=True)
    source, parts = root / clip.id, []
    rate = audio_info(source).sample_rate
    for number, part in enumerate(cut([clip], PART_SECONDS)):
        name = f"{PurePosixPath(clip.id).stem}-{number:05}"
        audio = f"audio/{name}.flac"
        write_audio(output / audio, read_excerpt(source, rate, part.start, part.seconds), rate)
        parts.append(Utterance(name, round(part.seconds, 4), audio=audio, events=_rounded(part)))
    warn(
        f"one recording: cut into {len(parts)} parts, of which some are held out; their scores are "
        "those of this recording, in others the model may hear less"
    )
    return parts


def _rounded(part: Clip) -> tuple[Event, ...]:
    """The events in a part, but for those of which a cut has left less than a millisecond."""
    kept = (e for e in part.events if e.offset - e.onset >= 1e-3)
    return tuple(Event(round(e.onset, 4), round(e.offset, 4), e.label) for e in kept)
