"""What is computed along time, made to work on a sequence that comes piece by piece.

A stage takes the next piece, and whether it is the last one, and gives what is settled by then.
All that it gives, joined, equals what the whole sequence would have given at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Stage = Callable[[Tensor, bool], Tensor]  # rows (n, inputs), is last -> settled rows (m, outputs)


@dataclass(frozen=True)
class Chain:
    """Stages that hand their rows on; itself a stage."""

    stages: Sequence[Stage]

    def __call__(self, x: Tensor, last: bool) -> Tensor:
        """Send a piece through."""
        for stage in self.stages:
            x = stage(x, last)
        return x


class Local:
    """A function along time that sees a bounded past and future, as a stage.

    The function takes (frames, inputs) and gives one row for every `stride` frames; row t sees
    frames t * stride - past to t * stride + future.
    """

    def __init__(
        self,
        function: Callable[[Tensor], Tensor],
        width: int,
        past: int = 0,
        future: int = 0,
        stride: int = 1,
    ) -> None:
        """`width` is the size of a row that the function gives."""
        self.function, self.width = function, width
        self.past, self.future, self.stride = past, future, stride
        self.held: Tensor | None = None  # from the first frame that the next row sees
        self.done = 0  # rows over the held frames that were given before

    def __call__(self, x: Tensor, last: bool) -> Tensor:
        """The next frames (frames, inputs) -> the rows that they settle (rows, width)."""
        self.held = x if self.held is None else torch.cat([self.held, x])
        settled = len(self.held) if last else max(0, len(self.held) - self.future)
        stop = -(-settled // self.stride)
        if stop <= self.done:
            return x.new_zeros(0, self.width)
        rows = self.function(self.held)[self.done : stop]
        seen = max(0, stop - -(-self.past // self.stride))  # rows whose frames no other row sees
        self.held, self.done = self.held[seen * self.stride :], stop - seen
        return rows


def run(stage: Stage, pieces: Iterable[Tensor], empty: Tensor) -> Iterator[Tensor]:
    """All pieces of a sequence through a stage; `empty` (0, inputs) is what ends it."""
    for piece in pieces:
        yield stage(piece, False)
    yield stage(empty, True)
