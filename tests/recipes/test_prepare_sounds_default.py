"""The embedded default: kinds of sound, clips and soundscapes made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audio_rnn.audio import read_audio
from audio_rnn.errors import InputError
from recipes.audio_tagging.prepare_default import Options, prepare
from recipes.audio_tagging.synthesis import KINDS, RATE, synthesise
from tests.recipes.prepared import files
from tests.recipes.sounds import read_parts


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind: str) -> None:
    for seed, seconds in enumerate((0.25, 1.0, 4.0)):
        made = [synthesise(kind, seconds, np.random.default_rng([seed, n])) for n in (0, 0, 1)]
        assert all(len(sound) == round(seconds * RATE) for sound in made)
        assert np.abs(made[0]).max() == pytest.approx(1)
        np.testing.assert_array_equal(made[0], made[1])
        assert not np.array_equal(made[0], made[2])


def test_clips(tmp_path: Path) -> None:
    options = Options(tmp_path / "a", train=16, valid=8, test=8)
    prepare(options)
    parts = read_parts(tmp_path / "a")
    assert {name: len(part) for name, part in parts.items()} == {"train": 16, "valid": 8, "test": 8}
    for part in parts.values():
        assert {c.tags for c in part} == {(kind,) for kind in KINDS}
        assert all(c.events is None and 1.5 <= c.duration <= 3 for c in part)
    sounds = [read_audio(tmp_path / "a" / c.source, RATE) for p in parts.values() for c in p]
    assert all(0.2 < np.abs(sound).max() < 0.9 for sound in sounds)
    prepare(Options(tmp_path / "b", train=16, valid=8, test=8))
    assert files(tmp_path / "a" / "audio") == files(tmp_path / "b" / "audio")
    prepare(Options(tmp_path / "b", train=16, valid=8, test=8, seed=1))
    assert files(tmp_path / "a" / "audio") != files(tmp_path / "b" / "audio")


def test_soundscapes(tmp_path: Path) -> None:
    prepare(Options(tmp_path, soundscapes=True, train=12, valid=8, test=8))
    parts = read_parts(tmp_path)
    scenes = [c for part in parts.values() for c in part]
    assert {c.duration for c in scenes} == {10.0} and all(c.tags is None for c in scenes)
    assert {e.label for c in scenes for e in c.events or ()} == set(KINDS)
    assert all(0.249 <= e.offset - e.onset <= 4.01 for c in scenes for e in c.events or ())


def test_numbers_are_checked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--test: found 3, expected at least 8, one a kind"):
        prepare(Options(tmp_path, test=3))
