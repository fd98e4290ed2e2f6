"""Prepare the embedded default: spoken commands, with no download and no recording.

Sentences of a small grammar, spoken by espeak-ng in many voices, rates and pitches, with white,
pink and babble noise. The voices of the validation and test set are not heard in training, and
their sentences are not said there. The same options give the same files; what is there is kept.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soundfile
import soxr

from audio_rnn.data.manifest import Utterance, read_manifest
from audio_rnn.errors import InputError
from recipes import noise
from recipes.noise import coloured
from recipes.prepare import progress, run
from recipes.speech_recognition import espeak, phrases
from recipes.speech_recognition.corpus import write_corpus

LANGUAGES = (
    "en-us",
    "en-us-nyc",
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
)
VARIANTS: Mapping[str, tuple[str, ...]] = {  # no variant is in two splits
    "train": (
        *("m1", "m2", "m3", "m6", "m7", "f1", "f2", "f5", "adam", "announcer", "caleb"),
        *("david", "edward", "anika", "Diogo", "Hugo", "miguel", "sandro"),
    ),
    "valid": ("m8", "f3"),
    "test": ("m5", "f4"),
}
SAMPLE_RATE = 16000
PART = 500  # utterances a process speaks: fixed, so that files do not depend on the machine
RATES = (125, 175)  # words a minute
PITCHES = (30, 70)  # of espeak's 0 to 99
SIZES = (0.88, 1.14)  # of the speakers in training; the others are as espeak has them
SNR_DB = (10.0, 30.0)
PEAK_DB = (-20.0, -1.0)
STAMP = "options.json"


@dataclass(frozen=True)
class Options:
    output: Path = Path("data/default")
    """Folder for sound, manifests and vocabulary."""
    train_utterances: int = 2600
    """Number of training utterances, of 1 to 4 seconds."""
    valid_utterances: int = 150
    """Number of validation utterances."""
    test_utterances: int = 250
    """Number of test utterances."""
    seed: int = 0
    """Another seed gives other sentences, voices and noise."""


@dataclass(frozen=True)
class Job:
    """One utterance to speak."""

    id: str
    text: str
    voice: espeak.Voice
    size: float  # of the speaker: above 1 a shorter vocal tract, so higher and faster


def prepare(options: Options) -> None:
    """Speak the corpus, or keep what is there. Raises: InputError."""
    _check(options)
    stamp, identity = options.output / STAMP, _identity(options)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == identity:
        names = ("train", "valid", "test")
        kept = {split: read_manifest(options.output / f"{split}.jsonl") for split in names}
        write_corpus(options.output, kept)
        return
    stamp.unlink(missing_ok=True)
    for old in (options.output / "audio").glob("*-?????.flac"):
        old.unlink()
    parts = plan(options)
    write_corpus(options.output, speak(parts, options.output / "audio", options.seed))
    stamp.write_text(identity, encoding="utf-8")


def plan(options: Options) -> list[list[Job]]:
    """Who says what: lists of at most PART utterances, each of one split."""
    sizes = {
        "test": options.test_utterances,
        "valid": options.valid_utterances,
        "train": options.train_utterances,
    }
    parts = []
    for split, size in sizes.items():
        texts = phrases.draw(split, size, options.seed)
        random_ = random.Random(f"{options.seed} {split}")
        jobs = [
            Job(f"{split}-{number:05}", text, _voice(split, random_), _size(split, random_))
            for number, text in enumerate(texts)
        ]
        parts += [jobs[start : start + PART] for start in range(0, len(jobs), PART)]
    return parts


def speak(parts: list[list[Job]], folder: Path, seed: int) -> dict[str, list[Utterance]]:
    """Utterances by split. Each part has its own new process, since espeak-ng has one state."""
    folder.mkdir(parents=True, exist_ok=True)
    splits: dict[str, list[Utterance]] = {}
    with ProcessPoolExecutor(mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        seeds = range(seed, seed + len(parts))
        done = pool.map(speak_part, parts, [folder] * len(parts), seeds)
        for spoken in progress(done, "speaking", len(parts)):
            for utterance in spoken:
                splits.setdefault(utterance.id.split("-")[0], []).append(utterance)
    return splits


def speak_part(jobs: list[Job], folder: Path, seed: int) -> list[Utterance]:
    """Speak, disturb and write the utterances of one part."""
    random_ = np.random.default_rng(seed)
    synthesiser = espeak.Synthesiser(seed)
    rate = synthesiser.sample_rate
    clean = [
        soxr.resample(synthesiser.speak(job.text, job.voice), rate * job.size, SAMPLE_RATE)
        for job in jobs
    ]
    utterances = []
    for job, waveform in zip(jobs, clean):
        disturbed = disturb(waveform, clean, random_)
        soundfile.write(folder / f"{job.id}.flac", disturbed, SAMPLE_RATE, compression_level=0)
        seconds = round(len(disturbed) / SAMPLE_RATE, 4)
        path, speaker = f"{folder.name}/{job.id}.flac", job.voice.name
        utterances.append(Utterance(job.id, seconds, audio=path, text=job.text, speaker=speaker))
    return utterances


def disturb(
    waveform: np.ndarray, others: list[np.ndarray], random_: np.random.Generator
) -> np.ndarray:
    """The waveform (samples,) with noise of a random kind, SNR and level.

    The kinds: white; pink (power falls with 1/f); babble (five of the `others` at once).
    """
    kind = random_.choice(["white", "pink", "babble"])
    if kind == "babble":
        added = sum(
            np.resize(others[i], len(waveform)) for i in random_.integers(len(others), size=5)
        )
    else:
        added = coloured(len(waveform), 1.0 if kind == "pink" else 0.0, random_)
    snr = 10 ** (random_.uniform(*SNR_DB) / 10)
    gain = np.sqrt(np.mean(waveform**2) / (snr * np.mean(added**2) + 1e-12))
    mixed = waveform + gain * added
    peak = 10 ** (random_.uniform(*PEAK_DB) / 20)
    return (mixed * peak / np.abs(mixed).max()).astype(np.float32)


def _voice(split: str, random_: random.Random) -> espeak.Voice:
    return espeak.Voice(
        random_.choice(LANGUAGES),
        random_.choice(VARIANTS[split]),
        random_.randint(*RATES),
        random_.randint(*PITCHES),
    )


def _size(split: str, random_: random.Random) -> float:
    return random_.uniform(*SIZES) if split == "train" else 1.0


def _check(options: Options) -> None:
    for name, value in asdict(options).items():
        if name.endswith("_utterances") and value < 1:
            flag = "--" + name.replace("_", "-")
            raise InputError(f"{flag}: found {value}, expected at least 1")


def _identity(options: Options) -> str:
    """The options, and a digest of the code that turns them into sound."""
    sources: Iterable[str] = (
        __file__,
        *(str(module.__file__) for module in (phrases, espeak, noise)),
    )
    code = b"".join(Path(source).read_bytes() for source in sources)
    values = {**asdict(options), "output": "", "code": hashlib.sha256(code).hexdigest()}
    return json.dumps(values, indent=1)


if __name__ == "__main__":
    run(prepare, Options, __doc__)
