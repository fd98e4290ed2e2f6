"""What large corpora cost: reading, decoding and batching shards, planning an epoch, a checkpoint.

    python -m benchmarks.shards --audio recordings

A folder of recordings is written as FLAC at 16 kHz, put into shards, and read from them; webdataset
reads the same shards alternately. All rates are those of one core: seconds are of the processor, on
files that the system holds in memory.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median

import numpy as np
import torch

from audio_rnn.audio import EXTENSIONS, read_audio, write_audio
from audio_rnn.config import from_command_line
from audio_rnn.data.batching import BatchConfig
from audio_rnn.data.manifest import Utterance
from audio_rnn.data.samples import SpeechReader, read_sound
from audio_rnn.data.shard_batches import ShardBatches
from audio_rnn.data.shard_plan import ShardPlan
from audio_rnn.data.shard_writer import write_shards
from audio_rnn.data.shards import Index, ShardConfig, index_path, read_index
from audio_rnn.data.tar import read_shard
from audio_rnn.files import files_below
from audio_rnn.runs.checkpoint import load_state, save_state

RATE = 16000  # Hz
SHARD = 900.0  # seconds
WINDOWS = (1, 2, 4, 8)  # hours


@dataclass(frozen=True)
class Arguments:
    """Of what, and how often."""

    audio: Path = Path("data/default/audio")  # folder of recordings, best of speech
    hours: float = 1.0  # in the shards; recordings are repeated to fill them
    rounds: int = 5
    samples: int = 1_000_000  # of the epoch that is planned
    parameters: int = 20_000_000  # of the model whose checkpoint is written


def main() -> None:
    """Print the rates."""
    arguments = from_command_line(Arguments, "The cost of large corpora.")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        index = prepare(arguments, Path(name))
        bytes_ = sum((Path(name) / shard).stat().st_size for shard in index.names)
        seconds = sum(float(d.sum()) for d in index.durations)
        count = sum(map(len, index.durations))
        print(
            f"{count} recordings, {seconds / 3600:.2f} h: {bytes_ / seconds * 3.6e-3:.1f} MB an hour"
        )
        read(index, Path(name), bytes_, arguments.rounds)
        decode(index, seconds, arguments.rounds)
        write_checkpoint(Path(name), arguments.parameters)
    plan(arguments.samples)


def prepare(arguments: Arguments, folder: Path) -> Index:
    """The shards."""
    sources, seconds = files_below(arguments.audio, EXTENSIONS), 0.0
    utterances: list[Utterance] = []
    for number, path in enumerate(cycle(sources)):
        waveform = read_audio(path, RATE)
        write_audio(folder / f"{number}.flac", waveform, RATE)
        length = len(waveform) / RATE
        utterances.append(Utterance(f"u{number}", length, audio=f"{number}.flac", text="one two"))
        seconds += length
        if seconds >= arguments.hours * 3600:
            break
    write_shards(folder, "train", folder, utterances, SHARD)
    return read_index(index_path(folder, "train"))


def read(index: Index, folder: Path, size: int, rounds: int) -> None:
    """Samples as bytes, by us and by webdataset."""
    import webdataset

    paths = [str(folder / name) for name in index.names]

    def ours() -> int:
        return sum(1 for n in range(len(index.names)) for _ in read_shard(index, n))

    def theirs() -> int:
        return sum(1 for _ in webdataset.WebDataset(paths, shardshuffle=False))

    pairs = [(processor(ours), processor(theirs)) for _ in range(rounds)]
    mine, others = (median(side) for side in zip(*pairs))
    ratios = sorted(b / a for a, b in pairs)
    print(
        f"reading: {size / mine / 1e6:.0f} MB/s, webdataset {size / others / 1e6:.0f} MB/s; "
        f"{median(ratios):.2f} times as fast ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


def decode(index: Index, seconds: float, rounds: int) -> None:
    """Samples as waveforms, and as batches."""
    samples = [sample for n in range(len(index.names)) for sample in read_shard(index, n)]
    spent = median(
        processor(lambda: [read_sound(s, RATE) for s in samples] and None) for _ in range(rounds)
    )
    print(f"decoding FLAC: {seconds / spent:.0f} s of sound a second")
    batches = ShardBatches(
        index, SpeechReader(lambda _: [1], RATE), ShardConfig(buffer=SHARD), BatchConfig(200.0)
    )
    spent = median(processor(lambda: list(batches.epoch(1)) and None) for _ in range(rounds))
    print(
        f"shards to batches: {seconds / spent:.0f} s of sound a second, "
        f"{batches.padding(1):.1%} padding"
    )


def plan(count: int) -> None:
    """An epoch of so many samples over 64 lanes, and the memory of their lengths."""
    random = np.random.default_rng(0)
    lengths = random.gamma(4.0, 2.5, count).clip(1, 35).astype(np.float32)  # 10 s in the mean
    durations = tuple(np.array_split(lengths, max(64, count // 360)))
    index = Index(Path("train.shards.jsonl"), tuple(map(str, range(len(durations)))), durations, "")
    made = ShardPlan(index, ShardConfig(lanes=64), BatchConfig(64 * 400.0), seed=0, epoch=1)
    spent = processor(lambda: made.steps)
    print(f"planning {count} samples in {len(durations)} shards: {spent:.1f} s, {made.steps} steps")
    for seconds in (200.0, 400.0):
        shares = [padding(index, seconds, hours) for hours in WINDOWS]
        told = ", ".join(f"{share:.1%} of {hours} h" for share, hours in zip(shares, WINDOWS))
        print(f"padding of batches of {seconds:.0f} s a lane, with windows: {told}")


def padding(index: Index, seconds: float, hours: float) -> float:
    """Share of padding in batches of `seconds` a lane, out of windows of `hours`."""
    config = ShardConfig(lanes=64, buffer=hours * 3600)
    return ShardPlan(index, config, BatchConfig(64 * seconds), seed=0, epoch=1).padding


def write_checkpoint(folder: Path, parameters: int) -> None:
    """Weights, two moments and an average of them, saved and loaded."""
    tensors = {str(n): torch.randn(parameters // 10) for n in range(10)}
    state = {name: dict(tensors) for name in ("model", "first", "second", "average")}
    saved = processor(lambda: save_state(folder / "checkpoint", state))
    loaded = processor(lambda: load_state(folder / "checkpoint", print))
    size = sum(path.stat().st_size for path in (folder / "checkpoint").iterdir())
    print(
        f"checkpoint of {parameters / 1e6:.0f} M parameters: {size / 1e6:.0f} MB, "
        f"saved in {saved:.1f} s, loaded in {loaded:.1f} s"
    )


def processor(work: Callable[[], object]) -> float:
    """Seconds of the processor."""
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
