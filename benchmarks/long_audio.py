"""One hour and ten through the real command line: peak memory, speed, equality with one pass.

    python -m benchmarks.long_audio --model runs/kathleen --manifest data/kathleen/train.jsonl
    python -m benchmarks.long_audio --model runs/default --hours 1

The files are utterances of a manifest, again and again, with pauses; they are written in blocks to
a temporary folder. One pass over the first file is done in a process of its own as well, because
it needs the memory that the command saves.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile

from audio_rnn.audio import read_audio
from audio_rnn.config import from_command_line
from audio_rnn.data.manifest import read_manifest
from audio_rnn.decoding.decoder import decode
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.inference.reading import Reading
from audio_rnn.inference.sweep import log_probs_of
from audio_rnn.models.speech import SpeechModel

RATE = 16000
PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Arguments:
    """What to transcribe, and with what."""

    model: Path = Path("runs/default")  # a run folder
    manifest: Path = Path("data/default/test.jsonl")  # of the utterances
    hours: tuple[float, ...] = (1.0, 10.0)  # of each file


def main() -> None:
    """Make the files, transcribe each, compare the first with one pass."""
    arguments = from_command_line(Arguments, "Long files: peak memory, speed and equality.")
    with tempfile.TemporaryDirectory() as name:
        for number, hours in enumerate(arguments.hours):
            path = Path(name) / f"{hours:g}h.wav"
            write(path, utterances(arguments.manifest), hours * 3600)
            wall, peak = watched(transcription(arguments.model, path))
            words = len(json.loads(path.with_suffix(".json").read_text())["words"])
            print(
                f"{hours:g} h: peak memory {peak / 1e9:.2f} GB, {wall:.0f} s, start included: "
                f"{hours * 3600 / wall:.0f} x real time; {words} words",
                flush=True,
            )
            if number == 0:
                _, peak = watched(comparison(arguments.model, path))
                print(f"the comparison took {peak / 1e9:.2f} GB", flush=True)
            path.unlink()


def utterances(manifest: Path) -> Iterator[np.ndarray]:
    """Utterances (samples,) without end, pauses between them."""
    pause = np.zeros(round(PAUSE_SECONDS * RATE), np.float32)
    for utterance in cycle(read_manifest(manifest)):
        yield read_audio(manifest.parent / utterance.source, RATE)
        yield pause


def write(path: Path, pieces: Iterator[np.ndarray], seconds: float) -> None:
    """A file of just that length, never held as a whole."""
    left = round(seconds * RATE)
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        while left:
            piece = next(pieces)[:left]
            file.write(piece)
            left -= len(piece)


def watched(command: list[str]) -> tuple[float, int]:
    """Wall seconds and peak resident bytes of a process, its start included."""
    began = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"found status {status} of {' '.join(command)}, expected 0")
    return time.monotonic() - began, usage.ru_maxrss * 1024


def transcription(model: Path, path: Path) -> list[str]:
    """What a user types; NAME.json lies beside the file afterwards."""
    options = ["--model", str(model), "--device", "cpu", "--format", "json", "--output"]
    command = [sys.executable, "-m", "audio_rnn", "transcribe", str(path)]
    return [*command, *options, str(path.parent)]


def comparison(model: Path, path: Path) -> list[str]:
    """Print how far one pass over the whole file is from the sweep."""
    code = (
        f"from benchmarks.long_audio import print_difference as p; p({str(model)!r}, {str(path)!r})"
    )
    return [sys.executable, "-c", code]


def print_difference(folder: str, path: str) -> None:
    """One pass: all frames in memory, each layer over all of them."""
    import torch

    model = SpeechModel.load(Path(folder))
    frames = torch.cat(list(Reading(model.features, Path(path))))
    with torch.inference_mode():
        log_probs, _ = model(frames[None], torch.tensor([len(frames)]))
    once, swept = log_probs[0].numpy(), log_probs_of(model, Path(path))
    decoder = GreedyDecoder(model.vocabulary, model.step_seconds)
    texts = [decode(decoder, scores).text for scores in (once, swept)]
    print(
        f"one pass and sweep: largest difference of {once.size} log-probabilities "
        f"{np.abs(once - swept).max():.1e}, texts {'equal' if texts[0] == texts[1] else 'differ'}"
    )


if __name__ == "__main__":
    main()
