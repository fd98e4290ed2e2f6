"""Train a tagger on prepared manifests.

python -m recipes.audio_tagging.train --config conf/audio_tagging/esc10.yaml --fold 1
"""

from __future__ import annotations

from audio_rnn.classes import Classes
from audio_rnn.cli.shell import run_command
from audio_rnn.data.manifest import read_manifest
from audio_rnn.distributed.processes import leaving_group
from audio_rnn.engine.trainer import Trainer
from audio_rnn.models.sound import SoundModel
from audio_rnn.models.transfer import begin_sound
from audio_rnn.tasks.tagging import Tagging
from recipes.audio_tagging.config import RecipeConfig, from_arguments
from recipes.audio_tagging.loading import (
    load_shares,
    load_train,
    load_valid,
    tells_times,
    training_file,
)
from recipes.command import suggest, suggest_evaluation
from recipes.inherit import report_inherited
from recipes.same_run import holding_run, keep_digest
from recipes.training import begin, measure_statistics, report


@leaving_group()
def train(config: RecipeConfig) -> None:
    """Train, or go on with, the run that `config` describes."""
    begin(config.training)
    classes = Classes.load(config.data / "classes.txt")
    model = SoundModel(config.model, classes)
    inherited = begin_sound(model, config.init) if config.init else None
    shares = load_shares(config, classes)
    task = Tagging(model, config.augment, config.clips, config.task, shares, tells_times(config))
    trainer = Trainer(task, config.training, config.run_dir)
    process = trainer.process
    batches = load_train(config, classes, process)
    valid = load_valid(config, classes)
    with holding_run(config.run_dir, config, process):
        keep_digest(config.run_dir / "train.sha256", training_file(config), process)
        if process.first:
            report(model, batches, "clips")
        if config.init and inherited and process.first and not trainer.begun:
            report_inherited(config.init, inherited, "classes")
        if model.features.config.normalization == "global" and not (inherited or trainer.begun):
            measure_statistics(model.features, batches, process)
        trainer.fit(batches, valid)
    if process.first and config.fold is None:
        _suggest(config)


def _suggest(config: RecipeConfig) -> None:
    """What comes next: where events are known, thresholds first."""
    run, data = config.run_dir, config.data
    valid, script = data / "valid.jsonl", "recipes.audio_tagging.evaluate"
    if valid.exists() and any(u.events for u in read_manifest(valid)):
        suggest(script, "--model", run, "--manifest", valid, "--tune")
    source = config.shards.source
    suggest_evaluation("audio_tagging", run, "--manifest", data, ".jsonl", source)


def main() -> None:
    """Command line."""
    train(from_arguments(__doc__ or ""))


if __name__ == "__main__":
    run_command(main)
