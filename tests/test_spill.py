"""Arrays on disk: every row comes back, nothing stays behind, a full disk has a name."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_rnn.errors import StorageError
from audio_rnn.spill import Spill


def rows(count: int, width: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(1, 7))
def test_rows_appended_in_pieces_are_read_in_others(counts, size):
    whole = rows(sum(counts))
    with Spill(3) as spill:
        for piece in np.split(whole, np.cumsum(counts)[:-1]) if counts else []:
            spill.append(piece)
        assert len(spill) == len(whole)
        pieces = list(spill.pieces(size))
    assert [len(piece) for piece in pieces[:-1]] == [size] * (len(pieces) - 1)
    np.testing.assert_array_equal(np.concatenate([whole[:0], *pieces]), whole)


def test_rows_written_from_the_end_are_all_there():
    whole = rows(10)
    with Spill(3) as spill:
        for start in (8, 4, 0):
            spill.write(start, whole[start : start + 4])
        assert len(spill) == 10
        np.testing.assert_array_equal(spill.read(3, 9), whole[3:9])
        np.testing.assert_array_equal(spill.read(8, 99), whole[8:])


def test_columns_and_other_types_are_written_as_rows_of_float32():
    with Spill(3) as spill:
        spill.append(rows(3).astype(np.float64).T)
        np.testing.assert_array_equal(spill.read(0, 3), rows(3).T)


def test_the_file_has_no_name_that_could_stay_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Spill(3) as spill:
        spill.append(rows(5))
        assert not list(tmp_path.iterdir())


def test_a_full_disk_is_a_named_error(monkeypatch):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    monkeypatch.setattr(tempfile, "TemporaryFile", partial(full.open, "r+b"))
    with Spill(3) as spill, pytest.raises(StorageError, match=r"No space left on device.*TMPDIR"):
        spill.append(rows(5))
