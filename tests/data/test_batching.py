"""Batches: their order, their resumption, the shares of processes, and little padding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st

from audio_rnn.config import read_yaml
from audio_rnn.data.batching import BatchConfig, Batches, group_by_length
from audio_rnn.data.dataset import Example, SpeechBatch, SpeechDataset, collate
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import AudioError, ConfigError, ManifestError

ROOT = Path(__file__).parents[2]
DATA = ROOT / ".." / "shared" / "data"
FRAMES_PER_SECOND = 10


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> SpeechDataset:
    """40 utterances of 1 to 5 seconds, 10 frames a second, 2 coefficients."""
    folder = tmp_path_factory.mktemp("utterances")
    random = np.random.default_rng(0)
    utterances = []
    for n, frames in enumerate(random.integers(10, 51, 40).tolist()):
        np.save(folder / f"{n}.npy", random.normal(size=(frames, 2)))
        utterances.append(Utterance(str(n), frames / FRAMES_PER_SECOND, features=f"{n}.npy"))
    targets = [random.integers(1, 9, size=n % 5).tolist() for n in range(40)]
    return SpeechDataset(folder, utterances, targets, sample_rate=16000)


def batches(dataset: SpeechDataset, seconds: float = 15, workers: int = 0, **options) -> Batches:
    return Batches(dataset, BatchConfig(seconds, workers), **options)


def durations_only(durations: list[float], seconds: float) -> Batches:
    """Batches of utterances that are never read."""
    utterances = [Utterance(str(n), d, audio="a") for n, d in enumerate(durations)]
    return batches(SpeechDataset(Path(), utterances, [[]] * len(durations), 16000), seconds)


def assert_equal(ours: list[SpeechBatch], theirs: list[SpeechBatch]) -> None:
    assert [b.ids for b in ours] == [b.ids for b in theirs]
    for a, b in zip(ours, theirs, strict=True):
        for name in ("inputs", "lengths", "targets", "target_lengths", "weights"):
            assert torch.equal(getattr(a, name), getattr(b, name)), name


def ids(some: list[SpeechBatch]) -> list[str]:
    return [name for batch in some for name in batch.ids]


def test_short_items_are_as_few_as_is_told(dataset):
    config = BatchConfig(15, most=4)
    plan = Batches(dataset, config).plan(1)
    assert sorted(n for batch in plan for n in batch) == list(range(40))
    assert max(map(len, plan)) == 4 and len(plan) >= 10
    longest = [dataset.durations[batch].max() for batch in plan]
    assert all(len(b) * d <= 15 for b, d in zip(plan, longest))
    assert Batches(dataset, BatchConfig(15, most=100)).plan(1) == batches(dataset).plan(1)
    with pytest.raises(ConfigError, match=r"batches\.most: found 0, expected 1 or more"):
        BatchConfig(most=0)


def test_few_items_are_gone_through_several_times_an_epoch(dataset):
    once = Batches(dataset, BatchConfig(15))
    often = Batches(dataset, BatchConfig(15, least=2 * once.steps(1) + 1))
    assert often.steps(1) >= 2 * once.steps(1) + 1
    for epoch in (1, 2):
        counts = np.bincount([n for batch in often.plan(epoch) for n in batch])
        assert counts.tolist() == [3] * 40
    assert {tuple(b) for b in often.plan(1)} != {tuple(b) for b in often.plan(2)}
    assert often.plan(0) == once.plan(0), "validation and statistics take each once"
    assert often.padding(1) == pytest.approx(once.padding(1), abs=0.05)
    assert Batches(dataset, BatchConfig(15, least=2)).plan(7) == once.plan(7)
    with pytest.raises(ConfigError, match=r"batches\.least: found 0, expected 1 or more"):
        BatchConfig(least=0)


def test_every_utterance_once_an_epoch(dataset):
    for epoch in range(3):
        found = list(batches(dataset).epoch(epoch))
        assert sorted(ids(found), key=int) == [str(n) for n in range(40)]
        assert len(found) == batches(dataset).steps(epoch)


def test_the_order_depends_on_seed_and_epoch_only(dataset):
    def plan(seed: int, epoch: int) -> list[list[int]]:
        return batches(dataset, seed=seed).plan(epoch)

    one = batches(dataset, seed=1)
    one.plan(5)
    torch.manual_seed(9)
    np.random.seed(9)
    assert plan(1, 3) == one.plan(3)
    assert batches(dataset, seed=1, rank=1, world=2).plan(3) == plan(1, 3)
    assert plan(1, 3) != plan(1, 4)
    assert plan(1, 3) != plan(2, 3)
    assert plan(1, 0) == plan(2, 0)


def test_reading_leaves_the_global_random_generators_alone(dataset):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    list(batches(dataset).epoch(1))
    assert torch.equal(torch.get_rng_state(), before)


def test_epoch_0_is_in_order_of_length(dataset):
    lengths = torch.cat([batch.lengths for batch in batches(dataset).epoch(0)])
    assert lengths.tolist() == sorted(lengths.tolist())


@pytest.mark.parametrize("start", [0, 1, 4])
def test_an_epoch_goes_on_from_any_batch(dataset, start):
    whole = list(batches(dataset, seed=1).epoch(2))
    assert_equal(list(batches(dataset, seed=1).epoch(2, start)), whole[start:])
    assert list(batches(dataset, seed=1).epoch(2, len(whole))) == []


def test_workers_change_nothing(dataset):
    alone = list(batches(dataset).epoch(1))
    assert_equal(list(batches(dataset, workers=2).epoch(1)), alone)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_is_the_user_s_in_a_worker_too(tmp_path, workers):
    (tmp_path / "a.wav").write_bytes(b"no audio")
    broken = SpeechDataset(tmp_path, [Utterance("a", 0.5, audio="a.wav")], [[1]], 16000)
    with pytest.raises(AudioError, match=r"a\.wav") as error:
        list(batches(broken, workers=workers).epoch(1))
    assert "Traceback" not in str(error.value)


@pytest.mark.parametrize("world", [2, 3, 50])
def test_the_shares_of_processes_are_the_whole_batch(dataset, world):
    whole = list(batches(dataset, seed=4).epoch(1))
    shares = [list(batches(dataset, seed=4, rank=r, world=world).epoch(1)) for r in range(world)]
    for step, batch in enumerate(whole):
        parts = [share[step] for share in shares]
        assert all(part.total == len(batch.ids) == batch.total for part in parts)
        assert all(part.ids for part in parts), "a process without an item falls out of step"
        worked = [n for p in parts for n, w in zip(p.ids, p.weights.tolist(), strict=True) if w]
        assert sorted(worked) == sorted(batch.ids)
        assert sum(part.weights.sum() for part in parts) == batch.total


def test_padding_is_zero_and_lengths_are_true(dataset):
    for batch in batches(dataset).epoch(1):
        for n, name in enumerate(batch.ids):
            example = dataset[int(name)]
            frames, symbols = len(example.inputs), len(example.target)
            assert (batch.lengths[n], batch.target_lengths[n]) == (frames, symbols)
            np.testing.assert_array_equal(batch.inputs[n, :frames], example.inputs)
            assert batch.targets[n, :symbols].tolist() == example.target
            assert not batch.inputs[n, frames:].any()
            assert not batch.targets[n, symbols:].any()


def test_inputs_of_several_kinds_are_named():
    audio, frames = np.ones(9, np.float32), np.ones((9, 13), np.float32)
    for other, found in ((audio, "audio"), (frames[:, :5], "frames of 5 values")):
        with pytest.raises(
            ManifestError, match=rf"frames of 13 values \('a'\) and {found} \('b'\)"
        ):
            collate([Example("a", frames, [1]), Example("b", other, [1])])


def test_waveforms_are_padded_too():
    batch = collate([Example(n, np.ones(len(n), np.float32), []) for n in ("a", "abc")])
    assert batch.inputs.tolist() == [[1, 0, 0], [1, 1, 1]]
    assert batch.targets.shape == (2, 0)
    assert batch.to(torch.device("cpu")).ids == ["a", "abc"]


@given(st.lists(st.floats(0.01, 30), min_size=1, max_size=60), st.floats(1, 100), st.integers(0, 3))
def test_batches_stay_within_their_seconds(durations, seconds, epoch):
    plan = durations_only(durations, seconds).plan(epoch)
    assert sorted(index for batch in plan for index in batch) == list(range(len(durations)))
    for batch in plan:
        size = len(batch) * max(durations[index] for index in batch)
        assert size <= seconds * (1 + 1e-9) or len(batch) == 1


def test_an_utterance_longer_than_a_batch_stands_alone():
    assert group_by_length([0, 1, 2], np.array([1.0, 9.0, 1.0]), 3) == [[0], [1], [2]]
    assert group_by_length([1, 0, 2], np.array([1.0, 9.0, 1.0]), 3) == [[1], [0, 2]]


@pytest.mark.parametrize(("seconds", "workers"), [(0, 0), (-1, 0), (float("nan"), 0), (1, -1)])
def test_impossible_batches_are_refused(seconds, workers):
    with pytest.raises(ConfigError, match=f"found seconds {seconds}, workers {workers}"):
        BatchConfig(seconds, workers)


def an4() -> list[float]:
    sizes = [path.stat().st_size for path in DATA.glob("an4_mfcc/feat/an4_clstk/**/*.mfc")]
    return [(size - 4) / 4 / 13 / 100 for size in sizes]


def fsdd() -> list[float]:
    paths = DATA.glob("fsdd/recordings/*")
    return [soundfile.info(path).duration for path in paths]


def listed(corpus: str) -> list[float]:
    """Seconds of the training set in a manifest.tsv."""
    path = DATA / corpus / "manifest.tsv"
    if not path.is_file():
        return []
    head, *lines = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    rows = [dict(zip(head, line, strict=False)) for line in lines]
    return [float(row["seconds"]) for row in rows if row["split"] == "train"]


@pytest.mark.parametrize("corpus", ["an4", "fsdd", "kathleen", "librispeech_mini"])
def test_little_padding_on_real_corpora(corpus, capsys):
    durations = {"an4": an4, "fsdd": fsdd}.get(corpus, lambda: listed(corpus))()
    if not durations:
        pytest.skip(f"{corpus} is not here")
    config = read_yaml(ROOT / "conf" / "speech_recognition" / f"{corpus.partition('_')[0]}.yaml")
    made = durations_only(durations, config["batches"]["seconds"])
    shares = [made.padding(epoch) for epoch in (1, 2, 3)]
    with capsys.disabled():
        print(f"\n{corpus}: {len(durations)} utterances, padding {max(shares):.1%} of frames")
    assert max(shares) < 0.1
