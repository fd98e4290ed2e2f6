"""Alignment: boundary errors on known answers, confidence of right and wrong text, speed, memory.

    python -m benchmarks.alignment --model runs/kathleen --manifest data/kathleen/test.jsonl
    python -m benchmarks.alignment --hours 3

The utterances of a manifest are joined without a pause, so that their boundaries are known. With
the embedded default corpus (`make demo`), which is what is taken without options, espeak-ng also
tells the true times of words. The peer is the package ctc-segmentation alone, with its defaults, on
the same log-probabilities.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import ctc_segmentation
import numpy as np
import torch

from audio_rnn.audio import write_audio
from audio_rnn.config import from_command_line
from audio_rnn.decoding.alignment.text import DOUBTFUL, align
from audio_rnn.inference.aligner import Aligner, Heard
from benchmarks._joined import RATE, Clip, Stretch, join, read_clips, spoken_words

SPOILED = 0.2  # of the lines are others, or not spoken
REPEATS = 4  # with other lines spoiled


@dataclass(frozen=True)
class Arguments:
    """What to measure."""

    model: Path = Path("runs/default")  # run folder
    manifest: Path = Path("data/default/test.jsonl")  # utterances to join
    seconds: int = 500  # of the joined recording
    rounds: int = 5  # of timing, each runs both sides
    hours: float = 0.0  # of a long recording through the command line, for time and memory
    seed: int = 0


def main() -> int:
    """Print all figures."""
    arguments = from_command_line(Arguments, "Errors, confidences, speed and memory of alignment.")
    if not (arguments.model.is_dir() and arguments.manifest.is_file()):
        print(f"skipped: no {arguments.model} or {arguments.manifest}; make demo makes the default")
        return 0
    torch.set_num_threads(1)
    aligner = Aligner.load(arguments.model, device="cpu")
    clips = read_clips(arguments.manifest)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "joined.wav"
        known = join(path, clips, arguments.seconds, arguments.seed)
        heard = aligner.hear(path)
        step = aligner.model.step_seconds
        report_errors("utterances", *compare(aligner, heard, known), step)
        if arguments.manifest.parent.name == "default":
            words(aligner, folder / "spoken.wav", arguments.seed)
        race(aligner, heard, known, arguments.rounds)
        confidences(aligner, clips, folder / "part.wav", arguments.seed)
        if arguments.hours:
            long_recording(arguments, clips, folder)
    return 0


def compare(
    aligner: Aligner, heard: Heard, known: Sequence[Stretch]
) -> tuple[list[Stretch], Sequence[Stretch]]:
    """Utterances as they are found, and as they are."""
    alignment = aligner.place(aligner.spell([stretch.text for stretch in known]), heard)
    return [Stretch(u.text, u.start, u.end) for u in alignment.utterances], known


def report_errors(
    what: str, found: Sequence[Stretch], known: Sequence[Stretch], step: float
) -> None:
    """Print how far starts and ends are from the true ones."""
    starts = [one.start - other.start for one, other in zip(found, known, strict=True)]
    ends = [one.end - other.end for one, other in zip(found, known, strict=True)]
    for name, errors in (("start", starts), ("end", ends), ("both", starts + ends)):
        middle, far, further = np.percentile(np.abs(errors), [50, 90, 99])
        print(
            f"{len(found)} {what}, {name}: median error {1000 * middle:.0f} ms "
            f"({middle / step:.2f} steps), 90 % within {1000 * far:.0f} ms, "
            f"99 % within {1000 * further:.0f} ms"
        )


def words(aligner: Aligner, path: Path, seed: int) -> None:
    """Print the errors of words whose times espeak-ng tells."""
    texts, known = spoken_words(path, 150, seed)
    alignment = aligner.align(path, texts)
    found = [Stretch(w.text, w.start, w.end) for u in alignment.utterances for w in u.words]
    report_errors("words", found, known, aligner.model.step_seconds)


def race(aligner: Aligner, heard: Heard, known: Sequence[Stretch], rounds: int) -> None:
    """Time both sides in turn, from log-probabilities on."""
    lines = aligner.spell([stretch.text for stretch in known])
    tokens = [np.array(line.ids) for line in lines]

    def ours() -> None:
        align(heard.posteriors, heard.loudness, lines)

    def peer() -> None:
        parameters = ctc_segmentation.CtcSegmentationParameters(
            char_list=list(aligner.model.vocabulary.symbols),
            index_duration=aligner.model.step_seconds,
        )
        labels, begins = ctc_segmentation.prepare_token_list(parameters, tokens)
        steps, scores, _ = ctc_segmentation.ctc_segmentation(
            parameters, heard.posteriors.log_probs, labels
        )
        ctc_segmentation.determine_utterance_segments(parameters, begins, scores, steps, lines)

    times = [(_seconds(ours), _seconds(peer)) for _ in range(rounds)]
    mine, theirs = np.array(times).T
    ratios = mine / theirs
    print(
        f"{heard.duration:.0f} s of audio after log-probabilities, processor seconds: "
        f"ours {np.median(mine):.3f} s ({mine.min():.3f}-{mine.max():.3f}), "
        f"ctc-segmentation alone {np.median(theirs):.3f} s, "
        f"ratio {np.median(ratios):.2f} ({ratios.min():.2f}-{ratios.max():.2f})"
    )


def _seconds(side: Callable[[], None]) -> float:
    began = time.process_time()
    side()
    return time.process_time() - began


def confidences(aligner: Aligner, clips: Sequence[Clip], path: Path, seed: int) -> None:
    """Print what share of right and wrong lines is below the threshold."""
    values: dict[str, list[float]] = {}
    gaps = 0
    for repeat in range(REPEATS):
        random_ = random.Random(f"{seed} {repeat}")
        shuffled = random_.sample(list(clips), len(clips))
        half = len(shuffled) // 2
        spoken, others = shuffled[:half], [clip.text for clip in shuffled[half:]]
        texts = [clip.text for clip in spoken]
        spoiled = set(random_.sample(range(half), round(SPOILED * half)))
        replaced = [others[i] if i in spoiled else text for i, text in enumerate(texts)]
        kept = [clip for i, clip in enumerate(spoken) if i not in spoiled]
        whole, part = _hear(aligner, path, spoken), _hear(aligner, path, kept)
        right = aligner.place(aligner.spell(texts), whole)
        gaps += len(right.gaps)
        values.setdefault("right", []).extend(u.confidence for u in right.utterances)
        for what, heard, lines in (
            ("wrong, another text is spoken", whole, replaced),
            ("wrong, nothing is spoken", part, texts),
        ):
            for i, utterance in enumerate(aligner.place(aligner.spell(lines), heard).utterances):
                kind = what if i in spoiled else f"right, beside what is {what}"
                values.setdefault(kind, []).append(utterance.confidence)
    for kind, found in values.items():
        _report_confidence(kind, np.array(found))
    print(f"stretches taken for speech without text where there are none: {gaps}")


def _hear(aligner: Aligner, path: Path, clips: Sequence[Clip]) -> Heard:
    write_audio(path, np.concatenate([clip.waveform for clip in clips]), RATE)
    return aligner.hear(path)


def _report_confidence(kind: str, values: np.ndarray) -> None:
    low, middle, high = np.percentile(values, [1, 50, 99])
    below = float((values < DOUBTFUL).mean())
    print(
        f"{kind}: {len(values)} lines, confidence {low:.4f} (1 %), {middle:.4f} (median), "
        f"{high:.4f} (99 %); {100 * below:.1f} % below {DOUBTFUL}"
    )


def long_recording(arguments: Arguments, clips: Sequence[Clip], folder: Path) -> None:
    """The command line on hours of audio: errors, time and peak memory."""
    path, text = folder / "long.flac", folder / "long.txt"
    known = join(path, clips, arguments.hours * 3600, arguments.seed + 1)
    text.write_text("".join(f"{stretch.text}\n" for stretch in known), encoding="utf-8")
    command = [sys.executable, "-m", "audio_rnn", "align", path, text, "--model", arguments.model]
    command += ["--device", "cpu", "--output", folder, "--format", "segments", "--threshold", "0"]
    began = time.monotonic()
    process = subprocess.Popen(list(map(str, command)), env={**os.environ, "OMP_NUM_THREADS": "1"})
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"audio-rnn align: found status {status}, expected 0")
    wall = time.monotonic() - began
    rows = [row.split(" ", 5) for row in (folder / "long.segments").read_text().splitlines()]
    found = [Stretch(row[5], float(row[2]), float(row[3])) for row in rows]
    lines = [int(row[0].rpartition("-")[2]) for row in rows]
    report_errors(
        f"of {len(known)} utterances in {arguments.hours:g} hours",
        found,
        [known[line - 1] for line in lines],
        Aligner.load(arguments.model, device="cpu").model.step_seconds,
    )
    print(
        f"{wall:.0f} s of wall clock, {usage.ru_utime + usage.ru_stime:.0f} s of processor, "
        f"peak memory {usage.ru_maxrss * 1024 / 1e9:.2f} GB"
    )


if __name__ == "__main__":
    sys.exit(main())
