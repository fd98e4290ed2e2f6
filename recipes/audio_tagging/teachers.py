"""The trained models that a training is told to learn from, too."""

from __future__ import annotations

from pathlib import Path

from audio_rnn.config import read_yaml
from audio_rnn.errors import ConfigError
from audio_rnn.models.sound import SoundModel
from audio_rnn.tasks.teaching import Teachers
from recipes.audio_tagging.config import RecipeConfig


def load_teachers(config: RecipeConfig, model: SoundModel) -> Teachers | None:
    """Those of `teachers`, None without any. Raises: ModelError, ConfigError."""
    if not config.teachers:
        return None
    models = [SoundModel.load(folder) for folder in config.teachers]
    for folder, teacher in zip(config.teachers, models):
        _check_ear(folder, teacher, model)
        _check_fold(folder, config.fold)
    return Teachers(models, config.task.taught)


def _check_ear(folder: Path, teacher: SoundModel, student: SoundModel) -> None:
    """Raises: ConfigError unless both hear the same frames and name the same classes."""
    for name, found, expected in (
        ("classes", teacher.classes.names, student.classes.names),
        ("model.labels", teacher.config.labels, student.config.labels),
        ("model.features", teacher.config.features, student.config.features),
    ):
        if found != expected:
            raise ConfigError(
                f"teachers: {folder} has {name} {found}, expected those of the student, {expected}"
            )


def _check_fold(folder: Path, fold: int | None) -> None:
    """Raises: ConfigError when a teacher has heard the fold that is kept for testing."""
    path = folder / "config.yaml"
    heard = read_yaml(path).get("fold") if path.exists() else None
    if fold is not None and heard != fold:
        raise ConfigError(
            f"teachers: {folder} was trained with fold {heard} kept for testing, expected {fold}; it "
            "would tell the student what it has heard in the test"
        )
