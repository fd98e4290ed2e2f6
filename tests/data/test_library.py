"""Pieces known by heart: what followed where a piece sounds like one of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from audio_rnn.data.library import AHEAD, Library, Search, sung_in

KEYS, VOICES = 40, 3
Sung = np.ndarray  # (frames, voices), KEYS for a rest


def tunes(seed: int, frames: int = 30) -> Sung:
    """Voices that move a step now and then, and rest sometimes."""
    random = np.random.default_rng(seed)
    moves = random.integers(-1, 2, (frames, VOICES)) * (random.random((frames, VOICES)) < 0.4)
    sung = 20 + moves.cumsum(axis=0)
    return np.where(random.random(sung.shape) < 0.05, KEYS, sung)


def roll_of(sung: Sung) -> np.ndarray:
    return np.eye(KEYS + 1, KEYS, dtype=np.uint8)[sung]


def library_of(*pieces: Sung) -> Library:
    return Library.of({f"piece {n}": roll_of(sung) for n, sung in enumerate(pieces)})


def told(library: Library, sung: Sung, name: str = "") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each frame the shares of keys (frames, ahead, voices, KEYS), the keys of the best match
    (frames, ahead, voices), and how long that is."""
    roll = roll_of(sung)
    followed, agreed = library.follow(roll, library.find(roll, name))
    shares, best = followed.reshape(len(sung), 2, len(AHEAD), VOICES, KEYS).swapaxes(0, 1)
    keys = sung_in(best.reshape(-1, VOICES, KEYS)).reshape(best.shape[:3])
    return shares, keys, agreed


def step(keys: np.ndarray, back: int) -> int | str:
    """The step so many steps ago."""
    before, now = keys[-2 - back], keys[-1 - back]
    rests = before == KEYS, now == KEYS
    return int(now - before) if rests[0] == rests[1] else ("silence" if rests[1] else "sound")


def longest(library: Library, sung: Sung) -> tuple[int, list[int]]:
    """The same as `Search` after all of `sung`, by its definition: weight, and steps of each voice."""
    best, places = (0, [0] * VOICES), np.cumsum([0, *library.lengths])
    for first, last in itertools.pairwise(places):
        for place in range(first + 1, last):
            runs = []
            for voice in range(VOICES):
                own, other = sung[:, voice], library.sung[first:place, voice]
                most = min(len(own), len(other)) - 1
                same = [step(own, n) == step(other, n) for n in range(most)]
                runs.append((same + [False]).index(False))
            if runs[0] and runs[0] + sum(runs) > best[0]:
                best = runs[0] + sum(runs), runs
    return best


@pytest.mark.parametrize("seed", range(5))
def test_the_best_match_is_that_of_the_definition(seed: int) -> None:
    library, sung = library_of(*(tunes(10 * seed + n) for n in range(4))), tunes(10 * seed + 9)
    search = Search(library)
    for frame, keys in enumerate(sung):
        places, shares, (tune, others) = search.advance(keys)
        weight, runs = longest(library, sung[: frame + 1])
        found = search.runs[:, places[0]].tolist() if len(places) else [0] * VOICES
        assert sum(found) + found[0] == weight
        assert (tune, others) == (found[0], sum(found[1:]) // (VOICES - 1))
        assert not len(shares) or shares.sum() == pytest.approx(1)
    assert weight > 0 and runs[0] > 0


def test_a_piece_known_by_heart_is_told_as_it_goes_on_in_any_key() -> None:
    piece, moved = np.full((12, VOICES), 10), 5
    piece += np.array([0, 2, 4, 5, 7, 5, 4, 2, 0, 2, 4, 0])[:, None]
    shares, keys, agreed = told(library_of(tunes(3), piece - 3), piece + moved)
    assert agreed[:, 0].tolist() == [0, 0, *range(1, 11)]
    assert np.array_equal(keys[2:, 0], piece[2:] + moved)
    assert np.array_equal(keys[2:-4, 1], piece[6:] + moved)
    assert (keys[-4:, 1] == KEYS).all()  # the piece has ended by then
    assert 0.8 < shares[11, 0, 0, piece[11, 0] + moved] < 1  # a shorter match has a share, too


def test_what_is_told_of_a_frame_depends_on_those_before_it_only() -> None:
    library, sung = library_of(*map(tunes, range(4))), tunes(9)
    changed = np.concatenate([sung[:15], tunes(8)[15:]])
    for one, other in zip(told(library, sung), told(library, changed)):
        assert np.array_equal(one[:16], other[:16]) and not np.array_equal(one[16:], other[16:])


def test_a_piece_does_not_hear_itself() -> None:
    pieces = [tunes(n) for n in range(4)]
    library = library_of(*pieces)
    without = library_of(*pieces[:2], pieces[3])
    for mine, others in zip(told(library, pieces[2], "piece 2"), told(without, pieces[2])):
        assert np.array_equal(mine, others)
    assert told(library, pieces[2])[2][-1, 0] > told(without, pieces[2])[2][-1, 0]


def test_what_lies_beyond_the_keyboard_and_beside_a_rest_is_not_told() -> None:
    piece = np.array([[5, 20, 20], [6, 20, 20], [7, KEYS, 39]])
    high = piece[:, [0, 0, 0]].copy()
    high[:, 1:] = 1
    _, keys, _ = told(library_of(piece), high + 3)
    assert keys[2, 0].tolist() == [10, KEYS, KEYS]


def test_nothing_is_told_where_nothing_agrees() -> None:
    library = library_of(tunes(0)[:2])
    shares, keys, agreed = told(library, np.full((3, VOICES), KEYS))
    assert not shares.any() and (keys == KEYS).all() and not agreed.any()
