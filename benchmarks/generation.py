"""Generation of music on the CPU: our steps against a plain PyTorch loop, and batches.

    python -m benchmarks.generation
    python -m benchmarks.generation --rounds 3 --symbols 100

The network is a GRU of three layers of 512 over the event symbols, with random weights, the same for
all. Every round runs all sides. The plain loop takes one step of `torch.nn.GRU` after the other and
draws with `torch.multinomial`, without any grammar; ours masks what is no piece at every step. All have
one thread, but for the last side, which has as many as torch would use (OMP_NUM_THREADS): of a batch,
each takes a part; a piece alone could not use a second one. At the end, the products of matrices of a
step by themselves, on one thread: how fast they are read, or multiplied, at best.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from statistics import median, quantiles
from threading import Event

import numpy as np
import torch

from audio_rnn.config import from_command_line
from audio_rnn.decoding.plan import Plan
from audio_rnn.decoding.planned import Planned
from audio_rnn.decoding.sampling import Sampler, SamplingConfig
from audio_rnn.inference.shares import share
from audio_rnn.midi.symbols import event_vocabulary
from audio_rnn.models.sequence import SequenceConfig, SequenceModel
from audio_rnn.models.stepper import Stepper

BATCH = 64
STEPS = 300  # of which the fastest is told


@dataclass(frozen=True)
class Arguments:
    """What to time."""

    symbols: int = 150  # of each piece
    rounds: int = 7  # each runs every side once
    hidden: int = 512
    layers: int = 3


def main() -> None:
    """Time all sides in turn, then print symbols a second and ratios."""
    arguments = from_command_line(Arguments, "Generation of music, one step at a time.")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = SequenceConfig(cell="gru", hidden=arguments.hidden, layers=arguments.layers)
    model = SequenceModel(config, event_vocabulary()).eval()
    stepper = Stepper(model)
    sampler = Sampler(stepper, SamplingConfig())
    n = arguments.symbols
    sides: dict[str, tuple[int, Callable[[], None]]] = {
        "plain PyTorch, one piece": (n, partial(plain, model, n)),
        "ours, one piece": (n, partial(ours, sampler, 1, n)),
        f"ours, {BATCH} pieces one by one": (BATCH * n, partial(one_by_one, sampler, n)),
        f"ours, {BATCH} pieces at once": (BATCH * n, partial(ours, sampler, BATCH, n)),
        f"plain PyTorch, {BATCH} pieces at once": (BATCH * n, partial(plain, model, n, BATCH)),
        f"{threads} threads, {BATCH} pieces at once": (
            BATCH * n,
            partial(shared, sampler, n, threads),
        ),
    }
    for _, side in sides.values():
        side()  # compiles, warms caches
    speeds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(arguments.rounds):
        for name, (symbols, side) in sides.items():
            began = time.perf_counter()
            side()
            speeds[name].append(symbols / (time.perf_counter() - began))
    show(speeds)
    for rows in (1, BATCH // 2):
        show_products(stepper, rows)


@torch.no_grad()
def plain(model: SequenceModel, symbols: int, batch: int = 1) -> None:
    """A loop as people write it."""
    log_probs, state = model.start(batch)
    for _ in range(symbols):
        drawn = torch.multinomial(log_probs.exp(), 1).squeeze(1)
        log_probs, state = model.step(drawn, state)


def ours(sampler: Sampler, batch: int, symbols: int, first: int = 0) -> None:
    """Pieces side by side, within their grammar."""
    pieces = [Planned(Plan(bars=math.inf)) for _ in range(batch)]
    seeds = range(first, first + batch)
    for _ in islice(sampler.sample(pieces, seeds), symbols):
        pass


def shared(sampler: Sampler, symbols: int, threads: int) -> None:
    """The same pieces, some on each thread."""

    def draw(numbers: range, _: Event) -> list[None]:
        ours(sampler, len(numbers), symbols, numbers.start)
        return []

    share(draw, BATCH, threads)


def one_by_one(sampler: Sampler, symbols: int) -> None:
    """The same pieces, each alone."""
    for seed in range(BATCH):
        ours(sampler, 1, symbols, seed)


def show(speeds: dict[str, list[float]]) -> None:
    """Medians, and ratios of each round with their quartiles."""
    for name, values in speeds.items():
        print(f"{name:34} {median(values):8,.0f} symbols/s")
    names = list(speeds)
    for above, below in ((1, 0), (3, 2), (5, 2), (3, 0), (5, 0), (3, 4)):
        ratios = [a / b for a, b in zip(speeds[names[above]], speeds[names[below]])]
        low, middle, high = quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        print(f"{names[above]} / {names[below]}: {middle:.2f} ({low:.2f} to {high:.2f})")


def show_products(stepper: Stepper, rows: int) -> None:
    """The time of all products of a step, at best."""
    products = (*stepper.recurrent, *stepper.inputs, *stepper.heads)
    random, best = np.random.default_rng(0), math.inf
    widths = [product.panels.shape[1] for product in products]
    xs = [random.standard_normal((rows, width)).astype(np.float32) for width in widths]
    for _ in range(STEPS):
        began = time.perf_counter()
        for product, x in zip(products, xs):
            product(x)
        best = min(best, time.perf_counter() - began)
    operations = 2 * rows * sum(w * len(p.bias) for w, p in zip(widths, products))
    print(f"products of {rows} rows: {best * 1e3:.2f} ms, {operations / best / 1e9:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
