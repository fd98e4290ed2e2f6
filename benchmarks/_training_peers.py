"""How others train a recogniser: a plain PyTorch loop, and SpeechBrain's Brain with its own LSTM.

Both take features and augmentation from ours, join frames as ours, and end in CTC, AdamW and
clipped gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import ctc_loss
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from audio_rnn.data.dataset import SpeechBatch
from audio_rnn.engine.config import TrainingConfig
from audio_rnn.engine.update import AUTOCAST
from audio_rnn.models.speech import SpeechModel
from audio_rnn.tasks.recognition import Recognition

Round = Callable[[Iterable[SpeechBatch]], float]  # trains on batches -> mean loss


@dataclass(frozen=True)
class Peer:
    """What every side needs to know, and the front that all of them share."""

    task: Recognition  # ours, for its features and augmentation
    config: TrainingConfig
    device: torch.device

    @property
    def model(self) -> SpeechModel:
        """Ours."""
        return self.task.model

    def steps(self, batch: SpeechBatch) -> tuple[Tensor, Tensor]:
        """What the recurrent layers read: (batch, steps, inputs), and step lengths (batch,)."""
        frames, lengths = self.task.augmented(batch.inputs.to(self.device), batch.lengths)
        acoustic = self.model.acoustic
        return acoustic.front(frames), acoustic.output_lengths(lengths).to(self.device)

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Ours has the same numbers."""
        return torch.optim.AdamW(
            parameters, lr=self.config.rate, weight_decay=self.config.weight_decay
        )


def make_peers(peer: Peer) -> dict[str, Round]:
    """Every side but ours, by name; SpeechBrain where it is installed."""
    torch.manual_seed(0)
    cell = cell_name(peer.model)
    peers = {f"plain loop, packed {cell}": plain_loop(peer)}
    if find_spec("speechbrain"):
        peers[f"SpeechBrain's Brain, {cell}"] = brain(peer)
    return peers


def cell_name(model: SpeechModel) -> str:
    """The name of our cell in torch and SpeechBrain."""
    return model.acoustic.config.recurrent.cell.upper()


class PlainModel(nn.Module):
    """torch's layers over packed sequences, and a linear output."""

    def __init__(self, model: SpeechModel) -> None:
        super().__init__()
        acoustic = model.acoustic
        config = acoustic.config.recurrent
        self.rnn = getattr(nn, cell_name(model))(
            acoustic.recurrent.inputs, config.hidden, config.layers,
            dropout=config.dropout if config.layers > 1 else 0.0,
            bidirectional=True, batch_first=True,
        )  # fmt: skip
        self.output = nn.Linear(config.width, acoustic.output.out_features)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(batch, steps, inputs) -> log-probabilities (batch, steps, symbols)."""
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        y, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.output(y).float().log_softmax(-1)


def plain_loop(peer: Peer) -> Round:
    """The loop of many a tutorial: batches to the device, backward, clip, step, `.item()`."""
    network = PlainModel(peer.model).to(peer.device)
    optimizer = peer.optimizer(network.parameters())
    cast = AUTOCAST.get(peer.config.precision)
    scaler = torch.amp.GradScaler(peer.device.type, enabled=peer.config.precision == "fp16")

    def run(batches: Iterable[SpeechBatch]) -> float:
        network.train()
        losses = []
        for batch in batches:
            x, lengths = peer.steps(batch)
            targets, counts = batch.targets.to(peer.device), batch.target_lengths.to(peer.device)
            with torch.autocast(peer.device.type, cast, enabled=cast is not None):
                log_probs = network(x, lengths)
            loss = ctc_loss(log_probs.transpose(0, 1), targets, lengths, counts, zero_infinity=True)
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(network.parameters(), peer.config.clip)
            scaler.step(optimizer)
            scaler.update()
            losses.append(loss.item())
        return sum(losses) / len(losses)

    return run


def brain(peer: Peer) -> Round:
    """`Brain.fit_batch` for each batch, as `Brain.fit` does; its LSTM or GRU gets relative lengths."""
    from speechbrain.core import Brain, Stage
    from speechbrain.nnet import RNN
    from speechbrain.nnet.losses import ctc_loss as their_ctc_loss

    config, acoustic = peer.model.acoustic.config.recurrent, peer.model.acoustic
    layers = getattr(RNN, cell_name(peer.model))(
        config.hidden, input_size=acoustic.recurrent.inputs, num_layers=config.layers,
        dropout=config.dropout if config.layers > 1 else 0.0, bidirectional=True,
    )  # fmt: skip

    class Recogniser(Brain):
        def compute_forward(self, batch: SpeechBatch, stage: Stage) -> tuple[Tensor, Tensor]:
            x, lengths = peer.steps(batch)
            relative = ((lengths + 0.5) / lengths.max()).clamp(max=1)  # it rounds down
            y, _ = self.modules.layers(x, lengths=relative)
            return self.modules.output(y).float().log_softmax(-1), lengths / lengths.max()

        def compute_objectives(self, outputs: Any, batch: SpeechBatch, stage: Stage) -> Tensor:
            targets, counts = batch.targets.to(self.device), batch.target_lengths.to(self.device)
            relative = counts / targets.shape[1]
            return their_ctc_loss(outputs[0], targets, outputs[1], relative, blank_index=0)

    modules = {"layers": layers, "output": nn.Linear(config.width, acoustic.output.out_features)}
    precision = {"float32": "fp32"}.get(peer.config.precision, peer.config.precision)
    options = {"device": str(peer.device), "precision": precision, "max_grad_norm": 5.0}
    recogniser = Recogniser(modules, partial(peer.optimizer), run_opts=options)
    recogniser.on_fit_start()

    def run(batches: Iterable[SpeechBatch]) -> float:
        recogniser.modules.train()
        mean = 0.0
        for batch in batches:
            recogniser.step += 1
            mean = recogniser.update_average(recogniser.fit_batch(batch), mean)
        return float(mean)

    return run
