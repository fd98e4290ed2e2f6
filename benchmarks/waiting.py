"""Whether data comes fast enough for a GPU, without one: shards read ahead for a training that sleeps.

    python -m benchmarks.waiting --workers 12                    # noise that takes as much as speech
    python -m benchmarks.waiting --workers 12 --audio recordings

Recordings in shards of FLAC are read, decoded, padded and sent by worker processes as in a training, to one
that sleeps as long as a step would take at `pace`. Waiting is what the steps add up to beyond that, but
for the first batch. The processor's seconds count the workers and the process that receives, which reads the
shards for them; as many cores as they take at a pace are busy with data alone.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from audio_rnn.config import from_command_line
from audio_rnn.data.batching import Batch, BatchConfig
from audio_rnn.data.samples import SpeechReader
from audio_rnn.data.shard_batches import ShardBatches
from audio_rnn.data.shard_writer import write_shards
from audio_rnn.data.shards import Index, ShardConfig, index_path, read_index
from benchmarks._training_corpus import write_noise
from benchmarks.shards import RATE, SHARD, prepare
from benchmarks.shards import Arguments as Corpus


@dataclass(frozen=True)
class Options:
    """Of what, how fast, and how long."""

    audio: Path | None = None  # folder of recordings; None: noise
    hours: float = 1.0  # in the shards, which are read again and again
    pace: float = 2900.0  # seconds of sound that the training takes a second
    batch: float = 640.0  # seconds of a batch
    workers: int = 2
    seconds: float = 20.0  # that the training would take without waiting


@dataclass
class Spent:
    """What a training took."""

    sound: float = 0.0  # seconds
    first: float = 0.0  # wall, until the first batch was there
    waited: float = 0.0  # wall, for all others
    trained: float = 0.0  # wall, asleep
    core: float = 0.0  # of the processor, in this process and its workers
    own: float = 0.0  # of them, in this process


def main() -> None:
    """Print the share of waiting, and the cores it takes to be rid of it."""
    options = from_command_line(Options, __doc__.partition("\n")[0])
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        index = write(options, Path(name))
        spent = train(repeated(index, options.pace * options.seconds), options)
    each = spent.core / spent.sound
    print(
        f"{options.workers} workers, {options.pace:,.0f} s of sound a second: "
        f"waiting {spent.waited / (spent.waited + spent.trained):.1%} of {spent.trained:.1f} s of "
        f"steps, after {spent.first:.1f} s until the first batch; {1e3 * each:.2f} ms of a core "
        f"for a second of sound ({spent.own / spent.core:.0%} here, the rest in workers), {options.pace * each:.2f} cores at this pace"
    )


def write(options: Options, folder: Path) -> Index:
    """The shards."""
    if options.audio:
        return prepare(Corpus(options.audio, options.hours), folder)
    utterances = write_noise(folder, int(options.hours * 360) + 1, RATE)  # 10 s each
    write_shards(folder, "train", folder, utterances, SHARD)
    return read_index(index_path(folder, "train"))


def repeated(index: Index, seconds: float) -> Index:
    """The same shards as often as it takes."""
    times = int(seconds / sum(float(d.sum()) for d in index.durations)) + 1
    return replace(index, names=index.names * times, durations=index.durations * times)


def train(index: Index, options: Options) -> Spent:
    """An epoch of sleep."""
    reader = SpeechReader(lambda _: [1], RATE)
    batches = ShardBatches(
        index, reader, ShardConfig(buffer=SHARD), BatchConfig(options.batch, options.workers)
    )
    spent, began = Spent(), cores()
    consume(batches.epoch(1), options.pace, spent)
    spent.own, workers = (after - before for before, after in zip(began, cores()))
    spent.core = spent.own + workers
    return spent


def consume(batches: Iterable[Batch], pace: float, spent: Spent) -> None:
    """Take batches, and as much time for each as a training at `pace` would."""
    asked = time.monotonic()
    for batch in batches:
        got = time.monotonic()
        if spent.first:
            spent.waited += got - asked
        else:
            spent.first = got - asked
        time.sleep(batch.size / pace)
        asked = time.monotonic()
        spent.sound, spent.trained = spent.sound + batch.size, spent.trained + asked - got


def cores() -> tuple[float, float]:
    """Seconds of the processor that this process has taken, and its workers that have ended."""
    own, ended = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime, ended.ru_utime + ended.ru_stime


if __name__ == "__main__":
    main()
