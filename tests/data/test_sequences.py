"""Batches of symbol sequences: order, resumption, shares of processes, pieces along time."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.data.sequences import BOUNDARY, SequenceBatch, SequenceBatchConfig, SequenceBatches
from audio_rnn.data.sequences import collate as side_by_side
from audio_rnn.errors import ConfigError, InputError

SEQUENCES = {f"s{n}": [1 + (n * k) % 7 for k in range(n % 11)] for n in range(50)}


def batches(symbols: int = 40, **options: int) -> SequenceBatches:
    return SequenceBatches(SEQUENCES, SequenceBatchConfig(symbols), **options)


def rows(batch: SequenceBatch) -> dict[str, tuple[list[int], list[int]]]:
    """Name -> (inputs, targets) without padding."""
    return {
        name: (batch.inputs[i, :n].tolist(), batch.targets[i, :n].tolist())
        for i, (name, n) in enumerate(zip(batch.ids, batch.lengths.tolist()))
    }


def assert_equal(ours: list[SequenceBatch], theirs: list[SequenceBatch]) -> None:
    assert [b.ids for b in ours] == [b.ids for b in theirs]
    for a, b in zip(ours, theirs, strict=True):
        for name in ("inputs", "targets", "lengths", "weights"):
            assert torch.equal(getattr(a, name), getattr(b, name)), name


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_every_sequence_is_told_once_an_epoch_from_begin_to_end(epoch: int) -> None:
    found = [row for batch in batches().epoch(epoch) for row in rows(batch).items()]
    assert len(found) == 50 and len(list(batches().epoch(epoch))) == batches().steps(epoch)
    for name, (inputs, targets) in found:
        assert inputs == [BOUNDARY, *SEQUENCES[name]] and targets == [*SEQUENCES[name], BOUNDARY]


def test_the_order_depends_on_seed_and_epoch_only() -> None:
    def names(epoch: int, seed: int) -> list[list[str]]:
        return [batch.ids for batch in batches(seed=seed).epoch(epoch)]

    torch.manual_seed(1)
    first = names(1, 0)
    torch.manual_seed(2)
    assert names(1, 0) == first != names(2, 0) and first != names(1, 1)
    assert names(0, 0) == names(0, 1)


@pytest.mark.parametrize("start", [1, 5])
def test_an_epoch_goes_on_from_any_batch(start: int) -> None:
    assert_equal(list(batches().epoch(3, start)), list(batches().epoch(3))[start:])


def test_batches_are_as_large_as_allowed() -> None:
    sizes = [batch.inputs.numel() for batch in batches(40).epoch(1)]
    assert max(sizes) <= 40 and sum(sizes) / len(sizes) > 20
    assert max(len(b.ids) for b in batches(1).epoch(0)) == 1  # a long one is a batch by itself


@pytest.mark.parametrize("world", [2, 3])
def test_the_shares_of_processes_are_the_whole_batch(world: int) -> None:
    shares = [batches(rank=rank, world=world).epoch(1) for rank in range(world)]
    for whole, *parts in zip(batches().epoch(1), *shares, strict=True):
        counted = [part for part in parts if part.weights.any()]
        assert counted and rows(whole) == {
            name: row for part in counted for name, row in rows(part).items()
        }
        assert sum(float(part.weights.sum()) for part in parts) == whole.total
        assert {part.total for part in parts} == {whole.total} == {int(whole.lengths.sum())}


@settings(max_examples=50)
@given(
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=6),
    size=st.integers(1, 40),
)
def test_pieces_put_together_are_the_batch(lengths: list[int], size: int) -> None:
    whole = side_by_side({str(n): list(range(1, 1 + n)) for n in set(lengths)})
    pieces = list(whole.pieces(size))
    assert all(piece.inputs.shape[1] <= size and piece.ids == whole.ids for piece in pieces)
    for name in ("inputs", "targets"):
        joined = torch.cat([getattr(piece, name) for piece in pieces], dim=1)
        assert torch.equal(joined, getattr(whole, name))
    assert torch.equal(sum(piece.lengths for piece in pieces), whole.lengths)
    assert torch.equal(sum(piece.weights for piece in pieces), whole.weights)
    assert sum(piece.total for piece in pieces) == whole.total
    assert len({id(piece.carry) for piece in pieces}) == 1 and whole.carry is None


def test_each_reading_of_the_pieces_begins_anew() -> None:
    batch = side_by_side({"a": [1, 2, 3]})
    for piece in batch.pieces(2):
        assert piece.carry is not None
        piece.carry.state = [(torch.ones(1),)]
    again = next(batch.pieces(2)).carry
    assert again is not None and again.state is None


def test_a_boundary_inside_is_refused() -> None:
    with pytest.raises(InputError, match="b: found symbol 0 inside, expected it nowhere"):
        side_by_side({"a": [1], "b": [2, 0, 1]})


def test_a_batch_of_no_symbols_is_refused() -> None:
    with pytest.raises(ConfigError, match="symbols: found 0, expected 1 or more"):
        SequenceBatchConfig(0)
