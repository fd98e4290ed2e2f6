"""Training speed of layers: RecurrentStack against packed sequences, same weights, same data.

    python -m benchmarks.recurrent                     # LSTM and GRU, one thread
    python -m benchmarks.recurrent --threads 2 --rounds 11
    python -m benchmarks.recurrent --threads 2 --no-bidirectional
    python -m benchmarks.recurrent --device cuda --precision bf16 --cells lstm

Peers: torch's own LSTM or GRU over `pack_padded_sequence`, and SpeechBrain's with lengths
(`pip install -e ".[bench]"`). A round times one forward and backward pass of each, one
after the other, so that other work on the machine meets them all; a ratio is taken in every
round, and its median, lowest and highest are printed. Outputs are compared first. On a GPU
the cases are of its size: with a number of items that cuDNN's persistent kernels take, and with one
that they do not; and our layers run a second time with their two directions in two streams. On several threads
ours spends them as `training.threads` says, the others as torch does, and ours runs on one as well.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from statistics import median
from typing import Literal

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from audio_rnn.config import from_command_line
from audio_rnn.device import choose_device, sent
from audio_rnn.engine.update import AUTOCAST
from audio_rnn.features import valid_frames
from audio_rnn.models.recurrent import (
    RecurrentConfig,
    RecurrentLayer,
    RecurrentStack,
    flip_index,
    run_cell,
    run_reversed,
)
from audio_rnn.threads import use_threads

Cell = Literal["lstm", "gru"]
Forward = Callable[[Tensor], Tensor]  # padded input -> padded output
Contender = tuple[nn.Module, Forward]
OURS, ALONE = "RecurrentStack", "RecurrentStack, one thread"
Pass = Callable[[], float]  # one forward and backward pass -> seconds
SHORTEST = 0.8  # of the longest length; the batches' padding is then about 10 %


@dataclass(frozen=True)
class Options:
    """What to time."""

    threads: int = 1  # of the CPU
    rounds: int = 7  # each runs every contender once
    cells: tuple[Cell, ...] = ("lstm", "gru")  # to compare
    device: str = "cpu"
    precision: Literal["float32", "bf16", "fp16"] = "float32"  # autocast of the forward pass
    bidirectional: bool = True


@dataclass(frozen=True)
class Case:
    """A network and a batch for it."""

    name: str
    items: int
    frames: int  # of the longest item
    inputs: int
    layers: int
    hidden: int = 256


CASES = {
    "cpu": (
        Case("AN4: 117 -> 3 x 256, 37 items", items=37, frames=100, inputs=117, layers=3),
        Case("one layer: 512 -> 256, 16 items", items=16, frames=134, inputs=512, layers=1),
    ),
    "cuda": tuple(
        Case(f"5 x 512, {n} items", items=n, frames=400, inputs=351, layers=5, hidden=512)
        for n in (64, 61)
    ),
}
# Largest difference of outputs that comes of digits alone; TF32 and halves leave three.
CLOSE = {"float32": 1e-5, "cuda": 2e-2, "bf16": 1e-1, "fp16": 1e-1}


def main() -> None:
    """Compare all cells in all cases."""
    options = from_command_line(Options, "Training speed of recurrent layers.")
    device = choose_device(options.device)
    if not find_spec("speechbrain"):
        print('SpeechBrain is not here: pip install -e ".[bench]" to compare with it too')
    torch.manual_seed(0)
    table = Table("cell", "case", "contender", "frames/s", "ours is faster by", "difference")
    for cell in options.cells:
        for case in CASES[device.type]:
            for row in compare(cell, case, options, device):
                table.add_row(cell, case.name, *row)
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table)
    console.print(
        f"{device.type}, {options.precision}, {options.threads} thread(s), {options.rounds} rounds: "
        "median (lowest to highest)"
    )


def compare(
    cell: Cell, case: Case, options: Options, device: torch.device
) -> list[tuple[str, str, str, str]]:
    """A row for each contender: name, frames/s, ratio, largest difference of an output."""
    lengths = draw_lengths(case)
    x = torch.randn(case.items, int(lengths.max()), case.inputs, device=device)
    contenders = {
        name: (network, cast(forward, options.precision))
        for name, (network, forward) in make_contenders(
            cell, case, lengths, device, options.bidirectional
        ).items()
    }
    if options.threads > 1:
        contenders[ALONE] = contenders[OURS]
    close = CLOSE["cuda" if x.is_cuda and options.precision == "float32" else options.precision]
    differences = compare_outputs({n: f for n, (_, f) in contenders.items()}, x, close)
    passes = {
        n: timed_pass(m, f, x, threads_of(n, options.threads)) for n, (m, f) in contenders.items()
    }
    seconds = measure(passes, options.rounds)
    ours, frames = seconds[OURS], int(lengths.sum())
    return [
        (n, f"{frames / median(s):,.0f}", ratio(s, ours), f"{differences[n]:.0e}")
        for n, s in seconds.items()
    ]


def cast(forward: Forward, precision: str) -> Forward:
    """The same in that precision, its output in float32."""
    dtype = AUTOCAST.get(precision)

    def run(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, dtype, enabled=dtype is not None):
            return forward(x).float()

    return run


@torch.no_grad()
def compare_outputs(forwards: dict[str, Forward], x: Tensor, close: float) -> dict[str, float]:
    """Each contender's largest difference from ours; more than `close` is not the same network."""
    expected = forwards[OURS](x)
    differences = {n: float((forward(x) - expected).abs().max()) for n, forward in forwards.items()}
    assert max(differences.values()) < close, f"the contenders do not agree: {differences}"
    return differences


def draw_lengths(case: Case) -> Tensor:
    """Lengths as they stand in a bucketed batch, in no order; one is the longest."""
    lengths = torch.randint(round(SHORTEST * case.frames), case.frames + 1, (case.items,))
    lengths[case.items // 2] = case.frames
    return lengths


def make_contenders(
    cell: Cell, case: Case, lengths: Tensor, device: torch.device, both: bool
) -> dict[str, Contender]:
    """Networks with equal weights, of `both` directions or one."""
    config = RecurrentConfig(cell, case.hidden, case.layers, both, dropout=0.0)
    ours = RecurrentStack(config, case.inputs).to(device)
    packed = getattr(nn, cell.upper())(
        case.inputs, case.hidden, case.layers, bidirectional=both, batch_first=True
    ).to(device)
    copy_weights(ours, packed)
    return {
        OURS: (ours, lambda x: ours(x, lengths)[0]),
        "torch, packed": (packed, lambda x: run_packed(packed, x, lengths)),
        **two_streams_contender(ours, lengths, device),
        **speechbrain_contender(cell, ours, case, lengths),
    }


def two_streams_contender(
    ours: RecurrentStack, lengths: Tensor, device: torch.device
) -> dict[str, Contender]:
    """The same layers on a GPU, whose two directions then need not wait for each other."""
    if device.type != "cuda" or not ours.config.bidirectional:
        return {}
    side, lengths = torch.cuda.Stream(device), sent(lengths, device)
    return {"in two streams": (ours, lambda x: run_in_two_streams(ours, x, lengths, side))}


def run_in_two_streams(
    stack: RecurrentStack, x: Tensor, lengths: Tensor, side: torch.cuda.Stream
) -> Tensor:
    """(batch, frames, inputs) -> (batch, frames, width), the backward directions in stream `side`.

    Backward passes run in the streams of their forward passes. What one stream made and the other uses
    may be given back while that one is still at work, hence `record_stream`.
    """
    main, flip = torch.cuda.current_stream(x.device), flip_index(lengths, x.shape[1])
    mask = valid_frames(lengths, x.shape[1]).unsqueeze(-1)
    flip.record_stream(side)
    for layer in stack.layers:
        assert isinstance(layer, RecurrentLayer) and layer.backwards is not None
        side.wait_stream(main)
        x.record_stream(side)
        with torch.cuda.stream(side):
            reverse = run_reversed(layer.backwards, x, flip)
        forward, _ = run_cell(layer.forwards, x, None)
        main.wait_stream(side)
        reverse.record_stream(main)
        x = layer.finish(x, torch.cat([forward, reverse], dim=-1)) * mask
    return x


def speechbrain_contender(
    cell: Cell, ours: RecurrentStack, case: Case, lengths: Tensor
) -> dict[str, Contender]:
    """SpeechBrain's network with relative lengths, where SpeechBrain is installed."""
    if not find_spec("speechbrain"):
        return {}
    from speechbrain.nnet import RNN

    device = next(ours.parameters()).device
    theirs = getattr(RNN, cell.upper())(
        case.hidden, input_size=case.inputs, num_layers=case.layers,
        bidirectional=ours.config.bidirectional,
    ).to(device)  # fmt: skip
    copy_weights(ours, theirs.rnn)
    relative = ((lengths + 0.5) / lengths.max()).clamp(max=1).to(device)  # it rounds down
    return {"SpeechBrain, lengths": (theirs, lambda x: theirs(x, lengths=relative)[0])}


def copy_weights(ours: RecurrentStack, theirs: nn.RNNBase) -> None:
    """Give torch's network the weights of our layers."""
    for name, weight in ours.named_parameters():  # layers.2.backwards.weight_ih_l0
        _, number, direction, kind = name.split(".")
        suffix = "_reverse" if direction == "backwards" else ""
        theirs.get_parameter(kind[:-1] + number + suffix).data.copy_(weight)


def run_packed(network: nn.RNNBase, x: Tensor, lengths: Tensor) -> Tensor:
    """(batch, frames, inputs) -> (batch, frames, directions * hidden) over packed sequences."""
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(network(packed)[0], batch_first=True)[0]


def threads_of(contender: str, count: int) -> Callable[[], None]:
    """What gives a contender its threads."""
    if contender == ALONE:
        return partial(use_threads, 1)
    return partial(use_threads if contender == OURS else torch.set_num_threads, count)


def timed_pass(
    network: nn.Module, forward: Forward, x: Tensor, prepare: Callable[[], None]
) -> Pass:
    """Forward and backward of one batch, without an optimiser's step."""

    def run() -> float:
        prepare()
        network.zero_grad()
        start = now(x.device)
        forward(x).sum().backward()
        return now(x.device) - start

    return run


def now(device: torch.device) -> float:
    """Seconds, when all work is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def measure(passes: dict[str, Pass], rounds: int) -> dict[str, list[float]]:
    """Seconds of every pass in every round, after one that is not counted."""
    times = [{name: run() for name, run in passes.items()} for _ in range(rounds + 1)][1:]
    return {name: [round_[name] for round_ in times] for name in passes}


def ratio(theirs: list[float], ours: list[float]) -> str:
    """How many times faster ours is."""
    ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    main()
