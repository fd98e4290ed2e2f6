"""A network around recurrent layers over a sequence of any length, in memory that does not grow with it.

With one direction, pieces go straight through. With two, each layer reads the sequence from disk
twice, at once: forwards from its start and backwards from its end, both with carried state and cut where
`RecurrentLayer` cuts in memory, so that the values are those of one pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial

import numpy as np
import torch
from torch import Tensor

from audio_rnn.features.stages import run
from audio_rnn.models.recurrent import SWEEP, RecurrentLayer, run_cell
from audio_rnn.models.stream import Network, causal_stream
from audio_rnn.spill import Spill
from audio_rnn.threads import at_once


@torch.inference_mode()
def sweep(model: Network, frames: Iterable[Tensor]) -> Iterator[Tensor]:
    """Frames (n, inputs) of one sequence in pieces -> its outputs (m, outputs) in pieces.

    Raises: StorageError when the disk is full.
    """
    device = next(model.recurrent.parameters()).device
    empty = torch.zeros(0, model.inputs, device=device)
    if not model.recurrent.config.bidirectional:
        yield from run(causal_stream(model), frames, empty)
        return
    with ExitStack() as files:
        x = files.enter_context(Spill(model.recurrent.inputs))
        for piece in run(model.front_stage(), frames, empty):
            x.append(_to_disk(piece))
        for layer in model.recurrent.layers:
            y = files.enter_context(Spill(model.recurrent.config.width))
            assert isinstance(layer, RecurrentLayer)
            _sweep_layer(layer, x, y, device)
            x.close()
            x = y
        rows = (torch.from_numpy(piece).to(device) for piece in x.pieces(SWEEP))
        yield from run(model.output_stage(), rows, torch.zeros(0, x.width, device=device))


def _sweep_layer(layer: RecurrentLayer, x: Spill, y: Spill, device: torch.device) -> None:
    """Both directions of a layer, from x (steps, inputs) to y (steps, width)."""
    forwards, backwards, hidden = layer.forwards, layer.backwards, layer.forwards.hidden_size
    assert backwards is not None, "one direction needs no sweep"
    ahead_state = back_state = None
    with Spill(hidden) as ahead, Spill(hidden) as back:
        for start, stop in zip(range(0, len(x), SWEEP), range(len(x), 0, -SWEEP)):
            below = max(0, stop - SWEEP)
            first = _from_disk(x, start, start + SWEEP, device)
            last = _from_disk(x, below, stop, device).flip(1)
            (piece, ahead_state), (reverse, back_state) = at_once(
                partial(run_cell, forwards, first, ahead_state),
                partial(run_cell, backwards, last, back_state),
                device.type,
            )
            ahead.append(_to_disk(piece[0]))
            back.write(below, _to_disk(reverse[0].flip(0)))
        for start in range(0, len(x), SWEEP):
            here, *both = (_from_disk(z, start, start + SWEEP, device) for z in (x, ahead, back))
            y.append(_to_disk(layer.finish(here, torch.cat(both, -1))[0]))


def _from_disk(x: Spill, start: int, stop: int, device: torch.device) -> Tensor:
    return torch.from_numpy(x.read(start, stop)).to(device)[None]


def _to_disk(x: Tensor) -> np.ndarray:
    return x.float().cpu().numpy()
