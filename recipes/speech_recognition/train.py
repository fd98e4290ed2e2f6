"""Train a speech recogniser on prepared manifests.

python -m recipes.speech_recognition.train --config conf/speech_recognition/an4.yaml
"""

from __future__ import annotations

from audio_rnn.cli.shell import run_command
from audio_rnn.distributed.processes import leaving_group
from audio_rnn.engine.trainer import Trainer
from audio_rnn.inference.known_words import WORDS
from audio_rnn.models.speech import SpeechModel
from audio_rnn.models.transfer import begin_speech
from audio_rnn.tasks.recognition import Recognition
from audio_rnn.vocabulary import Vocabulary
from recipes.inherit import report_inherited
from recipes.known_words import keep_words
from recipes.prepared import data_file
from recipes.same_run import holding_run, keep_digest, keep_vocabulary
from recipes.speech_recognition.config import RecipeConfig, from_arguments
from recipes.speech_recognition.loading import load_train, load_valid
from recipes.speech_recognition.outcome import report_outcome
from recipes.training import begin, measure_statistics, report


@leaving_group()
def train(config: RecipeConfig) -> None:
    """Train, or go on with, the run that `config` describes."""
    begin(config.training)
    vocabulary = Vocabulary.load(config.data / "vocabulary.txt")
    model = SpeechModel(config.model, vocabulary)
    inherited = begin_speech(model, config.init) if config.init else None
    task = Recognition(model, config.augment)
    trainer = Trainer(task, config.training, config.run_dir)
    process = trainer.process
    batches = load_train(config, model, process)
    valid = load_valid(config, model, process)
    with holding_run(config.run_dir, config, process):
        keep_digest(config.run_dir / "train.sha256", data_file(config.data, "train"), process)
        if process.first:
            keep_vocabulary(config.run_dir / "vocabulary.txt", vocabulary)
            keep_words(config.run_dir / WORDS, data_file(config.data, "train"), vocabulary)
            report(model, batches, "utterances")
        if config.init and inherited and process.first and not trainer.begun:
            report_inherited(config.init, inherited, "symbols")
        if model.features.config.normalization == "global" and not (inherited or trainer.begun):
            measure_statistics(model.features, batches, process)
        end = trainer.fit(batches, valid)
    if process.first:
        report_outcome(config, end, batches, task.silent)


def main() -> None:
    """Command line."""
    train(from_arguments(__doc__ or ""))


if __name__ == "__main__":
    run_command(main)
