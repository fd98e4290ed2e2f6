"""What recurrent layers, and known times, bring to the detection of events.

    python -m benchmarks.detection

Trains the model of --config, the same with its recurrent layers replaced by convolutions over time
with as many parameters, and the model again with tags in place of events, once for each pooling of
--weak; each for every seed. Rules are tuned on valid.jsonl, scores are those of test.jsonl. A run that
is there already is not repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import mean, stdev

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from audio_rnn.classes import Classes
from audio_rnn.config import from_command_line, load
from audio_rnn.distributed.processes import leaving_group
from audio_rnn.engine.trainer import Trainer
from audio_rnn.features import valid_frames
from audio_rnn.models.folder import load_weights, read_model
from audio_rnn.models.pooling import Pooling
from audio_rnn.models.recurrent import RecurrentStack
from audio_rnn.models.sound import KIND, SoundModel
from audio_rnn.tasks.tagging import Tagging
from recipes.audio_tagging.config import RecipeConfig
from recipes.audio_tagging.hearing import listen
from recipes.audio_tagging.loading import load_shares, load_train, load_valid, tells_times
from recipes.audio_tagging.psds import psds
from recipes.audio_tagging.scores import Scores, count_events, event_scores
from recipes.audio_tagging.tune import tuned
from recipes.held_out import held_out
from recipes.training import measure_statistics, say

KERNEL = 3  # steps that a convolution over time sees

Side = tuple[Callable[[SoundModel], None], RecipeConfig]  # change of the model, its training


@dataclass(frozen=True)
class Arguments:
    """What to compare on what."""

    recipe: Path = Path("conf/audio_tagging/soundscapes.yaml")  # the recurrent model
    weak: tuple[Pooling, ...] = ("linear_softmax",)  # how scores of steps become one of tags
    seeds: tuple[int, ...] = (0,)


class TimeConvolution(nn.Module):
    """In place of recurrent layers: as many, with about as many parameters, seeing bounded time."""

    def __init__(self, stack: RecurrentStack) -> None:
        super().__init__()
        self.config = stack.config
        wanted = parameters(stack)
        hidden = min(range(8, 2048), key=lambda n: abs(sum(_sizes(_widths(stack, n))) - wanted))
        widths = _widths(stack, hidden)
        self.layers = nn.ModuleList(
            nn.Conv1d(a, b, KERNEL, padding=KERNEL // 2) for a, b in pairwise(widths)
        )
        self.dropout = nn.Dropout(stack.config.dropout)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, None]:
        """(batch, steps, inputs) -> (batch, steps, width), and no state."""
        mask, y = valid_frames(lengths, x.shape[1]).unsqueeze(1), x.transpose(1, 2)
        for i, layer in enumerate(self.layers):
            y = layer(self.dropout(y) if i else y).relu() * mask
        return y.transpose(1, 2), None


def _widths(stack: RecurrentStack, hidden: int) -> list[int]:
    return [stack.inputs, *[hidden] * stack.config.layers, stack.config.width]


def _sizes(widths: list[int]) -> list[int]:
    return [KERNEL * a * b + b for a, b in pairwise(widths)]


def parameters(module: nn.Module) -> int:
    """How many numbers are learnt."""
    return sum(p.numel() for p in module.parameters())


def recurrent(model: SoundModel) -> None:
    """The model as configured."""


def convolutional(model: SoundModel) -> None:
    """The same without its recurrent layers."""
    model.tagger.recurrent = TimeConvolution(model.tagger.recurrent)  # type: ignore[assignment]


def sides(base: RecipeConfig, weak: tuple[Pooling, ...]) -> dict[str, Side]:
    """What is compared, by name."""
    found: dict[str, Side] = {
        "recurrent": (recurrent, base),
        "convolution": (convolutional, base),
    }
    for pooling in weak:
        tagger = replace(base.model.tagger, pooling=pooling)
        config = replace(base, use_events=False, model=replace(base.model, tagger=tagger))
        found[f"tags alone, {pooling}"] = (recurrent, config)
    return found


@leaving_group()
def trained(config: RecipeConfig, change: Callable[[SoundModel], None]) -> SoundModel:
    """The best model of a run, by validation."""
    torch.manual_seed(config.training.seed)
    classes = Classes.load(config.data / "classes.txt")
    model = SoundModel(config.model, classes)
    change(model)
    shares = load_shares(config, classes)
    task = Tagging(model, config.augment, config.clips, config.task, shares, tells_times(config))
    trainer = Trainer(task, config.training, config.run_dir)
    batches = load_train(config, classes, trainer.process)
    if not trainer.begun:
        measure_statistics(model.features, batches, trainer.process)
    trainer.fit(batches, load_valid(config, classes))
    load_weights(model, read_model(config.run_dir, KIND).weights, config.run_dir)
    return model.eval()


def scores(config: RecipeConfig, model: SoundModel) -> Scores:
    """On the test set, with rules that were tuned on the validation set."""
    splits = (held_out(config.data / f"{split}.jsonl") for split in ("valid", "test"))
    (valid, known), (test, heard) = (zip(*listen([model], split)) for split in splits)
    rules = tuned(valid, known, model.classes, model.step_seconds)
    counts = count_events(test, heard, model.classes, model.step_seconds, rules)
    return event_scores(counts) | psds(test, heard, model.classes, model.step_seconds)


def main() -> None:
    """Train, score, and print one table."""
    arguments = from_command_line(Arguments, "Detection with and without recurrent layers.")
    base = load(RecipeConfig, arguments.recipe)
    table = Table("model", "parameters", "event F1", "segment F1", "PSDS1", "PSDS2")
    for name, (change, side) in sides(base, arguments.weak).items():
        found = []
        for seed in arguments.seeds:
            run_dir = base.run_dir / f"{name.replace(', ', '_').replace(' ', '_')}_{seed}"
            training = replace(base.training, seed=seed)
            config = replace(side, run_dir=run_dir, training=training)
            model = trained(config, change)
            found.append(scores(config, model))
            say(f"{name}, seed {seed}: {found[-1]}")
        cells = [told([100 * scores[key] for scores in found]) for key in found[0]]
        table.add_row(name, f"{parameters(model):,}", *cells)
    Console().print(table)


def told(values: list[float]) -> str:
    """The mean, and the standard deviation of several."""
    spread = f" ± {stdev(values):.1f}" if len(values) > 1 else ""
    return f"{mean(values):.1f}{spread}"


if __name__ == "__main__":
    main()
