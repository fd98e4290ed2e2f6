import threading
from threading import Event

import pytest

from audio_rnn.inference.shares import LEAST, MOST, share


def test_results_stand_in_order_whoever_makes_them():
    seen: list[tuple[str, int]] = []

    def work(numbers: range, _: Event) -> list[int]:
        seen.append((threading.current_thread().name, len(numbers)))
        return [number * number for number in numbers]

    assert share(work, 25, threads=3) == [n * n for n in range(25)]
    assert sorted(size for _, size in seen) == [7, 9, 9]
    assert threading.current_thread().name not in [name for name, _ in seen]


@pytest.mark.parametrize(("count", "sizes"), [(3, {3}), (9, {1, LEAST}), (400, {MOST, 16})])
def test_shares_are_neither_too_small_nor_too_large(count: int, sizes: set[int]):
    found: set[int] = set()

    def work(numbers: range, _: Event) -> list[int]:
        found.add(len(numbers))
        return [*numbers]

    assert share(work, count, threads=4) == [*range(count)]
    assert found == sizes


def test_an_error_of_one_ends_the_others():
    def work(numbers: range, stop: Event) -> list[int]:
        if numbers.start == 0:
            raise ValueError("found this one")
        assert stop.wait(10)
        return []

    with pytest.raises(ValueError, match="found this one"):
        share(work, 2 * LEAST, threads=2)
